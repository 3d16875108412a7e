"""Content negotiation: what the caller prefers, by the weights of its Accept headers."""

import pytest

from partner_access.api.negotiation import (
    MediaType,
    preferred_language,
    preferred_media_type,
    prefers_html,
    takes_gzip,
    weights,
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {"": 1}),
        ("A, b;q=0.5", {"a": 1, "b": 0.5}),
        ("a ;\tq=0.25", {"a": 0.25}),
        ("a;level=1;q=0.3", {"a": 0.3}),
        ("a;q=0.2, a;q=0.9, a;q=0.1", {"a": 0.9}),
        ("a;q=1.1, b;q=2, c;q=-1, d;q=0.1234, e;q=x, f;q=", {}),
        ("a;q=1.000, b;q=0.", {"a": 1, "b": 0}),
    ],
)
def test_weights_are_those_of_valid_values(header: str, found: dict[str, float]) -> None:
    assert weights(header) == found


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", MediaType.JSON),
        ("*/*", MediaType.JSON),
        ("text/csv", MediaType.CSV),
        ("text/*", MediaType.CSV),
        ("text/csv;q=0", MediaType.JSON),
        ("application/json;q=0.5, text/csv", MediaType.CSV),
        ("application/*, text/csv", MediaType.CSV),
        ("application/json, text/csv", MediaType.JSON),
        ("text/csv;q=0.1, */*;q=0.5", MediaType.JSON),
    ],
)
def test_preferred_media_type_is_of_highest_weight(header: str, kind: MediaType) -> None:
    assert preferred_media_type(header) is kind


@pytest.mark.parametrize(
    ("header", "html"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("text/*, */*;q=0.1", True),
        ("application/json, text/html", False),
        ("application/json;q=0.9, text/html", True),
        ("text/html;q=0", False),
    ],
)
def test_html_is_preferred_only_above_json(header: str, html: bool) -> None:
    assert prefers_html(header) is html


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", None),
        ("de, *", None),
        ("ja", "ja"),
        ("JA-jp, en;q=0.9", "ja"),
        ("en, ja", "en"),
        ("ja, en", "ja"),
        ("en;q=0.2, ja;q=0.9", "ja"),
        ("ja;q=0", None),
        ("ja;q=nonsense", None),
    ],
)
def test_preferred_language_is_first_of_highest_weight(header: str, language: str | None) -> None:
    assert preferred_language(header, ("en", "ja")) == language


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip, br", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0.1", True),
    ],
)
def test_takes_gzip_unless_absent_or_of_weight_zero(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes
