"""Acts, their parts, audit entries and what is kept of answers."""

from datetime import timedelta
from typing import ClassVar

import pytest
from pydantic import ValidationError

from partner_access.domain.errors import NoSeatLeft
from partner_access.domain.memberships.actors import User
from partner_access.domain.records import Act, Answer, Overtaken, Replayed, audit
from tests.support.builders import ACT_NAME, NOW, a_link, an_act, once


def test_an_act_names_what_it_brings_about_and_never_shows_its_chance() -> None:
    act = an_act()

    assert act.named("lnk") == f"lnk_{ACT_NAME}"
    assert act.chance not in repr(act)


def test_the_parts_of_an_act_have_names_and_keys_of_their_own_the_same_each_time() -> None:
    act = an_act(once=once(), name="0123456789abcdef" * 2)
    first, second = act.part("client-a"), act.part("client-b")

    assert first == act.part("client-a")
    assert len({act.name, first.name, second.name}) == 3
    assert first.name.startswith("0123456789abcdef")
    assert len(first.name) == len(act.name)
    assert first.once
    assert second.once
    assert first.once.key.startswith("key#")
    assert len({"key", first.once.key, second.once.key}) == 3
    assert first.once.fingerprint == "asked"
    assert an_act().part("client-a").once is None


def test_an_act_that_is_no_success_is_the_same_but_for_its_key() -> None:
    act = an_act(once=once())

    assert act.unkept() == an_act(once=None)
    assert act.once


def test_an_entry_tells_each_account_once_and_leaves_out_what_is_empty() -> None:
    entry = audit("link.revoked", an_act("by"), "a", None, "b", "a", "", zero=0, no=False, none=None, list=[], map={})

    assert entry.accounts == ("a", "b")
    assert entry.details == {"zero": 0, "no": False}
    assert (entry.audit_id, entry.actor_id, entry.at, entry.event) == (f"aud_{ACT_NAME}", "by", NOW, "link.revoked")


def test_a_record_has_a_new_version_with_each_change_and_never_changes_itself() -> None:
    link = a_link(version=4)
    changed = link.changed(purpose="other")

    assert (changed.version, changed.purpose) == (5, "other")
    assert (link.version, link.purpose) == (4, None)
    with pytest.raises(ValidationError):
        setattr(link, "purpose", "other")  # noqa: B010  mypy knows that it cannot be done


def test_a_record_that_cannot_be_read_is_told_of_without_what_is_in_it() -> None:
    with pytest.raises(ValidationError) as unreadable:
        User.model_validate({"user_id": "a", "name": "A", "email": ["canary@bakery.example"]})
    assert "canary" not in str(unreadable.value)


class Told(Answer):
    """An answer with a secret in it."""

    never_kept: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str
    name: str
    nothing: str | None = None


def test_what_is_kept_of_an_answer_is_all_but_its_secrets() -> None:
    answer = Told(url="secret", name="link")

    assert answer.told() == '{"url":"secret","name":"link"}'
    assert answer.to_keep() == '{"name":"link"}'


def test_who_is_overtaken_knows_what_that_means_and_a_replay_what_was_answered() -> None:
    assert Overtaken(NoSeatLeft).refusal is NoSeatLeft
    assert (str(Overtaken(NoSeatLeft)), str(Replayed(201, "{}"))) == ("no_seat_left", "201")
    assert (Replayed(201, "{}").status, Replayed(201, "{}").answer) == (201, "{}")


def test_an_act_goes_on_for_ever_unless_it_is_told_otherwise() -> None:
    act = Act(by="a", at=NOW, name=ACT_NAME)

    assert act.ends > (NOW + timedelta(days=36500)).timestamp()
    assert not act.for_vendor
