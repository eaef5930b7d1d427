"""Door: what happens to an HTTP request before the protocol sees it.

Blanks around header values are taken off (one of the two HTTP parsers keeps them, and the protocol compares
headers with the body). An `api_key` in the query is taken out in place, so that no log line of any server
prints it; it counts only on the Streamable HTTP path, since clients of the older SSE form do not repeat it.
A good key binds the session to its principal, so that nobody else can use the session.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from bastion.errors import KeyRefused
from bastion.surfaces.mcp_server.identity import QUERY_KEYS, KeyCheck, from_headers, from_query, identify

STREAM_PATH = "/mcp/stream"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Door:
    """Wraps the ASGI application; passes on everything but what the module's sentence says."""

    def __init__(self, application: Application, *, keys: KeyCheck) -> None:
        self._application = application
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            keys = take_query_keys(scope)
            scope[QUERY_KEYS] = keys if scope["path"] == STREAM_PATH else ()
            self._bind(scope)
        await self._application(scope, receive, send)

    def _bind(self, scope: Scope) -> None:
        presented = (*from_headers(header_texts(scope)), *from_query(scope[QUERY_KEYS]))
        if not presented:
            return
        try:
            principal = identify(self._keys, presented)
        except KeyRefused:
            # The tool refuses the call and says why; here there is nobody to bind the session to.
            return
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=principal.id, scopes=[]))


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
