"""Acts: their ids, the acts of their items, and their idempotency keys."""

from datetime import timedelta

from partner_access.domain.act import Act
from tests.support.builders import ACT_ID, NOW, an_act, an_idempotency_key


def test_act_named_returns_prefixed_id_and_repr_hides_random_bits() -> None:
    act = an_act()

    assert act.new_id("lnk") == f"lnk_{ACT_ID}"
    assert act.random not in repr(act)


def test_act_part_has_its_own_stable_id_and_idempotency_key() -> None:
    act = an_act(idempotency_key=an_idempotency_key(), id="0123456789abcdef" * 2)
    first, second = act.for_item("client-a"), act.for_item("client-b")

    assert first == act.for_item("client-a")
    assert len({act.id, first.id, second.id}) == 3
    assert first.id.startswith("0123456789abcdef")
    assert len(first.id) == len(act.id)
    assert first.idempotency_key
    assert second.idempotency_key
    assert first.idempotency_key.key.endswith(".key")
    assert len({"key", first.idempotency_key.key, second.idempotency_key.key}) == 3
    assert first.idempotency_key.fingerprint == "fingerprint"
    assert an_act().for_item("client-a").idempotency_key is None


def test_act_unkept_removes_only_idempotency_key() -> None:
    act = an_act(idempotency_key=an_idempotency_key())

    assert act.without_key() == an_act(idempotency_key=None)
    assert act.idempotency_key


def test_act_without_deadline_never_ends() -> None:
    act = Act(actor_id="a", at=NOW, id=ACT_ID)

    assert act.deadline > (NOW + timedelta(days=36500)).timestamp()
    assert not act.for_vendor
