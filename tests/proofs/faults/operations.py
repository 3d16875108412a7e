"""Everything that changes something, each on a stage where it succeeds: all doors, and all functions that nobody calls."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tests.support import link_requests, membership_facts
from tests.support.background_functions import (
    CLEAN_UP,
    EXPIRE_LINKS,
    FOLLOW_TRAIL,
    RECORD_DELIVERY,
    SEAL_TRAIL,
    SEND_LETTERS,
    Clock,
    publish_audit_events,
    run,
    stream,
    sweep,
)
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    the_client,
)
from tests.support.fake_event_bus import Listener
from tests.support.fake_ses import Mailbox, report
from tests.support.fake_tree_head_store import vault
from tests.support.gateway import DIRECTORY, VENDOR, Answer, call
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, an_open_link, now
from tests.support.table import Item, Table

SECOND: Final = "client-second"
RECIPIENT: Final = "admin@client.example"
SETS: Final = "/accounts/{account_id}/permission-sets"
UPDATES: Final = f"{SETS}/updates"
ACCESS: Final = "/partners/{partner_id}/employees/{user_id}/access"
MEMBER: Final = "/directory/accounts/{account_id}/members/{user_id}"
ADD: Final = "POST /partners/{partner_id}/clients/{account_id}/users"
OTHER_GRANT: Final = a_grant(grant_id=f"grt_{'8' * 32}")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where operations act: the table, the post, the bus, the clock of the functions that nobody calls, and the vaults."""

    table: Table
    post: Mailbox
    bus: Listener
    clock: Clock
    vaults: ExitStack

    def set(self, *others: Any) -> None:
        """The usual world and these, and nothing that was sent or heard before."""
        self.table.clear()
        self.clock.time = now()
        a_world(self.table, *others)
        self.post.sent.clear()
        self.bus.heard.clear()

    def entries(self) -> list[Item]:
        """What doors wrote into trails, as the table's stream brings it."""
        return [item for item in self.table.under("AUDIT#") if item["event"] != "grant.given"]


Act = Callable[[str], Answer | None]
"""One attempt under a key; a function that nobody calls has no key and no answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`route` is a route, or the module of a function that nobody calls; `sets` prepares the stage for the act."""

    route: str
    sets: Callable[[Stage], Act]
    in_parts: bool = False
    """It comes true in several transactions, each of which is whole."""


def _after(act: Act, *records: Any) -> Callable[[Stage], Act]:
    def sets(stage: Stage) -> Act:
        stage.set(*records)
        return act

    return sets


def _of_link(act: Act, **changes: Any) -> Callable[[Stage], Act]:
    def sets(stage: Stage) -> Act:
        stage.set(an_open_link(created_by=MANAGER, **changes))
        return act

    return sets


def _told(route: str, told: object, **where: str) -> Act:
    return lambda key: call(route, VENDOR, told, scope=DIRECTORY, headers=link_requests.keyed(key), **where)


def _set(method: str, key: str, body: object = None, **where: str) -> Answer:
    path = f"{SETS}/{{set_id}}" if where else SETS
    headers = {"if-match": '"1"', "idempotency-key": key} if where else link_requests.keyed(key)
    return call(f"{method} {path}", APPROVER, body, headers=headers, account_id=CLIENT, **where)


def _two_clients() -> tuple[Any, ...]:
    second = the_client(account_id=SECOND, name="The Second")
    return second, a_member(APPROVER, account_id=SECOND)


def _everywhere() -> tuple[Any, ...]:
    """The employee is partner admin of two clients."""
    second = a_partner_admin(account_id=SECOND, grant=OTHER_GRANT)
    return (a_partner_admin(), *_two_clients(), second)


def _letters(stage: Stage) -> None:
    """Two letters wait: one brings a link, one tells of an approval."""
    stage.set()
    assert link_requests.approve().status == 201
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    stage.clock.catches_up()


def _sends(stage: Stage) -> Act:
    _letters(stage)
    return lambda _: sweep()


def _streams(stage: Stage) -> Act:
    _letters(stage)
    brought = stage.table.under("OUTBOX#")

    def act(_: str) -> None:
        stream(brought)

    return act


def _expires(stage: Stage) -> Act:
    over = stage.clock.time - timedelta(hours=2)
    due = a_partner_admin(COLLEAGUE, grant=a_grant(expires_at=over), due_at=over)
    stage.set(an_open_link(expires_at=over, created_by=MANAGER), due)
    return lambda _: run(EXPIRE_LINKS, {})


def _cleans_up(stage: Stage) -> Act:
    stage.set(*_everywhere())
    link_requests.tell_user(EMPLOYEE, active=False)
    stage.clock.catches_up()
    return lambda _: run(CLEAN_UP, {})


def _follows(stage: Stage) -> Act:
    stage.set()
    assert link_requests.approve().status == 201
    brought = stage.entries()

    def act(_: str) -> None:
        publish_audit_events(brought)

    return act


def _seals(stage: Stage) -> Act:
    """In a vault of its own: what the last one holds would be found again."""
    stage.vaults.enter_context(vault())
    _follows(stage)("")
    return lambda _: run(SEAL_TRAIL, {})


def _is_told(stage: Stage) -> Act:
    """A copy is on its way, and bounces."""
    stage.set(an_open_link(created_by=MANAGER))
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    stage.clock.catches_up()
    sweep()
    (copy,) = stage.post.sent
    bounce = report("Bounce", copy.delivery, copy.address, bounce={"bounceType": "Permanent"})
    return lambda _: run(RECORD_DELIVERY, bounce)


OPERATIONS: Final = (
    Operation(
        f"POST {link_requests.LINKS}",
        _after(lambda key: link_requests.create(key=key, employee_id=EMPLOYEE, recipient_email=RECIPIENT)),
    ),
    Operation(link_requests.APPROVALS, _of_link(lambda key: link_requests.approve(key=key))),
    Operation(link_requests.REFUSALS, _of_link(lambda key: link_requests.decline(key=key))),
    Operation(link_requests.RENEWALS, _of_link(lambda key: link_requests.renew(key=key), stored_state="revoked")),
    Operation(
        f"POST {link_requests.ONE}/resend",
        _of_link(lambda key: link_requests.resend(key=key), recipient=RECIPIENT, delivery_status="sent"),
    ),
    Operation(
        f"DELETE {link_requests.ONE}", _of_link(lambda key: link_requests.revoke(headers=link_requests.keyed(key)))
    ),
    Operation(
        "POST /accounts/{account_id}/users",
        _after(
            lambda key: call(
                "POST /accounts/{account_id}/users",
                APPROVER,
                {"email": f"{EMPLOYEE}@north.example", "permission_set": "partner_admin"},
                headers=link_requests.keyed(key),
                account_id=CLIENT,
            )
        ),
    ),
    Operation(
        ADD,
        _after(
            lambda key: call(
                ADD,
                EMPLOYEE,
                {"employee_ids": [COLLEAGUE, MANAGER], "permission_set": "view_only"},
                headers=link_requests.keyed(key),
                partner_id=PARTNER,
                account_id=CLIENT,
            ),
            a_partner_admin(),
        ),
        in_parts=True,
    ),
    Operation(
        "POST /accounts/{account_id}/migrations",
        _after(
            lambda key: call(
                "POST /accounts/{account_id}/migrations",
                EMPLOYEE,
                {"user_id": EMPLOYEE},
                headers=link_requests.keyed(key),
                account_id=CLIENT,
            ),
            a_member(EMPLOYEE),
        ),
    ),
    Operation(
        "POST /partners/{partner_id}/migrations",
        _after(
            lambda key: call(
                "POST /partners/{partner_id}/migrations",
                EMPLOYEE,
                {"account_ids": [CLIENT, SECOND]},
                headers=link_requests.keyed(key),
                partner_id=PARTNER,
            ),
            a_member(EMPLOYEE),
            *_two_clients(),
            a_member(EMPLOYEE, account_id=SECOND),
        ),
        in_parts=True,
    ),
    Operation(
        f"PATCH {membership_facts.USER}",
        _after(lambda key: membership_facts.edit(key=key, permissions={"remove": ["reports.view"]}), a_partner_admin()),
    ),
    Operation(f"DELETE {membership_facts.USER}", _after(lambda key: membership_facts.end(key=key), a_partner_admin())),
    Operation(
        f"PUT {membership_facts.SUSPENSION}", _after(lambda key: membership_facts.suspend(key=key), a_partner_admin())
    ),
    Operation(
        f"DELETE {membership_facts.SUSPENSION}",
        _after(lambda key: membership_facts.resume(key=key), a_partner_admin(suspended_by=frozenset({"client"}))),
    ),
    Operation(
        f"DELETE {ACCESS}",
        _after(
            lambda key: call(
                f"DELETE {ACCESS}", MANAGER, partner_id=PARTNER, user_id=EMPLOYEE, headers=link_requests.keyed(key)
            ),
            *_everywhere(),
        ),
        in_parts=True,
    ),
    Operation(
        f"POST {UPDATES}",
        _after(
            lambda key: call(
                f"POST {UPDATES}",
                APPROVER,
                {"permission_set": "partner_admin", "version": 2, "user_ids": [EMPLOYEE, COLLEAGUE]},
                account_id=CLIENT,
                headers=link_requests.keyed(key),
            ),
            a_partner_admin(set_version=1),
            a_partner_admin(COLLEAGUE, set_version=1, grant=OTHER_GRANT),
        ),
        in_parts=True,
    ),
    Operation(
        f"POST {SETS}",
        _after(lambda key: _set("POST", key, {"name": "Desk", "permissions": ["crm.tickets.view"]})),
    ),
    Operation(
        f"PUT {SETS}/{{set_id}}",
        _after(
            lambda key: _set("PUT", key, {"name": "Desk", "permissions": ["crm.tickets.view"]}, set_id=CUSTOM_SET),
            a_custom_set(),
        ),
    ),
    Operation(
        f"DELETE {SETS}/{{set_id}}",
        _after(lambda key: _set("DELETE", key, set_id=CUSTOM_SET), a_custom_set()),
    ),
    Operation(
        "PUT /directory/accounts/{account_id}",
        _after(
            _told("PUT /directory/accounts/{account_id}", {"program": "terminated"}, account_id=PARTNER),
            *_everywhere(),
        ),
    ),
    Operation(
        "PUT /directory/users/{user_id}",
        _after(_told("PUT /directory/users/{user_id}", {"active": False}, user_id=EMPLOYEE), *_everywhere()),
    ),
    Operation(
        "POST /directory/users/{user_id}/erasure",
        _after(_told("POST /directory/users/{user_id}/erasure", {}, user_id=EMPLOYEE), a_partner_admin()),
    ),
    Operation(
        f"PUT {MEMBER}",
        _after(_told(f"PUT {MEMBER}", {"permission_set": "sales"}, account_id=CLIENT, user_id=CLERK)),
    ),
    Operation(SEND_LETTERS, _sends, in_parts=True),
    Operation(f"{SEND_LETTERS}, by the stream", _streams, in_parts=True),
    Operation(EXPIRE_LINKS, _expires, in_parts=True),
    Operation(CLEAN_UP, _cleans_up, in_parts=True),
    Operation(FOLLOW_TRAIL, _follows, in_parts=True),
    Operation(SEAL_TRAIL, _seals, in_parts=True),
    Operation(RECORD_DELIVERY, _is_told, in_parts=True),
)
