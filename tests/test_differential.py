"""Three decide alike about every way to stand in an account: the product, a naive reading of domain.md, and Cedar.

`STATES=100000` looks at more ways, `SEED=…` at the same ones again.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random, SystemRandom
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.authorization.access import Presence, judge
from partner_access.domain.permissions import catalogue
from partner_access.store.authorization import access
from partner_access.store.authorization.access import Pair
from tests.support import cedar
from tests.support.builders import NOW
from tests.support.random_memberships import ADDED, AT, OWN, REMOVED, VERSIONS, State, a_state, presence, records
from tests.support.reference_policy import Naive, Reach
from tests.support.set_versions import of_sets
from tests.support.table import Table

Noted = Callable[[str, object], None]

NAMES: Final = (*sorted(catalogue.CATALOGUE), "crm.unicorns.view", "")
TELLING: Final = sorted(
    {name.partition(":")[0] for names in (*ADDED, *REMOVED, *OWN) for name in names}
    | catalogue.RESTRICTED
    | {"crm.contacts.delete", "sales.forecast", "crm.unicorns.view"}
)
"""What the rules differ about; of the rest any is like any other."""


@pytest.fixture(scope="module", autouse=True)
def three_versions() -> Iterator[None]:
    """Of the partner admin set."""
    with of_sets(partner_admin=VERSIONS):
        yield


def how_many(usually: int) -> int:
    """So many ways, or as many times more as is wished."""
    return usually * int(os.environ.get("STATES", "3000")) // 3000


@pytest.fixture
def chance() -> Random:
    """Another one each time at a desk, always the same in CI; a test that fails shows which."""
    seed = int(os.environ.get("SEED") or ("CI" not in os.environ and SystemRandom().randrange(10**9)))
    print(f"SEED={seed}")  # noqa: T201 pytest shows it with a failure
    return Random(seed)


def ways(chance: Random, usually: int) -> list[State]:
    return [a_state(chance.choice, number) for number in range(how_many(usually))]


def decided(stands: Presence) -> Reach:
    """All that the product permits, and how far it reaches."""
    verdicts = {name: judge(stands, name) for name in NAMES}
    assert all(verdict.permits == (verdict.scope is not None) for verdict in verdicts.values())
    return {name: int(verdict.scope) for name, verdict in verdicts.items() if verdict.scope}


def disputed(states: Iterable[State], naive: type[Naive] = Naive) -> Iterator[State]:
    """Those about which the product and a naive model do not agree."""
    return (state for state in states if decided(presence(state)) != naive(state, AT).may())


def questions(states: Iterable[State], chance: Random, each: int = 4) -> list[cedar.Question]:
    """Some about each state, rather those that tell something."""
    return [
        (state, chance.choice((chance.choice(TELLING), chance.choice(TELLING), chance.choice(NAMES))), reach)
        for state in states
        for reach in (chance.choice((1, 2, 3)) for _ in range(each))
    ]


def disputed_by_cedar(asked: list[cedar.Question], policies: Mapping[str, str] = cedar.POLICIES) -> list[Any]:
    """The questions about which the product and Cedar do not agree."""
    stands = {id(state): presence(state) for state, _, _ in asked}
    ours = [(judge(stands[id(state)], name).scope or 0) >= reach for state, name, reach in asked]
    return [
        (question, our)
        for question, our, theirs in zip(asked, ours, cedar.permits(asked, AT, policies.values()), strict=True)
        if our != theirs
    ]


def stands_on_much(state: State) -> bool:
    """Whether more stands behind a membership than is read: what he was before his grant may then be denied for a while."""
    places = [place for place in (state["member"], state["member"] and state["member"].get("previous")) if place]
    firms = {place["partner_id"] for place in places} - {None}
    own = {place["permission_set"] for place in places} - set(catalogue.SETS)
    return len(firms) + len(own) > access.BEHIND


# all agree


def test_the_product_and_a_naive_reading_of_the_rules_agree(chance: Random, record_property: Noted) -> None:
    states = ways(chance, 3000)
    record_property("states", len(states))

    assert list(disputed(states)) == []
    permitted = sum(bool(Naive(state, AT).may()) for state in states)
    assert 0.2 < permitted / len(states) < 0.8, "or hardly anything would be compared"


def test_the_product_and_cedar_agree(chance: Random, record_property: Noted) -> None:
    asked = questions(ways(chance, 2000), chance)
    record_property("questions", len(asked))

    assert disputed_by_cedar(asked) == []


@settings(deadline=None, max_examples=how_many(150))
@given(st.data())
def test_the_smallest_case_of_which_they_would_not_agree(data: st.DataObject) -> None:
    state = a_state(lambda options: data.draw(st.sampled_from(options)))

    assert list(disputed([state])) == []
    name, reach = data.draw(st.sampled_from(TELLING)), data.draw(st.sampled_from((1, 2, 3)))
    assert disputed_by_cedar([(state, name, reach)]) == []


def test_what_is_read_of_the_table_is_decided_alike(table: Table, chance: Random) -> None:
    states = ways(chance, 200)
    table.keep(*(record for state in states for record in records(state)))
    pairs = {Pair(f"account-{number}", f"user-{number}"): state for number, state in enumerate(states)}

    found = access.presences(pairs, NOW)

    assert set(found) == set(pairs)
    for pair, state in pairs.items():
        read, whole = decided(found[pair]), decided(presence(state))
        assert read == whole or (read == {} and stands_on_much(state)), state


# and would be seen not to


def wrong(**methods: Any) -> type[Naive]:
    """The naive model with some sentences of domain.md read wrong."""
    return type("Wrong", (Naive,), methods)


@pytest.mark.parametrize(
    "naive",
    [
        wrong(has_tenure=lambda self, place: place["partner_id"] in self.firms),
        wrong(has_lapsed=lambda self, grant: False),
        wrong(has_lapsed=lambda self, grant: grant["expires_at"] is not None and grant["expires_at"] < self.now),
        wrong(suspended_by=lambda self: ()),
        wrong(suspended_by=lambda self: self.member["suspended_by"] and ("client",)),
        wrong(is_eligible=lambda self, firm_id: True),
        wrong(is_eligible=lambda self, firm_id: firm_id in self.user["employed_by"]),
        wrong(pinned=lambda self, versions, version: versions[version - 1]),
        wrong(pinned=lambda self, versions, version: versions[-1]),
        wrong(is_restricted=lambda self, name, place: False),
        wrong(is_restricted=lambda self, name, place: name in catalogue.RESTRICTED and bool(place.get("grant"))),
        wrong(exists=lambda self, name: True),
        wrong(exists=lambda self, name: name not in catalogue.PARTNER_ONLY),
        wrong(is_paid=lambda self, name, place: True),
        wrong(
            is_paid=lambda self, name, place: catalogue.PAID.get(name) in (None, place["seat"], *place["paid_seats"])
        ),
    ],
    ids=[
        "forgets tenure",
        "forgets the end",
        "takes the end for included",
        "forgets suspension",
        "takes a firm's suspension for the client's",
        "believes every firm",
        "looks at employment alone",
        "lets a narrowing wait",
        "widens grants",
        "hands out what is restricted",
        "restricts partner admins alone",
        "takes clients for partners",
        "takes partners for clients",
        "forgets seats",
        "forgets the partner seat",
    ],
)
def test_a_model_that_reads_one_sentence_wrong_is_caught(naive: type[Naive]) -> None:
    assert any(disputed(ways(Random(1), 1500), naive))


@pytest.mark.parametrize("name", cedar.POLICIES)
def test_a_policy_that_is_missing_is_missed(name: str) -> None:
    asked = questions(ways(Random(1), 500), Random(2))

    assert disputed_by_cedar(asked, {each: policy for each, policy in cedar.POLICIES.items() if each != name})
