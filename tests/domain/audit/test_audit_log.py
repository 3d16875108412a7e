"""The trail: who reads what of it, over what time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountKind, Program
from partner_access.domain.audit import audit_log
from partner_access.domain.audit.audit_log import EPOCH, Reading, Share, Span, TrailFacts, Wanted
from partner_access.domain.errors import Forbidden, InvalidQuery, NotFound, Refused
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import DIRECTORY, AuditEntry
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    of_the_partner_for_a_day,
    the_client,
    the_partner,
)

CLERK, FLORIST = "user-clerk", "client-florist"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
AGO = NOW - 90 * DAY
ANY = Wanted()
ACCOUNTS = {each.account_id: each for each in (the_client(), the_partner(), the_client(account_id=FLORIST))}


def an_entry(**changes: Any) -> AuditEntry:
    return AuditEntry(
        **{
            "audit_id": "aud_1",
            "at": NOW,
            "event": "link.approved",
            "actor_id": APPROVER,
            "accounts": (CLIENT, PARTNER),
            "details": {"employee_id": EMPLOYEE, "link_id": "lnk_1"},
            **changes,
        }
    )


# what time


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, Span(AGO)),
        (None, NOW - DAY, Span(AGO - DAY, NOW - DAY)),
        (NOW - DAY, None, Span(NOW - DAY)),
        (NOW - DAY, NOW, Span(NOW - DAY, NOW)),
        (NOW, NOW, Span(NOW, NOW)),
        (AGO, NOW, Span(AGO, NOW)),
        (AGO - 900 * DAY, NOW - 900 * DAY, Span(AGO - 900 * DAY, NOW - 900 * DAY)),
        (None, EPOCH + DAY, Span(EPOCH, EPOCH + DAY)),
        (AGO - DAY, None, Span(AGO - DAY)),
        (NOW + DAY, None, Span(NOW + DAY)),
    ],
)
def test_the_last_ninety_days_unless_others_are_named(
    start: datetime | None, end: datetime | None, found: Span
) -> None:
    assert audit_log.span(start, end, NOW) == found


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOW, NOW - SECOND),
        (AGO - SECOND, NOW),
        (AGO - DAY - SECOND, None),
    ],
)
def test_never_backwards_nor_more_than_ninety_days(start: datetime, end: datetime | None) -> None:
    with pytest.raises(InvalidQuery) as refused:
        audit_log.span(start, end, NOW)

    assert [each["pointer"] for each in refused.value.errors] == ["/from", "/to"]


# who


def clerk(*added: str, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "view_only", added=added, **changes))


def at_the_partner(*added: str, **changes: Any) -> Actor:
    return an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER, added=added, **changes))


VIEW, CLIENT_ACCESS = "account.audit.view", "partner.client_access.manage"
HERE, THERE = the_client(), the_partner()


@pytest.mark.parametrize(
    ("account", "reader", "share"),
    [
        (HERE, an_actor(), Share.ALL),
        (HERE, clerk(VIEW), Share.ALL),
        (HERE, of_the_partner(), Share.ALL),
        (HERE, of_the_partner_for_a_day(), Share.ALL),
        (THERE, at_the_partner(VIEW), Share.ALL),
        (THERE, at_the_partner(CLIENT_ACCESS), Share.ALL),
        (THERE, at_the_partner(), Share.OWN),
    ],
)
def test_who_reads_how_much(account: Account, reader: Actor, share: Share) -> None:
    assert audit_log.read(TrailFacts(account=account, reader=reader), ANY, an_act()).share is share


@pytest.mark.parametrize(
    ("account", "reader", "refusal"),
    [
        (HERE, clerk(), Forbidden),
        (HERE, clerk("account.users.manage", CLIENT_ACCESS), Forbidden),
        (HERE, of_the_partner(member=a_partner_admin(removed=(VIEW,))), Forbidden),
        (HERE, of_the_partner(program=Program.SUSPENDED), Forbidden),
        (HERE, an_actor(a_user(active=False)), Forbidden),
        (HERE, clerk(VIEW, active=False), NotFound),
        (HERE, Actor(), NotFound),
        (THERE, at_the_partner(suspended_by=frozenset({SuspensionReason.CLIENT})), Forbidden),
        (THERE, at_the_partner(active=False), NotFound),
        (THERE, Actor(), NotFound),
        (None, an_actor(), NotFound),
    ],
)
def test_who_reads_nothing(account: Account | None, reader: Actor, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        audit_log.read(TrailFacts(account=account, reader=reader), ANY, an_act())


def test_the_vendor_reads_metadata_of_every_account_there_is() -> None:
    act = an_act("vendor", for_vendor=True)

    assert audit_log.read(TrailFacts(account=HERE, reader=Actor()), ANY, act).share is Share.METADATA
    assert audit_log.read(TrailFacts(account=THERE, reader=an_actor()), ANY, act).share is Share.METADATA
    with pytest.raises(NotFound):
        audit_log.read(TrailFacts(account=None, reader=Actor()), ANY, act)


def test_the_vendor_does_not_learn_by_a_filter_what_he_is_not_told() -> None:
    wanted = Wanted(user_id=EMPLOYEE)

    with pytest.raises(Forbidden):
        audit_log.read(TrailFacts(account=HERE, reader=Actor()), wanted, an_act("vendor", for_vendor=True))
    assert audit_log.read(TrailFacts(account=HERE, reader=an_actor()), wanted, an_act()).wanted == wanted


# what


def reading(share: Share = Share.ALL, *, account: Account = HERE, reader: str = APPROVER, **wanted: Any) -> Reading:
    return Reading(account=account, share=share, by=reader, wanted=Wanted(**wanted))


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [
        ({}, True),
        ({"event": "link.approved"}, True),
        ({"event": "link.declined"}, False),
        ({"actor_id": APPROVER}, True),
        ({"actor_id": EMPLOYEE}, False),
        ({"user_id": EMPLOYEE}, True),
        ({"user_id": APPROVER}, False),
        ({"account_id": PARTNER}, True),
        ({"account_id": CLIENT}, True),
        ({"account_id": "partner-south"}, False),
        ({"event": "link.approved", "actor_id": APPROVER, "user_id": EMPLOYEE, "account_id": PARTNER}, True),
        ({"event": "link.approved", "actor_id": APPROVER, "user_id": CLERK, "account_id": PARTNER}, False),
    ],
)
def test_entries_are_asked_for(wanted: dict[str, Any], is_taken: bool) -> None:
    assert reading(**wanted).of([an_entry()], ACCOUNTS) == ((an_entry(),) if is_taken else ())


@pytest.mark.parametrize(
    ("details", "subjects"),
    [
        ({}, set()),
        ({"user_id": CLERK}, {CLERK}),
        ({"employee_id": EMPLOYEE}, {EMPLOYEE}),
        ({"user_id": CLERK, "employee_id": EMPLOYEE, "link_id": "lnk_1"}, {CLERK, EMPLOYEE}),
    ],
)
def test_whom_an_entry_is_about(details: dict[str, Any], subjects: set[str]) -> None:
    assert audit_log.subjects_of(an_entry(details=details)) == subjects


def test_an_employee_reads_what_he_did_and_what_is_about_him() -> None:
    his, about_him = an_entry(actor_id=EMPLOYEE, details={}), an_entry()
    others = an_entry(details={"employee_id": CLERK})

    own = reading(Share.OWN, account=THERE, reader=EMPLOYEE)

    assert own.of([his, about_him, others], ACCOUNTS) == (his, about_him)


def test_whoever_reads_everything_reads_what_others_did() -> None:
    entry, reader = an_entry(), "user-somebody"

    assert reading(reader=reader).of([entry], ACCOUNTS) == (entry,)
    assert reading(Share.OWN, reader=reader).of([entry], ACCOUNTS) == ()


def test_the_vendor_is_told_no_details() -> None:
    entry = an_entry(accounts=(DIRECTORY, CLIENT, FLORIST))

    assert reading(Share.METADATA).of([entry], ACCOUNTS) == (entry.model_copy(update={"details": {}}),)


SHARED = an_entry(
    event="user.updated",
    accounts=(DIRECTORY, CLIENT, FLORIST, "client-unknown"),
    details={"user_id": CLERK, "orphaned": [CLIENT, FLORIST, "client-unknown"]},
)


def test_an_account_is_not_told_of_another_that_happens_to_share_an_entry() -> None:
    (told,) = reading().of([SHARED], ACCOUNTS)

    assert told.accounts == (CLIENT,)
    assert told.details == {"user_id": CLERK, "orphaned": [CLIENT]}


def test_nor_can_it_ask_for_it() -> None:
    assert reading(account_id=FLORIST).of([SHARED], ACCOUNTS) == ()
    assert len(reading(account_id=CLIENT).of([SHARED], ACCOUNTS)) == 1


def test_both_sides_of_an_act_are_told() -> None:
    entry = an_entry(accounts=(CLIENT, PARTNER))

    assert reading().of([entry], ACCOUNTS) == (entry,)
    assert reading(account=THERE).of([entry], ACCOUNTS) == (entry,)
    assert {each.kind for each in ACCOUNTS.values()} == set(AccountKind)
