"""Policy of the decision API: the permissions of users in accounts, decided by their memberships in effect now."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from partner_access.api.authzen import (
    ActionSearchRequest,
    Entity,
    EvaluationRequest,
    EvaluationResponse,
    FoundNames,
    ResourceSearchRequest,
    SubjectSearchRequest,
)
from partner_access.api.request_fields import is_identifier
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import AccessDecision, AccessFacts, decide
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Record
from partner_access.domain.users import User
from partner_access.store import accounts
from partner_access.store.authorization import access
from partner_access.store.authorization.access import MemberId
from partner_access.store.memberships import members
from partner_access.user_ids import is_user_id

SUBJECT_TYPE: Final = "user"
RESOURCE_TYPE: Final = "account"
MAX_CANDIDATES: Final = 100
"""Maximum number of candidates that one search checks. With few matches among them, its page is short but not last."""

RECORD_NAMES: Final[Mapping[type[Record], str]] = {Member: "member", User: "user", CustomSet: "customset"}
"""The names of records in the `rev` of a decision; an account has two."""

CandidatePage = tuple[Sequence[str], str | None]
"""Sorted ids, and the id after which the next page starts."""


class AccountPolicy:
    """The policy for users, permissions and accounts. It denies all other types and ignores properties."""

    def evaluate(self, evaluations: Sequence[EvaluationRequest], act: Act) -> Sequence[EvaluationResponse]:
        """Evaluate each access request by the user's access facts in the account. Each pair is read only once."""
        pairs = [pair_of(each.subject, each.resource) for each in evaluations]
        found = access.access_facts((pair for pair in pairs if pair), act.at, deadline=act.deadline)
        return [
            _evaluation(found[pair], each.action.name) if pair else EvaluationResponse(decision=False)
            for pair, each in zip(pairs, evaluations, strict=True)
        ]

    def subjects(self, search: SubjectSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        """Find the members of the account who may perform the action."""
        account = _id(search.resource, RESOURCE_TYPE)
        if not account or search.subject.type != SUBJECT_TYPE:
            return FoundNames()

        def listed(after: str | None, limit: int) -> CandidatePage:
            page = members.page(account, after=after, limit=limit)
            return page.user_ids, page.after

        return _permitted(
            listed, lambda user: MemberId(account, user), search.action.name, act, FoundNames((), after), limit
        )

    def resources(self, search: ResourceSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        """Find the accounts in which the user may perform the action."""
        user = _id(search.subject, SUBJECT_TYPE)
        if not user or search.resource.type != RESOURCE_TYPE:
            return FoundNames()

        def listed(after: str | None, limit: int) -> CandidatePage:
            return accounts.ids_of(user, after=after, limit=limit)

        return _permitted(
            listed, lambda account: MemberId(account, user), search.action.name, act, FoundNames((), after), limit
        )

    def actions(self, search: ActionSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        """Find the permissions that the user has in the account."""
        pair = pair_of(search.subject, search.resource)
        if not pair:
            return FoundNames()
        facts = access.access_facts([pair], act.at, deadline=act.deadline)[pair]
        names = [name for name in sorted(catalogue.CATALOGUE) if name > (after or "") and decide(facts, name).permits]
        return FoundNames(names[:limit], names[limit - 1] if limit < len(names) else None)


def _id(entity: Entity, kind: str) -> str | None:
    """Return the id of the entity, or None if it cannot be an entity of this kind."""
    has_form = is_user_id if kind == SUBJECT_TYPE else is_identifier
    return entity.id if entity.type == kind and has_form(entity.id) else None


def pair_of(subject: Entity, resource: Entity) -> MemberId | None:
    """Return the user and account of an access request, or None if they cannot exist."""
    user, account = _id(subject, SUBJECT_TYPE), _id(resource, RESOURCE_TYPE)
    return MemberId(account, user) if user and account else None


def _evaluation(facts: AccessFacts, permission: str) -> EvaluationResponse:
    """Return the access decision. A denial has no reason, because only authorized callers may get an explanation."""
    decision = decide(facts, permission)
    if not decision.permits:
        return EvaluationResponse(decision=False)
    return EvaluationResponse(decision=True, context=_context(facts, permission, decision))


def _context(facts: AccessFacts, permission: str, decision: AccessDecision) -> dict[str, Any]:
    versions = (f"{_kind(record)}:{record.version}" for record in facts.relied_on)
    reach = {"scope": decision.scope.name.lower()} if decision.scope and permission in catalogue.SCOPED else {}
    return {"as_of": facts.at.isoformat().replace("+00:00", "Z"), "rev": "/".join(versions), **reach}


def _kind(record: Record) -> str:
    if isinstance(record, Account):
        return "partner" if record.is_partner else "account"
    return RECORD_NAMES[type(record)]


def _permitted(
    listed: Callable[[str | None, int], CandidatePage],
    pair: Callable[[str], MemberId],
    permission: str,
    act: Act,
    found: FoundNames,
    limit: int,
) -> FoundNames:
    """Return the listed candidates that the policy permits.

    Each one is evaluated, because a list can be out of date and an evaluation never is (integration/authzen.md §3).
    """
    candidates_checked = 0
    while len(found.names) < limit and candidates_checked < MAX_CANDIDATES:
        candidates, next_after = listed(found.after, access.PAIRS_PER_SNAPSHOT)
        facts_of = access.access_facts(map(pair, candidates), act.at, deadline=act.deadline)
        permitted = [candidate for candidate in candidates if decide(facts_of[pair(candidate)], permission).permits]
        taken = permitted[: limit - len(found.names)]
        after = taken[-1] if len(taken) < len(permitted) else next_after
        found = FoundNames([*found.names, *taken], after)
        if found.after is None:
            return found
        candidates_checked += len(candidates)
    return found
