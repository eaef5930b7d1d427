"""Gated: aiohttp's request with the gate as its last step before the socket."""

from collections.abc import Callable

import aiohttp

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed
from bastion.venues.gate.rules import Check, passed


def gated(check: Check, *, leaving: Callable[[], None]) -> type[aiohttp.ClientRequest]:
    """Return a request class that sends nothing which `check` does not let pass.

    A request that it stops raises `VenueRejected` (TERMINAL, code `gate`) before a byte of it is written;
    `leaving` is called for one that it lets pass, before the first byte.
    """

    class GatedRequest(aiohttp.ClientRequest):
        async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
            held = self.body
            body = await held.as_bytes() if isinstance(held, aiohttp.BytesPayload) else held
            if isinstance(body, bytes):
                passed(check, _outgoing(self, body))
            else:
                passed(_unreadable, _outgoing(self, b""))
            leaving()
            return await super().send(conn)

    return GatedRequest


def _outgoing(request: aiohttp.ClientRequest, body: bytes) -> Outgoing:
    return Outgoing(
        method=request.method,
        target=request.url.raw_path_qs,
        body=body,
        content_type=request.headers.get("Content-Type", ""),
    )


def _unreadable(_: Outgoing) -> Passed:
    raise GateRefused("the body is not at hand as bytes")
