"""Unmodified ccxt.pro on the four wires: it watches the account over sockets while REST orders are sent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxt
import pytest

from bastion.embedded import paper_credential
from tests.paper_process import PaperProcess, paper_exchange
from tests.wires_rig import WIRES, world

WAIT_S = 25.0
SIZE = Decimal("0.5")
SYMBOLS = {"hyperliquid": "BTCUSDT/USDC:USDC"}


@pytest.fixture(scope="module")
def four_wires() -> Iterator[PaperProcess]:
    with paper_exchange() as paper:
        paper.control.load_scenario(world())
        yield paper


@asynccontextmanager
async def watcher(paper: PaperProcess, venue: str) -> AsyncIterator[Any]:
    """ccxt.pro with the wire's base URLs and the account's keys, and without its throttle for speed."""
    name = {"binance": "binanceusdm"}.get(venue, venue)
    client = getattr(ccxt, name)({**paper_credential(venue), "enableRateLimit": False})
    base = paper.base_url(venue)
    rest, sockets = client.urls["api"], base.replace("http://", "ws://")
    for key, url in list(rest.items()):
        if venue == "binance" and isinstance(url, str):
            for host in ("https://fapi.binance.com", "https://api.binance.com"):
                rest[key] = rest[key].replace(host, base)
        elif key != "ws" and venue != "binance" and (venue != "okx" or key == "rest"):
            rest[key] = base
    if venue == "binance":
        rest["ws"]["linear"] = f"{sockets}/ws"
    elif venue == "bybit":
        rest["ws"]["public"]["linear"] = f"{sockets}/v5/public/linear"
        rest["ws"]["private"]["contract"] = rest["ws"]["private"]["usdc"] = f"{sockets}/v5/private"
        rest["ws"]["private"]["spot"]["unified"] = f"{sockets}/v5/private"
    elif venue == "okx":
        rest["ws"] = f"{sockets}/ws/v5"
    else:
        rest["ws"]["public"] = f"{sockets}/ws"
    try:
        yield client
    finally:
        await client.close()


async def until(watch: Any, wanted: Any) -> Any:  # noqa: ANN401 - ccxt's own
    """Watch again and again until something wanted is told."""
    while True:
        told = await watch()
        rows = told if isinstance(told, list) else [told]
        for row in rows:
            if wanted(row):
                return row


@pytest.mark.parametrize("venue", WIRES)
async def test_ccxt_pro_sees_over_sockets_what_its_rest_orders_did(
    four_wires: PaperProcess, venue: str
) -> None:
    symbol = SYMBOLS.get(venue, "BTC/USDT:USDT")
    async with watcher(four_wires, venue) as client, asyncio.timeout(WAIT_S):
        await client.load_markets()
        async with asyncio.TaskGroup() as watching:
            orders = watching.create_task(until(client.watch_orders, lambda row: row["status"] == "closed"))
            trades = watching.create_task(until(client.watch_my_trades, lambda row: row["symbol"] == symbol))
            opened = watching.create_task(
                until(client.watch_positions, lambda row: row["symbol"] == symbol and row["contracts"])
            )
            balance = watching.create_task(client.watch_balance())
            mark = watching.create_task(_mark_price(client, venue, symbol))
            sent = await _trade_until_told(client, symbol, venue, {orders, trades, opened, balance, mark})
        assert str(orders.result()["id"]) in sent
        assert Decimal(str(orders.result()["filled"])) == SIZE
        assert str(trades.result()["order"]) in sent
        assert (opened.result()["side"], Decimal(str(opened.result()["contracts"])) % SIZE) == (
            "long",
            Decimal(0),
        )
        assert balance.result()["USDC" if venue == "hyperliquid" else "USDT"]["total"] > 0
        assert mark.result() == 1000
        async with asyncio.TaskGroup() as watching:
            closed = watching.create_task(until(client.watch_orders, lambda row: row["side"] == "sell"))
            everything = float(SIZE * len(sent))
            order = await _order(client, symbol, venue, "sell", everything)
        assert str(closed.result()["id"]) == order
    assert four_wires.control.positions(venue) == {}


async def _trade_until_told(
    client: Any,  # noqa: ANN401 - ccxt's own
    symbol: str,
    venue: str,
    watching: set[asyncio.Task[Any]],
) -> list[str]:
    """Buy, and buy again as long as a subscription that came behind the order keeps a watcher waiting."""
    sent: list[str] = []
    left = watching
    while left:
        sent.append(await _order(client, symbol, venue, "buy", float(SIZE)))
        _, left = await asyncio.wait(left, timeout=1)
    return sent


async def _order(client: Any, symbol: str, venue: str, side: str, size: float) -> str:  # noqa: ANN401 - ccxt's own
    params: dict[str, object] = {"slippage": "0.02"} if venue == "hyperliquid" else {}
    if side == "sell":
        params["reduceOnly"] = True
    sent = await client.create_order(symbol, "market", side, size, price=1000, params=params)
    return str(sent["id"])


async def _mark_price(client: Any, venue: str, symbol: str) -> float:  # noqa: ANN401 - ccxt's own
    if venue in {"binance", "okx"}:
        return float((await client.watch_mark_price(symbol))["markPrice"])
    return float((await client.watch_ticker(symbol))["info"].get("markPrice") or _mark_of(client, symbol))


def _mark_of(client: Any, symbol: str) -> float:  # noqa: ANN401 - ccxt's own
    return float(client.tickers[symbol]["info"]["markPx"])
