"""Reset: how the edge breaks a connection."""

import socket
import struct

from aiohttp import web

_LINGER_NONE = struct.pack("ii", 1, 0)


def reset(request: web.Request) -> None:
    """End the request's connection at once; the client sees "connection reset", not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Without lingering, closing sends RST.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()
