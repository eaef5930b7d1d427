"""Hyperliquid faults: what a refusal means. The venue has no codes, so its documented texts are read.

Source: Hyperliquid docs, "Error responses" (whose error types are the codes shown here), "Exchange endpoint",
"Nonces and API wallets", "Rate limits and user limits". A text that stands nowhere below is RESOLVE.
"""

from dataclasses import replace
from http import HTTPStatus

from bastion.errors import AnswerMalformed, Fault
from bastion.venues.ccxt.faults import Refusal
from bastion.venues.raw import Answer, Row, excerpt

_TEXTS: tuple[tuple[str, str, Fault], ...] = (
    ("reduce only order would increase position", "ReduceOnly", Fault.MAYBE_FLAT),
    ("could not immediately match", "IocCancel", Fault.BAND),
    ("no liquidity available", "MarketOrderNoLiquidity", Fault.BAND),
    ("too far from oracle", "Oracle", Fault.BAND),
    ("away from the reference price", "Oracle", Fault.BAND),
    ("more aggressive than oracle", "TooAggressiveAtOpenInterestCap", Fault.BAND),
    ("invalid tp/sl price", "BadTriggerPx", Fault.BAND),
    ("divisible by tick size", "Tick", Fault.SIZE),
    ("invalid price", "Tick", Fault.SIZE),
    ("minimum value", "MinTradeNtl", Fault.SIZE),
    ("zero size", "ZeroSize", Fault.SIZE),
    ("invalid size", "InvalidSize", Fault.SIZE),
    ("insufficient margin", "PerpMargin", Fault.RETRY),
    ("trading is halted", "Halted", Fault.RETRY),
    ("only post-only orders", "PostOnlyAfterUpgrade", Fault.RETRY),
    ("open orders", "OpenOrders", Fault.BLOCKED),
    ("cloid already exists", "DuplicateCloid", Fault.DUPLICATE),
    ("invalid asset", "Asset", Fault.MODE),
    ("too many cumulative requests", "AddressLimit", Fault.RATE_LIMIT),
    ("nonce", "Nonce", Fault.CLOCK),
    ("expire", "Expired", Fault.CLOCK),
    ("user or api wallet", "Wallet", Fault.TERMINAL),
    ("must deposit before", "Wallet", Fault.TERMINAL),
    ("vault not registered", "Vault", Fault.TERMINAL),
    ("multi-sig", "MultiSig", Fault.TERMINAL),
)
ADDRESS_PAUSE_S = 10.0
"""An account that has used up its requests may send one every 10 s."""
NO_ORDER = "never placed, already canceled, or filled"
ORACLE = "Oracle"
_SHOWN = 200
_TRANSIENT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.FORBIDDEN})


def refusal_of_text(text: str) -> Refusal:
    """Return what a refusal's text means; nothing was executed by what it refuses."""
    lowered = text.lower()
    shown = " ".join(text.split())[:_SHOWN] or "an empty text"
    for words, code, fault in _TEXTS:
        if words in lowered:
            refusal = Refusal(fault=fault, code=code, message=f"{code}: {shown}")
            return replace(refusal, retry_after_s=ADDRESS_PAUSE_S) if code == "AddressLimit" else refusal
    return Refusal(fault=Fault.RESOLVE, code="err", message=shown)


def refusal_of(answer: Answer) -> Refusal | None:
    """Return what an answer refuses as a whole, None where it is none.

    Raises:
        AnswerMalformed: HTTP says success, but the body is no JSON of the venue's.
    """
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return _refusal_of_status(answer)
    value = answer.value
    if value is None:
        raise AnswerMalformed("answer: null came")
    if isinstance(value, dict) and value.get("status") == "err":
        text = Row(value, "answer").text_or("response")
        return refusal_of_text(text)
    return None


def _refusal_of_status(answer: Answer) -> Refusal:
    code = f"HTTP {answer.status}"
    message = f"{code}: {excerpt(answer.text)}"
    seconds = answer.header_decimal("retry-after")
    retry_after = float(seconds) if seconds is not None and seconds >= 0 else None
    if answer.status in _TRANSIENT:
        return Refusal(fault=Fault.RATE_LIMIT, code=code, message=message, retry_after_s=retry_after)
    unknown = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT
    # HTTP 422 and its like refuse a request before anything of it is carried out.
    return Refusal(
        fault=Fault.RESOLVE,
        code=code,
        message=message,
        outcome_unknown=unknown,
        retry_after_s=retry_after,
    )
