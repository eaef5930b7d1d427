"""A whole venue for one test: ledger, identity, key server and wire, on loopback sockets."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from jsonschema import Draft202012Validator

from bastion.paper.clock import SteppedClock
from bastion.paper.strike.commands import Command, Endow, Fund, Purse, ResultT, Tick
from bastion.paper.strike.identity_assembly import Identity, PrivySettings, open_identity
from bastion.paper.strike.identity_issuer import TokenIssuer
from bastion.paper.strike.identity_jwks import KeyCacheTimes
from bastion.paper.strike.results import Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import MarginVenue
from bastion.paper.wire.strike import LimitSettings, WireSettings, application
from bastion.paper.wire.strike.openapi import document
from bastion.paper.wire.strike.routes import routes

START_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
SERVICE_KEY: Final = "svc_0123456789abcdefghijklmnop"
APPLICATION: Final = "clpaperapplication0001"
UNLIMITED: Final = LimitSettings(trading=None, public=None, failures=None, keys=None)
NO_SPREAD: Final = VenueSettings(spread_rate=Fraction(0), oracle_stale_after_us=None)
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: status, the bytes, and the headers that tests look at."""

    status: int
    raw: bytes
    headers: Headers

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON
        """The parsed body."""
        return json.loads(self.raw)


class Documented:
    """The OpenAPI document as a judge: every answer of every test has a status and a shape that it names."""

    def __init__(self, shown: Mapping[str, Any]) -> None:
        self._operations = [
            (re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path)), method, operation["responses"])
            for path, item in shown["paths"].items()
            for method, operation in item.items()
        ]

    def check(self, method: str, path: str, status: int, body: object) -> None:
        for pattern, known, responses in self._operations:
            if known == method.lower() and pattern.fullmatch(path) is not None:
                schema = responses[str(status)]["content"]["application/json"]["schema"]
                Draft202012Validator(schema).validate(body)
                return
        assert path == "/openapi.json" or status in (404, 405)


@dataclass(slots=True, kw_only=True)
class KeyServer:
    """The identity provider's key endpoint: counts reads, can be down, slow or broken."""

    document: bytes
    reads: int = 0
    status: int = 200
    delay_s: float = 0
    runner: web.AppRunner | None = None
    url: str = ""

    async def start(self) -> None:
        served = web.Application()
        served.router.add_get("/jwks.json", self._serve)
        self.runner, port = await _listen(served)
        self.url = f"http://127.0.0.1:{port}/jwks.json"

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def _serve(self, _request: web.Request) -> web.Response:
        self.reads += 1
        await asyncio.sleep(self.delay_s)
        return web.Response(body=self.document, status=self.status)


@dataclass(slots=True, kw_only=True)
class World:
    """The venue and everything around it; `limits` are off unless a test wants them."""

    folder: Path
    settings: VenueSettings = NO_SPREAD
    limits: LimitSettings = UNLIMITED
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(START_MS))
    issuer: TokenIssuer = field(default_factory=lambda: TokenIssuer(application=APPLICATION))
    times: KeyCacheTimes = field(default_factory=KeyCacheTimes)
    transactions: int = 0
    port: int = 0
    keys: KeyServer = field(init=False)
    venue: MarginVenue = field(init=False)
    identity: Identity = field(init=False)
    documented: Documented = field(init=False)
    session: aiohttp.ClientSession = field(init=False)
    _runner: web.AppRunner = field(init=False)

    async def start(self) -> "World":
        self.keys = KeyServer(document=self.issuer.key_document())
        await self.keys.start()
        await self.start_venue()
        self.session = aiohttp.ClientSession()
        return self

    async def start_venue(self) -> None:
        """Open the ledger and the identity records of this world's folder and serve them."""
        store = SqliteStore(self.folder / "ledger.db")
        self.venue = MarginVenue(store, self.settings, lambda: self.clock.now_ms() * 1000)
        privy = PrivySettings(application=APPLICATION, keys_url=self.keys.url, times=self.times)
        path = str(self.folder / "identity.db")
        self.identity = open_identity(clock=self.clock, path=path, service_keys=[SERVICE_KEY], privy=privy)
        settings = WireSettings(limits=self.limits, environment="test")
        served = application(venue=self.venue, identity=self.identity, clock=self.clock, settings=settings)
        self._runner, self.port = await _listen(served)
        table = routes(self.venue.settings.symbols)
        self.documented = Documented(document(table, version="1"))

    async def stop_venue(self) -> None:
        await self._runner.cleanup()
        await asyncio.to_thread(self.venue.close)
        self.identity.close()

    async def stop(self) -> None:
        await self.session.close()
        await self.stop_venue()
        await self.keys.stop()

    @property
    def url(self) -> str:
        """The base address of the wire."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def now_s(self) -> int:
        """The world's time in seconds since 1970."""
        return self.clock.now_ms() // 1000

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.advance(seconds * 1000)

    async def request(
        self, method: str, path: str, *, headers: Headers | None = None, data: bytes | None = None
    ) -> Reply:
        """One request over the socket."""
        async with self.session.request(method, self.url + path, headers=headers, data=data) as answer:
            reply = Reply(status=answer.status, raw=await answer.read(), headers=dict(answer.headers))
        assert reply.headers["Content-Type"] == "application/json"
        self.documented.check(method, path, reply.status, reply.body)
        return reply

    async def get(self, path: str, *, headers: Headers | None = None) -> Reply:
        """A read."""
        return await self.request("GET", path, headers=headers)

    async def post(self, path: str, body: Mapping[str, object], *, headers: Headers | None = None) -> Reply:
        """A JSON request."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self.request("POST", path, headers=sent, data=json.dumps(body).encode())

    def as_wallet(self, wallet: str) -> dict[str, str]:
        """The headers of the operator's own service, acting for a wallet."""
        return {"X-API-Key": SERVICE_KEY, "X-Wallet-Address": wallet}

    def bearer(self, subject: str) -> dict[str, str]:
        """The headers of a Privy user with a fresh access token."""
        return {"Authorization": f"Bearer {self.issuer.access_token(subject, now_s=self.now_s)}"}

    def linked(self, subject: str, *wallets: str) -> dict[str, str]:
        """As `bearer`, with a fresh identity token that links the wallets."""
        token = self.issuer.identity_token(subject, wallets, now_s=self.now_s)
        return {**self.bearer(subject), "privy-id-token": token}

    def next_hash(self) -> str:
        """A chain transaction hash that was not used before."""
        self.transactions += 1
        return f"0x{self.transactions:064x}"

    def movement(self, wallet: str, amount: str, tx_hash: str | None = None) -> dict[str, object]:
        """The body of a deposit or withdrawal."""
        return {
            "walletAddress": wallet,
            "amount": amount,
            "txHash": tx_hash or self.next_hash(),
            "timestamp": "2026-01-01T00:00:00Z",
        }

    async def deposit(self, wallet: str, amount: str) -> None:
        """Give a wallet money."""
        reply = await self.post("/deposit", self.movement(wallet, amount))
        assert reply.status == 200, reply.raw

    async def open(
        self, wallet: str, *, margin: str, leverage: int = 10, symbol: str = "BTC-USD", side: str = "long"
    ) -> int:
        """Open a position; its id."""
        body = {"margin": margin, "leverage": leverage, "symbol": symbol}
        reply = await self.post(f"/{side}", body, headers=self.as_wallet(wallet))
        assert reply.status == 200, reply.raw
        return int(reply.body["positionId"])

    async def close(self, wallet: str, position_id: int) -> Reply:
        """Close a position normally."""
        return await self.post("/close", {"positionId": position_id}, headers=self.as_wallet(wallet))

    async def exit(self, wallet: str, position_id: int, **headers: str) -> Reply:
        """Exit a position."""
        sent = {**self.as_wallet(wallet), **headers}
        return await self.post("/emergency-exit", {"positionId": position_id}, headers=sent)

    async def command(self, command: Command[ResultT]) -> ResultT:
        """An operator's or feed's command, which the public wire does not have."""
        result = await asyncio.wrap_future(self.venue.submit(command))
        assert not isinstance(result, Refused), result
        return result

    async def tick(self, price: str, symbol: str = "BTC-USD") -> None:
        """Set a mark."""
        await self.command(Tick(marks={symbol: int(Fraction(price) * 1_000_000)}))

    async def fund(self, symbol: str = "BTC-USD") -> None:
        """Accrue one hour of funding."""
        await self.command(Fund(symbol=symbol))

    async def endow(self, usd: int) -> None:
        """Fill the treasury."""
        await self.command(Endow(purse=Purse.TREASURY, amount=usd * 1_000_000))

    async def withdrawable(self, wallet: str) -> str:
        """A wallet's withdrawable balance as the wire prints it."""
        return str((await self.get(f"/account/{wallet}")).body["balances"]["withdrawable"])


async def _listen(served: web.Application) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    return runner, port
