"""Tests of authentication: tokens, the scopes of every route, and responses to unknown routes."""

import re
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.stack.forgery import forgeries, resigned
from tests.stack.stack_users import PARTNER, StackUsers
from tools import template
from tools.local_stack import LocalStack
from tools.sign_in import DECIDE_SCOPE

USER_ROUTES = [
    ("POST", f"/partners/{PARTNER}/access-links"),
    ("GET", f"/partners/{PARTNER}/access-links"),
    ("GET", f"/partners/{PARTNER}/access-links/lnk_1"),
    ("POST", f"/partners/{PARTNER}/access-links/lnk_1/resend"),
    ("POST", f"/partners/{PARTNER}/migrations"),
    ("GET", "/accounts"),
    ("POST", "/access-links/preview"),
    ("POST", "/access-links/approvals"),
    ("POST", "/access-links/declines"),
    ("POST", "/access-links/renewals"),
    ("GET", "/accounts/acct_1/permission-sets"),
    ("POST", "/accounts/acct_1/permission-sets"),
    ("GET", "/accounts/acct_1/permission-sets/set_1"),
    ("PUT", "/accounts/acct_1/permission-sets/set_1"),
    ("DELETE", "/accounts/acct_1/permission-sets/set_1"),
    ("GET", "/accounts/acct_1/permission-sets/updates"),
    ("POST", "/accounts/acct_1/permission-sets/updates"),
    ("GET", "/accounts/acct_1/users"),
    ("POST", "/accounts/acct_1/users"),
    ("GET", "/accounts/acct_1/users/usr_1"),
    ("PATCH", "/accounts/acct_1/users/usr_1"),
    ("PUT", "/accounts/acct_1/users/usr_1/suspension"),
    ("DELETE", "/accounts/acct_1/users/usr_1/suspension"),
    ("POST", "/accounts/acct_1/migrations"),
    ("GET", f"/partners/{PARTNER}/clients"),
    ("POST", f"/partners/{PARTNER}/clients/acct_1/users"),
    ("GET", f"/partners/{PARTNER}/employees"),
    ("DELETE", f"/partners/{PARTNER}/employees/usr_1/access"),
]
DIRECTORY_ROUTES = [
    (method, path)
    for path in ("/directory/accounts/acct_1", "/directory/users/usr_1", "/directory/accounts/acct_1/members/usr_1")
    for method in ("GET", "PUT")
] + [("POST", "/directory/users/usr_1/erasure")]
SHARED_ROUTES = [
    ("POST", "/access/v1/explanations"),
    ("DELETE", f"/partners/{PARTNER}/access-links/lnk_1"),
    ("DELETE", "/accounts/acct_1/users/usr_1"),
    ("GET", "/accounts/acct_1/audit"),
]
DECISION_ROUTES = [
    ("POST", "/access/v1/evaluation"),
    ("POST", "/access/v1/evaluations"),
    ("POST", "/access/v1/search/subject"),
    ("POST", "/access/v1/search/resource"),
    ("POST", "/access/v1/search/action"),
]
DISCOVERY = "GET /.well-known/authzen-configuration"
PATH_VALUES = [
    (PARTNER, "partner_id"),
    ("lnk_1", "link_id"),
    ("acct_1", "account_id"),
    ("usr_1", "user_id"),
    ("set_1", "set_id"),
]
WITH_BODY = {"PATCH", "POST", "PUT"}


@pytest.fixture(scope="module")
def signing_key(stack: LocalStack) -> rsa.RSAPrivateKey:
    """Return the private key of the user pool."""
    key = serialization.load_pem_private_key(
        stack.emulator.signing_key(stack.sign_in.user_pool).read_bytes(), password=None
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.mark.parametrize(("method", "path"), USER_ROUTES + DIRECTORY_ROUTES + SHARED_ROUTES + DECISION_ROUTES)
def test_route_without_token_returns_401(stack: LocalStack, method: str, path: str) -> None:
    response = stack.api_client().call(method, path, {} if method in WITH_BODY else None)
    assert response.status == 401, response


def test_forged_or_expired_token_returns_401(stack_users: StackUsers, signing_key: rsa.RSAPrivateKey) -> None:
    good = stack_users.clients[0].caller.token
    assert good
    for forgery, token in forgeries(good, signing_key).items():
        for offered in (f"Bearer {token}", token):
            response = stack_users.stack.api_client().call("GET", "/accounts", headers={"authorization": offered})
            assert response.status == 401, (forgery, response)


def test_valid_token_with_new_signature_is_accepted(stack_users: StackUsers, signing_key: rsa.RSAPrivateKey) -> None:
    good = stack_users.clients[0].caller.token
    assert good
    assert stack_users.stack.api_client(resigned(good, signing_key)).get("/accounts").status == 200


def test_id_token_returns_403(stack_users: StackUsers) -> None:
    person = stack_users.clients[0].person
    tokens = stack_users.stack.sign_in.user_tokens(
        stack_users.stack.pool, person.email, person.password, "openid email partner-access/use"
    )
    assert stack_users.stack.api_client(str(tokens["id_token"])).get("/accounts").status == 403


@pytest.mark.parametrize(("method", "path"), USER_ROUTES + DECISION_ROUTES)
def test_user_route_with_back_end_token_returns_403(stack_users: StackUsers, method: str, path: str) -> None:
    response = stack_users.back_end.call(method, path, {} if method in WITH_BODY else None)
    assert response.status == 403, response


@pytest.mark.parametrize(("method", "path"), DIRECTORY_ROUTES + DECISION_ROUTES)
def test_directory_route_with_user_token_returns_403(stack_users: StackUsers, method: str, path: str) -> None:
    response = stack_users.manager.caller.call(method, path, {} if method in WITH_BODY else None)
    assert response.status == 403, response


def test_other_routes_with_decision_token_return_403(stack: LocalStack) -> None:
    assert stack.machine_client(DECIDE_SCOPE).get("/directory/accounts/acct_1").status == 403
    assert stack.machine_client(DECIDE_SCOPE).get("/accounts").status == 403


def test_token_without_scope_returns_403(stack_users: StackUsers) -> None:
    person = stack_users.clients[0].person
    token = stack_users.stack.sign_in.user_token(
        stack_users.stack.pool, person.email, person.password, scope="openid email"
    )
    assert stack_users.stack.api_client(token).get("/accounts").status == 403


@pytest.mark.parametrize("path", ["/nothing", "/accounts/acct_1/nothing", "/directory", "/partners//access-links"])
def test_unknown_route_returns_404_problem(stack: LocalStack, path: str) -> None:
    response = stack.api_client().get(path)
    assert (response.status, response.code) == (404, "not_found"), response
    assert response.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("PATCH", "/accounts", {"GET"}),
    ("GET", "/access-links/approvals", {"POST"}),
    ("DELETE", "/access-links/preview", {"POST"}),
    ("PUT", f"/partners/{PARTNER}/access-links", {"GET", "POST"}),
    ("POST", "/directory/users/usr_1", {"GET", "PUT"}),
    ("PATCH", f"/partners/{PARTNER}/access-links/lnk_1", {"GET", "DELETE"}),
])  # fmt: skip
def test_wrong_method_returns_405_with_allowed_methods(
    stack: LocalStack, method: str, path: str, allowed: set[str]
) -> None:
    response = stack.api_client().call(method, path)
    assert (response.status, response.code) == (405, "method_not_allowed"), response
    assert response.headers["content-type"].startswith("application/problem+json")
    assert set(re.split(r",\s*", response.headers["allow"])) >= allowed


def routes_of(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Yield every deployed route with its scopes."""
    gateway = stack.aws.session().client("apigatewayv2", endpoint_url=stack.aws.endpoint)
    for route in gateway.get_routes(ApiId=stack.deployed.only("AWS::ApiGatewayV2::Api"))["Items"]:
        yield route["RouteKey"], " ".join(route.get("AuthorizationScopes", []))


def test_listed_routes_are_all_deployed_routes(stack: LocalStack) -> None:
    deployed = {key for key, _ in routes_of(stack)} - {"$default"}
    known = {
        f"{method} {_pattern(path)}"
        for method, path in USER_ROUTES + DIRECTORY_ROUTES + SHARED_ROUTES + DECISION_ROUTES
    }
    pages = {route.key for route in template.routes() if route.operation == "serve_pages"}
    assert known | pages | {DISCOVERY} == deployed
    assert {key for key, scopes in routes_of(stack) if not scopes} == pages | {DISCOVERY, "$default"}


def _pattern(path: str) -> str:
    for value, name in PATH_VALUES:
        path = path.replace(value, f"{{{name}}}")
    return path
