"""Explanations of access decisions: the facts and advice of each rule, and the same decision as the decision API."""

from random import Random
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.authorization.access import AccessFacts, Rule, decide
from partner_access.domain.authorization.explanations import (
    ADVICE,
    NOBODY_CAN_CHANGE_IT,
    RELEVANT_FACTS,
    ExplanationFacts,
    RuleFacts,
    advice_for,
    explain,
)
from partner_access.domain.authorization.remedies import NO_RELATED_ACTORS, NO_REMEDY, RelatedActors, Remedy
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    NoIndependentApprover,
    NoSeatLeft,
    NotFound,
    RightsChanged,
)
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.permissions import catalogue
from tests.support.builders import (
    APPROVER,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    the_client,
)
from tests.support.random_memberships import access_facts_of, random_state

EXPORT, USERS = "crm.export", "account.users.manage"
ADMINS = RelatedActors(super_admins=(an_actor(),))


def explanation_facts(target: Actor, caller: Actor = NO_ACTOR, *, account: Any = None, **more: Any) -> ExplanationFacts:
    """Build the facts for explaining the target's access. By default, the vendor's product asks."""
    account_now = account or the_client()
    user_id = target.user.user_id if target.user else "user-nobody"
    by_vendor = {"for_decisions": caller is NO_ACTOR}
    return ExplanationFacts(
        AccessFacts(account_now, target, NOW), AccessFacts(account_now, caller, NOW), user_id, **{**by_vendor, **more}
    )


@pytest.mark.parametrize("rule", Rule)
def test_rule_has_facts_and_advice_as_a_sentence(rule: Rule) -> None:
    assert set(RELEVANT_FACTS[rule]) <= set(RuleFacts.__dataclass_fields__)
    assert ADVICE[rule][0].isupper()
    assert ADVICE[rule].endswith(".")
    assert "you" not in ADVICE[rule]


@pytest.mark.parametrize("permission", [EXPORT, "sales.access", "account.billing.manage", "crm.everything"])
@pytest.mark.parametrize("target", [a_partner_admin_actor(), an_actor(), NO_ACTOR, an_actor(a_user(active=False))])
def test_explain_returns_same_decision_as_decide(target: Actor, permission: str) -> None:
    facts = explanation_facts(target)

    explanation = explain(facts, permission, ADMINS, an_act("vendor"))

    assert explanation.decision == decide(facts.subject, permission)
    assert explanation.at == NOW


def test_explain_returns_only_facts_of_the_rule() -> None:
    set_of_its_own = an_actor(member=a_member(permission_set=CUSTOM_SET), sets=[a_custom_set()])

    because = explain(explanation_facts(set_of_its_own), "crm.tickets.edit", ADMINS, an_act("vendor")).facts

    returned = {name for name in RuleFacts.__dataclass_fields__ if getattr(because, name) is not None}
    assert returned == {"permission_set", "scope"}
    assert because.scope == "team"
    assert because.permission_set
    assert because.permission_set.name == "Service desk"


@pytest.mark.parametrize(("caller", "error"), [
    (an_actor(), None),
    (an_actor(a_user("user-users"), a_member("user-users", "view_only", added=(USERS,))), None),
    (a_partner_admin_actor(), None),
    (a_temporary_partner_admin_actor(), None),
    (an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only")), Forbidden),
    (an_actor(a_user(active=False)), Forbidden),
    (Actor(a_user(active=False)), Forbidden),
    (an_actor(member=a_member(active=False)), NotFound),
    (Actor(a_user()), NotFound),
    (Actor(member=a_member()), NotFound),
])  # fmt: skip
def test_must_be_allowed_for_other_user_requires_user_management(caller: Actor, error: type[Exception] | None) -> None:
    facts = explanation_facts(an_actor(a_user("user-other"), a_member("user-other")), caller)

    if error:
        with pytest.raises(error):
            facts.must_be_allowed(an_act())
    else:
        facts.must_be_allowed(an_act())


def test_explain_without_account_raises_not_found_or_has_no_remedy() -> None:
    no_account = AccessFacts(None, an_actor(), NOW)

    with pytest.raises(NotFound):
        ExplanationFacts(no_account, no_account, EMPLOYEE).must_be_allowed(an_act())
    assert explain(ExplanationFacts(no_account, no_account, APPROVER), EXPORT, ADMINS, an_act()).remedy == NO_REMEDY


def test_explain_to_former_member_hides_account_state() -> None:
    closed = the_client(state=AccountState.CLOSED)
    former = an_actor(member=a_member(active=False))

    assert explanation_facts(former, former, account=closed).decision(EXPORT).rule is Rule.NOT_A_MEMBER
    assert explanation_facts(former, account=closed).decision(EXPORT).rule is Rule.ACCOUNT_CLOSED
    assert explanation_facts(an_actor(), an_actor(), account=closed).decision(EXPORT).rule is Rule.ACCOUNT_CLOSED
    assert not explanation_facts(former, former).needs_related_actors(EXPORT)
    assert explanation_facts(former).needs_related_actors(EXPORT)


def test_explain_without_possible_remedy_says_so_in_advice() -> None:
    last = explain(explanation_facts(an_actor()), EXPORT, ADMINS, an_act("vendor"))
    alone = explain(
        explanation_facts(a_partner_admin_actor(member=a_partner_admin(removed=(EXPORT,)))),
        EXPORT,
        NO_RELATED_ACTORS,
        an_act("vendor"),
    )

    assert last.advice == (
        "Something else has to change first. An account needs at least one active super admin. Name another one first."
    )
    assert [each.role for each in alone.remedy.changeable_by] == ["user_manager", "colleague"]
    assert (
        explain(explanation_facts(NO_ACTOR), "partner.client_access.manage", ADMINS, an_act("vendor")).advice
        == NOBODY_CAN_CHANGE_IT
    )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoIndependentApprover(), f"Something else has to change first. {NoIndependentApprover.detail}"),
        (NoSeatLeft(), f"Something else has to change first. {NoSeatLeft.detail}"),
        (RightsChanged(), NOBODY_CAN_CHANGE_IT),
        (Forbidden(), NOBODY_CAN_CHANGE_IT),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_advice_after_error_names_what_comes_first_or_that_nobody_can(error: DomainError, advice: str) -> None:
    # domain.md rule 44
    assert advice_for(Rule.NOT_A_MEMBER, Remedy(error=error)) == advice


def test_explain_random_memberships_always_returns_explanation() -> None:
    random = Random(20261122)
    reached = set()
    for _ in range(250):
        target = access_facts_of(random_state(random.choice))
        facts = ExplanationFacts(target, AccessFacts(None, NO_ACTOR, NOW), "user-0", for_decisions=True)
        super_admin = an_actor(a_user("user-boss"), a_member("user-boss", account_id="account-0"))
        related_actors = RelatedActors((super_admin,), target.actor.partners)
        for permission in random.sample(sorted(catalogue.CATALOGUE), 3):
            explanation = explain(facts, permission, related_actors, an_act("vendor"))
            assert explanation.decision == decide(target, permission)
            assert not (explanation.remedy.call and explanation.remedy.error)
            assert bool(explanation.remedy.changeable_by) or explanation.remedy.call is None
            reached.add(explanation.decision.rule)
    assert len(reached) > 12
