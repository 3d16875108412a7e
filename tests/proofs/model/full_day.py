"""A day in which every operation succeeds once and fails once, by the users of tests/support/random_operations.py."""

from collections.abc import Iterator
from datetime import timedelta

from tests.proofs.model.model import STALE
from tests.proofs.model.system import Moment, System
from tests.support import link_requests, membership_facts
from tests.support.gateway import ApiResponse, call, call_as_vendor

NORTH, SOUTH = "partner-north", "partner-south"
BAKERY, FLORIST, HARBOUR = "client-bakery", "client-florist", "client-harbour"


def full_day(system: System) -> Iterator[tuple[ApiResponse, str]]:
    """Yield each response with its expected error code, which is empty for a success."""
    yield from _link_steps(system)
    yield from _member_steps(system)
    yield from _set_steps(system)
    yield from _migration_steps()
    yield from _removal_steps(system)
    yield from _directory_steps(system)
    yield from _own_partner_steps()


def _link_steps(system: System) -> Iterator[tuple[ApiResponse, str]]:
    yield link_requests.create("user-n2", partner_id=NORTH, employee_id="user-n2"), "forbidden"
    made = link_requests.create("user-n1", partner_id=NORTH, employee_id="user-n2", max_approvals=3)
    yield made, ""
    first, link = link_requests.secret_of(made), {"partner_id": NORTH, "link_id": made.body["link_id"]}
    yield link_requests.approve("user-b2", secret=first, account_id=BAKERY), "not_an_approver"
    yield link_requests.approve("user-b1", secret=first, account_id=BAKERY), ""
    yield _put_member(FLORIST, "user-n3", permission_set="super_admin"), ""
    yield link_requests.approve("user-n3", secret=first, account_id=FLORIST), "own_partner_may_not_approve"
    yield link_requests.create("user-n1", partner_id=NORTH, employee_id="user-b2"), "not_eligible"
    yield link_requests.decline("user-b1", secret=first, account_id=BAKERY), "link_already_used"
    yield link_requests.decline("user-f1", secret=first, account_id=FLORIST), ""
    yield link_requests.request_renewal("user-f1", secret=first), "link_still_open"
    yield link_requests.resend("user-n2", **link), "forbidden"
    resent = link_requests.resend("user-n1", **link)
    yield resent, ""
    yield link_requests.approve("user-h1", secret=first, account_id=HARBOUR), "link_not_found"
    yield link_requests.revoke("user-n2", **link), "forbidden"
    yield link_requests.revoke("user-n1", **link), ""
    yield (
        link_requests.approve("user-h1", secret=link_requests.secret_of(resent), account_id=HARBOUR),
        "link_revoked",
    )
    yield link_requests.request_renewal("user-f1", secret=link_requests.secret_of(resent)), ""
    system.clock.advance(days=1)


def _member_steps(system: System) -> Iterator[tuple[ApiResponse, str]]:
    colleagues = "POST /partners/{partner_id}/clients/{account_id}/users"
    bringing = {"employee_ids": ["user-n3"], "permission_set": "sales"}
    for by, code in (("user-n2", ""), ("user-n3", "forbidden")):
        yield call(colleagues, by, bringing, partner_id=NORTH, account_id=BAKERY), code
    last_day = (system.clock.time + timedelta(days=2)).date().isoformat()
    body = {"email": "user-n1@north.example", "permission_set": "partner_admin", "access_ends_on": last_day}
    system.repeat_request(Moment(0))
    cases = ("user-b2", "not_an_approver"), ("user-n2", "not_an_approver"), ("user-b1", "")
    for by, code in (*cases, ("user-b1", "already_partner_admin")):
        yield call("POST /accounts/{account_id}/users", by, body, account_id=BAKERY), code
    for change, code in (
        ({"access_ends_on": "9999-12-31"}, "invalid_field"),
        ({"access_ends_on": last_day}, ""),
    ):
        yield membership_facts.edit("user-b1", "user-n1", account_id=BAKERY, expected_version=1, **change), code
    for by, version, code in (
        ("user-b2", 1, "forbidden"),
        ("user-b1", STALE, "precondition_failed"),
        ("user-b1", 1, ""),
    ):
        yield (
            membership_facts.edit(
                by, "user-n3", account_id=BAKERY, expected_version=version, permissions={"remove": ["reports.view"]}
            ),
            code,
        )
    yield membership_facts.suspend("user-b2", "user-n3", account_id=BAKERY), "forbidden"
    yield membership_facts.suspend("user-b1", "user-n3", account_id=BAKERY), ""
    yield membership_facts.resume("user-n1", "user-n3", account_id=BAKERY), "grant_suspended"
    yield membership_facts.resume("user-b1", "user-n3", account_id=BAKERY), ""
    system.send_emails(Moment(1))


def _set_steps(system: System) -> Iterator[tuple[ApiResponse, str]]:
    sets, body = "/accounts/{account_id}/permission-sets", {"name": "A set", "permissions": ["crm.export"]}
    yield call(f"POST {sets}", "user-b2", body, account_id=BAKERY), "forbidden"
    made = call(f"POST {sets}", "user-b1", body, account_id=BAKERY)
    yield made, ""
    own = {"account_id": BAKERY, "set_id": made.body["permission_set"]}
    fewer = {"name": "A set", "permissions": ["crm.import"]}
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"PUT {sets}/{{set_id}}", by, fewer, headers={"if-match": '"1"'}, **own), code
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"DELETE {sets}/{{set_id}}", by, headers={"if-match": '"2"'}, **own), code
    system.publish_version(2)
    wanted = {"permission_set": "partner_admin", "version": 2, "user_ids": ["user-n2"]}
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"POST {sets}/updates", by, wanted, account_id=BAKERY), code


def _migration_steps() -> Iterator[tuple[ApiResponse, str]]:
    for client, person in ((HARBOUR, "user-s2"), (FLORIST, "user-s1")):
        yield _put_member(client, person, permission_set="super_admin"), ""
    for by, code in (("user-h2", "forbidden"), ("user-h1", ""), ("user-h1", "not_super_admin")):
        yield call("POST /accounts/{account_id}/migrations", by, {"user_id": "user-s2"}, account_id=HARBOUR), code
    body = {"account_ids": [FLORIST, HARBOUR]}
    yield call("POST /partners/{partner_id}/migrations", "user-s1", body, partner_id=SOUTH), ""


def _removal_steps(system: System) -> Iterator[tuple[ApiResponse, str]]:
    version = system.operations.version_of(BAKERY, "user-n3")
    yield membership_facts.remove("user-b2", "user-n3", account_id=BAKERY, expected_version=version), "forbidden"
    yield membership_facts.remove("user-b1", "user-n3", account_id=BAKERY, expected_version=version), ""
    ending = {"partner_id": NORTH, "user_id": "user-n2"}
    made = link_requests.create("user-n1", partner_id=NORTH, employee_id="user-n2")
    yield made, ""
    for by, code in (("user-n3", "forbidden"), ("user-n2", "")):
        yield call("DELETE /partners/{partner_id}/employees/{user_id}/access", by, **ending), code
    yield link_requests.approve("user-h1", secret=link_requests.secret_of(made), account_id=HARBOUR), "link_revoked"
    system.clock.advance(days=3)
    system.expire(Moment(1))


def _directory_steps(system: System) -> Iterator[tuple[ApiResponse, str]]:
    account = "PUT /directory/accounts/{account_id}"
    for limit, code in ((0, "limit_below_use"), (1, "")):
        yield call_as_vendor(account, {"partner_seat_limit": limit}, account_id=HARBOUR), code
    body = {"email": "user-n3@north.example", "permission_set": "partner_admin"}
    yield call("POST /accounts/{account_id}/users", "user-h1", body, account_id=HARBOUR), "no_seat_left"
    yield (
        membership_facts.remove(
            "user-s2", "user-s2", account_id=HARBOUR, expected_version=system.operations.version_of(HARBOUR, "user-s2")
        ),
        "",
    )
    for state, code in (("closed", "account_closed"), ("active", "")):
        yield call_as_vendor(account, {"state": state}, account_id=HARBOUR), ""
        yield call("POST /accounts/{account_id}/users", "user-h1", body, account_id=HARBOUR), code
    for name, code in (("user-b1", "email_in_use"), ("user-moved", "")):
        yield (
            call_as_vendor("PUT /directory/users/{user_id}", {"email": f"{name}@clients.example"}, user_id="user-b2"),
            code,
        )
    someone = {"email": "sam@clients.example", "name": "Sam"}
    yield call_as_vendor("PUT /directory/users/{user_id}", someone, user_id="schedule"), "reserved_subject"
    yield _put_member(BAKERY, "user-b1", permission_set="view_only"), "last_super_admin"
    for person, code in (("user-b1", "is_super_admin"), ("user-b2", "")):
        yield call_as_vendor("POST /directory/users/{user_id}/erasure", {}, user_id=person), code


def _own_partner_steps() -> Iterator[tuple[ApiResponse, str]]:
    yield _put_member(SOUTH, "user-n3", permission_set="view_only"), ""
    yield _put_member(BAKERY, "user-s3", permission_set="super_admin"), ""
    body = {"email": "user-n3@north.example", "permission_set": "partner_admin", "partner_id": NORTH}
    yield call("POST /accounts/{account_id}/users", "user-s3", body, account_id=BAKERY), "own_partner_may_not_approve"
    made = link_requests.create("user-n1", partner_id=NORTH, employee_id="user-n1")
    yield made, ""
    yield _put_member(NORTH, "user-b1", permission_set="view_only"), ""
    yield _put_member(NORTH, "user-b1", active=False), ""
    secret = link_requests.secret_of(made)
    yield link_requests.approve("user-b1", secret=secret, account_id=BAKERY), "no_independent_approver"


def _put_member(account_id: str, user_id: str, **fields: object) -> ApiResponse:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return call_as_vendor(route, {"active": True, **fields}, account_id=account_id, user_id=user_id)
