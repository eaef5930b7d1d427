"""A scripted Hyperliquid on a real socket: it answers as a test tells it to, and notes what came."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.money import Price, Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position, Side
from bastion.errors import VenueError
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from tests.hyperliquid_rig import MASTER, private_key

Body = dict[str, Any]
Responder = Callable[[Body], Awaitable[web.StreamResponse]]

ROLE, STATE, ORDERS, DEXES = "userRole", "clearinghouseState", "frontendOpenOrders", "perpDexs"
META, STATUS, FILLS, BY_TIME, SPOT, TWAPS = (
    "metaAndAssetCtxs",
    "orderStatus",
    "userFills",
    "userFillsByTime",
    "spotClearinghouseState",
    "twapHistory",
)


def say(value: object, status: int = 200) -> Responder:
    async def respond(_body: Body) -> web.StreamResponse:
        return web.json_response(value, status=status)

    return respond


def raw(text: str, status: int = 200) -> Responder:
    async def respond(_body: Body) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type="application/json")

    return respond


def hang() -> Responder:
    async def respond(_body: Body) -> web.StreamResponse:
        await asyncio.sleep(30)  # Far beyond every deadline that a test gives.
        return web.Response()

    return respond


def state(*positions: Body, value: str = "1000.0", total: str | None = None) -> Body:
    worth = sum((Decimal(row["positionValue"]) for row in positions), Decimal(0))
    summary = {
        "accountValue": value,
        "totalNtlPos": total if total is not None else str(worth),
        "totalRawUsd": "0.0",
        "totalMarginUsed": "0.0",
    }
    return {
        "assetPositions": [{"type": "oneWay", "position": row} for row in positions],
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": value,
        "time": SystemClock().now_ns() // 1_000_000,
    }


def held(coin: str, size: str, price: str = "1000") -> Body:
    return {
        "coin": coin,
        "szi": size,
        "entryPx": price,
        "positionValue": str(abs(Decimal(size)) * Decimal(price)),
        "unrealizedPnl": "0.0",
        "leverage": {"type": "cross", "value": 10},
        "liquidationPx": None,
        "marginUsed": "10.0",
        "maxLeverage": 40,
    }


def order_row(coin: str, oid: int, **changes: object) -> Body:
    return {
        "coin": coin,
        "side": "A",
        "limitPx": "1100.0",
        "sz": "1.0",
        "oid": oid,
        "timestamp": 1,
        "isTrigger": False,
        "isPositionTpsl": False,
        "reduceOnly": True,
        "origSz": "1.0",
        "cloid": None,
        **changes,
    }


def statuses(*items: object) -> Body:
    return {"status": "ok", "response": {"type": "order", "data": {"statuses": list(items)}}}


def filled(size: str = "1.0", oid: int = 77, price: str = "1000.5") -> Body:
    return {"filled": {"totalSz": size, "avgPx": price, "oid": oid}}


def by_dex(**answers: object) -> Responder:
    """Answer by the dex that is asked for; `main` is the validators' own."""

    async def respond(body: Body) -> web.StreamResponse:
        return web.json_response(answers[body.get("dex") or "main"])

    return respond


def fill_row(tid: int, time: int, **changes: object) -> Body:
    return {
        "coin": "BTC",
        "px": "1000.5",
        "sz": "0.5",
        "side": "A",
        "time": time,
        "startPosition": "1.0",
        "dir": "Close Long",
        "closedPnl": "12.5",
        "oid": 77,
        "fee": "0.25",
        "builderFee": "0.05",
        "feeToken": "USDC",
        "tid": tid,
        **changes,
    }


def by_user(roles: Mapping[str, object]) -> Responder:
    """Answer by the address that is asked about."""

    async def respond(body: Body) -> web.StreamResponse:
        return web.json_response(roles[body["user"]])

    return respond


async def _fill_all(body: Body) -> web.StreamResponse:
    items = [filled(order["s"], 70 + place) for place, order in enumerate(body["action"]["orders"])]
    return web.json_response(statuses(*items))


async def _cancel_all(body: Body) -> web.StreamResponse:
    return web.json_response(statuses(*["success" for _ in body["action"]["cancels"]]))


async def _now(_body: Body) -> web.StreamResponse:
    return web.json_response({"time": SystemClock().now_ns() // 1_000_000, "specialStatuses": None})


def universe(*coins: str, token: int = 0) -> list[object]:
    rows = [{"name": coin, "szDecimals": 3, "maxLeverage": 40} for coin in coins]
    marks = [{"markPx": "1000.0", "midPx": "1000.0"} for _ in coins]
    return [{"universe": rows, "marginTables": [], "collateralToken": token}, marks]


@dataclass
class Scripted:
    """What the scripted venue answers, what it was asked, and the adapter that asks."""

    venue: HyperliquidVenue
    answers: dict[str, list[Responder]] = field(default_factory=dict)
    asked: list[Body] = field(default_factory=list)

    def on(self, kind: str, *responders: Responder) -> None:
        """Answer this type of read or action so; the last responder stays."""
        self.answers[kind] = list(responders)

    def seen(self, kind: str) -> list[Body]:
        return [body for body in self.asked if _kind(body) == kind]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.text())
        self.asked.append(body)
        responders = self.answers[_kind(body)]
        return await (responders.pop(0) if len(responders) > 1 else responders[0])(body)


def _kind(body: Body) -> str:
    return str(body["action"]["type"] if "action" in body else body["type"])


def defaults() -> dict[str, list[Responder]]:
    given: dict[str, Responder] = {
        ROLE: say({"role": "user"}),
        STATE: say(state()),
        ORDERS: say([]),
        DEXES: say([None]),
        META: say(universe("BTC", "ETH", "SOL")),
        SPOT: say({"balances": []}),
        STATUS: say({"status": "unknownOid"}),
        FILLS: say([]),
        BY_TIME: say([]),
        TWAPS: say([]),
        "extraAgents": say([]),
        "allMids": say({"BTC": "1000.0", "HYPE": "40.0"}),
        "spotMeta": say({"tokens": [{"index": 0, "name": "USDC"}, {"index": 268, "name": "USDT0"}]}),
        "exchangeStatus": _now,
        "order": _fill_all,
        "cancel": _cancel_all,
    }
    return {kind: [responder] for kind, responder in given.items()}


def request_for(
    coin: str = "BTC",
    number: int = 0,
    *,
    size: str = "1",
    side: Side = Side.LONG,
    mark: str | None = "1000",
    kind: OrderKind = OrderKind.MARKET,
    limit_price: str | None = None,
) -> OrderRequest:
    position = Position(
        instrument=coin,
        category="perp",
        symbol=f"{coin}USDC",
        side=side,
        quantity=Quantity(Decimal(size)),
        hedged=False,
        mark_price=None if mark is None else Price(Decimal(mark)),
    )
    return OrderRequest(
        client_order_id=f"bst{number:021d}",
        position=position,
        quantity=position.quantity,
        kind=kind,
        limit_price=None if limit_price is None else Price(Decimal(limit_price)),
    )


async def place(hl: Scripted, *coins: str, size: str = "1") -> list[OrderState | VenueError]:
    """Close several positions at once, as the executor does."""
    answers: dict[int, OrderState | VenueError] = {}

    async def one(number: int, coin: str) -> None:
        try:
            answers[number] = await hl.venue.place(request_for(coin, number, size=size), deadline_s=5.0)
        except VenueError as error:
            answers[number] = error

    async with asyncio.TaskGroup() as group:
        for number, coin in enumerate(coins):
            group.create_task(one(number, coin))
    return [answers[number] for number in range(len(coins))]


@asynccontextmanager
async def scripted(
    *,
    wallet: str = MASTER.address,
    key: str = private_key("agent"),
    shelf_dir: Path | None = None,
    suffix: str = "",
) -> AsyncIterator[Scripted]:
    """Serve a scripted venue, and the adapter on it; `suffix` goes behind the base URL."""
    holder: list[Scripted] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        return await holder[0].handle(request)

    app = web.Application()
    app.router.add_route("POST", "/{rest:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{suffix}"
    account = Account(name="main", venue="hyperliquid", key_space="perps", credential="main", base_url=url)
    catalog = Catalog(clock=SystemClock(), shelf_dir=shelf_dir)
    venue = catalog.build(account, {"walletAddress": wallet, "privateKey": key})
    assert isinstance(venue, HyperliquidVenue)
    holder.append(Scripted(venue=venue, answers=defaults()))
    try:
        yield holder[0]
    finally:
        await venue.close()
        await runner.cleanup()
