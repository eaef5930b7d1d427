"""Positions, modes, exits attached to positions, history and money on Bybit's wire."""

from decimal import Decimal

import pytest

from bastion.paper.wire.protocol import Conditions
from tests.bybit_rig import ACCOUNT, Venue, hold, stepped, venue_on

BTC = "BTCUSDT"
LINEAR = {"category": "linear", "settleCoin": "USDT"}


async def test_linear_positions_and_open_orders_need_a_symbol_or_a_coin(venue: Venue) -> None:
    for path in ("/v5/position/list", "/v5/order/realtime"):
        reply = await venue.get(path, category="linear")
        assert (reply.code, reply.message) == (
            10001,
            "Missing some parameters that must be filled in, symbol or settleCoin or baseCoin",
        )
        assert (await venue.get(path, category="inverse")).code == 0
        assert (await venue.get(path, category="option")).rows == []
        assert (await venue.get(path)).code == 10001


async def test_a_named_symbol_has_its_rows_even_when_flat(venue: Venue, hedged: Venue) -> None:
    (row,) = await venue.positions(category="linear", symbol=BTC)
    assert (row["size"], row["side"], row["positionIdx"], row["leverage"]) == ("0.000", "", 0, "10")
    rows = await hedged.positions(category="linear", symbol=BTC)
    assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
        (1, "Buy", "0.000"),
        (2, "Sell", "0.000"),
    ]


async def test_each_settle_coin_and_category_shows_only_its_own(venue: Venue) -> None:
    for symbol, quantity in ((BTC, "1"), ("ETHPERP", "-2"), ("BTCUSD", "900")):
        hold(venue.exchange, symbol, quantity)
    assert [row["symbol"] for row in await venue.positions()] == [BTC]
    usdc = await venue.positions(category="linear", settleCoin="USDC")
    assert [(row["symbol"], row["side"]) for row in usdc] == [("ETHPERP", "Sell")]
    (coin,) = await venue.positions(category="inverse")
    assert (coin["symbol"], coin["size"], coin["positionValue"]) == ("BTCUSD", "900", "0.00999994")
    assert await venue.positions(category="option") == []


async def test_twenty_positions_come_by_default_and_cursors_bring_the_rest() -> None:
    exchange = stepped(extra=25)
    for number in range(25):
        hold(exchange, f"C{number:02d}USDT", "1")
    async with venue_on(exchange) as venue:
        first = await venue.get("/v5/position/list", **LINEAR)
        assert len(first.rows) == 20
        # A position of the first page closes before the second is read: nothing is skipped.
        hold(exchange, "C03USDT", "-1")
        second = await venue.get("/v5/position/list", **LINEAR, cursor=first.result["nextPageCursor"])
        assert [row["symbol"] for row in second.rows] == [f"C{number}USDT" for number in range(20, 25)]
        assert second.result["nextPageCursor"] == ""
        assert len((await venue.get("/v5/position/list", **LINEAR, limit=200)).rows) == 24
        full = await venue.get("/v5/position/list", **LINEAR, limit=24)
        after = await venue.get("/v5/position/list", **LINEAR, limit=24, cursor=full.result["nextPageCursor"])
        assert (after.rows, after.result["nextPageCursor"]) == ([], "")


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v5/position/list", 201),
        ("/v5/order/realtime", 51),
        ("/v5/execution/list", 101),
        ("/v5/position/list", 0),
    ],
)
async def test_a_page_larger_than_allowed_is_refused(venue: Venue, path: str, limit: int) -> None:
    assert (await venue.get(path, **LINEAR, limit=limit)).code == 10001
    assert (await venue.get(path, **LINEAR, cursor="made-up")).code == 10001


async def test_open_orders_are_paged_newest_first(venue: Venue) -> None:
    sent = []
    for _ in range(25):
        reply = await venue.filled(BTC, "Buy", "0.01", orderType="Limit", price="89000")
        sent.append(reply.result["orderId"])
        venue.pass_time(100)
    first = await venue.get("/v5/order/realtime", **LINEAR)
    second = await venue.get("/v5/order/realtime", **LINEAR, cursor=first.result["nextPageCursor"])
    assert [row["orderId"] for row in [*first.rows, *second.rows]] == sent[::-1]


async def test_closed_pnl_is_exit_less_entry_less_both_fees(venue: Venue) -> None:
    await venue.filled(BTC, "Buy", "2")
    venue.exchange.set_mark(BTC, Decimal(91_000))
    reply = await venue.filled(BTC, "Sell", "0.5", reduceOnly=True)
    (row,) = (await venue.get("/v5/position/closed-pnl", category="linear")).rows
    assert (row["avgEntryPrice"], row["avgExitPrice"], row["closedSize"]) == ("90000.1", "90999.9", "0.500")
    open_fee, close_fee = Decimal("0.00055") * Decimal("45000.05"), Decimal("0.00055") * Decimal("45499.95")
    assert Decimal(row["openFee"]) == pytest.approx(open_fee, abs=Decimal("0.000001"))
    assert Decimal(row["closeFee"]) == pytest.approx(close_fee, abs=Decimal("0.000001"))
    pnl = Decimal("499.9") - open_fee - close_fee
    assert Decimal(row["closedPnl"]) == pytest.approx(pnl, abs=Decimal("0.00001"))
    assert (row["orderId"], row["side"], row["fillCount"]) == (reply.result["orderId"], "Sell", "1")
    (position,) = await venue.positions()
    paid = Decimal("499.9") - close_fee - 4 * open_fee
    assert Decimal(position["curRealisedPnl"]) == pytest.approx(paid, abs=Decimal("0.00001"))
    assert position["cumRealisedPnl"] == position["curRealisedPnl"]


async def test_an_order_that_flips_a_position_closes_the_old_one_only(venue: Venue) -> None:
    await venue.filled(BTC, "Buy", "1")
    await venue.filled(BTC, "Sell", "3")
    (row,) = (await venue.get("/v5/position/closed-pnl", category="linear", symbol=BTC)).rows
    assert (row["closedSize"], row["qty"]) == ("1.000", "3.000")
    (position,) = await venue.positions()
    assert (position["side"], position["size"]) == ("Sell", "2.000")
    executions = (await venue.get("/v5/execution/list", category="linear")).rows
    assert [item["closedSize"] for item in executions] == ["1.000", "0.000"]


async def test_history_is_read_a_week_at_a_time(venue: Venue) -> None:
    now_ms = venue.exchange.clock.now_ms()
    await venue.filled(BTC, "Buy", "1")
    week = 7 * 24 * 3_600_000
    for path in ("/v5/order/history", "/v5/execution/list", "/v5/position/closed-pnl"):
        assert (
            await venue.get(path, category="linear", startTime=now_ms, endTime=now_ms + week + 1)
        ).code == 10001
        assert (await venue.get(path, category="linear", endTime=now_ms - 1)).rows == []
    assert len((await venue.get("/v5/execution/list", category="linear", startTime=now_ms)).rows) == 1
    assert (await venue.get("/v5/execution/list", category="linear", execType="Funding")).rows == []


async def test_a_take_profit_and_a_stop_loss_are_orders_that_end_with_the_position(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1.5")
    exits = {"category": "linear", "symbol": BTC, "tpslMode": "Full", "positionIdx": 0}
    reply = await venue.post("/v5/position/trading-stop", takeProfit="92000", stopLoss="88000", **exits)
    assert (reply.code, reply.result) == (0, {})
    orders = (await venue.get("/v5/order/realtime", **LINEAR, orderFilter="StopOrder")).rows
    shown = {(row["stopOrderType"], row["createType"], row["qty"], row["triggerDirection"]) for row in orders}
    assert shown == {
        ("TakeProfit", "CreateByTakeProfit", "1.500", 1),
        ("StopLoss", "CreateByStopLoss", "1.500", 2),
    }
    (position,) = await venue.positions()
    assert (position["takeProfit"], position["stopLoss"]) == ("92000", "88000")
    await venue.post("/v5/position/trading-stop", takeProfit="93000", stopLoss="0", **exits)
    (position,) = await venue.positions()
    assert (position["takeProfit"], position["stopLoss"]) == ("93000", "")
    await venue.filled(BTC, "Sell", "1.5", reduceOnly=True)
    assert (await venue.get("/v5/order/realtime", **LINEAR)).rows == []
    history = (await venue.get("/v5/order/history", category="linear", orderFilter="StopOrder")).rows
    assert {row["cancelType"] for row in history} == {"CancelByTpSlTsClear", "CancelByUser"}


async def test_a_stop_loss_that_triggers_closes_the_position_and_clears_the_take_profit(venue: Venue) -> None:
    hold(venue.exchange, BTC, "-1")
    exits = {"category": "linear", "symbol": BTC, "tpslMode": "Full", "positionIdx": 0}
    await venue.post("/v5/position/trading-stop", takeProfit="88000", stopLoss="91000", **exits)
    venue.exchange.set_mark(BTC, Decimal(91_100))
    venue.pass_time()
    assert await venue.positions() == []
    assert (await venue.get("/v5/order/realtime", **LINEAR)).rows == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"takeProfit": "89000"}, "TakeProfit:89000 set for Buy position should be higher"),
        ({"stopLoss": "91000"}, "StopLoss:91000 set for Buy position should be lower"),
        ({"stopLoss": "89000", "positionIdx": 1}, "position idx not match position mode"),
        ({"symbol": "ETHUSDT", "stopLoss": "3000"}, "zero position"),
        ({"trailingStop": "100"}, "trailingStop is not modelled"),
        ({}, "takeProfit or stopLoss is required"),
        ({"stopLoss": "89000", "tpslMode": "Partial"}, "slSize is required"),
    ],
)
async def test_a_trading_stop_that_makes_no_sense_is_refused(
    venue: Venue, fields: dict[str, object], words: str
) -> None:
    hold(venue.exchange, BTC, "1")
    body: dict[str, object] = {"category": "linear", "symbol": BTC, "positionIdx": 0, **fields}
    reply = await venue.post("/v5/position/trading-stop", **{str(k): v for k, v in body.items()})
    assert reply.code == 10001
    assert words in reply.message


async def test_partial_exits_stand_beside_each_other_and_carry_their_size(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    exits = {"category": "linear", "symbol": BTC, "tpslMode": "Partial", "positionIdx": 0}
    for price in ("92000", "93000"):
        await venue.post("/v5/position/trading-stop", takeProfit=price, tpSize="0.5", **exits)
    venue.exchange.set_mark(BTC, Decimal(92_500))
    venue.pass_time()
    assert [row["size"] for row in await venue.positions()] == ["0.500"]
    (left,) = (await venue.get("/v5/order/realtime", **LINEAR)).rows
    assert (left["stopOrderType"], left["qty"]) == ("PartialTakeProfit", "0.500")


async def test_the_mode_of_idle_symbols_is_switched_and_busy_ones_keep_theirs(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    one = {"category": "linear", "symbol": BTC, "mode": 3}
    assert (await venue.post("/v5/position/switch-mode", **one)).code == 110024
    assert (await venue.post("/v5/position/switch-mode", category="linear", coin="USDT", mode=3)).code == 0
    assert len(await venue.positions(category="linear", symbol="ETHUSDT")) == 2
    assert len(await venue.positions(category="linear", symbol=BTC)) == 1
    again = {"category": "linear", "symbol": "ETHUSDT", "mode": 3}
    assert (await venue.post("/v5/position/switch-mode", **again)).code == 110025
    codes = {}
    for coin, mode in (("USDC", 3), ("XYZ", 3), ("USDT", 1)):
        asked = {"category": "linear", "coin": coin, "mode": mode}
        codes[coin] = (await venue.post("/v5/position/switch-mode", **asked)).code
    assert codes == {"USDC": 110029, "XYZ": 110050, "USDT": 10001}


async def test_open_orders_block_a_mode_switch(venue: Venue) -> None:
    await venue.filled(BTC, "Buy", "1", orderType="Limit", price="89000")
    reply = await venue.post("/v5/position/switch-mode", category="linear", symbol=BTC, mode=3)
    assert reply.code == 110028


async def test_the_balance_is_the_unified_account_in_dollars(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    venue.exchange.set_mark(BTC, Decimal(91_000))
    assert (await venue.get("/v5/account/wallet-balance", accountType="CONTRACT")).code == 10001
    (account,) = (await venue.get("/v5/account/wallet-balance", accountType="UNIFIED")).rows
    coins = {row["coin"]: row for row in account["coin"]}
    assert set(coins) == {"USDT", "USDC", "BTC"}
    assert Decimal(coins["USDT"]["walletBalance"]) == Decimal(1_000_000) - Decimal("49.500055")
    assert coins["USDT"]["unrealisedPnl"] == "999.9"
    assert coins["BTC"]["usdValue"] == "455000"
    equity = Decimal(1_000_000) - Decimal("49.500055") + Decimal("999.9") + 100_000 + 455_000
    assert Decimal(account["totalEquity"]) == equity
    assert account["totalInitialMargin"] == "9100"
    (one,) = (await venue.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="USDC")).rows
    assert [row["coin"] for row in one["coin"]] == ["USDC"]


async def test_the_account_is_unified_and_its_margin_mode_changes_only_when_idle(venue: Venue) -> None:
    info = (await venue.get("/v5/account/info")).result
    assert (info["unifiedMarginStatus"], info["marginMode"]) == (6, "REGULAR_MARGIN")
    mode = "/v5/account/set-margin-mode"
    assert (await venue.post(mode, setMarginMode="PORTFOLIO_MARGIN")).code == 10001
    assert (await venue.post(mode, setMarginMode="ISOLATED_MARGIN")).code == 0
    assert (await venue.get("/v5/account/info")).result["marginMode"] == "ISOLATED_MARGIN"
    hold(venue.exchange, "ETHUSDT", "1")
    assert (await venue.post(mode, setMarginMode="REGULAR_MARGIN")).code == 3400045
    assert (await venue.get("/v5/account/info")).result["marginMode"] == "ISOLATED_MARGIN"


async def test_leverage_is_set_for_both_sides_at_once(venue: Venue) -> None:
    path = "/v5/position/set-leverage"
    both = {"category": "linear", "symbol": BTC}
    codes = []
    for buy, sell in [("20", "20"), ("20", "20"), ("20", "10"), ("101", "101"), ("2.5", "2.5"), ("x", "x")]:
        codes.append((await venue.post(path, buyLeverage=buy, sellLeverage=sell, **both)).code)
    assert codes == [0, 110043, 10001, 110013, 10001, 10001]
    assert venue.exchange.leverage(ACCOUNT, BTC) == 20


async def test_lagging_reads_show_what_was_and_pretended_emptiness_keeps_the_shape(venue: Venue) -> None:
    hold(venue.exchange, BTC, "1")
    venue.pass_time(500)
    await venue.filled(BTC, "Sell", "1", reduceOnly=True)
    venue.conditions = Conditions(read_lag_ms=400)
    assert [row["size"] for row in await venue.positions()] == ["1.000"]
    assert (await venue.get("/v5/position/closed-pnl", category="linear")).rows == []
    venue.pass_time(400)
    assert await venue.positions() == []
    hold(venue.exchange, BTC, "1")
    venue.conditions = Conditions(pretend_empty=True)
    reply = await venue.get("/v5/position/list", **LINEAR)
    assert reply.result == {"nextPageCursor": "", "category": "linear", "list": []}
