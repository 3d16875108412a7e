"""The request that all compared handlers process, and DynamoDB's responses to it.

It is the product's `create_link` with its sample event: one read of four items, and one transaction of seven items.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tools.template import ROOT

sys.path.insert(0, str(ROOT / "layers/common"))

from partner_access.domain.accounts import Account, AccountKind
from partner_access.domain.memberships.members import Member, Seat
from partner_access.domain.records import Record
from partner_access.domain.users import User
from partner_access.store import keys
from partner_access.store.attribute_values import to_attribute_values

TABLE: Final = "partner-access"
REGION: Final = "eu-west-1"
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "create_link",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "BASE_URL": "https://access.example.com",
    "DECIDE_SCOPE": "partner-access/decide",
    "DIRECTORY_SCOPE": "partner-access/directory",
    "USER_ID_CLAIM": "sub",
    "POWERTOOLS_METRICS_NAMESPACE": "PartnerAccess",
    "POWERTOOLS_SERVICE_NAME": TABLE,
    "TABLE_NAME": TABLE,
}
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)

Json = Mapping[str, Any]


def event(body: Json | None = None) -> Json:
    """Return the sample event, optionally with another body."""
    sample: Json = json.loads((ROOT / "events/create_link.json").read_text(encoding="utf-8"))
    return sample if body is None else {**sample, "body": json.dumps(body)}


def as_rest_event(event_v2: Json) -> Json:
    """Return the same request in the format of API Gateway's REST APIs."""
    claims = event_v2["requestContext"]["authorizer"]["jwt"]["claims"]
    return {
        "resource": "/partners/{partner_id}/access-links",
        "path": event_v2["rawPath"],
        "httpMethod": "POST",
        "headers": event_v2["headers"],
        "multiValueHeaders": {name: [value] for name, value in event_v2["headers"].items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": event_v2["pathParameters"],
        "stageVariables": None,
        "requestContext": {
            **event_v2["requestContext"],
            "authorizer": {"claims": claims},
            "httpMethod": "POST",
            "path": event_v2["rawPath"],
            "resourcePath": "/partners/{partner_id}/access-links",
            "identity": {"sourceIp": "192.0.2.10", "userAgent": "curl/8.5.0"},
        },
        "body": event_v2["body"],
        "isBase64Encoded": False,
    }


def dynamodb_responses() -> Mapping[str, str]:
    """Return DynamoDB's responses by operation."""
    items = [to_attribute_values({**dict(record), **keys.of(record)._asdict()}) for record in _records()]
    found = {"Responses": {TABLE: items}, "UnprocessedKeys": {}}
    return {"BatchGetItem": json.dumps(found), "TransactWriteItems": "{}"}


def _records() -> tuple[Record, ...]:
    north, employee = "partner-north", "user-employee"
    return (
        Account(version=1, account_id=north, kind=AccountKind.PARTNER, name="North", domains=("north.example",)),
        User(
            version=1,
            user_id=employee,
            name="Employee",
            email="employee@north.example",
            employed_by=frozenset({north}),
        ),
        Member(
            version=1,
            account_id=north,
            user_id=employee,
            permission_set="super_admin",
            seat=Seat.CORE,
            set_version=1,
            since=SINCE,
        ),
    )
