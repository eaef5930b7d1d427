"""Unmodified ccxt protects positions through the algo service of the Binance wire."""

import ccxt.async_support as ccxt
import pytest

from tests.paper_process import PaperProcess

BTC, SOL = "BTC/USDT:USDT", "SOL/USDT:USDT"
WHOLE = {"closePosition": True, "workingType": "MARK_PRICE"}


async def test_only_one_stop_may_close_the_whole_position_in_a_direction(binance: ccxt.binanceusdm) -> None:
    await binance.create_order(BTC, "STOP_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 90_000})
    with pytest.raises(ccxt.BaseError, match="-4130"):
        await binance.create_order(BTC, "STOP_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 90_500})
    # One of the position's size may stand beside it, and so may a take profit of the whole.
    sized = {"stopPrice": 90_500, "workingType": "MARK_PRICE", "reduceOnly": True}
    await binance.create_order(BTC, "STOP_MARKET", "sell", 0.5, None, sized)
    await binance.create_order(BTC, "TAKE_PROFIT_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 95_000})
    rows = await binance.fetch_open_orders(BTC, params={"trigger": True})
    assert sorted(float(row["info"]["triggerPrice"]) for row in rows) == [90_000, 90_500, 95_000]
    assert [row["info"]["closePosition"] for row in rows].count(True) == 2


async def test_two_stops_that_only_reduce_close_once_and_never_flip(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    await binance.create_order(BTC, "STOP_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 90_000})
    sized = {"stopPrice": 90_500, "workingType": "MARK_PRICE", "reduceOnly": True}
    await binance.create_order(BTC, "STOP_MARKET", "sell", 0.5, None, sized)
    paper.control.set_price("binance", "BTCUSDT", "89000")
    assert paper.control.positions("binance") == {"SOLUSDT": "40"}


async def test_a_stop_beyond_the_mark_is_refused(binance: ccxt.binanceusdm) -> None:
    with pytest.raises(ccxt.BaseError, match="-2021"):
        await binance.create_order(BTC, "STOP_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 99_000})


async def test_the_mark_fires_a_stop_that_watches_it_and_not_one_that_watches_trades(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    await binance.create_order(SOL, "STOP_MARKET", "sell", None, None, {**WHOLE, "stopPrice": 140})
    last = {"closePosition": True, "workingType": "CONTRACT_PRICE", "stopPrice": 90_000}
    await binance.create_order(BTC, "STOP_MARKET", "sell", None, None, last)
    paper.control.set_price("binance", "SOLUSDT", "139")
    assert paper.control.positions("binance") == {"BTCUSDT": "0.5"}


async def test_an_order_that_another_bot_placed_tells_its_type(
    binance: ccxt.binanceusdm, paper: PaperProcess
) -> None:
    paper.control.place_order(
        "binance",
        symbol="BTCUSDT",
        direction="SELL",
        quantity="0.5",
        trigger_price="90000",
        trigger_when="FALLS_TO",
        reduce_only=True,
    )
    paper.control.place_order(
        "binance",
        symbol="BTCUSDT",
        direction="SELL",
        quantity="0.1",
        trigger_price="95000",
        trigger_when="RISES_TO",
        reduce_only=True,
    )
    rows = await binance.fetch_open_orders(BTC, params={"trigger": True})
    assert {row["info"]["orderType"] for row in rows} == {"STOP_MARKET", "TAKE_PROFIT_MARKET"}


async def test_a_commission_rate_is_read(binance: ccxt.binanceusdm) -> None:
    fee = await binance.fetch_trading_fee(BTC)
    assert (fee["maker"], fee["taker"]) == (0.0, 0.0)
