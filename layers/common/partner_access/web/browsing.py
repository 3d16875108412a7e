"""Errors as pages, for browsers that open an address of the API."""

from http import HTTPStatus

from typing_extensions import override

from partner_access import page_urls
from partner_access.api import routing
from partner_access.api.errors import SecretInUrl
from partner_access.api.negotiation import prefers_html
from partner_access.api.response_body import ApiResponse, response
from partner_access.domain.errors import DomainError, NotFound
from partner_access.lambda_context import Event
from partner_access.web import unknown_address
from partner_access.web.headers import page_headers
from partner_access.web.languages import language_of


class App(routing.App):
    """An app whose errors are pages for browsers."""

    @override
    def error_response(self, error: DomainError, event: Event) -> ApiResponse:
        """Return a page to a browser at an unknown address, and lead a rewritten link to its page."""
        problem = super().error_response(error, event)
        is_get = event["requestContext"]["http"]["method"] in {"GET", "HEAD"}
        if not is_get or not prefers_html(event["headers"].get("accept", "")):
            return problem
        headers = page_headers(unknown_address.CONTENT_SECURITY_POLICY)
        secret = unknown_address.secret_of_rewritten_link(event["rawPath"])
        if secret and isinstance(error, SecretInUrl):
            return response(HTTPStatus.SEE_OTHER, "", {**headers, "location": page_urls.of_approval(secret)})
        if isinstance(error, NotFound):
            headers["content-type"] = "text/html; charset=utf-8"
            return response(HTTPStatus.NOT_FOUND, unknown_address.page(language_of(event)), headers)
        return problem
