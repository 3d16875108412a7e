"""Ending what somebody is in an account: his grant, else his membership; in a partner account, his employment."""

from dataclasses import dataclass
from typing import Final

from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden
from partner_access.domain.memberships.actors import witness
from partner_access.domain.memberships.roles import Hold, MembershipChanged, MembershipFacts, Role, hold
from partner_access.domain.notifications import Cause, CleanUp, Letter, LetterKind, Occasion
from partner_access.domain.records import audit
from partner_access.domain.users import User, left

ENDED_BY: Final = {
    Role.VENDOR: Cause.VENDOR,
    Role.SUPER_ADMIN: Cause.CLIENT,
    Role.USER_MANAGER: Cause.CLIENT,
    Role.COLLEAGUE: Cause.PARTNER,
    Role.PARTNER_MANAGER: Cause.PARTNER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEnded(MembershipChanged):
    """`former` is an employee after he left his firm, None for everybody else."""

    former: User | None = None


def end(facts: MembershipFacts, seen: int, act: Act) -> UserEnded:
    """End a grant, so that its holder is what he was before it, or a membership without one."""
    held = hold(facts, act)
    now = held.now
    if now.is_super_admin and held.capacity is Role.USER_MANAGER:
        raise Forbidden
    held.must_be_as_seen(seen)
    stays = witness(facts.others, act.at).relied_on if now.is_super_admin else ()
    cause = Cause.SELF if act.by == held.user.user_id else ENDED_BY[held.capacity]
    former = left(held.user, held.account) if held.account.is_partner else None
    return UserEnded(
        act=act,
        account=held.account,
        user=held.user,
        before=held.before,
        member=now.ended().changed(),
        former=former,
        audit=audit(
            "grant.revoked" if now.grant else "member.removed",
            act,
            held.account.account_id,
            now.partner_id,
            user_id=held.user.user_id,
            capacity=held.capacity,
            grant_id=now.grant.grant_id if now.grant else None,
        ),
        letter=_letter(held, cause, act),
        clean_up=_clean_up(held) if former else None,
        relies_on=(*held.relied_on, *stays),
    )


def _letter(held: Hold, cause: Cause, act: Act) -> Letter:
    return Letter(
        kind=LetterKind.ACCESS_ENDED,
        employee_id=held.user.user_id,
        actor_id=act.by,
        partner_id=held.now.partner_id,
        account_id=held.account.account_id,
        cause=cause,
    )


def _clean_up(held: Hold) -> CleanUp:
    return CleanUp(partner_id=held.account.account_id, user_id=held.user.user_id, reason=Occasion.OFFBOARDED)
