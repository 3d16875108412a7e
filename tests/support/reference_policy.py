"""Reference policy: the access rules of domain.md over plain values, simple and slow, without the product's rules."""

from typing import Any

from partner_access.domain.permissions import catalogue

State = dict[str, Any]
Reach = dict[str, int]
"""The reach of each permission held: 1 for owned records, 2 for those of the team, 3 for all."""
REACH = {"owned": 1, "team": 2, "all": 3, "": 3}


def parse_reach(names: tuple[str, ...]) -> Reach:
    return {name.partition(":")[0]: REACH[name.partition(":")[2]] for name in names}


class ReferencePolicy:
    """A policy in which each method implements one sentence of domain.md. Tests override one for a wrong model."""

    def __init__(self, state: State, now: int) -> None:
        self.account, self.user, self.member = state["account"], state["user"], state["member"]
        self.partners, self.sets, self.now = state["partners"], state["sets"], now

    def permissions(self) -> Reach:
        """Return all permissions that the user has in the account now."""
        if not self.account or not self.user or not self.member:
            return {}
        if self.account["state"] != "active" or not self.user["active"] or not self.member["active"]:
            return {}
        if self.has_ended(self.member) or {"client", "partner"} & set(self.suspended_by()):
            return {}
        return self.permissions_of(self.member)

    def permissions_of(self, assignment: State) -> Reach:
        """Return the permissions of this assignment, or none if its partner makes the user ineligible."""
        held = self.held_permissions(assignment)
        if held is None or (assignment["partner_id"] and not self.is_eligible(assignment["partner_id"])):
            return {}
        return {name: reach for name, reach in held.items() if self.exists(name) and self.is_paid(name, assignment)}

    def has_ended(self, assignment: State) -> bool:
        """Return whether the assignment has ended.

        An end is exclusive (§5). Access that ended with all access for the partner never revives (rule 21).
        """
        grant = assignment.get("grant")
        return bool(grant and self.has_expired(grant)) or bool(
            assignment["partner_id"] and not self.has_current_generation(assignment)
        )

    def has_expired(self, grant: State) -> bool:
        return grant["expires_at"] is not None and grant["expires_at"] <= self.now

    def has_current_generation(self, assignment: State) -> bool:
        partner = self.partners.get(assignment["partner_id"])
        ended = self.user["offboardings"].get(assignment["partner_id"], 0) + (partner["terminations"] if partner else 0)
        return partner is not None and assignment["access_generation"] >= ended

    def suspended_by(self) -> tuple[str, ...]:
        """Return the stored suspension reasons. Those of the employee and the program are computed at each check."""
        return tuple(self.member["suspended_by"])

    def is_eligible(self, partner_id: str) -> bool:
        """Return whether the user is an employee of an active partner (§2).

        Their email domain must match exactly (rule 13).
        """
        partner, email = self.partners[partner_id], self.user["email"]
        in_program = partner["kind"] == "partner" and partner["program"] == partner["state"] == "active"
        is_employee = partner_id in self.user["employed_by"] and email is not None
        return in_program and is_employee and email.split("@")[1] in partner["domains"]

    def held_permissions(self, assignment: State) -> Reach | None:
        """Return the permissions of the assignment's set with its edits (§3), or None if they cannot be determined."""
        base = self.set_permissions(assignment["permission_set"], assignment["set_version"])
        if base is None or (assignment["permission_set"] == "partner_admin" and not assignment.get("grant")):
            return None
        left = {name: reach for name, reach in base.items() if name not in assignment["removed"]}
        for name, reach in parse_reach(assignment["added"]).items():
            left[name] = max(reach, left.get(name, 0))
        return {name: reach for name, reach in left.items() if not self.is_restricted(name, assignment)}

    def set_permissions(self, name: str, version: int) -> Reach | None:
        """Return the permissions of a set.

        A custom set counts as it is. A vendor's set counts in the version given, less what later versions removed (§3).
        """
        if name not in catalogue.SETS:
            return parse_reach(self.sets[name]["permissions"]) if name in self.sets else None
        versions = [parse_reach(each) for each in catalogue.SETS[name]]
        if name == "super_admin":
            return versions[-1]
        return self.pinned_permissions(versions, version) if version <= len(versions) else None

    def pinned_permissions(self, versions: list[Reach], version: int) -> Reach:
        since = versions[version - 1 :]
        return {name: min(each[name] for each in since) for name in since[0] if all(name in each for each in since)}

    def is_restricted(self, name: str, assignment: State) -> bool:
        """Return whether the permission is restricted, which no one can give to a partner member (§3)."""
        return name in catalogue.RESTRICTED and assignment["partner_id"] is not None

    def exists(self, name: str) -> bool:
        return name not in catalogue.PARTNER_ONLY or self.account["kind"] == "partner"

    def is_paid(self, name: str, assignment: State) -> bool:
        """Return whether a seat pays for the permission.

        A paid seat includes its features. The free partner seat includes them only with seat-based pricing (§3).
        """
        if name not in catalogue.PAID_FEATURE_SEATS or (
            assignment["seat"] == "partner" and self.account["pricing"] == "seat_based"
        ):
            return True
        return catalogue.PAID_FEATURE_SEATS[name] in (assignment["seat"], *assignment["paid_seats"])
