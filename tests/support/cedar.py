"""Access rules as Cedar policies over entities made of plain values: the third implementation to compare."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import cedarpy

from partner_access.domain.permissions import catalogue

State = dict[str, Any]
Question = tuple[State, str, int]
"""A state, a permission, and the reach in question: 1 for owned records, 2 for those of the team, 3 for all."""
REACH: Final = {"owned": 1, "team": 2, "all": 3, "": 3}

# conditions on the assignment of a membership
NOT_ENDED: Final = """
(!({assignment} has partner) || ({assignment}.partner has terminations && {assignment}.access_generation >= {assignment}.offboardings + {assignment}.partner.terminations))"""
ELIGIBLE: Final = """
(!({assignment} has partner) || ({assignment}.partner.in_program && principal.user.employed_by.contains({assignment}.partner)
  && principal.user has domain && {assignment}.partner.domains.contains(principal.user.domain)))"""
SET_IS_KNOWN: Final = """
(if {assignment} has own then {assignment}.own has holds else Catalogue::"all".versions.containsAll({assignment}.given))"""
HOLDS_PERMISSION: Final = """
({assignment}.added.contains(resource.key) || (!{assignment}.removed.contains(resource.name) &&
  (if {assignment} has own then {assignment}.own.holds.contains(resource.key) else resource.versions.containsAll({assignment}.given))))"""
NOT_RESTRICTED_FOR_PARTNER: Final = """
(!({assignment} has partner) || !resource.restricted)"""
SEAT_IS_PAID: Final = """
(!(resource has paid) || ({assignment} has seat && {assignment}.seat == "partner" && principal.account.seat_based)
  || {assignment}.seats.contains(resource.paid))"""
PERMITS: Final = f"{ELIGIBLE} && {SET_IS_KNOWN} && {HOLDS_PERMISSION} && {NOT_RESTRICTED_FOR_PARTNER} && {SEAT_IS_PAID}"
GRANT_NOT_EXPIRED: Final = "(!(principal has expires_at) || context.now < principal.expires_at)"


def _for_assignment(assignment: str, expression: str) -> str:
    return expression.replace("{assignment}", assignment)


POLICIES: Final = {
    "now": f"""
permit (principal, action == Action::"use", resource)
when {{ principal has now && principal.user has active && principal.account has seat_based }}
when {{ {GRANT_NOT_EXPIRED} && {_for_assignment("principal.now", NOT_ENDED)} && {_for_assignment("principal.now", PERMITS)} }}
unless {{ principal.suspended_by.containsAny(["client", "partner"]) }}
unless {{ principal.now.needs_grant && !principal.granted }};
""",
    "gone": "forbid (principal, action, resource) unless { principal.active };",
    "barred": "forbid (principal, action, resource) unless { principal.user.active };",
    "closed": 'forbid (principal, action, resource) unless { principal.account.state == "active" };',
    "partners": "forbid (principal, action, resource) when { resource.partner_only && !principal.account.is_partner };",
}


def permits(questions: Iterable[Question], now: int, policies: Iterable[str] = POLICIES.values()) -> list[bool]:
    """Return Cedar's decision on each question.

    All states are sent in one request, so each one has entity ids of its own.
    """
    question_list = list(questions)
    states = {id(state): state for state, _, _ in question_list}
    names = {name for _, name, _ in question_list} & catalogue.CATALOGUE
    entities = [*_catalogue(names), *(each for name, state in states.items() for each in _entities(str(name), state))]
    requests: list[dict[str, Any]] = [
        {
            "principal": f'Member::"{id(state)}"',
            "action": 'Action::"use"',
            "resource": f'Permission::"{name}@{reach}"',
            "context": {"now": now},
        }
        for state, name, reach in question_list
    ]
    results = cedarpy.is_authorized_batch(requests, "\n".join(policies), json.dumps(entities))
    assert all(each.decision is not cedarpy.Decision.NoDecision for each in results)
    return [each.allowed for each in results]


def _entity(kind: str, name: str, /, **attributes: object) -> dict[str, object]:
    there = {key: value for key, value in attributes.items() if value is not None}
    return {"uid": {"type": kind, "id": name}, "attrs": there, "parents": []}


def _reference(kind: str, name: str | None) -> dict[str, object] | None:
    return {"__entity": {"type": kind, "id": name}} if name else None


def _permission_keys(names: Iterable[str]) -> list[str]:
    """Return each permission with its reach and every narrower reach."""
    split = (name.partition(":") for name in names)
    return [f"{name}@{reach}" for name, _, scope in split for reach in range(1, REACH[scope] + 1)]


def _catalogue(names: Iterable[str]) -> Iterator[dict[str, object]]:
    """Yield these permissions in every reach, with the versions of the vendor's sets that contain them."""
    held = {
        f"{name}/{version}": frozenset(_permission_keys(names))
        for name, versions in catalogue.SETS.items()
        for version, names in enumerate(versions, start=1)
    }
    yield _entity("Catalogue", "all", versions=list(held))
    for name in names:
        for reach in (1, 2, 3):
            yield _entity(
                "Permission",
                f"{name}@{reach}",
                name=name,
                key=f"{name}@{reach}",
                versions=[version for version, keys in held.items() if f"{name}@{reach}" in keys],
                restricted=name in catalogue.RESTRICTED,
                partner_only=name in catalogue.PARTNER_ONLY,
                paid=catalogue.PAID_FEATURE_SEATS.get(name),
            )


def _entities(number: str, state: State) -> Iterator[dict[str, object]]:
    account, user, member = state["account"], state["user"], state["member"]
    for partner_id, partner in state["partners"].items():
        in_program = partner["kind"] == "partner" and partner["program"] == partner["state"] == "active"
        yield _entity(
            "Partner",
            partner_id,
            terminations=partner["terminations"],
            domains=list(partner["domains"]),
            in_program=in_program,
        )
    for set_id, custom_set in state["sets"].items():
        yield _entity("OwnSet", set_id, holds=_permission_keys(custom_set["permissions"]))
    if account:
        yield _entity(
            "Account",
            number,
            seat_based=account["pricing"] == "seat_based",
            state=account["state"],
            is_partner=account["kind"] == "partner",
        )
    if user:
        yield _entity(
            "User",
            number,
            active=user["active"],
            domain=user["email"].split("@")[1] if user["email"] else None,
            employed_by=[_reference("Partner", partner) for partner in user["employed_by"]],
        )
    if member:
        grant = member.get("grant")
        yield _entity(
            "Member",
            number,
            user=_reference("User", number),
            account=_reference("Account", number),
            active=member["active"],
            suspended_by=list(member["suspended_by"]),
            granted=grant is not None,
            expires_at=grant["expires_at"] if grant else None,
            now=_reference("Assignment", f"{number} now"),
        )
        yield _assignment(f"{number} now", member, user)


def _assignment(name: str, assignment: State, user: State | None) -> dict[str, object]:
    set_name, partner_id = assignment["permission_set"], assignment["partner_id"]
    given_version = 1 if set_name == "super_admin" else assignment["set_version"]
    versions = range(given_version, max(len(catalogue.SETS.get(set_name, ())), given_version) + 1)
    return _entity(
        "Assignment",
        name,
        partner=_reference("Partner", partner_id),
        access_generation=assignment["access_generation"],
        offboardings=user["offboardings"].get(partner_id, 0) if user else 0,
        seat=assignment["seat"],
        seats=[each for each in (assignment["seat"], *assignment["paid_seats"]) if each],
        own=_reference("OwnSet", None if set_name in catalogue.SETS else set_name),
        given=[f"{set_name}/{version}" for version in versions],
        added=_permission_keys(assignment["added"]),
        removed=list(assignment["removed"]),
        needs_grant=set_name == "partner_admin",
    )
