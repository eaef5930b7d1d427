"""Refunds over HTTP: prepared request bytes on warm sockets against the served venue, in its own process."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
REFUNDS_EACH = 60
ANSWER_S = 30
WALLET = "0x" + "a1" * 20


@dataclass(frozen=True, kw_only=True)
class HttpFigures:
    """`rate` in refunds a second; costs in microseconds a refund, as a split of one refund's wall time."""

    connections: int
    rate: float
    p50_ms: float
    p99_ms: float
    wire_us: float
    ledger_us: float


def measure_http(folder: Path, ledger_rate: float) -> HttpFigures:
    """Serve a venue on a free port with its limits off, open positions, and exit them from many sockets."""
    words = ["--folder", str(folder), "--trading-limit", "off", "--public-limit", "off"]
    with subprocess.Popen(
        [sys.executable, "-m", "bastion.paper.wire.strike", "serve", *words, "--mark", "BTC-USD=45000"],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            key = (folder / "service.key").read_text(encoding="ascii").strip()
            seconds, taken = asyncio.run(_drive(int(ready["url"].rsplit(":", 1)[1]), key))
        finally:
            server.terminate()
            server.wait(ANSWER_S)
    rate = len(taken) / seconds
    ledger_us = 1e6 / ledger_rate
    taken.sort()
    return HttpFigures(
        connections=CONNECTIONS,
        rate=rate,
        p50_ms=taken[len(taken) // 2] * 1e3,
        p99_ms=taken[int(len(taken) * 0.99)] * 1e3,
        wire_us=max(0.0, 1e6 / rate - ledger_us),
        ledger_us=ledger_us,
    )


def _request(path: str, key: str, body: Mapping[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\n"
        f"X-Wallet-Address: {WALLET}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class _Socket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> bytes:
        self.writer.write(request)
        async with asyncio.timeout(ANSWER_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = await self.reader.readexactly(length)
        if " 200 " not in head.split("\r\n", 1)[0]:
            raise RuntimeError(body.decode())
        return body


async def _drive(port: int, key: str) -> tuple[float, list[float]]:
    sockets = [_Socket(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    deposit = {
        "walletAddress": WALLET,
        "amount": "1000000.0",
        "txHash": "0x" + "ab" * 32,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    await sockets[0].ask(_request("/deposit", key, deposit))
    order = _request("/long", key, {"symbol": "BTC-USD", "margin": "10.0", "leverage": 10})
    prepared: list[list[bytes]] = []
    for socket in sockets:
        numbers = [json.loads(await socket.ask(order))["positionId"] for _ in range(REFUNDS_EACH)]
        prepared.append([_request("/emergency-exit", key, {"positionId": number}) for number in numbers])
    taken: list[float] = []
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for socket, requests in zip(sockets, prepared, strict=True):
            group.create_task(_refund(socket, requests, taken))
    seconds = time.perf_counter() - start
    for socket in sockets:
        socket.writer.close()
    return seconds, taken


async def _refund(socket: _Socket, requests: Sequence[bytes], taken: list[float]) -> None:
    for request in requests:
        start = time.perf_counter()
        body = await socket.ask(request)
        taken.append(time.perf_counter() - start)
        assert json.loads(body) == {"success": True, "refundedAmount": "10.0"}
