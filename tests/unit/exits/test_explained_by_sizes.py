"""Many closed books are explained by one page of sizes, while the venue's own words leave no question."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.look import Unread
from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Direction, OrderStatus
from bastion.domain.position import Position
from bastion.domain.records import CancelsAnswered, LegJudged, Outcome, SecondSourceRead
from bastion.domain.verdict import Verdict
from bastion.errors import Fault
from bastion.exits.explaining import Working, sizes_to_ask
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import positions_do
from bastion.exits.verdict import stand
from tests.unit.exits.parts import (
    MS,
    UTC_NS,
    answered,
    intend,
    leg,
    look,
    order,
    pace,
    position,
    refused,
    request,
    see,
)

SETTINGS = ExitSettings()
BTC, ETH = position(), position("ETHUSDT")
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")


class Pages:
    """A venue whose sizes are cheaper than its executions from so many positions on."""

    def __init__(self, least: int = 2) -> None:
        self._least = least

    def sizes_first(self, positions: Sequence[Position]) -> bool:
        return len(positions) >= self._least


def closed() -> tuple[Leg, Pace]:
    """Return a leg that showed two positions, and whose orders for them were filled whole."""
    one, beat = leg(), pace()
    see(one, look(0, [BTC, ETH]))
    intend(one, request(BTC, "bst1"), request(ETH, "bst2"))
    for cid, held in (("bst1", BTC), ("bst2", ETH)):
        one.apply(answered(cid), at_ns=UTC_NS)
        beat.key_act_ns[held.key] = beat.last_act_ns = 50 * MS
    return one, beat


def second(one: Leg, held: Position, *, begun_ms: int, quantity: str = "0") -> None:
    told = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=begun_ms * MS,
        position=held,
        quantity=Quantity(Decimal(quantity)),
    )
    one.apply(told, at_ns=UTC_NS)


def asked(one: Leg, beat: Pace, pages: Pages | None = None) -> tuple[str, ...] | None:
    wanted = sizes_to_ask([Working(leg=one, pace=beat)], pages or Pages())
    return None if wanted is None else tuple(held.instrument for held in wanted)


def test_what_was_filled_whole_is_asked_for_by_size_once_and_that_explains_it() -> None:
    one, beat = closed()
    assert asked(one, beat) == ("BTCUSDT", "ETHUSDT")
    second(one, BTC, begun_ms=49)
    second(one, ETH, begun_ms=60)
    assert asked(one, beat) == ("BTCUSDT",), "what began before the last order ended explains nothing"
    second(one, BTC, begun_ms=61)
    assert asked(one, beat) == ()
    see(one, look(70))
    assert stand(one, beat, dust=frozenset(), settings=SETTINGS).unexplained == ()


def test_few_positions_and_venues_without_such_a_page_are_explained_by_executions() -> None:
    one, beat = closed()
    assert asked(one, beat, Pages(least=3)) is None
    assert sizes_to_ask([Working(leg=one, pace=beat)], None) is None


@pytest.mark.parametrize(
    "why", ["another size", "still shown", "filled in part", "refused", "gone by itself", "judged"]
)
def test_executions_are_read_where_anything_is_in_question(why: str) -> None:
    one, beat = closed()
    if why == "another size":
        second(one, BTC, begun_ms=60, quantity="0.5")
    elif why == "still shown":
        see(one, look(60, [BTC]))
    elif why == "filled in part":
        intend(one, request(BTC, "bst3"), number=2)
        one.apply(answered("bst3", filled="0.5", status=OrderStatus.CANCELED), at_ns=UTC_NS)
    elif why == "refused":
        intend(one, request(BTC, "bst3"), number=2)
        one.apply(refused(Fault.MAYBE_FLAT, "bst3"), at_ns=UTC_NS)
    elif why == "gone by itself":
        see(one, look(20, [position("SOLUSDT")]))
    else:
        one.apply(LegJudged(exit_id="xtest", account="main", run=1, verdict=Verdict.FLAT), at_ns=UTC_NS)
    assert asked(one, beat) is None


def test_what_is_still_shown_and_of_which_nothing_was_executed_is_not_in_question() -> None:
    one, beat = closed()
    sol = position("SOLUSDT")
    see(one, look(62, [sol]))
    assert asked(one, beat) is None, "it is shown, and no order for it is known"
    for cid, number in (("bst3", 2), ("bst4", 3)):
        intend(one, request(sol, cid), number=number)
        assert asked(one, beat) is None, "it may have been executed"
        never_left = replace(refused(Fault.RETRY, cid), outcome=Outcome.NOT_SENT, fault=None)
        one.apply(never_left, at_ns=UTC_NS)
        assert asked(one, beat) == ("BTCUSDT", "ETHUSDT")
    # The one that left at last filled, and the look after it shows nothing.
    intend(one, request(sol, "bst5"), number=4)
    one.apply(answered("bst5"), at_ns=UTC_NS)
    see(one, look(90))
    assert asked(one, beat) == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def test_what_is_on_its_way_is_not_asked_for_yet() -> None:
    one, beat = closed()
    beat.in_flight["bst2"] = ETH.key
    assert asked(one, beat) == ("BTCUSDT",)


def test_a_book_that_an_entry_threatened_is_asked_for_anew_after_its_cancel() -> None:
    one, beat = closed()
    see(one, look(55, [], [replace(ENTRY, instrument="SOLUSDT")]))
    for held in (BTC, ETH, position("SOLUSDT")):
        second(one, held, begun_ms=60)
    assert asked(one, beat) == ()
    beat.place_act_ns["linear", "SOLUSDT"] = 80 * MS
    assert asked(one, beat) == ("SOLUSDT",)


@pytest.mark.parametrize(
    "why", ["on its way", "not sent", "limited", "long ago", "an entry", "refused", "nothing on its way"]
)
def test_a_look_beside_a_wave_of_closes_leaves_the_orders_out_while_they_say_nothing_new(why: str) -> None:
    one, beat = leg(), pace()
    see(one, look(0, [BTC, ETH], [ENTRY]))
    beat.whole_ns = 0 if why != "long ago" else -10_000 * MS
    intend(one, request(BTC, "bst1"), request(ETH, "bst2"))
    if why != "an entry":
        gone = (CancelAnswer(order=ENTRY, gone=True),)
        one.apply(CancelsAnswered(exit_id="xtest", account="main", round=1, answers=gone), at_ns=UTC_NS)
    if why == "refused":
        one.apply(refused(Fault.BLOCKED, "bst1"), at_ns=UTC_NS)
    if why == "limited":
        one.apply(refused(Fault.RATE_LIMIT, "bst1"), at_ns=UTC_NS)
    if why == "not sent":
        late = replace(refused(Fault.BLOCKED, "bst1"), outcome=Outcome.NOT_SENT, fault=None)
        one.apply(late, at_ns=UTC_NS)
    if why != "nothing on its way":
        beat.in_flight["bst2"] = ETH.key
    does = why in {"on its way", "not sent", "limited"}
    assert positions_do(one, beat, now_ns=500 * MS, settings=SETTINGS) is does


def test_a_look_that_left_the_orders_out_is_not_one_for_which_nothing_was_sent() -> None:
    left = Unread(part="orders", reason="not asked", unsent=True)
    assert not replace(look(0, [BTC]), parts=("positions",), unread=(left,)).unsent
