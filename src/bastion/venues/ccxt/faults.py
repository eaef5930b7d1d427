"""Faults: what a venue's refusal means, read from its raw code, never from a library's exception class.

One table a venue; a code that stands in none of them is RESOLVE: nothing is assumed about it. Sources: the
error pages and general-information pages of each venue's documentation.
"""

import re
from collections.abc import Container, Mapping
from http import HTTPStatus

from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.shape import dataclass
from bastion.venues.raw import Answer

TEAPOT = 418
BANNED = frozenset({HTTPStatus.FORBIDDEN.value, TEAPOT})
"""The statuses by which venues ban an address; each adapter knows for how long."""
KEEP_OFF = BANNED | {HTTPStatus.TOO_MANY_REQUESTS.value}
"""Those, and the one by which they refuse for a limit."""
MESSAGE_LENGTH_MAX = 200
PASSING = frozenset({Fault.RETRY, Fault.RATE_LIMIT, Fault.CLOCK})
"""Refusals of a request as such: they say nothing of the order that it was about."""

BINANCE: Mapping[str, Fault] = {
    "-1001": Fault.RETRY,  # Internal error; unable to process the request.
    "-1008": Fault.RETRY,  # Overload; reduce-only orders and cancels are exempt most of the time.
    "-2023": Fault.RETRY,  # The account is in liquidation: it may vanish by itself.
    "-1003": Fault.RATE_LIMIT,
    "-1015": Fault.RATE_LIMIT,
    "-1000": Fault.RESOLVE,
    "-1006": Fault.RESOLVE,
    "-1007": Fault.RESOLVE,
    "-2013": Fault.RESOLVE,
    "-1021": Fault.CLOCK,
    "-5028": Fault.CLOCK,
    "-2022": Fault.MAYBE_FLAT,
    "-2024": Fault.MAYBE_FLAT,
    "-4118": Fault.BLOCKED,
    "-4131": Fault.BAND,
    "-4016": Fault.BAND,
    "-4024": Fault.BAND,
    "-1013": Fault.SIZE,
    "-1111": Fault.SIZE,
    "-4003": Fault.SIZE,
    "-4004": Fault.SIZE,
    "-4005": Fault.SIZE,
    "-4014": Fault.SIZE,
    "-4023": Fault.SIZE,
    "-4164": Fault.SIZE,
    "-1106": Fault.MODE,
    "-4060": Fault.MODE,
    "-4061": Fault.MODE,
    "-4062": Fault.MODE,
    "-4116": Fault.DUPLICATE,
    "-1002": Fault.TERMINAL,
    "-1011": Fault.TERMINAL,
    "-1022": Fault.TERMINAL,
    "-1099": Fault.TERMINAL,
    "-1109": Fault.TERMINAL,
    "-2008": Fault.TERMINAL,
    "-2014": Fault.TERMINAL,
    "-2015": Fault.TERMINAL,
    "-2017": Fault.TERMINAL,
    "-4088": Fault.TERMINAL,
    "-4109": Fault.TERMINAL,
    "-4400": Fault.TERMINAL,
    "-4401": Fault.TERMINAL,
    "-4402": Fault.TERMINAL,
    "-4403": Fault.TERMINAL,
    "-21001": Fault.TERMINAL,  # The account is no Portfolio Margin account.
}

BYBIT: Mapping[str, Fault] = {
    "429": Fault.RETRY,  # "High server load. Please retry", a body code and not the HTTP status.
    "10016": Fault.RETRY,
    "10019": Fault.RETRY,
    "10429": Fault.RETRY,
    "110079": Fault.RETRY,
    "3400214": Fault.RETRY,
    "10006": Fault.RATE_LIMIT,
    "10018": Fault.RATE_LIMIT,
    "20003": Fault.RATE_LIMIT,
    "10000": Fault.RESOLVE,
    "170007": Fault.RESOLVE,
    "-1": Fault.CLOCK,
    "10002": Fault.CLOCK,
    "110005": Fault.RETRY,  # The position is being liquidated or deleveraged: it may vanish by itself.
    "110017": Fault.MAYBE_FLAT,
    "110034": Fault.MAYBE_FLAT,
    "30208": Fault.BAND,
    "30209": Fault.BAND,
    "110003": Fault.BAND,
    "110118": Fault.BAND,
    "110120": Fault.BAND,
    "110121": Fault.BAND,
    "110094": Fault.SIZE,
    "10014": Fault.DUPLICATE,
    "110072": Fault.DUPLICATE,
    "401": Fault.TERMINAL,
    "10003": Fault.TERMINAL,
    "10004": Fault.TERMINAL,
    "10005": Fault.TERMINAL,
    "10007": Fault.TERMINAL,
    "10008": Fault.TERMINAL,
    "10009": Fault.TERMINAL,
    "10010": Fault.TERMINAL,
    "10024": Fault.TERMINAL,
    "10027": Fault.TERMINAL,
    "10028": Fault.TERMINAL,
    "10029": Fault.TERMINAL,
    "33004": Fault.TERMINAL,
    "110066": Fault.TERMINAL,
    "110123": Fault.TERMINAL,
    "110125": Fault.TERMINAL,
    "110132": Fault.TERMINAL,
}

BYBIT_REJECT_REASONS: Mapping[str, Fault] = {
    "EC_ReachMarketPriceLimit": Fault.BAND,
    "EC_ReachRiskPriceLimit": Fault.BAND,
    "EC_NoImmediateQtyToFill": Fault.BAND,
    "EC_NoEnoughQtyToFill": Fault.BAND,
    "EC_CancelForNoFullFill": Fault.BAND,
    "EC_LimitOrderInvalidPrice": Fault.BAND,
    "EC_InvalidPriceScale": Fault.SIZE,
    "EC_EcInvalidQty": Fault.SIZE,
    "EC_InvalidAmount": Fault.SIZE,
    "EC_QtyCannotBeZero": Fault.MAYBE_FLAT,
    "EC_DuplicatedClOrdID": Fault.DUPLICATE,
    "EC_BySelfMatch": Fault.RETRY,
    "EC_StopBySelfMatch": Fault.RETRY,
    "CancelByReduceOnly": Fault.MAYBE_FLAT,  # A cancelType: the position was gone when it matched.
}
"""Why Bybit cancelled an order after it had taken it (enum page: rejectReason, cancelType)."""

_BINANCE_UNKNOWN = frozenset({"-1000", "-1006", "-1007"})
_BYBIT_UNKNOWN = frozenset({"10000", "170007"})
# "Service Unavailable." says that the request failed; "Unknown error, ..." says that nobody knows.
_BINANCE_FAILED_TEXT = re.compile(r"service unavailable", re.IGNORECASE)
_BINANCE_UNKNOWN_TEXT = re.compile(r"unknown error", re.IGNORECASE)
_BYBIT_QUANTITY = re.compile(r"\bqty\b|quantity|number of contracts|contracts m(in|ax)imum", re.IGNORECASE)
_BYBIT_MODE = re.compile(r"position\s*idx|position mode", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What one refusal says: the fault, the venue's code and text, and whether an order may have executed."""

    fault: Fault
    code: str
    message: str
    outcome_unknown: bool = False
    retry_after_s: float | None = None

    def error(self, *, mutating: bool) -> VenueError:
        """Return the error to raise: for an order or a cancel, or for a read that changes nothing."""
        if self.outcome_unknown:
            kind = OutcomeUnknown if mutating else VenueUnreachable
            return kind(self.message, code=self.code, retry_after_s=self.retry_after_s)
        return VenueRejected(self.message, fault=self.fault, code=self.code, retry_after_s=self.retry_after_s)


def binance_refusal(answer: Answer, *, code: str, message: str) -> Refusal | None:
    """Return what a Binance answer refuses, or None where it is no refusal.

    `code` and `message` are those of the body, empty where it has none. Documented 503 variants: an
    "Unknown error" may have executed, "Service Unavailable" and -1008 have not.
    """
    if answer.status < HTTPStatus.BAD_REQUEST and not code.startswith("-"):
        return None
    shown = code or f"HTTP {answer.status}"
    retry_after = _retry_after(answer)
    text = _cut(message or answer.text)
    if answer.status in KEEP_OFF:
        fault = BINANCE.get(code, Fault.RATE_LIMIT)
        return Refusal(fault=fault, code=shown, message=f"{shown}: {text}", retry_after_s=retry_after)
    unknown = code in _BINANCE_UNKNOWN or answer.status == HTTPStatus.REQUEST_TIMEOUT
    fault = BINANCE.get(code, Fault.RESOLVE)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and fault is Fault.RESOLVE:
        failed = _BINANCE_FAILED_TEXT.search(answer.text) and not _BINANCE_UNKNOWN_TEXT.search(answer.text)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and failed and not unknown:
            fault = Fault.RETRY
        else:
            unknown = True
    return Refusal(
        fault=fault,
        code=shown,
        message=f"{shown}: {text}",
        outcome_unknown=unknown,
        retry_after_s=retry_after,
    )


def bybit_refusal(answer: Answer, *, code: str, message: str) -> Refusal | None:
    """Return what a Bybit answer refuses, or None where it is no refusal.

    `code` and `message` are retCode and retMsg, or those of one item of a batch; empty where there are none.
    """
    if code == "0" and answer.status < HTTPStatus.BAD_REQUEST:
        return None
    shown = code if code not in {"", "0"} else f"HTTP {answer.status}"
    text = f"{shown}: {_cut(message or answer.text)}"
    retry_after = _retry_after(answer)
    if code not in {"", "0"}:
        fault = bybit_fault(code, message)
        return Refusal(
            fault=fault,
            code=code,
            message=text,
            outcome_unknown=code in _BYBIT_UNKNOWN,
            retry_after_s=retry_after,
        )
    if answer.status in KEEP_OFF:
        return Refusal(fault=Fault.RATE_LIMIT, code=shown, message=text, retry_after_s=retry_after)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return Refusal(fault=Fault.TERMINAL, code=shown, message=text)
    unknown = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT
    return Refusal(
        fault=Fault.RESOLVE, code=shown, message=text, outcome_unknown=unknown, retry_after_s=retry_after
    )


def bybit_fault(code: str, message: str) -> Fault:
    """Return the fault of a Bybit retCode; 10001 covers many things, which only its text tells apart."""
    if code == "10001":
        if _BYBIT_MODE.search(message):
            return Fault.MODE
        if _BYBIT_QUANTITY.search(message):
            return Fault.SIZE
    return BYBIT.get(code, Fault.RESOLVE)


def _retry_after(answer: Answer) -> float | None:
    seconds = answer.header_decimal("retry-after")
    return float(seconds) if seconds is not None and seconds >= 0 else None


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat[:MESSAGE_LENGTH_MAX] or "an empty body"


def cancel_failed(
    order: OpenOrder, error: VenueError, told: str, gone: Container[str] = frozenset()
) -> CancelAnswer:
    """Return what an error of one cancel says of its order; `gone` are the codes of what is not there."""
    said = isinstance(error, VenueRejected) and error.fault not in PASSING
    return CancelAnswer(order=order, gone=error.code in gone, code=error.code, message=told, answered=said)
