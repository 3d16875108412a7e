"""Mailing: whom each letter goes to, in which language, and what becomes of one copy of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.decisions import Letter, LetterKind, Locale
from partner_access.domain.links import SECRETS_AT_ONCE, Link
from partner_access.domain.links import Standing as LinkStanding
from partner_access.domain.mailing import (
    FINAL,
    LETTER_STATE,
    NOT_GONE,
    SETTLE,
    Delivery,
    MailingFacts,
    Outcome,
    Queued,
    Standing,
    after,
    is_outdated,
    recipients,
    without_a_secret,
)
from partner_access.domain.people import Actor, User
from tests.builders import (
    APPROVER,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
BOSS, CREATOR, RECIPIENT = "user-approver@bakery.example", "user-creator@north.example", "owner@bakery.example"
EMPLOYEES = f"{EMPLOYEE}@north.example"
MANY = {LetterKind.ACCESS_GRANTED, LetterKind.LINK_DECLINED, LetterKind.SUPER_ADMIN_MIGRATED, LetterKind.USER_CREATED}


def a_letter(kind: LetterKind = LetterKind.ACCESS_GRANTED) -> Letter:
    return Letter(kind=kind, employee_id=EMPLOYEE, partner_id=PARTNER)


def facts(kind: LetterKind = LetterKind.ACCESS_GRANTED, **changes: Any) -> MailingFacts:
    return MailingFacts(
        **{
            "letter": a_letter(kind),
            "employee": an_employee(),
            "actor": a_user(),
            "creator": an_employee("user-creator"),
            "partner": the_partner(),
            "account": the_client(),
            "link": a_link(recipient=RECIPIENT),
            "super_admins": (an_actor(),),
            "addressee": None,
            "suppressed": frozenset(),
            **changes,
        }
    )


def told(made: MailingFacts) -> list[str]:
    return [address for address, _ in recipients(made, NOW)]


@pytest.mark.parametrize(
    ("kind", "people"),
    [
        (LetterKind.LINK_TO_APPROVE, [RECIPIENT]),
        (LetterKind.ACCESS_GRANTED, [EMPLOYEES, CREATOR, BOSS]),
        (LetterKind.LINK_DECLINED, [EMPLOYEES, CREATOR]),
        (LetterKind.LINK_EXPIRED, [CREATOR]),
        (LetterKind.LINK_ASKED_ANEW, [CREATOR]),
        (LetterKind.SUPER_ADMIN_MIGRATED, [EMPLOYEES, BOSS]),
        (LetterKind.USER_CREATED, [EMPLOYEES, BOSS]),
    ],
)
def test_whom_each_letter_goes_to(kind: LetterKind, people: list[str]) -> None:
    assert told(facts(kind)) == people
    assert told(facts(kind, suppressed=frozenset(people))) == []


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        ({"employee": None}, [CREATOR, BOSS]),
        ({"employee": an_employee(active=False)}, [CREATOR, BOSS]),
        ({"employee": an_employee(email=None)}, [CREATOR, BOSS]),
        ({"creator": an_employee()}, [EMPLOYEES, BOSS]),
        ({"suppressed": frozenset({EMPLOYEES, BOSS})}, [CREATOR]),
        ({"super_admins": ()}, [EMPLOYEES, CREATOR]),
        ({"super_admins": (an_actor(a_user(active=False)),)}, [EMPLOYEES, CREATOR]),
        ({"super_admins": (an_actor(member=a_member(active=False)),)}, [EMPLOYEES, CREATOR]),
        ({"super_admins": (Actor(an_employee(APPROVER), a_partner_admin(), the_partner()),)}, [EMPLOYEES, CREATOR]),
        ({"super_admins": (an_actor(), an_actor())}, [EMPLOYEES, CREATOR, BOSS]),
    ],
)
def test_nobody_is_told_who_left_or_bounced_and_nobody_twice(changes: Mapping[str, Any], people: list[str]) -> None:
    assert told(facts(**changes)) == people


@pytest.mark.parametrize("link", [None, a_link()])
def test_a_link_without_a_recipient_is_sent_to_nobody(link: Link | None) -> None:
    assert told(facts(LetterKind.LINK_TO_APPROVE, link=link)) == []


@pytest.mark.parametrize(
    ("link", "addressee", "language"),
    [
        (None, None, Locale.EN),
        (None, Locale.JA, Locale.JA),
        (Locale.EN, Locale.JA, Locale.EN),
        (Locale.JA, None, Locale.JA),
    ],
)
def test_the_recipient_reads_the_language_of_the_link_and_then_his_own(
    link: Locale | None, addressee: Locale | None, language: Locale
) -> None:
    made = facts(
        LetterKind.LINK_TO_APPROVE,
        link=a_link(recipient=RECIPIENT, locale=link),
        addressee=a_user(email=RECIPIENT, locale=addressee) if addressee else None,
    )

    assert recipients(made, NOW) == ((RECIPIENT, language),)


@pytest.mark.parametrize(
    ("changes", "languages"),
    [
        ({}, {EMPLOYEES: "en", CREATOR: "en", BOSS: "en"}),
        ({"account": the_client(locale=Locale.JA)}, {EMPLOYEES: "en", CREATOR: "en", BOSS: "ja"}),
        ({"partner": the_partner(locale=Locale.JA)}, {EMPLOYEES: "ja", CREATOR: "ja", BOSS: "en"}),
        ({"employee": an_employee(locale=Locale.JA)}, {EMPLOYEES: "ja", CREATOR: "en", BOSS: "en"}),
        ({"partner": None, "account": the_client(locale=Locale.JA)}, {EMPLOYEES: "ja", CREATOR: "en", BOSS: "ja"}),
        ({"partner": None, "account": None}, {EMPLOYEES: "en", CREATOR: "en", BOSS: "en"}),
    ],
)
def test_people_read_their_own_language_or_their_accounts(
    changes: Mapping[str, Any], languages: dict[str, str]
) -> None:
    assert dict(recipients(facts(**changes), NOW)) == languages


@pytest.mark.parametrize("kind", LetterKind)
def test_an_account_is_named_only_where_it_has_acted(kind: LetterKind) -> None:
    made = facts(kind)

    assert made.named_account == (the_client() if kind in MANY else None)
    assert made.is_about_a_secret is (kind is LetterKind.LINK_TO_APPROVE)


# copies


def a_delivery(**changes: Any) -> Delivery:
    return Delivery(
        **{
            "delivery_id": "d",
            "standing": Standing.PENDING,
            "next_at": NOW,
            "attempt": "a",
            "attempts": 0,
            **changes,
        }
    )


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize(("next_at", "due"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_a_copy_is_taken_up_when_it_is_due_and_not_settled(standing: Standing, next_at: Any, due: bool) -> None:
    delivery = a_delivery(standing=standing, next_at=next_at)

    assert delivery.is_free_at(NOW) is (due and standing not in FINAL)
    assert delivery.waits_until == (None if standing in FINAL else next_at)


def test_only_what_waits_or_is_under_way_is_not_settled() -> None:
    assert set(Standing) - FINAL == {Standing.PENDING, Standing.SENDING}
    assert set(LETTER_STATE) == FINAL


def queued(kind: LetterKind = LetterKind.LINK_TO_APPROVE) -> Queued:
    return Queued(outbox_id="o", queued_at=NOW, next_at=NOW, letter=a_letter(kind))


@pytest.mark.parametrize(
    ("made", "link", "outdated"),
    [
        (queued(), a_link(resent=(NOW + SECOND,)), True),
        (queued(), a_link(resent=(NOW,)), False),
        (queued(), a_link(resent=(NOW - SECOND,)), False),
        (queued(), a_link(), False),
        (queued(), None, False),
        (queued(LetterKind.LINK_DECLINED), a_link(resent=(NOW + SECOND,)), False),
    ],
)
def test_a_later_letter_stands_for_an_earlier_one_of_the_same_link(
    made: Queued, link: Link | None, outdated: bool
) -> None:
    assert is_outdated(made, link) is outdated


@pytest.mark.parametrize(
    ("outcome", "attempts", "standing", "pause"),
    [
        (Outcome.SENT, 1, Standing.SENT, 0),
        (Outcome.REJECTED, 1, Standing.FAILED, 0),
        (Outcome.UNCLEAR, 1, Standing.SENDING, 300),
        (Outcome.UNCLEAR, 7, Standing.SENDING, 300),
        (Outcome.NOT_NOW, 1, Standing.PENDING, 30),
        (Outcome.NOT_NOW, 2, Standing.PENDING, 60),
        (Outcome.NOT_NOW, 5, Standing.PENDING, 480),
        (Outcome.NOT_NOW, 6, Standing.PENDING, 600),
        (Outcome.NOT_NOW, 10_000, Standing.PENDING, 600),
        (Outcome.PAUSED, 1, Standing.PENDING, 30),
    ],
)
def test_what_becomes_of_a_copy(outcome: Outcome, attempts: int, standing: Standing, pause: int) -> None:
    assert after(outcome, attempts, NOW) == (standing, NOW + timedelta(seconds=pause))


def test_only_a_lost_answer_may_have_gone_and_it_settles_before_it_is_tried_again() -> None:
    assert {outcome for outcome in Outcome if outcome not in NOT_GONE} == {Outcome.SENT, Outcome.UNCLEAR}
    assert after(Outcome.UNCLEAR, 1, NOW)[1] == NOW + SETTLE


FULL = frozenset(map(str, range(SECRETS_AT_ONCE)))


@pytest.mark.parametrize(
    ("link", "standing"),
    [
        (a_link(secrets=FULL), Standing.FAILED),
        (a_link(secrets=FULL, expires_at=NOW + SECOND), Standing.FAILED),
        (a_link(secrets=FULL, expires_at=NOW), Standing.CANCELLED),
        (a_link(secrets=FULL, standing=LinkStanding.REVOKED), Standing.CANCELLED),
        (a_link(secrets=FULL, approvals=1), Standing.CANCELLED),
        (a_link(), Standing.CANCELLED),
        (None, Standing.CANCELLED),
    ],
)
def test_a_copy_without_a_secret_failed_only_while_its_link_is_open(link: Link | None, standing: Standing) -> None:
    assert without_a_secret(link, NOW) is standing


@pytest.mark.parametrize("kind", [LetterKind.LINK_EXPIRED, LetterKind.LINK_ASKED_ANEW])
@pytest.mark.parametrize("creator", [None, an_employee("user-creator", active=False)])
def test_whom_a_link_names_stands_in_for_a_creator_who_left(kind: LetterKind, creator: User | None) -> None:
    assert told(facts(kind, creator=creator)) == [EMPLOYEES]
