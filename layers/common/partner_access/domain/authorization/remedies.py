"""Remedies as they are returned: a request, the roles that can make it, and the rule that would decide next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import Rule
from partner_access.domain.errors import DomainError
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Role
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


class Operation(StrEnum):
    """The operations that remedies call, by operation id."""

    CREATE_USER = "create_user"
    EDIT_USER = "edit_user"
    RESUME_USER = "resume_user"
    PUT_ACCOUNT = "put_account"
    PUT_USER = "put_user"
    PUT_MEMBER = "put_member"


@dataclass(frozen=True, slots=True)
class OperationCall:
    """A call of an operation: the ids that its route names, the fields of its body, and the version to expect."""

    operation: Operation
    ids: Mapping[str, str]
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
