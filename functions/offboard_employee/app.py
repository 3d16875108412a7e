"""Offboard an employee from all clients with one write."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel

from partner_access.api import cursors, routing
from partner_access.api.request_fields import ListQuery, ListResponse
from partner_access.domain.act import Act
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.relationships import offboarding
from partner_access.domain.relationships.offboarding import AffectedMembership, ReceiptOutcome, ReceiptRow
from partner_access.store.dynamo import replace_response, replay_if_stored, store_response
from partner_access.store.relationships import offboarding as stored

app = routing.App(replay_if_stored=replay_if_stored)


class OffboardingQuery(ListQuery):
    """Query parameters of an offboarding. `dry_run` previews it, and a cursor continues the receipt of one done."""

    dry_run: Literal["true", "false"] = "false"

    @property
    def is_dry_run(self) -> bool:
        return self.dry_run == "true"


class OffboardingRow(BaseModel, title="OffboardingRow"):
    """The outcome for one account. A membership that only the client can end is retained."""

    account_id: str
    name: str
    outcome: ReceiptOutcome
    reason: str | None = None


class OffboardingList(ListResponse, title="OffboardingList"):
    """The outcomes for one page of accounts, sorted by account id."""

    items: tuple[OffboardingRow, ...]


@app.operation(
    routing.Docs(
        "offboard_employee",
        tag=routing.Tag.PARTNERS,
        summary="End all access of an employee to the clients of a partner.",
        description=(
            "Client access managers of the partner can offboard anyone, and employees can offboard themselves. "
            "Access ends at once in every client, the response lists the outcome by account, and accounts that are "
            "not on its page are updated soon after. With `dry_run`, nothing is changed."
        ),
    ),
)
def offboard_employee(partner_id: str, user_id: str, query: OffboardingQuery, act: Act) -> OffboardingList:
    facts = stored.facts(partner_id, user_id, act.actor_id)
    offboarding.must_be_offboardable(facts, act)
    listed = f"offboard_employee {partner_id} {user_id}"
    continued_position = cursors.position_after(query, listed, act)
    name, _, after = (continued_position or act.id).partition(" ")
    whole_act = replace(act, id=name, idempotency_key=None)
    reconciliation = Reconciliation(partner_id=partner_id, user_id=user_id, reason=ReconciliationReason.OFFBOARDED)

    def offboarding_list(row_of: Callable[[AffectedMembership], OffboardingRow | None]) -> OffboardingList:
        page = stored.page(reconciliation, user_id, whole_act, after=after or None, limit=query.size)
        return OffboardingList(
            items=tuple(item for item in map(row_of, page.affected) if item),
            next_cursor=cursors.cursor(page.after and f"{name} {page.after}", query, listed, act),
        )

    def preview_row(affected: AffectedMembership) -> OffboardingRow | None:
        return _row(affected, offboarding.receipt_row(affected.after_offboarding(), act))

    def reconciled_row(affected: AffectedMembership) -> OffboardingRow | None:
        is_done = stored.reconcile(affected, user_id, whole_act)
        return _row(affected, offboarding.receipt_row(affected, act), is_done=is_done)

    if query.is_dry_run:
        return offboarding_list(preview_row)
    if continued_position:
        response = offboarding_list(reconciled_row)
        store_response(act, response)
        return response
    previewed = offboarding_list(preview_row)
    stored.record_offboarding(offboarding.offboard_employee(facts, act), previewed)
    try:
        response = offboarding_list(reconciled_row)
        replace_response(act, response)
    except TemporarilyUnavailable:
        return previewed
    return response


def _row(
    affected: AffectedMembership, receipt_row: ReceiptRow | None, *, is_done: bool = False
) -> OffboardingRow | None:
    if not receipt_row:
        return None
    return OffboardingRow(
        account_id=affected.account.account_id,
        name=affected.account.name,
        outcome=ReceiptOutcome.ENDED
        if is_done and receipt_row.outcome is ReceiptOutcome.PENDING
        else receipt_row.outcome,
        reason=receipt_row.reason,
    )


handler = app
