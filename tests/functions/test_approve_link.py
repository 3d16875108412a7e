"""Tests of approving an access link: authorization, the resulting grant, and concurrent changes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from partner_access.domain.links.links import Link
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason
from partner_access.store import dynamo, keys
from partner_access.store.links.links import item
from tests.support import faults, link_requests
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    SECRET_TEXT,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    end_after,
    the_client,
    the_partner,
)  # fmt: skip
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import (
    approve,
    assert_error,
    assert_replayed,
    assert_unchanged,
    secret_of,
    send_during_change,
)
from tests.support.races import before_commit
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    ENDED_LINK_ERRORS,
    MANAGER,
    OTHER_ADMIN,
    OTHER_CLIENT,
    TWO_ADMINS,
    TWO_CLIENTS,
    a_partner_account_member,
    an_open_link,
    now,
    seed,
)
from tests.support.table import Table


def _member(table: Table, user_id: str = EMPLOYEE, account_id: str = CLIENT) -> Member:
    return Member.model_validate(table.get(keys.member(account_id, user_id)))


def _link(table: Table) -> Link:
    return Link.model_validate(table.get(keys.link(PARTNER, LINK)))


# successful approvals


def test_approve_link_makes_employee_partner_admin(seeded: Table) -> None:
    response = approve()

    grant = response.body
    assert response.status == 201
    assert set(grant) == {
        "grant_id", "account_id", "user_id", "partner_id", "source", "state", "permissions", "requested", "seat",
        "paid_features", "created_at", "time_zone",
    }  # fmt: skip
    assert (grant["account_id"], grant["user_id"], grant["partner_id"]) == (CLIENT, EMPLOYEE, PARTNER)
    assert (grant["source"], grant["state"], grant["seat"]) == ("access_link", "active", "partner")
    assert grant["permissions"] == {"set": "partner_admin", "version": 1, "removed": [], "added": []}
    assert grant["paid_features"] is True
    member = _member(seeded)
    assert member.grant
    assert member.grant.grant_id == grant["grant_id"]
    assert member.grant.granted_by == APPROVER
    assert member.grant.link_id == LINK
    assert (member.partner_id, member.grant.former_set, member.active) == (PARTNER, None, True)
    assert (seeded.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert link_requests.view().body["state"] == "approved"


def test_approve_link_writes_both_audit_logs_and_queues_one_email(seeded: Table) -> None:
    # domain.md rule 26
    grant = approve(access_days=5, permissions={"remove": ["crm.import"]}).body

    entries = seeded.items_with_prefix("AUDIT#")
    assert {entry["pk"] for entry in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert len({entry["audit_id"] for entry in entries}) == 1
    assert entries[0]["event"] == "link.approved"
    assert entries[0]["actor_id"] == APPROVER
    assert entries[0]["details"]["grant_id"] == grant["grant_id"]
    assert entries[0]["details"]["requested"] == {"removed": []}
    assert entries[0]["details"]["given"] == {"removed": ["crm.import"], "access_days": 5}
    (queued_item,) = seeded.items_with_prefix("OUTBOX#")
    assert (queued_item["notification"]["kind"], queued_item["notification"]["requested_but_removed"]) == (
        "access_granted",
        ["crm.import"],
    )


@pytest.mark.parametrize(
    ("approver", "user"),
    [
        (a_member(APPROVER), a_user(APPROVER)),
        (a_member(APPROVER, "view_only", added=("account.users.manage",)), a_user(APPROVER)),
        (a_member(APPROVER), a_user(APPROVER, email="freelancer@north.example")),
    ],
)
def test_approve_link_by_eligible_approver_succeeds(
    table: Table, check_invariants: None, approver: Member, user: Any
) -> None:
    seed(table, approver, user, *TWO_ADMINS)

    assert approve().status == 201


def test_approve_link_in_legacy_account_returns_paid_seat_notice(table: Table, check_invariants: None) -> None:
    seed(table, the_client(pricing="legacy"))

    grant = approve().body

    assert (grant["paid_features"], grant["notice"]) == (False, "paid_seat_required")


def test_approve_link_in_legacy_account_with_paid_seat_returns_no_notice(table: Table, check_invariants: None) -> None:
    seed(table, the_client(pricing="legacy"), a_member(EMPLOYEE, "sales", seat=Seat.SALES))

    grant = approve().body

    assert grant["paid_features"] is True
    assert "notice" not in grant
    assert _member(table).paid_seats == (Seat.SALES,)


def test_approve_link_bound_to_account_succeeds(table: Table, check_invariants: None) -> None:
    # domain.md rule 5
    seed(table, an_open_link(account_id=CLIENT))

    assert approve().status == 201


# changes by the approver


def test_approve_link_narrowed_by_approver_stores_requested_and_granted(table: Table, check_invariants: None) -> None:
    # domain.md rule 15
    seed(table, an_open_link(removed=("crm.export",), access_days=30))

    grant = approve(permissions={"remove": ["crm.import"]}, access_days=7).body

    assert grant["permissions"]["removed"] == ["crm.export", "crm.import"]
    assert grant["requested"] == {"removed": ["crm.export"], "access_days": 30}
    assert datetime.fromisoformat(grant["expires_at"]) == end_after(7, datetime.fromisoformat(grant["created_at"]))


def test_approve_link_without_changes_grants_what_was_requested(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(removed=("crm.export",), access_days=30))

    grant = approve().body

    assert grant["permissions"]["removed"] == ["crm.export"]
    assert datetime.fromisoformat(grant["expires_at"]) == end_after(30, datetime.fromisoformat(grant["created_at"]))


def test_approve_link_with_more_days_than_requested_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(access_days=30))

    response = assert_error(table, lambda: approve(access_days=31), 422, "invalid_field")

    assert response.body["errors"] == [{"pointer": "/access_days", "code": "invalid_field"}]
    assert approve(access_days=30).status == 201


def test_approve_link_with_added_permissions_is_refused(seeded: Table) -> None:
    # domain.md rule 15
    for name in ("crm.import", "account.billing.manage"):
        response = assert_error(seeded, partial(approve, permissions={"add": [name]}), 422, "unknown_field")
        assert response.body["errors"] == [{"pointer": "/permissions/add", "code": "unknown_field"}]


def test_approve_link_grants_set_version_of_link_without_restricted_permissions(seeded: Table) -> None:
    approve()

    assert not set(effective_rights_of(_member(seeded), {})) & {"account.billing.manage", "account.super_admins.manage"}
    assert _member(seeded).set_version == _link(seeded).set_version


@pytest.mark.parametrize(
    ("offer", "status", "code"),
    [
        ({"account_id": ""}, 422, "invalid_field"),
        ({"account_id": "a#b"}, 422, "invalid_field"),
        ({"account_id": None}, 422, "invalid_field"),
        ({"access_days": 0}, 422, "invalid_field"),
        ({"access_days": 731}, 422, "invalid_field"),
        ({"access_days": "7"}, 422, "invalid_field"),
        ({"access_ends_on": "2027-04-1"}, 422, "invalid_field"),
        ({"access_ends_on": "1999-12-31"}, 422, "invalid_field"),
        ({"access_ends_on": "9999-12-31"}, 422, "invalid_field"),
        ({"access_days": 7, "access_ends_on": "2027-04-10"}, 422, "invalid_field"),
        ({"permissions": {"remove": ["crm.contacts.view:team"]}}, 422, "invalid_field"),
        ({"permissions": {"remove": ["crm.contacts.view"]}}, 422, "invalid_field"),
        ({"permissions": {"remove": ["crm.nothing"]}}, 422, "unknown_permission"),
        ({"permissions": {"remove": ["x"] * 201}}, 422, "invalid_field"),
        ({"employee_id": COLLEAGUE}, 422, "unknown_field"),
        ({"permission_set": "super_admin"}, 422, "unknown_field"),
        ({"seat": "core"}, 422, "unknown_field"),
        ({"secret": 1}, 422, "invalid_field"),
        ({"secret": None}, 422, "invalid_field"),
        ({"secret": [SECRET_TEXT]}, 422, "invalid_field"),
    ],
)
def test_approve_link_with_invalid_field_is_refused(
    seeded: Table, offer: dict[str, Any], status: int, code: str
) -> None:
    assert_error(seeded, lambda: approve(**offer), status, code)


def test_approve_link_without_secret_and_account_is_refused(seeded: Table) -> None:
    response = assert_error(seeded, lambda: call(link_requests.APPROVALS, APPROVER, {}), 422, "missing_field")

    assert [error["pointer"] for error in response.body["errors"]] == ["/secret", "/account_id"]


# existing memberships of the employee


def test_approve_link_for_ordinary_member_remembers_former_set(table: Table, check_invariants: None) -> None:
    # domain.md rule 10
    before = a_member(EMPLOYEE, "marketing", removed=("crm.lists.edit",), seat=Seat.SALES, version=3)
    seed(table, before)

    approve()

    member = _member(table)
    assert member.version == 4
    assert member.since == before.since
    assert member.grant
    assert member.grant.former_set == "marketing"
    assert (member.seat, member.paid_seats, member.removed) == (Seat.PARTNER, (Seat.SALES,), ())


def test_approve_link_for_deactivated_member_keeps_history(table: Table, check_invariants: None) -> None:
    # domain.md rule 10
    before = a_member(EMPLOYEE, "marketing", active=False)
    seed(table, before)

    approve()

    member = _member(table)
    assert member.grant
    assert (member.active, member.since, member.grant.former_set) == (True, before.since, None)


def test_approve_link_for_expired_grant_reuses_its_seat(table: Table, check_invariants: None) -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=now() - timedelta(days=1)))
    seed(table, the_client(partner_seat_limit=1), lapsed)

    grant = approve().body

    assert grant["grant_id"] != a_grant().grant_id
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (a_member(EMPLOYEE), "is_super_admin"),
        (a_partner_admin(), "already_partner_admin"),
        (a_partner_admin(suspended_by={SuspensionReason.CLIENT}), "grant_suspended"),
        (
            a_partner_admin(grant=a_grant(partner_id="partner-south"), partner_id="partner-south"),
            "grant_suspended",
        ),
    ],
)
def test_approve_link_for_super_admin_or_partner_admin_is_refused(
    table: Table, check_invariants: None, before: Member, code: str
) -> None:
    # domain.md rule 10
    south = the_partner(account_id="partner-south", name="South")
    seed(table, south, before)

    assert_error(table, approve, 409, code)
    assert link_requests.view().body["state"] == "open"


# refused approvals


@pytest.mark.parametrize(
    ("by", "account_id", "status", "code"),
    [
        (CLERK, CLIENT, 403, "not_an_approver"),
        (OTHER_ADMIN, "client-unknown", 404, "not_found"),
        (OTHER_ADMIN, PARTNER, 404, "not_found"),
        (APPROVER, OTHER_CLIENT, 404, "not_found"),
        ("user-unknown", CLIENT, 404, "not_found"),
        (VENDOR, CLIENT, 404, "not_found"),
        (EMPLOYEE, CLIENT, 404, "not_found"),
        (MANAGER, CLIENT, 404, "not_found"),
        (MANAGER, PARTNER, 422, "not_a_client_account"),
        (EMPLOYEE, PARTNER, 422, "not_a_client_account"),
    ],
)
def test_approve_link_by_unauthorized_caller_is_refused(
    table: Table, check_invariants: None, by: str, account_id: str, status: int, code: str
) -> None:
    # domain.md rule 9
    seed(table, *TWO_CLIENTS)

    assert_error(table, lambda: approve(by, account_id=account_id), status, code)


def test_approve_link_for_unknown_or_other_account_returns_same_error(table: Table, check_invariants: None) -> None:
    seed(table, *TWO_CLIENTS)

    assert approve(account_id="client-unknown").body == approve(account_id=OTHER_CLIENT).body


OWN_PARTNER_APPROVERS: list[tuple[tuple[Any, ...], str, int, str]] = [
    ((a_member(EMPLOYEE), *TWO_ADMINS), EMPLOYEE, 403, "own_partner_may_not_approve"),
    ((a_member(COLLEAGUE),), COLLEAGUE, 403, "own_partner_may_not_approve"),
    ((a_member(COLLEAGUE), a_member(APPROVER, "view_only")), COLLEAGUE, 403, "no_independent_approver"),
    ((a_partner_account_member(APPROVER), a_member(APPROVER)), APPROVER, 403, "no_independent_approver"),
    ((a_partner_account_member(APPROVER), *TWO_ADMINS), APPROVER, 403, "own_partner_may_not_approve"),
    ((a_partner_admin(COLLEAGUE),), COLLEAGUE, 403, "not_an_approver"),
    ((a_partner_admin(EMPLOYEE),), EMPLOYEE, 403, "not_an_approver"),
]


@pytest.mark.parametrize(("others", "by", "status", "code"), OWN_PARTNER_APPROVERS)
def test_approve_link_by_employee_of_same_partner_is_refused(
    table: Table, check_invariants: None, others: tuple[Any, ...], by: str, status: int, code: str
) -> None:
    seed(table, *others)

    assert_error(table, lambda: approve(by), status, code)


def test_approve_link_by_partner_admin_of_other_partner_is_refused(table: Table, check_invariants: None) -> None:
    south = the_partner(account_id="partner-south", name="South", domains=("south.example",))
    rival = a_user("user-rival", email="rival@south.example")
    grant = a_grant(partner_id="partner-south")
    seed(
        table, south, rival, a_partner_account_member("user-rival", account_id="partner-south"),
        a_partner_admin("user-rival", partner_id="partner-south", grant=grant),
    )  # fmt: skip

    assert_error(table, lambda: approve("user-rival"), 403, "not_an_approver")


@pytest.mark.parametrize(
    ("others", "status", "code"),
    [
        ((a_member(APPROVER, active=False), *TWO_ADMINS), 404, "not_found"),
        ((a_user(APPROVER, active=False), *TWO_ADMINS), 403, "forbidden"),
        ((a_member(APPROVER, removed=("account.users.manage",)), *TWO_ADMINS), 403, "not_an_approver"),
        ((the_client(state="closed"),), 409, "account_closed"),
        ((the_client(partner_seat_limit=0),), 409, "no_seat_left"),
        ((an_open_link(account_id="client-elsewhere"),), 422, "account_mismatch"),
    ],
)
def test_approve_link_with_unmet_condition_is_refused(
    table: Table, check_invariants: None, others: tuple[Any, ...], status: int, code: str
) -> None:
    # domain.md rule 5
    seed(table, *others)

    assert_error(table, approve, status, code)
    assert link_requests.view().body["state"] == "open"


def test_approve_link_without_free_seat_returns_limit_and_used(table: Table, check_invariants: None) -> None:
    # domain.md rule 11
    seed(table, the_client(partner_seat_limit=1), a_partner_admin(COLLEAGUE))

    response = assert_error(table, approve, 409, "no_seat_left")

    assert (response.body["limit"], response.body["used"]) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        *ENDED_LINK_ERRORS,
        ({"expires_at": now() - timedelta(days=9), "stored_state": "revoked"}, 410, "link_revoked"),
    ],
)
def test_approve_link_that_ended_is_refused(
    table: Table, check_invariants: None, changes: dict[str, Any], status: int, code: str
) -> None:
    # domain.md rule 3
    seed(table, an_open_link(**changes))

    assert_error(table, approve, status, code)


def test_approve_link_for_one_approval_a_second_time_is_refused(table: Table, check_invariants: None) -> None:
    # domain.md rule 2
    seed(table, *TWO_CLIENTS)
    assert approve().status == 201

    assert_error(table, approve, 409, "link_already_used")
    assert_error(table, lambda: approve(OTHER_ADMIN), 409, "link_already_used")
    assert_error(table, lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), 409, "link_already_used")


def test_approve_link_after_decline_is_refused(seeded: Table) -> None:
    link_requests.decline()

    assert_error(seeded, approve, 410, "link_declined")


def test_approve_link_with_several_errors_reports_first_in_order(table: Table, check_invariants: None) -> None:
    """The order is secret, link, account, authority, account state, partner seats (http-api.md)."""
    seed(table, the_client(state="closed", partner_seat_limit=0), an_open_link(stored_state="revoked"))
    wrong = SECRET_TEXT.replace("c" * 43, "d" * 43)

    assert_error(table, lambda: approve(CLERK, secret=wrong, account_id="client-unknown"), 404, "link_not_found")
    assert_error(table, lambda: approve(CLERK, account_id="client-unknown"), 410, "link_revoked")
    table.put(keys.link(PARTNER, LINK), item(an_open_link()))
    table.change(keys.user(EMPLOYEE), open_links=1)
    assert_error(table, lambda: approve(CLERK, account_id="client-unknown"), 404, "not_found")
    assert_error(table, lambda: approve(CLERK), 403, "not_an_approver")
    assert_error(table, approve, 409, "account_closed")
    link_requests.put_account(CLIENT, state="active")
    assert_error(table, approve, 409, "no_seat_left")


# links for several approvals


def test_approve_link_for_several_approvals_succeeds_once_per_account(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=2), *TWO_CLIENTS)

    assert approve().status == 201
    assert (link_requests.view().body["state"], link_requests.view().body["approvals"]) == ("open", 1)
    assert_error(table, lambda: approve(OTHER_ADMIN), 409, "link_already_used")
    assert approve(OTHER_ADMIN, account_id=OTHER_CLIENT).status == 201
    assert (link_requests.view().body["state"], link_requests.view().body["approvals"]) == ("approved", 2)
    assert_error(table, lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), 409, "link_already_used")


def test_approve_link_for_several_approvals_after_decline_by_other_succeeds(
    table: Table, check_invariants: None
) -> None:
    seed(table, an_open_link(max_approvals=2), *TWO_CLIENTS)
    link_requests.decline()

    assert_error(table, approve, 410, "link_declined")
    assert_error(table, lambda: approve(OTHER_ADMIN), 410, "link_declined")
    assert approve(OTHER_ADMIN, account_id=OTHER_CLIENT).status == 201


def test_approve_link_by_unauthorized_caller_hides_reply_of_account(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=5), *TWO_CLIENTS)
    approve(OTHER_ADMIN, account_id=OTHER_CLIENT)

    foreign = assert_error(table, lambda: approve(account_id=OTHER_CLIENT), 404, "not_found")
    assert foreign.body == approve(account_id="client-unknown").body
    assert_error(table, lambda: approve(CLERK), 403, "not_an_approver")


# employees who are no longer eligible


ELIGIBILITY_LOSSES: list[Callable[[], object]] = [
    lambda: link_requests.put_user(EMPLOYEE, active=False),
    lambda: link_requests.put_member(PARTNER, EMPLOYEE, active=False),
    lambda: link_requests.put_user(EMPLOYEE, email="someone@elsewhere.example"),
    lambda: link_requests.put_account(PARTNER, program="suspended"),
    lambda: link_requests.put_account(PARTNER, domains=["south.example"]),
]


def _assert_link_revoked(table: Table) -> None:
    assert table.get(keys.member(CLIENT, EMPLOYEE)) is None
    assert _link(table).stored_state == "revoked"
    entries = [entry for entry in table.items_with_prefix("AUDIT#") if entry["event"] == "link.revoked"]
    assert [(entry["pk"], entry["actor_id"]) for entry in entries] == [(f"AUDIT#{PARTNER}", APPROVER)]
    assert entries[0]["details"]["reason"] == "not_eligible"
    assert table.items_with_prefix("OUTBOX#") == []
    assert [item for item in table.items_with_prefix("IDEMPOTENCY#") if APPROVER in item["pk"]] == []


@pytest.mark.parametrize("concurrent_change", ELIGIBILITY_LOSSES)
def test_approve_link_of_ineligible_employee_revokes_link(
    seeded: Table, concurrent_change: Callable[[], object]
) -> None:
    # domain.md rule 6
    concurrent_change()

    response = approve()

    assert (response.status, response.code) == (409, "not_eligible")
    _assert_link_revoked(seeded)
    assert_error(seeded, approve, 410, "link_revoked")


@pytest.mark.parametrize("concurrent_change", ELIGIBILITY_LOSSES)
def test_approve_link_with_eligibility_lost_before_commit_revokes_link(
    seeded: Table, concurrent_change: Callable[[], object]
) -> None:
    with before_commit(concurrent_change):
        response = approve()

    assert (response.status, response.code) == (409, "not_eligible")
    _assert_link_revoked(seeded)


def test_approve_link_created_before_program_termination_is_refused(seeded: Table) -> None:
    link_requests.put_account(PARTNER, program="terminated")
    assert_error(seeded, approve, 410, "link_revoked")
    assert_error(seeded, lambda: approve(CLERK), 410, "link_revoked")
    link_requests.put_account(PARTNER, program="active")

    for send_request in (approve, link_requests.decline, link_requests.preview):
        assert_error(seeded, send_request, 410, "link_revoked")


def test_approve_link_created_before_offboarding_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_employee(EMPLOYEE, offboardings={PARTNER: 1}))
    assert_error(table, approve, 410, "link_revoked")

    seed(table, an_employee(EMPLOYEE, offboardings={PARTNER: 1}), an_open_link(access_generation=1))
    assert approve().status == 201
    assert _member(table).access_generation == 1


def test_approve_link_with_program_terminated_before_commit_is_refused(seeded: Table) -> None:
    response = send_during_change(seeded, lambda: link_requests.put_account(PARTNER, program="terminated"), approve)

    assert (response.status, response.code) == (410, "link_revoked")


def test_approve_link_after_offboarding_replaces_void_grant(table: Table, check_invariants: None) -> None:
    seed(
        table,
        an_employee(EMPLOYEE, offboardings={PARTNER: 1}),
        an_open_link(access_generation=1),
        a_partner_admin(access_generation=0),
    )

    assert approve().status == 201
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1


def test_approve_link_of_ineligible_employee_after_concurrent_revoke_is_refused(seeded: Table) -> None:
    link_requests.put_user(EMPLOYEE, active=False)

    response = send_during_change(seeded, link_requests.revoke, approve)

    assert (response.status, response.code) == (410, "link_revoked")


def test_approve_link_of_employee_reinstated_before_commit_succeeds(seeded: Table) -> None:
    link_requests.put_user(EMPLOYEE, active=False)

    with before_commit(lambda: link_requests.put_user(EMPLOYEE, active=True)):
        response = approve()

    assert response.status == 201
    assert _link(seeded).stored_state == "open"


def test_approve_link_of_ineligible_employee_by_unauthorized_caller_is_refused(seeded: Table) -> None:
    link_requests.put_user(EMPLOYEE, active=False)

    assert_error(seeded, lambda: approve(CLERK), 403, "not_an_approver")


def test_approve_link_of_former_creator_succeeds(table: Table, check_invariants: None) -> None:
    # domain.md rule 6
    seed(table, an_open_link(created_by=MANAGER), a_partner_account_member(COLLEAGUE, "super_admin"))
    link_requests.put_member(PARTNER, MANAGER, active=False)
    link_requests.put_user(MANAGER, active=False)

    assert approve().status == 201


# idempotency keys


def test_approve_link_with_same_key_replays(seeded: Table) -> None:
    # domain.md rule 2
    assert_replayed(seeded, lambda key: approve(key=key))

    assert len(seeded.items_with_prefix("OUTBOX#")) == 1


def test_approve_link_with_key_of_other_request_is_refused(seeded: Table) -> None:
    approve(key="one")

    assert_error(seeded, lambda: approve(key="one", access_days=3), 422, "idempotency_key_reused")


def test_approve_link_with_key_of_other_caller_or_route_is_new_request(table: Table, check_invariants: None) -> None:
    seed(table, *TWO_ADMINS)
    approve(key="one")

    assert_error(table, lambda: approve(OTHER_ADMIN, key="one"), 409, "link_already_used")
    assert_error(table, lambda: link_requests.decline(key="one"), 409, "link_already_used")


def test_approve_link_with_same_key_after_a_day_is_new_request(seeded: Table) -> None:
    approve(key="one")
    link_requests.expire_idempotency_keys(seeded)

    assert_error(seeded, lambda: approve(key="one"), 409, "link_already_used")


@pytest.mark.parametrize(
    "concurrent_change",
    [
        lambda: link_requests.put_member(CLIENT, APPROVER, permission_set="view_only"),
        lambda: link_requests.put_member(CLIENT, APPROVER, active=False),
        lambda: link_requests.put_user(APPROVER, active=False),
        lambda: link_requests.put_account(CLIENT, state="closed"),
        lambda: link_requests.put_account(PARTNER, program="terminated"),
        lambda: link_requests.put_user(EMPLOYEE, active=False),
    ],
)
def test_approve_link_replay_after_later_changes_returns_response(
    table: Table, check_invariants: None, concurrent_change: Callable[[], object]
) -> None:
    """The actor may have lost access since (consistency.md H9). The retry is neither refused nor executed again."""
    seed(table, *TWO_ADMINS)
    first = approve(key="one")
    concurrent_change()

    with assert_unchanged(table):
        again = approve(key="one")

    assert (again.status, again.replayed, again.body) == (201, True, first.body)


def test_approve_link_with_same_key_concurrently_replays(seeded: Table) -> None:
    """The first attempt commits after the second has read its facts (consistency.md H9, domain.md rule 2)."""
    firsts = []

    second = send_during_change(seeded, lambda: firsts.append(approve(key="one")), lambda: approve(key="one"))

    assert (second.status, second.replayed, second.body) == (201, True, firsts[0].body)


def test_approve_link_with_key_of_concurrent_other_request_is_refused(seeded: Table) -> None:
    response = send_during_change(seeded, lambda: approve(key="one"), lambda: approve(key="one", access_days=3))

    assert (response.status, response.code) == (422, "idempotency_key_reused")


# concurrent changes


def _expire_link(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


CONCURRENT_CHANGES: list[tuple[str, Callable[[], object], int, str]] = [
    ("revoked", link_requests.revoke, 410, "link_revoked"),
    ("declined", lambda: link_requests.decline(OTHER_ADMIN), 410, "link_declined"),
    ("sent again", link_requests.resend, 404, "link_not_found"),
    ("used", lambda: approve(OTHER_ADMIN), 409, "link_already_used"),
    ("used elsewhere", lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), 409, "link_already_used"),
    (
        "demoted",
        lambda: link_requests.put_member(CLIENT, APPROVER, permission_set="view_only"),
        403,
        "not_an_approver",
    ),
    ("removed", lambda: link_requests.put_member(CLIENT, APPROVER, active=False), 404, "not_found"),
    ("barred", lambda: link_requests.put_user(APPROVER, active=False), 403, "forbidden"),
    (
        "hired",
        lambda: link_requests.put_member(PARTNER, APPROVER, permission_set="sales"),
        403,
        "own_partner_may_not_approve",
    ),
    ("closed", lambda: link_requests.put_account(CLIENT, state="closed"), 409, "account_closed"),
    ("no seats", lambda: link_requests.put_account(CLIENT, partner_seat_limit=0), 409, "no_seat_left"),
    (
        "promoted",
        lambda: link_requests.put_member(CLIENT, EMPLOYEE, permission_set="super_admin"),
        409,
        "is_super_admin",
    ),
]


@pytest.mark.parametrize(
    ("concurrent_change", "status", "code"),
    [row[1:] for row in CONCURRENT_CHANGES],
    ids=[row[0] for row in CONCURRENT_CHANGES],
)
def test_approve_link_after_concurrent_change_changes_nothing(
    table: Table, check_invariants: None, concurrent_change: Callable[[], object], status: int, code: str
) -> None:
    # domain.md rule 4
    seed(table, *TWO_CLIENTS)

    response = send_during_change(table, concurrent_change, approve)

    assert (response.status, response.code) == (status, code)


def test_approve_link_that_expires_before_commit_is_refused(seeded: Table) -> None:
    response = send_during_change(seeded, lambda: _expire_link(seeded), approve)

    assert (response.status, response.code) == (410, "link_expired")


SECOND_LINK = f"lnk_{'2' * 32}"


def _second_link(employee_id: str) -> tuple[Link, str]:
    text = LinkSecret.write(PARTNER, SECOND_LINK, "s" * 43)
    secrets = frozenset({LinkSecret.read(text).fingerprint})
    return an_open_link(link_id=SECOND_LINK, employee_id=employee_id, secrets=secrets), text


def test_approve_link_with_last_seat_taken_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    # domain.md rule 11
    link, secret = _second_link(COLLEAGUE)
    seed(table, the_client(partner_seat_limit=1), link)

    response = send_during_change(table, lambda: approve(secret=secret), approve)

    assert (response.status, response.code) == (409, "no_seat_left")
    assert link_requests.view().body["state"] == "open"


def test_approve_link_with_other_link_approved_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    link, secret = _second_link(EMPLOYEE)
    seed(table, link)

    response = send_during_change(table, lambda: approve(secret=secret), approve)

    assert (response.status, response.code) == (409, "already_partner_admin")


def test_approve_link_with_approval_between_reads_returns_already_used(table: Table, check_invariants: None) -> None:
    """The error is not `already_partner_admin`, because this link made the employee partner admin."""
    seed(table, *TWO_ADMINS, an_open_link(max_approvals=2))

    def another_is_first(_: object, send: faults.Send) -> AWSResponse:
        assert approve(OTHER_ADMIN).status == 201
        return send()

    with faults.inject(dynamo.client(), "BatchGetItem", faults.succeeds, another_is_first):
        response = approve()

    assert (response.status, response.code) == (409, "link_already_used")


def test_approve_link_of_employee_added_before_commit_remembers_set(seeded: Table) -> None:
    response = send_during_change(
        seeded, lambda: link_requests.put_member(CLIENT, EMPLOYEE, permission_set="sales"), approve
    )  # fmt: skip

    grant = _member(seeded).grant
    assert response.status == 201
    assert grant
    assert grant.former_set == "sales"


@pytest.mark.parametrize(
    ("concurrent_change", "former_set"),
    [
        (lambda: link_requests.put_member(CLIENT, EMPLOYEE, active=False), None),
        (lambda: link_requests.put_member(CLIENT, EMPLOYEE, permission_set="service"), "service"),
    ],
)
def test_approve_link_with_membership_changed_before_commit_remembers_set(
    table: Table, check_invariants: None, concurrent_change: Callable[[], object], former_set: str | None
) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))

    response = send_during_change(table, concurrent_change, approve)

    grant = _member(table).grant
    assert response.status == 201
    assert grant
    assert grant.former_set == former_set


def test_approve_link_with_reply_of_account_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3), *TWO_CLIENTS)
    response = send_during_change(table, lambda: link_requests.decline(OTHER_ADMIN), approve)
    assert (response.status, response.code) == (410, "link_declined")

    response = send_during_change(
        table, lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT)
    )  # fmt: skip
    assert (response.status, response.code) == (409, "link_already_used")


def test_approve_link_with_last_approval_used_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=2, approvals=0), *TWO_CLIENTS, the_client(account_id="client-third"),
            a_member(OTHER_ADMIN, account_id="client-third"))  # fmt: skip
    approve(OTHER_ADMIN, account_id="client-third")

    response = send_during_change(table, lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), approve)

    assert (response.status, response.code) == (409, "link_already_used")


def test_approve_link_with_repeated_conflicts_returns_rights_changed(seeded: Table) -> None:
    def change() -> None:
        account = seeded.get(keys.account(CLIENT)) or {}
        seeded.change(keys.account(CLIENT), version=account["version"] + 1)

    with before_commit(change, times=4):
        response = approve()

    assert (response.status, response.code) == (409, "rights_changed")
    assert seeded.items_with_prefix("AUDIT#") == []


# methods and secrets


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_approve_link_by_other_method_returns_405(seeded: Table, method: str) -> None:
    # domain.md rule 1
    with assert_unchanged(seeded):
        response = call(f"{method} /access-links/approvals", APPROVER, {"secret": SECRET_TEXT, "account_id": CLIENT})

    assert (response.status, response.headers["allow"]) == (405, "POST")


def test_approve_link_with_secret_in_query_is_refused(seeded: Table) -> None:
    body = {"secret": SECRET_TEXT, "account_id": CLIENT}

    response = assert_error(
        seeded,
        lambda: call(link_requests.APPROVALS, APPROVER, body, query={"secret": SECRET_TEXT}),
        400,
        "secret_in_url",
    )
    assert SECRET_TEXT not in response.text


def test_approve_link_leaks_no_secret_to_table_log_or_response(
    seeded: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    made = link_requests.create(employee_id=EMPLOYEE)
    secret = secret_of(made)
    responses = [
        approve(secret=secret, account_id="client-unknown"),
        approve(CLERK, secret=secret),
        approve(secret=secret),
    ]

    output = "".join((*(response.text for response in responses), str(seeded.items()), capsys.readouterr().out))
    assert secret not in output
    assert secret.rpartition(".")[2] not in output
