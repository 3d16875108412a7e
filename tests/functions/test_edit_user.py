"""A membership is edited: by whoever may, from the version that he saw, and so that it holds from the next request on."""

from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Kept
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
    the_client,
    the_partner,
)
from tests.support.gateway import DIRECTORY, VENDOR, Answer, call
from tests.support.link_requests import a_day_later, create, nothing_changes, refused, replays, tell_account, tell_user
from tests.support.membership_facts import USER, USERS, edit, end, suspend
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_lapsed_partner_admin, a_world, now, staff
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("sound")

SOUTH = "partner-south"
LESS: dict[str, Any] = {"permissions": {"remove": ["account.users.manage", "crm.import"]}}
FELLOW = a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'3' * 32}"))
MANAGES_USERS = a_member(USERS, "view_only", added=("account.users.manage",))


@pytest.fixture
def town(table: Table) -> Table:
    """The employee and his colleague are partner admins; somebody manages users."""
    a_town(table)
    return table


def a_town(table: Table, *others: Kept) -> None:
    a_world(table, a_user(USERS), a_partner_admin(), FELLOW, MANAGES_USERS, *others)


def sets(by: str = APPROVER) -> Answer:
    """What only those are shown who manage users."""
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=CLIENT)


def kept(table: Table, user_id: str = EMPLOYEE) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, user_id)) or {}


def entry(table: Table, event: str = "member.updated") -> dict[str, Any]:
    found = {item["audit_id"]: item for item in table.under("AUDIT#") if item["event"] == event}
    (only,) = found.values()
    return only


def letter(table: Table) -> dict[str, Any]:
    (only,) = table.under("OUTBOX#")
    told: dict[str, Any] = only["notification"]
    return told


# what an edit does


def test_permissions_are_taken_away_and_the_next_request_shows_it(town: Table) -> None:
    assert sets(EMPLOYEE).status == 200

    answer = edit(permissions={"remove": ["crm.import", "account.users.manage"]})

    assert (answer.status, answer.headers["etag"]) == (200, '"2"')
    assert answer.body["permissions"] == {"added": [], "removed": ["account.users.manage", "crm.import"]}
    assert (answer.body["permission_set"], answer.body["state"], answer.body["version"]) == (
        "partner_admin",
        "active",
        2,
    )
    assert answer.body["grant"]["grant_id"] == answer.body["grant_id"] == a_grant().grant_id
    assert answer.body["grant"]["permissions"]["removed"] == ["account.users.manage", "crm.import"]
    assert sets(EMPLOYEE).status == 403
    assert edit(seen=2, permissions={}).body["permissions"] == {"added": [], "removed": []}
    assert sets(EMPLOYEE).status == 200


def test_an_edit_is_in_both_trails_and_both_sides_are_told(town: Table) -> None:
    edit(permissions={"add": ["crm.deals.edit:team"], "remove": ["crm.deals.edit", "crm.deals.delete"]}, seat="sales")

    told = [item for item in town.under("AUDIT#") if item["event"] == "member.updated"]
    assert {item["pk"] for item in told} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert entry(town)["actor_id"] == APPROVER
    assert entry(town)["details"] == {
        "user_id": EMPLOYEE,
        "capacity": "super_admin",
        "permission_set": "partner_admin",
        "set_version": 1,
        "lost": ["crm.deals.delete:all", "crm.deals.edit:all"],
        "seat": "partner",
        "paid_seats": ["sales"],
    }
    assert (letter(town)["kind"], letter(town)["partner_id"]) == ("access_changed", PARTNER)
    assert letter(town)["lost"] == ["crm.deals.delete:all", "crm.deals.edit:all"]


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_whoever_may_narrows(town: Table, by: str) -> None:
    assert edit(by, **LESS).status == 200
    assert kept(town)["removed"] == ["account.users.manage", "crm.import"]


def test_a_set_replaces_the_overrides_and_a_grant_lives_on_under_it(table: Table) -> None:
    a_town(table, a_partner_admin(removed=("crm.import",)))

    answer = edit(permission_set="sales")

    assert (answer.body["permission_set"], answer.body["permissions"]["removed"]) == ("sales", [])
    assert (answer.body["seat"], answer.body["grant"]["permissions"]["set"]) == ("partner", "sales")
    assert answer.body["partner_id"] == PARTNER


def test_an_own_set_is_given_and_counts_at_once(table: Table) -> None:
    a_town(table, a_custom_set(permissions=("account.users.manage",)))
    assert sets(CLERK).status == 403

    answer = edit(APPROVER, CLERK, permission_set=CUSTOM_SET)

    assert (answer.status, answer.body["permission_set"]) == (200, CUSTOM_SET)
    assert "grant" not in answer.body
    assert sets(CLERK).status == 200
    assert edit(APPROVER, permission_set=f"set_{'9' * 32}").code == "unknown_permission_set"


def test_who_holds_less_gives_no_more_than_he_holds(town: Table) -> None:
    refused(town, partial(edit, USERS, CLERK, permission_set="sales"), 403, "permission_not_held")
    refused(town, partial(edit, USERS, CLERK, permissions={"add": ["crm.import"]}), 403, "permission_not_held")
    assert edit(USERS, CLERK, permissions={"add": ["account.users.manage"]}).status == 200


@pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
@pytest.mark.parametrize("target", [a_partner_admin(), a_member(EMPLOYEE, "view_only", partner_id=PARTNER)])
def test_no_door_brings_partner_staff_what_is_restricted(table: Table, permission: str, target: Kept) -> None:
    a_town(table, target, a_custom_set(permissions=(permission,)))

    refused(table, partial(edit, permissions={"add": [permission]}), 422, "restricted_permission")
    refused(table, partial(edit, permission_set=CUSTOM_SET), 422, "restricted_permission")
    refused(
        table, partial(edit, permission_set="sales", permissions={"add": [permission]}), 422, "restricted_permission"
    )


def test_a_partner_account_makes_an_employee_a_client_access_manager(town: Table) -> None:
    assert create(EMPLOYEE).code == "forbidden"

    answer = edit(MANAGER, account_id=PARTNER, permissions={"add": ["partner.client_access.manage"]})

    assert answer.status == 200
    assert create(EMPLOYEE).status == 201
    refused(town, partial(edit, permissions={"add": ["partner.client_access.manage"]}), 422, "unknown_permission")
    edit(MANAGER, account_id=PARTNER, seen=2, permissions={})
    assert create(EMPLOYEE).code == "forbidden"


def test_in_a_partner_account_a_colleague_is_made_super_admin(town: Table) -> None:
    answer = edit(MANAGER, account_id=PARTNER, permission_set="super_admin")

    assert (answer.status, answer.body["permission_set"]) == (200, "super_admin")
    assert edit(EMPLOYEE, MANAGER, account_id=PARTNER, permission_set="view_only").status == 200


# super admins


def test_a_partner_admin_becomes_super_admin_his_grant_ends_and_his_seat_is_free(table: Table) -> None:
    a_town(table, the_client(partner_seat_limit=2))

    answer = edit(permission_set="super_admin")

    shown = answer.body
    assert (answer.status, shown["permission_set"], shown["seat"]) == (200, "super_admin", "core")
    assert {"grant", "grant_id", "partner_id", "expires_at"}.isdisjoint(shown)
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {APPROVER, EMPLOYEE}
    told = [item for item in table.under("AUDIT#") if item["event"] == "member.updated"]
    assert {item["pk"] for item in told} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert entry(table)["details"]["grant_ended"] is True
    assert edit(APPROVER, MANAGER, seen=1).code == "not_found"


@pytest.mark.parametrize("by", [USERS, COLLEAGUE, MANAGER, EMPLOYEE, CLERK])
def test_nobody_but_a_super_admin_makes_one(town: Table, by: str) -> None:
    refused(town, partial(edit, by, permission_set="super_admin"), 403, "forbidden")


def test_a_super_admin_who_works_for_the_firm_neither_promotes_nor_widens_nor_lengthens(table: Table) -> None:
    timed = a_partner_admin(removed=("crm.import",), grant=a_grant().ending(10, now()))
    a_town(table, timed, a_member(MANAGER))

    wishes: list[dict[str, Any]] = [
        {"permission_set": "super_admin"},
        {"permissions": {}},
        {"access_days": 20},
        {"access_days": None},
    ]
    for wish in wishes:
        refused(table, partial(edit, MANAGER, **wish), 403, "own_partner_may_not_approve")
    assert edit(MANAGER, access_days=5).status == 200


def test_a_demoted_super_admin_may_do_less_at_once(table: Table) -> None:
    a_town(table, a_member(CLERK))

    assert edit(CLERK, APPROVER, permission_set="sales").status == 200

    assert sets(APPROVER).status == 403
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {CLERK}
    refused(table, partial(edit, CLERK, CLERK, permission_set="sales"), 409, "last_super_admin")


def test_who_manages_users_does_not_touch_super_admins(town: Table) -> None:
    wishes: list[dict[str, Any]] = [
        {"permission_set": "sales"},
        {"permission_set": "partner_admin"},
        {"seat": "view_only"},
        {},
    ]
    for wish in wishes:
        refused(town, partial(edit, USERS, APPROVER, **wish), 403, "forbidden")


# becoming partner admin


def test_a_super_admin_who_is_set_to_partner_admin_is_migrated(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, seat=Seat.SALES))

    shown = edit(permission_set="partner_admin").body

    assert (shown["permission_set"], shown["seat"], shown["paid_seats"]) == ("partner_admin", "partner", ["sales"])
    assert (shown["grant"]["source"], shown["grant"]["partner_id"], shown["state"]) == ("migration", PARTNER, "active")
    assert entry(table, "super_admin.migrated")["accounts"] == [CLIENT, PARTNER]
    assert letter(table)["kind"] == "super_admin_migrated"
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1


def test_an_ordinary_member_is_made_partner_admin_and_falls_back_when_it_ends(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, "sales", seat=Seat.SERVICE))

    shown = edit(permission_set="partner_admin", permissions={"remove": ["crm.import"]}, access_days=30).body

    assert (shown["permission_set"], shown["grant"]["source"]) == ("partner_admin", "client_creation")
    assert (shown["permissions"]["removed"], shown["state"], shown["version"]) == (["crm.import"], "active", 2)
    assert "expires_at" in shown
    assert letter(table)["kind"] == "member_created"
    assert end(seen=2).status == 204
    assert (kept(table)["permission_set"], kept(table)["seat"], kept(table)["active"]) == ("sales", "service", True)


def test_somebody_of_two_firms_comes_for_the_one_that_is_named(table: Table) -> None:
    a_world(table, the_partner(account_id=SOUTH), staff(EMPLOYEE, account_id=SOUTH), a_member(EMPLOYEE, "sales"))
    unclear = refused(table, partial(edit, permission_set="partner_admin"), 422, "invalid_field")
    assert unclear.body["errors"] == [{"pointer": "/partner_id", "code": "invalid_field"}]

    assert edit(permission_set="partner_admin", partner_id=SOUTH).body["partner_id"] == SOUTH


BECOMES: list[tuple[str, tuple[Kept, ...], str, int, str]] = [
    ("the last super admin", (a_member(EMPLOYEE), a_member(APPROVER, "sales")), EMPLOYEE, 409, "last_super_admin"),
    ("no seat", (a_member(EMPLOYEE), the_client(partner_seat_limit=0)), APPROVER, 409, "no_seat_left"),
    (
        "no seat for a member",
        (a_member(EMPLOYEE, "sales"), the_client(partner_seat_limit=0)),
        APPROVER,
        409,
        "no_seat_left",
    ),
    ("not eligible", (a_member(EMPLOYEE), the_partner(program=Program.SUSPENDED)), APPROVER, 409, "not_eligible"),
    ("of no firm", (a_member(EMPLOYEE, "sales"), staff(EMPLOYEE, active=False)), APPROVER, 409, "not_eligible"),
    ("who manages users", (a_member(EMPLOYEE), a_user(USERS), MANAGES_USERS), USERS, 403, "forbidden"),
    ("of the own firm", (a_member(EMPLOYEE, "sales"), a_member(MANAGER)), MANAGER, 403, "own_partner_may_not_approve"),
    (
        "nobody independent",
        (a_member(EMPLOYEE, "sales"), a_member(MANAGER), a_member(APPROVER, "sales")),
        MANAGER,
        403,
        "no_independent_approver",
    ),
    (
        "a colleague",
        (a_member(EMPLOYEE, "view_only", partner_id=PARTNER), FELLOW),
        COLLEAGUE,
        403,
        "forbidden",
    ),
    ("from the firm", (a_member(EMPLOYEE, "view_only", partner_id=PARTNER),), MANAGER, 403, "forbidden"),
]


@pytest.mark.parametrize(
    ("others", "by", "status", "code"), [each[1:] for each in BECOMES], ids=[each[0] for each in BECOMES]
)
def test_becoming_partner_admin_has_its_own_rules(
    table: Table, others: tuple[Kept, ...], by: str, status: int, code: str
) -> None:
    a_world(table, *others)

    refused(table, partial(edit, by, permission_set="partner_admin"), status, code)


# seats and time


def test_a_paid_seat_lifts_the_notice_of_a_legacy_account(table: Table) -> None:
    a_town(table, the_client(pricing=Pricing.LEGACY))
    before = edit(permissions={"remove": ["crm.import"]}).body["grant"]
    assert (before["notice"], before["paid_features"]) == ("paid_seat_required", False)

    after = edit(seen=2, paid_seats=["sales"]).body

    assert (after["seat"], after["paid_seats"]) == ("partner", ["sales"])
    assert after["grant"]["paid_features"] is True
    assert "notice" not in after["grant"]
    assert edit(seen=3, paid_seats=[]).body["grant"]["notice"] == "paid_seat_required"


@pytest.mark.parametrize(
    ("by", "target", "wish", "status", "code"),
    [
        (USERS, CLERK, {"seat": "sales"}, 403, "permission_not_held"),
        (USERS, EMPLOYEE, {"paid_seats": ["service"]}, 403, "permission_not_held"),
        (COLLEAGUE, EMPLOYEE, {"seat": "sales"}, 403, "forbidden"),
        (MANAGER, EMPLOYEE, {"paid_seats": ["sales"]}, 403, "forbidden"),
        (APPROVER, EMPLOYEE, {"seat": "core"}, 422, "invalid_field"),
        (APPROVER, CLERK, {"seat": "partner"}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["view_only"]}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["sales", "sales"]}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["sales", "service", "sales"]}, 422, "invalid_field"),
    ],
)
def test_seats_have_their_rules(
    town: Table, by: str, target: str, wish: dict[str, Any], status: int, code: str
) -> None:
    refused(town, partial(edit, by, target, **wish), status, code)


def test_who_manages_users_assigns_what_costs_nothing(town: Table) -> None:
    assert edit(USERS, CLERK, seat="view_only").body["seat"] == "view_only"


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_either_side_shortens_and_only_the_client_lengthens(table: Table, by: str) -> None:
    a_town(table, a_partner_admin(grant=a_grant().ending(20, now())))

    assert edit(by, access_days=10).status == 200
    for days in (30, None):
        if by in {APPROVER, USERS}:
            assert edit(by, seen=kept(table)["version"], access_days=days).status == 200
        else:
            refused(table, partial(edit, by, seen=2, access_days=days), 403, "forbidden")


@pytest.mark.parametrize("days", [0, -1, 731, 1.5, "10", True, []])
def test_the_end_is_one_to_730_days_away(town: Table, days: object) -> None:
    answer = refused(town, partial(edit, access_days=days), 422, "invalid_field")
    assert answer.body["errors"][0]["pointer"] == "/access_days"


def test_days_count_from_now_and_null_takes_the_end_away(town: Table) -> None:
    before = now()
    shown = edit(access_days=730).body
    assert int(kept(town)["grant"]["expires_at"]) - before.timestamp() in range(730 * 86400, 730 * 86400 + 30)
    assert shown["expires_at"] == shown["grant"]["expires_at"]

    endless = edit(seen=2, access_days=None).body
    assert "expires_at" not in endless
    assert "due_at" not in kept(town)
    refused(town, partial(edit, APPROVER, CLERK, access_days=3), 422, "invalid_field")


# what is no edit


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_nothing_at_all_is_no_change(town: Table, by: str) -> None:
    with nothing_changes(town):
        answer = edit(by)

    assert (answer.status, answer.headers["etag"], answer.body["version"]) == (200, '"1"', 1)
    assert answer.body["grant"]["grant_id"] == a_grant().grant_id


@pytest.mark.parametrize(
    "permissions",
    [
        {"add": ["crm.import"], "remove": ["crm.import"]},
        {"add": ["crm.deals.edit:all"], "remove": ["crm.deals.edit"]},
        {"add": ["crm.import", "crm.import"]},
        {"remove": ["crm.import", "crm.import"]},
        {"remove": ["crm.import"] * 201},
        {"remove": ["crm.deals.view"]},
        {"add": "crm.import"},
        {"more": []},
        None,
    ],
)
def test_permissions_that_make_no_sense_are_refused(town: Table, permissions: object) -> None:
    answer = edit(permissions=permissions)

    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"].startswith("/permissions")


@pytest.mark.parametrize("field", ["permission_set", "permissions", "seat", "paid_seats", "partner_id"])
def test_null_means_nothing_but_for_the_end(town: Table, field: str) -> None:
    null: dict[str, Any] = {field: None}
    answer = refused(town, partial(edit, **null), 422, "invalid_field")

    assert answer.body["errors"] == [{"pointer": f"/{field}", "code": "invalid_field"}]


def test_a_super_admin_is_not_narrowed(town: Table) -> None:
    refused(town, partial(edit, APPROVER, APPROVER, permissions={"remove": ["crm.import"]}), 422, "invalid_field")


@pytest.mark.parametrize("wish", [{"permissions": {"remove": ["crm.import"]}}, {"seat": "sales"}, {"access_days": 30}])
@pytest.mark.parametrize(("target", "name"), [(MANAGER, "partner_admin"), (CLERK, "super_admin")])
def test_whoever_becomes_super_admin_or_is_no_more_one_is_not_edited_along_with_it(
    table: Table, target: str, name: str, wish: dict[str, Any]
) -> None:
    a_town(table, a_member(MANAGER))

    refused(table, partial(edit, APPROVER, target, permission_set=name, **wish), 422, "invalid_field")


def test_from_the_partners_side_nothing_is_given(town: Table) -> None:
    narrower = edit(MANAGER, **LESS)

    assert narrower.status == 200
    refused(town, partial(edit, MANAGER, seen=2, permissions={}), 403, "forbidden")


# what was seen


@pytest.mark.parametrize(
    ("seen", "status", "code"),
    [(None, 428, "precondition_required"), (2, 412, "precondition_failed"), ("nonsense", 412, "precondition_failed")],
)
def test_an_edit_names_what_it_saw(town: Table, seen: object, status: int, code: str) -> None:
    for wish in ({}, LESS):
        refused(town, partial(edit, seen=seen, **wish), status, code)


@pytest.mark.parametrize("tag", ["*", 'W/"1"', "1", '""', '"1", "2"', ""])
def test_no_other_tag_is_taken(town: Table, tag: str) -> None:
    knock = partial(
        call, f"PATCH {USER}", APPROVER, LESS, headers={"if-match": tag}, account_id=CLIENT, user_id=EMPLOYEE
    )
    answer = knock()
    assert (answer.status, answer.code) in {(400, "invalid_etag"), (412, "precondition_failed")}
    assert kept(town)["version"] == 1


def test_two_editors_do_not_overwrite_each_other(town: Table) -> None:
    assert edit(USERS, **LESS).status == 200
    refused(town, partial(edit, permission_set="sales"), 412, "precondition_failed")
    assert edit(seen=2, permission_set="sales").status == 200


# who may not

REFUSED: list[tuple[str, tuple[Kept, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a stranger", (a_user("user-stranger"),), {"by": "user-stranger"}, (404, "not_found")),
    ("an unknown caller", (), {"by": "user-nobody"}, (404, "not_found")),
    ("a member without the right", (), {"by": CLERK}, (403, "forbidden")),
    ("himself", (a_partner_admin(removed=("account.users.manage",)),), {"by": EMPLOYEE}, (403, "forbidden")),
    ("a deactivated person", (a_user(USERS, active=False),), {"by": USERS}, (403, "forbidden")),
    ("an unknown target", (), {"user_id": "user-nobody"}, (404, "not_found")),
    ("somebody who is no member", (), {"user_id": MANAGER}, (404, "not_found")),
    ("a deactivated member", (a_member(CLERK, active=False),), {"user_id": CLERK}, (404, "not_found")),
    ("a closed account", (the_client(state=AccountState.CLOSED),), {}, (409, "account_closed")),
    ("a manager and the client's own", (), {"by": MANAGER, "user_id": CLERK}, (404, "not_found")),
    ("a colleague and the client's own", (), {"by": COLLEAGUE, "user_id": CLERK}, (403, "forbidden")),
    (
        "a manager of another firm",
        (the_partner(account_id=SOUTH), a_user("user-south"), staff("user-south", "super_admin", account_id=SOUTH)),
        {"by": "user-south"},
        (404, "not_found"),
    ),
    ("a grant that is over", (a_lapsed_partner_admin(),), {}, (404, "not_found")),
]


@pytest.mark.parametrize(
    ("others", "how", "refusal"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_an_edit_is_refused(
    table: Table, others: tuple[Kept, ...], how: dict[str, Any], refusal: tuple[int, str]
) -> None:
    a_town(table, *others)

    refused(table, partial(edit, **{**LESS, **how}), *refusal)


def test_the_vendor_edits_nothing(town: Table) -> None:
    how = {"headers": {"if-match": '"1"'}, "account_id": CLIENT, "user_id": EMPLOYEE}
    knock = partial(call, f"PATCH {USER}", VENDOR, LESS, scope=f"{DIRECTORY} partner-access/use", **how)

    refused(town, knock, 403, "forbidden")


# again


def test_the_same_key_brings_the_same_answer(town: Table) -> None:
    replays(town, lambda key: edit(key=key, **LESS))
    refused(town, partial(edit, key="the-same-key", permission_set="sales"), 422, "idempotency_key_reused")
    a_day_later(town)
    refused(town, partial(edit, key="the-same-key", **LESS), 412, "precondition_failed")


def test_no_change_is_kept_for_its_key_too(town: Table) -> None:
    replays(town, lambda key: edit(key=key))


def test_a_super_admin_who_demotes_himself_hears_again_that_he_did(table: Table) -> None:
    a_town(table, a_member(CLERK))

    replays(table, lambda key: edit(CLERK, CLERK, key=key, permission_set="view_only"))
    refused(table, partial(edit, CLERK, CLERK, seen=2, permission_set="super_admin"), 403, "forbidden")


def test_who_takes_his_own_right_hears_again_that_he_did(town: Table) -> None:
    replays(town, lambda key: edit(USERS, USERS, key=key, permissions={"remove": ["account.users.manage"]}))


def test_a_migration_and_a_creation_are_replayed_too(table: Table) -> None:
    for member in (a_member(EMPLOYEE), a_member(EMPLOYEE, "sales")):
        table.clear()
        a_world(table, member)
        replays(table, lambda key: edit(key=key, permission_set="partner_admin"))


# what else counts


def test_a_grant_that_is_stopped_by_the_program_shows_so(town: Table) -> None:
    tell_account(PARTNER, program="suspended")

    shown = edit(**LESS).body

    assert (shown["state"], shown["suspended_by"], shown["grant"]["state"]) == ("suspended", ["program"], "suspended")


def test_an_edit_does_not_end_a_suspension(town: Table) -> None:
    suspend()

    shown = edit(seen=2, access_days=10).body

    assert (shown["state"], shown["suspended_by"]) == ("suspended", [SuspensionReason.CLIENT])
    refused(town, partial(edit, seen=3, permission_set="super_admin"), 409, "grant_suspended")


def test_who_is_deactivated_by_the_vendor_is_edited_and_still_may_nothing(town: Table) -> None:
    tell_user(EMPLOYEE, active=False)

    assert edit(permissions={}).body["state"] == "suspended"
    assert sets(EMPLOYEE).code == "forbidden"
