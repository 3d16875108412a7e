"""Tests of cursors: valid for a day, one caller, list and filter, and impossible to forge (threat-model.md row 28)."""

import base64
import json
import struct
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from partner_access.api import cursors
from partner_access.api.errors import InvalidCursor
from partner_access.api.request_fields import ListQuery
from tests.support.builders import NOW, an_act

pytestmark = pytest.mark.usefixtures("environment")

LIST = "/things"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class ThingsQuery(ListQuery):
    """A query of a list with one filter."""

    colour: str | None = None


def cursor_after(position: str = "lnk_1", **query: str) -> str:
    made = cursors.cursor(position, ThingsQuery(**query), LIST, an_act())
    assert made
    return made


def test_cursor_without_position_is_none() -> None:
    assert cursors.cursor(None, ListQuery(), LIST, an_act()) is None
    assert cursors.position_after(ListQuery(), LIST, an_act()) is None


@pytest.mark.parametrize("position", ["lnk_1", "", "ünïcode|a:b@c"])
def test_cursor_returns_position_of_page_end(position: str) -> None:
    assert cursors.position_after(ThingsQuery(cursor=cursor_after(position)), LIST, an_act()) == position


def test_cursor_is_valid_for_another_limit() -> None:
    query = ThingsQuery(cursor=cursor_after(colour="red", limit="5"), colour="red", limit="100")

    assert cursors.position_after(query, LIST, an_act()) == "lnk_1"


@pytest.mark.parametrize(("age", "holds"), [(DAY - SECOND, True), (DAY, True), (DAY + SECOND, False)])
def test_cursor_is_valid_for_a_day(age: timedelta, holds: bool) -> None:
    later = an_act(at=NOW + age)
    if holds:
        assert cursors.position_after(ThingsQuery(cursor=cursor_after()), LIST, later) == "lnk_1"
    else:
        with pytest.raises(InvalidCursor):
            cursors.position_after(ThingsQuery(cursor=cursor_after()), LIST, later)


def test_cursor_of_another_caller_list_or_filter_is_rejected() -> None:
    for query, route, act in (
        (ThingsQuery(cursor=cursor_after()), LIST, an_act("another user")),
        (ThingsQuery(cursor=cursor_after()), "/others", an_act()),
        (ThingsQuery(cursor=cursor_after(), colour="red"), LIST, an_act()),
        (ThingsQuery(cursor=cursor_after(colour="blue"), colour="red"), LIST, an_act()),
    ):
        with pytest.raises(InvalidCursor):
            cursors.position_after(query, route, act)


@pytest.mark.parametrize("cursor", ["", ".", "garbage", "a.b", "é.é", cursor_after.__name__ + "." + "0" * 64, "W10=."])
def test_cursor_that_is_malformed_is_rejected(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.position_after(ThingsQuery(cursor=cursor), LIST, an_act())


def test_cursor_contains_no_readable_position() -> None:
    position = "client#client-florist#user-employee"
    encrypted = base64.urlsafe_b64decode(cursor_after(position))

    made = str(int(NOW.timestamp()))
    for part in (*position.split("#"), position, made, '["', '"]'):
        assert part.encode() not in encrypted
        assert part not in cursor_after(position)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Derive a key (draft-irtf-cfrg-xchacha, section 2.2): a ChaCha20 block without the addition of its input."""
    block = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64))
    added = struct.unpack("<16I", b"expand 32-byte k" + key + nonce)
    words = [(word - start) % 2**32 for word, start in zip(struct.unpack("<16I", block), added, strict=True)]
    return struct.pack("<8I", *words[:4], *words[12:])


def test_cursors_of_equal_positions_have_different_nonces() -> None:
    made = [base64.urlsafe_b64decode(cursor_after("a" * 100)) for _ in range(100)]

    assert len({each[: cursors.NONCE_BYTES] for each in made}) == len(made)
    assert len({each[cursors.NONCE_BYTES :] for each in made}) == len(made)


def test_cursor_is_xchacha20_poly1305_with_caller_list_and_filters_authenticated() -> None:
    """Decrypt with another implementation's parts: HChaCha20 and ChaCha20-Poly1305 of libsodium's description."""
    sealed = base64.urlsafe_b64decode(cursor_after("lnk_7", colour="red"))
    nonce, encrypted, key = sealed[:24], sealed[24:], sha256(b"a key for cursors").digest()
    authenticated = json.dumps([an_act().actor_id, LIST, {"colour": "red"}]).encode()

    opened = ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], encrypted, authenticated)

    assert json.loads(opened) == [int(NOW.timestamp()), "lnk_7"]


def test_cursor_with_position_of_any_length_is_read_completely() -> None:
    for long in range(300):
        assert cursors.position_after(ThingsQuery(cursor=cursor_after("a" * long)), LIST, an_act()) == "a" * long


def test_cursor_with_one_changed_character_is_rejected() -> None:
    real = cursor_after()
    for place, original in enumerate(real):
        for replacement in {"A", "b", "=", "0"} - {original}:
            with pytest.raises(InvalidCursor):
                cursors.position_after(
                    ThingsQuery(cursor=real[:place] + replacement + real[place + 1 :]), LIST, an_act()
                )


def test_cursor_that_is_cut_or_extended_is_rejected() -> None:
    real = cursor_after()
    for place in range(len(real)):
        for forged in (real[:place], real[place + 1 :], real[:place] + "A" + real[place:]):
            with pytest.raises(InvalidCursor):
                cursors.position_after(ThingsQuery(cursor=forged), LIST, an_act())


def test_cursor_with_signature_of_another_is_rejected() -> None:
    own, other = (base64.urlsafe_b64decode(cursor_after(each)) for each in ("lnk_1", "lnk_2"))
    tag = cursors.TAG_BYTES
    for forged in (other[:-tag] + own[-tag:], own[:-tag] + bytes(tag), own[:-tag], own[:24] + own[-tag:], own[:24]):
        with pytest.raises(InvalidCursor):
            cursors.position_after(ThingsQuery(cursor=base64.urlsafe_b64encode(forged).decode()), LIST, an_act())


def test_cursor_signed_with_another_key_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    old = cursor_after()
    monkeypatch.setenv("CURSOR_KEY", "another key")
    with pytest.raises(InvalidCursor):
        cursors.position_after(ThingsQuery(cursor=old), LIST, an_act())
