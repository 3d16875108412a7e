"""Accounts, users and members written by the vendor. Repeated data changes nothing, and a super admin always stays."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountKind, AccountState, Program
from partner_access.domain.directory import (
    MAX_ORPHANED_IN_ENTRY,
    MAX_ORPHANED_IN_REPORT,
    MAX_RELIED_ON,
    DirectoryMemberFacts,
    UserFacts,
    erase,
    put_account,
    put_member,
    put_user,
)
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyPartnerAdmin,
    DomainError,
    EmailInUse,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    KindIsFixed,
    LastSuperAdmin,
    LimitBelowUse,
    MissingField,
    NotFound,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason
from partner_access.domain.notifications import Locale, Reconciliation, ReconciliationReason
from partner_access.domain.records import DIRECTORY_LOG_ID
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    an_idempotency_key,
    the_client,
    the_partner,
)
from tests.support.set_versions import two_set_versions

ACT = an_act("vendor", for_vendor=True)
USER = a_user()
OTHER_SUPER_ADMIN = an_actor(a_user("user-boss"))


def field_names(raised: pytest.ExceptionInfo[Any]) -> list[str]:
    return [".".join(map(str, each.path)) for each in raised.value.fields]


# accounts


def test_put_account_with_kind_and_name_creates_client() -> None:
    saved = put_account(CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": 3}, ACT)

    assert saved
    assert saved.account == the_client(partner_seat_limit=3)
    assert (saved.before, saved.relies_on) == (None, ())
    assert (saved.audit.event, saved.audit.accounts) == ("account.created", (CLIENT,))
    assert saved.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


def test_put_account_with_domains_creates_partner() -> None:
    fields = {"kind": AccountKind.PARTNER, "name": "North Partners", "domains": ("north.example",)}
    saved = put_account(PARTNER, None, fields, ACT)

    assert saved
    assert saved.account == the_partner()


def test_put_account_audit_entry_of_new_account_lists_null_fields() -> None:
    saved = put_account(
        CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": None}, ACT
    )

    assert saved
    assert saved.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


@pytest.mark.parametrize(
    ("named_fields", "changed", "fields"),
    [
        ({"partner_seat_limit": 5}, {"partner_seat_limit": 5}, ["partner_seat_limit"]),
        (
            {"partner_seat_limit": None, "name": "New"},
            {"partner_seat_limit": None, "name": "New"},
            ["name", "partner_seat_limit"],
        ),
        ({"state": AccountState.CLOSED}, {"state": AccountState.CLOSED}, ["state"]),
        ({"kind": AccountKind.CLIENT, "locale": Locale.JA}, {"locale": Locale.JA}, ["locale"]),
    ],
)
def test_put_account_changes_named_fields_and_keeps_others(
    named_fields: Mapping[str, Any], changed: Mapping[str, Any], fields: list[str]
) -> None:
    before = the_client(version=4, partner_seat_limit=2, partner_seats_used=1)
    saved = put_account(CLIENT, before, named_fields, ACT)

    assert saved
    assert saved.account == before.model_copy(update={**changed, "version": 5})
    assert (saved.audit.event, saved.audit.details) == ("account.updated", {"fields": fields})
    assert saved.relies_on == (before,)


@pytest.mark.parametrize(
    "fields", [{}, {"name": "The Bakery"}, {"kind": AccountKind.CLIENT, "partner_seat_limit": None}]
)
def test_put_account_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_account(CLIENT, the_client(), fields, ACT) is None


@pytest.mark.parametrize(
    ("before", "fields", "error", "at"),
    [
        (None, {}, MissingField, ["kind", "name"]),
        (None, {"kind": AccountKind.CLIENT}, MissingField, ["name"]),
        (None, {"kind": AccountKind.CLIENT, "name": "A", "domains": ()}, InvalidField, ["domains"]),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "A", "partner_seat_limit": None, "pricing": "legacy"},
            InvalidField,
            ["pricing", "partner_seat_limit"],
        ),
        (the_client(), {"program": Program.ACTIVE}, InvalidField, ["program"]),
        (the_partner(), {"partner_seat_limit": 1}, InvalidField, ["partner_seat_limit"]),
        (the_client(), {"kind": AccountKind.PARTNER}, KindIsFixed, ["kind"]),
        (the_partner(), {"kind": AccountKind.CLIENT}, KindIsFixed, ["kind"]),
        (the_client(partner_seats_used=3), {"partner_seat_limit": 2}, LimitBelowUse, ["partner_seat_limit"]),
        (the_client(partner_seats_used=1), {"partner_seat_limit": 0}, LimitBelowUse, ["partner_seat_limit"]),
    ],
)
def test_put_account_with_invalid_fields_raises_error(
    before: Account | None, fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_account(CLIENT, before, fields, ACT)
    assert field_names(raised) == at


@pytest.mark.parametrize(
    ("before", "fields", "reason"),
    [
        (the_partner(), {"program": Program.SUSPENDED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(program=Program.TERMINATED), {"program": Program.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(), {"program": Program.TERMINATED}, ReconciliationReason.PROGRAM_ENDED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.TERMINATED}, ReconciliationReason.PROGRAM_ENDED),
        (the_partner(program=Program.TERMINATED), {"program": Program.SUSPENDED}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"state": AccountState.CLOSED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(state=AccountState.CLOSED), {"state": AccountState.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(program=Program.SUSPENDED), {"state": AccountState.CLOSED}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"domains": ("other.example",)}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"domains": (), "program": Program.SUSPENDED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(), {"name": "North & Sons", "locale": Locale.JA}, None),
        (the_partner(), {"program": Program.ACTIVE, "name": "North & Sons"}, None),
        (the_client(), {"state": AccountState.CLOSED}, None),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "North", "program": Program.SUSPENDED, "domains": ("a.example",)},
            None,
        ),
    ],
)
def test_put_account_changing_partner_access_queues_reconciliation(
    before: Account | None, fields: Mapping[str, Any], reason: ReconciliationReason | None
) -> None:
    account_id = before.account_id if before else PARTNER
    saved = put_account(account_id, before, fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(partner_id=PARTNER, reason=reason) if reason else None)


@pytest.mark.parametrize(
    ("before", "fields", "terminations"),
    [
        (the_partner(), {"program": Program.TERMINATED}, 1),
        (the_partner(program=Program.SUSPENDED, terminations=2), {"program": Program.TERMINATED}, 3),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.TERMINATED, "name": "New"}, 1),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.ACTIVE}, 1),
        (the_partner(terminations=1), {"program": Program.SUSPENDED}, 1),
        (the_partner(), {"state": AccountState.CLOSED}, 0),
        (None, {"kind": AccountKind.PARTNER, "name": "North", "program": Program.TERMINATED}, 0),
    ],
)
def test_put_account_terminating_program_increments_terminations(
    before: Account | None, fields: Mapping[str, Any], terminations: int
) -> None:
    saved = put_account(PARTNER, before, fields, ACT)

    assert saved
    assert saved.account.terminations == terminations


def test_put_account_with_seat_limit_equal_to_seats_used_succeeds() -> None:
    assert put_account(CLIENT, the_client(partner_seats_used=2), {"partner_seat_limit": 2}, ACT)


# users


def test_put_user_with_email_and_name_creates_user() -> None:
    fields = {"email": "new@bakery.example", "name": "New", "locale": None}
    saved = put_user("user-new", UserFacts(user=None, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.user == a_user("user-new", email="new@bakery.example", name="New")
    assert saved.email_changed
    assert (saved.audit.event, saved.audit.accounts) == ("user.created", (DIRECTORY_LOG_ID,))
    assert saved.audit.details["fields"] == ["email", "locale", "name"]
    assert "new@bakery.example" not in saved.audit.model_dump_json()


@pytest.mark.parametrize(
    ("fields", "email_changed"), [({"name": "Other"}, False), ({"email": "other@bakery.example"}, True)]
)
def test_put_user_with_new_values_updates_user(fields: Mapping[str, Any], email_changed: bool) -> None:
    before = a_user(version=2, open_links=3, employed_by=frozenset({PARTNER}))
    saved = put_user(APPROVER, UserFacts(user=before, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.user == before.model_copy(update={**fields, "version": 3})
    assert saved.email_changed is email_changed
    assert (saved.audit.event, saved.relies_on) == ("user.updated", (before,))


@pytest.mark.parametrize(
    ("before", "fields", "follows"),
    [
        (a_user(), {"email": "other@bakery.example"}, True),
        (a_user(), {"active": False}, True),
        (a_user(active=False), {"active": True}, True),
        (a_user(), {"name": "Other", "locale": Locale.JA}, False),
        (a_user(), {"active": True, "name": "Other"}, False),
        (None, {"email": "new@bakery.example", "name": "New", "active": False}, False),
    ],
)
def test_put_user_changing_access_queues_reconciliation(
    before: User | None, fields: Mapping[str, Any], follows: bool
) -> None:
    saved = put_user(APPROVER, UserFacts(user=before, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(user_id=APPROVER) if follows else None)


@pytest.mark.parametrize(
    "fields", [{}, {"name": "Approver"}, {"active": True, "email": "user-approver@bakery.example"}]
)
def test_put_user_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_user(APPROVER, UserFacts(user=a_user(), email_owner_id=APPROVER), fields, ACT) is None


@pytest.mark.parametrize(
    ("facts", "fields", "error", "at"),
    [
        (UserFacts(user=None, email_owner_id=None), {}, MissingField, ["email", "name"]),
        (UserFacts(user=None, email_owner_id=None), {"email": "a@b.example"}, MissingField, ["name"]),
        (UserFacts(user=None, email_owner_id="user-x"), {"email": "a@b.example", "name": "A"}, EmailInUse, ["email"]),
        (UserFacts(user=a_user(), email_owner_id="user-x"), {"email": "a@b.example"}, EmailInUse, ["email"]),
    ],
)
def test_put_user_with_invalid_fields_raises_error(
    facts: UserFacts, fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_user(APPROVER, facts, fields, ACT)
    assert field_names(raised) == at


DEACTIVATED = {"active": False}
DEACTIVATED_SUPER_ADMIN = an_actor(a_user("user-gone", active=False))
MIGRATED = a_temporary_partner_admin_actor("user-migrated")
"""A former super admin who migrated after the list of super admins was read."""


def user_facts(super_admin_of: Mapping[str, tuple[Actor, ...]], **changes: Any) -> UserFacts:
    return UserFacts(user=a_user(**changes), email_owner_id=None, super_admin_of=super_admin_of)


def test_put_user_deactivating_last_super_admin_reports_orphaned_account() -> None:
    saved = put_user(
        APPROVER,
        user_facts(
            {
                CLIENT: (),
                "client-b": (DEACTIVATED_SUPER_ADMIN, MIGRATED),
                "client-c": (DEACTIVATED_SUPER_ADMIN, OTHER_SUPER_ADMIN),
            }
        ),
        DEACTIVATED,
        ACT,
    )

    assert saved
    assert not saved.user.active
    assert saved.orphaned == (CLIENT, "client-b")
    assert saved.audit.accounts == (DIRECTORY_LOG_ID, CLIENT, "client-b")
    assert saved.audit.details["orphaned"] == [CLIENT, "client-b"]
    assert set(saved.relies_on) == {a_user(), OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member}
    assert list(saved.orphan_reports) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [({}, {"name": "Other"}), ({"active": False}, {"name": "Other"}), ({"active": False}, {"active": True})],
)
def test_put_user_without_deactivation_orphans_no_account(
    changes: Mapping[str, Any], fields: Mapping[str, Any]
) -> None:
    saved = put_user(APPROVER, user_facts({CLIENT: ()}, **changes), fields, ACT)

    assert saved
    assert saved.orphaned == ()
    assert saved.audit.accounts == (DIRECTORY_LOG_ID,)


def test_put_user_orphaning_many_accounts_reports_each_once() -> None:
    many = {f"client-{nth}": () for nth in range(MAX_ORPHANED_IN_ENTRY + MAX_ORPHANED_IN_REPORT + 1)}
    saved = put_user(APPROVER, user_facts(many), DEACTIVATED, an_act("vendor", idempotency_key=an_idempotency_key()))

    assert saved
    reported = [
        account
        for entry in (saved.audit, *(report.audit for report in saved.orphan_reports))
        for account in entry.accounts
    ]
    assert sorted(reported) == sorted([DIRECTORY_LOG_ID, *many])
    assert len({entry.audit.audit_id for entry in saved.orphan_reports}) == 2
    assert all(report.act.idempotency_key is None for report in saved.orphan_reports)
    about = [(report.audit.event, report.audit.details) for report in saved.orphan_reports]
    assert about == [("account.orphaned", {"user_id": APPROVER})] * 2


def test_put_user_with_many_other_super_admins_limits_relied_on_records() -> None:
    many = {f"client-{nth}": (an_actor(a_user(f"user-{nth}")),) for nth in range(MAX_RELIED_ON)}
    saved = put_user(APPROVER, user_facts(many), DEACTIVATED, ACT)

    assert saved
    assert saved.orphaned == ()
    assert len(saved.relies_on) == MAX_RELIED_ON + 1


def test_erase_user_keeps_only_user_id() -> None:
    before = a_user(locale=Locale.JA)
    saved = erase(APPROVER, UserFacts(user=before, email_owner_id=None), ACT)

    assert saved
    assert saved.user == a_user(version=2, email=None, name="", active=False)
    assert saved.email_changed
    assert (saved.audit.event, saved.audit.details) == ("user.erased", {"user_id": APPROVER})
    assert saved.relies_on == (before,)
    assert saved.reconciliation == Reconciliation(user_id=APPROVER, reason=ReconciliationReason.ERASED)


def test_erase_employee_increments_offboardings_of_every_partner() -> None:
    before = an_employee(
        employed_by=frozenset({PARTNER, "partner-south"}), offboardings={PARTNER: 2, "partner-west": 1}
    )
    stopped = frozenset({PARTNER, "partner-east"})
    saved = erase(EMPLOYEE, UserFacts(user=before, email_owner_id=None, member_for=stopped), ACT)

    assert saved
    assert saved.user.offboardings == {PARTNER: 3, "partner-south": 1, "partner-west": 1, "partner-east": 1}


@pytest.mark.parametrize("user", [None, a_user(email=None, active=False)])
def test_erase_unknown_or_erased_user_returns_none(user: Any) -> None:
    assert erase(APPROVER, UserFacts(user=user, email_owner_id=None), ACT) is None


def test_erase_super_admin_raises_is_super_admin() -> None:
    with pytest.raises(IsSuperAdmin):
        erase(APPROVER, user_facts({CLIENT: (OTHER_SUPER_ADMIN,)}), ACT)


# members


def facts(*, user: User | None = USER, member: Member | None = None, **changes: Any) -> DirectoryMemberFacts:
    """Build facts for a new member. `user` and `member` are the records of the user who is written."""
    target = Actor(user, member, {PARTNER: the_partner()})
    return DirectoryMemberFacts(
        **{"account": the_client(), "target": target, "others": (OTHER_SUPER_ADMIN,), **changes}
    )


@pytest.mark.parametrize(
    ("fields", "seat"),
    [
        ({"permission_set": "sales"}, Seat.CORE),
        ({"permission_set": "view_only"}, Seat.VIEW_ONLY),
        ({"permission_set": "sales", "seat": Seat.SALES}, Seat.SALES),
        ({"permission_set": "sales", "seat": None}, None),
        ({"permission_set": "super_admin", "active": True}, Seat.CORE),
    ],
)
def test_put_member_creates_member_with_default_seat(fields: Mapping[str, Any], seat: Seat | None) -> None:
    saved = put_member(facts(), fields, ACT)

    assert saved
    assert saved.member == a_member(APPROVER, fields["permission_set"], since=NOW, granted_by="vendor", seat=seat)
    assert (saved.audit.event, saved.audit.accounts) == ("member.created", (CLIENT,))
    assert saved.audit.details["fields"] == sorted(fields)
    assert saved.relies_on == (the_client(), a_user())


def test_put_member_with_other_set_uses_latest_version() -> None:
    with two_set_versions():
        saved = put_member(facts(member=a_member(permission_set="service")), {"permission_set": "sales"}, ACT)

    assert saved
    assert saved.member.set_version == 2


def test_put_member_with_active_false_creates_inactive_member() -> None:
    saved = put_member(facts(), {"permission_set": "sales", "active": False}, ACT)

    assert saved
    assert not saved.member.active


def test_put_member_with_other_set_clears_overrides_and_same_set_keeps_them() -> None:
    before = a_member(permission_set="sales", version=3, added=("crm.import",), removed=("sales.forecast",))
    other = put_member(facts(member=before), {"permission_set": "marketing"}, ACT)
    same = put_member(facts(member=before), {"permission_set": "sales", "seat": Seat.SALES}, ACT)

    assert other
    assert other.member == before.next_version(permission_set="marketing", added=(), removed=())
    assert (other.audit.event, other.audit.details["fields"]) == ("member.updated", ["permission_set"])
    assert same
    assert same.member == before.next_version(seat=Seat.SALES)
    assert before in same.relies_on


@pytest.mark.parametrize("fields", [{}, {"permission_set": "sales"}, {"seat": Seat.CORE, "active": True}])
def test_put_member_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_member(facts(member=a_member(permission_set="sales")), fields, ACT) is None


@pytest.mark.parametrize(
    ("changes", "fields", "error", "at"),
    [
        ({"account": None}, {"permission_set": "sales"}, NotFound, []),
        ({"user": None}, {"permission_set": "sales"}, NotFound, []),
        ({}, {}, MissingField, ["permission_set"]),
        ({}, {"permission_set": "owner"}, UnknownPermissionSet, ["permission_set"]),
        ({}, {"permission_set": "partner_admin"}, InvalidField, ["permission_set"]),
        ({"member": a_partner_admin()}, {"permission_set": "partner_admin"}, InvalidField, ["permission_set"]),
        ({}, {"permission_set": "sales", "seat": Seat.PARTNER}, InvalidField, ["seat"]),
        ({"account": the_client(state=AccountState.CLOSED)}, {"permission_set": "sales"}, AccountClosed, []),
        ({"member": a_partner_admin()}, {"active": False}, AlreadyPartnerAdmin, []),
        ({"member": a_partner_admin()}, {"permission_set": "sales"}, AlreadyPartnerAdmin, []),
        ({"member": a_member(), "others": ()}, {"permission_set": "sales"}, LastSuperAdmin, []),
        ({"member": a_member(), "others": ()}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (DEACTIVATED_SUPER_ADMIN,)}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (MIGRATED,)}, {"active": False}, LastSuperAdmin, []),
        ({"user": a_user(active=False), "others": ()}, {"permission_set": "super_admin"}, LastSuperAdmin, []),
        (
            {"user": a_user(active=False), "others": (DEACTIVATED_SUPER_ADMIN,)},
            {"permission_set": "super_admin"},
            LastSuperAdmin,
            [],
        ),
    ],
)
def test_put_member_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_member(facts(**changes), fields, ACT)
    assert field_names(raised) == at


@pytest.mark.parametrize("fields", [{"permission_set": "sales"}, {"active": False}])
def test_put_member_demoting_super_admin_relies_on_another(fields: Mapping[str, Any]) -> None:
    saved = put_member(facts(member=a_member()), fields, ACT)

    assert saved
    assert {OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member} <= set(saved.relies_on)


def test_put_member_promoting_inactive_user_relies_on_active_super_admin() -> None:
    saved = put_member(facts(user=a_user(active=False)), {"permission_set": "super_admin"}, ACT)

    assert saved
    assert {OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member} <= set(saved.relies_on)


@pytest.mark.parametrize(
    ("before", "fields"),
    [
        (a_member(), {"seat": Seat.SALES}),
        (a_member(active=False), {"permission_set": "sales"}),
        (a_member(permission_set="sales"), {"permission_set": "super_admin"}),
        (a_member(permission_set="sales"), {"active": False}),
    ],
)
def test_put_member_without_demotion_needs_no_other_super_admin(before: Any, fields: Mapping[str, Any]) -> None:
    saved = put_member(facts(member=before, others=()), fields, ACT)

    assert saved
    assert set(saved.relies_on) == {the_client(), a_user(), before}


def test_put_member_with_expired_grant_updates_previous_membership() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW), previous=a_member(EMPLOYEE, "sales").assignment)
    saved = put_member(facts(user=an_employee(), member=lapsed), {"permission_set": "sales", "active": False}, ACT)

    assert saved
    assert (saved.member.permission_set, saved.member.grant, saved.member.seat) == ("sales", None, Seat.CORE)
    assert not saved.member.active
    assert saved.before == lapsed


@pytest.mark.parametrize(
    ("account", "user", "active", "partners"),
    [
        (the_partner(), a_user(), True, {PARTNER}),
        (the_partner(), a_user(employed_by=frozenset({"partner-south"})), True, {PARTNER, "partner-south"}),
        (the_partner(), an_employee(APPROVER), False, set()),
        (the_partner(), a_user(), False, set()),
        (the_client(), an_employee(APPROVER), True, {PARTNER}),
        (the_client(), an_employee(APPROVER), False, {PARTNER}),
    ],
)
def test_put_member_in_partner_account_updates_employed_by(
    account: Account, user: Any, active: bool, partners: set[str]
) -> None:
    saved = put_member(facts(account=account, user=user), {"permission_set": "sales", "active": active}, ACT)

    assert saved
    assert saved.employed_by == partners


def test_put_member_with_expired_grant_and_no_set_raises_invalid_field() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))

    with pytest.raises(InvalidField) as raised:
        put_member(facts(member=lapsed), {"active": True}, ACT)

    assert field_names(raised) == ["permission_set"]


def test_put_member_with_expired_grant_and_set_gets_usual_seat() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))

    saved = put_member(facts(member=lapsed), {"active": True, "permission_set": "view_only"}, ACT)

    assert saved
    assert (saved.member.active, saved.member.seat, saved.member.partner_id) == (True, Seat.VIEW_ONLY, None)


@pytest.mark.parametrize("fields", [{"active": True}, {"email": "again@north.example"}, {"name": "Again"}])
def test_put_user_erased_without_email_and_name_raises_missing_field(fields: Mapping[str, Any]) -> None:
    erased = a_user(email=None, name="", active=False)

    with pytest.raises(MissingField):
        put_user(erased.user_id, UserFacts(user=erased, email_owner_id=None), fields, ACT)


# reconciliation of access


@pytest.mark.parametrize(
    ("account", "before", "fields", "follows"),
    [
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"active": False}, True),
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER, active=False), {"active": True}, True),
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"permission_set": "service"}, False),
        (the_partner(), None, {"permission_set": "sales"}, False),
        (the_client(), a_member(EMPLOYEE, "sales"), {"active": False}, False),
    ],
)
def test_put_member_changing_employment_queues_reconciliation(
    account: Account, before: Member | None, fields: Mapping[str, Any], follows: bool
) -> None:
    saved = put_member(facts(account=account, user=an_employee(), member=before), fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(partner_id=PARTNER, user_id=EMPLOYEE) if follows else None)


def test_put_member_with_older_access_generation_does_not_revive_grant() -> None:
    stale = a_partner_admin(access_generation=0)
    user = an_employee(offboardings={PARTNER: 1})

    with pytest.raises(InvalidField):
        put_member(facts(user=user, member=stale), {"active": True}, ACT)
    saved = put_member(facts(user=user, member=stale), {"active": True, "permission_set": "sales"}, ACT)

    assert saved
    assert saved.before == stale
    assert (saved.member.active, saved.member.partner_id, saved.member.access_generation, saved.member.grant) == (
        True,
        None,
        0,
        None,
    )


def test_put_member_with_new_set_keeps_partner_of_colleague() -> None:
    colleague = a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=1)
    saved = put_member(
        facts(user=an_employee(offboardings={PARTNER: 1}), member=colleague), {"permission_set": "service"}, ACT
    )

    assert saved
    assert (saved.member.partner_id, saved.member.access_generation) == (PARTNER, 1)


def test_put_member_promoting_colleague_to_super_admin_clears_partner() -> None:
    colleague = a_member(EMPLOYEE, "view_only", partner_id=PARTNER, access_generation=1)
    person = an_actor(an_employee(offboardings={PARTNER: 1}), colleague, partners=[the_partner()])
    facts = DirectoryMemberFacts(account=the_client(), target=person, others=())

    saved = put_member(facts, {"permission_set": "super_admin"}, an_act())

    assert saved
    assert (saved.member.permission_set, saved.member.partner_id, saved.member.access_generation) == (
        "super_admin",
        None,
        0,
    )


def test_put_member_promoting_suspended_member_raises_grant_suspended() -> None:
    stopped = a_member("user-clerk", "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))
    facts = DirectoryMemberFacts(account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=())

    with pytest.raises(GrantSuspended) as raised:
        put_member(facts, {"permission_set": "super_admin"}, an_act())
    assert [each.path for each in raised.value.fields] == [("permission_set",)]
    assert put_member(facts, {"permission_set": "service"}, an_act())


@pytest.mark.parametrize("side", [SuspensionReason.CLIENT, SuspensionReason.PARTNER])
@pytest.mark.parametrize(
    ("former", "fields"),
    [("sales", {"permission_set": "super_admin", "active": True}), ("super_admin", {"active": True})],
)
def test_put_member_reviving_suspended_super_admin_raises_grant_suspended(
    side: SuspensionReason, former: str, fields: Mapping[str, Any]
) -> None:
    stopped = a_member("user-clerk", former, suspended_by=frozenset({side}), active=False)
    facts = DirectoryMemberFacts(
        account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=(OTHER_SUPER_ADMIN,)
    )

    with pytest.raises(GrantSuspended):
        put_member(facts, fields, an_act())
