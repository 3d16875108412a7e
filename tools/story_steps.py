"""The steps of the demo's story: sentences that are printed, requests that are checked, emails that are awaited."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from tools.api_client import ApiClient, ApiResponse, Json
from tools.directory_sample import SampleUser
from tools.emails import SentEmail, sent_emails
from tools.local_stack import LocalStack
from tools.sign_in import SignInUser

EMAIL_TIMEOUT = 30.0


class StoryFailed(Exception):
    """A response differs from the documented one. The message contains the request and the response."""


@dataclass(slots=True)
class Story:
    """The state of the demonstration: it prints, calls the API and checks responses."""

    stack: LocalStack
    users: Mapping[str, SignInUser]
    console: Console
    callers: dict[str, ApiClient]

    def chapter(self, title: str) -> None:
        """Print a chapter title."""
        self.console.print()
        self.console.print(Rule(title, align="left"))

    def announce(self, sentence: str) -> None:
        """Print a sentence about the next step."""
        self.console.print(f"\n[bold]{escape(sentence)}[/bold]")

    def api_client(self, user: SampleUser) -> ApiClient:
        """Return an API client with the user's token. The user signs in on first use."""
        if user.email not in self.callers:
            sign_in_user = self.users[user.email]
            token = self.stack.sign_in.user_token(self.stack.pool, sign_in_user.email, sign_in_user.password)
            self.callers[user.email] = self.stack.api_client(token)
        return self.callers[user.email]

    def expect(self, response: ApiResponse, status: int, code: str = "", *fields: str) -> Json:
        """Check and print a response. Raises `StoryFailed` if it is unexpected.

        Only the named fields of the body are printed.
        """
        if response.status != status or response.code != code:
            raise StoryFailed(f"expected {status} {code}".rstrip() + f", but got: {response}")
        colour = "green" if status < HTTPStatus.BAD_REQUEST else "yellow"
        self.console.print(f"  {response.method} {escape(response.path)} → [{colour}]{status} {code}[/{colour}]")
        body = response.json
        for name in fields:
            if name in body:
                self.console.print(Padding(Text.assemble((f"{name}: ", "dim"), _readable(body[name])), (0, 0, 0, 4)))
        return body

    def wait_for_email(self, to: SampleUser, *, having: Callable[[SentEmail], bool] = lambda _: True) -> SentEmail:
        """Wait for an email to this user."""
        deadline = time.monotonic() + EMAIL_TIMEOUT
        while time.monotonic() < deadline:
            for email in sent_emails(self.stack.pool, self.stack.aws.endpoint):
                if to.email in email.to and having(email):
                    self.console.print(f"  [cyan]✉[/cyan] {escape(email.subject)} → {escape(to.email)}")
                    return email
            time.sleep(0.2)
        raise StoryFailed(f"no email reached {to.email} within {EMAIL_TIMEOUT:.0f} seconds")


def _readable(value: object) -> str:
    """Return a JSON value in readable form."""
    match value:
        case str():
            return value
        case list() if not value:
            return "none"
        case list() if all(isinstance(each, str) for each in value):
            return ", ".join(value)
        case list():
            return "".join(f"\n· {_readable(each)}" for each in value)
        case dict():
            return "; ".join(f"{name} {_readable(each)}" for name, each in value.items())
    return json.dumps(value)


def new_idempotency_key() -> str:
    return f"demo-{secrets.token_hex(8)}"


def check_outcome(report: Json, account_id: str, outcome: str) -> None:
    """Raise `StoryFailed` unless the row of this account has this outcome."""
    (row,) = (row for row in report["items"] if row["account_id"] == account_id)
    if row["outcome"] != outcome:
        raise StoryFailed(f"{account_id}: expected {outcome}, but got {row}")
