"""Edits of a membership, decided on facts alone."""

from typing import Any

import pytest

from partner_access.domain.errors import DomainError
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.edits import MemberUpdated, edit
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Seat
from partner_access.domain.memberships.roles import MembershipFacts
from tests.support.builders import a_member, a_user, an_actor
from tests.support.membership_facts import act_of
from tests.support.seeded_table import CLERK

PAID, NO_PAID_SEATS = MemberEdit(paid_seats=(Seat.SALES,)), MemberEdit(paid_seats=())


def member_with_seats(seat: Seat | None, *paid: Seat, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=seat, paid_seats=paid, **changes))


def edited(found: MembershipFacts, change: MemberEdit, **act_fields: Any) -> MemberUpdated:
    decided = edit(
        found, change, found.target.member.version if found.target.member else 1, act_of(found, **act_fields)
    )
    assert isinstance(decided, MemberUpdated)
    return decided


def assert_edit_raises(found: MembershipFacts, change: MemberEdit, error: type[DomainError]) -> DomainError:
    with pytest.raises(error) as caught:
        edit(found, change, found.target.member.version if found.target.member else 1, act_of(found))
    return caught.value
