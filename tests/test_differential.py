"""Differential tests of the access rules: the product, a reference policy from domain.md, and Cedar must agree.

`STATES=100000` checks more random memberships. `SEED=…` repeats the same ones.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random, SystemRandom
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.authorization.access import AccessFacts, decide
from partner_access.domain.permissions import catalogue
from partner_access.store.authorization import access
from partner_access.store.authorization.access import MemberId
from tests.support import cedar
from tests.support.builders import NOW
from tests.support.random_memberships import (
    ADDED_PERMISSIONS,
    CUSTOM_SET_PERMISSIONS,
    NOW_SECONDS,
    PARTNER_ADMIN_VERSIONS,
    REMOVED_PERMISSIONS,
    State,
    access_facts_of,
    random_state,
    records,
)
from tests.support.reference_policy import Reach, ReferencePolicy
from tests.support.set_versions import published_versions
from tests.support.table import Table

RecordProperty = Callable[[str, object], None]

NAMES: Final = (*sorted(catalogue.CATALOGUE), "crm.unicorns.view", "")
COMPARED_PERMISSIONS: Final = sorted(
    {
        name.partition(":")[0]
        for names in (*ADDED_PERMISSIONS, *REMOVED_PERMISSIONS, *CUSTOM_SET_PERMISSIONS)
        for name in names
    }
    | catalogue.RESTRICTED
    | {"crm.contacts.delete", "sales.forecast", "crm.unicorns.view"}
)
"""Permissions on which the rules differ. The others all behave alike."""


@pytest.fixture(scope="module", autouse=True)
def three_versions() -> Iterator[None]:
    """Set three versions of the partner admin set in this module."""
    with published_versions(partner_admin=PARTNER_ADMIN_VERSIONS):
        yield


def scaled(usually: int) -> int:
    """Return the number of random memberships, scaled by the environment variable STATES."""
    return usually * int(os.environ.get("STATES", "3000")) // 3000


@pytest.fixture
def random_generator() -> Random:
    """Return a random generator with a new seed locally and a fixed one in CI. A failing test shows the seed."""
    seed = int(os.environ.get("SEED") or ("CI" not in os.environ and SystemRandom().randrange(10**9)))
    print(f"SEED={seed}")  # noqa: T201 pytest shows it with a failure
    return Random(seed)


def random_states(chance: Random, usually: int) -> list[State]:
    return [random_state(chance.choice, number) for number in range(scaled(usually))]


def product_decision(access_facts: AccessFacts) -> Reach:
    """Return all permissions that the product permits, with their reach."""
    decisions = {name: decide(access_facts, name) for name in NAMES}
    assert all(decision.permits == (decision.scope is not None) for decision in decisions.values())
    return {name: int(decision.scope) for name, decision in decisions.items() if decision.scope}


def states_in_dispute(states: Iterable[State], policy: type[ReferencePolicy] = ReferencePolicy) -> Iterator[State]:
    """Yield the states on which the product and a reference policy disagree."""
    return (
        state
        for state in states
        if product_decision(access_facts_of(state)) != policy(state, NOW_SECONDS).permissions()
    )


def questions(states: Iterable[State], chance: Random, each: int = 4) -> list[cedar.Question]:
    """Return some questions about each state, preferably about permissions on which the rules differ."""
    return [
        (
            state,
            chance.choice(
                (chance.choice(COMPARED_PERMISSIONS), chance.choice(COMPARED_PERMISSIONS), chance.choice(NAMES))
            ),
            reach,
        )
        for state in states
        for reach in (chance.choice((1, 2, 3)) for _ in range(each))
    ]


def questions_in_dispute(sample: list[cedar.Question], policies: Mapping[str, str] = cedar.POLICIES) -> list[Any]:
    """Return the questions on which the product and Cedar disagree."""
    facts_by_state = {id(state): access_facts_of(state) for state, _, _ in sample}
    product_decisions = [(decide(facts_by_state[id(state)], name).scope or 0) >= reach for state, name, reach in sample]
    return [
        (question, product_permits)
        for question, product_permits, cedar_permits in zip(
            sample, product_decisions, cedar.permits(sample, NOW_SECONDS, policies.values()), strict=True
        )
        if product_permits != cedar_permits
    ]


# agreement


def test_access_decision_agrees_with_reference_policy(
    random_generator: Random, record_property: RecordProperty
) -> None:
    states = random_states(random_generator, 3000)
    record_property("states", len(states))

    assert list(states_in_dispute(states)) == []
    permitted = sum(bool(ReferencePolicy(state, NOW_SECONDS).permissions()) for state in states)
    assert 0.2 < permitted / len(states) < 0.8, "or hardly anything would be compared"


def test_access_decision_agrees_with_cedar(random_generator: Random, record_property: RecordProperty) -> None:
    sample = questions(random_states(random_generator, 2000), random_generator)
    record_property("questions", len(sample))

    assert questions_in_dispute(sample) == []


@settings(deadline=None, max_examples=scaled(150))
@given(st.data())
def test_access_decision_agrees_with_both_on_generated_state(data: st.DataObject) -> None:
    state = random_state(lambda options: data.draw(st.sampled_from(options)))

    assert list(states_in_dispute([state])) == []
    name, reach = data.draw(st.sampled_from(COMPARED_PERMISSIONS)), data.draw(st.sampled_from((1, 2, 3)))
    assert questions_in_dispute([(state, name, reach)]) == []


def test_access_decision_on_table_records_equals_decision_on_all_facts(table: Table, random_generator: Random) -> None:
    states = random_states(random_generator, 200)
    table.put_records(*(record for state in states for record in records(state)))
    pairs = {MemberId(f"account-{number}", f"user-{number}"): state for number, state in enumerate(states)}

    found = access.access_facts(pairs, NOW)

    assert set(found) == set(pairs)
    for pair, state in pairs.items():
        read, whole = product_decision(found[pair]), product_decision(access_facts_of(state))
        assert read == whole, state


# detection of wrong models


def wrong_policy(**methods: Any) -> type[ReferencePolicy]:
    """Return a reference policy in which some sentences of domain.md are implemented wrongly."""
    return type("Wrong", (ReferencePolicy,), methods)


@pytest.mark.parametrize(
    "policy",
    [
        wrong_policy(has_current_generation=lambda self, place: place["partner_id"] in self.partners),
        wrong_policy(has_expired=lambda self, grant: False),
        wrong_policy(
            has_expired=lambda self, grant: grant["expires_at"] is not None and grant["expires_at"] < self.now
        ),
        wrong_policy(suspended_by=lambda self: ()),
        wrong_policy(suspended_by=lambda self: self.member["suspended_by"] and ("client",)),
        wrong_policy(is_eligible=lambda self, partner_id: True),
        wrong_policy(is_eligible=lambda self, partner_id: partner_id in self.user["employed_by"]),
        wrong_policy(pinned_permissions=lambda self, versions, version: versions[version - 1]),
        wrong_policy(pinned_permissions=lambda self, versions, version: versions[-1]),
        wrong_policy(is_restricted=lambda self, name, place: False),
        wrong_policy(is_restricted=lambda self, name, place: name in catalogue.RESTRICTED and bool(place.get("grant"))),
        wrong_policy(exists=lambda self, name: True),
        wrong_policy(exists=lambda self, name: name not in catalogue.PARTNER_ONLY),
        wrong_policy(is_paid=lambda self, name, place: True),
        wrong_policy(
            is_paid=lambda self, name, place: (
                catalogue.PAID_FEATURE_SEATS.get(name) in (None, place["seat"], *place["paid_seats"])
            )
        ),
    ],
    ids=[
        "ignores the access generation",
        "forgets the end",
        "takes the end for included",
        "forgets suspension",
        "takes a partner's suspension for the client's",
        "believes every partner",
        "looks at employment alone",
        "lets a narrowing wait",
        "widens grants",
        "grants restricted permissions",
        "restricts partner admins alone",
        "takes clients for partners",
        "takes partners for clients",
        "forgets seats",
        "forgets the partner seat",
    ],
)
def test_reference_policy_with_one_wrong_rule_disagrees(policy: type[ReferencePolicy]) -> None:
    assert any(states_in_dispute(random_states(Random(1), 1500), policy))


@pytest.mark.parametrize("name", cedar.POLICIES)
def test_cedar_without_one_policy_disagrees(name: str) -> None:
    sample = questions(random_states(Random(1), 500), Random(2))

    assert questions_in_dispute(sample, {each: policy for each, policy in cedar.POLICIES.items() if each != name})
