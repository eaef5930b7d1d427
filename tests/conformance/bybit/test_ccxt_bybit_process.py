"""Unmodified ccxt against Bybit's wire in a paper exchange process: the seed scenario, and what faults do."""

from collections.abc import AsyncIterator

import ccxt
import pytest
from ccxt.async_support import bybit

from tests.bybit_rig import ccxt_client, until
from tests.paper_process import PaperProcess

ETH, AVAX = "ETH/USDT:USDT", "AVAX/USDT:USDT"
REDUCE = {"reduceOnly": True}


@pytest.fixture
async def client(paper: PaperProcess) -> AsyncIterator[bybit]:
    keys = {"apiKey": "paper-bybit-key", "secret": "paper-bybit-secret", "timeout": 3_000}
    async with ccxt_client(paper.base_url("bybit"), **keys) as connected:
        yield connected


async def test_the_seed_positions_close_at_their_prices_and_realise_their_results(
    paper: PaperProcess, client: bybit
) -> None:
    rows = {row["symbol"]: row for row in await client.fetch_positions()}
    assert {name: (row["side"], row["contracts"]) for name, row in rows.items()} == {
        ETH: ("short", 3.0),
        AVAX: ("long", 100.0),
    }
    assert [rows[name]["entryPrice"] for name in (ETH, AVAX)] == [3_440.0, 34.8]
    await client.create_order(ETH, "market", "buy", 3, None, REDUCE)
    await client.create_order(AVAX, "market", "sell", 100, None, REDUCE)
    await until(lambda: is_flat(client))
    closed = (await client.private_get_v5_position_closed_pnl({"category": "linear"}))["result"]["list"]
    shown = {row["symbol"]: (row["avgEntryPrice"], row["avgExitPrice"], row["closedPnl"]) for row in closed}
    assert shown == {"ETHUSDT": ("3440", "3380", "180"), "AVAXUSDT": ("34.8", "38.2", "340")}
    assert paper.control.positions("bybit") == {}


async def test_a_timeout_answer_may_hide_an_order_that_was_executed(
    paper: PaperProcess, client: bybit
) -> None:
    await client.load_markets()
    paper.control.fault(
        "fail", venue="bybit", path="/v5/order/create", executed=True, failure="unknown_status", count=1
    )
    with pytest.raises(ccxt.ExchangeError, match="10000"):
        await client.create_order(ETH, "market", "buy", 3, None, REDUCE)
    await until(lambda: no_longer_held(client, ETH))
    with pytest.raises(ccxt.InvalidOrder, match="110017"):
        await client.create_order(ETH, "market", "buy", 3, None, REDUCE)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("unavailable", ccxt.ExchangeNotAvailable),
        ("overloaded", ccxt.ExchangeError),
        ("rate_limited", ccxt.RateLimitExceeded),
        ("banned", ccxt.RateLimitExceeded),
        ("internal_error", ccxt.ExchangeError),
    ],
)
async def test_a_failure_that_executed_nothing_leaves_the_position(
    paper: PaperProcess, client: bybit, failure: str, error: type[Exception]
) -> None:
    await client.load_markets()
    await client.is_unified_enabled()
    paper.control.fault("fail", venue="bybit", path="/v5/order/create", failure=failure, count=1)
    with pytest.raises(error):
        await client.create_order(ETH, "market", "buy", 3, None, REDUCE)
    assert paper.control.positions("bybit") == {"ETHUSDT": "-3", "AVAXUSDT": "100"}


async def test_partial_fills_and_pretended_emptiness_bend_what_is_seen(
    paper: PaperProcess, client: bybit
) -> None:
    await client.load_markets()
    paper.control.fault("partial_fill", venue="bybit", path="/v5/order/create", ratio="0.5", count=1)
    order = await client.create_order(AVAX, "market", "sell", 100, None, REDUCE)
    await until(lambda: is_done(client, order["id"]))
    assert float(paper.control.positions("bybit")["AVAXUSDT"]) == 50
    paper.control.fault("empty", venue="bybit", path="/v5/position/list", count=1)
    assert await client.fetch_positions() == []
    assert len(await client.fetch_positions()) == 2


async def test_lagging_positions_still_show_what_is_closed(paper: PaperProcess, client: bybit) -> None:
    paper.control.fault("lag", venue="bybit", path="/v5/position/list", lag_ms=1_500)
    await until(lambda: held(client, AVAX))
    await client.create_order(AVAX, "market", "sell", 100, None, REDUCE)
    await until(lambda: truly_gone(paper, "AVAXUSDT"))
    assert await held(client, AVAX)
    await until(lambda: no_longer_held(client, AVAX))


async def test_the_request_log_names_the_account_and_what_was_executed(
    paper: PaperProcess, client: bybit
) -> None:
    await client.create_order(ETH, "market", "buy", 3, None, REDUCE)
    await until(lambda: no_longer_held(client, ETH))
    (row,) = paper.control.requests(venue="bybit", path="/v5/order/create")
    assert row["account"] == "main"
    assert "BUY 3 ETHUSDT" in " ".join(row["executed"])


async def is_flat(client: bybit) -> bool:
    return not await client.fetch_positions()


async def held(client: bybit, symbol: str) -> bool:
    return symbol in [row["symbol"] for row in await client.fetch_positions()]


async def no_longer_held(client: bybit, symbol: str) -> bool:
    return not await held(client, symbol)


async def is_done(client: bybit, order_id: str) -> bool:
    found = await client.fetch_order(order_id, AVAX, {"acknowledged": True})
    return str(found["status"]) == "canceled"


async def truly_gone(paper: PaperProcess, symbol: str) -> bool:
    return symbol not in paper.control.positions("bybit")
