"""Liquidation and auto-deleveraging by each venue's own markers, as unmodified ccxt and adapters see them."""

from collections.abc import Mapping
from typing import Any

import pytest

from bastion.clock import SystemClock
from bastion.domain.order import Cause
from tests.venue_ccxt import ccxt_client
from tests.venue_paper import WAIT_S, PaperRig, named, scenario

MARKERS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("binance", "liquidation"): {"clientOrderId": "autoclose-", "autoCloseType": "LIQUIDATION"},
    ("binance", "adl"): {"clientOrderId": "adl_autoclose", "autoCloseType": "ADL"},
    ("bybit", "liquidation"): {"execType": "BustTrade", "createType": "CreateByLiq"},
    ("bybit", "adl"): {"execType": "AdlTrade", "createType": "CreateByAdl_PassThrough"},
    ("okx", "liquidation"): {"category": "full_liquidation", "subType": "107", "type": "3"},
    ("okx", "adl"): {"category": "adl", "subType": "128", "type": "6"},
    ("hyperliquid", "liquidation"): {"dir": "Liquidated Cross Long", "method": "market"},
    ("hyperliquid", "adl"): {"dir": "Auto-Deleveraging"},
}


async def force(rig: PaperRig, kind: str) -> None:
    await rig.load(scenario(rig.name, ["BTCUSDT"]))
    await rig.hold("BTCUSDT", "2", entry="900")
    await rig.rest("BTCUSDT", "BUY", "1", price="990")
    body = {"venue": rig.name, "symbol": named(rig.name, "BTCUSDT"), "kind": kind}
    await rig.paper.control("POST", "/forced", body)


async def raw(client: Any, venue: str, marker: Mapping[str, str]) -> dict[str, str]:  # noqa: ANN401 - ccxt ships no types
    """The first row of each page that tells of it, its fields together."""
    if venue == "binance":
        (order,) = await client.fapiPrivateGetForceOrders({"autoCloseType": marker["autoCloseType"]})
        return {**order, "autoCloseType": marker["autoCloseType"]}
    if venue == "bybit":
        asked = {"category": "linear", "symbol": "BTCUSDT"}
        executions = await client.privateGetV5ExecutionList({**asked, "execType": marker["execType"]})
        (closed,) = (await client.privateGetV5PositionClosedPnl(asked))["result"]["list"]
        (execution,) = executions["result"]["list"]
        assert closed["execType"] == execution["execType"]
        assert execution["orderLinkId"] == ""
        return dict(execution)
    if venue == "okx":
        kind = {"instType": "SWAP"}
        orders = (await client.privateGetTradeOrdersHistory(kind))["data"]
        (order,) = [row for row in orders if row["category"] != "normal"]
        fills = (await client.privateGetTradeFills({**kind, "ordId": order["ordId"]}))["data"]
        (life,) = (await client.privateGetAccountPositionsHistory(kind))["data"]
        return {"category": order["category"], "subType": fills[0]["subType"], "type": life["type"]}
    fill = (await client.publicPostInfo({"type": "userFills", "user": client.walletAddress}))[0]
    return {**fill, **fill.get("liquidation", {})}


@pytest.mark.parametrize("kind", ["liquidation", "adl"])
async def test_what_the_venue_closed_carries_the_venues_own_marker(exchange: PaperRig, kind: str) -> None:
    await force(exchange, kind)
    marker = MARKERS[exchange.name, kind]
    async with ccxt_client(exchange) as client:
        told = await raw(client, exchange.name, marker)
    assert {name: told[name][: len(value)] for name, value in marker.items()} == marker
    assert (await exchange.truth())["open_orders"] == [], "its orders were cancelled with it"


@pytest.mark.parametrize("kind", [Cause.LIQUIDATION, Cause.ADL])
async def test_the_adapter_tells_it_from_any_other_execution(exchange: PaperRig, kind: Cause) -> None:
    await exchange.load(scenario(exchange.name, ["BTCUSDT"]))
    since_ms = SystemClock().now_ns() // 1_000_000 - 60_000
    await exchange.hold("BTCUSDT", "2", entry="900")
    (position,) = await exchange.positions()
    body = {"venue": exchange.name, "symbol": named(exchange.name, "BTCUSDT"), "kind": kind.value}
    await exchange.paper.control("POST", "/forced", body)
    fills = await exchange.venue.fills([position], since_ms=since_ms, deadline_s=WAIT_S)
    assert [fill.cause for fill in fills] == [None, kind]
    assert fills[1].realized_pnl_usd == 200
