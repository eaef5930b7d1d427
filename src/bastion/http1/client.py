"""Client: requests to hosts over kept connections, each written once.

A request leaves at most once: no redirect is followed, and nothing is repeated once a byte has left, but for
a read on a connection that had rested and that its host ended without a byte of an answer, which happens at
the very moment in which a host gives up an idle connection. Whoever calls sets the deadline: a call that is
cancelled takes its connection with it. No proxy is asked, no cookie kept, and the environment is not read.
"""

import asyncio
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import urlsplit

from bastion.http1.answer import BODY_BYTES_MAX, Head, Reply
from bastion.http1.connection import Connection, Ended
from bastion.http1.dial import Connect, Origin, tcp
from bastion.shape import dataclass

CONNECTIONS_MAX = 256
KEEP_ALIVE_S = 75.0
WARMED_AT_ONCE = 4
"""So many connections are opened in one go ahead of their use: what encrypts them must not hold others up."""
ADDRESS_S = 60.0
"""How long an address that answered stands for its host's name; load balancers move about that often."""
SECOND_NS = 1_000_000_000
PORTS = {"http": 80, "https": 443}
AGENT = "bastion"
_URL = re.compile(r"(https?)://([^/?#@\s\\]+)(/[!-\"$-~]*)?", re.ASCII)
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t -~]*", re.ASCII)
_VALUES = re.compile(r"[\t\n -~]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `url` is written as it goes out, `body` None for none."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query as on the request line."""
        return _split(self.url)[2]

    @property
    def content_type(self) -> str:
        """The header of that name, empty where there is none."""
        return next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")


@dataclass(slots=True)
class _Host:
    idle: list[Connection] = field(default_factory=list)
    address: str | None = None
    known_until_ns: int = 0


class _Idle(Exception):  # noqa: N818 - named for what is known after it
    """A connection that had rested was ended by its host before it answered a read."""


class Client:
    """The connections of one user of hosts; the most recently used idle one is taken first.

    `now_ns` returns nanoseconds that never go back; `headers` go with every request. `heard` is told how each
    answer begins as soon as its headers are whole, also where nobody waits for the rest any more.
    """

    def __init__(
        self,
        *,
        now_ns: Callable[[], int],
        connect: Connect = tcp,
        headers: Mapping[str, str] | None = None,
        connections_max: int = CONNECTIONS_MAX,
        body_bytes_max: int = BODY_BYTES_MAX,
        heard: Callable[[Head], None] | None = None,
    ) -> None:
        self._now_ns = now_ns
        self._heard = heard
        self._connect = connect
        self._headers = {"Accept": "*/*", "User-Agent": AGENT, **(headers or {})}
        self._limit = body_bytes_max
        self._places = asyncio.Semaphore(connections_max)
        self._hosts: dict[Origin, _Host] = {}
        self._origins: dict[tuple[str, str], Origin] = {}
        self._closed = False

    async def request(self, request: Request, *, leaving: Callable[[], bool]) -> Reply:
        """Send one request and return its answer.

        `leaving` is called right before the first byte is written, and may raise to hold the request back. It
        returns whether the request changes nothing at the host, so that it may leave a second time as said
        above; `leaving` is called then too.

        Raises:
            ValueError: the request cannot be written; nothing was sent. Or `Garbled`: no answer can be read.
            OSError: no connection came about, or it ended before the answer was whole.
        """
        scheme, authority, target = _split(request.url)
        origin = self._origin(scheme, authority)
        raw = self._written(request, origin, target)
        async with self._places:
            connection = await self._connection(origin)
            try:
                return await self._exchange(origin, connection, raw, leaving)
            except _Idle:
                connection = await self._fresh(origin)
            return await self._exchange(origin, connection, raw, leaving)

    async def warm(self, url: str, count: int, *, lasting_s: float = 0.0) -> None:
        """Open connections until `count` wait idle for the URL's host that may rest for `lasting_s` more.

        A few are opened at a time, so that whoever computes beside it is not held up.

        Raises:
            OSError: a connection did not come about.
        """
        scheme, authority, _ = _split(url)
        origin = self._origin(scheme, authority)
        host = self._host(origin)
        failed: list[OSError] = []

        async def one() -> None:
            try:
                self._rest(host, await self._fresh(origin), None)
            except OSError as error:
                failed.append(error)

        missing = count - self._lasting(host, lasting_s)
        for start in range(0, missing, WARMED_AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for _ in range(min(missing - start, WARMED_AT_ONCE)):
                    group.create_task(one())
            if failed:
                raise failed[0]

    def _lasting(self, host: _Host, lasting_s: float) -> int:
        until_ns = self._now_ns() + int(lasting_s * SECOND_NS)
        for connection in [one for one in host.idle if not one.usable or one.rests_until_ns <= until_ns]:
            host.idle.remove(connection)
            connection.abort()
        return len(host.idle)

    async def close(self) -> None:
        """End all idle connections; a later request raises `OSError`."""
        self._closed = True
        for host in self._hosts.values():
            while host.idle:
                host.idle.pop().abort()
        # The event loop tells each connection of its end in its next turn.
        await asyncio.sleep(0)

    async def _exchange(
        self, origin: Origin, connection: Connection, raw: bytes, leaving: Callable[[], bool]
    ) -> Reply:
        reply, reads = None, False
        try:
            reads = leaving()
            reply = await connection.exchange(raw, body_bytes_max=self._limit, heard=self._heard)
        except Ended as ended:
            if reads and ended.unheard and connection.rested:
                raise _Idle from None
            raise
        finally:
            if reply is None or self._closed:
                connection.abort()
        if not self._closed:
            self._rest(self._host(origin), connection, reply.kept_s)
        return reply

    def _rest(self, host: _Host, connection: Connection, kept_s: float | None) -> None:
        rest_s = KEEP_ALIVE_S if kept_s is None else min(kept_s, KEEP_ALIVE_S)
        if rest_s <= 0 or not connection.usable or self._closed:
            connection.abort()
            return
        connection.rests_until_ns = self._now_ns() + int(rest_s * SECOND_NS)
        host.idle.append(connection)

    async def _connection(self, origin: Origin) -> Connection:
        host = self._host(origin)
        self._sweep(host)
        now_ns = self._now_ns()
        while host.idle:
            connection = host.idle.pop()
            if connection.usable and connection.rests_until_ns > now_ns:
                return connection
            connection.abort()
        return await self._fresh(origin)

    def _sweep(self, host: _Host) -> None:
        # Those that rest the longest stand first.
        now_ns = self._now_ns()
        while host.idle and not (host.idle[0].usable and host.idle[0].rests_until_ns > now_ns):
            host.idle.pop(0).abort()

    async def _fresh(self, origin: Origin) -> Connection:
        if self._closed:
            raise ConnectionError("the client was closed")
        host = self._host(origin)
        known = host.address if self._now_ns() < host.known_until_ns else None
        if known is not None:
            try:
                return await self._connect(origin, known, Connection)
            except OSError:
                host.address = None
            except asyncio.CancelledError:
                # Whoever waited in vain until the deadline shall not wait for the same address again.
                host.address = None
                raise
        connection = await self._connect(origin, None, Connection)
        host.address = connection.address
        host.known_until_ns = self._now_ns() + int(ADDRESS_S * SECOND_NS)
        return connection

    def _host(self, origin: Origin) -> _Host:
        return self._hosts.setdefault(origin, _Host())

    def _origin(self, scheme: str, authority: str) -> Origin:
        known = self._origins.get((scheme, authority))
        if known is None:
            parts = urlsplit(f"{scheme}://{authority}")
            known = Origin(
                host=parts.hostname or "",
                port=parts.port or PORTS[scheme],
                encrypted=scheme == "https",
                authority=authority,
            )
            self._origins[scheme, authority] = known
        return known

    def _written(self, request: Request, origin: Origin, target: str) -> bytes:
        if _METHOD.fullmatch(request.method) is None:
            raise ValueError("the method cannot be written")
        fields = {"Host": origin.authority, **self._headers, **request.headers}
        if request.body is not None:
            fields["Content-Length"] = str(len(request.body))
        elif request.method not in {"GET", "HEAD", "DELETE"}:
            fields["Content-Length"] = "0"
        values = "\n".join(fields.values())
        # All values by one look: none of them may hold what separates them here.
        fit = values.count("\n") == len(fields) - 1 and _VALUES.fullmatch(values) is not None
        if not (fit and all(map(_is_name, fields))):
            raise ValueError(f"the header {_unfit(fields)!r} cannot be written")
        lines = [
            f"{request.method} {target} HTTP/1.1",
            *[f"{name}: {value}" for name, value in fields.items()],
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (request.body or b"")


def _unfit(fields: Mapping[str, str]) -> str:
    return next(
        name for name, value in fields.items() if not _is_name(name) or _VALUE.fullmatch(value) is None
    )


@functools.lru_cache(maxsize=256)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _split(url: str) -> tuple[str, str, str]:
    told = _URL.fullmatch(url)
    if told is None:
        raise ValueError("the URL cannot be written as a request")
    return told[1], told[2], told[3] or "/"
