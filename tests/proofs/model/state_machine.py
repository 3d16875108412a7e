"""Hypothesis chooses the operations, their order and times, and the faults."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, rule
from typing_extensions import override

from tests.proofs.model.system import FAULTS, Moment, System
from tests.support import operations

Step = Callable[[System, Moment], object]

CONDITIONS: Final = some.builds(
    Moment,
    seed=some.integers(0, 2**20),
    skew=some.sampled_from((0, 0, 0, -5, 5)),
    fault=some.sampled_from((None,) * 2 * len(FAULTS) + tuple(FAULTS)),
    call=some.integers(0, 5),
)
DRAWS: Final = tuple(draw for draw in operations.all_draws() for _ in range(draw.with_model))
"""Every random operation, as often as its weight."""
BACKGROUND_STEPS: Final[tuple[Step, ...]] = (
    System.repeat_request, System.repeat_request, System.reconcile, System.reconcile, System.publish_audit_events, System.send_emails, System.publish_second_version,
    System.report_delivery, System.sign_audit_log, System.expire, System.expire, System.pass_time, System.pass_time,
)  # fmt: skip
STEPS: Final[Mapping[str, Step]] = {
    **{draw.name: partial(System.run_operation, operation=draw.run) for draw in DRAWS},
    **{step.__name__: step for step in BACKGROUND_STEPS},
}
STEP_NAMES: Final = (*(draw.name for draw in DRAWS), *(each.__name__ for each in BACKGROUND_STEPS))
"""The names of all steps; a name that occurs twice runs twice as often."""


class ModelMachine(RuleBasedStateMachine):
    """Each step is one operation or one run of a background function; the test that runs it provides the system."""

    system: ClassVar[System]

    def __init__(self) -> None:
        super().__init__()
        self.system.restart()
        self.agrees = True

    @rule(what=some.sampled_from(STEP_NAMES), moment=CONDITIONS)
    def run_step(self, what: str, moment: Moment) -> None:
        """Run one step. A single rule for all steps keeps a day from consisting of background functions alone."""
        self.agrees = False
        STEPS[what](self.system, moment)
        self.agrees = True

    @override
    def teardown(self) -> None:
        if self.agrees:
            self.system.finish_pending_work()


def machine_of(system: System) -> Any:
    """Return a state machine for this system."""
    return type("Machine", (ModelMachine,), {"system": system})
