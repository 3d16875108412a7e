"""The DynamoDB requests and the response of `create_link` in plain boto3, shared by all compared handlers."""

import base64
import json
import os
import re
import time
import uuid
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import boto3
from botocore.config import Config

Json = dict[str, Any]

dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3}),
)

ABSENT = "attribute_not_exists(pk)"
UNCHANGED = "version = :seen_version"
IDEMPOTENCY_KEY = re.compile(r'"([ -!#-+\--~]{1,255})"|([!#-+\--~]{1,255})')


class NotPermitted(Exception):
    """The caller is not allowed to create this link."""


def create(partner_id: str, actor_id: str, headers: Mapping[str, str], raw_body: str, link: Mapping[str, Any]) -> Json:
    """Read, check and write a new link. `link` contains the requested fields with their defaults."""
    table, now, new_id = os.environ["TABLE_NAME"], int(time.time()), uuid.uuid4().hex
    employee_id, recipient = link["employee_id"] or actor_id, link["recipient_email"]
    account, user = _key(f"ACCOUNT#{partner_id}", "ACCOUNT"), _key(f"USER#{employee_id}", "USER")
    member = _key(f"ACCOUNT#{partner_id}", f"MEMBER#{actor_id}")
    suppressed = [_key(f"SUPPRESSED#{_digest(recipient)}", "SUPPRESSED")] if recipient else []
    keys = [
        account,
        user,
        *([_key(f"USER#{actor_id}", "USER")] if actor_id != employee_id else []),
        member,
        *suppressed,
    ]
    read = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    found = {(item["pk"]["S"], item["sk"]["S"]): item for item in read["Responses"][table]}
    account_item, user_item, member_item = (_required_item(found, key) for key in (account, user, member))
    if account_item["kind"]["S"] != "partner" or partner_id not in user_item["employed_by"]["SS"]:
        raise NotPermitted
    if member_item["permission_set"]["S"] != "super_admin" or not user_item["active"]["BOOL"]:
        raise NotPermitted
    if any((each["pk"]["S"], each["sk"]["S"]) in found for each in suppressed):
        raise NotPermitted

    idempotency_key = IDEMPOTENCY_KEY.fullmatch(headers["idempotency-key"])
    if not idempotency_key:
        raise NotPermitted
    secret = _secret(partner_id, new_id)
    link_id, expires_at = f"lnk_{new_id}", now + link["link_days"] * 86400
    response = {
        "link_id": link_id,
        "partner_id": partner_id,
        "employee": {
            "user_id": employee_id,
            "name": user_item["name"]["S"],
            **({"email": user_item["email"]["S"]} if "email" in user_item else {}),
        },
        "created_by": actor_id,
        "state": "open",
        **_without_none(account_id=link["account_id"]),
        "permissions": {"set": "partner_admin", "version": 1, "removed": link["permissions"]["remove"]},
        **_without_none(access_days=link["access_days"], purpose=link["purpose"]),
        "created_at": _timestamp(now),
        "expires_at": _timestamp(expires_at),
        "max_approvals": link["max_approvals"],
        "approvals": 0,
        "delivery_status": "queued" if recipient else "none",
    }
    stored_response = {
        "fingerprint": {
            "S": _digest(json.dumps([f"/partners/{partner_id}/access-links", "", raw_body.encode().hex()]))
        },
        "response_status": {"N": "201"},
        "response_body": {"B": zlib.compress(json.dumps(response, separators=(",", ":"), ensure_ascii=False).encode())},
        "ttl": {"N": str(now + 90000)},
        **_key(
            "IDEMPOTENCY#"
            + _digest(f"POST /partners/{{partner_id}}/access-links {idempotency_key[1] or idempotency_key[2]}")
            + f"#{actor_id}",
            "IDEMPOTENCY",
        ),
    }
    audit_entry = {
        "audit_id": {"S": f"aud_{new_id}"},
        "at": {"N": str(now)},
        "event": {"S": "link.created"},
        "actor_id": {"S": actor_id},
        "accounts": {"L": [{"S": partner_id}]},
        "details": {"M": {"link_id": {"S": link_id}, "employee_id": {"S": employee_id}}},
        **_key(f"AUDIT#{partner_id}", f"aud_{new_id}"),
    }
    removed = {"L": [{"S": each} for each in link["permissions"]["remove"]]}
    empty_list: Json = {"L": []}
    notification = {
        "outbox_id": {"S": new_id},
        "queued_at": {"N": str(now)},
        "next_at": {"N": str(now)},
        "notification": {
            "M": {
                "kind": {"S": "link_to_approve"},
                "employee_id": {"S": employee_id},
                "actor_id": {"S": actor_id},
                "partner_id": {"S": partner_id},
                **_text_attributes(account_id=link["account_id"]),
                "link_id": {"S": link_id},
                "link_created_by": {"S": actor_id},
                "permission_set": {"S": "partner_admin"},
                "set_version": {"N": "1"},
                "added": empty_list,
                "removed": removed,
                "requested_but_removed": empty_list,
                "paid_seat_required": {"BOOL": False},
                "gained": empty_list,
                "lost": empty_list,
            }
        },
        **_key(f"OUTBOX#{zlib.crc32(new_id.encode()) % 8}", f"NOTIFICATION#{new_id}"),
    }
    link_item = {
        "version": {"N": "1"},
        "link_id": {"S": link_id},
        "partner_id": {"S": partner_id},
        "employee_id": {"S": employee_id},
        "created_by": {"S": actor_id},
        "created_at": {"N": str(now)},
        "expires_at": {"N": str(expires_at)},
        "link_days": {"N": str(link["link_days"])},
        "stored_state": {"S": "open"},
        "secrets": {"SS": [_digest(secret)]},
        "max_approvals": {"N": str(link["max_approvals"])},
        "approvals": {"N": "0"},
        **_text_attributes(account_id=link["account_id"], recipient=recipient),
        "removed": removed,
        "set_version": {"N": "1"},
        **({"access_days": {"N": str(link["access_days"])}} if link["access_days"] else {}),
        **_text_attributes(purpose=link["purpose"], locale=link["locale"]),
        "delivery_status": {"S": response["delivery_status"]},
        "resent_at": empty_list,
        "renewal_requested": {"BOOL": False},
        "access_generation": {"N": "0"},
        "due_shard": {"S": f"DUE#{zlib.crc32(link_id.encode()) % 8}"},
        "due_at": {"N": str(expires_at)},
        "list_key": {"S": f"EMPLOYEE#{partner_id}#{employee_id}"},
        "list_sort_key": {"S": f"LINK#{link_id}"},
        **_key(f"PARTNER#{partner_id}", f"LINK#{link_id}"),
    }
    count_open_link = {
        "Key": user,
        "UpdateExpression": "ADD open_links :one",
        "ConditionExpression": f"(open_links < :most) AND {UNCHANGED}",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":most": {"N": "50"}, ":seen_version": user_item["version"]},
    }
    lines: list[tuple[str, Json]] = [
        (
            "Put",
            {
                "Item": stored_response,
                "ConditionExpression": f"{ABSENT} OR #ttl <= :now",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":now": {"N": str(now)}},
            },
        ),
        ("Put", {"Item": audit_entry, "ConditionExpression": ABSENT}),
        *([("Put", {"Item": notification, "ConditionExpression": ABSENT})] if recipient else []),
        ("Update", count_open_link),
        ("Put", {"Item": link_item, "ConditionExpression": ABSENT}),
        ("ConditionCheck", _unchanged(account, account_item)),
        ("ConditionCheck", _unchanged(member, member_item)),
    ]
    all_old = {"TableName": table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    transaction: Any = [{action: {**all_old, **line}} for action, line in lines]
    dynamodb.transact_write_items(TransactItems=transaction)
    return {**response, "url": f"{os.environ['BASE_URL']}/approve#{secret}"}


def _key(pk: str, sk: str) -> Json:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _required_item(found: Mapping[tuple[str, str], Any], key: Json) -> Any:
    item = found.get((key["pk"]["S"], key["sk"]["S"]))
    if not item:
        raise NotPermitted
    return item


def _unchanged(key: Json, item: Json) -> Json:
    return {
        "Key": key,
        "ConditionExpression": UNCHANGED,
        "ExpressionAttributeValues": {":seen_version": item["version"]},
    }


def _without_none(**values: object) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _text_attributes(**values: str | None) -> Json:
    return {name: {"S": value} for name, value in values.items() if value is not None}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _secret(partner_id: str, name: str) -> str:
    partner = base64.urlsafe_b64encode(partner_id.encode()).decode().rstrip("=")
    body = f"pal_{partner}.{name}.{token_urlsafe(32)}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
