"""The parts of PROOFS.md in order: the claim of each and its tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class ProofPart:
    """A part of PROOFS.md.

    `tests` are files or folders for pytest, and `environment` extends their scope. A part without tests has its own
    command.
    """

    name: str
    title: str
    about: str
    tests: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        return bool(self.tests)


MORE_FAULT_TESTS: Final = (
    *(
        f"tests/functions/test_{each}.py"
        for each in (
            "bad_input",
            "reconcile_access",
            "decide_access",
            "expire_links",
            "publish_audit_events",
            "record_email_feedback",
            "sign_audit_log",
            "send_emails",
        )
    ),
    "tests/store/authorization/test_access.py",
    "tests/store/test_dynamo.py",
    "tests/store/test_expiry.py",
    "tests/template/test_template.py",
    "tests/api/test_routing.py",
    "tests/emails/test_transport.py",
    "tests/test_conventions.py",
    "tests/test_telemetry.py",
)
MORE_BAD_INPUT_TESTS: Final = (
    *(
        f"tests/functions/test_{each}.py"
        for each in (
            "reject_unknown_route",
            "approve_link",
            "authority",
            "bad_input",
            "create_link",
            "create_user",
            "decline_link",
            "edit_user",
            "remove_user",
            "expire_links",
            "manage_directory",
            "migrate",
            "record_email_feedback",
            "resend_link",
            "revoke_link",
            "secrets",
            "view_audit_log",
        )
    ),
    "tests/stack/test_gateway.py",
    "tests/store/memberships/test_creations.py",
    "tests/template/test_template.py",
    "tests/test_email_addresses.py",
    *(f"tests/api/test_{each}.py" for each in ("routing", "json_body", "cursors", "request_fields")),
)

PARTS: Final = (
    ProofPart(
        "interleavings",
        "Interleavings",
        "Each AWS call is one atomic step. Every schedule of the operations named is run, and the guarantees are looked "
        "at after every write; a fault of each kind is put at every call of each alone, and of the hazards' pairs. Designs known to be wrong are run the same way, "
        "and must be caught.",
        ("tests/proofs/interleavings",),
    ),
    ProofPart(
        "conditions",
        "Conditions",
        "Each clause of each condition is dropped, each comparison turned, each line of a transaction taken out, one at a "
        "time; a test must fail each time.",
        ("tests/proofs/conditions",),
    ),
    ProofPart(
        "model",
        "A model beside the product",
        "Random acts at every door, with the clock jumping, records delivered again and faults at AWS's door; a small model "
        "must agree after each. One town goes on for a minute, from day to day; `make soak` lets it for half an hour.",
        ("tests/proofs/model",),
        {"MINUTES": "1"},
    ),
    ProofPart(
        "faults",
        "Faults",
        "The rows of guarantees.md §7, with the invariants, the audit entries, the letters and the number of AWS calls "
        "looked at wherever a fault can touch them. All tests of the files that show a row are run.",
        ("tests/proofs/faults", *MORE_FAULT_TESTS),
    ),
    ProofPart(
        "fuzz",
        "Hostile input",
        "Requests made from openapi.json, valid and not, against the running product; canary secrets and personal data "
        "looked for wherever they must not be. All tests of the files that try a kind of bad input are run.",
        ("tests/proofs/fuzz", *MORE_BAD_INPUT_TESTS),
    ),
    ProofPart(
        "decisions",
        "Decisions",
        "The product beside two others that decide: a naive reading of domain.md, and Cedar; wrong readings must be told "
        "apart. Questions asked by threads while access is taken and given back; every check of the AuthZEN certification; "
        "every role at every door; whatever only looks, with the whole table compared before and after.",
        (
            "tests/test_differential.py",
            "tests/stack/test_decisions_after_revocations.py",
            "tests/authzen",
            "tests/functions/test_authority.py",
            "tests/test_safe_methods.py",
        ),
        {"STATES": "60000"},
    ),
    ProofPart(
        "trail",
        "The trail and its events",
        "Every byte of an exported trail changed, taken away, put in; every row removed, doubled, swapped; chains made anew. "
        "A consumer of events, late, doubled and out of order, that ends up with what the table has.",
        ("tests/tools/test_audit_export.py", "tests/stack/test_audit_log.py", "tests/test_event_mirror.py"),
    ),
    ProofPart(
        "template",
        "The template",
        "Each function's rights, the authorizer and scope of each route, backups, retention and who may call what are "
        "compared with tables of the tests; what a scanner (checkov) finds beyond is listed here with its reason.",
        ("tests/proofs/test_template.py", "tests/template"),
    ),
    ProofPart(
        "mutation",
        "Mutants of the code",
        "Small changes to the rules and the store, all or as many as are drawn, one at a time (`make mutate`); a test must "
        "fail each time, or the type checker of `make check`.",
    ),
    ProofPart(
        "elsewhere",
        "Not run here",
        "What needs AWS itself, or people: what stands in for it here, and how to try it.",
        ("tests/proofs/test_untested_here.py",),
    ),
)

GUARANTEES: Final = (
    (
        "G1",
        "A link grants at most once per account, never more often than it may, and never after its end",
        ("interleavings", "conditions", "model"),
    ),
    (
        "G2",
        "The seats taken are the partner admins who sit, and never more than there are",
        ("interleavings", "conditions", "model"),
    ),
    (
        "G3",
        "From its first on, an account has an active super admin, but where all of them left",
        ("interleavings", "model"),
    ),
    (
        "G4",
        "A question that begins after a revocation has returned is never answered with yes",
        ("interleavings", "decisions"),
    ),
    ("G5", "Looking changes nothing; opening a link never approves it", ("decisions",)),
    (
        "G6",
        "Each effect has one audit entry for each account concerned, and its letter, or there is none of them",
        ("interleavings", "model", "faults"),
    ),
    (
        "G7",
        "A letter goes out at least once, and a second time only where its answer and its report were lost",
        ("interleavings", "faults"),
    ),
    (
        "G8",
        "The same key with the same body has one effect and one answer for a day",
        ("interleavings", "model", "faults"),
    ),
    ("G9", "What fails, denies: no fault is answered with a permission", ("faults",)),
    ("G10", "The secret of a link is nowhere but in its one answer and its letters", ("fuzz",)),
    ("G11", "Whoever alters, removes, reorders or cuts off the trail is found", ("trail",)),
    ("G12", "Whoever has not the secret learns nothing", ("fuzz",)),
)
"""The guarantees of guarantees.md with the parts that prove them."""
