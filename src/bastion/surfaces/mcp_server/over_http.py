"""Over HTTP: Streamable HTTP at /mcp/stream, and the older HTTP+SSE form at /mcp/sse, on loopback only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import EventStore
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bastion.surfaces.mcp_server.admission import Gate
from bastion.surfaces.mcp_server.door import BODY_BYTES_MAX, METHOD, STREAM_PATH, Door, turn_away
from bastion.surfaces.mcp_server.server import act_of
from bastion.surfaces.mcp_server.stock import RETRY_AFTER_S, OpenSessions, Stock, owner_of
from bastion.surfaces.rest.asgi import Message, Receive, Scope, Send

SSE_PATH = "/mcp/sse"
MESSAGES_PATH = "/mcp/messages/"
_NAMES = ("127.0.0.1", "localhost", "[::1]")
SESSION_HEADER = b"mcp-session-id"
STREAMS_EACH_MAX = 20
STREAMS_KEYED_MAX = 200
STREAMS_KEYLESS_MAX = 50
SESSIONS_EACH_MAX = 50
_SESSIONS_MAX = 200
_SESSION_IDLE_S = 1800.0


def loopback_only() -> TransportSecuritySettings:
    """Return the Host and Origin rules that keep web pages of other origins out (DNS rebinding)."""
    hosts = [host for name in _NAMES for host in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"http://{host}" for host in hosts],
    )


class _Sessions:
    """Streamable HTTP with two stocks of sessions: who shows no key cannot use up those of who does.

    A session belongs to the key that opened it, or to nobody, so that the stock follows from the request.
    No key holds more than its part of the stock; only the older revisions open sessions.
    """

    def __init__(self, *, keyed: StreamableHTTPSessionManager, keyless: StreamableHTTPSessionManager) -> None:
        self._keyed = StreamableHTTPASGIApp(keyed)
        self._keyless = StreamableHTTPASGIApp(keyless)
        stock = Stock(
            noun="sessions",
            each_max=SESSIONS_EACH_MAX,
            keyed_max=_SESSIONS_MAX,
            keyless_max=_SESSIONS_MAX,
        )
        self._open = OpenSessions(stock, idle_s=_SESSION_IDLE_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = owner_of(scope)
        chosen = self._keyless if scope.get("user") is None else self._keyed
        known = dict(scope["headers"]).get(SESSION_HEADER, b"").decode("latin-1")
        # The time by which the sessions themselves count how long they are idle.
        now_s = asyncio.get_running_loop().time
        if scope.get(METHOD) == "initialize" and not known:
            refusal = self._open.refusal(owner, now_s=now_s())
            if refusal is not None:
                await turn_away(send, refusal, retry_after_s=RETRY_AFTER_S)
                return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = dict(message.get("headers", ())).get(SESSION_HEADER, b"").decode("latin-1")
                if given and not known:
                    self._open.opened(given, owner, now_s=now_s())
                if known and scope["method"] == "DELETE" and message["status"] == HTTPStatus.OK:
                    self._open.ended(known)
            await send(message)

        self._open.busy(known, 1, now_s=now_s())
        try:
            await chosen(scope, receive, tell)
        finally:
            self._open.busy(known, -1, now_s=now_s())


class _SseDoor:
    """The older form's GET: one stream, one session, served until the client goes away.

    A key holds so many streams and no more, and so do all together; the next is refused with 429.
    """

    def __init__(self, server: Server, transport: SseServerTransport) -> None:
        self._server = server
        self._transport = transport
        self._streams = Stock(
            noun="streams",
            each_max=STREAMS_EACH_MAX,
            keyed_max=STREAMS_KEYED_MAX,
            keyless_max=STREAMS_KEYLESS_MAX,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = owner_of(scope)
        refusal = self._streams.refusal(owner)
        if refusal is not None:
            await turn_away(send, refusal, retry_after_s=RETRY_AFTER_S)
            return
        self._streams.take(owner)
        try:
            async with self._transport.connect_sse(scope, receive, send) as (reader, writer):
                await self._server.run(reader, writer, self._server.create_initialization_options())
        except ValueError:
            # The transport has answered a Host or Origin that it does not allow, and says so by this.
            return
        finally:
            self._streams.give(owner)


def http_application(
    server: Server, *, gate: Gate, events: EventStore | None = None, retry_ms: int | None = None
) -> Door:
    """Return the ASGI application of the MCP server on both HTTP transports.

    With `events`, a client of the older revisions can come back to a stream that broke; `retry_ms` tells it
    when. The desk needs neither: an exit's state is read anew by its id.
    """
    security = loopback_only()
    keyed, keyless = (
        StreamableHTTPSessionManager(
            app=server,
            event_store=events,
            retry_interval=retry_ms,
            security_settings=security,
            max_request_body_size=BODY_BYTES_MAX,
            session_idle_timeout=_SESSION_IDLE_S,
            max_sessions=_SESSIONS_MAX,
        )
        for _ in range(2)
    )
    sse = SseServerTransport(MESSAGES_PATH, security, BODY_BYTES_MAX)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with keyed.run(), keyless.run():
            yield

    application = Starlette(
        routes=[
            Route(STREAM_PATH, endpoint=_Sessions(keyed=keyed, keyless=keyless)),
            Route(SSE_PATH, endpoint=_SseDoor(server, sse), methods=["GET"]),
            Mount(MESSAGES_PATH, app=sse.handle_post_message),
        ],
        lifespan=lifespan,
    )
    return Door(application, gate=gate, act_of=act_of)
