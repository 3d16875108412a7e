"""POST /access/v1/evaluation and …/evaluations at the door, over the product's own policy."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Kept
from partner_access.store import dynamo
from tests.support import faults
from tests.support.authzen_requests import EVALUATION, EVALUATIONS, SHIPPED, Json, action, resource, subject
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
from tests.support.costs import counted
from tests.support.faults import Fault
from tests.support.link_requests import nothing_changes
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_lapsed_partner_admin, a_world, now, staff
from tests.support.table import Table

IMPORT: Final = "crm.import"


@pytest.fixture(autouse=True)
def world(table: Table) -> None:
    """The usual world, in which the employee is partner admin."""
    a_world(table, a_partner_admin())


def question(user_id: str = APPROVER, permission: str = IMPORT, account_id: str = CLIENT, **more: object) -> Json:
    asked = {"subject": subject(user_id), "action": action(permission), "resource": resource(account_id, "account")}
    return {**asked, **more}


def may(user_id: str, permission: str = IMPORT, account_id: str = CLIENT) -> bool:
    return SHIPPED.decides(question(user_id, permission, account_id))


# who may what


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
def test_each_kind_of_person_may_what_he_may(
    user_id: str, account_id: str, permitted: list[str], denied: list[str]
) -> None:
    asked = [question(user_id, name, account_id) for name in (*permitted, *denied)]

    told = SHIPPED.ask(EVALUATIONS, {"evaluations": asked}).body["evaluations"]

    assert [each["decision"] for each in told] == [True] * len(permitted) + [False] * len(denied)
    assert [SHIPPED.decides(each) for each in asked] == [each["decision"] for each in told]


LATER: Final = a_grant(expires_at=now() + timedelta(days=1))
STOPPED: Final = frozenset({SuspensionReason.CLIENT})


@pytest.mark.parametrize(("others", "decision"), [
    ((a_partner_admin(grant=LATER),), True),
    ((a_lapsed_partner_admin(),), False),
    ((a_partner_admin(suspended_by=STOPPED),), False),
    ((a_partner_admin(active=False),), False),
    ((a_partner_admin(removed=(IMPORT,)),), False),
    ((a_partner_admin(removed=("crm.export",)),), True),
    ((the_client(state=AccountState.CLOSED),), False),
    ((the_partner(program=Program.SUSPENDED),), False),
    ((the_partner(domains=("another.example",)),), False),
    ((an_employee(active=False),), False),
    ((staff(EMPLOYEE, active=False),), False),
    ((an_employee(offboardings={PARTNER: 1}),), False),
    ((an_employee(email=None),), False),
    ((a_partner_admin().changed(permission_set=CUSTOM_SET), a_custom_set(permissions=(IMPORT,))), True),
    ((a_partner_admin().changed(permission_set=CUSTOM_SET), a_custom_set()), False),
])  # fmt: skip
def test_a_partner_admin_may_while_nothing_stands_against_it(
    table: Table, others: tuple[Kept, ...], decision: bool
) -> None:
    a_world(table, a_partner_admin(), *others)

    assert may(EMPLOYEE) is decision


@pytest.mark.parametrize(("others", "decision"), [
    ((), True),
    ((a_user(active=False),), False),
    ((a_member(suspended_by=STOPPED),), False),
    ((a_member(active=False),), False),
    ((the_client(state=AccountState.CLOSED),), False),
    ((a_member(permission_set="sales"),), False),
    ((a_member(permission_set="sales", added=(IMPORT,)),), True),
])  # fmt: skip
def test_the_clients_own_may_while_nothing_stands_against_it(
    table: Table, others: tuple[Kept, ...], decision: bool
) -> None:
    a_world(table, *others)

    assert may(APPROVER) is decision


@pytest.mark.parametrize(("changes", "pricing", "decision"), [
    ({}, Pricing.SEAT_BASED, False),
    ({"seat": Seat.SALES}, Pricing.SEAT_BASED, True),
    ({"paid_seats": (Seat.SALES,)}, Pricing.LEGACY, True),
    ({"paid_seats": (Seat.SERVICE,)}, Pricing.SEAT_BASED, False),
    ({"seat": Seat.PARTNER}, Pricing.SEAT_BASED, True),
    ({"seat": Seat.PARTNER}, Pricing.LEGACY, False),
])  # fmt: skip
def test_what_is_paid_for_needs_its_seat(table: Table, changes: Json, pricing: Pricing, decision: bool) -> None:
    a_world(table, a_member(**changes), the_client(pricing=pricing))

    assert may(APPROVER, "sales.access") is decision


def test_a_name_in_its_scope_is_no_permission() -> None:
    assert may(APPROVER, "crm.contacts.view")
    for name in ("crm.contacts.view:all", "crm.contacts.view:owned", "CRM.IMPORT", "crm.*", "", "read"):
        assert not may(APPROVER, name)


# what a decision says


def test_a_permit_says_when_on_what_and_how_far(table: Table) -> None:
    a_world(table, a_partner_admin().changed(), a_member(CLERK, "sales", version=7), the_partner(version=4))
    before = now()

    told = SHIPPED.ask(EVALUATION, question(EMPLOYEE)).body

    assert set(told) == {"decision", "context"}
    assert set(told["context"]) == {"as_of", "rev"}
    assert told["context"]["rev"] == "account:1/user:1/member:2/partner:4"
    assert told["context"]["as_of"].endswith("Z")
    assert before <= datetime.fromisoformat(told["context"]["as_of"]) <= datetime.now(UTC)
    for name, reach in (("crm.deals.view", "all"), ("crm.deals.edit", "team"), ("crm.deals.delete", "owned")):
        context = SHIPPED.ask(EVALUATION, question(CLERK, name)).body["context"]
        assert (context["scope"], context["rev"]) == (reach, "account:1/user:1/member:7")


def test_a_set_of_an_accounts_own_counts_with_its_version(table: Table) -> None:
    a_world(table, a_member(CLERK, CUSTOM_SET), a_custom_set(version=3))

    context = SHIPPED.ask(EVALUATION, question(CLERK, "crm.tickets.edit")).body["context"]

    assert context["rev"] == "account:1/user:1/member:1/customset:3"
    assert context["scope"] == "team"


def test_a_revision_changes_with_what_it_rests_on(table: Table) -> None:
    seen = set()
    for others in ((), (the_client(version=2),), (a_user(version=2),), (a_member(version=2),)):
        a_world(table, *others)
        seen.add(SHIPPED.ask(EVALUATION, question()).body["context"]["rev"])

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
def test_a_denial_says_nothing_else(user_id: str, permission: str, account_id: str) -> None:
    answer = SHIPPED.ask(EVALUATION, question(user_id, permission, account_id))

    assert (answer.status, answer.text) == (200, DENIED)
    asked = {"evaluations": [question(user_id, permission, account_id)]}
    assert SHIPPED.ask(EVALUATIONS, asked).text == f'{{"evaluations":[{DENIED}]}}'


def test_what_the_caller_says_of_anybody_counts_for_nothing() -> None:
    everything = {"role": "super_admin", "permission_set": "super_admin", "soft": True, "active": True}
    asked = question(CLERK, context={"as_of": "2020-01-01T00:00:00Z", **everything})
    for part in ("subject", "action", "resource"):
        asked[part] = {**asked[part], "properties": everything}

    assert SHIPPED.ask(EVALUATION, asked).text == DENIED


@pytest.mark.parametrize("by", ["anybody", APPROVER, CLERK])
def test_who_asks_makes_no_difference(by: str) -> None:
    assert SHIPPED.ask(EVALUATION, question(), by=by).body["decision"] is True
    assert SHIPPED.ask(EVALUATION, question(CLERK), by=by).text == DENIED


# ids

NO_IDS: Final = ("", " ", "a b", "a#b", "a/b", "..", "-a", "_a", "a\n", "\0", "é", "１２", "a" * 129, "a" * 10_000)


@pytest.mark.parametrize("name", NO_IDS)
def test_what_cannot_be_an_id_is_denied_without_a_single_request(table: Table, name: str) -> None:
    with counted(table) as costs:
        assert not may(name)
        assert not may(APPROVER, account_id=name)
    assert costs.requests == 0


@pytest.mark.parametrize("part", ["subject", "resource"])
@pytest.mark.parametrize("kind", ["", "User", "users", "record", "account ", "spaceship"])
def test_another_type_is_denied_without_a_single_request(table: Table, part: str, kind: str) -> None:
    with counted(table) as costs:
        for name in (APPROVER, CLIENT):
            assert not SHIPPED.decides({**question(), part: {"type": kind, "id": name}})
    assert costs.requests == 0


def test_a_user_is_no_account_and_an_account_no_user() -> None:
    assert not may(CLIENT)
    assert not may(APPROVER, account_id=APPROVER)


def test_an_id_in_other_letters_is_another() -> None:
    assert not may(APPROVER.upper())
    assert not may(APPROVER, account_id=CLIENT.upper())


# what it costs


def sizes(asked: list[Any]) -> list[int]:
    """How many items each request read at one instant; there is no other request."""
    return [len(each["TransactItems"]) for each in asked]


def test_one_decision_is_one_request_or_two_of_five_items_at_most(table: Table) -> None:
    a_world(table, a_partner_admin().changed(permission_set=CUSTOM_SET), a_custom_set())

    with faults.at(dynamo.client(), "") as asked:
        assert may(APPROVER)
    assert sizes(asked) == [3]
    with faults.at(dynamo.client(), "") as asked:
        assert may(EMPLOYEE, "crm.tickets.view")
    assert sizes(asked) == [3, 5]


@pytest.mark.parametrize(("user_id", "items"), [(APPROVER, [3]), (EMPLOYEE, [3, 4])])
def test_twenty_questions_about_one_person_and_account_are_one_reading(user_id: str, items: list[int]) -> None:
    names = sorted(catalogue.CATALOGUE)[:20]

    with faults.at(dynamo.client(), "") as asked:
        told = SHIPPED.ask(
            EVALUATIONS, {**question(user_id), "evaluations": [{"action": action(name)} for name in names]}
        )

    assert sizes(asked) == items
    assert [each["decision"] for each in told.body["evaluations"]] == [may(user_id, name) for name in names]


def test_a_batch_about_many_is_decided_as_if_each_had_been_asked_alone() -> None:
    people, places = (APPROVER, CLERK, EMPLOYEE, MANAGER, "user-nobody", "no id"), (CLIENT, PARTNER, "nowhere", "")
    asked = [question(who, IMPORT, where) for who in people for where in places]

    told = SHIPPED.ask(EVALUATIONS, {"evaluations": asked}).body["evaluations"]

    assert [each["decision"] for each in told] == [SHIPPED.decides(each) for each in asked]
    assert sum(each["decision"] for each in told) == 3


def test_what_cannot_be_read_of_a_batch_is_not_looked_up(table: Table) -> None:
    with counted(table) as costs:
        told = SHIPPED.ask(
            EVALUATIONS, {"subject": subject(APPROVER), "evaluations": [{}, {"action": {"name": IMPORT}}]}
        )

    assert [each["decision"] for each in told.body["evaluations"]] == [False, False]
    assert costs.requests == 0


# under doubt

NEVER: Final[dict[str, Fault]] = {
    "throttled": faults.says("ThrottlingException"),
    "out of capacity": faults.says("ProvisionedThroughputExceededException"),
    "in conflict": faults.CONFLICTS,
    "broken": faults.says("InternalServerError", 500),
    "unheard": faults.goes_unheard,
}


@pytest.mark.parametrize("what", [EVALUATION, EVALUATIONS])
@pytest.mark.parametrize("fault", NEVER.values(), ids=NEVER)
def test_what_cannot_be_looked_up_is_not_decided(
    table: Table, monkeypatch: pytest.MonkeyPatch, what: str, fault: Fault
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    asked = question() if what == EVALUATION else question(evaluations=[{}, {"subject": subject(EMPLOYEE)}])

    for heard in (0, 1):
        with nothing_changes(table), faults.at(dynamo.client(), "", *[faults.works] * heard, then=fault):
            answer = SHIPPED.ask(what, {**asked, "subject": subject(EMPLOYEE)})
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert (answer.headers["content-type"], isinstance(answer.body, str)) == ("application/json", True)
        assert "decision" not in answer.text


def test_no_question_changes_anything(table: Table) -> None:
    with nothing_changes(table), counted(table) as costs:
        for who in (APPROVER, CLERK, EMPLOYEE, "user-nobody", ""):
            SHIPPED.ask(EVALUATION, question(who), headers={"idempotency-key": "a-key"})
            SHIPPED.ask(EVALUATIONS, question(who, evaluations=[{}, {}]))
        SHIPPED.configuration()
    assert costs.writes == 0
