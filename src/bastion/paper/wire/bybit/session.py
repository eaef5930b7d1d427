"""Session: one websocket of Bybit v5: private topics after auth, and public tickers.

Documentation: https://bybit-exchange.github.io/docs/v5/ws/connect (auth, ping, subscribe), and
https://bybit-exchange.github.io/docs/v5/websocket/ with `private/position`, `private/order`,
`private/execution`, `private/wallet`, `private/dcp`, `public/ticker`. Rows are those of the REST answers with
the category beside them. A ticker comes whole at first, then every 100 ms what of it has changed. The venue
sends no pings; who sends nothing for ten minutes is hung up on.
"""

import hashlib
import hmac
import json
import re

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument
from bastion.paper.wire.bybit import account, dcp, history, market, positions
from bastion.paper.wire.bybit.calls import Call, listed
from bastion.paper.wire.bybit.dcp import Disconnects
from bastion.paper.wire.bybit.order_rows import order_row
from bastion.paper.wire.bybit.parameters import Parameters
from bastion.paper.wire.following import Following, News, OrderStep
from bastion.paper.wire.protocol import Conditions, WireRequest
from bastion.paper.wire.streams import Frame, Wake

Json = dict[str, object]

_PATH = re.compile(r"/v5/(?:(private)|public/(linear|inverse))")
_PRIVATE = re.compile(r"(position|order|execution|wallet)(?:\.(linear|inverse))?")
_AUTH_PARTS = 3
_TICKER = "tickers."
_TICKER_MS = 100
_ACTIVE_MS = 10 * 60_000


def is_socket(path: str) -> bool:
    """Whether a path is one of those that take websockets."""
    return _PATH.fullmatch(path) is not None


class BybitSession:
    """One connection. What the paper exchange does not model is refused by name."""

    ping_every_ms = 0
    pong_within_ms = _ACTIVE_MS
    pushes_keep_open = False

    def __init__(
        self, *, exchange: Exchange, request: WireRequest, wake: Wake, disconnects: Disconnects
    ) -> None:
        self._exchange = exchange
        self._disconnects = disconnects
        self._guards: dict[str, str] = {}
        self._address = request.address
        found = _PATH.fullmatch(request.path)
        self._category = (found[2] if found else None) or ""
        self._connection = f"paper-{request.received_ms}"
        self._following = Following(exchange, wake)
        self._topics: dict[str, None] = {}
        self._shown: dict[str, Json] = {}
        self._tickers_due_ms = request.received_ms
        self._number = 0
        self._is_over = False

    @property
    def account(self) -> str:
        """The account that has authenticated."""
        return self._following.account

    @property
    def is_over(self) -> bool:
        """Whether the venue has ended the login."""
        return self._is_over

    def hear(self, text: str, now_ms: int) -> list[Frame]:
        """Answer auth, ping, subscribe and unsubscribe."""
        try:
            message = json.loads(text)
            op, given, number = message.get("op"), message.get("args") or [], message.get("req_id")
        except (ValueError, AttributeError):
            return [self._reply("", None, why="error:invalid json")]
        names = [str(item) for item in given] if isinstance(given, list) else []
        why = ""
        match op:
            case "ping":
                return [self._pong(number, now_ms)]
            case "auth":
                why = self._authenticate(names, now_ms)
            case "subscribe":
                why = self._subscribe(names)
            case "unsubscribe":
                for name in names:
                    self._topics.pop(name, None)
                    self._shown.pop(name, None)
                    self._unguard(name)
            case _:
                why = "error:invalid op"
        return [self._reply(str(op), number, why=why)]

    def due(self, now_ms: int) -> list[Frame]:
        """Return what changed in the account, and in the tickers every 100 ms."""
        frames: list[Frame] = []
        news = self._following.read()
        if news is not None:
            frames += self._told(news, now_ms)
        if self._tickers_due_ms <= now_ms:
            self._tickers_due_ms = now_ms - now_ms % _TICKER_MS + _TICKER_MS
            frames += self._tickers(now_ms)
        return frames

    def next_due_ms(self) -> int | None:
        """Return when tickers are compared next, where any is subscribed."""
        return self._tickers_due_ms if any(name.startswith(_TICKER) for name in self._topics) else None

    def lapse(self, now_ms: int, *, told: bool) -> list[Frame]:  # noqa: ARG002 - the port's signature
        """End the login; the venue has no word for that, and hangs up where it is told."""
        self._following.stop()
        self._is_over = told
        return []

    def close(self) -> None:
        """Follow nothing more; what this connection kept alive has its time from now on."""
        for name in list(self._guards):
            self._unguard(name)
        self._following.stop()

    def _authenticate(self, given: list[str], now_ms: int) -> str:
        # The texts of refusals are the paper exchange's own.
        if self._category or len(given) != _AUTH_PARTS:
            return "Params Error"
        key_text, expires, signature = given
        found = self._exchange.find_key(key_text)
        if found is None:
            return "API key is invalid."
        name, key = found
        expected = hmac.new(
            key.secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return "error sign"
        if not expires.isdecimal() or int(expires) < now_ms:
            return "Request expired"
        if key.addresses and self._address not in key.addresses:
            return "Unmatched IP, please check your API key's bound IP addresses."
        self._following.start(name)
        return ""

    def _subscribe(self, names: list[str]) -> str:
        for name in names:
            if self._category:
                if name.removeprefix(_TICKER) not in {row.symbol for row in self._listed()}:
                    return f"error:handler not found,topic:{name} is not modelled by the paper exchange"
            elif _PRIVATE.fullmatch(name) is None and name not in dcp.TOPICS:
                return f"error:handler not found,topic:{name} is not modelled by the paper exchange"
            elif not self.account:
                return "Request not authorized"
        self._topics.update(dict.fromkeys(names))
        for name in names:
            if name in dcp.TOPICS and name not in self._guards:
                self._guards[name] = self.account
                self._disconnects.joined(self.account, dcp.TOPICS[name])
        return ""

    def _unguard(self, name: str) -> None:
        owner = self._guards.pop(name, None)
        if owner is not None:
            self._disconnects.left(owner, dcp.TOPICS[name])

    def _told(self, news: News, now_ms: int) -> list[Frame]:
        frames: list[Frame] = []
        for topic in self._topics:
            found = _PRIVATE.fullmatch(topic)
            if found is not None and (rows := self._rows(found[1], found[2], news, now_ms)):
                frames.append(self._push(topic, rows, now_ms))
        return frames

    def _rows(self, kind: str, category: str | None, news: News, now_ms: int) -> list[Json]:
        call = self._call(now_ms)
        match kind:
            case "wallet":
                if not (news.incomes or news.positions):
                    return []
                wallets = account.wallet_balance(call).result["list"]
                rows = wallets if isinstance(wallets, list) else []
                return [{**row, "accountType": "UNIFIED"} for row in rows]
            case "position":
                changed = {(row.symbol, row.side) for row in news.positions}
                views = [
                    view
                    for view in self._exchange.positions(self.account, with_flat=True)
                    if (view.position.symbol, view.position.side) in changed
                ]
                # The stream's word for the average price is entryPrice; the list's is avgPrice.
                rows = [
                    {**row, "entryPrice": row["avgPrice"]} for row in positions.position_rows(call, views)
                ]
            case "order":
                rows = [{**order_row(self._exchange, step.order), "feeCurrency": ""} for step in news.steps]
            case _:
                rows = [row for step in news.steps if (row := _execution(call, step)) is not None]
        shown = [{"category": self._category_of(str(row["symbol"])), **row} for row in rows]
        return [row for row in shown if category in {None, row["category"]}]

    def _tickers(self, now_ms: int) -> list[Frame]:
        call = self._call(now_ms)
        frames = []
        for topic in self._topics:
            if not topic.startswith(_TICKER):
                continue
            row = market.ticker_row(call, self._exchange.instrument(topic.removeprefix(_TICKER)))
            before = self._shown.get(topic, {})
            changed = {name: value for name, value in row.items() if before.get(name) != value}
            self._shown[topic] = row
            if changed:
                self._number += 1
                message = {
                    "topic": topic,
                    "type": "delta" if before else "snapshot",
                    "data": {"symbol": row["symbol"], **changed},
                    "cs": self._number,
                    "ts": now_ms,
                }
                frames.append(Frame(topic="tickers", text=_json(message)))
        return frames

    def _push(self, topic: str, rows: list[Json], now_ms: int) -> Frame:
        self._number += 1
        number = f"{self._connection}-{self._number}"
        message = {"id": number, "topic": topic, "creationTime": now_ms, "data": rows}
        return Frame(topic=topic.partition(".")[0], text=_json(message))

    def _reply(self, op: str, number: object, *, why: str) -> Frame:
        message: Json = {"success": not why, "ret_msg": why, "conn_id": self._connection, "op": op}
        if number is not None:
            message["req_id"] = number
        return Frame(topic="reply", text=_json(message))

    def _pong(self, number: object, now_ms: int) -> Frame:
        request = {} if number is None else {"req_id": number}
        if self._category:
            message = {
                "success": True,
                "ret_msg": "pong",
                "conn_id": self._connection,
                **request,
                "op": "ping",
            }
        else:
            message = {**request, "op": "pong", "args": [str(now_ms)], "conn_id": self._connection}
        return Frame(topic="pong", text=_json(message))

    def _category_of(self, symbol: str) -> str:
        return self._exchange.instrument(symbol).kind.value

    def _listed(self) -> list[Instrument]:
        return listed(self._exchange, self._category)

    def _call(self, now_ms: int) -> Call:
        return Call(
            exchange=self._exchange,
            path="",
            parameters=Parameters({"accountType": "UNIFIED"}),
            now_ms=now_ms,
            conditions=Conditions(),
            account=self.account,
        )


def _execution(call: Call, step: OrderStep) -> Json | None:
    if step.fill is None:
        return None
    return history.execution_row(call, step.fill, step.order, step.order.remaining)


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
