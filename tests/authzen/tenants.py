"""Policies for tests only: a few entities and one rule each. No deployed route uses them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

from typing_extensions import override

from partner_access.api.authzen import (
    Action,
    ActionSearchRequest,
    Entity,
    EntityType,
    EvaluationRequest,
    EvaluationResponse,
    FoundNames,
    ResourceSearchRequest,
    SubjectSearchRequest,
)
from partner_access.domain.act import Act


class FixturePolicy(ABC):
    """A policy that decides by one rule. A search applies the rule to every known entity."""

    known_ids: Mapping[str, Sequence[str]]
    """The ids of each entity type."""
    action_names: Sequence[str]

    @abstractmethod
    def permits(self, subject: Entity, action: Action, resource: Entity) -> bool:
        """Return the decision of the rule. Properties are used as they are sent."""

    def is_known(self, entity: Entity) -> bool:
        return entity.id in self.known_ids.get(entity.type, ())

    def evaluate(self, evaluations: Sequence[EvaluationRequest], act: Act) -> Sequence[EvaluationResponse]:
        return [
            EvaluationResponse(decision=self.permits(each.subject, each.action, each.resource)) for each in evaluations
        ]

    def subjects(self, search: SubjectSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        each = self._entities_of(search.subject)
        return _page([one.id for one in each if self.permits(one, search.action, search.resource)], after, limit)

    def resources(self, search: ResourceSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        each = self._entities_of(search.resource)
        return _page([one.id for one in each if self.permits(search.subject, search.action, one)], after, limit)

    def actions(self, search: ActionSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        each = [name for name in self.action_names if self.permits(search.subject, Action(name=name), search.resource)]
        return _page(each, after, limit)

    def _entities_of(self, sought: EntityType) -> list[Entity]:
        ids = self.known_ids.get(sought.type, ())
        return [Entity(type=sought.type, id=each, properties=sought.properties) for each in ids]


def _page(names: list[str], after: str | None, limit: int) -> FoundNames:
    left = [name for name in sorted(names) if name > (after or "")]
    return FoundNames(left[:limit], left[limit - 1] if limit < len(left) else None)


class CertificationPolicy(FixturePolicy):
    """The policy of openid/authzen, certification/authorization-api-1_0-scenario.md, sections c-1-1 to c-1-5."""

    known_ids: Mapping[str, Sequence[str]] = {"user": ("alice", "bob"), "record": ("record-1", "record-2")}
    action_names: Sequence[str] = ("read", "write", "delete")
    roles: Final[Mapping[str, str]] = {"bob": "admin"}
    statuses: Final[Mapping[str, str]] = {"record-1": "active", "record-2": "archived"}

    @override
    def permits(self, subject: Entity, action: Action, resource: Entity) -> bool:
        if not (
            subject.type == "user" and self.is_known(subject) and resource.type == "record" and self.is_known(resource)
        ):
            return False
        if action.name == "write":
            status = resource.properties.get("status", self.statuses[resource.id])
            role = subject.properties.get("role", self.roles.get(subject.id))
            return role == "admin" if status == "archived" else subject.id == "alice"
        if action.name == "delete":
            return subject.id == "alice" and action.properties.get("soft") is True
        return action.name == "read"


class TodoPolicy(FixturePolicy):
    """A policy for a shared to-do list, by role and by the owner that the request names."""

    action_names: Sequence[str] = (
        "can_read_user",
        "can_read_todos",
        "can_create_todo",
        "can_update_todo",
        "can_delete_todo",
    )

    def __init__(self, people: Mapping[str, tuple[str, Sequence[str]]]) -> None:
        """Store the email address and roles of each user id."""
        self.people = people
        self.known_ids = {"user": tuple(people)}

    @override
    def permits(self, subject: Entity, action: Action, resource: Entity) -> bool:
        email, roles = self.people.get(subject.id, ("", ()))
        edits = bool({"editor", "admin", "evil_genius"} & set(roles))
        owns = "editor" in roles and resource.properties.get("ownerID") == email
        return {
            "can_read_user": bool(roles),
            "can_read_todos": bool(roles),
            "can_create_todo": edits,
            "can_update_todo": owns or "evil_genius" in roles,
            "can_delete_todo": owns or "admin" in roles,
        }.get(action.name, False)


class GatewayPolicy(FixturePolicy):
    """A policy for a gateway that sees methods and routes: editors can do more than read."""

    action_names: Sequence[str] = ("GET", "POST", "PUT", "DELETE")

    def __init__(self, editors: Mapping[str, bool]) -> None:
        """Store for each user id whether the user is an editor."""
        self.editors = editors
        self.known_ids = {"identity": tuple(editors)}

    @override
    def permits(self, subject: Entity, action: Action, resource: Entity) -> bool:
        return self.is_known(subject) and (action.name == "GET" or self.editors[subject.id])


class RecordPolicy(FixturePolicy):
    """A policy for records with an owner and a department.

    Owners can do everything. Colleagues view. Managers view all records and edit those of their department.
    """

    action_names: Sequence[str] = ("view", "edit", "delete")

    def __init__(self, users: Mapping[str, Sequence[str]], records: Mapping[str, Sequence[str]]) -> None:
        """Store the role and department of each user id, and the owner and department of each record id."""
        self.users, self.records = users, records
        self.known_ids = {"user": tuple(users), "record": tuple(records)}

    @override
    def permits(self, subject: Entity, action: Action, resource: Entity) -> bool:
        if not (self.is_known(subject) and self.is_known(resource)):
            return False
        (role, at), (owner, of) = self.users[subject.id], self.records[resource.id]
        owns, manages, is_colleague = subject.id == owner, role == "manager", at == of
        return {
            "view": owns or manages or is_colleague,
            "edit": owns or (manages and is_colleague),
            "delete": owns,
        }.get(action.name, False)
