"""Who acts in the browser: for each language a partner that asks and a client that answers, with names people have."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.stack.stack_users import SECRET, Resident, Town, a_key, persistently
from tools.api_client import Json
from tools.sign_in import create_person

_numbers: Iterator[int] = count(1)


@dataclass(frozen=True, slots=True)
class Cast:
    """A partner with its manager and an employee, and somebody who decides for clients."""

    town: Town = field(repr=False)
    language: str
    partner_id: str
    manager: Resident
    employee: Resident
    employee_name: str
    admin: Resident
    client_name: str
    purpose: str

    @property
    def locale(self) -> str:
        return {"en": "en-GB", "ja": "ja-JP"}[self.language]

    def a_client(self, name: str | None = None) -> str:
        """A new client account that the admin runs."""
        return self.town.a_client(self.admin, name=name or self.client_name, locale=self.language)

    def a_link(self, **wished: object) -> tuple[Json, str]:
        """A new link for the employee: what was answered, and its secret."""
        wanted = {"employee_id": self.employee.user_id, "access_days": 180, "purpose": self.purpose, **wished}
        answer = persistently(
            lambda: self.manager.caller.post(f"/partners/{self.partner_id}/access-links", wanted, key=a_key())
        )
        assert answer.status == 201, answer
        found = SECRET.search(answer.json["url"])
        assert found, answer
        return answer.json, found.group(1)

    def a_letter(self, **wished: object) -> str:
        """The subject of a letter to the admin, with a link of its own."""
        token = f"{self.purpose} {next(_numbers)}"
        self.a_link(recipient_email=self.admin.email, locale=self.language, **wished, purpose=token)
        return self.town.letter_to(self.admin, having=token).subject


def _resident(town: Town, email: str, name: str, language: str) -> Resident:
    resident = Resident(create_person(town.stack.aws, town.stack.sign_in.user_pool, email, name), town.stack)
    town.tell(f"/directory/users/{resident.user_id}", {"email": email, "name": name, "locale": language})
    return resident


def a_cast(town: Town, language: str) -> Cast:
    """Told to the directory once; clients and links are made for each test."""
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
    partner_id, domain = f"acct_stage_{language}", f"stage-{language}.example"
    told = {"kind": "partner", "name": partner, "domains": [domain], "locale": language}
    town.tell(f"/directory/accounts/{partner_id}", told)
    manager = _resident(town, f"manager@{domain}", names[0], language)
    employee = _resident(town, f"employee@{domain}", names[1], language)
    admin = _resident(town, f"admin@clients-{language}.example", names[2], language)
    town.join(partner_id, manager, "super_admin")
    town.join(partner_id, employee, "marketing")
    return Cast(town, language, partner_id, manager, employee, names[1], admin, client, purpose)
