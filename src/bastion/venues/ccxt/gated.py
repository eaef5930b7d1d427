"""Gated: aiohttp's request with the gate as its last step before the socket."""

from collections.abc import Callable

import aiohttp

from bastion.errors import Fault, VenueRejected
from bastion.venues.gate.outgoing import GateRefused, Outgoing
from bastion.venues.gate.rules import Check

GATE_CODE = "gate"


def gated(check: Check, *, leaving: Callable[[], None]) -> type[aiohttp.ClientRequest]:
    """Return a request class that sends nothing which `check` does not let pass.

    A request that it stops raises `VenueRejected` (TERMINAL, code `gate`) before a byte of it is written;
    `leaving` is called for one that it lets pass, before the first byte.
    """

    class GatedRequest(aiohttp.ClientRequest):
        async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
            try:
                check(await _outgoing(self))
            except GateRefused as refusal:
                raise VenueRejected(
                    f"not sent: {refusal}. This is a defect of bastion; please report it.",
                    fault=Fault.TERMINAL,
                    code=GATE_CODE,
                ) from None
            leaving()
            return await super().send(conn)

    return GatedRequest


async def _outgoing(request: aiohttp.ClientRequest) -> Outgoing:
    held = request.body
    body = await held.as_bytes() if isinstance(held, aiohttp.BytesPayload) else held
    if not isinstance(body, bytes):
        raise GateRefused("the body is not at hand as bytes")
    return Outgoing(
        method=request.method,
        target=request.url.raw_path_qs,
        body=body,
        content_type=request.headers.get("Content-Type", ""),
    )
