"""Measure warm handlers: the processor time of a request, with DynamoDB's response injected into botocore."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final

from tools.bench import agreement, compared_handlers, link_creation
from tools.bench.figures import Figure
from tools.bench.running import run_handler

ROUNDS: Final = 21
CALLS: Final = 150
WARM_UP: Final = 300
CLOSE_TO_BARE: Final = (
    "both spend most of the time in botocore. The rest is the decision, with its records and response as objects, "
    "where the bare handler writes DynamoDB's JSON by hand."
)
SAME_REQUESTS: Final = (
    "the target assumes one PutItem, where the framework dominates. Here all handlers make the same two "
    "requests, of four items and of seven, written by hand in the FastAPI handler, without records or rules. The "
    "framework is a small part of that time, so no handler can save a quarter of it."
)


def measured() -> Mapping[str, list[float]]:
    """Return the nanoseconds of a call for each round, by handler. Each round measures all handlers in turn."""
    prepared = compared_handlers.prepare_handlers()
    agreement.check_agreement(prepared)
    with ExitStack() as stack:
        started = {
            each.name: stack.enter_context(run_handler(each, [link_creation.event()]))
            for each in compared_handlers.prepare_handlers()
        }
        for each in started.values():
            each.nanoseconds(WARM_UP)
        rounds = [{name: each.nanoseconds(CALLS) / CALLS for name, each in started.items()} for _ in range(ROUNDS)]
    return {name: [each[name] for each in rounds] for name in started}


def figures() -> Iterator[Figure]:
    """Yield the product's time as a ratio to each of the others."""
    found = measured()
    for name, called, target, stretch, reason in (
        ("bare", "bare boto3 handler", 1.25, 1.12, CLOSE_TO_BARE),
        ("powertools", "stock Powertools", None, None, ""),
        ("fastapi_mangum", "FastAPI + Mangum", 0.75, None, SAME_REQUESTS),
        ("chalice_pydantic", "Chalice + pydantic", None, None, ""),
        ("flask_pydantic", "Flask + pydantic", None, None, ""),
    ):
        ratios = [ours / other for ours, other in zip(found["ours"], found[name], strict=True)]
        yield Figure.of_ratios(f"warm × {called}", ratios, target=target, stretch=stretch, reason=reason)
    for name, times in found.items():
        yield Figure(name=f"{name}: processor time of a request", measured=sorted(times)[ROUNDS // 2] / 1e6, unit="ms")
