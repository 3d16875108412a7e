"""Random memberships in an account as plain values, and the product's records made from them.

The values have the names of the table's attributes, so that a policy needs no code of the product to read them. Most
values of each field are ordinary, because few random memberships would permit anything otherwise.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import AccessFacts
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Record
from partner_access.domain.users import User
from tests.support.builders import NOW

State = dict[str, Any]
"""The account, user and member, and the partners and sets by their ids. What does not exist is None or absent."""
Option = TypeVar("Option")

NOW_SECONDS: Final = int(NOW.timestamp())
FIRST_VERSION_PERMISSIONS: Final = tuple(
    name for name in catalogue.SETS["partner_admin"][-1] if name not in {"crm.export", "sales.access"}
)
PARTNER_ADMIN_VERSIONS: Final = (
    (*FIRST_VERSION_PERMISSIONS, "crm.export"),
    catalogue.SETS["partner_admin"][-1],
    tuple(name for name in catalogue.SETS["partner_admin"][-1] if name not in {"crm.import", "crm.export"}),
)
"""Versions of the partner admin set.

The second adds one permission. The third removes one that all had and one of the first.
"""
UNKNOWN_VERSION: Final = 9
"""A version that a newer deployment may have stored."""
ORDINARY_SETS: Final = ("super_admin", "marketing", "sales", "service", "reporting", "view_only")
SEATS: Final = ("core", "core", "sales", "service", "view_only", "partner", None)
CUSTOM_SET_PERMISSIONS: Final = (
    ("crm.tickets.view", "crm.tickets.edit:team", "service.access"),
    ("crm.import", "sales.access", "account.billing.manage", "partner.client_access.manage"),
    ("crm.contacts.view:owned", "account.scim.manage"),
    (),
)
ADDED_PERMISSIONS: Final = (
    ("crm.import",),
    ("sales.access", "service.feedback"),
    ("account.billing.manage", "data.sensitive.manage"),
    ("partner.client_access.manage",),
    ("crm.contacts.view:owned", "crm.contacts.edit:team"),
    ("crm.deals.edit:owned",),
)
REMOVED_PERMISSIONS: Final = (
    ("crm.import",),
    ("sales.access", "crm.export"),
    ("crm.contacts.view", "crm.contacts.edit"),
    ("account.billing.manage", "reports.view"),
)
DOMAINS: Final = ("both.example", "{}.example")
EMAILS: Final = ("u@north.example", "u@south.example", "u@sub.both.example", "both.example@elsewhere.example", None)


class Choose(Protocol):
    """A function that chooses one of the options, with any probability."""

    def __call__(self, options: Sequence[Option], /) -> Option: ...


def random_state(choose: Choose, number: int = 0) -> State:
    """Return a random membership with its account, user, partners and sets. The number makes the ids unique."""
    north, south = f"north-{number}", f"south-{number}"
    custom_set_ids = [f"set_{number}_{suffix}" for suffix in "ab"]
    return {
        "account": _usually(choose, _account(choose, number), None),
        "user": _usually(choose, _user(choose, number, north, south), None),
        "member": _usually(choose, _member(choose, number, (north, south), custom_set_ids), None),
        "partners": {partner: _partner(choose, partner) for partner in (north, south) if _usually(choose, True, False)},
        "sets": {name: _set(choose, number, name) for name in custom_set_ids if _usually(choose, True, False)},
    }


def _usually(choose: Choose, usual: Option, *others: Option) -> Option:
    return choose((*(usual,) * (15 * len(others)), *others))


def _account(choose: Choose, number: int) -> State:
    return {
        "account_id": f"account-{number}",
        "kind": _usually(choose, "client", "partner"),
        "name": "The account",
        "pricing": choose(("seat_based", "legacy")),
        "state": _usually(choose, "active", "closed"),
    }


def _partner(choose: Choose, partner_id: str) -> State:
    name = partner_id.partition("-")[0]
    return {
        "account_id": partner_id,
        "kind": _usually(choose, "partner", "client"),
        "name": name,
        "program": _usually(choose, "active", "suspended", "terminated"),
        "state": _usually(choose, "active", "closed"),
        "domains": _usually(choose, tuple(each.format(name) for each in DOMAINS), DOMAINS[:1], ()),
        "terminations": _usually(choose, 0, 1, 2),
    }


def _user(choose: Choose, number: int, north: str, south: str) -> State:
    return {
        "user_id": f"user-{number}",
        "name": "Some User",
        "email": _usually(choose, "u@both.example", *EMAILS),
        "active": _usually(choose, True, False),
        "employed_by": _usually(choose, (north, south), (north,), (south,), ()),
        "offboardings": _usually(choose, {}, {north: 1}, {south: 1}, {north: 2, south: 2}),
    }


def _set(choose: Choose, number: int, name: str) -> State:
    return {
        "account_id": f"account-{number}",
        "set_id": name,
        "name": name,
        "permissions": choose(CUSTOM_SET_PERMISSIONS),
    }


def _member(choose: Choose, number: int, partners: Sequence[str], custom_set_ids: Sequence[str]) -> State:
    granted = choose((True, False))
    return {
        "account_id": f"account-{number}",
        "user_id": f"user-{number}",
        "since": NOW_SECONDS - 1000,
        "active": granted or _usually(choose, True, False),
        "suspended_by": _usually(choose, (), ("client",), ("partner",), ("client", "program"), ("employee",)),
        **(
            _granted_assignment(choose, partners, custom_set_ids)
            if granted
            else _assignment(choose, partners, custom_set_ids)
        ),
    }


def _granted_assignment(choose: Choose, partners: Sequence[str], custom_set_ids: Sequence[str]) -> State:
    """Return a partner admin, possibly with an edited grant."""
    assignment = _assignment(
        choose, partners, custom_set_ids, *_usually(choose, ("partner_admin",), custom_set_ids, ORDINARY_SETS[1:])
    )
    partner_id = assignment["partner_id"] or partners[0]
    grant = {
        "grant_id": "grt_1",
        "partner_id": partner_id,
        "source": "access_link",
        "granted_by": "user-approver",
        "created_at": NOW_SECONDS - 1000,
        "expires_at": choose(
            (None, NOW_SECONDS + 1000, NOW_SECONDS + 1000, NOW_SECONDS + 1, NOW_SECONDS, NOW_SECONDS - 1)
        ),
    }
    return {
        **assignment,
        "partner_id": partner_id,
        "seat": _usually(choose, "partner", "core"),
        "grant": grant,
    }


def _assignment(choose: Choose, partners: Sequence[str], custom_set_ids: Sequence[str], *sets: str) -> State:
    name = choose(sets or _usually(choose, (*ORDINARY_SETS, *custom_set_ids), ("partner_admin", "set_of_another")))
    return {
        "permission_set": name,
        "set_version": _usually(choose, choose((1, 2, 3)) if name == "partner_admin" else 1, UNKNOWN_VERSION),
        "added": choose(((), (), *ADDED_PERMISSIONS)),
        "removed": choose(((), (), *REMOVED_PERMISSIONS)),
        "seat": choose(SEATS),
        "paid_seats": choose(((), (), ("sales",), ("service",), ("sales", "service"))),
        "partner_id": choose((None, *partners)) if name != "super_admin" else _usually(choose, None, *partners),
        "access_generation": _usually(choose, 1, 0, 2, 4),
    }


def records(state: State) -> Iterator[Record]:
    """Yield the records that the product would store for this state."""
    record_fields: tuple[tuple[type[Record], str], ...] = ((Account, "account"), (User, "user"), (Member, "member"))
    for record, name in record_fields:
        if state[name]:
            yield record.model_validate({"version": 1, **state[name]})
    for partner in state["partners"].values():
        yield Account.model_validate({"version": 1, **partner})
    for each in state["sets"].values():
        yield CustomSet.model_validate({"version": 1, **each})


def access_facts_of(state: State) -> AccessFacts:
    """Return the facts that the product would decide on if it had read all records of this state."""
    all_records = list(records(state))
    accounts = [each for each in all_records if isinstance(each, Account)]
    partners = {each.account_id: each for each in accounts if each.account_id in state["partners"]}
    actor = Actor(
        user=next((each for each in all_records if isinstance(each, User)), None),
        member=next((each for each in all_records if isinstance(each, Member)), None),
        partners=partners,
        sets={each.set_id: each for each in all_records if isinstance(each, CustomSet)},
    )
    return AccessFacts(next((each for each in accounts if each.account_id not in partners), None), actor, NOW)
