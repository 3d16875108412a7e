"""A handler without a framework: json, re and boto3."""

import json
import re
import unicodedata
from typing import Any

import links

USER_ID = re.compile(r"[!-~]{1,128}")
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


class InvalidField(Exception):
    """A field is not valid. The message is its name."""


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Create a link in response to a Lambda event."""
    try:
        link = validate(json.loads(event["body"]))
        actor_id = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
        response = links.create(event["pathParameters"]["partner_id"], actor_id, event["headers"], event["body"], link)
    except InvalidField as invalid:
        return {"statusCode": 422, "headers": HEADERS, "body": json.dumps({"field": str(invalid)})}
    except links.NotPermitted:
        return {"statusCode": 403, "headers": HEADERS, "body": "{}"}
    return {"statusCode": 201, "headers": HEADERS, "body": json.dumps(response, ensure_ascii=False)}


def validate(body: Any) -> dict[str, Any]:
    """Return the body with its defaults. Raises `InvalidField` with the name of a field that is not valid."""
    if not isinstance(body, dict) or body.keys() - DEFAULTS.keys():
        raise InvalidField("unknown")
    link = {**DEFAULTS, **body}
    for name, form in (("employee_id", USER_ID), ("account_id", IDENTIFIER)):
        require(name, link[name] is None or is_text(link[name], form))
    email = link["recipient_email"]
    require("recipient_email", email is None or is_text(email, EMAIL))
    if email:
        link["recipient_email"] = email.lower()
    removals = link["permissions"]
    require("permissions", isinstance(removals, dict) and not removals.keys() - {"remove"})
    removed = removals.get("remove", [])
    require("remove", isinstance(removed, list) and len(removed) <= 200)  # noqa: PLR2004  the limit of request_model.py
    require("remove", all(isinstance(each, str) and 1 <= len(each) <= 100 for each in removed))  # noqa: PLR2004  the limit of request_model.py
    link["permissions"] = {"remove": removed}
    require("access_days", link["access_days"] is None or is_within(link["access_days"], 730))
    require("link_days", is_within(link["link_days"], 30))
    require("max_approvals", is_within(link["max_approvals"], 1000))
    purpose = link["purpose"]
    if purpose is not None:
        require("purpose", isinstance(purpose, str))
        link["purpose"] = purpose = purpose.strip()
        require("purpose", 1 <= len(purpose) <= 500 and not MARKUP.search(purpose))  # noqa: PLR2004  the same
        require("purpose", not any(unicodedata.category(each)[0] == "C" for each in purpose))
    require("locale", link["locale"] in (None, "en", "ja"))
    return link


def require(name: str, holds: object) -> None:
    if not holds:
        raise InvalidField(name)


def is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_within(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most
