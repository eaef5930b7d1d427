"""What each field of a row of Binance comes to: whole rows, the edges of each rule, and odd words."""

from decimal import Decimal
from typing import Any

import pytest

from bastion.domain.order import Cause, Direction, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.protective import Protection
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import binance_rows, bybit_rows, okx_rows
from bastion.venues.raw import Row
from tests.unit.row_parts import BINANCE_POSITION, FIGURES, LIMITS, ONE, ORDER, D, held, row, told


def test_a_binance_position_is_told_with_all_its_figures() -> None:
    found = binance_rows.position(row(BINANCE_POSITION))
    assert told(found, "instrument", "category", "symbol") == ["ADAUSDT", "usdm", "ADAUSDT"]
    assert told(found, *FIGURES) == [
        Side.SHORT,
        D(30),
        False,
        MarginMode.CROSS,
        D("0.385"),
        D("0.41"),
        D("0.9"),
        D(20),
        D("12.3"),
        D("0.61"),
        D("-0.76"),
        1720736417660,
        True,
    ]


@pytest.mark.parametrize(
    ("changes", "side", "hedged"),
    [
        ({"positionAmt": "0.001"}, Side.LONG, False),
        ({"positionAmt": "-0.001"}, Side.SHORT, False),
        ({"positionSide": "LONG", "positionAmt": "1"}, Side.LONG, True),
        ({"positionSide": "LONG", "positionAmt": "-1"}, Side.LONG, True),
        ({"positionSide": "SHORT", "positionAmt": "1"}, Side.SHORT, True),
    ],
)
def test_the_side_of_a_binance_position_is_its_leg_or_else_its_sign(
    changes: dict[str, object],
    side: Side,
    hedged: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = binance_rows.position(row(BINANCE_POSITION, **changes))
    assert told(found, "side", "hedged") == [side, hedged]


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"isolatedWallet": "5"}, MarginMode.ISOLATED),
        ({"isolatedWallet": "-1"}, MarginMode.CROSS),
        ({"marginType": "ISOLATED"}, MarginMode.ISOLATED),
        ({"marginType": "cross", "isolatedWallet": "5"}, MarginMode.CROSS),
        ({"marginType": "other", "isolatedWallet": "5"}, MarginMode.ISOLATED),
    ],
)
def test_the_margin_mode_of_a_binance_position_is_named_or_seen_by_its_wallet(
    changes: dict[str, object], mode: MarginMode
) -> None:
    assert told(binance_rows.position(row(BINANCE_POSITION, **changes)), "margin_mode") == [mode]


@pytest.mark.parametrize(
    ("instrument", "given", "coin"),
    [
        ("BTCUSDT", "USDC", "USDC"),
        ("BTCUSDT", None, "USDT"),
        ("BTCUSDC", "", "USDC"),
        ("ETHBTC", None, "BTC"),
        ("BTCUSDT_260327", None, "USDT"),
        ("ABCXYZ", None, ""),
    ],
)
def test_the_margin_coin_of_binance_is_its_own_field_or_the_end_of_the_name(
    instrument: str, given: str | None, coin: str
) -> None:
    assert binance_rows.margin_asset(row({}, marginAsset=given), instrument) == coin


BINANCE_ORDER: dict[str, Any] = {
    "avgPrice": "0.00000",
    "clientOrderId": "abc",
    "cumQuote": "0",
    "executedQty": "0.10",
    "orderId": 1917641,
    "origQty": "0.40",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "SHORT",
    "status": "NEW",
    "closePosition": False,
    "symbol": "BTCUSDT",
}


def test_a_binance_order_is_told_with_what_is_left_of_it() -> None:
    found = binance_rows.open_order(row(BINANCE_ORDER))
    assert told(found, *ORDER) == [
        *("BTCUSDT", "usdm", "1917641", "abc", Direction.BUY, D("0.30")),
        *(True, False, Side.SHORT),
    ]
    assert binance_rows.open_order(row(BINANCE_ORDER, executedQty="0.5")).quantity == 0
    assert binance_rows.open_order(row(BINANCE_ORDER, executedQty=None)).quantity == D("0.40")
    assert binance_rows.open_order(row(BINANCE_ORDER, origQty=None)).quantity == 0


@pytest.mark.parametrize(
    ("leg", "towards", "flags", "reduces"),
    [
        ("BOTH", "SELL", {}, False),
        (None, "SELL", {}, False),
        ("LONG", "SELL", {}, True),
        ("LONG", "BUY", {}, False),
        ("SHORT", "BUY", {}, True),
        ("SHORT", "SELL", {}, False),
        ("BOTH", "SELL", {"reduceOnly": True}, True),
        ("BOTH", "SELL", {"closePosition": True}, True),
    ],
)
def test_a_binance_order_reduces_by_its_flags_or_by_its_leg(
    leg: str | None,
    towards: str,
    flags: dict[str, object],
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = binance_rows.open_order(row(BINANCE_ORDER, positionSide=leg, side=towards, **flags))
    assert found.reduce_only is reduces
    assert found.side == (Side(leg) if leg in {"LONG", "SHORT"} else None)


@pytest.mark.parametrize("word", ["", "AAA", "BUYS", "bUy", "ZZZ"])
def test_a_direction_that_is_not_documented_is_malformed(word: str) -> None:
    for direction in (binance_rows.direction, bybit_rows.direction, okx_rows.direction):
        with pytest.raises(AnswerMalformed):
            direction(row({}, side=word))


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("NEW", OrderStatus.ACCEPTED, ""),
        ("PARTIALLY_FILLED", OrderStatus.PARTIAL, ""),
        ("FILLED", OrderStatus.FILLED, ""),
        ("CANCELED", OrderStatus.CANCELED, "CANCELED"),
        ("EXPIRED_IN_MATCH", OrderStatus.CANCELED, "EXPIRED_IN_MATCH"),
        ("REJECTED", OrderStatus.REJECTED, "REJECTED"),
    ],
)
def test_what_a_binance_order_came_to_is_told_with_the_venues_word_for_its_end(
    word: str, status: OrderStatus, reason: str
) -> None:
    state = binance_rows.order_state(row(BINANCE_ORDER, status=word))
    assert told(state, "status", "reason", "client_order_id", "order_id") == [
        status,
        reason,
        "abc",
        "1917641",
    ]


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"avgPrice": "101", "cumQuote": "9"}, D(101)),
        ({"avgPrice": "0", "cumQuote": "9", "executedQty": "0.1"}, D(90)),
        ({"avgPrice": "0", "cumQuote": "9", "executedQty": "0"}, None),
        ({"avgPrice": "0", "cumQuote": "0", "executedQty": "0.1"}, None),
    ],
)
def test_the_average_price_of_binance_is_given_or_reckoned(
    changes: dict[str, object], price: Decimal | None
) -> None:
    assert binance_rows.order_state(row(BINANCE_ORDER, **changes)).average_price == price


BINANCE_TRADE: dict[str, Any] = {
    "commission": "0.5",
    "commissionAsset": "BNB",
    "id": 7,
    "orderId": 8,
    "clientOrderId": "bst1",
    "price": "7819.01",
    "qty": "0.002",
    "realizedPnl": "-2",
    "side": "SELL",
    "symbol": "BTCUSDT",
    "time": 1569514978020,
}


def test_a_binance_trade_values_fee_and_pnl_by_their_own_rates() -> None:
    found = binance_rows.fill(row(BINANCE_TRADE), fee_rate=D(600), pnl_rate=D(3), cause=Cause.ADL)
    names = ("fill_id", "order_id", "client_order_id", "direction", "quantity", "price", "fee_usd", "at_ms")
    assert told(found, *names) == [
        *("7", "8", "bst1", Direction.SELL, D("0.002"), D("7819.01"), D(300), 1569514978020)
    ]
    assert told(found, "side", "realized_pnl_usd", "cause", "fee_note") == [
        *(None, D(-6), Cause.ADL, "BNB at the index price of 600 USD")
    ]
    bare = binance_rows.fill(
        row(BINANCE_TRADE, commission=None, commissionAsset=None, realizedPnl=None, positionSide="LONG"),
        fee_rate=ONE,
        pnl_rate=ONE,
    )
    assert told(bare, "fee_usd", "fee_note", "realized_pnl_usd", "side") == [D(0), "", None, Side.LONG]


def binance_contract(*filters: dict[str, str], **more: object) -> Row:
    given = {"symbol": "BTCUSDT_260327", "pair": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT"}
    return row({**given, "filters": list(filters), **more})


LOT = {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002", "maxQty": "1000"}
MARKET_LOT = {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.01", "minQty": "0.03", "maxQty": "120"}
TICK = {"filterType": "PRICE_FILTER", "tickSize": "0.10"}


def test_a_binance_contract_has_the_limits_of_its_market_orders() -> None:
    found = binance_rows.instrument(binance_contract(LOT, MARKET_LOT, TICK, marginAsset="USDC"))
    assert told(found, "id", "symbol", "base", "settle") == ["BTCUSDT_260327", "BTCUSDT", "BTC", "USDC"]
    assert told(found, *LIMITS) == [D("0.01"), D("0.03"), D(120), D("0.10")]
    ordinary = binance_rows.instrument(binance_contract(LOT))
    assert told(ordinary, *LIMITS) == [D("0.001"), D("0.002"), D(1000), D(0)]
    assert ordinary.settle == "USDT"
    stepless = binance_rows.instrument(binance_contract(LOT, {**MARKET_LOT, "stepSize": "0"}))
    assert stepless.quantity_step == D("0.001")
    bare = binance_rows.instrument(
        binance_contract({"filterType": "MARKET_LOT_SIZE"}, {**TICK, "tickSize": "0"})
    )
    assert told(bare, *LIMITS) == [D(0), D(0), D(0), D(0)]
    with pytest.raises(AnswerMalformed):
        binance_rows.instrument(binance_contract(TICK))


ALGO: dict[str, Any] = {
    "algoId": 21,
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "quantity": "0.5",
    "triggerPrice": "750",
    "closePosition": False,
    "reduceOnly": True,
}


@pytest.mark.parametrize(
    ("position", "changes", "kind"),
    [
        (held(Side.LONG, category="usdm"), {}, Protection.STOP_LOSS),
        (held(Side.LONG, category="usdm"), {"orderType": "TAKE_PROFIT_MARKET"}, Protection.TAKE_PROFIT),
        (held(Side.LONG, category="usdm"), {"orderType": "STOP"}, None),
        (held(Side.LONG, category="usdm"), {"side": "BUY"}, None),
        (held(Side.LONG, category="usdm"), {"reduceOnly": False}, None),
        (held(Side.LONG, category="usdm"), {"symbol": "ETHUSDT"}, None),
        (held(Side.LONG, category="usdm"), {"symbol": "AAAUSDT"}, None),
        (held(Side.SHORT, category="usdm"), {"side": "BUY"}, Protection.STOP_LOSS),
        (held(Side.SHORT, category="usdm"), {}, None),
        (held(Side.LONG, hedged=True, category="usdm"), {}, None),
        (held(Side.LONG, hedged=True, category="usdm"), {"positionSide": "LONG"}, Protection.STOP_LOSS),
        (held(Side.LONG, category="usdm"), {"positionSide": "LONG"}, None),
    ],
)
def test_a_protective_order_of_binance_closes_this_position_at_market(
    position: Position, changes: dict[str, object], kind: Protection | None
) -> None:
    found = binance_rows.protective_order(row(ALGO, **changes), position)
    assert (None if found is None else found.kind) is kind
    if found is not None:
        assert told(found, "trigger_price", "quantity", "whole") == [D(750), D("0.5"), False]
