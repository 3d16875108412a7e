"""A handler by hand: json, re and boto3."""

import json
import re
import unicodedata
from typing import Any

import links

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|@-]{0,127}")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MARKUP = re.compile(r"[<>]|\{\{|://|www\.|\w\.[a-z]{2,}[/:]", re.IGNORECASE)
HEADERS = {"content-type": "application/json", "cache-control": "no-store"}
DEFAULTS: dict[str, Any] = {
    "employee_id": None,
    "account_id": None,
    "recipient_email": None,
    "permissions": {"remove": []},
    "access_days": None,
    "link_days": 7,
    "max_approvals": 1,
    "purpose": None,
    "locale": None,
}


class Invalid(Exception):
    """A field is not as it must be."""


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Lambda's."""
    try:
        link = checked(json.loads(event["body"]))
        by = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
        told = links.create(event["pathParameters"]["partner_id"], by, event["headers"], event["body"], link)
    except Invalid as invalid:
        return {"statusCode": 422, "headers": HEADERS, "body": json.dumps({"field": str(invalid)})}
    except links.NotAllowed:
        return {"statusCode": 403, "headers": HEADERS, "body": "{}"}
    return {"statusCode": 201, "headers": HEADERS, "body": json.dumps(told, ensure_ascii=False)}


def checked(body: Any) -> dict[str, Any]:
    """The body with its defaults, or Invalid with the name of what is wrong."""
    if not isinstance(body, dict) or body.keys() - DEFAULTS.keys():
        raise Invalid("unknown")
    link = {**DEFAULTS, **body}
    for name in ("employee_id", "account_id"):
        must(name, link[name] is None or is_text(link[name], IDENTIFIER))
    email = link["recipient_email"]
    must("recipient_email", email is None or is_text(email, EMAIL))
    if email:
        link["recipient_email"] = email.lower()
    removals = link["permissions"]
    must("permissions", isinstance(removals, dict) and not removals.keys() - {"remove"})
    removed = removals.get("remove", [])
    must("remove", isinstance(removed, list) and len(removed) <= 200)  # noqa: PLR2004  as asked.py has it
    must("remove", all(isinstance(each, str) and 1 <= len(each) <= 100 for each in removed))  # noqa: PLR2004  the same
    link["permissions"] = {"remove": removed}
    must("access_days", link["access_days"] is None or is_within(link["access_days"], 730))
    must("link_days", is_within(link["link_days"], 30))
    must("max_approvals", is_within(link["max_approvals"], 1000))
    purpose = link["purpose"]
    if purpose is not None:
        must("purpose", isinstance(purpose, str))
        link["purpose"] = purpose = purpose.strip()
        must("purpose", 1 <= len(purpose) <= 500 and not MARKUP.search(purpose))  # noqa: PLR2004  the same
        must("purpose", not any(unicodedata.category(each)[0] == "C" for each in purpose))
    must("locale", link["locale"] in (None, "en", "ja"))
    return link


def must(name: str, holds: object) -> None:
    if not holds:
        raise Invalid(name)


def is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_within(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most
