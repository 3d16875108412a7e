"""Effective rights: of the vendor's sets by their version, of an account's own sets as they are."""

from collections.abc import Iterator

import pytest

from partner_access.domain.errors import UnknownPermissionSet
from partner_access.domain.memberships.effective_rights import (
    base_rights_of,
    custom_sets_of,
    custom_sets_of_partner_member,
    effective_rights_of,
    rights_and_version_now,
)
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import NO_RIGHTS, default_set_rights, latest_set_rights
from tests.domain.permissions.test_custom_sets import CUSTOM_SET_MEMBER, OTHER, PARTNER_MEMBER, SETS
from tests.support.builders import CUSTOM_SET, EMPLOYEE, PARTNER, a_custom_set, a_grant, a_member, a_partner_admin


def test_given_now_for_custom_set_returns_current_rights() -> None:
    rights, version = rights_and_version_now(CUSTOM_SET, SETS)

    assert is_custom(CUSTOM_SET)
    assert rights.to_names() == ("crm.tickets.edit:team", "crm.tickets.view:all", "service.access")
    assert version == 6


@pytest.mark.parametrize("name", [OTHER, "owner", ""])
def test_given_now_for_unknown_set_raises_unknown_permission_set(name: str) -> None:
    with pytest.raises(UnknownPermissionSet) as raised:
        rights_and_version_now(name, SETS)
    assert raised.value.fields == ((("permission_set",), "unknown_permission_set"),)


def test_base_of_custom_set_follows_changes_and_deletion() -> None:
    changed = {CUSTOM_SET: a_custom_set(version=7, permissions=("crm.import",))}

    assert base_rights_of(CUSTOM_SET_MEMBER, SETS) == SETS[CUSTOM_SET].rights
    assert base_rights_of(CUSTOM_SET_MEMBER, changed).to_names() == ("crm.import",)
    assert base_rights_of(CUSTOM_SET_MEMBER, {OTHER: a_custom_set(OTHER)}) == NO_RIGHTS
    assert base_rights_of(a_member(permission_set="sales"), {}) == latest_set_rights("sales")


@pytest.fixture
def two_versions() -> Iterator[str]:
    """Give the partner admin set two versions. Yields the one permission that only the second version has."""
    with pytest.MonkeyPatch.context() as patched:
        first = catalogue.SETS["partner_admin"][0]
        patched.setattr(catalogue, "SETS", {**catalogue.SETS, "partner_admin": (first[:-1], first)})
        default_set_rights.cache_clear()
        yield first[-1]
    default_set_rights.cache_clear()


def test_base_of_default_set_uses_given_version(two_versions: str) -> None:
    assert two_versions not in base_rights_of(a_partner_admin(set_version=1), {})
    assert two_versions in base_rights_of(a_partner_admin(set_version=2), {})


def test_rights_in_applies_overrides_to_set() -> None:
    member = a_partner_admin(removed=("crm.import", "crm.contacts.view"), added=("crm.contacts.view:owned",))
    held = effective_rights_of(member, {})

    assert "crm.import" not in held
    assert held.held["crm.contacts.view"] == 1
    assert set(latest_set_rights("partner_admin")) - set(held) == {"crm.import"}
    own = CUSTOM_SET_MEMBER.next_version(added=("crm.import",), removed=("service.access",))
    assert effective_rights_of(own, SETS).to_names() == ("crm.import", "crm.tickets.edit:team", "crm.tickets.view:all")


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED))
def test_rights_in_partner_member_never_contain_restricted_permissions(name: str) -> None:
    sets = {CUSTOM_SET: a_custom_set(permissions=("crm.import", name))}

    assert name in effective_rights_of(CUSTOM_SET_MEMBER, sets)
    assert name in effective_rights_of(a_member(), {})
    assert name in effective_rights_of(a_member(permission_set="sales", added=(name,)), {})
    for member in (
        PARTNER_MEMBER,
        a_partner_admin().next_version(permission_set=CUSTOM_SET),
        a_partner_admin(added=(name,)),
        a_member(EMPLOYEE, partner_id=PARTNER),
    ):
        assert name not in effective_rights_of(member, sets)
        assert "crm.import" in effective_rights_of(member, sets)


@pytest.mark.parametrize(
    ("member", "held", "for_a_partner"),
    [
        (None, {}, {}),
        (a_member(), {}, {}),
        (a_partner_admin(), {}, {}),
        (CUSTOM_SET_MEMBER, {CUSTOM_SET: 1}, {}),
        (CUSTOM_SET_MEMBER.next_version(active=False), {}, {}),
        (PARTNER_MEMBER, {CUSTOM_SET: 1}, {CUSTOM_SET: 1}),
        (PARTNER_MEMBER.next_version(active=False), {}, {}),
        (a_partner_admin(grant=a_grant(former_set=CUSTOM_SET)), {}, {}),
        (PARTNER_MEMBER.ended(), {}, {}),
    ],
)
def test_held_by_counts_current_set_only(
    member: Member | None, held: dict[str, int], for_a_partner: dict[str, int]
) -> None:
    assert custom_sets_of(member) == held
    assert custom_sets_of_partner_member(member) == for_a_partner
