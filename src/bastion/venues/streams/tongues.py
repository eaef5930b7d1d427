"""Tongues: what is said on a venue's private stream, and what its messages mean. Pure: text in, text out.

Sources: the venues' pages on connecting to their websockets, as `bastion.paper.wire` names them:
https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams,
https://bybit-exchange.github.io/docs/v5/ws/connect, https://www.okx.com/docs-v5/en/#overview-websocket,
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_LOGIN_S = 10
_PONG = "pong"


class Meaning(StrEnum):
    """What a message means to who only wants to know whether something changed."""

    ACCEPTED = "accepted"
    """The login or subscription before it stands."""
    CHANGED = "changed"
    ALIVE = "alive"
    REFUSED = "refused"
    """A login or subscription was refused."""
    ENDED = "ended"
    """The venue tells nothing private any more."""


Data = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One venue's manner: `opening` returns what is said first, each once the one before was accepted.

    `ping` None stands for a ping frame of the protocol. `listen_path` is where a listen key is made and kept
    alive over REST, empty where the venue knows none.
    """

    venue: str
    path: str
    read: Callable[[Data], Meaning]
    opening: Callable[[Mapping[str, str], int], Sequence[str]] = field(default=lambda _fields, _now_ms: ())
    ping: str | None = None
    listen_path: str = ""

    def meaning(self, text: str) -> Meaning:
        """Return what a message means; one that cannot be read is taken as a change, so that we look."""
        if text == _PONG:
            return Meaning.ALIVE
        try:
            data = json.loads(text)
        except ValueError:
            return Meaning.CHANGED
        return self.read(data) if isinstance(data, dict) else Meaning.CHANGED


def _binance(data: Data) -> Meaning:
    row = data.get("data")
    event = (row if isinstance(row, Mapping) else data).get("e")
    if event == "listenKeyExpired":
        return Meaning.ENDED
    return Meaning.ALIVE if event is None else Meaning.CHANGED


def _bybit_opening(fields: Mapping[str, str], now_ms: int) -> Sequence[str]:
    expires = str(now_ms + _LOGIN_S * 1_000)
    signed = hmac.new(fields["secret"].encode(), f"GET/realtime{expires}".encode(), hashlib.sha256)
    return (
        _json({"op": "auth", "args": [fields["apiKey"], expires, signed.hexdigest()]}),
        _json({"op": "subscribe", "args": ["position", "order", "execution"]}),
    )


def _bybit(data: Data) -> Meaning:
    if "topic" in data:
        return Meaning.CHANGED
    op = data.get("op")
    if op in {"auth", "subscribe"}:
        return Meaning.ACCEPTED if data.get("success") is True else Meaning.REFUSED
    return Meaning.ALIVE


def _okx_opening(fields: Mapping[str, str], now_ms: int) -> Sequence[str]:
    timestamp = str(now_ms // 1_000)
    signed = hmac.new(fields["secret"].encode(), f"{timestamp}GET/users/self/verify".encode(), hashlib.sha256)
    login = {
        "apiKey": fields["apiKey"],
        "passphrase": fields["password"],
        "timestamp": timestamp,
        "sign": base64.b64encode(signed.digest()).decode(),
    }
    # Without an update interval of zero, positions are told every 5 s though nothing changed.
    positions = {"channel": "positions", "instType": "ANY", "extraParams": '{"updateInterval":"0"}'}
    return (
        _json({"op": "login", "args": [login]}),
        _json({"op": "subscribe", "args": [positions]}),
        _json({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}),
    )


def _okx(data: Data) -> Meaning:
    event = data.get("event")
    if event in {"login", "subscribe"}:
        return Meaning.ACCEPTED
    if event == "error":
        return Meaning.REFUSED
    if event == "notice":
        return Meaning.ENDED
    # What comes whole, when it is subscribed or in its own time, is no change.
    is_change = "data" in data and data.get("eventType") != "snapshot"
    return Meaning.CHANGED if is_change else Meaning.ALIVE


def _hyperliquid_opening(fields: Mapping[str, str], now_ms: int) -> Sequence[str]:  # noqa: ARG001 - as the others
    user = fields["walletAddress"]
    return tuple(
        _json({"method": "subscribe", "subscription": {"type": kind, "user": user}})
        for kind in ("orderUpdates", "userEvents")
    )


def _hyperliquid(data: Data) -> Meaning:
    channel = data.get("channel")
    if channel == "subscriptionResponse":
        return Meaning.ACCEPTED
    if channel == "error":
        return Meaning.REFUSED
    return Meaning.CHANGED if channel in {"orderUpdates", "user"} else Meaning.ALIVE


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))


BINANCE = Tongue(venue="binance", path="/private/ws/", read=_binance, listen_path="/fapi/v1/listenKey")
BINANCE_COIN = Tongue(venue="binance", path="/ws/", read=_binance, listen_path="/dapi/v1/listenKey")
BYBIT = Tongue(
    venue="bybit", path="/v5/private", read=_bybit, opening=_bybit_opening, ping=_json({"op": "ping"})
)
OKX = Tongue(venue="okx", path="/ws/v5/private", read=_okx, opening=_okx_opening, ping="ping")
HYPERLIQUID = Tongue(
    venue="hyperliquid",
    path="/ws",
    read=_hyperliquid,
    opening=_hyperliquid_opening,
    ping=_json({"method": "ping"}),
)
