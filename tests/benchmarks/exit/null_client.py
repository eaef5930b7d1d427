"""Null client: replays signed bytes on warm sockets, and so needs what the venues need and nothing else.

It knows beforehand what is open. For each venue at once: the closing orders and the cancels of the entries
leave; when all are answered, what still rests is swept; then two looks, whose beginnings lie 250 ms apart.
Everything goes within the published limits, by the fewest requests that the interface allows. The requests
are made by unmodified ccxt (Hyperliquid's actions by our signer) before the clock starts.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bastion.paper.wire.bybit.words import order_id_of as bybit_id
from bastion.paper.wire.okx.words import algo_id_of
from bastion.paper.wire.okx.words import order_id_of as okx_id
from bastion.venues.ccxt.okx_reads import ALGO_LISTS
from tests.benchmarks.exit.signing import (
    Maker,
    binance_close,
    bybit_close,
    hyperliquid_close,
    okx_close,
)
from tests.benchmarks.exit.stage import Stage, is_order, last_fill_ns, open_orders

LOOK_GAP_S = 0.25
BYBIT_A_SECOND = 10
BYBIT_WINDOW_S = 1.0
# Cancels of algo orders are limited by user and instrument, which does not bind here.
OKX_A_BATCH, OKX_A_CANCEL, OKX_ALGOS_A_CANCEL = 20, 20, 10
BINANCE_A_WINDOW, BINANCE_WINDOW_S = 300, 10.0
ANSWER_S = 30.0
MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What one venue is sent: waves of closing orders, of which a later one may leave `window_s` after the
    earlier one was counted; the cancels of the entries with the first; then the sweeps; then two looks.
    """

    closes: tuple[tuple[bytes, ...], ...]
    cancels: tuple[bytes, ...]
    sweeps: tuple[bytes, ...]
    looks: tuple[tuple[bytes, ...], tuple[bytes, ...]]
    window_s: float = 0.0


async def script_of(maker: Maker, account: dict[str, Any], instruments: Sequence[str]) -> Script:
    """Return the signed script that makes an account flat, from its true state."""
    return await _SCRIPTS[maker.venue](maker, account, instruments)


def _split(
    account: dict[str, Any],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    orders = open_orders(account)
    entries = [row for row in orders if row["trigger_price"] is None]
    waiting = [row for row in orders if row["trigger_price"] is not None]
    return list(account["positions"]), entries, waiting


async def _binance(maker: Maker, account: dict[str, Any], _: Sequence[str]) -> Script:
    positions, entries, waiting = _split(account)
    closes = [await maker.by_ccxt("fapiPrivatePostOrder", binance_close(row)) for row in positions]
    cancels = [
        await maker.by_ccxt(
            "fapiPrivateDeleteOrder",
            {"symbol": row["symbol"], "orderId": row["order_id"], "recvWindow": 60_000},
        )
        for row in entries
    ]
    sweeps = [
        await maker.by_ccxt("fapiPrivateDeleteAlgoOpenOrders", {"symbol": symbol, "recvWindow": 60_000})
        for symbol in dict.fromkeys(row["symbol"] for row in waiting)
    ]

    async def look() -> tuple[bytes, ...]:
        names = ("fapiPrivateV3GetPositionRisk", "fapiPrivateGetOpenOrders", "fapiPrivateGetOpenAlgoOrders")
        return tuple([await maker.by_ccxt(name, {"recvWindow": 60_000}) for name in names])

    return Script(
        closes=tuple(
            tuple(closes[at : at + BINANCE_A_WINDOW]) for at in range(0, len(closes), BINANCE_A_WINDOW)
        ),
        cancels=tuple(cancels),
        sweeps=tuple(sweeps),
        looks=(await look(), await look()),
        window_s=BINANCE_WINDOW_S,
    )


async def _bybit(maker: Maker, account: dict[str, Any], _symbols: Sequence[str]) -> Script:
    maker.allow_late()
    positions, entries, _ = _split(account)
    forms = [bybit_close(row) for row in positions]
    waves: list[tuple[bytes, ...]] = []
    a_wave = 2 * BYBIT_A_SECOND
    for start in range(0, len(forms), a_wave):
        wave = forms[start : start + a_wave]
        singles, batched = wave[:BYBIT_A_SECOND], wave[BYBIT_A_SECOND:]
        requests = [
            await maker.by_ccxt("privatePostV5OrderCreate", {"category": "linear", **form})
            for form in singles
        ]
        if batched:
            body = {"category": "linear", "request": batched}
            requests.append(await maker.by_ccxt("privatePostV5OrderCreateBatch", body))
        waves.append(tuple(requests))
    cancels = [
        await maker.by_ccxt(
            "privatePostV5OrderCancel",
            {"category": "linear", "symbol": row["symbol"], "orderId": bybit_id(row["order_id"])},
        )
        for row in entries
    ]
    sweep = await maker.by_ccxt("privatePostV5OrderCancelAll", {"category": "linear", "settleCoin": "USDT"})

    async def look() -> tuple[bytes, ...]:
        scopes = [{"category": "linear", "settleCoin": coin} for coin in ("USDT", "USDC")]
        scopes.append({"category": "inverse"})
        asked = [("privateGetV5PositionList", {**scope, "limit": 200}) for scope in scopes]
        asked += [("privateGetV5OrderRealtime", {**scope, "limit": 50}) for scope in scopes]
        return tuple([await maker.by_ccxt(method, params) for method, params in asked])

    return Script(
        closes=tuple(waves),
        cancels=tuple(cancels),
        sweeps=(sweep,),
        looks=(await look(), await look()),
        window_s=BYBIT_WINDOW_S,
    )


async def _okx(maker: Maker, account: dict[str, Any], _: Sequence[str]) -> Script:
    positions, entries, waiting = _split(account)
    forms = [okx_close(row) for row in positions]
    closes = [
        await maker.by_ccxt("privatePostTradeBatchOrders", forms[at : at + OKX_A_BATCH])
        for at in range(0, len(forms), OKX_A_BATCH)
    ]
    named = [{"instId": row["symbol"], "ordId": okx_id(row["order_id"])} for row in entries]
    cancels = [
        await maker.by_ccxt("privatePostTradeCancelBatchOrders", named[at : at + OKX_A_CANCEL])
        for at in range(0, len(named), OKX_A_CANCEL)
    ]
    algos = [{"instId": row["symbol"], "algoId": algo_id_of(row["order_id"])} for row in waiting]
    sweeps = [
        await maker.by_ccxt("privatePostTradeCancelAlgos", algos[at : at + OKX_ALGOS_A_CANCEL])
        for at in range(0, len(algos), OKX_ALGOS_A_CANCEL)
    ]

    async def look() -> tuple[bytes, ...]:
        asked: list[tuple[str, dict[str, str]]] = [
            ("privateGetAccountPositions", {}),
            ("privateGetTradeOrdersPending", {}),
        ]
        asked += [("privateGetTradeOrdersAlgoPending", {"ordType": ",".join(kinds)}) for kinds in ALGO_LISTS]
        return tuple([await maker.by_ccxt(method, params) for method, params in asked])

    return Script(
        closes=(tuple(closes),),
        cancels=tuple(cancels),
        sweeps=tuple(sweeps),
        looks=(await look(), await look()),
    )


async def _hyperliquid(maker: Maker, account: dict[str, Any], instruments: Sequence[str]) -> Script:
    positions, entries, waiting = _split(account)
    numbers = {symbol: number for number, symbol in enumerate(instruments)}
    orders = [hyperliquid_close(row, numbers[row["symbol"]]) for row in positions]

    def cancel_of(rows: list[dict[str, Any]]) -> tuple[bytes, ...]:
        named = [{"a": numbers[row["symbol"]], "o": row["order_id"]} for row in rows]
        return (maker.action({"type": "cancel", "cancels": named}),) if named else ()

    close = maker.action({"type": "order", "orders": orders, "grouping": "na"})
    kinds = ("clearinghouseState", "frontendOpenOrders")
    look = tuple(maker.info({"type": kind, "dex": ""}) for kind in kinds)
    return Script(
        closes=((close,),),
        cancels=cancel_of(entries),
        sweeps=cancel_of(waiting),
        looks=(look, look),
    )


_SCRIPTS = {"binance": _binance, "bybit": _bybit, "okx": _okx, "hyperliquid": _hyperliquid}


class _Socket(asyncio.Protocol):
    """One warm connection: one request at a time, its answer read by its content length."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, content = self._buffer.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        at = head.lower().index(b"content-length:")
        length = int(head[at + 15 :].partition(b"\r\n")[0])
        if len(content) >= length:
            self._buffer = b""
            answer, self._answer = self._answer, None
            answer.set_result(head[9:12] + content)

    def connection_lost(self, _: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the venue closed the connection"))

    def send(self, request: bytes) -> asyncio.Future[bytes]:
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer


class Pool:
    """The warm connections to one venue."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._idle: list[_Socket] = []

    async def warm(self, count: int) -> None:
        """See to it that so many connections are open."""
        self._idle = [one for one in self._idle if one.transport and not one.transport.is_closing()]
        loop = asyncio.get_running_loop()
        while len(self._idle) < count:
            _, made = await loop.create_connection(_Socket, self._at.hostname or "", self._at.port or 0)
            self._idle.append(made)

    async def exchange(self, requests: Sequence[bytes]) -> list[bytes]:
        """Send all at once, each on a connection of its own, and return their answers, in their order."""
        used = [self._idle.pop() for _ in requests]
        flying = [one.send(request) for one, request in zip(used, requests, strict=True)]
        answers = [await answer for answer in flying]
        self._idle.extend(used)
        return answers

    def close(self) -> None:
        """Close all connections."""
        for one in self._idle:
            if one.transport is not None:
                one.transport.abort()


class NullClient:
    """The null client of a stage; `sent` counts the requests of its last run."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._makers = {name: Maker(name, stage.url(name)) for name in stage.papers}
        self._pools = {name: Pool(stage.url(name)) for name in stage.papers}
        self.refused: list[str] = []
        self.sent = 0

    async def run(self) -> tuple[int, int]:
        """Make the freshly reset stage flat; return the beginning and the end (monotonic nanoseconds)."""
        scripts: dict[str, Script] = {}
        for name, maker in self._makers.items():
            account = self._stage.papers[name].control.account(name)
            scripts[name] = await script_of(maker, account, self._stage.symbols(name))
            await self._pools[name].warm(_widest(scripts[name]))
        self.sent = sum(map(_count, scripts.values()))
        begun_ns = time.monotonic_ns()
        async with asyncio.timeout(ANSWER_S), asyncio.TaskGroup() as group:
            for name, script in scripts.items():
                group.create_task(self._play(self._pools[name], script))
        return begun_ns, time.monotonic_ns()

    async def _play(self, pool: Pool, script: Script) -> None:
        first, *later = script.closes
        answers = await pool.exchange((*first, *script.cancels))
        for wave in later:
            # The venue counted the earlier wave at the latest half a round trip before its last answer came,
            # and counts this one at the earliest half a round trip after it leaves.
            await asyncio.sleep(script.window_s - self._stage.cast.round_trip_ms / 1e3)
            answers += await pool.exchange(wave)
        if script.sweeps:
            answers += await pool.exchange(script.sweeps)
        looked_ns = time.monotonic_ns()
        answers += await pool.exchange(script.looks[0])
        await asyncio.sleep(max(0.0, LOOK_GAP_S - (time.monotonic_ns() - looked_ns) / 1e9))
        answers += await pool.exchange(script.looks[1])
        self.refused += [answer.decode()[:300] for answer in answers if answer[:3] != b"200"]

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()


async def null_moments(stage: Stage) -> tuple[float, float]:
    """Let a null client flatten the reset stage; return the ms to its first order and to its last fill."""
    stage.reset()
    null = NullClient(stage)
    try:
        begun_ns, _ = await null.run()
        assert not null.refused, null.refused
    finally:
        null.close()
    rows = [row for row in stage.log() if int(row["received_ns"]) >= begun_ns]
    first_ns = next(int(row["received_ns"]) for row in rows if is_order(row))
    return (first_ns - begun_ns) / MS, (last_fill_ns(rows) - begun_ns) / MS


def _count(script: Script) -> int:
    return sum(map(len, (*script.closes, script.cancels, script.sweeps, *script.looks)))


def _widest(script: Script) -> int:
    first = len(script.closes[0]) + len(script.cancels)
    return max(first, len(script.sweeps), *map(len, script.closes), *map(len, script.looks))
