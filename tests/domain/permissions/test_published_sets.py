"""The published versions of the default sets: no later change of the catalogue changes one."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.published_sets import DIGESTS, PUBLISHED
from partner_access.domain.permissions.rights import default_set_rights, latest_version, read_rights
from tests.support.builders import EMPLOYEE, a_member, a_partner_admin

ORDINARY_SETS = sorted(set(PUBLISHED) - {"partner_admin"})


def digest(permissions: tuple[str, ...]) -> str:
    return sha256("\n".join(read_rights(permissions).to_names()).encode()).hexdigest()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_version_matches_its_digest(name: str) -> None:
    # domain.md rule 31
    digests = tuple(digest(version) for version in PUBLISHED[name])

    assert digests == DIGESTS[name], "A published version never changes. Append a new one with its digest."


def test_every_set_but_super_admin_is_published() -> None:
    assert [*catalogue.SETS] == ["super_admin", *PUBLISHED]
    assert PUBLISHED.keys() == DIGESTS.keys()


@pytest.mark.parametrize(
    ("after", "new", "permission"),
    [
        ('"custom_objects",', '"contracts",', "crm.contracts.view"),
        ('"record_layout.edit",', '"merge",', "crm.merge"),
        ('"content",', '"events",', "marketing.events"),
        ('"sequences",', '"quotas",', "sales.quotas"),
        ('("service.access",', '"service.desk",', "service.desk"),
        ('("view", "edit", "delete"', ', "run"', "automation.workflows.run"),
        ('("reports.view",', '"reports.share",', "reports.share"),
        ('"audit.view",', '"keys.manage",', "account.keys.manage"),
    ],
)
def test_new_permission_changes_no_grant(
    monkeypatch: pytest.MonkeyPatch, after: str, new: str, permission: str
) -> None:
    # domain.md rule 31
    members = [a_partner_admin(), *(a_member(EMPLOYEE, name) for name in ORDINARY_SETS)]
    before = [effective_rights_of(member, {}) for member in members]
    source = Path(catalogue.__file__).read_text(encoding="utf-8")
    changed: dict[str, Any] = {}
    exec(source.replace(after, f"{after} {new}"), changed)
    for name in ("CATALOGUE", "SCOPED", "SETS"):
        monkeypatch.setattr(catalogue, name, changed[name])
    default_set_rights.cache_clear()

    try:
        assert permission in catalogue.CATALOGUE
        assert [effective_rights_of(member, {}) for member in members] == before
        assert permission in effective_rights_of(a_member(), {})
        assert {latest_version(name) for name in catalogue.SETS} == {1}
    finally:
        default_set_rights.cache_clear()
