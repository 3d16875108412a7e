"""POST /access-links/preview: who asks for what, and where the caller may approve; nothing is changed."""

from pydantic import BaseModel

from partner_access.api import routing
from partner_access.api.request_fields import LinkSecret, Request
from partner_access.api.response_body import Answer
from partner_access.api.responses import LinkResponse
from partner_access.domain.act import Act
from partner_access.domain.links import approvals
from partner_access.domain.permissions import rights
from partner_access.store.links import approvals as stored

app = routing.App()


class PreviewLinkRequest(Request, title="PreviewLinkRequest"):
    """The secret from the URL of the link."""

    secret: LinkSecret


class LinkPartnerResponse(BaseModel, title="LinkPartnerResponse"):
    """The partner that requests access, with the domains that the vendor verified."""

    name: str
    domains: tuple[str, ...]


class LinkAccountRow(BaseModel, title="LinkAccountRow"):
    """One of your accounts, and the reason if you cannot approve the link for it."""

    account_id: str
    name: str
    can_approve: bool
    reason: str | None


class LinkPreviewResponse(Answer, title="LinkPreviewResponse"):
    """The access that the link requests, and your accounts."""

    link: LinkResponse
    partner: LinkPartnerResponse
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    accounts: tuple[LinkAccountRow, ...]


@app.post(
    "/access-links/preview",
    routing.Docs(
        "preview_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Preview an access link by its secret.",
        description=(
            "Anyone with a token and the secret can preview a link. The response lists the requested permissions, "
            "and tells for which of your accounts you can approve it. Nothing is changed."
        ),
    ),
    needs_key=False,
)
def preview_link(opening: PreviewLinkRequest, act: Act) -> LinkPreviewResponse:
    facts = stored.facts_for_preview(opening.secret, act.by)
    shown = approvals.preview(facts, act)
    can = rights.of_partner_admin(shown.link.set_version, removed=shown.link.removed)
    return LinkPreviewResponse(
        link=LinkResponse.of(shown.link, shown.employee, act.at),
        partner=LinkPartnerResponse(name=shown.partner.name, domains=shown.partner.domains),
        can=tuple(can),
        cannot=rights.lacking(can),
        accounts=tuple(
            LinkAccountRow(
                account_id=choice.account.account_id,
                name=choice.account.name,
                can_approve=choice.reason is None,
                reason=choice.reason,
            )
            for choice in shown.choices
        ),
    )


handler = app
