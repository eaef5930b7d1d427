"""What the tests of Bybit's wire share: an exchange on a real socket, a signing client, and short verbs."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
from aiohttp import web
from aiohttp.test_utils import TestServer

from bastion.paper.account import AccountSpec, ApiKey, Permission, PositionMode
from bastion.paper.book import DepthShape
from bastion.paper.clock import Clock, RealClock, SteppedClock
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import Direction, OrderKind, OrderRequest, PositionSide
from bastion.paper.wire.bybit import PLUGIN
from bastion.paper.wire.protocol import Conditions, WireRequest

START_MS = 1_760_000_000_000
MATCH_MS = PLUGIN.rules.match_delay_ms
ACCOUNT = "main"
KEY, SECRET = "bybit-test-key", "bybit-test-secret"
READER = "bybit-reader-key"
ELSEWHERE = "bybit-bound-key"
WITHDRAWER = "bybit-withdrawing-key"
DEEP = DepthShape(
    bids=tuple((ticks, Decimal(100)) for ticks in range(1, 11)),
    asks=tuple((ticks, Decimal(100)) for ticks in range(1, 11)),
)


def linear(base: str, *, settle: str = "USDT", symbol: str = "", **changes: Any) -> Instrument:  # noqa: ANN401 - any field
    figures: dict[str, Any] = {
        "tick": Decimal("0.1"),
        "step": Decimal("0.001"),
        "quantity_min": Decimal("0.001"),
        "quantity_max": Decimal(100),
        "market_quantity_max": Decimal(10),
        "notional_min": Decimal(5),
        "maker_fee_ppm": 200,
        "taker_fee_ppm": 550,
        "orders_max": 600,
    }
    return Instrument(
        symbol=symbol or f"{base}{settle}", base=base, quote=settle, settle=settle, **{**figures, **changes}
    )


def inverse(base: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USD",
        base=base,
        quote="USD",
        settle=base,
        kind=ContractKind.INVERSE,
        tick=Decimal("0.5"),
        step=Decimal(1),
        quantity_min=Decimal(1),
        quantity_max=Decimal(1_000_000),
        market_quantity_max=Decimal(500_000),
        notional_min=Decimal(1),
    )


def new_exchange(clock: Clock, *, mode: PositionMode = PositionMode.ONE_WAY, extra: int = 0) -> Exchange:
    """An exchange with BTCUSDT, ETHUSDT, ETHPERP (USDC), BTCUSD (inverse) and `extra` more at 10 USDT."""
    exchange = Exchange(name="bybit", rules=PLUGIN.rules, clock=clock)
    exchange.list_instrument(linear("BTC"), mark=Decimal(90_000), shape=DEEP)
    exchange.list_instrument(linear("ETH"), mark=Decimal(3_400), shape=DEEP)
    exchange.list_instrument(linear("ETH", settle="USDC", symbol="ETHPERP"), mark=Decimal(3_400), shape=DEEP)
    flat_book = DepthShape(bids=((1, Decimal(500_000)),), asks=((1, Decimal(500_000)),))
    exchange.list_instrument(inverse("BTC"), mark=Decimal(90_000), shape=flat_book)
    for number in range(extra):
        exchange.list_instrument(
            linear(f"C{number:02d}", market_quantity_max=Decimal(100)), mark=Decimal(10), shape=DEEP
        )
    keys = (
        ApiKey(key=KEY, secret=SECRET),
        ApiKey(key=READER, secret=SECRET, permissions=frozenset({Permission.READ})),
        ApiKey(key=ELSEWHERE, secret=SECRET, addresses=("203.0.113.9",)),
        ApiKey(key=WITHDRAWER, secret=SECRET, permissions=frozenset(Permission)),
    )
    balances = {"USDT": Decimal(1_000_000), "USDC": Decimal(100_000), "BTC": Decimal(5)}
    exchange.add_account(
        AccountSpec(name=ACCOUNT, keys=keys, position_mode=mode, balances=balances, uid=101, leverage=10)
    )
    return exchange


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.text)
        return loaded

    @property
    def code(self) -> int:
        return int(self.json["retCode"])

    @property
    def message(self) -> str:
        return str(self.json["retMsg"])

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = self.json["result"]
        return result

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.result["list"]
        return rows


def signature_of(text: str, secret: str = SECRET) -> str:
    """The lower-case hexadecimal HMAC-SHA256 that the venue asks for."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Venue:
    """An exchange that speaks Bybit on a loopback socket, and a client that signs."""

    def __init__(self, exchange: Exchange, url: str, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.url = url
        self.conditions = Conditions()
        self._session = session

    async def get(self, path: str, key: str = KEY, /, **parameters: object) -> Reply:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        url = f"{self.url}{path}?{query}" if query else self.url + path
        async with self._session.get(url, headers=self.signed(query, key=key)) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

    async def post(self, path: str, key: str = KEY, /, **body: object) -> Reply:
        text = json.dumps(body)
        headers = self.signed(text, key=key) | {"Content-Type": "application/json"}
        async with self._session.post(self.url + path, data=text, headers=headers) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Reply:
        async with self._session.request(method, self.url + path, headers=headers, data=body) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

    def signed(
        self, payload: str, *, key: str = KEY, secret: str = SECRET, late_ms: int = 0, window: str = "5000"
    ) -> dict[str, str]:
        timestamp = str(self.exchange.clock.now_ms() - late_ms)
        text = timestamp + key + window + payload
        return {
            "X-BAPI-API-KEY": key,
            "X-BAPI-TIMESTAMP": timestamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": signature_of(text, secret),
        }

    async def create(self, symbol: str, side: str, qty: str, **more: object) -> Reply:
        fields: dict[str, object] = {"category": "linear", "orderType": "Market", **more}
        return await self.post("/v5/order/create", symbol=symbol, side=side, qty=qty, **fields)

    def pass_time(self, by_ms: int = MATCH_MS) -> None:
        clock = self.exchange.clock
        assert isinstance(clock, SteppedClock)
        clock.advance(by_ms)
        self.exchange.settle_due()

    async def filled(self, symbol: str, side: str, qty: str, **more: object) -> Reply:
        reply = await self.create(symbol, side, qty, **more)
        assert reply.code == 0, reply.text
        self.pass_time()
        return reply

    async def order(self, reply: Reply, category: str = "linear") -> dict[str, Any]:
        found = await self.get("/v5/order/realtime", category=category, orderId=reply.result["orderId"])
        return found.rows[0]

    async def positions(self, **parameters: object) -> list[dict[str, Any]]:
        wanted: dict[str, object] = parameters or {"category": "linear", "settleCoin": "USDT"}
        return (await self.get("/v5/position/list", **wanted)).rows


@asynccontextmanager
async def venue_on(exchange: Exchange, settings: Mapping[str, object] | None = None) -> AsyncIterator[Venue]:
    """Serve `exchange` through Bybit's wire on a loopback port."""
    wire = PLUGIN.build(exchange, settings or {})

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        exchange.settle_due()
        given = wire.handle(
            WireRequest(
                method=request.method,
                path=request.path,
                query=request.rel_url.raw_query_string,
                body=body,
                headers={name.lower(): value for name, value in request.headers.items()},
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


def stepped(**changes: Any) -> Exchange:  # noqa: ANN401 - the arguments of new_exchange
    return new_exchange(SteppedClock(START_MS), **changes)


def running(**changes: Any) -> Exchange:  # noqa: ANN401 - as above
    return new_exchange(RealClock(), **changes)


@asynccontextmanager
async def ccxt_client(url: str, **options: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - ccxt ships no types
    """Unmodified ccxt with nothing changed but the base URL and the keys.

    Its own throttle, far slower than the venue's limits, is off unless a test asks for it.
    """
    client = ccxt.bybit({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, **options})
    for name in client.urls["api"]:
        client.urls["api"][name] = url
    try:
        yield client
    finally:
        await client.close()


async def until(check: Callable[[], Awaitable[bool]], *, within_s: float = 5.0) -> None:
    """Wait until `check` holds, asking less often than the venue's 50 requests a second allow."""
    async with asyncio.timeout(within_s):
        while not await check():  # noqa: ASYNC110 - the condition lies on the other side of a socket
            await asyncio.sleep(0.025)


def hold(exchange: Exchange, symbol: str, quantity: str, *, side: PositionSide = PositionSide.NET) -> None:
    """Open a position at the market without going over the wire; negative quantities are short."""
    signed = Decimal(quantity)
    left = abs(signed)
    largest = exchange.instrument(symbol).market_quantity_max
    while left > 0:
        exchange.place(
            ACCOUNT,
            OrderRequest(
                symbol=symbol,
                direction=Direction.BUY if signed > 0 else Direction.SELL,
                kind=OrderKind.MARKET,
                quantity=min(left, largest),
                position_side=side,
            ),
        )
        left -= largest
    clock = exchange.clock
    if isinstance(clock, SteppedClock):
        clock.advance(MATCH_MS)
        exchange.settle_due()
