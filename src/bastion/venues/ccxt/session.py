"""Session: what carries the requests that ccxt writes itself. It loads aiohttp, so it is loaded with ccxt."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from bastion.http1.client import CONNECTIONS_MAX, KEEP_ALIVE_S
from bastion.http1.dial import Connect, Origin, certificates, tcp
from bastion.venues.ccxt.gated import gated
from bastion.venues.gate.rules import Check


def open_session(
    check: Check,
    *,
    encrypted: bool,
    connect: Connect,
    leaving: Callable[[], None],
    refuse_redirect: Callable[[], None],
) -> aiohttp.ClientSession:
    """Return a session whose requests pass the gate, and whose connections `connect` makes.

    `refuse_redirect` is called where a host redirects, and raises.
    """
    return aiohttp.ClientSession(
        connector=_connector(connect, encrypted=encrypted),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_trace(refuse_redirect)],
        trust_env=False,
        request_class=gated(check, leaving=leaving),
    )


class Connector(aiohttp.BaseConnector):
    """Connects as it is told to; connections are kept and used again, whatever their age."""

    def __init__(self, connect: Connect) -> None:
        # aiohttp asks the machine's clock how old a kept connection is, unless it may be of any age.
        super().__init__(keepalive_timeout=None, limit=0)
        self._connect_to = connect

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature of what this replaces
    ) -> ResponseHandler:
        del traces, timeout
        origin = Origin(
            host=req.url.host or "",
            port=req.url.port or 0,
            encrypted=req.url.scheme == "https",
            authority=req.url.authority,
        )
        return await self._connect_to(origin, None, self._handler)

    def _handler(self) -> ResponseHandler:
        return ResponseHandler(loop=asyncio.get_running_loop())


def _connector(connect: Connect, *, encrypted: bool) -> aiohttp.BaseConnector:
    if connect is not tcp:
        return Connector(connect)
    return aiohttp.TCPConnector(
        ssl=certificates() if encrypted else True, limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S
    )


def _trace(refuse: Callable[[], None]) -> aiohttp.TraceConfig:
    async def redirected(_session: aiohttp.ClientSession, _context: object, _params: object) -> None:
        refuse()

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(redirected)
    return trace
