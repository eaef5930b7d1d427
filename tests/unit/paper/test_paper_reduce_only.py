"""Reduce-only on the paper exchange: it shrinks or refuses, and it never flips a position."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bastion.paper.account import PositionMode
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Direction, OrderState, PositionSide, TriggerWhen
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import Oversize, VenueRules
from tests.paper_rig import BUY, LONG, NET, SELL, SHORT, Rig, rig

HEDGE = PositionMode.HEDGE


def refusal(call: Callable[[], object]) -> Reason:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason


def test_without_a_position_there_is_nothing_to_reduce(desk: Rig) -> None:
    reason = refusal(lambda: desk.market(SELL, "1", reduce_only=True))
    assert reason is Reason.REDUCE_ONLY_NOTHING_TO_REDUCE
    desk.market(BUY, "1")
    assert refusal(lambda: desk.market(BUY, "1", reduce_only=True)) is Reason.REDUCE_ONLY_NOTHING_TO_REDUCE


def test_an_order_that_is_too_large_is_shrunk_or_refused_by_the_venues_rule(desk: Rig) -> None:
    desk.market(BUY, "1")
    assert refusal(lambda: desk.limit(SELL, "2", "51000", reduce_only=True)) is Reason.REDUCE_ONLY_TOO_LARGE
    order = desk.market(SELL, "2", reduce_only=True)
    assert (order.state, order.quantity) == (OrderState.FILLED, Decimal(1))
    assert desk.held() == {}
    strict = rig(VenueRules(market_oversize=Oversize.REFUSE))
    strict.market(BUY, "1")
    assert refusal(lambda: strict.market(SELL, "2", reduce_only=True)) is Reason.REDUCE_ONLY_TOO_LARGE


def test_resting_reduce_only_orders_hold_their_size(desk: Rig) -> None:
    desk.market(BUY, "3")
    desk.limit(SELL, "2", "51000", reduce_only=True)
    assert refusal(lambda: desk.market(SELL, "3", reduce_only=True)) is Reason.REDUCE_ONLY_HELD_BY_ORDERS
    assert desk.market(SELL, "1", reduce_only=True).state is OrderState.FILLED
    assert refusal(lambda: desk.market(SELL, "1", reduce_only=True)) is Reason.REDUCE_ONLY_HELD_BY_ORDERS


def test_a_stop_that_waits_holds_nothing(desk: Rig) -> None:
    desk.market(BUY, "3")
    desk.stop(SELL, "3", "49000", TriggerWhen.FALLS_TO)
    assert desk.market(SELL, "3", reduce_only=True).state is OrderState.FILLED


def test_a_resting_reduce_only_order_shrinks_with_the_position(desk: Rig) -> None:
    desk.market(BUY, "3")
    resting = desk.limit(SELL, "3", "51000", reduce_only=True)
    desk.market(SELL, "2")
    desk.exchange.set_mark("BTCUSDT", Decimal(51_500))
    assert desk.now(resting).executed_quantity == 1
    assert desk.now(resting).end_reason == "nothing_left_to_reduce"
    assert desk.held() == {}


def test_in_hedge_mode_the_side_alone_makes_an_order_reduce() -> None:
    desk = rig(mode=HEDGE)
    desk.market(BUY, "2", side=LONG)
    desk.market(SELL, "1", side=SHORT)
    assert desk.held() == {LONG: Decimal(2), SHORT: Decimal(-1)}
    assert refusal(lambda: desk.market(SELL, "3", side=LONG)) is Reason.REDUCE_ONLY_TOO_LARGE
    assert (
        refusal(lambda: desk.market(SELL, "2", side=LONG, reduce_only=True))
        is Reason.REDUCE_ONLY_IN_HEDGE_MODE
    )
    assert refusal(lambda: desk.market(SELL, "2")) is Reason.POSITION_SIDE_MISMATCH
    desk.market(SELL, "2", side=LONG)
    desk.market(BUY, "1", side=SHORT)
    assert desk.held() == {}


def test_a_delayed_second_close_finds_nothing_left() -> None:
    desk = rig(VenueRules(match_delay_ms=5, resting_reduce_only_holds=False))
    desk.exchange.open_position("main", "BTCUSDT", NET, quantity=Decimal(1), entry=Decimal(50_000))
    first, second = (desk.market(SELL, "1", reduce_only=True) for _ in range(2))
    desk.clock.advance(5)
    desk.exchange.settle_due()
    assert desk.now(first).state is OrderState.FILLED
    assert (desk.now(second).state, desk.now(second).executed_quantity) == (OrderState.EXPIRED, Decimal(0))
    assert desk.held() == {}


quantities = st.integers(1, 4_000).map(lambda n: str(Decimal(n) / 1000))
steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "rest", "stop", "price", "cancel"]),
        st.sampled_from([BUY, SELL]),
        quantities,
        st.integers(40_000, 60_000),
    ),
    max_size=25,
)


def attempt(desk: Rig, step: tuple[str, Direction, str, int], side: PositionSide) -> None:
    verb, direction, quantity, price = step
    in_hedge = side is not NET
    closing = in_hedge and direction is not (BUY if side is LONG else SELL)
    try:
        if verb == "open":
            desk.market(direction, quantity, side=side)
        elif verb == "close":
            desk.market(direction, quantity, side=side, reduce_only=not in_hedge)
        elif verb == "rest":
            desk.limit(direction, quantity, str(price), side=side, reduce_only=not in_hedge)
        elif verb == "stop" and not in_hedge:
            when = TriggerWhen.RISES_TO if direction is BUY else TriggerWhen.FALLS_TO
            desk.stop(direction, quantity, str(price), when)
        elif verb == "price":
            desk.exchange.set_mark("BTCUSDT", Decimal(price))
        elif verb == "cancel" and closing:
            desk.exchange.settle_due()
    except Refused:
        pass


def sums_are_zero(exchange: Exchange) -> bool:
    return not any(exchange.ledger.trial_balance().values())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.sampled_from([0, 5]))
def test_reduce_only_never_grows_or_flips_a_position(
    script: list[tuple[str, Direction, str, int]], delay_ms: int
) -> None:
    desk = rig(VenueRules(match_delay_ms=delay_ms))
    for step in script:
        before = desk.held().get(NET, Decimal(0))
        attempt(desk, step, NET)
        desk.clock.advance(10)
        desk.exchange.settle_due()
        after = desk.held().get(NET, Decimal(0))
        if step[0] != "open":
            assert abs(after) <= abs(before)
            assert after * before >= 0
        assert sums_are_zero(desk.exchange)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(steps.filter(bool).map(lambda s: s[0]), st.sampled_from([LONG, SHORT])), max_size=25)
)
def test_a_hedge_position_never_changes_its_sign(
    script: list[tuple[tuple[str, Direction, str, int], PositionSide]],
) -> None:
    desk = rig(mode=HEDGE)
    for step, side in script:
        attempt(desk, step, side)
        held = desk.held()
        assert held.get(LONG, Decimal(0)) >= 0
        assert held.get(SHORT, Decimal(0)) <= 0
        assert sums_are_zero(desk.exchange)
