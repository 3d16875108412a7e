"""The five state machines, as data: their states, the acts that change them, and the new state for each.

The rules are in the code, not here. A test performs every act in every state on the product and compares the new state
with these tables. tools.documents draws them.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.domain.accounts import Program
from partner_access.domain.email_delivery import DeliveryStatus
from partner_access.domain.links.links import LinkState
from partner_access.domain.memberships.members import MemberState


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """States, and the acts that change them.

    `starts` maps each first act to a state. `acts` maps each act to the changes of states. An act leaves a state
    without an entry as it is.
    """

    name: str
    states: tuple[str, ...]
    starts: Mapping[str, str]
    acts: Mapping[str, Mapping[str, str]]

    @property
    def final_states(self) -> frozenset[str]:
        """The states that no act leaves."""
        left = {before for changes in self.acts.values() for before, after in changes.items() if before != after}
        return frozenset(self.states) - left

    def diagram(self) -> str:
        """Return the state machine as a Mermaid diagram."""
        return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        yield from (f"[*] --> {state}: {act}" for act, state in self.starts.items())
        for act, changes in self.acts.items():
            yield from (f"{before} --> {after}: {act}" for before, after in changes.items())
        yield from (f"{state} --> [*]" for state in self.states if state in self.final_states)


LINK: Final = StateMachine(
    name="link",
    states=tuple(LinkState),
    starts={"creation": "open"},
    acts={
        "resend": {"open": "open"},
        "approval, several left": {"open": "open"},
        "decline of a link with several approvals": {"open": "open"},
        "last approval": {"open": "approved"},
        "decline of a link with one approval": {"open": "declined"},
        "revocation": {"open": "revoked"},
        "approval when the employee is not eligible": {"open": "revoked"},
        "end of all access of the employee": {"open": "revoked"},
        "end of its days": {"open": "expired"},
    },
)
GRANT: Final = StateMachine(
    name="grant",
    states=("active", "suspended", "revoked", "expired"),
    starts={"approval, migration or creation": "active"},
    acts={
        "suspension by the client": {"active": "suspended"},
        "suspension by the partner": {"active": "suspended"},
        "employee or program suspended": {"active": "suspended"},
        "end of the last suspension": {"suspended": "active"},
        "removal": {"active": "revoked", "suspended": "revoked"},
        "promotion to super admin": {"active": "revoked"},
        "end of all access of the employee": {"active": "revoked", "suspended": "revoked"},
        "end by time": {"active": "expired", "suspended": "expired"},
    },
)
MEMBER: Final = StateMachine(
    name="member",
    states=tuple(MemberState),
    starts={"creation": "active"},
    acts={
        "suspension": {"active": "suspended"},
        "end of the suspension": {"suspended": "active"},
        "removal": {"active": "deactivated", "suspended": "deactivated"},
        "creation again": {"deactivated": "active"},
        "deactivation by the vendor": {"active": "deactivated", "suspended": "deactivated"},
        "activation by the vendor": {"deactivated": "active"},
    },
)
DELIVERY: Final = StateMachine(
    name="delivery",
    states=tuple(DeliveryStatus),
    starts={"claim": "sending", "no recipient": "cancelled"},
    acts={
        "claim": {"pending": "sending", "sending": "sending"},
        "SES accepts it": {"sending": "sent"},
        "SES rejects it": {"sending": "failed"},
        "SES throttles or pauses": {"sending": "pending"},
        "no response": {"sending": "sending"},
        "link ended or resent": {"sending": "cancelled"},
        "all secrets of the link in use": {"sending": "failed"},
        "report of sending": {"pending": "sent", "sending": "sent"},
        "report of a bounce": {"pending": "bounced", "sending": "bounced", "sent": "bounced"},
        "report of a complaint": {"pending": "complained", "sending": "complained", "sent": "complained"},
        "report of a rejection": {"pending": "failed", "sending": "failed", "sent": "failed"},
    },
)
PROGRAM: Final = StateMachine(
    name="program",
    states=tuple(Program),
    starts={"creation of the partner": "active"},
    acts={
        "activation": {"suspended": "active", "terminated": "active"},
        "suspension": {"active": "suspended", "terminated": "suspended"},
        "termination": {"active": "terminated", "suspended": "terminated"},
    },
)
STATE_MACHINES: Final = (LINK, GRANT, MEMBER, DELIVERY, PROGRAM)
