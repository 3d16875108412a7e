"""Memberships that exist: view, edit, suspend, resume and remove users of an account."""

from typing import Any, Final

from tests.support import membership_facts
from tests.support.builders import APPROVER, CUSTOM_SET, a_partner_admin
from tests.support.busy_table import CONSULTANT, OWNER, SUSPENDED
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse
from tests.support.membership_facts import SUSPENSION, USER
from tests.support.operations.permissions import QUERY, READ, WRITE
from tests.support.operations.rows import (
    BACK_END,
    PEOPLE,
    AuthorityCase,
    ConcurrentCase,
    CostCase,
    Draw,
    FaultCase,
    FunctionRow,
    OperationRow,
)
from tests.support.random_accounts import (
    CLIENTS,
    DOMAIN_OF_PARTNER,
    PARTNER_OF_EMPLOYEE,
    PERMISSIONS,
    SETS,
    RandomAccounts,
)
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER

FELLOW: Final = "user-fellow"
SUSPENDED_USER: Final = "user-stopped"
REMOVED_PERMISSIONS: Final = ("account.users.manage", "crm.import")
"""A partner admin of the matrix of authority without these permissions, and a suspended one."""
EDITED: Final = (a_partner_admin(),)


# random requests


def edit(accounts: RandomAccounts) -> ApiResponse:
    account_id = accounts.choose(*CLIENTS, *CLIENTS, *DOMAIN_OF_PARTNER)
    user_id = accounts.member_of(account_id)
    possible_edits: list[dict[str, Any]] = [
        {"permission_set": accounts.choose(*SETS, "partner_admin", accounts.set_of(account_id)["set_id"])},
        {"permissions": {"remove": [accounts.choose(*PERMISSIONS)]}},
        {"permissions": {"add": [accounts.choose(*PERMISSIONS)]}},
        {"overrides": {"remove": [accounts.choose(*PERMISSIONS)]}},
        {"overrides": {"add": [accounts.choose(*PERMISSIONS)]}},
        accounts.end(-1, 0, 1, 20, 730, None),
        accounts.end(0, 1, 20, None),
        {"seat": accounts.choose("core", "view_only")},
    ]
    expected_version = accounts.version_of(account_id, user_id)
    return membership_facts.edit(
        accounts.admin_of(account_id),
        user_id,
        account_id=account_id,
        expected_version=expected_version,
        **accounts.choose(*possible_edits),
    )


def remove_user(accounts: RandomAccounts) -> ApiResponse:
    account_id = accounts.choose(*CLIENTS, *CLIENTS, *DOMAIN_OF_PARTNER)
    user_id = accounts.member_of(account_id)
    expected_version = accounts.version_of(account_id, user_id)
    if accounts.random.random() < 0.2:
        return membership_facts.remove(
            VENDOR, user_id, account_id=account_id, expected_version=expected_version, scope=DIRECTORY
        )
    by = accounts.choose(
        user_id, accounts.admin_of(account_id), accounts.admin_of(PARTNER_OF_EMPLOYEE.get(user_id, account_id))
    )
    return membership_facts.remove(by, user_id, account_id=account_id, expected_version=expected_version)


def suspend(accounts: RandomAccounts) -> ApiResponse:
    client = accounts.choose(*CLIENTS)
    user_id = accounts.member_of(client)
    return membership_facts.suspend(
        accounts.admin_of(accounts.choose(client, PARTNER_OF_EMPLOYEE.get(user_id, client))), user_id, account_id=client
    )


def resume(accounts: RandomAccounts) -> ApiResponse:
    client = accounts.choose(*CLIENTS)
    user_id = accounts.member_of(client)
    return membership_facts.resume(
        accounts.admin_of(accounts.choose(client, PARTNER_OF_EMPLOYEE.get(user_id, client))), user_id, account_id=client
    )


FUNCTIONS: Final = (
    FunctionRow(
        "edit_user",
        READ | WRITE,
        (
            OperationRow(
                f"PATCH {USER}",
                attempt=lambda key: membership_facts.edit(key=key, permissions={"remove": ["reports.view"]}),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 ---",
                        body={"permissions": {"remove": [*REMOVED_PERMISSIONS, "crm.export"]}},
                        user_id=FELLOW,
                        what="to narrow a partner admin",
                    ),
                    AuthorityCase(
                        "403 403 404 200 200 200 403 403 404 403 404 ---",
                        body={"overrides": {"remove": ["crm.import"]}},
                        user_id=FELLOW,
                        what="to give back what they hold",
                    ),
                    AuthorityCase(
                        "403 403 404 200 200 403 403 403 404 403 404 ---",
                        body={"overrides": {}},
                        user_id=FELLOW,
                        what="to give back what not all hold",
                    ),
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 ---",
                        body={"permission_set": "view_only"},
                        user_id=FELLOW,
                        what="a lesser set for a partner admin",
                    ),
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 ---",
                        body={"access_days": 5},
                        user_id=FELLOW,
                        what="to shorten access",
                    ),
                    AuthorityCase(
                        "403 403 404 403 200 200 403 403 404 403 404 ---",
                        body={"access_days": 20},
                        user_id=FELLOW,
                        what="to lengthen access",
                    ),
                    AuthorityCase(
                        "403 403 404 403 200 403 403 200 404 403 404 ---",
                        body={"paid_seats": ["sales"]},
                        user_id=FELLOW,
                        what="a paid seat",
                    ),
                    AuthorityCase(
                        "403 403 404 403 200 403 403 403 404 403 404 ---",
                        body={"permission_set": "super_admin"},
                        user_id=FELLOW,
                        what="partner admin to super admin",
                    ),
                    AuthorityCase(
                        "404 404 404 403 200 403 403 200 404 403 404 ---",
                        body={"permission_set": "partner_admin"},
                        user_id="user-both",
                        what="super admin to partner admin",
                    ),
                    AuthorityCase(
                        "404 404 404 403 200 403 403 200 404 403 404 ---",
                        body={"permission_set": "sales"},
                        user_id=APPROVER,
                        what="to demote a super admin",
                    ),
                    AuthorityCase(
                        "404 404 404 403 200 200 403 200 404 403 404 ---",
                        body={"permissions": {"remove": ["crm.invoices.view"]}},
                        what="a client member, who cannot edit their own record",
                    ),
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 ---",
                        body={"permissions": {"remove": ["crm.export"]}},
                        user_id=COLLEAGUE,
                        what="the user, a partner admin",
                    ),
                ),
                costs=(
                    CostCase(
                        name="edit a partner admin",
                        send_request=lambda: membership_facts.edit(permissions={"remove": ["crm.import"]}),
                        max_units=18,
                        others=EDITED,
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "edit the colleague",
                        lambda key: membership_facts.edit(
                            APPROVER, COLLEAGUE, key=key, permissions={"remove": ["reports.view"]}
                        ),
                    ),
                    ConcurrentCase(
                        "demote the owner",
                        lambda key: membership_facts.edit(APPROVER, OWNER, key=key, permission_set="view_only"),
                    ),
                    ConcurrentCase(
                        "demote the approver",
                        lambda key: membership_facts.edit(OWNER, APPROVER, key=key, permission_set="view_only"),
                    ),
                    ConcurrentCase(
                        "the consultant demotes the approver",
                        lambda key: membership_facts.edit(CONSULTANT, APPROVER, key=key, permission_set="view_only"),
                    ),
                    ConcurrentCase(
                        "promote the clerk",
                        lambda key: membership_facts.edit(OWNER, CLERK, key=key, permission_set="super_admin"),
                    ),
                    ConcurrentCase(
                        "give the clerk an own set",
                        lambda key: membership_facts.edit(OWNER, CLERK, key=key, permission_set=CUSTOM_SET),
                    ),
                ),
                under_fault=FaultCase(records=lambda: EDITED),
                draws=(Draw("edit", edit, often=5, with_model=2),),
            ),
        ),
    ),
    FunctionRow(
        "remove_user",
        READ | WRITE,
        (
            OperationRow(
                f"DELETE {USER}",
                scopes=PEOPLE | BACK_END,
                attempt=lambda key: membership_facts.remove(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 200", user_id=FELLOW, what="a partner admin"
                    ),
                    AuthorityCase(
                        "200 200 404 200 200 200 403 200 404 403 404 200",
                        user_id=COLLEAGUE,
                        what="a partner admin, who may leave",
                    ),
                    AuthorityCase(
                        "404 404 404 403 200 200 200 200 404 403 404 200", what="the client's own, who may leave"
                    ),
                    AuthorityCase(
                        "404 404 404 403 200 403 403 200 404 403 404 200", user_id=APPROVER, what="a super admin"
                    ),
                ),
                costs=(CostCase(name="end a partner admin", max_units=19, others=EDITED),),
                concurrent=(
                    ConcurrentCase(
                        "end the colleague", lambda key: membership_facts.remove(APPROVER, COLLEAGUE, key=key)
                    ),
                    ConcurrentCase(
                        "the approver goes", lambda key: membership_facts.remove(APPROVER, APPROVER, key=key)
                    ),
                    ConcurrentCase("the owner goes", lambda key: membership_facts.remove(OWNER, OWNER, key=key)),
                ),
                under_fault=FaultCase(records=lambda: EDITED),
                draws=(Draw("remove_user", remove_user, with_model=2),),
            ),
        ),
    ),
    FunctionRow(
        "suspend_user",
        READ | WRITE,
        (
            OperationRow(
                f"PUT {SUSPENSION}",
                attempt=lambda key: membership_facts.suspend(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 404 403 200 200 403 200 404 403 404 ---", user_id=FELLOW, what="a partner admin"
                    ),
                    AuthorityCase("404 404 404 403 200 200 403 200 404 403 404 ---", what="the client's own"),
                    AuthorityCase(
                        "404 404 404 403 409 409 403 409 404 403 404 ---", user_id=APPROVER, what="a super admin"
                    ),
                ),
                costs=(CostCase(name="suspend a partner admin", max_units=18, others=EDITED),),
                concurrent=(
                    ConcurrentCase(
                        "suspend the colleague", lambda key: membership_facts.suspend(OWNER, COLLEAGUE, key=key)
                    ),
                    ConcurrentCase(
                        "the partner suspends the colleague",
                        lambda key: membership_facts.suspend(MANAGER, COLLEAGUE, key=key),
                    ),
                ),
                under_fault=FaultCase(records=lambda: EDITED),
                draws=(Draw("suspend", suspend, often=2, with_model=2),),
            ),
            OperationRow(
                f"DELETE {SUSPENSION}",
                attempt=lambda key: membership_facts.resume(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 404 403 200 200 403 403 404 403 404 ---",
                        user_id=SUSPENDED_USER,
                        what="what both sides have stopped",
                    ),
                ),
                concurrent=(ConcurrentCase("resume", lambda key: membership_facts.resume(OWNER, SUSPENDED, key=key)),),
                under_fault=FaultCase(records=lambda: (a_partner_admin(suspended_by=frozenset({"client"})),)),
                draws=(Draw("resume", resume, with_model=2),),
            ),
        ),
    ),
    FunctionRow(
        "view_users",
        READ | QUERY,
        (
            OperationRow(
                "GET /accounts/{account_id}/users",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 200 200 200 403 200 404 403 404 ---"),
                ),
            ),
            OperationRow(
                f"GET {USER}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 200 200 200 200 200 404 403 404 ---",
                        what="a client member, who can see their own record",
                    ),
                ),
            ),
        ),
    ),
)
