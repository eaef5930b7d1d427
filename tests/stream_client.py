"""A plain websocket client for the paper exchange's wires, frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.paper_process import PaperProcess

WAIT_S = 15.0


class StreamClient:
    """One socket; every wait ends after `WAIT_S`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Any] = []

    async def say(self, message: object) -> None:
        """Send JSON, or text as it is."""
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def until(self, wanted: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - JSON
        """Return the first message that is wanted; the others stay in `seen`."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, f"the socket ended: {message}"
                data = json.loads(message.data) if message.data[:1] in "{[" else message.data
                self.seen.append(data)
                if wanted(data):
                    return data

    async def ended(self) -> aiohttp.WSMessage:
        """Wait for the end of the socket, and return what ended it."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.socket.receive()
                if message.type in {
                    aiohttp.WSMsgType.CLOSE,
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                }:
                    return message


@asynccontextmanager
async def stream(
    paper: PaperProcess, venue: str, path: str, *, headers: Mapping[str, str] | None = None
) -> AsyncIterator[StreamClient]:
    """Open a socket on a wire."""
    url = f"ws://127.0.0.1:{paper.port}/{venue}{path}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        yield StreamClient(socket)
