"""Tests of `POST /access/v1/search/…` through the API, with the product's own policy."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import Account, AccountState
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys
from tests.support import faults
from tests.support.authzen_requests import (
    ACTIONS,
    DEPLOYED,
    EVALUATIONS,
    RESOURCES,
    SEARCHES,
    SUBJECTS,
    Json,
    action,
    resource,
    subject,
)
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
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.faults import Fault
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    now,
    seed,
    store_records,
)
from tests.support.table import Table

IMPORT: Final = "crm.import"
OTHER_CLIENT: Final = "client-florist"
SUSPENDED_BY_CLIENT: Final = frozenset({SuspensionReason.CLIENT})


@pytest.fixture(autouse=True)
def seeded(table: Table) -> None:
    """Store the default records.

    The employee is a partner admin, and the approver is a member of another client too.
    """
    seed(table, a_partner_admin(), the_client(account_id=OTHER_CLIENT), a_member(account_id=OTHER_CLIENT))


def subjects_request(permission: str = IMPORT, account_id: str = CLIENT) -> Json:
    return {"subject": {"type": "user"}, "action": action(permission), "resource": resource(account_id, "account")}


def resources_request(user_id: str, permission: str = IMPORT) -> Json:
    return {"subject": subject(user_id), "action": action(permission), "resource": {"type": "account"}}


def actions_request(user_id: str, account_id: str = CLIENT) -> Json:
    return {"subject": subject(user_id), "resource": resource(account_id, "account")}


VALID_REQUESTS: Final[dict[str, Json]] = {
    SUBJECTS: subjects_request(),
    RESOURCES: resources_request(APPROVER),
    ACTIONS: actions_request(APPROVER),
}


# results


def test_search_subjects_returns_permitted_users() -> None:
    assert DEPLOYED.find_all(SUBJECTS, subjects_request()) == [APPROVER, EMPLOYEE]
    assert DEPLOYED.find_all(SUBJECTS, subjects_request("crm.contacts.view")) == [APPROVER, CLERK, EMPLOYEE]
    assert DEPLOYED.find_all(SUBJECTS, subjects_request("account.billing.manage")) == [APPROVER]
    assert DEPLOYED.find_all(SUBJECTS, subjects_request("partner.client_access.manage", PARTNER)) == [MANAGER]
    assert DEPLOYED.find_all(SUBJECTS, subjects_request("partner.client_access.manage")) == []


def test_search_resources_returns_permitted_accounts() -> None:
    assert DEPLOYED.find_all(RESOURCES, resources_request(APPROVER)) == [CLIENT, OTHER_CLIENT]
    assert DEPLOYED.find_all(RESOURCES, resources_request(EMPLOYEE)) == [CLIENT]
    assert DEPLOYED.find_all(RESOURCES, resources_request(EMPLOYEE, "crm.contacts.view")) == [CLIENT, PARTNER]
    assert DEPLOYED.find_all(RESOURCES, resources_request(COLLEAGUE)) == []


def test_search_actions_returns_permitted_actions() -> None:
    views = sorted(name for name in catalogue.SCOPED if name.endswith(".view"))

    assert DEPLOYED.find_all(ACTIONS, actions_request(CLERK)) == views
    assert set(DEPLOYED.find_all(ACTIONS, actions_request(EMPLOYEE))) == (
        catalogue.CATALOGUE - catalogue.RESTRICTED - catalogue.PARTNER_ONLY
    )
    assert DEPLOYED.find_all(ACTIONS, actions_request(MANAGER)) == []


def test_search_returns_only_results_of_requested_type() -> None:
    for what, body in VALID_REQUESTS.items():
        results = DEPLOYED.request(what, body).body["results"]
        kind = {SUBJECTS: "user", RESOURCES: "account"}.get(what)
        assert results
        assert all(set(each) == ({"type", "id"} if kind else {"name"}) for each in results)
        assert {each.get("type") for each in results} == {kind}


def test_search_ignores_id_of_searched_entity() -> None:
    assert DEPLOYED.find_all(SUBJECTS, {**subjects_request(), "subject": subject(CLERK)}) == [APPROVER, EMPLOYEE]
    assert DEPLOYED.find_all(RESOURCES, {**resources_request(APPROVER), "resource": resource("x", "account")}) == [
        CLIENT,
        OTHER_CLIENT,
    ]


def test_search_ignores_properties_and_context() -> None:
    more = {"permission_set": "super_admin"}
    body = {**subjects_request(), "subject": {"type": "user", "properties": more}, "context": more}

    assert DEPLOYED.find_all(SUBJECTS, body) == [APPROVER, EMPLOYEE]


NOTHING: Final[Json] = {"results": []}


@pytest.mark.parametrize(("what", "body"), [
    (SUBJECTS, subjects_request(account_id="client-nowhere")),
    (SUBJECTS, subjects_request("no.such.thing")),
    (RESOURCES, resources_request("user-nobody")),
    (RESOURCES, resources_request(APPROVER, "no.such.thing")),
    (ACTIONS, actions_request("user-nobody")),
    (ACTIONS, actions_request(APPROVER, "client-nowhere")),
    (ACTIONS, actions_request(APPROVER, PARTNER)),
    (ACTIONS, actions_request(MANAGER)),
])  # fmt: skip
def test_search_of_unknown_or_foreign_entity_returns_no_results(what: str, body: Json) -> None:
    assert DEPLOYED.request(what, body).body == NOTHING


@pytest.mark.parametrize("name", ["", " ", "a b", "a\0", "é", "a" * 129])
def test_search_with_malformed_id_returns_no_results_without_database_read(table: Table, name: str) -> None:
    with count_costs(table) as costs:
        for what, body in (
            (SUBJECTS, subjects_request(account_id=name)),
            (RESOURCES, resources_request(name)),
            (ACTIONS, actions_request(name)),
            (ACTIONS, actions_request(APPROVER, name)),
        ):
            assert DEPLOYED.request(what, body).body == NOTHING
    assert costs.requests == 0


@pytest.mark.parametrize(("what", "part"), [(what, part) for what in SEARCHES for part in ("subject", "resource")])
def test_search_with_unknown_type_returns_no_results_without_database_read(table: Table, what: str, part: str) -> None:
    with count_costs(table) as costs:
        for kind in ("", "User", "record", "spaceship", {"subject": "account", "resource": "user"}[part]):
            body = {**VALID_REQUESTS[what], part: {**VALID_REQUESTS[what][part], "type": kind}}
            assert DEPLOYED.request(what, body).body == NOTHING
    assert costs.requests == 0


@pytest.mark.parametrize(("others", "found"), [
    ((), [APPROVER, EMPLOYEE]),
    ((the_client(state=AccountState.CLOSED),), []),
    ((a_user(active=False),), [EMPLOYEE]),
    ((a_partner_admin(suspended_by=SUSPENDED_BY_CLIENT),), [APPROVER]),
    ((a_partner_admin(active=False),), [APPROVER]),
    ((an_expired_partner_admin(),), [APPROVER]),
    ((a_partner_admin(removed=(IMPORT,)),), [APPROVER]),
    ((the_partner(domains=()),), [APPROVER]),
    ((a_member(CLERK, CUSTOM_SET), a_custom_set(permissions=(IMPORT,))), [APPROVER, CLERK, EMPLOYEE]),
])  # fmt: skip
def test_search_after_loss_of_access_omits_the_user(table: Table, others: tuple[Record, ...], found: list[str]) -> None:
    seed(table, a_partner_admin(), *others)

    assert DEPLOYED.find_all(SUBJECTS, subjects_request()) == found
    for user_id in (APPROVER, CLERK, EMPLOYEE):
        assert (CLIENT in DEPLOYED.find_all(RESOURCES, resources_request(user_id))) == (user_id in found)
        assert (IMPORT in DEPLOYED.find_all(ACTIONS, actions_request(user_id))) == (user_id in found)


# pages


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize(("what", "body"), [
    (SUBJECTS, subjects_request("crm.contacts.view")),
    (RESOURCES, resources_request(APPROVER)),
    (ACTIONS, actions_request(CLERK)),
])  # fmt: skip
def test_search_pages_together_equal_unpaged_results(what: str, body: Json, size: int) -> None:
    pages = DEPLOYED.find_pages(what, body, limit=size)

    assert [name for page in pages for name in page] == DEPLOYED.find_all(what, body)
    assert all(len(page) <= size for page in pages)
    assert pages[0]


@pytest.mark.parametrize("what", SEARCHES)
def test_search_with_limit_zero_costs_no_more_than_limit_one(table: Table, what: str) -> None:
    with count_costs(table) as zero:
        answer = DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"limit": 0}})
    with count_costs(table) as one:
        DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"limit": 1}})

    assert (answer.body["results"], answer.body["page"]["count"]) == ([], 0)
    assert zero.requests <= one.requests


def members(*permitted: str, many: int = 30, other: str = "view_only") -> Iterator[Record]:
    """Yield another client with `many` members. Those in `permitted` are super admins."""
    yield the_client(account_id="client-large")
    for nth in range(many):
        name = f"user-{nth:03}"
        yield a_user(name)
        yield a_member(name, "super_admin" if name in permitted else other, account_id="client-large")


LARGE_ACCOUNT_SEARCH: Final = subjects_request(account_id="client-large")


def suspend(table: Table, user_id: str) -> None:
    table.change(keys.member("client-large", user_id), suspended_by={"client"})


def test_search_subjects_with_access_lost_between_pages_omits_only_those(table: Table) -> None:
    permitted = [f"user-{nth:03}" for nth in range(10)]
    store_records(table, members(*permitted))

    first = DEPLOYED.request(SUBJECTS, {**LARGE_ACCOUNT_SEARCH, "page": {"limit": 3}}).body
    suspend(table, "user-002")  # the last one of the first page
    suspend(table, "user-004")
    table.remove(keys.member("client-large", "user-005"))
    second = DEPLOYED.request(SUBJECTS, {**LARGE_ACCOUNT_SEARCH, "page": {"token": first["page"]["next_token"]}}).body
    table.remove(keys.member("client-large", "user-007"))  # the last one of the second page
    third = DEPLOYED.request(SUBJECTS, {**LARGE_ACCOUNT_SEARCH, "page": {"token": second["page"]["next_token"]}}).body

    found = [[each["id"] for each in page["results"]] for page in (first, second, third)]
    assert found == [
        ["user-000", "user-001", "user-002"],
        ["user-003", "user-006", "user-007"],
        ["user-008", "user-009"],
    ]
    assert third["page"]["next_token"] == ""


def test_search_resources_with_account_closed_between_pages_omits_only_that(table: Table) -> None:
    places = [f"client-{nth}" for nth in range(5)]
    store_records(table, [a_user("user-travels"), *(the_client(account_id=each) for each in places)])
    store_records(table, (a_member("user-travels", account_id=each) for each in places))

    first = DEPLOYED.request(RESOURCES, {**resources_request("user-travels"), "page": {"limit": 2}}).body
    table.change(keys.account("client-3"), state="closed")
    second = DEPLOYED.request(
        RESOURCES, {**resources_request("user-travels"), "page": {"token": first["page"]["next_token"]}}
    ).body

    assert [each["id"] for each in (*first["results"], *second["results"])] == [
        "client-0",
        "client-1",
        "client-2",
        "client-4",
    ]
    assert second["page"]["next_token"] == ""


def test_search_actions_with_permission_removed_between_pages_omits_it(table: Table) -> None:
    body = actions_request(CLERK)
    first = DEPLOYED.request(ACTIONS, {**body, "page": {"limit": 5}}).body
    table.change(keys.member(CLIENT, CLERK), removed=["crm.tickets.view"])

    rest = DEPLOYED.find_all(ACTIONS, body)
    second = DEPLOYED.request(ACTIONS, {**body, "page": {"token": first["page"]["next_token"]}}).body

    assert [each["name"] for each in second["results"]] == rest[5:10]
    assert "crm.tickets.view" not in rest


def test_search_subjects_in_large_account_returns_short_pages_in_bounded_requests(table: Table) -> None:
    """Request no page at first: a response can be paged all the same."""
    store_records(table, members("user-250", many=300))
    body, requests = LARGE_ACCOUNT_SEARCH, []
    found: list[list[str]] = []

    while not found or body["page"]["token"]:
        with count_costs(table) as costs:
            answer = DEPLOYED.request(SUBJECTS, body)
        found.append([each["id"] for each in answer.body["results"]])
        requests.append(costs.requests)
        body = {**LARGE_ACCOUNT_SEARCH, "page": {"token": answer.body["page"]["next_token"]}}

    assert found == [[], [], ["user-250"], []]
    assert requests == [10, 10, 10, 1], "five times a list of twenty, and how they stand"


def test_search_subjects_with_full_page_reads_no_further(table: Table) -> None:
    people = [f"user-{nth:03}" for nth in range(115)]
    store_records(table, members(*people, many=115))

    with count_costs(table) as costs:
        answer = DEPLOYED.request(SUBJECTS, {**LARGE_ACCOUNT_SEARCH, "page": {"limit": 20}})
    assert (answer.body["page"]["count"], costs.requests) == (20, 2)
    with count_costs(table) as costs:
        pages = DEPLOYED.find_pages(SUBJECTS, LARGE_ACCOUNT_SEARCH, limit=1000)
    assert pages == [people[:100], people[100:]]
    assert costs.requests == 12


def test_search_subjects_with_most_expensive_members_makes_bounded_requests(table: Table) -> None:
    """Give each member a partner and a custom set, and none the permission: three requests for twenty members."""
    own = a_custom_set(account_id="client-large")
    people = [f"user-{nth:03}" for nth in range(25)]
    here = [a_partner_admin(each, account_id="client-large").next_version(permission_set=CUSTOM_SET) for each in people]
    partner_records = [record for each in people for record in (an_employee(each), a_partner_account_member(each))]
    store_records(table, [the_client(account_id="client-large"), the_partner(), own, *here, *partner_records])

    with count_costs(table) as costs, faults.inject(dynamo.client(), "TransactGetItems") as requests:
        answer = DEPLOYED.request(SUBJECTS, LARGE_ACCOUNT_SEARCH)

    assert answer.body["results"] == []
    assert costs.requests == 6
    assert max(len(each["TransactItems"]) for each in requests) == 43, "what they share is read once"
    assert DEPLOYED.find_all(SUBJECTS, subjects_request("crm.tickets.view", "client-large"), limit=50) == people


# search agrees with evaluation

UNSHRUNK: Final = settings(
    deadline=None,
    max_examples=8,
    phases=(Phase.explicit, Phase.generate),  # moto is too slow to shrink a failing case
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
USERS: Final = tuple(f"user-{nth}" for nth in range(4))
ACCOUNTS: Final = ("client-a", "client-b", "partner-c")
COMPARED_PERMISSIONS: Final = (
    IMPORT,
    "crm.contacts.view",
    "sales.access",
    "account.billing.manage",
    "partner.client_access.manage",
)


def random_records(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Iterator[Record]:
    """Yield some accounts, and random memberships of some users in them."""
    usually = st.sampled_from((True, True, True, False))
    yield the_partner(domains=("north.example",) if draw(usually) else ())
    for account_id in ACCOUNTS:
        state = AccountState.ACTIVE if draw(usually) else AccountState.CLOSED
        made: Callable[..., Account] = the_partner if account_id.startswith("partner") else the_client
        yield made(account_id=account_id, state=state)
        yield a_custom_set(
            account_id=account_id, permissions=draw(st.sampled_from(((IMPORT,), ("crm.contacts.view",))))
        )
    for user_id in USERS:
        yield an_employee(user_id, active=draw(usually))
        yield a_partner_account_member(user_id, active=draw(usually))
        for account_id in ACCOUNTS:
            yield from draw(st.sampled_from(membership_options(user_id, account_id)))


def membership_options(user_id: str, account_id: str) -> tuple[tuple[Record, ...], ...]:
    here = {"account_id": account_id}
    admin = a_partner_admin(user_id, **here)
    return (
        (),
        (a_member(user_id, **here),),
        (a_member(user_id, "sales", seat="sales", **here),),
        (a_member(user_id, "view_only", added=(IMPORT,), **here),),
        (a_member(user_id, CUSTOM_SET, **here),),
        (a_member(user_id, suspended_by=SUSPENDED_BY_CLIENT, **here),),
        (a_member(user_id, active=False, **here),),
        (admin,),
        (admin.next_version(removed=(IMPORT,)),),
        (admin.next_version(grant=a_grant(expires_at=now())),),
        (admin.next_version(permission_set=CUSTOM_SET),),
    )


def evaluation_decisions(evaluations: list[Json]) -> list[bool]:
    """Return the decisions of the evaluations API, requested fifty at a time."""
    decisions: list[bool] = []
    for start in range(0, len(evaluations), 50):
        answer = DEPLOYED.request(EVALUATIONS, {"evaluations": evaluations[start : start + 50]})
        decisions += [each["decision"] for each in answer.body["evaluations"]]
    return decisions


def permitted_names(names: tuple[str, ...], asks: Callable[[str], Json]) -> list[str]:
    return [name for name, may in zip(names, evaluation_decisions([asks(name) for name in names]), strict=True) if may]


def evaluation_request(user_id: str, permission: str, account_id: str) -> Json:
    return {**actions_request(user_id, account_id), "action": action(permission)}


@UNSHRUNK
@given(st.data())
def test_search_returns_exactly_what_evaluations_permit(table: Table, data: st.DataObject) -> None:
    table.clear()
    store_records(table, {keys.of(record): record for record in random_records(data.draw)}.values())
    permission = data.draw(st.sampled_from(COMPARED_PERMISSIONS))
    size = data.draw(st.sampled_from((1, 2, 7)))

    for place in ACCOUNTS:
        may = permitted_names(USERS, partial(evaluation_request, permission=permission, account_id=place))
        assert DEPLOYED.find_all(SUBJECTS, subjects_request(permission, place), limit=size) == may
    for user_id in USERS:
        request_body = partial(evaluation_request, user_id, permission)
        may = permitted_names((*ACCOUNTS, PARTNER), request_body)
        assert DEPLOYED.find_all(RESOURCES, resources_request(user_id, permission), limit=size) == may
    user_id, place = data.draw(st.sampled_from(USERS)), data.draw(st.sampled_from(ACCOUNTS))
    may = permitted_names(tuple(sorted(catalogue.CATALOGUE)), lambda name: evaluation_request(user_id, name, place))
    assert DEPLOYED.find_all(ACTIONS, actions_request(user_id, place), limit=size * 7) == may


@UNSHRUNK
@given(st.data())
def test_search_subjects_with_random_loss_of_access_between_pages_omits_only_those(
    table: Table, data: st.DataObject
) -> None:
    table.clear()
    store_records(table, members(*(f"user-{nth:03}" for nth in range(0, 12, 2)), many=12))
    may = set(DEPLOYED.find_all(SUBJECTS, LARGE_ACCOUNT_SEARCH))
    found: list[str] = []
    page: Json = {"limit": data.draw(st.sampled_from((1, 2, 7)))}

    while page.get("token") != "":
        answer = DEPLOYED.request(SUBJECTS, {**LARGE_ACCOUNT_SEARCH, "page": page}).body
        page_ids = [each["id"] for each in answer["results"]]
        assert set(page_ids) <= may
        found += page_ids
        for lost in data.draw(st.lists(st.sampled_from(sorted(may)), max_size=2)) if may else ():
            suspend(table, lost)
            may.discard(lost)
        page = {"token": answer["page"]["next_token"]}

    assert found == sorted(set(found))
    assert may <= set(found)


# faults

LASTING_FAULTS: Final[dict[str, Fault]] = {
    "throttled": faults.aws_error("ThrottlingException"),
    "broken": faults.aws_error("InternalServerError", 500),
    "request lost": faults.request_lost,
}


@pytest.mark.parametrize("what", SEARCHES)
@pytest.mark.parametrize("fault", LASTING_FAULTS.values(), ids=LASTING_FAULTS)
@pytest.mark.parametrize("operation", ["Query", "TransactGetItems"])
def test_search_with_unavailable_table_returns_503_without_results(
    table: Table, monkeypatch: pytest.MonkeyPatch, what: str, fault: Fault, operation: str
) -> None:
    if (what, operation) == (ACTIONS, "Query"):
        return
    monkeypatch.setattr("time.sleep", lambda _: None)

    with assert_unchanged(table), faults.inject(dynamo.client(), operation, last_fault=fault):
        answer = DEPLOYED.request(what, VALID_REQUESTS[what])

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert (answer.headers["content-type"], isinstance(answer.body, str)) == ("application/json", True)
    assert "results" not in answer.text


def test_search_never_writes(table: Table) -> None:
    with assert_unchanged(table), count_costs(table) as costs:
        for what, body in VALID_REQUESTS.items():
            DEPLOYED.request(what, body, headers={"idempotency-key": "a-key"})
            DEPLOYED.find_all(what, body, limit=2)
    assert costs.writes == 0
