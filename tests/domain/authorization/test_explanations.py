"""Each rule has its facts and its sentence, and an explanation is of the decision itself."""

from random import Random
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.authorization.access import Presence, Rule, judge
from partner_access.domain.authorization.explanations import MATTERS, NOBODY_CAN, TO_DO, Because, Explaining, explain
from partner_access.domain.authorization.remediation import ALONE, NONE, Surroundings
from partner_access.domain.errors import Forbidden, NotFound
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.permissions import catalogue
from tests.support.builders import (
    APPROVER,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    of_the_partner,
    of_the_partner_for_a_day,
    the_client,
)
from tests.support.random_memberships import a_state, presence

EXPORT, USERS = "crm.export", "account.users.manage"
ADMINS = Surroundings(super_admins=(an_actor(),))


def asked(target: Actor, asker: Actor = NOBODY, *, account: Any = None, **more: Any) -> Explaining:
    """About the target, by default for the vendor's product."""
    here = account or the_client()
    user_id = target.user.user_id if target.user else "user-nobody"
    by_vendor = {"for_decisions": asker is NOBODY}
    return Explaining(Presence(here, target, NOW), Presence(here, asker, NOW), user_id, **{**by_vendor, **more})


@pytest.mark.parametrize("rule", Rule)
def test_each_rule_names_its_facts_and_says_in_a_sentence_what_to_do(rule: Rule) -> None:
    assert set(MATTERS[rule]) <= set(Because.__dataclass_fields__)
    assert TO_DO[rule][0].isupper()
    assert TO_DO[rule].endswith(".")
    assert "you" not in TO_DO[rule]


@pytest.mark.parametrize("permission", [EXPORT, "sales.access", "account.billing.manage", "crm.everything"])
@pytest.mark.parametrize("target", [of_the_partner(), an_actor(), NOBODY, an_actor(a_user(active=False))])
def test_the_decision_is_the_one_that_an_evaluation_takes(target: Actor, permission: str) -> None:
    asking = asked(target)

    explanation = explain(asking, permission, ADMINS, an_act("vendor"))

    assert explanation.verdict == judge(asking.presence, permission)
    assert explanation.at == NOW


def test_facts_that_the_rule_does_not_look_at_are_not_told() -> None:
    set_of_its_own = an_actor(member=a_member(permission_set=CUSTOM_SET), sets=[a_custom_set()])

    because = explain(asked(set_of_its_own), "crm.tickets.edit", ADMINS, an_act("vendor")).facts

    told = {name for name in Because.__dataclass_fields__ if getattr(because, name) is not None}
    assert told == {"permission_set", "scope"}
    assert because.scope == "team"
    assert because.permission_set
    assert because.permission_set.name == "Service desk"


@pytest.mark.parametrize(("asker", "refusal"), [
    (an_actor(), None),
    (an_actor(a_user("user-users"), a_member("user-users", "view_only", added=(USERS,))), None),
    (of_the_partner(), None),
    (of_the_partner_for_a_day(), None),
    (an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only")), Forbidden),
    (an_actor(a_user(active=False)), Forbidden),
    (Actor(a_user(active=False)), Forbidden),
    (an_actor(member=a_member(active=False)), NotFound),
    (Actor(a_user()), NotFound),
    (Actor(member=a_member()), NotFound),
])  # fmt: skip
def test_of_others_are_told_who_manages_users_now(asker: Actor, refusal: type[Exception] | None) -> None:
    asking = asked(an_actor(a_user("user-other"), a_member("user-other")), asker)

    if refusal:
        with pytest.raises(refusal):
            asking.must_be_allowed(an_act())
    else:
        asking.must_be_allowed(an_act())


def test_without_an_account_nobody_is_in_it() -> None:
    nowhere = Presence(None, an_actor(), NOW)

    with pytest.raises(NotFound):
        Explaining(nowhere, nowhere, EMPLOYEE).must_be_allowed(an_act())
    assert explain(Explaining(nowhere, nowhere, APPROVER), EXPORT, ADMINS, an_act()).remedy == NONE


def test_whoever_is_out_of_an_account_hears_no_news_of_it() -> None:
    closed = the_client(state=AccountState.CLOSED)
    former = an_actor(member=a_member(active=False))

    assert asked(former, former, account=closed).verdict(EXPORT).rule is Rule.NOT_A_MEMBER
    assert asked(former, account=closed).verdict(EXPORT).rule is Rule.ACCOUNT_CLOSED
    assert asked(an_actor(), an_actor(), account=closed).verdict(EXPORT).rule is Rule.ACCOUNT_CLOSED
    assert not asked(former, former).leads_to_people(EXPORT)
    assert asked(former).leads_to_people(EXPORT)


def test_when_nobody_can_it_says_so_and_why_where_that_helps() -> None:
    last = explain(asked(an_actor()), EXPORT, ADMINS, an_act("vendor"))
    alone = explain(asked(of_the_partner(member=a_partner_admin(removed=(EXPORT,)))), EXPORT, ALONE, an_act("vendor"))

    assert last.advice == (
        "As things stand, nobody in this account can change it. "
        "An account keeps at least one active super admin. Name another one first."
    )
    assert [each.role for each in alone.remedy.by] == ["user_manager", "colleague"]
    assert explain(asked(NOBODY), "partner.client_access.manage", ADMINS, an_act("vendor")).advice == NOBODY_CAN


def test_however_somebody_stands_there_is_an_explanation() -> None:
    chance = Random(20261122)
    reached = set()
    for _ in range(250):
        target = presence(a_state(chance.choice))
        asking = Explaining(target, Presence(None, NOBODY, NOW), "user-0", for_decisions=True)
        boss = an_actor(a_user("user-boss"), a_member("user-boss", account_id="account-0"))
        around = Surroundings((boss,), target.actor.firms)
        for permission in chance.sample(sorted(catalogue.CATALOGUE), 3):
            explanation = explain(asking, permission, around, an_act("vendor"))
            assert explanation.verdict == judge(target, permission)
            assert not (explanation.remedy.call and explanation.remedy.refusal)
            assert bool(explanation.remedy.by) or explanation.remedy.call is None
            reached.add(explanation.verdict.rule)
    assert len(reached) > 12
