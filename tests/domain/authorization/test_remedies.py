"""Remedies: what a decision without a remedy returns."""

from partner_access.domain.authorization.remedies import NO_RELATED_ACTORS, NO_REMEDY


def test_no_remedy_names_no_role_and_no_request() -> None:
    assert (NO_REMEDY.changeable_by, NO_REMEDY.call, NO_REMEDY.next_rule, NO_REMEDY.error) == ((), None, None, None)


def test_no_related_actors_has_no_super_admin_and_no_partner() -> None:
    assert (NO_RELATED_ACTORS.super_admins, dict(NO_RELATED_ACTORS.partners)) == ((), {})
