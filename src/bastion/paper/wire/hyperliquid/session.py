"""Session: one websocket of Hyperliquid: a user's fills, orders and state, and prices.

Documentation: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions and
`.../websocket/timeouts-and-heartbeats`: no login, since reads are public; `{"method": "ping"}` is answered by
`{"channel": "pong"}`; a socket on which the server has sent nothing for 60 s is closed. What the info
endpoint reads has the same form here. States and prices come when they are subscribed, when something of the
user changes, and as long as prices move twice a second.
"""

import json
from collections.abc import Callable, Mapping

from bastion.paper.account import IncomeKind
from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.following import Following, News
from bastion.paper.wire.hyperliquid import history, market, state
from bastion.paper.wire.hyperliquid.answers import Unreadable
from bastion.paper.wire.hyperliquid.assets import asset_of
from bastion.paper.wire.hyperliquid.call import Call
from bastion.paper.wire.hyperliquid.directory import Directory
from bastion.paper.wire.hyperliquid.words import order_row, status_of
from bastion.paper.wire.streams import Frame, Wake

Json = dict[str, object]
MakeCall = Callable[[Mapping[str, object], int], Call]

_PATH = "/ws"
_USERS = frozenset({"userEvents", "userFills", "orderUpdates", "webData2", "clearinghouseState", "spotState"})
_STATES = frozenset({"webData2", "clearinghouseState", "spotState", "allMids", "activeAssetCtx"})
_LOOKS_MS = 500
_QUIET_MS = 60_000
_MOMENTS = frozenset({"time", "serverTime"})


def is_socket(path: str) -> bool:
    """Whether a path is the one that takes websockets."""
    return path == _PATH


class HyperliquidSession:
    """One connection. An unknown subscription is answered on the channel `error`, as at the venue."""

    ping_every_ms = 0
    pong_within_ms = _QUIET_MS
    pushes_keep_open = True
    is_over = False

    def __init__(
        self, *, exchange: Exchange, directory: Directory, call: MakeCall, now_ms: int, wake: Wake
    ) -> None:
        self._exchange = exchange
        self._directory = directory
        self._call = call
        self._wake = wake
        self._subscriptions: dict[str, Json] = {}
        self._users: dict[str, Following] = {}
        self._shown: dict[str, str] = {}
        self._looks_ms = now_ms

    @property
    def account(self) -> str:
        """The account that is read first on this socket."""
        return next((user.account for user in self._users.values()), "")

    def hear(self, text: str, now_ms: int) -> list[Frame]:
        """Answer ping, subscribe and unsubscribe."""
        try:
            message = json.loads(text)
            method, wanted = message.get("method"), message.get("subscription")
            if method == "ping":
                return [_frame("pong", {"channel": "pong"})]
            if method == "unsubscribe" and isinstance(wanted, dict):
                return self._unsubscribe(message, wanted)
            if method == "subscribe" and isinstance(wanted, dict):
                return self._subscribe(message, wanted, now_ms)
        except (ValueError, AttributeError, Unreadable):
            pass
        return [_error(f"Error parsing JSON into valid websocket request: {text[:200]}")]

    def due(self, now_ms: int) -> list[Frame]:
        """Return what changed of the users, and prices that have moved."""
        frames: list[Frame] = []
        changed: set[str] = set()
        for address, user in self._users.items():
            news = user.read()
            if news is None:
                continue
            changed.add(address)
            for wanted in self._subscriptions.values():
                if _user_of(wanted) == address:
                    frames += self._told(wanted, news, now_ms)
        is_time = self._looks_ms <= now_ms
        if is_time:
            self._looks_ms = now_ms + _LOOKS_MS
        for key, wanted in self._subscriptions.items():
            if wanted["type"] in _STATES and (is_time or _user_of(wanted) in changed):
                frames += self._state(key, wanted, now_ms)
        return frames

    def next_due_ms(self) -> int | None:
        """Return when states are compared next, where any is subscribed."""
        return self._looks_ms if any(row["type"] in _STATES for row in self._subscriptions.values()) else None

    def lapse(self, now_ms: int, *, told: bool) -> list[Frame]:  # noqa: ARG002 - the port's signature
        """End what is told of users; there is no login that could end, so it is never said."""
        self._subscriptions = {
            key: wanted for key, wanted in self._subscriptions.items() if wanted["type"] not in _USERS
        }
        self.close()
        return []

    def close(self) -> None:
        """Follow nothing more."""
        for user in self._users.values():
            user.stop()
        self._users.clear()

    def _subscribe(self, message: Json, wanted: Json, now_ms: int) -> list[Frame]:
        kind, key = wanted.get("type"), _json(wanted)
        if key in self._subscriptions:
            return [_error(f"Already subscribed: {key}")]
        is_price = kind == "allMids" or (
            kind == "activeAssetCtx" and asset_of(self._exchange, str(wanted.get("coin", ""))) is not None
        )
        if kind in _USERS:
            self._follow(self._call(wanted, now_ms).fields.address("user"))
        elif not is_price:
            return [_error(f"Invalid subscription {key} (or not modelled by the paper exchange)")]
        self._subscriptions[key] = wanted
        frames = [_frame("reply", {"channel": "subscriptionResponse", "data": message})]
        if kind == "userFills":
            rows = history.fills(self._call(wanted, now_ms))
            data = {"isSnapshot": True, "user": wanted["user"], "fills": rows}
            frames.append(_frame("userFills", {"channel": "userFills", "data": data}))
        elif kind in _STATES:
            frames += self._state(key, wanted, now_ms)
        return frames

    def _unsubscribe(self, message: Json, wanted: Json) -> list[Frame]:
        key = _json(wanted)
        if self._subscriptions.pop(key, None) is None:
            return [_error(f"Already unsubscribed: {key}")]
        self._shown.pop(key, None)
        read = {_user_of(row) for row in self._subscriptions.values()}
        for address in [address for address in self._users if address not in read]:
            self._users.pop(address).stop()
        return [_frame("reply", {"channel": "subscriptionResponse", "data": message})]

    def _follow(self, address: str) -> None:
        account = self._directory.account_at(address)
        # An address that holds nothing, such as an agent's, is read as an empty account and stays silent.
        if account is not None and address.lower() not in self._users:
            self._users[address.lower()] = Following(self._exchange, self._wake)
            self._users[address.lower()].start(account)

    def _told(self, wanted: Json, news: News, now_ms: int) -> list[Frame]:
        data: object = None
        kind = str(wanted["type"])
        if kind == "orderUpdates" and news.steps:
            data = [
                {
                    "order": order_row(step.order),
                    "status": status_of(step.order),
                    "statusTimestamp": step.order.updated_ms,
                }
                for step in news.steps
            ]
        elif kind in {"userFills", "userEvents"} and news.fills:
            rows = self._fills(wanted, news, now_ms)
            data = {"user": wanted["user"], "fills": rows} if kind == "userFills" else {"fills": rows}
        frames = [] if data is None else [_frame(kind, {"channel": _channel(kind), "data": data})]
        if kind == "userEvents":
            frames += [
                _frame(kind, {"channel": "user", "data": {"funding": row}})
                for row in self._fundings(wanted, news, now_ms)
            ]
        return frames

    def _fills(self, wanted: Json, news: News, now_ms: int) -> list[Json]:
        told = {fill.fill_id for fill in news.fills}
        rows = history.fills(self._call(wanted, now_ms))
        return [row for row in reversed(rows) if row["tid"] in told] if isinstance(rows, list) else []

    def _fundings(self, wanted: Json, news: News, now_ms: int) -> list[Json]:
        times = [row.time_ms for row in news.incomes if row.kind is IncomeKind.FUNDING_FEE]
        if not times:
            return []
        rows = history.user_funding(self._call({**wanted, "startTime": min(times)}, now_ms))
        names = ("coin", "usdc", "szi", "fundingRate")
        return [
            {"time": row["time"], **{name: row["delta"][name] for name in names}}
            for row in (rows if isinstance(rows, list) else [])
        ]

    def _state(self, key: str, wanted: Json, now_ms: int) -> list[Frame]:
        kind = str(wanted["type"])
        data = self._reading(kind, wanted, now_ms)
        compared = _json(_timeless(data))
        if self._shown.get(key) == compared:
            return []
        self._shown[key] = compared
        return [_frame(kind, {"channel": kind, "data": data})]

    def _reading(self, kind: str, wanted: Json, now_ms: int) -> Json:
        call = self._call(wanted, now_ms)
        dex = str(wanted.get("dex", ""))
        match kind:
            case "allMids":
                return {"mids": market.all_mids(call)}
            case "activeAssetCtx":
                coin = str(wanted["coin"])
                asset = asset_of(self._exchange, coin)
                return {"coin": coin, "ctx": market.context(self._exchange, asset) if asset else {}}
            case "spotState":
                return {"user": wanted["user"], "spotState": state.spot_clearinghouse(call)}
            case "clearinghouseState":
                return {"dex": dex, "user": wanted["user"], "clearinghouseState": state.clearinghouse(call)}
        whole = market.meta_and_contexts(call)
        meta, contexts = whole if isinstance(whole, list) else ({}, [])
        return {
            "clearinghouseState": state.clearinghouse(call),
            "leadingVaults": [],
            "totalVaultEquity": "0.0",
            "openOrders": history.frontend_open_orders(call),
            "agentAddress": None,
            "agentValidUntil": None,
            "cumLedger": "0.0",
            "meta": meta,
            "assetCtxs": contexts,
            "serverTime": now_ms,
            "isVault": False,
            "user": wanted["user"],
            "twapStates": [],
            "spotState": state.spot_clearinghouse(call),
        }


def _user_of(wanted: Json) -> str:
    return str(wanted.get("user", "")).lower()


def _channel(kind: str) -> str:
    # The venue's one word that differs from the subscription's.
    return "user" if kind == "userEvents" else kind


def _timeless(data: object) -> object:
    if isinstance(data, dict):
        return {name: _timeless(value) for name, value in data.items() if name not in _MOMENTS}
    return data


def _error(text: str) -> Frame:
    return _frame("reply", {"channel": "error", "data": text})


def _frame(topic: str, message: Json) -> Frame:
    return Frame(topic=topic, text=_json(message))


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))
