"""Dial: how a connection to a host comes about: over TCP by IPv4 or IPv6, encrypted where the URL says so."""

import asyncio
import contextlib
import functools
import importlib
import socket
import ssl
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Protocol, TypeVar

from bastion.shape import dataclass

HEAD_START_S = 0.25
"""How long one address of a name is tried alone before the next is tried beside it (RFC 8305, section 5)."""
ADDRESSES_MAX = 8

P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A host as a URL names it; `authority` is what the header `Host` says."""

    host: str
    port: int
    encrypted: bool
    authority: str


class Connect(Protocol):
    """Makes connections to hosts."""

    async def __call__(self, origin: Origin, address: str | None, protocol: Callable[[], P]) -> P:
        """Return one connected protocol; `address` is one of the host that answered lately, None for none.

        Raises:
            OSError: no connection came about.
        """
        ...


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return what every connection of this process trusts: certifi's authorities, names checked."""
    # Finding a file costs that library more than all else here, and hosts without encryption need none.
    return ssl.create_default_context(cafile=importlib.import_module("certifi").where())


async def tcp(origin: Origin, address: str | None, protocol: Callable[[], P]) -> P:
    """Connect to the host that the URL names; with an address, to that one alone.

    Raises:
        OSError: no address could be connected to, or the host could not prove its name.
    """
    addresses = (address,) if address is not None else await _addresses(origin)
    if len(addresses) == 1:
        return (await _connected(origin, addresses[0], protocol))[1]
    return await _first(origin, addresses, protocol)


async def _connected(
    origin: Origin, address: str, protocol: Callable[[], P]
) -> tuple[asyncio.BaseTransport, P]:
    return await asyncio.get_running_loop().create_connection(
        protocol,
        address,
        origin.port,
        ssl=certificates() if origin.encrypted else None,
        server_hostname=origin.host if origin.encrypted else None,
    )


async def _addresses(origin: Origin) -> Sequence[str]:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, origin.host)
            return (origin.host,)
    found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    if not found:
        raise OSError(f"the name {origin.host} has no address")
    # The system's first choice stays the first; then the families take turns.
    first = found[0][0]
    chosen = [str(row[4][0]) for row in found if row[0] == first]
    others = [str(row[4][0]) for row in found if row[0] != first]
    mixed = [one for pair in zip_longest(chosen, others) for one in pair if one is not None]
    return tuple(dict.fromkeys(mixed))[:ADDRESSES_MAX]


async def _first(origin: Origin, addresses: Sequence[str], protocol: Callable[[], P]) -> P:
    failed = [asyncio.Event() for _ in addresses]
    errors: list[OSError] = []
    made: list[tuple[asyncio.BaseTransport, P]] = []
    tasks: list[asyncio.Task[None]] = []

    async def attempt(number: int) -> None:
        if number:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAD_START_S * number):
                    await failed[number - 1].wait()
        try:
            connected = await _connected(origin, addresses[number], protocol)
        except OSError as error:
            errors.append(error)
            failed[number].set()
            return
        if made:
            connected[0].close()
            return
        made.append(connected)
        for other in (*tasks[:number], *tasks[number + 1 :]):
            other.cancel()

    decided = False
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(attempt(number)) for number in range(len(addresses))]
        decided = True
    finally:
        if not decided:
            for transport, _ in made:
                transport.close()
    if not made:
        raise errors[0]
    return made[0][1]
