"""Wire: raw requests to the Strike API, each ending in a raw answer or a typed error."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import field

from bastion.domain.look import NO_ANSWER
from bastion.errors import OutcomeUnknown, VenueError, VenueUnreachable
from bastion.http1.client import Client, Request
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.asked import AskedLog
from bastion.venues.lost import in_words
from bastion.venues.raw import Answer
from bastion.venues.throttle import Throttle

PUBLIC_HOST = "https://api.strike.markets"
PERSONAL_KEY_PREFIX = "stk_"
ANSWER_BYTES_MAX = 32 * 1024 * 1024
CONNECTIONS_MAX = 16
SECRET_SHOWN = "***"  # noqa: S105 - the mask, not a secret

_LEFT: ContextVar[list[bool] | None] = ContextVar("bastion_strike_left", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeKey:
    """The credential of one wallet: an API key, personal or service, or a pair of Privy tokens."""

    wallet: str
    api_key: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say who acts; a service key and a token name the wallet as well."""
        if self.api_key.startswith(PERSONAL_KEY_PREFIX):
            return {"X-API-Key": self.api_key}
        if self.api_key:
            return {"X-API-Key": self.api_key, "X-Wallet-Address": self.wallet}
        named = {"Authorization": f"Bearer {self.access_token}", "X-Wallet-Address": self.wallet}
        return named | ({"privy-id-token": self.identity_token} if self.identity_token else {})

    def masked(self, text: str) -> str:
        """Return the text without the credential's values."""
        for value in (self.api_key, self.access_token, self.identity_token):
            if value:
                text = text.replace(value, SECRET_SHOWN)
        return text


class StrikeWire:
    """The connection of one account: paced, bounded raw calls. `base_url` None means the public venue."""

    def __init__(self, *, key: StrikeKey, clock: Clock, throttle: Throttle, base_url: str | None) -> None:
        self._key = key
        self._clock = clock
        self._base_url = (base_url or PUBLIC_HOST).rstrip("/")
        self._hosts: Client | None = None
        self._closed = False
        self.throttle = throttle
        self.keep: Callable[[Answer], None] | None = None
        self.asked = AskedLog(clock)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = False,
        units: Mapping[str, int],
        deadline_s: float,
    ) -> Answer:
        """Send one request and return whatever was answered. Only a POST changes anything at the venue.

        Raises:
            OutcomeUnknown: a POST may have reached the venue, and no answer came.
            VenueUnreachable: no answer to a read; or a POST that certainly did not leave.
            VenueRejected: RATE_LIMIT, not sent: the venue wants silence beyond the deadline.
        """
        mutating = method == "POST"
        self.throttle.refuse_in_silence(deadline_s)
        left = [False]
        token = _LEFT.set(left)
        try:
            async with asyncio.timeout(deadline_s), self.throttle.passage(units):
                begun, answer = self.asked.begin(), None
                try:
                    answer = await self._send(method, path, body, {**(headers or {})}, signed=signed)
                finally:
                    if left[0] or answer is not None:
                        self.asked.end(f"{method} {path}", begun, answer)
        except TimeoutError:
            raise _unanswered(f"{NO_ANSWER} within {deadline_s:.1f} s", left, mutating=mutating) from None
        except (OSError, ValueError) as error:
            # The text of a client's error can quote a header; its class says enough.
            raise _unanswered(in_words(error, path), left, mutating=mutating) from None
        finally:
            _LEFT.reset(token)
        if self.keep is not None and self.masked(answer.text) == answer.text:
            self.keep(answer)
        return answer

    def masked(self, text: str) -> str:
        """Return a text with the credential's values masked."""
        return self._key.masked(text)

    async def close(self) -> None:
        """Release the connections; later calls raise `VenueUnreachable`."""
        self._closed = True
        hosts, self._hosts = self._hosts, None
        if hosts is not None:
            await hosts.close()

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        headers: dict[str, str],
        *,
        signed: bool,
    ) -> Answer:
        if signed:
            headers |= self._key.headers
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = Request(method=method, url=self._base_url + path, headers=headers, body=data)

        def leaving() -> bool:
            left = _LEFT.get()
            if left is not None:
                left[0] = True
            return method == "GET"

        reply = await self._open().request(request, leaving=leaving)
        return Answer(status=reply.status, headers=reply.headers, text=reply.body.decode("utf-8"))

    def _open(self) -> Client:
        if self._closed:
            raise VenueUnreachable("the connection was closed")
        if self._hosts is None:
            self._hosts = Client(
                now_ns=self._clock.monotonic_ns,
                headers={"Accept-Encoding": "gzip, deflate"},
                connections_max=CONNECTIONS_MAX,
                body_bytes_max=ANSWER_BYTES_MAX,
            )
        return self._hosts


def _unanswered(why: str, left: list[bool], *, mutating: bool) -> VenueError:
    if mutating and left[0]:
        return OutcomeUnknown(f"{why}; the request may have been executed")
    return VenueUnreachable(f"{why}; the request was not sent" if mutating else why)
