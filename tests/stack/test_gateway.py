"""Who gets in at all: tokens, their scopes on every route, and what is answered where there is nothing."""

import re
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.stack.forgery import forgeries, the_same_again
from tests.stack.stack_users import FIRM, Town
from tools import template
from tools.local_stack import Stack
from tools.sign_in import DECIDE

PEOPLES = [
    ("POST", f"/partners/{FIRM}/access-links"),
    ("GET", f"/partners/{FIRM}/access-links"),
    ("GET", f"/partners/{FIRM}/access-links/lnk_1"),
    ("POST", f"/partners/{FIRM}/access-links/lnk_1/resend"),
    ("POST", f"/partners/{FIRM}/migrations"),
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
    ("GET", f"/partners/{FIRM}/clients"),
    ("POST", f"/partners/{FIRM}/clients/acct_1/users"),
    ("GET", f"/partners/{FIRM}/employees"),
    ("DELETE", f"/partners/{FIRM}/employees/usr_1/access"),
]
BACK_ENDS = [
    (method, path)
    for path in ("/directory/accounts/acct_1", "/directory/users/usr_1", "/directory/accounts/acct_1/members/usr_1")
    for method in ("GET", "PUT")
] + [("POST", "/directory/users/usr_1/erasure")]
BOTHS = [
    ("POST", "/access/v1/explanations"),
    ("DELETE", f"/partners/{FIRM}/access-links/lnk_1"),
    ("DELETE", "/accounts/acct_1/users/usr_1"),
    ("GET", "/accounts/acct_1/audit"),
]
DECISIONS = [
    ("POST", "/access/v1/evaluation"),
    ("POST", "/access/v1/evaluations"),
    ("POST", "/access/v1/search/subject"),
    ("POST", "/access/v1/search/resource"),
    ("POST", "/access/v1/search/action"),
]
DISCOVERY = "GET /.well-known/authzen-configuration"
VALUES = [
    (FIRM, "partner_id"),
    ("lnk_1", "link_id"),
    ("acct_1", "account_id"),
    ("usr_1", "user_id"),
    ("set_1", "set_id"),
]
WITH_BODY = {"PATCH", "POST", "PUT"}


@pytest.fixture(scope="module")
def signing_key(stack: Stack) -> rsa.RSAPrivateKey:
    """The user pool's own: what it signs is genuine."""
    key = serialization.load_pem_private_key(
        stack.emulator.signing_key(stack.sign_in.user_pool).read_bytes(), password=None
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.mark.parametrize(("method", "path"), PEOPLES + BACK_ENDS + BOTHS + DECISIONS)
def test_no_route_opens_without_a_token(stack: Stack, method: str, path: str) -> None:
    answer = stack.caller().call(method, path, {} if method in WITH_BODY else None)
    assert answer.status == 401, answer


def test_no_forged_or_old_token_opens(town: Town, signing_key: rsa.RSAPrivateKey) -> None:
    good = town.clients[0].caller.token
    assert good
    for what, token in forgeries(good, signing_key).items():
        for offered in (f"Bearer {token}", token):
            answer = town.stack.caller().call("GET", "/accounts", headers={"authorization": offered})
            assert answer.status == 401, (what, answer)


def test_what_makes_a_forgery_fail_is_what_is_forged(town: Town, signing_key: rsa.RSAPrivateKey) -> None:
    good = town.clients[0].caller.token
    assert good
    assert town.stack.caller(the_same_again(good, signing_key)).get("/accounts").status == 200


def test_an_id_token_is_no_access_token(town: Town) -> None:
    person = town.clients[0].person
    tokens = town.stack.sign_in.tokens_of_person(
        town.stack.pool, person.email, person.password, "openid email partner-access/use"
    )
    assert town.stack.caller(str(tokens["id_token"])).get("/accounts").status == 403


@pytest.mark.parametrize(("method", "path"), PEOPLES + DECISIONS)
def test_the_back_end_does_not_act_as_a_person(town: Town, method: str, path: str) -> None:
    answer = town.back_end.call(method, path, {} if method in WITH_BODY else None)
    assert answer.status == 403, answer


@pytest.mark.parametrize(("method", "path"), BACK_ENDS + DECISIONS)
def test_a_person_does_not_act_as_the_back_end(town: Town, method: str, path: str) -> None:
    answer = town.manager.caller.call(method, path, {} if method in WITH_BODY else None)
    assert answer.status == 403, answer


def test_who_asks_for_decisions_keeps_no_directory(stack: Stack) -> None:
    assert stack.machine(DECIDE).get("/directory/accounts/acct_1").status == 403
    assert stack.machine(DECIDE).get("/accounts").status == 403


def test_signing_in_without_the_scope_opens_nothing(town: Town) -> None:
    person = town.clients[0].person
    token = town.stack.sign_in.as_person(town.stack.pool, person.email, person.password, scope="openid email")
    assert town.stack.caller(token).get("/accounts").status == 403


@pytest.mark.parametrize("path", ["/nothing", "/accounts/acct_1/nothing", "/directory", "/partners//access-links"])
def test_where_there_is_nothing_a_problem_says_so(stack: Stack, path: str) -> None:
    answer = stack.caller().get(path)
    assert (answer.status, answer.code) == (404, "not_found"), answer
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("PATCH", "/accounts", {"GET"}),
    ("GET", "/access-links/approvals", {"POST"}),
    ("DELETE", "/access-links/preview", {"POST"}),
    ("PUT", f"/partners/{FIRM}/access-links", {"GET", "POST"}),
    ("POST", "/directory/users/usr_1", {"GET", "PUT"}),
    ("PATCH", f"/partners/{FIRM}/access-links/lnk_1", {"GET", "DELETE"}),
])  # fmt: skip
def test_a_wrong_method_is_told_the_right_ones(stack: Stack, method: str, path: str, allowed: set[str]) -> None:
    answer = stack.caller().call(method, path)
    assert (answer.status, answer.code) == (405, "method_not_allowed"), answer
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert set(re.split(r",\s*", answer.headers["allow"])) >= allowed


def routes_of(stack: Stack) -> Iterator[tuple[str, str]]:
    """Every route that was deployed, with its scopes."""
    gateway = stack.aws.session().client("apigatewayv2", endpoint_url=stack.aws.endpoint)
    for route in gateway.get_routes(ApiId=stack.deployed.only("AWS::ApiGatewayV2::Api"))["Items"]:
        yield route["RouteKey"], " ".join(route.get("AuthorizationScopes", []))


def test_these_tests_know_every_route(stack: Stack) -> None:
    deployed = {key for key, _ in routes_of(stack)} - {"$default"}
    known = {f"{method} {_pattern(path)}" for method, path in PEOPLES + BACK_ENDS + BOTHS + DECISIONS}
    pages = {route.key for route in template.routes() if route.operation == "serve_pages"}
    assert known | pages | {DISCOVERY} == deployed
    assert {key for key, scopes in routes_of(stack) if not scopes} == pages | {DISCOVERY, "$default"}


def _pattern(path: str) -> str:
    for value, name in VALUES:
        path = path.replace(value, f"{{{name}}}")
    return path
