"""The parts of PROOFS.md, in its order: what each shows, and the tests that show it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Part:
    """`tests` are files or folders for pytest; a part without any has a task of its own."""

    name: str
    title: str
    about: str
    tests: tuple[str, ...] = ()

    @property
    def is_run(self) -> bool:
        return bool(self.tests)


PARTS: Final = (
    Part(
        "interleavings",
        "Interleavings",
        "Each AWS call is one atomic step. Every schedule of the operations named is run, and the guarantees are looked "
        "at after every write; a fault of each kind is put at every call. Designs known to be wrong are run the same way, "
        "and must be caught.",
        ("tests/proofs/interleavings",),
    ),
    Part(
        "conditions",
        "Conditions",
        "Each clause of each condition is dropped, each comparison turned, each line of a transaction taken out, one at a "
        "time; a test must fail each time.",
        ("tests/proofs/conditions",),
    ),
    Part(
        "model",
        "A model beside the product",
        "Random acts at every door, with the clock jumping, records delivered again and faults at AWS's door; a small model "
        "must agree after each.",
        ("tests/proofs/model",),
    ),
    Part(
        "faults",
        "Faults",
        "The rows of guarantees.md §7, each with the invariants, the audit entries, the letters and the number of AWS "
        "calls looked at afterwards.",
        ("tests/proofs/faults",),
    ),
    Part(
        "fuzz",
        "Hostile input",
        "Requests made from openapi.json, valid and not, against the running product; canary secrets and personal data "
        "looked for wherever they must not be.",
        ("tests/proofs/fuzz",),
    ),
    Part(
        "template",
        "The template",
        "What a scanner finds in template.yaml: nothing, or what is listed here with its reason.",
        ("tests/proofs/test_template.py",),
    ),
    Part(
        "mutation",
        "Mutants of the code",
        "Small changes to the rules and the store, one at a time (`make mutate`); a test must fail each time.",
    ),
    Part(
        "elsewhere",
        "Not run here",
        "What needs real AWS, or people.",
        ("tests/proofs/test_elsewhere.py",),
    ),
)
