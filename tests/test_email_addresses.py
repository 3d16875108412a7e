"""Tests of email addresses: normalized for comparison (domain.md, rule 13), with deceptive look-alikes rejected."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from partner_access.email_addresses import Domain, EmailAddress, normalize, normalize_domain


def in_ascii(label: str) -> str:
    return f"xn--{label.encode('punycode').decode()}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("person@bakery.example", "person@bakery.example"),
        ("  Person@BAKERY.Example\n", "person@bakery.example"),
        ("first.last+tag@bakery.example", "first.last+tag@bakery.example"),
        ("o'hara_9%-x@bakery.example", "o'hara_9%-x@bakery.example"),
        ("ｐｅｒｓｏｎ＠ｂａｋｅｒｙ.example", "person@bakery.example"),
        ("person@MÜNCHEN.example", "person@xn--mnchen-3ya.example"),
        ("person@xn--mnchen-3ya.example", "person@xn--mnchen-3ya.example"),
        ("person@日本語ひらカタ々ー.example", f"person@{in_ascii('日本語ひらカタ々ー')}.example"),
        ("person@пекарня.example", f"person@{in_ascii('пекарня')}.example"),
        ("a" * 64 + "@bakery.example", "a" * 64 + "@bakery.example"),
        ("person@" + "b" * 63 + ".example", "person@" + "b" * 63 + ".example"),
        ("person@made.test", "person@made.test"),
    ],
)
def test_email_address_is_normalized(text: str, address: str) -> None:
    # domain.md rule 13
    assert TypeAdapter(EmailAddress).validate_python(text) == address
    assert normalize(address) == address


MALFORMED = [
    "",
    " ",
    "person",
    "@bakery.example",
    "person@",
    "person@@bakery.example",
    "one@two@bakery.example",
    "one@bakery.example,two@bakery.example",
    "one@bakery.example;two@bakery.example",
    "one@bakery.example two@bakery.example",
    "Person <person@bakery.example>",
    "<person@bakery.example>",
    "person(comment)@bakery.example",
    '"per son"@bakery.example',
    '"person"@bakery.example',
    "group:person@bakery.example;",
    "person@bakery.example\r\nBcc: other@bakery.example",
    "per\rson@bakery.example",
    "per\x00son@bakery.example",
    "per son@bakery.example",
    ".person@bakery.example",
    "person.@bakery.example",
    "per..son@bakery.example",
    "person@.bakery.example",
    "person@bakery..example",
    "person@bakery.example.",
    "person@bakery",
    "person@localhost",
    "person@-bakery.example",
    "person@bak_ery.example",
    "person@[192.0.2.1]",
    "person@[IPv6:2001:db8::1]",
    "person@192.0.2.1",
    "a" * 65 + "@bakery.example",
    "person@" + "b" * 64 + ".example",
    "person@" + ".".join(["b" * 60] * 5) + ".example",
    "pérson@bakery.example",
    "mıke@bakery.example",
    "straße@bakery.example",
    "person@straße.example",
    "person@bakery.example\u200b",
    "per\u202eson@bakery.example",
    "person@bak\u200bery.example",
    "person@bаkery.example",
    f"person@{in_ascii('bаkery')}.example",
    "person@βakery.example",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_email_address_that_is_malformed_is_rejected(text: str) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        normalize(text)
    assert raised.value.type == "invalid_email"


@pytest.mark.parametrize(
    "value", [["one@bakery.example"], {"email": "one@bakery.example"}, 1, True, None, b"a@b.example"]
)
def test_email_address_of_another_type_is_rejected(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(EmailAddress).validate_python(value, strict=True)


@given(st.emails())
@settings(deadline=None, max_examples=100)
def test_email_address_normalized_twice_is_unchanged(address: str) -> None:
    try:
        normalized = normalize(address)
    except PydanticCustomError:
        return
    assert normalize(normalized) == normalized
    assert normalize(normalized.upper()) == normalized
    assert normalized.isascii()
    assert normalized.count("@") == 1


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (" Bakery.EXAMPLE ", "bakery.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("sub.bakery.example", "sub.bakery.example"),
    ],
)
def test_domain_is_normalized(text: str, domain: str) -> None:
    assert TypeAdapter(Domain).validate_python(text) == domain


@pytest.mark.parametrize("text", ["", "bakery", "a@bakery.example", "@bakery.example", "*.example", "bakery.example."])
def test_domain_that_is_malformed_is_rejected(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        normalize_domain(text)
