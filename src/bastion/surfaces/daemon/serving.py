"""Serving: HTTP over the daemon's sockets, with bounds on whoever sends slowly or without end."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import Server

from bastion.surfaces.rest.asgi import LOCAL, Application, Receive, Scope, Send
from bastion.surfaces.rest.problems import problem

HEAD_S = 10.0
HEAD_BYTES_MAX = 65_536
WAITING_MAX = 256
DRAIN_S = 3
KEEP_ALIVE_S = 30
BACKLOG = 256
_PEER = struct.Struct("3i")


class Local:
    """Marks the requests of the unix socket's peer as those of this program's own user."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        scope[LOCAL] = True
        await self._application(scope, receive, send)


class Waiting:
    """The connections that have not sent a whole head yet; beyond `WAITING_MAX` the oldest is closed."""

    def __init__(self) -> None:
        self._connections: dict[Connection, None] = {}

    def add(self, connection: "Connection") -> None:
        """Take in a connection; the oldest goes where there are too many."""
        self._connections[connection] = None
        if len(self._connections) > WAITING_MAX:
            next(iter(self._connections)).give_up()

    def remove(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)


class Connection(HttpToolsProtocol):
    """One connection: whose it is, and how long and how much it may take to say what it wants."""

    waiting = Waiting()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; on the unix socket only from this program's own user."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        wire = transport.get_extra_info("socket")
        if wire is not None and wire.family == socket.AF_UNIX:
            if not peer_is_self(wire.fileno()):
                transport.close()
                return
            self.app = Local(self.app)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, while it is not too much for a head."""
        if self._timer is not None:
            if self._head_bytes > HEAD_BYTES_MAX:
                self.give_up()
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to wait for a head."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """End the wait, and serve."""
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP like any other malformed request."""
        reply = problem(400, msg)
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {reply.media_type}\r\ncontent-length: {len(reply.body)}\r\n"
            "cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + reply.body)
        self.transport.close()

    def give_up(self) -> None:
        """Close a connection that did not send a head in time, or too long a one."""
        self._head_came()
        self.transport.close()

    def _await_head(self) -> None:
        self._head_came()
        self._head_bytes = 0
        self._timer = self.loop.call_later(HEAD_S, self.give_up)
        self.waiting.add(self)

    def _head_came(self) -> None:
        self.waiting.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def peer_is_self(descriptor: int) -> bool:
    """Whether the process at the other end of a unix socket runs as this process's user.

    Where the system does not tell (it has no SO_PEERCRED), the socket's mode 0600 is what keeps others out.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return not sys.platform.startswith("linux")
    with socket.socket(fileno=os.dup(descriptor)) as wire:
        _, uid, _ = _PEER.unpack(wire.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return bool(uid == os.geteuid())


class _Listener(Server):
    """A uvicorn server that stops on SIGINT and SIGTERM, and leaves the process to its caller afterwards."""

    def __init__(self, config: Config, *, ready: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM)
        for number in caught:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._ending()
        self.should_exit = True


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop of the fastest kind for this server."""
    return uvloop.new_event_loop()


async def serve(
    application: Application,
    listening: list[socket.socket],
    *,
    ready: Callable[[], None],
    ending: Callable[[], None],
) -> None:
    """Serve until SIGINT or SIGTERM.

    `ready` is called once connections are taken, `ending` once no more are. Open streams are given three
    seconds to end. No access log is written.
    """
    serve_this: Any = application
    config = Config(
        serve_this,
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Nobody stands between a caller and this socket: what claims to forward for another is not believed.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    await _Listener(config, ready=ready, ending=ending).serve(sockets=listening)
