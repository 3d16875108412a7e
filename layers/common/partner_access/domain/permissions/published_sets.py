"""The published versions of the default sets, oldest first. Version 1 is the first entry.

Each version is a list of values that never changes, because memberships pin it (domain.md rule 31). A new permission is
in no version that is published. To publish one, append it with its digest. A test compares each version with its
digest.
"""

from collections.abc import Mapping
from typing import Final

PUBLISHED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "partner_admin": (
        (
            "account.audit.view", "account.defaults.edit", "account.domains", "account.marketplace",
            "account.teams.manage", "account.users.manage", "account.website", "automation.workflows.delete",
            "automation.workflows.edit", "automation.workflows.view", "crm.bulk_delete", "crm.calls.delete",
            "crm.calls.edit", "crm.calls.view", "crm.companies.communicate", "crm.companies.delete",
            "crm.companies.edit", "crm.companies.view", "crm.contacts.communicate", "crm.contacts.delete",
            "crm.contacts.edit", "crm.contacts.view", "crm.custom_objects.delete", "crm.custom_objects.edit",
            "crm.custom_objects.view", "crm.custom_views", "crm.deals.delete", "crm.deals.edit", "crm.deals.view",
            "crm.emails.delete", "crm.emails.edit", "crm.emails.view", "crm.export", "crm.import",
            "crm.invoices.delete", "crm.invoices.edit", "crm.invoices.view", "crm.lists.edit", "crm.lists.view",
            "crm.meetings.delete", "crm.meetings.edit", "crm.meetings.view", "crm.notes.delete", "crm.notes.edit",
            "crm.notes.view", "crm.properties.edit", "crm.record_layout.edit", "crm.tasks.delete", "crm.tasks.edit",
            "crm.tasks.view", "crm.tickets.delete", "crm.tickets.edit", "crm.tickets.view", "marketing.access",
            "marketing.ads", "marketing.campaigns", "marketing.content", "marketing.email.edit",
            "marketing.email.publish", "marketing.email.view", "marketing.files.delete", "marketing.files.edit",
            "marketing.files.view", "marketing.forms", "marketing.social", "reports.create", "reports.dashboards",
            "reports.view", "sales.access", "sales.forecast", "sales.meeting_pages", "sales.payment_links",
            "sales.playbooks", "sales.products", "sales.quote_templates", "sales.sequences", "sales.templates",
            "service.access", "service.feedback", "service.knowledge_base",
        ),
    ),
    "marketing": (
        (
            "crm.calls.view:all", "crm.companies.view:all", "crm.contacts.view:all", "crm.custom_objects.view:all",
            "crm.deals.view:all", "crm.emails.view:all", "crm.invoices.view:all", "crm.lists.edit", "crm.lists.view",
            "crm.meetings.view:all", "crm.notes.view:all", "crm.tasks.view:all", "crm.tickets.view:all",
            "marketing.access", "marketing.ads", "marketing.campaigns", "marketing.content", "marketing.email.edit",
            "marketing.email.publish", "marketing.email.view", "marketing.files.delete", "marketing.files.edit",
            "marketing.files.view", "marketing.forms", "marketing.social", "reports.create", "reports.dashboards",
            "reports.view",
        ),
    ),
    "sales": (
        (
            "crm.calls.delete:owned", "crm.calls.edit:team", "crm.calls.view:all", "crm.companies.communicate:team",
            "crm.companies.delete:owned", "crm.companies.edit:team", "crm.companies.view:all",
            "crm.contacts.communicate:team", "crm.contacts.delete:owned", "crm.contacts.edit:team",
            "crm.contacts.view:all", "crm.custom_objects.delete:owned", "crm.custom_objects.edit:team",
            "crm.custom_objects.view:all", "crm.custom_views", "crm.deals.delete:owned", "crm.deals.edit:team",
            "crm.deals.view:all", "crm.emails.delete:owned", "crm.emails.edit:team", "crm.emails.view:all",
            "crm.invoices.delete:owned", "crm.invoices.edit:team", "crm.invoices.view:all", "crm.lists.view",
            "crm.meetings.delete:owned", "crm.meetings.edit:team", "crm.meetings.view:all", "crm.notes.delete:owned",
            "crm.notes.edit:team", "crm.notes.view:all", "crm.tasks.delete:owned", "crm.tasks.edit:team",
            "crm.tasks.view:all", "crm.tickets.delete:owned", "crm.tickets.edit:team", "crm.tickets.view:all",
            "reports.view", "sales.access", "sales.forecast", "sales.meeting_pages", "sales.payment_links",
            "sales.playbooks", "sales.products", "sales.quote_templates", "sales.sequences", "sales.templates",
        ),
    ),
    "service": (
        (
            "crm.calls.delete:owned", "crm.calls.edit:team", "crm.calls.view:all", "crm.companies.communicate:team",
            "crm.companies.delete:owned", "crm.companies.edit:team", "crm.companies.view:all",
            "crm.contacts.communicate:team", "crm.contacts.delete:owned", "crm.contacts.edit:team",
            "crm.contacts.view:all", "crm.custom_objects.delete:owned", "crm.custom_objects.edit:team",
            "crm.custom_objects.view:all", "crm.custom_views", "crm.deals.delete:owned", "crm.deals.edit:team",
            "crm.deals.view:all", "crm.emails.delete:owned", "crm.emails.edit:team", "crm.emails.view:all",
            "crm.invoices.delete:owned", "crm.invoices.edit:team", "crm.invoices.view:all", "crm.lists.view",
            "crm.meetings.delete:owned", "crm.meetings.edit:team", "crm.meetings.view:all", "crm.notes.delete:owned",
            "crm.notes.edit:team", "crm.notes.view:all", "crm.tasks.delete:owned", "crm.tasks.edit:team",
            "crm.tasks.view:all", "crm.tickets.delete:owned", "crm.tickets.edit:team", "crm.tickets.view:all",
            "reports.view", "service.access", "service.feedback", "service.knowledge_base",
        ),
    ),
    "reporting": (
        (
            "crm.calls.view:all", "crm.companies.view:all", "crm.contacts.view:all", "crm.custom_objects.view:all",
            "crm.deals.view:all", "crm.emails.view:all", "crm.invoices.view:all", "crm.meetings.view:all",
            "crm.notes.view:all", "crm.tasks.view:all", "crm.tickets.view:all", "reports.create",
            "reports.dashboards", "reports.view",
        ),
    ),
    "view_only": (
        (
            "crm.calls.view:all", "crm.companies.view:all", "crm.contacts.view:all", "crm.custom_objects.view:all",
            "crm.deals.view:all", "crm.emails.view:all", "crm.invoices.view:all", "crm.meetings.view:all",
            "crm.notes.view:all", "crm.tasks.view:all", "crm.tickets.view:all",
        ),
    ),
}  # fmt: skip

DIGESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "partner_admin": ("89ee88d646dd73654bacc5cdef2d5b284d03df0984a62d99aa30869631a2e85f",),
    "marketing": ("6abf1819f2b9c7b9cf138394d3b4b3a10fc64a8b2126ca307db790fc4c3329ee",),
    "sales": ("76ffafa50ddb09cef1ea791c415e551d0b31f9923a2cbc104e7de163fff787dd",),
    "service": ("d9a6bfb07789e01639d06e1a9195ea606156c5ab7cc1932fd7eb5669808ca808",),
    "reporting": ("c9d0780265ce56c2e498490b608c13b3502e7353261cc0cd39b51fb682b220c4",),
    "view_only": ("3c700494ba390f29d30e2afc0c397ec4426ee3cd984b25ee8f44e4c4e158af6b",),
}
"""The SHA-256 digest of each version: its permissions with their scopes, sorted, one on a line."""
