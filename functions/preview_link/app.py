"""The access that a link requests, and the accounts that the caller can approve it for."""

from pydantic import BaseModel

from partner_access.api import routing
from partner_access.api.request_fields import ParsedLinkSecret, Request
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import LinkResponse
from partner_access.domain.act import Act
from partner_access.domain.links import approvals
from partner_access.domain.permissions import rights
from partner_access.store.links import approvals as stored

app = routing.App()


class PreviewLinkRequest(Request, title="PreviewLinkRequest"):
    """The secret from the URL of the link."""

    secret: ParsedLinkSecret


class LinkPartnerResponse(BaseModel, title="LinkPartnerResponse"):
    """The partner that requests access, with the domains that the vendor verified."""

    name: str
    domains: tuple[str, ...]


class LinkAccountRow(BaseModel, title="LinkAccountRow"):
    """One of your accounts, and the reason if you cannot approve the link for it."""

    account_id: str
    name: str
    time_zone: str
    can_approve: bool
    reason: str | None


class LinkPreviewResponse(ResponseBody, title="LinkPreviewResponse"):
    """The access that the link requests, and your accounts."""

    link: LinkResponse
    partner: LinkPartnerResponse
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    accounts: tuple[LinkAccountRow, ...]


@app.operation(
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
def preview_link(request: PreviewLinkRequest, act: Act) -> LinkPreviewResponse:
    facts = stored.facts_for_preview(request.secret, act.actor_id)
    preview = approvals.preview(facts, act)
    can = rights.partner_admin_rights(preview.link.set_version, removed=preview.link.removed)
    return LinkPreviewResponse(
        link=LinkResponse.of(preview.link, preview.employee, act.at),
        partner=LinkPartnerResponse(name=preview.partner.name, domains=preview.partner.domains),
        can=tuple(can),
        cannot=rights.missing_in_clients(can),
        accounts=tuple(
            LinkAccountRow(
                account_id=choice.account.account_id,
                name=choice.account.name,
                time_zone=choice.account.zone.key,
                can_approve=choice.error_code is None,
                reason=choice.error_code,
            )
            for choice in preview.choices
        ),
    )


handler = app
