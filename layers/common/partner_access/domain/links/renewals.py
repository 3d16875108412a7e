"""Access links sent again by their partner, or asked for anew by whoever holds an ended one."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    LinkNotFound,
    LinkStillOpen,
)
from partner_access.domain.links.links import (
    Link,
    LinkState,
    about,
    tenure_now,
)
from partner_access.domain.links.secrets import Secret
from partner_access.domain.notifications import LetterKind
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalFacts:
    """What a secret names: its link, for whom that is; and who asks."""

    link: Link | None
    partner: Account | None
    employee: User | None
    asker: User | None

    @property
    def tenure(self) -> int:
        """Today's."""
        return tenure_now(self.employee, self.partner)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAskedAnew(Decision):
    """`was_void` tells of a link that looks open and never will be again, for its employee's access was ended."""

    link: Link
    was_void: bool


def ask_anew(facts: RenewalFacts, secret: Secret, act: Act) -> LinkAskedAnew | None:
    """Tell the creator of an ended link that somebody would like a new one: once per link, never of an open one."""
    link, asker = facts.link, facts.asker
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(secret)
    if link.state_at(act.at, facts.tenure) is LinkState.OPEN:
        raise LinkStillOpen
    if not asker or not asker.active:
        raise Forbidden
    if link.renewal_requested:
        return None
    return LinkAskedAnew(
        act=act,
        link=link,
        was_void=link.is_void_at(act.at, facts.tenure),
        audit=audit("link.renewal_requested", act, link.partner_id, link_id=link.link_id),
        letter=about(link, LetterKind.LINK_RENEWAL_REQUESTED, act),
        relies_on=(asker,),
    )
