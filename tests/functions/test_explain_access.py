"""POST /access/v1/explanations: the rule and its facts are right, who is named can really do it, and nobody else can."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.authorization.access import Rule
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys
from tests.support import faults
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
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR, Answer, call
from tests.support.link_requests import nothing_changes, tell_account
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, now, staff
from tests.support.table import Table
from tools import template

EXPLAIN: Final = "POST /access/v1/explanations"
USERS, BILLING, AUDIT, EXPORT = "account.users.manage", "account.billing.manage", "account.audit.view", "crm.export"
BOSS, STRANGER, SUPERS = "user-boss", "user-stranger", "user-supers"
HOLDS_ALL: Final = tuple(sorted(catalogue.CATALOGUE - catalogue.PARTNER_ONLY))
SUPER, USER_MANAGER, FELLOW, OF_THE_FIRM = "super_admin", "user_manager", "colleague", "partner_manager"
THE_CLIENT, EVERYBODY = {SUPER, USER_MANAGER}, {SUPER, USER_MANAGER, FELLOW, OF_THE_FIRM}
LEFT = a_partner_admin(active=False, grant=None, seat=None, partner_id=None)
IN_A_WEEK = now() + timedelta(days=7)


def question(subject: object, permission: object = EXPORT, account: object = CLIENT) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": permission},
        "resource": {"type": "account", "id": account},
    }


def explain(subject: object, permission: object = EXPORT, by: str = VENDOR, *, account: object = CLIENT) -> Answer:
    """Asked by the vendor's product unless somebody is named."""
    scope = DECIDE if by == VENDOR else USE
    return call(EXPLAIN, by, question(subject, permission, account), scope=scope, headers={"idempotency-key": None})


def explained(subject: str, permission: str = EXPORT, by: str = VENDOR, *, account: str = CLIENT) -> dict[str, Any]:
    answer = explain(subject, permission, by, account=account)
    assert answer.status == 200, answer
    return dict(answer.body)


def decided(subject: str, permission: str, account: str) -> bool:
    asked = question(subject, permission, account)
    return bool(call("POST /access/v1/evaluation", VENDOR, asked, scope=DECIDE).body["decision"])


@dataclass(frozen=True, slots=True)
class Case:
    """A world, a question in it, and what has to be explained."""

    rule: Rule
    subject: str
    permission: str
    records: tuple[Kept, ...] = ()
    because: Mapping[str, Any] = field(default_factory=dict)
    who: frozenset[str] = frozenset()
    request: str | None = None
    body: Mapping[str, Any] | None = None
    then: Rule | None = None
    says: str = ""
    account: str = CLIENT


def case(rule: Rule, subject: str, permission: str, *records: Kept, who: object = (), **more: Any) -> Case:
    return Case(rule, subject, permission, records, who=frozenset(who), **more)  # type: ignore[call-overload]


def the_set(name: str = "partner_admin", version: int = 1, /, **more: object) -> dict[str, object]:
    return {"permission_set": {"id": name, "version": version, **more}}


ONE = f"/accounts/{CLIENT}/users/"
PATCH, BACK = f"PATCH {ONE}", f"POST /accounts/{CLIENT}/users"
CLOSED, LEGACY = the_client(state=AccountState.CLOSED), the_client(pricing=Pricing.LEGACY)
BOTH = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})
ENDED = now() - timedelta(hours=1)
VIEWED = {each.partition(":")[0] for each in catalogue.VIEWED}
DEALS = ("crm.deals.delete", "crm.deals.edit", "crm.deals.view")
CONSOLE = "partner.client_access.manage"

CASES: Final = [
    case(Rule.IN_SET, EMPLOYEE, EXPORT, a_partner_admin(), who=EVERYBODY, request=PATCH + EMPLOYEE,
         because=the_set(), body={"permissions": {"add": [], "remove": [EXPORT]}}),
    case(Rule.IN_SET, EMPLOYEE, "crm.deals.view", a_partner_admin(removed=(EXPORT,)), who=EVERYBODY,
         because={**the_set(), "scope": "all"}, request=PATCH + EMPLOYEE,
         body={"permissions": {"add": [], "remove": [*DEALS, EXPORT]}}),
    case(Rule.IN_SET, BOSS, EXPORT, a_user(BOSS), a_member(BOSS), who={SUPER}, request=PATCH + BOSS,
         because=the_set("super_admin"), body={"permission_set": "view_only", "permissions": {"add": [], "remove": []}}),
    case(Rule.IN_SET, BOSS, "crm.deals.view", a_user(BOSS), a_member(BOSS), who={SUPER}, request=PATCH + BOSS,
         because={**the_set("super_admin"), "scope": "all"}),
    case(Rule.IN_SET, APPROVER, EXPORT, because=the_set("super_admin"), says="Name another one first."),
    case(Rule.IN_SET, CLERK, "crm.tickets.view", a_custom_set(), a_member(CLERK, CUSTOM_SET), who=THE_CLIENT,
         because={**the_set(CUSTOM_SET, name="Service desk"), "scope": "all"}, request=PATCH + CLERK),
    case(Rule.IN_SET, COLLEAGUE, "crm.tickets.view", a_custom_set(permissions=("crm.tickets.view", BILLING)),
         a_member(COLLEAGUE, CUSTOM_SET, partner_id=PARTNER), who=THE_CLIENT | {FELLOW},
         because={**the_set(CUSTOM_SET, name="Service desk"), "scope": "all"}, request=PATCH + COLLEAGUE,
         body={"permission_set": "view_only", "permissions": {"add": [], "remove": ["crm.tickets.view"]}}),
    case(Rule.ADDED, CLERK, EXPORT, a_member(CLERK, "view_only", added=(AUDIT, EXPORT)), who=THE_CLIENT,
         because={**the_set("view_only"), "added": EXPORT}, request=PATCH + CLERK,
         body={"permissions": {"add": [AUDIT], "remove": []}}),
    case(Rule.ADDED, CLERK, "crm.deals.edit", a_member(CLERK, "view_only", added=("crm.deals.edit:team",)),
         who=THE_CLIENT, because={**the_set("view_only"), "added": "crm.deals.edit:team", "scope": "team"},
         request=PATCH + CLERK),
    case(Rule.REMOVED, EMPLOYEE, EXPORT, a_partner_admin(removed=("crm.bulk_delete", EXPORT)),
         who=THE_CLIENT | {FELLOW}, because={**the_set(), "removed": EXPORT}, request=PATCH + EMPLOYEE,
         body={"permissions": {"add": [], "remove": ["crm.bulk_delete"]}}),
    case(Rule.REMOVED, EMPLOYEE, "crm.deals.edit", a_partner_admin(removed=DEALS), who=THE_CLIENT | {FELLOW},
         because={**the_set(), "removed": "crm.deals.edit"}, request=PATCH + EMPLOYEE,
         body={"permissions": {"add": [], "remove": ["crm.deals.delete"]}}),
    case(Rule.REMOVED, EMPLOYEE, "crm.contacts.communicate", a_partner_admin(removed=("crm.contacts.communicate",)),
         who=THE_CLIENT | {FELLOW}, because={**the_set(), "removed": "crm.contacts.communicate"},
         request=PATCH + EMPLOYEE),
    case(Rule.NOT_IN_SET, CLERK, AUDIT, who=THE_CLIENT, because=the_set("view_only"), request=PATCH + CLERK,
         body={"permissions": {"add": [AUDIT], "remove": []}}),
    case(Rule.NOT_IN_SET, CLERK, "crm.deals.delete", a_member(CLERK, "view_only", removed=("crm.deals.view",)),
         who=THE_CLIENT, because=the_set("view_only"), request=PATCH + CLERK,
         body={"permissions": {"add": ["crm.deals.view:owned", "crm.deals.edit:owned", "crm.deals.delete:owned"],
                               "remove": ["crm.deals.view"]}}),
    case(Rule.NOT_IN_SET, CLERK, BILLING, who=THE_CLIENT, because=the_set("view_only"), request=PATCH + CLERK),
    case(Rule.NOT_IN_SET, CLERK, "sales.forecast", a_member(CLERK, "view_only", paid_seats=(Seat.SERVICE,)),
         who=THE_CLIENT, because=the_set("view_only"), request=PATCH + CLERK,
         body={"permissions": {"add": ["sales.forecast"], "remove": []}, "paid_seats": ["sales", "service"]}),
    case(Rule.NOT_IN_SET, COLLEAGUE, AUDIT, a_custom_set(permissions=("crm.tickets.view", BILLING)),
         a_member(COLLEAGUE, CUSTOM_SET, partner_id=PARTNER), who=THE_CLIENT | {FELLOW},
         because=the_set(CUSTOM_SET, name="Service desk"), request=PATCH + COLLEAGUE,
         body={"permission_set": "view_only", "permissions": {"add": [AUDIT], "remove": []}}),
    case(Rule.SEAT_MISSING, EMPLOYEE, "service.access", LEGACY, a_partner_admin(), who=THE_CLIENT,
         because={"needs_seat": "service", "seat": "partner", "paid_seats": [], "pricing": "legacy"},
         request=PATCH + EMPLOYEE, body={"paid_seats": ["service"]}),
    case(Rule.SEAT_MISSING, BOSS, "sales.access", a_user(BOSS), a_member(BOSS), who={SUPER}, request=PATCH + BOSS,
         because={"needs_seat": "sales", "seat": "core", "paid_seats": [], "pricing": "seat_based"}),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),
         who=THE_CLIENT, because={"partner_id": PARTNER, "suspended_by": ["client"]},
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, CLERK, "crm.deals.view", a_member(CLERK, suspended_by=frozenset({SuspensionReason.CLIENT}),
         permission_set="sales"), who=THE_CLIENT, because={"suspended_by": ["client"]},
         request=f"DELETE {ONE}{CLERK}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),
         who={OF_THE_FIRM}, because={"partner_id": PARTNER, "suspended_by": ["partner"]},
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=BOTH), who={*THE_CLIENT, OF_THE_FIRM},
         because={"partner_id": PARTNER, "suspended_by": ["client", "partner"]}, then=Rule.SUSPENDED,
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, BILLING, a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),
         who={OF_THE_FIRM}, because={"partner_id": PARTNER, "suspended_by": ["partner"]}, then=Rule.RESTRICTED,
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), the_partner(program=Program.SUSPENDED), who={"vendor"},
         because={"partner_id": PARTNER, "suspended_by": ["program"]}, body={"program": "active"},
         request=f"PUT /directory/accounts/{PARTNER}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), the_partner(state=AccountState.CLOSED),
         who={"vendor"}, because={"partner_id": PARTNER, "suspended_by": ["program"]}, body={"state": "active"},
         request=f"PUT /directory/accounts/{PARTNER}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), staff(EMPLOYEE, active=False), who={"vendor"},
         because={"partner_id": PARTNER, "suspended_by": ["employee"]}, body={"active": True},
         request=f"PUT /directory/accounts/{PARTNER}/members/{EMPLOYEE}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), an_employee(email="employee@elsewhere.example"),
         who={"vendor"}, because={"partner_id": PARTNER, "suspended_by": ["employee"]}),
    case(Rule.GRANT_EXPIRED, EMPLOYEE, EXPORT, a_partner_admin(grant=a_grant(expires_at=ENDED)), who=THE_CLIENT,
         because={"partner_id": PARTNER, "expires_at": ENDED.isoformat().replace("+00:00", "Z")}, request=BACK,
         body={"email": "{email}", "permission_set": "partner_admin", "partner_id": PARTNER}),
    case(Rule.GRANT_EXPIRED, EMPLOYEE, "sales.access", LEGACY, a_partner_admin(grant=a_grant(expires_at=ENDED)),
         who=THE_CLIENT, then=Rule.SEAT_MISSING, request=BACK,
         because={"partner_id": PARTNER, "expires_at": ENDED.isoformat().replace("+00:00", "Z")}),
    case(Rule.ACCESS_ENDED, EMPLOYEE, EXPORT, a_partner_admin(), an_employee(offboardings={PARTNER: 1}), who=THE_CLIENT,
         because={"partner_id": PARTNER}, request=BACK),
    case(Rule.ACCESS_ENDED, EMPLOYEE, EXPORT, a_partner_admin(), staff(EMPLOYEE, active=False),
         an_employee(offboardings={PARTNER: 1}), because={"partner_id": PARTNER}, says="This person cannot be a partner"),
    case(Rule.ACCESS_ENDED, CLERK, "crm.deals.view", a_member(CLERK, "view_only", partner_id=PARTNER),
         an_employee(CLERK, offboardings={PARTNER: 1}), staff(CLERK), who=THE_CLIENT | {FELLOW},
         because={"partner_id": PARTNER}, request=BACK, body={"email": "{email}", "permission_set": "view_only"}),
    case(Rule.MEMBER_DEACTIVATED, CLERK, EXPORT, a_member(CLERK, active=False), who=THE_CLIENT,
         because={"member_active": False}, request=BACK,
         body={"email": "{email}", "permission_set": "view_only", "permissions": {"add": [EXPORT], "remove": []}}),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, EXPORT, LEFT, because={"member_active": False}, who=THE_CLIENT,
         request=BACK, body={"email": "{email}", "permission_set": "partner_admin", "partner_id": PARTNER}),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, EXPORT, LEFT, the_client(partner_seat_limit=0), because={"member_active": False},
         says="Every partner seat of this account is taken."),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, "crm.deals.view", staff(EMPLOYEE, active=False), who={"vendor"},
         because={"member_active": False}, request=f"PUT /directory/accounts/{PARTNER}/members/{EMPLOYEE}",
         body={"active": True}, account=PARTNER),
    case(Rule.NOT_A_MEMBER, STRANGER, EXPORT, who=THE_CLIENT, request=BACK),
    case(Rule.NOT_A_MEMBER, STRANGER, "sales.forecast", who=THE_CLIENT, request=BACK,
         body={"email": "{email}", "permission_set": "sales", "seat": "sales"}),
    case(Rule.NOT_A_MEMBER, STRANGER, CONSOLE, says="nobody in this account"),
    case(Rule.NOT_A_MEMBER, STRANGER, "crm.deals.view", who={"vendor"}, account=PARTNER,
         request=f"PUT /directory/accounts/{PARTNER}/members/{STRANGER}", body={"permission_set": "view_only"}),
    case(Rule.NOT_A_MEMBER, STRANGER, CONSOLE, who={"vendor"}, account=PARTNER, then=Rule.NOT_IN_SET,
         request=f"PUT /directory/accounts/{PARTNER}/members/{STRANGER}", body={"permission_set": "view_only"}),
    case(Rule.ACCOUNT_CLOSED, APPROVER, EXPORT, CLOSED, who={"vendor"}, because={"account_state": "closed"},
         request=f"PUT /directory/accounts/{CLIENT}", body={"state": "active"}),
    case(Rule.USER_DEACTIVATED, CLERK, "crm.deals.view", a_user(CLERK, active=False), who={"vendor"},
         because={"user_active": False}, request=f"PUT /directory/users/{CLERK}", body={"active": True}),
    case(Rule.USER_DEACTIVATED, CLERK, EXPORT, a_user(CLERK, active=False), who={"vendor"}, then=Rule.NOT_IN_SET,
         because={"user_active": False}, request=f"PUT /directory/users/{CLERK}", body={"active": True}),
    case(Rule.USER_DEACTIVATED, CLERK, EXPORT, a_user(CLERK, active=False, email=None, name=""), who={"vendor"},
         because={"user_active": False}),
    case(Rule.UNKNOWN_PERMISSION, EMPLOYEE, "crm.everything", a_partner_admin(), says="no such permission"),
    case(Rule.RESTRICTED, EMPLOYEE, BILLING, a_partner_admin(), because={"partner_id": PARTNER, "restricted": True},
         says="by no door. Ask a super admin of the client to do it himself."),
    case(Rule.PARTNER_ACCOUNTS_ONLY, APPROVER, CONSOLE, because={"account_kind": "client"},
         says="nobody can give it here"),
    case(Rule.UNKNOWN_SET, CLERK, EXPORT, a_member(CLERK, CUSTOM_SET, added=(EXPORT,)), who={"vendor"},
         because=the_set(CUSTOM_SET)),
    case(Rule.UNKNOWN_SET, CLERK, EXPORT, a_member(CLERK, "view_only", set_version=99), who={"vendor"},
         because=the_set("view_only", 99)),
    case(Rule.NOT_IN_SET, EMPLOYEE, CONSOLE, who=THE_CLIENT, because=the_set("view_only"), account=PARTNER,
         request=f"PATCH /accounts/{PARTNER}/users/{EMPLOYEE}", body={"permissions": {"add": [CONSOLE], "remove": []}}),
]  # fmt: skip


def world(table: Table, asked: Case, *others: Kept) -> None:
    table.clear()
    a_world(table, a_user(STRANGER), *asked.records, *others)


def named(asked: Case) -> str:
    return f"{asked.rule} {asked.permission} {asked.subject}"


@pytest.mark.parametrize("asked", CASES, ids=named)
def test_the_rule_its_facts_and_who_could_change_it(table: Table, asked: Case) -> None:
    world(table, asked)

    with nothing_changes(table):
        told = explained(asked.subject, asked.permission, account=asked.account)

    request = told.get("request", {})
    assert (told["rule"], told["facts"]) == (asked.rule, asked.because)
    assert told["decision"] is decided(asked.subject, asked.permission, asked.account)
    assert {each["role"] for each in told["changeable_by"]} == asked.who
    assert (f"{request['method']} {request['path']}" if request else None) == asked.request
    assert asked.body in (None, request.get("body"))
    assert told.get("next_rule") == asked.then
    assert asked.says in told["advice"]


def test_every_rule_is_explained() -> None:
    assert {each.rule for each in CASES} == set(Rule)


# who is named can do it, and who is not cannot


ROUTES: Final = [(*route.key.split(" "), route.key) for route in template.routes()]


def perform(request: Mapping[str, Any], by: str, email: str) -> Answer:
    """The request as it was told, with the address filled in."""
    for method, shape, key in ROUTES:
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", shape), request["path"])
        if found and method == request["method"]:
            body = request.get("body")
            filled = {**body, "email": email} if body and "email" in body else body
            headers = {"if-match": request["if_match"]} if "if_match" in request else {}
            scope = DIRECTORY if by == VENDOR else USE
            return call(key, by, filled, headers=headers, scope=scope, **found.groupdict())
    raise LookupError(request["path"])


def somebody(who: str, account: str, holding: tuple[str, ...]) -> tuple[str, tuple[Kept, ...]]:
    """Somebody in this capacity who holds this, and the records that make him it."""
    match who:
        case "vendor":
            return VENDOR, ()
        case "super_admin":
            return (APPROVER if account == CLIENT else MANAGER), ()
        case "user_manager":
            return "user-users", (
                a_user("user-users"),
                a_member("user-users", "view_only", account_id=account, added=holding),
            )
        case "colleague":
            grant = a_grant(grant_id=f"grt_{'6' * 32}")
            return "user-fellow", (
                an_employee("user-fellow"),
                staff("user-fellow"),
                a_partner_admin("user-fellow", grant=grant),
            )
    return "user-console", (an_employee("user-console"), staff("user-console", added=(CONSOLE,)))


TURNED: Final = [each for each in CASES if each.request]
CAPACITIES: Final = ("vendor", SUPER, USER_MANAGER, FELLOW, OF_THE_FIRM)


@pytest.mark.parametrize("asked", TURNED, ids=named)
def test_who_is_named_turns_the_decision_by_the_request_that_is_told(table: Table, asked: Case) -> None:
    world(table, asked)
    told = explained(asked.subject, asked.permission, account=asked.account)

    for changer in told["changeable_by"]:
        who, records = somebody(changer["role"], asked.account, tuple(changer.get("required_permissions", ())))
        for by in [each["user_id"] for each in changer.get("people", ())] or [who]:
            world(table, asked, *records)
            answer = perform(told["request"], by, address(table, asked.subject))
            assert answer.status < 300, (changer, answer)
            after = explained(asked.subject, asked.permission, account=asked.account)
            assert after["decision"] is (told["decision"] if asked.then else not told["decision"]), changer
            assert asked.then in (None, after["rule"])


def address(table: Table, user_id: str) -> str:
    kept = table.get(keys.user(user_id))
    assert kept
    return str(kept["email"])


@pytest.mark.parametrize("asked", [each for each in TURNED if "vendor" not in each.who], ids=named)
def test_who_is_not_named_cannot_make_the_request_whatever_he_holds(table: Table, asked: Case) -> None:
    world(table, asked)
    told = explained(asked.subject, asked.permission, account=asked.account)
    others = [somebody(who, asked.account, HOLDS_ALL) for who in CAPACITIES[1:] if who not in asked.who]
    himself = () if FELLOW in asked.who else (asked.subject,)
    world(table, asked, *(record for _, records in others for record in records))
    people = {person["user_id"] for each in told["changeable_by"] for person in each.get("people", ())}

    with nothing_changes(table):
        for by in {*(who for who, _ in others), CLERK, STRANGER, *himself} - people:
            answer = perform(told["request"], by, address(table, asked.subject))
            assert answer.status >= 400, (by, answer)


@pytest.mark.parametrize("asked", [each for each in TURNED if USER_MANAGER in each.who], ids=named)
def test_a_user_manager_needs_all_that_is_told_and_no_more(table: Table, asked: Case) -> None:
    world(table, asked)
    told = explained(asked.subject, asked.permission, account=asked.account)
    (holding,) = [each["required_permissions"] for each in told["changeable_by"] if each["role"] == USER_MANAGER]

    some = [each for each in holding if each.partition(":")[0] not in VIEWED]
    who, records = somebody(USER_MANAGER, asked.account, tuple(holding))
    world(table, asked, *records)

    for lacked in some[:5]:
        table.keep(a_member(who, "view_only", account_id=asked.account, added=tuple({*holding} - {lacked})))
        assert perform(told["request"], who, address(table, asked.subject)).status == 403, lacked


# who may ask


@pytest.fixture
def town(table: Table) -> Table:
    """Beside the usual people: a user manager, one who was a member, one whom the vendor deactivated, another client."""
    a_world(
        table,
        a_partner_admin(removed=(EXPORT,)),
        a_user("user-users"),
        a_member("user-users", "view_only", added=(USERS,)),
        a_user("user-former"),
        a_member("user-former", active=False),
        a_user("user-gone", active=False),
        a_member("user-gone"),
        a_user(STRANGER),
        a_user("user-stopped"),
        a_member("user-stopped", "view_only", added=(USERS,), suspended_by=frozenset({SuspensionReason.CLIENT})),
        the_client(account_id=ELSEWHERE, name="The Florist"),
    )
    return table


ELSEWHERE, NOWHERE = "client-florist", "client-nowhere"
FORBIDDEN = "You may not do this here. Ask an admin of the account for the right to."
NOT_FOUND = "There is nothing here, or nothing that you may see."


@pytest.mark.parametrize("by", [APPROVER, "user-users", CLERK, EMPLOYEE, "user-stopped"])
def test_everybody_in_an_account_is_told_of_himself_with_who_runs_it_by_name(town: Table, by: str) -> None:
    told = explained(by, AUDIT, by)

    assert told["decision"] is decided(by, AUDIT, CLIENT)
    people = [person for each in told["changeable_by"] for person in each.get("people", ())]
    assert people in ([], [{"user_id": APPROVER, "name": "Approver"}])
    assert people or by == APPROVER


@pytest.mark.parametrize(("by", "status"), [
    (APPROVER, 200), ("user-users", 200), (EMPLOYEE, 200),
    (CLERK, 403), ("user-stopped", 403), ("user-gone", 403),
    (STRANGER, 404), ("user-former", 404), (MANAGER, 404), ("user-unknown", 404),
])  # fmt: skip
def test_of_others_is_told_who_manages_users_there(town: Table, by: str, status: int) -> None:
    town.keep(a_partner_admin())

    with nothing_changes(town):
        answer = explain(COLLEAGUE if by == EMPLOYEE else EMPLOYEE, EXPORT, by)

    assert answer.status == status
    if status != 200:
        assert answer.body == {403: FORBIDDEN, 404: NOT_FOUND}[status]


def test_whoever_decides_for_the_vendor_is_told_ids_and_no_names(town: Table) -> None:
    told = explained(EMPLOYEE)

    assert told["changeable_by"][0] == {"role": "super_admin", "people": [{"user_id": APPROVER}]}
    assert "Approver" not in str(told)


def test_a_directorys_token_is_no_decider_and_no_member(town: Table) -> None:
    asked = question(EMPLOYEE)

    assert call(EXPLAIN, VENDOR, asked, scope=DIRECTORY).body == NOT_FOUND


@pytest.mark.parametrize("by", [STRANGER, "user-unknown", MANAGER, CLERK])
@pytest.mark.parametrize("permission", [EXPORT, BILLING, CONSOLE, "crm.everything"])
def test_to_whom_an_account_is_unknown_it_is_as_if_there_were_none(town: Table, by: str, permission: str) -> None:
    of_himself = [explained(by, permission, by, account=each) for each in (ELSEWHERE, NOWHERE, "no account!")]
    of_others = [explain(EMPLOYEE, permission, by, account=each) for each in (ELSEWHERE, NOWHERE, "no account!")]

    for told in of_himself:
        told.pop("as_of")
    assert of_himself[0] == of_himself[1] == of_himself[2]
    assert (of_himself[0]["facts"], of_himself[0]["changeable_by"]) == ({}, [])
    assert {(each.status, each.text) for each in of_others} == {(404, f'"{NOT_FOUND}"')}


def test_whoever_was_a_member_is_told_how_it_ended_and_no_news(town: Table) -> None:
    told = explained("user-former", EXPORT, "user-former")
    tell_account(CLIENT, state="closed")
    later = explained("user-former", EXPORT, "user-former")

    assert (told["rule"], told["facts"], told["changeable_by"]) == (
        "member_deactivated",
        {"member_active": False},
        [],
    )
    assert (later["rule"], later["facts"], later["changeable_by"]) == ("not_a_member", {}, [])
    assert "request" not in {**told, **later}
    assert explained("user-former")["rule"] == "account_closed"


def test_whoever_is_deactivated_is_told_nothing_of_any_account(town: Table) -> None:
    for account in (CLIENT, ELSEWHERE, NOWHERE):
        for subject in ("user-gone", CLERK):
            answer = explain(subject, EXPORT, "user-gone", account=account)
            assert (answer.status, answer.body) == (403, FORBIDDEN)


def test_a_member_of_whom_the_directory_knows_nothing_is_told_of_himself_alone(town: Table) -> None:
    town.keep(a_member("user-unknown", "view_only", added=(USERS,)))

    told = explained("user-unknown", EXPORT, "user-unknown")

    assert (told["rule"], told["changeable_by"]) == ("user_deactivated", [])
    assert explain(CLERK, EXPORT, "user-unknown").status == 404


@pytest.mark.parametrize("permission", [EXPORT, "sales.forecast", BILLING])
def test_of_whoever_never_was_here_nothing_shows_whatever_is_known_of_him(town: Table, permission: str) -> None:
    told = []
    for person in ("user-nobody", STRANGER, MANAGER, "user-away"):
        town.keep(a_user("user-away", active=False))
        answer = explain(person, permission, APPROVER)
        told.append(re.sub(r'"as_of":"[^"]*"', "", answer.text))

    assert len(set(told)) == 1
    assert '"rule":"not_a_member"' in told[0]


@pytest.mark.parametrize("change", [
    {"subject": {"type": "group", "id": EMPLOYEE}},
    {"resource": {"type": "document", "id": CLIENT}},
    {"subject": {"type": "user", "id": "no user!"}},
])  # fmt: skip
def test_what_can_be_nobody_is_no_member(town: Table, change: Mapping[str, Any]) -> None:
    asked = {**question(EMPLOYEE), **change}

    told = call(EXPLAIN, VENDOR, asked, scope=DECIDE).body
    by_manager = call(EXPLAIN, APPROVER, asked)

    assert (told["decision"], told["rule"], told["changeable_by"]) == (False, "not_a_member", [])
    assert by_manager.status == (404 if "resource" in change else 200)


def test_a_group_of_the_callers_own_name_is_not_he(town: Table) -> None:
    asked = {**question(CLERK), "subject": {"type": "group", "id": CLERK}}

    assert call(EXPLAIN, CLERK, asked).status == 403


# the edge


def test_unknown_fields_and_properties_count_for_nothing(town: Table) -> None:
    asked = question(EMPLOYEE)
    asked["resource"]["properties"] = {"pricing": "legacy"}
    more = {**asked, "context": {"now": "2026"}, "options": 1}

    assert call(EXPLAIN, APPROVER, more).body["rule"] == explained(EMPLOYEE, by=APPROVER)["rule"] == "removed"


@pytest.mark.parametrize(
    "body", [None, "{", "[]", {}, question(1), question(EMPLOYEE, None), {**question(EMPLOYEE), "context": "x"}]
)
def test_what_cannot_be_read_is_answered_by_a_sentence(town: Table, body: object) -> None:
    answer = call(EXPLAIN, APPROVER, body, headers={"x-request-id": "one, two"})

    assert answer.status == 400
    assert isinstance(answer.body, str)
    assert answer.headers["x-request-id"] == "one, two"


def test_in_doubt_nothing_is_said(town: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_access.store.retries.time.sleep", lambda _: None)
    for operation in ("TransactGetItems", "BatchGetItem"):
        with faults.at(dynamo.client(), operation, then=faults.says("ThrottlingException")):
            answer = explain(EMPLOYEE, EXPORT, APPROVER)
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert isinstance(answer.body, str)


@pytest.mark.parametrize(("subject", "by", "requests"), [
    (CLERK, CLERK, 3),
    (CLERK, APPROVER, 3),
    (EMPLOYEE, EMPLOYEE, 4),
    (EMPLOYEE, APPROVER, 4),
    (STRANGER, STRANGER, 1),
    (CLERK, STRANGER, 1),
    (CLERK, VENDOR, 3),
    (EMPLOYEE, VENDOR, 4),
])  # fmt: skip
def test_what_an_explanation_costs(town: Table, subject: str, by: str, requests: int) -> None:
    with counted(town) as costs:
        explain(subject, EXPORT, by)

    assert (costs.requests, costs.writes) == (requests, 0)


def test_whoever_decides_for_the_vendor_is_not_looked_up(town: Table) -> None:
    with faults.at(dynamo.client(), "TransactGetItems") as requests:
        explain(CLERK)
        explain(CLERK, EXPORT, APPROVER)

    assert [len(request["TransactItems"]) for request in requests] == [3, 5]


def test_what_no_door_changes_needs_nobody_to_be_looked_up(town: Table) -> None:
    with counted(town) as costs:
        explain(EMPLOYEE, BILLING, EMPLOYEE)

    assert costs.requests == 2


def test_ten_super_admins_are_named_at_most(table: Table) -> None:
    many = [f"user-z{number:02}" for number in range(12)]
    a_world(table, *map(a_user, many), *map(a_member, many))

    with counted(table) as costs:
        told = explained(CLERK, AUDIT, APPROVER)

    assert [each["user_id"] for each in told["changeable_by"][0]["people"]] == [APPROVER, *many[:9]]
    assert costs.requests == 3


def test_who_was_erased_or_cannot_do_it_is_not_named(table: Table) -> None:
    """A super admin who works for the partner widens no grant of his own firm's."""
    a_world(
        table,
        a_partner_admin(removed=(EXPORT,)),
        an_employee("user-both"),
        staff("user-both"),
        a_member("user-both"),
        a_user("user-away", active=False),
        a_member("user-away"),
    )

    told = explained(EMPLOYEE, EXPORT, APPROVER)

    assert told["changeable_by"][0]["people"] == [{"user_id": APPROVER, "name": "Approver"}]
