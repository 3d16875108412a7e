"""DELETE /partners/{partner_id}/employees/{user_id}/access: all that somebody may do for a partner ends at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel

from partner_access.api import cursors, routing
from partner_access.api.request_fields import ListQuery, Page
from partner_access.domain.act import Act
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.notifications import CleanUp, Occasion
from partner_access.domain.relationships import offboarding
from partner_access.domain.relationships.offboarding import Aftermath, Line, ReceiptOutcome
from partner_access.store.dynamo import keep, keep_instead, recall
from partner_access.store.relationships import offboarding as stored

app = routing.App(recall=recall)

ACCESS = "/partners/{partner_id}/employees/{user_id}/access"


class EndQuery(ListQuery):
    """`dry_run` shows what would end; a cursor goes on with the receipt of what has."""

    dry_run: Literal["true", "false"] = "false"

    @property
    def is_dry(self) -> bool:
        return self.dry_run == "true"


class OffboardingRow(BaseModel, title="OffboardingRow"):
    """The outcome for one account. `retained` means a membership that only the client can end."""

    account_id: str
    name: str
    outcome: ReceiptOutcome
    reason: str | None = None


class OffboardingList(Page, title="OffboardingList"):
    """The outcomes for one page of accounts, sorted by account id."""

    items: tuple[OffboardingRow, ...]


@app.delete(
    ACCESS,
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
def offboard_employee(partner_id: str, user_id: str, query: EndQuery, act: Act) -> OffboardingList:
    facts = stored.facts(partner_id, user_id, act.by)
    offboarding.must_be_endable(facts, act)
    listed = ACCESS.format(partner_id=partner_id, user_id=user_id)
    begun = cursors.after(query, listed, act)
    name, _, after = (begun or act.name).partition(" ")
    whole = replace(act, name=name, once=None)
    clean_up = CleanUp(partner_id=partner_id, user_id=user_id, reason=Occasion.OFFBOARDED)

    def receipts(shown: Callable[[Aftermath], OffboardingRow | None]) -> OffboardingList:
        page = stored.page(clean_up, user_id, whole, after=after or None, limit=query.size)
        return OffboardingList(
            items=tuple(item for item in map(shown, page.aftermaths) if item),
            next_cursor=cursors.cursor(page.after and f"{name} {page.after}", query, listed, act),
        )

    def foreseen(aftermath: Aftermath) -> OffboardingRow | None:
        return _shown(aftermath, offboarding.line(aftermath.foreseen(), act))

    def followed(aftermath: Aftermath) -> OffboardingRow | None:
        is_done = stored.follow(aftermath, user_id, whole)
        return _shown(aftermath, offboarding.line(aftermath, act), is_done=is_done)

    if query.is_dry:
        return receipts(foreseen)
    if begun:
        answer = receipts(followed)
        keep(act, answer)
        return answer
    promised = receipts(foreseen)
    stored.record_end(offboarding.end_access(facts, act), promised)
    try:
        answer = receipts(followed)
        keep_instead(act, answer)
    except TemporarilyUnavailable:
        return promised
    return answer


def _shown(aftermath: Aftermath, line: Line | None, *, is_done: bool = False) -> OffboardingRow | None:
    if not line:
        return None
    return OffboardingRow(
        account_id=aftermath.account.account_id,
        name=aftermath.account.name,
        outcome=ReceiptOutcome.ENDED if is_done and line.receipt is ReceiptOutcome.PENDING else line.receipt,
        reason=line.reason,
    )


handler = app
