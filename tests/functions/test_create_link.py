"""Tests of creating an access link: authorization, fields, and the secret, which is returned only once."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.links.creations import MAX_OPEN_LINKS
from partner_access.domain.users import User
from partner_access.store import keys
from partner_access.store.links.links import item
from tests.support import link_requests
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    create,
    preview,
    secret_of,
    send_during_change,
    view,
)
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, now, seed
from tests.support.table import Table
from tools.invariants import violations

RESPONSE_FIELDS = {
    "link_id", "partner_id", "employee", "created_by", "state", "permissions", "created_at", "expires_at",
    "max_approvals", "approvals", "delivery_status", "url",
}  # fmt: skip


def test_create_link_for_employee_returns_requested_fields(seeded: Table) -> None:
    response = create(
        employee_id=EMPLOYEE,
        account_id=CLIENT,
        permissions={"remove": ["crm.import"]},
        access_days=30,
        link_days=3,
        max_approvals=5,
        purpose="Your new website",
        locale="ja",
    )

    link = response.body
    assert response.status == 201
    assert set(link) == RESPONSE_FIELDS | {"account_id", "access_days", "purpose"}
    assert link["partner_id"] == PARTNER
    assert link["employee"] == {"user_id": EMPLOYEE, "name": "Employee", "email": f"{EMPLOYEE}@north.example"}
    assert link["created_by"] == MANAGER
    assert link["state"] == "open"
    assert link["account_id"] == CLIENT
    assert link["permissions"] == {"set": "partner_admin", "version": 1, "removed": ["crm.import"]}
    assert (link["access_days"], link["purpose"]) == (30, "Your new website")
    assert (link["max_approvals"], link["approvals"], link["delivery_status"]) == (5, 0, "none")
    assert datetime.fromisoformat(link["expires_at"]) - datetime.fromisoformat(link["created_at"]) == timedelta(days=3)


def test_create_link_without_fields_is_for_caller_with_defaults(seeded: Table) -> None:
    link = create().body

    assert set(link) == RESPONSE_FIELDS
    assert link["employee"]["user_id"] == MANAGER
    assert link["max_approvals"] == 1
    assert datetime.fromisoformat(link["expires_at"]) - datetime.fromisoformat(link["created_at"]) == timedelta(days=7)
    assert link["link_id"].startswith("lnk_")


def test_create_link_later_returns_greater_id(seeded: Table) -> None:
    first, second = (create().body["link_id"] for _ in range(2))

    assert first < second


def test_create_link_secret_opens_link_and_is_not_stored(seeded: Table, capsys: pytest.CaptureFixture[str]) -> None:
    made = create(employee_id=EMPLOYEE, recipient_email="boss@bakery.example")
    secret = secret_of(made)

    assert made.body["url"] == f"https://access.example.com/approve#{secret}"
    assert secret.startswith("pal_")
    assert preview(secret=secret).body["link"]["link_id"] == made.body["link_id"]
    random_part = secret.rpartition(".")[2].rpartition("_")[0]
    output = "".join((str(seeded.items()), capsys.readouterr().out, view(link_id=made.body["link_id"]).text))
    assert len(random_part) == 43
    assert random_part not in output
    assert "pal_" not in output


def test_create_link_without_recipient_writes_audit_entry_and_sends_no_email(seeded: Table) -> None:
    made = create(employee_id=EMPLOYEE, account_id=CLIENT)

    (entry,) = seeded.items_with_prefix("AUDIT#")
    assert entry["pk"] == f"AUDIT#{PARTNER}"
    assert (entry["event"], entry["actor_id"], entry["accounts"]) == ("link.created", MANAGER, [PARTNER])
    assert entry["details"] == {"link_id": made.body["link_id"], "employee_id": EMPLOYEE}
    assert seeded.items_with_prefix("OUTBOX#") == []


def test_create_link_with_recipient_queues_one_email(seeded: Table) -> None:
    made = create(employee_id=EMPLOYEE, recipient_email=" Boss@BAKERY.example ")

    (queued,) = seeded.items_with_prefix("OUTBOX#")
    assert made.body["delivery_status"] == "queued"
    assert (queued["notification"]["kind"], queued["notification"]["link_id"]) == (
        "link_to_approve",
        made.body["link_id"],
    )
    assert (seeded.get(keys.link(PARTNER, made.body["link_id"])) or {})["recipient"] == "boss@bakery.example"
    assert "boss@bakery.example" not in made.text
    assert preview(secret=secret_of(made)).status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"link_days": 1},
        {"link_days": 30},
        {"access_days": 1},
        {"access_days": 730},
        {"access_ends_on": (now() + timedelta(days=730)).date().isoformat()},
        {"access_ends_on": None},
        {"max_approvals": 1000},
        {"purpose": "x" * 500},
        {"purpose": "新しいサイトのために"},
        {"locale": "en"},
        {"account_id": "nobody-knows-this-account"},
        {"account_id": PARTNER},
        {"recipient_email": "unknown+tag@sub.example"},
        {"recipient_email": "someone@bücher.example"},
        {"permissions": {"remove": []}},
        {"permissions": {"remove": ["crm.contacts.delete", "crm.contacts.edit"]}},
        {"permissions": {"remove": ["account.billing.manage"]}},
    ],
)
def test_create_link_with_valid_field_succeeds(seeded: Table, fields: dict[str, Any]) -> None:
    assert create(employee_id=EMPLOYEE, **fields).status == 201


INVALID_ADDRESSES = [
    "", " ", "nobody", "@north.example", "a@@b.example", "a@b@c.example", f"{'a' * 65}@b.example",
    f"a@{'b' * 250}.example", f"a@{'b' * 64}.example", "a@b", "a@[127.0.0.1]", '"a b"@c.example',
    "a(comment)@b.example", "a@b.example,c@d.example", "a@b.example;c@d.example", "A <a@b.example>",
    "a@b.example\r\nBcc: c@d.example", ".a@b.example", "a.@b.example", "a..b@c.example", "a@.b.example",
    "a@b.example.", "a b@c.example", "ä@b.example", "mıke@b.example",
]  # fmt: skip


@pytest.mark.parametrize("address", INVALID_ADDRESSES)
def test_create_link_with_invalid_recipient_email_is_refused(seeded: Table, address: str) -> None:
    response = assert_error(seeded, lambda: create(recipient_email=address), 422, "invalid_email")

    assert response.body["errors"] == [{"pointer": "/recipient_email", "code": "invalid_email"}]
    assert not address.strip() or address not in response.text


BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    *(({"link_days": days}, "invalid_field", "/link_days") for days in (0, -1, 31, 7.5, 7.0, "7", True, None, [7])),
    *(({"access_days": days}, "invalid_field", "/access_days") for days in (0, -1, 731, 30.0, "30", False)),
    *(
        ({"access_ends_on": day}, "invalid_field", "/access_ends_on")
        for day in ("1999-12-31", "2099-01-01", "9999-12-31", "tomorrow", "2027-04-31", "2027-04-10T00:00:00Z", 1, "")
    ),
    ({"access_days": 5, "access_ends_on": "2027-04-10"}, "invalid_field", "/access_ends_on"),
    *(({"max_approvals": most}, "invalid_field", "/max_approvals") for most in (0, -1, 1001, 1.0, "1", None)),
    *(({"recipient_email": who}, "invalid_field", "/recipient_email") for who in (["a@b.example"], {"a": 1}, 1)),
    *(
        ({"purpose": text}, "invalid_field", "/purpose")
        for text in ("", "<b>now</b>", "{{name}}", "see https://evil.example", "x" * 501, "a\x00b", "a\u202eb", 1)
    ),
    *(({"locale": locale}, "invalid_field", "/locale") for locale in ("de", "EN", 1)),
    *(({"employee_id": who}, "invalid_field", "/employee_id") for who in ("", "a b", "é", "a" * 129, 1)),
    *(({"account_id": which}, "invalid_field", "/account_id") for which in ("", "a#b", "ACCOUNT#x", " ", 1)),
    ({"permissions": []}, "invalid_field", "/permissions"),
    ({"permissions": {"remove": "crm.import"}}, "invalid_field", "/permissions/remove"),
    ({"permissions": {"remove": [""]}}, "invalid_field", "/permissions/remove/0"),
    ({"permissions": {"add": ["crm.import"]}}, "unknown_field", "/permissions/add"),
    ({"permissions": {"remove": ["crm.contacts.view:team"]}}, "invalid_field", "/permissions/remove"),
    ({"permissions": {"remove": ["crm.import", "crm.import"]}}, "invalid_field", "/permissions"),
    ({"permissions": {"remove": ["crm.contacts.view"]}}, "invalid_field", "/permissions"),
    *(
        ({name: 1}, "unknown_field", f"/{name}")
        for name in ("role", "state", "stored_state", "approvals", "version", "secrets", "url")
    ),
]


@pytest.mark.parametrize(("fields", "code", "pointer"), BAD_FIELDS)
def test_create_link_with_invalid_field_is_refused(
    seeded: Table, fields: dict[str, Any], code: str, pointer: str
) -> None:
    response = assert_error(seeded, lambda: create(**fields), 422, code)

    assert {"pointer": pointer, "code": code} in response.body["errors"]


@pytest.mark.parametrize("name", ["crm.nothing", "crm.import:all", "*", "crm"])
def test_create_link_with_unknown_permission_is_refused(seeded: Table, name: str) -> None:
    assert create(permissions={"remove": [name]}).status == 422


def test_create_link_with_several_invalid_fields_reports_all(seeded: Table) -> None:
    response = assert_error(seeded, lambda: create(link_days=0, role="x"), 422, "invalid_field")

    assert response.body["errors"] == [
        {"pointer": "/link_days", "code": "invalid_field"},
        {"pointer": "/role", "code": "unknown_field"},
    ]


@pytest.mark.parametrize(
    ("by", "partner_id", "status", "code"),
    [
        (EMPLOYEE, PARTNER, 403, "forbidden"),
        (COLLEAGUE, PARTNER, 403, "forbidden"),
        (APPROVER, PARTNER, 404, "not_found"),
        (CLERK, PARTNER, 404, "not_found"),
        ("user-unknown", PARTNER, 404, "not_found"),
        (VENDOR, PARTNER, 404, "not_found"),
        (MANAGER, "partner-unknown", 404, "not_found"),
        (MANAGER, CLIENT, 404, "not_found"),
        (APPROVER, CLIENT, 404, "not_found"),
    ],
)
def test_create_link_by_unauthorized_caller_is_refused(
    seeded: Table, by: str, partner_id: str, status: int, code: str
) -> None:
    assert_error(seeded, lambda: create(by, partner_id=partner_id, employee_id=EMPLOYEE), status, code)


def test_create_link_for_self_without_client_access_permission_is_refused(seeded: Table) -> None:
    assert_error(seeded, lambda: create(EMPLOYEE), 403, "forbidden")


def test_create_link_by_client_access_manager_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, added=("partner.client_access.manage",)))

    assert create(COLLEAGUE, employee_id=EMPLOYEE).status == 201


def test_create_link_by_former_employee_returns_404(table: Table, check_invariants: None) -> None:
    seed(
        table,
        a_partner_account_member(MANAGER, "super_admin", active=False),
        a_partner_account_member(COLLEAGUE, "super_admin"),
    )

    assert_error(table, lambda: create(MANAGER, employee_id=EMPLOYEE), 404, "not_found")


def test_create_link_by_deactivated_user_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_employee(MANAGER, active=False), a_partner_account_member(COLLEAGUE, "super_admin"))

    assert_error(table, lambda: create(MANAGER, employee_id=EMPLOYEE), 403, "forbidden")


def test_create_link_for_unknown_or_other_account_returns_same_404(seeded: Table) -> None:
    unknown, foreign = (create(MANAGER, partner_id=each).body for each in ("partner-unknown", CLIENT))

    assert {**unknown, "instance": ""} == {**foreign, "instance": ""}


@pytest.mark.parametrize("program", [Program.SUSPENDED, Program.TERMINATED])
def test_create_link_by_partner_outside_program_is_refused(
    table: Table, check_invariants: None, program: Program
) -> None:
    seed(table, the_partner(program=program))

    assert_error(table, lambda: create(employee_id=EMPLOYEE), 409, "not_eligible")


NOT_ELIGIBLE: list[tuple[Any, ...]] = [
    (an_employee(active=False),),
    (a_partner_account_member(EMPLOYEE, active=False),),
    (an_employee(email="someone@elsewhere.example"),),
    (an_employee(email="someone@sub.north.example"),),
    (an_employee(email=None),),
]


@pytest.mark.parametrize("others", NOT_ELIGIBLE)
def test_create_link_for_ineligible_employee_is_refused(
    table: Table, check_invariants: None, others: tuple[Any, ...]
) -> None:
    seed(table, *others)

    assert_error(table, lambda: create(employee_id=EMPLOYEE), 409, "not_eligible")


def test_create_link_for_ineligible_people_returns_same_error(seeded: Table) -> None:
    """The error is the same for unknown users, client users and unverified domains (threat-model.md row 39).

    It does not reveal which users exist.
    """
    seeded.change(keys.user(COLLEAGUE), email="someone@elsewhere.example")
    seeded.remove(keys.email(f"{COLLEAGUE}@north.example"))
    seeded.put(keys.email("someone@elsewhere.example"), {"user_id": COLLEAGUE})
    people = ("user-unknown", APPROVER, COLLEAGUE)
    bodies = [assert_error(seeded, partial(create, employee_id=who), 409, "not_eligible").body for who in people]

    assert bodies[0] == bodies[1] == bodies[2]


def test_create_link_with_suppressed_recipient_is_refused(seeded: Table) -> None:
    seeded.put(keys.suppressed("boss@bakery.example"), {"delivery_id": "some"})

    assert_error(seeded, lambda: create(recipient_email="Boss@bakery.example"), 409, "recipient_suppressed")
    assert create().status == 201


def test_create_link_with_employee_as_recipient_is_refused(seeded: Table) -> None:
    address = f"{EMPLOYEE}@north.example"

    assert_error(seeded, lambda: create(employee_id=EMPLOYEE, recipient_email=address.upper()), 409, "self_approval")


def _links(count: int) -> list[Any]:
    return [an_open_link(link_id=f"lnk_{number:032x}") for number in range(count)]


def test_create_link_beyond_50_open_links_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, *_links(MAX_OPEN_LINKS - 2))

    assert create(employee_id=EMPLOYEE).status == 201
    assert_error(table, lambda: create(employee_id=EMPLOYEE), 409, "too_many_links")
    assert create(employee_id=COLLEAGUE).status == 201


def test_create_link_after_revoking_one_at_limit_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, *_links(MAX_OPEN_LINKS - 1))
    link_requests.revoke()

    assert create(employee_id=EMPLOYEE).status == 201


# idempotency keys


def test_create_link_with_same_key_replays_without_url(seeded: Table) -> None:
    assert_replayed(
        seeded, lambda key: create(key=key, employee_id=EMPLOYEE), only_in_first_response=frozenset({"url"})
    )

    assert len(seeded.items_with_prefix(f"PARTNER#{PARTNER}")) == 2


def test_create_link_with_key_of_other_request_is_refused(seeded: Table) -> None:
    create(key="one", employee_id=EMPLOYEE)

    assert_error(seeded, lambda: create(key="one", employee_id=COLLEAGUE), 422, "idempotency_key_reused")


def test_create_link_with_key_of_other_caller_or_route_is_new_request(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    first = create(key="one", employee_id=EMPLOYEE)

    other = create(COLLEAGUE, key="one", employee_id=EMPLOYEE)
    resent = link_requests.resend(link_id=other.body["link_id"], key="one")

    assert (other.status, other.replayed, resent.status, resent.replayed) == (201, False, 200, False)
    assert first.body["link_id"] != other.body["link_id"]


def test_create_link_with_same_key_after_a_day_is_new_request(seeded: Table) -> None:
    first = create(key="one")
    (stored_response,) = seeded.items_with_prefix("IDEMPOTENCY#")
    assert (
        timedelta(hours=24) < timedelta(seconds=int(stored_response["ttl"]) - now().timestamp()) <= timedelta(hours=25)
    )
    link_requests.expire_idempotency_keys(seeded)

    again = create(key="one", link_days=3)

    assert (again.status, again.replayed) == (201, False)
    assert again.body["link_id"] != first.body["link_id"]


def test_create_link_with_missing_or_malformed_key_is_refused(seeded: Table) -> None:
    def send_request(key: str | None) -> Any:
        return lambda: call(
            f"POST {link_requests.LINKS}", MANAGER, {}, partner_id=PARTNER, headers={"idempotency-key": key}
        )  # fmt: skip

    assert_error(seeded, send_request(None), 400, "idempotency_key_required")
    for key in ("", '""', "x" * 256, "a b", "ключ", '"open'):
        assert_error(seeded, send_request(key), 400, "invalid_idempotency_key")


def test_create_link_with_same_key_after_error_is_new_request(seeded: Table) -> None:
    assert_error(seeded, lambda: create(EMPLOYEE, key="one"), 403, "forbidden")
    link_requests.put_member(PARTNER, EMPLOYEE, permission_set="super_admin")

    assert create(EMPLOYEE, key="one").status == 201


def test_create_link_replay_after_creator_lost_access_returns_response(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    first = create(key="one", employee_id=EMPLOYEE)
    link_requests.put_member(PARTNER, MANAGER, active=False)

    with assert_unchanged(table):
        again = create(key="one", employee_id=EMPLOYEE)

    assert (again.status, again.replayed) == (201, True)
    assert again.body["link_id"] == first.body["link_id"]


# concurrent changes


@pytest.mark.parametrize(
    ("concurrent_change", "status", "code"),
    [
        (lambda: link_requests.put_account(PARTNER, program="suspended"), 409, "not_eligible"),
        (lambda: link_requests.put_account(PARTNER, program="terminated"), 409, "not_eligible"),
        (lambda: link_requests.put_account(PARTNER, domains=["south.example"]), 409, "not_eligible"),
        (lambda: link_requests.put_user(EMPLOYEE, active=False), 409, "not_eligible"),
        (lambda: link_requests.put_user(EMPLOYEE, email="someone@elsewhere.example"), 409, "not_eligible"),
        (lambda: link_requests.put_member(PARTNER, EMPLOYEE, active=False), 409, "not_eligible"),
    ],
)
def test_create_link_with_eligibility_lost_before_commit_is_refused(
    table: Table, check_invariants: None, concurrent_change: Any, status: int, code: str
) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))

    response = send_during_change(table, concurrent_change, lambda: create(employee_id=EMPLOYEE))

    assert (response.status, response.code) == (status, code)


@pytest.mark.parametrize(
    ("concurrent_change", "status", "code"),
    [
        (lambda: link_requests.put_member(PARTNER, MANAGER, permission_set="view_only"), 403, "forbidden"),
        (lambda: link_requests.put_member(PARTNER, MANAGER, active=False), 404, "not_found"),
        (lambda: link_requests.put_user(MANAGER, active=False), 403, "forbidden"),
    ],
)
def test_create_link_with_permission_lost_before_commit_is_refused(
    table: Table, check_invariants: None, concurrent_change: Any, status: int, code: str
) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))

    response = send_during_change(table, concurrent_change, lambda: create(employee_id=EMPLOYEE))

    assert (response.status, response.code) == (status, code)


def test_create_link_by_user_deactivated_later_stays_valid(table: Table, check_invariants: None) -> None:
    """The link depends on its employee, not on its creator (domain.md rule 6)."""
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    response = create(employee_id=EMPLOYEE)
    link_requests.put_user(MANAGER, active=False)

    assert preview(secret=secret_of(response)).status == 200


def test_create_link_with_last_open_link_taken_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, *_links(MAX_OPEN_LINKS - 2))

    response = send_during_change(table, lambda: create(employee_id=EMPLOYEE), lambda: create(employee_id=EMPLOYEE))

    assert (response.status, response.code) == (409, "too_many_links")


def test_create_link_with_name_changed_before_commit_returns_new_name(seeded: Table) -> None:
    response = send_during_change(
        seeded, lambda: link_requests.put_user(EMPLOYEE, name="New"), lambda: create(employee_id=EMPLOYEE)
    )

    assert (response.status, response.body["employee"]["name"]) == (201, "New")


def test_create_link_with_repeated_conflicts_returns_rights_changed(seeded: Table) -> None:
    def change() -> None:
        user = seeded.get(keys.user(EMPLOYEE)) or {}
        seeded.change(keys.user(EMPLOYEE), version=user["version"] + 1)

    with before_commit(change, times=4):
        response = create(employee_id=EMPLOYEE)

    assert (response.status, response.code) == (409, "rights_changed")
    assert seeded.items_with_prefix("AUDIT#") == []


def test_create_link_by_super_admin_of_other_partner_is_refused(table: Table) -> None:
    """A super admin of one partner has no role in another."""
    south = the_partner(account_id="partner-south", name="South", domains=("south.example",))
    rival = User(version=1, user_id="user-rival", email="rival@south.example", name="Rival")
    seed(table, south, rival, a_member("user-rival", account_id="partner-south"), the_client(), a_user())

    assert_error(table, lambda: create("user-rival", employee_id=EMPLOYEE), 404, "not_found")
    assert_error(
        table, lambda: create("user-rival", partner_id="partner-south", employee_id=EMPLOYEE), 409, "not_eligible"
    )
    assert violations(table.items()) == []


def test_create_link_stores_attributes_of_link(seeded: Table) -> None:
    link_id = create(employee_id=EMPLOYEE).body["link_id"]

    stored_link = seeded.get(keys.link(PARTNER, link_id)) or {}
    assert stored_link["due_at"] == stored_link["expires_at"]
    assert set(item(an_open_link())) - {"access_days", "access_ends_on", "purpose", "locale", "recipient", "account_id", "resent_at"} <= {
        *stored_link, "removed",
    }  # fmt: skip
