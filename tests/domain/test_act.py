"""Acts: their ids, the acts of their items, and their idempotency keys."""

from datetime import timedelta

from partner_access.domain.act import Act
from tests.support.builders import ACT_NAME, NOW, an_act, once


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


def test_an_act_goes_on_for_ever_unless_it_is_told_otherwise() -> None:
    act = Act(by="a", at=NOW, name=ACT_NAME)

    assert act.ends > (NOW + timedelta(days=36500)).timestamp()
    assert not act.for_vendor
