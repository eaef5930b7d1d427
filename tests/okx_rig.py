"""What the tests of OKX's wire share: an exchange on a real socket, a signing client, and short verbs."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support as ccxt
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from bastion.paper.account import AccountSpec, ApiKey, MarginMode, Permission, PositionMode
from bastion.paper.book import DepthShape
from bastion.paper.clock import Clock, RealClock, SteppedClock
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import PositionSide
from bastion.paper.wire.okx import PLUGIN
from bastion.paper.wire.protocol import Conditions, WireRequest

START_MS = 1_760_000_000_000
MATCH_MS = PLUGIN.rules.match_delay_ms
ACCOUNT = "main"
KEY, SECRET, PASSPHRASE = "okx-test-key", "okx-test-secret", "okx-test-passphrase"
READER, ELSEWHERE, WITHDRAWER = "okx-reader-key", "okx-bound-key", "okx-withdrawing-key"
BTC, ETH, COIN = "BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USD-SWAP"
TRADE, LIST = "/api/v5/trade", "/api/v5/account"
DEEP = DepthShape(
    bids=tuple((ticks, Decimal(1000)) for ticks in range(1, 11)),
    asks=tuple((ticks, Decimal(1000)) for ticks in range(1, 11)),
)


def linear(base: str, size: str, **changes: Any) -> Instrument:  # noqa: ANN401 - any field
    figures: dict[str, Any] = {
        "tick": Decimal("0.1"),
        "step": Decimal("0.01"),
        "quantity_min": Decimal("0.01"),
        "quantity_max": Decimal(10_000),
        "market_quantity_max": Decimal(500),
        "notional_min": Decimal(0),
        "maker_fee_ppm": 200,
        "taker_fee_ppm": 500,
        "contract_size": Decimal(size),
    }
    return Instrument(
        symbol=f"{base}-USDT-SWAP", base=base, quote="USDT", settle="USDT", **{**figures, **changes}
    )


def inverse() -> Instrument:
    return Instrument(
        symbol=COIN,
        base="BTC",
        quote="USD",
        settle="BTC",
        kind=ContractKind.INVERSE,
        tick=Decimal("0.1"),
        step=Decimal(1),
        quantity_min=Decimal(1),
        quantity_max=Decimal(100_000),
        market_quantity_max=Decimal(10_000),
        notional_min=Decimal(0),
        contract_size=Decimal(100),
    )


def new_exchange(
    clock: Clock, *, mode: PositionMode = PositionMode.ONE_WAY, margin: MarginMode = MarginMode.CROSS
) -> Exchange:
    """An exchange with BTC-USDT-SWAP (0.01 BTC), ETH-USDT-SWAP (0.1 ETH) and BTC-USD-SWAP (100 USD)."""
    exchange = Exchange(name="okx", rules=PLUGIN.rules, clock=clock)
    exchange.list_instrument(linear("BTC", "0.01"), mark=Decimal(90_000), shape=DEEP)
    exchange.list_instrument(linear("ETH", "0.1"), mark=Decimal(3_400), shape=DEEP)
    exchange.list_instrument(inverse(), mark=Decimal(90_000), shape=DEEP)
    plain = ApiKey(key=KEY, secret=SECRET, passphrase=PASSPHRASE)
    keys = (
        plain,
        replace(plain, key=READER, permissions=frozenset({Permission.READ})),
        replace(plain, key=ELSEWHERE, addresses=("203.0.113.9",)),
        replace(plain, key=WITHDRAWER, permissions=frozenset(Permission)),
    )
    exchange.add_account(
        AccountSpec(
            name=ACCOUNT,
            keys=keys,
            position_mode=mode,
            margin_mode=margin,
            balances={"USDT": Decimal(1_000_000), "BTC": Decimal(5)},
            uid=101,
            leverage=10,
        )
    )
    return exchange


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    text: str

    @property
    def json(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.text)
        return loaded

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.json["data"]
        return rows

    @property
    def row(self) -> dict[str, Any]:
        (row,) = self.rows
        return row

    @property
    def fates(self) -> list[str]:
        """The sCode of each order."""
        return [row["sCode"] for row in self.rows]


def signature_of(text: str, secret: str = SECRET) -> str:
    """The Base64 HMAC-SHA256 that the venue asks for."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Venue:
    """An exchange that speaks OKX on a loopback socket, and a client that signs."""

    def __init__(self, exchange: Exchange, url: str, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.url = url
        self.conditions = Conditions()
        self._session = session

    async def get(self, path: str, key: str = KEY, /, **parameters: object) -> Reply:
        query = "?" + urlencode(parameters) if parameters else ""
        return await self.send("GET", path + query, self.signed("GET", path + query, key=key))

    async def post(self, path: str, body: object, key: str = KEY) -> Reply:
        text = json.dumps(body)
        return await self.send("POST", path, self.signed("POST", path, text, key=key), text)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Reply:
        # What was signed is sent as it is, its escapes too.
        url = URL(self.url + path, encoded=True)
        async with self._session.request(method, url, headers=headers, data=body) as answer:
            return Reply(answer.status, await answer.text())

    def stamp(self, late_ms: int = 0) -> str:
        moment = datetime.fromtimestamp((self.exchange.clock.now_ms() - late_ms) / 1000, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    def signed(
        self,
        method: str,
        path: str,
        body: str = "",
        *,
        key: str = KEY,
        secret: str = SECRET,
        late_ms: int = 0,
        changed: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        stamp = self.stamp(late_ms)
        headers = {
            "OK-ACCESS-KEY": key,
            "OK-ACCESS-SIGN": signature_of(stamp + method + path + body, secret),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": PASSPHRASE,
            "Content-Type": "application/json",
        }
        return {name: value for name, value in (headers | dict(changed or {})).items() if value}

    async def order(self, instrument: str, side: str, size: str, **more: object) -> Reply:
        fields = {"tdMode": "cross", "ordType": "market", **more}
        return await self.post(f"{TRADE}/order", {"instId": instrument, "side": side, "sz": size, **fields})

    async def filled(self, instrument: str, side: str, size: str, **more: object) -> dict[str, Any]:
        reply = await self.order(instrument, side, size, **more)
        assert reply.code == "0", reply.text
        self.pass_time()
        return await self.details(instrument, ordId=reply.row["ordId"])

    async def details(self, instrument: str, **ids: str) -> dict[str, Any]:
        return (await self.get(f"{TRADE}/order", instId=instrument, **ids)).row

    async def close(self, instrument: str, **more: object) -> Reply:
        return await self.post(f"{TRADE}/close-position", {"instId": instrument, "mgnMode": "cross", **more})

    async def positions(self, **parameters: object) -> list[dict[str, Any]]:
        return (await self.get(f"{LIST}/positions", **parameters)).rows

    def hold(self, instrument: str, quantity: str, *, side: PositionSide = PositionSide.NET) -> None:
        """Open a position without going over the wire, at the mark and without a fee; negative is short."""
        mark = self.exchange.mark_price(instrument)
        self.exchange.open_position(ACCOUNT, instrument, side, quantity=Decimal(quantity), entry=mark)

    def pass_time(self, by_ms: int = MATCH_MS) -> None:
        clock = self.exchange.clock
        assert isinstance(clock, SteppedClock)
        clock.advance(by_ms)
        self.exchange.settle_due()


@asynccontextmanager
async def venue_on(exchange: Exchange, settings: Mapping[str, object] | None = None) -> AsyncIterator[Venue]:
    """Serve `exchange` through OKX's wire on a loopback port."""
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
    keys = {"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE}
    client = ccxt.okx({**keys, "enableRateLimit": False, **options})
    client.urls["api"]["rest"] = url
    try:
        yield client
    finally:
        await client.close()


async def until(check: Callable[[], Awaitable[bool]], *, within_s: float = 5.0) -> None:
    """Wait until `check` holds, asking less often than the venue's 10 requests in two seconds allow."""
    async with asyncio.timeout(within_s):
        while not await check():  # noqa: ASYNC110 - the condition lies on the other side of a socket
            await asyncio.sleep(0.21)
