"""Sockets: how the requests of one account reach a venue's host: over TCP, unless the builder says other."""

import ssl
from collections.abc import Callable

import aiohttp

CONNECTIONS_MAX = 256
KEEP_ALIVE_S = 75.0

Connect = Callable[[ssl.SSLContext | None], aiohttp.BaseConnector]
"""Makes the connections of one session; it is given the certificates to trust, None for a plain host."""


def tcp(trusted: ssl.SSLContext | None) -> aiohttp.BaseConnector:
    """Connect to the host that the URL names."""
    return aiohttp.TCPConnector(
        ssl=trusted if trusted is not None else True, limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S
    )
