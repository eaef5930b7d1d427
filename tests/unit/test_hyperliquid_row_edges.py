"""What each field of a row of Hyperliquid comes to: whole rows, the edges of each rule, and odd words."""

from typing import Any

import pytest

from bastion.domain.money import ZERO
from bastion.domain.order import Cause, Direction, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.protective import Protection
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_cloid import cloid_of
from bastion.venues.raw import Row
from tests.unit.row_parts import FIGURES, LIMITS, ORDER, D, row, told

OURS = "bst" + "a" * 21
HELD: dict[str, Any] = {
    "coin": "ETH",
    "szi": "-3",
    "entryPx": "90",
    "positionValue": "270",
    "unrealizedPnl": "-30",
    "liquidationPx": "150",
    "marginUsed": "27",
    "leverage": {"type": "isolated", "value": 10},
    "cumFunding": {"sinceOpen": "1.5"},
}
WORKING: dict[str, Any] = {
    "coin": "ETH",
    "oid": 77,
    "cloid": cloid_of(OURS),
    "side": "A",
    "sz": "0.4",
    "origSz": "1",
    "reduceOnly": False,
    "isTrigger": False,
    "isPositionTpsl": False,
}
STOP: dict[str, Any] = {
    **WORKING,
    "orderType": "Stop Market",
    "isTrigger": True,
    "reduceOnly": True,
    "triggerPx": "80.5",
}
EXECUTION: dict[str, Any] = {
    "coin": "xyz:GOLD",
    "tid": 5,
    "oid": 77,
    "dir": "Close Short",
    "side": "B",
    "sz": "2",
    "px": "80.5",
    "fee": "0.5",
    "time": 1720736417660,
    "closedPnl": "-4",
}


def state(*held: dict[str, Any], counted: str) -> Row:
    listed = [{"position": one} for one in held]
    return Row({"assetPositions": listed, "marginSummary": {"totalNtlPos": counted}}, "state")


def only(**changes: object) -> Position:
    (found,), _ = rows.positions(state({**HELD, **changes}, counted="270"), {})
    return found


def test_a_hyperliquid_position_is_told_with_all_its_figures() -> None:
    (found,), doubt = rows.positions(state(HELD, counted="270"), {"ETH": "USDT0"})
    assert doubt == ""
    assert told(found, "instrument", "category", "symbol") == ["ETH", "perp", "ETHUSDT0"]
    assert told(found, *FIGURES) == [
        *(Side.SHORT, D(3), False, MarginMode.ISOLATED, D(90), D(90), D(150), D(10)),
        *(D(270), D(27), D(-30), None, True),
    ]
    assert told(found, "funding_usd") == [D("-1.5")]
    long = only(szi="3")
    assert told(long, "side", "quantity", "mark_price", "symbol") == [Side.LONG, D(3), D(90), "ETHUSDC"]


def test_what_a_hyperliquid_position_does_not_say_is_not_known() -> None:
    bare = only(
        **dict.fromkeys(("entryPx", "liquidationPx", "marginUsed", "unrealizedPnl", "leverage", "cumFunding"))
    )
    names = ("margin_mode", "entry_price", "liquidation_price", "leverage", "margin_usd")
    assert told(bare, *names, "unrealized_pnl_usd", "funding_usd") == [None] * 7
    assert only(cumFunding={}).funding_usd is None
    odd = only(leverage={"type": "cross", "value": 0}, entryPx="0")
    assert told(odd, "margin_mode", "leverage", "entry_price") == [MarginMode.CROSS, None, None]
    assert only(leverage={"type": "strict", "value": 1}).margin_mode is None


@pytest.mark.parametrize(
    ("value", "size", "mark"),
    [
        ("100", "3", "33.3333333333"),
        ("-100", "-3", "33.3333333333"),
        ("0.00001", "3", "0.00000333333333333"),
        ("1234567890123", "1", "1234567890123"),
        ("0", "3", None),
    ],
)
def test_the_mark_of_a_hyperliquid_position_is_its_value_over_its_size_in_twelve_figures(
    value: str, size: str, mark: str | None
) -> None:
    (found,), _ = rows.positions(state({**HELD, "positionValue": value, "szi": size}, counted="0"), {})
    assert found.mark_price == (None if mark is None else D(mark))
    assert found.notional_usd == abs(D(value))


@pytest.mark.parametrize(
    ("value", "counted", "whole"),
    [
        ("270", "272.7", True),
        ("270", "272.8", False),
        ("270", "267.4", True),
        ("270", "267.2", False),
        ("10", "11", True),
        ("10", "11.01", False),
        ("10", "9", True),
        ("10", "8.99", False),
        ("10", "0", False),
    ],
)
def test_a_hyperliquid_list_is_whole_where_the_margin_counts_as_much_but_for_a_hundredth_or_a_dollar(
    value: str,
    counted: str,
    whole: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found, doubt = rows.positions(state({**HELD, "positionValue": value}, counted=counted), {})
    assert len(found) == 1
    told_so = f"state: the positions listed are worth {value}, but the margin counts {counted}"
    assert doubt == ("" if whole else told_so)


def test_a_hyperliquid_list_counts_each_position_once_and_none_of_size_zero() -> None:
    other = {**HELD, "coin": "BTC", "szi": "1", "positionValue": "30"}
    found, doubt = rows.positions(
        state(HELD, {**HELD, "coin": "SOL", "szi": "0"}, HELD, other, counted="300"), {}
    )
    assert [one.instrument for one in found] == ["ETH", "BTC"]
    assert doubt == ""
    assert rows.positions(state(counted="0"), {}) == ((), "")


def test_an_odd_row_of_hyperliquid_keeps_no_other_from_being_read_and_is_what_is_told() -> None:
    found, doubt = rows.positions(state({**HELD, "szi": "much"}, HELD, counted="999"), {})
    assert [one.instrument for one in found] == ["ETH"]
    assert "szi must be a number" in doubt
    for summary in ({}, {"totalNtlPos": "much"}):
        with pytest.raises(AnswerMalformed):
            rows.positions(Row({"assetPositions": [], "marginSummary": summary}, "state"), {})


@pytest.mark.parametrize(
    ("changes", "reduces", "waits"),
    [
        ({}, False, False),
        ({"reduceOnly": True}, True, False),
        ({"isPositionTpsl": True, "isTrigger": True}, True, True),
        ({"isTrigger": True}, False, True),
    ],
)
def test_a_hyperliquid_order_is_told_with_what_it_may_do(
    changes: dict[str, object],
    reduces: bool,  # noqa: FBT001 - a case of the table
    waits: bool,  # noqa: FBT001 - a case of the table
) -> None:
    found = rows.open_order(row(WORKING, **changes))
    assert found is not None
    assert told(found, *ORDER) == ["ETH", "perp", "77", OURS, Direction.SELL, D("0.4"), reduces, waits, None]


@pytest.mark.parametrize(
    ("coin", "spot"), [("PURR/USDC", True), ("@107", True), ("ETH", False), ("xyz:A@B", False)]
)
def test_an_order_of_hyperliquids_spot_market_is_not_ours(coin: str, spot: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (rows.open_order(row(WORKING, coin=coin)) is None) is spot
    assert rows.is_spot(coin) is spot


@pytest.mark.parametrize(
    ("changes", "side", "kind"),
    [
        ({}, Side.LONG, Protection.STOP_LOSS),
        ({"orderType": "Take Profit Market"}, Side.LONG, Protection.TAKE_PROFIT),
        ({"side": "B"}, Side.SHORT, Protection.STOP_LOSS),
        ({"side": "B"}, Side.LONG, None),
        ({}, Side.SHORT, None),
        ({"orderType": "Stop Limit"}, Side.LONG, None),
        ({"orderType": None}, Side.LONG, None),
        ({"isTrigger": False}, Side.LONG, None),
        ({"reduceOnly": False}, Side.LONG, None),
        ({"isTrigger": False, "reduceOnly": False}, Side.LONG, None),
        ({"coin": "BTC"}, Side.LONG, None),
        ({"coin": "ZEC"}, Side.LONG, None),
        ({"coin": "@107"}, Side.LONG, None),
    ],
)
def test_a_stop_of_hyperliquid_closes_its_position_at_market(
    changes: dict[str, object], side: Side, kind: Protection | None
) -> None:
    position = only(szi="3" if side is Side.LONG else "-3")
    found = rows.protective_order(row(STOP, **changes), position)
    assert (None if found is None else found.kind) == kind
    if found is not None:
        assert told(found, "trigger_price", "quantity", "whole") == [D("80.5"), D("0.4"), False]


def test_a_stop_of_hyperliquid_for_the_whole_position_says_so() -> None:
    found = rows.protective_order(row(STOP, isPositionTpsl=True, reduceOnly=False), only(szi="3"))
    assert found is not None
    assert found.whole


@pytest.mark.parametrize(
    ("word", "left", "status", "filled"),
    [
        ("open", "1", OrderStatus.ACCEPTED, "0"),
        ("open", "0.4", OrderStatus.PARTIAL, "0.6"),
        ("open", "1.5", OrderStatus.ACCEPTED, "0"),
        ("triggered", "1", OrderStatus.ACCEPTED, "0"),
        ("filled", "0", OrderStatus.FILLED, "1"),
        ("filled", "0.4", OrderStatus.CANCELED, "0.6"),
        ("canceled", "0.4", OrderStatus.CANCELED, "0.6"),
        ("marginCanceled", "1", OrderStatus.CANCELED, "0"),
        ("scheduledCancel", "1", OrderStatus.CANCELED, "0"),
        ("rejected", "1", OrderStatus.REJECTED, "0"),
        ("rejected", "0", OrderStatus.REJECTED, "0"),
        ("tickRejected", "1", OrderStatus.REJECTED, "0"),
        ("tickRejected", "0", OrderStatus.REJECTED, "0"),
    ],
)
def test_each_status_of_a_hyperliquid_order_tells_what_was_filled(
    word: str, left: str, status: OrderStatus, filled: str
) -> None:
    found = rows.order_state(row({"order": {**WORKING, "sz": left}, "status": word}), "mine")
    reason = "" if word in {"open", "triggered", "filled"} else word
    assert told(found, "client_order_id", "order_id", "status", "filled", "reason") == [
        *("mine", "77", status, D(filled), reason)
    ]


def test_a_status_of_hyperliquid_that_nobody_documented_is_malformed() -> None:
    word = "aa" + "x" * 80
    with pytest.raises(AnswerMalformed, match=f"'{word[:40]}'"):
        rows.order_state(row({"order": WORKING, "status": word}), "mine")


def execution(**changes: object) -> Any:  # noqa: ANN401 - read by its names
    return rows.fill(row(EXECUTION, **changes), {"xyz:GOLD": "USDT0"}, fee_rate=D(2), client_order_id="mine")


def test_a_hyperliquid_execution_is_told_with_all_its_figures() -> None:
    names = ("instrument", "category", "symbol", "fill_id", "order_id", "client_order_id", "direction")
    assert told(execution(), *names) == [
        *("xyz:GOLD", "perp", "XYZGOLDUSDT0", "5", "77", "mine", Direction.BUY)
    ]
    figures = ("quantity", "price", "fee_usd", "at_ms", "realized_pnl_usd")
    assert told(execution(), *figures) == [D(2), D("80.5"), D(1), 1720736417660, D(-4)]
    assert execution(coin="ETH").symbol == "ETHUSDC"


@pytest.mark.parametrize(
    ("way", "side", "cause"),
    [
        ("Open Long", Side.LONG, None),
        ("Close Long", Side.LONG, None),
        ("Open Short", Side.SHORT, None),
        ("Close Short", Side.SHORT, None),
        ("Long > Short", None, None),
        ("Liquidated Cross Long", None, Cause.LIQUIDATION),
        ("Liquidated Isolated Short", None, Cause.LIQUIDATION),
        ("Auto-Deleveraging", None, Cause.ADL),
        ("Auction", None, None),
        ("Zero", None, None),
        (None, None, None),
    ],
)
def test_the_way_of_a_hyperliquid_execution_names_its_side_or_its_cause(
    way: str | None, side: Side | None, cause: Cause | None
) -> None:
    assert told(execution(dir=way), "side", "cause") == [side, cause]


@pytest.mark.parametrize(
    ("leverage", "largest"),
    [
        *((50, 30_000_000), (25, 30_000_000), (24, 5_000_000), (20, 5_000_000), (19, 2_000_000)),
        *((10, 2_000_000), (9, 500_000), (1, 500_000)),
    ],
)
def test_the_largest_market_order_of_hyperliquid_goes_by_the_largest_leverage(
    leverage: int, largest: int
) -> None:
    told_of = row({"name": "ETH", "szDecimals": 2, "maxLeverage": leverage})
    found = rows.instrument(told_of, D(1), 4, "USDC")
    assert found.market_quantity_max == largest
    third = rows.instrument(told_of, D(3), 4, "USDC").market_quantity_max
    assert third == (D(largest) * 100 / 3).to_integral_value(rounding="ROUND_FLOOR") / 100


def test_a_hyperliquid_contract_is_told_with_its_limits() -> None:
    told_of = row({"name": "xyz:GOLD", "szDecimals": 3, "maxLeverage": 10})
    found = rows.instrument(told_of, D("9123.4"), 110_003, "USDT0")
    assert told(found, "id", "category", "symbol", "base", "settle", "number") == [
        *("xyz:GOLD", "perp", "XYZGOLDUSDT0", "xyz:GOLD", "USDT0", 110_003)
    ]
    assert told(found, *LIMITS) == [D("0.001"), D("0.001"), D("219.216"), D("0.1")]
    unpriced = rows.instrument(told_of, None, 0, "USDC")
    assert told(unpriced, "market_quantity_max", "price_tick") == [ZERO, D("0.001")]


@pytest.mark.parametrize(("coin", "dex"), [("ETH", ""), ("xyz:GOLD", "xyz"), ("a:b:c", "a")])
def test_a_coin_of_hyperliquid_names_its_dex(coin: str, dex: str) -> None:
    assert rows.dex_of(coin) == dex


@pytest.mark.parametrize("word", ["C", "AB", "b", "0" * 30])
def test_a_side_of_hyperliquid_that_nobody_documented_is_malformed(word: str) -> None:
    with pytest.raises(AnswerMalformed, match=f"'{word[:20]}'"):
        rows.direction(row({"side": word}))
    assert rows.direction(row({"side": "B"})) is Direction.BUY
