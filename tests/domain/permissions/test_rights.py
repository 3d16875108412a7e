"""Permissions: the lattice of rights and overrides, and the rules about giving them (domain.md §3)."""

import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from partner_access.domain.errors import (
    InvalidField,
    PermissionNotHeld,
    Refused,
    RestrictedPermission,
    UnknownPermission,
)
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    NO_OVERRIDES,
    NOTHING,
    Overrides,
    Rights,
    Scope,
    SetName,
    given_today,
    in_clients,
    lacking,
    latest,
    must_be_givable,
    must_be_ordered,
    must_exist_in_clients,
    must_suit_a_partner_admin,
    must_suit_partner_staff,
    of_partner_admin,
    read_rights,
    rights_of,
)

EVERYTHING = sorted(catalogue.CATALOGUE)
quickly = settings(deadline=None, max_examples=60)

names = st.sampled_from(EVERYTHING)
scopes = st.sampled_from([scope.name.lower() for scope in Scope])
written = st.one_of(names, st.builds("{}:{}".format, st.sampled_from(catalogue.SCOPED), scopes))
rights = st.builds(
    lambda scoped, others: Rights({**scoped, **dict.fromkeys(others, Scope.ALL)}),
    st.dictionaries(st.sampled_from(catalogue.SCOPED), st.sampled_from(Scope), max_size=12),
    st.sets(st.sampled_from(sorted(catalogue.CATALOGUE - set(catalogue.SCOPED))), max_size=12),
)
set_names = st.sampled_from(list(SetName))
overrides = st.builds(
    Overrides,
    st.lists(written, max_size=4).map(tuple),
    st.lists(names, max_size=4).map(tuple),
)


# the order of rights


@given(rights, rights)
@quickly
def test_rights_cover_others_exactly_when_nothing_of_those_goes_beyond(one: Rights, other: Rights) -> None:
    assert one.cover(other) is (other.beyond(one) == ())
    assert one.cover(one)
    assert one.cover(NOTHING)
    assert not one.beyond(one)


@given(rights, rights, rights)
@quickly
def test_covering_goes_on_to_what_the_covered_covers(one: Rights, other: Rights, third: Rights) -> None:
    meet = one.within(other)

    assert one.cover(meet)
    assert other.cover(meet)
    assert meet == other.within(one)
    assert meet.cover(third) is (one.cover(third) and other.cover(third))


@given(rights, st.lists(written, max_size=6), st.sets(names, max_size=6))
@quickly
def test_adding_never_takes_and_taking_never_adds(base: Rights, added: list[str], removed: set[str]) -> None:
    more, less = base.adjusted(added=added), base.adjusted(removed=removed)

    assert more.cover(base)
    assert base.cover(less)
    assert not removed & set(less)
    assert all(name.partition(":")[0] in more for name in added)


@given(rights)
@quickly
def test_what_is_written_of_rights_is_read_as_the_same_rights(base: Rights) -> None:
    assert NOTHING.adjusted(added=base.written()) == base
    assert list(base) == sorted(base.held)


@pytest.mark.parametrize(
    ("held", "asked", "covered"),
    [
        (Scope.ALL, Scope.ALL, True),
        (Scope.ALL, Scope.OWNED, True),
        (Scope.TEAM, Scope.OWNED, True),
        (Scope.TEAM, Scope.ALL, False),
        (Scope.OWNED, Scope.TEAM, False),
    ],
)
def test_a_wider_scope_covers_a_narrower_one(held: Scope, asked: Scope, covered: bool) -> None:
    assert Rights({"crm.deals.view": held}).cover(Rights({"crm.deals.view": asked})) is covered


# names


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("crm.deals.view", Scope.ALL),
        ("crm.deals.view:all", Scope.ALL),
        ("crm.deals.view:team", Scope.TEAM),
        ("crm.deals.view:owned", Scope.OWNED),
        ("crm.import", Scope.ALL),
    ],
)
def test_a_bare_name_means_the_widest_scope_or_on(name: str, scope: Scope) -> None:
    assert NOTHING.adjusted(added=[name]).held == {name.partition(":")[0]: scope}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "crm",
        "crm.deals",
        "crm.deals.view ",
        "CRM.deals.view",
        "crm.deals.view:Team",
        "crm.deals.view:mine",
        "crm.deals.view:all:all",
        "crm.import:all",
        "crm.deals.view\0",
        "account.everything",
    ],
)
def test_what_the_catalogue_does_not_have_is_unknown(name: str) -> None:
    with pytest.raises(UnknownPermission):
        NOTHING.adjusted(added=[name])
    with pytest.raises((UnknownPermission, InvalidField)):
        Overrides(removed=(name,)).on(given_today("sales"))


def test_names_are_read_as_the_rights_that_they_name() -> None:
    rights_read = read_rights(["crm.deals.view:team", "crm.import"])

    assert rights_read == Rights({"crm.deals.view": Scope.TEAM, "crm.import": Scope.ALL})
    assert read_rights([]) == NOTHING
    with pytest.raises(UnknownPermission):
        read_rights(["crm.import", "no.such.thing"])


@pytest.mark.parametrize(
    ("names_", "ordered"),
    [
        ((), True),
        (("crm.deals.view",), True),
        (("crm.deals.view:team", "crm.deals.edit:team", "crm.deals.delete:owned"), True),
        (("crm.deals.view:team", "crm.deals.edit:all"), False),
        (("crm.deals.edit:owned",), False),
        (("crm.deals.view", "crm.deals.edit:team", "crm.deals.delete:all"), False),
        (("crm.deals.view", "crm.deals.delete:owned"), False),
        (("crm.deals.view", "crm.contacts.edit:owned"), False),
        (("marketing.files.delete",), True),
        (("crm.lists.edit",), True),
        (("crm.contacts.communicate:all",), True),
    ],
)
def test_nobody_deletes_more_widely_than_he_edits_or_edits_more_widely_than_he_views(
    names_: tuple[str, ...], ordered: bool
) -> None:
    if ordered:
        must_be_ordered(read_rights(names_))
    else:
        with pytest.raises(InvalidField) as refused:
            must_be_ordered(read_rights(names_))
        assert refused.value.errors == [{"pointer": "/permissions", "code": "invalid_field"}]


# versions of sets


@pytest.fixture
def three_versions() -> Iterator[Mapping[str, tuple[tuple[str, ...], ...]]]:
    """Sets of which the second version lost and gained something, and the third has everything again."""
    with pytest.MonkeyPatch.context() as patched:
        versions = (
            ("crm.deals.view", "crm.import", "crm.export"),
            ("crm.deals.view:team", "crm.export", "reports.view"),
            ("crm.deals.view", "crm.import", "crm.export", "reports.view"),
        )
        patched.setattr(catalogue, "SETS", {"sales": versions, "super_admin": versions})
        rights_of.cache_clear()
        yield catalogue.SETS
    rights_of.cache_clear()


@pytest.mark.parametrize(
    ("version", "held"),
    [
        (1, ("crm.deals.view:team", "crm.export")),
        (2, ("crm.deals.view:team", "crm.export", "reports.view")),
        (3, ("crm.deals.view:all", "crm.export", "crm.import", "reports.view")),
    ],
)
@pytest.mark.usefixtures("three_versions")
def test_a_new_version_never_widens_and_narrows_at_once(version: int, held: tuple[str, ...]) -> None:
    assert rights_of("sales", version).written() == held
    assert latest("sales") == 3
    assert given_today("sales") == rights_of("sales", 3)


@pytest.mark.usefixtures("three_versions")
def test_a_super_admin_holds_whatever_there_is_today() -> None:
    assert rights_of("super_admin", 1) == given_today("super_admin")


# overrides


@given(set_names, overrides)
@example(SetName.MARKETING, Overrides(added=("crm.tasks.edit:owned",), removed=("crm.tasks.edit",)))
@quickly
def test_overrides_that_stand_do_what_they_say_and_say_nothing_in_vain(name: SetName, wish: Overrides) -> None:
    base = given_today(name)
    try:
        effective = wish.on(base)
    except Refused:
        return
    held = effective.applied_to(base)

    assert held == wish.applied_to(base)
    assert set(effective.removed) <= set(wish.removed) & set(base)
    assert set(effective.added) <= set(wish.added)
    assert all(
        held.held.get(name.partition(":")[0], 0) != base.held.get(name.partition(":")[0], 0) for name in effective.added
    )
    for noun in ("contacts", "deals", "invoices"):
        view, edit, delete = (held.held.get(f"crm.{noun}.{action}", 0) for action in ("view", "edit", "delete"))
        assert delete <= edit <= view


@given(set_names, overrides)
@quickly
def test_overrides_are_settled_once(name: SetName, wish: Overrides) -> None:
    base = given_today(name)
    try:
        effective = wish.on(base)
    except Refused:
        return
    assert effective.on(base) == effective


@given(st.lists(written, max_size=6).map(tuple))
@quickly
def test_no_override_that_suits_a_partner_admin_brings_him_what_is_restricted(added: tuple[str, ...]) -> None:
    try:
        must_exist_in_clients(added)
        must_suit_a_partner_admin(added)
    except Refused:
        return
    held = Overrides(added=added).applied_to(given_today("partner_admin"))

    assert not catalogue.RESTRICTED & set(held)
    assert given_today("partner_admin").cover(held)


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED))
def test_a_restricted_permission_suits_no_partner_admin(name: str) -> None:
    with pytest.raises(RestrictedPermission):
        must_suit_a_partner_admin(("crm.import", name))


def test_a_scope_does_not_hide_what_is_restricted_or_a_partners_alone() -> None:
    with pytest.raises(RestrictedPermission):
        must_suit_a_partner_admin(("account.billing.manage:owned",))
    with pytest.raises(UnknownPermission):
        must_exist_in_clients(("partner.client_access.manage:owned",))


@pytest.mark.parametrize(
    ("added", "removed", "outcome"),
    [
        ((), (), NO_OVERRIDES),
        (("crm.import",), (), Overrides(added=("crm.import",))),
        (("crm.import", "account.audit.view"), (), Overrides(added=("account.audit.view", "crm.import"))),
        ((), ("sales.forecast", "crm.import"), Overrides(removed=("sales.forecast",))),
        (("crm.deals.edit:all",), (), Overrides(added=("crm.deals.edit:all",))),
        (
            ("crm.deals.edit:owned",),
            ("crm.deals.edit",),
            Overrides(added=("crm.deals.edit:owned",), removed=("crm.deals.edit",)),
        ),
        (("crm.deals.edit:team", "crm.deals.view:owned"), (), NO_OVERRIDES),
        (("crm.deals.edit:team",), ("crm.deals.edit",), NO_OVERRIDES),
        (("crm.import", "crm.import"), (), "/permissions"),
        (("crm.deals.edit:all", "crm.deals.edit:team"), (), "/permissions"),
        ((), ("crm.import", "crm.import"), "/permissions"),
        (("crm.import",), ("crm.import",), "/permissions"),
        (("crm.deals.edit",), ("crm.deals.edit",), "/permissions"),
        (("crm.deals.edit:all",), ("crm.deals.edit",), "/permissions"),
        ((), ("crm.deals.edit:team",), "/permissions/remove"),
        ((), ("crm.deals.view",), "/permissions"),
        ((), ("crm.deals.edit",), "/permissions"),
        ((), ("crm.deals.edit", "crm.deals.delete"), Overrides(removed=("crm.deals.delete", "crm.deals.edit"))),
        (("crm.deals.delete:all",), (), "/permissions"),
        (("crm.deals.view:owned",), ("crm.deals.view",), "/permissions"),
    ],
)
def test_overrides_of_the_sales_set(added: tuple[str, ...], removed: tuple[str, ...], outcome: Overrides | str) -> None:
    wish = Overrides(added=added, removed=removed)
    if isinstance(outcome, Overrides):
        assert wish.on(given_today("sales")) == outcome
    else:
        with pytest.raises(InvalidField) as refused:
            wish.on(given_today("sales"))
        assert [error["pointer"] for error in refused.value.errors] == [outcome]


def test_overrides_are_measured_by_the_set_that_they_are_on() -> None:
    wish = Overrides(added=("crm.import",), removed=("service.access", "sales.access"))
    own = read_rights(["service.access", "crm.export"])

    assert wish.on(own) == Overrides(added=("crm.import",), removed=("service.access",))
    assert wish.on(given_today("sales")) == Overrides(added=("crm.import",), removed=("sales.access",))
    assert wish.on(NOTHING) == Overrides(added=("crm.import",))


# giving


@pytest.mark.parametrize(
    ("giver", "given_", "may"),
    [
        (given_today("super_admin"), given_today("super_admin"), True),
        (given_today("partner_admin"), given_today("super_admin"), False),
        (given_today("partner_admin"), given_today("sales"), True),
        (given_today("sales"), given_today("sales"), True),
        (given_today("sales"), given_today("sales").adjusted(added=["crm.deals.edit:all"]), False),
        (given_today("sales"), given_today("view_only"), True),
        (given_today("view_only"), given_today("reporting"), False),
        (NOTHING, NOTHING, True),
    ],
)
def test_nobody_gives_what_he_does_not_hold_or_more_widely(giver: Rights, given_: Rights, may: bool) -> None:
    if may:
        must_be_givable(given_, giver)
    else:
        with pytest.raises(PermissionNotHeld):
            must_be_givable(given_, giver)


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED))
def test_a_set_with_what_is_restricted_suits_nobody_who_is_here_for_a_partner(name: str) -> None:
    must_suit_partner_staff(given_today("partner_admin"))
    with pytest.raises(RestrictedPermission) as refused:
        must_suit_partner_staff(read_rights(["crm.import", name]))
    assert refused.value.errors == [{"pointer": "/permission_set", "code": "restricted_permission"}]


def test_what_a_partner_admin_can_and_cannot_is_all_that_a_client_has() -> None:
    can = of_partner_admin(1, removed=["crm.import"])
    cannot = lacking(can)

    assert "crm.import" in cannot
    assert set(cannot) == {"crm.import"} | catalogue.RESTRICTED
    assert set(can) | set(cannot) == catalogue.CATALOGUE - catalogue.PARTNER_ONLY


def test_in_clients_nobody_hears_of_what_only_partners_have() -> None:
    assert set(given_today("super_admin")) - set(in_clients(given_today("super_admin"))) == catalogue.PARTNER_ONLY


def test_the_default_sets_are_those_of_the_catalogue() -> None:
    assert {name.value for name in SetName} == set(catalogue.SETS)
    assert all(re.fullmatch("[a-z_]+", name) for name in SetName)
