"""Over HTTP: Streamable HTTP at /mcp/stream, and the older HTTP+SSE form at /mcp/sse, on loopback only."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
import uvloop
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import EventStore
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bastion.errors import Refused
from bastion.surfaces.mcp_server.admission import Gate
from bastion.surfaces.mcp_server.door import BODY_BYTES_MAX, STREAM_PATH, Door, Receive, Scope, Send
from bastion.surfaces.mcp_server.server import act_of

HOST = "127.0.0.1"
PORT = 8737
SSE_PATH = "/mcp/sse"
MESSAGES_PATH = "/mcp/messages/"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_SESSIONS_MAX = 200
_SESSION_IDLE_S = 1800.0
_DRAIN_S = 3


def loopback_only() -> TransportSecuritySettings:
    """Return the Host and Origin rules that keep web pages of other origins out (DNS rebinding)."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[f"{name}:*" for name in _NAMES],
        allowed_origins=[f"http://{name}:*" for name in _NAMES],
    )


class _SseDoor:
    """The older form's GET: one stream, one session, served until the client goes away."""

    def __init__(self, server: Server, transport: SseServerTransport) -> None:
        self._server = server
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._transport.connect_sse(scope, receive, send) as (reader, writer):
                await self._server.run(reader, writer, self._server.create_initialization_options())
        except ValueError:
            # The transport has answered a Host or Origin that it does not allow, and says so by this.
            return


def http_application(
    server: Server, *, gate: Gate, events: EventStore | None = None, retry_ms: int | None = None
) -> Door:
    """Return the ASGI application of the MCP server on both HTTP transports.

    With `events`, a client of the older revisions can come back to a stream that broke; `retry_ms` tells it
    when. The desk needs neither: an exit's state is read anew by its id.
    """
    security = loopback_only()
    manager = StreamableHTTPSessionManager(
        app=server,
        event_store=events,
        retry_interval=retry_ms,
        security_settings=security,
        max_request_body_size=BODY_BYTES_MAX,
        session_idle_timeout=_SESSION_IDLE_S,
        max_sessions=_SESSIONS_MAX,
    )
    sse = SseServerTransport(MESSAGES_PATH, security, BODY_BYTES_MAX)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    application = Starlette(
        routes=[
            Route(STREAM_PATH, endpoint=StreamableHTTPASGIApp(manager)),
            Route(SSE_PATH, endpoint=_SseDoor(server, sse), methods=["GET"]),
            Mount(MESSAGES_PATH, app=sse.handle_post_message),
        ],
        lifespan=lifespan,
    )
    return Door(application, gate=gate, act_of=act_of)


class _Listener(uvicorn.Server):
    """A uvicorn server that stops on SIGINT and SIGTERM, and leaves the process to its caller afterwards.

    uvicorn itself would raise the signal again when it has stopped, and so end the process before the desk
    has finished a running exit.
    """

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

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
        self.should_exit = True


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop of the fastest kind for this server."""
    return uvloop.new_event_loop()


def bind(port: int) -> socket.socket:
    """Return a socket bound to the loopback address; port 0 takes any free one.

    Raises:
        Refused: the port is in use or not allowed.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise Refused(
            f"Port {port} on {HOST} cannot be used: {error.strerror}. Choose another with --port."
        ) from error
    return listening


async def serve_http(application: Door, listening: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once connections are taken.

    Open streams are given three seconds to end. No access log is written.
    """
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    await _Listener(config, ready=ready).serve(sockets=[listening])
