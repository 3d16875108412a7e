"""Remedies as they are returned: a request, the roles that can make it, and the rule that would decide next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import Rule
from partner_access.domain.errors import DomainError
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.roles import Role
from partner_access.domain.users import User


@dataclass(frozen=True, slots=True)
class RelatedActors:
    """Other actors that matter: the account's super admins, and the partners that the person works for."""

    super_admins: tuple[Actor, ...] = ()
    partners: Mapping[str, Account] = field(default_factory=dict)


NO_RELATED_ACTORS: Final = RelatedActors()


@dataclass(frozen=True, slots=True)
class ChangeableBy:
    """A role in which a person can make the change.

    Super admins are listed by name. Other roles list the permissions that the person must hold.
    """

    role: Role
    users: tuple[User, ...] = ()
    required_permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationCall:
    """A request to this API. `expected_version` is its version in If-Match."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One request that changes the facts behind the decision, and the roles that can make it.

    `next_rule` is the rule that would decide afterwards if the decision does not turn. `error` says why nobody can make
    the request.
    """

    changeable_by: tuple[ChangeableBy, ...] = ()
    call: OperationCall | None = None
    next_rule: Rule | None = None
    error: DomainError | None = None


NO_REMEDY: Final = Remedy()
