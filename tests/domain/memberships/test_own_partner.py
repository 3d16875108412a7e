"""The own-partner rule: who works for a partner approves and widens nothing for it."""

import ast

import pytest

from partner_access.domain.errors import DomainError, NoIndependentApprover, OwnPartnerMayNotApprove
from partner_access.domain.memberships import own_partner
from partner_access.domain.permissions.catalogue import RESTRICTED
from partner_access.domain.permissions.rights import Rights, Scope
from partner_access.domain.users import User, works_for
from tests.support.builders import EMPLOYEE, PARTNER, a_user, an_employee
from tests.support.seeded_table import COLLEAGUE
from tests.test_conventions import SOURCES

OTHER_PARTNER = "partner-south"
OF_PARTNER = an_employee()
OF_BOTH = an_employee(COLLEAGUE, employed_by=frozenset({PARTNER, OTHER_PARTNER}))
OF_OTHER = an_employee(COLLEAGUE, employed_by=frozenset({OTHER_PARTNER}))
INDEPENDENT = a_user(EMPLOYEE)
RESTRICTED_RIGHTS = Rights({min(RESTRICTED): Scope.ALL})
ORDINARY_RIGHTS = Rights({"crm.import": Scope.ALL})

USERS_AND_PARTNERS = [
    (OF_PARTNER, PARTNER, True),
    (OF_BOTH, PARTNER, True),
    (OF_OTHER, PARTNER, False),
    (INDEPENDENT, PARTNER, False),
    (OF_PARTNER, None, False),
    (None, PARTNER, False),
]


def raised(decide: object) -> type[DomainError] | None:
    try:
        assert callable(decide)
        decide()
    except DomainError as error:
        return type(error)
    return None


@pytest.mark.parametrize(("user", "partner_id", "works"), USERS_AND_PARTNERS)
def test_own_partner_approves_and_widens_nothing(user: User | None, partner_id: str | None, works: bool) -> None:
    error = OwnPartnerMayNotApprove if works else None

    assert works_for(user, partner_id) is works
    assert raised(lambda: own_partner.must_not_widen(user, None, partner_id)) is error
    assert (
        raised(
            lambda: own_partner.must_not_approve(user, None, partner_id, link_created_at=None, others_can_approve=True)
        )
        is error
    )
    assert raised(
        lambda: own_partner.must_not_approve(user, None, partner_id, link_created_at=None, others_can_approve=False)
    ) is (NoIndependentApprover if works else None)


@pytest.mark.parametrize(
    ("caller", "subject", "is_own"),
    [
        (OF_PARTNER, OF_BOTH, True),
        (OF_OTHER, OF_BOTH, True),
        (OF_BOTH, OF_PARTNER, True),
        (OF_PARTNER, OF_OTHER, False),
        (INDEPENDENT, OF_BOTH, False),
        (OF_PARTNER, INDEPENDENT, False),
        (None, OF_BOTH, False),
    ],
)
def test_own_partner_is_any_employer_in_common(caller: User | None, subject: User, is_own: bool) -> None:
    # domain.md rule 35
    third, error = "partner-third", OwnPartnerMayNotApprove if is_own else None

    assert own_partner.is_own_partner(caller, subject, third) is is_own
    assert raised(lambda: own_partner.must_not_widen(caller, subject, third)) is error
    assert raised(lambda: own_partner.must_not_widen(caller, subject, None)) is None
    assert (
        raised(
            lambda: own_partner.must_not_approve(caller, subject, None, link_created_at=None, others_can_approve=True)
        )
        is error
    )


def test_own_partner_error_names_the_field_that_would_widen() -> None:
    with pytest.raises(OwnPartnerMayNotApprove) as refused:
        own_partner.must_not_widen(OF_PARTNER, None, PARTNER, "access_days")

    assert refused.value.fields == ((("access_days",), "own_partner_may_not_approve"),)


@pytest.mark.parametrize(
    ("caller", "user", "same"),
    [
        (OF_PARTNER, OF_PARTNER, True),
        (OF_PARTNER, OF_BOTH, True),
        (OF_OTHER, OF_BOTH, True),
        (OF_PARTNER, OF_OTHER, False),
        (INDEPENDENT, OF_PARTNER, False),
        (OF_PARTNER, INDEPENDENT, False),
        (None, OF_PARTNER, False),
    ],
)
def test_user_of_same_partner_gets_nothing_restricted(caller: User | None, user: User, same: bool) -> None:
    error = OwnPartnerMayNotApprove if same else None

    assert own_partner.have_same_employer(caller, user) is same
    assert raised(lambda: own_partner.must_not_promote(caller, user)) is error
    assert raised(lambda: own_partner.must_not_give_restricted(caller, user, RESTRICTED_RIGHTS)) is error
    assert raised(lambda: own_partner.must_not_give_restricted(caller, user, ORDINARY_RIGHTS)) is None
    assert own_partner.gives_restricted(caller, user, RESTRICTED_RIGHTS) is same
    assert not own_partner.gives_restricted(caller, user, ORDINARY_RIGHTS)


def test_own_partner_rule_for_unknown_user_does_not_apply() -> None:
    assert not own_partner.have_same_employer(OF_PARTNER, None)


def test_only_this_module_raises_the_error_of_the_rule() -> None:
    raising = {
        path.stem
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and "OwnPartnerMayNotApprove" in ast.unparse(node)
    }

    assert raising == {"own_partner"}
