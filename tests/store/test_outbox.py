"""Outbox in the table: queued notifications, claimed deliveries, link secrets and delivery results with conditions."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.email_delivery import RESULT_TIMEOUT, Delivery, DeliveryStatus, QueuedNotification
from partner_access.domain.links.links import Link, StoredLinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.store import dynamo, keys, outbox
from tests.support import faults
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    NOW,
    OTHER_SECRET,
    PARTNER,
    SECRET,
    a_custom_set,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, seed, store_records
from tests.support.table import Item, Table

NAME = "d" * 32
OUTBOX = "email"
OWN_ATTEMPT, OTHER_ATTEMPT = "attempt-1", "attempt-2"
SECOND = timedelta(seconds=1)
THIRD_SECRET = LinkSecret.read(LinkSecret.write(PARTNER, LINK, "e" * 43))
NOTIFICATION = Notification(
    kind=NotificationKind.LINK_TO_APPROVE, employee_id=EMPLOYEE, partner_id=PARTNER, link_id=LINK
)


def claim(attempt: str = OWN_ATTEMPT, at: Any = NOW, link: Link | None = None) -> Delivery:
    queued = QueuedNotification(outbox_id=OUTBOX, queued_at=NOW, next_at=NOW, notification=NOTIFICATION)
    return outbox.claim(queued, link, NAME, attempt, at)


def stored_delivery(table: Table) -> Item:
    found = table.get(keys.delivery(NAME))
    assert found
    return found


def store_delivery(table: Table, **changes: Any) -> Delivery:
    defaults = {
        "delivery_id": NAME,
        "outbox_id": OUTBOX,
        "delivery_status": "sending",
        "next_at": NOW,
        "attempt": OTHER_ATTEMPT,
        "attempts": 1,
    }
    delivery = Delivery(**{**defaults, **changes})
    table.put(keys.delivery(NAME), dict(delivery))
    return delivery


def stored_link(table: Table) -> Item:
    found = table.get(keys.link(PARTNER, LINK))
    assert found
    return found


# queue


def queue_item(table: Table, name: str, **changes: Any) -> Item:
    item = {"outbox_id": name, "queued_at": NOW, "next_at": NOW, "notification": NOTIFICATION, **changes}
    table.put(keys.outbox(name), item)
    found = table.get(keys.outbox(name))
    assert found
    return found


def test_queued_notification_is_found_by_id_and_in_shard(table: Table) -> None:
    items = [queue_item(table, f"{number:032x}") for number in range(20)]

    assert outbox.queued("0" * 32) == items[0]
    assert outbox.queued("f" * 32) is None
    assert sorted(outbox.all_queued(), key=lambda item: item["sk"]) == items
    assert len({item["pk"] for item in items}) > 4


@pytest.mark.parametrize(
    ("next_at", "due"),
    [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, True), ("soon", True), ([], True)],
)
def test_is_due_from_next_at_on_or_without_it(table: Table, next_at: Any, *, due: bool) -> None:
    assert outbox.is_due(queue_item(table, "0" * 32, next_at=next_at), NOW) is due


def test_postpone_after_done_does_not_restore_notification(table: Table) -> None:
    item = queue_item(table, "0" * 32)

    outbox.postpone(item, NOW + SECOND)
    assert table.items()[0]["next_at"] == int((NOW + SECOND).timestamp())
    outbox.complete(item)
    outbox.complete(item)
    outbox.postpone(item, NOW)

    assert table.items() == []


# claims


def test_claim_twice_returns_first_attempt(table: Table) -> None:
    first, second = claim(OWN_ATTEMPT), claim(OTHER_ATTEMPT)

    assert (first.attempt, first.delivery_status, first.next_at, first.attempts) == (
        OWN_ATTEMPT,
        "sending",
        NOW + RESULT_TIMEOUT,
        1,
    )
    assert second == Delivery.model_validate(stored_delivery(table))
    assert second.attempt == OWN_ATTEMPT


def test_claim_concurrently_succeeds_once(table: Table) -> None:
    with before_commit(lambda: claim(OTHER_ATTEMPT)):
        claimed = claim(OWN_ATTEMPT)

    assert claimed.attempt == OTHER_ATTEMPT
    assert stored_delivery(table)["attempts"] == 1


def test_claim_with_lost_response_returns_own_attempt(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    with faults.inject(dynamo.client(), "TransactWriteItems", faults.response_lost):
        claimed = claim(OWN_ATTEMPT)

    assert claimed.attempt == OWN_ATTEMPT
    assert stored_delivery(table)["attempts"] == 1


@pytest.mark.parametrize("status", DeliveryStatus)
@pytest.mark.parametrize(("next_at", "due"), [(NOW, True), (NOW + SECOND, False)])
@pytest.mark.parametrize("moment", ["before read", "after read"])
def test_claim_requires_due_and_not_final_delivery(
    table: Table, status: DeliveryStatus, next_at: Any, moment: str, *, due: bool
) -> None:
    """Check the claim. With "after read", the delivery changes after the read, so that only the condition can reject it."""
    free = due and status in {DeliveryStatus.PENDING, DeliveryStatus.SENDING}
    if moment == "before read":
        store_delivery(table, delivery_status=status, next_at=next_at)
        claimed = claim()
    else:
        with before_commit(lambda: store_delivery(table, delivery_status=status, next_at=next_at)):
            claimed = claim()

    assert (claimed.attempt == OWN_ATTEMPT) is free
    assert stored_delivery(table)["attempt"] == (OWN_ATTEMPT if free else OTHER_ATTEMPT)


def test_claim_of_final_delivery_costs_one_read(table: Table) -> None:
    store_delivery(table, delivery_status="sent")

    with faults.inject(dynamo.client(), "") as requests:
        claim()

    assert len(requests) == 1


@pytest.mark.parametrize(
    ("status", "before", "after"), [("sending", 0, 1), ("sending", 2, 3), ("pending", 0, 0), ("pending", 2, 2)]
)
def test_claim_counts_unclear_attempts(table: Table, status: str, before: int, after: int) -> None:
    store_delivery(table, delivery_status=status, unclear_attempts=before, attempts=4)

    claimed = claim()

    assert (claimed.unclear_attempts, claimed.attempts) == (after, 5)
    assert stored_delivery(table)["ttl"] == int((NOW + outbox.DELIVERY_TTL).timestamp())


def test_claim_with_link_stores_link_and_resends(table: Table) -> None:
    assert claim(link=a_link(resent_at=(NOW,))).resent_at == (NOW,)
    assert stored_delivery(table)["link_id"] == LINK
    table.remove(keys.delivery(NAME))
    assert claim().link_id is None


def test_claim_of_delivery_without_outbox_id_adds_it(table: Table) -> None:
    store_delivery(table, delivery_status="pending", outbox_id=None)
    assert "outbox_id" not in stored_delivery(table)

    claim()

    assert stored_delivery(table)["outbox_id"] == OUTBOX


# secrets


def mint_secret(table: Table, read_link: Link | None = None, **changes: Any) -> bool:
    now = a_link(**changes)
    table.put_records(now)
    return outbox.add_secret(read_link or now, OTHER_SECRET, NOW)


def test_mint_adds_secret_to_link(table: Table) -> None:
    assert mint_secret(table)
    assert stored_link(table)["secrets"] == {SECRET.fingerprint, OTHER_SECRET.fingerprint}


def test_mint_adds_first_secret(table: Table) -> None:
    assert mint_secret(table, secrets=frozenset())
    assert stored_link(table)["secrets"] == {OTHER_SECRET.fingerprint}


@pytest.mark.parametrize(
    "changes",
    [
        {"stored_state": StoredLinkState.REVOKED},
        {"stored_state": StoredLinkState.DECLINED},
        {"stored_state": StoredLinkState.EXPIRED},
        {"expires_at": NOW},
        {"approvals": 1},
        {"secrets": frozenset({"a", "b", "c"})},
    ],
)
def test_mint_for_ended_link_or_fourth_secret_is_refused(table: Table, changes: dict[str, Any]) -> None:
    before = a_link(**changes).secrets

    assert not mint_secret(table, **changes)
    assert stored_link(table)["secrets"] == before


def test_mint_for_link_resent_since_is_refused(table: Table) -> None:
    assert not mint_secret(table, read_link=a_link(), resent_at=(NOW,))
    assert stored_link(table)["secrets"] == {SECRET.fingerprint}


# delivery results


def test_done_for_nobody_stores_cancelled_delivery(table: Table) -> None:
    queue_item(table, OUTBOX)
    name = outbox.delivery_id(OUTBOX, "")

    outbox.complete_without_recipients(
        QueuedNotification(outbox_id=OUTBOX, queued_at=NOW, next_at=NOW, notification=NOTIFICATION), NOW
    )

    found = table.get(keys.delivery(name)) or {}
    assert outbox.delivery(name) == Delivery(
        delivery_id=name,
        outbox_id=OUTBOX,
        delivery_status=DeliveryStatus.CANCELLED,
        next_at=NOW,
        attempt="",
        attempts=0,
    )
    assert found["ttl"] == int((NOW + timedelta(days=90)).timestamp())
    assert outbox.queued(OUTBOX) is None


@pytest.mark.parametrize("earlier", [(), ("boss@bakery.example",)])
def test_record_feedback_bounce_suppresses_address(table: Table, delivery: Delivery, earlier: tuple[str]) -> None:
    for address in earlier:
        table.put(keys.suppressed(address), {"delivery_id": "another"})

    assert outbox.record_feedback(delivery, DeliveryStatus.BOUNCED, ["boss@bakery.example"])

    assert stored_delivery(table)["delivery_status"] == "bounced"
    assert (table.get(keys.suppressed("boss@bakery.example")) or {})["delivery_id"] == NAME


@pytest.fixture
def delivery(table: Table) -> Delivery:
    """Claim the delivery of a link's email. Its secret is already added to the link."""
    known = a_link(delivery_status="queued", secrets=frozenset({SECRET.fingerprint, OTHER_SECRET.fingerprint}))
    table.put_records(known)
    return claim(link=known)


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (DeliveryStatus.SENT, "sent"),
        (DeliveryStatus.FAILED, "failed"),
        (DeliveryStatus.CANCELLED, "failed"),
        (DeliveryStatus.PENDING, "queued"),
        (DeliveryStatus.SENDING, "queued"),
    ],
)
@pytest.mark.parametrize("unsent", [OTHER_SECRET, None])
def test_settle_updates_delivery_and_delivery_status_of_link(
    table: Table, delivery: Delivery, status: DeliveryStatus, shown: str, unsent: LinkSecret | None
) -> None:
    outbox.record_result(delivery, status, NOW + SECOND, unsent)

    assert (stored_delivery(table)["delivery_status"], stored_delivery(table)["next_at"]) == (
        status,
        int((NOW + SECOND).timestamp()),
    )
    assert stored_link(table)["delivery_status"] == shown
    assert (OTHER_SECRET.fingerprint in stored_link(table)["secrets"]) is (unsent is None)


@pytest.mark.parametrize("change", [{"delivery_status": "bounced"}, {"attempt": OTHER_ATTEMPT}])
@pytest.mark.parametrize("unsent", [OTHER_SECRET, None])
def test_settle_after_feedback_keeps_it_and_removes_unsent_secret(
    table: Table, delivery: Delivery, change: dict[str, str], unsent: LinkSecret | None
) -> None:
    table.change(keys.delivery(NAME), **change)
    before = stored_delivery(table)

    outbox.record_result(delivery, DeliveryStatus.FAILED, NOW + SECOND, unsent)

    assert stored_delivery(table) == before
    assert stored_link(table)["delivery_status"] == "queued"
    assert (OTHER_SECRET.fingerprint in stored_link(table)["secrets"]) is (unsent is None)


@pytest.mark.parametrize("unsent", [OTHER_SECRET, None])
def test_settle_does_not_update_link_resent_since(table: Table, delivery: Delivery, unsent: LinkSecret | None) -> None:
    table.change(keys.link(PARTNER, LINK), resent_at=[int(NOW.timestamp())])

    outbox.record_result(delivery, DeliveryStatus.FAILED, NOW, unsent)

    assert stored_delivery(table)["delivery_status"] == "failed"
    assert stored_link(table)["delivery_status"] == "queued"
    assert (OTHER_SECRET.fingerprint in stored_link(table)["secrets"]) is (unsent is None)


def test_settle_with_already_removed_secret_succeeds(table: Table, delivery: Delivery) -> None:
    outbox.record_result(delivery, DeliveryStatus.PENDING, NOW, THIRD_SECRET)

    assert stored_link(table)["secrets"] == {SECRET.fingerprint, OTHER_SECRET.fingerprint}


def test_settle_with_missing_link_does_not_create_it(table: Table, delivery: Delivery) -> None:
    table.remove(keys.link(PARTNER, LINK))

    outbox.record_result(delivery, DeliveryStatus.FAILED, NOW, OTHER_SECRET)

    assert table.get(keys.link(PARTNER, LINK)) is None


def test_settle_without_link_updates_only_delivery(table: Table) -> None:
    outbox.record_result(claim(), DeliveryStatus.SENT, NOW)

    assert stored_delivery(table)["delivery_status"] == "sent"
    assert [item["pk"] for item in table.items()] == [keys.delivery(NAME).pk]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "failed"),
        ({"delivery_status": "sent"}, "sent"),
        ({"delivery_status": "bounced"}, "bounced"),
        ({"resent_at": (NOW,)}, "queued"),
    ],
)
def test_give_up_fails_only_queued_notification(table: Table, changes: dict[str, Any], shown: str) -> None:
    table.put_records(a_link(**{"delivery_status": "queued", **changes}))

    outbox.record_failed_email(a_link(delivery_status="queued"))

    assert stored_link(table)["delivery_status"] == shown


# facts


def test_email_facts_include_named_records(table: Table) -> None:
    seed(table, a_link(recipient="reader@client.example"), a_user("user-reader", email="reader@client.example"))
    for address in ("reader@client.example", f"{EMPLOYEE}@north.example"):
        table.put(keys.suppressed(address), {})
    notification = NOTIFICATION.model_copy(
        update={"actor_id": APPROVER, "link_created_by": EMPLOYEE, "account_id": CLIENT}
    )

    facts = outbox.facts(notification, NOW)

    assert facts.employee == facts.creator
    assert facts.employee
    assert facts.employee.user_id == EMPLOYEE
    assert facts.actor
    assert facts.actor.user_id == APPROVER
    assert facts.partner
    assert facts.account
    assert (facts.partner.account_id, facts.account.account_id) == (PARTNER, CLIENT)
    assert facts.link
    assert facts.link_recipient
    assert (facts.link.link_id, facts.link_recipient.user_id) == (LINK, "user-reader")
    assert [each.user and each.user.user_id for each in facts.super_admins] == [APPROVER]
    assert facts.suppressed == {"reader@client.example", f"{EMPLOYEE}@north.example"}


def test_email_facts_of_unknown_ids_are_empty(table: Table) -> None:
    facts = outbox.facts(Notification(kind=NotificationKind.MEMBER_CREATED, employee_id="nobody"), NOW)

    assert (facts.employee, facts.actor, facts.creator, facts.partner, facts.account, facts.link) == (None,) * 6
    assert (facts.link_recipient, facts.super_admins, facts.suppressed) == (None, (), frozenset())


def test_email_facts_of_program_notification_include_super_admins(table: Table) -> None:
    seed(table)

    facts = outbox.facts(
        Notification(kind=NotificationKind.PROGRAM_STOPPED, partner_id=PARTNER, account_id=CLIENT), NOW
    )

    assert facts.employee is None
    assert [each.user and each.user.user_id for each in facts.super_admins] == [APPROVER]


def test_email_facts_include_partner_of_super_admin(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, partner_id=PARTNER))

    facts = outbox.facts(Notification(kind=NotificationKind.ACCESS_ENDED, employee_id=CLERK, account_id=CLIENT), NOW)

    assert [each.is_super_admin_at(NOW) for each in facts.super_admins] == [True, True]


ORPHANED = Notification(kind=NotificationKind.ACCOUNT_ORPHANED, employee_id=APPROVER, account_id=CLIENT)


@pytest.mark.parametrize("kind", [NotificationKind.ACCOUNT_ORPHANED, NotificationKind.MEMBER_RETAINED])
def test_email_facts_of_orphaned_account_include_members(table: Table, kind: NotificationKind) -> None:
    seed(table, a_user(APPROVER, active=False), a_partner_admin())
    table.put(keys.suppressed("user-clerk@bakery.example"), {})

    facts = outbox.facts(ORPHANED.model_copy(update={"kind": kind}), NOW)

    assert [each.user and each.user.user_id for each in facts.members] == [CLERK]
    assert facts.suppressed == {"user-clerk@bakery.example"}


def test_email_facts_omit_member_whose_access_for_partner_has_ended(table: Table) -> None:
    seed(table, the_partner(terminations=1), a_user(APPROVER, active=False), a_partner_admin())

    facts = outbox.facts(ORPHANED, NOW)

    assert [(each.user and each.user.user_id, list(each.partners)) for each in facts.members] == [(CLERK, [])]


@pytest.mark.parametrize(
    ("former_set", "name"),
    [(None, None), ("sales", "sales"), (CUSTOM_SET, a_custom_set().name), ("set_removed", None)],
)
def test_email_facts_name_former_set_while_it_exists(table: Table, former_set: str | None, name: str | None) -> None:
    seed(table, a_custom_set())
    ended = Notification(
        kind=NotificationKind.ACCESS_ENDED, employee_id=EMPLOYEE, account_id=CLIENT, former_set=former_set
    )

    assert outbox.facts(ended, NOW).former_set == name


@pytest.mark.parametrize("changes", [{"kind": NotificationKind.ACCESS_ENDED}, {"account_id": None}])
def test_email_facts_of_other_notifications_read_no_members(table: Table, changes: dict[str, Any]) -> None:
    seed(table)

    with faults.inject(dynamo.client(), "Query") as queries:
        facts = outbox.facts(ORPHANED.model_copy(update=changes), NOW)

    assert facts.members == ()
    assert len(queries) == 0


def many_members(table: Table, unsuitable: int, suitable: int) -> list[str]:
    """Create members who can be notified, sorted after members who cannot. Return the ids of the former."""
    unsuitable_ids = [f"user-a{number:03}" for number in range(unsuitable)]
    suitable_ids = [f"user-b{number:03}" for number in range(suitable)]
    inactive_users = (a_user(each, active=False) for each in unsuitable_ids)
    store_records(
        table,
        [
            the_client(),
            *inactive_users,
            *map(a_user, suitable_ids),
            *(a_member(each, "sales") for each in (*unsuitable_ids, *suitable_ids)),
        ],
    )
    return suitable_ids


@pytest.mark.parametrize(
    ("unsuitable", "suitable", "found", "pages"),
    [(0, 40, 25, 1), (0, 25, 25, 1), (1, 40, 25, 2), (30, 10, 10, 2), (90, 40, 10, 4), (100, 40, 0, 4)],
)
def test_email_facts_of_orphaned_account_read_limited_member_pages(
    table: Table, unsuitable: int, suitable: int, found: int, pages: int
) -> None:
    suitable_ids = many_members(table, unsuitable, suitable)

    with faults.inject(dynamo.client(), "") as requests:
        facts = outbox.facts(ORPHANED, NOW)

    assert [each.user and each.user.user_id for each in facts.members] == suitable_ids[:found]
    assert len(requests) == 1 + 2 * pages + bool(found)


def test_email_facts_of_unknown_address_have_no_addressee(table: Table) -> None:
    store_records(table, [a_link(recipient="reader@client.example"), an_employee(), the_partner()])

    assert outbox.facts(NOTIFICATION, NOW).link_recipient is None


def test_email_facts_cost_limited_reads_with_many_recipients(table: Table) -> None:
    admins = [f"user-{number}" for number in range(90)]
    store_records(table, [the_client(), the_partner(), an_employee(), *map(a_user, admins), *map(a_member, admins)])
    table.put_records(a_link(recipient="reader@client.example"))
    table.put(keys.email("reader@client.example"), {"user_id": admins[0]})

    with faults.inject(dynamo.client(), "") as requests:
        facts = outbox.facts(NOTIFICATION.model_copy(update={"account_id": CLIENT}), NOW)

    assert len(facts.super_admins) == 90
    assert facts.link_recipient == a_user(admins[0], locale=None)
    assert len(requests) <= 6


def test_delivery_id_is_stable_and_hides_address() -> None:
    names = {outbox.delivery_id("0" * 32, "a@b.example"), outbox.delivery_id("0" * 32, "a@b.example")}
    others = {outbox.delivery_id("1" * 32, "a@b.example"), outbox.delivery_id("0" * 32, "c@b.example")}

    assert len(names) == 1
    assert len(names | others) == 3
    assert all(set(name) <= set("0123456789abcdef") and len(name) == 32 for name in names | others)
