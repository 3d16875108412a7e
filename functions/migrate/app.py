"""POST /accounts/{account_id}/migrations and /partners/{partner_id}/migrations: super admins become partner admins."""

from http import HTTPStatus
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, Field

from partner_access import api, bulk
from partner_access.bulk import BulkRow, Outcome
from partner_access.domain import migrations
from partner_access.domain.decisions import Act, Answer
from partner_access.domain.members import Seat
from partner_access.domain.migrations import SuperAdminMigrated
from partner_access.domain.refusals import NotSuperAdmin
from partner_access.fields import Identifier, Request
from partner_access.representations import GrantShown, MemberShown
from partner_access.store import migrations as stored
from partner_access.store.actors import in_account
from partner_access.store.dynamo import keep, recall

app = api.App(recall=recall)


class SeatShown(BaseModel):
    """The base seat; paid ones are kept."""

    before: Seat | None
    after: Seat

    @classmethod
    def of(cls, preview: migrations.Preview) -> Self:
        return cls(before=preview.seat_before, after=preview.seat_after)


class Migration(Request):
    """Whom to migrate, on behalf of which partner if he works for two; `dry_run` shows what would be."""

    user_id: Identifier
    partner_id: Identifier | None = None
    dry_run: bool = False


class Previewed(Answer):
    """What the migration takes and gives, and who is left to run the account."""

    member: MemberShown
    grant: GrantShown
    lost: tuple[str, ...]
    seat: SeatShown
    remaining_super_admins: int
    remaining_are_partner_employees: bool


class Migrated(Previewed):
    """The same, done."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.post(
    "/accounts/{account_id}/migrations",
    api.Docs(
        "migrate",
        tag=api.Tag.USERS,
        summary="Migrate a super admin of an account to partner admin.",
        description=(
            "Super admins of the account can migrate themselves, or another super admin who works for a partner. The "
            "account must keep at least one active super admin. With `dry_run`, the response is a preview and "
            "nothing is changed."
        ),
    ),
)
def migrate(account_id: str, migration: Migration, act: Act) -> Previewed:
    facts = stored.facts(account_id, migration.user_id, act.by, migration.partner_id)
    migrated = migrations.migrate(facts, act)
    if migration.dry_run:
        return _answer(Previewed, migrated)
    answer = _answer(Migrated, migrated)
    stored.record(migrated, answer)
    return answer


def _answer(kind: type[Previewed], migrated: SuperAdminMigrated) -> Previewed:
    preview = migrated.preview
    return kind(
        member=MemberShown.of(migrated.member, migrated.employee),
        grant=GrantShown.of(migrated.grant, migrated.member, migrated.account),
        lost=preview.lost,
        seat=SeatShown.of(preview),
        remaining_super_admins=preview.remaining_super_admins,
        remaining_are_partner_employees=preview.remaining_are_partner_employees,
    )


class Migrations(Request):
    """In which accounts the caller migrates himself."""

    account_ids: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]
    dry_run: bool = False


class MigrationRow(BulkRow):
    """What became of one account."""

    account_id: str
    lost: tuple[str, ...] | None = None
    seat: SeatShown | None = None
    remaining_are_partner_employees: bool | None = None
    notice: str | None = None


class MigrationReport(Answer):
    """A row for each account, in the order asked."""

    items: tuple[MigrationRow, ...]


@app.post(
    "/partners/{partner_id}/migrations",
    api.Docs(
        "migrate_self",
        tag=api.Tag.PARTNERS,
        summary="Migrate yourself from super admin to partner admin in several clients.",
        description=(
            "Partner employees can migrate themselves in up to 50 accounts, each in a transaction of its own and "
            "with a row in the response. Repeat the request to migrate the accounts that are left. With `dry_run`, "
            "nothing is changed."
        ),
    ),
)
def migrate_self(partner_id: str, wish: Migrations, act: Act) -> MigrationReport:
    recall(act)
    caller, partner = in_account(partner_id, act.by)
    caller.must_be_staff(partner, act.at)
    report = MigrationReport(
        items=tuple(
            _row(partner_id, account_id, act.part(account_id), dry_run=wish.dry_run)
            for account_id in dict.fromkeys(wish.account_ids)
        )
    )
    if not wish.dry_run and bulk.is_complete(report.items):
        keep(act, report)
    return report


def _row(partner_id: str, account_id: str, act: Act, *, dry_run: bool) -> MigrationRow:
    return bulk.row(
        lambda one: _migrated_row(partner_id, account_id, one, dry_run=dry_run),
        act,
        MigrationRow(account_id=account_id, outcome=Outcome.DONE),
        skipped=NotSuperAdmin,
        recall=recall,
    )


def _migrated_row(partner_id: str, account_id: str, act: Act, *, dry_run: bool) -> MigrationRow:
    migrated = migrations.migrate(stored.facts(account_id, act.by, act.by, partner_id), act)
    row = MigrationRow(
        account_id=account_id,
        outcome=Outcome.WOULD_MIGRATE if dry_run else Outcome.DONE,
        lost=migrated.preview.lost,
        seat=SeatShown.of(migrated.preview),
        remaining_are_partner_employees=migrated.preview.remaining_are_partner_employees,
        notice="paid_seat_required" if migrated.preview.paid_seat_required else None,
    )
    if not dry_run:
        stored.record(migrated, row)
    return row


handler = app
