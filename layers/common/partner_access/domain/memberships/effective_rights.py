"""The rights that a member really has: of the vendor's sets by their version, of an account's own sets as they are."""

from collections import Counter

from partner_access.domain.errors import UnknownPermissionSet
from partner_access.domain.memberships.members import Member, Place
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import Sets, is_custom
from partner_access.domain.permissions.rights import (
    NOTHING,
    Overrides,
    Rights,
    given_today,
    latest,
    rights_of,
)


def given_now(permission_set: str, sets: Sets) -> tuple[Rights, int]:
    """What a set holds for whom it is given to today, and in which version; refuses what is no set here."""
    if not is_custom(permission_set):
        return given_today(permission_set), latest(permission_set)
    if permission_set not in sets:
        raise UnknownPermissionSet("/permission_set")
    return sets[permission_set].rights, sets[permission_set].version


def base_of(place: Place, sets: Sets) -> Rights:
    """What the set alone gives here: nothing when it is an account's own that is gone."""
    if not is_custom(place.permission_set):
        return rights_of(place.permission_set, place.set_version)
    return sets[place.permission_set].rights if place.permission_set in sets else NOTHING


def rights_in(place: Place, sets: Sets) -> Rights:
    """What a place allows; nobody who is here for a partner holds what is restricted, by whatever door (domain.md §3)."""
    rights = Overrides(place.added, place.removed).applied_to(base_of(place, sets))
    return rights.adjusted(removed=catalogue.RESTRICTED) if place.partner_id else rights


def held_by(member: Member | None) -> Counter[str]:
    """The account's own sets that a membership holds, now and for when its grant ends."""
    places = (member, member.previous) if member and member.active else ()
    return Counter(each.permission_set for each in places if each and is_custom(each.permission_set))


def held_for_a_partner(member: Member | None) -> Counter[str]:
    """Of those, the ones held by somebody who is here for a partner."""
    places = (member, member.previous) if member and member.active else ()
    return Counter(
        each.permission_set for each in places if each and each.partner_id and is_custom(each.permission_set)
    )
