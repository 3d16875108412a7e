"""POST /access-links/declines: someone of a client account says no to an access link."""

from partner_access import api
from partner_access.domain import approvals
from partner_access.domain.decisions import Act, Answer
from partner_access.domain.links import State
from partner_access.fields import Identifier, LinkSecret, Prose, Request
from partner_access.store import approvals as stored
from partner_access.store.dynamo import recall

app = api.App(recall=recall)


class Refusal(Request):
    """For which account, and why, if he wants to say."""

    secret: LinkSecret
    account_id: Identifier
    reason: Prose | None = None


class Declined(Answer):
    """What the link is to this account from now on."""

    state: State = State.DECLINED


@app.post(
    "/access-links/declines",
    api.Docs(
        "decline_link",
        tag=api.Tag.ACCESS_LINKS,
        summary="Decline an access link for one account.",
        description=(
            "Everyone who can approve the link for the account can decline it. The link's creator and its employee "
            "are notified. A link with several approvals ends for this account only."
        ),
    ),
)
def decline_link(refusal: Refusal, act: Act) -> Declined:
    facts = stored.facts_for_reply(refusal.secret, refusal.account_id, act.by)
    declined = approvals.decline(facts, refusal.reason, act)
    answer = Declined()
    stored.record_decline(declined, answer)
    return answer


handler = app
