"""The measurements in the order in which they run and appear on the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tools.bench import cold, counts, decisions, layer, warm
from tools.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement. `about` is the page's description of the subject and the method."""

    name: str
    title: str
    about: str
    figures: Callable[[], Iterable[Figure]]


MEASUREMENTS: Final = (
    Measurement(
        "cold",
        "Cold starts",
        "`create_link` as `make host` builds it, and handlers of the same behaviour (`tools/bench/handlers`), each in a new "
        "process under AWS's runtime interface client, with a runtime API and a DynamoDB behind TLS on loopback: the "
        "processor's time from the start of the process to its first answer, and of that answer alone. All answer the same "
        "POST with the same status and body, and ask DynamoDB for the same, letter for letter: one read of four items, one "
        "transaction of seven lines. That is compared before anything is measured. The others see the packages of "
        "`requirements/bench.txt` as they are installed; all ships with unchecked byte code. FastAPI and the stock app have "
        "Powertools' Logger and Metrics, and like the product's handler write neither line nor count when all goes well; "
        "Chalice and Flask have none. Chalice gets the request as payload 1.0, the only one it knows.",
        cold.figures,
    ),
    Measurement(
        "warm",
        "Warm handlers",
        "The same handlers and the same request, in processes that stay, with DynamoDB's answer given where botocore would "
        "send the request: signing, serialising and parsing are in, the network is not.",
        warm.figures,
    ),
    Measurement(
        "layer",
        "The layer",
        "As `make host` builds it for this machine, with its compiled modules and byte code; zipped as for AWS.",
        layer.figures,
    ),
    Measurement(
        "operations",
        "Write units and requests of an operation",
        "Counted at AWS's door in the small world of the tests (`tests/test_costs.py`): one transaction each, after one "
        "or two reads together. A line of a transaction costs two units for each KB, a look as much as a write, an entry "
        "of an index one more.",
        partial(counts.count_in_tests, "operations", "tests/test_costs.py", "-k", "operation"),
    ),
    Measurement(
        "sweep",
        "A sweep of what is due",
        "Requests for the same number of links that are due, beside few open ones and beside a hundred times as many: "
        "what is not due costs nothing.",
        partial(counts.count_in_tests, "sweep", "tests/test_costs.py", "-k", "sweep"),
    ),
    Measurement(
        "crowd",
        "A hundred callers at once",
        "On the demo's emulator, each in a thread of its own (`tests/stack/test_concurrent_callers.py`): links made, approved, edited "
        "and ended, migrations, decisions, and some after the same seats and links. Whatever was acknowledged is looked "
        "for in the table and in the trail, and the invariants of the whole table are checked. Times are the emulator's.",
        partial(counts.count_in_tests, "crowd", "tests/stack/test_concurrent_callers.py"),
    ),
    Measurement(
        "decisions",
        "Decisions",
        "`decide_access` as it ships, with DynamoDB's answer given inside botocore: signing, serialising and parsing are "
        "in, the network is not.",
        decisions.figures,
    ),
)
