"""The case of a remedy: the acts with which an option is tried."""

from partner_access.domain.memberships.members import Role
from tests.support.builders import (
    an_actor,
)
from tests.support.remedy_cases import NARROWED_ADMIN, a_case, remedy_roles, remedy_user_ids


def test_remedy_tries_acts_of_users_and_never_of_vendor() -> None:
    assert Role.VENDOR not in remedy_roles(a_case(NARROWED_ADMIN))
    assert remedy_user_ids(a_case(an_actor(), "sales.access")) == ["user-approver"]
