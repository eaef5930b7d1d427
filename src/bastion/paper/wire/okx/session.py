"""Session: one websocket of OKX v5: positions, orders, algo orders and account after login, and mark prices.

Documentation: https://www.okx.com/docs-v5/en/#overview-websocket (connect, login, subscribe, the text `ping`
within 30 s, error codes 60000 and above), #trading-account-websocket-positions-channel,
#trading-account-websocket-account-channel, #order-book-trading-trade-ws-order-channel,
#order-book-trading-algo-trading-ws-algo-orders-channel and #public-data-websocket-mark-price-channel.
Positions and account come whole when they are subscribed, when they change and every 5 s; mark prices every
200 ms where they change, else every 10 s.
"""

import base64
import hashlib
import hmac
import json
import re

from bastion.paper.exchange.venue import Exchange
from bastion.paper.position import PositionView
from bastion.paper.wire.following import Following, News
from bastion.paper.wire.okx import account
from bastion.paper.wire.okx.algo_rows import algo_state_row
from bastion.paper.wire.okx.beside import Beside
from bastion.paper.wire.okx.calls import SWAP, Call, family_of, plain
from bastion.paper.wire.okx.door import DEFAULT_PASSPHRASE, WINDOW_MS
from bastion.paper.wire.okx.episodes import episodes
from bastion.paper.wire.okx.history import stream_row
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.okx.positions import position_row
from bastion.paper.wire.protocol import Conditions, WireRequest
from bastion.paper.wire.streams import Frame, Wake

Json = dict[str, object]

_PATH = re.compile(r"/ws/v5/(public|private|business)")
_CHANNELS = {
    "public": frozenset({"mark-price"}),
    "private": frozenset({"positions", "orders", "account"}),
    "business": frozenset({"orders-algo"}),
}
_REGULAR = frozenset({"positions", "account"})
_REGULAR_MS = 5_000
_MARK_MS = 200
_MARK_AT_LEAST_MS = 10_000
_QUIET_MS = 30_000
_PING, _PONG = "ping", "pong"


def is_socket(path: str) -> bool:
    """Whether a path is one of those that take websockets."""
    return _PATH.fullmatch(path) is not None


class OkxSession:
    """One connection. Channels that are not modelled are refused as unknown ones."""

    ping_every_ms = 0
    pong_within_ms = _QUIET_MS
    pushes_keep_open = True

    def __init__(
        self, *, exchange: Exchange, beside: Beside, demo: bool, request: WireRequest, wake: Wake
    ) -> None:
        self._exchange = exchange
        self._beside = beside
        self._address = request.address
        # Demo keys trade at a host of their own; here the broker id in the URL may say the same.
        self._demo = demo
        found = _PATH.fullmatch(request.path)
        self._access = found[1] if found else "public"
        self._connection = f"{request.received_ms:x}"[-8:]
        self._following = Following(exchange, wake)
        self._arguments: dict[str, Json] = {}
        self._regular_due_ms = request.received_ms
        self._marks_due_ms = request.received_ms
        self._marks: dict[str, tuple[str, int]] = {}
        self._is_over = False

    @property
    def account(self) -> str:
        """The account that has logged in."""
        return self._following.account

    @property
    def is_over(self) -> bool:
        """Whether a login failed or was ended: the venue hangs up."""
        return self._is_over

    def hear(self, text: str, now_ms: int) -> list[Frame]:
        """Answer the text `ping`, login, subscribe and unsubscribe."""
        if text == _PING:
            return [Frame(topic=_PONG, text=_PONG)]
        try:
            message = json.loads(text)
            op = message.get("op")
            given = [row for row in message.get("args") or [] if isinstance(row, dict)]
        except (ValueError, AttributeError, TypeError):
            return [self._error("60012", f"Illegal request: {text[:200]}")]
        match op:
            case "login" if given:
                return [self._login(given[0], now_ms)]
            case "subscribe":
                return [frame for argument in given for frame in self._subscribe(argument, now_ms)]
            case "unsubscribe":
                for argument in given:
                    self._arguments.pop(_json(argument), None)
                return [self._event("unsubscribe", arg=argument) for argument in given]
        return [self._error("60012", f"Illegal request: {text[:200]}")]

    def due(self, now_ms: int) -> list[Frame]:
        """Return what changed, and what comes in its own time."""
        frames: list[Frame] = []
        news = self._following.read()
        if news is not None:
            for argument in self._arguments.values():
                frames += self._told(argument, news, now_ms)
        if self.account and self._regular_due_ms <= now_ms:
            self._regular_due_ms = now_ms + _REGULAR_MS
            for argument in self._arguments.values():
                if argument["channel"] in _REGULAR:
                    frames.append(self._whole(argument, now_ms))
        if self._marks_due_ms <= now_ms:
            self._marks_due_ms = now_ms + _MARK_MS
            frames += self._mark_prices(now_ms)
        return frames

    def next_due_ms(self) -> int | None:
        """Return when something regular comes next."""
        channels = {argument["channel"] for argument in self._arguments.values()}
        moments = [self._regular_due_ms] if channels & _REGULAR else []
        moments += [self._marks_due_ms] if "mark-price" in channels else []
        return min(moments, default=None)

    def lapse(self, now_ms: int, *, told: bool) -> list[Frame]:  # noqa: ARG002 - the port's signature
        """End the login; where it is told, with the venue's notice, and it hangs up."""
        self._following.stop()
        self._arguments = {
            name: argument
            for name, argument in self._arguments.items()
            if argument["channel"] == "mark-price"
        }
        if not told:
            return []
        self._is_over = True
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        return [self._event("notice", code="64008", msg=text)]

    def close(self) -> None:
        """Follow nothing more."""
        self._following.stop()

    def _login(self, given: Json, now_ms: int) -> Frame:
        refusal = self._refusal(given, now_ms)
        if refusal is not None:
            self._is_over = True
            return self._error(*refusal)
        return self._event("login", code="0", msg="")

    def _refusal(self, given: Json, now_ms: int) -> tuple[str, str] | None:
        timestamp = str(given.get("timestamp", ""))
        found = self._exchange.find_key(str(given.get("apiKey", "")))
        if found is None:
            return "60005", "Invalid apiKey"
        name, key = found
        if not timestamp.isdecimal() or abs(now_ms - int(timestamp) * 1_000) > WINDOW_MS:
            return "60006", "Timestamp request expired"
        signed = f"{timestamp}GET/users/self/verify".encode()
        expected = base64.b64encode(hmac.new(key.secret.encode(), signed, hashlib.sha256).digest())
        if not hmac.compare_digest(expected, str(given.get("sign", "")).encode()):
            return "60007", "Invalid sign"
        passphrase = key.passphrase or DEFAULT_PASSPHRASE
        if not hmac.compare_digest(passphrase.encode(), str(given.get("passphrase", "")).encode()):
            return "60024", "Wrong passphrase"
        if key.addresses and self._address not in key.addresses:
            return "60009", "Login failed."
        self._following.start(name)
        return None

    def _subscribe(self, argument: Json, now_ms: int) -> list[Frame]:
        channel = argument.get("channel")
        name = argument.get("instId")
        is_unknown = channel not in _CHANNELS[self._access]
        is_nameless = channel == "mark-price" and name not in self._exchange.instruments
        if is_unknown or is_nameless:
            shown = ",".join(f"{field}:{value}" for field, value in argument.items())
            return [self._error("60018", f"Wrong URL or {shown} doesn't exist. Please use the correct URL.")]
        if self._access != "public" and not self.account:
            return [self._error("60011", "Please log in")]
        self._arguments[_json(argument)] = argument
        frames = [self._event("subscribe", arg=argument)]
        if channel in _REGULAR:
            self._regular_due_ms = max(self._regular_due_ms, now_ms + _REGULAR_MS)
            frames.append(self._whole(argument, now_ms))
        return frames

    def _told(self, argument: Json, news: News, now_ms: int) -> list[Frame]:
        match argument["channel"]:
            case "orders":
                return [
                    self._push(argument, [stream_row(self._exchange, step.order, step.fill)])
                    for step in news.steps
                    if not step.order.is_conditional and self._wants(argument, step.order.symbol)
                ]
            case "orders-algo":
                return [
                    self._push(argument, [algo_state_row(self._exchange, step.order)])
                    for step in news.steps
                    if step.order.is_conditional and self._wants(argument, step.order.symbol)
                ]
            case "positions":
                changed = {(row.symbol, row.side) for row in news.positions}
                views = [
                    view
                    for view in self._exchange.positions(self.account, with_flat=True)
                    if (view.position.symbol, view.position.side) in changed
                ]
                rows = self._positions(argument, views, now_ms)
                return [self._push(argument, rows, kind="event_update")] if rows else []
            case "account" if news.incomes or news.positions:
                return [self._push(argument, self._balances(argument, now_ms), kind="event_update")]
        return []

    def _whole(self, argument: Json, now_ms: int) -> Frame:
        if argument["channel"] == "account":
            return self._push(argument, self._balances(argument, now_ms), kind="snapshot")
        views = self._exchange.positions(self.account)
        return self._push(argument, self._positions(argument, views, now_ms), kind="snapshot")

    def _positions(self, argument: Json, views: list[PositionView], now_ms: int) -> list[Json]:
        call = self._call(now_ms)
        booked = {episode.key: episode for episode in episodes(self._exchange.fills(self.account))}
        return [
            position_row(call, view, booked.get((view.position.symbol, view.position.side)))
            for view in views
            if self._wants(argument, view.position.symbol)
        ]

    def _balances(self, argument: Json, now_ms: int) -> list[Json]:
        coin = argument.get("ccy")
        outcome = account.balance(self._call(now_ms, **({"ccy": str(coin)} if coin else {})))
        return [dict(row) for row in outcome.data]

    def _mark_prices(self, now_ms: int) -> list[Frame]:
        frames = []
        for key, argument in self._arguments.items():
            if argument["channel"] != "mark-price":
                continue
            name = str(argument["instId"])
            price = plain(self._exchange.mark_price(name))
            before, told_ms = self._marks.get(key, ("", 0))
            if price != before or now_ms >= told_ms + _MARK_AT_LEAST_MS:
                self._marks[key] = (price, now_ms)
                row: Json = {"instType": SWAP, "instId": name, "markPx": price, "ts": str(now_ms)}
                frames.append(self._push(argument, [row]))
        return frames

    def _wants(self, argument: Json, symbol: str) -> bool:
        family = family_of(self._exchange.instrument(symbol))
        asked = {"instType": {"ANY", SWAP}, "instId": {symbol}, "instFamily": {family}, "uly": {family}}
        return all(argument.get(name, "") in {"", *values} for name, values in asked.items())

    def _push(self, argument: Json, rows: list[Json], *, kind: str = "") -> Frame:
        arg = argument if self._access == "public" else {**argument, "uid": str(self._uid())}
        pages: Json = {"eventType": kind, "curPage": 1, "lastPage": True} if kind else {}
        return Frame(topic=str(argument["channel"]), text=_json({"arg": arg, **pages, "data": rows}))

    def _uid(self) -> int:
        return self._exchange.spec(self.account).uid

    def _event(self, name: str, **fields: object) -> Frame:
        return Frame(topic="reply", text=_json({"event": name, **fields, "connId": self._connection}))

    def _error(self, code: str, text: str) -> Frame:
        return self._event("error", code=code, msg=text)

    def _call(self, now_ms: int, **fields: str) -> Call:
        parameters = Parameters(fields)
        return Call(
            exchange=self._exchange,
            beside=self._beside,
            path="",
            parameters=parameters,
            items=[parameters],
            now_ms=now_ms,
            conditions=Conditions(),
            account=self.account,
        )


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
