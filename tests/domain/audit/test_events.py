"""Events of an audit entry: one for each account concerned, with the current records of that account."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.audit.events import CloudEvent, RecordSnapshots, cloud_event_of, subject_id_of
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.records import DIRECTORY_LOG_ID, AuditEntry, audit
from tests.support.builders import (
    ACT_ID,
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    the_client,
    the_partner,
)
from tests.support.schemas import validation_errors

AUDIT_ID = f"aud_{ACT_ID}"


def an_entry(event: str = "grant.expired", **details: Any) -> AuditEntry:
    entry_details = details or {"employee_id": EMPLOYEE, "grant_id": "grt_2"}
    return audit(event, an_act(), CLIENT, PARTNER, **entry_details)


def event_json(event: CloudEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.to_json())
    return found


def test_event_json_follows_cloudevents_specification() -> None:
    now = RecordSnapshots.of(the_client(), a_partner_admin(), a_user(EMPLOYEE))

    event = event_json(cloud_event_of(an_entry(), CLIENT, 7, now))

    assert {name: value for name, value in event.items() if name != "data"} == {
        "specversion": "1.0",
        "id": AUDIT_ID,
        "source": f"/accounts/{CLIENT}",
        "type": "partner-access.grant.expired",
        "subject": EMPLOYEE,
        "time": "2026-11-22T09:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:partner-access:grant.expired:1",
        "sequence": "000000000007",
    }
    assert {name: value for name, value in event["data"].items() if name != "now"} == {
        "audit_id": AUDIT_ID,
        "at": "2026-11-22T09:00:00Z",
        "event": "grant.expired",
        "actor_id": APPROVER,
        "accounts": [CLIENT, PARTNER],
        "details": {"employee_id": EMPLOYEE, "grant_id": "grt_2"},
    }
    assert validation_errors(event) == []


def test_event_now_contains_current_records_with_versions() -> None:
    expires_at = datetime(2027, 1, 1, tzinfo=UTC)
    member = a_partner_admin(
        version=4,
        removed=("crm.import",),
        suspended_by=frozenset({SuspensionReason.PARTNER, SuspensionReason.CLIENT}),
        grant=a_grant(expires_at=expires_at),
    )

    event = event_json(
        cloud_event_of(
            an_entry(), CLIENT, 1, RecordSnapshots.of(the_client(version=2), member, a_user(EMPLOYEE, version=3))
        )
    )

    assert event["data"]["now"] == {
        "account": {"account_id": CLIENT, "kind": "client", "state": "active", "version": 2},
        "member": {
            "account_id": CLIENT,
            "user_id": EMPLOYEE,
            "permission_set": "partner_admin",
            "set_version": member.set_version,
            "permissions": {"added": [], "removed": ["crm.import"]},
            "seat": "partner",
            "state": "suspended",
            "suspended_by": ["client", "partner"],
            "partner_id": PARTNER,
            "grant_id": member.grant.grant_id if member.grant else None,
            "expires_at": "2027-01-01T00:00:00Z",
            "version": 4,
        },
        "user": {"user_id": EMPLOYEE, "active": True, "version": 3},
    }
    assert validation_errors(event) == []


def test_event_now_of_partner_contains_program() -> None:
    partner = the_partner(program=Program.SUSPENDED, state=AccountState.CLOSED)

    now = RecordSnapshots.of(partner, None, None)

    assert now.model_dump(mode="json", exclude_none=True) == {
        "account": {
            "account_id": PARTNER,
            "kind": "partner",
            "state": "closed",
            "program": "suspended",
            "version": 1,
        }
    }


def test_event_now_member_state_is_stored_state() -> None:
    """Check that the state in an event is the stored one.

    The event carries the version of the record. A state that follows from time or other records would not match it.
    """
    over = a_partner_admin(grant=a_grant(expires_at=NOW - timedelta(days=1)))

    for member, state in [
        (over, "active"),
        (a_member(), "active"),
        (a_member(active=False, suspended_by=frozenset({SuspensionReason.CLIENT})), "deactivated"),
        (a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM})), "suspended"),
    ]:
        now = RecordSnapshots.of(None, member, None)
        assert now.member
        assert now.member.state == state


def test_event_without_user_or_records_omits_them() -> None:
    event = event_json(cloud_event_of(an_entry("program.stopped", partner_id=PARTNER), CLIENT, 1, RecordSnapshots()))

    assert "subject" not in event
    assert event["data"]["now"] == {}
    assert validation_errors(event) == []


@pytest.mark.parametrize(
    ("details", "person"),
    [
        ({"user_id": "user-a"}, "user-a"),
        ({"employee_id": "user-b"}, "user-b"),
        ({"link_id": "lnk_1"}, None),
    ],
)
def test_person_of_entry_returns_user_or_none(details: dict[str, str], person: str | None) -> None:
    assert subject_id_of(an_entry("some.event", **details)) == person


@pytest.mark.parametrize(
    ("account_id", "source"),
    [
        ("client-bakery", "/accounts/client-bakery"),
        ("auth0|57:a@b", "/accounts/auth0%7C57:a@b"),
        (DIRECTORY_LOG_ID, "/accounts/@directory"),
    ],
)
def test_event_source_is_quoted_account_path(account_id: str, source: str) -> None:
    assert cloud_event_of(an_entry(), account_id, 1, RecordSnapshots()).source == source


def test_event_sequences_sort_as_text() -> None:
    positions = [1, 2, 10, 99, 100, 10**9]

    assert [cloud_event_of(an_entry(), CLIENT, place, RecordSnapshots()).sequence for place in positions] == sorted(
        cloud_event_of(an_entry(), CLIENT, place, RecordSnapshots()).sequence for place in reversed(positions)
    )


def test_event_now_of_member_without_seat_omits_seat() -> None:
    now = RecordSnapshots.of(None, a_member(seat=None), None)
    assert now.member
    assert "seat" not in now.member.model_dump(exclude_none=True)
    assert RecordSnapshots.of(None, a_member(seat=Seat.SALES), None).member is not None
