"""Door: who is calling, and may they.

Source: Bybit v5 "Integration Guidance": HMAC-SHA256 over timestamp, API key, receive window and the raw query
or body; the timestamp must lie in [server time - window, server time + 1000 ms).
"""

import hashlib
import hmac

from bastion.paper.account import ApiKey, Permission
from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.bybit.envelope import (
    INVALID_KEY,
    PARAMETER_ERROR,
    PERMISSION_DENIED,
    SIGN_ERROR,
    TIMESTAMP_ERROR,
    UNMATCHED_IP,
    BybitError,
)
from bastion.paper.wire.protocol import WireRequest

_AHEAD_MS = 1_000
_DEFAULT_WINDOW_MS = 5_000

KEY_HEADER = "x-bapi-api-key"


def authenticate(exchange: Exchange, request: WireRequest) -> tuple[str, ApiKey]:
    """Return the account and the key of a signed request; raises `BybitError`."""
    key_text = request.headers.get(KEY_HEADER, "")
    timestamp = request.headers.get("x-bapi-timestamp", "")
    signature = request.headers.get("x-bapi-sign", "")
    if not (key_text and timestamp and signature):
        raise BybitError(
            PARAMETER_ERROR,
            f"empty value: apiTimestamp[{timestamp}] apiKey[{_masked(key_text)}] apiSignature[]",
        )
    found = exchange.find_key(key_text)
    if found is None:
        raise BybitError(INVALID_KEY, "API key is invalid.")
    window = request.headers.get("x-bapi-recv-window", "")
    _check_time(timestamp, window, request.received_ms)
    payload = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
    account, key = found
    signed = timestamp + key_text + window + payload
    signed_bytes = signed.encode("utf-8", "replace")
    expected = hmac.new(key.secret.encode(), signed_bytes, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise BybitError(
            SIGN_ERROR,
            f"error sign! origin_string[{timestamp}{_masked(key_text)}{window}{payload}]",
        )
    if key.addresses and request.address not in key.addresses:
        raise BybitError(UNMATCHED_IP, "Unmatched IP, please check your API key's bound IP addresses.")
    return account, key


def must_trade(key: ApiKey) -> None:
    """Raise unless the key may trade."""
    if Permission.TRADE not in key.permissions:
        raise BybitError(PERMISSION_DENIED, "Permission denied, please check your API key permissions.")


def _check_time(timestamp: str, window: str, now_ms: int) -> None:
    try:
        sent_ms = int(timestamp)
        window_ms = int(window) if window else _DEFAULT_WINDOW_MS
    except ValueError:
        raise BybitError(TIMESTAMP_ERROR, _time_text(timestamp, window, now_ms)) from None
    if not now_ms - window_ms <= sent_ms < now_ms + _AHEAD_MS:
        raise BybitError(TIMESTAMP_ERROR, _time_text(timestamp, window, now_ms))


def _time_text(timestamp: str, window: str, now_ms: int) -> str:
    return (
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{timestamp}],server_timestamp[{now_ms}],recv_window[{window or _DEFAULT_WINDOW_MS}]"
    )


def _masked(key_text: str) -> str:
    return "***" if key_text else ""
