"""The users of the browser tests: for each language a partner with employees and a client admin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.stack.stack_users import SECRET, StackUser, StackUsers, new_key, with_retries
from tools.api_client import Json
from tools.sign_in import create_sign_in_user

_numbers: Iterator[int] = count(1)


@dataclass(frozen=True, slots=True)
class Personas:
    """A partner with its manager and an employee, and an admin of client accounts."""

    stack_users: StackUsers = field(repr=False)
    language: str
    partner_id: str
    manager: StackUser
    employee: StackUser
    employee_name: str
    admin: StackUser
    client_name: str
    purpose: str

    @property
    def locale(self) -> str:
        return {"en": "en-GB", "ja": "ja-JP"}[self.language]

    def a_client(self, name: str | None = None) -> str:
        """Create a client account with the admin as super admin."""
        return self.stack_users.a_client(self.admin, name=name or self.client_name, locale=self.language)

    def a_link(self, **fields: object) -> tuple[Json, str]:
        """Create a link for the employee, and return the response and the secret."""
        wanted = {"employee_id": self.employee.user_id, "access_days": 180, "purpose": self.purpose, **fields}
        response = with_retries(
            lambda: self.manager.caller.post(f"/partners/{self.partner_id}/access-links", wanted, key=new_key())
        )
        assert response.status == 201, response
        found = SECRET.search(response.json["url"])
        assert found, response
        return response.json, found.group(1)

    def an_email(self, **fields: object) -> str:
        """Create a link that is sent to the admin, and return the subject of the email."""
        token = f"{self.purpose} {next(_numbers)}"
        self.a_link(recipient_email=self.admin.email, locale=self.language, **fields, purpose=token)
        return self.stack_users.email_to(self.admin, having=token).subject


def _resident(stack_users: StackUsers, email: str, name: str, language: str) -> StackUser:
    user = StackUser(
        create_sign_in_user(stack_users.stack.aws, stack_users.stack.sign_in.user_pool, email, name), stack_users.stack
    )
    stack_users.put(f"/directory/users/{user.user_id}", {"email": email, "name": name, "locale": language})
    return user


def create_personas(stack_users: StackUsers, language: str) -> Personas:
    """Create the partner and its users in the directory. Each test adds clients and links."""
    partner, client, names, purpose = {
        "en": (
            "Harbour & Finch",
            "Brightwater Clinics",
            ("Nora Whitfield", "Tom Adeyemi", "Alice Moreau"),
            "Rebuild the booking campaigns for spring",
        ),
        "ja": (
            "株式会社みなと企画",
            "あおぞらフーズ株式会社",
            ("佐藤 健", "鈴木 葵", "小林 由紀"),
            "春の販促キャンペーンの準備",
        ),
    }[language]
    partner_id, domain = f"acct_partner_{language}", f"partner-{language}.example"
    fields = {"kind": "partner", "name": partner, "domains": [domain], "locale": language}
    stack_users.put(f"/directory/accounts/{partner_id}", fields)
    manager = _resident(stack_users, f"manager@{domain}", names[0], language)
    employee = _resident(stack_users, f"employee@{domain}", names[1], language)
    admin = _resident(stack_users, f"admin@clients-{language}.example", names[2], language)
    stack_users.add_member(partner_id, manager, "super_admin")
    stack_users.add_member(partner_id, employee, "marketing")
    return Personas(stack_users, language, partner_id, manager, employee, names[1], admin, client, purpose)
