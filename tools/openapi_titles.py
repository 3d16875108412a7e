"""Titles and descriptions of openapi.json that no model or operation declares."""

import sys
from collections.abc import Mapping
from enum import Enum
from typing import Final

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from functions.view_partner_console.app import EmployeeState
from partner_access.api import routing
from partner_access.api.authzen import EvaluationsSemantic
from partner_access.api.bulk import BulkOutcome
from partner_access.api.responses import SetKind
from partner_access.domain.accounts import AccountKind, AccountState, Pricing, Program
from partner_access.domain.authorization.access import Rule
from partner_access.domain.authorization.allowed_actions import (
    AccountAction,
    ClientAction,
    EmployeeAction,
    MemberAction,
)
from partner_access.domain.links.links import LinkDeliveryStatus, LinkState
from partner_access.domain.memberships.members import GrantSource, Role, Seat, SuspensionReason
from partner_access.domain.notifications import Locale
from partner_access.domain.relationships.offboarding import ReceiptOutcome

SUMMARY: Final = """Partner employees manage client accounts as partner admins. Errors are the problem details of \
RFC 9457, with a stable `code`. The gateway's own 401, 403 (missing scope), 413 and 429 have `{"message"}`."""
TAGS: Final = {
    routing.Tag.ACCESS_LINKS: "Requests of a partner to make its employees partner admins of client accounts.",
    routing.Tag.USERS: "The members of an account, and their access to it.",
    routing.Tag.PERMISSION_SETS: "The permission sets of an account, and newer versions of the default sets.",
    routing.Tag.PARTNERS: "The employees of a partner, and their access to its clients.",
    routing.Tag.DIRECTORY: "Accounts, users and members, as the vendor's back end maintains them.",
    routing.Tag.DECISIONS: "Access decisions, searches and explanations (OpenID AuthZEN 1.0).",
    routing.Tag.AUDIT_LOG: "The record of acts in an account.",
    routing.Tag.ACCOUNTS: "The accounts of the caller.",
}
"""The groups of operations, in the order of openapi.json."""
ENUMERATIONS: Final[Mapping[type[Enum], str]] = {
    AccountAction: "AccountAction",
    AccountKind: "AccountKind",
    AccountState: "AccountState",
    BulkOutcome: "BulkOutcome",
    ClientAction: "ClientAction",
    EmployeeAction: "EmployeeAction",
    EmployeeState: "EmployeeState",
    EvaluationsSemantic: "EvaluationsSemantic",
    GrantSource: "GrantSource",
    LinkDeliveryStatus: "LinkDeliveryStatus",
    LinkState: "LinkState",
    Locale: "Locale",
    MemberAction: "MemberAction",
    Pricing: "Pricing",
    Program: "Program",
    ReceiptOutcome: "ReceiptOutcome",
    Role: "Role",
    Rule: "Rule",
    Seat: "Seat",
    SetKind: "SetKind",
    SuspensionReason: "SuspensionReason",
}
"""The titles of enumerations. Models declare theirs in the class statement."""
OTHERS: Final = {
    "JsonValue": "Any JSON value.",
    "Problem": "An error (RFC 9457). Its `code` is stable, and `errors` names the fields at fault.",
}
"""The titles of schemas without a class of this project, and their descriptions."""
