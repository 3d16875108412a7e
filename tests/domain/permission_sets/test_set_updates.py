"""Newer versions of the vendor's sets: what they would bring to whom, and who accepts it."""

from collections.abc import Iterator
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.errors import (
    AccountClosed,
    Forbidden,
    NoIndependentApprover,
    NotFound,
    NothingToAccept,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    Refused,
    RightsChanged,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.effective_rights import rights_in
from partner_access.domain.memberships.members import Member
from partner_access.domain.notifications import LetterKind
from partner_access.domain.permission_sets.set_updates import (
    Accepted,
    UpdateFacts,
    accept,
    difference,
    is_outdated,
    must_answer,
    must_be_latest,
)
from partner_access.domain.permissions.rights import out_of_order
from tests.support import set_versions
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
)
from tests.support.set_versions import NEW, SALES

CLERK = "user-clerk"
SUPER_ADMIN = an_actor()
SELLER = a_member(CLERK, "sales", set_version=1)
PARTNER_ADMIN = a_partner_admin(set_version=1)
BROUGHT = a_member(EMPLOYEE, "sales", set_version=1, partner_id=PARTNER)
MANAGES_USERS = an_actor(member=a_member(permission_set="view_only", added=("account.users.manage",)))
OWN_FIRM = an_actor(an_employee("user-x"), a_member("user-x"))
BOTH = Accepted("partner_admin", 2)
SALES_2 = Accepted("sales", 2)


@pytest.fixture(autouse=True)
def _two() -> Iterator[None]:
    with set_versions.two_versions():
        yield


def ordinary(member: Member = SELLER, **user: Any) -> Actor:
    return an_actor(a_user(member.user_id, **user), member)


# what is new to whom


def test_a_newer_version_would_bring_a_partner_admin_what_is_new() -> None:
    found = difference(of_the_partner(member=PARTNER_ADMIN), an_act())

    assert found
    assert (found.now, found.gained, found.after.set_version) == (PARTNER_ADMIN, NEW, 2)
    assert found.after.grant == PARTNER_ADMIN.grant


def test_what_was_taken_from_him_stays_so() -> None:
    found = difference(ordinary(a_member(CLERK, "sales", set_version=1, removed=("crm.import",))), an_act())

    assert found
    assert (found.gained, found.after.removed) == (("crm.export",), ("crm.import",))


NONE_FOR: list[tuple[str, Actor]] = [
    ("the latest version", ordinary(a_member(CLERK, "sales", set_version=2))),
    ("all of the news taken away", ordinary(a_member(CLERK, "sales", set_version=1, removed=NEW))),
    ("all of the news held already", ordinary(a_member(CLERK, "sales", set_version=1, added=NEW))),
    ("a super admin", ordinary(a_member(CLERK, set_version=0))),
    ("an account's own set", an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[a_custom_set()])),
    ("a former member", ordinary(a_member(CLERK, "sales", set_version=1, active=False))),
    ("somebody deactivated", ordinary(active=False)),
    ("a grant that is over", of_the_partner(member=a_partner_admin(set_version=1, grant=a_grant(expires_at=NOW)))),
    ("nobody", NOBODY),
    ("a member without a user", Actor(member=SELLER)),
]


@pytest.mark.parametrize("person", [each[1] for each in NONE_FOR], ids=[each[0] for each in NONE_FOR])
def test_it_brings_nothing_to(person: Actor) -> None:
    assert difference(person, an_act()) is None


def test_a_default_set_is_outdated_in_any_version_but_the_latest() -> None:
    assert [is_outdated(a_member(CLERK, "sales", set_version=each)) for each in (1, 2)] == [True, False]
    assert not is_outdated(a_member(CLERK, CUSTOM_SET, set_version=1))


def test_the_version_of_what_he_falls_back_to_is_looked_at_once_he_has() -> None:
    lapsed = a_partner_admin(set_version=2, grant=a_grant(expires_at=NOW), previous=SELLER.place)

    found = difference(of_the_partner(member=lapsed), an_act())

    assert found
    assert (found.now.permission_set, found.gained) == ("sales", NEW)


def test_nobody_who_is_here_for_a_partner_gains_what_is_restricted() -> None:
    with set_versions.of_sets(sales=(SALES, (*SALES, "account.billing.manage", "crm.import"))):
        found = difference(of_the_partner(member=BROUGHT), an_act())
        assert found
        assert found.gained == ("crm.import",)
        own = difference(ordinary(), an_act())
        assert own
        assert own.gained == ("account.billing.manage", "crm.import")


VIEW, EDIT, DELETE = (f"crm.deals.{action}" for action in ("view", "edit", "delete"))


@pytest.mark.parametrize(("older", "newer", "added", "removed", "gained", "then_removed"), [
    ((VIEW,), (VIEW, EDIT), (), (VIEW,), None, None),
    ((VIEW,), (VIEW, EDIT, "crm.import"), (), (VIEW,), ("crm.import",), (EDIT, VIEW)),
    ((VIEW, EDIT), (VIEW, EDIT, DELETE, "crm.import"), (), (EDIT,), ("crm.import",), (DELETE, EDIT)),
    ((VIEW,), (VIEW, EDIT, DELETE, "crm.import"), (), (VIEW,), ("crm.import",), (DELETE, EDIT, VIEW)),
    (
        (VIEW, EDIT),
        (VIEW, EDIT, f"{DELETE}:team"),
        (f"{EDIT}:owned", f"{VIEW}:owned"),
        (EDIT, VIEW),
        None,
        None,
    ),
    (
        (VIEW, EDIT),
        (VIEW, EDIT, f"{DELETE}:owned"),
        (f"{EDIT}:owned", f"{VIEW}:owned"),
        (EDIT, VIEW),
        (f"{DELETE}:owned",),
        (EDIT, VIEW),
    ),
    ((f"{VIEW}:team",), (VIEW,), (), (), (f"{VIEW}:all",), ()),
])  # fmt: skip
def test_what_would_go_further_than_what_was_taken_is_taken_along(
    older: tuple[str, ...],
    newer: tuple[str, ...],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    gained: tuple[str, ...] | None,
    then_removed: tuple[str, ...] | None,
) -> None:
    with set_versions.of_sets(sales=(older, newer)):
        found = difference(ordinary(a_member(CLERK, "sales", set_version=1, added=added, removed=removed)), an_act())

        assert (found and found.gained, found and found.after.removed) == (gained, then_removed)
        assert found is None or not out_of_order(rights_in(found.after, {}))


def test_what_was_out_of_order_before_is_left_to_whoever_edits_it() -> None:
    """Another version narrowed what an override had gone further than."""
    with set_versions.of_sets(sales=((VIEW, EDIT), (VIEW, f"{EDIT}:team", "crm.import"))):
        found = difference(ordinary(a_member(CLERK, "sales", set_version=1, added=(DELETE,))), an_act())

        assert found
        assert found.gained == ("crm.import",)


# who answers


def test_whoever_manages_users_answers_for_the_account() -> None:
    assert must_answer(the_client(), MANAGES_USERS, an_act()) == the_client()


@pytest.mark.parametrize(("account", "actor", "refusal"), [
    (None, SUPER_ADMIN, NotFound),
    (the_client(), NOBODY, NotFound),
    (the_client(), an_actor(a_user(active=False)), Forbidden),
    (the_client(), an_actor(member=a_member(permission_set="sales")), Forbidden),
    (the_client(), of_the_partner(), Forbidden),
    (
        the_client(),
        of_the_partner(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER, added=("account.users.manage",))),
        Forbidden,
    ),
])  # fmt: skip
def test_nobody_else_does(account: Any, actor: Actor, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        must_answer(account, actor, an_act())


@pytest.mark.parametrize(("permission_set", "version", "refusal"), [
    ("sales", 1, RightsChanged),
    ("sales", 3, RightsChanged),
    (CUSTOM_SET, 1, UnknownPermissionSet),
    ("nothing", 1, UnknownPermissionSet),
])  # fmt: skip
def test_what_was_not_looked_at_is_not_accepted(permission_set: str, version: int, refusal: type[Refused]) -> None:
    must_be_latest(SALES_2)
    with pytest.raises(refusal):
        must_be_latest(Accepted(permission_set, version))


# accepting


def facts(**changes: Any) -> UpdateFacts:
    target = of_the_partner(member=PARTNER_ADMIN)
    return UpdateFacts(**{"account": the_client(), "actor": SUPER_ADMIN, "target": target, **changes})


def test_the_client_accepts_what_is_new_for_a_partner_admin() -> None:
    end = NOW.replace(year=2027)
    kept = a_partner_admin(set_version=1, removed=("crm.import",), grant=a_grant(expires_at=end))
    asked = facts(target=of_the_partner(member=kept))

    accepted = accept(asked, BOTH, an_act())

    assert accepted.before == kept
    assert accepted.member == kept.changed(set_version=2)
    assert (accepted.audit.event, accepted.audit.accounts) == ("permission_set.update_accepted", (CLIENT, PARTNER))
    assert accepted.audit.details == {
        "user_id": EMPLOYEE,
        "permission_set": "partner_admin",
        "set_version": {"before": 1, "after": 2},
        "gained": ["crm.export"],
    }
    letter = accepted.letter
    assert letter
    assert (letter.kind, letter.employee_id, letter.partner_id) == (LetterKind.ACCESS_CHANGED, EMPLOYEE, PARTNER)
    assert (letter.actor_id, letter.account_id) == (SUPER_ADMIN.user.user_id if SUPER_ADMIN.user else None, CLIENT)
    assert (letter.permission_set, letter.set_version, letter.expires_at) == ("partner_admin", 2, end)
    assert (letter.gained, letter.removed, letter.added) == (("crm.export",), ("crm.import",), ())
    assert set(accepted.relies_on) == {the_client(), *SUPER_ADMIN.relied_on, *asked.target.relied_on}


def test_an_ordinary_members_update_is_the_accounts_own_business() -> None:
    seller = SELLER.model_copy(update={"added": ("crm.import",)})
    accepted = accept(facts(target=ordinary(seller)), SALES_2, an_act())

    assert accepted.member == seller.changed(set_version=2)
    assert accepted.audit.accounts == (CLIENT,)
    assert accepted.letter
    assert (accepted.letter.partner_id, accepted.letter.expires_at) == (None, None)
    assert (accepted.letter.permission_set, accepted.letter.added) == ("sales", ("crm.import",))


def test_whoever_manages_users_accepts_for_a_partner_admin_beyond_what_he_holds() -> None:
    assert accept(facts(actor=MANAGES_USERS), BOTH, an_act()).member.set_version == 2


@pytest.mark.parametrize("target", [ordinary(), of_the_partner(member=BROUGHT)])
def test_for_all_others_nobody_gives_what_he_does_not_hold(target: Actor) -> None:
    rights = ("account.users.manage", *NEW)
    holds_it = an_actor(member=a_member(permission_set="view_only", added=rights))

    assert accept(facts(target=target, actor=holds_it), SALES_2, an_act()).member.set_version == 2
    for given in (rights[:1], rights[:2]):
        lacks_it = an_actor(member=a_member(permission_set="view_only", added=given))
        with pytest.raises(PermissionNotHeld):
            accept(facts(target=target, actor=lacks_it), SALES_2, an_act())


@pytest.mark.parametrize("target", [of_the_partner(member=BROUGHT), of_the_partner(member=PARTNER_ADMIN)])
def test_a_firms_own_people_do_not_accept_for_each_other(target: Actor) -> None:
    wish = Accepted(target.member.permission_set if target.member else "", 2)
    with pytest.raises(OwnPartnerMayNotApprove):
        accept(facts(target=target, actor=OWN_FIRM, super_admins=(SUPER_ADMIN, OWN_FIRM)), wish, an_act())
    with pytest.raises(NoIndependentApprover):
        accept(facts(target=target, actor=OWN_FIRM, super_admins=(OWN_FIRM,)), wish, an_act())


def test_for_the_clients_own_people_they_may() -> None:
    assert accept(facts(target=ordinary(), actor=OWN_FIRM), SALES_2, an_act("user-x")).member.set_version == 2


REFUSED: list[tuple[str, dict[str, Any], Accepted, type[Refused]]] = [
    ("no account", {"account": None}, BOTH, NotFound),
    ("no authority", {"actor": of_the_partner()}, BOTH, Forbidden),
    ("a closed account", {"account": the_client(state=AccountState.CLOSED)}, BOTH, AccountClosed),
    ("an older version", {}, Accepted("partner_admin", 1), RightsChanged),
    ("nobody", {"target": NOBODY}, BOTH, NotFound),
    ("no user", {"target": Actor(member=SELLER)}, SALES_2, NotFound),
    ("a former member", {"target": ordinary(SELLER.changed(active=False))}, SALES_2, NotFound),
    ("somebody deactivated", {"target": ordinary(active=False)}, SALES_2, NotFound),
    ("another set meanwhile", {}, SALES_2, RightsChanged),
    ("the latest already", {"target": ordinary(SELLER.changed(set_version=2))}, SALES_2, NothingToAccept),
    ("nothing to gain", {"target": ordinary(SELLER.changed(removed=NEW))}, SALES_2, NothingToAccept),
]


@pytest.mark.parametrize(
    ("changes", "wish", "refusal"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_an_acceptance_is_refused(changes: dict[str, Any], wish: Accepted, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        accept(facts(**changes), wish, an_act())
