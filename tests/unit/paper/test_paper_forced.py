"""The paper exchange's liquidations and auto-deleveragings, and what they leave in the books."""

from decimal import Decimal

import pytest

from bastion.paper.account import IncomeKind
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import (
    Direction,
    Forced,
    Order,
    OrderFilter,
    OrderKind,
    OrderRequest,
    OrderState,
    PositionSide,
)
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules
from bastion.paper.scenario import parse_scenario
from bastion.paper.world import World

NET = PositionSide.NET


def world(
    *positions: dict[str, object],
    usdt: str = "1000",
    mode: str = "cross",
    orders: tuple[dict[str, object], ...] = (),
    rules: dict[str, object] | None = None,
    **more: object,
) -> World:
    instruments = [
        {
            "symbol": symbol,
            "base": symbol.removesuffix("USDT"),
            "tick": "0.1",
            "step": "0.001",
            "quantity_min": "0.001",
            "quantity_max": "1000",
            "market_quantity_max": "1000",
            "mark": "1000",
            "taker_fee_ppm": 0,
            "depth": {"bids": [[0, "1000"]], "asks": [[0, "1000"]]},
        }
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    account = {
        "name": "main",
        "api_key": "key",
        "secret": "secret",
        "margin_mode": mode,
        "leverage": 10,
        "balances": {"USDT": usdt},
        "position": list(positions),
        "order": list(orders),
    }
    venue = {"name": "paper", "instrument": instruments, "account": [account], "rules": rules or {}}
    return World(parse_scenario({"clock_start_ms": 1_000, "venue": [venue], **more}), {"paper": VenueRules()})


def held(symbol: str, quantity: str) -> dict[str, object]:
    return {"symbol": symbol, "quantity": quantity, "entry": "1000"}


def exchange_of(made: World) -> Exchange:
    return made.exchange("paper")


def open_in(exchange: Exchange) -> dict[str, Decimal]:
    return {view.instrument.symbol: view.position.quantity for view in exchange.positions("main")}


def forced_orders(exchange: Exchange) -> list[Order]:
    return [order for order in exchange.orders("main", OrderFilter()) if order.request.forced is not None]


def wallet(exchange: Exchange) -> Decimal:
    (row,) = exchange.balances("main")
    return row.wallet


def test_the_liquidation_price_that_is_shown_is_the_one_that_liquidates() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5")))
    (view,) = exchange.positions("main")
    exchange.set_mark("BTCUSDT", view.liquidation_price + Decimal("0.1"))
    assert open_in(exchange) == {"BTCUSDT": Decimal(5)}
    exchange.set_mark("BTCUSDT", view.liquidation_price - Decimal("0.1"))
    assert open_in(exchange) == {}
    (order,) = forced_orders(exchange)
    assert (order.request.forced, order.state) == (Forced.LIQUIDATION, OrderState.FILLED)
    assert order.client_order_id.startswith("autoclose-")


def test_the_largest_loss_goes_first_and_the_rest_stays_where_the_margin_suffices_again() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5"), held("ETHUSDT", "-1")))
    exchange.set_mark("BTCUSDT", Decimal("801.2"))
    assert open_in(exchange) == {"ETHUSDT": Decimal(-1)}, "6 are left, and the one that stays needs 5"


def test_orders_are_cancelled_before_anything_is_liquidated() -> None:
    resting: dict[str, object] = {"symbol": "ETHUSDT", "direction": "BUY", "quantity": "0.1", "price": "960"}
    exchange = exchange_of(world(held("BTCUSDT", "5"), orders=(resting,)))
    exchange.set_mark("BTCUSDT", Decimal(790))
    assert exchange.open_orders("main", OrderFilter()) == []
    ended = [order.end_reason for order in exchange.orders("main", OrderFilter()) if order.end_reason]
    assert ended == ["liquidation"]


def test_what_a_gap_takes_beyond_the_wallet_the_insurance_pays() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5")))
    exchange.set_mark("BTCUSDT", Decimal(700))
    assert wallet(exchange) == 0
    (paid,) = exchange.incomes("main", kind=IncomeKind.INSURANCE_CLEAR)
    assert paid.amount == 500
    assert exchange.ledger.balance("venue:insurance", "USDT") == -500_000_000
    assert exchange.ledger.trial_balance() == {"USDT": 0}


def test_an_isolated_position_loses_its_own_margin_and_no_more() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5"), held("ETHUSDT", "1"), mode="isolated"))
    (btc, _) = exchange.positions("main")
    exchange.set_mark("BTCUSDT", btc.liquidation_price + Decimal("0.1"))
    assert "BTCUSDT" in open_in(exchange)
    exchange.set_mark("BTCUSDT", Decimal(850))
    assert open_in(exchange) == {"ETHUSDT": Decimal(1)}
    assert wallet(exchange) == 500, "5 x 1000 by leverage 10"


def test_a_short_is_liquidated_by_a_rise() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "-5")))
    exchange.set_mark("BTCUSDT", Decimal(1200))
    assert open_in(exchange) == {}
    assert wallet(exchange) == 0


def test_funding_that_eats_the_margin_liquidates() -> None:
    made = world(held("BTCUSDT", "5"))
    exchange = exchange_of(made)
    exchange.set_mark("BTCUSDT", Decimal(810))
    exchange.funding.set_rate("BTCUSDT", Decimal("0.01"))
    made.advance(8 * 3_600_000)
    assert open_in(exchange) == {}


def test_a_withdrawal_that_takes_the_margin_liquidates() -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5")))
    exchange.deposit("main", "USDT", Decimal(-980))
    assert open_in(exchange) == {}


def test_an_adl_takes_a_part_at_the_mark_and_cancels_the_contracts_orders_alone() -> None:
    orders: tuple[dict[str, object], ...] = tuple(
        {"symbol": symbol, "direction": "BUY", "quantity": "0.1", "price": "960"}
        for symbol in ("BTCUSDT", "ETHUSDT")
    )
    exchange = exchange_of(world(held("BTCUSDT", "-5"), usdt="100000", orders=orders))
    exchange.set_mark("BTCUSDT", Decimal(970))
    order = exchange.forced.close("main", "BTCUSDT", NET, how=Forced.ADL, quantity=Decimal(2))
    assert (order.client_order_id, order.average_price) == ("adl_autoclose", Decimal(970))
    assert order.realized_pnl == 60
    assert open_in(exchange) == {"BTCUSDT": Decimal(-3)}
    assert [row.symbol for row in exchange.open_orders("main", OrderFilter())] == ["ETHUSDT"]


@pytest.mark.parametrize("quantity", [Decimal(6), Decimal(0)])
def test_more_than_is_held_cannot_be_forced(quantity: Decimal) -> None:
    exchange = exchange_of(world(held("BTCUSDT", "5")))
    with pytest.raises(Refused):
        exchange.forced.close("main", "BTCUSDT", NET, how=Forced.ADL, quantity=quantity)
    assert open_in(exchange) == {"BTCUSDT": Decimal(5)}


def test_a_scenario_can_say_when_a_position_is_taken() -> None:
    event = {"venue": "paper", "symbol": "BTCUSDT", "kind": "liquidation", "after_ms": 500}
    late = {**event, "after_ms": 600}
    made = world(held("BTCUSDT", "5"), forced=[late, event])
    assert made.next_due_ms() == 1_500
    made.advance(480)
    assert open_in(exchange_of(made)) == {"BTCUSDT": Decimal(5)}
    made.advance(20)
    assert open_in(exchange_of(made)) == {}
    made.advance(200)
    assert len(forced_orders(exchange_of(made))) == 1, "what is gone by then is passed over"


def market_sell(exchange: Exchange) -> Order:
    return exchange.place(
        "main",
        OrderRequest(
            symbol="BTCUSDT",
            direction=Direction.SELL,
            kind=OrderKind.MARKET,
            quantity=Decimal(5),
            reduce_only=True,
        ),
    )


def test_a_frozen_account_takes_no_order_until_the_venue_has_closed() -> None:
    made = world(held("BTCUSDT", "5"), usdt="100000")
    exchange = exchange_of(made)
    exchange.forced.announce("main", "BTCUSDT", NET, how=Forced.ADL, quantity=Decimal(2), freeze_ms=500)
    assert made.next_due_ms() == 1_500
    with pytest.raises(Refused) as refused:
        market_sell(exchange)
    assert refused.value.reason is Reason.FROZEN
    made.advance(500)
    assert open_in(exchange) == {"BTCUSDT": Decimal(3)}
    market_sell(exchange)
    assert open_in(exchange) == {}


def test_an_account_whose_margin_suffices_again_before_the_time_is_over_is_left_alone() -> None:
    made = world(held("BTCUSDT", "5"), rules={"liquidation_takes_ms": 300})
    exchange = exchange_of(made)
    exchange.set_mark("BTCUSDT", Decimal(790))
    assert exchange.forced.frozen("main") is Forced.LIQUIDATION
    exchange.set_mark("BTCUSDT", Decimal(990))
    made.advance(400)
    assert open_in(exchange) == {"BTCUSDT": Decimal(5)}
    assert exchange.forced.frozen("main") is None
