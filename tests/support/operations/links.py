"""Access links: create, list, preview, approve, decline, renew, resend and revoke."""

from typing import Any, Final

from partner_access.domain.links.secrets import LinkSecret
from partner_access.store import queries
from tests.support import link_requests
from tests.support.builders import CLIENT, EMPLOYEE, PARTNER, RANDOM, SECRET_TEXT, a_member
from tests.support.busy_table import (
    EXPIRED_SECRET,
    FLORA,
    FLORIST,
    MULTI_USE_LINK,
    MULTI_USE_SECRET,
    OWNER,
)
from tests.support.environment import RECIPIENT
from tests.support.gateway import ApiResponse
from tests.support.link_requests import idempotency_header
from tests.support.operations.permissions import QUERY, QUERY_LISTING, READ, WRITE
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
    CLIENT_OF_USER,
    CLIENTS,
    DOMAIN_OF_PARTNER,
    PARTNER_OF_EMPLOYEE,
    RandomAccounts,
)
from tests.support.seeded_table import MANAGER, an_open_link

EXPIRED_LINK: Final = f"lnk_{'7' * 32}"
EXPIRED_LINK_SECRET: Final = LinkSecret.write(PARTNER, EXPIRED_LINK, RANDOM)
"""A link of the matrix of authority, which any user can ask to renew."""
REPLY: Final = {"secret": SECRET_TEXT, "account_id": CLIENT}
EMAIL_FIELDS: Final = {"recipient_email": "boss@bakery.example", "purpose": "Your new website"}
EMAIL_REASON: Final = "an email is an item more than the budget counts; the outbox is a guarantee"
FOR_MANY: Final = an_open_link(max_approvals=9)


def with_link(**changes: Any) -> tuple[Any, ...]:
    return (an_open_link(created_by=MANAGER, **changes),)


def approve_for_a_time() -> ApiResponse:
    return link_requests.approve(permissions={"remove": ["crm.import"]}, access_days=90)


# random requests


def create_link(accounts: RandomAccounts) -> ApiResponse:
    employee_id = accounts.choose(*PARTNER_OF_EMPLOYEE)
    partner = PARTNER_OF_EMPLOYEE[employee_id]
    new_link = accounts.some_of(
        end=accounts.end(0, 1, 8, 90, 730), permissions={"remove": ["crm.export"]}, max_approvals=3
    )
    new_link |= new_link.pop("end", {})
    answer = link_requests.create(accounts.admin_of(partner), partner_id=partner, employee_id=employee_id, **new_link)
    return accounts.remember_secret(answer)


def approve(accounts: RandomAccounts) -> ApiResponse:
    client = accounts.choose(*CLIENTS)
    approval = accounts.some_of(permissions={"remove": ["crm.import"]}, end=accounts.end(-1, 0, 1, 9))
    approval |= approval.pop("end", {})
    return link_requests.approve(
        accounts.admin_of(client), secret=accounts.recent_secret(), account_id=client, **approval
    )


def decline(accounts: RandomAccounts) -> ApiResponse:
    client = accounts.choose(*CLIENTS)
    return link_requests.decline(accounts.admin_of(client), secret=accounts.recent_secret(), account_id=client)


def revoke_or_resend_link(accounts: RandomAccounts) -> ApiResponse:
    links = [each for partner in DOMAIN_OF_PARTNER for each in queries.query("pk = :pk", pk=f"PARTNER#{partner}").items]
    if not links:
        return create_link(accounts)
    link = accounts.random.choice(links)
    where = {"partner_id": link["partner_id"], "link_id": link["link_id"]}
    send_request = accounts.choose(link_requests.revoke, link_requests.resend)
    return accounts.remember_secret(send_request(accounts.admin_of(link["partner_id"]), **where))


def request_link_renewal(accounts: RandomAccounts) -> ApiResponse:
    return link_requests.request_renewal(accounts.choose(*CLIENT_OF_USER), secret=accounts.recent_secret())


FUNCTIONS: Final = (
    FunctionRow(
        "create_link",
        READ | WRITE,
        (
            OperationRow(
                f"POST {link_requests.LINKS}",
                attempt=lambda key: link_requests.create(key=key, employee_id=EMPLOYEE),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "201 201 403 403 404 404 404 403 404 403 404 ---",
                        body={"employee_id": EMPLOYEE},
                        what="for another employee",
                    ),
                ),
                costs=(
                    CostCase(
                        name="create a link for oneself",
                        send_request=link_requests.create,
                        max_units=14,
                        target=14,
                        stretch=10,
                        reads=1,
                    ),
                    CostCase(
                        name="create a link for oneself, with an email",
                        send_request=lambda: link_requests.create(**EMAIL_FIELDS),
                        max_units=16,
                        target=14,
                        stretch=10,
                        reads=1,
                        reason=EMAIL_REASON,
                    ),
                    CostCase(
                        name="create a link for a colleague, with an email",
                        send_request=lambda: link_requests.create(employee_id=EMPLOYEE, **EMAIL_FIELDS),
                        max_units=18,
                        target=14,
                        stretch=10,
                        reads=1,
                        reason=f"{EMAIL_REASON}; a caller who asks for another user adds a condition on their rights",
                    ),
                ),
                concurrent=(ConcurrentCase("create a link"),),
                under_fault=FaultCase(
                    attempt=lambda key: link_requests.create(key=key, employee_id=EMPLOYEE, recipient_email=RECIPIENT)
                ),
                draws=(Draw("create_link", create_link, often=3, with_model=3),),
            ),
        ),
    ),
    FunctionRow(
        "approve_link",
        READ | WRITE,
        (
            OperationRow(
                link_requests.APPROVALS,
                attempt=lambda key: link_requests.approve(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 201 201 403 403 404 403 404 ---", body=REPLY),
                ),
                costs=(
                    CostCase(
                        name="approve a link", send_request=approve_for_a_time, max_units=27, target=28, stretch=20
                    ),
                    CostCase(
                        name="approve a link for many accounts",
                        send_request=approve_for_a_time,
                        max_units=28,
                        target=28,
                        stretch=20,
                        others=(FOR_MANY,),
                    ),
                    CostCase(
                        name="approve a link for a member",
                        send_request=approve_for_a_time,
                        max_units=25,
                        target=28,
                        stretch=20,
                        others=(a_member(EMPLOYEE, "sales"),),
                    ),
                ),
                concurrent=(
                    ConcurrentCase("approve"),
                    ConcurrentCase("approve as the owner", lambda key: link_requests.approve(OWNER, key=key)),
                    ConcurrentCase(
                        "approve elsewhere", lambda key: link_requests.approve(FLORA, account_id=FLORIST, key=key)
                    ),
                    ConcurrentCase(
                        "approve the link for many",
                        lambda key: link_requests.approve(secret=MULTI_USE_SECRET, key=key),
                    ),
                    ConcurrentCase(
                        "approve the link for many elsewhere",
                        lambda key: link_requests.approve(FLORA, secret=MULTI_USE_SECRET, account_id=FLORIST, key=key),
                    ),
                ),
                under_fault=FaultCase(records=with_link),
                draws=(Draw("approve", approve, often=3, with_model=3),),
            ),
        ),
    ),
    FunctionRow(
        "decline_link",
        READ | WRITE,
        (
            OperationRow(
                link_requests.DECLINES,
                attempt=lambda key: link_requests.decline(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 200 200 403 403 404 403 404 ---", body=REPLY),
                ),
                costs=(CostCase(name="decline a link", max_units=19),),
                concurrent=(
                    ConcurrentCase("decline", lambda key: link_requests.decline(OWNER, key=key)),
                    ConcurrentCase(
                        "decline the link for many",
                        lambda key: link_requests.decline(OWNER, secret=MULTI_USE_SECRET, key=key),
                    ),
                ),
                under_fault=FaultCase(records=with_link),
                draws=(Draw("decline", decline),),
            ),
        ),
    ),
    FunctionRow(
        "request_link_renewal",
        READ | WRITE,
        (
            OperationRow(
                link_requests.RENEWALS,
                attempt=lambda key: link_requests.request_renewal(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "202 202 202 202 202 202 202 202 202 403 202 ---", body={"secret": EXPIRED_LINK_SECRET}
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "request renewal", lambda key: link_requests.request_renewal(secret=EXPIRED_SECRET, key=key)
                    ),
                ),
                under_fault=FaultCase(records=lambda: with_link(stored_state="revoked")),
                draws=(Draw("request_link_renewal", request_link_renewal),),
            ),
        ),
    ),
    FunctionRow(
        "resend_link",
        READ | WRITE,
        (
            OperationRow(
                f"POST {link_requests.ONE_LINK}/resend",
                attempt=lambda key: link_requests.resend(key=key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 403 404 404 404 404 404 404 403 404 ---"),
                ),
                costs=(CostCase(name="send a link again", max_units=16),),
                concurrent=(ConcurrentCase("resend"),),
                under_fault=FaultCase(records=lambda: with_link(recipient=RECIPIENT, delivery_status="sent")),
                draws=(Draw("revoke_or_resend_link", revoke_or_resend_link, often=0),),
            ),
        ),
    ),
    FunctionRow(
        "revoke_link",
        READ | WRITE,
        (
            OperationRow(
                f"DELETE {link_requests.ONE_LINK}",
                scopes=PEOPLE | BACK_END,
                attempt=lambda key: link_requests.revoke(headers=idempotency_header(key)),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("204 204 403 404 404 404 404 404 404 403 404 204"),
                ),
                costs=(CostCase(name="revoke a link", max_units=11, reads=1),),
                concurrent=(
                    ConcurrentCase("revoke"),
                    ConcurrentCase(
                        "revoke the link for many",
                        lambda key: link_requests.revoke(link_id=MULTI_USE_LINK, headers=idempotency_header(key)),
                    ),
                ),
                under_fault=FaultCase(records=with_link),
                draws=(Draw("revoke_or_resend_link", revoke_or_resend_link),),
            ),
        ),
    ),
    FunctionRow(
        "preview_link",
        READ | QUERY,
        (
            OperationRow(
                link_requests.PREVIEW,
                reads=True,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 200 200 200 200 200 403 200 ---", body={"secret": SECRET_TEXT}),
                ),
                concurrent=(
                    ConcurrentCase(
                        "preview", lambda _: link_requests.preview(), in_parts=True, is_keyed=False, has_effect=False
                    ),
                ),
            ),
        ),
    ),
    FunctionRow(
        "view_links",
        READ | QUERY | QUERY_LISTING,
        (
            OperationRow(
                f"GET {link_requests.LINKS}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 404 404 404 200 404 403 404 ---"),
                ),
            ),
            OperationRow(
                f"GET {link_requests.ONE_LINK}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 404 404 404 404 404 404 403 404 ---"),
                ),
            ),
        ),
    ),
)
