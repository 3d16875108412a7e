"""What `create_link` asks of DynamoDB and answers, straight through boto3: the same for all handlers of the bench."""

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


class NotAllowed(Exception):
    """The caller may not make this link."""


def create(partner_id: str, by: str, headers: Mapping[str, str], sent: str, link: Mapping[str, Any]) -> Json:
    """Read together, check, write together; `link` is what the body asks for, with its defaults."""
    table, now, name = os.environ["TABLE_NAME"], int(time.time()), uuid.uuid4().hex
    employee_id, recipient = link["employee_id"] or by, link["recipient_email"]
    account, user = _key(f"ACCOUNT#{partner_id}", "ACCOUNT"), _key(f"USER#{employee_id}", "USER")
    member = _key(f"ACCOUNT#{partner_id}", f"MEMBER#{by}")
    suppressed = [_key(f"SUPPRESSED#{_digest(recipient)}", "SUPPRESSED")] if recipient else []
    asked = [account, user, *([_key(f"USER#{by}", "USER")] if by != employee_id else []), member, *suppressed]
    answer = dynamodb.batch_get_item(RequestItems={table: {"Keys": asked, "ConsistentRead": True}})
    found = {(item["pk"]["S"], item["sk"]["S"]): item for item in answer["Responses"][table]}
    the_account, the_user, the_member = (_found(found, key) for key in (account, user, member))
    if the_account["kind"]["S"] != "partner" or partner_id not in the_user["employed_by"]["SS"]:
        raise NotAllowed
    if the_member["permission_set"]["S"] != "super_admin" or not the_user["active"]["BOOL"]:
        raise NotAllowed
    if any((each["pk"]["S"], each["sk"]["S"]) in found for each in suppressed):
        raise NotAllowed

    once = IDEMPOTENCY_KEY.fullmatch(headers["idempotency-key"])
    if not once:
        raise NotAllowed
    secret = _secret(partner_id, name)
    link_id, expires_at = f"lnk_{name}", now + link["link_days"] * 86400
    told = {
        "link_id": link_id,
        "partner_id": partner_id,
        "employee": {
            "user_id": employee_id,
            "name": the_user["name"]["S"],
            **({"email": the_user["email"]["S"]} if "email" in the_user else {}),
        },
        "created_by": by,
        "state": "open",
        **_given(account_id=link["account_id"]),
        "permissions": {"set": "partner_admin", "version": 1, "removed": link["permissions"]["remove"]},
        **_given(access_days=link["access_days"], purpose=link["purpose"]),
        "created_at": _written(now),
        "expires_at": _written(expires_at),
        "max_approvals": link["max_approvals"],
        "approvals": 0,
        "delivery_status": "queued" if recipient else "none",
    }
    put_once = {
        "fingerprint": {"S": _digest(json.dumps([f"/partners/{partner_id}/access-links", "", sent.encode().hex()]))},
        "response_status": {"N": "201"},
        "response_body": {"B": zlib.compress(json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode())},
        "ttl": {"N": str(now + 90000)},
        **_key(
            f"IDEMPOTENCY#{by}#" + _digest(f"POST /partners/{{partner_id}}/access-links {once[1] or once[2]}"),
            "IDEMPOTENCY",
        ),
    }
    put_audit = {
        "audit_id": {"S": f"aud_{name}"},
        "at": {"N": str(now)},
        "event": {"S": "link.created"},
        "actor_id": {"S": by},
        "accounts": {"L": [{"S": partner_id}]},
        "details": {"M": {"link_id": {"S": link_id}, "employee_id": {"S": employee_id}}},
        **_key(f"AUDIT#{partner_id}", f"aud_{name}"),
    }
    removed = {"L": [{"S": each} for each in link["permissions"]["remove"]]}
    nothing: Json = {"L": []}
    put_letter = {
        "outbox_id": {"S": name},
        "queued_at": {"N": str(now)},
        "next_at": {"N": str(now)},
        "notification": {
            "M": {
                "kind": {"S": "link_to_approve"},
                "employee_id": {"S": employee_id},
                "actor_id": {"S": by},
                "partner_id": {"S": partner_id},
                **_texts(account_id=link["account_id"]),
                "link_id": {"S": link_id},
                "link_created_by": {"S": by},
                "permission_set": {"S": "partner_admin"},
                "set_version": {"N": "1"},
                "added": nothing,
                "removed": removed,
                "requested_but_removed": nothing,
                "paid_seat_required": {"BOOL": False},
                "gained": nothing,
                "lost": nothing,
            }
        },
        **_key(f"OUTBOX#{zlib.crc32(name.encode()) % 8}", f"NOTIFICATION#{name}"),
    }
    put_link = {
        "version": {"N": "1"},
        "link_id": {"S": link_id},
        "partner_id": {"S": partner_id},
        "employee_id": {"S": employee_id},
        "created_by": {"S": by},
        "created_at": {"N": str(now)},
        "expires_at": {"N": str(expires_at)},
        "link_days": {"N": str(link["link_days"])},
        "stored_state": {"S": "open"},
        "secrets": {"SS": [_digest(secret)]},
        "max_approvals": {"N": str(link["max_approvals"])},
        "approvals": {"N": "0"},
        **_texts(account_id=link["account_id"], recipient=recipient),
        "removed": removed,
        "set_version": {"N": "1"},
        **({"access_days": {"N": str(link["access_days"])}} if link["access_days"] else {}),
        **_texts(purpose=link["purpose"], locale=link["locale"]),
        "delivery_status": {"S": told["delivery_status"]},
        "resent_at": nothing,
        "renewal_requested": {"BOOL": False},
        "access_generation": {"N": "0"},
        "due_shard": {"S": f"DUE#{zlib.crc32(link_id.encode()) % 8}"},
        "due_at": {"N": str(expires_at)},
        "list_key": {"S": f"EMPLOYEE#{partner_id}#{employee_id}"},
        "list_sort_key": {"S": f"LINK#{link_id}"},
        **_key(f"PARTNER#{partner_id}", f"LINK#{link_id}"),
    }
    add_one = {
        "Key": user,
        "UpdateExpression": "ADD open_links :one",
        "ConditionExpression": f"(open_links < :most) AND {UNCHANGED}",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":most": {"N": "50"}, ":seen_version": the_user["version"]},
    }
    lines: list[tuple[str, Json]] = [
        (
            "Put",
            {
                "Item": put_once,
                "ConditionExpression": f"{ABSENT} OR #ttl <= :now",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":now": {"N": str(now)}},
            },
        ),
        ("Put", {"Item": put_audit, "ConditionExpression": ABSENT}),
        *([("Put", {"Item": put_letter, "ConditionExpression": ABSENT})] if recipient else []),
        ("Update", add_one),
        ("Put", {"Item": put_link, "ConditionExpression": ABSENT}),
        ("ConditionCheck", _unchanged(account, the_account)),
        ("ConditionCheck", _unchanged(member, the_member)),
    ]
    all_old = {"TableName": table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    transaction: Any = [{action: {**all_old, **line}} for action, line in lines]
    dynamodb.transact_write_items(TransactItems=transaction)
    return {**told, "url": f"{os.environ['BASE_URL']}/approve#{secret}"}


def _key(pk: str, sk: str) -> Json:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _found(found: Mapping[tuple[str, str], Any], key: Json) -> Any:
    item = found.get((key["pk"]["S"], key["sk"]["S"]))
    if not item:
        raise NotAllowed
    return item


def _unchanged(key: Json, item: Json) -> Json:
    return {
        "Key": key,
        "ConditionExpression": UNCHANGED,
        "ExpressionAttributeValues": {":seen_version": item["version"]},
    }


def _given(**values: object) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _texts(**values: str | None) -> Json:
    return {name: {"S": value} for name, value in values.items() if value is not None}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _secret(partner_id: str, name: str) -> str:
    partner = base64.urlsafe_b64encode(partner_id.encode()).decode().rstrip("=")
    body = f"pal_{partner}.{name}.{token_urlsafe(32)}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
