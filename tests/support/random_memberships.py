"""Ways to stand in an account, made up one after another as plain values, and the product's own records of them.

The values have the names of the table's attributes, so that whoever decides about them needs no code of the product.
Most of each are such that they permit something, or hardly any would.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import Presence
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Kept
from partner_access.domain.users import User
from tests.support.builders import NOW

State = dict[str, Any]
"""`account`, `user`, `member`, `firms` and `sets` by their ids; None or absent is what is not there."""
Option = TypeVar("Option")

AT: Final = int(NOW.timestamp())
OF_OLD: Final = tuple(
    name for name in catalogue.SETS["partner_admin"][-1] if name not in {"crm.export", "sales.access"}
)
VERSIONS: Final = (
    (*OF_OLD, "crm.export"),
    catalogue.SETS["partner_admin"][-1],
    tuple(name for name in catalogue.SETS["partner_admin"][-1] if name not in {"crm.import", "crm.export"}),
)
"""Of the partner admin set: the second brings one permission, the third takes away one that all had and one of the first."""
UNKNOWN: Final = 9
"""A version that a newer deployment may have given."""
ORDINARY: Final = ("super_admin", "marketing", "sales", "service", "reporting", "view_only")
SEATS: Final = ("core", "core", "sales", "service", "view_only", "partner", None)
OWN: Final = (
    ("crm.tickets.view", "crm.tickets.edit:team", "service.access"),
    ("crm.import", "sales.access", "account.billing.manage", "partner.client_access.manage"),
    ("crm.contacts.view:owned", "account.scim.manage"),
    (),
)
ADDED: Final = (
    ("crm.import",),
    ("sales.access", "service.feedback"),
    ("account.billing.manage", "data.sensitive.manage"),
    ("partner.client_access.manage",),
    ("crm.contacts.view:owned", "crm.contacts.edit:team"),
    ("crm.deals.edit:owned",),
)
REMOVED: Final = (
    ("crm.import",),
    ("sales.access", "crm.export"),
    ("crm.contacts.view", "crm.contacts.edit"),
    ("account.billing.manage", "reports.view"),
)
DOMAINS: Final = ("both.example", "{}.example")
EMAILS: Final = ("u@north.example", "u@south.example", "u@sub.both.example", "both.example@elsewhere.example", None)


class Choose(Protocol):
    """Takes one of these; by what chance is its own affair."""

    def __call__(self, options: Sequence[Option], /) -> Option: ...


def a_state(choose: Choose, number: int = 0) -> State:
    """One more; what has the same number has the same ids."""
    north, south = f"north-{number}", f"south-{number}"
    own = [f"set_{number}_{letter}" for letter in "ab"]
    return {
        "account": _mostly(choose, _account(choose, number), None),
        "user": _mostly(choose, _user(choose, number, north, south), None),
        "member": _mostly(choose, _member(choose, number, (north, south), own), None),
        "firms": {firm: _firm(choose, firm) for firm in (north, south) if _mostly(choose, True, False)},
        "sets": {name: _set(choose, number, name) for name in own if _mostly(choose, True, False)},
    }


def _mostly(choose: Choose, usual: Option, *others: Option) -> Option:
    return choose((*(usual,) * (15 * len(others)), *others))


def _account(choose: Choose, number: int) -> State:
    return {
        "account_id": f"account-{number}",
        "kind": _mostly(choose, "client", "partner"),
        "name": "The account",
        "pricing": choose(("seat_based", "legacy")),
        "state": _mostly(choose, "active", "closed"),
    }


def _firm(choose: Choose, firm: str) -> State:
    name = firm.partition("-")[0]
    return {
        "account_id": firm,
        "kind": _mostly(choose, "partner", "client"),
        "name": name,
        "program": _mostly(choose, "active", "suspended", "terminated"),
        "state": _mostly(choose, "active", "closed"),
        "domains": _mostly(choose, tuple(each.format(name) for each in DOMAINS), DOMAINS[:1], ()),
        "terminations": _mostly(choose, 0, 1, 2),
    }


def _user(choose: Choose, number: int, north: str, south: str) -> State:
    return {
        "user_id": f"user-{number}",
        "name": "Somebody",
        "email": _mostly(choose, "u@both.example", *EMAILS),
        "active": _mostly(choose, True, False),
        "employed_by": _mostly(choose, (north, south), (north,), (south,), ()),
        "offboardings": _mostly(choose, {}, {north: 1}, {south: 1}, {north: 2, south: 2}),
    }


def _set(choose: Choose, number: int, name: str) -> State:
    return {"account_id": f"account-{number}", "set_id": name, "name": name, "permissions": choose(OWN)}


def _member(choose: Choose, number: int, firms: Sequence[str], own: Sequence[str]) -> State:
    granted = choose((True, False))
    return {
        "account_id": f"account-{number}",
        "user_id": f"user-{number}",
        "since": AT - 1000,
        "active": granted or _mostly(choose, True, False),
        "suspended_by": _mostly(choose, (), ("client",), ("partner",), ("client", "program"), ("employee",)),
        **(_granted(choose, firms, own) if granted else _place(choose, firms, own)),
    }


def _granted(choose: Choose, firms: Sequence[str], own: Sequence[str]) -> State:
    """A partner admin, or what his grant has been edited to."""
    place = _place(choose, firms, own, *_mostly(choose, ("partner_admin",), own, ORDINARY[1:]))
    firm = place["partner_id"] or firms[0]
    grant = {
        "grant_id": "grt_1",
        "partner_id": firm,
        "source": "access_link",
        "granted_by": "user-approver",
        "created_at": AT - 1000,
        "expires_at": choose((None, AT + 1000, AT + 1000, AT + 1, AT, AT - 1)),
    }
    previous = choose((None, _place(choose, firms, own)))
    return {
        **place,
        "partner_id": firm,
        "seat": _mostly(choose, "partner", "core"),
        "grant": grant,
        "previous": previous,
    }


def _place(choose: Choose, firms: Sequence[str], own: Sequence[str], *sets: str) -> State:
    name = choose(sets or _mostly(choose, (*ORDINARY, *own), ("partner_admin", "set_of_another")))
    return {
        "permission_set": name,
        "set_version": _mostly(choose, choose((1, 2, 3)) if name == "partner_admin" else 1, UNKNOWN),
        "added": choose(((), (), *ADDED)),
        "removed": choose(((), (), *REMOVED)),
        "seat": choose(SEATS),
        "paid_seats": choose(((), (), ("sales",), ("service",), ("sales", "service"))),
        "partner_id": choose((None, *firms)) if name != "super_admin" else _mostly(choose, None, *firms),
        "access_generation": _mostly(choose, 1, 0, 2, 4),
    }


def records(state: State) -> Iterator[Kept]:
    """What the product keeps of it."""
    named: tuple[tuple[type[Kept], str], ...] = ((Account, "account"), (User, "user"), (Member, "member"))
    for record, name in named:
        if state[name]:
            yield record.model_validate({"version": 1, **state[name]})
    for firm in state["firms"].values():
        yield Account.model_validate({"version": 1, **firm})
    for each in state["sets"].values():
        yield CustomSet.model_validate({"version": 1, **each})


def presence(state: State) -> Presence:
    """How he stands there, when all that there is was read."""
    kept = list(records(state))
    accounts = [each for each in kept if isinstance(each, Account)]
    firms = {each.account_id: each for each in accounts if each.account_id in state["firms"]}
    actor = Actor(
        user=next((each for each in kept if isinstance(each, User)), None),
        member=next((each for each in kept if isinstance(each, Member)), None),
        firms=firms,
        sets={each.set_id: each for each in kept if isinstance(each, CustomSet)},
    )
    return Presence(next((each for each in accounts if each.account_id not in firms), None), actor, NOW)
