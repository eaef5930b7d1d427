"""Door: who is calling, and may they.

Source: OKX v5 "REST Authentication" (the Base64 HMAC-SHA256 of timestamp, method, path with query, and body;
a request expires 30 s after its timestamp), "Demo Trading Services" (the x-simulated-trading header), and
"Error Code", API class 50100 to 50120.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime

from bastion.paper.account import ApiKey, Permission
from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.okx.envelope import EXPIRED, OkxError
from bastion.paper.wire.protocol import WireRequest

KEY_HEADER = "ok-access-key"
DEFAULT_PASSPHRASE = "paper-okx-passphrase"  # noqa: S105 - of paper keys for which a scenario names none
WINDOW_MS = 30_000

_UNAUTHORIZED = 401
_HEADERS = (
    (KEY_HEADER, "50103", "OK-ACCESS-KEY"),
    ("ok-access-passphrase", "50104", "OK-ACCESS-PASSPHRASE"),
    ("ok-access-sign", "50106", "OK-ACCESS-SIGN"),
    ("ok-access-timestamp", "50107", "OK-ACCESS-TIMESTAMP"),
)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_EPOCH = re.compile(r"\d{10}(\.\d{1,6})?", re.ASCII)


def authenticate(exchange: Exchange, request: WireRequest, *, demo: bool) -> tuple[str, ApiKey]:
    """Return the account and the key of a signed request; raises `OkxError`.

    `demo` says that the keys here are demo keys: they want the header x-simulated-trading, others refuse it.
    """
    headers = request.headers
    for name, code, shown in _HEADERS:
        if not headers.get(name):
            raise _refusal(code, f"Request header {shown} cannot be empty.")
    _check_time(headers["ok-access-timestamp"], request.received_ms)
    found = exchange.find_key(headers[KEY_HEADER])
    if found is None:
        raise _refusal("50111", "Invalid OK-ACCESS-KEY")
    account, key = found
    if (headers.get("x-simulated-trading", "0") == "1") is not demo:
        raise _refusal("50101", "APIKey does not match current environment.")
    if not _same(key.passphrase or DEFAULT_PASSPHRASE, headers["ok-access-passphrase"]):
        raise _refusal("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
    if not _same(_signature(request, key.secret), headers["ok-access-sign"]):
        raise _refusal("50113", "Invalid Sign")
    if key.addresses and request.address not in key.addresses:
        text = f"Your IP {request.address} is not included in your API key's IP whitelist."
        raise _refusal("50110", text)
    return account, key


def must_trade(key: ApiKey) -> None:
    """Raise unless the key may trade."""
    if Permission.TRADE not in key.permissions:
        raise _refusal("50120", "This API key doesn't have permission to use this function.")


def check_deadline(request: WireRequest) -> None:
    """Raise when the moment that the header expTime names (milliseconds) is over."""
    text = request.headers.get("exptime", "")
    if text and (not text.isdecimal() or int(text) < request.received_ms):
        message = (
            "The expTime can't be earlier than the current system time. "
            "Please adjust the expTime and try again."
        )
        raise OkxError(EXPIRED, message)


def _signature(request: WireRequest, secret: str) -> str:
    path = request.path + (f"?{request.query}" if request.query else "")
    body = request.body if request.method == "POST" else b""
    text = request.headers["ok-access-timestamp"] + request.method + path
    signed = text.encode("utf-8", "replace") + body
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _check_time(text: str, now_ms: int) -> None:
    sent_ms = _milliseconds(text)
    if sent_ms is None:
        raise _refusal("50112", "Invalid OK-ACCESS-TIMESTAMP")
    if abs(now_ms - sent_ms) > WINDOW_MS:
        raise _refusal("50102", "Timestamp request expired")


def _milliseconds(text: str) -> int | None:
    if _EPOCH.fullmatch(text):
        return int(float(text) * 1000)
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000)


def _refusal(code: str, message: str) -> OkxError:
    return OkxError(code, message, status=_UNAUTHORIZED)
