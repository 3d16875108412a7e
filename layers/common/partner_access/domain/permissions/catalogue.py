"""The vendor's data: existing permissions, restricted permissions, and the default sets with their versions.

A membership keeps the version of a set that it was given, without the permissions that later versions drop. So a new
permission reaches super admins only, until a version with it is published and accepted (deploy.md, Updates). To allow
`data.sensitive.manage` to partner admins, take it out of RESTRICTED. It then applies from the next version on.
"""

from collections.abc import Mapping
from typing import Final

from partner_access.domain.permissions.published_sets import PUBLISHED

OBJECTS: Final = (
    "contacts", "companies", "deals", "tickets", "tasks", "emails",
    "meetings", "calls", "notes", "invoices", "custom_objects",
)  # fmt: skip
SCOPED: Final = (
    *(f"crm.{kind}.{action}" for kind in OBJECTS for action in ("view", "edit", "delete")),
    "crm.contacts.communicate",
    "crm.companies.communicate",
)

CRM: Final = tuple(
    f"crm.{name}"
    for name in (
        "bulk_delete", "import", "export", "properties.edit", "lists.view",
        "lists.edit", "custom_views", "record_layout.edit",
    )
)  # fmt: skip
MARKETING: Final = tuple(
    f"marketing.{name}"
    for name in (
        "access", "forms", "files.view", "files.edit", "files.delete", "email.view",
        "email.edit", "email.publish", "campaigns", "ads", "social", "content",
    )
)  # fmt: skip
SALES: Final = tuple(
    f"sales.{name}"
    for name in (
        "access", "products", "quote_templates", "payment_links", "templates",
        "meeting_pages", "forecast", "playbooks", "sequences",
    )
)  # fmt: skip
SERVICE: Final = ("service.access", "service.knowledge_base", "service.feedback")
AUTOMATION: Final = tuple(f"automation.workflows.{action}" for action in ("view", "edit", "delete"))
REPORTS: Final = ("reports.view", "reports.create", "reports.dashboards")
ACCOUNT: Final = tuple(
    f"account.{name}"
    for name in (
        "users.manage", "teams.manage", "defaults.edit", "marketplace", "website", "domains", "audit.view",
    )
)  # fmt: skip

RESTRICTED: Final = frozenset(
    {
        "account.super_admins.manage",
        "account.billing.manage",
        "account.scim.manage",
        "account.data_center.migrate",
        "data.sensitive.manage",
    }
)
"""The permissions that a partner admin can never hold, through any operation (domain.md §3)."""

SENSITIVE: Final = ("data.sensitive.manage",)
PARTNER_ONLY: Final = frozenset({"partner.client_access.manage"})
"""The permissions that exist only in partner accounts."""

CATALOGUE: Final = frozenset((
    *SCOPED, *CRM, *MARKETING, *SALES, *SERVICE, *AUTOMATION, *REPORTS, *ACCOUNT,
    *RESTRICTED, *SENSITIVE, *PARTNER_ONLY,
))  # fmt: skip

PAID_FEATURE_SEATS: Final[Mapping[str, str]] = {**dict.fromkeys(SALES, "sales"), **dict.fromkeys(SERVICE, "service")}
"""The permissions of paid features, each with the kind of seat that includes it (domain.md §3)."""

SETS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {"super_admin": (tuple(sorted(CATALOGUE)),), **PUBLISHED}
"""The versions of each set by its name, oldest first.

The set of super admins has no versions: it is always everything.
"""
