"""Random operations of users and the vendor that change who has access to an account, called through the API."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from partner_access.domain.permissions.rights import latest_version
from partner_access.store import dynamo, keys, queries
from tests.support import link_requests, membership_facts
from tests.support.background_functions import EXPIRE_LINKS, Clock, run_function, run_reconcile_access
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call, call_as_vendor
from tests.support.table import Item, Table

DOMAIN_OF_PARTNER: Final = {"partner-north": "north.example", "partner-south": "south.example"}
CLIENTS: Final = ("client-bakery", "client-florist", "client-harbour")
PARTNER_OF_EMPLOYEE: Final = {
    f"user-{partner[8]}{number}": partner for partner in DOMAIN_OF_PARTNER for number in range(1, 4)
}
CLIENT_OF_USER: Final = {f"user-{client[7]}{number}": client for client in CLIENTS for number in range(1, 3)}
USERS: Final = (*PARTNER_OF_EMPLOYEE, *CLIENT_OF_USER)
SETS: Final = ("super_admin", "marketing", "sales", "view_only")
PERMISSIONS: Final = ("account.users.manage", "crm.export", "crm.import", "crm.contacts.view", "reports.view")
FALLBACK_PERMISSION: Final = "crm.contacts.communicate"

Operation = Callable[["RandomOperations"], object]


@dataclass(slots=True)
class RandomOperations:
    """A generator of random operations on two partners with three employees each and three clients with two users each.

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
        for client in CLIENTS:
            link_requests.put_account(client, kind="client", name="A client")
        for user_id, home_account_id in {**PARTNER_OF_EMPLOYEE, **CLIENT_OF_USER}.items():
            link_requests.put_user(
                user_id,
                email=f"{user_id}@{DOMAIN_OF_PARTNER.get(home_account_id, 'clients.example')}",
                name="Some User",
            )
            link_requests.put_member(
                home_account_id, user_id, permission_set="super_admin" if user_id.endswith("1") else "view_only"
            )

    def run_one(self) -> None:
        """Run one random operation and assert that it returns no server error. Client errors are expected."""
        operation = self.random.choice(ALL_OPERATIONS)
        answer = operation(self)
        if isinstance(answer, ApiResponse):
            assert answer.status < 500, answer
            self.succeeded += answer.status < 300

    # actors and records

    def choose(self, *options: Any) -> Any:
        return self.random.choice(options)

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

    # operations of the vendor

    def change_partner(self) -> ApiResponse:
        partner = self.choose(*DOMAIN_OF_PARTNER)
        fields = {
            "program": self.choose("active", "active", "active", "suspended", "terminated"),
            "state": self.choose("active", "active", "active", "closed"),
            "domains": self.choose([DOMAIN_OF_PARTNER[partner]], [DOMAIN_OF_PARTNER[partner]], ["elsewhere.example"]),
        }
        return self._put_account(partner, **{name: fields[name] for name in self.random.sample(sorted(fields), 2)})

    def restore_partner(self) -> ApiResponse:
        partner = self.choose(*DOMAIN_OF_PARTNER)
        return self._put_account(partner, program="active", state="active", domains=[DOMAIN_OF_PARTNER[partner]])

    def change_client(self) -> ApiResponse:
        fields = {"state": self.choose("active", "active", "closed"), "partner_seat_limit": self.choose(None, 0, 1, 3)}
        return self._put_account(
            self.choose(*CLIENTS), **{name: fields[name] for name in self.random.sample(sorted(fields), 1)}
        )

    def restore_client(self) -> ApiResponse:
        return self._put_account(self.choose(*CLIENTS), state="active", partner_seat_limit=None)

    def _put_account(self, account_id: str, **fields: object) -> ApiResponse:
        return call_as_vendor("PUT /directory/accounts/{account_id}", fields, account_id=account_id)

    def change_user(self) -> ApiResponse:
        user_id = self.choose(*USERS)
        return self._put_user(user_id, **self.some_of(active=self.choose(True, False), name=f"Name {self.succeeded}"))

    def restore_user(self) -> ApiResponse:
        user_id = self.choose(*USERS)
        domain = DOMAIN_OF_PARTNER.get(PARTNER_OF_EMPLOYEE.get(user_id, ""), "clients.example")
        return self._put_user(user_id, active=True, email=f"{user_id}@{domain}", name="Some User")

    def change_email_domain(self) -> ApiResponse:
        user_id = self.choose(*PARTNER_OF_EMPLOYEE)
        return self._put_user(user_id, email=f"{user_id}@{self.choose(*DOMAIN_OF_PARTNER.values(), 'nowhere.example')}")

    def _put_user(self, user_id: str, **fields: object) -> ApiResponse:
        return call_as_vendor("PUT /directory/users/{user_id}", fields, user_id=user_id)

    def change_member(self) -> ApiResponse:
        user_id = self.choose(*USERS)
        account_id = self.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
        return self._put_member(
            account_id, user_id, permission_set=self.choose(*SETS), **self.some_of(active=self.choose(True, False))
        )

    def restore_member(self) -> ApiResponse:
        user_id = self.choose(*USERS)
        return self._put_member(
            {**PARTNER_OF_EMPLOYEE, **CLIENT_OF_USER}[user_id],
            user_id,
            permission_set=self.choose("super_admin", "view_only"),
            active=True,
        )

    def _put_member(self, account_id: str, user_id: str, **fields: object) -> ApiResponse:
        route = "PUT /directory/accounts/{account_id}/members/{user_id}"
        return call_as_vendor(route, fields, account_id=account_id, user_id=user_id)

    def erase(self) -> ApiResponse:
        if self.random.random() < 0.8:
            return self.restore_user()
        return call_as_vendor("POST /directory/users/{user_id}/erasure", {}, user_id=self.choose(*USERS))

    # operations on links

    def create_link(self) -> ApiResponse:
        employee_id = self.choose(*PARTNER_OF_EMPLOYEE)
        partner = PARTNER_OF_EMPLOYEE[employee_id]
        new_link = self.some_of(
            access_days=self.choose(1, 8, 90), permissions={"remove": ["crm.export"]}, max_approvals=3
        )
        answer = link_requests.create(self.admin_of(partner), partner_id=partner, employee_id=employee_id, **new_link)
        return self._remember_secret(answer)

    def _remember_secret(self, answer: ApiResponse) -> ApiResponse:
        """Remember the secret of a response, so that later operations can use it."""
        if answer.status < 300 and answer.text and "url" in answer.body:
            self.links.append(link_requests.secret_of(answer))
        return answer

    def approve(self) -> ApiResponse:
        client = self.choose(*CLIENTS)
        approval = self.some_of(permissions={"remove": ["crm.import"]}, access_days=1)
        return link_requests.approve(self.admin_of(client), secret=self._recent_secret(), account_id=client, **approval)

    def decline(self) -> ApiResponse:
        client = self.choose(*CLIENTS)
        return link_requests.decline(self.admin_of(client), secret=self._recent_secret(), account_id=client)

    def _recent_secret(self) -> str:
        return str(self.choose(*self.links[-3:])) if self.links else "pal_none"

    def revoke_or_resend_link(self) -> ApiResponse:
        links = [
            each for partner in DOMAIN_OF_PARTNER for each in queries.query("pk = :pk", pk=f"PARTNER#{partner}").items
        ]
        if not links:
            return self.create_link()
        link = self.random.choice(links)
        where = {"partner_id": link["partner_id"], "link_id": link["link_id"]}
        send_request = self.choose(link_requests.revoke, link_requests.resend)
        return self._remember_secret(send_request(self.admin_of(link["partner_id"]), **where))

    def request_link_renewal(self) -> ApiResponse:
        return link_requests.request_renewal(self.choose(*CLIENT_OF_USER), secret=self._recent_secret())

    # operations on members

    def create_user(self) -> ApiResponse:
        client, user_id = self.choose(*CLIENTS), self.choose(*USERS)
        email = self.read_item(keys.user(user_id)).get("email", "nobody@nowhere.example")
        new_member = {"email": email, "permission_set": self.choose("partner_admin", "partner_admin", *SETS)}
        optional_fields = {"access_days": self.choose(1, 40)} if new_member["permission_set"] == "partner_admin" else {}
        return call(
            "POST /accounts/{account_id}/users",
            self.admin_of(client),
            {**new_member, **self.some_of(**optional_fields)},
            account_id=client,
        )

    def add_colleagues(self) -> ApiResponse:
        employee_id = self.choose(*PARTNER_OF_EMPLOYEE)
        partner = PARTNER_OF_EMPLOYEE[employee_id]
        partner_members = {
            client: [item["user_id"] for item in self.items_of_account(client) if item.get("partner_id") == partner]
            for client in CLIENTS
        }
        client = self.choose(*CLIENTS, *(client for client in CLIENTS for _ in partner_members[client]))
        likely_actors = partner_members[client] * len(PARTNER_OF_EMPLOYEE)
        new_colleagues = {"employee_ids": [employee_id], "permission_set": self.choose("sales", "view_only")}
        route = "POST /partners/{partner_id}/clients/{account_id}/users"
        return call(
            route,
            self.choose(*likely_actors, *PARTNER_OF_EMPLOYEE),
            new_colleagues,
            partner_id=partner,
            account_id=client,
        )

    def migrate(self) -> ApiResponse:
        client = self.choose(*CLIENTS)
        employee_id = self.choose(
            *(each for each in self._super_admins_of(client) if each in PARTNER_OF_EMPLOYEE), *PARTNER_OF_EMPLOYEE
        )
        if self.random.random() < 0.4:
            self._put_member(client, employee_id, permission_set="super_admin", active=True)
        if self.random.random() < 0.5:
            route = "POST /partners/{partner_id}/migrations"
            return call(route, employee_id, {"account_ids": list(CLIENTS)}, partner_id=PARTNER_OF_EMPLOYEE[employee_id])
        return call(
            "POST /accounts/{account_id}/migrations", self.admin_of(client), {"user_id": employee_id}, account_id=client
        )

    def _super_admins_of(self, account_id: str) -> list[str]:
        return sorted(self.read_item(keys.super_admins(account_id)).get("user_ids", ()))

    def edit(self) -> ApiResponse:
        account_id = self.choose(*CLIENTS, *CLIENTS, *DOMAIN_OF_PARTNER)
        user_id = self.member_of(account_id)
        possible_edits: list[dict[str, Any]] = [
            {"permission_set": self.choose(*SETS, "partner_admin", self.set_of(account_id)["set_id"])},
            {"permissions": {"remove": [self.choose(*PERMISSIONS)]}},
            {"permissions": {"add": [self.choose(*PERMISSIONS)]}},
            {"access_days": self.choose(1, 20, None)},
            {"seat": self.choose("core", "view_only")},
        ]
        expected_version = self.version_of(account_id, user_id)
        return membership_facts.edit(
            self.admin_of(account_id),
            user_id,
            account_id=account_id,
            expected_version=expected_version,
            **self.choose(*possible_edits),
        )

    def remove_user(self) -> ApiResponse:
        account_id = self.choose(*CLIENTS, *CLIENTS, *DOMAIN_OF_PARTNER)
        user_id = self.member_of(account_id)
        expected_version = self.version_of(account_id, user_id)
        if self.random.random() < 0.2:
            return membership_facts.remove(
                VENDOR, user_id, account_id=account_id, expected_version=expected_version, scope=DIRECTORY
            )
        by = self.choose(
            user_id, self.admin_of(account_id), self.admin_of(PARTNER_OF_EMPLOYEE.get(user_id, account_id))
        )
        return membership_facts.remove(by, user_id, account_id=account_id, expected_version=expected_version)

    def suspend(self) -> ApiResponse:
        client = self.choose(*CLIENTS)
        user_id = self.member_of(client)
        return membership_facts.suspend(
            self.admin_of(self.choose(client, PARTNER_OF_EMPLOYEE.get(user_id, client))), user_id, account_id=client
        )

    def resume(self) -> ApiResponse:
        client = self.choose(*CLIENTS)
        user_id = self.member_of(client)
        return membership_facts.resume(
            self.admin_of(self.choose(client, PARTNER_OF_EMPLOYEE.get(user_id, client))), user_id, account_id=client
        )

    def offboard_employee(self) -> ApiResponse:
        employee_id = self.choose(*PARTNER_OF_EMPLOYEE)
        partner = PARTNER_OF_EMPLOYEE[employee_id]
        route = "DELETE /partners/{partner_id}/employees/{user_id}/access"
        by = self.choose(employee_id, self.admin_of(partner), self.choose(*USERS))
        return call(route, by, partner_id=partner, user_id=employee_id)

    # operations on custom sets

    def create_set(self) -> ApiResponse:
        account_id = self.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
        new_set = {"name": "A set", "permissions": [*self.random.sample(PERMISSIONS, 2), "crm.companies.view"]}
        return call(
            "POST /accounts/{account_id}/permission-sets", self.admin_of(account_id), new_set, account_id=account_id
        )

    def update_or_remove_set(self) -> ApiResponse:
        account_id = self.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
        custom_set = self.set_of(account_id)
        where = {
            "account_id": account_id,
            "set_id": custom_set["set_id"],
            "headers": {"if-match": f'"{custom_set["version"]}"'},
        }
        route = "/accounts/{account_id}/permission-sets/{set_id}"
        if self.random.random() < 0.3:
            return call(f"DELETE {route}", self.admin_of(account_id), **where)
        update = {"name": "A set", "permissions": [self.choose(*PERMISSIONS), "crm.deals.view"]}
        return call(f"PUT {route}", self.admin_of(account_id), update, **where)

    def accept_set_updates(self) -> ApiResponse:
        """Accept the latest version of one of the vendor's sets."""
        client, name = self.choose(*CLIENTS), self.choose("partner_admin", "sales")
        acceptance = {"permission_set": name, "version": latest_version(name), "user_ids": [self.member_of(client)]}
        outdated_members = [
            item
            for each in CLIENTS
            for item in self.items_of_account(each)
            if item["sk"].startswith("MEMBER#") and item["permission_set"] in {"partner_admin", "sales"}
            if item["active"] and item["set_version"] < latest_version(item["permission_set"])
        ]
        if outdated_members:
            member = self.random.choice(outdated_members)
            client, name = member["account_id"], member["permission_set"]
            acceptance = {"permission_set": name, "version": latest_version(name), "user_ids": [member["user_id"]]}
        route = "POST /accounts/{account_id}/permission-sets/updates"
        return call(route, self.admin_of(client), acceptance, account_id=client)

    # time and scheduled jobs

    def time_passes(self) -> None:
        self.clock.advance(hours=self.choose(1, 12, 30, 24 * 8))

    def expire_links(self) -> None:
        run_function(EXPIRE_LINKS, {})

    def reconcile_access(self) -> None:
        run_reconcile_access()

    def run_scheduled_jobs(self) -> None:
        """Run the scheduled jobs until no reconciliation is queued."""
        for _ in range(5):
            self.clock.time += timedelta(minutes=5)
            self.expire_links()
            self.reconcile_access()
            if not self.table.items_with_prefix("RECONCILIATION#"):
                return
        raise AssertionError(self.table.items_with_prefix("RECONCILIATION#"))


FREQUENT_OPERATIONS: Final[tuple[Operation, ...]] = (
    RandomOperations.approve, RandomOperations.reconcile_access, RandomOperations.create_link, RandomOperations.create_user, RandomOperations.edit, RandomOperations.restore_partner, RandomOperations.migrate,
    RandomOperations.restore_user,
)  # fmt: skip
ALL_OPERATIONS: Final[tuple[Operation, ...]] = (
    *FREQUENT_OPERATIONS, *FREQUENT_OPERATIONS, *FREQUENT_OPERATIONS, RandomOperations.edit, RandomOperations.edit,
    RandomOperations.add_colleagues, RandomOperations.update_or_remove_set, RandomOperations.restore_client, RandomOperations.restore_client, RandomOperations.decline, RandomOperations.remove_user,
    RandomOperations.offboard_employee, RandomOperations.erase, RandomOperations.create_set, RandomOperations.restore_member, RandomOperations.revoke_or_resend_link, RandomOperations.request_link_renewal, RandomOperations.resume,
    RandomOperations.suspend, RandomOperations.suspend, RandomOperations.expire_links, RandomOperations.change_client, RandomOperations.change_partner, RandomOperations.change_member, RandomOperations.change_user,
    RandomOperations.time_passes, RandomOperations.change_email_domain,
)  # fmt: skip
