"""Custom permission sets: their content, their effect on each kind of member, and their holders."""

import pytest

from partner_access.domain.memberships.effective_rights import (
    rights_and_version_now,
)
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import SetName, latest_set_rights, latest_version, read_rights
from tests.support.builders import CUSTOM_SET, EMPLOYEE, PARTNER, a_custom_set, a_member

OTHER = f"set_{'4' * 32}"
SETS = {CUSTOM_SET: a_custom_set(version=6)}
CUSTOM_SET_MEMBER = a_member(permission_set=CUSTOM_SET)
PARTNER_MEMBER = a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER)


@pytest.mark.parametrize("name", SetName)
def test_given_now_for_default_set_returns_latest_version(name: SetName) -> None:
    assert not is_custom(name)
    assert rights_and_version_now(name, {}) == (latest_set_rights(name), latest_version(name))


def test_custom_set_with_unknown_permission_does_not_hold_it() -> None:
    # domain.md rule 34
    assert a_custom_set(permissions=("crm.import", "no.such.thing")).rights == read_rights(["crm.import"])


def test_custom_set_restricted_lists_restricted_permissions() -> None:
    custom_set = a_custom_set(permissions=("crm.import", "account.scim.manage", "account.billing.manage"))

    assert custom_set.restricted == ("account.billing.manage", "account.scim.manage")
    assert a_custom_set().restricted == ()
