"""Tests of the response models: the fields of the contract, without secrets or internal fields."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from partner_access.api.responses import GrantResponse, LinkResponse, MemberResponse, TaggedMemberResponse
from partner_access.domain.accounts import Pricing, Program
from partner_access.domain.errors import NotFound
from partner_access.domain.links.links import LinkDeliveryStatus, StoredLinkState
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, RequestedAccess, Seat, SuspensionReason
from partner_access.domain.users import User
from tests.support.builders import (
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_user,
    an_actor,
    an_employee,
    the_client,
)


def to_json(part: BaseModel) -> Any:
    return json.loads(part.model_dump_json(exclude_none=True))


EMPLOYEE_REF = {"user_id": EMPLOYEE, "name": "Employee", "email": f"{EMPLOYEE}@north.example"}


def test_link_response_has_fields_of_the_contract() -> None:
    link = a_link(
        account_id=CLIENT, access_days=30, purpose="The shop", removed=("crm.import",), recipient="a@b.example"
    )

    assert to_json(LinkResponse.of(link, an_employee(), NOW)) == {
        "link_id": LINK,
        "partner_id": PARTNER,
        "employee": EMPLOYEE_REF,
        "created_by": EMPLOYEE,
        "state": "open",
        "account_id": CLIENT,
        "permissions": {"set": "partner_admin", "version": 1, "removed": ["crm.import"]},
        "access_days": 30,
        "purpose": "The shop",
        "created_at": "2026-11-21T09:00:00Z",
        "expires_at": "2026-11-28T09:00:00Z",
        "max_approvals": 1,
        "approvals": 0,
        "delivery_status": "none",
    }


def test_link_response_contains_no_secret_or_recipient() -> None:
    text = LinkResponse.of(a_link(recipient="canary@bakery.example"), an_employee(), NOW).model_dump_json()

    assert SECRET.fingerprint not in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"expires_at": NOW + timedelta(seconds=1)}, "open"),
        ({"expires_at": NOW}, "expired"),
        ({"approvals": 1}, "approved"),
        ({"stored_state": StoredLinkState.DECLINED}, "declined"),
        ({"stored_state": StoredLinkState.REVOKED}, "revoked"),
    ],
)
def test_link_response_has_state_as_of_now(changes: Mapping[str, Any], state: str) -> None:
    assert to_json(LinkResponse.of(a_link(**changes), an_employee(), NOW))["state"] == state


def test_link_delivery_statuses_are_those_of_the_contract() -> None:
    assert {state.value for state in LinkDeliveryStatus} == {
        "none",
        "queued",
        "sent",
        "bounced",
        "complained",
        "failed",
    }


def test_link_response_of_erased_employee_has_no_name_or_email() -> None:
    erased = an_employee(name="", email=None, active=False)

    assert to_json(LinkResponse.of(a_link(), erased, NOW))["employee"] == {"user_id": EMPLOYEE, "name": ""}


GRANT: dict[str, Any] = {
    "grant_id": a_grant().grant_id,
    "account_id": CLIENT,
    "user_id": EMPLOYEE,
    "partner_id": PARTNER,
    "source": "access_link",
    "state": "active",
    "permissions": {"set": "partner_admin", "version": 1, "removed": [], "added": []},
    "seat": "partner",
    "paid_features": True,
    "created_at": "2026-11-12T09:00:00Z",
    "time_zone": "UTC",
}


@pytest.mark.parametrize(
    ("grant", "member", "pricing", "changes"),
    [
        ({}, {}, Pricing.SEAT_BASED, {}),
        (
            {"expires_at": NOW},
            {},
            Pricing.SEAT_BASED,
            {"expires_at": "2026-11-22T09:00:00Z", "access_ends_on": "2026-11-22"},
        ),
        ({}, {"suspended_by": frozenset({SuspensionReason.CLIENT})}, Pricing.SEAT_BASED, {"state": "suspended"}),
        (
            {"requested": RequestedAccess(removed=("crm.export",), access_days=3)},
            {"removed": ("crm.export", "crm.import")},
            Pricing.SEAT_BASED,
            {
                "requested": {"removed": ["crm.export"], "access_days": 3},
                "permissions": {**GRANT["permissions"], "removed": ["crm.export", "crm.import"]},
            },
        ),
        ({}, {}, Pricing.LEGACY, {"paid_features": False, "notice": "paid_seat_required"}),
        ({}, {"paid_seats": (Seat.SALES,)}, Pricing.LEGACY, {}),
    ],
)
def test_grant_response_has_fields_of_the_contract(
    grant: Mapping[str, Any], member: Mapping[str, Any], pricing: Pricing, changes: Mapping[str, Any]
) -> None:
    given = a_grant(**grant)
    part = GrantResponse.of(given, a_partner_admin(grant=given, **member), the_client(pricing=pricing))

    assert to_json(part) == {**GRANT, **changes}


MEMBER = {
    "account_id": CLIENT,
    "user_id": EMPLOYEE,
    "name": "Employee",
    "email": f"{EMPLOYEE}@north.example",
    "permission_set": "partner_admin",
    "permissions": {"added": [], "removed": []},
    "seat": "partner",
    "paid_seats": [],
    "state": "active",
    "suspended_by": [],
    "since": "2026-08-14T09:00:00Z",
    "partner_id": PARTNER,
    "grant_id": a_grant().grant_id,
    "time_zone": "UTC",
    "version": 1,
}


@pytest.mark.parametrize(
    ("member", "changes"),
    [
        (a_partner_admin(), {}),
        (
            a_partner_admin(granted_by="user-x", paid_seats=(Seat.SALES,)),
            {"granted_by": "user-x", "paid_seats": ["sales"]},
        ),
        (
            a_partner_admin(grant=a_grant(expires_at=NOW)),
            {"expires_at": "2026-11-22T09:00:00Z", "access_ends_on": "2026-11-22"},
        ),
        (
            a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM, SuspensionReason.CLIENT})),
            {"state": "suspended", "suspended_by": ["client", "program"]},
        ),
        (a_partner_admin(active=False), {"state": "deactivated"}),
    ],
)
def test_member_response_has_fields_of_the_contract(member: Any, changes: Mapping[str, Any]) -> None:
    assert to_json(MemberResponse.of(member, an_employee(), the_client())) == {**MEMBER, **changes}


SUSPENDED_BY_CLIENT = frozenset({SuspensionReason.CLIENT})


@pytest.mark.parametrize(
    ("actor", "changes"),
    [
        (a_partner_admin_actor(), {}),
        (a_partner_admin_actor(member=a_partner_admin(version=7)), {"version": 7}),
        (
            a_partner_admin_actor(member=a_partner_admin(suspended_by=SUSPENDED_BY_CLIENT)),
            {"state": "suspended", "suspended_by": ["client"]},
        ),
        (
            a_partner_admin_actor(member=a_partner_admin(suspended_by=SUSPENDED_BY_CLIENT), program=Program.SUSPENDED),
            {"state": "suspended", "suspended_by": ["client", "program"]},
        ),
        (a_partner_admin_actor(program=Program.SUSPENDED), {"state": "suspended", "suspended_by": ["program"]}),
        (a_partner_admin_actor(an_employee(active=False)), {"state": "suspended", "suspended_by": ["employee"]}),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM}))), {}),
    ],
)
def test_member_response_has_effective_state(actor: Actor, changes: Mapping[str, Any]) -> None:
    assert to_json(MemberResponse.of_actor(actor, the_client(), NOW)) == {**MEMBER, **changes}


@pytest.mark.parametrize(
    "actor",
    [
        a_partner_admin_actor(terminations=1),
        a_partner_admin_actor(an_employee(offboardings={PARTNER: 1})),
        a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW))),
    ],
)
def test_member_response_of_ended_grant_is_deactivated_before_reconciliation(actor: Actor) -> None:
    part = to_json(MemberResponse.of_actor(actor, the_client(), NOW))

    assert part["state"] == "deactivated"
    assert part["suspended_by"] == []
    assert not {"grant_id", "expires_at", "seat"} & set(part)
    assert part["partner_id"] == PARTNER, "as after the reconciliation"


@pytest.mark.parametrize(
    ("user", "member", "state"),
    [
        (a_user(), a_member(), "active"),
        (a_user(active=False), a_member(), "deactivated"),
        (a_user(), a_member(active=False), "deactivated"),
        (a_user(), a_member(suspended_by=SUSPENDED_BY_CLIENT), "suspended"),
        (a_user(active=False), a_member(suspended_by=SUSPENDED_BY_CLIENT), "suspended"),
        (a_user(), a_member(active=False, suspended_by=SUSPENDED_BY_CLIENT), "deactivated"),
    ],
)
def test_member_response_has_effective_state_of_ordinary_member(user: User, member: Member, state: str) -> None:
    part = to_json(MemberResponse.of_actor(an_actor(user, member), the_client(), NOW))

    assert part["state"] == state
    assert bool(part["suspended_by"]) is (state == "suspended")


def test_responses_have_last_day_of_access_in_time_zone_of_account() -> None:
    member = a_partner_admin(grant=a_grant(expires_at=datetime(2027, 4, 10, 22, tzinfo=UTC)))
    for zone, last_day in (("Europe/Berlin", "2027-04-10"), ("Asia/Tokyo", "2027-04-11"), ("Mars/Base", "2027-04-10")):
        account = the_client(time_zone=zone)
        assert member.grant
        for part in (
            MemberResponse.of(member, an_employee(), account),
            GrantResponse.of(member.grant, member, account),
        ):
            found = to_json(part)
            assert (found["expires_at"], found["access_ends_on"]) == ("2027-04-10T22:00:00Z", last_day)
            assert found["time_zone"] == account.zone.key


@pytest.mark.parametrize("actor", [Actor(), Actor(a_user()), Actor(member=a_member())])
def test_member_response_without_membership_raises_not_found(actor: Actor) -> None:
    with pytest.raises(NotFound):
        MemberResponse.of_actor(actor, the_client(), NOW)
    with pytest.raises(NotFound):
        MemberResponse.of_actor(an_actor(), None, NOW)


def test_member_response_has_etag_of_version() -> None:
    assert TaggedMemberResponse.of(a_member(version=12), a_user(), the_client()).headers == {"etag": '"12"'}
    assert TaggedMemberResponse.of_actor(an_actor(member=a_member(version=3)), the_client(), NOW).headers == {
        "etag": '"3"'
    }


def test_member_response_of_ordinary_member_omits_grant_fields() -> None:
    part = to_json(MemberResponse.of(a_member(), a_user(), the_client()))

    assert not {"grant_id", "partner_id", "expires_at", "granted_by"} & set(part)
    assert (part["state"], part["seat"]) == ("active", "core")
