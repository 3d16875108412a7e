"""Users: eligibility, offboarding, and the partner that they act for."""

from datetime import timedelta

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import (
    Forbidden,
)
from partner_access.domain.users import (
    User,
    access_generation_of,
    is_eligible,
    must_not_be_deactivated,
    partner_is_ambiguous,
    resolve_partner_id,
    with_access_ended,
    without_employment,
)
from tests.domain.memberships.test_actors import EMPLOYEE_OF_TWO, OTHER_PARTNER
from tests.support.builders import (
    NOW,
    PARTNER,
    a_user,
    an_employee,
    the_client,
    the_partner,
)


@pytest.mark.parametrize(
    ("user", "partner", "expected"),
    [
        (an_employee(), the_partner(), True),
        (an_employee(employed_by=frozenset({PARTNER, OTHER_PARTNER})), the_partner(), True),
        (an_employee(), the_partner(domains=("other.example", "north.example")), True),
        (None, the_partner(), False),
        (an_employee(), None, False),
        (an_employee(active=False), the_partner(), False),
        (an_employee(email=None), the_partner(), False),
        (an_employee(employed_by=frozenset()), the_partner(), False),
        (an_employee(employed_by=frozenset({OTHER_PARTNER})), the_partner(), False),
        (an_employee(email="e@bakery.example"), the_partner(), False),
        (an_employee(email="e@sub.north.example"), the_partner(), False),
        (an_employee(email="e@evilnorth.example"), the_partner(), False),
        (an_employee(email="north.example@bakery.example"), the_partner(), False),
        (an_employee(), the_partner(domains=()), False),
        (an_employee(), the_partner(program=Program.SUSPENDED), False),
        (an_employee(), the_partner(program=Program.TERMINATED), False),
        (an_employee(), the_partner(state=AccountState.CLOSED), False),
        (an_employee(), the_client(account_id=PARTNER, domains=("north.example",)), False),
    ],
)
def test_eligible_requires_active_employee_and_partner_in_program(
    user: User | None, partner: Account | None, expected: bool
) -> None:
    # domain.md rule 13
    assert is_eligible(user, partner) is expected


def test_must_not_be_barred_for_deactivated_user_raises_forbidden() -> None:
    must_not_be_deactivated(None)
    must_not_be_deactivated(a_user())
    with pytest.raises(Forbidden):
        must_not_be_deactivated(a_user(active=False))


@pytest.mark.parametrize(
    ("user", "partner", "access_generation"),
    [
        (an_employee(), the_partner(), 0),
        (an_employee(offboardings={PARTNER: 2}), the_partner(), 2),
        (an_employee(), the_partner(terminations=1), 1),
        (an_employee(offboardings={PARTNER: 2, OTHER_PARTNER: 7}), the_partner(terminations=1), 3),
        (an_employee(offboardings={OTHER_PARTNER: 7}), the_partner(), 0),
    ],
)
def test_access_generation_is_sum_of_offboardings_and_terminations(
    user: User, partner: Account, access_generation: int
) -> None:
    assert access_generation_of(user, partner) == access_generation


def test_offboarding_increments_only_that_partner() -> None:
    before = an_employee(employed_by=frozenset({PARTNER, OTHER_PARTNER}), offboardings={OTHER_PARTNER: 4}, version=6)
    ended = with_access_ended(before, PARTNER)

    assert ended == before.model_copy(update={"version": 7, "offboardings": {PARTNER: 1, OTHER_PARTNER: 4}})
    assert with_access_ended(ended, PARTNER).offboardings == {PARTNER: 2, OTHER_PARTNER: 4}


def test_employers_since_include_partners_left_from_then_on() -> None:
    before = an_employee(employed_by=frozenset({PARTNER, OTHER_PARTNER}))
    left = without_employment(before, PARTNER, NOW)

    assert left == before.model_copy(
        update={"employed_by": frozenset({OTHER_PARTNER}), "employments_ended": {PARTNER: NOW}}
    )
    assert left.employers_since(NOW) == {PARTNER, OTHER_PARTNER}
    assert left.employers_since(NOW + timedelta(seconds=1)) == left.employers_since(None) == {OTHER_PARTNER}
    assert (left.is_or_was_partner_employee, a_user().is_or_was_partner_employee) == (True, False)


def test_user_equality_compares_all_fields() -> None:
    one = an_employee(offboardings={PARTNER: 1})

    assert {one, an_employee(offboardings={PARTNER: 1})} == {one}
    assert len({one, an_employee(), one.next_version()}) == 3


@pytest.mark.parametrize(
    ("user", "named", "partner_id", "unclear"),
    [
        (None, None, None, False),
        (None, PARTNER, PARTNER, False),
        (a_user(), None, None, False),
        (a_user(), PARTNER, PARTNER, False),
        (an_employee(), None, PARTNER, False),
        (an_employee(), OTHER_PARTNER, OTHER_PARTNER, False),
        (EMPLOYEE_OF_TWO, None, None, True),
        (EMPLOYEE_OF_TWO, OTHER_PARTNER, OTHER_PARTNER, False),
    ],
)
def test_partner_of_user_is_named_or_only_employer(
    user: User | None, named: str | None, partner_id: str | None, unclear: bool
) -> None:
    assert resolve_partner_id(user, named) == partner_id
    assert partner_is_ambiguous(user, named) is unclear
