"""Link secrets: a written secret can be read, and malformed text is rejected."""

import base64
import binascii
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.api.request_fields import IDENTIFIER
from partner_access.domain.errors import LinkNotFound
from partner_access.domain.links.secrets import LinkSecret
from tests.support.builders import LINK, PARTNER, RANDOM, SECRET_TEXT


def with_checksum(body: str) -> str:
    return f"{body}_{binascii.crc32(body.encode()):08x}"


@given(partner_id=st.from_regex(re.compile(IDENTIFIER, re.ASCII), fullmatch=True))
@settings(deadline=None)
def test_secret_round_trip_with_any_partner_id_returns_link(partner_id: str) -> None:
    text = LinkSecret.write(partner_id, LINK, RANDOM)
    secret = LinkSecret.read(text)

    assert (secret.partner_id, secret.link_id) == (partner_id, LINK)
    assert re.fullmatch(r"pal_[\w.-]+_[0-9a-f]{8}", text, re.ASCII)


def test_secret_fingerprint_is_digest_of_whole_secret() -> None:
    others = {LinkSecret.read(LinkSecret.write(PARTNER, LINK, character * 43)).fingerprint for character in "abc"}

    assert len(others) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in others)
    assert RANDOM not in repr(LinkSecret.read(SECRET_TEXT))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "_",
        "pal_",
        SECRET_TEXT.upper(),
        SECRET_TEXT[:-1],
        SECRET_TEXT + " ",
        " " + SECRET_TEXT,
        SECRET_TEXT + "\n",
        SECRET_TEXT.replace("pal_", "pat_"),
        SECRET_TEXT.replace("1" * 32, "2" * 32),
        SECRET_TEXT.replace("ccc", "ccd", 1),
        f"{SECRET_TEXT[:-8]}00000000",
        with_checksum(f"pal_.{'1' * 32}.{RANDOM}"),
        with_checksum(f"pal_{'a' * 173}.{'1' * 32}.{RANDOM}"),
        with_checksum(f"pal_YWJj.{'1' * 31}.{RANDOM}"),
        with_checksum(f"pal_YWJj.{'1' * 33}.{RANDOM}"),
        with_checksum(f"pal_YWJj.{'G' * 32}.{RANDOM}"),
        with_checksum(f"pal_YWJj.{'1' * 32}.{RANDOM}c"),
        with_checksum(f"pal_YWJj.{'1' * 32}.{RANDOM[1:]}é"),
        with_checksum(f"pal_YWJj.{'1' * 32}{RANDOM}"),
        with_checksum(f"pal_a.{'1' * 32}.{RANDOM}"),
        with_checksum(f"pal_{base64.urlsafe_b64encode('é'.encode()).decode().rstrip('=')}.{'1' * 32}.{RANDOM}"),
        "é" * 100,
    ],
)
def test_secret_read_with_malformed_text_raises_link_not_found(text: str) -> None:
    with pytest.raises(LinkNotFound):
        LinkSecret.read(text)


@given(position=st.integers(0, len(SECRET_TEXT) - 1), character=st.characters(codec="ascii"))
@settings(deadline=None)
def test_secret_read_with_one_wrong_character_raises_link_not_found(position: int, character: str) -> None:
    mistyped = SECRET_TEXT[:position] + character + SECRET_TEXT[position + 1 :]
    if mistyped != SECRET_TEXT:
        with pytest.raises(LinkNotFound):
            LinkSecret.read(mistyped)
