"""What was promised of every schedule, and how to see whether it is kept (guarantees.md §1)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import permutations, product
from typing import Any, Final

from partner_access.store import keys
from tests.proofs.interleavings.attempts import Attempt, End, Operation, Player, Run
from tests.proofs.interleavings.fake_aws import Aws, Held
from tests.proofs.interleavings.operations import DECISION
from tests.proofs.interleavings.schedules import Exploration, Fault, Found, Look, State, is_sound
from tests.support.background_functions import SEND_LETTERS

SHOWN_ONCE: Final = frozenset({"url"})
"""What no replay tells again."""
AS_READ: Final = frozenset({"remaining_super_admins", "remaining_are_partner_employees"})
"""What an answer tells as it was read: a migration is held to one other super admin, and not to how many there are."""
OVERTAKEN: Final = "rights_changed"
"""The answer to whoever was overtaken as often as he tried: nothing came of it."""
SERVER_ERROR: Final = 500
NAMES: Final = frozenset({"grant_id", "link_id", "set_id"})
"""Of what an act brought about: another try of it would give another."""
LATER: Final = timedelta(hours=1)
"""When nothing is in anybody's hands any more."""
MAILER: Final = "the mailer's sweep"
CLEAN_UP: Final = "clean-up"
Outcome = tuple[bytes, tuple[Any, ...]]


@dataclass(slots=True)
class Memory:
    """What no test needs to work out again: where everything begins, who may do what there, and what comes of it."""

    first: dict[Attempt, Run] = field(default_factory=dict)
    began: Held | None = None
    operations: Mapping[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """Where everything begins, and who may do what there."""

    held: Held
    operations: Mapping[str, Operation]
    aws: Aws
    player: Player
    decisions: dict[Held, str] = field(default_factory=dict)

    def attempts(self, *names: str) -> list[Attempt]:
        """Of these operations; one that is named again is a deed of its own."""
        return [Attempt(self.operations[name], deed=1 + names[:place].count(name)) for place, name in enumerate(names)]

    def prove(self, *attempts: Attempt, faults: tuple[Fault, ...] = (), only: str = "") -> Found:
        """All that was promised holds in every schedule of these attempts."""
        unharmed = (nobody_is_written_twice, nobody_goes_without_an_answer)
        looks = (is_sound, *((nobody_is_written_thrice,) if faults else unharmed))
        at_end = self.expected(*attempts, faults=faults)
        exploration = self.exploring(*attempts, always=all_of(*looks), at_end=at_end, faults=faults, only=only)
        return exploration.must_hold(self.held, *attempts)

    def exploring(
        self,
        *attempts: Attempt,
        at_end: Look,
        always: Look = is_sound,
        faults: tuple[Fault, ...] = (),
        only: str = "",
    ) -> Exploration:
        """How these attempts are explored; with faults, whoever got no answer asks again."""
        decides = any(attempt.operation.decides for attempt in attempts)
        return Exploration(
            self.player,
            self.aws,
            always=always,
            at_end=at_end,
            faults=faults,
            again=1 if faults else 0,
            watch=self.decided if decides else None,
            only=only,
        )

    def expected(self, *attempts: Attempt, faults: tuple[Fault, ...] = ()) -> Look:
        """What must be true at the end of these."""
        first, *others = attempts
        if first.is_deed and all(each.key == first.key for each in others):
            return done_once(self, first)
        if faults and not others and not first.is_deed and not first.operation.decides:
            return comes_to_the_same_later(self, first)
        if not first.is_deed and others and all(each.operation == first.operation for each in others):
            return as_if_there_were_one(self, first)
        if any(attempt.operation.in_parts for attempt in attempts):
            return decisions_are_of_an_instant
        return all_of(decisions_are_of_an_instant, somebody_was_first(self, *attempts, tries=2 if faults else 1))

    def alone(self, held: Held, attempt: Attempt) -> State:
        """What comes of an attempt when nobody else is there."""
        (end,) = Exploration(self.player, self.aws).of(held, attempt).ends
        return end

    def decided(self, held: Held) -> str:
        """The answer of whoever looks at one instant."""
        if held not in self.decisions:
            self.decisions[held] = self.alone(held, Attempt(DECISION)).ends[0].text
        return self.decisions[held]

    def outcome(self, held: Held, ends: Iterable[End]) -> Outcome:
        """What is held and was answered, apart from what depends on how often somebody had to ask."""
        return held.name_but_for(AS_READ), tuple(map(_told, ends))

    def orders(self, *attempts: Attempt, tries: int) -> set[Outcome]:
        """What comes of them one after the other, in every order, with the first try of each, the second or both."""
        ways = [((each,), (each.again(),), (each, each.again())) if tries > 1 else ((each,),) for each in attempts]
        found = set()
        for chosen in product(*ways):
            turns = [place for place, one in enumerate(chosen) for _ in one]
            for order in set(permutations(turns)):
                held, left = self.held, [list(one) for one in chosen]
                ends: dict[int, End] = {}
                for place in order:
                    state = self.alone(held, left[place].pop(0))
                    held, ends[place] = state.held, state.ends[0]
                found.add(self.outcome(held, (ends[place] for place in range(len(chosen)))))
        return found


def _told(end: End) -> tuple[int, str, str]:
    """An answer without what is told only once, or as it was read."""
    body = json.loads(end.text) if end.text else {}
    return (
        end.status,
        end.failed,
        repr({name: value for name, value in body.items() if name not in SHOWN_ONCE | AS_READ}),
    )


def all_of(*looks: Look) -> Look:
    return lambda state: (sentence for look in looks for sentence in look(state))


def nobody_is_written_twice(state: State) -> Iterator[str]:
    """G7: where SES answers, each copy of a letter goes out once."""
    yield from _sent_more_often_than(1, state)


def nobody_is_written_thrice(state: State) -> Iterator[str]:
    """G7: where one answer is lost, a copy may go out once more."""
    yield from _sent_more_often_than(2, state)


def _sent_more_often_than(most: int, state: State) -> Iterator[str]:
    sent = Counter(name for name, _ in state.held.mails)
    yield from (f"{name}: was sent {times} times" for name, times in sent.items() if times > most)


def nobody_goes_without_an_answer(state: State) -> Iterator[str]:
    """Where nothing fails, nobody hears that something did."""
    for run in state.runs:
        if run.ends and (run.ends.failed or run.ends.status >= SERVER_ERROR):
            yield f"{run.attempt.label}: ended with {run.ends}"


def decisions_are_of_an_instant(state: State) -> Iterator[str]:
    """G4: what was decided was right at some instant between the question and the answer, and so never of before."""
    for run, ever in zip(state.runs, state.ever, strict=True):
        ends = run.ends
        if run.attempt.operation.decides and ends and not ends.is_open and ends.text not in ever:
            yield f"decided {ends.text}, and all that time it was {sorted(ever)}"


def somebody_was_first(world: World, *attempts: Attempt, tries: int = 1) -> Look:
    """What came of them comes of them one after the other, in some order; whoever gave up has done nothing."""
    known: dict[tuple[int, ...], set[Outcome]] = {}

    def look(state: State) -> Iterator[str]:
        doing = tuple(place for place, end in enumerate(state.ends) if OVERTAKEN not in end.text)
        if doing not in known:
            known[doing] = world.orders(*(attempts[place] for place in doing), tries=tries)
        if world.outcome(state.held, (state.ends[place] for place in doing)) not in known[doing]:
            yield f"no order of them ends so, with {', '.join(map(str, state.ends))}"

    return look


def done_once(world: World, attempt: Attempt) -> Look:
    """G8: whatever became of the tries of one deed, it is done once, and the last of them has its answer."""
    tries = [world.alone(world.held, each) for each in (attempt, attempt.again())]
    wanted, known = tries[0], {world.outcome(each.held, each.ends) for each in tries}

    tidying = Attempt(world.operations[CLEAN_UP])

    def look(state: State) -> Iterator[str]:
        for end in state.ends:
            if end.status != wanted.ends[0].status or end.failed:
                yield f"the answer was {wanted.ends[0].status}, and is {end}"
        if attempt.operation.in_parts:
            held, as_wanted = (world.alone(each.held, tidying).held for each in (state, wanted))
            yield from _different(deeds(held), deeds(as_wanted))
            return
        for end in state.ends:
            if world.outcome(state.held, [end]) not in known:
                yield f"what was done is not what one of the tries does, or was answered otherwise: {end}"

    return look


def deeds(held: Held) -> Counter[tuple[str, str, str]]:
    """What all trails tell, apart from the names of acts."""
    return Counter(
        (
            item["pk"],
            item["event"],
            repr(sorted((name, repr(each)) for name, each in item["details"].items() if name not in NAMES)),
        )
        for item in held.items
        if item["pk"].startswith("AUDIT#")
    )


def _different(done: Counter[tuple[str, str, str]], wanted: Counter[tuple[str, str, str]]) -> Iterator[str]:
    if done != wanted:
        yield f"done: {done - wanted}, not done: {wanted - done}"


def as_if_there_were_one(world: World, attempt: Attempt) -> Look:
    """F32: a worker that runs twice at once does what one would."""
    wanted = world.alone(world.held, attempt).held
    return lambda state: _different(deeds(state.held), deeds(wanted))


def comes_to_the_same_later(world: World, attempt: Attempt) -> Look:
    """A worker that was cut off is run again by its schedule, and then what was to be done is done, once."""
    now = attempt.operation
    by_schedule = world.operations[MAILER] if now.at == SEND_LETTERS else now
    later = Attempt(replace(by_schedule, name=f"{now.name}, an hour later", later=now.later + LATER))
    wanted = world.alone(world.alone(world.held, attempt).held, later).held

    def look(state: State) -> Iterator[str]:
        held = world.alone(state.held, later).held
        yield from held.broken
        yield from _different(deeds(held), deeds(wanted))
        if not set(wanted.events) <= set(held.events):
            yield f"not told: {set(wanted.events) - set(held.events)}"
        yield from _letters_went_out(held, wanted)
        yield from _the_last_seal_is_known(held, wanted)

    return look


def _letters_went_out(held: Held, wanted: Held) -> Iterator[str]:
    """G7: each at least once, and twice at most when one answer of SES was lost."""
    sent = Counter(name for name, _ in held.mails)
    for name, _ in wanted.mails:
        if not 1 <= sent[name] <= 2:
            yield f"{name}: was sent {sent[name]} times"
        if held.item(keys.delivery(name)).get("delivery_status") != "sent":
            yield f"{name}: {held.item(keys.delivery(name))}"


def _the_last_seal_is_known(held: Held, wanted: Held) -> Iterator[str]:
    seals = [name for name in held.objects if "tree-heads/" in name]
    known = held.item(keys.latest_seal()).get("number", 0)
    if len(seals) != known or (wanted.objects and not seals):
        yield f"seal {known} is known as the last, and {seals} are kept"
