"""Hypothesis drives the town: which acts, in which order, at what time, and what goes wrong meanwhile."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, rule
from typing_extensions import override

from tests.proofs.model.system import TROUBLES, Moment, Town
from tests.support.random_operations import Acts

Step = Callable[[Town, Moment], object]

MOMENTS: Final = some.builds(
    Moment,
    seed=some.integers(0, 2**20),
    skew=some.sampled_from((0, 0, 0, -5, 5)),
    trouble=some.sampled_from((None,) * 2 * len(TROUBLES) + tuple(TROUBLES)),
    call=some.integers(0, 5),
)
OFTEN: Final = (
    Acts.accept_updates, Acts.approve, Acts.create_link, Acts.create_user, Acts.edit, Acts.end, Acts.migrate,
    Acts.resume, Acts.suspend,
)  # fmt: skip
# who is to be erased is mostly found well instead
ACTS: Final = (
    *OFTEN, *OFTEN, Acts.add_colleagues, Acts.approve, Acts.change_set, Acts.client_is_well, Acts.create_link,
    Acts.decline, Acts.end_access, Acts.erase, Acts.erase, Acts.erase, Acts.firm_is_well, Acts.firm_is_well,
    Acts.make_set, Acts.member_is_well, Acts.of_a_link, Acts.of_a_link, Acts.renew, Acts.tell_client, Acts.tell_firm,
    Acts.tell_member, Acts.tell_user, Acts.user_moves,
)  # fmt: skip
WORKERS: Final[tuple[Step, ...]] = (
    Town.asks_again, Town.asks_again, Town.cleans_up, Town.cleans_up, Town.follows, Town.mails, Town.publishes,
    Town.reports, Town.seals, Town.sweeps, Town.sweeps, Town.time_passes, Town.time_passes,
)  # fmt: skip
STEPS: Final[Mapping[str, Step]] = {
    **{act.__name__: partial(Town.happens, act=act) for act in ACTS},
    **{step.__name__: step for step in WORKERS},
}
NAMES: Final = tuple(each.__name__ for each in (*ACTS, *WORKERS))
"""Each as often as it shall be tried."""


class Beside(RuleBasedStateMachine):
    """Each step is somebody's act or a worker's; the town is given by whoever runs it."""

    town: ClassVar[Town]

    def __init__(self) -> None:
        super().__init__()
        self.town.begin_anew()
        self.agrees = True

    @rule(what=some.sampled_from(NAMES), moment=MOMENTS)
    def goes_on(self, what: str, moment: Moment) -> None:
        """One rule for all: no day goes by with workers alone."""
        self.agrees = False
        STEPS[what](self.town, moment)
        self.agrees = True

    @override
    def teardown(self) -> None:
        if self.agrees:
            self.town.settles()


def of_the(town: Town) -> Any:
    """A machine for this town."""
    return type("Machine", (Beside,), {"town": town})
