"""Random accounts, users and links on which random operations run, and the choice of likely actors and records."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from partner_access.store import dynamo, keys, queries
from tests.support import link_requests
from tests.support.background_functions import Clock
from tests.support.gateway import ApiResponse, call_as_vendor
from tests.support.table import Item, Table

ZONES: Final = ("Europe/Berlin", "America/New_York", "Africa/Cairo", "Asia/Tokyo", "Australia/Lord_Howe", "UTC")
DOMAIN_OF_PARTNER: Final = {"partner-north": "north.example", "partner-south": "south.example"}
CLIENTS: Final = ("client-bakery", "client-florist", "client-harbour")
PARTNER_OF_EMPLOYEE: Final = {
    f"user-{partner[8]}{number}": partner for partner in DOMAIN_OF_PARTNER for number in range(1, 4)
}
CLIENT_OF_USER: Final = {f"user-{client[7]}{number}": client for client in CLIENTS for number in range(1, 3)}
USERS: Final = (*PARTNER_OF_EMPLOYEE, *CLIENT_OF_USER)
SETS: Final = ("super_admin", "marketing", "sales", "view_only")
PERMISSIONS: Final = ("account.users.manage", "crm.export", "crm.import", "crm.contacts.view", "reports.view")


@dataclass(slots=True)
class RandomAccounts:
    """Two partners with three employees each, three clients with two users each, and the links that were created.

    The first user of each account is its super admin.
    """

    table: Table
    clock: Clock
    random: Random
    links: list[str] = field(default_factory=list)
    succeeded: int = 0

    def create_accounts(self) -> None:
        """Create all accounts, users and members through the directory operations."""
        for partner, domain in DOMAIN_OF_PARTNER.items():
            link_requests.put_account(partner, kind="partner", name="A partner", domains=[domain])
        for client, zone in zip(CLIENTS, ZONES, strict=False):
            link_requests.put_account(client, kind="client", name="A client", time_zone=zone)
        for user_id, home_account_id in {**PARTNER_OF_EMPLOYEE, **CLIENT_OF_USER}.items():
            link_requests.put_user(
                user_id,
                email=f"{user_id}@{DOMAIN_OF_PARTNER.get(home_account_id, 'clients.example')}",
                name="Some User",
            )
            link_requests.put_member(
                home_account_id, user_id, permission_set="super_admin" if user_id.endswith("1") else "view_only"
            )

    # actors and records

    def choose(self, *options: Any) -> Any:
        return self.random.choice(options)

    def end(self, *days: int | None) -> dict[str, Any]:
        """Return a random end of access: one of these numbers of days, or that day by the calendar of UTC."""
        count = self.choose(*days)
        if count is not None and (count < 1 or self.random.random() < 0.5):
            return {"access_ends_on": (self.clock.time + timedelta(days=count)).date().isoformat()}
        return {self.choose("access_days", "access_ends_on"): None} if count is None else {"access_days": count}

    def some_of(self, **values: Any) -> dict[str, Any]:
        """Return a random selection of these values."""
        return {name: value for name, value in values.items() if self.random.random() < 0.5}

    def read_item(self, key: keys.Key) -> Item:
        return dict(dynamo.read([key]).get(key, {}))

    def items_of_account(self, account_id: str) -> list[Item]:
        """Return all items of the account's partition."""
        return queries.query("pk = :pk", pk=f"ACCOUNT#{account_id}").items

    def admin_of(self, account_id: str) -> str:
        """Return a super admin of the account in nine of ten cases, or any user."""
        admin_ids = sorted(self.read_item(keys.super_admins(account_id)).get("user_ids", ()))
        return str(self.choose(*admin_ids)) if admin_ids and self.random.random() < 0.9 else str(self.choose(*USERS))

    def member_of(self, account_id: str) -> str:
        """Return a user who is probably an active member of the account, preferably on behalf of a partner."""
        memberships = [item for item in self.items_of_account(account_id) if item["sk"].startswith("MEMBER#")]
        active_ids = [item["user_id"] for item in memberships if item["active"]]
        for_partners = [item["user_id"] for item in memberships if item.get("partner_id")]
        return str(
            self.choose(*active_ids, *active_ids, *for_partners, *for_partners, *for_partners, self.choose(*USERS))
        )

    def version_of(self, account_id: str, user_id: str) -> int:
        return int(self.read_item(keys.member(account_id, user_id)).get("version", 1))

    def set_of(self, account_id: str) -> Item:
        """Return one of the account's custom sets, or an unknown set if there is none."""
        custom_sets = [item for item in self.items_of_account(account_id) if item["sk"].startswith("SET#")]
        return self.random.choice(custom_sets) if custom_sets else {"set_id": f"set_{'0' * 32}", "version": 1}

    # requests that several operations use

    def put_account(self, account_id: str, **fields: object) -> ApiResponse:
        return call_as_vendor("PUT /directory/accounts/{account_id}", fields, account_id=account_id)

    def put_user(self, user_id: str, **fields: object) -> ApiResponse:
        return call_as_vendor("PUT /directory/users/{user_id}", fields, user_id=user_id)

    def put_member(self, account_id: str, user_id: str, **fields: object) -> ApiResponse:
        route = "PUT /directory/accounts/{account_id}/members/{user_id}"
        return call_as_vendor(route, fields, account_id=account_id, user_id=user_id)

    def remember_secret(self, answer: ApiResponse) -> ApiResponse:
        """Remember the secret of a response, so that later operations can use it."""
        if answer.status < 300 and answer.text and "url" in answer.body:
            self.links.append(link_requests.secret_of(answer))
        return answer

    def recent_secret(self) -> str:
        return str(self.choose(*self.links[-3:])) if self.links else "pal_none"

    def super_admins_of(self, account_id: str) -> list[str]:
        return sorted(self.read_item(keys.super_admins(account_id)).get("user_ids", ()))
