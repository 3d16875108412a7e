"""Tests of adding a user to a client: as a partner admin, or as a member with any other permission set."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    end_after,
    the_client,
    the_partner,
)
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    expire_idempotency_keys,
    send_during_change,
)
from tests.support.seeded_table import CLERK, COLLEAGUE, a_partner_account_member, an_expired_partner_admin, now, seed
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

NEWCOMER = "user-newcomer"
SOUTH = "partner-south"
EMPLOYEE_EMAIL = f"{EMPLOYEE}@north.example"
NEWCOMER_EMAIL = f"{NEWCOMER}@bakery.example"


def create(by: str = APPROVER, *, account_id: str = CLIENT, key: str | None = None, **fields: object) -> ApiResponse:
    body = {"email": EMPLOYEE_EMAIL, "permission_set": "partner_admin", **fields}
    headers = {"idempotency-key": key} if key else None
    return call("POST /accounts/{account_id}/users", by, body, account_id=account_id, headers=headers)


# partner admins


def test_create_partner_admin_returns_grant_on_free_seat(table: Table) -> None:
    seed(table)

    response = create()

    assert response.status == 201
    member = response.body
    assert member["user_id"] == EMPLOYEE
    assert (member["permission_set"], member["seat"], member["state"]) == ("partner_admin", "partner", "active")
    assert (member["grant"]["source"], member["grant"]["partner_id"]) == ("client_creation", PARTNER)
    assert member["grant"]["grant_id"] == member["grant_id"]
    assert (member["grant"]["paid_features"], member["granted_by"], member["version"]) == (True, APPROVER, 1)
    assert "expires_at" not in member
    entries = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "member.created"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    (queued_item,) = table.items_with_prefix("OUTBOX#")
    assert queued_item["notification"]["kind"] == "member_created"


@pytest.mark.parametrize(
    "email", [f"  {EMPLOYEE_EMAIL} ", EMPLOYEE_EMAIL.upper(), EMPLOYEE_EMAIL.replace("north", "ｎｏｒｔｈ")]
)
def test_create_user_with_unnormalized_email_finds_user(table: Table, email: str) -> None:
    seed(table)

    response = create(email=email)

    assert (response.status, response.body["email"]) == (201, EMPLOYEE_EMAIL)


@pytest.mark.parametrize("email", ["user.employee@north.example", "user-employee+x@north.example"])
def test_create_user_with_other_dots_or_plus_in_email_is_refused(table: Table, email: str) -> None:
    # domain.md rule 13
    seed(table)

    assert_error(table, lambda: create(email=email), 409, "not_eligible")


def test_create_partner_admin_with_removed_permissions_and_days_stores_both(table: Table) -> None:
    seed(table)

    member = create(permissions={"remove": ["crm.import", "crm.export"]}, access_days=30).body

    assert member["permissions"] == {"added": [], "removed": ["crm.export", "crm.import"]}
    assert member["grant"]["permissions"]["removed"] == ["crm.export", "crm.import"]
    assert member["expires_at"] == member["grant"]["expires_at"]
    stored_member = table.get(keys.member(CLIENT, EMPLOYEE)) or {}
    created_at = datetime.fromtimestamp(int(stored_member["grant"]["created_at"]), UTC)
    assert stored_member["grant"]["expires_at"] == end_after(30, created_at).timestamp()


def test_create_partner_admin_in_legacy_account_returns_paid_seat_notice(table: Table) -> None:
    seed(table, the_client(pricing=Pricing.LEGACY))

    grant = create(seat="partner").body["grant"]

    assert (grant["paid_features"], grant["notice"]) == (False, "paid_seat_required")


def test_create_partner_admin_from_member_remembers_former_set(table: Table) -> None:
    before = a_member(EMPLOYEE, "sales", seat=Seat.SALES, removed=("crm.notes.view",))
    seed(table, before)

    member = create().body

    assert (member["paid_seats"], member["version"]) == (["sales"], 2)
    stored_member = table.get(keys.member(CLIENT, EMPLOYEE)) or {}
    assert stored_member["since"] == int(before.since.timestamp())
    assert stored_member["grant"]["former_set"] == "sales"
    assert not stored_member.get("removed")


@pytest.mark.parametrize("former", [
    a_member(EMPLOYEE, "sales", active=False),
    a_member(EMPLOYEE, active=False),
    an_expired_partner_admin(),
])  # fmt: skip
def test_create_partner_admin_from_former_member_keeps_history(table: Table, former: Record) -> None:
    seed(table, the_client(partner_seat_limit=1), former)

    member = create().body

    stored_member = table.get(keys.member(CLIENT, EMPLOYEE)) or {}
    assert member["version"] == stored_member["version"] == 2
    assert stored_member["grant"]["source"] == "client_creation"
    assert "former_set" not in stored_member["grant"]
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1


def test_create_partner_admin_of_two_partners_requires_partner_id(table: Table) -> None:
    # domain.md rule 14
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    seed(table, south, a_partner_account_member(EMPLOYEE, account_id=SOUTH))

    unclear = assert_error(table, create, 422, "invalid_field")
    assert unclear.body["errors"] == [{"pointer": "/partner_id", "code": "invalid_field"}]
    assert create(partner_id=SOUTH).body["partner_id"] == SOUTH


SUSPENDED = frozenset({SuspensionReason.CLIENT})
NOT_ELIGIBLE = (409, "not_eligible")

PARTNER_ADMIN_ERRORS: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a user who is not in the account", (), {"by": COLLEAGUE}, (404, "not_found")),
    ("a former member", (a_member(CLERK, active=False),), {"by": CLERK}, (404, "not_found")),
    ("a deactivated person", (a_user(CLERK, active=False), a_member(CLERK)), {"by": CLERK}, (403, "forbidden")),
    ("a partner account", (), {"by": EMPLOYEE, "account_id": PARTNER}, (422, "not_a_client_account")),
    ("a member without rights", (), {"by": CLERK}, (403, "not_an_approver")),
    ("a partner admin", (a_partner_admin(COLLEAGUE),), {"by": COLLEAGUE}, (403, "not_an_approver")),
    (
        "a super admin who works for the partner",
        (a_member(COLLEAGUE),),
        {"by": COLLEAGUE},
        (403, "own_partner_may_not_approve"),
    ),
    (
        "an employee of the account, when no other runs the account",
        (a_member(COLLEAGUE), a_member(APPROVER, "view_only")),
        {"by": COLLEAGUE},
        (403, "no_independent_approver"),
    ),
    ("the subject", (a_member(EMPLOYEE),), {"by": EMPLOYEE}, (403, "own_partner_may_not_approve")),
    ("an address that nobody has", (), {"email": "nobody@north.example"}, NOT_ELIGIBLE),
    ("a user of no partner", (a_user(NEWCOMER),), {"email": NEWCOMER_EMAIL}, NOT_ELIGIBLE),
    (
        "another partner's",
        (the_partner(account_id=SOUTH, domains=("south.example",)),),
        {"partner_id": SOUTH},
        NOT_ELIGIBLE,
    ),
    ("a partner that is not there", (), {"partner_id": "partner-nowhere"}, NOT_ELIGIBLE),
    ("a partner that is a client", (), {"partner_id": CLIENT}, NOT_ELIGIBLE),
    ("a deactivated employee", (an_employee(active=False),), {}, NOT_ELIGIBLE),
    ("a user who left the partner", (a_partner_account_member(EMPLOYEE, active=False),), {}, NOT_ELIGIBLE),
    ("a domain that is not verified", (the_partner(domains=("elsewhere.example",)),), {}, NOT_ELIGIBLE),
    ("a domain that merely ends so", (the_partner(domains=("example",)),), {}, NOT_ELIGIBLE),
    ("a suspended partner", (the_partner(program=Program.SUSPENDED),), {}, NOT_ELIGIBLE),
    ("a terminated partner", (the_partner(program=Program.TERMINATED),), {}, NOT_ELIGIBLE),
    ("a closed account", (the_client(state=AccountState.CLOSED),), {}, (409, "account_closed")),
    ("a super admin", (a_member(EMPLOYEE),), {}, (409, "is_super_admin")),
    ("a partner admin already", (a_partner_admin(),), {}, (409, "already_partner_admin")),
    ("a suspended one", (a_partner_admin(suspended_by=SUSPENDED),), {}, (409, "grant_suspended")),
    ("no seat", (the_client(partner_seat_limit=1), a_partner_admin(COLLEAGUE)), {}, (409, "no_seat_left")),
    ("another seat", (), {"seat": "core"}, (422, "invalid_field")),
    ("an unknown set", (), {"permission_set": "boss"}, (422, "unknown_permission_set")),
    ("an unknown permission", (), {"permissions": {"remove": ["crm.magic"]}}, (422, "unknown_permission")),
    *(
        (f"{name} added", (), {"permissions": {"add": [name]}}, (422, "restricted_permission"))
        for name in sorted(catalogue.RESTRICTED)
    ),
    (
        "added and removed",
        (),
        {"permissions": {"add": ["crm.import"], "remove": ["crm.import"]}},
        (422, "invalid_field"),
    ),
    ("named twice", (), {"permissions": {"remove": ["crm.import", "crm.import"]}}, (422, "invalid_field")),
    ("a thousand", (), {"permissions": {"remove": ["crm.import"] * 1000}}, (422, "invalid_field")),
    ("too few days", (), {"access_days": 0}, (422, "invalid_field")),
    ("too many days", (), {"access_days": 731}, (422, "invalid_field")),
    ("last day that is over", (), {"access_ends_on": "1999-12-31"}, (422, "invalid_field")),
    ("last day too far away", (), {"access_ends_on": "2099-12-31"}, (422, "invalid_field")),
    ("days and a last day", (), {"access_days": 5, "access_ends_on": "2027-04-10"}, (422, "invalid_field")),
    ("no address", (), {"email": "nobody"}, (422, "invalid_email")),
    ("two addresses", (), {"email": f"{EMPLOYEE_EMAIL},evil@evil.example"}, (422, "invalid_email")),
    ("a list of addresses", (), {"email": [EMPLOYEE_EMAIL]}, (422, "invalid_field")),
    ("a field that is ours", (), {"grant_id": "grt_1"}, (422, "unknown_field")),
]


@pytest.mark.parametrize(
    ("others", "fields", "error"),
    [each[1:] for each in PARTNER_ADMIN_ERRORS],
    ids=[each[0] for each in PARTNER_ADMIN_ERRORS],
)
def test_create_partner_admin_with_unmet_condition_is_refused(
    table: Table, others: tuple[Record, ...], fields: dict[str, Any], error: tuple[int, str]
) -> None:
    seed(table, *others)

    assert_error(table, lambda: create(**fields), *error)


def test_create_partner_admin_for_ineligible_people_returns_same_error(table: Table) -> None:
    # domain.md rule 12
    seed(table, a_user(NEWCOMER), an_employee(COLLEAGUE, active=False))

    texts = {
        create(email=email).text for email in ("nobody@north.example", NEWCOMER_EMAIL, f"{COLLEAGUE}@north.example")
    }

    assert len(texts) == 1


def test_create_user_by_stranger_returns_same_error_for_all(table: Table) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, account_id=SOUTH), the_partner(account_id=SOUTH), a_user(NEWCOMER))

    texts = {create(NEWCOMER, email=email, account_id=account_id).text
            for email in (EMPLOYEE_EMAIL, NEWCOMER_EMAIL, "nobody@north.example")
            for account_id in (CLIENT, "client-nowhere")}  # fmt: skip

    assert len(texts) == 1


# other permission sets


@pytest.mark.parametrize(("permission_set", "seat"), [
    ("super_admin", "core"),
    ("marketing", "core"),
    ("reporting", "core"),
    ("view_only", "view_only"),
])  # fmt: skip
def test_create_user_for_known_user_assigns_default_seat(table: Table, permission_set: str, seat: str) -> None:
    seed(table, a_user(NEWCOMER))

    response = create(email=NEWCOMER_EMAIL, permission_set=permission_set)

    assert response.status == 201
    assert (response.body["permission_set"], response.body["seat"]) == (permission_set, seat)
    assert "grant" not in response.body
    assert "partner_id" not in response.body
    assert {item["pk"] for item in table.items_with_prefix("AUDIT#")} == {f"AUDIT#{CLIENT}"}


def test_create_user_with_paid_seat_requires_billing_permission(table: Table) -> None:
    seed(table, a_user(NEWCOMER), a_member(CLERK, removed=("account.billing.manage",)))
    fields = {"email": NEWCOMER_EMAIL, "permission_set": "sales", "seat": "sales"}

    assert_error(table, lambda: create(CLERK, **fields), 403, "permission_not_held")
    assert create(**fields).body["seat"] == "sales"


def test_create_user_by_partner_admin_adds_colleague(table: Table) -> None:
    seed(table, a_partner_admin(COLLEAGUE))

    member = create(COLLEAGUE, permission_set="sales").body

    assert (member["partner_id"], member["granted_by"], member["seat"]) == (PARTNER, COLLEAGUE, "view_only")
    assert {item["pk"] for item in table.items_with_prefix("AUDIT#") if item["event"] == "member.created"} == {
        f"AUDIT#{CLIENT}",
        f"AUDIT#{PARTNER}",
    }


def test_create_user_for_former_member_keeps_history(table: Table) -> None:
    former = a_member(NEWCOMER, "sales", active=False, removed=("crm.notes.view",))
    seed(table, a_user(NEWCOMER), former)

    member = create(email=NEWCOMER_EMAIL, permission_set="service").body

    assert (member["version"], member["permissions"]) == (2, {"added": [], "removed": []})
    assert (table.get(keys.member(CLIENT, NEWCOMER)) or {})["since"] == int(former.since.timestamp())


def test_create_user_with_custom_set_counts_holder(table: Table) -> None:
    seed(table, a_custom_set(version=4), a_user(NEWCOMER))

    member = create(email=NEWCOMER_EMAIL, permission_set=CUSTOM_SET).body

    assert (member["permission_set"], member["seat"]) == (CUSTOM_SET, "core")
    assert (table.get(keys.member(CLIENT, NEWCOMER)) or {})["set_version"] == 4
    held = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (held["holders"], held["partner_holders"], held["version"]) == (1, 0, 4)


def test_create_user_with_custom_set_changed_before_commit_uses_new_version(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    def widens() -> None:
        table.change(keys.permission_set(CLIENT, CUSTOM_SET), version=2, permissions=["crm.import"])

    response = send_during_change(table, widens, partial(create, email=NEWCOMER_EMAIL, permission_set=CUSTOM_SET))

    assert response.status == 201
    assert (table.get(keys.member(CLIENT, NEWCOMER)) or {})["set_version"] == 2


def test_create_user_with_custom_set_deleted_before_commit_is_refused(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    def goes() -> None:
        table.remove(keys.permission_set(CLIENT, CUSTOM_SET))
        table.change(keys.account(CLIENT), custom_set_count=0)

    response = send_during_change(table, goes, partial(create, email=NEWCOMER_EMAIL, permission_set=CUSTOM_SET))

    assert (response.status, response.code) == (422, "unknown_permission_set")


def test_create_user_by_partner_admin_counts_partner_holder(table: Table) -> None:
    seed(table, a_custom_set(), a_partner_admin(COLLEAGUE))

    assert create(COLLEAGUE, permission_set=CUSTOM_SET).body["partner_id"] == PARTNER
    held = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (held["holders"], held["partner_holders"]) == (1, 1)


def test_create_user_by_member_of_terminated_partner_is_refused(table: Table) -> None:
    seed(table, a_partner_admin(COLLEAGUE), the_partner(terminations=1))
    table.put(
        keys.reconciliation("an-act"),
        {"reconciliation": Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.PROGRAM_ENDED)},
    )

    assert_error(table, lambda: create(COLLEAGUE, permission_set="view_only"), 404, "not_found")


def test_create_user_for_expired_partner_admin_frees_seat(table: Table) -> None:
    seed(table, an_expired_partner_admin())

    member = create(permission_set="sales").body

    assert member["seat"] == "core"
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 0


USER_MANAGER = a_member(CLERK, "view_only", added=("account.users.manage",))
OTHER_SET_ERRORS: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("a member without rights", (), {"by": CLERK}, (403, "forbidden")),
    ("more than one holds", (USER_MANAGER,), {"by": CLERK}, (403, "permission_not_held")),
    ("super admin, by no super admin", (a_member(CLERK, removed=("account.scim.manage",)),),
     {"by": CLERK, "permission_set": "super_admin"}, (403, "permission_not_held")),
    ("an added permission that one does not hold", (USER_MANAGER,),
     {"by": CLERK, "permission_set": "view_only", "permissions": {"add": ["crm.import"]}}, (403, "permission_not_held")),
    ("a set of another account", (a_custom_set(account_id="client-other"),), {"permission_set": CUSTOM_SET},
     (422, "unknown_permission_set")),
    ("a set of the account with more than one holds", (a_custom_set(permissions=("crm.import",)), USER_MANAGER),
     {"by": CLERK, "permission_set": CUSTOM_SET}, (403, "permission_not_held")),
    ("an unknown address", (), {"email": "nobody@bakery.example"}, (422, "invalid_field")),
    ("a deactivated person", (a_user(NEWCOMER, active=False),), {}, (422, "invalid_field")),
    ("a member already", (a_member(NEWCOMER, "view_only"),), {}, (409, "already_member")),
    ("days without a grant", (), {"access_days": 5}, (422, "invalid_field")),
    ("last day without a grant", (), {"access_ends_on": "2027-04-10"}, (422, "invalid_field")),
    ("a partner seat", (), {"seat": "partner"}, (422, "invalid_field")),
    ("a closed account", (the_client(state=AccountState.CLOSED),), {}, (409, "account_closed")),
    ("wider than viewed", (), {"permission_set": "view_only", "permissions": {"remove": ["crm.deals.view"],
     "add": ["crm.deals.edit"]}}, (422, "invalid_field")),
    ("a permission of partner accounts", (), {"permissions": {"add": ["partner.client_access.manage"]}},
     (422, "unknown_permission")),
    ("a user who is not a colleague, by a partner admin", (a_partner_admin(COLLEAGUE),),
     {"by": COLLEAGUE}, (403, "forbidden")),
    ("an unknown address, by a partner admin", (a_partner_admin(COLLEAGUE),),
     {"by": COLLEAGUE, "email": "nobody@north.example"}, (403, "forbidden")),
    ("a paid seat, by a partner admin", (a_partner_admin(COLLEAGUE),),
     {"by": COLLEAGUE, "email": EMPLOYEE_EMAIL, "seat": "sales"}, (403, "permission_not_held")),
    ("super admin, by a partner admin", (a_partner_admin(COLLEAGUE),),
     {"by": COLLEAGUE, "email": EMPLOYEE_EMAIL, "permission_set": "super_admin"}, (403, "permission_not_held")),
    ("anybody, by a suspended partner admin", (a_partner_admin(COLLEAGUE, suspended_by=SUSPENDED),),
     {"by": COLLEAGUE, "email": EMPLOYEE_EMAIL}, (403, "forbidden")),
    ("anybody, by one whose grant is over", (a_partner_admin(COLLEAGUE, grant=a_grant(expires_at=now())),),
     {"by": COLLEAGUE, "email": EMPLOYEE_EMAIL}, (404, "not_found")),
    ("anybody, for a suspended partner", (a_partner_admin(COLLEAGUE), the_partner(program=Program.SUSPENDED)),
     {"by": COLLEAGUE, "email": EMPLOYEE_EMAIL}, (403, "forbidden")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("others", "fields", "error"), [each[1:] for each in OTHER_SET_ERRORS], ids=[each[0] for each in OTHER_SET_ERRORS]
)
def test_create_user_with_unmet_condition_is_refused(
    table: Table, others: tuple[Record, ...], fields: dict[str, Any], error: tuple[int, str]
) -> None:
    seed(table, a_user(NEWCOMER), *others)

    assert_error(table, lambda: create(**{"email": NEWCOMER_EMAIL, "permission_set": "sales", **fields}), *error)


# idempotency keys


def test_create_user_with_same_key_replays(table: Table) -> None:
    seed(table)

    assert_replayed(table, lambda key: create(key=key))
    assert_error(table, lambda: create(key="the-same-key", access_days=1), 422, "idempotency_key_reused")


def test_create_user_key_belongs_to_caller_and_lasts_a_day(table: Table) -> None:
    seed(table, a_member(CLERK), a_user(NEWCOMER))
    create(key="key")

    with assert_unchanged(table):
        assert create(CLERK, key="key").code == "already_partner_admin"
    expire_idempotency_keys(table)
    assert create(key="key", email=NEWCOMER_EMAIL, permission_set="sales").status == 201
