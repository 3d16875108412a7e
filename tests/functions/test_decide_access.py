"""Tests of POST /access/v1/evaluation and …/evaluations with the product's own policy."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import dynamo
from tests.support import faults
from tests.support.authzen_requests import DEPLOYED, EVALUATION, EVALUATIONS, Json, action, resource, subject
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
)
from tests.support.table import Table

IMPORT: Final = "crm.import"


@pytest.fixture(autouse=True)
def seeded(table: Table) -> None:
    """Seed the table with the employee as partner admin."""
    seed(table, a_partner_admin())


def decision_request(
    user_id: str = APPROVER, permission: str = IMPORT, account_id: str = CLIENT, **more: object
) -> Json:
    request_body = {
        "subject": subject(user_id),
        "action": action(permission),
        "resource": resource(account_id, "account"),
    }
    return {**request_body, **more}


def is_permitted(user_id: str, permission: str = IMPORT, account_id: str = CLIENT) -> bool:
    return DEPLOYED.decide(decision_request(user_id, permission, account_id))


# permissions


@pytest.mark.parametrize(("user_id", "account_id", "permitted", "denied"), [
    (APPROVER, CLIENT, ["account.users.manage", "account.billing.manage", IMPORT], ["partner.client_access.manage"]),
    (CLERK, CLIENT, ["crm.contacts.view"], ["crm.contacts.edit", IMPORT, "reports.view"]),
    (EMPLOYEE, CLIENT, [IMPORT, "account.users.manage", "sales.access"], sorted(catalogue.RESTRICTED)),
    (EMPLOYEE, PARTNER, ["crm.deals.view"], [IMPORT, "partner.client_access.manage"]),
    (MANAGER, PARTNER, ["partner.client_access.manage", "account.billing.manage"], ["sales.access"]),
    (MANAGER, CLIENT, [], [IMPORT, "crm.contacts.view"]),
    (COLLEAGUE, CLIENT, [], [IMPORT]),
    (APPROVER, PARTNER, [], [IMPORT]),
    ("user-nobody", CLIENT, [], [IMPORT]),
    (APPROVER, "client-nowhere", [], [IMPORT]),
])  # fmt: skip
def test_decide_for_each_role_permits_its_permissions_only(
    user_id: str, account_id: str, permitted: list[str], denied: list[str]
) -> None:
    questions = [decision_request(user_id, name, account_id) for name in (*permitted, *denied)]

    evaluations = DEPLOYED.request(EVALUATIONS, {"evaluations": questions}).body["evaluations"]

    assert [each["decision"] for each in evaluations] == [True] * len(permitted) + [False] * len(denied)
    assert [DEPLOYED.decide(each) for each in questions] == [each["decision"] for each in evaluations]


FUTURE_GRANT: Final = a_grant(expires_at=now() + timedelta(days=1))
SUSPENDED_BY_CLIENT: Final = frozenset({SuspensionReason.CLIENT})


@pytest.mark.parametrize(("others", "decision"), [
    ((a_partner_admin(grant=FUTURE_GRANT),), True),
    ((an_expired_partner_admin(),), False),
    ((a_partner_admin(suspended_by=SUSPENDED_BY_CLIENT),), False),
    ((a_partner_admin(active=False),), False),
    ((a_partner_admin(removed=(IMPORT,)),), False),
    ((a_partner_admin(removed=("crm.export",)),), True),
    ((the_client(state=AccountState.CLOSED),), False),
    ((the_partner(program=Program.SUSPENDED),), False),
    ((the_partner(domains=("another.example",)),), False),
    ((an_employee(active=False),), False),
    ((a_partner_account_member(EMPLOYEE, active=False),), False),
    ((an_employee(offboardings={PARTNER: 1}),), False),
    ((an_employee(email=None),), False),
    ((a_partner_admin().next_version(permission_set=CUSTOM_SET), a_custom_set(permissions=(IMPORT,))), True),
    ((a_partner_admin().next_version(permission_set=CUSTOM_SET), a_custom_set()), False),
])  # fmt: skip
def test_decide_for_partner_admin_permits_while_access_is_active(
    table: Table, others: tuple[Record, ...], decision: bool
) -> None:
    seed(table, a_partner_admin(), *others)

    assert is_permitted(EMPLOYEE) is decision


@pytest.mark.parametrize(("others", "decision"), [
    ((), True),
    ((a_user(active=False),), False),
    ((a_member(suspended_by=SUSPENDED_BY_CLIENT),), False),
    ((a_member(active=False),), False),
    ((the_client(state=AccountState.CLOSED),), False),
    ((a_member(permission_set="sales"),), False),
    ((a_member(permission_set="sales", added=(IMPORT,)),), True),
])  # fmt: skip
def test_decide_for_client_member_permits_while_access_is_active(
    table: Table, others: tuple[Record, ...], decision: bool
) -> None:
    seed(table, *others)

    assert is_permitted(APPROVER) is decision


@pytest.mark.parametrize(("changes", "pricing", "decision"), [
    ({}, Pricing.SEAT_BASED, False),
    ({"seat": Seat.SALES}, Pricing.SEAT_BASED, True),
    ({"paid_seats": (Seat.SALES,)}, Pricing.LEGACY, True),
    ({"paid_seats": (Seat.SERVICE,)}, Pricing.SEAT_BASED, False),
    ({"seat": Seat.PARTNER}, Pricing.SEAT_BASED, True),
    ({"seat": Seat.PARTNER}, Pricing.LEGACY, False),
])  # fmt: skip
def test_decide_paid_permission_without_its_seat_is_denied(
    table: Table, changes: Json, pricing: Pricing, decision: bool
) -> None:
    seed(table, a_member(**changes), the_client(pricing=pricing))

    assert is_permitted(APPROVER, "sales.access") is decision


def test_decide_permission_name_with_scope_is_denied() -> None:
    assert is_permitted(APPROVER, "crm.contacts.view")
    for name in ("crm.contacts.view:all", "crm.contacts.view:owned", "CRM.IMPORT", "crm.*", "", "read"):
        assert not is_permitted(APPROVER, name)


# context of a decision


def test_decide_permit_returns_time_revision_and_scope(table: Table) -> None:
    seed(table, a_partner_admin().next_version(), a_member(CLERK, "sales", version=7), the_partner(version=4))
    before = now()

    decision = DEPLOYED.request(EVALUATION, decision_request(EMPLOYEE)).body

    assert set(decision) == {"decision", "context"}
    assert set(decision["context"]) == {"as_of", "rev"}
    assert decision["context"]["rev"] == "account:1/user:1/member:2/partner:4"
    assert decision["context"]["as_of"].endswith("Z")
    assert before <= datetime.fromisoformat(decision["context"]["as_of"]) <= datetime.now(UTC)
    for name, reach in (("crm.deals.view", "all"), ("crm.deals.edit", "team"), ("crm.deals.delete", "owned")):
        context = DEPLOYED.request(EVALUATION, decision_request(CLERK, name)).body["context"]
        assert (context["scope"], context["rev"]) == (reach, "account:1/user:1/member:7")


def test_decide_with_custom_set_returns_its_version_in_revision(table: Table) -> None:
    seed(table, a_member(CLERK, CUSTOM_SET), a_custom_set(version=3))

    context = DEPLOYED.request(EVALUATION, decision_request(CLERK, "crm.tickets.edit")).body["context"]

    assert context["rev"] == "account:1/user:1/member:1/customset:3"
    assert context["scope"] == "team"


def test_decide_after_record_change_returns_other_revision(table: Table) -> None:
    seen = set()
    for others in ((), (the_client(version=2),), (a_user(version=2),), (a_member(version=2),)):
        seed(table, *others)
        seen.add(DEPLOYED.request(EVALUATION, decision_request()).body["context"]["rev"])

    assert len(seen) == 4


DENIED: Final = '{"decision":false}'


@pytest.mark.parametrize(("user_id", "permission", "account_id"), [
    (CLERK, IMPORT, CLIENT),
    (EMPLOYEE, "account.billing.manage", CLIENT),
    (MANAGER, IMPORT, CLIENT),
    ("user-nobody", IMPORT, CLIENT),
    (APPROVER, IMPORT, "client-nowhere"),
    (APPROVER, "no.such.thing", CLIENT),
    (APPROVER, IMPORT, PARTNER),
])  # fmt: skip
def test_decide_denial_returns_no_context(user_id: str, permission: str, account_id: str) -> None:
    response = DEPLOYED.request(EVALUATION, decision_request(user_id, permission, account_id))

    assert (response.status, response.text) == (200, DENIED)
    batch = {"evaluations": [decision_request(user_id, permission, account_id)]}
    assert DEPLOYED.request(EVALUATIONS, batch).text == f'{{"evaluations":[{DENIED}]}}'


def test_decide_with_properties_from_caller_ignores_them() -> None:
    everything = {"role": "super_admin", "permission_set": "super_admin", "soft": True, "active": True}
    request_body = decision_request(CLERK, context={"as_of": "2020-01-01T00:00:00Z", **everything})
    for part in ("subject", "action", "resource"):
        request_body[part] = {**request_body[part], "properties": everything}

    assert DEPLOYED.request(EVALUATION, request_body).text == DENIED


@pytest.mark.parametrize("by", ["anybody", APPROVER, CLERK])
def test_decide_by_any_caller_returns_same_decision(by: str) -> None:
    assert DEPLOYED.request(EVALUATION, decision_request(), caller_id=by).body["decision"] is True
    assert DEPLOYED.request(EVALUATION, decision_request(CLERK), caller_id=by).text == DENIED


# ids

MALFORMED_IDS: Final = (
    "",
    " ",
    "a b",
    "a\n",
    "\0",
    "é",
    "１２",
    "a" * 129,
    "a" * 10_000,
)


@pytest.mark.parametrize("name", ["a#b", "a/b", "..", "-a", "_a"])
def test_decide_malformed_account_id_is_denied_without_table_request(table: Table, name: str) -> None:
    with count_costs(table) as costs:
        assert not is_permitted(APPROVER, account_id=name)
    assert costs.requests == 0


@pytest.mark.parametrize("name", MALFORMED_IDS)
def test_decide_malformed_id_is_denied_without_table_request(table: Table, name: str) -> None:
    with count_costs(table) as costs:
        assert not is_permitted(name)
        assert not is_permitted(APPROVER, account_id=name)
    assert costs.requests == 0


@pytest.mark.parametrize("part", ["subject", "resource"])
@pytest.mark.parametrize("kind", ["", "User", "users", "record", "account ", "spaceship"])
def test_decide_other_type_is_denied_without_table_request(table: Table, part: str, kind: str) -> None:
    with count_costs(table) as costs:
        for name in (APPROVER, CLIENT):
            assert not DEPLOYED.decide({**decision_request(), part: {"type": kind, "id": name}})
    assert costs.requests == 0


def test_decide_with_user_and_account_ids_exchanged_is_denied() -> None:
    assert not is_permitted(CLIENT)
    assert not is_permitted(APPROVER, account_id=APPROVER)


def test_decide_id_in_other_case_is_denied() -> None:
    assert not is_permitted(APPROVER.upper())
    assert not is_permitted(APPROVER, account_id=CLIENT.upper())


# cost


def item_counts(requests: list[Any]) -> list[int]:
    """Return the number of items of each transactional read. No other kind of request is expected."""
    return [len(each["TransactItems"]) for each in requests]


def test_decide_costs_at_most_two_reads_of_five_items(table: Table) -> None:
    seed(table, a_partner_admin().next_version(permission_set=CUSTOM_SET), a_custom_set())

    with faults.inject(dynamo.client(), "") as requests:
        assert is_permitted(APPROVER)
    assert item_counts(requests) == [3]
    with faults.inject(dynamo.client(), "") as requests:
        assert is_permitted(EMPLOYEE, "crm.tickets.view")
    assert item_counts(requests) == [3, 5]


@pytest.mark.parametrize(("user_id", "items"), [(APPROVER, [3]), (EMPLOYEE, [3, 4])])
def test_decide_batch_on_one_membership_reads_it_once(user_id: str, items: list[int]) -> None:
    names = sorted(catalogue.CATALOGUE)[:20]

    with faults.inject(dynamo.client(), "") as requests:
        response = DEPLOYED.request(
            EVALUATIONS, {**decision_request(user_id), "evaluations": [{"action": action(name)} for name in names]}
        )

    assert item_counts(requests) == items
    assert [each["decision"] for each in response.body["evaluations"]] == [
        is_permitted(user_id, name) for name in names
    ]


def test_decide_batch_returns_same_as_single_decisions() -> None:
    people, places = (APPROVER, CLERK, EMPLOYEE, MANAGER, "user-nobody", "no id"), (CLIENT, PARTNER, "nowhere", "")
    questions = [decision_request(who, IMPORT, where) for who in people for where in places]

    evaluations = DEPLOYED.request(EVALUATIONS, {"evaluations": questions}).body["evaluations"]

    assert [each["decision"] for each in evaluations] == [DEPLOYED.decide(each) for each in questions]
    assert sum(each["decision"] for each in evaluations) == 3


def test_decide_unreadable_batch_item_is_denied_without_table_request(table: Table) -> None:
    with count_costs(table) as costs:
        response = DEPLOYED.request(
            EVALUATIONS, {"subject": subject(APPROVER), "evaluations": [{}, {"action": {"name": IMPORT}}]}
        )

    assert [each["decision"] for each in response.body["evaluations"]] == [False, False]
    assert costs.requests == 0


# faults of the table

TABLE_FAULTS: Final[dict[str, Fault]] = {
    "throttled": faults.aws_error("ThrottlingException"),
    "out of capacity": faults.aws_error("ProvisionedThroughputExceededException"),
    "in conflict": faults.WRITE_CONFLICT,
    "broken": faults.aws_error("InternalServerError", 500),
    "request lost": faults.request_lost,
}


@pytest.mark.parametrize("what", [EVALUATION, EVALUATIONS])
@pytest.mark.parametrize("fault", TABLE_FAULTS.values(), ids=TABLE_FAULTS)
def test_decide_with_table_fault_returns_503(
    table: Table, monkeypatch: pytest.MonkeyPatch, what: str, fault: Fault
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    request_body = (
        decision_request() if what == EVALUATION else decision_request(evaluations=[{}, {"subject": subject(EMPLOYEE)}])
    )

    for reads_before_fault in (0, 1):
        with (
            assert_unchanged(table),
            faults.inject(dynamo.client(), "", *[faults.succeeds] * reads_before_fault, last_fault=fault),
        ):
            response = DEPLOYED.request(what, {**request_body, "subject": subject(EMPLOYEE)})
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        assert (response.headers["content-type"], isinstance(response.body, str)) == ("application/json", True)
        assert "decision" not in response.text


def test_decide_writes_nothing(table: Table) -> None:
    with assert_unchanged(table), count_costs(table) as costs:
        for who in (APPROVER, CLERK, EMPLOYEE, "user-nobody", ""):
            DEPLOYED.request(EVALUATION, decision_request(who), headers={"idempotency-key": "a-key"})
            DEPLOYED.request(EVALUATIONS, decision_request(who, evaluations=[{}, {}]))
        DEPLOYED.configuration()
    assert costs.writes == 0
