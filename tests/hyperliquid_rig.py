"""What the tests of Hyperliquid's wire share: an exchange on a real socket, a signing client, and ccxt."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
from aiohttp import web
from aiohttp.test_utils import TestServer

from bastion.paper.account import AccountSpec, ApiKey, Permission
from bastion.paper.book import DepthShape
from bastion.paper.clock import Clock, RealClock, SteppedClock
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument
from bastion.paper.order import PositionSide
from bastion.paper.wire.hyperliquid import PLUGIN
from bastion.paper.wire.protocol import Conditions, WireRequest
from bastion.venues.ccxt.hyperliquid_signing import Signer

START_MS = 1_780_000_000_000
ACCOUNT = "main"


def private_key(name: str) -> str:
    """A private key of the tests, the same in every run."""
    return "0x" + hashlib.sha256(f"wallet of {name}".encode()).hexdigest()


MASTER, AGENT, STRANGER, OTHER = (Signer(private_key(name)) for name in ("main", "agent", "nobody", "other"))
SUB = "0x" + "5b" * 20
DEEP = DepthShape(
    bids=tuple((ticks, Decimal(100)) for ticks in range(1, 26)),
    asks=tuple((ticks, Decimal(100)) for ticks in range(1, 26)),
)
BTC, ETH, GOLD = 0, 1, 110_000


def perp(coin: str, **changes: Any) -> Instrument:  # noqa: ANN401 - any field
    figures: dict[str, Any] = {
        "quote": "USD",
        "settle": "USDC",
        "tick": Decimal("0.1"),
        "step": Decimal("0.001"),
        "quantity_min": Decimal("0.001"),
        "quantity_max": Decimal(100_000),
        "market_quantity_max": Decimal(100_000),
        "notional_min": Decimal(10),
        "maker_fee_ppm": 150,
        "taker_fee_ppm": 450,
        "leverage_max": 40,
        "orders_max": 5_000,
        "conditional_orders_max": 5_000,
    }
    return Instrument(symbol=coin, base=coin.rpartition(":")[2], **{**figures, **changes})


def new_exchange(clock: Clock) -> Exchange:
    """An exchange with BTC at 90,000 and ETH at 3,400 on the first dex, GOLD at 4,000 on the dex xyz."""
    exchange = Exchange(name="hyperliquid", rules=PLUGIN.rules, clock=clock)
    for coin, mark in (("BTC", 90_000), ("ETH", 3_400), ("xyz:GOLD", 4_000)):
        exchange.list_instrument(perp(coin), mark=Decimal(mark), shape=DEEP)
    readers = ApiKey(key=STRANGER.address, secret="", permissions=frozenset({Permission.READ}))
    exchange.add_account(
        AccountSpec(
            name=ACCOUNT,
            address=MASTER.address,
            keys=(ApiKey(key=AGENT.address, secret=""), readers),
            balances={"USDC": Decimal(1_000_000), "HYPE": Decimal("5.5")},
            leverage=10,
        )
    )
    exchange.add_account(
        AccountSpec(
            name="sub",
            address=SUB,
            keys=(ApiKey(key=OTHER.address + "00", secret=""),),
            balances={"USDC": Decimal(50_000)},
        )
    )
    return exchange


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.text)

    @property
    def statuses(self) -> list[Any]:
        body = self.json
        assert body["status"] == "ok", self.text
        return list(body["response"]["data"]["statuses"])

    @property
    def refusal(self) -> str:
        body = self.json
        assert body["status"] == "err", self.text
        return str(body["response"])


class Venue:
    """An exchange that speaks Hyperliquid on a loopback socket, and a client that signs."""

    def __init__(self, exchange: Exchange, url: str, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.url = url
        self.conditions = Conditions()
        self.nonce = 0
        self._session = session

    async def post(self, path: str, body: object) -> Reply:
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self.url + path, data=text, headers=headers) as answer:
            return Reply(answer.status, await answer.text())

    async def info(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - JSON
        reply = await self.post("/info", {"type": kind, **fields})
        assert reply.status == 200, reply.text
        return reply.json

    async def mine(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - JSON
        return await self.info(kind, user=MASTER.address, **fields)

    async def act(
        self,
        action: Mapping[str, object],
        *,
        signer: Signer = AGENT,
        nonce: int | None = None,
        vault: str | None = None,
        expires: int | None = None,
        testnet: bool = False,
        changed: Mapping[str, object] | None = None,
    ) -> Reply:
        if nonce is None:
            self.nonce = nonce = max(self.nonce + 1, self.exchange.clock.now_ms())
        signature = signer.sign(action, nonce=nonce, vault=vault, expires_after=expires, testnet=testnet)
        body: dict[str, object] = {"action": action, "nonce": nonce, "signature": signature}
        if vault is not None:
            body["vaultAddress"] = vault
        if expires is not None:
            body["expiresAfter"] = expires
        return await self.post("/exchange", {**body, **(changed or {})})

    async def order(self, *orders: Mapping[str, object], grouping: str = "na", **more: Any) -> Reply:  # noqa: ANN401 - the arguments of act
        return await self.act({"type": "order", "orders": list(orders), "grouping": grouping}, **more)

    async def cancel(self, *pairs: tuple[int, int]) -> Reply:
        items = [{"a": asset, "o": oid} for asset, oid in pairs]
        return await self.act({"type": "cancel", "cancels": items})

    def hold(self, coin: str, quantity: str, *, account: str = ACCOUNT) -> None:
        entry = self.exchange.mark_price(coin)
        self.exchange.open_position(account, coin, PositionSide.NET, quantity=Decimal(quantity), entry=entry)

    def held(self, account: str = ACCOUNT) -> dict[str, Decimal]:
        views = self.exchange.positions(account)
        return {view.position.symbol: view.position.quantity for view in views}

    def pass_time(self, by_ms: int) -> None:
        clock = self.exchange.clock
        assert isinstance(clock, SteppedClock)
        clock.advance(by_ms)
        self.exchange.settle_due()


def limit(
    asset: int,
    side: str,
    size: str,
    price: str,
    *,
    reduce: bool = False,
    tif: str = "Ioc",
    cloid: str | None = None,
) -> dict[str, object]:
    """One order of an action, its fields in the order in which the venue's own tools sign them."""
    order: dict[str, object] = {
        "a": asset,
        "b": side == "buy",
        "p": price,
        "s": size,
        "r": reduce,
        "t": {"limit": {"tif": tif}},
    }
    return order if cloid is None else {**order, "c": cloid}


def trigger(asset: int, side: str, size: str, price: str, tpsl: str) -> dict[str, object]:
    """A reduce-only order at market that waits for `price`."""
    waits = {"isMarket": True, "triggerPx": price, "tpsl": tpsl}
    return {**limit(asset, side, size, price, reduce=True), "t": {"trigger": waits}}


@asynccontextmanager
async def venue_on(exchange: Exchange, settings: Mapping[str, object] | None = None) -> AsyncIterator[Venue]:
    """Serve `exchange` through Hyperliquid's wire on a loopback port."""
    wire = PLUGIN.build(exchange, {"masters": {"sub": ACCOUNT}, **(settings or {})})

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        exchange.settle_due()
        given = wire.handle(
            WireRequest(
                method=request.method,
                path=request.path,
                query="",
                body=body,
                headers={},
                address=request.remote or "",
                received_ms=exchange.clock.now_ms(),
                conditions=venue.conditions,
            )
        )
        return web.Response(status=given.status, body=given.body, headers=dict(given.headers))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        venue = Venue(exchange, str(server.make_url("")).rstrip("/"), session)
        yield venue


def stepped() -> Exchange:
    return new_exchange(SteppedClock(START_MS))


def running() -> Exchange:
    return new_exchange(RealClock())


@asynccontextmanager
async def ccxt_client(url: str, **options: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - ccxt ships no types
    """Unmodified ccxt with nothing changed but the base URL and the keys (and, for speed, its throttle)."""
    keys = {"walletAddress": MASTER.address, "privateKey": private_key("agent")}
    client = ccxt.hyperliquid({**keys, "enableRateLimit": False, **options})
    for name in client.urls["api"]:
        client.urls["api"][name] = url
    try:
        yield client
    finally:
        await client.close()


def coins(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["coin"] for row in rows]
