"""Custom permission sets: callers, allowed content, changes, removal and the order of errors."""

from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.errors import (
    AccountClosed,
    DomainError,
    Forbidden,
    InvalidField,
    NotFound,
    PreconditionFailed,
    RestrictedPermission,
    SetInUse,
    TooManySets,
    UnknownPermission,
)
from partner_access.domain.memberships.actors import NO_ACTOR
from partner_access.domain.permission_sets.changes import (
    MAX_CUSTOM_SETS,
    CustomSetFacts,
    SetContent,
    create,
    must_be_assignable,
    remove,
    update,
)
from partner_access.domain.permissions import catalogue
from tests.support.builders import (
    ACT_ID,
    CLIENT,
    CUSTOM_SET,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

SUPER_ADMIN = an_actor()
MANAGES_USERS = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))
CLOSED = the_client(state=AccountState.CLOSED)
DESK_SET = SetContent("Desk", ("service.access", "crm.tickets.view"))
BILLING_SET = SetContent("Books", ("account.billing.manage",))


def facts(**changes: Any) -> CustomSetFacts:
    return CustomSetFacts(**{"account": the_client(), "actor": SUPER_ADMIN, "custom_set": a_custom_set(), **changes})


# creation


def test_create_set_by_super_admin_stores_full_permission_names() -> None:
    created = create(facts(custom_set=None), DESK_SET, an_act())

    assert created.custom_set == a_custom_set(
        f"set_{ACT_ID}", name="Desk", permissions=("crm.tickets.view:all", "service.access")
    )
    assert (created.audit.event, created.audit.accounts) == ("permission_set.created", (CLIENT,))
    assert created.audit.details == {"permission_set": f"set_{ACT_ID}", "added": list(created.custom_set.permissions)}
    assert set(created.relies_on) == {the_client(), SUPER_ADMIN.user, SUPER_ADMIN.member}
    assert created.notification is None


def test_create_set_by_super_admin_employed_by_partner_succeeds() -> None:
    super_admin = an_actor(an_employee("user-x"), a_member("user-x"))

    assert create(facts(actor=super_admin), DESK_SET, an_act("user-x")).custom_set.version == 1


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED - {"account.super_admins.manage"}))
def test_create_set_with_restricted_permission_succeeds(name: str) -> None:
    assert create(facts(), SetContent("Books", (name,)), an_act()).custom_set.restricted == (name,)


def test_create_set_with_unscoped_delete_permission_succeeds() -> None:
    made = create(facts(), SetContent("Flows", ("automation.workflows.delete",)), an_act())

    assert made.custom_set.permissions == ("automation.workflows.delete",)


PARTNER_ONLY = SetContent("Links", ("partner.client_access.manage",))


def test_create_set_in_partner_account_can_contain_partner_permission() -> None:
    super_admin = an_actor(member=a_member(account_id=PARTNER))

    made = create(facts(account=the_partner(), actor=super_admin), PARTNER_ONLY, an_act())

    assert made.custom_set.permissions == PARTNER_ONLY.permissions


INVALID_PERMISSIONS: list[tuple[tuple[str, ...], type[DomainError]]] = [
    (("crm.everything",), UnknownPermission),
    (("crm.tickets.view:mine",), UnknownPermission),
    (("crm.import", "crm.import"), InvalidField),
    (("crm.tickets.view:all", "crm.tickets.view:team"), InvalidField),
    (("crm.tickets.edit",), InvalidField),
    (("crm.tickets.edit", "crm.tickets.view:team"), InvalidField),
    (("crm.tickets.delete", "crm.tickets.view"), InvalidField),
    (("account.super_admins.manage",), InvalidField),
    (PARTNER_ONLY.permissions, UnknownPermission),
]


@pytest.mark.parametrize(("permissions", "error"), INVALID_PERMISSIONS)
def test_create_or_update_set_with_invalid_permissions_raises_error(
    permissions: tuple[str, ...], error: type[DomainError]
) -> None:
    for decide in (
        lambda content: create(facts(), content, an_act()),
        lambda content: update(facts(), content, 1, an_act()),
    ):
        with pytest.raises(error) as raised:
            decide(SetContent("Desk", permissions))
        assert [each.path for each in raised.value.fields] == [("permissions",)]


def test_create_set_beyond_limit_raises_too_many_sets() -> None:
    assert (
        create(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS - 1)), DESK_SET, an_act()).custom_set.name
        == "Desk"
    )
    with pytest.raises(TooManySets):
        create(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS)), DESK_SET, an_act())
    assert update(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS)), DESK_SET, 1, an_act())


# changes


def test_update_set_increments_version_and_records_differences() -> None:
    before = a_custom_set(holders=3, partner_holders=1)

    changed = update(
        facts(custom_set=before), SetContent("Desk", ("crm.tickets.view:team", "service.access")), 1, an_act()
    )

    assert changed
    assert (changed.custom_set.version, changed.custom_set.holders, changed.custom_set.partner_holders) == (2, 3, 1)
    assert changed.audit.event == "permission_set.updated"
    assert changed.audit.details == {
        "permission_set": CUSTOM_SET,
        "added": ["crm.tickets.view:team"],
        "removed": ["crm.tickets.edit:team", "crm.tickets.view:all"],
        "renamed": True,
    }
    assert set(changed.relies_on) == {the_client(), before, SUPER_ADMIN.user, SUPER_ADMIN.member}


def test_update_set_with_new_name_records_renamed() -> None:
    changed = update(facts(), SetContent("Desk", a_custom_set().permissions), 1, an_act())

    assert changed
    assert changed.audit.details == {"permission_set": CUSTOM_SET, "added": [], "removed": [], "renamed": True}


def test_update_set_with_same_name_does_not_record_renamed() -> None:
    changed = update(facts(), SetContent("Service desk", ("service.access",)), 1, an_act())

    assert changed
    assert "renamed" not in changed.audit.details


@pytest.mark.parametrize("permissions", [
    a_custom_set().permissions,
    ("service.access", "crm.tickets.view:all", "crm.tickets.edit:team"),
])  # fmt: skip
def test_update_set_with_equivalent_content_returns_none(permissions: tuple[str, ...]) -> None:
    assert update(facts(), SetContent("Service desk", permissions), 1, an_act()) is None


def test_update_set_held_by_partner_member_rejects_restricted_permission() -> None:
    assert update(facts(custom_set=a_custom_set(holders=1)), BILLING_SET, 1, an_act())
    with pytest.raises(RestrictedPermission) as raised:
        update(facts(custom_set=a_custom_set(holders=1, partner_holders=1)), BILLING_SET, 1, an_act())
    assert [each.path for each in raised.value.fields] == [("permissions",)]


# removal


def test_remove_set_without_holders_succeeds() -> None:
    removed = remove(facts(), 1, an_act())

    assert removed.audit.event == "permission_set.removed"
    assert removed.audit.details == {"permission_set": CUSTOM_SET, "removed": list(a_custom_set().rights.to_names())}
    assert set(removed.relies_on) == {the_client(), a_custom_set(), SUPER_ADMIN.user, SUPER_ADMIN.member}


def test_remove_set_with_holders_raises_set_in_use() -> None:
    with pytest.raises(SetInUse) as raised:
        remove(facts(custom_set=a_custom_set(holders=2)), 1, an_act())
    assert raised.value.details == {"holders": 2}


# order of errors

CALLER_ERRORS: list[tuple[dict[str, Any], type[DomainError]]] = [
    ({"account": None}, NotFound),
    ({"actor": NO_ACTOR}, NotFound),
    ({"actor": an_actor(member=a_member(active=False))}, NotFound),
    ({"actor": an_actor(a_user(active=False))}, Forbidden),
    ({"actor": MANAGES_USERS}, Forbidden),
    ({"actor": a_partner_admin_actor()}, Forbidden),
    ({"account": CLOSED}, AccountClosed),
]


@pytest.mark.parametrize("first", range(len(CALLER_ERRORS)))
def test_set_operations_check_caller_before_content(first: int) -> None:
    """Check that each error comes first although the same facts would cause every later error."""
    later = {"account": CLOSED, "custom_set": None}
    changes, error = CALLER_ERRORS[first]
    content = SetContent("Desk", ("crm.everything",))

    for decide in (
        lambda found: create(found, content, an_act()),
        lambda found: update(found, content, 7, an_act()),
        lambda found: remove(found, 7, an_act()),
    ):
        with pytest.raises(error):
            decide(facts(**{**later, **changes}))


def test_set_operations_check_existence_and_version_before_content() -> None:
    content = SetContent("Desk", ("crm.everything",))
    for own, error in ((None, NotFound), (a_custom_set(version=2, holders=1), PreconditionFailed)):
        with pytest.raises(error):
            update(facts(custom_set=own), content, 1, an_act())
        with pytest.raises(error):
            remove(facts(custom_set=own), 1, an_act())


# reading


@pytest.mark.parametrize("actor", [SUPER_ADMIN, MANAGES_USERS, a_partner_admin_actor()])
def test_must_be_assignable_for_user_managers_returns_set(actor: Any) -> None:
    assert must_be_assignable(facts(actor=actor), an_act()) == a_custom_set()


@pytest.mark.parametrize(("changes", "error"), [
    ({"account": None}, NotFound),
    ({"actor": NO_ACTOR, "custom_set": None}, NotFound),
    ({"actor": an_actor(member=a_member(permission_set="sales")), "custom_set": None}, Forbidden),
    ({"custom_set": None}, NotFound),
])  # fmt: skip
def test_must_be_assignable_for_other_caller_is_refused(changes: dict[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        must_be_assignable(facts(**changes), an_act())
