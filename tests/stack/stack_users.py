"""People and accounts for the tests on the stack: told to the directory over HTTP, signed in for real."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from threading import Barrier

from tools.api_client import Answer, Caller, Json
from tools.emails import Letter, sent_letters
from tools.local_stack import Stack
from tools.sign_in import Person, create_person

FIRM = "acct_firm"
FIRM_DOMAIN = "firm.example"
OTHER_FIRM = "acct_other_firm"
OTHER_DOMAIN = "other-firm.example"
TOKEN_LASTS = 600.0  # of the fifteen minutes that the template gives it
LETTER_WITHIN = 30.0
AGAIN = frozenset({"temporarily_unavailable", "rights_changed"})
SECRET = re.compile(r"#(pal_[\w.-]+_[0-9a-f]{8})", re.ASCII)


@dataclass(slots=True)
class Resident:
    """Somebody who can sign in and is known to the directory."""

    person: Person
    stack: Stack = field(repr=False)
    caller_until: tuple[Caller, float] | None = field(default=None, repr=False)

    @property
    def user_id(self) -> str:
        return self.person.user_id

    @property
    def email(self) -> str:
        return self.person.email

    @property
    def caller(self) -> Caller:
        """At the door, with a token that is still good."""
        if self.caller_until is None or self.caller_until[1] < time.monotonic():
            token = self.stack.sign_in.as_person(self.stack.pool, self.person.email, self.person.password)
            self.caller_until = (self.stack.caller(token), time.monotonic() + TOKEN_LASTS)
        return self.caller_until[0]


@dataclass(slots=True)
class Town:
    """A partner with its manager and employees, another partner, people of neither, and somebody of no account."""

    stack: Stack
    manager: Resident
    employees: list[Resident]
    rival: Resident
    clients: list[Resident]
    newcomer: Resident
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    back_end_until: tuple[Caller, float] | None = None

    @classmethod
    @contextmanager
    def of(cls, stack: Stack) -> "Iterator[Town]":
        """Everybody signed in, the partners told to the directory."""
        emails = [f"manager@{FIRM_DOMAIN}", *(f"employee.{nth}@{FIRM_DOMAIN}" for nth in range(1, 7))]
        emails += [f"rival@{OTHER_DOMAIN}", *(f"client.{nth}@clients.example" for nth in range(1, 9))]
        emails.append("newcomer@nowhere.example")
        user_pool = stack.sign_in.user_pool
        with ThreadPoolExecutor(4) as at_once:
            people = list(at_once.map(lambda email: create_person(stack.aws, user_pool, email, _name(email)), emails))
        manager, *others = (Resident(person, stack) for person in people)
        town = cls(stack, manager, others[:6], others[6], others[7:-1], others[-1])
        town.tell_all()
        yield town

    @property
    def back_end(self) -> Caller:
        """The vendor's back end, with a token that is still good."""
        if self.back_end_until is None or self.back_end_until[1] < time.monotonic():
            self.back_end_until = (self.stack.machine(), time.monotonic() + TOKEN_LASTS)
        return self.back_end_until[0]

    def tell_all(self) -> None:
        """The directory of the partners, who works there, and of all people; what else they have become stays."""
        for firm, domain in ((FIRM, FIRM_DOMAIN), (OTHER_FIRM, OTHER_DOMAIN)):
            self.tell(f"/directory/accounts/{firm}", {"kind": "partner", "name": _name(firm), "domains": [domain]})
        for resident in (self.manager, *self.employees, self.rival, *self.clients, self.newcomer):
            told = {"email": resident.email, "name": _name(resident.email), "active": True}
            self.tell(f"/directory/users/{resident.user_id}", told)
        self.join(FIRM, self.manager, "super_admin")
        for employee in self.employees:
            self.join(FIRM, employee, "marketing")
        self.join(OTHER_FIRM, self.rival, "super_admin")

    def tell(self, path: str, body: Json) -> Answer:
        """Tell the directory, which must take it."""
        answer = persistently(lambda: self.back_end.put(path, body))
        assert answer.status in {200, 201}, answer
        return answer

    def join(self, account_id: str, resident: Resident, permission_set: str) -> None:
        """Make somebody a member of an account, as the vendor's back end does."""
        self.tell(
            f"/directory/accounts/{account_id}/members/{resident.user_id}",
            {"permission_set": permission_set, "active": True},
        )

    def an_employee(self) -> Resident:
        """Somebody new at the partner."""
        email = f"{token_hex(4)}@{FIRM_DOMAIN}"
        person = create_person(self.stack.aws, self.stack.sign_in.user_pool, email, _name(email))
        self.tell(f"/directory/users/{person.user_id}", {"email": email, "name": _name(email)})
        employee = Resident(person, self.stack)
        self.join(FIRM, employee, "marketing")
        return employee

    def a_client(self, *super_admins: Resident, **told: object) -> str:
        """A new client account, run by these."""
        account_id = f"acct_client_{next(self.numbers)}_{token_hex(3)}"
        self.tell(f"/directory/accounts/{account_id}", {"kind": "client", "name": _name(account_id), **told})
        for resident in super_admins:
            self.join(account_id, resident, "super_admin")
        return account_id

    def a_link(self, employee: Resident, **wished: object) -> tuple[Json, str]:
        """A new access link for an employee, asked for by the manager; the link and its secret."""
        answer = persistently(
            lambda: self.manager.caller.post(
                f"/partners/{FIRM}/access-links", {"employee_id": employee.user_id, **wished}, key=a_key()
            )
        )
        assert answer.status == 201, answer
        found = SECRET.search(answer.json["url"])
        assert found, answer
        return answer.json, found.group(1)

    def letter_to(self, resident: Resident, *, having: str = "") -> Letter:
        """The first letter to somebody whose text has these words; it may take a moment to come."""
        patience = time.monotonic() + LETTER_WITHIN
        while time.monotonic() < patience:
            for letter in sent_letters(self.stack.pool, self.stack.aws.endpoint):
                if resident.email in letter.to and having in letter.text:
                    return letter
            time.sleep(0.2)
        raise AssertionError(f"no letter to {resident.email} with {having!r} within {LETTER_WITHIN:.0f} seconds")

    def members_of(self, account_id: str) -> dict[str, Json]:
        """The members as the table has them, by user id."""
        return {
            item["user_id"]: item
            for item in self.stack.items_of(f"ACCOUNT#{account_id}")
            if item["sk"].startswith("MEMBER#")
        }


def _name(email_or_id: str) -> str:
    return email_or_id.partition("@")[0].removeprefix("acct_").replace(".", " ").replace("_", " ").title()


def a_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return f"test-{token_hex(12)}"


def persistently(attempt: Callable[[], Answer]) -> Answer:
    """Try as a good client does: again, while the answer says that others were in the way."""
    answer = attempt()
    for nth in range(1, 20):
        if answer.code not in AGAIN:
            break
        time.sleep(0.05 * nth)
        answer = attempt()
    return answer


def at_once(attempts: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """All of these in threads of their own, let go at the same instant; each tries until its answer is final."""
    gate = Barrier(len(attempts))

    def one(attempt: Callable[[], Answer]) -> Answer:
        gate.wait(30)
        return persistently(attempt)

    with ThreadPoolExecutor(len(attempts)) as threads:
        return list(threads.map(one, attempts))


def outcomes(answers: Sequence[Answer]) -> list[str]:
    """What came out, in order of the alphabet: codes of problems, or the bare status of a success."""
    return sorted(answer.code or str(answer.status) for answer in answers)
