"""The expected outcome of every request, computed with plain dicts and the terms of domain.md and http-api.md.

Memberships are stored in the shape that `ReferencePolicy` reads, and it decides what each user can do.
Where http-api.md gives no order of checks, the model expects the error that the product returns first. The model does
not predict versions, the audit entries of a reconciliation, or the recipients of expiry warnings.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

from typing_extensions import override

from partner_access.domain.permissions import catalogue
from tests.support import operations
from tests.support.reference_policy import Reach, ReferencePolicy, State, parse_reach
from tools import template

DAY: Final = 86_400
DIRECTORY: Final = "@directory"
STALE: Final = "999999"
"""A version that no record has."""
ACCOUNT_ROLES: Final = {"super_admin", "user_manager"}
NOT_PREDICTED: Final = {
    "account.orphaned", "member.retained", "grant.ending", "program.resumed", "program.stopped",
    "member.resumed", "member.suspended",
}  # fmt: skip
"""Events that a reconciliation or a sweep reports about a state that already holds."""

Entry = tuple[str, tuple[str, ...]]


class Rejected(Exception):
    """The request is rejected with this error code."""


@dataclass(frozen=True)
class ModelRequest:
    """The parts of a request that determine its outcome."""

    route: str
    actor_id: str
    is_vendor: bool
    path: Mapping[str, str]
    body: Mapping[str, Any]
    expected_version: str | None = None


class GrantedRights(ReferencePolicy):
    """All permissions that a membership gives, without regard to its seat and to the state of the account."""

    @override
    def is_paid(self, name: str, assignment: State) -> bool:
        return True

    def rights(self, assignment: State) -> Reach:
        """Return the rights of a membership, even while it is suspended."""
        return {name: reach for name, reach in (self.held_permissions(assignment) or {}).items() if self.exists(name)}


def local_date(at: int, zone: str) -> date:
    return datetime.fromtimestamp(at, ZoneInfo(zone)).date()


def end_of_date(day: date, zone: str) -> int:
    """Return the end of a local day (rule 39): the first quarter of an hour from which on the date is a later one.

    It is looked for in steps, because a day can begin and end at any time of the clock.
    """
    at = int(datetime.combine(day, time(), UTC).timestamp())
    while local_date(at, zone) <= day:
        at += 900
    return at


def last_day(requested: Mapping[str, Any], today: date) -> date | None:
    """Return the last day of access that a request or a link names, or None for no end."""
    if requested.get("access_ends_on"):
        return date.fromisoformat(requested["access_ends_on"])
    return today + timedelta(days=requested["access_days"]) if requested.get("access_days") else None


def reject(code: str) -> NoReturn:
    raise Rejected(code)


def without_grant(member: State) -> State:
    """Return the membership when it is over: inactive, whatever the person held before a grant (rule 10).

    The partner whose managers suspended the person keeps them out from then on (rule 42).
    """
    gone = {**member, "seat": None, "active": False, "ended_by": None}
    kept_out = {member["partner_id"]} if "partner" in member["suspended_by"] else set()
    suspended_by = member["suspended_by"] & {"client"}
    return {**gone, "grant": None, "suspended_by": suspended_by, "kept_out_by": member["kept_out_by"] | kept_out}


def with_dependents(names: Iterable[str]) -> set[str]:
    """Return the permissions with those that need them (delete ≤ edit ≤ view)."""
    found = set(names)
    for name in names:
        noun, _, action = name.rpartition(".")
        found |= {f"{noun}.{each}" for each in {"view": ("edit", "delete"), "edit": ("delete",)}.get(action, ())}
    return found & catalogue.CATALOGUE


def default_seat(name: str) -> str:
    return "view_only" if name == "view_only" else "core"


def latest_version(name: str) -> int:
    return len(catalogue.SETS[name])


def additional_permissions(more: Reach, less: Reach) -> set[str]:
    return {name for name in more if more[name] > less.get(name, 0)}


def broken_implications(rights: Reach) -> set[str]:
    """Return the permissions that break delete ≤ edit ≤ view (domain.md §3)."""
    below = {"delete": "edit", "edit": "view"}
    parts = ((name, *name.rpartition(".")[::2]) for name in rights if name in catalogue.SCOPED)
    return {
        name
        for name, noun, action in parts
        if action in below and rights.get(f"{noun}.{below[action]}", 0) < rights[name]
    }


def adjusted(base: Reach, added: Iterable[str], removed: Iterable[str]) -> Reach:
    left = {name: reach for name, reach in base.items() if name not in set(removed)}
    return left | {name: max(reach, left.get(name, 0)) for name, reach in parse_reach(tuple(added)).items()}


def changed_overrides(now: Mapping[str, Any], change: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the overrides after a change of some permissions. The model names permissions without scopes."""
    added = [each for each in now.get("added", ()) if each not in change.get("remove", ())]
    removed = [each for each in now.get("removed", ()) if each not in change.get("add", ())]
    return {
        "add": sorted({*added, *change.get("add", ())}),
        "remove": sorted({*removed, *change.get("remove", ())}),
    }


def assignment(
    name: str, seat: str, *, version: int, partner_id: str | None = None, access_generation: int = 0
) -> State:
    return {
        "permission_set": name,
        "set_version": version,
        "added": (),
        "removed": (),
        "seat": seat,
        "paid_seats": (),
        "partner_id": partner_id,
        "access_generation": access_generation,
    }


class Model:
    """The model: one method for each operation, with its name, which raises an error or changes the dicts.

    A test that needs a wrong model overrides one method.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, State] = {}
        self.users: dict[str, State] = {}
        self.members: dict[tuple[str, str], State] = {}
        self.links: dict[str, State] = {}
        self.sets: dict[tuple[str, str], State] = {}
        self.left: dict[tuple[str, str], int] = {}
        self.reconciliations: list[State] = []
        self.entries: list[Entry] = []
        self.rows: list[tuple[str, str | None]] = []
        self.now = 0

    def apply(self, request: ModelRequest, response: Any, now: int) -> str:
        """Apply a request and return its error code, or an empty string.

        The model reads only generated names from the product's response, such as ids and secrets.
        """
        self.request, self.response, self.now, self.actor_id = request, response or {}, now, request.actor_id
        self.entries, self.rows = [], []
        try:
            self.rule_of(request.route)(**request.path)
        except Rejected as rejected:
            return str(rejected)
        return ""

    def rule_of(self, route: str) -> Callable[..., None]:
        """Return the method for this route. Raise `AssertionError` with the remedy if it has none."""
        rule: Callable[..., None] | None = getattr(self, ROUTES[route], None)
        assert rule, f"Write the rule of {route} as Model.{ROUTES[route]} in tests/proofs/model/model.py."
        return rule

    def expect_event(self, event: str, *accounts: str | None) -> None:
        """Expect one audit entry for each account concerned."""
        self.entries.append((event, tuple(sorted({each for each in accounts if each}))))

    # facts about users and memberships at the present time

    def reader_of(self, account_id: str, user_id: str, kind: type[ReferencePolicy] = GrantedRights) -> Any:
        account, user = self.accounts.get(account_id), self.users.get(user_id)
        is_open = {"state": "active"} if account and kind is GrantedRights else {}
        state = {
            "account": account and {**account, **is_open},
            "user": user and {**user, "employed_by": self.partners_of(user_id)},
            "member": self.members.get((account_id, user_id)),
            "partners": {each: found for each, found in self.accounts.items() if found["kind"] == "partner"},
            "sets": {each: found for (its, each), found in self.sets.items() if its == account_id},
        }
        return kind(state, self.now)

    def is_permitted(self, user_id: str, permission: str, account_id: str) -> bool:
        return permission in self.reader_of(account_id, user_id, ReferencePolicy).permissions()

    def held_rights(self, account_id: str, user_id: str) -> Reach:
        found: Reach = self.reader_of(account_id, user_id).permissions()
        return found

    def current_member(self, account_id: str, user_id: str) -> State:
        """Return the membership in effect. Its `active` is false if there is none."""
        member = self.members.get((account_id, user_id)) or {"active": False}
        reader = self.reader_of(account_id, user_id)
        if not member["active"] or not reader.has_ended(member):
            return member
        over, grant = without_grant(member), member["grant"]
        is_lapsed = grant and reader.has_expired(grant)
        by_manager = self.users[user_id]["by_manager"].get(member["partner_id"], 0)
        if not is_lapsed and by_manager > member["access_generation"]:
            over["kept_out_by"] = over["kept_out_by"] | {member["partner_id"]}
        return over

    def partners_of(self, user_id: str) -> set[str]:
        """Return the partner accounts in which the user is an active member (§2)."""
        mine = (account for (account, user), member in self.members.items() if user == user_id and member["active"])
        return {account for account in mine if self.accounts[account]["kind"] == "partner"}

    def is_member(self, account_id: str, user_id: str) -> bool:
        return bool(self.current_member(account_id, user_id)["active"])

    def is_eligible(self, user_id: str, partner_id: str | None) -> bool:
        user = self.users.get(user_id)
        is_partner = partner_id in self.accounts and self.accounts[partner_id]["kind"] == "partner"
        return bool(
            user and user["active"] and is_partner and self.reader_of(str(partner_id), user_id).is_eligible(partner_id)
        )

    def suspended_by(self, account_id: str, user_id: str) -> set[str]:
        """Return the sides that suspend this membership, and the partner if its employee no longer qualifies."""
        now = self.current_member(account_id, user_id)
        if not now["active"]:
            return set()
        partner_id, own = now["partner_id"], set(now["suspended_by"])
        return own | ({"partner"} if partner_id and not self.is_eligible(user_id, partner_id) else set())

    def super_admins(self, account_id: str, but: str = "") -> list[str]:
        return [
            user
            for (account, user), member in self.members.items()
            if account == account_id and user != but and member["active"] and member["permission_set"] == "super_admin"
        ]

    def is_acting_super_admin(self, account_id: str, user_id: str) -> bool:
        now = self.current_member(account_id, user_id)
        return now["active"] and now["permission_set"] == "super_admin" and bool(self.held_rights(account_id, user_id))

    def partner_seats_used(self, account_id: str) -> int:
        return sum(m["seat"] == "partner" for (account, _), m in self.members.items() if account == account_id)

    def access_generation(self, user_id: str, partner_id: str) -> int:
        return int(self.users[user_id]["offboardings"].get(partner_id, 0) + self.accounts[partner_id]["terminations"])

    # preconditions, which reject a request

    def must_be_member(self, account_id: str) -> None:
        if not self.is_member(account_id, self.actor_id):
            reject("not_found")
        if not self.users[self.actor_id]["active"]:
            reject("forbidden")

    def must_be_open(self, account_id: str) -> None:
        if self.accounts[account_id]["state"] != "active":
            reject("account_closed")

    def must_be_partner_employee(self, partner_id: str) -> None:
        if self.accounts.get(partner_id, {}).get("kind") != "partner":
            reject("not_found")
        self.must_be_member(partner_id)

    def can_approve(self, account_id: str) -> bool:
        """Return whether the caller may approve. A partner member never may (§4)."""
        now = self.current_member(account_id, self.actor_id)
        return not now["partner_id"] and "account.users.manage" in self.held_rights(account_id, self.actor_id)

    def is_own_partner(self, user_id: str | None, partner_id: str | None, since: int | None = None) -> bool:
        """Return whether the caller works for the partner or shares an employer with the user (rule 35).

        With `since`, employers that they left from then on count (rule 36).
        """
        own = self.employers_since(self.actor_id, since)
        return partner_id in own or bool(user_id and own & self.employers_since(user_id, since))

    def employers_since(self, user_id: str, since: int | None) -> set[str]:
        left = {partner for (each, partner), at in self.left.items() if each == user_id and since and at >= since}
        return self.partners_of(user_id) | left

    def leave(self, account_id: str, user_id: str) -> None:
        """Record that the user has stopped being an employee, if the account is a partner."""
        if self.accounts[account_id]["kind"] == "partner":
            self.left[user_id, account_id] = self.now

    def must_be_approver(
        self, account_id: str, user_id: str | None, partner_id: str | None, since: int | None = None
    ) -> None:
        self.must_be_member(account_id)
        if not self.can_approve(account_id):
            reject("not_an_approver")
        if self.is_own_partner(user_id, partner_id, since):
            independent = [
                each
                for each in self.super_admins(account_id, self.actor_id)
                if self.is_acting_super_admin(account_id, each) and not self.partners_of(each)
            ]
            reject("own_partner_may_not_approve" if independent else "no_independent_approver")

    def must_keep_super_admin(self, account_id: str, but: str) -> None:
        """Reject the removal of the last super admin (rule 16)."""
        if not any(self.is_acting_super_admin(account_id, each) for each in self.super_admins(account_id, but)):
            reject("last_super_admin")

    # directory operations of the vendor

    def put_account(self, account_id: str) -> None:
        named_fields = dict(self.request.body)
        blank: State = {
            "account_id": account_id,
            "state": "active",
            "pricing": "seat_based",
            "time_zone": "UTC",
            "partner_seat_limit": None,
            "terminations": 0,
        }
        blank |= {"domains": [], "program": "active"} if named_fields.get("kind") == "partner" else {}
        before = self.accounts.get(account_id)
        account = {**(before or blank), **named_fields}
        if account == before:
            return
        if account["partner_seat_limit"] is not None and account["partner_seat_limit"] < self.partner_seats_used(
            account_id
        ):
            reject("limit_below_use")
        self.expect_event("account.updated" if before else "account.created", account_id)
        self.accounts[account_id] = account
        if not before or account["kind"] != "partner":
            return
        stops = account["program"] == "terminated" != before["program"]
        account["terminations"] += stops
        if {name for name in ("domains", "program", "state") if account[name] != before[name]}:
            self.reconciliations.append({"partner": account_id, "user": None, "ends": stops})

    def put_user(self, user_id: str) -> None:
        named_fields, before = self.request.body, self.users.get(user_id)
        if user_id == "schedule":
            reject("reserved_subject")
        if (not before or before["email"] is None) and not {"email", "name"} <= set(named_fields):
            reject("missing_field")
        if any(user["email"] == named_fields.get("email", "") for each, user in self.users.items() if each != user_id):
            reject("email_in_use")
        user = {**(before or {"active": True, "offboardings": {}, "by_manager": {}}), **named_fields}
        if user == before:
            return
        is_deactivated = before and before["active"] and not user["active"]
        super_admin_of = [
            account for account, each in self.members if each == user_id and user_id in self.super_admins(account)
        ]
        orphaned = [
            account
            for account in super_admin_of
            if is_deactivated
            and not any(self.is_acting_super_admin(account, each) for each in self.super_admins(account, user_id))
        ]
        self.expect_event("user.updated" if before else "user.created", DIRECTORY, *orphaned)
        self.users[user_id] = user
        if before and (user["active"], user["email"]) != (before["active"], before["email"]):
            self.reconciliations.append({"partner": None, "user": user_id, "ends": False})

    def erase_user(self, user_id: str) -> None:
        user = self.users[user_id]
        if any(user_id in self.super_admins(account) for account in self.accounts):
            reject("is_super_admin")
        if user["email"] is None:
            return
        mine = [member for (_, each), member in self.members.items() if each == user_id]
        partner_ids = {each["partner_id"] for each in mine if each["partner_id"]} | self.partners_of(user_id)
        offboardings = {
            **user["offboardings"],
            **{partner_id: user["offboardings"].get(partner_id, 0) + 1 for partner_id in partner_ids},
        }
        self.users[user_id] = {**user, "email": None, "name": "", "active": False, "offboardings": offboardings}
        self.reconciliations.append({"partner": None, "user": user_id, "ends": True})
        self.expect_event("user.erased", DIRECTORY)

    def put_member(self, account_id: str, user_id: str) -> None:
        named_fields, key = self.request.body, (account_id, user_id)
        before, now = self.members.get(key), self.current_member(account_id, user_id)
        is_new = not before or (not now["active"] and named_fields.get("active", False))
        if is_new and "permission_set" not in named_fields:
            reject("missing_field")
        if before and all(now[name] == value for name, value in named_fields.items()):
            return
        self.must_be_open(account_id)
        if now.get("grant"):
            reject("already_partner_admin")
        if before and is_new and now["partner_id"]:  # rule 33
            reject("former_partner_member")
        name = named_fields.get("permission_set", now.get("permission_set"))
        if is_new:
            suspended_by = now.get("suspended_by", set())
            kept_out_by = self.kept_out_by(account_id, user_id)
            fresh: State = {"active": True, "grant": None, "suspended_by": suspended_by, **self.new_return(kept_out_by)}
            member = {**assignment(name, default_seat(name), version=latest_version(name)), **fresh, **named_fields}
        else:
            new_set = (
                {"set_version": latest_version(name), "added": (), "removed": now["withheld"]}
                if name != now["permission_set"]
                else {}
            )
            stays = named_fields.get("active", now["active"])
            no_partner = (
                {"partner_id": None, "access_generation": 0, "removed": (), "withheld": ()}
                if stays and name == "super_admin" != now["permission_set"]
                else {}
            )
            member = {**now, "seat": now["seat"] or default_seat(name), **new_set, **no_partner, **named_fields}
        member["ended_by"] = self.ended_by_directory(before, now, member)
        is_super = name == "super_admin" and member["active"]
        if is_super and (self.suspended_by(account_id, user_id) or {"client", "partner"} & set(member["suspended_by"])):
            reject("grant_suspended")
        was_super = now["active"] and now["permission_set"] == "super_admin"
        is_inactive_super_admin = is_super and not was_super and not self.users[user_id]["active"]
        if is_inactive_super_admin or (was_super and not is_super):
            self.must_keep_super_admin(account_id, user_id)
        self.members[key] = member
        if now["active"] and not member["active"]:
            self.leave(account_id, user_id)
        self.expect_event("member.updated" if before else "member.created", account_id)
        if before and self.accounts[account_id]["kind"] == "partner" and before["active"] != member["active"]:
            self.reconciliations.append({"partner": account_id, "user": user_id, "ends": False})

    def ended_by_directory(self, before: State | None, now: State, after: State) -> str | None:
        """Return who ended the membership: the vendor if the directory has just deactivated it (rule 42)."""
        is_ended_now = not after["active"] and (not before or now["active"])
        return "vendor" if is_ended_now else after["ended_by"]

    # links

    def create_link(self, partner_id: str) -> None:
        self.must_be_partner_employee(partner_id)
        if "partner.client_access.manage" not in self.held_rights(partner_id, self.actor_id):
            reject("forbidden")
        body = self.request.body
        if not self.is_eligible(body["employee_id"], partner_id):
            reject("not_eligible")
        self.must_be_within_limits(partner_id, body)
        self.links[str(self.response.get("link_id"))] = {
            "partner_id": partner_id,
            "employee_id": body["employee_id"],
            "created_by": self.actor_id,
            "created_at": self.now,
            "expires_at": self.link_end(body),
            "removed": tuple(body.get("permissions", {}).get("remove", ())),
            "set_version": latest_version("partner_admin"),
            "access_days": body.get("access_days"),
            "access_ends_on": body.get("access_ends_on"),
            "max_approvals": body.get("max_approvals", 1),
            "approvals": 0,
            "stored_state": "open",
            "secret": self.response.get("url", "").rpartition("#")[2],
            "replies": {},
            "resent_at": [],
            "renewal_requested": False,
            "access_generation": self.access_generation(body["employee_id"], partner_id),
        }
        self.expect_event("link.created", partner_id)

    def link_end(self, requested: Mapping[str, Any]) -> int:
        """Return the end of a link that is sent now. It is not after the requested date everywhere on Earth."""
        end = self.now + 7 * DAY
        on = requested.get("access_ends_on")
        return min(end, end_of_date(date.fromisoformat(on), "Etc/GMT+12")) if on else end

    def today_in(self, account_id: str) -> date:
        return local_date(self.now, self.accounts[account_id]["time_zone"])

    def must_be_within_limits(self, account_id: str, requested: Mapping[str, Any]) -> None:
        today = self.today_in(account_id)
        last = last_day(requested, today)
        if last and not today <= last <= today + timedelta(days=730):
            reject("invalid_field")

    def end_of_access(self, account_id: str, requested: Mapping[str, Any]) -> int | None:
        last = last_day(requested, self.today_in(account_id))
        return end_of_date(last, self.accounts[account_id]["time_zone"]) if last else None

    def link_state(self, link: State, *, with_access_generation: bool = True) -> str:
        """Return the state of a link at the present time: an open link expires at `expires_at`.

        An open link for an offboarded employee counts as revoked unless `with_access_generation` is false.
        """
        if link["approvals"] >= link["max_approvals"]:
            return "approved"
        if link["stored_state"] == "open" and link["expires_at"] <= self.now:
            return "expired"
        if (
            with_access_generation
            and link["stored_state"] == "open"
            and link["access_generation"] < self.access_generation(link["employee_id"], link["partner_id"])
        ):
            return "revoked"
        return str(link["stored_state"])

    def link_by_secret(self) -> State:
        """Return the link with the given secret. A wrong, malformed or unknown secret gives the same error (rule 3)."""
        found = [link for link in self.links.values() if link["secret"] == self.request.body["secret"]]
        return found[0] if found else reject("link_not_found")

    def must_be_open_link(self, state: str) -> None:
        if state != "open":
            reject("link_already_used" if state == "approved" else f"link_{state}")

    def link_to_reply_to(self) -> tuple[State, str]:
        link, account_id = self.link_by_secret(), self.request.body["account_id"]
        self.must_be_open_link(self.link_state(link))
        self.must_be_approver(account_id, link["employee_id"], link["partner_id"], link["created_at"])
        self.must_be_open_link(link["replies"].get(account_id, "open"))
        return link, account_id

    def approve_link(self) -> None:
        link, account_id = self.link_to_reply_to()
        body, partner_id, user_id = self.request.body, link["partner_id"], link["employee_id"]
        removed = {*link["removed"], *body.get("permissions", {}).get("remove", ())}
        today = self.today_in(account_id)
        asked, offered = last_day(link, today), last_day(body, today)
        if asked and asked < today:
            reject("link_expired")
        self.must_be_within_limits(account_id, body)
        if asked and offered and offered > asked:  # rule 15
            reject("invalid_field")
        try:
            self.grant_partner_admin(
                account_id,
                user_id,
                partner_id,
                removed=removed,
                end=self.end_of_access(account_id, body if offered else link),
                version=link["set_version"],
            )
        except Rejected as rejected:
            if str(rejected) == "not_eligible":  # rule 6
                link["stored_state"] = "revoked"
                self.expect_event("link.revoked", partner_id)
            raise
        link["approvals"] += 1
        link["replies"][account_id] = "approved"
        self.expect_event("link.approved", account_id, partner_id)

    def grant_partner_admin(
        self,
        account_id: str,
        user_id: str,
        partner_id: str | None,
        *,
        removed: Iterable[str],
        end: int | None,
        version: int,
    ) -> None:
        """Grant the partner-admin set (rules 10 to 12)."""
        self.must_be_open(account_id)
        if not partner_id or not self.is_eligible(user_id, partner_id):
            reject("not_eligible")
        now = self.current_member(account_id, user_id)
        if not now["active"] and "client" in now.get("suspended_by", ()):
            reject("grant_suspended")
        if now["active"]:
            if now["permission_set"] == "super_admin":
                reject("is_super_admin")
            if self.suspended_by(account_id, user_id):
                reject("grant_suspended")
            if now["grant"]:
                reject("already_partner_admin")
        before = self.members.get((account_id, user_id), {})
        if before.get("seat") != "partner":
            self.must_have_seat(account_id)
        base = self.reader_of(account_id, user_id).set_permissions("partner_admin", version)
        self.members[account_id, user_id] = {
            **assignment(
                "partner_admin",
                "partner",
                version=version,
                partner_id=partner_id,
                access_generation=self.access_generation(user_id, partner_id),
            ),
            "removed": tuple(sorted(set(removed) & set(base))),
            "active": True,
            "grant": {
                **self.new_grant(partner_id, end),
                "former_set": now["permission_set"] if now["active"] else None,
            },
            "suspended_by": set(),
            **self.new_return(self.kept_out_by(account_id, user_id), partner_id),
            "withheld": tuple(sorted(with_dependents(set(removed) & set(base)))),
        }

    def new_return(self, kept_out_by: set[str], partner_id: str | None = None) -> State:
        """Return what a membership keeps of one that was over: the partners that keep the person out (rule 42)."""
        return {"ended_by": None, "kept_out_by": kept_out_by - {partner_id}, "withheld": ()}

    def kept_out_by(self, account_id: str, user_id: str) -> set[str]:
        """Return the partners whose managers suspended, removed or offboarded the person (rule 42)."""
        now = self.current_member(account_id, user_id)
        partner_id = now.get("partner_id")
        ended = self.users[user_id]["by_manager"].get(partner_id, 0) if partner_id else 0
        kept_out: set[str] = now.get("kept_out_by", set())
        return kept_out | ({str(partner_id)} if ended > now.get("access_generation", 0) else set())

    def must_have_seat(self, account_id: str) -> None:
        limit = self.accounts[account_id]["partner_seat_limit"]
        if limit is not None and self.partner_seats_used(account_id) >= limit:
            reject("no_seat_left")

    def new_grant(self, partner_id: str, end: int | None) -> State:
        return {"partner_id": partner_id, "expires_at": end, "set_version": None, "former_set": None}

    def decline_link(self) -> None:
        link, account_id = self.link_to_reply_to()
        self.must_be_open(account_id)
        if link["max_approvals"] == 1:
            link["stored_state"] = "declined"
        link["replies"][account_id] = "declined"
        self.expect_event("link.declined", account_id, link["partner_id"])

    def request_link_renewal(self) -> None:
        link = self.link_by_secret()
        if self.link_state(link) == "open":
            reject("link_still_open")
        if not self.users[self.actor_id]["active"]:
            reject("forbidden")
        if not link["renewal_requested"]:
            link["renewal_requested"] = True
            self.expect_event("link.renewal_requested", link["partner_id"])

    def managed_link(self, partner_id: str, link_id: str) -> State:
        """Return the link for a caller who manages links.

        For partner employees without a part in it, the link does not exist.
        """
        self.must_be_partner_employee(partner_id)
        manages = "partner.client_access.manage" in self.held_rights(partner_id, self.actor_id)
        link = self.links.get(link_id)
        if not link or (not manages and self.actor_id not in (link["employee_id"], link["created_by"])):
            reject("not_found")
        return link if manages else reject("forbidden")

    def revoke_link(self, partner_id: str, link_id: str) -> None:
        link = self.managed_link(partner_id, link_id)
        state = self.link_state(link, with_access_generation=False)
        if state == "approved":
            reject("link_already_used")
        if state == "open":
            link["stored_state"] = "revoked"
            self.expect_event("link.revoked", partner_id)

    def resend_link(self, partner_id: str, link_id: str) -> None:
        link = self.managed_link(partner_id, link_id)
        self.must_be_open_link(self.link_state(link))
        if not self.is_eligible(link["employee_id"], partner_id):
            reject("not_eligible")
        today = [each for each in link["resent_at"] if self.now - each < DAY]
        if len(today) >= 5 or any(self.now - each < 60 for each in today):
            reject("rate_limited")
        secret = self.response.get("url", "").rpartition("#")[2]
        link |= {"expires_at": self.link_end(link), "resent_at": [*today, self.now], "secret": secret}
        self.expect_event("link.resent", partner_id)

    # members

    def create_user(self, account_id: str) -> None:
        body = self.request.body
        self.must_be_member(account_id)
        user_id = next((each for each, user in self.users.items() if user["email"] == body["email"]), "")
        if body["permission_set"] == "partner_admin":
            self.create_partner_admin(account_id, user_id, body)
        else:
            self.create_member(account_id, user_id, body["permission_set"])

    def create_partner_admin(self, account_id: str, user_id: str, body: Mapping[str, Any]) -> None:
        partner_ids = self.partners_of(user_id)
        named = body.get("partner_id")
        partner_id = named or (min(partner_ids) if len(partner_ids) == 1 else None)
        self.must_be_approver(account_id, user_id, partner_id)
        if len(partner_ids) > 1 and not named:  # rule 14
            reject("invalid_field")
        self.must_be_within_limits(account_id, body)
        end, version = self.end_of_access(account_id, body), latest_version("partner_admin")
        self.grant_partner_admin(account_id, user_id, partner_id, removed=(), end=end, version=version)
        self.expect_event("member.created", account_id, partner_id)

    def create_member(self, account_id: str, user_id: str, name: str) -> None:
        actor_rights = self.held_rights(account_id, self.actor_id)
        if "account.users.manage" not in actor_rights:
            reject("forbidden")
        partner_id = self.current_member(account_id, self.actor_id)["partner_id"]
        if partner_id and not self.is_eligible(user_id, partner_id):
            reject("forbidden")
        if not self.users.get(user_id, {}).get("active"):
            reject("invalid_field")
        reader = self.reader_of(account_id, user_id)
        given = {
            each: reach
            for each, reach in reader.set_permissions(name, latest_version(name)).items()
            if reader.exists(each)
        }
        if additional_permissions(given, actor_rights):
            reject("permission_not_held")
        if self.share_a_partner(user_id) and catalogue.RESTRICTED & set(given):
            reject("own_partner_may_not_approve")
        self.must_be_open(account_id)
        now = self.current_member(account_id, user_id)
        if now["active"]:
            reject("already_member")
        if "client" in now.get("suspended_by", ()):
            reject("grant_suspended")
        if partner_id:
            self.must_be_returnable(account_id, user_id, partner_id)
        seat, access_generation = (
            ("view_only", self.access_generation(user_id, partner_id)) if partner_id else (default_seat(name), 0)
        )
        withheld = now.get("withheld", ()) if partner_id else ()
        self.members[account_id, user_id] = {
            **assignment(
                name, seat, version=latest_version(name), partner_id=partner_id, access_generation=access_generation
            ),
            "removed": withheld,
            "active": True,
            "grant": None,
            "suspended_by": set(),
            **self.new_return(self.kept_out_by(account_id, user_id), partner_id),
            "withheld": withheld,
        }
        self.expect_event("member.created", account_id, partner_id)

    def must_be_returnable(self, account_id: str, user_id: str, partner_id: str) -> None:
        """Reject the return by a partner of a person that the client or a manager of the partner removed (rule 42)."""
        now = self.current_member(account_id, user_id)
        if not now["active"] and now.get("ended_by") in {"vendor", *ACCOUNT_ROLES}:
            reject("removed_by_client")
        is_kept_out = partner_id in self.kept_out_by(account_id, user_id)
        if is_kept_out and "partner.client_access.manage" not in self.held_rights(partner_id, self.actor_id):
            reject("removed_by_partner")

    def share_a_partner(self, user_id: str) -> bool:
        return bool(self.partners_of(self.actor_id) & self.partners_of(user_id))

    def add_colleagues(self, partner_id: str, account_id: str) -> None:
        self.must_be_member(account_id)
        now = self.current_member(account_id, self.actor_id)
        if now["partner_id"] != partner_id or "account.users.manage" not in self.held_rights(account_id, self.actor_id):
            reject("forbidden")
        for user_id in self.request.body["employee_ids"]:
            self.bulk_row(self.create_member, account_id, user_id, self.request.body["permission_set"])

    def bulk_row(self, operation: Callable[..., None], *arguments: Any) -> None:
        """Apply one item of a bulk request. An error in one item does not stop the others."""
        skipped = {"already_member", "not_super_admin", "nothing_to_accept"}
        try:
            operation(*arguments)
        except Rejected as rejected:
            self.rows.append(("skipped" if str(rejected) in skipped else "failed", str(rejected)))
        else:
            self.rows.append(("done", None))

    def migrate(self, account_id: str) -> None:
        self.must_be_member(account_id)
        user_id = self.request.body["user_id"]
        if user_id != self.actor_id and not self.is_acting_super_admin(account_id, self.actor_id):
            reject("forbidden")
        self.migrate_member(account_id, user_id, None)

    def migrate_self(self, partner_id: str) -> None:
        self.must_be_partner_employee(partner_id)
        for account_id in self.request.body["account_ids"]:
            self.bulk_row(self.migrate_self_in, account_id, partner_id)

    def migrate_self_in(self, account_id: str, partner_id: str) -> None:
        self.must_be_member(account_id)
        self.migrate_member(account_id, self.actor_id, partner_id)

    def migrate_member(self, account_id: str, user_id: str, partner_id: str | None) -> None:
        self.must_be_open(account_id)
        now, partner_ids = self.current_member(account_id, user_id), self.partners_of(user_id)
        if not now["active"]:
            reject("not_found")
        if now["permission_set"] != "super_admin":
            reject("not_super_admin")
        if not partner_id and len(partner_ids) > 1:
            reject("invalid_field")
        partner_id = partner_id or (min(partner_ids) if partner_ids else None)
        if not partner_id or not self.is_eligible(user_id, partner_id):
            reject("not_eligible")
        self.must_keep_super_admin(account_id, user_id)
        self.must_have_seat(account_id)
        self.members[account_id, user_id] = {
            **now,
            **assignment(
                "partner_admin",
                "partner",
                version=latest_version("partner_admin"),
                partner_id=partner_id,
                access_generation=self.access_generation(user_id, partner_id),
            ),
            "paid_seats": now["paid_seats"],
            "withheld": (),
            "grant": self.new_grant(partner_id, None),
        }
        self.expect_event("super_admin.migrated", account_id, partner_id)

    def authorize(self, account_id: str, user_id: str, *, over: bool = False) -> tuple[State, list[str]]:
        """Return the membership and the roles in which the caller may change it (§4)."""
        now, roles = self.current_member(account_id, user_id), []
        actor_partner_id = self.current_member(account_id, self.actor_id).get("partner_id")
        manages = "account.users.manage" in self.held_rights(account_id, self.actor_id)
        partner_id = now["partner_id"] if now["active"] else None
        if self.request.is_vendor:
            roles.append("vendor")
        elif manages and not actor_partner_id:
            roles.append("super_admin" if self.is_acting_super_admin(account_id, self.actor_id) else "user_manager")
        elif manages and partner_id == actor_partner_id:
            roles.append("colleague")
        if partner_id and "partner.client_access.manage" in self.held_rights(partner_id, self.actor_id):
            roles.append("partner_manager")
        if now["active"] and user_id == self.actor_id and self.users[self.actor_id]["active"]:
            roles.append("self")
        if not roles:
            self.must_be_member(account_id)
            reject("forbidden")
        return (now, roles) if now["active"] or over else reject("not_found")

    def must_match_version(self) -> None:
        if self.request.expected_version == STALE:
            reject("precondition_failed")

    def edit_user(self, account_id: str, user_id: str) -> None:
        now, (role, *_) = self.authorize(account_id, user_id)
        body = self.request.body
        named = body.get("permission_set", now["permission_set"])
        was_super, is_super = now["permission_set"] == "super_admin", named == "super_admin"
        becomes = named == "partner_admin" and not now["grant"]
        if role in {"self", "vendor"} or (becomes and role not in ACCOUNT_ROLES):
            reject("forbidden")
        if role != "super_admin" and (was_super or is_super):
            reject("forbidden")
        self.must_be_open(account_id)
        self.must_match_version()
        if becomes:
            self.become_partner_admin(account_id, user_id, was_super=was_super)
            return
        after = self.promoted(account_id, user_id) if is_super and not was_super else self.edited(now, role)
        reader = self.reader_of(account_id, user_id)
        gained = additional_permissions(reader.rights(after), reader.rights(now))
        if gained:
            self.must_be_grantable(account_id, user_id, role, gained, reader.rights(after))
        if after == now:
            return
        if was_super and not is_super:
            self.must_keep_super_admin(account_id, user_id)
        self.members[account_id, user_id] = after
        self.expect_event("member.updated", account_id, now["partner_id"])

    def become_partner_admin(self, account_id: str, user_id: str, *, was_super: bool) -> None:
        self.must_be_member(account_id)
        if self.accounts[account_id]["kind"] == "partner":
            reject("not_a_client_account")
        if was_super:
            self.migrate_member(account_id, user_id, None)
        else:
            self.create_partner_admin(account_id, user_id, self.request.body)

    def must_be_grantable(self, account_id: str, user_id: str, role: str, gained: set[str], will: Reach) -> None:
        """Reject an edit that gives rights that the editor must not give.

        You can only grant permissions that you hold (§3). A partner cannot widen what the client granted to it (§4).
        """
        now = self.current_member(account_id, user_id)
        if role == "partner_manager":
            reject("forbidden")
        if now["grant"] and role in ACCOUNT_ROLES and self.is_own_partner(user_id, now["partner_id"]):
            reject("own_partner_may_not_approve")
        is_client = self.accounts[account_id]["kind"] == "client"
        if is_client and self.share_a_partner(user_id) and gained & catalogue.RESTRICTED:
            reject("own_partner_may_not_approve")
        actor_rights = self.held_rights(account_id, self.actor_id)
        if any(will[name] > actor_rights.get(name, 0) for name in gained):
            reject("permission_not_held")

    def promoted(self, account_id: str, user_id: str) -> State:
        """Return the membership after a promotion to super admin (rule 20)."""
        now = self.current_member(account_id, user_id)
        if self.suspended_by(account_id, user_id):
            reject("grant_suspended")
        if self.share_a_partner(user_id) and self.accounts[account_id]["kind"] == "client":
            reject("own_partner_may_not_approve")
        seat = now["seat"] if now["seat"] != "partner" else "core"
        made = assignment("super_admin", seat, version=latest_version("super_admin"))
        return {**now, **made, "paid_seats": now["paid_seats"], "withheld": (), "grant": None}

    def edited(self, now: State, role: str) -> State:
        body, after = self.request.body, deepcopy(now)
        if {"permission_set", "permissions", "overrides"} & set(body):
            name = body.get("permission_set", now["permission_set"])
            overrides = body.get("overrides", {})
            if "permissions" in body:
                overrides = changed_overrides(now if name == now["permission_set"] else {}, body["permissions"])
            self.assign_set(after, name, overrides, role)
        seat = body.get("seat", now["seat"])
        if seat != now["seat"]:
            if role not in ACCOUNT_ROLES:
                reject("forbidden")
            if now["seat"] == "partner":
                reject("invalid_field")
            after["seat"] = seat
        if {"access_days", "access_ends_on"} & set(body):
            self.set_end(after, role)
        return after

    def withheld_after(self, now: State, overrides: Mapping[str, list[str]], base: Reach, role: str) -> set[str]:
        """Return what the client keeps from a partner member with whatever set (rule 43)."""
        withheld, body = set(now["withheld"]), self.request.body
        added = set(overrides.get("add", ()))
        if not now["partner_id"]:
            return set()
        if role not in ACCOUNT_ROLES:
            return reject("forbidden") if (added - set(now["added"])) & withheld else withheld
        named = body.get("overrides") or body.get("permissions") or {}
        taken = (set(named.get("remove", ())) & set(base)) - set(named.get("add", ()))
        keeps_set = body.get("permission_set", now["permission_set"]) == now["permission_set"]
        replaced = set(base) if "overrides" in body and keeps_set else set()
        return (withheld - added - replaced) | with_dependents(taken)

    def assign_set(self, after: State, name: str, overrides: Mapping[str, list[str]], role: str) -> None:
        """Assign a permission set with its overrides.

        Both replace the earlier ones completely (§3), except for what the client withholds (rule 43).
        """
        account_id, user_id = self.request.path["account_id"], self.request.path["user_id"]
        reader, version = self.reader_of(account_id, user_id), after["set_version"]
        grant = after["grant"]
        if name != after["permission_set"]:
            if name not in catalogue.SETS and (account_id, name) not in self.sets:
                reject("unknown_permission_set")
            custom_version = self.sets.get((account_id, name), {}).get("version")
            version = (
                custom_version or (grant and name == "partner_admin" and grant["set_version"]) or latest_version(name)
            )
            if grant and after["permission_set"] == "partner_admin":
                after["grant"] = {**grant, "set_version": after["set_version"]}
        added, removed = overrides.get("add", ()), overrides.get("remove", ())
        if name == "super_admin" and (added or removed):
            reject("invalid_field")
        base = reader.set_permissions(name, version) or {}
        withheld = self.withheld_after(after, overrides, base, role)
        all_removed = {*removed, *(withheld & set(after["withheld"]))}
        given = adjusted(base, added, all_removed)
        if broken_implications(given):
            reject("invalid_field")
        lost = additional_permissions(base, given)
        after |= {
            "permission_set": name,
            "set_version": version,
            "added": tuple(sorted(each for each in added if each in additional_permissions(given, base) | lost)),
            "removed": tuple(sorted((lost & all_removed) | withheld)),
            "withheld": tuple(sorted(withheld)),
        }

    def set_end(self, after: State, role: str) -> None:
        """Change the end of a grant. Either side can shorten it, and only the client can extend it (rule 23)."""
        if not after["grant"]:
            reject("invalid_field")
        account_id, body = self.request.path["account_id"], self.request.body
        self.must_be_within_limits(account_id, body)
        before, end = after["grant"]["expires_at"], self.end_of_access(account_id, body)
        zone = self.accounts[account_id]["time_zone"]
        stands = before and local_date(before - 1, zone)
        if stands == last_day(body, self.today_in(account_id)):  # rule 40
            return
        if before is not None and (end is None or end > before):
            if role not in ACCOUNT_ROLES:
                reject("forbidden")
            if self.is_own_partner(self.request.path["user_id"], after["partner_id"]):
                reject("own_partner_may_not_approve")
        after["grant"] = {**after["grant"], "expires_at": end}

    def remove_user(self, account_id: str, user_id: str) -> None:
        now, (role, *others) = self.authorize(account_id, user_id)
        is_super = now["permission_set"] == "super_admin"
        if is_super and role == "user_manager":
            reject("forbidden")
        self.must_match_version()
        if is_super:
            self.must_keep_super_admin(account_id, user_id)
        ended_by = "partner_manager" if role == "colleague" and "partner_manager" in others else role
        ended_by = "self" if user_id == self.actor_id else ended_by
        ended = {**without_grant(now), "ended_by": ended_by}
        if ended_by == "partner_manager":
            ended["kept_out_by"] = ended["kept_out_by"] | {now["partner_id"]}
        self.members[account_id, user_id] = ended
        self.expect_event("grant.revoked" if now["grant"] else "member.removed", account_id, now["partner_id"])
        if self.accounts[account_id]["kind"] == "partner":
            self.leave(account_id, user_id)
            self.void_access(user_id, account_id)

    def void_access(self, user_id: str, partner_id: str) -> None:
        """End all access of the user for the partner at once (rule 21)."""
        offboardings = self.users[user_id]["offboardings"]
        self.users[user_id] = {
            **self.users[user_id],
            "offboardings": {**offboardings, partner_id: offboardings.get(partner_id, 0) + 1},
        }
        if user_id != self.actor_id:
            generation = self.access_generation(user_id, partner_id)
            self.users[user_id]["by_manager"] = {**self.users[user_id]["by_manager"], partner_id: generation}
        self.reconciliations.append({"partner": partner_id, "user": user_id, "ends": True})

    def authorize_side(self, account_id: str, user_id: str, *, over: bool = False) -> tuple[State, str]:
        """Return the membership and the side (client or partner) for which the caller acts.

        With `over`, a membership that is over and that the client suspended counts too.
        """
        now, roles = self.authorize(account_id, user_id, over=over)
        if not now["active"] and "client" not in now.get("suspended_by", ()):
            reject("not_found")
        if self.accounts[account_id]["kind"] == "partner":
            reject("not_a_client_account")
        if "partner_manager" in roles:
            return now, "partner"
        return (now, "client") if roles[0] in ACCOUNT_ROLES else reject("forbidden")

    def suspend_user(self, account_id: str, user_id: str) -> None:
        now, side = self.authorize_side(account_id, user_id)
        if now["permission_set"] == "super_admin":
            reject("is_super_admin")
        if side not in now["suspended_by"]:
            self.members[account_id, user_id] = {**now, "suspended_by": now["suspended_by"] | {side}}
            self.expect_event("member.suspended", account_id, now["partner_id"])

    def resume_user(self, account_id: str, user_id: str) -> None:
        now, side = self.authorize_side(account_id, user_id, over=True)
        self.must_be_open(account_id)
        if side not in now["suspended_by"]:
            if self.suspended_by(account_id, user_id):
                reject("grant_suspended")
            return
        if side == "client" and now["partner_id"] and self.is_own_partner(user_id, now["partner_id"]):
            reject("own_partner_may_not_approve")
        self.members[account_id, user_id] = {**now, "suspended_by": now["suspended_by"] - {side}}
        self.expect_event("member.resumed", account_id, now["partner_id"])

    def offboard_employee(self, partner_id: str, user_id: str) -> None:
        self.must_be_partner_employee(partner_id)
        if user_id != self.actor_id and "partner.client_access.manage" not in self.held_rights(
            partner_id, self.actor_id
        ):
            reject("forbidden")
        if (partner_id, user_id) not in self.members:
            reject("not_found")
        self.expect_event("employee.offboarded", partner_id)
        self.void_access(user_id, partner_id)
        self.record_ended_access(self.reconciliations[-1], user_id)

    # custom permission sets of an account

    def must_be_super_admin(self, account_id: str) -> None:
        self.must_be_member(account_id)
        if not self.is_acting_super_admin(account_id, self.actor_id):
            reject("forbidden")
        self.must_be_open(account_id)

    def create_permission_set(self, account_id: str) -> None:
        self.must_be_super_admin(account_id)
        body = self.request.body
        own = {"name": body["name"], "permissions": tuple(sorted(body["permissions"])), "version": 1}
        self.sets[account_id, str(self.response.get("permission_set"))] = own
        self.expect_event("permission_set.created", account_id)

    def custom_set(self, account_id: str, set_id: str) -> State:
        self.must_be_super_admin(account_id)
        own = self.sets.get((account_id, set_id)) or reject("not_found")
        self.must_match_version()
        return own

    def update_permission_set(self, account_id: str, set_id: str) -> None:
        own, body = self.custom_set(account_id, set_id), self.request.body
        gained = additional_permissions(parse_reach(tuple(body["permissions"])), parse_reach(own["permissions"]))
        holders = {
            user for (account, user) in self.members if account == account_id and self.holds(account, user, set_id)
        }
        if gained & catalogue.RESTRICTED:
            if any(self.members[account_id, user]["partner_id"] for user in holders):
                reject("restricted_permission")
            if self.accounts[account_id]["kind"] == "client" and any(map(self.share_a_partner, holders)):  # rule 37
                reject("own_partner_may_not_approve")
        permissions = tuple(sorted(body["permissions"]))
        if parse_reach(permissions) != parse_reach(own["permissions"]):
            own |= {"permissions": permissions, "version": own["version"] + 1}
            self.expect_event("permission_set.updated", account_id)

    def holds(self, account_id: str, user_id: str, set_id: str) -> bool:
        """Return whether the member holds the set. A membership that is over holds none."""
        member = self.members[account_id, user_id]
        return bool(member["active"] and member["permission_set"] == set_id)

    def remove_permission_set(self, account_id: str, set_id: str) -> None:
        self.custom_set(account_id, set_id)
        if any(self.holds(account, user, set_id) for (account, user) in self.members if account == account_id):
            reject("set_in_use")
        del self.sets[account_id, set_id]
        self.expect_event("permission_set.removed", account_id)

    def accept_set_updates(self, account_id: str) -> None:
        self.must_be_member(account_id)
        if not self.can_approve(account_id):
            reject("forbidden")
        self.must_be_open(account_id)
        body = self.request.body
        if body["version"] != latest_version(body["permission_set"]):
            reject("rights_changed")
        for user_id in body["user_ids"]:
            self.bulk_row(self.accept_set_update, account_id, user_id, body["permission_set"])

    def accept_set_update(self, account_id: str, user_id: str, name: str) -> None:
        """Accept a set update for one member, under the rules of an approval. Only the client can accept it (§3)."""
        now = self.current_member(account_id, user_id)
        if not now["active"] or not self.users[user_id]["active"]:
            reject("not_found")
        if now["permission_set"] != name:
            reject("rights_changed")
        self.must_be_approver(account_id, user_id if now["partner_id"] else None, now["partner_id"])
        reader, removed = self.reader_of(account_id, user_id), set(now["removed"])
        base = reader.set_permissions(name, latest_version(name))
        while further := broken_implications(adjusted(base, now["added"], removed)) - removed:
            removed |= further
        after = {**now, "set_version": latest_version(name), "removed": tuple(sorted(removed))}
        gained = additional_permissions(reader.rights(after), reader.rights(now))
        if not gained:
            reject("nothing_to_accept")
        if not now["grant"] and gained - set(self.held_rights(account_id, self.actor_id)):
            reject("permission_not_held")
        self.members[account_id, user_id] = after
        self.expect_event("permission_set.update_accepted", account_id, now["partner_id"])

    # background jobs

    def expire(self, now: int) -> None:
        """Record the end of each link and grant that has expired."""
        self.now, self.entries = now, []
        for link in self.links.values():
            if link["stored_state"] == "open" and self.link_state(link) != "approved" and link["expires_at"] <= now:
                link["stored_state"] = "expired"
                self.expect_event("link.expired", link["partner_id"])
        for (account_id, user_id), member in self.members.items():
            grant = member["grant"]
            if grant and grant["expires_at"] is not None and grant["expires_at"] <= now:
                self.members[account_id, user_id] = without_grant(member)
                self.expect_event("grant.expired", account_id, grant["partner_id"])

    def reconcile(self, now: int) -> None:
        """Record, account by account, the access that an earlier request ended everywhere at once."""
        self.now, self.entries = now, []
        for reconciliation in self.reconciliations:
            employee_ids = [user for account_id, user in self.members if account_id == reconciliation["partner"]]
            for user_id in [reconciliation["user"]] if reconciliation["user"] else employee_ids:
                self.record_ended_access(reconciliation, user_id)
                self.revoke_links(reconciliation, user_id)
        self.reconciliations.clear()

    def record_ended_access(self, reconciliation: State, user_id: str) -> None:
        for (account_id, each), member in list(self.members.items()):
            if (
                each != user_id
                or not reconciliation["ends"]
                or account_id in reconciliation.setdefault(f"reported {each}", set())
            ):
                continue
            now, grant = self.current_member(account_id, user_id), member["grant"]
            lapsed = grant and grant["expires_at"] is not None and grant["expires_at"] <= self.now
            before = without_grant(member) if lapsed else member
            mine = reconciliation["partner"] in (None, before["partner_id"])
            if before["active"] and mine and self.access_of(before) != self.access_of(now):
                self.members[account_id, user_id] = now
                self.expect_event("access.ended", account_id)
                reconciliation[f"reported {each}"].add(account_id)

    def access_of(self, member: State) -> tuple[object, ...]:
        return member["grant"], member["partner_id"], member["active"]

    def revoke_links(self, reconciliation: State, user_id: str) -> None:
        for link in self.links.values():
            mine = reconciliation["ends"] and link["employee_id"] == user_id
            if mine and reconciliation["partner"] in (None, link["partner_id"]):
                was_open = self.link_state(link, with_access_generation=False) == "open"
                if was_open and self.link_state(link) != "open":
                    link["stored_state"] = "revoked"
                    self.expect_event("link.revoked", link["partner_id"])


ROUTES: Final[Mapping[str, str]] = {
    route.key: route.operation_id
    for route in template.routes()
    if route.key in {row.route for row in operations.CHANGING}
}
"""The method of the model for each route that changes something. It has the name of the operation."""
