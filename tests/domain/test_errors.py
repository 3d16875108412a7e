"""Errors: each has a stable code and a detail with advice. Every code of the contract exists with its status."""

import re
from collections.abc import Iterator

import pytest

from partner_access.api.problems import STATUS_BY_CATEGORY
from partner_access.domain import errors
from partner_access.domain.errors import DomainError

CONTRACT = {
    400: (
        "idempotency_key_required",
        "invalid_cursor",
        "invalid_etag",
        "invalid_idempotency_key",
        "invalid_query",
        "malformed_body",
        "secret_in_url",
    ),
    401: ("invalid_token",),
    403: (
        "forbidden",
        "no_independent_approver",
        "not_an_approver",
        "own_partner_may_not_approve",
        "permission_not_held",
    ),
    404: ("link_not_found", "not_found"),
    405: ("method_not_allowed",),
    409: (
        "account_closed",
        "already_partner_admin",
        "former_partner_member",
        "grant_suspended",
        "is_super_admin",
        "last_super_admin",
        "link_already_used",
        "no_seat_left",
        "not_eligible",
        "not_super_admin",
        "recipient_suppressed",
        "rights_changed",
        "too_many_links",
    ),
    410: ("link_declined", "link_expired", "link_revoked"),
    412: ("precondition_failed",),
    413: ("body_too_large",),
    415: ("unsupported_media_type",),
    422: (
        "account_mismatch",
        "idempotency_key_reused",
        "invalid_field",
        "restricted_permission",
        "unknown_field",
        "unknown_permission",
    ),
    428: ("precondition_required",),
    429: ("rate_limited",),
    503: ("temporarily_unavailable",),
}


def leaf_errors(category: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in category.__subclasses__():
        deeper = list(leaf_errors(each))
        yield from deeper or [each]


ERRORS_BY_CODE = {each.code: each for each in leaf_errors(DomainError)}
CATEGORIES = {each for each in DomainError.__subclasses__() if each.__subclasses__()}


def status_of(kind: type[DomainError]) -> int:
    return int(next(status for category, status in STATUS_BY_CATEGORY.items() if issubclass(kind, category)))


@pytest.mark.parametrize(("status", "code"), [(status, code) for status, codes in CONTRACT.items() for code in codes])
def test_error_code_of_contract_has_its_status(status: int, code: str) -> None:
    assert status_of(ERRORS_BY_CODE[code]) == status


@pytest.mark.parametrize("error", ERRORS_BY_CODE.values(), ids=ERRORS_BY_CODE)
def test_error_detail_is_sentence_and_code_is_snake_case(error: type[DomainError]) -> None:
    assert error.detail.endswith(".")
    assert error.detail[0].isupper()
    assert "\n" not in error.detail
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert sum(issubclass(error, category) for category in STATUS_BY_CATEGORY) == 1


def test_error_codes_are_unique_and_have_a_category() -> None:
    assert len(ERRORS_BY_CODE) == len(list(leaf_errors(DomainError)))
    assert {
        category for each in ERRORS_BY_CODE.values() for category in CATEGORIES if issubclass(each, category)
    } == CATEGORIES
    assert {each.code for each in ERRORS_BY_CODE.values() if each.__base__ is DomainError} == {
        "body_too_large",
        "invalid_token",
        "method_not_allowed",
        "precondition_required",
        "unsupported_media_type",
    }


@pytest.mark.parametrize("error", ERRORS_BY_CODE.values(), ids=ERRORS_BY_CODE)
def test_error_states_its_own_code_and_detail(error: type[DomainError]) -> None:
    assert {"code", "detail"} <= set(vars(error))


def test_error_has_fields_and_details() -> None:
    error = errors.NoSeatLeft("seat", ("permissions", "add"), limit=3)

    assert error.fields == ((("seat",), "no_seat_left"), (("permissions", "add"), "no_seat_left"))
    assert error.details == {"limit": 3}
    assert str(error) == "no_seat_left"


def test_error_details_are_not_shared_between_instances() -> None:
    errors.NotFound("here", details="this")

    assert errors.NotFound().fields == ()
    assert errors.NotFound().details == {}
