"""The errors whose advice an explanation shows: every error of the rules is listed, and explanations follow the list."""

from collections.abc import Iterator
from operator import attrgetter

import pytest

from partner_access.domain import errors
from partner_access.domain.authorization.shown_advice import IS_SHOWN, advice_of
from partner_access.domain.errors import DomainError


def leaf_errors(category: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in category.__subclasses__():
        deeper = list(leaf_errors(each))
        yield from deeper or [each]


DOMAIN_ERRORS = {each for each in leaf_errors(DomainError) if each.__module__ == errors.__name__}
ERRORS = sorted(DOMAIN_ERRORS, key=attrgetter("code"))


def test_every_domain_error_says_whether_its_advice_is_shown() -> None:
    # domain.md rule 44
    assert set(IS_SHOWN) == DOMAIN_ERRORS, "list a new error in domain/authorization/shown_advice.py"


@pytest.mark.parametrize("error", ERRORS)
def test_advice_is_shown_if_it_is_listed_and_not_about_the_request(error: type[DomainError]) -> None:
    shown = advice_of(error())

    assert shown == (error.detail if IS_SHOWN[error] else None)
    # "You" is the caller of an operation, and readers of an explanation are not.
    assert shown is None or not shown.startswith("You ")


def test_advice_with_detail_for_the_case_is_shown_and_none_without_error() -> None:
    assert advice_of(errors.GrantSuspended().with_detail("Ask the partner.")) == "Ask the partner."
    assert advice_of(None) is None
