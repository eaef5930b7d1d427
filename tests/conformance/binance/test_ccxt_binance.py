"""Unmodified ccxt trades on the Binance wire."""

from decimal import Decimal

import ccxt.async_support as ccxt
import pytest

from tests.paper_clients import binance_client
from tests.paper_process import PaperProcess

BTC, SOL = "BTC/USDT:USDT", "SOL/USDT:USDT"


async def test_load_markets_reads_steps_limits_and_precision(binance: ccxt.binanceusdm) -> None:
    markets = await binance.load_markets()
    assert set(markets) == {BTC, SOL}
    btc = markets[BTC]
    assert btc["linear"] is True
    assert btc["contractSize"] == 1
    assert btc["limits"]["amount"] == {"min": 0.001, "max": 1000.0}
    assert btc["limits"]["market"] == {"min": 0.001, "max": 120.0}
    assert btc["limits"]["cost"]["min"] == 100
    assert btc["precision"] == {"amount": 0.001, "price": 0.1, "base": 1e-08, "quote": 1e-08}


async def test_positions_show_size_entry_mark_and_result(binance: ccxt.binanceusdm) -> None:
    rows = {row["symbol"]: row for row in await binance.fetch_positions()}
    assert set(rows) == {BTC, SOL}
    btc = rows[BTC]
    assert (btc["contracts"], btc["side"], btc["entryPrice"]) == (0.5, "long", 94500.0)
    assert (btc["markPrice"], btc["unrealizedPnl"], btc["hedged"]) == (91200.0, -1650.0, False)
    # A long's liquidation price lies below its mark, or is absent when the balance covers all of it.
    assert btc["liquidationPrice"] is None or btc["liquidationPrice"] < 91200


async def test_balance_adds_wallet_and_open_result(binance: ccxt.binanceusdm) -> None:
    balance = await binance.fetch_balance()
    assert balance["USDT"]["total"] == 100_000 - 1_650 - 120
    assert balance["USDT"]["used"] == 4_560 + 570
    assert balance["info"]["totalWalletBalance"] == "100000.00000000"


async def test_a_reduce_only_market_close_fills_at_the_mark_and_realises_the_result(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    order = await binance.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True})
    assert (order["status"], order["filled"], order["average"], order["reduceOnly"]) == (
        "closed",
        0.5,
        91200.0,
        True,
    )
    trades = await binance.fetch_my_trades(BTC)
    assert [row["info"]["realizedPnl"] for row in trades][-1] == "-1650.00000000"
    assert paper.control.positions("binance") == {"SOLUSDT": "40"}


async def test_orders_rest_can_be_listed_fetched_and_cancelled(binance: ccxt.binanceusdm) -> None:
    placed = await binance.create_order(SOL, "limit", "sell", 10, 143.0, {"reduceOnly": True})
    assert placed["status"] == "open"
    assert [row["id"] for row in await binance.fetch_open_orders(SOL)] == [placed["id"]]
    fetched = await binance.fetch_order(placed["id"], SOL)
    assert (fetched["price"], fetched["amount"], fetched["status"]) == (143.0, 10.0, "open")
    assert (await binance.cancel_order(placed["id"], SOL))["status"] == "canceled"
    assert await binance.fetch_open_orders(SOL) == []
    assert (await binance.fetch_order(placed["id"], SOL))["status"] == "canceled"


async def test_an_order_is_found_by_its_client_id(binance: ccxt.binanceusdm) -> None:
    await binance.create_order(SOL, "limit", "sell", 10, 143.0, {"clientOrderId": "exit-1.a:b/c"})
    fetched = await binance.fetch_order("", SOL, {"origClientOrderId": "exit-1.a:b/c"})
    assert fetched["clientOrderId"] == "exit-1.a:b/c"


async def test_batches_answer_each_order_on_its_own(binance: ccxt.binanceusdm, paper: PaperProcess) -> None:
    reduce_only = {"reduceOnly": True, "newOrderRespType": "RESULT"}
    orders = await binance.create_orders(
        [
            {"symbol": BTC, "type": "market", "side": "sell", "amount": 0.5, "params": reduce_only},
            {"symbol": BTC, "type": "market", "side": "buy", "amount": 0.5, "params": reduce_only},
            {"symbol": SOL, "type": "market", "side": "sell", "amount": 40, "params": reduce_only},
        ]
    )
    # ccxt sorts the answers by time, so that the refused one, which has none, comes first.
    assert sorted(order["status"] for order in orders) == ["closed", "closed", "rejected"]
    assert [order["info"]["code"] for order in orders if order["status"] == "rejected"] == [-2022]
    assert paper.control.positions("binance") == {}


async def test_several_orders_are_cancelled_by_one_call(binance: ccxt.binanceusdm) -> None:
    placed = [await binance.create_order(SOL, "limit", "sell", 10, 143.0 + n) for n in range(3)]
    told = await binance.cancel_orders([row["id"] for row in placed[:2]], SOL)
    assert [row["status"] for row in told] == ["canceled", "canceled"]
    assert [row["id"] for row in await binance.fetch_open_orders(SOL)] == [placed[2]["id"]]


async def test_cancel_all_takes_working_orders_and_leaves_conditional_ones(
    binance: ccxt.binanceusdm,
) -> None:
    await binance.create_order(SOL, "limit", "sell", 10, 143.0)
    await binance.create_order(SOL, "market", "sell", 40, None, {"stopLossPrice": 130, "reduceOnly": True})
    await binance.cancel_all_orders(SOL)
    assert await binance.fetch_open_orders(SOL) == []
    assert len(await binance.fetch_open_orders(SOL, params={"trigger": True})) == 1
    await binance.cancel_all_orders(SOL, {"trigger": True})
    assert await binance.fetch_open_orders(SOL, params={"trigger": True}) == []


async def test_open_orders_of_all_symbols_come_in_one_call(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    binance.options["fetchOpenOrders"] = {"warnWithoutSymbol": False}
    await binance.create_order(SOL, "limit", "sell", 10, 143.0)
    await binance.create_order(BTC, "limit", "sell", 0.1, 92000.0)
    assert {row["symbol"] for row in await binance.fetch_open_orders()} == {BTC, SOL}
    logged = paper.control.requests(path="/fapi/v1/openOrders")[-1]
    assert "symbol" not in logged["parameters"]


async def test_a_stop_triggers_and_closes(binance: ccxt.binanceusdm, paper: PaperProcess) -> None:
    stop = await binance.create_order(
        SOL, "market", "sell", 40, None, {"stopLossPrice": 141, "reduceOnly": True}
    )
    paper.control.set_price("binance", "SOLUSDT", "140.9")
    assert paper.control.positions("binance") == {"BTCUSDT": "0.5"}
    assert (await binance.fetch_order(stop["id"], SOL, {"trigger": True}))["info"]["algoStatus"] == "FINISHED"
    assert await binance.fetch_open_orders(SOL, params={"trigger": True}) == []


async def test_a_take_profit_for_the_whole_position_triggers(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    await binance.create_order(
        BTC, "market", "sell", None, None, {"takeProfitPrice": 95000, "closePosition": True}
    )
    paper.control.set_price("binance", "BTCUSDT", "95100")
    assert paper.control.positions("binance") == {"SOLUSDT": "40"}


async def test_hedge_mode_closes_by_position_side(paper: PaperProcess) -> None:
    paper.control.add_account("binance", "hedger", position_mode="hedge", balances={"USDT": "50000"})
    paper.control.add_position("binance", "SOLUSDT", "10", account="hedger", side="LONG")
    paper.control.add_position("binance", "SOLUSDT", "-4", account="hedger", side="SHORT")
    client = binance_client(paper, "paper-binance-hedger-key", "paper-binance-hedger-secret")
    try:
        sides = {row["side"]: row["contracts"] for row in await client.fetch_positions()}
        assert sides == {"long": 10.0, "short": 4.0}
        await client.create_order(SOL, "market", "sell", 10, None, {"hedged": True, "reduceOnly": True})
        await client.create_order(SOL, "market", "buy", 4, None, {"hedged": True, "reduceOnly": True})
        assert await client.fetch_positions() == []
    finally:
        await client.close()


async def test_the_position_mode_changes_only_when_the_account_is_idle(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    with pytest.raises(ccxt.BaseError, match="-4068"):
        await binance.set_position_mode(True)
    paper.control.add_account("binance", "idle", balances={"USDT": "10"})
    client = binance_client(paper, "paper-binance-idle-key", "paper-binance-idle-secret")
    try:
        await client.set_position_mode(True)
        assert (await client.fetch_position_mode())["hedged"] is True
        with pytest.raises(ccxt.BaseError, match="-4059"):
            await client.set_position_mode(True)
    finally:
        await client.close()


async def test_leverage_and_margin_mode_are_settings_of_a_symbol(binance: ccxt.binanceusdm) -> None:
    assert (await binance.set_leverage(5, SOL))["leverage"] == 5
    rows = {row["symbol"]: row for row in await binance.fetch_positions()}
    assert rows[SOL]["initialMargin"] == 1140
    with pytest.raises(ccxt.BaseError, match="-4048"):
        await binance.set_margin_mode("isolated", SOL)


async def test_tickers_books_and_marks_show_the_synthetic_market(binance: ccxt.binanceusdm) -> None:
    ticker = await binance.fetch_ticker(BTC)
    assert ticker["last"] == 91200
    book = await binance.fetch_order_book(BTC, 5)
    assert book["bids"][0] == [91200.0, 50.0]
    assert book["asks"][0] == [91200.1, 50.0]
    assert set(await binance.fetch_tickers()) == {BTC, SOL}
    assert (await binance.fetch_mark_price(BTC))["markPrice"] == 91200
    assert (await binance.fetch_bids_asks([BTC]))[BTC]["bid"] == 91200
    assert (await binance.fetch_last_prices([SOL]))[SOL]["price"] == 142.5


async def test_history_fees_and_income_can_be_read(binance: ccxt.binanceusdm) -> None:
    await binance.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True})
    assert [row["status"] for row in await binance.fetch_orders(BTC)][-1] == "closed"
    income = await binance.fapiPrivateGetIncome({"incomeType": "REALIZED_PNL"})
    assert [Decimal(row["income"]) for row in income] == [Decimal(-1650)]
    fee = await binance.fetch_trading_fee(BTC)
    assert (fee["maker"], fee["taker"]) == (0, 0)
    assert (await binance.fetch_leverage(BTC))["longLeverage"] == 10
    assert (await binance.fetch_time()) > 0


async def test_the_rights_of_a_key_can_be_read(binance: ccxt.binanceusdm, paper: PaperProcess) -> None:
    rights = await binance.sapiGetAccountApiRestrictions()
    assert (rights["enableFutures"], rights["enableWithdrawals"], rights["enableReading"]) == (
        True,
        False,
        True,
    )
    paper.control.add_account("binance", "open", permissions=["read", "trade", "withdraw"])
    client = binance_client(paper, "paper-binance-open-key", "paper-binance-open-secret")
    try:
        assert (await client.sapiGetAccountApiRestrictions())["enableWithdrawals"] is True
    finally:
        await client.close()


async def test_an_order_can_be_amended(binance: ccxt.binanceusdm) -> None:
    placed = await binance.create_order(SOL, "limit", "sell", 10, 143.0)
    amended = await binance.edit_order(placed["id"], SOL, "limit", "sell", 12, 144.0)
    assert (amended["amount"], amended["price"], amended["id"]) == (12.0, 144.0, placed["id"])
