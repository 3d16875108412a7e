"""Mailing: whom each letter goes to, in which language, and what becomes of one copy of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from partner_access.domain.accounts import Account
from partner_access.domain.email_delivery import (
    FINAL,
    LETTER_STATE,
    NOT_GONE,
    SETTLE,
    Delivery,
    Leads,
    MailingFacts,
    Outcome,
    Queued,
    Recipient,
    Standing,
    after,
    is_outdated,
    recipients,
    without_a_secret,
)
from partner_access.domain.links.links import SECRETS_AT_ONCE, Link
from partner_access.domain.links.links import Standing as LinkStanding
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Place, SuspensionReason
from partner_access.domain.notifications import Letter, LetterKind, Locale
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_actor,
    an_employee,
    of_the_partner_for_a_day,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
BOSS, CREATOR, RECIPIENT = "user-approver@bakery.example", "user-creator@north.example", "owner@bakery.example"
EMPLOYEES = f"{EMPLOYEE}@north.example"
CLERK = "user-clerk@bakery.example"
BY_THE_PARTNER = {LetterKind.LINK_TO_APPROVE, LetterKind.LINK_EXPIRED, LetterKind.LINK_RENEWAL_REQUESTED}
ABOUT_A_PARTNER = {LetterKind.PROGRAM_STOPPED, LetterKind.PROGRAM_RESUMED}


def a_letter(kind: LetterKind = LetterKind.ACCESS_GRANTED, **changes: Any) -> Letter:
    return Letter(**{"kind": kind, "employee_id": EMPLOYEE, "partner_id": PARTNER, **changes})


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
            "members": (an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only")),),
            **changes,
        }
    )


def told(made: MailingFacts) -> list[str]:
    return [each.address for each in recipients(made, NOW)]


@pytest.mark.parametrize(
    ("kind", "people"),
    [
        (LetterKind.LINK_TO_APPROVE, [RECIPIENT]),
        (LetterKind.ACCESS_GRANTED, [EMPLOYEES, CREATOR, BOSS]),
        (LetterKind.LINK_DECLINED, [EMPLOYEES, CREATOR]),
        (LetterKind.LINK_EXPIRED, [CREATOR]),
        (LetterKind.LINK_RENEWAL_REQUESTED, [CREATOR]),
        (LetterKind.SUPER_ADMIN_MIGRATED, [EMPLOYEES, BOSS]),
        (LetterKind.MEMBER_CREATED, [EMPLOYEES, BOSS]),
        (LetterKind.ACCESS_CHANGED, [EMPLOYEES, BOSS]),
        (LetterKind.ACCESS_SUSPENDED, [EMPLOYEES, BOSS]),
        (LetterKind.ACCESS_RESUMED, [EMPLOYEES, BOSS]),
        (LetterKind.ACCESS_ENDED, [EMPLOYEES, BOSS]),
        (LetterKind.ACCESS_ENDING, [EMPLOYEES, CREATOR, BOSS]),
        (LetterKind.MEMBER_RETAINED, [BOSS]),
        (LetterKind.PROGRAM_STOPPED, [BOSS]),
        (LetterKind.PROGRAM_RESUMED, [BOSS]),
        (LetterKind.ACCOUNT_ORPHANED, [CLERK]),
    ],
)
def test_whom_each_letter_goes_to(kind: LetterKind, people: list[str]) -> None:
    assert told(facts(kind)) == people
    assert told(facts(kind, suppressed=frozenset(people))) == []


def led(made: MailingFacts) -> dict[str, Leads | None]:
    return {each.address: each.leads for each in recipients(made, NOW)}


def test_whose_access_has_ended_is_led_nowhere_but_who_may_see_it_is() -> None:
    assert led(facts(LetterKind.ACCESS_ENDED)) == {EMPLOYEES: None, BOSS: Leads.PERSON}
    assert led(facts(LetterKind.ACCESS_SUSPENDED)) == {EMPLOYEES: Leads.PERSON, BOSS: Leads.PERSON}
    himself = an_actor(an_employee(), a_member(EMPLOYEE))
    assert led(facts(LetterKind.ACCESS_ENDED, super_admins=(himself,))) == {EMPLOYEES: Leads.PERSON}


@pytest.mark.parametrize(("employed_by", "leads"), [({PARTNER}, Leads.LINKS), ({"partner-south"}, None)])
def test_only_who_works_for_the_partner_is_led_to_its_links(employed_by: set[str], leads: Leads | None) -> None:
    employee = an_employee(employed_by=frozenset(employed_by))
    assert led(facts(LetterKind.LINK_EXPIRED, employee=employee, creator=None)) == {EMPLOYEES: leads}
    assert led(facts(LetterKind.LINK_DECLINED, employee=employee)) == {EMPLOYEES: leads, CREATOR: Leads.LINKS}


@pytest.mark.parametrize(("permission_set", "leads"), [("super_admin", Leads.USERS), ("view_only", None)])
def test_who_stands_in_for_super_admins_is_led_to_the_users_he_manages(
    permission_set: str, leads: Leads | None
) -> None:
    member = an_actor(a_user("user-clerk"), a_member("user-clerk", permission_set))
    assert led(facts(LetterKind.ACCOUNT_ORPHANED, members=(member,))) == {CLERK: leads}


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
        (
            {"super_admins": (an_actor(an_employee(APPROVER), a_partner_admin(), firms=[the_partner()]),)},
            [EMPLOYEES, CREATOR],
        ),
        ({"super_admins": (of_the_partner_for_a_day(), an_actor())}, [EMPLOYEES, CREATOR, BOSS]),
        ({"super_admins": (an_actor(), an_actor())}, [EMPLOYEES, CREATOR, BOSS]),
    ],
)
def test_nobody_is_told_who_left_or_bounced_and_nobody_twice(changes: Mapping[str, Any], people: list[str]) -> None:
    assert told(facts(**changes)) == people


@pytest.mark.parametrize(("partner", "people"), [(PARTNER, [EMPLOYEES, BOSS]), (None, [EMPLOYEES])])
def test_the_client_is_told_of_a_change_only_if_it_is_about_somebody_of_a_partner(
    partner: str | None, people: list[str]
) -> None:
    assert told(facts(letter=a_letter(LetterKind.ACCESS_CHANGED, partner_id=partner))) == people


@pytest.mark.parametrize(
    "kind", [LetterKind.ACCESS_SUSPENDED, LetterKind.ACCESS_RESUMED, LetterKind.ACCESS_ENDED, LetterKind.ACCESS_ENDING]
)
def test_the_client_is_told_of_the_access_of_its_own_people_too(kind: LetterKind) -> None:
    made = facts(letter=a_letter(kind, partner_id=None), partner=None, creator=None)

    assert told(made) == [EMPLOYEES, BOSS]


@pytest.mark.parametrize(("who", "people"), [(EMPLOYEE, [BOSS]), (APPROVER, [EMPLOYEES])])
def test_who_left_is_not_told_so_even_if_he_stays_super_admin(who: str, people: list[str]) -> None:
    both = (an_actor(), an_actor(an_employee(), a_member(EMPLOYEE)))
    person = an_employee() if who == EMPLOYEE else a_user()
    letter = a_letter(LetterKind.MEMBER_RETAINED, employee_id=who)

    assert told(facts(letter=letter, employee=person, super_admins=both)) == people


@pytest.mark.parametrize("kind", sorted(ABOUT_A_PARTNER))
def test_a_letter_about_a_partner_needs_no_person(kind: LetterKind) -> None:
    made = facts(letter=a_letter(kind, employee_id=None), employee=None, actor=None, creator=None)

    assert told(made) == [BOSS]


BEFORE = Place(permission_set="view_only", set_version=1)


@pytest.mark.parametrize(
    ("member", "firms", "is_told"),
    [
        (a_member(APPROVER, "view_only"), (), True),
        (a_member(APPROVER, "sales", active=False), (), False),
        (a_partner_admin(APPROVER), (the_partner(),), False),
        (a_member(APPROVER, "sales", partner_id=PARTNER), (the_partner(),), False),
        (a_partner_admin(APPROVER, grant=a_grant(expires_at=NOW)), (the_partner(),), False),
        (a_partner_admin(APPROVER, previous=BEFORE), (the_partner(),), False),
        (a_partner_admin(APPROVER, previous=BEFORE, grant=a_grant(expires_at=NOW)), (the_partner(),), True),
        (a_partner_admin(APPROVER, previous=BEFORE), (the_partner(terminations=1),), True),
        (None, (), False),
    ],
)
def test_of_an_account_without_super_admins_its_own_active_people_are_told(
    member: Member | None, firms: tuple[Account, ...], is_told: bool
) -> None:
    one = Actor(a_user(), member, {firm.account_id: firm for firm in firms})

    assert told(facts(LetterKind.ACCOUNT_ORPHANED, members=(one,))) == [BOSS] * is_told


@pytest.mark.parametrize("user", [a_user(active=False), a_user(email=None), None])
def test_of_an_account_without_super_admins_nobody_is_told_who_left(user: User | None) -> None:
    made = facts(LetterKind.ACCOUNT_ORPHANED, members=(Actor(user, a_member(APPROVER, "view_only")),))

    assert told(made) == []


def test_the_last_super_admin_is_not_told_that_he_is_missed() -> None:
    letter = a_letter(LetterKind.ACCOUNT_ORPHANED, employee_id=APPROVER)
    made = facts(letter=letter, members=(an_actor(), an_actor(a_user("user-clerk"), a_member("user-clerk", "sales"))))

    assert told(made) == [CLERK]


@pytest.mark.parametrize("link", [None, a_link()])
def test_a_link_without_a_recipient_is_sent_to_nobody(link: Link | None) -> None:
    assert told(facts(LetterKind.LINK_TO_APPROVE, link=link)) == []


@pytest.mark.parametrize(("tenure", "people"), [(0, []), (1, [RECIPIENT])])
def test_a_link_whose_employees_access_was_ended_since_is_sent_to_nobody(tenure: int, people: list[str]) -> None:
    link, left = a_link(recipient=RECIPIENT, access_generation=tenure), an_employee(offboardings={PARTNER: 1})

    assert told(facts(LetterKind.LINK_TO_APPROVE, link=link, employee=left)) == people


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

    assert recipients(made, NOW) == (Recipient(RECIPIENT, language, Leads.REQUEST),)


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
    assert {each.address: each.locale for each in recipients(facts(**changes), NOW)} == languages


@pytest.mark.parametrize("kind", LetterKind)
def test_an_account_is_named_only_where_it_has_acted(kind: LetterKind) -> None:
    made = facts(kind)

    assert made.named_account == (None if kind in BY_THE_PARTNER else the_client())
    assert made.is_about_a_secret is (kind is LetterKind.LINK_TO_APPROVE)


# copies


def a_delivery(**changes: Any) -> Delivery:
    return Delivery(
        **{
            "delivery_id": "d",
            "outbox_id": "o",
            "delivery_status": Standing.PENDING,
            "next_at": NOW,
            "attempt": "a",
            "attempts": 0,
            **changes,
        }
    )


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize(("next_at", "due"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_a_copy_is_taken_up_when_it_is_due_and_not_settled(standing: Standing, next_at: Any, due: bool) -> None:
    delivery = a_delivery(delivery_status=standing, next_at=next_at)

    assert delivery.is_free_at(NOW) is (due and standing not in FINAL)
    assert delivery.waits_until == (None if standing in FINAL else next_at)


def test_only_what_waits_or_is_under_way_is_not_settled() -> None:
    assert set(Standing) - FINAL == {Standing.PENDING, Standing.SENDING}
    assert set(LETTER_STATE) == FINAL


def queued(kind: LetterKind = LetterKind.LINK_TO_APPROVE) -> Queued:
    return Queued(outbox_id="o", queued_at=NOW, next_at=NOW, notification=a_letter(kind))


@pytest.mark.parametrize("kind", LetterKind)
def test_a_letter_names_whom_it_is_about_unless_it_is_about_a_partner(kind: LetterKind) -> None:
    about: dict[str, Any] = {"outbox_id": "o", "queued_at": NOW, "next_at": NOW}

    assert Queued(**about, notification=a_letter(kind)).notification.employee_id == EMPLOYEE
    if kind in ABOUT_A_PARTNER:
        assert Queued(**about, notification=a_letter(kind, employee_id=None)).notification.employee_id is None
    else:
        with pytest.raises(ValidationError, match="Value error, the letter names nobody"):
            Queued(**about, notification=a_letter(kind, employee_id=None))


@pytest.mark.parametrize(
    ("made", "link", "outdated"),
    [
        (queued(), a_link(resent_at=(NOW + SECOND,)), True),
        (queued(), a_link(resent_at=(NOW,)), False),
        (queued(), a_link(resent_at=(NOW - SECOND,)), False),
        (queued(), a_link(), False),
        (queued(), None, False),
        (queued(LetterKind.LINK_DECLINED), a_link(resent_at=(NOW + SECOND,)), False),
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
        (a_link(secrets=FULL, stored_state=LinkStanding.REVOKED), Standing.CANCELLED),
        (a_link(secrets=FULL, approvals=1), Standing.CANCELLED),
        (a_link(), Standing.CANCELLED),
        (None, Standing.CANCELLED),
    ],
)
def test_a_copy_without_a_secret_failed_only_while_its_link_is_open(link: Link | None, standing: Standing) -> None:
    assert without_a_secret(link, NOW) is standing


@pytest.mark.parametrize("kind", [LetterKind.LINK_EXPIRED, LetterKind.LINK_RENEWAL_REQUESTED])
@pytest.mark.parametrize(
    "creator",
    [
        None,
        an_employee("user-creator", active=False),
        an_employee("user-creator", employed_by=frozenset()),
        an_employee("user-creator", employed_by=frozenset({"partner-south"})),
    ],
)
def test_whom_a_link_names_stands_in_for_a_creator_who_left(kind: LetterKind, creator: User | None) -> None:
    assert told(facts(kind, creator=creator)) == [EMPLOYEES]


@pytest.mark.parametrize("kind", [LetterKind.ACCESS_GRANTED, LetterKind.LINK_DECLINED, LetterKind.ACCESS_ENDING])
@pytest.mark.parametrize(
    ("firms", "is_told"),
    [({PARTNER}, True), ({PARTNER, "partner-south"}, True), ({"partner-south"}, False), (set(), False)],
)
def test_who_made_a_link_hears_of_it_while_he_works_for_the_partner(
    kind: LetterKind, firms: set[str], is_told: bool
) -> None:
    made = facts(kind, creator=an_employee("user-creator", employed_by=frozenset(firms)))

    assert (CREATOR in told(made)) is is_told
    assert EMPLOYEES in told(made)


def test_who_left_as_the_only_super_admin_is_told_of_to_the_other_members() -> None:
    letter = a_letter(LetterKind.MEMBER_RETAINED, employee_id=APPROVER)
    clerk = an_actor(a_user("user-clerk"), a_member("user-clerk", "sales"))

    members = (an_actor(), clerk, of_the_partner_for_a_day())
    assert told(facts(letter=letter, super_admins=(an_actor(),), members=members)) == [CLERK]
    assert told(facts(LetterKind.MEMBER_RETAINED, members=(clerk,))) == [BOSS]


def test_a_member_whom_the_client_has_suspended_is_told_nothing_of_its_orphanhood() -> None:
    stopped = a_member("user-clerk", "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))

    assert told(facts(LetterKind.ACCOUNT_ORPHANED, members=(an_actor(a_user("user-clerk"), stopped),))) == []
