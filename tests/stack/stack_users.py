"""Users and accounts for the tests on the stack. They are created through the directory API and can sign in."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from threading import Barrier

from tools.api_client import ApiClient, ApiResponse, Json
from tools.emails import SentEmail, sent_emails
from tools.local_stack import LocalStack
from tools.sign_in import SignInUser, create_sign_in_user

PARTNER = "acct_partner"
PARTNER_DOMAIN = "partner.example"
OTHER_PARTNER = "acct_other_partner"
OTHER_DOMAIN = "other-partner.example"
TOKEN_LIFETIME = 600.0  # of the fifteen minutes for which the template makes it valid
EMAIL_WITHIN = 30.0
RETRY_CODES = frozenset({"temporarily_unavailable", "rights_changed"})
SECRET = re.compile(r"#(pal_[\w.-]+_[0-9a-f]{8})", re.ASCII)


@dataclass(slots=True)
class StackUser:
    """A user who can sign in and exists in the directory."""

    person: SignInUser
    stack: LocalStack = field(repr=False)
    cached_caller: tuple[ApiClient, float] | None = field(default=None, repr=False)

    @property
    def user_id(self) -> str:
        return self.person.user_id

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def caller(self) -> ApiClient:
        """An API client with a valid token of this user."""
        if self.cached_caller is None or self.cached_caller[1] < time.monotonic():
            token = self.stack.sign_in.user_token(self.stack.pool, self.person.email, self.person.password)
            self.cached_caller = (self.stack.api_client(token), time.monotonic() + TOKEN_LIFETIME)
        return self.cached_caller[0]


@dataclass(slots=True)
class StackUsers:
    """The users of the tests.

    There is a partner with its manager and employees, another partner, and client users. One user has no account.
    """

    stack: LocalStack
    manager: StackUser
    employees: list[StackUser]
    rival: StackUser
    clients: list[StackUser]
    newcomer: StackUser
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    cached_back_end: tuple[ApiClient, float] | None = None

    @classmethod
    @contextmanager
    def of(cls, stack: LocalStack) -> "Iterator[StackUsers]":
        """Create the users in the user pool and the partners in the directory."""
        emails = [f"manager@{PARTNER_DOMAIN}", *(f"employee.{nth}@{PARTNER_DOMAIN}" for nth in range(1, 7))]
        emails += [f"rival@{OTHER_DOMAIN}", *(f"client.{nth}@clients.example" for nth in range(1, 9))]
        emails.append("newcomer@nowhere.example")
        user_pool = stack.sign_in.user_pool
        with ThreadPoolExecutor(4) as at_once:
            persons = list(
                at_once.map(lambda email: create_sign_in_user(stack.aws, user_pool, email, _name(email)), emails)
            )
        manager, *others = (StackUser(person, stack) for person in persons)
        stack_users = cls(stack, manager, others[:6], others[6], others[7:-1], others[-1])
        stack_users.put_everyone()
        yield stack_users

    @property
    def back_end(self) -> ApiClient:
        """An API client with a valid token of the vendor's back end."""
        if self.cached_back_end is None or self.cached_back_end[1] < time.monotonic():
            self.cached_back_end = (self.stack.machine_client(), time.monotonic() + TOKEN_LIFETIME)
        return self.cached_back_end[0]

    def put_everyone(self) -> None:
        """Create or restore both partners, their members and all users. Other changes to them remain."""
        open_and_in_program = {"kind": "partner", "state": "active", "program": "active"}
        for account_id, domain in ((PARTNER, PARTNER_DOMAIN), (OTHER_PARTNER, OTHER_DOMAIN)):
            self.put(
                f"/directory/accounts/{account_id}",
                {**open_and_in_program, "name": _name(account_id), "domains": [domain]},
            )
        for user in (self.manager, *self.employees, self.rival, *self.clients, self.newcomer):
            fields = {"email": user.email, "name": _name(user.email), "active": True}
            self.put(f"/directory/users/{user.user_id}", fields)
        self.add_member(PARTNER, self.manager, "super_admin")
        for employee in self.employees:
            self.add_member(PARTNER, employee, "marketing")
        self.add_member(OTHER_PARTNER, self.rival, "super_admin")

    def put(self, path: str, body: Json) -> ApiResponse:
        """Send a directory request, which must succeed."""
        response = with_retries(lambda: self.back_end.put(path, body))
        assert response.status in {200, 201}, response
        return response

    def add_member(self, account_id: str, user: StackUser, permission_set: str) -> None:
        """Make a user a member of an account through the directory API."""
        self.put(
            f"/directory/accounts/{account_id}/members/{user.user_id}",
            {"permission_set": permission_set, "active": True},
        )

    def an_employee(self) -> StackUser:
        """Create a new employee of the partner."""
        email = f"{token_hex(4)}@{PARTNER_DOMAIN}"
        person = create_sign_in_user(self.stack.aws, self.stack.sign_in.user_pool, email, _name(email))
        self.put(f"/directory/users/{person.user_id}", {"email": email, "name": _name(email)})
        employee = StackUser(person, self.stack)
        self.add_member(PARTNER, employee, "marketing")
        return employee

    def a_client(self, *super_admins: StackUser, **fields: object) -> str:
        """Create a client account with these super admins."""
        account_id = f"acct_client_{next(self.numbers)}_{token_hex(3)}"
        self.put(f"/directory/accounts/{account_id}", {"kind": "client", "name": _name(account_id), **fields})
        for user in super_admins:
            self.add_member(account_id, user, "super_admin")
        return account_id

    def a_link(self, employee: StackUser, **fields: object) -> tuple[Json, str]:
        """Create an access link for an employee as the manager, and return the link and its secret."""
        response = with_retries(
            lambda: self.manager.caller.post(
                f"/partners/{PARTNER}/access-links", {"employee_id": employee.user_id, **fields}, key=new_key()
            )
        )
        assert response.status == 201, response
        found = SECRET.search(response.json["url"])
        assert found, response
        return response.json, found.group(1)

    def email_to(self, user: StackUser, *, having: str = "") -> SentEmail:
        """Return the first email to this user that contains the text, or fail after 30 seconds."""
        deadline = time.monotonic() + EMAIL_WITHIN
        while time.monotonic() < deadline:
            for email in sent_emails(self.stack.pool, self.stack.aws.endpoint):
                if user.email in email.to and having in email.text:
                    return email
            time.sleep(0.2)
        raise AssertionError(f"no email to {user.email} with {having!r} within {EMAIL_WITHIN:.0f} seconds")

    def members_of(self, account_id: str) -> dict[str, Json]:
        """Return the members of an account as the table has them, by user id."""
        return {
            item["user_id"]: item
            for item in self.stack.items_of(f"ACCOUNT#{account_id}")
            if item["sk"].startswith("MEMBER#")
        }


def _name(email_or_id: str) -> str:
    return email_or_id.partition("@")[0].removeprefix("acct_").replace(".", " ").replace("_", " ").title()


def new_key() -> str:
    """Return a new idempotency key."""
    return f"test-{token_hex(12)}"


def with_retries(attempt: Callable[[], ApiResponse]) -> ApiResponse:
    """Retry while the response reports concurrent changes or unavailability, as a well-behaved client does."""
    response = attempt()
    for nth in range(1, 20):
        if response.code not in RETRY_CODES:
            break
        time.sleep(0.05 * nth)
        response = attempt()
    return response


def concurrently(attempts: Sequence[Callable[[], ApiResponse]]) -> list[ApiResponse]:
    """Run the attempts in threads that start at the same instant. Each retries until its response is final."""
    gate = Barrier(len(attempts))

    def one(attempt: Callable[[], ApiResponse]) -> ApiResponse:
        gate.wait(30)
        return with_retries(attempt)

    with ThreadPoolExecutor(len(attempts)) as threads:
        return list(threads.map(one, attempts))


def outcomes(responses: Sequence[ApiResponse]) -> list[str]:
    """Return the error code of each response, or the status of a success, in sorted order."""
    return sorted(response.code or str(response.status) for response in responses)
