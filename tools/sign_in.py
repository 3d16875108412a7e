"""Get access tokens from a stack's user pool: users by code with PKCE, the vendor's back end by client credentials."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from html.parser import HTMLParser
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3
from typing_extensions import override

from tools.deployment import Aws

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

USE_SCOPE = "partner-access/use"
DIRECTORY_SCOPE = "partner-access/directory"
DECIDE_SCOPE = "partner-access/decide"


class SignInFailed(Exception):
    """The sign-in pages or the token endpoint responded unexpectedly. The message contains the response."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The endpoints and clients of a sign-in.

    `machines` maps each scope to the id and secret of its client. These secrets belong to a local stack only.
    """

    authorization_endpoint: str
    token_endpoint: str
    user_pool: str
    people_client: str
    redirect_uri: str
    machines: Mapping[str, tuple[str, str]] = field(repr=False)

    def user_token(
        self, pool: urllib3.PoolManager, email: str, password: str, scope: str = f"openid email {USE_SCOPE}"
    ) -> str:
        """Return the access token of a user who signs in with email and password."""
        return str(self.user_tokens(pool, email, password, scope)["access_token"])

    def user_tokens(self, pool: urllib3.PoolManager, email: str, password: str, scope: str) -> dict[str, object]:
        """Return all tokens of a sign-in by authorization code with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        state = secrets.token_urlsafe(12)
        query = {
            "response_type": "code",
            "client_id": self.people_client,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = pool.request("GET", f"{self.authorization_endpoint}?{urlencode(query)}", redirect=False)
        form = SignInForm.of(page)
        filled = form.hidden | {"username": email, "password": password}
        response = pool.request(
            "POST",
            _same_origin_url(self.authorization_endpoint, form.action),
            body=urlencode(filled),
            headers={"content-type": "application/x-www-form-urlencoded"},
            redirect=False,
        )
        returned = parse_qs(urlsplit(response.headers.get("location", "")).query)
        if "code" not in returned or returned.get("state") != [state]:
            raise SignInFailed(f"{email} could not sign in: {response.status}")
        return self._tokens(
            pool,
            {
                "grant_type": "authorization_code",
                "client_id": self.people_client,
                "redirect_uri": self.redirect_uri,
                "code": returned["code"][0],
                "code_verifier": verifier,
            },
        )

    def machine_token(self, pool: urllib3.PoolManager, scope: str) -> str:
        """Return the access token of the vendor's back end for the directory, or of its product for decisions."""
        parameters = {"grant_type": "client_credentials", "scope": scope}
        credentials = base64.b64encode(":".join(self.machines[scope]).encode()).decode()
        return str(self._tokens(pool, parameters, authorization=f"Basic {credentials}")["access_token"])

    def _tokens(self, pool: urllib3.PoolManager, parameters: dict[str, str], **headers: str) -> dict[str, object]:
        response = pool.request(
            "POST",
            self.token_endpoint,
            body=urlencode(parameters),
            headers={"content-type": "application/x-www-form-urlencoded", **headers},
        )
        if response.status != HTTPStatus.OK:
            raise SignInFailed(f"no token: {response.status} {response.data[:300].decode(errors='replace')}")
        tokens: dict[str, object] = json.loads(response.data)
        return tokens

    def to_json(self) -> dict[str, object]:
        """Return the data for the file that the token command reads."""
        return asdict(self)


class SignInForm(HTMLParser):
    """A parser of the sign-in page's only form: its action and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}

    @classmethod
    def of(cls, page: urllib3.BaseHTTPResponse) -> "SignInForm":
        """Parse a sign-in page. Raises `SignInFailed` when there is no form."""
        form = cls()
        form.feed(page.data.decode())
        if page.status != HTTPStatus.OK or not form.action:
            raise SignInFailed(f"no sign-in page: {page.status} {page.data[:300].decode(errors='replace')}")
        return form

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store the form's action and its hidden fields."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = attributes.get("action", "")
        elif tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes["name"]] = attributes.get("value", "")


def _same_origin_url(address: str, action: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{action}"


@cache
def _cognito_client(aws: Aws) -> "CognitoIdentityProviderClient":
    """Return the Cognito client, which is cached and thread-safe."""
    return aws.session().client("cognito-idp", endpoint_url=aws.endpoint, config=aws.settings)


def sign_in_of(aws: Aws, user_pool: str) -> SignIn:
    """Read the clients of a user pool. The users' client has no secret, and the vendor's clients have one."""
    cognito = _cognito_client(aws)
    clients = [
        cognito.describe_user_pool_client(UserPoolId=user_pool, ClientId=one["ClientId"])["UserPoolClient"]
        for one in cognito.list_user_pool_clients(UserPoolId=user_pool, MaxResults=60)["UserPoolClients"]
    ]
    (users_client,) = (client for client in clients if "code" in client.get("AllowedOAuthFlows", []))
    machines = {
        scope: (client["ClientId"], client["ClientSecret"])
        for client in clients
        if "client_credentials" in client.get("AllowedOAuthFlows", [])
        for scope in client["AllowedOAuthScopes"]
    }
    return SignIn(
        authorization_endpoint=f"{aws.endpoint}/oauth2/authorize",
        token_endpoint=f"{aws.endpoint}/oauth2/token",
        user_pool=user_pool,
        people_client=users_client["ClientId"],
        redirect_uri=users_client["CallbackURLs"][0],
        machines=machines,
    )


@dataclass(frozen=True, slots=True)
class SignInUser:
    """A user who can sign in."""

    email: str
    user_id: str
    password: str = field(repr=False)


def create_sign_in_user(aws: Aws, user_pool: str, email: str, name: str) -> SignInUser:
    """Create a sign-in account with a password. The user id is the `sub` of the account's tokens."""
    cognito = _cognito_client(aws)
    password = f"Aa1-{secrets.token_urlsafe(18)}"
    created = cognito.admin_create_user(
        UserPoolId=user_pool,
        Username=email,
        TemporaryPassword=password,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": "true"},
            {"Name": "name", "Value": name},
        ],
    )["User"]
    cognito.admin_set_user_password(UserPoolId=user_pool, Username=email, Password=password, Permanent=True)
    (user_id,) = (attribute["Value"] for attribute in created["Attributes"] if attribute["Name"] == "sub")
    return SignInUser(email=email, user_id=user_id, password=password)
