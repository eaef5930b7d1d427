"""A bot on unmodified ccxt opens again after flat: the same exit closes it, and names whose it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest

from bastion.commands import emergency_exit, exit_status
from bastion.domain.records import ExitJudged, LegReopened
from bastion.domain.verdict import Verdict
from bastion.embedded import paper_credential
from tests.wires_rig import OWNER, WIRES, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
HOLD_S = Decimal(4)
CLASSES = {
    "binance": ccxt.binanceusdm,
    "bybit": ccxt.bybit,
    "hyperliquid": ccxt.hyperliquid,
    "okx": ccxt.okx,
}
# OKX takes letters and digits alone, Hyperliquid 32 hexadecimal digits.
IDS = {
    "binance": "gridbot-0001",
    "bybit": "gridbot-0001",
    "hyperliquid": "0x" + b"gridbot-00000001".hex(),
    "okx": "gridbot0001",
}
PREFIXES = {"binance": "gridbot-", "bybit": "gridbot-", "hyperliquid": "0x67726964", "okx": "gridbot000"}


@asynccontextmanager
async def bot_at(wires: WiresRig, venue: str) -> AsyncIterator[Any]:
    url = next(str(one.base_url) for one in wires.paper.accounts if one.venue == venue)
    client = CLASSES[venue]({**paper_credential(venue), "enableRateLimit": False})
    for name, known in client.urls["api"].items():
        if venue == "binance" and isinstance(known, str):
            for host in ("https://fapi.binance.com", "https://api.binance.com"):
                client.urls["api"][name] = client.urls["api"][name].replace(host, url)
        elif venue != "binance":
            client.urls["api"][name] = url
    client.options["builderFee"] = False
    try:
        yield client
    finally:
        await client.close()


async def reopen(bot: Any, venue: str) -> None:  # noqa: ANN401 - ccxt ships no types
    (symbol,) = [name for name in bot.markets if name.startswith("BTC")]
    price = 1_000 if venue == "hyperliquid" else None
    await bot.create_order(symbol, "market", "buy", 1, price, {"clientOrderId": IDS[venue]})


async def test_a_reopening_within_the_hold_is_closed_again_by_the_same_exit(wires: WiresRig) -> None:
    await wires.hold("2")
    async with AsyncExitStack() as stack:
        bots = {venue: await stack.enter_async_context(bot_at(wires, venue)) for venue in WIRES}
        for bot in bots.values():
            await bot.load_markets()
        report = await emergency_exit(wires.desk, OWNER, hold_s=HOLD_S)
        assert report.verdict is Verdict.FLAT
        assert report.held_until is not None
        running = wires.desk.exit_of(report.exit_id)
        assert running is not None
        async with asyncio.TaskGroup() as group:
            for venue, bot in bots.items():
                group.create_task(reopen(bot, venue))
    async with asyncio.timeout(60):
        await running.ended.wait()
    told = await exit_status(wires.desk, OWNER, report.exit_id)
    assert told.verdict is Verdict.FLAT, told.summary
    assert await wires.held() == {}
    assert told.held_until is not None
    assert told.held_until > report.held_until
    named = {row.exchange: (row.direction, row.quantity, row.by) for row in told.reopened}
    assert named == {venue: ("LONG", Decimal(1), (PREFIXES[venue],)) for venue in WIRES}
    assert any("'gridbot-'; stop what sends them" in line for line in told.warnings)
    records = [entry.record for entry in wires.desk.journal.entries(report.exit_id)]
    again = [number for number, one in enumerate(records) if isinstance(one, LegReopened)]
    verdicts = [number for number, one in enumerate(records) if isinstance(one, ExitJudged)]
    # Flat, taken back, and flat once more: nobody reads the first verdict as the last.
    assert verdicts[0] < again[0] < verdicts[-1]
