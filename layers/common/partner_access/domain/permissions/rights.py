"""Rights of members: permissions with scopes, permission sets, and the overrides that add to or remove from a set."""

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
    """The reach of a permission. A permission without scopes reaches all records."""

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
        """Return whether the permission is held in any scope."""
        return permission in self.held

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in sorted order."""
        return iter(sorted(self.held))

    def covers(self, others: "Rights") -> bool:
        """Return whether each permission of the others is held here, with at least the same scope."""
        return all(self.held.get(name, 0) >= scope for name, scope in others.held.items())

    def wider_than(self, others: "Rights") -> tuple[str, ...]:
        """Return the sorted names that are held only here, or here with a wider scope."""
        return tuple(name for name in self if self.held[name] > others.held.get(name, 0))

    def written_wider_than(self, others: "Rights") -> tuple[str, ...]:
        """Return the permissions that are wider here than in the others, as requests write them."""
        return Rights({name: self.held[name] for name in self.wider_than(others)}).to_names()

    def intersection(self, others: "Rights") -> "Rights":
        """Return the rights that are held in both, each in the narrower scope."""
        return Rights({name: min(scope, others.held[name]) for name, scope in self.held.items() if name in others.held})

    def to_names(self) -> tuple[str, ...]:
        """Return the names as requests write them. Only permissions that have scopes name one."""
        return tuple(f"{name}:{self.held[name].name.lower()}" if name in catalogue.SCOPED else name for name in self)

    def with_overrides(self, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> "Rights":
        """Return these rights with a member's overrides applied.

        Removals apply first, then additions. An addition never narrows a scope. Unknown additions are not held.
        """
        removed_names = frozenset(removed)
        remaining = {name: scope for name, scope in self.held.items() if name not in removed_names}
        return Rights(
            remaining | {name: max(scope, remaining.get(name, scope)) for name, scope in read_known(added).held.items()}
        )


NO_RIGHTS: Final = Rights({})


def _read(names: Iterable[str]) -> dict[str, Scope]:
    return dict(_read_one(name) for name in names)


def _read_one(permission: str) -> tuple[str, Scope]:
    name, colon, scope = permission.partition(":")
    if name not in catalogue.CATALOGUE:
        raise UnknownPermission("permissions")
    if not colon:
        return name, Scope.ALL
    if name not in catalogue.SCOPED or scope.upper() not in Scope.__members__ or scope != scope.lower():
        raise UnknownPermission("permissions")
    return name, Scope[scope.upper()]


def read_rights(names: Iterable[str]) -> Rights:
    """Return the rights that these permissions name. Raise `UnknownPermission` for an unknown permission or scope."""
    return Rights(_read(names))


def is_known(permission: str) -> bool:
    """Return whether this deployment has the permission in this scope. A stored one can be of a later deployment."""
    try:
        _read_one(permission)
    except UnknownPermission:
        return False
    return True


def read_known(names: Iterable[str]) -> Rights:
    """Return the rights that stored permissions name, without unknown ones: unknown means not held (rule 34)."""
    return read_rights(filter(is_known, names))


def unknown_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the stored permissions that this deployment does not know. Writes preserve them (rule 34)."""
    return tuple(name for name in names if not is_known(name))


def latest_version(permission_set: str) -> int:
    """Return the version in which a default set is given now."""
    return len(catalogue.SETS[permission_set])


@cache
def default_set_rights(permission_set: str, version: int) -> Rights:
    """Return the rights of a default set for members who were given this version.

    Permissions that later versions add are not included. Permissions that later versions drop are gone. A super admin
    holds every existing permission in any version. Raise `LookupError` for an unknown set or version.
    """
    first = latest_version(permission_set) if permission_set == SetName.SUPER_ADMIN else version
    versions = catalogue.SETS[permission_set]
    rights_when_given, *later = (read_known(names) for names in (versions[first - 1], *versions[first:]))
    return reduce(Rights.intersection, later, rights_when_given)


def latest_set_rights(permission_set: str) -> Rights:
    """Return the rights of a default set that is given now."""
    return default_set_rights(permission_set, latest_version(permission_set))


def partner_admin_rights(version: int, *, removed: Iterable[str]) -> Rights:
    """Return the rights of a partner admin without the removed permissions. A later deployment's version has none."""
    if version > latest_version(SetName.PARTNER_ADMIN):
        return NO_RIGHTS
    return default_set_rights(SetName.PARTNER_ADMIN, version).with_overrides(removed=removed)


def client_rights(rights: Rights) -> Rights:
    """Return the rights without permissions that only exist in partner accounts."""
    return rights.with_overrides(removed=catalogue.PARTNER_ONLY)


def missing_in_clients(rights: Rights) -> tuple[str, ...]:
    """Return the permissions of client accounts that these rights do not hold."""
    return tuple(sorted(catalogue.CATALOGUE - catalogue.PARTNER_ONLY - set(rights)))


@dataclass(frozen=True, slots=True)
class Overrides:
    """A member's additions to and removals from their set, relative to that set."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def known(self) -> "Overrides":
        """The overrides without the names that this deployment does not know."""
        return Overrides(tuple(filter(is_known, self.added)), tuple(filter(is_known, self.removed)))

    def must_be_consistent(self) -> None:
        """Raise unless each name is known, and is named once, or removed and added with a lower scope."""
        for names in (self.added, self.removed):
            if len({name.partition(":")[0] for name in names}) < len(names):
                raise InvalidField("permissions")
        widest = {name for name, scope in _read(self.added).items() if scope is Scope.ALL}
        if widest & set(self.removed):
            raise InvalidField("permissions")
        if any(":" in name for name in self.removed):
            raise InvalidField(("permissions", "remove"))
        _read(self.removed)

    def effective_on(self, base: Rights) -> "Overrides":
        """Return the overrides that have an effect on this set. Raise an error for invalid ones (domain.md §3)."""
        self.must_be_consistent()
        rights = self.applied_to(base)
        must_have_prerequisites(rights)
        widened, narrowed = set(rights.wider_than(base)), set(base.wider_than(rights))
        return Overrides(
            added=tuple(sorted(name for name in self.added if name.partition(":")[0] in widened | narrowed)),
            removed=tuple(sorted(narrowed.intersection(self.removed))),
        )

    def changed_by(self, change: "Overrides") -> "Overrides":
        """Return these overrides after a change of some permissions. All others stay as they are.

        An addition never narrows what is held. With the widest scope, it also takes back an earlier removal.
        """
        change.must_be_consistent()
        dropped, asked = frozenset(change.removed), _read(change.added)
        kept = {name: scope for name, scope in _read(self.added).items() if name not in dropped}
        added = kept | {name: max(scope, kept.get(name, scope)) for name, scope in asked.items()}
        restored = {name for name, scope in asked.items() if scope is Scope.ALL}
        return Overrides(Rights(added).to_names(), tuple(sorted((set(self.removed) - restored) | dropped)))

    def applied_to(self, base: Rights) -> Rights:
        """Return the rights of the set with these overrides."""
        return base.with_overrides(added=self.added, removed=self.removed)


NO_OVERRIDES: Final = Overrides()


def exceeding_prerequisite(rights: Rights) -> frozenset[str]:
    """Return the permissions with a wider scope than their prerequisite (domain.md §3).

    Editing is the prerequisite of deleting, and viewing is the prerequisite of editing.
    """
    return frozenset(name for name in rights if _exceeds_prerequisite(name, rights))


def _exceeds_prerequisite(name: str, rights: Rights) -> bool:
    resource, _, action = name.rpartition(".")
    prerequisite = {"delete": "edit", "edit": "view"}.get(action)
    return (
        name in catalogue.SCOPED
        and bool(prerequisite)
        and rights.held.get(f"{resource}.{prerequisite}", 0) < rights.held[name]
    )


def with_dependents(names: Iterable[str]) -> frozenset[str]:
    """Return these permissions with those that need them: nobody can edit or delete what they cannot view."""
    parts = [name.rpartition(".") for name in names]
    below = {"view": ("view", "edit", "delete"), "edit": ("edit", "delete")}
    found = {f"{resource}.{each}" for resource, _, action in parts for each in below.get(action, (action,))}
    return frozenset(found & catalogue.CATALOGUE)


def must_have_prerequisites(rights: Rights) -> None:
    """Raise if deleting has a wider scope than editing, or editing a wider one than viewing (domain.md §3)."""
    if exceeding_prerequisite(rights):
        raise InvalidField("permissions").with_detail(
            "Also remove or narrow the permissions that are wider: "
            "you can only delete what you can edit, and only edit what you can view."
        )


def must_be_grantable(rights: Rights, grantor_rights: Rights) -> None:
    """Raise unless the giver holds each of these permissions in the same scope or a wider one (domain.md §3)."""
    if not grantor_rights.covers(rights):
        raise PermissionNotHeld("permissions")


def must_exist_in_clients(added: Iterable[str]) -> None:
    """Raise if one of these permissions exists only in partner accounts (domain.md §3)."""
    if any(name.partition(":")[0] in catalogue.PARTNER_ONLY for name in added):
        raise UnknownPermission("permissions")


def must_suit_partner_member(rights: Rights) -> None:
    """Raise if a set holds restricted permissions. Partner members cannot have such a set (domain.md §3)."""
    if any(name in catalogue.RESTRICTED for name in rights):
        raise RestrictedPermission("permission_set")


def must_suit_partner_admin(added: Iterable[str]) -> None:
    """Raise if the additions contain restricted permissions. Partner admins cannot have them (domain.md §3)."""
    if any(name.partition(":")[0] in catalogue.RESTRICTED for name in added):
        raise RestrictedPermission(("permissions", "add"))
