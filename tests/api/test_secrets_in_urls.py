"""Tests of the search for secrets in URLs: what it finds, and that its work grows as the URL does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_access.api.secrets_in_urls import has_secret, names_before_link_ids
from tests.support.builders import SECRET_TEXT

PATTERN = re.compile(r"pal_[\w-]+(\.|%2E)[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
"""The definition, which takes quadratic time."""
LINK_ID = "0123456789abcdef" * 2
PARTS = ("pal_", "PAL_", "a", "-", ".", "%2E", "%2e", "%", "/", "?", "é", LINK_ID, LINK_ID.upper(), LINK_ID[1:])


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"/approve?{SECRET_TEXT}", True),
        (f"/things/pal_x.{LINK_ID}", True),
        (f"/things/PAL_x%2e{LINK_ID.upper()}", True),
        (f"/things/pal_pal_x.{LINK_ID}", True),
        (f"/things/pal_.{LINK_ID}", False),
        (f"/things/pal_pal_.{LINK_ID}", True),
        (f"/things/pal_x.{LINK_ID[1:]}", False),
        (f"/things/pal_/x.{LINK_ID}", False),
        (f"/things/pal_x..{LINK_ID}", False),
        (f"/things/.{LINK_ID}", False),
        ("/things", False),
        ("", False),
    ],
)
def test_secret_in_url_is_found(url: str, found: bool) -> None:
    assert has_secret(url) is found


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_search_for_secret_finds_what_the_pattern_defines(url: str) -> None:
    assert has_secret(url) is bool(PATTERN.search(url))


@pytest.mark.parametrize("unit", ["pal_", "pal_x.", f"pal_x.{LINK_ID}", f".{LINK_ID}", f"pal_%2E{LINK_ID}", "pal_a/"])
def test_search_for_secret_of_doubled_url_looks_at_no_character_twice(unit: str) -> None:
    for times in (1, 64, 128, 256, 2560):
        url = unit * times
        assert sum(map(len, names_before_link_ids(url))) <= len(url)
