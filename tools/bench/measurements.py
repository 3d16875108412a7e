"""The measurements in the order in which they run and appear on the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tools.bench import cold, counts, decisions, layer, warm
from tools.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Measurement:
    """A section of BENCHMARKS.md. `about` describes the subject and the method, and `figures` measures."""

    name: str
    title: str
    about: str
    figures: Callable[[], Iterable[Figure]]


MEASUREMENTS: Final = (
    Measurement(
        "cold",
        "Cold starts",
        "`create_link` as `make host` builds it, and equivalent handlers (`tools/bench/handlers`), each in a new "
        "process under AWS's runtime interface client, with a runtime API and a DynamoDB over TLS on loopback: the "
        "processor time from process start to the first response, and of that response alone. All handlers get the same "
        "POST, return the same status and body, and send DynamoDB the same two requests: one read of four items and one "
        "transaction of seven items. The run checks this before it measures anything. The others use the packages of "
        "`requirements/bench.txt` as installed. All have unchecked bytecode. FastAPI and the stock app have "
        "Powertools' Logger and Metrics. Like the product's handler, they write no log line or metric on success. "
        "Chalice and Flask have neither. Chalice gets the request as payload 1.0, the only format it supports.",
        cold.figures,
    ),
    Measurement(
        "warm",
        "Warm handlers",
        "The same handlers and the same request, in warm processes, with DynamoDB's response injected where botocore would "
        "send the request. Signing, serializing and parsing are included. The network is not.",
        warm.figures,
    ),
    Measurement(
        "layer",
        "The layer",
        "As `make host` builds it for this machine, with its compiled modules and bytecode, zipped as for AWS.",
        layer.figures,
    ),
    Measurement(
        "operations",
        "Write units and requests of an operation",
        "Counted in the calls to AWS with the tests' data (`tests/test_costs.py`): one transaction each, after one "
        "or two batch reads. A transaction item costs two units per KB, a condition check the same, and an entry "
        "of an index one more unit.",
        partial(counts.count_in_tests, "operations", "tests/test_costs.py::test_operation_costs_at_most_its_gate"),
    ),
    Measurement(
        "sweep",
        "A sweep of due items",
        "Requests for the same number of due links, next to few open ones and next to a hundred times as many. "
        "Items that are not due cost nothing.",
        partial(
            counts.count_in_tests,
            "sweep",
            "tests/test_costs.py::test_expire_links_requests_do_not_grow_with_open_links",
        ),
    ),
    Measurement(
        "concurrent_callers",
        "A hundred concurrent callers",
        "On the demo's emulator, each in its own thread (`tests/stack/test_concurrent_callers.py`): links created, approved, edited "
        "and ended, migrations, decisions, and races for seats and links. Every acknowledged write is looked up "
        "in the table and in the audit log, and the invariants of the whole table are checked. Times are the emulator's.",
        partial(counts.count_in_tests, "concurrent_callers", "tests/stack/test_concurrent_callers.py"),
    ),
    Measurement(
        "decisions",
        "Decisions",
        "`decide_access` as it ships, with responses injected inside botocore. Signing, serializing and parsing are "
        "included. The network is not.",
        decisions.figures,
    ),
)
