"""Super admins become partner admins."""

from http import HTTPStatus
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, Field

from partner_access.api import bulk, routing
from partner_access.api.bulk import BulkOutcome, BulkRow
from partner_access.api.request_fields import (
    Identifier,
    Request,
    UserId,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import GrantResponse, MemberResponse
from partner_access.domain.act import Act
from partner_access.domain.errors import NotSuperAdmin
from partner_access.domain.memberships import migrations
from partner_access.domain.memberships.members import Seat
from partner_access.domain.memberships.migrations import SuperAdminMigrated
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.memberships import migrations as stored
from partner_access.store.memberships.actors import in_account

app = routing.App(replay_if_stored=replay_if_stored)


class SeatChangeResponse(BaseModel, title="SeatChangeResponse"):
    """The change of the base seat. Paid seats stay."""

    before: Seat | None
    after: Seat

    @classmethod
    def of(cls, preview: migrations.MigrationPreview) -> Self:
        return cls(before=preview.seat_before, after=preview.seat_after)


class MigrateRequest(Request, title="MigrateRequest"):
    """The user to migrate. Name the partner if the user works for several. `dry_run` only previews the migration."""

    user_id: UserId
    partner_id: Identifier | None = None
    dry_run: bool = False


class MigrationPreviewResponse(ResponseBody, title="MigrationPreviewResponse"):
    """The result that a migration would have, with the number of super admins who remain."""

    member: MemberResponse
    grant: GrantResponse
    lost: tuple[str, ...]
    seat: SeatChangeResponse
    remaining_super_admins: int
    remaining_are_partner_employees: bool


class MigrationResponse(MigrationPreviewResponse, title="MigrationResponse"):
    """The result of a completed migration."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "migrate",
        tag=routing.Tag.USERS,
        summary="Migrate a super admin of an account to partner admin.",
        description=(
            "Super admins of the account can migrate themselves, or another super admin who works for a partner. The "
            "account must keep at least one active super admin. With `dry_run`, the response is a preview and "
            "nothing is changed."
        ),
    ),
)
def migrate(account_id: str, request: MigrateRequest, act: Act) -> MigrationPreviewResponse:
    facts = stored.facts(account_id, request.user_id, act.actor_id, request.partner_id)
    migrated = migrations.migrate(facts, act)
    if request.dry_run:
        return _response(MigrationPreviewResponse, migrated)
    response = _response(MigrationResponse, migrated)
    stored.record(migrated, response)
    return response


def _response(kind: type[MigrationPreviewResponse], migrated: SuperAdminMigrated) -> MigrationPreviewResponse:
    preview = migrated.preview
    return kind(
        member=MemberResponse.of(migrated.member, migrated.employee, migrated.account),
        grant=GrantResponse.of(migrated.grant, migrated.member, migrated.account),
        lost=preview.lost,
        seat=SeatChangeResponse.of(preview),
        remaining_super_admins=preview.remaining_super_admins,
        remaining_are_partner_employees=preview.remaining_are_partner_employees,
    )


class MigrateSelfRequest(Request, title="MigrateSelfRequest"):
    """The accounts in which you migrate yourself, each in its own transaction. `dry_run` only previews this."""

    account_ids: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]
    dry_run: bool = False


class MigrationRow(BulkRow, title="MigrationRow"):
    """The outcome for one account."""

    account_id: str
    lost: tuple[str, ...] | None = None
    seat: SeatChangeResponse | None = None
    remaining_are_partner_employees: bool | None = None
    notice: str | None = None


class MigrateSelfResponse(ResponseBody, title="MigrateSelfResponse"):
    """The outcomes for all accounts, in the order of the request."""

    items: tuple[MigrationRow, ...]


@app.operation(
    routing.Docs(
        "migrate_self",
        tag=routing.Tag.PARTNERS,
        summary="Migrate yourself from super admin to partner admin in several clients.",
        description=(
            "Partner employees can migrate themselves in up to 50 accounts, each in a transaction of its own and "
            "with a row in the response. Repeat the request to migrate the accounts that are left. With `dry_run`, "
            "nothing is changed."
        ),
    ),
)
def migrate_self(partner_id: str, request: MigrateSelfRequest, act: Act) -> MigrateSelfResponse:
    replay_if_stored(act)
    caller, partner = in_account(partner_id, act.actor_id)
    caller.must_be_employee(partner, act.at)
    report = MigrateSelfResponse(
        items=tuple(
            _row(partner_id, account_id, act.for_item(account_id), dry_run=request.dry_run)
            for account_id in dict.fromkeys(request.account_ids)
        )
    )
    if not request.dry_run and bulk.is_complete(report.items):
        store_response(act, report)
    return report


def _row(partner_id: str, account_id: str, act: Act, *, dry_run: bool) -> MigrationRow:
    return bulk.row(
        lambda one: _migrated_row(partner_id, account_id, one, dry_run=dry_run),
        act,
        MigrationRow(account_id=account_id, outcome=BulkOutcome.DONE),
        skipped=NotSuperAdmin,
        replay_if_stored=replay_if_stored,
    )


def _migrated_row(partner_id: str, account_id: str, act: Act, *, dry_run: bool) -> MigrationRow:
    migrated = migrations.migrate(stored.facts(account_id, act.actor_id, act.actor_id, partner_id), act)
    row = MigrationRow(
        account_id=account_id,
        outcome=BulkOutcome.WOULD_MIGRATE if dry_run else BulkOutcome.DONE,
        lost=migrated.preview.lost,
        seat=SeatChangeResponse.of(migrated.preview),
        remaining_are_partner_employees=migrated.preview.remaining_are_partner_employees,
        notice="paid_seat_required" if migrated.preview.paid_seat_required else None,
    )
    if not dry_run:
        stored.record(migrated, row)
    return row


handler = app
