"""Tests of POST /access/v1/explanations: rule and facts are right, and only the named people can change it."""

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
from partner_access.domain.records import Record
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
from tests.support.costs import count_costs
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_unchanged, put_account
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Table
from tools import template

EXPLAIN: Final = "POST /access/v1/explanations"
USERS, BILLING, AUDIT, EXPORT = "account.users.manage", "account.billing.manage", "account.audit.view", "crm.export"
BOSS, STRANGER, SUPERS = "user-boss", "user-stranger", "user-supers"
HOLDS_ALL: Final = tuple(sorted(catalogue.CATALOGUE - catalogue.PARTNER_ONLY))
SUPER_ADMIN, USER_MANAGER, COLLEAGUE_ROLE, PARTNER_MANAGER = (
    "super_admin",
    "user_manager",
    "colleague",
    "partner_manager",
)
CLIENT_ROLES, ALL_ROLES = {SUPER_ADMIN, USER_MANAGER}, {SUPER_ADMIN, USER_MANAGER, COLLEAGUE_ROLE, PARTNER_MANAGER}
REMOVED_PARTNER_ADMIN = a_partner_admin(active=False, grant=None, seat=None, partner_id=None)
IN_A_WEEK = now() + timedelta(days=7)


def explanation_request(subject: object, permission: object = EXPORT, account: object = CLIENT) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": permission},
        "resource": {"type": "account", "id": account},
    }


def explain(subject: object, permission: object = EXPORT, by: str = VENDOR, *, account: object = CLIENT) -> ApiResponse:
    """Request an explanation, by default as the vendor's product."""
    scope = DECIDE if by == VENDOR else USE
    return call(
        EXPLAIN, by, explanation_request(subject, permission, account), scope=scope, headers={"idempotency-key": None}
    )


def explanation_of(
    subject: str, permission: str = EXPORT, by: str = VENDOR, *, account: str = CLIENT
) -> dict[str, Any]:
    response = explain(subject, permission, by, account=account)
    assert response.status == 200, response
    return dict(response.body)


def decision_of(subject: str, permission: str, account: str) -> bool:
    request_body = explanation_request(subject, permission, account)
    return bool(call("POST /access/v1/evaluation", VENDOR, request_body, scope=DECIDE).body["decision"])


@dataclass(frozen=True, slots=True)
class ExplanationCase:
    """Records, a question about them, and the expected explanation."""

    rule: Rule
    subject: str
    permission: str
    records: tuple[Record, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    request: str | None = None
    body: Mapping[str, Any] | None = None
    next_rule: Rule | None = None
    advice: str = ""
    account: str = CLIENT


def case(rule: Rule, subject: str, permission: str, *records: Record, who: object = (), **more: Any) -> ExplanationCase:
    return ExplanationCase(rule, subject, permission, records, roles=frozenset(who), **more)  # type: ignore[call-overload]


def set_facts(name: str = "partner_admin", version: int = 1, /, **more: object) -> dict[str, object]:
    return {"permission_set": {"id": name, "version": version, **more}}


ONE = f"/accounts/{CLIENT}/users/"
PATCH, CREATE_USER = f"PATCH {ONE}", f"POST /accounts/{CLIENT}/users"
CLOSED, LEGACY = the_client(state=AccountState.CLOSED), the_client(pricing=Pricing.LEGACY)
SUSPENDED_BY_BOTH = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})
ENDED = now() - timedelta(hours=1)
VIEWED = {each.partition(":")[0] for each in catalogue.SETS["view_only"][-1]}
DEALS = ("crm.deals.delete", "crm.deals.edit", "crm.deals.view")
CONSOLE = "partner.client_access.manage"

CASES: Final = [
    case(Rule.IN_SET, EMPLOYEE, EXPORT, a_partner_admin(), who=ALL_ROLES, request=PATCH + EMPLOYEE,
         facts=set_facts(), body={"overrides": {"add": [], "remove": [EXPORT]}}),
    case(Rule.IN_SET, EMPLOYEE, "crm.deals.view", a_partner_admin(removed=(EXPORT,)), who=ALL_ROLES,
         facts={**set_facts(), "scope": "all"}, request=PATCH + EMPLOYEE,
         body={"overrides": {"add": [], "remove": [*DEALS, EXPORT]}}),
    case(Rule.IN_SET, BOSS, EXPORT, a_user(BOSS), a_member(BOSS), who={SUPER_ADMIN}, request=PATCH + BOSS,
         facts=set_facts("super_admin"), body={"permission_set": "view_only", "overrides": {"add": [], "remove": []}}),
    case(Rule.IN_SET, BOSS, "crm.deals.view", a_user(BOSS), a_member(BOSS), who={SUPER_ADMIN}, request=PATCH + BOSS,
         facts={**set_facts("super_admin"), "scope": "all"}),
    case(Rule.IN_SET, APPROVER, EXPORT, facts=set_facts("super_admin"), advice="Name another one first."),
    case(Rule.IN_SET, CLERK, "crm.tickets.view", a_custom_set(), a_member(CLERK, CUSTOM_SET), who=CLIENT_ROLES,
         facts={**set_facts(CUSTOM_SET, name="Service desk"), "scope": "all"}, request=PATCH + CLERK),
    case(Rule.IN_SET, COLLEAGUE, "crm.tickets.view", a_custom_set(permissions=("crm.tickets.view", BILLING)),
         a_member(COLLEAGUE, CUSTOM_SET, partner_id=PARTNER), who=CLIENT_ROLES | {COLLEAGUE_ROLE},
         facts={**set_facts(CUSTOM_SET, name="Service desk"), "scope": "all"}, request=PATCH + COLLEAGUE,
         body={"permission_set": "view_only", "overrides": {"add": [], "remove": ["crm.tickets.view"]}}),
    case(Rule.ADDED, CLERK, EXPORT, a_member(CLERK, "view_only", added=(AUDIT, EXPORT)), who=CLIENT_ROLES,
         facts={**set_facts("view_only"), "added": EXPORT}, request=PATCH + CLERK,
         body={"overrides": {"add": [AUDIT], "remove": []}}),
    case(Rule.ADDED, CLERK, "crm.deals.edit", a_member(CLERK, "view_only", added=("crm.deals.edit:team",)),
         who=CLIENT_ROLES, facts={**set_facts("view_only"), "added": "crm.deals.edit:team", "scope": "team"},
         request=PATCH + CLERK),
    case(Rule.REMOVED, EMPLOYEE, EXPORT, a_partner_admin(removed=("crm.bulk_delete", EXPORT)),
         who=CLIENT_ROLES | {COLLEAGUE_ROLE}, facts={**set_facts(), "removed": EXPORT}, request=PATCH + EMPLOYEE,
         body={"overrides": {"add": [], "remove": ["crm.bulk_delete"]}}),
    case(Rule.REMOVED, EMPLOYEE, "crm.deals.edit", a_partner_admin(removed=DEALS), who=CLIENT_ROLES | {COLLEAGUE_ROLE},
         facts={**set_facts(), "removed": "crm.deals.edit"}, request=PATCH + EMPLOYEE,
         body={"overrides": {"add": [], "remove": ["crm.deals.delete"]}}),
    case(Rule.REMOVED, EMPLOYEE, "crm.contacts.communicate", a_partner_admin(removed=("crm.contacts.communicate",)),
         who=CLIENT_ROLES | {COLLEAGUE_ROLE}, facts={**set_facts(), "removed": "crm.contacts.communicate"},
         request=PATCH + EMPLOYEE),
    case(Rule.NOT_IN_SET, CLERK, AUDIT, who=CLIENT_ROLES, facts=set_facts("view_only"), request=PATCH + CLERK,
         body={"overrides": {"add": [AUDIT], "remove": []}}),
    case(Rule.NOT_IN_SET, CLERK, "crm.deals.delete", a_member(CLERK, "view_only", removed=("crm.deals.view",)),
         who=CLIENT_ROLES, facts=set_facts("view_only"), request=PATCH + CLERK,
         body={"overrides": {"add": ["crm.deals.view:owned", "crm.deals.edit:owned", "crm.deals.delete:owned"],
                               "remove": ["crm.deals.view"]}}),
    case(Rule.NOT_IN_SET, CLERK, BILLING, who=CLIENT_ROLES, facts=set_facts("view_only"), request=PATCH + CLERK),
    case(Rule.NOT_IN_SET, CLERK, "sales.forecast", a_member(CLERK, "view_only", paid_seats=(Seat.SERVICE,)),
         who=CLIENT_ROLES, facts=set_facts("view_only"), request=PATCH + CLERK,
         body={"overrides": {"add": ["sales.forecast"], "remove": []}, "paid_seats": ["sales", "service"]}),
    case(Rule.NOT_IN_SET, COLLEAGUE, AUDIT, a_custom_set(permissions=("crm.tickets.view", BILLING)),
         a_member(COLLEAGUE, CUSTOM_SET, partner_id=PARTNER), who=CLIENT_ROLES | {COLLEAGUE_ROLE},
         facts=set_facts(CUSTOM_SET, name="Service desk"), request=PATCH + COLLEAGUE,
         body={"permission_set": "view_only", "overrides": {"add": [AUDIT], "remove": []}}),
    case(Rule.SEAT_MISSING, EMPLOYEE, "service.access", LEGACY, a_partner_admin(), who=CLIENT_ROLES,
         facts={"needs_seat": "service", "seat": "partner", "paid_seats": [], "pricing": "legacy"},
         request=PATCH + EMPLOYEE, body={"paid_seats": ["service"]}),
    case(Rule.SEAT_MISSING, BOSS, "sales.access", a_user(BOSS), a_member(BOSS), who={SUPER_ADMIN}, request=PATCH + BOSS,
         facts={"needs_seat": "sales", "seat": "core", "paid_seats": [], "pricing": "seat_based"}),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),
         who=CLIENT_ROLES, facts={"partner_id": PARTNER, "suspended_by": ["client"]},
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, CLERK, "crm.deals.view", a_member(CLERK, suspended_by=frozenset({SuspensionReason.CLIENT}),
         permission_set="sales"), who=CLIENT_ROLES, facts={"suspended_by": ["client"]},
         request=f"DELETE {ONE}{CLERK}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),
         who={PARTNER_MANAGER}, facts={"partner_id": PARTNER, "suspended_by": ["partner"]},
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(suspended_by=SUSPENDED_BY_BOTH), who={*CLIENT_ROLES, PARTNER_MANAGER},
         facts={"partner_id": PARTNER, "suspended_by": ["client", "partner"]}, next_rule=Rule.SUSPENDED,
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, BILLING, a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),
         who={PARTNER_MANAGER}, facts={"partner_id": PARTNER, "suspended_by": ["partner"]}, next_rule=Rule.RESTRICTED,
         request=f"DELETE {ONE}{EMPLOYEE}/suspension"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), the_partner(program=Program.SUSPENDED), who={"vendor"},
         facts={"partner_id": PARTNER, "suspended_by": ["program"]}, body={"program": "active"},
         request=f"PUT /directory/accounts/{PARTNER}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), the_partner(state=AccountState.CLOSED),
         who={"vendor"}, facts={"partner_id": PARTNER, "suspended_by": ["program"]}, body={"state": "active"},
         request=f"PUT /directory/accounts/{PARTNER}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), a_partner_account_member(EMPLOYEE, active=False), who={"vendor"},
         facts={"partner_id": PARTNER, "suspended_by": ["employee"]}, body={"permission_set": "view_only", "active": True},
         request=f"PUT /directory/accounts/{PARTNER}/members/{EMPLOYEE}"),
    case(Rule.SUSPENDED, EMPLOYEE, EXPORT, a_partner_admin(), an_employee(email="employee@elsewhere.example"),
         who={"vendor"}, facts={"partner_id": PARTNER, "suspended_by": ["employee"]}),
    case(Rule.GRANT_EXPIRED, EMPLOYEE, EXPORT, a_partner_admin(grant=a_grant(expires_at=ENDED)), who=CLIENT_ROLES,
         facts={"partner_id": PARTNER, "expires_at": ENDED.isoformat().replace("+00:00", "Z")}, request=CREATE_USER,
         body={"email": "{email}", "permission_set": "partner_admin", "partner_id": PARTNER}),
    case(Rule.GRANT_EXPIRED, EMPLOYEE, "sales.access", LEGACY, a_partner_admin(grant=a_grant(expires_at=ENDED)),
         who=CLIENT_ROLES, next_rule=Rule.SEAT_MISSING, request=CREATE_USER,
         facts={"partner_id": PARTNER, "expires_at": ENDED.isoformat().replace("+00:00", "Z")}),
    case(Rule.ACCESS_ENDED, EMPLOYEE, EXPORT, a_partner_admin(), an_employee(offboardings={PARTNER: 1}), who=CLIENT_ROLES,
         facts={"partner_id": PARTNER}, request=CREATE_USER),
    case(Rule.ACCESS_ENDED, EMPLOYEE, EXPORT, a_partner_admin(), a_partner_account_member(EMPLOYEE, active=False),
         an_employee(offboardings={PARTNER: 1}), facts={"partner_id": PARTNER}, advice="This person cannot be a partner"),
    case(Rule.ACCESS_ENDED, CLERK, "crm.deals.view", a_member(CLERK, "view_only", partner_id=PARTNER),
         an_employee(CLERK, offboardings={PARTNER: 1}), a_partner_account_member(CLERK), who=CLIENT_ROLES | {COLLEAGUE_ROLE},
         facts={"partner_id": PARTNER}, request=CREATE_USER, body={"email": "{email}", "permission_set": "view_only"}),
    case(Rule.MEMBER_DEACTIVATED, CLERK, EXPORT, a_member(CLERK, active=False), who=CLIENT_ROLES,
         facts={"member_active": False}, request=CREATE_USER,
         body={"email": "{email}", "permission_set": "view_only", "permissions": {"add": [EXPORT], "remove": []}}),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, EXPORT, REMOVED_PARTNER_ADMIN, facts={"member_active": False}, who=CLIENT_ROLES,
         request=CREATE_USER, body={"email": "{email}", "permission_set": "partner_admin", "partner_id": PARTNER}),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, EXPORT, REMOVED_PARTNER_ADMIN, the_client(partner_seat_limit=0), facts={"member_active": False},
         advice="All partner seats of this account are in use."),
    case(Rule.MEMBER_DEACTIVATED, EMPLOYEE, "crm.deals.view", a_partner_account_member(EMPLOYEE, active=False), who={"vendor"},
         facts={"member_active": False}, request=f"PUT /directory/accounts/{PARTNER}/members/{EMPLOYEE}",
         body={"permission_set": "view_only", "active": True}, account=PARTNER),
    case(Rule.NOT_A_MEMBER, STRANGER, EXPORT, who=CLIENT_ROLES, request=CREATE_USER),
    case(Rule.NOT_A_MEMBER, STRANGER, "sales.forecast", who=CLIENT_ROLES, request=CREATE_USER,
         body={"email": "{email}", "permission_set": "sales", "seat": "sales"}),
    case(Rule.NOT_A_MEMBER, STRANGER, CONSOLE, advice="nobody in this account"),
    case(Rule.NOT_A_MEMBER, STRANGER, "crm.deals.view", who={"vendor"}, account=PARTNER,
         request=f"PUT /directory/accounts/{PARTNER}/members/{STRANGER}", body={"permission_set": "view_only"}),
    case(Rule.NOT_A_MEMBER, STRANGER, CONSOLE, who={"vendor"}, account=PARTNER, next_rule=Rule.NOT_IN_SET,
         request=f"PUT /directory/accounts/{PARTNER}/members/{STRANGER}", body={"permission_set": "view_only"}),
    case(Rule.ACCOUNT_CLOSED, APPROVER, EXPORT, CLOSED, who={"vendor"}, facts={"account_state": "closed"},
         request=f"PUT /directory/accounts/{CLIENT}", body={"state": "active"}),
    case(Rule.USER_DEACTIVATED, CLERK, "crm.deals.view", a_user(CLERK, active=False), who={"vendor"},
         facts={"user_active": False}, request=f"PUT /directory/users/{CLERK}", body={"active": True}),
    case(Rule.USER_DEACTIVATED, CLERK, EXPORT, a_user(CLERK, active=False), who={"vendor"}, next_rule=Rule.NOT_IN_SET,
         facts={"user_active": False}, request=f"PUT /directory/users/{CLERK}", body={"active": True}),
    case(Rule.USER_DEACTIVATED, CLERK, EXPORT, a_user(CLERK, active=False, email=None, name=""), who={"vendor"},
         facts={"user_active": False}),
    case(Rule.UNKNOWN_PERMISSION, EMPLOYEE, "crm.everything", a_partner_admin(), advice="no such permission"),
    case(Rule.RESTRICTED, EMPLOYEE, BILLING, a_partner_admin(), facts={"partner_id": PARTNER, "restricted": True},
         advice="can never hold this permission. Ask a super admin of the client to do it."),
    case(Rule.PARTNER_ACCOUNTS_ONLY, APPROVER, CONSOLE, facts={"account_kind": "client"},
         advice="nobody can grant it here"),
    case(Rule.UNKNOWN_SET, CLERK, EXPORT, a_member(CLERK, CUSTOM_SET, added=(EXPORT,)), who={"vendor"},
         facts=set_facts(CUSTOM_SET)),
    case(Rule.UNKNOWN_SET, CLERK, EXPORT, a_member(CLERK, "view_only", set_version=99), who={"vendor"},
         facts=set_facts("view_only", 99)),
    case(Rule.NOT_IN_SET, EMPLOYEE, CONSOLE, who=CLIENT_ROLES, facts=set_facts("view_only"), account=PARTNER,
         request=f"PATCH /accounts/{PARTNER}/users/{EMPLOYEE}", body={"overrides": {"add": [CONSOLE], "remove": []}}),
]  # fmt: skip


def seed_case(table: Table, example: ExplanationCase, *others: Record) -> None:
    table.clear()
    seed(table, a_user(STRANGER), *example.records, *others)


def case_id(example: ExplanationCase) -> str:
    return f"{example.rule} {example.permission} {example.subject}"


@pytest.mark.parametrize("example", CASES, ids=case_id)
def test_explain_access_returns_rule_facts_and_people_who_can_change_it(table: Table, example: ExplanationCase) -> None:
    seed_case(table, example)

    with assert_unchanged(table):
        explanation = explanation_of(example.subject, example.permission, account=example.account)

    request_body = explanation.get("request", {})
    assert (explanation["rule"], explanation["facts"]) == (example.rule, example.facts)
    assert explanation["decision"] is decision_of(example.subject, example.permission, example.account)
    assert {each["role"] for each in explanation["changeable_by"]} == example.roles
    assert (f"{request_body['method']} {request_body['path']}" if request_body else None) == example.request
    assert example.body in (None, request_body.get("body"))
    assert explanation.get("next_rule") == example.next_rule
    assert example.advice in explanation["advice"]


def test_explain_access_cases_cover_every_rule() -> None:
    assert {each.rule for each in CASES} == set(Rule)


# only the named people can make the suggested request


ROUTES: Final = [(*route.key.split(" "), route.key) for route in template.routes()]


def send_suggested_request(request_body: Mapping[str, Any], by: str, email: str) -> ApiResponse:
    """Send the suggested request, with the email address filled in."""
    for method, shape, key in ROUTES:
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", shape), request_body["path"])
        if found and method == request_body["method"]:
            body = request_body.get("body")
            filled = {**body, "email": email} if body and "email" in body else body
            headers = {"if-match": request_body["if_match"]} if "if_match" in request_body else {}
            scope = DIRECTORY if by == VENDOR else USE
            return call(key, by, filled, headers=headers, scope=scope, **found.groupdict())
    raise LookupError(request_body["path"])


def user_with_role(role: str, account: str, permissions: tuple[str, ...]) -> tuple[str, tuple[Record, ...]]:
    """Return the id of a user with this role and these permissions, and the records that give them."""
    match role:
        case "vendor":
            return VENDOR, ()
        case "super_admin":
            return (APPROVER if account == CLIENT else MANAGER), ()
        case "user_manager":
            return "user-users", (
                a_user("user-users"),
                a_member("user-users", "view_only", account_id=account, added=permissions),
            )
        case "colleague":
            grant = a_grant(grant_id=f"grt_{'6' * 32}")
            return "user-fellow", (
                an_employee("user-fellow"),
                a_partner_account_member("user-fellow"),
                a_partner_admin("user-fellow", grant=grant),
            )
    return "user-console", (an_employee("user-console"), a_partner_account_member("user-console", added=(CONSOLE,)))


CASES_WITH_REQUEST: Final = [each for each in CASES if each.request]
ROLES: Final = ("vendor", SUPER_ADMIN, USER_MANAGER, COLLEAGUE_ROLE, PARTNER_MANAGER)


@pytest.mark.parametrize("example", CASES_WITH_REQUEST, ids=case_id)
def test_suggested_request_by_named_people_changes_decision(table: Table, example: ExplanationCase) -> None:
    seed_case(table, example)
    explanation = explanation_of(example.subject, example.permission, account=example.account)

    for changer in explanation["changeable_by"]:
        who, records = user_with_role(changer["role"], example.account, tuple(changer.get("required_permissions", ())))
        for by in [each["user_id"] for each in changer.get("people", ())] or [who]:
            seed_case(table, example, *records)
            response = send_suggested_request(explanation["request"], by, email_address_of(table, example.subject))
            assert response.status < 300, (changer, response)
            after = explanation_of(example.subject, example.permission, account=example.account)
            assert after["decision"] is (
                explanation["decision"] if example.next_rule else not explanation["decision"]
            ), changer
            assert example.next_rule in (None, after["rule"])


def email_address_of(table: Table, user_id: str) -> str:
    stored_user = table.get(keys.user(user_id))
    assert stored_user
    return str(stored_user["email"])


@pytest.mark.parametrize("example", [each for each in CASES_WITH_REQUEST if "vendor" not in each.roles], ids=case_id)
def test_suggested_request_by_people_not_named_is_refused(table: Table, example: ExplanationCase) -> None:
    seed_case(table, example)
    explanation = explanation_of(example.subject, example.permission, account=example.account)
    others = [user_with_role(who, example.account, HOLDS_ALL) for who in ROLES[1:] if who not in example.roles]
    subjects = () if COLLEAGUE_ROLE in example.roles else (example.subject,)
    seed_case(table, example, *(record for _, records in others for record in records))
    people = {person["user_id"] for each in explanation["changeable_by"] for person in each.get("people", ())}

    with assert_unchanged(table):
        for by in {*(who for who, _ in others), CLERK, STRANGER, *subjects} - people:
            response = send_suggested_request(explanation["request"], by, email_address_of(table, example.subject))
            assert response.status >= 400, (by, response)


@pytest.mark.parametrize("example", [each for each in CASES_WITH_REQUEST if USER_MANAGER in each.roles], ids=case_id)
def test_suggested_request_by_user_manager_requires_listed_permissions(table: Table, example: ExplanationCase) -> None:
    seed_case(table, example)
    explanation = explanation_of(example.subject, example.permission, account=example.account)
    (holding,) = [each["required_permissions"] for each in explanation["changeable_by"] if each["role"] == USER_MANAGER]

    some = [each for each in holding if each.partition(":")[0] not in VIEWED]
    who, records = user_with_role(USER_MANAGER, example.account, tuple(holding))
    seed_case(table, example, *records)

    for lacked in some[:5]:
        table.put_records(a_member(who, "view_only", account_id=example.account, added=tuple({*holding} - {lacked})))
        assert (
            send_suggested_request(explanation["request"], who, email_address_of(table, example.subject)).status == 403
        ), lacked


# authorization


@pytest.fixture
def seeded_table(table: Table) -> Table:
    """Seed a user manager, a former member, a deactivated user, a suspended member and another client."""
    seed(
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
FORBIDDEN = "You don't have permission to do this. Ask an admin of the account to give it to you."
NOT_FOUND = "We can't find this, or you don't have access to it. Check the id and the account."


@pytest.mark.parametrize("by", [APPROVER, "user-users", CLERK, EMPLOYEE, "user-stopped"])
def test_explain_access_of_self_returns_names_of_super_admins(seeded_table: Table, by: str) -> None:
    explanation = explanation_of(by, AUDIT, by)

    assert explanation["decision"] is decision_of(by, AUDIT, CLIENT)
    people = [person for each in explanation["changeable_by"] for person in each.get("people", ())]
    assert people in ([], [{"user_id": APPROVER, "name": "Approver"}])
    assert people or by == APPROVER


@pytest.mark.parametrize(("by", "status"), [
    (APPROVER, 200), ("user-users", 200), (EMPLOYEE, 200),
    (CLERK, 403), ("user-stopped", 403), ("user-gone", 403),
    (STRANGER, 404), ("user-former", 404), (MANAGER, 404), ("user-unknown", 404),
])  # fmt: skip
def test_explain_access_of_others_by_each_role_returns_expected_status(
    seeded_table: Table, by: str, status: int
) -> None:
    seeded_table.put_records(a_partner_admin())

    with assert_unchanged(seeded_table):
        response = explain(COLLEAGUE if by == EMPLOYEE else EMPLOYEE, EXPORT, by)

    assert response.status == status
    if status != 200:
        assert response.body == {403: FORBIDDEN, 404: NOT_FOUND}[status]


def test_explain_access_for_decide_scope_returns_ids_without_names(seeded_table: Table) -> None:
    explanation = explanation_of(EMPLOYEE)

    assert explanation["changeable_by"][0] == {
        "role": "super_admin",
        "people": [{"user_id": APPROVER}],
        "required_permissions": [],
    }
    assert "Approver" not in str(explanation)


def test_explain_access_for_directory_scope_returns_not_found(seeded_table: Table) -> None:
    request_body = explanation_request(EMPLOYEE)

    assert call(EXPLAIN, VENDOR, request_body, scope=DIRECTORY).body == NOT_FOUND


@pytest.mark.parametrize("by", [STRANGER, "user-unknown", MANAGER, CLERK])
@pytest.mark.parametrize("permission", [EXPORT, BILLING, CONSOLE, "crm.everything"])
def test_explain_access_in_other_account_returns_same_as_unknown_account(
    seeded_table: Table, by: str, permission: str
) -> None:
    of_self = [explanation_of(by, permission, by, account=each) for each in (ELSEWHERE, NOWHERE, "no account!")]
    of_others = [explain(EMPLOYEE, permission, by, account=each) for each in (ELSEWHERE, NOWHERE, "no account!")]

    for explanation in of_self:
        explanation.pop("as_of")
    assert of_self[0] == of_self[1] == of_self[2]
    assert (of_self[0]["facts"], of_self[0]["changeable_by"]) == ({}, [])
    assert {(each.status, each.text) for each in of_others} == {(404, f'"{NOT_FOUND}"')}


def test_explain_access_of_former_member_hides_later_changes(seeded_table: Table) -> None:
    explanation = explanation_of("user-former", EXPORT, "user-former")
    put_account(CLIENT, state="closed")
    later = explanation_of("user-former", EXPORT, "user-former")

    assert (explanation["rule"], explanation["facts"], explanation["changeable_by"]) == (
        "member_deactivated",
        {"member_active": False},
        [],
    )
    assert (later["rule"], later["facts"], later["changeable_by"]) == ("not_a_member", {}, [])
    assert "request" not in {**explanation, **later}
    assert explanation_of("user-former")["rule"] == "account_closed"


def test_explain_access_by_deactivated_user_is_refused(seeded_table: Table) -> None:
    for account in (CLIENT, ELSEWHERE, NOWHERE):
        for subject in ("user-gone", CLERK):
            response = explain(subject, EXPORT, "user-gone", account=account)
            assert (response.status, response.body) == (403, FORBIDDEN)


def test_explain_access_by_member_without_user_record_is_for_self_only(seeded_table: Table) -> None:
    seeded_table.put_records(a_member("user-unknown", "view_only", added=(USERS,)))

    explanation = explanation_of("user-unknown", EXPORT, "user-unknown")

    assert (explanation["rule"], explanation["changeable_by"]) == ("user_deactivated", [])
    assert explain(CLERK, EXPORT, "user-unknown").status == 404


@pytest.mark.parametrize("permission", [EXPORT, "sales.forecast", BILLING])
def test_explain_access_of_non_members_returns_same_explanation(seeded_table: Table, permission: str) -> None:
    texts = []
    for person in ("user-nobody", STRANGER, MANAGER, "user-away"):
        seeded_table.put_records(a_user("user-away", active=False))
        response = explain(person, permission, APPROVER)
        texts.append(re.sub(r'"as_of":"[^"]*"', "", response.text))

    assert len(set(texts)) == 1
    assert '"rule":"not_a_member"' in texts[0]


@pytest.mark.parametrize("change", [
    {"subject": {"type": "group", "id": EMPLOYEE}},
    {"resource": {"type": "document", "id": CLIENT}},
    {"subject": {"type": "user", "id": "no user!"}},
])  # fmt: skip
def test_explain_access_of_other_type_or_malformed_id_returns_not_a_member(
    seeded_table: Table, change: Mapping[str, Any]
) -> None:
    request_body = {**explanation_request(EMPLOYEE), **change}

    explanation = call(EXPLAIN, VENDOR, request_body, scope=DECIDE).body
    by_manager = call(EXPLAIN, APPROVER, request_body)

    assert (explanation["decision"], explanation["rule"], explanation["changeable_by"]) == (False, "not_a_member", [])
    assert by_manager.status == (404 if "resource" in change else 200)


def test_explain_access_of_group_with_id_of_caller_is_refused(seeded_table: Table) -> None:
    request_body = {**explanation_request(CLERK), "subject": {"type": "group", "id": CLERK}}

    assert call(EXPLAIN, CLERK, request_body).status == 403


# requests, faults and cost


def test_explain_access_with_unknown_fields_ignores_them(seeded_table: Table) -> None:
    request_body = explanation_request(EMPLOYEE)
    request_body["resource"]["properties"] = {"pricing": "legacy"}
    more = {**request_body, "context": {"now": "2026"}, "options": 1}

    assert call(EXPLAIN, APPROVER, more).body["rule"] == explanation_of(EMPLOYEE, by=APPROVER)["rule"] == "removed"


@pytest.mark.parametrize(
    "body",
    [
        None,
        "{",
        "[]",
        {},
        explanation_request(1),
        explanation_request(EMPLOYEE, None),
        {**explanation_request(EMPLOYEE), "context": "x"},
    ],
)
def test_explain_access_with_unreadable_request_returns_400_with_text(seeded_table: Table, body: object) -> None:
    response = call(EXPLAIN, APPROVER, body, headers={"x-request-id": "one, two"})

    assert response.status == 400
    assert isinstance(response.body, str)
    assert response.headers["x-request-id"] == "one, two"


def test_explain_access_with_table_fault_returns_503(seeded_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_access.store.retries.time.sleep", lambda _: None)
    for operation in ("TransactGetItems", "BatchGetItem"):
        with faults.inject(dynamo.client(), operation, last_fault=faults.aws_error("ThrottlingException")):
            response = explain(EMPLOYEE, EXPORT, APPROVER)
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        assert isinstance(response.body, str)


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
def test_explain_access_costs_at_most_four_requests(seeded_table: Table, subject: str, by: str, requests: int) -> None:
    with count_costs(seeded_table) as costs:
        explain(subject, EXPORT, by)

    assert (costs.requests, costs.writes) == (requests, 0)


def test_explain_access_for_decide_scope_does_not_read_caller(seeded_table: Table) -> None:
    with faults.inject(dynamo.client(), "TransactGetItems") as requests:
        explain(CLERK)
        explain(CLERK, EXPORT, APPROVER)

    assert [len(request_body["TransactItems"]) for request_body in requests] == [3, 5]


def test_explain_access_that_nobody_can_change_reads_no_other_people(seeded_table: Table) -> None:
    with count_costs(seeded_table) as costs:
        explain(EMPLOYEE, BILLING, EMPLOYEE)

    assert costs.requests == 2


def test_explain_access_with_many_super_admins_names_ten(table: Table) -> None:
    many = [f"user-z{number:02}" for number in range(12)]
    seed(table, *map(a_user, many), *map(a_member, many))

    with count_costs(table) as costs:
        explanation = explanation_of(CLERK, AUDIT, APPROVER)

    assert [each["user_id"] for each in explanation["changeable_by"][0]["people"]] == [APPROVER, *many[:9]]
    assert costs.requests == 3


def test_explain_access_with_inactive_or_own_partner_admins_omits_them(table: Table) -> None:
    """A super admin who works for the partner cannot widen a grant of that partner (own-partner rule)."""
    seed(
        table,
        a_partner_admin(removed=(EXPORT,)),
        an_employee("user-both"),
        a_partner_account_member("user-both"),
        a_member("user-both"),
        a_user("user-away", active=False),
        a_member("user-away"),
    )

    explanation = explanation_of(EMPLOYEE, EXPORT, APPROVER)

    assert explanation["changeable_by"][0]["people"] == [{"user_id": APPROVER, "name": "Approver"}]
