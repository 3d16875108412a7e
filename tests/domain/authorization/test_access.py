"""May this person do this here: each rule by what it refuses and the one thing that makes it permit, and their order."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import Account, AccountKind, AccountState, Pricing, Program
from partner_access.domain.authorization.access import Presence, Rule, Verdict, judge, opens
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import NOTHING, Scope, SetName, given_today
from partner_access.domain.records import Kept
from tests.support.builders import (
    APPROVER,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)
from tests.support.random_memberships import VERSIONS, a_state, presence
from tests.support.seeded_table import staff
from tests.support.set_versions import of_sets, two_versions

SECOND: Final = timedelta(seconds=1)
LEGACY: Final = the_client(pricing=Pricing.LEGACY)
SOUTH: Final = "partner-south"
OF_BOTH: Final = an_employee(employed_by=frozenset({PARTNER, SOUTH}))
BEFORE: Final = a_member(EMPLOYEE, "reporting").place


@dataclass(frozen=True, slots=True)
class Question:
    """Whether somebody may do something; by default the client's super admin, what every employee of it may."""

    permission: str = "crm.import"
    actor: Actor = an_actor()  # noqa: RUF009 it is immutable
    account: Account | None = the_client()  # noqa: RUF009 as well
    at: datetime = NOW

    @property
    def presence(self) -> Presence:
        return Presence(self.account, self.actor, self.at)

    @property
    def verdict(self) -> Verdict:
        return judge(self.presence, self.permission)


def asked(permission: str = "crm.import", actor: Actor | None = None, **changes: Any) -> Question:
    """By default about the partner admin."""
    return Question(permission, actor or of_the_partner(), **changes)


def holding(permission_set: str, **changes: Any) -> Actor:
    """Somebody of the client with this set."""
    return an_actor(member=a_member(permission_set=permission_set, **changes))


def with_own(*permissions: str, **changes: Any) -> Actor:
    """Somebody of the client with a set of the account's own."""
    return an_actor(member=a_member(permission_set=CUSTOM_SET, **changes), sets=[a_custom_set(permissions=permissions)])


def admin(**changes: Any) -> Actor:
    return of_the_partner(member=a_partner_admin(**changes))


def suspended(*by: SuspensionReason) -> Actor:
    return admin(suspended_by=frozenset(by))


def lapsing(at: datetime, **changes: Any) -> Actor:
    return admin(grant=a_grant(expires_at=at), **changes)


OVERRIDES: Final = {"removed": ("crm.import",), "added": ("crm.contacts.view:team",)}
SALES_SEAT: Final = {"seat": Seat.SALES}


# each rule: what it refuses, and what is permitted when one thing is otherwise

ONE_THING: Final[list[tuple[Rule, Question, Question]]] = [
    (Rule.UNKNOWN_PERMISSION, Question("crm.imports"), Question("crm.import")),
    (Rule.UNKNOWN_PERMISSION, Question("crm.contacts.view:all"), Question("crm.contacts.view")),
    (Rule.UNKNOWN_PERMISSION, Question(""), Question("crm.import")),
    (Rule.UNKNOWN_PERMISSION, Question("CRM.import"), Question("crm.import")),
    (Rule.NOT_A_MEMBER, Question(actor=Actor(a_user())), Question(actor=Actor(a_user(), a_member()))),
    (Rule.NOT_A_MEMBER, Question(account=None), Question()),
    (Rule.ACCOUNT_CLOSED, Question(account=the_client(state=AccountState.CLOSED)), Question()),
    (Rule.ACCOUNT_CLOSED, asked(account=the_client(state=AccountState.CLOSED)), asked()),
    (Rule.USER_DEACTIVATED, Question(actor=an_actor(a_user(active=False))), Question()),
    (Rule.USER_DEACTIVATED, Question(actor=Actor(None, a_member())), Question()),
    (Rule.USER_DEACTIVATED, asked(actor=of_the_partner(an_employee(active=False))), asked()),
    (Rule.MEMBER_DEACTIVATED, Question(actor=holding("super_admin", active=False)), Question()),
    # the end is exclusive
    (Rule.GRANT_EXPIRED, asked(actor=lapsing(NOW)), asked(actor=lapsing(NOW + SECOND))),
    (Rule.GRANT_EXPIRED, asked(actor=lapsing(NOW)), asked(actor=lapsing(NOW), at=NOW - SECOND)),
    # tenure: his own leavings, and the ends of his firm's program
    (
        Rule.ACCESS_ENDED,
        asked(actor=of_the_partner(an_employee(offboardings={PARTNER: 1}))),
        asked(actor=of_the_partner(an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1))),
    ),
    (Rule.ACCESS_ENDED, asked(actor=of_the_partner(an_employee(offboardings={PARTNER: 1}))), asked()),
    (
        Rule.ACCESS_ENDED,
        asked(actor=of_the_partner(an_employee(offboardings={PARTNER: 1}))),
        asked(actor=of_the_partner(an_employee(offboardings={SOUTH: 1}))),
    ),
    (
        Rule.ACCESS_ENDED,
        asked(actor=of_the_partner(member=a_partner_admin(access_generation=1), terminations=2)),
        asked(actor=of_the_partner(member=a_partner_admin(access_generation=2), terminations=2)),
    ),
    (
        Rule.ACCESS_ENDED,
        asked(
            actor=of_the_partner(
                an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1), terminations=1
            )
        ),
        asked(actor=of_the_partner(an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1))),
    ),
    (Rule.ACCESS_ENDED, asked(actor=Actor(an_employee(), a_partner_admin())), asked()),
    # a firm that was another's is not his
    (
        Rule.ACCESS_ENDED,
        asked(actor=an_actor(OF_BOTH, a_partner_admin(), firms=[the_partner(account_id=SOUTH)])),
        asked(actor=an_actor(OF_BOTH, a_partner_admin(), firms=[the_partner()])),
    ),
    # suspension: by the two sides, by the firm's program, because he left it or was never of it
    (Rule.SUSPENDED, asked(actor=suspended(SuspensionReason.CLIENT)), asked(actor=suspended())),
    (
        Rule.SUSPENDED,
        asked(actor=suspended(SuspensionReason.PARTNER)),
        asked(actor=suspended(SuspensionReason.PROGRAM)),
    ),
    (
        Rule.SUSPENDED,
        asked(actor=suspended(SuspensionReason.PARTNER, SuspensionReason.EMPLOYEE)),
        asked(actor=suspended(SuspensionReason.EMPLOYEE)),
    ),
    (
        Rule.SUSPENDED,
        Question(actor=holding("super_admin", suspended_by=frozenset({SuspensionReason.CLIENT}))),
        Question(actor=holding("super_admin")),
    ),
    (Rule.SUSPENDED, asked(actor=of_the_partner(program=Program.SUSPENDED)), asked()),
    (Rule.SUSPENDED, asked(actor=of_the_partner(program=Program.TERMINATED)), asked()),
    (Rule.SUSPENDED, asked(actor=of_the_partner(state=AccountState.CLOSED)), asked()),
    (Rule.SUSPENDED, asked(actor=of_the_partner(kind=AccountKind.CLIENT)), asked()),
    (Rule.SUSPENDED, asked(actor=of_the_partner(an_employee(employed_by=frozenset()))), asked()),
    (
        Rule.SUSPENDED,
        asked(actor=of_the_partner(an_employee(employed_by=frozenset({SOUTH})))),
        asked(actor=of_the_partner(OF_BOTH)),
    ),
    (
        Rule.SUSPENDED,
        asked(actor=of_the_partner(an_employee(email="e@elsewhere.example"))),
        asked(actor=of_the_partner(an_employee(email="e@elsewhere.example"), domains=("elsewhere.example",))),
    ),
    (Rule.SUSPENDED, asked(actor=of_the_partner(an_employee(email=None))), asked()),
    (
        Rule.SUSPENDED,
        asked(
            "crm.lists.edit",
            of_the_partner(an_employee(employed_by=frozenset()), a_member(EMPLOYEE, "marketing", partner_id=PARTNER)),
        ),
        asked("crm.lists.edit", of_the_partner(an_employee(employed_by=frozenset()), a_member(EMPLOYEE, "marketing"))),
    ),
    # a set that is not known here
    (Rule.UNKNOWN_SET, asked(actor=admin(set_version=2)), asked(actor=admin(set_version=1))),
    (
        Rule.UNKNOWN_SET,
        Question("crm.lists.edit", holding("marketing", set_version=2)),
        Question("crm.lists.edit", holding("marketing")),
    ),
    (
        Rule.UNKNOWN_SET,
        Question("crm.import", an_actor(member=a_member(permission_set=CUSTOM_SET, added=("crm.import",)))),
        Question("crm.import", with_own(added=("crm.import",))),
    ),
    (Rule.UNKNOWN_SET, Question("crm.import", holding("hired_later")), Question("crm.import", with_own("crm.import"))),
    # what exists in partner accounts alone
    (
        Rule.PARTNER_ACCOUNTS_ONLY,
        Question("partner.client_access.manage"),
        Question("partner.client_access.manage", an_actor(member=staff(APPROVER, "super_admin")), the_partner()),
    ),
    (
        Rule.PARTNER_ACCOUNTS_ONLY,
        Question("partner.client_access.manage", holding("sales", added=("partner.client_access.manage",))),
        Question(
            "partner.client_access.manage",
            an_actor(member=staff(APPROVER, "sales", added=("partner.client_access.manage",))),
            the_partner(),
        ),
    ),
    # what nobody holds who is here for a partner, by whatever door
    *(
        (Rule.RESTRICTED, asked(name), Question(name, Actor(an_employee(), a_member(EMPLOYEE))))
        for name in sorted(catalogue.RESTRICTED)
    ),
    (
        Rule.RESTRICTED,
        asked("account.billing.manage", admin(added=("account.billing.manage",))),
        Question("account.billing.manage", holding("sales", added=("account.billing.manage",))),
    ),
    (
        Rule.RESTRICTED,
        asked(
            "account.scim.manage",
            an_actor(
                an_employee(),
                a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER),
                firms=[the_partner()],
                sets=[a_custom_set(permissions=("account.scim.manage",))],
            ),
        ),
        asked("account.scim.manage", with_own("account.scim.manage")),
    ),
    # sets and overrides
    (Rule.NOT_IN_SET, Question("crm.import", holding("sales")), Question("crm.custom_views", holding("sales"))),
    (
        Rule.NOT_IN_SET,
        Question("crm.import", holding("sales")),
        Question("crm.import", holding("sales", added=("crm.import",))),
    ),
    (Rule.NOT_IN_SET, Question("crm.import", with_own("crm.export")), Question("crm.import", with_own("crm.import"))),
    (Rule.NOT_IN_SET, Question("crm.deals.edit", holding("view_only")), Question("crm.deals.edit", holding("sales"))),
    (Rule.REMOVED, asked(actor=admin(removed=("crm.import",))), asked("crm.export", admin(removed=("crm.import",)))),
    (
        Rule.REMOVED,
        Question("crm.import", with_own("crm.import", removed=("crm.import",))),
        Question("crm.import", with_own("crm.import")),
    ),
    (Rule.REMOVED, asked(actor=admin(grant=None)), asked(actor=admin())),
    # seats
    (Rule.SEAT_MISSING, asked("sales.forecast", account=LEGACY), asked("sales.forecast")),
    (
        Rule.SEAT_MISSING,
        asked("sales.forecast", admin(paid_seats=(Seat.SERVICE,)), account=LEGACY),
        asked("sales.forecast", admin(paid_seats=(Seat.SALES,)), account=LEGACY),
    ),
    (
        Rule.SEAT_MISSING,
        Question("sales.forecast", holding("sales")),
        Question("sales.forecast", holding("sales", seat=Seat.SALES)),
    ),
    (
        Rule.SEAT_MISSING,
        Question("sales.forecast", holding("super_admin")),
        Question("sales.forecast", holding("super_admin", paid_seats=(Seat.SALES,))),
    ),
]


@pytest.mark.parametrize(("rule", "refused", "permitted"), ONE_THING)
def test_what_a_rule_refuses_is_permitted_when_one_thing_is_otherwise(
    rule: Rule, refused: Question, permitted: Question
) -> None:
    assert refused.verdict == Verdict(rule)
    assert not refused.verdict.permits
    assert permitted.verdict.permits
    assert permitted.verdict.rule in {Rule.IN_SET, Rule.ADDED}


def test_every_rule_that_refuses_has_its_may_and_its_may_not() -> None:
    assert {rule for rule, _, _ in ONE_THING} == set(Rule) - {Rule.IN_SET, Rule.ADDED}


# what permits, and how far it reaches


@pytest.mark.parametrize(
    ("question", "rule", "scope"),
    [
        (Question("crm.import"), Rule.IN_SET, Scope.ALL),
        (asked("account.users.manage"), Rule.IN_SET, Scope.ALL),
        (Question("crm.deals.view", holding("sales")), Rule.IN_SET, Scope.ALL),
        (Question("crm.deals.edit", holding("sales")), Rule.IN_SET, Scope.TEAM),
        (Question("crm.deals.delete", holding("sales")), Rule.IN_SET, Scope.OWNED),
        (Question("crm.tickets.edit", with_own("crm.tickets.edit:team")), Rule.IN_SET, Scope.TEAM),
        (Question("crm.import", holding("sales", added=("crm.import",))), Rule.ADDED, Scope.ALL),
        (Question("crm.deals.edit", holding("view_only", added=("crm.deals.edit:owned",))), Rule.ADDED, Scope.OWNED),
        # an override widens what the set has, and never narrows it unless it was taken away first
        (Question("crm.deals.edit", holding("sales", added=("crm.deals.edit",))), Rule.IN_SET, Scope.ALL),
        (Question("crm.deals.view", holding("sales", added=("crm.deals.view:owned",))), Rule.IN_SET, Scope.ALL),
        (
            Question("crm.deals.view", holding("sales", removed=("crm.deals.view",), added=("crm.deals.view:owned",))),
            Rule.IN_SET,
            Scope.OWNED,
        ),
        # of a set of the account's own, every version is as it is now
        (Question("crm.import", with_own("crm.import", set_version=99)), Rule.IN_SET, Scope.ALL),
        # what a person was before his grant needs no firm
        (Question("reports.create", lapsing(NOW, previous=BEFORE)), Rule.IN_SET, Scope.ALL),
        (
            Question("reports.create", of_the_partner(an_employee(offboardings={PARTNER: 1}), a_partner_admin(previous=BEFORE))),
            Rule.IN_SET,
            Scope.ALL,
        ),
        (
            Question("reports.create", of_the_partner(an_employee(employed_by=frozenset()), a_partner_admin(grant=a_grant(expires_at=NOW), previous=BEFORE), program=Program.TERMINATED)),
            Rule.IN_SET,
            Scope.ALL,
        ),
        # and whom his own side had suspended is himself again
        (Question("reports.create", lapsing(NOW, previous=BEFORE, suspended_by=frozenset({SuspensionReason.PARTNER}))), Rule.IN_SET, Scope.ALL),
    ],
)  # fmt: skip
def test_how_far_what_is_permitted_reaches(question: Question, rule: Rule, scope: Scope) -> None:
    assert question.verdict == Verdict(rule, scope)
    assert question.verdict.permits


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (Question("crm.import", lapsing(NOW, previous=BEFORE)), Rule.NOT_IN_SET),
        (Question("reports.create", lapsing(NOW + SECOND, previous=BEFORE, removed=("reports.create",))), Rule.REMOVED),
        (Question("reports.create", lapsing(NOW, previous=BEFORE, suspended_by=frozenset({SuspensionReason.CLIENT}))), Rule.SUSPENDED),
        # what he was before was for a firm as well
        (Question("reports.create", lapsing(NOW, previous=BEFORE.model_copy(update={"partner_id": SOUTH}))), Rule.GRANT_EXPIRED),
        (
            Question("reports.create", replace(lapsing(NOW, previous=BEFORE.model_copy(update={"partner_id": SOUTH})), firms={SOUTH: the_partner(account_id=SOUTH)})),
            Rule.SUSPENDED,
        ),
        # what he was before is not known here
        (Question("reports.create", lapsing(NOW, previous=BEFORE.model_copy(update={"set_version": 2}))), Rule.UNKNOWN_SET),
        (Question("reports.create", lapsing(NOW, previous=BEFORE.model_copy(update={"permission_set": CUSTOM_SET}))), Rule.UNKNOWN_SET),
    ],
)  # fmt: skip
def test_what_somebody_was_before_his_grant_may_be_little(question: Question, rule: Rule) -> None:
    assert question.verdict == Verdict(rule)


def test_who_is_what_he_was_before_holds_what_is_restricted_for_he_is_here_for_nobody() -> None:
    super_admin = a_member(EMPLOYEE).place

    assert asked("account.billing.manage", lapsing(NOW + SECOND, previous=super_admin)).verdict.rule is Rule.RESTRICTED
    assert asked("account.billing.manage", lapsing(NOW, previous=super_admin)).verdict.permits


def test_a_new_version_widens_nobodys_grant_and_a_narrower_one_applies_at_once() -> None:
    with two_versions():
        assert asked("crm.import", admin(set_version=1)).verdict == Verdict(Rule.NOT_IN_SET)
        assert asked("crm.import", admin(set_version=2)).verdict.permits
        assert asked("crm.import", admin(set_version=3)).verdict == Verdict(Rule.UNKNOWN_SET)
        assert Question("crm.import", holding("sales", set_version=1)).verdict == Verdict(Rule.NOT_IN_SET)
    with of_sets(partner_admin=VERSIONS):
        assert asked("crm.import", admin(set_version=1)).verdict == Verdict(Rule.NOT_IN_SET)
        assert asked("crm.bulk_delete", admin(set_version=1)).verdict.permits


# seats

CORE, SALES, SERVICE, VIEW_ONLY, FREE = Seat.CORE, Seat.SALES, Seat.SERVICE, Seat.VIEW_ONLY, Seat.PARTNER


@pytest.mark.parametrize(
    ("pricing", "seat", "paid", "opened"),
    [
        (Pricing.SEAT_BASED, CORE, (), ""),
        (Pricing.SEAT_BASED, VIEW_ONLY, (), ""),
        (Pricing.SEAT_BASED, None, (), ""),
        (Pricing.SEAT_BASED, SALES, (), "sales"),
        (Pricing.SEAT_BASED, SERVICE, (), "service"),
        (Pricing.SEAT_BASED, FREE, (), "sales service"),
        (Pricing.SEAT_BASED, CORE, (SALES,), "sales"),
        (Pricing.SEAT_BASED, CORE, (SALES, SERVICE), "sales service"),
        (Pricing.SEAT_BASED, SALES, (SERVICE,), "sales service"),
        (Pricing.LEGACY, CORE, (), ""),
        (Pricing.LEGACY, FREE, (), ""),
        (Pricing.LEGACY, FREE, (SALES,), "sales"),
        (Pricing.LEGACY, FREE, (SERVICE,), "service"),
        (Pricing.LEGACY, FREE, (SALES, SERVICE), "sales service"),
        (Pricing.LEGACY, SALES, (), "sales"),
        (Pricing.LEGACY, SERVICE, (), "service"),
        (Pricing.LEGACY, None, (SERVICE,), "service"),
    ],
)
def test_which_paid_features_a_seat_opens(
    pricing: Pricing, seat: Seat | None, paid: tuple[Seat, ...], opened: str
) -> None:
    account, place = the_client(pricing=pricing), a_member(seat=seat, paid_seats=paid)

    for name, kind in catalogue.PAID.items():
        assert opens(account, place, name) is (kind in opened.split())
        assert Question(name, an_actor(member=place), account).verdict.permits is (kind in opened.split())
    for name in catalogue.CATALOGUE - catalogue.PAID.keys():
        assert opens(account, place, name)


def test_what_is_paid_for_is_all_that_there_is_of_sales_and_service() -> None:
    assert {name: name.partition(".")[0] for name in catalogue.PAID} == catalogue.PAID
    assert {name for name in catalogue.CATALOGUE if name.startswith(("sales.", "service."))} == set(catalogue.PAID)


# which rule speaks, when several would


def test_rules_speak_one_after_another() -> None:
    """Everything is wrong at first; then one thing after another is put right."""
    firm = the_partner(terminations=1)
    member = a_partner_admin(
        active=False,
        grant=a_grant(expires_at=NOW),
        suspended_by=frozenset({SuspensionReason.CLIENT}),
        set_version=7,
        removed=("sales.access",),
    )
    nobody = Actor(None, None, {firm.account_id: firm})
    closed = LEGACY.changed(state=AccountState.CLOSED)
    worst = Question("sales.acess", nobody, closed)
    steps = [
        worst,
        replace(worst, permission="sales.access"),
        asked("sales.access", replace(nobody, member=member), account=closed),
    ]
    for user, stands in (
        (None, member),
        (an_employee(active=False), member),
        (an_employee(), member),
        (an_employee(), member.changed(grant=a_grant())),
        (an_employee(), member.changed(grant=a_grant(), active=True)),
        (an_employee(), member.changed(grant=a_grant(), active=True, access_generation=1)),
        (an_employee(), member.changed(grant=a_grant(), active=True, access_generation=1, suspended_by=frozenset())),
        (an_employee(), a_partner_admin(access_generation=1, removed=("sales.access",))),
        (an_employee(), a_partner_admin(access_generation=1)),
    ):
        steps.append(asked("sales.access", Actor(user, stands, nobody.firms), account=LEGACY))
    steps.append(replace(steps[-1], account=the_client()))

    assert [each.verdict.rule for each in steps] == [
        Rule.UNKNOWN_PERMISSION,
        Rule.NOT_A_MEMBER,
        Rule.ACCOUNT_CLOSED,
        Rule.USER_DEACTIVATED,
        Rule.USER_DEACTIVATED,
        Rule.GRANT_EXPIRED,
        Rule.MEMBER_DEACTIVATED,
        Rule.ACCESS_ENDED,
        Rule.SUSPENDED,
        Rule.UNKNOWN_SET,
        Rule.REMOVED,
        Rule.SEAT_MISSING,
        Rule.IN_SET,
    ]
    assert [each.verdict.permits for each in steps] == [False] * 12 + [True]


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (asked("partner.client_access.manage", admin(set_version=2)), Rule.UNKNOWN_SET),
        (asked("partner.client_access.manage"), Rule.PARTNER_ACCOUNTS_ONLY),
        (Question("partner.client_access.manage", holding("sales")), Rule.PARTNER_ACCOUNTS_ONLY),
        (asked("account.billing.manage", admin(removed=("account.billing.manage",))), Rule.RESTRICTED),
        (Question("sales.forecast", holding("service")), Rule.NOT_IN_SET),
        (Question("nonsense", Actor()), Rule.UNKNOWN_PERMISSION),
    ],
)
def test_the_rule_that_tells_more_speaks(question: Question, rule: Rule) -> None:
    assert question.verdict == Verdict(rule)


# what it all follows from


def test_a_presence_rests_on_all_that_was_read_for_it() -> None:
    own = a_custom_set()
    actor = an_actor(
        an_employee(), a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER), firms=[the_partner()], sets=[own]
    )
    expected: tuple[Kept, ...] = (the_client(), an_employee(), actor.member or a_member(), the_partner(), own)

    assert Presence(the_client(), actor, NOW).rests_on == expected
    assert Presence(None, actor, NOW).rests_on == expected[1:]
    assert Presence(None, Actor(), NOW).rests_on == ()


def test_who_may_nothing_at_all_stands_on_nothing() -> None:
    stood = asked().presence.footing
    assert not isinstance(stood, Rule)
    assert (stood.account, stood.member) == (the_client(), a_partner_admin())
    assert stood.base == stood.rights == given_today(SetName.PARTNER_ADMIN)
    assert Presence(the_client(), Actor(), NOW).footing is Rule.NOT_A_MEMBER


def test_somebody_is_known_by_what_he_has_become_and_by_nothing_else() -> None:
    lapsed = lapsing(NOW, previous=BEFORE)
    stood = Presence(the_client(), lapsed, NOW).footing

    assert not isinstance(stood, Rule)
    assert (stood.member.permission_set, stood.member.grant) == ("reporting", None)
    assert stood.rights == given_today("reporting")
    assert lapsed.rights_at(NOW) != NOTHING


# what is permitted is held, whatever the state


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_nothing_is_permitted_that_is_not_held_and_all_that_is_held_where_nothing_else_matters(
    data: st.DataObject,
) -> None:
    state = a_state(lambda options: data.draw(st.sampled_from(options)))
    with of_sets(partner_admin=VERSIONS):
        stands = presence(state)
        now = stands.actor.member_at(NOW)
        known = now is None or stands._knows_the_set_of(now)
        rights = stands.actor.rights_at(NOW) if known else NOTHING
        account = stands.account
        open_client = account and not account.is_partner and account.state is AccountState.ACTIVE
        for name in sorted(catalogue.CATALOGUE):
            verdict = judge(stands, name)
            if verdict.permits:
                assert name in rights, name
                assert verdict.scope == rights.held[name], name
            elif open_client and known and name not in catalogue.PAID.keys() | catalogue.PARTNER_ONLY:
                assert name not in rights, name
