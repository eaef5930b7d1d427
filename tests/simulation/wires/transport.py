"""Transport: the desk's own client over connections that exist in memory only, byte for byte."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from bastion.http1.dial import Connect, Origin

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Peer(Protocol):
    """Whoever is at the other end of a connection."""

    def connect_s(self) -> float:
        """Return how long it takes to connect; raise `OSError` where nobody listens."""
        ...

    def hear(self, line: "Line", request: bytes) -> None:
        """Take one whole request, as its bytes were written."""
        ...


class Line(asyncio.Transport):
    """One connection: what is written arrives at the peer at once; what the peer sends, when it says so."""

    def __init__(self, protocol: asyncio.Protocol, peer: Peer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._protocol = protocol
        self._peer = peer
        self._loop = loop
        self._written = b""
        self._closing = False
        self.arrived = 0
        self.ended = False

    # What the client does.

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - the interface's own types
        return ("192.0.2.1", 443) if name == "peername" else default

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._lose(None)

    def abort(self) -> None:
        self._lose(None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._written += bytes(data)
        while (whole := _whole_request(self._written)) is not None:
            request, self._written = self._written[:whole], self._written[whole:]
            self._peer.hear(self, request)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(bytes(data) for data in list_of_data))

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        # Bodies here are smaller than any buffer that would want a pause.
        raise NotImplementedError

    # What the peer does.

    def deliver(self, data: bytes) -> None:
        """Let the client read these bytes, if it still listens."""
        if not self._closing:
            self._protocol.data_received(data)

    def hang_up(self) -> None:
        """Close the connection in an orderly way."""
        self._lose(None)

    def reset(self) -> None:
        """Break the connection off."""
        self._lose(ConnectionResetError(104, "Connection reset by peer"))

    def _lose(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.call_soon(self._protocol.connection_lost, error)


def in_memory(find: Callable[[str], Peer]) -> Connect:
    """Return what connects by the URL's host name to a peer in memory."""

    async def connect(origin: Origin, address: str | None, protocol: Callable[[], P]) -> P:
        del address
        peer = find(origin.host)
        await asyncio.sleep(peer.connect_s())
        made = protocol()
        assert isinstance(made, asyncio.Protocol)
        made.connection_made(Line(made, peer, asyncio.get_running_loop()))
        return made

    return connect


def _whole_request(written: bytes) -> int | None:
    end = written.find(HEAD_END)
    if end < 0:
        return None
    length = 0
    for field in written[:end].lower().split(b"\r\n")[1:]:
        if field.startswith(LENGTH):
            length = int(field[len(LENGTH) :])
    whole = end + len(HEAD_END) + length
    return whole if len(written) >= whole else None
