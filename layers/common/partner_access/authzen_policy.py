"""The product's own policy for the decision API: what users may do in accounts, decided by who stands there now."""

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

SUBJECT_TYPE: Final = "user"
RESOURCE_TYPE: Final = "account"
MAX_CANDIDATES: Final = 100
"""How many who might be found one search looks at: with few among them, its page is short and goes on."""

RECORD_NAMES: Final[Mapping[type[Record], str]] = {Member: "member", User: "user", CustomSet: "customset"}
"""The names of records in the `rev` of a decision; an account has two."""

CandidatePage = tuple[Sequence[str], str | None]
"""Some ids in order, and the one to go on after."""


class AccountPolicy:
    """Users, permissions and accounts; whatever else is asked about is denied, and properties count for nothing."""

    def evaluate(self, evaluations: Sequence[EvaluationRequest], act: Act) -> Sequence[EvaluationResponse]:
        """Each by how its user stands in its account; who is asked about several times is looked up once."""
        pairs = [pair_of(each.subject, each.resource) for each in evaluations]
        found = access.access_facts((pair for pair in pairs if pair), act.at, deadline=act.deadline)
        return [
            _evaluation(found[pair], each.action.name) if pair else EvaluationResponse(decision=False)
            for pair, each in zip(pairs, evaluations, strict=True)
        ]

    def subjects(self, search: SubjectSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        """The members of the account who may do this there."""
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
        """The accounts in which the user may do this."""
        user = _id(search.subject, SUBJECT_TYPE)
        if not user or search.resource.type != RESOURCE_TYPE:
            return FoundNames()

        def listed(after: str | None, limit: int) -> CandidatePage:
            return accounts.ids_of(user, after=after, limit=limit)

        return _permitted(
            listed, lambda account: MemberId(account, user), search.action.name, act, FoundNames((), after), limit
        )

    def actions(self, search: ActionSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames:
        """What the user may do in the account."""
        pair = pair_of(search.subject, search.resource)
        if not pair:
            return FoundNames()
        facts = access.access_facts([pair], act.at, deadline=act.deadline)[pair]
        names = [name for name in sorted(catalogue.CATALOGUE) if name > (after or "") and decide(facts, name).permits]
        return FoundNames(names[:limit], names[limit - 1] if limit < len(names) else None)


def _id(entity: Entity, kind: str) -> str | None:
    """Whom or what is meant; None when that can be nobody and nothing here."""
    return entity.id if entity.type == kind and is_identifier(entity.id) else None


def pair_of(subject: Entity, resource: Entity) -> MemberId | None:
    """Who is meant in which account; None when that can be nobody."""
    user, account = _id(subject, SUBJECT_TYPE), _id(resource, RESOURCE_TYPE)
    return MemberId(account, user) if user and account else None


def _evaluation(facts: AccessFacts, permission: str) -> EvaluationResponse:
    """A denial says no more than that; who may ask why is explained it elsewhere."""
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
    """Those on the list who may, each decided anew: a list may be late, an evaluation never is (authzen.md §3)."""
    candidates_checked = 0
    while len(found.names) < limit and candidates_checked < MAX_CANDIDATES:
        candidates, onward = listed(found.after, access.PAIRS_PER_SNAPSHOT)
        facts_of = access.access_facts(map(pair, candidates), act.at, deadline=act.deadline)
        permitted = [candidate for candidate in candidates if decide(facts_of[pair(candidate)], permission).permits]
        taken = permitted[: limit - len(found.names)]
        after = taken[-1] if len(taken) < len(permitted) else onward
        found = FoundNames([*found.names, *taken], after)
        if found.after is None:
            return found
        candidates_checked += len(candidates)
    return found
