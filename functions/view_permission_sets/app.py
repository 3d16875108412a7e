"""GET /accounts/{account_id}/permission-sets: what the caller may assign, to a given person if he names one."""

from pydantic import BaseModel

from partner_access import api
from partner_access.addresses import Email
from partner_access.domain import creations, permissions
from partner_access.domain.decisions import Act
from partner_access.fields import Page, Query
from partner_access.store import creations as stored

app = api.App()


class ChoiceQuery(Query):
    """Whom the set is for; without an address no set of partner staff is offered."""

    email: Email | None = None


class SetChoice(BaseModel):
    """A default set in today's version."""

    permission_set: str
    version: int
    permissions: tuple[str, ...]


class SetChoices(Page):
    """In the order of the catalogue."""

    items: tuple[SetChoice, ...]


@app.get("/accounts/{account_id}/permission-sets")
def view_permission_sets(account_id: str, query: ChoiceQuery, act: Act) -> SetChoices:
    """The sets that the caller may give; `partner_admin` only for an eligible partner employee."""
    names = creations.assignable(stored.facts_for_choice(account_id, query.email, act.by), act)
    return SetChoices(
        items=tuple(
            SetChoice(
                permission_set=name,
                version=permissions.latest(name),
                permissions=permissions.in_clients(permissions.given_today(name)).written(),
            )
            for name in names
        )
    )


handler = app
