"""Hearing: the user streams of a null client that learns of its fills as a desk with many accounts must.

It receives each event and reads it with json, which nobody who listens can leave out, and does nothing else.
"""

import asyncio
import base64
import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.exit.null_client import ANSWER_S, Pool
from tests.benchmarks.exit.signing import Maker

PATH = "/private/ws/"
LOOK_S = 0.01
_TEXT = 1
_SHORT, _MIDDLE = 126, 127


class UserStream(asyncio.Protocol):
    """One user stream of Binance; `filled` counts the orders that it told to be filled whole."""

    def __init__(self, host: str, path: str) -> None:
        self._opening = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        )
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.filled = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(self._opening.encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.open.done():
            head, whole, rest = self._buffer.partition(b"\r\n\r\n")
            if not whole:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._buffer = rest
            self.open.set_result(None)
        while (frame := split(self._buffer)) is not None:
            kind, text, self._buffer = frame
            if kind == _TEXT:
                event = json.loads(text)
                self.filled += event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["X"] == "FILLED"

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()


def split(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """Return the first frame's kind and payload, and what follows it; None while it is not whole.

    A server's frames are not masked (RFC 6455, section 5.1).
    """
    if len(buffer) < 2:
        return None
    length, at = buffer[1], 2
    if length in {_SHORT, _MIDDLE}:
        at = 4 if length == _SHORT else 10
        length = int.from_bytes(buffer[2:at], "big")
    end = at + length
    if len(buffer) < max(end, at):
        return None
    return buffer[0] & 0x0F, buffer[at:end], buffer[end:]


async def listen(makers: Mapping[str, Maker], pool: Pool, url: str) -> list[UserStream]:
    """Open a stream for each account, and return them once all are open."""
    at = urlsplit(url)
    loop = asyncio.get_running_loop()
    opened: list[UserStream] = []
    async with asyncio.timeout(ANSWER_S):
        asked = [await maker.by_ccxt("fapiPrivatePostListenKey", {}) for maker in makers.values()]
        for answer in await pool.exchange(asked):
            told: dict[str, Any] = json.loads(answer[3:])
            stream = UserStream(at.netloc, f"{at.path}{PATH}{told['listenKey']}")
            await loop.create_connection(partial(_same, stream), at.hostname or "", at.port or 0)
            opened.append(stream)
        for stream in opened:
            await stream.open
    return opened


async def told_of(streams: Sequence[UserStream], orders: int) -> None:
    """Return once the streams have told so many orders to be filled whole."""
    while sum(stream.filled for stream in streams) < orders:  # noqa: ASYNC110 - one event for fifty streams would be one more thing to do
        await asyncio.sleep(LOOK_S)


def _same(stream: UserStream) -> UserStream:
    return stream
