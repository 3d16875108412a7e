"""Access decisions: the rules that deny, the change that turns each denial into a permit, and their order."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import Account, AccountKind, AccountState, Pricing, Program
from partner_access.domain.authorization.access import AccessDecision, AccessFacts, Rule, decide, seats_include
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import has_known_set
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import NO_RIGHTS, Scope, SetName, latest_set_rights
from partner_access.domain.records import Record
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
    a_partner_admin_actor,
    a_user,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.random_memberships import PARTNER_ADMIN_VERSIONS, access_facts_of, random_state
from tests.support.seeded_table import a_partner_account_member
from tests.support.set_versions import published_versions, two_set_versions

SECOND: Final = timedelta(seconds=1)
LEGACY: Final = the_client(pricing=Pricing.LEGACY)
SOUTH: Final = "partner-south"
EMPLOYEE_OF_TWO_PARTNERS: Final = an_employee(employed_by=frozenset({PARTNER, SOUTH}))


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """A permission check for an actor in an account. By default, a super admin of the client asks for `crm.import`."""

    permission: str = "crm.import"
    actor: Actor = an_actor()  # noqa: RUF009 the value is immutable
    account: Account | None = the_client()  # noqa: RUF009 as well
    at: datetime = NOW

    @property
    def access_facts(self) -> AccessFacts:
        return AccessFacts(self.account, self.actor, self.at)

    @property
    def decision(self) -> AccessDecision:
        return decide(self.access_facts, self.permission)


def partner_admin_check(permission: str = "crm.import", actor: Actor | None = None, **changes: Any) -> AccessCheck:
    """Build a permission check for the partner admin unless another actor is given."""
    return AccessCheck(permission, actor or a_partner_admin_actor(), **changes)


def member_with_set(permission_set: str, **changes: Any) -> Actor:
    """Build a client member with this permission set."""
    return an_actor(member=a_member(permission_set=permission_set, **changes))


def member_with_custom_set(*permissions: str, **changes: Any) -> Actor:
    """Build a client member with a custom set of these permissions."""
    return an_actor(member=a_member(permission_set=CUSTOM_SET, **changes), sets=[a_custom_set(permissions=permissions)])


def admin(**changes: Any) -> Actor:
    return a_partner_admin_actor(member=a_partner_admin(**changes))


def suspended_admin(*by: SuspensionReason) -> Actor:
    return admin(suspended_by=frozenset(by))


def admin_with_grant_until(at: datetime, **changes: Any) -> Actor:
    return admin(grant=a_grant(expires_at=at), **changes)


OVERRIDES: Final = {"removed": ("crm.import",), "added": ("crm.contacts.view:team",)}
SALES_SEAT: Final = {"seat": Seat.SALES}


# Each row holds a rule, a check that it denies, and the same check with one change, which is permitted.

DENIED_AND_PERMITTED: Final[list[tuple[Rule, AccessCheck, AccessCheck]]] = [
    (Rule.UNKNOWN_PERMISSION, AccessCheck("crm.imports"), AccessCheck("crm.import")),
    (Rule.UNKNOWN_PERMISSION, AccessCheck("crm.contacts.view:all"), AccessCheck("crm.contacts.view")),
    (Rule.UNKNOWN_PERMISSION, AccessCheck(""), AccessCheck("crm.import")),
    (Rule.UNKNOWN_PERMISSION, AccessCheck("CRM.import"), AccessCheck("crm.import")),
    (Rule.NOT_A_MEMBER, AccessCheck(actor=Actor(a_user())), AccessCheck(actor=Actor(a_user(), a_member()))),
    (Rule.NOT_A_MEMBER, AccessCheck(account=None), AccessCheck()),
    (Rule.ACCOUNT_CLOSED, AccessCheck(account=the_client(state=AccountState.CLOSED)), AccessCheck()),
    (Rule.ACCOUNT_CLOSED, partner_admin_check(account=the_client(state=AccountState.CLOSED)), partner_admin_check()),
    (Rule.USER_DEACTIVATED, AccessCheck(actor=an_actor(a_user(active=False))), AccessCheck()),
    (Rule.USER_DEACTIVATED, AccessCheck(actor=Actor(None, a_member())), AccessCheck()),
    (
        Rule.USER_DEACTIVATED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(active=False))),
        partner_admin_check(),
    ),
    (Rule.MEMBER_DEACTIVATED, AccessCheck(actor=member_with_set("super_admin", active=False)), AccessCheck()),
    # `expires_at` is exclusive.
    (
        Rule.GRANT_EXPIRED,
        partner_admin_check(actor=admin_with_grant_until(NOW)),
        partner_admin_check(actor=admin_with_grant_until(NOW + SECOND)),
    ),
    (
        Rule.GRANT_EXPIRED,
        partner_admin_check(actor=admin_with_grant_until(NOW)),
        partner_admin_check(actor=admin_with_grant_until(NOW), at=NOW - SECOND),
    ),
    # The access generation counts the employee's offboardings and the partner's program terminations.
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}))),
        partner_admin_check(
            actor=a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1))
        ),
    ),
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}))),
        partner_admin_check(),
    ),
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}))),
        partner_admin_check(actor=a_partner_admin_actor(an_employee(offboardings={SOUTH: 1}))),
    ),
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(actor=a_partner_admin_actor(member=a_partner_admin(access_generation=1), terminations=2)),
        partner_admin_check(actor=a_partner_admin_actor(member=a_partner_admin(access_generation=2), terminations=2)),
    ),
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(
            actor=a_partner_admin_actor(
                an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1), terminations=1
            )
        ),
        partner_admin_check(
            actor=a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=1))
        ),
    ),
    (Rule.ACCESS_ENDED, partner_admin_check(actor=Actor(an_employee(), a_partner_admin())), partner_admin_check()),
    # A membership for one partner does not work through another partner of the same employee.
    (
        Rule.ACCESS_ENDED,
        partner_admin_check(
            actor=an_actor(EMPLOYEE_OF_TWO_PARTNERS, a_partner_admin(), partners=[the_partner(account_id=SOUTH)])
        ),
        partner_admin_check(actor=an_actor(EMPLOYEE_OF_TWO_PARTNERS, a_partner_admin(), partners=[the_partner()])),
    ),
    # Access is suspended by the client, by the partner, by its program, or because the user is no partner employee.
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=suspended_admin(SuspensionReason.CLIENT)),
        partner_admin_check(actor=suspended_admin()),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=suspended_admin(SuspensionReason.PARTNER)),
        partner_admin_check(actor=suspended_admin(SuspensionReason.PROGRAM)),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=suspended_admin(SuspensionReason.PARTNER, SuspensionReason.EMPLOYEE)),
        partner_admin_check(actor=suspended_admin(SuspensionReason.EMPLOYEE)),
    ),
    (
        Rule.SUSPENDED,
        AccessCheck(actor=member_with_set("super_admin", suspended_by=frozenset({SuspensionReason.CLIENT}))),
        AccessCheck(actor=member_with_set("super_admin")),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(program=Program.SUSPENDED)),
        partner_admin_check(),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(program=Program.TERMINATED)),
        partner_admin_check(),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(state=AccountState.CLOSED)),
        partner_admin_check(),
    ),
    (Rule.SUSPENDED, partner_admin_check(actor=a_partner_admin_actor(kind=AccountKind.CLIENT)), partner_admin_check()),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(employed_by=frozenset()))),
        partner_admin_check(),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(employed_by=frozenset({SOUTH})))),
        partner_admin_check(actor=a_partner_admin_actor(EMPLOYEE_OF_TWO_PARTNERS)),
    ),
    (
        Rule.SUSPENDED,
        partner_admin_check(actor=a_partner_admin_actor(an_employee(email="e@elsewhere.example"))),
        partner_admin_check(
            actor=a_partner_admin_actor(an_employee(email="e@elsewhere.example"), domains=("elsewhere.example",))
        ),
    ),
    (Rule.SUSPENDED, partner_admin_check(actor=a_partner_admin_actor(an_employee(email=None))), partner_admin_check()),
    (
        Rule.SUSPENDED,
        partner_admin_check(
            "crm.lists.edit",
            a_partner_admin_actor(
                an_employee(employed_by=frozenset()), a_member(EMPLOYEE, "marketing", partner_id=PARTNER)
            ),
        ),
        partner_admin_check(
            "crm.lists.edit",
            a_partner_admin_actor(an_employee(employed_by=frozenset()), a_member(EMPLOYEE, "marketing")),
        ),
    ),
    # The deployed catalogue lacks the set or its version.
    (
        Rule.UNKNOWN_SET,
        partner_admin_check(actor=admin(set_version=2)),
        partner_admin_check(actor=admin(set_version=1)),
    ),
    (
        Rule.UNKNOWN_SET,
        AccessCheck("crm.lists.edit", member_with_set("marketing", set_version=2)),
        AccessCheck("crm.lists.edit", member_with_set("marketing")),
    ),
    (
        Rule.UNKNOWN_SET,
        AccessCheck("crm.import", an_actor(member=a_member(permission_set=CUSTOM_SET, added=("crm.import",)))),
        AccessCheck("crm.import", member_with_custom_set(added=("crm.import",))),
    ),
    (
        Rule.UNKNOWN_SET,
        AccessCheck("crm.import", member_with_set("hired_later")),
        AccessCheck("crm.import", member_with_custom_set("crm.import")),
    ),
    # The permission exists only in partner accounts.
    (
        Rule.PARTNER_ACCOUNTS_ONLY,
        AccessCheck("partner.client_access.manage"),
        AccessCheck(
            "partner.client_access.manage",
            an_actor(member=a_partner_account_member(APPROVER, "super_admin")),
            the_partner(),
        ),
    ),
    (
        Rule.PARTNER_ACCOUNTS_ONLY,
        AccessCheck("partner.client_access.manage", member_with_set("sales", added=("partner.client_access.manage",))),
        AccessCheck(
            "partner.client_access.manage",
            an_actor(member=a_partner_account_member(APPROVER, "sales", added=("partner.client_access.manage",))),
            the_partner(),
        ),
    ),
    # No partner member holds a restricted permission, whether by set, override or custom set.
    *(
        (Rule.RESTRICTED, partner_admin_check(name), AccessCheck(name, Actor(an_employee(), a_member(EMPLOYEE))))
        for name in sorted(catalogue.RESTRICTED)
    ),
    (
        Rule.RESTRICTED,
        partner_admin_check("account.billing.manage", admin(added=("account.billing.manage",))),
        AccessCheck("account.billing.manage", member_with_set("sales", added=("account.billing.manage",))),
    ),
    (
        Rule.RESTRICTED,
        partner_admin_check(
            "account.scim.manage",
            an_actor(
                an_employee(),
                a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER),
                partners=[the_partner()],
                sets=[a_custom_set(permissions=("account.scim.manage",))],
            ),
        ),
        partner_admin_check("account.scim.manage", member_with_custom_set("account.scim.manage")),
    ),
    # sets and overrides
    (
        Rule.NOT_IN_SET,
        AccessCheck("crm.import", member_with_set("sales")),
        AccessCheck("crm.custom_views", member_with_set("sales")),
    ),
    (
        Rule.NOT_IN_SET,
        AccessCheck("crm.import", member_with_set("sales")),
        AccessCheck("crm.import", member_with_set("sales", added=("crm.import",))),
    ),
    (
        Rule.NOT_IN_SET,
        AccessCheck("crm.import", member_with_custom_set("crm.export")),
        AccessCheck("crm.import", member_with_custom_set("crm.import")),
    ),
    (
        Rule.NOT_IN_SET,
        AccessCheck("crm.deals.edit", member_with_set("view_only")),
        AccessCheck("crm.deals.edit", member_with_set("sales")),
    ),
    (
        Rule.REMOVED,
        partner_admin_check(actor=admin(removed=("crm.import",))),
        partner_admin_check("crm.export", admin(removed=("crm.import",))),
    ),
    (
        Rule.REMOVED,
        AccessCheck("crm.import", member_with_custom_set("crm.import", removed=("crm.import",))),
        AccessCheck("crm.import", member_with_custom_set("crm.import")),
    ),
    (Rule.REMOVED, partner_admin_check(actor=admin(grant=None)), partner_admin_check(actor=admin())),
    # seats
    (Rule.SEAT_MISSING, partner_admin_check("sales.forecast", account=LEGACY), partner_admin_check("sales.forecast")),
    (
        Rule.SEAT_MISSING,
        partner_admin_check("sales.forecast", admin(paid_seats=(Seat.SERVICE,)), account=LEGACY),
        partner_admin_check("sales.forecast", admin(paid_seats=(Seat.SALES,)), account=LEGACY),
    ),
    (
        Rule.SEAT_MISSING,
        AccessCheck("sales.forecast", member_with_set("sales")),
        AccessCheck("sales.forecast", member_with_set("sales", seat=Seat.SALES)),
    ),
    (
        Rule.SEAT_MISSING,
        AccessCheck("sales.forecast", member_with_set("super_admin")),
        AccessCheck("sales.forecast", member_with_set("super_admin", paid_seats=(Seat.SALES,))),
    ),
]


@pytest.mark.parametrize(("rule", "raised", "permitted"), DENIED_AND_PERMITTED)
def test_decide_denies_by_each_rule_and_permits_after_one_change(
    rule: Rule, raised: AccessCheck, permitted: AccessCheck
) -> None:
    assert raised.decision == AccessDecision(rule)
    assert not raised.decision.permits
    assert permitted.decision.permits
    assert permitted.decision.rule in {Rule.IN_SET, Rule.ADDED}


def test_decide_cases_cover_every_denying_rule() -> None:
    assert {rule for rule, _, _ in DENIED_AND_PERMITTED} == set(Rule) - {Rule.IN_SET, Rule.ADDED}


# permitting rules and scopes


@pytest.mark.parametrize(
    ("question", "rule", "scope"),
    [
        (AccessCheck("crm.import"), Rule.IN_SET, Scope.ALL),
        (partner_admin_check("account.users.manage"), Rule.IN_SET, Scope.ALL),
        (AccessCheck("crm.deals.view", member_with_set("sales")), Rule.IN_SET, Scope.ALL),
        (AccessCheck("crm.deals.edit", member_with_set("sales")), Rule.IN_SET, Scope.TEAM),
        (AccessCheck("crm.deals.delete", member_with_set("sales")), Rule.IN_SET, Scope.OWNED),
        (AccessCheck("crm.tickets.edit", member_with_custom_set("crm.tickets.edit:team")), Rule.IN_SET, Scope.TEAM),
        (AccessCheck("crm.import", member_with_set("sales", added=("crm.import",))), Rule.ADDED, Scope.ALL),
        (AccessCheck("crm.deals.edit", member_with_set("view_only", added=("crm.deals.edit:owned",))), Rule.ADDED, Scope.OWNED),
        # An added permission widens the set's scope. It narrows it only if the permission is removed as well.
        (AccessCheck("crm.deals.edit", member_with_set("sales", added=("crm.deals.edit",))), Rule.IN_SET, Scope.ALL),
        (AccessCheck("crm.deals.view", member_with_set("sales", added=("crm.deals.view:owned",))), Rule.IN_SET, Scope.ALL),
        (
            AccessCheck("crm.deals.view", member_with_set("sales", removed=("crm.deals.view",), added=("crm.deals.view:owned",))),
            Rule.IN_SET,
            Scope.OWNED,
        ),
        # Custom sets have one current content, whatever version the member stores.
        (AccessCheck("crm.import", member_with_custom_set("crm.import", set_version=99)), Rule.IN_SET, Scope.ALL),
    ],
)  # fmt: skip
def test_decide_permitted_returns_rule_and_scope(question: AccessCheck, rule: Rule, scope: Scope) -> None:
    assert question.decision == AccessDecision(rule, scope)
    assert question.decision.permits


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (AccessCheck("reports.create", admin_with_grant_until(NOW + SECOND, removed=("reports.create",))), Rule.REMOVED),
        (AccessCheck("reports.create", admin_with_grant_until(NOW)), Rule.GRANT_EXPIRED),
        (AccessCheck("reports.create", admin_with_grant_until(NOW, suspended_by=frozenset({SuspensionReason.CLIENT}))), Rule.GRANT_EXPIRED),
        (AccessCheck("account.billing.manage", admin_with_grant_until(NOW + SECOND)), Rule.RESTRICTED),
        (AccessCheck("account.billing.manage", admin_with_grant_until(NOW)), Rule.GRANT_EXPIRED),
    ],
)  # fmt: skip
def test_decide_after_expired_grant_denies_what_was_held_before_it(question: AccessCheck, rule: Rule) -> None:
    # domain.md rule 10
    assert question.decision == AccessDecision(rule)


def test_decide_with_new_set_version_narrows_old_grants_and_never_widens_them() -> None:
    with two_set_versions():
        assert partner_admin_check("crm.import", admin(set_version=1)).decision == AccessDecision(Rule.NOT_IN_SET)
        assert partner_admin_check("crm.import", admin(set_version=2)).decision.permits
        assert partner_admin_check("crm.import", admin(set_version=3)).decision == AccessDecision(Rule.UNKNOWN_SET)
        assert AccessCheck("crm.import", member_with_set("sales", set_version=1)).decision == AccessDecision(
            Rule.NOT_IN_SET
        )
    with published_versions(partner_admin=PARTNER_ADMIN_VERSIONS):
        assert partner_admin_check("crm.import", admin(set_version=1)).decision == AccessDecision(Rule.NOT_IN_SET)
        assert partner_admin_check("crm.bulk_delete", admin(set_version=1)).decision.permits


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
def test_opens_depends_on_pricing_seat_and_paid_seats(
    pricing: Pricing, seat: Seat | None, paid: tuple[Seat, ...], opened: str
) -> None:
    account, place = the_client(pricing=pricing), a_member(seat=seat, paid_seats=paid)

    for name, kind in catalogue.PAID_FEATURE_SEATS.items():
        assert seats_include(account, place, name) is (kind in opened.split())
        assert AccessCheck(name, an_actor(member=place), account).decision.permits is (kind in opened.split())
    for name in catalogue.CATALOGUE - catalogue.PAID_FEATURE_SEATS.keys():
        assert seats_include(account, place, name)


def test_catalogue_paid_permissions_are_all_of_sales_and_service() -> None:
    assert {name: name.partition(".")[0] for name in catalogue.PAID_FEATURE_SEATS} == catalogue.PAID_FEATURE_SEATS
    assert {name for name in catalogue.CATALOGUE if name.startswith(("sales.", "service."))} == set(
        catalogue.PAID_FEATURE_SEATS
    )


# precedence of rules


def test_decide_with_several_violations_returns_first_rule() -> None:
    """Start with every rule violated and correct one violation per step."""
    partner = the_partner(terminations=1)
    member = a_partner_admin(
        active=False,
        grant=a_grant(former_set="reporting", expires_at=NOW),
        suspended_by=frozenset({SuspensionReason.CLIENT}),
        set_version=7,
        removed=("sales.access",),
    )
    no_member = Actor(None, None, {partner.account_id: partner})
    closed = LEGACY.next_version(state=AccountState.CLOSED)
    worst = AccessCheck("sales.acess", no_member, closed)
    steps = [
        worst,
        replace(worst, permission="sales.access"),
        partner_admin_check("sales.access", replace(no_member, member=member), account=closed),
    ]
    for user, membership in (
        (None, member),
        (an_employee(active=False), member),
        (an_employee(), member),
        (an_employee(), member.next_version(grant=a_grant())),
        (an_employee(), member.next_version(grant=a_grant(), active=True)),
        (an_employee(), member.next_version(grant=a_grant(), active=True, access_generation=1)),
        (
            an_employee(),
            member.next_version(grant=a_grant(), active=True, access_generation=1, suspended_by=frozenset()),
        ),
        (an_employee(), a_partner_admin(access_generation=1, removed=("sales.access",))),
        (an_employee(), a_partner_admin(access_generation=1)),
    ):
        steps.append(partner_admin_check("sales.access", Actor(user, membership, no_member.partners), account=LEGACY))
    steps.append(replace(steps[-1], account=the_client()))

    assert [each.decision.rule for each in steps] == [
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
    assert [each.decision.permits for each in steps] == [False] * 12 + [True]


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (partner_admin_check("partner.client_access.manage", admin(set_version=2)), Rule.UNKNOWN_SET),
        (partner_admin_check("partner.client_access.manage"), Rule.PARTNER_ACCOUNTS_ONLY),
        (AccessCheck("partner.client_access.manage", member_with_set("sales")), Rule.PARTNER_ACCOUNTS_ONLY),
        (partner_admin_check("account.billing.manage", admin(removed=("account.billing.manage",))), Rule.RESTRICTED),
        (AccessCheck("sales.forecast", member_with_set("service")), Rule.NOT_IN_SET),
        (AccessCheck("nonsense", Actor()), Rule.UNKNOWN_PERMISSION),
    ],
)
def test_decide_with_several_violations_returns_most_specific_rule(question: AccessCheck, rule: Rule) -> None:
    assert question.decision == AccessDecision(rule)


# records behind a decision


def test_access_facts_rely_on_every_record_read() -> None:
    own = a_custom_set()
    actor = an_actor(
        an_employee(), a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER), partners=[the_partner()], sets=[own]
    )
    expected: tuple[Record, ...] = (the_client(), an_employee(), actor.member or a_member(), the_partner(), own)

    assert AccessFacts(the_client(), actor, NOW).relied_on == expected
    assert AccessFacts(None, actor, NOW).relied_on == expected[1:]
    assert AccessFacts(None, Actor(), NOW).relied_on == ()


def test_active_membership_of_non_member_is_denying_rule() -> None:
    membership = partner_admin_check().access_facts.active_membership
    assert not isinstance(membership, Rule)
    assert (membership.account, membership.member) == (the_client(), a_partner_admin())
    assert membership.base == membership.rights == latest_set_rights(SetName.PARTNER_ADMIN)
    assert AccessFacts(the_client(), Actor(), NOW).active_membership is Rule.NOT_A_MEMBER


def test_active_membership_after_expired_grant_is_denying_rule() -> None:
    lapsed = admin_with_grant_until(NOW)

    assert AccessFacts(the_client(), lapsed, NOW).active_membership is Rule.GRANT_EXPIRED
    assert lapsed.rights_at(NOW) == NO_RIGHTS


# consistency with the rights of the member


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_decide_permits_exactly_held_permissions_in_open_client(
    data: st.DataObject,
) -> None:
    state = random_state(lambda options: data.draw(st.sampled_from(options)))
    with published_versions(partner_admin=PARTNER_ADMIN_VERSIONS):
        access_facts = access_facts_of(state)
        now = access_facts.actor.member_at(NOW)
        known = now is None or has_known_set(now, access_facts.actor.sets)
        rights = access_facts.actor.rights_at(NOW)
        account = access_facts.account
        open_client = account and not account.is_partner and account.state is AccountState.ACTIVE
        for name in sorted(catalogue.CATALOGUE):
            decision = decide(access_facts, name)
            if decision.permits:
                assert name in rights, name
                assert decision.scope == rights.held[name], name
            elif open_client and known and name not in catalogue.PAID_FEATURE_SEATS.keys() | catalogue.PARTNER_ONLY:
                assert name not in rights, name
