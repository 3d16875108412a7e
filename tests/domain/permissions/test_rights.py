"""Permissions: comparison of rights, overrides, and the rules for giving permissions (domain.md §3)."""

import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from partner_access.domain.errors import (
    DomainError,
    InvalidField,
    PermissionNotHeld,
    RestrictedPermission,
    UnknownPermission,
)
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    NO_OVERRIDES,
    NO_RIGHTS,
    Overrides,
    Rights,
    Scope,
    SetName,
    client_rights,
    default_set_rights,
    latest_set_rights,
    latest_version,
    missing_in_clients,
    must_be_grantable,
    must_exist_in_clients,
    must_have_prerequisites,
    must_suit_partner_admin,
    must_suit_partner_member,
    partner_admin_rights,
    read_known,
    read_rights,
    unknown_names,
)

EVERYTHING = sorted(catalogue.CATALOGUE)
fast_settings = settings(deadline=None, max_examples=60)

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


# comparison of rights


@given(rights, rights)
@fast_settings
def test_rights_cover_others_when_none_is_beyond(one: Rights, other: Rights) -> None:
    assert one.covers(other) is (other.wider_than(one) == ())
    assert one.covers(one)
    assert one.covers(NO_RIGHTS)
    assert not one.wider_than(one)


@given(rights, rights, rights)
@fast_settings
def test_rights_within_is_greatest_common_rights(one: Rights, other: Rights, third: Rights) -> None:
    meet = one.intersection(other)

    assert one.covers(meet)
    assert other.covers(meet)
    assert meet == other.intersection(one)
    assert meet.covers(third) is (one.covers(third) and other.covers(third))


@given(rights, st.lists(written, max_size=6), st.sets(names, max_size=6))
@fast_settings
def test_rights_adjusted_added_widens_and_removed_narrows(base: Rights, added: list[str], removed: set[str]) -> None:
    widened, narrowed = base.with_overrides(added=added), base.with_overrides(removed=removed)

    assert widened.covers(base)
    assert base.covers(narrowed)
    assert not removed & set(narrowed)
    assert all(name.partition(":")[0] in widened for name in added)


@given(rights)
@fast_settings
def test_rights_written_round_trip(base: Rights) -> None:
    assert NO_RIGHTS.with_overrides(added=base.to_names()) == base
    assert list(base) == sorted(base.held)


@pytest.mark.parametrize(
    ("held", "required", "covered"),
    [
        (Scope.ALL, Scope.ALL, True),
        (Scope.ALL, Scope.OWNED, True),
        (Scope.TEAM, Scope.OWNED, True),
        (Scope.TEAM, Scope.ALL, False),
        (Scope.OWNED, Scope.TEAM, False),
    ],
)
def test_rights_cover_narrower_scope(held: Scope, required: Scope, covered: bool) -> None:
    assert Rights({"crm.deals.view": held}).covers(Rights({"crm.deals.view": required})) is covered


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
def test_permission_name_without_scope_has_widest_scope(name: str, scope: Scope) -> None:
    assert NO_RIGHTS.with_overrides(added=[name]).held == {name.partition(":")[0]: scope}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "crm",
        "crm.deals",
        "crm.deals.view ",
        "CRM.deals.view",
        "crm.deals.view:",
        "crm.deals.view:Team",
        "crm.deals.view:mine",
        "crm.deals.view:all:all",
        "crm.import:all",
        "crm.deals.view\0",
        "account.everything",
    ],
)
def test_permission_name_not_in_catalogue_raises_unknown_permission(name: str) -> None:
    with pytest.raises(UnknownPermission):
        read_rights([name])
    with pytest.raises(UnknownPermission):
        Overrides(added=(name,)).effective_on(NO_RIGHTS)
    assert NO_RIGHTS.with_overrides(added=[name]) == read_known([name]) == NO_RIGHTS
    assert unknown_names(["crm.import", name]) == (name,)
    with pytest.raises((UnknownPermission, InvalidField)):
        Overrides(removed=(name,)).effective_on(latest_set_rights("sales"))


def test_read_rights_returns_rights_of_names() -> None:
    rights_read = read_rights(["crm.deals.view:team", "crm.import"])

    assert rights_read == Rights({"crm.deals.view": Scope.TEAM, "crm.import": Scope.ALL})
    assert read_rights([]) == NO_RIGHTS
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
def test_must_be_ordered_requires_view_covers_edit_covers_delete(names_: tuple[str, ...], ordered: bool) -> None:
    if ordered:
        must_have_prerequisites(read_rights(names_))
    else:
        with pytest.raises(InvalidField) as raised:
            must_have_prerequisites(read_rights(names_))
        assert raised.value.fields == ((("permissions",), "invalid_field"),)


# versions of sets


@pytest.fixture
def three_versions() -> Iterator[Mapping[str, tuple[tuple[str, ...], ...]]]:
    """Replace the sets. The second version loses and gains permissions, and the third has all of them."""
    with pytest.MonkeyPatch.context() as patched:
        versions = (
            ("crm.deals.view", "crm.import", "crm.export"),
            ("crm.deals.view:team", "crm.export", "reports.view"),
            ("crm.deals.view", "crm.import", "crm.export", "reports.view"),
        )
        patched.setattr(catalogue, "SETS", {"sales": versions, "super_admin": versions})
        default_set_rights.cache_clear()
        yield catalogue.SETS
    default_set_rights.cache_clear()


@pytest.mark.parametrize(
    ("version", "held"),
    [
        (1, ("crm.deals.view:team", "crm.export")),
        (2, ("crm.deals.view:team", "crm.export", "reports.view")),
        (3, ("crm.deals.view:all", "crm.export", "crm.import", "reports.view")),
    ],
)
@pytest.mark.usefixtures("three_versions")
def test_rights_of_old_version_are_narrowed_by_later_versions(version: int, held: tuple[str, ...]) -> None:
    assert default_set_rights("sales", version).to_names() == held
    assert latest_version("sales") == 3
    assert latest_set_rights("sales") == default_set_rights("sales", 3)


@pytest.mark.usefixtures("three_versions")
def test_rights_of_super_admin_ignore_version() -> None:
    assert default_set_rights("super_admin", 1) == latest_set_rights("super_admin")


# overrides


@given(set_names, overrides)
@example(SetName.MARKETING, Overrides(added=("crm.tasks.edit:owned",), removed=("crm.tasks.edit",)))
@fast_settings
def test_overrides_on_set_keep_only_effective_entries(name: SetName, requested: Overrides) -> None:
    base = latest_set_rights(name)
    try:
        effective = requested.effective_on(base)
    except DomainError:
        return
    held = effective.applied_to(base)

    assert held == requested.applied_to(base)
    assert set(effective.removed) <= set(requested.removed) & set(base)
    assert set(effective.added) <= set(requested.added)
    assert all(
        held.held.get(name.partition(":")[0], 0) != base.held.get(name.partition(":")[0], 0) for name in effective.added
    )
    for noun in ("contacts", "deals", "invoices"):
        view, edit, delete = (held.held.get(f"crm.{noun}.{action}", 0) for action in ("view", "edit", "delete"))
        assert delete <= edit <= view


@given(set_names, overrides)
@fast_settings
def test_overrides_on_set_are_idempotent(name: SetName, requested: Overrides) -> None:
    base = latest_set_rights(name)
    try:
        effective = requested.effective_on(base)
    except DomainError:
        return
    assert effective.effective_on(base) == effective


@given(st.lists(written, max_size=6).map(tuple))
@fast_settings
def test_overrides_valid_for_partner_admin_never_add_restricted_permission(added: tuple[str, ...]) -> None:
    try:
        must_exist_in_clients(added)
        must_suit_partner_admin(added)
    except DomainError:
        return
    held = Overrides(added=added).applied_to(latest_set_rights("partner_admin"))

    assert not catalogue.RESTRICTED & set(held)
    assert latest_set_rights("partner_admin").covers(held)


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED))
def test_must_suit_a_partner_admin_rejects_restricted_permission(name: str) -> None:
    with pytest.raises(RestrictedPermission):
        must_suit_partner_admin(("crm.import", name))


def test_permission_checks_ignore_scope() -> None:
    with pytest.raises(RestrictedPermission):
        must_suit_partner_admin(("account.billing.manage:owned",))
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
        (("crm.import", "crm.import"), (), "permissions"),
        (("crm.deals.edit:all", "crm.deals.edit:team"), (), "permissions"),
        ((), ("crm.import", "crm.import"), "permissions"),
        (("crm.import",), ("crm.import",), "permissions"),
        (("crm.deals.edit",), ("crm.deals.edit",), "permissions"),
        (("crm.deals.edit:all",), ("crm.deals.edit",), "permissions"),
        ((), ("crm.deals.edit:team",), "permissions.remove"),
        ((), ("crm.deals.view",), "permissions"),
        ((), ("crm.deals.edit",), "permissions"),
        ((), ("crm.deals.edit", "crm.deals.delete"), Overrides(removed=("crm.deals.delete", "crm.deals.edit"))),
        (("crm.deals.delete:all",), (), "permissions"),
        (("crm.deals.view:owned",), ("crm.deals.view",), "permissions"),
    ],
)
def test_overrides_on_sales_set_return_effective_overrides_or_error(
    added: tuple[str, ...], removed: tuple[str, ...], outcome: Overrides | str
) -> None:
    requested = Overrides(added=added, removed=removed)
    if isinstance(outcome, Overrides):
        assert requested.effective_on(latest_set_rights("sales")) == outcome
    else:
        with pytest.raises(InvalidField) as raised:
            requested.effective_on(latest_set_rights("sales"))
        assert [".".join(map(str, each.path)) for each in raised.value.fields] == [outcome]


def test_overrides_on_set_are_relative_to_that_set() -> None:
    requested = Overrides(added=("crm.import",), removed=("service.access", "sales.access"))
    own = read_rights(["service.access", "crm.export"])

    assert requested.effective_on(own) == Overrides(added=("crm.import",), removed=("service.access",))
    assert requested.effective_on(latest_set_rights("sales")) == Overrides(
        added=("crm.import",), removed=("sales.access",)
    )
    assert requested.effective_on(NO_RIGHTS) == Overrides(added=("crm.import",))


# giving


@pytest.mark.parametrize(
    ("held", "granted", "can_grant"),
    [
        (latest_set_rights("super_admin"), latest_set_rights("super_admin"), True),
        (latest_set_rights("partner_admin"), latest_set_rights("super_admin"), False),
        (latest_set_rights("partner_admin"), latest_set_rights("sales"), True),
        (latest_set_rights("sales"), latest_set_rights("sales"), True),
        (latest_set_rights("sales"), latest_set_rights("sales").with_overrides(added=["crm.deals.edit:all"]), False),
        (latest_set_rights("sales"), latest_set_rights("view_only"), True),
        (latest_set_rights("view_only"), latest_set_rights("reporting"), False),
        (NO_RIGHTS, NO_RIGHTS, True),
    ],
)
def test_must_be_grantable_requires_holding_permission_and_scope(
    held: Rights, granted: Rights, can_grant: bool
) -> None:
    if can_grant:
        must_be_grantable(granted, held)
    else:
        with pytest.raises(PermissionNotHeld):
            must_be_grantable(granted, held)


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED))
def test_must_suit_partner_staff_rejects_set_with_restricted_permission(name: str) -> None:
    must_suit_partner_member(latest_set_rights("partner_admin"))
    with pytest.raises(RestrictedPermission) as raised:
        must_suit_partner_member(read_rights(["crm.import", name]))
    assert raised.value.fields == ((("permission_set",), "restricted_permission"),)


def test_lacking_and_held_rights_are_all_client_permissions() -> None:
    can = partner_admin_rights(1, removed=["crm.import"])
    cannot = missing_in_clients(can)

    assert "crm.import" in cannot
    assert set(cannot) == {"crm.import"} | catalogue.RESTRICTED
    assert set(can) | set(cannot) == catalogue.CATALOGUE - catalogue.PARTNER_ONLY


def test_in_clients_removes_partner_only_permissions() -> None:
    assert (
        set(latest_set_rights("super_admin")) - set(client_rights(latest_set_rights("super_admin")))
        == catalogue.PARTNER_ONLY
    )


def test_set_names_match_catalogue() -> None:
    assert {name.value for name in SetName} == set(catalogue.SETS)
    assert all(re.fullmatch("[a-z_]+", name) for name in SetName)
