"""Whatever people and the vendor may think of, at random: acts at every door that changes who has access where."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from partner_access.domain.permissions.rights import latest
from partner_access.store import dynamo, keys
from tests.support import link_requests, membership_facts
from tests.support.background_functions import EXPIRE_LINKS, Clock, clean_up, run
from tests.support.gateway import DIRECTORY, VENDOR, Answer, call, tell
from tests.support.table import Item, Table

FIRMS: Final = {"partner-north": "north.example", "partner-south": "south.example"}
CLIENTS: Final = ("client-bakery", "client-florist", "client-harbour")
STAFF: Final = {f"user-{firm[8]}{number}": firm for firm in FIRMS for number in range(1, 4)}
OWN: Final = {f"user-{client[7]}{number}": client for client in CLIENTS for number in range(1, 3)}
PEOPLE: Final = (*STAFF, *OWN)
SETS: Final = ("super_admin", "marketing", "sales", "view_only")
PERMISSIONS: Final = ("account.users.manage", "crm.export", "crm.import", "crm.contacts.view", "reports.view")
FALL_BACK: Final = "crm.contacts.communicate"

Act = Callable[["Acts"], object]


@dataclass(slots=True)
class Acts:
    """Two partners with three employees each, three clients with two people each; the first of each runs it."""

    table: Table
    clock: Clock
    chance: Random
    links: list[str] = field(default_factory=list)
    done: int = 0

    def begin(self) -> None:
        """The vendor tells of everybody."""
        for firm, domain in FIRMS.items():
            link_requests.tell_account(firm, kind="partner", name="A firm", domains=[domain])
        for client in CLIENTS:
            link_requests.tell_account(client, kind="client", name="A client")
        for person, home in {**STAFF, **OWN}.items():
            link_requests.tell_user(person, email=f"{person}@{FIRMS.get(home, 'clients.example')}", name="Somebody")
            link_requests.tell_member(
                home, person, permission_set="super_admin" if person.endswith("1") else "view_only"
            )

    def one(self) -> None:
        """One act of somebody, whether or not it is refused; nothing is ever a fault."""
        act = self.chance.choice(DOORS)
        answer = act(self)
        if isinstance(answer, Answer):
            assert answer.status < 500, answer
            self.done += answer.status < 300

    # who and what

    def any(self, *of: Any) -> Any:
        return self.chance.choice(of)

    def perhaps(self, **values: Any) -> dict[str, Any]:
        """Some of these."""
        return {name: value for name, value in values.items() if self.chance.random() < 0.5}

    def kept(self, key: keys.Key) -> Item:
        return dict(dynamo.read([key]).get(key, {}))

    def under(self, account_id: str) -> list[Item]:
        """All that stands with an account."""
        return dynamo.query("pk = :pk", pk=f"ACCOUNT#{account_id}").items

    def admin_of(self, account_id: str) -> str:
        """Mostly somebody who runs the account, if anybody does."""
        runs = sorted(self.kept(keys.super_admins(account_id)).get("user_ids", ()))
        return str(self.any(*runs)) if runs and self.chance.random() < 0.9 else str(self.any(*PEOPLE))

    def member_of(self, account_id: str) -> str:
        """Mostly somebody who is in there now, and rather for a partner."""
        there = [item for item in self.under(account_id) if item["sk"].startswith("MEMBER#")]
        here = [item["user_id"] for item in there if item["active"]]
        for_partners = [item["user_id"] for item in there if item.get("partner_id")]
        return str(self.any(*here, *here, *for_partners, *for_partners, *for_partners, self.any(*PEOPLE)))

    def version_of(self, account_id: str, user_id: str) -> int:
        return int(self.kept(keys.member(account_id, user_id)).get("version", 1))

    def set_of(self, account_id: str) -> Item:
        """One of the account's own sets, if it has any."""
        own = [item for item in self.under(account_id) if item["sk"].startswith("SET#")]
        return self.chance.choice(own) if own else {"set_id": f"set_{'0' * 32}", "version": 1}

    # the vendor

    def tell_firm(self) -> Answer:
        firm = self.any(*FIRMS)
        told = {
            "program": self.any("active", "active", "active", "suspended", "terminated"),
            "state": self.any("active", "active", "active", "closed"),
            "domains": self.any([FIRMS[firm]], [FIRMS[firm]], ["elsewhere.example"]),
        }
        return self._tell_account(firm, **{name: told[name] for name in self.chance.sample(sorted(told), 2)})

    def firm_is_well(self) -> Answer:
        firm = self.any(*FIRMS)
        return self._tell_account(firm, program="active", state="active", domains=[FIRMS[firm]])

    def tell_client(self) -> Answer:
        told = {"state": self.any("active", "active", "closed"), "partner_seat_limit": self.any(None, 0, 1, 3)}
        return self._tell_account(
            self.any(*CLIENTS), **{name: told[name] for name in self.chance.sample(sorted(told), 1)}
        )

    def client_is_well(self) -> Answer:
        return self._tell_account(self.any(*CLIENTS), state="active", partner_seat_limit=None)

    def _tell_account(self, account_id: str, **told: object) -> Answer:
        return tell("PUT /directory/accounts/{account_id}", told, account_id=account_id)

    def tell_user(self) -> Answer:
        person = self.any(*PEOPLE)
        return self._tell_user(person, **self.perhaps(active=self.any(True, False), name=f"Name {self.done}"))

    def user_is_well(self) -> Answer:
        person = self.any(*PEOPLE)
        domain = FIRMS.get(STAFF.get(person, ""), "clients.example")
        return self._tell_user(person, active=True, email=f"{person}@{domain}", name="Somebody")

    def user_moves(self) -> Answer:
        person = self.any(*STAFF)
        return self._tell_user(person, email=f"{person}@{self.any(*FIRMS.values(), 'nowhere.example')}")

    def _tell_user(self, user_id: str, **told: object) -> Answer:
        return tell("PUT /directory/users/{user_id}", told, user_id=user_id)

    def tell_member(self) -> Answer:
        person = self.any(*PEOPLE)
        account_id = self.any(*CLIENTS, *FIRMS)
        return self._tell_member(
            account_id, person, permission_set=self.any(*SETS), **self.perhaps(active=self.any(True, False))
        )

    def member_is_well(self) -> Answer:
        person = self.any(*PEOPLE)
        return self._tell_member(
            {**STAFF, **OWN}[person], person, permission_set=self.any("super_admin", "view_only"), active=True
        )

    def _tell_member(self, account_id: str, user_id: str, **told: object) -> Answer:
        route = "PUT /directory/accounts/{account_id}/members/{user_id}"
        return tell(route, told, account_id=account_id, user_id=user_id)

    def erase(self) -> Answer:
        if self.chance.random() < 0.8:
            return self.user_is_well()
        return tell("POST /directory/users/{user_id}/erasure", {}, user_id=self.any(*PEOPLE))

    # links

    def create_link(self) -> Answer:
        person = self.any(*STAFF)
        firm = STAFF[person]
        wish = self.perhaps(access_days=self.any(1, 8, 90), permissions={"remove": ["crm.export"]}, max_approvals=3)
        answer = link_requests.create(self.admin_of(firm), partner_id=firm, employee_id=person, **wish)
        return self._with_its_secret(answer)

    def _with_its_secret(self, answer: Answer) -> Answer:
        """Whoever was told a secret may use it."""
        if answer.status < 300 and answer.text and "url" in answer.body:
            self.links.append(link_requests.secret_of(answer))
        return answer

    def approve(self) -> Answer:
        client = self.any(*CLIENTS)
        wish = self.perhaps(permissions={"remove": ["crm.import"]}, access_days=1)
        return link_requests.approve(self.admin_of(client), secret=self._secret(), account_id=client, **wish)

    def decline(self) -> Answer:
        client = self.any(*CLIENTS)
        return link_requests.decline(self.admin_of(client), secret=self._secret(), account_id=client)

    def _secret(self) -> str:
        return str(self.any(*self.links[-3:])) if self.links else "pal_none"

    def of_a_link(self) -> Answer:
        links = [each for firm in FIRMS for each in dynamo.query("pk = :pk", pk=f"PARTNER#{firm}").items]
        if not links:
            return self.create_link()
        link = self.chance.choice(links)
        where = {"partner_id": link["partner_id"], "link_id": link["link_id"]}
        knock = self.any(link_requests.revoke, link_requests.resend)
        return self._with_its_secret(knock(self.admin_of(link["partner_id"]), **where))

    def renew(self) -> Answer:
        return link_requests.renew(self.any(*OWN), secret=self._secret())

    # members

    def create_user(self) -> Answer:
        client, person = self.any(*CLIENTS), self.any(*PEOPLE)
        email = self.kept(keys.user(person)).get("email", "nobody@nowhere.example")
        wish = {"email": email, "permission_set": self.any("partner_admin", "partner_admin", *SETS)}
        more = {"access_days": self.any(1, 40)} if wish["permission_set"] == "partner_admin" else {}
        return call(
            "POST /accounts/{account_id}/users",
            self.admin_of(client),
            {**wish, **self.perhaps(**more)},
            account_id=client,
        )

    def add_colleagues(self) -> Answer:
        person = self.any(*STAFF)
        firm = STAFF[person]
        everywhere = {
            client: [item["user_id"] for item in self.under(client) if item.get("partner_id") == firm]
            for client in CLIENTS
        }
        client = self.any(*CLIENTS, *(client for client in CLIENTS for _ in everywhere[client]))
        there = everywhere[client] * len(STAFF)
        wish = {"employee_ids": [person], "permission_set": self.any("sales", "view_only")}
        route = "POST /partners/{partner_id}/clients/{account_id}/users"
        return call(route, self.any(*there, *STAFF), wish, partner_id=firm, account_id=client)

    def migrate(self) -> Answer:
        client = self.any(*CLIENTS)
        person = self.any(*(each for each in self._runs(client) if each in STAFF), *STAFF)
        if self.chance.random() < 0.4:
            self._tell_member(client, person, permission_set="super_admin", active=True)
        if self.chance.random() < 0.5:
            route = "POST /partners/{partner_id}/migrations"
            return call(route, person, {"account_ids": list(CLIENTS)}, partner_id=STAFF[person])
        return call(
            "POST /accounts/{account_id}/migrations", self.admin_of(client), {"user_id": person}, account_id=client
        )

    def _runs(self, account_id: str) -> list[str]:
        return sorted(self.kept(keys.super_admins(account_id)).get("user_ids", ()))

    def edit(self) -> Answer:
        account_id = self.any(*CLIENTS, *CLIENTS, *FIRMS)
        person = self.member_of(account_id)
        wishes: list[dict[str, Any]] = [
            {"permission_set": self.any(*SETS, "partner_admin", self.set_of(account_id)["set_id"])},
            {"permissions": {"remove": [self.any(*PERMISSIONS)]}},
            {"permissions": {"add": [self.any(*PERMISSIONS)]}},
            {"access_days": self.any(1, 20, None)},
            {"seat": self.any("core", "view_only")},
        ]
        seen = self.version_of(account_id, person)
        return membership_facts.edit(
            self.admin_of(account_id), person, account_id=account_id, seen=seen, **self.any(*wishes)
        )

    def end(self) -> Answer:
        account_id = self.any(*CLIENTS, *CLIENTS, *FIRMS)
        person = self.member_of(account_id)
        seen = self.version_of(account_id, person)
        if self.chance.random() < 0.2:
            return membership_facts.end(VENDOR, person, account_id=account_id, seen=seen, scope=DIRECTORY)
        by = self.any(person, self.admin_of(account_id), self.admin_of(STAFF.get(person, account_id)))
        return membership_facts.end(by, person, account_id=account_id, seen=seen)

    def suspend(self) -> Answer:
        client = self.any(*CLIENTS)
        person = self.member_of(client)
        return membership_facts.suspend(
            self.admin_of(self.any(client, STAFF.get(person, client))), person, account_id=client
        )

    def resume(self) -> Answer:
        client = self.any(*CLIENTS)
        person = self.member_of(client)
        return membership_facts.resume(
            self.admin_of(self.any(client, STAFF.get(person, client))), person, account_id=client
        )

    def end_access(self) -> Answer:
        person = self.any(*STAFF)
        firm = STAFF[person]
        route = "DELETE /partners/{partner_id}/employees/{user_id}/access"
        by = self.any(person, self.admin_of(firm), self.any(*PEOPLE))
        return call(route, by, partner_id=firm, user_id=person)

    # an account's own sets

    def make_set(self) -> Answer:
        account_id = self.any(*CLIENTS, *FIRMS)
        wish = {"name": "A set", "permissions": [*self.chance.sample(PERMISSIONS, 2), "crm.companies.view"]}
        return call(
            "POST /accounts/{account_id}/permission-sets", self.admin_of(account_id), wish, account_id=account_id
        )

    def change_set(self) -> Answer:
        account_id = self.any(*CLIENTS, *FIRMS)
        own = self.set_of(account_id)
        where = {"account_id": account_id, "set_id": own["set_id"], "headers": {"if-match": f'"{own["version"]}"'}}
        route = "/accounts/{account_id}/permission-sets/{set_id}"
        if self.chance.random() < 0.3:
            return call(f"DELETE {route}", self.admin_of(account_id), **where)
        wish = {"name": "A set", "permissions": [self.any(*PERMISSIONS), "crm.deals.view"]}
        return call(f"PUT {route}", self.admin_of(account_id), wish, **where)

    def accept_updates(self) -> Answer:
        """Of a set of the vendor's, in the version that is the latest."""
        client, name = self.any(*CLIENTS), self.any("partner_admin", "sales")
        wish = {"permission_set": name, "version": latest(name), "user_ids": [self.member_of(client)]}
        waiting = [
            item
            for each in CLIENTS
            for item in self.under(each)
            if item["sk"].startswith("MEMBER#") and item["permission_set"] in {"partner_admin", "sales"}
            if item["active"] and item["set_version"] < latest(item["permission_set"])
        ]
        if waiting:
            member = self.chance.choice(waiting)
            client, name = member["account_id"], member["permission_set"]
            wish = {"permission_set": name, "version": latest(name), "user_ids": [member["user_id"]]}
        route = "POST /accounts/{account_id}/permission-sets/updates"
        return call(route, self.admin_of(client), wish, account_id=client)

    # time

    def time_passes(self) -> None:
        self.clock.passes(hours=self.any(1, 12, 30, 24 * 8))

    def sweep(self) -> None:
        run(EXPIRE_LINKS, {})

    def clean_up(self) -> None:
        clean_up()

    def settles(self) -> None:
        """Time enough for the sweeps to see to all that is due."""
        for _ in range(5):
            self.clock.time += timedelta(minutes=5)
            self.sweep()
            self.clean_up()
            if not self.table.under("RECONCILIATION#"):
                return
        raise AssertionError(self.table.under("RECONCILIATION#"))


OFTEN: Final[tuple[Act, ...]] = (
    Acts.approve, Acts.clean_up, Acts.create_link, Acts.create_user, Acts.edit, Acts.firm_is_well, Acts.migrate,
    Acts.user_is_well,
)  # fmt: skip
DOORS: Final[tuple[Act, ...]] = (
    *OFTEN, *OFTEN, *OFTEN, Acts.edit, Acts.edit,
    Acts.add_colleagues, Acts.change_set, Acts.client_is_well, Acts.client_is_well, Acts.decline, Acts.end,
    Acts.end_access, Acts.erase, Acts.make_set, Acts.member_is_well, Acts.of_a_link, Acts.renew, Acts.resume,
    Acts.suspend, Acts.suspend, Acts.sweep, Acts.tell_client, Acts.tell_firm, Acts.tell_member, Acts.tell_user,
    Acts.time_passes, Acts.user_moves,
)  # fmt: skip
