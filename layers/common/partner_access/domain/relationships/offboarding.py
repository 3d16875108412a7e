"""Access that ends or stops everywhere with one write, and what follows from it account by account (domain.md rule 21).

The one write is in the partner's trail; each client's trail and letters come with the clean-up, which may lag and may
run twice: it writes down only what is not written yet, and tells each account once.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden, NotFound
from partner_access.domain.memberships.actors import OF_THE_TWO_SIDES, Actor
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.notifications import Cause, CleanUp, Letter, LetterKind, Occasion
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, without_access_for

ENDED: Final = "access.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartureFacts:
    """An employee in his partner account, and whoever ends his access."""

    partner: Account | None
    actor: Actor
    employee: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEnded(Decision):
    """All that the person may do for the partner is over, wherever that was."""

    partner: Account
    user: User


def end_access(facts: DepartureFacts, act: Act) -> AccessEnded:
    """End what an employee may do for his partner in all clients: by himself, or by who manages client access."""
    partner, user = must_be_endable(facts, act)
    return AccessEnded(
        act=act,
        partner=partner,
        user=without_access_for(user, partner.account_id),
        audit=audit("employee.offboarded", act, partner.account_id, user_id=user.user_id),
        clean_up=CleanUp(partner_id=partner.account_id, user_id=user.user_id, reason=Occasion.OFFBOARDED),
        relies_on=(partner, *facts.actor.relied_on, user),
    )


def must_be_endable(facts: DepartureFacts, act: Act) -> tuple[Account, User]:
    """The partner and its employee, present or former, when the caller may end what he has."""
    partner = facts.actor.must_be_staff(facts.partner, act.at)
    himself = facts.employee.user is not None and facts.employee.user.user_id == act.by
    if not himself and CLIENT_ACCESS_MANAGE not in facts.actor.rights_at(act.at):
        raise Forbidden
    if not facts.employee.user or not facts.employee.member:
        raise NotFound
    return partner, facts.employee.user


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Somebody in one account after his access for `partner`, or for all his firms, may have ended or stopped.

    `others` are the account's other super admins. `told` is the event by which the account has heard of this very act
    and person, `knows` whether it has heard of the partner's program.
    """

    clean_up: CleanUp
    account: Account
    person: Actor
    partner: Account | None
    others: tuple[Actor, ...]
    told: str | None = None
    knows: bool = False

    def has_ended(self, at: datetime) -> bool:
        """Whether what he is here for the partner is over, and is not written off yet."""
        before, now = self.person.member, self.person.member_at(at)
        stood = before.as_of(at) if before else None
        if not stood or not now or not stood.active or _is_same_place(stood, now):
            return False
        return self.clean_up.partner_id in (None, stood.partner_id)

    def foreseen(self) -> "Aftermath":
        """The same once all that the person has for the partner is over."""
        user, firm = self.person.user, self.clean_up.partner_id
        left = without_access_for(user, firm) if user and firm else user
        return replace(self, person=replace(self.person, user=left))


def _is_same_place(one: Member, other: Member) -> bool:
    return (one.grant, one.partner_id, one.active) == (other.grant, other.partner_id, other.active)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp(Decision):
    """`member` is what the membership is from now on; None when there is nothing to do but to tell."""

    account: Account
    before: Member
    member: Member | None = None


def follow_up(facts: Aftermath, act: Act) -> FollowedUp | None:
    """What one account has to hear, and to write down, of what holds already; None when it has."""
    before, now = facts.person.member, facts.person.member_at(act.at)
    if not before or not now or not before.active or facts.told:
        return None
    if facts.clean_up.ends and facts.has_ended(act.at):
        return _ended(facts, before, now, act)
    if not now.active:
        return None
    if now.partner_id:
        return _stopped_or_resumed(facts, before, now, act)
    return _told(facts, before, now, act)


def _ended(facts: Aftermath, before: Member, now: Member, act: Act) -> FollowedUp:
    """What ended is what he was here until now; no right is pinned, for what is over stays so."""
    stood = before.as_of(act.at)
    is_the_clients_own = now.active and not now.partner_id
    letter = _letter(LetterKind.MEMBER_RETAINED, stood, act, cause=_stays(now) if is_the_clients_own else None)
    return FollowedUp(
        act=act,
        account=facts.account,
        before=before,
        member=now.changed(),
        audit=audit(
            ENDED,
            act,
            facts.account.account_id,
            user_id=before.user_id,
            partner_id=stood.partner_id,
            grant_id=stood.grant.grant_id if stood.grant else None,
        ),
        letter=letter if facts.clean_up.reason is Occasion.OFFBOARDED else None,
        relies_on=(before,),
    )


def _stays(now: Member) -> Cause:
    return Cause.RETAINED_SUPER_ADMIN if now.is_super_admin else Cause.RETAINED_MEMBER


def _stopped_or_resumed(facts: Aftermath, before: Member, now: Member, act: Act) -> FollowedUp | None:
    """Of the reasons that follow from the person and his firm, the membership bears witness for lists and trails.

    What has lapsed or ended is written off first; what the program changed is for its own clean-up, which tells of it.
    """
    suspended_by = facts.person.suspended_by_at(act.at)
    computed, written = suspended_by - OF_THE_TWO_SIDES, now.suspended_by - OF_THE_TWO_SIDES
    changed = computed ^ written
    of_the_program = SuspensionReason.PROGRAM in changed
    if not changed or not _is_same_place(before, now) or (of_the_program and not facts.clean_up.is_of_the_program):
        return None
    stops = computed - written
    reason = min(stops or changed)
    kind = LetterKind.ACCESS_SUSPENDED if stops else LetterKind.ACCESS_RESUMED
    letter = _letter(kind, now, act, cause=Cause(reason.value))
    return FollowedUp(
        act=act,
        account=facts.account,
        before=before,
        member=now.changed(suspended_by=suspended_by),
        audit=audit(
            "member.suspended" if stops else "member.resumed",
            act,
            facts.account.account_id,
            user_id=before.user_id,
            partner_id=now.partner_id,
            **{"suspended_by" if stops else "resumed_by": reason},
        ),
        letter=letter if reason is SuspensionReason.EMPLOYEE else None,
        relies_on=facts.person.relied_on,
    )


def _told(facts: Aftermath, before: Member, now: Member, act: Act) -> FollowedUp | None:
    """Whom the client itself made a member or super admin stays one, and the client hears of it; so of its orphanhood."""
    clean_up, user = facts.clean_up, facts.person.user
    if clean_up.reason is Occasion.OFFBOARDED:
        letter = _letter(LetterKind.MEMBER_RETAINED, now, act, cause=_stays(now), partner_id=clean_up.partner_id)
        return _telling(facts, before, "member.retained", letter, act)
    if clean_up.partner_id or not now.is_super_admin or not user or user.active or _is_run(facts, act):
        return None
    return _telling(facts, before, "account.orphaned", _letter(LetterKind.ACCOUNT_ORPHANED, now, act), act)


def _is_run(facts: Aftermath, act: Act) -> bool:
    return any(other.is_super_admin_at(act.at) for other in facts.others)


def _telling(facts: Aftermath, before: Member, event: str, letter: Letter, act: Act) -> FollowedUp:
    return FollowedUp(
        act=act,
        account=facts.account,
        before=before,
        audit=audit(event, act, facts.account.account_id, user_id=before.user_id, partner_id=letter.partner_id),
        letter=letter,
    )


def _letter(
    kind: LetterKind, member: Member, act: Act, *, cause: Cause | None = None, partner_id: str | None = None
) -> Letter:
    """A letter on what somebody is in an account, for the partner named or his own."""
    return Letter(
        kind=kind,
        employee_id=member.user_id,
        actor_id=act.by,
        partner_id=partner_id or member.partner_id,
        account_id=member.account_id,
        cause=cause,
    )


class ReceiptOutcome(StrEnum):
    """The outcome in one account when all access ends. `pending` means ended, but not recorded in the account yet."""

    ENDED = "ended"
    PENDING = "pending"
    RETAINED = "retained"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the receipt; what is kept is the client's to take, and why."""

    receipt: ReceiptOutcome
    reason: str | None = None


def line(facts: Aftermath, act: Act) -> Line | None:
    """Of one account, None when nothing of the person's for this partner is or was there."""
    now = facts.person.member_at(act.at)
    if facts.told == ENDED:
        return Line(ReceiptOutcome.ENDED)
    if facts.has_ended(act.at):
        return Line(ReceiptOutcome.PENDING)
    if not now or now.partner_id or not now.active:
        return None
    return Line(ReceiptOutcome.RETAINED, _stays(now))


def tell_of_program(facts: Aftermath, act: Act) -> Decision | None:
    """A client where somebody is for the partner hears, once for all of them, that its program stopped or goes on.

    What has turned since is not told any more: the next clean-up tells of that.
    """
    after, partner = facts.clean_up.reason, facts.partner
    if not partner or not facts.clean_up.is_of_the_program or facts.knows or not _is_concerned(facts, partner, act):
        return None
    stops = after is not Occasion.PROGRAM_RESUMED
    cause = Cause.TERMINATED if after is Occasion.PROGRAM_ENDED else Cause.PROGRAM
    account_id = facts.account.account_id
    return Decision(
        act=act,
        audit=audit("program.stopped" if stops else "program.resumed", act, account_id, partner_id=partner.account_id),
        letter=Letter(
            kind=LetterKind.PROGRAM_STOPPED if stops else LetterKind.PROGRAM_RESUMED,
            partner_id=partner.account_id,
            account_id=account_id,
            cause=cause if stops else None,
        ),
        relies_on=(partner,),
    )


def _is_concerned(facts: Aftermath, partner: Account, act: Act) -> bool:
    if facts.clean_up.ends:
        return facts.has_ended(act.at)
    now = facts.person.member_at(act.at)
    is_resumed = facts.clean_up.reason is Occasion.PROGRAM_RESUMED
    is_here = now is not None and now.active and now.partner_id == partner.account_id
    return is_here and partner.is_in_program is is_resumed
