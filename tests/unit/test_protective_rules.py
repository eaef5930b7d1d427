"""Protective orders: what they can say, where they fire, what they replace, and how prices are rounded."""

from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.money import Price, Quantity
from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Position, Side
from bastion.domain.protective import (
    Protection,
    ProtectiveOrder,
    ProtectiveRequest,
    distance_pct,
    fires_at_once,
    fires_rising,
    first_to_fire,
    part_of,
    replaced_by,
    safe_trigger,
)

D = Decimal
STOP, PROFIT = Protection.STOP_LOSS, Protection.TAKE_PROFIT
SIDES = st.sampled_from(list(Side))
KINDS = st.sampled_from(list(Protection))
PRICES = st.decimals(min_value="0.01", max_value="100000", places=4)
TICKS = st.sampled_from([D("0.1"), D("0.01"), D("0.5"), D(5), D("0.0001")])


def position(side: Side = Side.LONG, quantity: str = "2") -> Position:
    return Position(
        instrument="BTCUSDT",
        category="usdm",
        symbol="BTCUSDT",
        side=side,
        quantity=Quantity(D(quantity)),
        hedged=False,
    )


def request(
    kind: Protection = STOP, trigger: str = "90", quantity: str | None = None, side: Side = Side.LONG
) -> ProtectiveRequest:
    return ProtectiveRequest(
        client_order_id="bsp1",
        position=position(side),
        kind=kind,
        trigger_price=Price(D(trigger)),
        quantity=None if quantity is None else Quantity(D(quantity)),
    )


def standing(
    kind: Protection = STOP, trigger: str = "80", quantity: str = "0", *, whole: bool = False
) -> ProtectiveOrder:
    order = OpenOrder(
        instrument="BTCUSDT",
        category="usdm",
        order_id=f"{kind}{trigger}{quantity}",
        client_order_id="",
        direction=Direction.SELL,
        quantity=Quantity(D(quantity)),
        reduce_only=True,
        conditional=True,
    )
    return ProtectiveOrder(
        order=order, kind=kind, trigger_price=Price(D(trigger)), quantity=order.quantity, whole=whole
    )


def test_a_request_has_no_field_that_could_open_anything() -> None:
    names = {field.name for field in fields(ProtectiveRequest)}
    assert names == {"client_order_id", "position", "kind", "trigger_price", "quantity"}
    assert request(side=Side.LONG).direction is Direction.SELL
    assert request(side=Side.SHORT).direction is Direction.BUY


@pytest.mark.parametrize("quantity", ["0", "-1", "2.0001"])
def test_a_request_for_more_than_the_position_cannot_be_made(quantity: str) -> None:
    with pytest.raises(ValueError, match="reduces its position"):
        request(quantity=quantity)


@pytest.mark.parametrize("trigger", ["0", "-5"])
def test_a_request_without_a_price_cannot_be_made(trigger: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        request(trigger=trigger)


def test_a_stop_fires_against_the_position_and_a_profit_with_it() -> None:
    assert fires_rising(PROFIT, Side.LONG)
    assert fires_rising(STOP, Side.SHORT)
    assert not fires_rising(STOP, Side.LONG)
    assert not fires_rising(PROFIT, Side.SHORT)


def test_a_trigger_at_the_mark_itself_fires_at_once() -> None:
    for rising in (True, False):
        assert fires_at_once(rising=rising, trigger=D(100), mark=D(100))
    assert not fires_at_once(rising=True, trigger=D("100.1"), mark=D(100))
    assert not fires_at_once(rising=False, trigger=D("99.9"), mark=D(100))
    assert fires_at_once(rising=False, trigger=D(101), mark=D(100))


@given(kind=KINDS, side=SIDES, price=PRICES, tick=TICKS)
def test_a_rounded_trigger_is_on_the_tick_and_fires_no_later_than_asked(
    kind: Protection, side: Side, price: Decimal, tick: Decimal
) -> None:
    rising = fires_rising(kind, side)
    rounded = safe_trigger(rising=rising, price=price, tick=tick)
    assert rounded % tick == 0
    assert abs(rounded - price) < tick
    assert rounded <= price if rising else rounded >= price


def test_a_price_is_left_alone_where_the_venue_states_no_tick() -> None:
    assert safe_trigger(rising=True, price=D("1.23456"), tick=D(0)) == D("1.23456")


@pytest.mark.parametrize(
    ("trigger", "current", "answer"),
    [("100000", "96200", "3.95"), ("89000", "95115", "6.43"), ("1", "3", "66.67"), ("5", "5", "0.00")],
)
def test_the_distance_has_two_decimals(trigger: str, current: str, answer: str) -> None:
    assert distance_pct(D(trigger), D(current)) == D(answer)


@given(
    quantity=st.decimals(min_value="0.001", max_value="1000", places=3),
    percent=st.integers(min_value=1, max_value=100),
)
def test_a_part_is_rounded_down_to_the_lot(quantity: Decimal, percent: int) -> None:
    part = part_of(Quantity(quantity), percent, D("0.001"))
    assert part % D("0.001") == 0
    assert 0 <= quantity * percent / 100 - part < D("0.001")


def test_a_whole_order_replaces_those_of_its_kind_that_close_everything() -> None:
    whole, sized, part = standing(whole=True), standing(quantity="2"), standing(quantity="1")
    other = standing(PROFIT, "120", whole=True)
    assert replaced_by(request(), [whole, sized, part, other]) == (whole, sized)
    assert replaced_by(request(PROFIT, "130"), [whole, sized, part, other]) == (other,)


def test_a_part_replaces_only_a_part_of_its_kind_at_the_same_price() -> None:
    same, elsewhere = standing(PROFIT, "120", "0.5"), standing(PROFIT, "130", "0.5")
    whole = standing(PROFIT, "120", whole=True)
    asked = request(PROFIT, "120", "0.7")
    assert replaced_by(asked, [same, elsewhere, whole, standing(STOP, "120", "0.5")]) == (same,)


def test_a_stop_for_the_former_size_no_longer_closes_a_grown_position() -> None:
    assert not standing(quantity="1.9").covers(position())
    assert standing(quantity="2").covers(position())
    assert standing(whole=True).covers(position(quantity="500"))


def test_the_first_to_fire_is_the_one_next_to_the_market() -> None:
    low, high = standing(trigger="80"), standing(trigger="85")
    assert first_to_fire([low, high], rising=False) is high
    assert first_to_fire([low, high], rising=True) is low
    assert first_to_fire([], rising=True) is None
