"""What a member may do: permissions with their scopes, sets of them, and what is added to or taken from a set."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache, reduce
from typing import Final

from partner_access.domain.errors import InvalidField, PermissionNotHeld, RestrictedPermission, UnknownPermission
from partner_access.domain.permissions import catalogue

USERS_MANAGE: Final = "account.users.manage"
BILLING_MANAGE: Final = "account.billing.manage"
CLIENT_ACCESS_MANAGE: Final = "partner.client_access.manage"


class Scope(IntEnum):
    """How far a permission reaches; one that is only on or off reaches to all."""

    OWNED = 1
    TEAM = 2
    ALL = 3


class SetName(StrEnum):
    """The vendor's default permission sets."""

    SUPER_ADMIN = "super_admin"
    PARTNER_ADMIN = "partner_admin"
    MARKETING = "marketing"
    SALES = "sales"
    SERVICE = "service"
    REPORTING = "reporting"
    VIEW_ONLY = "view_only"


@dataclass(frozen=True, slots=True)
class Rights:
    """Permissions by name, each with the widest scope in which it is held."""

    held: Mapping[str, Scope]

    def __contains__(self, permission: str) -> bool:
        """Whether the permission is held in any scope."""
        return permission in self.held

    def __iter__(self) -> Iterator[str]:
        """The names, in order."""
        return iter(sorted(self.held))

    def covers(self, others: "Rights") -> bool:
        """Whether each of the others is held here, at least as widely."""
        return all(self.held.get(name, 0) >= scope for name, scope in others.held.items())

    def wider_than(self, others: "Rights") -> tuple[str, ...]:
        """What is held here and not there, or here more widely: the names, in order."""
        return tuple(name for name in self if self.held[name] > others.held.get(name, 0))

    def written_wider_than(self, others: "Rights") -> tuple[str, ...]:
        """The same, as requests name it, in the scope that is held here."""
        return Rights({name: self.held[name] for name in self.wider_than(others)}).to_names()

    def intersection(self, others: "Rights") -> "Rights":
        """What is held here and there, as widely as in both."""
        return Rights({name: min(scope, others.held[name]) for name, scope in self.held.items() if name in others.held})

    def to_names(self) -> tuple[str, ...]:
        """As requests name them: the scope only where there is a choice of scopes."""
        return tuple(f"{name}:{self.held[name].name.lower()}" if name in catalogue.SCOPED else name for name in self)

    def with_overrides(self, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> "Rights":
        """These rights under a member's overrides; what is added comes after what is removed, and never narrows."""
        removed_names = frozenset(removed)
        remaining = {name: scope for name, scope in self.held.items() if name not in removed_names}
        return Rights(
            remaining | {name: max(scope, remaining.get(name, scope)) for name, scope in _read(added).items()}
        )


NO_RIGHTS: Final = Rights({})


def _read(names: Iterable[str]) -> dict[str, Scope]:
    return dict(_read_one(name) for name in names)


def _read_one(permission: str) -> tuple[str, Scope]:
    name, _, scope = permission.partition(":")
    if name not in catalogue.CATALOGUE:
        raise UnknownPermission("/permissions")
    if not scope:
        return name, Scope.ALL
    if name not in catalogue.SCOPED or scope.upper() not in Scope.__members__ or scope != scope.lower():
        raise UnknownPermission("/permissions")
    return name, Scope[scope.upper()]


def read_rights(names: Iterable[str]) -> Rights:
    """The rights that these permissions name; refuses what is none."""
    return Rights(_read(names))


def latest_version(permission_set: str) -> int:
    """The version that a set is given in today."""
    return len(catalogue.SETS[permission_set])


@cache
def default_set_rights(permission_set: str, version: int) -> Rights:
    """What a default set gives to whom it was given in this version: what came later waits, what went is gone.

    A super admin is one who holds every permission there is. LookupError for a set or version that is not known here.
    """
    first = latest_version(permission_set) if permission_set == SetName.SUPER_ADMIN else version
    versions = catalogue.SETS[permission_set]
    rights_when_given, *later = (read_rights(names) for names in (versions[first - 1], *versions[first:]))
    return reduce(Rights.intersection, later, rights_when_given)


def latest_set_rights(permission_set: str) -> Rights:
    """What a default set holds when it is given today."""
    return default_set_rights(permission_set, latest_version(permission_set))


def partner_admin_rights(version: int, *, removed: Iterable[str]) -> Rights:
    """What a partner admin holds after this was taken away."""
    return default_set_rights(SetName.PARTNER_ADMIN, version).with_overrides(removed=removed)


def client_rights(rights: Rights) -> Rights:
    """Those of the rights that mean something in a client account."""
    return rights.with_overrides(removed=catalogue.PARTNER_ONLY)


def missing_in_clients(rights: Rights) -> tuple[str, ...]:
    """What there is in a client account that these rights do not hold."""
    return tuple(sorted(catalogue.CATALOGUE - catalogue.PARTNER_ONLY - set(rights)))


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a member has on top of his set and what was taken from it, relative to that set."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def effective_on(self, base: Rights) -> "Overrides":
        """The same overrides less what has no effect on this set; refuses what cannot stand (domain.md §3)."""
        for names in (self.added, self.removed):
            if len({name.partition(":")[0] for name in names}) < len(names):
                raise InvalidField("/permissions")
        widest = {name for name, scope in _read(self.added).items() if scope is Scope.ALL}
        if widest & set(self.removed):
            raise InvalidField("/permissions")
        if any(":" in name for name in self.removed):
            raise InvalidField("/permissions/remove")
        _read(self.removed)
        rights = self.applied_to(base)
        must_have_prerequisites(rights)
        widened, narrowed = set(rights.wider_than(base)), set(base.wider_than(rights))
        return Overrides(
            added=tuple(sorted(name for name in self.added if name.partition(":")[0] in widened | narrowed)),
            removed=tuple(sorted(narrowed.intersection(self.removed))),
        )

    def applied_to(self, base: Rights) -> Rights:
        """The rights that come out."""
        return base.with_overrides(added=self.added, removed=self.removed)


NO_OVERRIDES: Final = Overrides()


def exceeding_prerequisite(rights: Rights) -> frozenset[str]:
    """What goes further than what it takes: deleting than editing, editing than viewing (domain.md §3)."""
    return frozenset(name for name in rights if _exceeds_prerequisite(name, rights))


def _exceeds_prerequisite(name: str, rights: Rights) -> bool:
    resource, _, action = name.rpartition(".")
    prerequisite = {"delete": "edit", "edit": "view"}.get(action)
    return (
        name in catalogue.SCOPED
        and bool(prerequisite)
        and rights.held.get(f"{resource}.{prerequisite}", 0) < rights.held[name]
    )


def must_have_prerequisites(rights: Rights) -> None:
    """Nobody deletes more widely than he edits, or edits more widely than he views (domain.md §3)."""
    if exceeding_prerequisite(rights):
        raise InvalidField("/permissions").with_detail(
            "Take away or narrow what goes further along with it: "
            "nobody deletes more widely than he edits, or edits more widely than he views."
        )


def must_be_grantable(rights: Rights, giver_rights: Rights) -> None:
    """Nobody gives what he does not hold, per permission and scope (domain.md §3)."""
    if not giver_rights.covers(rights):
        raise PermissionNotHeld("/permissions")


def must_exist_in_clients(added: Iterable[str]) -> None:
    """Some permissions are known in partner accounts alone (domain.md §3)."""
    if any(name.partition(":")[0] in catalogue.PARTNER_ONLY for name in added):
        raise UnknownPermission("/permissions")


def must_suit_partner_member(rights: Rights) -> None:
    """No set brings a restricted permission to anybody who is here for a partner (domain.md §3)."""
    if any(name in catalogue.RESTRICTED for name in rights):
        raise RestrictedPermission("/permission_set")


def must_suit_partner_admin(added: Iterable[str]) -> None:
    """No override brings a restricted permission to a partner admin (domain.md §3)."""
    if any(name.partition(":")[0] in catalogue.RESTRICTED for name in added):
        raise RestrictedPermission("/permissions/add")
