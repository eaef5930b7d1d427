"""What Binance's weight of a minute is spent on while a position is shown and little is left."""

from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.position import Position, Side
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.binance_thrift import BLOCKED_GAP_S, GAP_S, QUESTIONS, Thrift
from bastion.venues.throttle import Bucket, Limit
from tests.simulation.exits.virtual_time import VirtualClock

HELD = Position(
    instrument="BTCUSDT",
    category="linear",
    symbol="BTC/USDT:USDT",
    side=Side.LONG,
    quantity=Quantity(Decimal(1)),
    hedged=False,
)


def test_questions_about_what_was_done_give_way_to_the_positions_while_one_is_shown() -> None:
    clock = VirtualClock()
    weight = Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock)
    thrift = Thrift(clock, weight)
    thrift.saw([HELD])
    thrift.ask("executions")
    clock.seconds += 0.5
    thrift.ask("executions")
    weight.charge(2400 - QUESTIONS + 1)
    # Those of one moment are one question.
    thrift.ask("executions")
    clock.seconds += 0.5
    with pytest.raises(VenueRejected) as refused:
        thrift.ask("executions")
    assert refused.value.fault is Fault.RATE_LIMIT
    thrift.ask("second source")
    clock.seconds += GAP_S
    thrift.ask("executions")
    clock.seconds += 0.5
    thrift.saw([])
    thrift.ask("executions")


def test_a_look_that_only_closes_reads_no_lists_before_an_order_was_filled_or_held_back() -> None:
    clock = VirtualClock()
    thrift = Thrift(clock, Bucket(Limit(name="weight", capacity=2400, window_s=60.0), clock))
    assert thrift.allows()
    thrift.saw([HELD])
    clock.seconds += BLOCKED_GAP_S
    assert not thrift.allows(closing=True)
    thrift.blocked()
    assert thrift.allows(closing=True), "an order that holds the position must be seen"
    clock.seconds += 1.5
    assert not thrift.allows(closing=True)
    thrift.filled()
    assert thrift.allows(closing=True), "this one may show that nothing is left"
    thrift.saw([HELD])
    assert not thrift.allows(closing=True)
    clock.seconds += GAP_S
    assert thrift.allows(closing=True)
