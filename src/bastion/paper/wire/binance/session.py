"""Session: one websocket of Binance: user data by listen key, and mark prices.

Documentation: "Websocket Market Streams: Connect" and "Live Subscribing/Unsubscribing to streams"
(https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Connect):
raw streams under `/ws/NAME`, combined ones under `/stream?streams=A/B` wrapped as
`{"stream": ..., "data": ...}`; ping frames every 3 minutes, ten minutes for a pong; ten incoming messages a
second; 1,024 streams and 24 hours a connection. The categories `/public`, `/market` and `/private` before
them, and `/private/ws?listenKey=KEY`, are of the page "User Data Streams: Connect".
"""

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind
from bastion.paper.wire.binance import events
from bastion.paper.wire.binance.listen_keys import ListenKeys
from bastion.paper.wire.binance.user_events import UserEvents
from bastion.paper.wire.protocol import WireRequest
from bastion.paper.wire.streams import Frame, Wake

_PATH = re.compile(r"(?:/(?:public|market|private))?/(ws|stream)(?:/(?P<names>.*))?")
_MARK_OF_ONE = re.compile(r"(?P<symbol>[a-z0-9_]+)@markPrice(?P<fast>@1s)?")
_MARKS_OF_ALL = re.compile(r"!markPrice@arr(?P<fast>@1s)?")
_FAST_MS = 1_000
_SLOW_MS = 3_000
_DAY_MS = 24 * 3_600_000
_PING_MS = 3 * 60_000
_PONG_MS = 10 * 60_000
_MESSAGES_A_SECOND = 10
_STREAMS_MOST = 1_024
_SECOND_MS = 1_000
_REPLY = "reply"

Say = Callable[[int], events.Json | list[events.Json]]


def is_socket(path: str) -> bool:
    """Whether a path is one of those that take websockets."""
    return _PATH.fullmatch(path) is not None


class Beat:
    """A stream that speaks at a fixed pace."""

    def __init__(self, every_ms: int, say: Say, now_ms: int) -> None:
        self.due_ms = now_ms
        self._every_ms = every_ms
        self._say = say

    def speak(self, now_ms: int) -> events.Json | list[events.Json]:
        """Return what it says now, and set when it speaks next: at a whole multiple of its pace."""
        self.due_ms = now_ms - now_ms % self._every_ms + self._every_ms
        return self._say(now_ms)


class BinanceSession:
    """One connection. What it says stands in `Frame`; streams that are not modelled are refused by name."""

    ping_every_ms = _PING_MS
    pong_within_ms = _PONG_MS
    pushes_keep_open = False

    def __init__(
        self, *, exchange: Exchange, listen_keys: ListenKeys, request: WireRequest, wake: Wake
    ) -> None:
        self._exchange = exchange
        self._keys = listen_keys
        self._wake = wake
        self._opened_ms = request.received_ms
        self._beats: dict[str, Beat] = {}
        self._users: dict[str, UserEvents] = {}
        self._heard: tuple[int, int] = (0, 0)
        self._is_over = False
        found = _PATH.fullmatch(request.path)
        self._combined = found is not None and found[1] == "stream"
        query = dict(parse_qsl(request.query))
        names = [] if found is None else (found["names"] or "").split("/")
        names += query.get("streams", "").split("/")
        names.append(query.get("listenKey", ""))
        for name in names:
            # As at the venue, a name in the URL that means nothing stays silent.
            self._subscribe(name, request.received_ms)

    @property
    def account(self) -> str:
        """The account of the first listen key."""
        return next((user.account for user in self._users.values()), "")

    @property
    def is_over(self) -> bool:
        """Whether a limit or the day of the connection is over."""
        return self._is_over

    def hear(self, text: str, now_ms: int) -> list[Frame]:
        """Answer SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, and GET and SET_PROPERTY."""
        self._count(now_ms)
        try:
            message = json.loads(text)
            return [_reply({**self._answer(message, now_ms), "id": message.get("id")})]
        except (ValueError, AttributeError, TypeError):
            return [_reply({"error": {"code": 3, "msg": "Invalid JSON: expected an object"}})]

    def due(self, now_ms: int) -> list[Frame]:
        """Return user data first, then the mark prices whose second has come."""
        frames: list[Frame] = []
        for name, user in list(self._users.items()):
            frames += [self._frame(name, row) for row in user.read(now_ms)]
            if not user.is_valid(now_ms):
                frames += self._expire(name, now_ms)
        for name, beat in self._beats.items():
            if beat.due_ms <= now_ms:
                frames.append(self._frame(name, beat.speak(now_ms)))
        self._is_over = self._is_over or now_ms >= self._opened_ms + _DAY_MS
        return frames

    def next_due_ms(self) -> int | None:
        """Return when the next price, an expiry, or the end of the day comes."""
        moments = [beat.due_ms for beat in self._beats.values()]
        moments += [user.expires_ms for user in self._users.values()]
        return min(moments, default=self._opened_ms + _DAY_MS)

    def lapse(self, now_ms: int, *, told: bool) -> list[Frame]:
        """End the listen keys of this connection before their time."""
        frames: list[Frame] = []
        for name in list(self._users):
            self._keys.end(name)
            if told:
                frames += self._expire(name, now_ms)
            self._drop(name)
        return frames

    def close(self) -> None:
        """Follow nothing more."""
        for name in list(self._users):
            self._drop(name)
        self._beats.clear()

    def _answer(self, message: events.Json, now_ms: int) -> events.Json:
        names = message.get("params")
        result: object = None
        match message.get("method"):
            case "SUBSCRIBE" if isinstance(names, list):
                refused = [name for name in names if not self._subscribe(str(name), now_ms)]
                if refused:
                    return _invalid(f"the paper exchange does not model the stream {refused[0]}")
            case "UNSUBSCRIBE" if isinstance(names, list):
                for name in names:
                    self._drop(str(name))
            case "LIST_SUBSCRIPTIONS":
                result = [*self._users, *self._beats]
            case "SET_PROPERTY" if isinstance(names, list) and names[:1] == ["combined"]:
                self._combined = names[1:] == [True]
            case "GET_PROPERTY":
                result = self._combined
            case _:
                return _invalid("unknown variant, expected a known method and its params")
        return {"result": result}

    def _subscribe(self, name: str, now_ms: int) -> bool:
        if name in self._users or name in self._beats:
            return True
        if len(self._users) + len(self._beats) >= _STREAMS_MOST:
            return False
        if (key := self._keys.valid(name, now_ms)) is not None:
            self._users[name] = UserEvents(exchange=self._exchange, key=key, keys=self._keys, wake=self._wake)
            return True
        if (one := _MARK_OF_ONE.fullmatch(name)) is not None:
            return self._subscribe_one(name, one["symbol"].upper(), is_fast=bool(one["fast"]), now_ms=now_ms)
        if (every := _MARKS_OF_ALL.fullmatch(name)) is not None:
            self._beats[name] = Beat(_FAST_MS if every["fast"] else _SLOW_MS, self._all_marks, now_ms)
            return True
        return False

    def _subscribe_one(self, name: str, symbol: str, *, is_fast: bool, now_ms: int) -> bool:
        if symbol not in self._exchange.instruments:
            return False

        def say(at_ms: int) -> events.Json:
            return events.mark_price(symbol, self._exchange, now_ms=at_ms)

        self._beats[name] = Beat(_FAST_MS if is_fast else _SLOW_MS, say, now_ms)
        return True

    def _all_marks(self, now_ms: int) -> list[events.Json]:
        return [
            events.mark_price(symbol, self._exchange, now_ms=now_ms)
            for symbol, instrument in self._exchange.instruments.items()
            if instrument.kind is ContractKind.LINEAR
        ]

    def _expire(self, name: str, now_ms: int) -> list[Frame]:
        frames = [self._frame(name, events.expired(name, now_ms=now_ms))] if name in self._users else []
        self._drop(name)
        return frames

    def _drop(self, name: str) -> None:
        self._beats.pop(name, None)
        user = self._users.pop(name, None)
        if user is not None:
            user.close()

    def _frame(self, name: str, data: events.Json | list[events.Json]) -> Frame:
        topic = str(data["e"]) if isinstance(data, dict) else events.MARK
        return Frame(topic=topic, text=_json({"stream": name, "data": data} if self._combined else data))

    def _count(self, now_ms: int) -> None:
        second, count = self._heard
        this = now_ms // _SECOND_MS
        self._heard = (this, count + 1 if second == this else 1)
        self._is_over = self._is_over or self._heard[1] > _MESSAGES_A_SECOND


def _invalid(why: str) -> events.Json:
    return {"error": {"code": 2, "msg": f"Invalid request: {why}"}}


def _reply(data: events.Json) -> Frame:
    return Frame(topic=_REPLY, text=_json(data))


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
