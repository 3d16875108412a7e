"""The product's own policy for the decision API: what users may do in accounts, decided by who stands there now."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from partner_access.api.authzen import (
    ActionSearchRequest,
    Entity,
    EvaluationRequest,
    EvaluationResponse,
    Found,
    ResourceSearchRequest,
    SubjectSearchRequest,
)
from partner_access.api.request_fields import is_identifier
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import Presence, Verdict, judge
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Kept
from partner_access.domain.users import User
from partner_access.store import accounts
from partner_access.store.authorization import access
from partner_access.store.authorization.access import Pair
from partner_access.store.memberships import members

SUBJECT: Final = "user"
RESOURCE: Final = "account"
LOOKED_AT: Final = 100
"""How many who might be found one search looks at: with few among them, its page is short and goes on."""

RECORD_NAMES: Final[Mapping[type[Kept], str]] = {Member: "member", User: "user", CustomSet: "customset"}
"""The names of records in the `rev` of a decision; an account has two."""

Listed = tuple[Sequence[str], str | None]
"""Some ids in order, and the one to go on after."""


class Accounts:
    """Users, permissions and accounts; whatever else is asked about is denied, and properties count for nothing."""

    def evaluate(self, evaluations: Sequence[EvaluationRequest], act: Act) -> Sequence[EvaluationResponse]:
        """Each by how its user stands in its account; who is asked about several times is looked up once."""
        pairs = [pair_of(each.subject, each.resource) for each in evaluations]
        found = access.presences((pair for pair in pairs if pair), act.at, ends=act.ends)
        return [
            _told(found[pair], each.action.name) if pair else EvaluationResponse(decision=False)
            for pair, each in zip(pairs, evaluations, strict=True)
        ]

    def subjects(self, search: SubjectSearchRequest, act: Act, after: str | None, limit: int) -> Found:
        """The members of the account who may do this there."""
        account = _id(search.resource, RESOURCE)
        if not account or search.subject.type != SUBJECT:
            return Found()

        def listed(after: str | None, limit: int) -> Listed:
            page = members.page(account, after=after, limit=limit)
            return page.user_ids, page.after

        return _permitted(listed, lambda user: Pair(account, user), search.action.name, act, Found((), after), limit)

    def resources(self, search: ResourceSearchRequest, act: Act, after: str | None, limit: int) -> Found:
        """The accounts in which the user may do this."""
        user = _id(search.subject, SUBJECT)
        if not user or search.resource.type != RESOURCE:
            return Found()

        def listed(after: str | None, limit: int) -> Listed:
            return accounts.ids_of(user, after=after, limit=limit)

        return _permitted(listed, lambda account: Pair(account, user), search.action.name, act, Found((), after), limit)

    def actions(self, search: ActionSearchRequest, act: Act, after: str | None, limit: int) -> Found:
        """What the user may do in the account."""
        pair = pair_of(search.subject, search.resource)
        if not pair:
            return Found()
        presence = access.presences([pair], act.at, ends=act.ends)[pair]
        names = [name for name in sorted(catalogue.CATALOGUE) if name > (after or "") and judge(presence, name).permits]
        return Found(names[:limit], names[limit - 1] if limit < len(names) else None)


def _id(entity: Entity, kind: str) -> str | None:
    """Whom or what is meant; None when that can be nobody and nothing here."""
    return entity.id if entity.type == kind and is_identifier(entity.id) else None


def pair_of(subject: Entity, resource: Entity) -> Pair | None:
    """Who is meant in which account; None when that can be nobody."""
    user, account = _id(subject, SUBJECT), _id(resource, RESOURCE)
    return Pair(account, user) if user and account else None


def _told(presence: Presence, permission: str) -> EvaluationResponse:
    """A denial says no more than that; who may ask why is explained it elsewhere."""
    verdict = judge(presence, permission)
    if not verdict.permits:
        return EvaluationResponse(decision=False)
    return EvaluationResponse(decision=True, context=_context(presence, permission, verdict))


def _context(presence: Presence, permission: str, verdict: Verdict) -> dict[str, Any]:
    rests_on = (f"{_kind(record)}:{record.version}" for record in presence.rests_on)
    reach = {"scope": verdict.scope.name.lower()} if verdict.scope and permission in catalogue.SCOPED else {}
    return {"as_of": presence.at.isoformat().replace("+00:00", "Z"), "rev": "/".join(rests_on), **reach}


def _kind(record: Kept) -> str:
    if isinstance(record, Account):
        return "partner" if record.is_partner else "account"
    return RECORD_NAMES[type(record)]


def _permitted(
    listed: Callable[[str | None, int], Listed],
    pair: Callable[[str], Pair],
    permission: str,
    act: Act,
    found: Found,
    limit: int,
) -> Found:
    """Those on the list who may, each decided anew: a list may be late, an evaluation never is (authzen.md §3)."""
    looked_at = 0
    while len(found.names) < limit and looked_at < LOOKED_AT:
        some, onward = listed(found.after, access.AT_ONCE)
        presences = access.presences(map(pair, some), act.at, ends=act.ends)
        permitted = [one for one in some if judge(presences[pair(one)], permission).permits]
        taken = permitted[: limit - len(found.names)]
        after = taken[-1] if len(taken) < len(permitted) else onward
        found = Found([*found.names, *taken], after)
        if found.after is None:
            return found
        looked_at += len(some)
    return found
