"""An account's own permission sets: who keeps them, what they may hold, and in which order it is refused."""

from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.errors import (
    AccountClosed,
    Forbidden,
    InvalidField,
    NotFound,
    PreconditionFailed,
    Refused,
    RestrictedPermission,
    SetInUse,
    TooManySets,
    UnknownPermission,
)
from partner_access.domain.memberships.actors import NOBODY
from partner_access.domain.permission_sets.changes import (
    MOST_SETS,
    Content,
    SetFacts,
    change,
    create,
    must_be_assignable,
    remove,
)
from partner_access.domain.permissions import catalogue
from tests.support.builders import (
    ACT_NAME,
    CLIENT,
    CUSTOM_SET,
    PARTNER,
    a_custom_set,
    a_member,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)

SUPER_ADMIN = an_actor()
MANAGES_USERS = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))
CLOSED = the_client(state=AccountState.CLOSED)
DESK = Content("Desk", ("service.access", "crm.tickets.view"))
BILLING = Content("Books", ("account.billing.manage",))


def facts(**changes: Any) -> SetFacts:
    return SetFacts(**{"account": the_client(), "actor": SUPER_ADMIN, "own": a_custom_set(), **changes})


# making


def test_a_super_admin_makes_a_set_that_is_written_in_full() -> None:
    made = create(facts(own=None), DESK, an_act())

    assert made.own == a_custom_set(
        f"set_{ACT_NAME}", name="Desk", permissions=("crm.tickets.view:all", "service.access")
    )
    assert (made.audit.event, made.audit.accounts) == ("permission_set.created", (CLIENT,))
    assert made.audit.details == {"permission_set": f"set_{ACT_NAME}", "added": list(made.own.permissions)}
    assert set(made.relies_on) == {the_client(), SUPER_ADMIN.user, SUPER_ADMIN.member}
    assert made.letter is None


def test_staff_of_a_partner_who_is_super_admin_is_one_all_the_same() -> None:
    boss = an_actor(an_employee("user-x"), a_member("user-x"))

    assert create(facts(actor=boss), DESK, an_act("user-x")).own.version == 1


@pytest.mark.parametrize("name", sorted(catalogue.RESTRICTED - {"account.super_admins.manage"}))
def test_what_is_restricted_for_partner_admins_may_stand_in_a_set(name: str) -> None:
    assert create(facts(), Content("Books", (name,)), an_act()).own.restricted == (name,)


def test_what_is_only_on_or_off_goes_no_further_than_anything() -> None:
    made = create(facts(), Content("Flows", ("automation.workflows.delete",)), an_act())

    assert made.own.permissions == ("automation.workflows.delete",)


PARTNER_ONLY = Content("Links", ("partner.client_access.manage",))


def test_what_only_partners_have_may_stand_in_a_partners_set() -> None:
    boss = an_actor(member=a_member(account_id=PARTNER))

    made = create(facts(account=the_partner(), actor=boss), PARTNER_ONLY, an_act())

    assert made.own.permissions == PARTNER_ONLY.permissions


CONTENTS: list[tuple[tuple[str, ...], type[Refused]]] = [
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


@pytest.mark.parametrize(("permissions", "refusal"), CONTENTS)
def test_what_cannot_stand_in_a_set_is_refused_whether_new_or_changed(
    permissions: tuple[str, ...], refusal: type[Refused]
) -> None:
    for decide in (
        lambda wish: create(facts(), wish, an_act()),
        lambda wish: change(facts(), wish, 1, an_act()),
    ):
        with pytest.raises(refusal) as refused:
            decide(Content("Desk", permissions))
        assert [each["pointer"] for each in refused.value.errors] == ["/permissions"]


def test_a_hundred_sets_are_the_most() -> None:
    assert create(facts(account=the_client(custom_set_count=MOST_SETS - 1)), DESK, an_act()).own.name == "Desk"
    with pytest.raises(TooManySets):
        create(facts(account=the_client(custom_set_count=MOST_SETS)), DESK, an_act())
    assert change(facts(account=the_client(custom_set_count=MOST_SETS)), DESK, 1, an_act())


# changing


def test_a_change_is_a_new_version_and_tells_what_came_and_went() -> None:
    before = a_custom_set(holders=3, partner_holders=1)

    changed = change(facts(own=before), Content("Desk", ("crm.tickets.view:team", "service.access")), 1, an_act())

    assert changed
    assert (changed.own.version, changed.own.holders, changed.own.partner_holders) == (2, 3, 1)
    assert changed.audit.event == "permission_set.updated"
    assert changed.audit.details == {
        "permission_set": CUSTOM_SET,
        "added": ["crm.tickets.view:team"],
        "removed": ["crm.tickets.edit:team", "crm.tickets.view:all"],
        "renamed": True,
    }
    assert set(changed.relies_on) == {the_client(), before, SUPER_ADMIN.user, SUPER_ADMIN.member}


def test_a_new_name_alone_is_told_as_that() -> None:
    changed = change(facts(), Content("Desk", a_custom_set().permissions), 1, an_act())

    assert changed
    assert changed.audit.details == {"permission_set": CUSTOM_SET, "renamed": True}


def test_other_permissions_under_the_same_name_are_no_new_name() -> None:
    changed = change(facts(), Content("Service desk", ("service.access",)), 1, an_act())

    assert changed
    assert "renamed" not in changed.audit.details


@pytest.mark.parametrize("permissions", [
    a_custom_set().permissions,
    ("service.access", "crm.tickets.view:all", "crm.tickets.edit:team"),
])  # fmt: skip
def test_the_same_in_other_words_changes_nothing(permissions: tuple[str, ...]) -> None:
    assert change(facts(), Content("Service desk", permissions), 1, an_act()) is None


def test_a_set_that_somebody_of_a_partner_holds_gets_nothing_restricted() -> None:
    assert change(facts(own=a_custom_set(holders=1)), BILLING, 1, an_act())
    with pytest.raises(RestrictedPermission) as refused:
        change(facts(own=a_custom_set(holders=1, partner_holders=1)), BILLING, 1, an_act())
    assert [each["pointer"] for each in refused.value.errors] == ["/permissions"]


# dropping


def test_a_set_that_nobody_holds_goes() -> None:
    removed = remove(facts(), 1, an_act())

    assert removed.audit.event == "permission_set.removed"
    assert removed.audit.details == {"permission_set": CUSTOM_SET, "removed": list(a_custom_set().rights.written())}
    assert set(removed.relies_on) == {the_client(), a_custom_set(), SUPER_ADMIN.user, SUPER_ADMIN.member}


def test_a_set_that_is_held_stays() -> None:
    with pytest.raises(SetInUse) as refused:
        remove(facts(own=a_custom_set(holders=2)), 1, an_act())
    assert refused.value.told == {"holders": 2}


# the order of refusals

IN_ORDER: list[tuple[dict[str, Any], type[Refused]]] = [
    ({"account": None}, NotFound),
    ({"actor": NOBODY}, NotFound),
    ({"actor": an_actor(member=a_member(active=False))}, NotFound),
    ({"actor": an_actor(a_user(active=False))}, Forbidden),
    ({"actor": MANAGES_USERS}, Forbidden),
    ({"actor": of_the_partner()}, Forbidden),
    ({"account": CLOSED}, AccountClosed),
]


@pytest.mark.parametrize("first", range(len(IN_ORDER)))
def test_authority_comes_before_all_else(first: int) -> None:
    """Each refusal with all that would be refused later on in the same facts."""
    later = {"account": CLOSED, "own": None}
    changes, refusal = IN_ORDER[first]
    wish = Content("Desk", ("crm.everything",))

    for decide in (
        lambda asked: create(asked, wish, an_act()),
        lambda asked: change(asked, wish, 7, an_act()),
        lambda asked: remove(asked, 7, an_act()),
    ):
        with pytest.raises(refusal):
            decide(facts(**{**later, **changes}))


def test_a_set_must_be_there_and_as_it_was_seen_before_its_content_matters() -> None:
    wish = Content("Desk", ("crm.everything",))
    for own, refusal in ((None, NotFound), (a_custom_set(version=2, holders=1), PreconditionFailed)):
        with pytest.raises(refusal):
            change(facts(own=own), wish, 1, an_act())
        with pytest.raises(refusal):
            remove(facts(own=own), 1, an_act())


# looking


@pytest.mark.parametrize("actor", [SUPER_ADMIN, MANAGES_USERS, of_the_partner()])
def test_whoever_gives_people_their_sets_looks_at_one(actor: Any) -> None:
    assert must_be_assignable(facts(actor=actor), an_act()) == a_custom_set()


@pytest.mark.parametrize(("changes", "refusal"), [
    ({"account": None}, NotFound),
    ({"actor": NOBODY, "own": None}, NotFound),
    ({"actor": an_actor(member=a_member(permission_set="sales")), "own": None}, Forbidden),
    ({"own": None}, NotFound),
])  # fmt: skip
def test_nobody_else_does(changes: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        must_be_assignable(facts(**changes), an_act())
