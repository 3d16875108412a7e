"""Who ends whose access, and what one account hears and writes down of it, by the facts alone."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import Forbidden, NotFound, Refused
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Place, Seat, SuspensionReason
from partner_access.domain.notifications import Cause, CleanUp, LetterKind, Occasion
from partner_access.domain.relationships.offboarding import (
    Aftermath,
    DepartureFacts,
    Line,
    ReceiptOutcome,
    end_access,
    follow_up,
    line,
    tell_of_program,
)
from partner_access.domain.users import User
from tests.support.builders import (
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
    an_employee,
    once,
    the_client,
    the_partner,
)

SOUTH = "partner-south"
MANAGER = "user-manager"
OF_THE_CLIENT = Place(permission_set="sales", set_version=1, seat=Seat.CORE)
OF_THE_FIRM = Place(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=PARTNER)
OF_SOUTH = Place(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=SOUTH)


def staff(user_id: str, permission_set: str = "view_only", **changes: Any) -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER, **changes))


BOSS = staff(MANAGER, "super_admin")
HE = staff(EMPLOYEE)


def facts(actor: Actor = BOSS, employee: Actor = HE, partner: Account | None = None) -> DepartureFacts:
    return DepartureFacts(partner=partner or the_partner(), actor=actor, employee=employee)


# the one write


def test_all_access_ends_by_one_more_leaving() -> None:
    user = an_employee(offboardings={PARTNER: 2, SOUTH: 1})
    ended = end_access(facts(employee=Actor(user, HE.member)), an_act(MANAGER, once=once()))

    assert ended.user == user.changed(offboardings={PARTNER: 3, SOUTH: 1})
    assert ended.partner == the_partner()
    assert ended.clean_up == CleanUp(partner_id=PARTNER, user_id=EMPLOYEE, reason=Occasion.OFFBOARDED)
    assert (ended.audit.event, ended.audit.accounts) == ("employee.offboarded", (PARTNER,))
    assert ended.audit.details == {"user_id": EMPLOYEE}
    assert ended.letter is None
    assert set(ended.relies_on) == {the_partner(), BOSS.user, BOSS.member, user}


@pytest.mark.parametrize(
    ("actor", "employee", "refusal"),
    [
        (HE, HE, None),
        (BOSS, BOSS, None),
        (staff("user-access", added=("partner.client_access.manage",)), HE, None),
        (BOSS, staff(EMPLOYEE, active=False), None),
        (staff("user-colleague"), HE, Forbidden),
        (HE, BOSS, Forbidden),
        (HE, Actor(), Forbidden),
        (BOSS, Actor(), NotFound),
        (BOSS, Actor(an_employee()), NotFound),
        (staff(EMPLOYEE, active=False), HE, NotFound),
        (Actor(an_employee(MANAGER, active=False), BOSS.member), HE, Forbidden),
        (Actor(a_user()), HE, NotFound),
        (Actor(), HE, NotFound),
    ],
)
def test_who_ends_whose_access(actor: Actor, employee: Actor, refusal: type[Refused] | None) -> None:
    by = actor.user.user_id if actor.user else "user-unknown"
    if not refusal:
        assert end_access(facts(actor, employee), an_act(by)).user.offboardings == {PARTNER: 1}
        return
    with pytest.raises(refusal):
        end_access(facts(actor, employee), an_act(by))


def test_nobody_ends_access_for_what_is_no_partner() -> None:
    with pytest.raises(NotFound):
        end_access(facts(partner=the_client()), an_act(MANAGER))
    with pytest.raises(NotFound):
        end_access(DepartureFacts(partner=None, actor=BOSS, employee=HE), an_act(MANAGER))


# what follows in one account


def after(
    occasion: Occasion = Occasion.OFFBOARDED,
    member: Member | None = None,
    *,
    user: User | None = None,
    partner: Account | None = None,
    **changes: Any,
) -> Aftermath:
    """By default the employee has left, and is still written down as partner admin."""
    firm = partner or the_partner()
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    person = Actor(
        user or an_employee(offboardings={PARTNER: 1} if occasion is Occasion.OFFBOARDED else {}),
        member or a_partner_admin(),
        {PARTNER: firm, SOUTH: south},
    )
    known = {"account": the_client(), "person": person, "partner": firm, "others": ()}
    clean_up = CleanUp(partner_id=PARTNER, user_id=EMPLOYEE, reason=occasion)
    return Aftermath(**{"clean_up": clean_up, **known, **changes})


def colleague(**changes: Any) -> Member:
    """Somebody whom the firm itself added."""
    return a_member(EMPLOYEE, "view_only", **{"partner_id": PARTNER, "seat": Seat.VIEW_ONLY, **changes})


ACT = an_act(MANAGER)


@pytest.mark.parametrize(
    ("member", "is_active", "cause"),
    [
        (a_partner_admin(), False, None),
        (colleague(), False, None),
        (a_partner_admin(previous=OF_THE_CLIENT), True, Cause.RETAINED_MEMBER),
        (a_partner_admin(previous=OF_THE_FIRM), False, None),
        (a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE})), False, None),
    ],
)
def test_what_is_over_is_written_off_and_the_client_hears_what_stays(
    member: Member, is_active: bool, cause: Cause | None
) -> None:
    followed = follow_up(after(member=member), ACT)

    assert followed
    assert followed.member
    assert (followed.before, followed.member.active, followed.member.partner_id) == (member, is_active, None)
    assert (followed.member.grant, followed.member.version) == (None, 2)
    assert (followed.audit.event, followed.audit.accounts) == ("access.ended", (CLIENT,))
    assert followed.letter
    assert (followed.letter.kind, followed.letter.cause) == (LetterKind.MEMBER_RETAINED, cause)
    assert (followed.letter.partner_id, followed.letter.account_id, followed.letter.actor_id) == (
        PARTNER,
        CLIENT,
        ACT.by,
    )
    assert followed.relies_on == (member,)


def test_what_a_lapsed_grant_of_another_firm_hid_is_what_ended() -> None:
    lapsed = a_grant(partner_id=SOUTH, expires_at=NOW)
    member = a_partner_admin(grant=lapsed, partner_id=SOUTH, previous=OF_THE_FIRM)
    followed = follow_up(after(member=member), ACT)

    assert followed
    assert followed.member
    assert (followed.before, followed.member.active, followed.member.grant) == (member, False, None)
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER}
    assert followed.letter
    assert followed.letter.partner_id == PARTNER
    assert followed.relies_on == (member,)


def test_the_grant_that_ended_is_named() -> None:
    followed = follow_up(after(), ACT)

    assert followed
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER, "grant_id": a_grant().grant_id}


def test_who_falls_back_to_another_firm_is_none_whom_the_client_made() -> None:
    user = an_employee(employed_by=frozenset({PARTNER, SOUTH}), offboardings={PARTNER: 1})
    followed = follow_up(after(member=a_partner_admin(previous=OF_SOUTH), user=user), ACT)

    assert followed
    assert followed.member
    assert (followed.member.active, followed.member.partner_id) == (True, SOUTH)
    assert followed.letter
    assert followed.letter.cause is None


@pytest.mark.parametrize(
    ("facts", "is_told"),
    [
        (after(Occasion.OFFBOARDED), True),
        (after(Occasion.ERASED, user=an_employee(offboardings={PARTNER: 1}), clean_up=CleanUp(reason=Occasion.ERASED)), False),
        (after(Occasion.PROGRAM_ENDED, partner=the_partner(terminations=1, program=Program.TERMINATED)), False),
    ],
)  # fmt: skip
def test_ends_for_good_are_written_off_and_of_a_leaving_alone_this_tells(facts: Aftermath, is_told: bool) -> None:
    followed = follow_up(facts, ACT)

    assert followed
    assert followed.audit.event == "access.ended"
    assert (followed.letter is not None) is is_told


OVER = an_employee(offboardings={PARTNER: 1})


@pytest.mark.parametrize(
    "facts",
    [
        after(told="access.ended"),
        after(member=a_partner_admin(active=False)),
        after(person=Actor(an_employee())),
        after(member=a_partner_admin(access_generation=1)),
        *(after(occasion, user=OVER) for occasion in Occasion if occasion not in {"offboarded", "erased", "program_ended"}),
        after(user=OVER, clean_up=CleanUp(partner_id=SOUTH, user_id=EMPLOYEE, reason=Occasion.OFFBOARDED)),
        after(member=a_partner_admin(grant=a_grant(expires_at=NOW))),
        after(Occasion.ELIGIBILITY),
        after(Occasion.ELIGIBILITY, a_member(EMPLOYEE, "sales")),
        after(Occasion.ELIGIBILITY, a_partner_admin(grant=a_grant(expires_at=NOW), previous=OF_THE_FIRM),
              user=an_employee(active=False)),
    ],
)  # fmt: skip
def test_where_nothing_is_left_to_do(facts: Aftermath) -> None:
    assert follow_up(facts, ACT) is None


def test_whoever_is_no_employee_any_more_since_nobody_knows_him_is_written_off() -> None:
    facts = after(person=Actor(None, a_partner_admin(), {PARTNER: the_partner()}))

    assert follow_up(facts, ACT)
    assert facts.foreseen().person.user is None


# stopped and resumed

PROGRAM, STAFF, OWN = (
    frozenset({SuspensionReason.PROGRAM}),
    frozenset({SuspensionReason.EMPLOYEE}),
    frozenset({SuspensionReason.CLIENT}),
)
OFF = the_partner(program=Program.SUSPENDED)
GONE = an_employee(active=False)


@pytest.mark.parametrize(
    ("written", "user", "partner", "now", "event", "reason", "kind"),
    [
        (frozenset(), None, OFF, PROGRAM, "member.suspended", "program", None),
        (PROGRAM, None, None, frozenset(), "member.resumed", "program", None),
        (frozenset(), GONE, None, STAFF, "member.suspended", "employee", LetterKind.ACCESS_SUSPENDED),
        (STAFF, None, None, frozenset(), "member.resumed", "employee", LetterKind.ACCESS_RESUMED),
        (STAFF, GONE, OFF, PROGRAM, "member.suspended", "program", None),
        (PROGRAM, GONE, None, STAFF, "member.suspended", "employee", LetterKind.ACCESS_SUSPENDED),
        (OWN, GONE, None, OWN | STAFF, "member.suspended", "employee", LetterKind.ACCESS_SUSPENDED),
        (OWN | STAFF, None, None, OWN, "member.resumed", "employee", LetterKind.ACCESS_RESUMED),
    ],
)
def test_what_follows_from_person_and_firm_is_written_down(
    written: frozenset[SuspensionReason],
    user: User | None,
    partner: Account | None,
    now: frozenset[SuspensionReason],
    event: str,
    reason: str,
    kind: LetterKind | None,
) -> None:
    facts = after(Occasion.PROGRAM_STOPPED, a_partner_admin(suspended_by=written), user=user, partner=partner)
    followed = follow_up(facts, ACT)

    assert followed
    assert followed.member
    assert (followed.member.suspended_by, followed.member.version) == (now, 2)
    assert followed.audit.event == event
    told_as = "suspended_by" if event == "member.suspended" else "resumed_by"
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER, told_as: reason}
    assert (followed.letter and followed.letter.kind) == kind
    if followed.letter:
        assert (followed.letter.cause, followed.letter.partner_id) == (Cause.EMPLOYEE, PARTNER)
    assert set(followed.relies_on) == set(facts.person.relied_on)
    assert len(followed.relies_on) == 4


@pytest.mark.parametrize(
    ("written", "user", "partner"),
    [(frozenset(), None, OFF), (PROGRAM, None, None), (STAFF, GONE, OFF), (PROGRAM, GONE, None)],
)
@pytest.mark.parametrize("occasion", [Occasion.ELIGIBILITY, Occasion.OFFBOARDED, Occasion.ERASED])
def test_what_the_program_changed_is_left_to_its_own_clean_up(
    written: frozenset[SuspensionReason], user: User | None, partner: Account | None, occasion: Occasion
) -> None:
    member = a_partner_admin(suspended_by=written)

    assert follow_up(after(occasion, member, user=user or an_employee(), partner=partner), ACT) is None


# who stays


@pytest.mark.parametrize(
    ("member", "cause"),
    [(a_member(EMPLOYEE), Cause.RETAINED_SUPER_ADMIN), (a_member(EMPLOYEE, "sales"), Cause.RETAINED_MEMBER)],
)
def test_whom_the_client_made_stays_and_the_client_hears_of_it(member: Member, cause: Cause) -> None:
    followed = follow_up(after(member=member), ACT)

    assert followed
    assert followed.member is None
    assert followed.audit.event == "member.retained"
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER}
    assert followed.letter
    assert (followed.letter.kind, followed.letter.cause) == (LetterKind.MEMBER_RETAINED, cause)
    assert followed.letter.partner_id == PARTNER


def orphaned(**changes: Any) -> Aftermath:
    known = {
        "clean_up": CleanUp(user_id=EMPLOYEE),
        "partner": None,
        "member": a_member(EMPLOYEE),
        "user": an_employee(active=False),
    }
    return after(Occasion.ELIGIBILITY, **{**known, **changes})


def test_an_account_whose_last_super_admin_is_barred_hears_of_it() -> None:
    followed = follow_up(orphaned(), ACT)

    assert followed
    assert (followed.member, followed.audit.event) == (None, "account.orphaned")
    assert followed.letter
    assert (followed.letter.kind, followed.letter.partner_id) == (LetterKind.ACCOUNT_ORPHANED, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"others": (Actor(a_user(APPROVER), a_member(APPROVER)),)},
        {"user": an_employee()},
        {"member": a_member(EMPLOYEE, "sales")},
        {"clean_up": CleanUp(partner_id=PARTNER, user_id=EMPLOYEE)},
        {"person": Actor(None, a_member(EMPLOYEE))},
    ],
)
def test_an_account_that_is_run_by_somebody_hears_nothing(changes: dict[str, Any]) -> None:
    assert follow_up(orphaned(**changes), ACT) is None


def test_another_super_admin_who_is_barred_as_well_runs_nothing() -> None:
    assert follow_up(orphaned(others=(Actor(a_user(active=False), a_member()),)), ACT)


# the receipt


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (after(told="access.ended", member=a_partner_admin(active=False)), Line(ReceiptOutcome.ENDED)),
        (after(), Line(ReceiptOutcome.PENDING)),
        (after(member=colleague()), Line(ReceiptOutcome.PENDING)),
        (after(member=a_partner_admin(previous=OF_THE_CLIENT)), Line(ReceiptOutcome.PENDING)),
        (after(member=a_member(EMPLOYEE)), Line(ReceiptOutcome.RETAINED, "retained_super_admin")),
        (
            after(member=a_member(EMPLOYEE, "sales"), told="member.retained"),
            Line(ReceiptOutcome.RETAINED, "retained_member"),
        ),
        (after(member=a_member(EMPLOYEE, active=False)), None),
        (after(member=a_partner_admin(access_generation=1)), None),
        (after(member=a_partner_admin(grant=a_grant(expires_at=NOW))), None),
        (after(member=a_member(EMPLOYEE, "sales", partner_id=SOUTH)), None),
        (after(person=Actor(an_employee())), None),
    ],
)
def test_each_account_has_its_line(facts: Aftermath, told: Line | None) -> None:
    assert line(facts, ACT) == told


def test_a_receipt_can_be_foreseen() -> None:
    now = after(Occasion.OFFBOARDED, user=an_employee(offboardings={SOUTH: 4}))

    assert line(now, ACT) is None
    assert line(now.foreseen(), ACT) == Line(ReceiptOutcome.PENDING)
    assert after(clean_up=CleanUp(user_id=EMPLOYEE)).foreseen().person == after().person


# the program


@pytest.mark.parametrize(
    ("occasion", "partner", "kind", "event", "cause"),
    [
        (Occasion.PROGRAM_STOPPED, OFF, LetterKind.PROGRAM_STOPPED, "program.stopped", Cause.PROGRAM),
        (
            Occasion.PROGRAM_STOPPED,
            the_partner(state=AccountState.CLOSED),
            LetterKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.PROGRAM,
        ),
        (Occasion.PROGRAM_RESUMED, the_partner(), LetterKind.PROGRAM_RESUMED, "program.resumed", None),
        (
            Occasion.PROGRAM_ENDED,
            the_partner(terminations=1, program=Program.TERMINATED),
            LetterKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.TERMINATED,
        ),
        (
            Occasion.PROGRAM_ENDED,
            the_partner(terminations=1),
            LetterKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.TERMINATED,
        ),
    ],
)
@pytest.mark.parametrize("member", [a_partner_admin(), colleague()])
def test_a_client_hears_of_the_program(
    member: Member, occasion: Occasion, partner: Account, kind: LetterKind, event: str, cause: Cause | None
) -> None:
    told = tell_of_program(after(occasion, member, partner=partner), ACT)

    assert told
    assert told.letter
    assert (told.letter.kind, told.letter.cause) == (kind, cause)
    assert (told.letter.partner_id, told.letter.account_id, told.letter.employee_id) == (PARTNER, CLIENT, None)
    assert (told.audit.event, told.audit.accounts, told.audit.details) == (event, (CLIENT,), {"partner_id": PARTNER})
    assert told.relies_on == (partner,)


@pytest.mark.parametrize(
    "facts",
    [
        after(Occasion.PROGRAM_STOPPED, partner=OFF, knows=True),
        after(Occasion.PROGRAM_STOPPED),
        after(Occasion.PROGRAM_RESUMED, partner=OFF),
        after(Occasion.ELIGIBILITY, partner=OFF),
        after(Occasion.OFFBOARDED),
        after(Occasion.PROGRAM_STOPPED, a_member(EMPLOYEE), partner=OFF),
        after(Occasion.PROGRAM_STOPPED, a_member(EMPLOYEE, partner_id=SOUTH), partner=OFF),
        after(Occasion.PROGRAM_STOPPED, colleague(active=False), partner=OFF),
        after(Occasion.PROGRAM_STOPPED, person=Actor(an_employee()), partner=OFF),
        after(Occasion.PROGRAM_RESUMED, partner=the_partner(terminations=1)),
        after(Occasion.PROGRAM_ENDED, a_partner_admin(access_generation=1), partner=the_partner(terminations=1)),
    ],
)
def test_a_client_hears_nothing_of_the_program(facts: Aftermath) -> None:
    assert tell_of_program(facts, ACT) is None


def test_a_program_of_nobody_known_is_not_told() -> None:
    facts = after(Occasion.PROGRAM_STOPPED, partner=OFF)
    unknown = Aftermath(
        clean_up=facts.clean_up, account=facts.account, person=facts.person, partner=None, others=(), knows=False
    )

    assert tell_of_program(unknown, ACT) is None


def test_a_grant_that_lapses_a_second_from_now_is_still_written_off() -> None:
    grant = a_grant(expires_at=NOW + timedelta(seconds=1))

    assert follow_up(after(member=a_partner_admin(grant=grant)), ACT)
