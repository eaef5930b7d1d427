"""A sweep after a glance: only where our orders closed all, a glance shows nothing, and all is explained."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.look import Look, Unread
from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Direction, OrderStatus
from bastion.domain.position import Position
from bastion.domain.records import CancelsAnswered, FillsRead
from bastion.exits.pace import Pace
from bastion.exits.plan import plan
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import glance_is_enough, sweep_ahead, sweep_behind
from bastion.exits.verdict import stand
from tests.unit.exits.parts import (
    MS,
    UTC_NS,
    answered,
    fill,
    intend,
    leg,
    look,
    order,
    pace,
    position,
    request,
    see,
)

SETTINGS = ExitSettings()
BTC = position()
STOP = replace(order(name="stop"), conditional=True)
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")


def glance(at_ms: int, positions: tuple[Position, ...] = ()) -> Look:
    left = Unread(part="orders", reason="not asked", unsent=True)
    return replace(look(at_ms, positions), parts=("positions",), unread=(left,))


def closed(*, picture: Look | None = None, filled: str = "1") -> tuple[Leg, Pace]:
    """Return a leg whose picture showed a position and its stop, and whose order for it was answered."""
    one, beat = leg(), pace()
    see(one, picture or look(-5_000, [BTC], [STOP]))
    intend(one, request(BTC))
    beat.begun_ns["bst1"] = 1 * MS
    told = answered(filled=filled, status=OrderStatus.FILLED if filled == "1" else OrderStatus.CANCELED)
    one.apply(told, at_ns=UTC_NS)
    beat.ended_ns["bst1"] = beat.key_act_ns[BTC.key] = beat.last_act_ns = 50 * MS
    return one, beat


def explain(one: Leg, *, begun_ms: int = 60) -> None:
    one.apply(
        FillsRead(exit_id="xtest", account="main", run=1, begun_ns=begun_ms * MS, fills=(fill(cid="bst1"),)),
        at_ns=UTC_NS,
    )


def swept(one: Leg, beat: Pace) -> tuple[str, ...]:
    standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    act = sweep_behind(one, standing, beat)
    return () if act is None else tuple(each.order_id for each in act.intent.cancels)


def test_once_the_picture_is_closed_a_glance_is_enough_and_the_sweep_takes_what_the_picture_showed() -> None:
    one, beat = closed()
    assert sweep_ahead(one, beat, since_ns=0) is None  # The picture is from before the exit.
    assert glance_is_enough(one, beat)
    see(one, glance(60))
    explain(one)
    assert swept(one, beat) == ("stop",)


@pytest.mark.parametrize(
    ("direction", "swept_ahead"), [(Direction.BUY, ()), (Direction.SELL, ("stop",))], ids=["grew", "shrank"]
)
def test_nothing_is_swept_ahead_of_a_look_where_an_execution_says_that_more_is_held(
    direction: Direction, swept_ahead: tuple[str, ...]
) -> None:
    one, beat = closed(picture=look(0, [BTC], [STOP]))
    beat.begun_ns["bst1"] = 20 * MS
    other = fill("0.5", direction=direction, name="other", at_ms=5)
    read = FillsRead(exit_id="xtest", account="main", run=1, begun_ns=15 * MS, fills=(other,))
    one.apply(read, at_ns=UTC_NS)
    act = sweep_ahead(one, beat, since_ns=0)
    cancels = act.intent.cancels if act is not None else ()
    assert tuple(each.order_id for each in cancels) == swept_ahead


def test_nothing_is_swept_ahead_of_a_look_where_an_earlier_order_of_the_run_came_to_nothing() -> None:
    one, beat = closed(picture=look(0, [BTC], [STOP]))
    beat.begun_ns["bst1"] = 20 * MS
    assert sweep_ahead(one, beat, since_ns=0) is not None
    one.sent["bst0"] = replace(one.sent["bst1"], request=request(BTC, cid="bst0"), round=0)
    assert sweep_ahead(one, beat, since_ns=0) is None


def test_nothing_is_swept_while_the_executions_do_not_explain_what_is_gone() -> None:
    one, beat = closed()
    see(one, glance(60))
    assert swept(one, beat) == ()
    explain(one, begun_ms=40)
    assert swept(one, beat) == ()


def test_nothing_is_swept_while_the_glance_shows_a_position() -> None:
    one, beat = closed()
    see(one, glance(60, (replace(BTC, quantity=Quantity(Decimal("0.5"))),)))
    explain(one)
    assert swept(one, beat) == ()


def test_an_entry_that_was_cancelled_with_the_closes_keeps_nobody_from_glancing() -> None:
    one, beat = closed(picture=look(-5_000, [BTC], [STOP, ENTRY]))
    gone = CancelsAnswered(
        exit_id="xtest", account="main", round=1, answers=(CancelAnswer(order=ENTRY, gone=True),)
    )
    assert not glance_is_enough(one, replace_tries(beat, ENTRY.key))
    one.apply(gone, at_ns=UTC_NS)
    assert glance_is_enough(one, beat)
    see(one, glance(60))
    explain(one)
    assert swept(one, beat) == ("stop",)


def replace_tries(beat: Pace, key: tuple[str, str, str, bool]) -> Pace:
    other = replace(beat)
    other.cancel_tries = {key: 1}
    return other


@pytest.mark.parametrize("why", ["partly filled", "lists unread", "nothing rests", "on its way"])
def test_a_whole_look_follows_where_a_glance_would_not_do(why: str) -> None:
    pictures = {"lists unread": look(-5_000, [BTC], [STOP], ["orders"]), "nothing rests": look(-5_000, [BTC])}
    one, beat = closed(picture=pictures.get(why), filled="0.5" if why == "partly filled" else "1")
    if why == "on its way":
        beat.in_flight["bst1"] = BTC.key
    assert not glance_is_enough(one, beat)


def test_a_look_that_is_whole_or_read_nothing_is_no_glance() -> None:
    for seen in (look(60), replace(glance(60), parts=()), look(60, unread=["orders"])):
        one, beat = closed()
        see(one, seen)
        explain(one)
        assert swept(one, beat) == ()


@pytest.mark.parametrize("why", ["on its way", "answered since the look", "not told yet", "nothing"])
def test_stops_of_what_is_closed_wait_for_the_rest_of_the_wave(why: str) -> None:
    other = position("ETHUSDT")
    one, beat = closed(picture=look(-5_000, [BTC, other], [STOP]))
    gone = position("SOLUSDT")
    if why == "not told yet":
        see(one, look(-4_000, [BTC, other, gone], [STOP]))
    see(one, look(60, [other], [STOP]))
    explain(one)
    beat.retry_at_ns[other.key] = 10_000 * MS
    if why == "on its way":
        beat.in_flight["bst2"] = other.key
    elif why == "answered since the look":
        beat.key_act_ns[other.key] = 70 * MS
    standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    act = plan(one, standing, beat, {}, now_ns=100 * MS, settings=SETTINGS)
    assert (act is None) is (why != "nothing")
    # Not for ever: what is never told keeps nothing standing.
    later = plan(one, standing, beat, {}, now_ns=1_100 * MS, settings=SETTINGS)
    assert (later is not None and later.intent.cancels == (STOP,)) is (why in {"nothing", "not told yet"})
