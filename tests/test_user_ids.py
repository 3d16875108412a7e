"""Tests of the ids of users: what an issuer may choose, and each id's form in a path."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_access import user_ids

IDS = (
    "a",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "anna+okta@example.test",
    "_leading",
    "-leading",
    "aa/bb==",
    "a#b",
    "a#0123456789abcdef",
    "a?b&c",
    "50%",
    "a%2Fb",
    "~a",
    "~YQ",
    ".",
    "..",
    "https://issuer.example/u/1",
    '"<>\\{}`',
    "x" * 128,
    "/" * 128,
)
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)


@pytest.mark.parametrize("user_id", IDS)
def test_user_id_of_an_issuer_is_accepted_and_survives_a_path(user_id: str) -> None:
    assert user_ids.is_user_id(user_id)
    assert user_ids.from_path(user_ids.to_path(user_id)) == user_id


@pytest.mark.parametrize("text", ["", "a b", "a\n", "\n", "a\x00", "é", "１", "x" * 129, "\x7f"])
def test_text_that_is_no_visible_ascii_is_no_user_id(text: str) -> None:
    assert not user_ids.is_user_id(text)
    assert user_ids.from_path(text) is None


@given(VISIBLE)
def test_user_id_in_path_has_only_characters_that_no_gateway_and_no_browser_changes(user_id: str) -> None:
    segment = user_ids.to_path(user_id)

    assert user_ids.from_path(segment) == user_id
    assert re.fullmatch(user_ids.PATH_PATTERN, segment)
    assert segment not in {".", ".."}
    assert not set(quote(segment, safe="@:")) & set("/?#")


@given(VISIBLE, VISIBLE)
def test_two_user_ids_have_two_paths(one: str, other: str) -> None:
    assert (user_ids.to_path(one) == user_ids.to_path(other)) is (one == other)


@pytest.mark.parametrize(
    "segment", ["~", "~a", "~YR", "~YQ==", "~Y Q", "~YSBi", "~w6k", "~_w", "a%2Fb", "50%", "%", "~" + "eA" * 200]
)
def test_path_that_names_no_user_id_is_refused(segment: str) -> None:
    assert user_ids.from_path(segment) is None


@pytest.mark.parametrize("segment", ["aa/bb==", "a#b", "YQ~"])
def test_id_that_the_gateway_hands_over_whole_is_accepted(segment: str) -> None:
    assert user_ids.from_path(segment) == segment
