"""The catalogue: the vendor's data matches domain.md §3."""

import pytest

from partner_access.domain.permissions import catalogue


def permission_names(area: str, names: str) -> set[str]:
    return {f"{area}.{name}" for name in names.split()}


OBJECTS = "contacts companies deals tickets tasks emails meetings calls notes invoices custom_objects"
MINIMUM = {
    *(f"{kind}.{action}" for kind in permission_names("crm", OBJECTS) for action in ("view", "edit", "delete")),
    *permission_names("crm", "contacts.communicate companies.communicate bulk_delete import export properties.edit"),
    *permission_names("crm", "lists.view lists.edit custom_views record_layout.edit"),
    *permission_names(
        "marketing", "access forms files.view files.edit files.delete email.view email.edit email.publish"
    ),
    *permission_names("marketing", "campaigns ads social content"),
    *permission_names(
        "sales", "access products quote_templates payment_links templates meeting_pages forecast playbooks"
    ),
    *permission_names("sales", "sequences"),
    *permission_names("service", "access knowledge_base feedback"),
    *permission_names("automation", "workflows.view workflows.edit workflows.delete"),
    *permission_names("reports", "view create dashboards"),
    *permission_names("account", "users.manage teams.manage defaults.edit marketplace website domains audit.view"),
}
RESTRICTED = {
    "account.super_admins.manage",
    "account.billing.manage",
    "account.scim.manage",
    "account.data_center.migrate",
    "data.sensitive.manage",
}


def test_catalogue_is_minimum_restricted_and_partner_permissions() -> None:
    assert MINIMUM | RESTRICTED | {"partner.client_access.manage"} == catalogue.CATALOGUE
    assert RESTRICTED == catalogue.RESTRICTED


def test_first_partner_admin_set_is_minimum_without_restricted_and_partner_only() -> None:
    assert set(catalogue.SETS["partner_admin"][0]) == MINIMUM


def test_super_admin_set_contains_every_permission() -> None:
    assert set(catalogue.SETS["super_admin"][-1]) == catalogue.CATALOGUE


@pytest.mark.parametrize("name", catalogue.SETS)
def test_restricted_permissions_are_only_in_super_admin_set(name: str) -> None:
    held = {permission.partition(":")[0] for version in catalogue.SETS[name] for permission in version}

    assert bool(held & catalogue.RESTRICTED) is (name == "super_admin")
    assert held <= catalogue.CATALOGUE
