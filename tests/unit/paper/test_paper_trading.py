"""The paper exchange's matching: depth, resting orders, triggers, fees and results."""

from decimal import Decimal

import pytest

from bastion.paper.book import DepthShape
from bastion.paper.order import OrderState, TimeInForce, TriggerPrice, TriggerWhen
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules
from tests.paper_rig import BUY, NET, SELL, Rig, rig


def shape(bids: list[tuple[int, str]], asks: list[tuple[int, str]], replenish_ms: int = 0) -> DepthShape:
    return DepthShape(
        bids=tuple((ticks, Decimal(q)) for ticks, q in bids),
        asks=tuple((ticks, Decimal(q)) for ticks, q in asks),
        replenish_ms=replenish_ms,
    )


def test_a_market_order_walks_the_levels(desk: Rig) -> None:
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1"), (10, "2"), (20, "5")]))
    order = desk.market(BUY, "4")
    assert order.state is OrderState.FILLED
    assert order.average_price == 50001
    assert [(f.price, f.quantity) for f in desk.exchange.fills("main")] == [
        (Decimal(50000), Decimal(1)),
        (Decimal(50001), Decimal(2)),
        (Decimal(50002), Decimal(1)),
    ]


def test_what_the_depth_cannot_fill_expires(desk: Rig) -> None:
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1")]))
    order = desk.market(BUY, "4")
    assert (order.state, order.executed_quantity, order.end_reason) == (
        OrderState.EXPIRED,
        Decimal(1),
        "depth_ended",
    )


def test_a_market_order_stops_at_its_bound_around_the_mark(desk: Rig) -> None:
    # The bound is 5 % of 50,000: 2,500, which is 25,000 ticks.
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1"), (25_000, "1"), (25_001, "9")]))
    assert desk.market(BUY, "4").executed_quantity == 2


def test_a_taken_level_is_offered_again_after_a_while(desk: Rig) -> None:
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1")], replenish_ms=500))
    assert desk.market(BUY, "1").executed_quantity == 1
    assert desk.market(BUY, "1").executed_quantity == 0
    desk.clock.advance(500)
    assert desk.market(BUY, "1").executed_quantity == 1


def test_an_order_that_rests_across_the_book_takes_what_is_offered_anew(desk: Rig) -> None:
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1")], replenish_ms=500))
    resting = desk.limit(BUY, "2.5", "50100")
    assert resting.executed_quantity == 1
    assert desk.exchange.next_due_ms() == desk.clock.now_ms() + 500
    filled = []
    for _ in range(4):
        desk.clock.advance(250)
        desk.exchange.settle_due()
        filled.append(desk.now(resting).executed_quantity)
    assert filled == [1, 2, 2, Decimal("2.5")]


def test_fees_and_results_come_from_fills(desk: Rig) -> None:
    desk.market(BUY, "2")
    desk.exchange.set_mark("BTCUSDT", Decimal(51_000))
    closed = desk.market(SELL, "2", reduce_only=True)
    assert closed.realized_pnl == Decimal("1999.8")
    assert closed.fee == Decimal(51)
    wallet = desk.exchange.balances("main")[0].wallet
    assert wallet == Decimal(1_000_000) + Decimal("1999.8") - Decimal(51) - Decimal("50.0001")
    assert not any(desk.exchange.ledger.trial_balance().values())


def test_an_average_entry_price_weighs_by_quantity(desk: Rig) -> None:
    desk.exchange.open_position("main", "BTCUSDT", NET, quantity=Decimal(1), entry=Decimal(40_000))
    desk.exchange.open_position("main", "BTCUSDT", NET, quantity=Decimal(3), entry=Decimal(48_000))
    (view,) = desk.exchange.positions("main")
    assert view.entry_price == 46_000
    assert view.unrealized_pnl == 16_000


def test_a_position_that_passes_through_zero_starts_anew(desk: Rig) -> None:
    desk.exchange.open_position("main", "BTCUSDT", NET, quantity=Decimal(1), entry=Decimal(40_000))
    order = desk.market(SELL, "3")
    assert order.realized_pnl == 10_000
    (view,) = desk.exchange.positions("main")
    assert (view.position.quantity, view.entry_price) == (Decimal(-2), Decimal(50_000))


def test_an_inverse_contract_settles_in_its_base_coin(desk: Rig) -> None:
    desk.exchange.open_position("main", "BTCUSD", NET, quantity=Decimal(100_000), entry=Decimal(40_000))
    order = desk.market(SELL, "100000", reduce_only=True, symbol="BTCUSD")
    # 100,000 USD x (1/40,000 - 1/50,000) = 0.5 BTC.
    assert order.realized_pnl == Decimal("0.5")
    coins = {row.coin: row.wallet for row in desk.exchange.balances("main")}
    assert coins["BTC"] == Decimal(10) + Decimal("0.5") - order.fee


def test_a_resting_order_fills_when_the_market_moves_through_it(desk: Rig) -> None:
    order = desk.limit(BUY, "2", "49000")
    assert order.state is OrderState.NEW
    desk.exchange.set_mark("BTCUSDT", Decimal(49_500))
    assert desk.now(order).state is OrderState.NEW
    desk.exchange.set_mark("BTCUSDT", Decimal("48999.9"))
    assert (desk.now(order).state, desk.now(order).average_price) == (OrderState.FILLED, Decimal(49_000))
    assert desk.exchange.fills("main")[-1].is_maker


def test_a_taker_meets_the_other_accounts_order_before_the_depth(desk: Rig) -> None:
    resting = desk.limit(SELL, "1", "50000.1", account="other")
    taker = desk.market(BUY, "3")
    assert desk.now(resting).state is OrderState.FILLED
    assert taker.state is OrderState.FILLED
    assert desk.held("other") == {NET: Decimal(-1)}


def test_an_accounts_own_resting_order_expires_instead_of_trading_with_it(desk: Rig) -> None:
    resting = desk.limit(SELL, "1", "50000.1")
    taker = desk.market(BUY, "1")
    assert (desk.now(resting).state, desk.now(resting).end_reason) == (OrderState.EXPIRED, "self_trade")
    assert taker.state is OrderState.FILLED


@pytest.mark.parametrize(
    ("time_in_force", "state", "executed"),
    [
        (TimeInForce.IOC, OrderState.EXPIRED, 1),
        (TimeInForce.FOK, OrderState.EXPIRED, 0),
        (TimeInForce.GTC, OrderState.PARTIALLY_FILLED, 1),
    ],
)
def test_time_in_force_decides_about_the_rest(
    desk: Rig, time_in_force: TimeInForce, state: OrderState, executed: int
) -> None:
    desk.exchange.set_depth("BTCUSDT", shape([], [(0, "1"), (100, "9")]))
    order = desk.limit(BUY, "2", "50000", time_in_force=time_in_force)
    assert (order.state, order.executed_quantity) == (state, Decimal(executed))


def test_a_stop_wakes_on_the_mark_and_makes_a_fresh_order(desk: Rig) -> None:
    desk.market(BUY, "2")
    stop = desk.stop(SELL, "2", "49000", TriggerWhen.FALLS_TO)
    desk.exchange.set_mark("BTCUSDT", Decimal(49_000))
    parent = desk.now(stop)
    assert parent.state is OrderState.TRIGGERED
    child = desk.exchange.find_order("main", order_id=parent.child_id)
    assert child is not None
    assert (child.state, child.parent_id) == (OrderState.FILLED, stop.order_id)
    assert desk.held() == {}


def test_a_stop_stays_the_same_order_where_the_venue_keeps_it() -> None:
    desk = rig(VenueRules(trigger_makes_new_order=False))
    desk.market(BUY, "2")
    stop = desk.stop(SELL, "2", "49000", TriggerWhen.FALLS_TO)
    desk.exchange.set_mark("BTCUSDT", Decimal(48_000))
    assert desk.now(stop).state is OrderState.FILLED


def test_a_trade_moves_the_last_price_and_can_wake_a_stop(desk: Rig) -> None:
    desk.market(BUY, "2")
    stop = desk.stop(SELL, "2", "49990", TriggerWhen.FALLS_TO, watches=TriggerPrice.LAST)
    desk.exchange.set_depth("BTCUSDT", shape([(100, "50")], [(1, "50")]))
    desk.market(SELL, "1", account="other")
    assert desk.now(stop).state is OrderState.TRIGGERED


def test_a_stop_without_a_position_expires_when_it_triggers(desk: Rig) -> None:
    desk.market(BUY, "1")
    stop = desk.stop(SELL, "1", "49000", TriggerWhen.FALLS_TO)
    desk.market(SELL, "1", reduce_only=True)
    desk.exchange.set_mark("BTCUSDT", Decimal(48_000))
    assert desk.now(stop).end_reason == "reduce_only_nothing_to_reduce"
    assert desk.held() == {}


def test_a_closing_stop_takes_the_position_as_it_is_when_it_triggers(desk: Rig) -> None:
    desk.market(BUY, "1")
    desk.stop(SELL, "0", "49000", TriggerWhen.FALLS_TO, close=True)
    desk.market(BUY, "2")
    desk.exchange.set_mark("BTCUSDT", Decimal(48_000))
    assert desk.held() == {}


def test_a_delayed_venue_acknowledges_first_and_matches_later() -> None:
    desk = rig(VenueRules(match_delay_ms=5))
    order = desk.market(BUY, "1")
    assert (order.state, desk.exchange.next_due_ms()) == (OrderState.NEW, desk.clock.now_ms() + 5)
    desk.clock.advance(5)
    desk.exchange.settle_due()
    assert desk.now(order).state is OrderState.FILLED


def test_the_past_can_be_read(desk: Rig) -> None:
    start_ms = desk.clock.now_ms()
    desk.clock.advance(100)
    order = desk.market(BUY, "1")
    desk.clock.advance(100)
    desk.market(SELL, "1", reduce_only=True)
    assert desk.exchange.positions("main", at_ms=start_ms) == []
    assert [v.position.quantity for v in desk.exchange.positions("main", at_ms=start_ms + 150)] == [1]
    assert desk.exchange.positions("main") == []
    assert desk.exchange.find_order("main", order_id=order.order_id, at_ms=start_ms) is None


def test_an_order_that_the_margin_does_not_cover_is_refused(desk: Rig) -> None:
    # 1,000,000 at leverage 20 and 50,000 a coin: at most 400 coins.
    desk.limit(BUY, "390", "50000", time_in_force=TimeInForce.GTC, account="other")
    with pytest.raises(Refused) as caught:
        desk.limit(BUY, "401", "50000")
    assert caught.value.reason is Reason.MARGIN_INSUFFICIENT


def test_the_liquidation_price_is_where_equity_meets_maintenance(desk: Rig) -> None:
    desk.exchange.open_position("main", "BTCUSDT", NET, quantity=Decimal(100), entry=Decimal(50_000))
    (view,) = desk.exchange.positions("main")
    price = view.liquidation_price
    equity = Decimal(1_000_000) + 100 * (price - 50_000)
    assert abs(equity - 100 * price * Decimal("0.005")) < Decimal("0.001")
