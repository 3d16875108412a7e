"""What should become of every request, in plain dicts and in the words of domain.md and contract.md.

Memberships are kept as Naive reads them (tests/support/reference_policy.py), who says what anybody may do. Where contract.md gives no order,
the first refusal is the product's. Not foreseen: versions, what a clean-up tells whom, and who is warned of an end.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from typing_extensions import override

from partner_access.domain.permissions import catalogue
from tests.support.reference_policy import Naive, Reach, State, read

DAY: Final = 86_400
DIRECTORY: Final = "@directory"
STALE: Final = "999999"
"""A version that nothing has."""
OF_THE_ACCOUNT: Final = {"super_admin", "user_manager"}
NOT_FORESEEN: Final = {
    "account.orphaned", "member.retained", "grant.ending", "program.resumed", "program.stopped",
    "member.resumed", "member.suspended",
}  # fmt: skip
"""What a clean-up or a sweep tells of what holds already."""

Entry = tuple[str, tuple[str, ...]]


class No(Exception):
    """Refused, with this code."""


@dataclass(frozen=True)
class Asked:
    """A request as it counts."""

    route: str
    by: str
    for_vendor: bool
    path: Mapping[str, str]
    body: Mapping[str, Any]
    seen: str | None = None


class Held(Naive):
    """All that somebody holds, whether or not a seat opens it, and whether or not the account is open."""

    @override
    def is_paid(self, name: str, place: State) -> bool:
        return True

    def rights(self, place: State) -> Reach:
        """Of a place, whoever suspends him."""
        return {name: reach for name, reach in (self.held(place) or {}).items() if self.exists(name)}


def refuse(code: str) -> NoReturn:
    raise No(code)


def ended(member: State) -> State:
    """What is left without the grant: what he was before, or nobody."""
    gone = {**member, "seat": None, "partner_id": None, "access_generation": 0, "active": False}
    rest = {**member, **member["previous"]} if member["previous"] else gone
    return {**rest, "grant": None, "previous": None, "suspended_by": member["suspended_by"] & {"client"}}


def usual_seat(name: str) -> str:
    return "view_only" if name == "view_only" else "core"


def latest(name: str) -> int:
    return len(catalogue.SETS[name])


def beyond(more: Reach, less: Reach) -> set[str]:
    return {name for name in more if more[name] > less.get(name, 0)}


def too_far(rights: Reach) -> set[str]:
    """Delete ≤ edit ≤ view (domain.md §3)."""
    below = {"delete": "edit", "edit": "view"}
    parts = ((name, *name.rpartition(".")[::2]) for name in rights if name in catalogue.SCOPED)
    return {
        name
        for name, noun, action in parts
        if action in below and rights.get(f"{noun}.{below[action]}", 0) < rights[name]
    }


def adjusted(base: Reach, added: Iterable[str], removed: Iterable[str]) -> Reach:
    left = {name: reach for name, reach in base.items() if name not in set(removed)}
    return left | {name: max(reach, left.get(name, 0)) for name, reach in read(tuple(added)).items()}


def place(name: str, seat: str, *, version: int, partner_id: str | None = None, tenure: int = 0) -> State:
    return {
        "permission_set": name,
        "set_version": version,
        "added": (),
        "removed": (),
        "seat": seat,
        "paid_seats": (),
        "partner_id": partner_id,
        "access_generation": tenure,
    }


PLACE: Final = frozenset(place("", "", version=1))


class Model:
    """One method for each route, which refuses or changes the dicts; whoever wants a wrong model overrides one."""

    def __init__(self) -> None:
        self.accounts: dict[str, State] = {}
        self.users: dict[str, State] = {}
        self.members: dict[tuple[str, str], State] = {}
        self.links: dict[str, State] = {}
        self.sets: dict[tuple[str, str], State] = {}
        self.clean_ups: list[State] = []
        self.entries: list[Entry] = []
        self.rows: list[tuple[str, str | None]] = []
        self.at = 0

    def take(self, asked: Asked, told: Any, at: int) -> str:
        """The code of the refusal, or nothing; `told` is the answer, which is only asked for the names it gives."""
        self.asked, self.told, self.at, self.by = asked, told or {}, at, asked.by
        self.entries, self.rows = [], []
        try:
            ROUTES[asked.route](self, **asked.path)
        except No as no:
            return str(no)
        return ""

    def happens(self, event: str, *accounts: str | None) -> None:
        """One entry for each account concerned."""
        self.entries.append((event, tuple(sorted({each for each in accounts if each}))))

    # who is what, now

    def reader(self, account_id: str, user_id: str, kind: type[Naive] = Held) -> Any:
        account, user = self.accounts.get(account_id), self.users.get(user_id)
        is_open = {"state": "active"} if account and kind is Held else {}
        state = {
            "account": account and {**account, **is_open},
            "user": user and {**user, "employed_by": self.works_for(user_id)},
            "member": self.members.get((account_id, user_id)),
            "firms": {each: found for each, found in self.accounts.items() if found["kind"] == "partner"},
            "sets": {each: found for (its, each), found in self.sets.items() if its == account_id},
        }
        return kind(state, self.at)

    def decides(self, user_id: str, permission: str, account_id: str) -> bool:
        return permission in self.reader(account_id, user_id, Naive).may()

    def held(self, account_id: str, user_id: str) -> Reach:
        found: Reach = self.reader(account_id, user_id).may()
        return found

    def now(self, account_id: str, user_id: str) -> State:
        """The membership as it counts, with `active` false for nobody."""
        member = self.members.get((account_id, user_id)) or {"active": False}
        reader = self.reader(account_id, user_id)
        while member["active"] and reader.is_over(member):
            member = ended(member)
        return member

    def works_for(self, user_id: str) -> set[str]:
        """The partner accounts where he is an active member (§2)."""
        mine = (account for (account, user), member in self.members.items() if user == user_id and member["active"])
        return {account for account in mine if self.accounts[account]["kind"] == "partner"}

    def is_in(self, account_id: str, user_id: str) -> bool:
        return bool(self.now(account_id, user_id)["active"])

    def is_eligible(self, user_id: str, firm: str | None) -> bool:
        user = self.users.get(user_id)
        is_firm = firm in self.accounts and self.accounts[firm]["kind"] == "partner"
        return bool(user and user["active"] and is_firm and self.reader(str(firm), user_id).is_eligible(firm))

    def reasons(self, account_id: str, user_id: str) -> set[str]:
        """Who keeps him from access."""
        now = self.now(account_id, user_id)
        if not now["active"]:
            return set()
        firm, own = now["partner_id"], set(now["suspended_by"])
        return own | ({"firm"} if firm and not self.is_eligible(user_id, firm) else set())

    def roster(self, account_id: str, but: str = "") -> list[str]:
        return [
            user
            for (account, user), member in self.members.items()
            if account == account_id and user != but and member["active"] and member["permission_set"] == "super_admin"
        ]

    def runs(self, account_id: str, user_id: str) -> bool:
        now = self.now(account_id, user_id)
        return now["active"] and now["permission_set"] == "super_admin" and bool(self.held(account_id, user_id))

    def taken(self, account_id: str) -> int:
        return sum(m["seat"] == "partner" for (account, _), m in self.members.items() if account == account_id)

    def tenure(self, user_id: str, firm: str) -> int:
        return int(self.users[user_id]["offboardings"].get(firm, 0) + self.accounts[firm]["terminations"])

    # what must be

    def must_be_member(self, account_id: str) -> None:
        if not self.is_in(account_id, self.by):
            refuse("not_found")
        if not self.users[self.by]["active"]:
            refuse("forbidden")

    def must_be_open(self, account_id: str) -> None:
        if self.accounts[account_id]["state"] != "active":
            refuse("account_closed")

    def must_be_staff(self, firm: str) -> None:
        if self.accounts.get(firm, {}).get("kind") != "partner":
            refuse("not_found")
        self.must_be_member(firm)

    def can_approve(self, account_id: str) -> bool:
        """Never whoever is here for a partner (§4)."""
        now = self.now(account_id, self.by)
        return not now["partner_id"] and "account.users.manage" in self.held(account_id, self.by)

    def must_be_approver(self, account_id: str, asked_by: str | None) -> None:
        self.must_be_member(account_id)
        if not self.can_approve(account_id):
            refuse("not_an_approver")
        if asked_by in self.works_for(self.by):
            independent = [
                each for each in self.roster(account_id) if self.runs(account_id, each) and not self.works_for(each)
            ]
            refuse("own_partner_may_not_approve" if independent else "no_independent_approver")

    def must_keep_a_super_admin(self, account_id: str, but: str) -> None:
        """Rule 16."""
        if not any(self.runs(account_id, each) for each in self.roster(account_id, but)):
            refuse("last_super_admin")

    # the vendor

    def tell_account(self, account_id: str) -> None:
        told = dict(self.asked.body)
        blank: State = {
            "account_id": account_id,
            "state": "active",
            "pricing": "seat_based",
            "partner_seat_limit": None,
            "terminations": 0,
        }
        blank |= {"domains": [], "program": "active"} if told.get("kind") == "partner" else {}
        before = self.accounts.get(account_id)
        account = {**(before or blank), **told}
        if account == before:
            return
        if account["partner_seat_limit"] is not None and account["partner_seat_limit"] < self.taken(account_id):
            refuse("limit_below_use")
        self.happens("account.updated" if before else "account.created", account_id)
        self.accounts[account_id] = account
        if not before or account["kind"] != "partner":
            return
        stops = account["program"] == "terminated" != before["program"]
        account["terminations"] += stops
        if {name for name in ("domains", "program", "state") if account[name] != before[name]}:
            self.clean_ups.append({"firm": account_id, "user": None, "ends": stops})

    def tell_user(self, user_id: str) -> None:
        told, before = self.asked.body, self.users.get(user_id)
        if (not before or before["email"] is None) and not {"email", "name"} <= set(told):
            refuse("missing_field")
        if any(user["email"] == told.get("email", "") for each, user in self.users.items() if each != user_id):
            refuse("email_in_use")
        user = {**(before or {"active": True, "offboardings": {}}), **told}
        if user == before:
            return
        leaves = before and before["active"] and not user["active"]
        his = [account for account, each in self.members if each == user_id and user_id in self.roster(account)]
        orphaned = [
            account
            for account in his
            if leaves and not any(self.runs(account, each) for each in self.roster(account, user_id))
        ]
        self.happens("user.updated" if before else "user.created", DIRECTORY, *orphaned)
        self.users[user_id] = user
        if before and (user["active"], user["email"]) != (before["active"], before["email"]):
            self.clean_ups.append({"firm": None, "user": user_id, "ends": False})

    def erase(self, user_id: str) -> None:
        user = self.users[user_id]
        if any(user_id in self.roster(account) for account in self.accounts):
            refuse("is_super_admin")
        if user["email"] is None:
            return
        mine = [member for (_, each), member in self.members.items() if each == user_id]
        places = [each for member in mine for each in (member, member["previous"]) if each]
        firms = {each["partner_id"] for each in places if each["partner_id"]} | self.works_for(user_id)
        leavings = {**user["offboardings"], **{firm: user["offboardings"].get(firm, 0) + 1 for firm in firms}}
        self.users[user_id] = {**user, "email": None, "name": "", "active": False, "offboardings": leavings}
        self.clean_ups.append({"firm": None, "user": user_id, "ends": True})
        self.happens("user.erased", DIRECTORY)

    def tell_member(self, account_id: str, user_id: str) -> None:
        told, where = self.asked.body, (account_id, user_id)
        before, now = self.members.get(where), self.now(account_id, user_id)
        if before and all(now[name] == value for name, value in told.items()):
            return
        self.must_be_open(account_id)
        if now.get("grant"):
            refuse("already_partner_admin")
        name = told["permission_set"]
        if not before:
            fresh: State = {"active": True, "grant": None, "previous": None, "suspended_by": set()}
            member = {**place(name, usual_seat(name), version=latest(name)), **fresh, **told}
        else:
            another = {"set_version": latest(name), "added": (), "removed": ()} if name != now["permission_set"] else {}
            own = {"partner_id": None, "access_generation": 0} if name == "super_admin" != now["permission_set"] else {}
            member = {**now, "seat": now["seat"] or usual_seat(name), **another, **own, **told}
        is_super = name == "super_admin" and member["active"]
        if is_super and (self.reasons(account_id, user_id) or {"client", "partner"} & set(member["suspended_by"])):
            refuse("grant_suspended")
        was_super = now["active"] and now["permission_set"] == "super_admin"
        comes_in_vain = is_super and not was_super and not self.users[user_id]["active"]
        if comes_in_vain or (was_super and not is_super):
            self.must_keep_a_super_admin(account_id, user_id)
        self.members[where] = member
        self.happens("member.updated" if before else "member.created", account_id)
        if before and self.accounts[account_id]["kind"] == "partner" and before["active"] != member["active"]:
            self.clean_ups.append({"firm": account_id, "user": user_id, "ends": False})

    # links

    def create_link(self, partner_id: str) -> None:
        self.must_be_staff(partner_id)
        if "partner.client_access.manage" not in self.held(partner_id, self.by):
            refuse("forbidden")
        wish = self.asked.body
        if not self.is_eligible(wish["employee_id"], partner_id):
            refuse("not_eligible")
        self.links[str(self.told.get("link_id"))] = {
            "partner_id": partner_id,
            "employee_id": wish["employee_id"],
            "created_by": self.by,
            "expires_at": self.at + 7 * DAY,
            "removed": tuple(wish.get("permissions", {}).get("remove", ())),
            "set_version": latest("partner_admin"),
            "access_days": wish.get("access_days"),
            "max_approvals": wish.get("max_approvals", 1),
            "approvals": 0,
            "stored_state": "open",
            "secret": self.told.get("url", "").rpartition("#")[2],
            "replies": {},
            "resent_at": [],
            "renewal_requested": False,
            "access_generation": self.tenure(wish["employee_id"], partner_id),
        }
        self.happens("link.created", partner_id)

    def state(self, link: State, *, with_tenure: bool = True) -> str:
        """Computed from `expires_at` when read; what asks for somebody whose access was ended asks for nothing."""
        if link["approvals"] >= link["max_approvals"]:
            return "approved"
        if link["stored_state"] == "open" and link["expires_at"] <= self.at:
            return "expired"
        if (
            with_tenure
            and link["stored_state"] == "open"
            and link["access_generation"] < self.tenure(link["employee_id"], link["partner_id"])
        ):
            return "revoked"
        return str(link["stored_state"])

    def opened(self) -> State:
        """Wrong, malformed and unknown secret: one answer (rule 3)."""
        found = [link for link in self.links.values() if link["secret"] == self.asked.body["secret"]]
        return found[0] if found else refuse("link_not_found")

    def must_be_usable(self, state: str) -> None:
        if state != "open":
            refuse("link_already_used" if state == "approved" else f"link_{state}")

    def answerable(self) -> tuple[State, str]:
        link, account_id = self.opened(), self.asked.body["account_id"]
        self.must_be_usable(self.state(link))
        self.must_be_approver(account_id, link["partner_id"])
        self.must_be_usable(link["replies"].get(account_id, "open"))
        return link, account_id

    def approve(self) -> None:
        link, account_id = self.answerable()
        wish, firm, user_id = self.asked.body, link["partner_id"], link["employee_id"]
        removed = {*link["removed"], *wish.get("permissions", {}).get("remove", ())}
        try:
            self.admit(
                account_id,
                user_id,
                firm,
                removed=removed,
                days=wish.get("access_days") or link["access_days"],
                version=link["set_version"],
            )
        except No as no:
            if str(no) == "not_eligible":  # rule 6
                link["stored_state"] = "revoked"
                self.happens("link.revoked", firm)
            raise
        link["approvals"] += 1
        link["replies"][account_id] = "approved"
        self.happens("link.approved", account_id, firm)

    def admit(
        self, account_id: str, user_id: str, firm: str | None, *, removed: Iterable[str], days: Any, version: int
    ) -> None:
        """Rules 10 to 12."""
        self.must_be_open(account_id)
        if not firm or not self.is_eligible(user_id, firm):
            refuse("not_eligible")
        now = self.now(account_id, user_id)
        if now["active"]:
            if now["permission_set"] == "super_admin":
                refuse("is_super_admin")
            if self.reasons(account_id, user_id):
                refuse("grant_suspended")
            if now["grant"]:
                refuse("already_partner_admin")
        before = self.members.get((account_id, user_id), {})
        if before.get("seat") != "partner":
            self.must_have_a_seat(account_id)
        base = self.reader(account_id, user_id).in_set("partner_admin", version)
        self.members[account_id, user_id] = {
            **place("partner_admin", "partner", version=version, partner_id=firm, tenure=self.tenure(user_id, firm)),
            "removed": tuple(sorted(set(removed) & set(base))),
            "active": True,
            "grant": self.grant(firm, days),
            "previous": {name: now[name] for name in PLACE} if now["active"] else None,
            "suspended_by": set(),
        }

    def must_have_a_seat(self, account_id: str) -> None:
        limit = self.accounts[account_id]["partner_seat_limit"]
        if limit is not None and self.taken(account_id) >= limit:
            refuse("no_seat_left")

    def grant(self, firm: str, days: Any) -> State:
        return {"partner_id": firm, "expires_at": self.at + days * DAY if days else None, "set_version": None}

    def decline(self) -> None:
        link, account_id = self.answerable()
        self.must_be_open(account_id)
        if link["max_approvals"] == 1:
            link["stored_state"] = "declined"
        link["replies"][account_id] = "declined"
        self.happens("link.declined", account_id, link["partner_id"])

    def renew(self) -> None:
        link = self.opened()
        if self.state(link) == "open":
            refuse("link_still_open")
        if not self.users[self.by]["active"]:
            refuse("forbidden")
        if not link["renewal_requested"]:
            link["renewal_requested"] = True
            self.happens("link.renewal_requested", link["partner_id"])

    def managed(self, partner_id: str, link_id: str) -> State:
        """To whoever of the firm it does not concern, the link is not there."""
        self.must_be_staff(partner_id)
        manages = "partner.client_access.manage" in self.held(partner_id, self.by)
        link = self.links.get(link_id)
        if not link or (not manages and self.by not in (link["employee_id"], link["created_by"])):
            refuse("not_found")
        return link if manages else refuse("forbidden")

    def revoke(self, partner_id: str, link_id: str) -> None:
        link = self.managed(partner_id, link_id)
        state = self.state(link, with_tenure=False)
        if state == "approved":
            refuse("link_already_used")
        if state == "open":
            link["stored_state"] = "revoked"
            self.happens("link.revoked", partner_id)

    def resend(self, partner_id: str, link_id: str) -> None:
        link = self.managed(partner_id, link_id)
        self.must_be_usable(self.state(link))
        if not self.is_eligible(link["employee_id"], partner_id):
            refuse("not_eligible")
        today = [each for each in link["resent_at"] if self.at - each < DAY]
        if len(today) >= 5 or any(self.at - each < 60 for each in today):
            refuse("rate_limited")
        secret = self.told.get("url", "").rpartition("#")[2]
        link |= {"expires_at": self.at + 7 * DAY, "resent_at": [*today, self.at], "secret": secret}
        self.happens("link.resent", partner_id)

    # members

    def create_user(self, account_id: str) -> None:
        wish = self.asked.body
        self.must_be_member(account_id)
        user_id = next((each for each, user in self.users.items() if user["email"] == wish["email"]), "")
        if wish["permission_set"] == "partner_admin":
            self.create_partner_admin(account_id, user_id, wish)
        else:
            self.create_ordinary(account_id, user_id, wish["permission_set"])

    def create_partner_admin(self, account_id: str, user_id: str, wish: Mapping[str, Any]) -> None:
        firms = self.works_for(user_id)
        firm = min(firms) if len(firms) == 1 else None
        self.must_be_approver(account_id, firm)
        if len(firms) > 1:  # rule 14
            refuse("invalid_field")
        days, version = wish.get("access_days"), latest("partner_admin")
        self.admit(account_id, user_id, firm, removed=(), days=days, version=version)
        self.happens("member.created", account_id, firm)

    def create_ordinary(self, account_id: str, user_id: str, name: str) -> None:
        giver = self.held(account_id, self.by)
        if "account.users.manage" not in giver:
            refuse("forbidden")
        firm = self.now(account_id, self.by)["partner_id"]
        if firm and not self.is_eligible(user_id, firm):
            refuse("forbidden")
        if not self.users.get(user_id, {}).get("active"):
            refuse("invalid_field")
        reader = self.reader(account_id, user_id)
        given = {each: reach for each, reach in reader.in_set(name, latest(name)).items() if reader.exists(each)}
        if beyond(given, giver):
            refuse("permission_not_held")
        if self.are_colleagues(user_id) and catalogue.RESTRICTED & set(given):
            refuse("own_partner_may_not_approve")
        self.must_be_open(account_id)
        now = self.now(account_id, user_id)
        if now["active"]:
            refuse("already_member")
        if firm and "client" in now.get("suspended_by", ()):
            refuse("grant_suspended")
        seat, tenure = ("view_only", self.tenure(user_id, firm)) if firm else (usual_seat(name), 0)
        self.members[account_id, user_id] = {
            **place(name, seat, version=latest(name), partner_id=firm, tenure=tenure),
            "active": True,
            "grant": None,
            "previous": None,
            "suspended_by": set(),
        }
        self.happens("member.created", account_id, firm)

    def are_colleagues(self, user_id: str) -> bool:
        return bool(self.works_for(self.by) & self.works_for(user_id))

    def add_colleagues(self, partner_id: str, account_id: str) -> None:
        self.must_be_member(account_id)
        now = self.now(account_id, self.by)
        if now["partner_id"] != partner_id or "account.users.manage" not in self.held(account_id, self.by):
            refuse("forbidden")
        for user_id in self.asked.body["employee_ids"]:
            self.row(self.create_ordinary, account_id, user_id, self.asked.body["permission_set"])

    def row(self, act: Callable[..., None], *to: Any) -> None:
        """One of many: what is refused does not stop the others."""
        skipped = {"already_member", "not_super_admin", "nothing_to_accept"}
        try:
            act(*to)
        except No as no:
            self.rows.append(("skipped" if str(no) in skipped else "failed", str(no)))
        else:
            self.rows.append(("done", None))

    def migrate(self, account_id: str) -> None:
        self.must_be_member(account_id)
        user_id = self.asked.body["user_id"]
        if user_id != self.by and not self.runs(account_id, self.by):
            refuse("forbidden")
        self.migrate_one(account_id, user_id, None)

    def migrate_oneself(self, partner_id: str) -> None:
        self.must_be_staff(partner_id)
        for account_id in self.asked.body["account_ids"]:
            self.row(self.migrate_himself, account_id, partner_id)

    def migrate_himself(self, account_id: str, partner_id: str) -> None:
        self.must_be_member(account_id)
        self.migrate_one(account_id, self.by, partner_id)

    def migrate_one(self, account_id: str, user_id: str, firm: str | None) -> None:
        self.must_be_open(account_id)
        now, firms = self.now(account_id, user_id), self.works_for(user_id)
        if not now["active"]:
            refuse("not_found")
        if now["permission_set"] != "super_admin":
            refuse("not_super_admin")
        if not firm and len(firms) > 1:
            refuse("invalid_field")
        firm = firm or (min(firms) if firms else None)
        if not firm or not self.is_eligible(user_id, firm):
            refuse("not_eligible")
        self.must_keep_a_super_admin(account_id, user_id)
        self.must_have_a_seat(account_id)
        self.members[account_id, user_id] = {
            **now,
            **place(
                "partner_admin",
                "partner",
                version=latest("partner_admin"),
                partner_id=firm,
                tenure=self.tenure(user_id, firm),
            ),
            "paid_seats": now["paid_seats"],
            "grant": self.grant(firm, None),
        }
        self.happens("super_admin.migrated", account_id, firm)

    def hold(self, account_id: str, user_id: str) -> tuple[State, list[str]]:
        """The membership, and in which capacities the caller may lay hands on it (§4)."""
        now, capacities = self.now(account_id, user_id), []
        own = self.now(account_id, self.by).get("partner_id")
        manages = "account.users.manage" in self.held(account_id, self.by)
        firm = now["partner_id"] if now["active"] else None
        if self.asked.for_vendor:
            capacities.append("vendor")
        elif manages and not own:
            capacities.append("super_admin" if self.runs(account_id, self.by) else "user_manager")
        elif manages and firm == own:
            capacities.append("colleague")
        if firm and "partner.client_access.manage" in self.held(firm, self.by):
            capacities.append("partner_manager")
        if now["active"] and user_id == self.by and self.users[self.by]["active"]:
            capacities.append("self")
        if not capacities:
            self.must_be_member(account_id)
            refuse("forbidden")
        return (now, capacities) if now["active"] else refuse("not_found")

    def must_be_as_seen(self) -> None:
        if self.asked.seen == STALE:
            refuse("precondition_failed")

    def edit(self, account_id: str, user_id: str) -> None:
        now, (capacity, *_) = self.hold(account_id, user_id)
        wish = self.asked.body
        named = wish.get("permission_set", now["permission_set"])
        was_super, is_super = now["permission_set"] == "super_admin", named == "super_admin"
        becomes = named == "partner_admin" and not now["grant"]
        if capacity in {"self", "vendor"} or (becomes and capacity not in OF_THE_ACCOUNT):
            refuse("forbidden")
        if capacity != "super_admin" and (was_super or is_super):
            refuse("forbidden")
        self.must_be_open(account_id)
        self.must_be_as_seen()
        if becomes:
            self.become_partner_admin(account_id, user_id, was_super=was_super)
            return
        after = self.promoted(account_id, user_id) if is_super and not was_super else self.changed(now, capacity)
        reader = self.reader(account_id, user_id)
        gained = beyond(reader.rights(after), reader.rights(now))
        if gained:
            self.must_be_givable(account_id, user_id, capacity, gained, reader.rights(after))
        if after == now:
            return
        if was_super and not is_super:
            self.must_keep_a_super_admin(account_id, user_id)
        self.members[account_id, user_id] = after
        self.happens("member.updated", account_id, now["partner_id"])

    def become_partner_admin(self, account_id: str, user_id: str, *, was_super: bool) -> None:
        self.must_be_member(account_id)
        if self.accounts[account_id]["kind"] == "partner":
            refuse("not_a_client_account")
        if was_super:
            self.migrate_one(account_id, user_id, None)
        else:
            self.create_partner_admin(account_id, user_id, self.asked.body)

    def must_be_givable(self, account_id: str, user_id: str, capacity: str, gained: set[str], will: Reach) -> None:
        """Nobody gives what he does not hold (§3); no firm widens what the client gave it (§4)."""
        now = self.now(account_id, user_id)
        if capacity == "partner_manager":
            refuse("forbidden")
        if now["grant"] and capacity in OF_THE_ACCOUNT and now["partner_id"] in self.works_for(self.by):
            refuse("own_partner_may_not_approve")
        is_client = self.accounts[account_id]["kind"] == "client"
        if is_client and self.are_colleagues(user_id) and gained & catalogue.RESTRICTED:
            refuse("own_partner_may_not_approve")
        giver = self.held(account_id, self.by)
        if any(will[name] > giver.get(name, 0) for name in gained):
            refuse("permission_not_held")

    def promoted(self, account_id: str, user_id: str) -> State:
        """Rule 20."""
        now = self.now(account_id, user_id)
        if self.reasons(account_id, user_id):
            refuse("grant_suspended")
        if self.are_colleagues(user_id) and self.accounts[account_id]["kind"] == "client":
            refuse("own_partner_may_not_approve")
        before = now["previous"] or {}
        seat = now["seat"] if now["seat"] != "partner" else before.get("seat") or "core"
        made = place("super_admin", seat, version=latest("super_admin"))
        return {**now, **made, "paid_seats": now["paid_seats"], "grant": None, "previous": None}

    def changed(self, now: State, capacity: str) -> State:
        wish, after = self.asked.body, deepcopy(now)
        if {"permission_set", "permissions"} & set(wish):
            self.set_anew(after, wish.get("permission_set", now["permission_set"]), wish.get("permissions", {}))
        seat = wish.get("seat", now["seat"])
        if seat != now["seat"]:
            if capacity not in OF_THE_ACCOUNT:
                refuse("forbidden")
            if now["seat"] == "partner":
                refuse("invalid_field")
            after["seat"] = seat
        if "access_days" in wish:
            self.last(after, capacity)
        return after

    def set_anew(self, after: State, name: str, overrides: Mapping[str, list[str]]) -> None:
        """Assigning a set replaces the overrides; what is named replaces all of them (§3)."""
        account_id, user_id = self.asked.path["account_id"], self.asked.path["user_id"]
        reader, version = self.reader(account_id, user_id), after["set_version"]
        grant = after["grant"]
        if name != after["permission_set"]:
            if name not in catalogue.SETS and (account_id, name) not in self.sets:
                refuse("unknown_permission_set")
            own = self.sets.get((account_id, name), {}).get("version")
            version = own or (grant and name == "partner_admin" and grant["set_version"]) or latest(name)
            if grant and after["permission_set"] == "partner_admin":
                after["grant"] = {**grant, "set_version": after["set_version"]}
        added, removed = overrides.get("add", ()), overrides.get("remove", ())
        if name == "super_admin" and (added or removed):
            refuse("invalid_field")
        base = reader.in_set(name, version) or {}
        given = adjusted(base, added, removed)
        if too_far(given):
            refuse("invalid_field")
        less = beyond(base, given)
        after |= {
            "permission_set": name,
            "set_version": version,
            "added": tuple(sorted(each for each in added if each in beyond(given, base) | less)),
            "removed": tuple(sorted(less & set(removed))),
        }

    def last(self, after: State, capacity: str) -> None:
        """Until when: either side shortens, only the client lengthens (rule 23)."""
        if not after["grant"]:
            refuse("invalid_field")
        before, days = after["grant"]["expires_at"], self.asked.body["access_days"]
        end = self.at + days * DAY if days else None
        if before is not None and (end is None or end > before):
            if capacity not in OF_THE_ACCOUNT:
                refuse("forbidden")
            if after["partner_id"] in self.works_for(self.by):
                refuse("own_partner_may_not_approve")
        after["grant"] = {**after["grant"], "expires_at": end}

    def end(self, account_id: str, user_id: str) -> None:
        now, (capacity, *_) = self.hold(account_id, user_id)
        is_super = now["permission_set"] == "super_admin"
        if is_super and capacity == "user_manager":
            refuse("forbidden")
        self.must_be_as_seen()
        if is_super:
            self.must_keep_a_super_admin(account_id, user_id)
        self.members[account_id, user_id] = ended(now)
        self.happens("grant.revoked" if now["grant"] else "member.removed", account_id, now["partner_id"])
        if self.accounts[account_id]["kind"] == "partner":
            self.leaves(user_id, account_id)

    def leaves(self, user_id: str, firm: str) -> None:
        """All that he has for the firm is over at once (rule 21)."""
        leavings = self.users[user_id]["offboardings"]
        self.users[user_id] = {**self.users[user_id], "offboardings": {**leavings, firm: leavings.get(firm, 0) + 1}}
        self.clean_ups.append({"firm": firm, "user": user_id, "ends": True})

    def sided(self, account_id: str, user_id: str) -> tuple[State, str]:
        """The membership, and for which side the caller speaks."""
        now, capacities = self.hold(account_id, user_id)
        if self.accounts[account_id]["kind"] == "partner":
            refuse("not_a_client_account")
        if "partner_manager" in capacities:
            return now, "partner"
        return (now, "client") if capacities[0] in OF_THE_ACCOUNT else refuse("forbidden")

    def suspend(self, account_id: str, user_id: str) -> None:
        now, side = self.sided(account_id, user_id)
        if now["permission_set"] == "super_admin":
            refuse("is_super_admin")
        if side not in now["suspended_by"]:
            self.members[account_id, user_id] = {**now, "suspended_by": now["suspended_by"] | {side}}
            self.happens("member.suspended", account_id, now["partner_id"])

    def resume(self, account_id: str, user_id: str) -> None:
        now, side = self.sided(account_id, user_id)
        self.must_be_open(account_id)
        if side not in now["suspended_by"]:
            if self.reasons(account_id, user_id):
                refuse("grant_suspended")
            return
        if side == "client" and now["partner_id"] and now["partner_id"] in self.works_for(self.by):
            refuse("own_partner_may_not_approve")
        self.members[account_id, user_id] = {**now, "suspended_by": now["suspended_by"] - {side}}
        self.happens("member.resumed", account_id, now["partner_id"])

    def end_access(self, partner_id: str, user_id: str) -> None:
        self.must_be_staff(partner_id)
        if user_id != self.by and "partner.client_access.manage" not in self.held(partner_id, self.by):
            refuse("forbidden")
        if (partner_id, user_id) not in self.members:
            refuse("not_found")
        self.happens("employee.offboarded", partner_id)
        self.leaves(user_id, partner_id)
        self.write_off(self.clean_ups[-1], user_id)

    # an account's own sets

    def must_run(self, account_id: str) -> None:
        self.must_be_member(account_id)
        if not self.runs(account_id, self.by):
            refuse("forbidden")
        self.must_be_open(account_id)

    def make_set(self, account_id: str) -> None:
        self.must_run(account_id)
        wish = self.asked.body
        own = {"name": wish["name"], "permissions": tuple(sorted(wish["permissions"])), "version": 1}
        self.sets[account_id, str(self.told.get("permission_set"))] = own
        self.happens("permission_set.created", account_id)

    def own_set(self, account_id: str, set_id: str) -> State:
        self.must_run(account_id)
        own = self.sets.get((account_id, set_id)) or refuse("not_found")
        self.must_be_as_seen()
        return own

    def change_set(self, account_id: str, set_id: str) -> None:
        own, wish = self.own_set(account_id, set_id), self.asked.body
        permissions = tuple(sorted(wish["permissions"]))
        if read(permissions) != read(own["permissions"]):
            own |= {"permissions": permissions, "version": own["version"] + 1}
            self.happens("permission_set.updated", account_id)

    def drop_set(self, account_id: str, set_id: str) -> None:
        self.own_set(account_id, set_id)
        there = [m for (account, _), m in self.members.items() if account == account_id and m["active"]]
        if any(each["permission_set"] == set_id for m in there for each in (m, m["previous"]) if each):
            refuse("set_in_use")
        del self.sets[account_id, set_id]
        self.happens("permission_set.removed", account_id)

    def accept_updates(self, account_id: str) -> None:
        self.must_be_member(account_id)
        if not self.can_approve(account_id):
            refuse("forbidden")
        self.must_be_open(account_id)
        wish = self.asked.body
        if wish["version"] != latest(wish["permission_set"]):
            refuse("rights_changed")
        for user_id in wish["user_ids"]:
            self.row(self.accept_update, account_id, user_id, wish["permission_set"])

    def accept_update(self, account_id: str, user_id: str, name: str) -> None:
        """The difference is the client's to accept (§3), under the rules of an approval."""
        now = self.now(account_id, user_id)
        if not now["active"] or not self.users[user_id]["active"]:
            refuse("not_found")
        if now["permission_set"] != name:
            refuse("rights_changed")
        self.must_be_approver(account_id, now["partner_id"])
        reader, removed = self.reader(account_id, user_id), set(now["removed"])
        base = reader.in_set(name, latest(name))
        while further := too_far(adjusted(base, now["added"], removed)) - removed:
            removed |= further
        after = {**now, "set_version": latest(name), "removed": tuple(sorted(removed))}
        gained = beyond(reader.rights(after), reader.rights(now))
        if not gained:
            refuse("nothing_to_accept")
        if not now["grant"] and gained - set(self.held(account_id, self.by)):
            refuse("permission_not_held")
        self.members[account_id, user_id] = after
        self.happens("permission_set.update_accepted", account_id, now["partner_id"])

    # what nobody asks for

    def sweep(self, at: int) -> None:
        """What is over by time is written off."""
        self.at, self.entries = at, []
        for link in self.links.values():
            if link["stored_state"] == "open" and self.state(link) != "approved" and link["expires_at"] <= at:
                link["stored_state"] = "expired"
                self.happens("link.expired", link["partner_id"])
        for (account_id, user_id), member in self.members.items():
            grant = member["grant"]
            if grant and grant["expires_at"] is not None and grant["expires_at"] <= at:
                self.members[account_id, user_id] = ended(member)
                self.happens("grant.expired", account_id, grant["partner_id"])

    def clean_up(self, at: int) -> None:
        """What was ended everywhere at once is written off, account by account."""
        self.at, self.entries = at, []
        for clean_up in self.clean_ups:
            staff = [user for firm, user in self.members if firm == clean_up["firm"]]
            for user_id in [clean_up["user"]] if clean_up["user"] else staff:
                self.write_off(clean_up, user_id)
                self.withdraw(clean_up, user_id)
        self.clean_ups.clear()

    def write_off(self, clean_up: State, user_id: str) -> None:
        for (account_id, each), member in list(self.members.items()):
            if each != user_id or not clean_up["ends"] or account_id in clean_up.setdefault(f"told {each}", set()):
                continue
            now, grant = self.now(account_id, user_id), member["grant"]
            lapsed = grant and grant["expires_at"] is not None and grant["expires_at"] <= self.at
            stood = ended(member) if lapsed else member
            mine = clean_up["firm"] in (None, stood["partner_id"])
            if stood["active"] and mine and self.kind_of(stood) != self.kind_of(now):
                self.members[account_id, user_id] = now
                self.happens("access.ended", account_id)
                clean_up[f"told {each}"].add(account_id)

    def kind_of(self, member: State) -> tuple[object, ...]:
        return member["grant"], member["partner_id"], member["active"]

    def withdraw(self, clean_up: State, user_id: str) -> None:
        for link in self.links.values():
            mine = clean_up["ends"] and link["employee_id"] == user_id
            if mine and clean_up["firm"] in (None, link["partner_id"]):
                was_open = self.state(link, with_tenure=False) == "open"
                if was_open and self.state(link) != "open":
                    link["stored_state"] = "revoked"
                    self.happens("link.revoked", link["partner_id"])


ROUTES: Final[Mapping[str, Callable[..., None]]] = {
    "PUT /directory/accounts/{account_id}": lambda model, **path: model.tell_account(**path),
    "PUT /directory/users/{user_id}": lambda model, **path: model.tell_user(**path),
    "PUT /directory/accounts/{account_id}/members/{user_id}": lambda model, **path: model.tell_member(**path),
    "POST /directory/users/{user_id}/erasure": lambda model, **path: model.erase(**path),
    "POST /partners/{partner_id}/access-links": lambda model, **path: model.create_link(**path),
    "DELETE /partners/{partner_id}/access-links/{link_id}": lambda model, **path: model.revoke(**path),
    "POST /partners/{partner_id}/access-links/{link_id}/resend": lambda model, **path: model.resend(**path),
    "POST /access-links/approvals": lambda model: model.approve(),
    "POST /access-links/declines": lambda model: model.decline(),
    "POST /access-links/renewals": lambda model: model.renew(),
    "POST /accounts/{account_id}/users": lambda model, **path: model.create_user(**path),
    "POST /partners/{partner_id}/clients/{account_id}/users": lambda model, **path: model.add_colleagues(**path),
    "POST /accounts/{account_id}/migrations": lambda model, **path: model.migrate(**path),
    "POST /partners/{partner_id}/migrations": lambda model, **path: model.migrate_oneself(**path),
    "PATCH /accounts/{account_id}/users/{user_id}": lambda model, **path: model.edit(**path),
    "DELETE /accounts/{account_id}/users/{user_id}": lambda model, **path: model.end(**path),
    "PUT /accounts/{account_id}/users/{user_id}/suspension": lambda model, **path: model.suspend(**path),
    "DELETE /accounts/{account_id}/users/{user_id}/suspension": lambda model, **path: model.resume(**path),
    "DELETE /partners/{partner_id}/employees/{user_id}/access": lambda model, **path: model.end_access(**path),
    "POST /accounts/{account_id}/permission-sets": lambda model, **path: model.make_set(**path),
    "PUT /accounts/{account_id}/permission-sets/{set_id}": lambda model, **path: model.change_set(**path),
    "DELETE /accounts/{account_id}/permission-sets/{set_id}": lambda model, **path: model.drop_set(**path),
    "POST /accounts/{account_id}/permission-sets/updates": lambda model, **path: model.accept_updates(**path),
}
