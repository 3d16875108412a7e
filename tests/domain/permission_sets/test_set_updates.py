"""Set updates: the permissions that a newer version of a default set adds, and their acceptance."""

from collections.abc import Iterator
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.errors import (
    AccountClosed,
    DomainError,
    Forbidden,
    NoIndependentApprover,
    NotFound,
    NothingToAccept,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    RightsChanged,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import Member
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.permission_sets.set_updates import (
    AcceptedVersion,
    SetUpdateFacts,
    accept,
    gain_from_update,
    has_outdated_set,
    must_be_latest,
    must_be_set_approver,
)
from partner_access.domain.permissions.rights import exceeding_prerequisite
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
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
)
from tests.support.set_versions import ADDED_PERMISSIONS, SALES_PERMISSIONS

CLERK = "user-clerk"
SUPER_ADMIN = an_actor()
SALES_MEMBER = a_member(CLERK, "sales", set_version=1)
PARTNER_ADMIN = a_partner_admin(set_version=1)
COLLEAGUE = a_member(EMPLOYEE, "sales", set_version=1, partner_id=PARTNER)
MANAGES_USERS = an_actor(member=a_member(permission_set="view_only", added=("account.users.manage",)))
OWN_PARTNER_SUPER_ADMIN = an_actor(an_employee("user-x"), a_member("user-x"))
PARTNER_ADMIN_2 = AcceptedVersion("partner_admin", 2)
SALES_2 = AcceptedVersion("sales", 2)


@pytest.fixture(autouse=True)
def _two_set_versions() -> Iterator[None]:
    with set_versions.two_set_versions():
        yield


def ordinary(member: Member = SALES_MEMBER, **user: Any) -> Actor:
    return an_actor(a_user(member.user_id, **user), member)


# differences to the latest version


def test_difference_for_partner_admin_lists_new_permissions() -> None:
    found = gain_from_update(a_partner_admin_actor(member=PARTNER_ADMIN), an_act())

    assert found
    assert (found.now, found.gained, found.after.set_version) == (PARTNER_ADMIN, ADDED_PERMISSIONS, 2)
    assert found.after.grant == PARTNER_ADMIN.grant


def test_difference_keeps_removed_permissions() -> None:
    found = gain_from_update(ordinary(a_member(CLERK, "sales", set_version=1, removed=("crm.import",))), an_act())

    assert found
    assert (found.gained, found.after.removed) == (("crm.export",), ("crm.import",))


WITHOUT_UPDATE: list[tuple[str, Actor]] = [
    ("the latest version", ordinary(a_member(CLERK, "sales", set_version=2))),
    ("all of the news taken away", ordinary(a_member(CLERK, "sales", set_version=1, removed=ADDED_PERMISSIONS))),
    ("all of the news held already", ordinary(a_member(CLERK, "sales", set_version=1, added=ADDED_PERMISSIONS))),
    ("a super admin", ordinary(a_member(CLERK, set_version=0))),
    ("an account's own set", an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[a_custom_set()])),
    ("a former member", ordinary(a_member(CLERK, "sales", set_version=1, active=False))),
    ("a user deactivated", ordinary(active=False)),
    (
        "a grant that is over",
        a_partner_admin_actor(member=a_partner_admin(set_version=1, grant=a_grant(expires_at=NOW))),
    ),
    ("nobody", NO_ACTOR),
    ("a member without a user", Actor(member=SALES_MEMBER)),
]


@pytest.mark.parametrize("person", [each[1] for each in WITHOUT_UPDATE], ids=[each[0] for each in WITHOUT_UPDATE])
def test_difference_without_gain_is_none(person: Actor) -> None:
    assert gain_from_update(person, an_act()) is None


def test_is_outdated_for_old_version_of_default_set_is_true() -> None:
    assert [has_outdated_set(a_member(CLERK, "sales", set_version=each)) for each in (1, 2)] == [True, False]
    assert not has_outdated_set(a_member(CLERK, CUSTOM_SET, set_version=1))


def test_difference_after_expired_grant_is_none() -> None:
    lapsed = a_partner_admin(set_version=1, grant=a_grant(expires_at=NOW, former_set="sales"))

    assert gain_from_update(a_partner_admin_actor(member=lapsed), an_act()) is None


def test_difference_for_partner_member_excludes_restricted_permissions() -> None:
    with set_versions.published_versions(
        sales=(SALES_PERMISSIONS, (*SALES_PERMISSIONS, "account.billing.manage", "crm.import"))
    ):
        found = gain_from_update(a_partner_admin_actor(member=COLLEAGUE), an_act())
        assert found
        assert found.gained == ("crm.import",)
        own = gain_from_update(ordinary(), an_act())
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
def test_difference_removes_permissions_that_depend_on_removed_ones(
    older: tuple[str, ...],
    newer: tuple[str, ...],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    gained: tuple[str, ...] | None,
    then_removed: tuple[str, ...] | None,
) -> None:
    with set_versions.published_versions(sales=(older, newer)):
        found = gain_from_update(
            ordinary(a_member(CLERK, "sales", set_version=1, added=added, removed=removed)), an_act()
        )

        assert (found and found.gained, found and found.after.removed) == (gained, then_removed)
        assert found is None or not exceeding_prerequisite(effective_rights_of(found.after, {}))


def test_difference_ignores_existing_order_violation() -> None:
    """Use a version that narrows `edit`, so that an added `delete` is already out of order."""
    with set_versions.published_versions(sales=((VIEW, EDIT), (VIEW, f"{EDIT}:team", "crm.import"))):
        found = gain_from_update(ordinary(a_member(CLERK, "sales", set_version=1, added=(DELETE,))), an_act())

        assert found
        assert found.gained == ("crm.import",)


# callers


def test_must_answer_by_user_manager_returns_account() -> None:
    assert must_be_set_approver(the_client(), MANAGES_USERS, an_act()) == the_client()


@pytest.mark.parametrize(("account", "actor", "error"), [
    (None, SUPER_ADMIN, NotFound),
    (the_client(), NO_ACTOR, NotFound),
    (the_client(), an_actor(a_user(active=False)), Forbidden),
    (the_client(), an_actor(member=a_member(permission_set="sales")), Forbidden),
    (the_client(), a_partner_admin_actor(), Forbidden),
    (
        the_client(),
        a_partner_admin_actor(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER, added=("account.users.manage",))),
        Forbidden,
    ),
])  # fmt: skip
def test_must_answer_by_other_caller_is_refused(account: Any, actor: Actor, error: type[DomainError]) -> None:
    with pytest.raises(error):
        must_be_set_approver(account, actor, an_act())


@pytest.mark.parametrize(("permission_set", "version", "error"), [
    ("sales", 1, RightsChanged),
    ("sales", 3, RightsChanged),
    (CUSTOM_SET, 1, UnknownPermissionSet),
    ("nothing", 1, UnknownPermissionSet),
])  # fmt: skip
def test_must_be_latest_for_other_version_is_refused(
    permission_set: str, version: int, error: type[DomainError]
) -> None:
    must_be_latest(SALES_2)
    with pytest.raises(error):
        must_be_latest(AcceptedVersion(permission_set, version))


# acceptance


def facts(**changes: Any) -> SetUpdateFacts:
    target = a_partner_admin_actor(member=PARTNER_ADMIN)
    return SetUpdateFacts(**{"account": the_client(), "actor": SUPER_ADMIN, "target": target, **changes})


def test_accept_update_for_partner_admin_records_gain() -> None:
    end = NOW.replace(year=2027)
    stored = a_partner_admin(set_version=1, removed=("crm.import",), grant=a_grant(expires_at=end))
    facts_ = facts(target=a_partner_admin_actor(member=stored))

    accepted = accept(facts_, PARTNER_ADMIN_2, an_act())

    assert accepted.before == stored
    assert accepted.member == stored.next_version(set_version=2)
    assert (accepted.audit.event, accepted.audit.accounts) == ("permission_set.update_accepted", (CLIENT, PARTNER))
    assert accepted.audit.details == {
        "user_id": EMPLOYEE,
        "permission_set": "partner_admin",
        "set_version": {"before": 1, "after": 2},
        "gained": ["crm.export"],
    }
    notification = accepted.notification
    assert notification
    assert (notification.kind, notification.employee_id, notification.partner_id) == (
        NotificationKind.ACCESS_CHANGED,
        EMPLOYEE,
        PARTNER,
    )
    assert (notification.actor_id, notification.account_id) == (
        SUPER_ADMIN.user.user_id if SUPER_ADMIN.user else None,
        CLIENT,
    )
    assert (notification.permission_set, notification.set_version, notification.expires_at) == ("partner_admin", 2, end)
    assert (notification.gained, notification.removed, notification.added) == (("crm.export",), ("crm.import",), ())
    assert set(accepted.relies_on) == {the_client(), *SUPER_ADMIN.relied_on, *facts_.target.relied_on}


def test_accept_update_for_ordinary_member_does_not_involve_partner() -> None:
    member = SALES_MEMBER.model_copy(update={"added": ("crm.import",)})
    accepted = accept(facts(target=ordinary(member)), SALES_2, an_act())

    assert accepted.member == member.next_version(set_version=2)
    assert accepted.audit.accounts == (CLIENT,)
    assert accepted.notification
    assert (accepted.notification.partner_id, accepted.notification.expires_at) == (None, None)
    assert (accepted.notification.permission_set, accepted.notification.added) == ("sales", ("crm.import",))


def test_accept_update_by_user_manager_for_partner_admin_succeeds() -> None:
    assert accept(facts(actor=MANAGES_USERS), PARTNER_ADMIN_2, an_act()).member.set_version == 2


@pytest.mark.parametrize("target", [ordinary(), a_partner_admin_actor(member=COLLEAGUE)])
def test_accept_update_for_other_members_requires_holding_permissions(target: Actor) -> None:
    rights = ("account.users.manage", *ADDED_PERMISSIONS)
    holds_it = an_actor(member=a_member(permission_set="view_only", added=rights))

    assert accept(facts(target=target, actor=holds_it), SALES_2, an_act()).member.set_version == 2
    for given in (rights[:1], rights[:2]):
        lacks_it = an_actor(member=a_member(permission_set="view_only", added=given))
        with pytest.raises(PermissionNotHeld):
            accept(facts(target=target, actor=lacks_it), SALES_2, an_act())


@pytest.mark.parametrize(
    "target", [a_partner_admin_actor(member=COLLEAGUE), a_partner_admin_actor(member=PARTNER_ADMIN)]
)
def test_accept_update_by_employee_of_same_partner_is_refused(target: Actor) -> None:
    accepted = AcceptedVersion(target.member.permission_set if target.member else "", 2)
    with pytest.raises(OwnPartnerMayNotApprove):
        accept(
            facts(target=target, actor=OWN_PARTNER_SUPER_ADMIN, super_admins=(SUPER_ADMIN, OWN_PARTNER_SUPER_ADMIN)),
            accepted,
            an_act(),
        )
    with pytest.raises(NoIndependentApprover):
        accept(
            facts(target=target, actor=OWN_PARTNER_SUPER_ADMIN, super_admins=(OWN_PARTNER_SUPER_ADMIN,)),
            accepted,
            an_act(),
        )


def test_accept_update_by_partner_employee_for_client_member_succeeds() -> None:
    assert (
        accept(facts(target=ordinary(), actor=OWN_PARTNER_SUPER_ADMIN), SALES_2, an_act("user-x")).member.set_version
        == 2
    )


ACCEPT_ERRORS: list[tuple[str, dict[str, Any], AcceptedVersion, type[DomainError]]] = [
    ("no account", {"account": None}, PARTNER_ADMIN_2, NotFound),
    ("no authority", {"actor": a_partner_admin_actor()}, PARTNER_ADMIN_2, Forbidden),
    ("a closed account", {"account": the_client(state=AccountState.CLOSED)}, PARTNER_ADMIN_2, AccountClosed),
    ("an older version", {}, AcceptedVersion("partner_admin", 1), RightsChanged),
    ("nobody", {"target": NO_ACTOR}, PARTNER_ADMIN_2, NotFound),
    ("no user", {"target": Actor(member=SALES_MEMBER)}, SALES_2, NotFound),
    ("a former member", {"target": ordinary(SALES_MEMBER.next_version(active=False))}, SALES_2, NotFound),
    ("a user deactivated", {"target": ordinary(active=False)}, SALES_2, NotFound),
    ("another set meanwhile", {}, SALES_2, RightsChanged),
    ("the latest already", {"target": ordinary(SALES_MEMBER.next_version(set_version=2))}, SALES_2, NothingToAccept),
    (
        "nothing to gain",
        {"target": ordinary(SALES_MEMBER.next_version(removed=ADDED_PERMISSIONS))},
        SALES_2,
        NothingToAccept,
    ),
]


@pytest.mark.parametrize(
    ("changes", "accepted", "error"), [each[1:] for each in ACCEPT_ERRORS], ids=[each[0] for each in ACCEPT_ERRORS]
)
def test_accept_update_with_invalid_facts_raises_error(
    changes: dict[str, Any], accepted: AcceptedVersion, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        accept(facts(**changes), accepted, an_act())
