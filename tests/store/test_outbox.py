"""Letters on their way, in the table: queued, claimed, minted, settled, reported; each step under its condition."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.email_delivery import SETTLE, Delivery, Queued, Standing
from partner_access.domain.links.links import Link
from partner_access.domain.links.links import Standing as LinkStanding
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.members import Place
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.store import dynamo, keys, outbox
from tests.support import faults
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, a_world, keep
from tests.support.table import Item, Table

NAME = "d" * 32
OUTBOX = "letter"
MINE, HIS = "attempt-1", "attempt-2"
SECOND = timedelta(seconds=1)
OTHER = Secret.read(Secret.write(PARTNER, LINK, "d" * 43))
THIRD = Secret.read(Secret.write(PARTNER, LINK, "e" * 43))
LETTER = Letter(kind=LetterKind.LINK_TO_APPROVE, employee_id=EMPLOYEE, partner_id=PARTNER, link_id=LINK)


def claim(attempt: str = MINE, at: Any = NOW, link: Link | None = None) -> Delivery:
    queued = Queued(outbox_id=OUTBOX, queued_at=NOW, next_at=NOW, notification=LETTER)
    return outbox.claim(queued, link, NAME, attempt, at)


def kept(table: Table) -> Item:
    found = table.get(keys.delivery(NAME))
    assert found
    return found


def keep_copy(table: Table, **changes: Any) -> Delivery:
    usual = {
        "delivery_id": NAME,
        "outbox_id": OUTBOX,
        "delivery_status": "sending",
        "next_at": NOW,
        "attempt": HIS,
        "attempts": 1,
    }
    copy = Delivery(**{**usual, **changes})
    table.put(keys.delivery(NAME), dict(copy))
    return copy


def link(table: Table) -> Item:
    found = table.get(keys.link(PARTNER, LINK))
    assert found
    return found


# queued


def queue(table: Table, name: str, **changes: Any) -> Item:
    item = {"outbox_id": name, "queued_at": NOW, "next_at": NOW, "notification": LETTER, **changes}
    table.put(keys.outbox(name), item)
    found = table.get(keys.outbox(name))
    assert found
    return found


def test_a_letter_is_found_by_its_name_and_in_its_shard(table: Table) -> None:
    items = [queue(table, f"{number:032x}") for number in range(20)]

    assert outbox.queued("0" * 32) == items[0]
    assert outbox.queued("f" * 32) is None
    assert sorted(outbox.all_queued(), key=lambda item: item["sk"]) == items
    assert len({item["pk"] for item in items}) > 4


@pytest.mark.parametrize(
    ("next_at", "due"),
    [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, True), ("soon", True), ([], True)],
)
def test_a_letter_is_due_at_its_time_or_when_it_has_none(table: Table, next_at: Any, *, due: bool) -> None:
    assert outbox.is_due(queue(table, "0" * 32, next_at=next_at), NOW) is due


def test_a_letter_is_put_off_or_done_with_and_does_not_come_back(table: Table) -> None:
    item = queue(table, "0" * 32)

    outbox.postpone(item, NOW + SECOND)
    assert table.items()[0]["next_at"] == int((NOW + SECOND).timestamp())
    outbox.done(item)
    outbox.done(item)
    outbox.postpone(item, NOW)

    assert table.items() == []


# claims


def test_a_copy_is_claimed_by_one(table: Table) -> None:
    mine, his = claim(MINE), claim(HIS)

    assert (mine.attempt, mine.delivery_status, mine.next_at, mine.attempts) == (MINE, "sending", NOW + SETTLE, 1)
    assert his == Delivery.model_validate(kept(table))
    assert his.attempt == MINE


def test_of_two_who_read_the_same_one_claims(table: Table) -> None:
    with before_commit(lambda: claim(HIS)):
        mine = claim(MINE)

    assert mine.attempt == HIS
    assert kept(table)["attempts"] == 1


def test_a_claim_whose_answer_was_lost_is_still_ones_own(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    with faults.at(dynamo.client(), "TransactWriteItems", faults.goes_unanswered):
        mine = claim(MINE)

    assert mine.attempt == MINE
    assert kept(table)["attempts"] == 1


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize(("next_at", "due"), [(NOW, True), (NOW + SECOND, False)])
@pytest.mark.parametrize("moment", ["seen", "unseen"])
def test_only_what_is_due_and_not_settled_is_claimed(
    table: Table, standing: Standing, next_at: Any, moment: str, *, due: bool
) -> None:
    """Unseen: by what was read it was free, so that the condition has to tell."""
    free = due and standing in {Standing.PENDING, Standing.SENDING}
    if moment == "seen":
        keep_copy(table, delivery_status=standing, next_at=next_at)
        claimed = claim()
    else:
        with before_commit(lambda: keep_copy(table, delivery_status=standing, next_at=next_at)):
            claimed = claim()

    assert (claimed.attempt == MINE) is free
    assert kept(table)["attempt"] == (MINE if free else HIS)


def test_what_is_settled_costs_a_read(table: Table) -> None:
    keep_copy(table, delivery_status="sent")

    with faults.at(dynamo.client(), "") as requests:
        claim()

    assert len(requests) == 1


@pytest.mark.parametrize(
    ("standing", "before", "after"), [("sending", 0, 1), ("sending", 2, 3), ("pending", 0, 0), ("pending", 2, 2)]
)
def test_answers_that_were_lost_are_counted_for_good(table: Table, standing: str, before: int, after: int) -> None:
    keep_copy(table, delivery_status=standing, unclear_attempts=before, attempts=4)

    claimed = claim()

    assert (claimed.unclear_attempts, claimed.attempts) == (after, 5)
    assert kept(table)["ttl"] == int((NOW + outbox.KEPT_FOR).timestamp())


def test_a_copy_remembers_which_link_it_speaks_for_if_it_brings_its_secret(table: Table) -> None:
    assert claim(link=a_link(resent_at=(NOW,))).resent_at == (NOW,)
    assert kept(table)["link_id"] == LINK
    table.remove(keys.delivery(NAME))
    assert claim().link_id is None


def test_a_copy_of_before_letters_were_named_is_taken_up_again_and_names_its_letter(table: Table) -> None:
    keep_copy(table, delivery_status="pending", outbox_id=None)
    assert "outbox_id" not in kept(table)

    claim()

    assert kept(table)["outbox_id"] == OUTBOX


# secrets


def minted(table: Table, seen: Link | None = None, **changes: Any) -> bool:
    now = a_link(**changes)
    table.keep(now)
    return outbox.mint(seen or now, OTHER, NOW)


def test_a_secret_opens_the_link_beside_those_before(table: Table) -> None:
    assert minted(table)
    assert link(table)["secrets"] == {SECRET.fingerprint, OTHER.fingerprint}


def test_a_link_without_any_secret_gets_its_first(table: Table) -> None:
    assert minted(table, secrets=frozenset())
    assert link(table)["secrets"] == {OTHER.fingerprint}


@pytest.mark.parametrize(
    "changes",
    [
        {"stored_state": LinkStanding.REVOKED},
        {"stored_state": LinkStanding.DECLINED},
        {"stored_state": LinkStanding.EXPIRED},
        {"expires_at": NOW},
        {"approvals": 1},
        {"secrets": frozenset({"a", "b", "c"})},
    ],
)
def test_an_ended_link_gets_no_secret_and_no_link_a_fourth(table: Table, changes: dict[str, Any]) -> None:
    before = a_link(**changes).secrets

    assert not minted(table, **changes)
    assert link(table)["secrets"] == before


def test_a_link_that_was_sent_again_gets_no_secret_of_an_earlier_letter(table: Table) -> None:
    assert not minted(table, seen=a_link(), resent_at=(NOW,))
    assert link(table)["secrets"] == {SECRET.fingerprint}


# what becomes of a copy


def test_what_stands_for_a_letter_to_nobody_is_as_a_copy_that_is_done_with(table: Table) -> None:
    queue(table, OUTBOX)
    name = outbox.delivery_id(OUTBOX, "")

    outbox.done_for_nobody(Queued(outbox_id=OUTBOX, queued_at=NOW, next_at=NOW, notification=LETTER), NOW)

    found = table.get(keys.delivery(name)) or {}
    assert outbox.delivery(name) == Delivery(
        delivery_id=name, outbox_id=OUTBOX, delivery_status=Standing.CANCELLED, next_at=NOW, attempt="", attempts=0
    )
    assert found["ttl"] == int((NOW + timedelta(days=90)).timestamp())
    assert outbox.queued(OUTBOX) is None


@pytest.mark.parametrize("earlier", [(), ("boss@bakery.example",)])
def test_a_bounce_stops_mail_to_its_address_once_more_or_not(table: Table, copy: Delivery, earlier: tuple[str]) -> None:
    for address in earlier:
        table.put(keys.suppressed(address), {"delivery_id": "another"})

    assert outbox.record_feedback(copy, Standing.BOUNCED, ["boss@bakery.example"])

    assert kept(table)["delivery_status"] == "bounced"
    assert (table.get(keys.suppressed("boss@bakery.example")) or {})["delivery_id"] == NAME


@pytest.fixture
def copy(table: Table) -> Delivery:
    """My copy of the letter with the link, under way, and its secret minted."""
    known = a_link(delivery_status="queued", secrets=frozenset({SECRET.fingerprint, OTHER.fingerprint}))
    table.keep(known)
    return claim(link=known)


@pytest.mark.parametrize(
    ("standing", "shown"),
    [
        (Standing.SENT, "sent"),
        (Standing.FAILED, "failed"),
        (Standing.CANCELLED, "failed"),
        (Standing.PENDING, "queued"),
        (Standing.SENDING, "queued"),
    ],
)
@pytest.mark.parametrize("unsent", [OTHER, None])
def test_a_copy_is_settled_and_the_link_shows_it(
    table: Table, copy: Delivery, standing: Standing, shown: str, unsent: Secret | None
) -> None:
    outbox.settle(copy, standing, NOW + SECOND, unsent)

    assert (kept(table)["delivery_status"], kept(table)["next_at"]) == (standing, int((NOW + SECOND).timestamp()))
    assert link(table)["delivery_status"] == shown
    assert (OTHER.fingerprint in link(table)["secrets"]) is (unsent is None)


@pytest.mark.parametrize("change", [{"delivery_status": "bounced"}, {"attempt": HIS}])
@pytest.mark.parametrize("unsent", [OTHER, None])
def test_whoever_knows_better_is_right_but_an_unsent_secret_goes(
    table: Table, copy: Delivery, change: dict[str, str], unsent: Secret | None
) -> None:
    table.change(keys.delivery(NAME), **change)
    before = kept(table)

    outbox.settle(copy, Standing.FAILED, NOW + SECOND, unsent)

    assert kept(table) == before
    assert link(table)["delivery_status"] == "queued"
    assert (OTHER.fingerprint in link(table)["secrets"]) is (unsent is None)


@pytest.mark.parametrize("unsent", [OTHER, None])
def test_a_link_that_was_sent_again_is_told_nothing(table: Table, copy: Delivery, unsent: Secret | None) -> None:
    table.change(keys.link(PARTNER, LINK), resent_at=[int(NOW.timestamp())])

    outbox.settle(copy, Standing.FAILED, NOW, unsent)

    assert kept(table)["delivery_status"] == "failed"
    assert link(table)["delivery_status"] == "queued"
    assert (OTHER.fingerprint in link(table)["secrets"]) is (unsent is None)


def test_a_secret_that_is_not_there_any_more_is_dropped_in_peace(table: Table, copy: Delivery) -> None:
    outbox.settle(copy, Standing.PENDING, NOW, THIRD)

    assert link(table)["secrets"] == {SECRET.fingerprint, OTHER.fingerprint}


def test_a_secret_that_is_dropped_makes_no_link_of_one_that_is_not_there(table: Table, copy: Delivery) -> None:
    table.remove(keys.link(PARTNER, LINK))

    outbox.settle(copy, Standing.FAILED, NOW, OTHER)

    assert table.get(keys.link(PARTNER, LINK)) is None


def test_a_copy_about_no_link_settles_alone(table: Table) -> None:
    outbox.settle(claim(), Standing.SENT, NOW)

    assert kept(table)["delivery_status"] == "sent"
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
def test_a_letter_that_may_go_nowhere_is_given_up_only_while_it_waits(
    table: Table, changes: dict[str, Any], shown: str
) -> None:
    table.keep(a_link(**{"delivery_status": "queued", **changes}))

    outbox.give_up(a_link(delivery_status="queued"))

    assert link(table)["delivery_status"] == shown


# facts


def test_a_letter_finds_the_people_and_things_that_it_names(table: Table) -> None:
    a_world(table, a_link(recipient="reader@client.example"), a_user("user-reader", email="reader@client.example"))
    for address in ("reader@client.example", f"{EMPLOYEE}@north.example"):
        table.put(keys.suppressed(address), {})
    letter = LETTER.model_copy(update={"actor_id": APPROVER, "link_created_by": EMPLOYEE, "account_id": CLIENT})

    facts = outbox.facts(letter, NOW)

    assert facts.employee == facts.creator
    assert facts.employee
    assert facts.employee.user_id == EMPLOYEE
    assert facts.actor
    assert facts.actor.user_id == APPROVER
    assert facts.partner
    assert facts.account
    assert (facts.partner.account_id, facts.account.account_id) == (PARTNER, CLIENT)
    assert facts.link
    assert facts.addressee
    assert (facts.link.link_id, facts.addressee.user_id) == (LINK, "user-reader")
    assert [each.user and each.user.user_id for each in facts.super_admins] == [APPROVER]
    assert facts.suppressed == {"reader@client.example", f"{EMPLOYEE}@north.example"}


def test_a_letter_that_names_nobody_known_finds_nothing(table: Table) -> None:
    facts = outbox.facts(Letter(kind=LetterKind.MEMBER_CREATED, employee_id="nobody"), NOW)

    assert (facts.employee, facts.actor, facts.creator, facts.partner, facts.account, facts.link) == (None,) * 6
    assert (facts.addressee, facts.super_admins, facts.suppressed) == (None, (), frozenset())


def test_a_letter_about_a_partner_finds_the_super_admins_without_a_person(table: Table) -> None:
    a_world(table)

    facts = outbox.facts(Letter(kind=LetterKind.PROGRAM_STOPPED, partner_id=PARTNER, account_id=CLIENT), NOW)

    assert facts.employee is None
    assert [each.user and each.user.user_id for each in facts.super_admins] == [APPROVER]


def test_a_super_admin_who_is_there_for_a_partner_comes_with_it(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, partner_id=PARTNER))

    facts = outbox.facts(Letter(kind=LetterKind.ACCESS_ENDED, employee_id=CLERK, account_id=CLIENT), NOW)

    assert [each.is_super_admin_at(NOW) for each in facts.super_admins] == [True, True]


ORPHANED = Letter(kind=LetterKind.ACCOUNT_ORPHANED, employee_id=APPROVER, account_id=CLIENT)


@pytest.mark.parametrize("kind", [LetterKind.ACCOUNT_ORPHANED, LetterKind.MEMBER_RETAINED])
def test_a_letter_on_an_account_without_super_admins_finds_its_members(table: Table, kind: LetterKind) -> None:
    a_world(table, a_user(APPROVER, active=False), a_partner_admin())
    table.put(keys.suppressed("user-clerk@bakery.example"), {})

    facts = outbox.facts(ORPHANED.model_copy(update={"kind": kind}), NOW)

    assert [each.user and each.user.user_id for each in facts.members] == [CLERK]
    assert facts.suppressed == {"user-clerk@bakery.example"}


def test_a_member_who_was_there_for_a_partner_before_comes_with_it(table: Table) -> None:
    own = Place(permission_set="sales", set_version=1)
    a_world(table, the_partner(terminations=1), a_user(APPROVER, active=False), a_partner_admin(previous=own))

    facts = outbox.facts(ORPHANED, NOW)

    assert [(each.user and each.user.user_id, list(each.firms)) for each in facts.members] == [
        (CLERK, []),
        (EMPLOYEE, [PARTNER]),
    ]


@pytest.mark.parametrize("changes", [{"kind": LetterKind.ACCESS_ENDED}, {"account_id": None}])
def test_no_other_letter_looks_for_members(table: Table, changes: dict[str, Any]) -> None:
    a_world(table)

    with faults.at(dynamo.client(), "Query") as queries:
        facts = outbox.facts(ORPHANED.model_copy(update=changes), NOW)

    assert facts.members == ()
    assert len(queries) == 0


def a_crowd(table: Table, unsuitable: int, suitable: int) -> list[str]:
    """Those who may stand in, after others who may not."""
    away = [f"user-a{number:03}" for number in range(unsuitable)]
    many = [f"user-b{number:03}" for number in range(suitable)]
    gone = (a_user(each, active=False) for each in away)
    keep(table, [the_client(), *gone, *map(a_user, many), *(a_member(each, "sales") for each in (*away, *many))])
    return many


@pytest.mark.parametrize(
    ("unsuitable", "suitable", "told", "pages"),
    [(0, 40, 25, 1), (0, 25, 25, 1), (1, 40, 25, 2), (30, 10, 10, 2), (90, 40, 10, 4), (100, 40, 0, 4)],
)
def test_of_many_members_the_first_who_may_be_told_are_looked_for_so_far(
    table: Table, unsuitable: int, suitable: int, told: int, pages: int
) -> None:
    many = a_crowd(table, unsuitable, suitable)

    with faults.at(dynamo.client(), "") as requests:
        facts = outbox.facts(ORPHANED, NOW)

    assert [each.user and each.user.user_id for each in facts.members] == many[:told]
    assert len(requests) == 1 + 2 * pages + bool(told)


def test_an_address_of_nobody_known_has_no_reader(table: Table) -> None:
    keep(table, [a_link(recipient="reader@client.example"), an_employee(), the_partner()])

    assert outbox.facts(LETTER, NOW).addressee is None


def test_a_letter_costs_five_reads_at_most_however_many_are_told(table: Table) -> None:
    admins = [f"user-{number}" for number in range(90)]
    keep(table, [the_client(), the_partner(), an_employee(), *map(a_user, admins), *map(a_member, admins)])
    table.keep(a_link(recipient="reader@client.example"))
    table.put(keys.email("reader@client.example"), {"user_id": admins[0]})

    with faults.at(dynamo.client(), "") as requests:
        facts = outbox.facts(LETTER.model_copy(update={"account_id": CLIENT}), NOW)

    assert len(facts.super_admins) == 90
    assert facts.addressee == a_user(admins[0], locale=None)
    assert len(requests) <= 6


def test_the_name_of_a_copy_is_the_same_at_every_attempt_and_tells_no_address() -> None:
    names = {outbox.delivery_id("0" * 32, "a@b.example"), outbox.delivery_id("0" * 32, "a@b.example")}
    others = {outbox.delivery_id("1" * 32, "a@b.example"), outbox.delivery_id("0" * 32, "c@b.example")}

    assert len(names) == 1
    assert len(names | others) == 3
    assert all(set(name) <= set("0123456789abcdef") and len(name) == 32 for name in names | others)
