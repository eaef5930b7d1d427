"""Rows: documented payloads, read in the desk's words; an undocumented shape is never believed."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bastion.domain.money import Quantity
from bastion.domain.order import Direction, OrderKind, OrderRequest, OrderStatus
from bastion.domain.position import Position, Side
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import binance_rows, bybit_rows, okx_rows
from bastion.venues.ccxt.bybit_orders import order_params
from bastion.venues.raw import Answer, Row, plain

# developers.binance.com, USD-M futures, Position Information V3.
POSITION_RISK: dict[str, Any] = {
    "symbol": "ADAUSDT",
    "positionSide": "BOTH",
    "positionAmt": "30",
    "entryPrice": "0.385",
    "breakEvenPrice": "0.385077",
    "markPrice": "0.41047590",
    "unRealizedProfit": "0.76427700",
    "liquidationPrice": "0",
    "isolatedMargin": "0",
    "notional": "12.31427700",
    "marginAsset": "USDT",
    "isolatedWallet": "0",
    "initialMargin": "0.61571385",
    "maintMargin": "0.08004280",
    "positionInitialMargin": "0.61571385",
    "openOrderInitialMargin": "0",
    "adl": 2,
    "bidNotional": "0",
    "askNotional": "0",
    "updateTime": 1720736417660,
}

# developers.binance.com, USD-M futures, Current All Open Orders.
OPEN_ORDER: dict[str, Any] = {
    "avgPrice": "0.00000",
    "clientOrderId": "abc",
    "cumQuote": "0",
    "executedQty": "0.10",
    "orderId": 1917641,
    "origQty": "0.40",
    "origType": "TRAILING_STOP_MARKET",
    "price": "0",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "SHORT",
    "status": "NEW",
    "stopPrice": "9300",
    "closePosition": False,
    "symbol": "BTCUSDT",
    "time": 1579276756075,
    "timeInForce": "GTC",
    "type": "TRAILING_STOP_MARKET",
    "updateTime": 1579276756075,
    "workingType": "CONTRACT_PRICE",
    "priceProtect": False,
}

# developers.binance.com, USD-M futures, Current All Algo Open Orders.
ALGO_ORDER: dict[str, Any] = {
    "algoId": 2148627,
    "clientAlgoId": "MRumok0dkhrP4kCm12AHaB",
    "algoType": "CONDITIONAL",
    "orderType": "TAKE_PROFIT",
    "symbol": "BNBUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "algoStatus": "NEW",
    "triggerPrice": "750.000",
    "price": "750.000",
    "closePosition": False,
    "priceProtect": False,
    "reduceOnly": True,
    "createTime": 1750514941540,
    "updateTime": 1750514941540,
    "triggerTime": 0,
    "goodTillDate": 0,
}

# developers.binance.com, USD-M futures, Account Trade List.
TRADE: dict[str, Any] = {
    "buyer": False,
    "commission": "-0.07819010",
    "commissionAsset": "USDT",
    "id": 698759,
    "maker": False,
    "orderId": 25851813,
    "price": "7819.01",
    "qty": "0.002",
    "quoteQty": "15.63802",
    "realizedPnl": "-0.91539999",
    "side": "SELL",
    "positionSide": "SHORT",
    "symbol": "BTCUSDT",
    "time": 1569514978020,
}

# bybit-exchange.github.io/docs/v5/position (category=inverse).
INVERSE_POSITION: dict[str, Any] = {
    "positionIdx": 0,
    "riskId": 1,
    "symbol": "BTCUSD",
    "side": "Sell",
    "size": "300",
    "avgPrice": "27464.50441675",
    "positionValue": "0.01092319",
    "tradeMode": 0,
    "positionStatus": "Normal",
    "leverage": "10",
    "markPrice": "28224.50",
    "liqPrice": "",
    "positionIM": "0.00010923",
    "unrealisedPnl": "-0.00029413",
}

# bybit-exchange.github.io/docs/v5/order/open-order.
BYBIT_ORDER: dict[str, Any] = {
    "orderId": "fd4300ae-7847-404e-b947-b46980a4d140",
    "orderLinkId": "test-000005",
    "symbol": "ETHUSDT",
    "price": "1600.00",
    "qty": "0.10",
    "side": "Buy",
    "positionIdx": 1,
    "orderStatus": "New",
    "cancelType": "UNKNOWN",
    "rejectReason": "EC_NoError",
    "avgPrice": "0",
    "leavesQty": "0.10",
    "cumExecQty": "0.00",
    "timeInForce": "GTC",
    "orderType": "Limit",
    "stopOrderType": "UNKNOWN",
    "reduceOnly": False,
    "closeOnTrigger": False,
}

# bybit-exchange.github.io/docs/v5/order/execution.
EXECUTION: dict[str, Any] = {
    "symbol": "ETHPERP",
    "orderType": "Market",
    "orderLinkId": "",
    "side": "Buy",
    "orderId": "8c065341-7b52-4ca9-ac2c-37e31ac55c94",
    "stopOrderType": "UNKNOWN",
    "leavesQty": "0",
    "execTime": "1672282722429",
    "feeCurrency": "",
    "isMaker": False,
    "execFee": "0.071409",
    "execId": "e0cbe81d-0f18-5866-9415-cf319b5dab3b",
    "markPrice": "1183.54",
    "execPrice": "1190.15",
    "orderQty": "0.1",
    "execValue": "119.015",
    "execType": "Trade",
    "execQty": "0.1",
    "closedSize": "",
}


def row(value: dict[str, Any], **changes: object) -> Row:
    return Row({**value, **changes}, "row")


def test_a_binance_position_of_one_way_mode_has_its_side_from_its_sign() -> None:
    long = binance_rows.position(row(POSITION_RISK))
    short = binance_rows.position(row(POSITION_RISK, positionAmt="-30"))
    assert long is not None
    assert short is not None
    assert (long.side, long.quantity, long.hedged) == (Side.LONG, Decimal(30), False)
    assert (short.side, short.quantity) == (Side.SHORT, Decimal(30))
    assert (long.notional_usd, long.margin_usd) == (Decimal("12.31427700"), Decimal("0.61571385"))
    assert long.liquidation_price is None


def test_a_binance_position_of_hedge_mode_has_its_side_from_its_leg() -> None:
    short = binance_rows.position(row(POSITION_RISK, positionSide="SHORT", positionAmt="-30"))
    assert short is not None
    assert (short.side, short.hedged) == (Side.SHORT, True)


def test_a_binance_position_in_another_coin_has_no_dollar_figures() -> None:
    found = binance_rows.position(row(POSITION_RISK, symbol="ETHBTC", marginAsset="BTC"))
    assert found is not None
    assert (found.notional_usd, found.margin_usd) == (None, None)


def test_an_empty_binance_row_is_no_position() -> None:
    assert binance_rows.position(row(POSITION_RISK, positionAmt="0.000")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"positionAmt": None},
        {"positionAmt": ""},
        {"positionAmt": "NaN"},
        {"positionAmt": True},
        {"positionSide": "NET"},
        {"positionSide": None},
        {"symbol": ""},
        {"symbol": None},
    ],
)
def test_a_binance_position_without_a_mandatory_field_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(AnswerMalformed):
        binance_rows.position(row(POSITION_RISK, **changes))


def test_binance_orders_know_whether_they_can_only_reduce() -> None:
    hedge_close = binance_rows.open_order(row(OPEN_ORDER))
    one_way = binance_rows.open_order(row(OPEN_ORDER, positionSide="BOTH"))
    flagged = binance_rows.open_order(row(OPEN_ORDER, positionSide="BOTH", reduceOnly=True))
    opening = binance_rows.open_order(row(OPEN_ORDER, positionSide="LONG"))
    assert (hedge_close.reduce_only, hedge_close.side) == (True, Side.SHORT)
    assert (one_way.reduce_only, flagged.reduce_only, opening.reduce_only) == (False, True, False)
    assert (one_way.order_id, one_way.quantity, one_way.conditional) == ("1917641", Decimal("0.30"), False)


def test_a_binance_algo_order_belongs_to_the_algo_service() -> None:
    found = binance_rows.open_conditional_order(row(ALGO_ORDER))
    assert (found.order_id, found.conditional, found.reduce_only) == ("2148627", True, True)
    closing = binance_rows.open_conditional_order(
        row(ALGO_ORDER, reduceOnly=False, closePosition=True, quantity="0.00")
    )
    assert closing.reduce_only


def test_a_binance_trade_gives_price_pnl_and_fee_apart() -> None:
    found = binance_rows.fill(row(TRADE), fee_rate=Decimal(1), pnl_rate=Decimal(1))
    assert (found.realized_pnl_usd, found.fee_usd) == (Decimal("-0.91539999"), Decimal("-0.07819010"))
    assert (found.side, found.direction, found.fill_id) == (Side.SHORT, Direction.SELL, "698759")
    in_bnb = binance_rows.fill(row(TRADE, commission="0.001"), fee_rate=Decimal(600), pnl_rate=Decimal(1))
    assert in_bnb.fee_usd == Decimal("0.600")


def test_an_expired_binance_order_says_how_much_of_it_was_filled() -> None:
    state = binance_rows.order_state(
        row(OPEN_ORDER, status="EXPIRED", executedQty="0.25", avgPrice="0", cumQuote="2500")
    )
    assert (state.status, state.filled, state.average_price) == (
        OrderStatus.CANCELED,
        Decimal("0.25"),
        Decimal(10000),
    )
    assert state.reason == "EXPIRED"
    with pytest.raises(AnswerMalformed):
        binance_rows.order_state(row(OPEN_ORDER, status="SOMETHING"))


def test_a_bybit_inverse_position_is_sized_in_dollars() -> None:
    found = bybit_rows.position(row(INVERSE_POSITION), "inverse")
    assert found is not None
    assert (found.side, found.quantity, found.notional_usd) == (Side.SHORT, Decimal(300), Decimal(300))
    assert found.unrealized_pnl_usd == Decimal("-0.00029413") * Decimal("28224.50")
    assert found.liquidation_price is None


def test_a_bybit_option_is_reported_but_not_closed() -> None:
    found = bybit_rows.position(row(INVERSE_POSITION, symbol="BTC-27DEC26-100000-C"), "option")
    assert found is not None
    assert not found.closable


def test_an_empty_bybit_position_has_no_side_and_is_none() -> None:
    assert bybit_rows.position(row(INVERSE_POSITION, size="0", side=""), "linear") is None
    with pytest.raises(AnswerMalformed):
        bybit_rows.position(row(INVERSE_POSITION, size="1", side=""), "linear")
    with pytest.raises(AnswerMalformed):
        bybit_rows.position(row(INVERSE_POSITION, size=""), "linear")


def test_bybit_orders_know_whether_they_can_only_reduce() -> None:
    opening = bybit_rows.open_order(row(BYBIT_ORDER), "linear", "USDT")
    closing_leg = bybit_rows.open_order(row(BYBIT_ORDER, side="Sell"), "linear", "USDT")
    attached = bybit_rows.open_order(
        row(BYBIT_ORDER, positionIdx=0, stopOrderType="StopLoss", orderStatus="Untriggered", qty="0"),
        "linear",
        "USDT",
    )
    assert opening is not None
    assert closing_leg is not None
    assert attached is not None
    assert (opening.reduce_only, opening.side, opening.conditional) == (False, Side.LONG, False)
    assert closing_leg.reduce_only
    assert (attached.reduce_only, attached.conditional) == (True, True)


def test_a_bybit_order_that_has_ended_is_no_open_order() -> None:
    for word in ("Filled", "Cancelled", "Rejected", "Deactivated", "PartiallyFilledCanceled"):
        assert bybit_rows.open_order(row(BYBIT_ORDER, orderStatus=word), "linear", "USDT") is None
    assert bybit_rows.open_order(row(BYBIT_ORDER, orderStatus="SomethingNew"), "linear", "USDT") is not None


def test_a_cancelled_bybit_order_says_why() -> None:
    banded = bybit_rows.order_state(
        row(BYBIT_ORDER, orderStatus="Cancelled", rejectReason="EC_ReachMarketPriceLimit")
    )
    gone = bybit_rows.order_state(
        row(BYBIT_ORDER, orderStatus="Cancelled", rejectReason="EC_NoError", cancelType="CancelByReduceOnly")
    )
    assert (banded.reason, gone.reason) == ("EC_ReachMarketPriceLimit", "CancelByReduceOnly")


def test_bybit_pnl_is_the_price_difference_of_the_closed_side() -> None:
    short_closed = bybit_rows.fill(
        row(EXECUTION), "linear", entry=Decimal(1290), fee_rate=Decimal(1), coin_rate=Decimal(1)
    )
    assert short_closed.realized_pnl_usd == (Decimal(1290) - Decimal("1190.15")) * Decimal("0.1")
    assert short_closed.symbol == "ETHUSDC"
    assert short_closed.fee_usd == Decimal("0.071409")
    pending = bybit_rows.fill(row(EXECUTION), "linear", entry=None, fee_rate=Decimal(1), coin_rate=Decimal(1))
    assert pending.realized_pnl_usd is None


def test_bybit_inverse_pnl_follows_the_documented_formula() -> None:
    # Help centre, inverse contracts: a long of 1,000 from 5,000 to 5,500 gains 0.01818 BTC.
    closed = bybit_rows.fill(
        row(EXECUTION, symbol="BTCUSD", side="Sell", execQty="1000", execPrice="5500"),
        "inverse",
        entry=Decimal(5000),
        fee_rate=Decimal(5500),
        coin_rate=Decimal(5500),
    )
    assert closed.realized_pnl_usd is not None
    assert round(closed.realized_pnl_usd / Decimal(5500), 5) == Decimal("0.01818")


def held(side: Side, *, hedged: bool) -> Position:
    return Position(
        instrument="ETHUSDT",
        category="linear",
        symbol="ETHUSDT",
        side=side,
        quantity=Quantity(Decimal("1.50")),
        hedged=hedged,
    )


def test_a_bybit_close_is_reduce_only_with_the_index_of_the_position() -> None:
    def params(side: Side, kind: OrderKind, *, hedged: bool) -> dict[str, object]:
        position = held(side, hedged=hedged)
        request = OrderRequest(
            client_order_id="bstx", position=position, quantity=position.quantity, kind=kind
        )
        return order_params(request, None)

    market = params(Side.LONG, OrderKind.MARKET, hedged=False)
    assert market == {
        "category": "linear",
        "symbol": "ETHUSDT",
        "side": "Sell",
        "orderType": "Market",
        "qty": "1.5",
        "reduceOnly": True,
        "positionIdx": 0,
        "orderLinkId": "bstx",
    }
    assert params(Side.LONG, OrderKind.MARKET, hedged=True)["positionIdx"] == 1
    short = params(Side.SHORT, OrderKind.WHOLE, hedged=True)
    assert (short["positionIdx"], short["side"], short["qty"], short["closeOnTrigger"]) == (
        2,
        "Buy",
        "0",
        True,
    )


def test_numbers_leave_without_exponent_and_without_trailing_zeros() -> None:
    assert [plain(Decimal(text)) for text in ("1E+3", "0.0010", "100", "1E-8", "0")] == [
        "1000",
        "0.001",
        "100",
        "0.00000001",
        "0",
    ]


@pytest.mark.parametrize("text", ["", "[1,", '{"a": 1', "<html></html>", '{"a": NaN}', "nul"])
def test_a_body_that_is_no_complete_json_is_malformed(text: str) -> None:
    with pytest.raises(AnswerMalformed):
        _ = Answer(status=200, headers={}, text=text).value


def test_json_numbers_are_read_exactly() -> None:
    text = json.dumps({"a": 1}).replace("1", "0.1000000000000000055511151231257827")
    value = Row(Answer(status=200, headers={}, text=text).value, "x").decimal("a")
    assert value == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize(
    ("read", "letters"),
    [
        (lambda word: binance_rows.position(Row({**POSITION_RISK, "positionSide": word}, "row")), 20),
        (lambda word: binance_rows.order_state(Row({"status": word}, "row")), 30),
        (lambda word: binance_rows.direction(Row({"side": word}, "row")), 20),
        (lambda word: bybit_rows.order_state(Row({"orderStatus": word}, "row")), 30),
        (lambda word: bybit_rows.direction(Row({"side": word}, "row")), 20),
        (lambda word: okx_rows.order_state(Row({"state": word}, "row")), 30),
        (lambda word: okx_rows.direction(Row({"side": word}, "row")), 20),
    ],
)
def test_a_word_that_nobody_documented_is_told_by_its_beginning(
    read: Callable[[str], object], letters: int
) -> None:
    word = "x" * 80
    with pytest.raises(AnswerMalformed, match=f"'{word[:letters]}'"):
        read(word)


def test_words_of_okx_are_read_by_what_they_say() -> None:
    spot = Row(json.loads('{"state": "live", "instType": "SPOT"}'), "row")
    assert okx_rows.open_order(spot) is None
    assert okx_rows.open_algo(spot) is None
