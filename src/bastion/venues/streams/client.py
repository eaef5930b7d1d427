"""Client: one account's private stream over aiohttp's websockets, past the gate.

A venue's stream is said to be silent only after it did not even answer a ping; that, a refusal and a broken
connection all end `listen` with an error, so that nobody takes a dead stream for a quiet account.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bastion.domain.account import Account
from bastion.domain.stream import Heard
from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.http1.dial import certificates
from bastion.ports import Clock
from bastion.venues.ccxt.gated import gated
from bastion.venues.gate.messages import check_message, opening_check
from bastion.venues.gate.outgoing import GateRefused
from bastion.venues.streams.places import place_of
from bastion.venues.streams.tongues import Meaning, Tongue
from bastion.venues.throttle import Throttle

OPEN_S = 10.0
"""A connection, a login and each subscription are given so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A stream is pinged every `ping_s`; one on which nothing came for `silent_s` is dead.

    A listen key is extended every `keep_s`: a lapsed one makes a stream silent that still answers pings.
    """

    ping_s: float = 5.0
    silent_s: float = 15.0
    keep_s: float = 60.0


PATIENCE = Patience()
FEW, SELDOM_MOST = 5, 20.0
"""Where more accounts than these few share an address, each key is extended so many times less often."""
_ENDINGS = (VenueError, aiohttp.ClientError, OSError)
MESSAGE_MOST = 4 * 1024 * 1024
NS_PER_MS = 1_000_000
_OK = 200
_KEY_HEADER, _RETRY_AFTER = "X-MBX-APIKEY", "Retry-After"
_BANNED = 418
_BAN_S = 60.0

Hear = Callable[[Heard], None]


def stream_of(
    account: Account, fields: Mapping[str, str], *, clock: Clock, address: Throttle
) -> "SocketStream | None":
    """Return the private stream of an account; None where its venue or host has none that we know."""
    found = place_of(account)
    if found is None:
        return None
    tongue, stream_url, rest_url = found
    return SocketStream(
        tongue=tongue, stream_url=stream_url, rest_url=rest_url, fields=fields, clock=clock, address=address
    )


class SocketStream:
    """Implements `ports.AccountStream` for one account."""

    def __init__(
        self,
        *,
        tongue: Tongue,
        stream_url: str,
        rest_url: str,
        fields: Mapping[str, str],
        clock: Clock,
        address: Throttle,
        patience: Patience = PATIENCE,
    ) -> None:
        self._tongue = tongue
        self._stream_url = stream_url
        self._rest_url = rest_url
        self._fields = fields
        self._clock = clock
        self._address = address
        self._patience = patience
        self._listen_key = ""

    async def listen(self, hear: Hear) -> None:
        """Open the stream and tell what is heard until it ends; it never ends in peace.

        Raises:
            VenueError: it was refused, broke off, fell silent, or the venue ended it; no text holds a secret.
        """
        self._address.refuse_in_silence(OPEN_S)
        try:
            async with self._session() as session:
                url = self._stream_url + self._tongue.path
                if self._tongue.listen_path:
                    url += await self._key(session, "POST")
                async with self._connected(session, url) as socket:
                    await self._open(socket)
                    hear(Heard.OPENED)
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._keep(session, socket))
                        await self._hear(socket, hear)
        except _ENDINGS as error:
            raise _told(error) from None
        except ExceptionGroup as errors:
            # No `except*`: before Python 3.11.4 it hands on in a group what is raised in it.
            others = errors.split(_ENDINGS)[1]
            if others is not None:
                raise others from None
            raise _told(errors) from None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        is_plain = self._stream_url.startswith("ws:")
        # One for the process: each would hold all authorities, a mebibyte an account.
        trusted = True if is_plain else certificates()
        guarded = gated(opening_check(self._tongue.venue, self._tongue.path), leaving=lambda: None)
        connector = aiohttp.TCPConnector(ssl=trusted)
        async with aiohttp.ClientSession(connector=connector, request_class=guarded) as session:
            yield session

    @asynccontextmanager
    async def _connected(
        self, session: aiohttp.ClientSession, url: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        try:
            async with asyncio.timeout(OPEN_S):
                socket = await session.ws_connect(url, autoping=False, max_msg_size=MESSAGE_MOST)
        except TimeoutError:
            raise VenueUnreachable(f"the stream was not open within {OPEN_S:.0f} s") from None
        except aiohttp.WSServerHandshakeError as error:
            self._note_ban(error.status, error.headers.get(_RETRY_AFTER) if error.headers else None)
            raise VenueUnreachable(f"the stream was refused with HTTP {error.status}") from None
        try:
            yield socket
        finally:
            try:
                async with asyncio.timeout(1.0):
                    await socket.close()
            except TimeoutError:
                pass

    async def _open(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for text in self._tongue.opening(self._fields, self._clock.now_ns() // NS_PER_MS):
            await self._say(socket, text)
            try:
                async with asyncio.timeout(OPEN_S):
                    while (meaning := self._meaning(await socket.receive())) is not Meaning.ACCEPTED:
                        if meaning in {Meaning.REFUSED, Meaning.ENDED}:
                            raise VenueRejected(
                                "the venue refused the login or a subscription", fault=Fault.TERMINAL
                            )
            except TimeoutError:
                raise VenueUnreachable(f"no answer to a subscription within {OPEN_S:.0f} s") from None

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, hear: Hear) -> None:
        while True:
            try:
                async with asyncio.timeout(self._patience.silent_s):
                    message = await socket.receive()
            except TimeoutError:
                raise VenueUnreachable(f"the stream was silent for {self._patience.silent_s:.0f} s") from None
            if message.type is aiohttp.WSMsgType.PING:
                await _within(socket.pong(message.data))
            meaning = self._meaning(message)
            if meaning is Meaning.ENDED:
                raise VenueUnreachable("the venue ended the stream's credential")
            hear(Heard.CHANGED if meaning is Meaning.CHANGED else Heard.ALIVE)

    def _meaning(self, message: aiohttp.WSMessage) -> Meaning:
        if message.type is aiohttp.WSMsgType.TEXT:
            return self._tongue.meaning(message.data)
        if message.type in {aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG}:
            return Meaning.ALIVE
        if message.type is aiohttp.WSMsgType.BINARY:
            return Meaning.CHANGED
        raise VenueUnreachable("the venue closed the stream")

    async def _keep(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        kept_ns = self._clock.monotonic_ns()
        # Each extension weighs 1, which many accounts would spend too often; a key lives an hour.
        seldom = min(max(1.0, self._address.sharers / FEW), SELDOM_MOST)
        keep_ns = round(self._patience.keep_s * seldom * 1_000_000_000)
        while not socket.closed:
            await self._clock.sleep(self._patience.ping_s)
            if self._tongue.ping is None:
                await _within(socket.ping())
            else:
                await self._say(socket, self._tongue.ping)
            if self._tongue.listen_path and self._clock.monotonic_ns() - kept_ns >= keep_ns:
                kept_ns = self._clock.monotonic_ns()
                if await self._key(session, "PUT") != self._listen_key:
                    raise VenueUnreachable("the venue no longer knows the stream's listen key")

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        try:
            check_message(self._tongue.venue, text)
        except GateRefused as refusal:
            raise VenueRejected(f"not sent: {refusal}", fault=Fault.TERMINAL) from None
        await _within(socket.send_str(text))

    async def _key(self, session: aiohttp.ClientSession, method: str) -> str:
        self._address.refuse_in_silence(OPEN_S)
        headers = {_KEY_HEADER: self._fields["apiKey"]}
        url = self._rest_url + self._tongue.listen_path
        try:
            async with (
                asyncio.timeout(OPEN_S),
                self._address.passage({"weight": 1}),
                session.request(method, url, headers=headers, allow_redirects=False) as answer,
            ):
                status, text = answer.status, await answer.text()
                retry_after = answer.headers.get(_RETRY_AFTER)
        except TimeoutError:
            raise VenueUnreachable(f"no answer to a listen key within {OPEN_S:.0f} s") from None
        self._note_ban(status, retry_after)
        key = _field(text, "listenKey")
        if status != _OK or (method == "POST" and not key):
            code = _field(text, "code")
            raise VenueRejected("the venue gave no listen key", fault=Fault.RESOLVE, code=code)
        if method == "POST":
            self._listen_key = key
        # A venue that extends a key without naming it extends the account's only one.
        return key or self._listen_key

    def _note_ban(self, status: int, retry_after: str | None) -> None:
        # Silence binds exits too, so only a ban earns it; other refusals are left to the keeper's patience.
        if status == _BANNED:
            given = retry_after or ""
            self._address.silence(float(given) if given.isdecimal() else _BAN_S)


async def _within(sending: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(OPEN_S):
            await sending
    except TimeoutError:
        raise VenueUnreachable("the stream took no more messages") from None


def _told(error: BaseException) -> VenueError:
    found = _leaves(error)
    for leaf in found:
        if isinstance(leaf, VenueError):
            return leaf
    # The library's own text names the URL, which may hold a listen key.
    return VenueUnreachable(f"the stream broke off ({type(found[0]).__name__})")


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


def _field(text: str, name: str) -> str:
    try:
        data = json.loads(text)
    except ValueError:
        return ""
    value = data.get(name) if isinstance(data, dict) else None
    return "" if value is None else str(value)
