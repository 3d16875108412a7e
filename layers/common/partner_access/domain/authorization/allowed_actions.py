"""Actions that the caller can take, found by a trial of the rules that decide on the requests."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import Final

from partner_access.domain.access_ends import NO_END
from partner_access.domain.accounts import Account, AccountState
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError, LastSuperAdmin, NoSeatLeft
from partner_access.domain.links.creations import LinkCreationFacts, must_be_requestable
from partner_access.domain.memberships import edits, removals, suspensions
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.memberships.visibility import must_see_all
from partner_access.domain.permissions.rights import BILLING_MANAGE, CLIENT_ACCESS_MANAGE, SetName
from partner_access.domain.relationships.offboarding import OffboardingFacts, must_be_offboardable
from partner_access.domain.relationships.partner_console import must_add_colleagues

WITHOUT_END: Final = MemberEdit(end=NO_END)
TO_PARTNER_ADMIN: Final = MemberEdit(permission_set=SetName.PARTNER_ADMIN)


class MemberAction(StrEnum):
    """An action on a member. `change_end` sets any end date, also a later one."""

    EDIT = "edit"
    CHANGE_END = "change_end"
    MIGRATE = "migrate"
    SUSPEND = "suspend"
    RESUME = "resume"
    REMOVE = "remove"


class AccountAction(StrEnum):
    """An action in an account. `create_user` does not include the colleagues that a partner member can add."""

    LIST_USERS = "list_users"
    CREATE_USER = "create_user"
    APPROVE_LINKS = "approve_links"
    ACCEPT_SET_UPDATES = "accept_set_updates"
    ASSIGN_PAID_SEATS = "assign_paid_seats"
    MANAGE_CLIENT_ACCESS = "manage_client_access"


class ClientAction(StrEnum):
    """An action of a partner's employee in a client."""

    ADD_COLLEAGUES = "add_colleagues"


class EmployeeAction(StrEnum):
    """An action on an employee of a partner."""

    CREATE_LINK = "create_link"
    OFFBOARD = "offboard"


def on_member(facts: MembershipFacts, act: Act) -> tuple[MemberAction, ...]:
    """Return the actions on a member that the caller can take and that would change something.

    A missing free seat or super admin excludes no action: others can provide it, and the request then says so.
    """
    member = facts.target.member
    if not member:
        return ()
    return tuple(action for action in MemberAction if _succeeds(partial(_try, action, facts, member, act)))


def _try(action: MemberAction, facts: MembershipFacts, member: Member, act: Act) -> bool:
    """Return whether the action would change something. Raise for a caller who cannot take it."""
    match action:
        case MemberAction.EDIT:
            edits.edit(facts, MemberEdit(), member.version, act)
            return True
        case MemberAction.CHANGE_END:
            edits.edit(facts, WITHOUT_END, member.version, act)
            return True
        case MemberAction.MIGRATE:
            return member.is_super_admin and edits.edit(facts, TO_PARTNER_ADMIN, member.version, act) is not None
        case MemberAction.SUSPEND:
            return suspensions.suspend(facts, None, act) is not None
        case MemberAction.RESUME:
            return suspensions.resume(facts, act) is not None
    removals.remove(facts, member.version, act)
    return True


def in_account(account: Account, actor: Actor, act: Act) -> tuple[AccountAction, ...]:
    """Return the actions that the caller can take in an account. Only their own rights and the account count.

    The own-partner rule can still exclude a link or an update of a set that concerns the caller's partner.
    """
    return tuple(_in_account(account, actor, act))


def _in_account(account: Account, actor: Actor, act: Act) -> Iterator[AccountAction]:
    rights = actor.rights_at(act.at)
    if _succeeds(partial(must_see_all, actor, act.at)):
        yield AccountAction.LIST_USERS
    if actor.is_approver_at(act.at) and account.state is AccountState.ACTIVE:
        if account.accepts_partner_admins:
            yield AccountAction.CREATE_USER
            yield AccountAction.APPROVE_LINKS
        yield AccountAction.ACCEPT_SET_UPDATES
        if BILLING_MANAGE in rights:
            yield AccountAction.ASSIGN_PAID_SEATS
    if account.is_partner and CLIENT_ACCESS_MANAGE in rights:
        yield AccountAction.MANAGE_CLIENT_ACCESS


def in_client(caller: Actor, partner_id: str, act: Act) -> tuple[ClientAction, ...]:
    """Return the actions of a partner's employee in a client in which they are a member."""
    can_add = _succeeds(partial(must_add_colleagues, caller, partner_id, act))
    return (ClientAction.ADD_COLLEAGUES,) if can_add else ()


def on_employee(facts: OffboardingFacts, act: Act) -> tuple[EmployeeAction, ...]:
    """Return the actions on an employee, or a former one, of the caller's partner."""
    creation = LinkCreationFacts(partner=facts.partner, creator=facts.actor, employee=facts.employee.user)
    trials: dict[EmployeeAction, Callable[[], object]] = {
        EmployeeAction.CREATE_LINK: partial(must_be_requestable, creation, act),
        EmployeeAction.OFFBOARD: partial(must_be_offboardable, facts, act),
    }
    return tuple(action for action, trial in trials.items() if _succeeds(trial))


def _succeeds(trial: Callable[[], object]) -> bool:
    """Return whether the trial raises no error that excludes the action, and does not return False."""
    try:
        return trial() is not False
    except (LastSuperAdmin, NoSeatLeft):
        return True
    except DomainError:
        return False
