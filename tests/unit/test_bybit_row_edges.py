"""What each field of a row of Bybit comes to: whole rows, the edges of each rule, and odd words."""

from typing import Any

import pytest

from bastion.domain.order import Cause, Direction, OpenOrder, OrderStatus
from bastion.domain.position import MarginMode, Side
from bastion.domain.protective import Protection
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import bybit_rows
from bastion.venues.raw import Row
from tests.unit.row_parts import FIGURES, LIMITS, ONE, ORDER, D, held, row, told

BYBIT_POSITION: dict[str, Any] = {
    "positionIdx": 0,
    "symbol": "ETHUSDT",
    "side": "Buy",
    "size": "3",
    "avgPrice": "90",
    "positionValue": "270",
    "tradeMode": 1,
    "leverage": "10",
    "markPrice": "100",
    "liqPrice": "50",
    "positionIM": "27",
    "unrealisedPnl": "30",
    "updatedTime": "1720736417660",
}


def test_a_bybit_position_is_told_with_all_its_figures() -> None:
    found = bybit_rows.position(row(BYBIT_POSITION), "linear")
    assert told(found, "instrument", "category", "symbol") == ["ETHUSDT", "linear", "ETHUSDT"]
    assert told(found, *FIGURES) == [
        *(Side.LONG, D(3), False, MarginMode.ISOLATED, D(90), D(100), D(50), D(10)),
        *(D(300), D(27), D(30), 1720736417660, True),
    ]
    plain = bybit_rows.position(row(BYBIT_POSITION, tradeMode=0, markPrice="", avgPrice="0"), "linear")
    assert told(plain, "margin_mode", "mark_price", "notional_usd", "entry_price", "margin_usd") == [
        *(None, None, D(270), None, D(27))
    ]
    inverse = bybit_rows.position(row(BYBIT_POSITION, markPrice=""), "inverse")
    assert told(inverse, "notional_usd", "margin_usd", "unrealized_pnl_usd") == [D(3), None, None]


@pytest.mark.parametrize(("index", "hedged"), [(0, False), (1, True), (2, True), (None, False), (3, False)])
def test_a_bybit_position_with_a_leg_is_one_of_hedge_mode(index: int | None, hedged: bool) -> None:  # noqa: FBT001 - a case of the table
    found = bybit_rows.position(row(BYBIT_POSITION, positionIdx=index), "linear")
    assert told(found, "hedged") == [hedged]


def test_a_bybit_size_below_zero_is_malformed_and_zero_is_no_position() -> None:
    with pytest.raises(AnswerMalformed):
        bybit_rows.position(row(BYBIT_POSITION, size="-1"), "linear")
    assert bybit_rows.position(row(BYBIT_POSITION, size="0.0"), "linear") is None


def test_the_index_of_a_bybit_position_is_its_leg() -> None:
    cases = [(Side.LONG, False), (Side.SHORT, False), (Side.LONG, True), (Side.SHORT, True)]
    found = [bybit_rows.position_index(held(side, hedged=hedged)) for side, hedged in cases]
    assert found == [0, 0, 1, 2]


BYBIT_ORDER: dict[str, Any] = {
    "orderId": "o1",
    "orderLinkId": "mine",
    "symbol": "BTCUSDT",
    "qty": "0.40",
    "side": "Sell",
    "positionIdx": 0,
    "orderStatus": "Untriggered",
    "leavesQty": "0.30",
    "cumExecQty": "0.10",
    "avgPrice": "99",
    "orderType": "Market",
    "stopOrderType": "Stop",
    "triggerDirection": 2,
    "triggerPrice": "750",
    "reduceOnly": True,
    "closeOnTrigger": False,
}


def bybit_order(**changes: object) -> OpenOrder:
    found = bybit_rows.open_order(row(BYBIT_ORDER, **changes), "linear", "USDT")
    assert found is not None
    return found


def test_a_bybit_order_is_told_with_what_is_left_of_it() -> None:
    assert told(bybit_order(), *ORDER, "settle") == [
        *("BTCUSDT", "linear", "o1", "mine", Direction.SELL, D("0.30"), True, True, None, "USDT")
    ]
    assert bybit_order(leavesQty="0").quantity == 0
    assert bybit_order(leavesQty=None).quantity == D("0.40")
    assert bybit_order(leavesQty=None, qty=None).quantity == 0


@pytest.mark.parametrize(
    ("changes", "reduces"),
    [
        ({}, False),
        ({"reduceOnly": True}, True),
        ({"closeOnTrigger": True}, True),
        ({"stopOrderType": "StopLoss"}, True),
        ({"stopOrderType": "Stop"}, False),
        ({"positionIdx": 1}, True),
        ({"positionIdx": 2}, False),
        ({"positionIdx": 2, "side": "Buy"}, True),
        ({"positionIdx": 1, "side": "Buy"}, False),
        ({"positionIdx": None}, False),
    ],
)
def test_a_bybit_order_reduces_by_its_flags_its_kind_or_its_leg(
    changes: dict[str, object],
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    plain = {"reduceOnly": False, "stopOrderType": "", **changes}
    assert bybit_order(**plain).reduce_only is reduces


@pytest.mark.parametrize(
    ("status", "stop", "conditional"),
    [("New", "", False), ("New", "UNKNOWN", False), ("Untriggered", "", True), ("New", "Stop", True)],
)
def test_a_bybit_order_waits_by_its_state_or_its_kind(status: str, stop: str, conditional: bool) -> None:  # noqa: FBT001 - a case of the table
    assert bybit_order(orderStatus=status, stopOrderType=stop).conditional is conditional


@pytest.mark.parametrize(
    ("changes", "kind", "whole"),
    [
        ({}, Protection.STOP_LOSS, False),
        ({"triggerDirection": 1}, Protection.TAKE_PROFIT, False),
        ({"triggerDirection": 0}, None, False),
        ({"triggerDirection": 3}, None, False),
        ({"stopOrderType": "StopLoss"}, Protection.STOP_LOSS, True),
        ({"stopOrderType": "TakeProfit"}, Protection.TAKE_PROFIT, True),
        ({"stopOrderType": "StopLoss", "tpslMode": "Partial"}, Protection.STOP_LOSS, False),
        ({"stopOrderType": "PartialStopLoss"}, Protection.STOP_LOSS, False),
        ({"stopOrderType": "TrailingStop"}, None, False),
        ({"orderStatus": "New"}, None, False),
        ({"orderType": "Limit"}, None, False),
        ({"reduceOnly": False}, None, False),
        ({"side": "Buy"}, None, False),
        ({"symbol": "ETHUSDT"}, None, False),
        ({"symbol": "AAAUSDT"}, None, False),
        ({"positionIdx": 1}, None, False),
        ({"orderStatus": "Filled"}, None, False),
    ],
)
def test_a_protective_order_of_bybit_closes_this_position_at_market(
    changes: dict[str, object],
    kind: Protection | None,
    whole: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = bybit_rows.protective_order(row(BYBIT_ORDER, **changes), held(Side.LONG))
    assert (None if found is None else found.kind) is kind
    if found is not None:
        assert told(found, "trigger_price", "quantity", "whole") == [D(750), D("0.30"), whole]


def test_a_shorts_protection_of_bybit_buys_and_fires_the_other_way() -> None:
    bought = {"side": "Buy", "positionIdx": 2}
    short = held(Side.SHORT, hedged=True)
    falling = bybit_rows.protective_order(row(BYBIT_ORDER, **bought), short)
    rising = bybit_rows.protective_order(row(BYBIT_ORDER, **bought, triggerDirection=1), short)
    assert told(falling, "kind") == [Protection.TAKE_PROFIT]
    assert told(rising, "kind") == [Protection.STOP_LOSS]


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"orderStatus": "PartiallyFilled", "rejectReason": "EC_X"}, OrderStatus.PARTIAL, ""),
        ({"orderStatus": "Rejected", "rejectReason": "EC_X"}, OrderStatus.REJECTED, "EC_X"),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_X", "cancelType": "C"},
            OrderStatus.CANCELED,
            "EC_X",
        ),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_PerCancelRequest", "cancelType": "UNKNOWN"},
            OrderStatus.CANCELED,
            "EC_PerCancelRequest",
        ),
        (
            {"orderStatus": "Cancelled", "rejectReason": "EC_NoError", "cancelType": "CancelByUser"},
            OrderStatus.CANCELED,
            "CancelByUser",
        ),
        ({"orderStatus": "Deactivated"}, OrderStatus.CANCELED, "Deactivated"),
    ],
)
def test_what_a_bybit_order_came_to_is_told_with_the_venues_word_for_its_end(
    changes: dict[str, object], status: OrderStatus, reason: str
) -> None:
    state = bybit_rows.order_state(row(BYBIT_ORDER, **changes))
    names = ("status", "reason", "filled", "average_price", "order_id", "client_order_id")
    assert told(state, *names) == [status, reason, D("0.10"), D(99), "o1", "mine"]
    with pytest.raises(AnswerMalformed):
        bybit_rows.order_state(row(BYBIT_ORDER, orderStatus="Odd"))


BYBIT_EXECUTION: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderLinkId": "mine",
    "side": "Sell",
    "orderId": "o1",
    "execTime": "1672282722429",
    "execFee": "0.5",
    "execId": "e1",
    "execPrice": "110",
    "execType": "Trade",
    "execQty": "2",
    "stopOrderType": "UNKNOWN",
}


@pytest.mark.parametrize(
    ("side", "category", "entry", "pnl"),
    [
        ("Sell", "linear", "100", "20"),
        ("Buy", "linear", "100", "-20"),
        ("Sell", "inverse", "100", "0.0054545"),
        ("Buy", "inverse", "100", "-0.0054545"),
        ("Sell", "linear", "0", None),
        ("Sell", "linear", None, None),
    ],
)
def test_the_pnl_of_a_bybit_execution_follows_side_and_category(
    side: str, category: str, entry: str | None, pnl: str | None
) -> None:
    found = bybit_rows.fill(
        row(BYBIT_EXECUTION, side=side),
        category,
        entry=None if entry is None else D(entry),
        fee_rate=D(2),
        coin_rate=D(3),
    )
    value = found.realized_pnl_usd
    assert (None if value is None else round(value, 7)) == (None if pnl is None else D(pnl))
    names = ("fill_id", "order_id", "client_order_id", "quantity", "price", "fee_usd", "at_ms", "category")
    assert told(found, *names) == ["e1", "o1", "mine", D(2), D(110), D(1), 1672282722429, category]


def test_an_execution_of_bybit_at_no_price_has_no_pnl() -> None:
    found = bybit_rows.fill(
        row(BYBIT_EXECUTION, execPrice="0", execFee=None), "linear", entry=D(100), fee_rate=ONE, coin_rate=ONE
    )
    assert told(found, "realized_pnl_usd", "fee_usd") == [None, D(0)]


@pytest.mark.parametrize(
    ("changes", "cause", "moves"),
    [
        ({}, None, True),
        ({"stopOrderType": ""}, None, True),
        ({"stopOrderType": "StopLoss"}, Cause.STOP, True),
        ({"execType": "BustTrade"}, Cause.LIQUIDATION, True),
        ({"execType": "AdlTrade"}, Cause.ADL, True),
        ({"execType": "Funding"}, None, False),
        ({"execType": "SessionSettlePnL"}, None, False),
    ],
)
def test_an_execution_of_bybit_says_what_caused_it_and_whether_it_moved_anything(
    changes: dict[str, object],
    cause: Cause | None,
    moves: bool,  # noqa: FBT001 - a case of the table
) -> None:
    given = row(BYBIT_EXECUTION, **changes)
    found = bybit_rows.fill(given, "linear", entry=None, fee_rate=ONE, coin_rate=ONE)
    assert found.cause is cause
    assert bybit_rows.moves_position(given) is moves


def bybit_contract(**lot: str) -> Row:
    return row(
        {
            "symbol": "BTCPERP",
            "baseCoin": "BTC",
            "settleCoin": "USDC",
            "lotSizeFilter": lot,
            "priceFilter": {"tickSize": "0.5"},
        }
    )


def test_a_bybit_contract_has_the_limits_of_its_market_orders() -> None:
    full = bybit_rows.instrument(
        bybit_contract(qtyStep="0.1", minOrderQty="0.2", maxMktOrderQty="5", maxOrderQty="9"), "linear"
    )
    assert told(full, "id", "symbol", "base", "settle", "inverse") == [
        "BTCPERP",
        "BTCUSDC",
        "BTC",
        "USDC",
        False,
    ]
    assert told(full, *LIMITS) == [D("0.1"), D("0.2"), D(5), D("0.5")]
    other = bybit_rows.instrument(bybit_contract(maxOrderQty="9"), "inverse")
    assert told(other, *LIMITS, "inverse") == [D(0), D(0), D(9), D("0.5"), True]
    assert bybit_rows.instrument(bybit_contract(), "linear").market_quantity_max == 0
