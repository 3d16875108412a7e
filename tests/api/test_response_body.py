"""Response bodies: what callers get, and what is stored of it."""

from typing import ClassVar

from partner_access.api.response_body import ResponseBody


class BodyWithSecret(ResponseBody):
    """A response body with a secret field."""

    never_stored: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str
    name: str
    nothing: str | None = None


def test_response_stored_json_omits_secret_fields() -> None:
    answer = BodyWithSecret(url="secret", name="link")

    assert answer.to_json() == '{"url":"secret","name":"link"}'
    assert answer.to_stored_json() == '{"name":"link"}'
