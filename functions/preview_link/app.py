"""POST /access-links/preview: who asks for what, and where the caller may approve; nothing is changed."""

from pydantic import BaseModel

from partner_access import api
from partner_access.domain import approvals, permissions
from partner_access.domain.decisions import Act, Answer
from partner_access.fields import LinkSecret, Request
from partner_access.representations import LinkShown
from partner_access.store import approvals as stored

app = api.App()


class Opening(Request):
    """The secret from the link's address."""

    secret: LinkSecret


class PartnerShown(BaseModel):
    """Who asks, with the domains that the vendor verified."""

    name: str
    domains: tuple[str, ...]


class ChoiceShown(BaseModel):
    """An account of the caller, and why he may not approve there, if so."""

    account_id: str
    name: str
    can_approve: bool
    reason: str | None


class Preview(Answer):
    """What the link asks for, in full."""

    link: LinkShown
    partner: PartnerShown
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    accounts: tuple[ChoiceShown, ...]


@app.post(
    "/access-links/preview",
    api.Docs(
        "preview_link",
        tag=api.Tag.ACCESS_LINKS,
        summary="Preview an access link by its secret.",
        description=(
            "Anyone with a token and the secret can preview a link. The response lists the requested permissions, "
            "and tells for which of your accounts you can approve it. Nothing is changed."
        ),
    ),
    needs_key=False,
)
def preview_link(opening: Opening, act: Act) -> Preview:
    facts = stored.facts_for_preview(opening.secret, act.by)
    shown = approvals.preview(facts, act)
    can = permissions.of_partner_admin(shown.link.set_version, removed=shown.link.removed)
    return Preview(
        link=LinkShown.of(shown.link, shown.employee, act.at),
        partner=PartnerShown(name=shown.partner.name, domains=shown.partner.domains),
        can=tuple(can),
        cannot=permissions.lacking(can),
        accounts=tuple(
            ChoiceShown(
                account_id=choice.account.account_id,
                name=choice.account.name,
                can_approve=choice.reason is None,
                reason=choice.reason,
            )
            for choice in shown.choices
        ),
    )


handler = app
