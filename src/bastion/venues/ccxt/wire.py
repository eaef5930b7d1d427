"""Wire: raw requests by ccxt's names of them, each ending in a raw answer or a typed error.

An encoder of ours writes what it knows; the rest is written by an unmodified ccxt exchange, which is loaded
when it is first needed. ccxt's error mapping and its reading of answers are replaced at its own extension
point (`handle_errors`), so that what the venue said reaches us as it was said. Its rate limiter and retries
are off: pacing is ours, and a retry is a decision.
"""

import asyncio
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from functools import partial
from typing import Any

from bastion.domain.look import NO_ANSWER
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.http1.answer import Head, Reply
from bastion.http1.client import Client, Request
from bastion.http1.connection import Ended
from bastion.http1.dial import Connect, certificates, tcp
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.asked import AskedLog
from bastion.venues.ccxt.door import loaded
from bastion.venues.ccxt.faults import BANNED, KEEP_OFF
from bastion.venues.ccxt.moved_urls import moved
from bastion.venues.ccxt.tapped import Answered, tapped
from bastion.venues.encoders.signed import Encoder, Parameters, Signed
from bastion.venues.gate.outgoing import Outgoing, Passed
from bastion.venues.gate.rules import Check, check_of, passed
from bastion.venues.lost import in_words
from bastion.venues.raw import Answer
from bastion.venues.throttle import Throttle

# ccxt's own timeout only stands behind ours; every call has a deadline of its own.
LAST_RESORT_MS = 120_000
NS_PER_MS = 1_000_000
LEAST_S = 0.001
# What ccxt asks for; answers come packed where a venue likes.
HEADERS = {"Accept-Encoding": "gzip, deflate"}
HUSH_S = 1.0
APART = "sapi"
"""What ccxt's names of the calls to Binance's spot host begin with."""
APART_LIMIT = "spot"
"""The limit of that host, in throttles that have one."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# A signed request is for one host only; no documented endpoint of any venue redirects.
REDIRECTED = "the venue's host redirected the request; check base_url"
SECRET_SHOWN = "***"  # noqa: S105 - the mask, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueKey:
    """The credential of one account, as ccxt names its parts; its repr shows none of them."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)


class Flight:
    """One request on its way; `left` tells whether any byte of it may have reached the venue.

    `again` is called when it leaves once more: a read is repeated where a host ended a kept connection at the
    very moment at which it was used; aiohttp, for what ccxt writes, repeats a cancel as well.
    """

    __slots__ = ("again", "leaving", "left", "throttle")

    def __init__(self, throttle: Throttle, again: Callable[[], None] | None = None) -> None:
        self.left = False
        self.again = again
        self.leaving = LEAVING.get()
        self.throttle = throttle


FLIGHT: ContextVar[Flight | None] = ContextVar("bastion_flight", default=None)
LEAVING: ContextVar[Callable[[], None] | None] = ContextVar("bastion_leaving", default=None)


@contextmanager
def when_leaving(call: Callable[[], None]) -> Iterator[None]:
    """Call `call` in the moment in which the first byte of a request of this block is about to leave.

    It may raise a `VenueError`, which holds the request back, also where it is to leave once more.
    """
    token = LEAVING.set(call)
    try:
        yield
    finally:
        LEAVING.reset(token)


class Wire:
    """The connection of one account: paced, bounded raw calls, each past the gate of its venue.

    `base_url` is scheme, host and prefix; every ccxt URL keeps its own path behind it. None leaves ccxt's
    public hosts, of which `host` names one. `keep` is handed every answer that holds no secret.
    """

    def __init__(
        self,
        exchange: Any,  # noqa: ANN401 - ccxt ships no types
        *,
        key: VenueKey,
        clock: Clock,
        throttle: Throttle,
        base_url: str | None,
        options: Mapping[str, object],
        observe: Callable[[Answer, Mapping[str, int], int], None],
        connect: Connect = tcp,
        host: str = "live",
        check: Check | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._ccxt = exchange
        self._check = check or check_of(exchange.__name__)
        self._key = key
        self._clock = clock
        self._base_url = base_url.rstrip("/") if base_url else None
        self._encrypted = self._base_url is None or self._base_url.startswith("https:")
        self._options = dict(options)
        self._observe = observe
        self._connect = connect
        self._host = host
        # What an encoder writes is for the venue's live host, or for an own one behind a base URL.
        self._encoder = encoder if host == "live" else None
        self._client: Any = None
        self._hosts: Client | None = None
        self._apart: Client | None = None
        self._asked_at = ""
        self._closed = False
        self.throttle = throttle
        self.offset_ms = 0
        self.keep: Callable[[Answer], None] | None = None
        self.asked = AskedLog(clock)

    def _tapped(self, exchange: Any) -> Any:  # noqa: ANN401 - ccxt ships no types
        return tapped(exchange)

    def _credential(self) -> Mapping[str, str | None]:
        key = self._key
        return {"apiKey": key.api_key, "secret": key.secret, "password": key.password or None}

    def now_ms(self) -> int:
        """The venue's time in milliseconds, as far as it is known."""
        return self._clock.now_ns() // NS_PER_MS + self.offset_ms

    async def call(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline_s: float,
        mutating: bool = False,
    ) -> Answer:
        """Send one request, named as ccxt names its raw methods, and return whatever was answered.

        Raises:
            OutcomeUnknown: a mutating request may have reached the venue, and no answer came.
            VenueUnreachable: no answer to a read; or a mutating request that certainly did not leave.
            VenueRejected: RATE_LIMIT, not sent: the venue has banned the address beyond the deadline, or the
                limits left no room for a read before it.
        """
        self.throttle.refuse_in_silence(deadline_s)
        flight = Flight(self.throttle, again=lambda: self.throttle.charge(units))
        token = FLIGHT.set(flight)
        its_turn = False
        try:
            async with asyncio.timeout(deadline_s), self.throttle.passage(units, left=lambda: flight.left):
                its_turn = True
                answer, sent_ns = await self._asked(method, params, flight)
        except TimeoutError:
            if not its_turn and not mutating:
                why = f"not sent within {deadline_s:.1f} s: the venue's limits are used up for now"
                raise VenueRejected(why, fault=Fault.RATE_LIMIT) from None
            raise self._unanswered(flight, mutating, f"{NO_ANSWER} within {deadline_s:.1f} s") from None
        except Lost as lost:
            raise self._unanswered(flight, mutating, str(lost)) from None
        finally:
            FLIGHT.reset(token)
        self._observe(answer, units, sent_ns)
        # Venues echo credentials in some answers; such a one is kept nowhere.
        if self.keep is not None and self.masked(answer.text) == answer.text:
            self.keep(answer)
        return answer

    async def _asked(self, method: str, params: Parameters, flight: Flight) -> tuple[Answer, int]:
        begun = self.asked.begin()
        answer = None
        try:
            answer = await self._exchange(method, params)
        finally:
            if flight.left or answer is not None:
                self.asked.end(method, begun, answer)
        return answer, begun[1]

    def masked(self, text: str) -> str:
        """Return a text with the credential's values masked; venues echo them in some refusals."""
        for value in (self._key.api_key, self._key.secret, self._key.password):
            if value:
                text = text.replace(value, SECRET_SHOWN)
        return text

    async def warm(self, count: int, *, lasting_s: float) -> None:
        """As `Client.warm`, for the host that was asked last."""
        if self._hosts is not None and self._asked_at and not self._closed:
            await self._hosts.warm(self._asked_at, count, lasting_s=lasting_s)

    async def close(self) -> None:
        """Release the connections; later calls raise `VenueUnreachable`."""
        self._closed = True
        client, self._client = self._client, None
        every = [hosts for hosts in (self._hosts, self._apart) if hosts is not None]
        self._hosts = self._apart = None
        if client is not None:
            beside = client.session
            await client.close()
            if beside is not None:
                await beside.close()
        for hosts in every:
            await hosts.close()

    async def _exchange(self, method: str, params: Parameters) -> Answer:
        if self._encoder is not None:
            signed = self._encoder.encode(method, params, stamp_ms=self.now_ms())
            if signed is not None:
                return await self._sent(signed, method)
        return await self._by_ccxt(method, params)

    async def _sent(self, signed: Signed, method: str) -> Answer:
        request = Request(method=signed.method, url=signed.url, headers=signed.headers, body=signed.body)
        outgoing = Outgoing(
            method=request.method,
            target=request.target,
            body=request.body or b"",
            content_type=request.content_type,
        )

        def leaving() -> bool:
            does = passed(self._check, outgoing)
            _left()
            return does is Passed.READ

        try:
            hosts = self._own_client(method)
            self._asked_at = request.url if hosts is self._hosts else self._asked_at
            reply = await hosts.request(request, leaving=leaving)
        except VenueError:
            raise
        except Ended as torn:
            # What a venue says to keep off stands in the head; a body that breaks off takes nothing back.
            if torn.head is None or torn.head.status not in KEEP_OFF:
                raise Lost(in_words(torn, method)) from None
            reply = Reply(status=torn.head.status, headers=torn.head.headers, body=b"", kept_s=0.0)
        except Exception as error:  # noqa: BLE001 - whatever a connection raises, no answer came
            raise Lost(in_words(error, method)) from None
        if reply.status in REDIRECTS:
            raise Lost(REDIRECTED)
        return Answer(
            status=reply.status,
            headers=reply.headers,
            text=reply.body.decode("utf-8", errors="replace").strip(),
        )

    def _own_client(self, method: str) -> Client:
        if self._closed:
            raise VenueUnreachable("the connection was closed")
        apart = method.startswith(APART)
        hosts = self._apart if apart else self._hosts
        if hosts is None:
            hosts = Client(
                now_ns=self._clock.monotonic_ns,
                connect=self._connect,
                headers=HEADERS,
                heard=partial(self._begins, apart=apart),
            )
            self._apart, self._hosts = (hosts, self._hosts) if apart else (self._apart, hosts)
        return hosts

    def _begins(self, head: Head, *, apart: bool) -> None:
        # What waits for a connection stops now, also where nobody waits for this answer any more. For how
        # long a venue bans that does not say it, the adapter knows.
        if head.status not in BANNED:
            return
        told_s = Answer(status=head.status, headers=head.headers, text="").header_decimal("retry-after")
        hush_s = max(HUSH_S, float(told_s or 0))
        if not apart:
            self.throttle.silence(hush_s)
        elif APART_LIMIT in self.throttle:
            # What a host with limits and bans of its own wants says nothing of the others.
            self.throttle[APART_LIMIT].block(hush_s)

    async def _by_ccxt(self, method: str, params: Parameters) -> Answer:
        client = self._open()
        try:
            await getattr(client, method)(_own(params))
        except Answered as answered:
            return answered.answer
        except (VenueError, Lost):
            raise
        except Exception as error:  # noqa: BLE001 - whatever ccxt or aiohttp raise, no answer came
            raise Lost(in_words(error, method)) from None
        raise Lost(f"no answer was seen on {method}")

    def _unanswered(self, flight: Flight, mutating: bool, why: str) -> VenueError:  # noqa: FBT001 - private
        if mutating and flight.left:
            return OutcomeUnknown(f"{why}; the request may have been executed")
        if mutating:
            return VenueUnreachable(f"{why}; the request was not sent")
        return VenueUnreachable(why)

    def _open(self) -> Any:  # noqa: ANN401 - ccxt ships no types
        if self._closed:
            raise VenueUnreachable("the connection was closed")
        if self._client is not None:
            return self._client
        client = self._tapped(loaded(self._ccxt))(
            {
                **self._credential(),
                "enableRateLimit": False,
                "aiohttp_trust_env": False,
                "timeout": LAST_RESORT_MS,
                "session": None,  # Given below: the client knows the certificates that it wants.
                "asyncio_loop": asyncio.get_running_loop(),
                "options": self._options,
            }
        )
        client.stamp_ms = self.now_ms
        # With a session of ours there is nothing to wait for when closing, and no second TLS context to make.
        client.timeout_on_exit = 0
        client.ssl_context = certificates() if self._encrypted else False
        client.session = importlib.import_module("bastion.venues.ccxt.session").open_session(
            self._check,
            encrypted=self._encrypted,
            connect=self._connect,
            leaving=_left,
            refuse_redirect=_refuse_redirect,
        )
        if self._host == "demo" and self._ccxt.__name__ != "okx":
            client.enable_demo_trading(True)
        elif self._host != "live":
            client.set_sandbox_mode(True)  # OKX's demo is the same host with a header.
        if self._base_url is not None:
            client.urls["api"] = moved(client.urls["api"], self._base_url)
        self._client = client
        return client


def _own(params: Parameters) -> object:
    # ccxt writes into what it is handed.
    return dict(params) if isinstance(params, Mapping) else [dict(item) for item in params]


class Lost(Exception):  # noqa: N818 - named for what is known after it
    """The request ended without an answer."""


def _left() -> None:
    flight = FLIGHT.get()
    if flight is None:
        return
    # It had its turn before the venue banned the address, and was still waiting for a connection.
    flight.throttle.refuse_in_silence(LEAST_S)
    if flight.leaving is not None:
        flight.leaving()
    if flight.left and flight.again is not None:
        flight.again()
    flight.left = True


def _refuse_redirect() -> None:
    raise Lost(REDIRECTED)
