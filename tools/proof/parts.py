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
    "tests/store/test_queries.py",
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
        "Each AWS call is one atomic step. Every schedule of the named operations is run. The guarantees are checked "
        "after every write. Each kind of fault is injected at every call of each operation and of risky pairs. Designs known to be wrong are run the same way, "
        "and must be caught.",
        ("tests/proofs/interleavings",),
    ),
    ProofPart(
        "conditions",
        "Conditions",
        "Each clause of each condition is dropped, each comparison inverted, each item of a transaction removed, one at a "
        "time. A test must fail each time.",
        ("tests/proofs/conditions",),
    ),
    ProofPart(
        "model",
        "A model of the product",
        "Random operations on every route, with clock jumps, records delivered again and faults in AWS calls. A small model "
        "must agree after each. One system runs for a minute, from day to day. `make soak` runs it for half an hour.",
        ("tests/proofs/model",),
        {"MINUTES": "1"},
    ),
    ProofPart(
        "faults",
        "Faults",
        "The rows of consistency.md §7. The invariants, the audit entries, the emails and the number of AWS calls are "
        "checked wherever a fault can affect them. All tests of the files that show a row are run.",
        ("tests/proofs/faults", *MORE_FAULT_TESTS),
    ),
    ProofPart(
        "fuzz",
        "Hostile input",
        "Valid and invalid requests are generated from openapi.json. Canary secrets and personal data in the responses "
        "and elsewhere are detected. All tests of the files that try a kind of bad input are run.",
        ("tests/proofs/fuzz", *MORE_BAD_INPUT_TESTS),
    ),
    ProofPart(
        "decisions",
        "Decisions",
        "The product is compared with a direct reading of domain.md and with Cedar. Wrong readings must be detected. "
        "Threads request decisions while access is revoked and granted. All AuthZEN certification checks are run, and "
        "every role on every route. For operations that only read, the whole table is compared before and after.",
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
        "audit_log",
        "The audit log and its events",
        "Each byte of an exported audit log is changed, removed, inserted. Each row is removed, doubled, swapped. "
        "Chains are rewritten. A consumer of late, duplicate and reordered events ends up with the data of the table.",
        ("tests/tools/test_audit_export.py", "tests/stack/test_audit_log.py", "tests/test_event_mirror.py"),
    ),
    ProofPart(
        "template",
        "The template",
        "Each function's permissions, each route's authorizer and scope, backups, retention and allowed callers are "
        "compared with tables in the tests. Other findings of a scanner (checkov) are listed with reasons.",
        ("tests/proofs/test_template.py", "tests/template"),
    ),
    ProofPart(
        "mutation",
        "Mutants of the code",
        "Small changes to the rules and the store, all or a random sample, one at a time (`make mutate`). A test must "
        "fail each time, or the type checker of `make check`.",
    ),
    ProofPart(
        "untested_here",
        "Not run here",
        "Checks that need AWS itself or people, with their replacement here and how to run them.",
        ("tests/proofs/test_untested_here.py",),
    ),
)

GUARANTEES: Final = (
    (
        "G1",
        "A link grants access at most once per account, never more often than allowed, and never after its end",
        ("interleavings", "conditions", "model"),
    ),
    (
        "G2",
        "The used partner seats equal the partner admins, and never exceed the limit",
        ("interleavings", "conditions", "model"),
    ),
    (
        "G3",
        "Once it has one, an account always has an active super admin, unless all of them left",
        ("interleavings", "model"),
    ),
    (
        "G4",
        "A decision that is requested after a revocation has returned is never a permit",
        ("interleavings", "decisions"),
    ),
    ("G5", "Reading changes nothing, and opening a link never approves it", ("decisions",)),
    (
        "G6",
        "Each effect has one audit entry for each account concerned, and its email, or none of them exists",
        ("interleavings", "model", "faults"),
    ),
    (
        "G7",
        "An email is sent at least once, and twice only if SES's response and its delivery report were lost",
        ("interleavings", "faults"),
    ),
    (
        "G8",
        "The same key with the same body has one effect and one response for a day",
        ("interleavings", "model", "faults"),
    ),
    ("G9", "Failures deny: no fault leads to a permission", ("faults",)),
    ("G10", "The secret of a link is only in its one response and its emails", ("fuzz",)),
    ("G11", "Altering, removing, reordering or truncating the audit log is detected", ("audit_log",)),
    ("G12", "A caller without the secret learns nothing", ("fuzz",)),
)
"""The guarantees of consistency.md with the parts that prove them."""
