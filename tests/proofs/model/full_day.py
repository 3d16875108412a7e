"""A day in which everything is done once and refused once, by people whom tests/support/random_operations.py knows."""

from collections.abc import Iterator

from tests.proofs.model.model import STALE
from tests.proofs.model.system import Moment, Town
from tests.support import link_requests, membership_facts
from tests.support.gateway import Answer, call, tell

NORTH, SOUTH = "partner-north", "partner-south"
BAKERY, FLORIST, HARBOUR = "client-bakery", "client-florist", "client-harbour"


def a_full_day(town: Town) -> Iterator[tuple[Answer, str]]:
    """Each answer, with the code that it should bear, if any."""
    yield from _of_links(town)
    yield from _of_members(town)
    yield from _of_sets(town)
    yield from _of_migrations()
    yield from _of_ends(town)
    yield from _of_the_vendor(town)


def _of_links(town: Town) -> Iterator[tuple[Answer, str]]:
    yield link_requests.create("user-n2", partner_id=NORTH, employee_id="user-n2"), "forbidden"
    made = link_requests.create("user-n1", partner_id=NORTH, employee_id="user-n2", max_approvals=3)
    yield made, ""
    first, link = link_requests.secret_of(made), {"partner_id": NORTH, "link_id": made.body["link_id"]}
    yield link_requests.approve("user-b2", secret=first, account_id=BAKERY), "not_an_approver"
    yield link_requests.approve("user-b1", secret=first, account_id=BAKERY), ""
    yield _tell_member(FLORIST, "user-n3", permission_set="super_admin"), ""
    yield link_requests.approve("user-n3", secret=first, account_id=FLORIST), "own_partner_may_not_approve"
    yield link_requests.create("user-n1", partner_id=NORTH, employee_id="user-b2"), "not_eligible"
    yield link_requests.decline("user-b1", secret=first, account_id=BAKERY), "link_already_used"
    yield link_requests.decline("user-f1", secret=first, account_id=FLORIST), ""
    yield link_requests.renew("user-f1", secret=first), "link_still_open"
    yield link_requests.resend("user-n2", **link), "forbidden"
    made_anew = link_requests.resend("user-n1", **link)
    yield made_anew, ""
    yield link_requests.approve("user-h1", secret=first, account_id=HARBOUR), "link_not_found"
    yield link_requests.revoke("user-n2", **link), "forbidden"
    yield link_requests.revoke("user-n1", **link), ""
    yield (
        link_requests.approve("user-h1", secret=link_requests.secret_of(made_anew), account_id=HARBOUR),
        "link_revoked",
    )
    yield link_requests.renew("user-f1", secret=link_requests.secret_of(made_anew)), ""
    town.clock.passes(days=1)


def _of_members(town: Town) -> Iterator[tuple[Answer, str]]:
    colleagues = "POST /partners/{partner_id}/clients/{account_id}/users"
    bringing = {"employee_ids": ["user-n3"], "permission_set": "sales"}
    for by, code in (("user-n2", ""), ("user-n3", "forbidden")):
        yield call(colleagues, by, bringing, partner_id=NORTH, account_id=BAKERY), code
    taking = {"email": "user-n1@north.example", "permission_set": "partner_admin", "access_days": 2}
    town.asks_again(Moment(0))
    answers = ("user-b2", "not_an_approver"), ("user-n2", "not_an_approver"), ("user-b1", "")
    for by, code in (*answers, ("user-b1", "already_partner_admin")):
        yield call("POST /accounts/{account_id}/users", by, taking, account_id=BAKERY), code
    for by, seen, code in (("user-b2", 1, "forbidden"), ("user-b1", STALE, "precondition_failed"), ("user-b1", 1, "")):
        yield (
            membership_facts.edit(
                by, "user-n3", account_id=BAKERY, seen=seen, permissions={"remove": ["reports.view"]}
            ),
            code,
        )
    yield membership_facts.suspend("user-b2", "user-n3", account_id=BAKERY), "forbidden"
    yield membership_facts.suspend("user-b1", "user-n3", account_id=BAKERY), ""
    yield membership_facts.resume("user-n1", "user-n3", account_id=BAKERY), "grant_suspended"
    yield membership_facts.resume("user-b1", "user-n3", account_id=BAKERY), ""
    town.mails(Moment(1))


def _of_sets(town: Town) -> Iterator[tuple[Answer, str]]:
    sets, wish = "/accounts/{account_id}/permission-sets", {"name": "A set", "permissions": ["crm.export"]}
    yield call(f"POST {sets}", "user-b2", wish, account_id=BAKERY), "forbidden"
    made = call(f"POST {sets}", "user-b1", wish, account_id=BAKERY)
    yield made, ""
    own = {"account_id": BAKERY, "set_id": made.body["permission_set"]}
    fewer = {"name": "A set", "permissions": ["crm.import"]}
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"PUT {sets}/{{set_id}}", by, fewer, headers={"if-match": '"1"'}, **own), code
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"DELETE {sets}/{{set_id}}", by, headers={"if-match": '"2"'}, **own), code
    town.publish_version(2)
    wanted = {"permission_set": "partner_admin", "version": 2, "user_ids": ["user-n2"]}
    for by, code in (("user-b2", "forbidden"), ("user-b1", "")):
        yield call(f"POST {sets}/updates", by, wanted, account_id=BAKERY), code


def _of_migrations() -> Iterator[tuple[Answer, str]]:
    for client, person in ((HARBOUR, "user-s2"), (FLORIST, "user-s1")):
        yield _tell_member(client, person, permission_set="super_admin"), ""
    for by, code in (("user-h2", "forbidden"), ("user-h1", ""), ("user-h1", "not_super_admin")):
        yield call("POST /accounts/{account_id}/migrations", by, {"user_id": "user-s2"}, account_id=HARBOUR), code
    wish = {"account_ids": [FLORIST, HARBOUR]}
    yield call("POST /partners/{partner_id}/migrations", "user-s1", wish, partner_id=SOUTH), ""


def _of_ends(town: Town) -> Iterator[tuple[Answer, str]]:
    seen = town.acts.version_of(BAKERY, "user-n3")
    yield membership_facts.end("user-b2", "user-n3", account_id=BAKERY, seen=seen), "forbidden"
    yield membership_facts.end("user-b1", "user-n3", account_id=BAKERY, seen=seen), ""
    ending = {"partner_id": NORTH, "user_id": "user-n2"}
    made = link_requests.create("user-n1", partner_id=NORTH, employee_id="user-n2")
    yield made, ""
    for by, code in (("user-n3", "forbidden"), ("user-n2", "")):
        yield call("DELETE /partners/{partner_id}/employees/{user_id}/access", by, **ending), code
    yield link_requests.approve("user-h1", secret=link_requests.secret_of(made), account_id=HARBOUR), "link_revoked"
    town.clock.passes(days=3)
    town.sweeps(Moment(1))


def _of_the_vendor(town: Town) -> Iterator[tuple[Answer, str]]:
    account = "PUT /directory/accounts/{account_id}"
    for limit, code in ((0, "limit_below_use"), (1, "")):
        yield tell(account, {"partner_seat_limit": limit}, account_id=HARBOUR), code
    taking = {"email": "user-n3@north.example", "permission_set": "partner_admin"}
    yield call("POST /accounts/{account_id}/users", "user-h1", taking, account_id=HARBOUR), "no_seat_left"
    yield (
        membership_facts.end("user-s2", "user-s2", account_id=HARBOUR, seen=town.acts.version_of(HARBOUR, "user-s2")),
        "",
    )
    for state, code in (("closed", "account_closed"), ("active", "")):
        yield tell(account, {"state": state}, account_id=HARBOUR), ""
        yield call("POST /accounts/{account_id}/users", "user-h1", taking, account_id=HARBOUR), code
    for name, code in (("user-b1", "email_in_use"), ("user-moved", "")):
        yield tell("PUT /directory/users/{user_id}", {"email": f"{name}@clients.example"}, user_id="user-b2"), code
    yield _tell_member(BAKERY, "user-b1", permission_set="view_only"), "last_super_admin"
    for person, code in (("user-b1", "is_super_admin"), ("user-b2", "")):
        yield tell("POST /directory/users/{user_id}/erasure", {}, user_id=person), code


def _tell_member(account_id: str, user_id: str, **told: object) -> Answer:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return tell(route, {"active": True, **told}, account_id=account_id, user_id=user_id)
