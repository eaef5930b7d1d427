"""Gate: who calls, and whether the signature, the time and the rights are in order.

Documentation, "General Info: SIGNED Endpoint Security". The signature is HMAC-SHA256 with the secret over the
query string followed by the body, both as sent and without the signature itself.
"""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl

from bastion.paper.account import ApiKey, Permission
from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.binance.call import Security
from bastion.paper.wire.binance.errors import (
    UNAUTHORIZED,
    BinanceError,
    illegal_characters,
    not_sent,
    unknown_key,
)
from bastion.paper.wire.binance.parameters import Parameters
from bastion.paper.wire.protocol import WireRequest

KEY_HEADER = "x-mbx-apikey"
_KEY_FORMAT = r"[A-Za-z0-9_.-]{8,64}"
_AHEAD_MS = 1_000
_RECV_WINDOW_MS = 5_000
_RECV_WINDOW_MOST_MS = 60_000
_SIGNATURE_RANGE = r"^[A-Fa-f0-9]{64}$"


def read_parameters(request: WireRequest) -> Parameters:
    """Return the parameters of query and body together; the body must be a form."""
    try:
        body = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise BinanceError(-1100, "Illegal characters found in the request body.") from None
    pairs = request.query_pairs() + parse_qsl(body, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise BinanceError(-1101, "Duplicate values for a parameter detected.")
    return Parameters(dict(pairs))


def find_account(exchange: Exchange, request: WireRequest, security: Security) -> tuple[str, ApiKey]:
    """Return the account behind the key of `request`, once format, address and rights are checked."""
    key = request.headers.get(KEY_HEADER, "")
    if not re.fullmatch(_KEY_FORMAT, key):
        raise BinanceError(-2014, "API-key format invalid.", status=UNAUTHORIZED)
    found = exchange.find_key(key)
    if found is None:
        raise unknown_key()
    account, credential = found
    needed = Permission.TRADE if security is Security.TRADE else Permission.READ
    allowed = not credential.addresses or request.address in credential.addresses
    if needed not in credential.permissions or not allowed:
        raise unknown_key()
    return account, credential


def check_signature(request: WireRequest, parameters: Parameters, credential: ApiKey) -> None:
    """Refuse a request whose signature is missing, malformed or not made with the credential's secret."""
    if "signature" not in parameters:
        raise not_sent("signature")
    signature = parameters.text("signature")
    if not re.fullmatch(_SIGNATURE_RANGE, signature):
        raise illegal_characters("signature", _SIGNATURE_RANGE)
    signed = "".join(_without_signature(part) for part in (request.query, request.body.decode("utf-8")))
    expected = hmac.new(credential.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise BinanceError(-1022, "Signature for this request is not valid.")


def check_time(parameters: Parameters, now_ms: int) -> None:
    """Refuse a request from the future, or one that took longer than its recvWindow."""
    timestamp_ms = parameters.whole("timestamp")
    window_ms = parameters.whole_or_none("recvWindow")
    window_ms = _RECV_WINDOW_MS if window_ms is None else window_ms
    if window_ms > _RECV_WINDOW_MOST_MS:
        raise BinanceError(-1131, "recvWindow must be less than 60000")
    if timestamp_ms >= now_ms + _AHEAD_MS:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms:
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
