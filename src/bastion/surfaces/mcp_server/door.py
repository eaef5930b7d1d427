"""Door: what happens to an HTTP request before the protocol sees it.

Blanks around header values are taken off (one of the two HTTP parsers keeps them, and the protocol compares
headers with the body). An `api_key` in the query is taken out in place, so that no log line of any server
prints it; it counts only on the Streamable HTTP path, since clients of the older SSE form do not repeat it.
A body must come within a time and a size. A good key binds the session to its principal, so that nobody
else can use the session. A call is counted here, since the headers that tell what is left leave first.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.errors import KeyRefused, RateLimited
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.admission import ADMITTED, Gate
from bastion.surfaces.mcp_server.identity import QUERY_KEYS, from_headers, from_query
from bastion.surfaces.rest.asgi import LOCAL, Application, Message, Receive, Scope, Send

STREAM_PATH = "/mcp/stream"
BODY_BYTES_MAX = 262_144
METHOD = "bastion.method"
"""The protocol's method, in the ASGI scope; empty where the body names none."""
BODY_S = 10.0
CHUNKS_MAX = 100_000

ActOf = Callable[[str, Mapping[str, object]], Act | None]
"""Returns which act a request of the protocol is, by its method and parameters; None where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turned:
    """A request that is answered at the door."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


class Door:
    """Wraps the ASGI application; passes on everything but what the module's sentence says."""

    def __init__(self, application: Application, *, gate: Gate, act_of: ActOf) -> None:
        self._application = application
        self._gate = gate
        self._act_of = act_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        keys = take_query_keys(scope)
        scope[QUERY_KEYS] = keys if scope["path"] == STREAM_PATH else ()
        body = b""
        if scope["method"] == "POST":
            read = await _body(receive)
            if read is None:
                return
            if isinstance(read, _Turned):
                await _answer(send, read)
                return
            body, receive = read, _again(read, receive)
        turned, headers = self._judge(scope, body)
        if turned is not None:
            await _answer(send, turned)
            return
        await self._gate.enter(scope.get(ADMITTED))
        await self._application(scope, receive, _telling(send, headers) if headers else send)

    def _judge(self, scope: Scope, body: bytes) -> tuple[_Turned | None, tuple[tuple[str, str], ...]]:
        presented = (*from_headers(header_texts(scope)), *from_query(scope[QUERY_KEYS]))
        client = scope.get("client")
        address = client[0] if client else None
        method, params = _request(body)
        scope[METHOD] = method
        act = self._act_of(method, params)
        if act is not None:
            arguments = params.get("arguments")
            argument = arguments.get("api_key") if isinstance(arguments, dict) else None
            local = bool(scope.get(LOCAL, False))
            admitted = self._gate.admit(act, argument, presented, address=address, local=local)
            scope[ADMITTED] = admitted
            if presented and admitted.principal is not None:
                _bind(scope, admitted.principal)
            return None, admitted.headers
        if presented:
            try:
                _bind(scope, self._gate.identify(presented, address=address))
            except KeyRefused:
                # The call that needs a key refuses it and says why; here there is nobody to bind to.
                return None, ()
            except RateLimited as refusal:
                wait = ("Retry-After", str(max(1, round(refusal.retry_after_s))))
                return _Turned(status=429, message=str(refusal), headers=(wait,)), ()
        return None, ()


def header_texts(scope: Scope) -> list[tuple[str, str]]:
    """Return the headers of an ASGI scope as texts."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


def take_query_keys(scope: Scope) -> tuple[str, ...]:
    """Take every `api_key` out of the scope's query, in place, and return their values."""
    query = scope["query_string"]
    if b"api_key" not in query.lower() and b"%" not in query:
        return ()
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name.lower() != "api_key"]
    if len(kept) == len(pairs):
        return ()
    scope["query_string"] = urlencode(kept).encode("ascii")
    return tuple(value for name, value in pairs if name.lower() == "api_key")


def _bind(scope: Scope, principal: Principal) -> None:
    scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=principal.id, scopes=[]))


def _request(body: bytes) -> tuple[str, Mapping[str, object]]:
    try:
        document = json.loads(body) if body else None
    except (ValueError, RecursionError):
        # The protocol answers what it cannot read.
        return "", {}
    if not isinstance(document, dict):
        return "", {}
    method, params = document.get("method"), document.get("params")
    return method if isinstance(method, str) else "", params if isinstance(params, dict) else {}


async def _body(receive: Receive) -> bytes | _Turned | None:
    """Return the whole body, what to answer instead of it, or None for a client that went away."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            for _ in range(CHUNKS_MAX):
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size > BODY_BYTES_MAX:
                    return _Turned(status=413, message=f"A body is at most {BODY_BYTES_MAX} bytes.")
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        pass
    return _Turned(status=408, message=f"The body did not come within {BODY_S:g} seconds.")


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _telling(send: Send, headers: tuple[tuple[str, str], ...]) -> Send:
    encoded = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers]

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *encoded]
        await send(message)

    return tell


async def turn_away(send: Send, message: str, *, retry_after_s: int) -> None:
    """Answer a request that asks for more than there is, with 429 and when to come again."""
    headers = (("Retry-After", str(retry_after_s)),)
    await _answer(send, _Turned(status=429, message=message, headers=headers))


async def _answer(send: Send, turned: _Turned) -> None:
    code = "RATE_LIMITED" if turned.status == 429 else "INVALID_ARGUMENT"  # noqa: PLR2004 - an HTTP status
    error: dict[str, object] = {"code": code, "message": turned.message}
    body = json.dumps({"error": error}).encode("utf-8")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        # What is left of the body is not read.
        (b"connection", b"close"),
        *((name.lower().encode("ascii"), value.encode("ascii")) for name, value in turned.headers),
    ]
    await send({"type": "http.response.start", "status": turned.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
