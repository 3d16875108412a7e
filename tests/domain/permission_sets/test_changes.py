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


def test_a_super_admin_makes_a_set_that_is_written_in_full() -> None:
    created = create(facts(custom_set=None), DESK_SET, an_act())

    assert created.custom_set == a_custom_set(
        f"set_{ACT_ID}", name="Desk", permissions=("crm.tickets.view:all", "service.access")
    )
    assert (created.audit.event, created.audit.accounts) == ("permission_set.created", (CLIENT,))
    assert created.audit.details == {"permission_set": f"set_{ACT_ID}", "added": list(created.custom_set.permissions)}
    assert set(created.relies_on) == {the_client(), SUPER_ADMIN.user, SUPER_ADMIN.member}
    assert created.notification is None


def test_staff_of_a_partner_who_is_super_admin_is_one_all_the_same() -> None:
    super_admin = an_actor(an_employee("user-x"), a_member("user-x"))

    assert create(facts(actor=super_admin), DESK_SET, an_act("user-x")).custom_set.version == 1


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED - {"account.super_admins.manage"}))
def test_what_is_restricted_for_partner_admins_may_stand_in_a_set(name: str) -> None:
    assert create(facts(), SetContent("Books", (name,)), an_act()).custom_set.restricted == (name,)


def test_what_is_only_on_or_off_goes_no_further_than_anything() -> None:
    made = create(facts(), SetContent("Flows", ("automation.workflows.delete",)), an_act())

    assert made.custom_set.permissions == ("automation.workflows.delete",)


PARTNER_ONLY = SetContent("Links", ("partner.client_access.manage",))


def test_what_only_partners_have_may_stand_in_a_partners_set() -> None:
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
def test_what_cannot_stand_in_a_set_is_refused_whether_new_or_changed(
    permissions: tuple[str, ...], error: type[DomainError]
) -> None:
    for decide in (
        lambda wish: create(facts(), wish, an_act()),
        lambda wish: update(facts(), wish, 1, an_act()),
    ):
        with pytest.raises(error) as raised:
            decide(SetContent("Desk", permissions))
        assert [each["pointer"] for each in raised.value.errors] == ["/permissions"]


def test_a_hundred_sets_are_the_most() -> None:
    assert (
        create(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS - 1)), DESK_SET, an_act()).custom_set.name
        == "Desk"
    )
    with pytest.raises(TooManySets):
        create(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS)), DESK_SET, an_act())
    assert update(facts(account=the_client(custom_set_count=MAX_CUSTOM_SETS)), DESK_SET, 1, an_act())


# changes


def test_a_change_is_a_new_version_and_tells_what_came_and_went() -> None:
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


def test_a_new_name_alone_is_told_as_that() -> None:
    changed = update(facts(), SetContent("Desk", a_custom_set().permissions), 1, an_act())

    assert changed
    assert changed.audit.details == {"permission_set": CUSTOM_SET, "renamed": True}


def test_other_permissions_under_the_same_name_are_no_new_name() -> None:
    changed = update(facts(), SetContent("Service desk", ("service.access",)), 1, an_act())

    assert changed
    assert "renamed" not in changed.audit.details


@pytest.mark.parametrize("permissions", [
    a_custom_set().permissions,
    ("service.access", "crm.tickets.view:all", "crm.tickets.edit:team"),
])  # fmt: skip
def test_the_same_in_other_words_changes_nothing(permissions: tuple[str, ...]) -> None:
    assert update(facts(), SetContent("Service desk", permissions), 1, an_act()) is None


def test_a_set_that_somebody_of_a_partner_holds_gets_nothing_restricted() -> None:
    assert update(facts(custom_set=a_custom_set(holders=1)), BILLING_SET, 1, an_act())
    with pytest.raises(RestrictedPermission) as raised:
        update(facts(custom_set=a_custom_set(holders=1, partner_holders=1)), BILLING_SET, 1, an_act())
    assert [each["pointer"] for each in raised.value.errors] == ["/permissions"]


# removal


def test_a_set_that_nobody_holds_goes() -> None:
    removed = remove(facts(), 1, an_act())

    assert removed.audit.event == "permission_set.removed"
    assert removed.audit.details == {"permission_set": CUSTOM_SET, "removed": list(a_custom_set().rights.to_names())}
    assert set(removed.relies_on) == {the_client(), a_custom_set(), SUPER_ADMIN.user, SUPER_ADMIN.member}


def test_a_set_that_is_held_stays() -> None:
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
def test_authority_comes_before_all_else(first: int) -> None:
    """Check that each error comes first although the same facts would cause every later error."""
    later = {"account": CLOSED, "custom_set": None}
    changes, error = CALLER_ERRORS[first]
    content = SetContent("Desk", ("crm.everything",))

    for decide in (
        lambda asked: create(asked, content, an_act()),
        lambda asked: update(asked, content, 7, an_act()),
        lambda asked: remove(asked, 7, an_act()),
    ):
        with pytest.raises(error):
            decide(facts(**{**later, **changes}))


def test_a_set_must_be_there_and_as_it_was_seen_before_its_content_matters() -> None:
    content = SetContent("Desk", ("crm.everything",))
    for own, error in ((None, NotFound), (a_custom_set(version=2, holders=1), PreconditionFailed)):
        with pytest.raises(error):
            update(facts(custom_set=own), content, 1, an_act())
        with pytest.raises(error):
            remove(facts(custom_set=own), 1, an_act())


# reading


@pytest.mark.parametrize("actor", [SUPER_ADMIN, MANAGES_USERS, a_partner_admin_actor()])
def test_whoever_gives_people_their_sets_looks_at_one(actor: Any) -> None:
    assert must_be_assignable(facts(actor=actor), an_act()) == a_custom_set()


@pytest.mark.parametrize(("changes", "error"), [
    ({"account": None}, NotFound),
    ({"actor": NO_ACTOR, "custom_set": None}, NotFound),
    ({"actor": an_actor(member=a_member(permission_set="sales")), "custom_set": None}, Forbidden),
    ({"custom_set": None}, NotFound),
])  # fmt: skip
def test_nobody_else_does(changes: dict[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        must_be_assignable(facts(**changes), an_act())
