"""A small table on which all operations can run at once.

There is one free partner seat. A colleague is partner admin of the client. Another partner admin is suspended there. A
consultant of the partner is a super admin. One employee is to be offboarded. One grant has expired.
"""

from datetime import timedelta
from typing import Any, Final

from partner_access.domain.email_delivery import Delivery, DeliveryStatus
from partner_access.domain.links.links import LinkDeliveryStatus
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, store_records
from tests.support.table import Table

OWNER: Final = "user-owner"
CONSULTANT: Final = "user-consultant"
SUSPENDED: Final = "user-stopped"
OFFBOARDED: Final = "user-leaver"
ENDING: Final = "user-ending"
FLORIST: Final = "client-florist"
FLORA: Final = "user-flora"
MULTI_USE_LINK: Final = f"lnk_{'4' * 32}"
MULTI_USE_SECRET: Final = LinkSecret.write(PARTNER, MULTI_USE_LINK, "m" * 43)
EXPIRED_LINK: Final = f"lnk_{'5' * 32}"
EXPIRED_SECRET: Final = LinkSecret.write(PARTNER, EXPIRED_LINK, "o" * 43)
ADDRESS: Final = "desk@bakery.example"
SENT_DELIVERY: Final = "d" * 32
WEEK: Final = timedelta(days=8)


def grant_of(digit: str, **changes: Any) -> Any:
    return a_grant(grant_id=f"grt_{digit * 32}", **changes)


def fill_table(table: Table) -> None:
    """Create all accounts, users, members, links and deliveries."""
    opened_by = {text: frozenset({LinkSecret.read(text).fingerprint}) for text in (MULTI_USE_SECRET, EXPIRED_SECRET)}
    records: tuple[Record, ...] = (
        the_partner(),
        the_client(partner_seat_limit=3),
        the_client(account_id=FLORIST, name="The Florist"),
        *map(an_employee, (MANAGER, EMPLOYEE, COLLEAGUE, CONSULTANT, SUSPENDED, OFFBOARDED, ENDING)),
        *map(a_user, (APPROVER, OWNER, CLERK, FLORA)),
        a_partner_account_member(MANAGER, "super_admin"),
        *map(a_partner_account_member, (EMPLOYEE, COLLEAGUE, CONSULTANT, SUSPENDED, OFFBOARDED, ENDING)),
        a_member(APPROVER),
        a_member(OWNER),
        a_member(CONSULTANT),
        a_member(CLERK, "view_only"),
        a_partner_admin(COLLEAGUE, set_version=1, grant=grant_of("6")),
        a_partner_admin(
            SUSPENDED, set_version=1, grant=grant_of("7"), suspended_by=frozenset({SuspensionReason.CLIENT})
        ),
        a_custom_set(),
        a_member(FLORA, account_id=FLORIST),
        a_member(CONSULTANT, account_id=FLORIST),
        a_partner_admin(OFFBOARDED, account_id=FLORIST, grant=grant_of("8")),
        a_partner_admin(
            ENDING, account_id=FLORIST, grant=grant_of("9", expires_at=NOW - timedelta(minutes=1), last_warning_days=1)
        ),
        a_link(created_by=MANAGER, delivery_status=LinkDeliveryStatus.SENT, recipient=ADDRESS),
        a_link(link_id=MULTI_USE_LINK, max_approvals=2, secrets=opened_by[MULTI_USE_SECRET]),
        a_link(
            link_id=EXPIRED_LINK,
            created_at=NOW - timedelta(days=8),
            expires_at=NOW - timedelta(days=1),
            secrets=opened_by[EXPIRED_SECRET],
        ),
    )
    store_records(table, records)
    sent = Delivery(
        delivery_id=SENT_DELIVERY,
        outbox_id="0" * 32,
        delivery_status=DeliveryStatus.SENT,
        next_at=NOW,
        attempt="0" * 32,
        attempts=1,
        partner_id=PARTNER,
        link_id=LINK,
    )
    table.put(keys.delivery(SENT_DELIVERY), dict(sent))
