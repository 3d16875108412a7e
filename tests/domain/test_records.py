"""Acts, acts per item, audit entries, records and stored responses."""

import pytest
from pydantic import ValidationError

from partner_access.domain.records import audit
from partner_access.domain.users import User
from tests.support.builders import ACT_ID, NOW, a_link, an_act


def test_audit_lists_each_account_once_and_omits_details_without_value() -> None:
    # domain.md rule 45
    entry = audit("link.revoked", an_act("by"), "a", None, "b", "a", "", zero=0, no=False, none=None, list=[], map={})

    assert entry.accounts == ("a", "b")
    assert entry.details == {"zero": 0, "no": False, "list": [], "map": {}}
    assert (entry.audit_id, entry.actor_id, entry.at, entry.event) == (f"aud_{ACT_ID}", "by", NOW, "link.revoked")


def test_record_changed_returns_copy_with_next_version() -> None:
    link = a_link(version=4)
    changed = link.next_version(purpose="other")

    assert (changed.version, changed.purpose) == (5, "other")
    assert (link.version, link.purpose) == (4, None)
    with pytest.raises(ValidationError):
        setattr(link, "purpose", "other")  # noqa: B010  mypy rejects the plain assignment


def test_record_validation_error_hides_input() -> None:
    with pytest.raises(ValidationError) as unreadable:
        User.model_validate({"user_id": "a", "name": "A", "email": ["canary@bakery.example"]})
    assert "canary" not in str(unreadable.value)
