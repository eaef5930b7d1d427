"""Faults: what a refusal of the Strike API means, by its status and its documented messages.

A refused request changes nothing there: 400, 401, 403 and 429 are refusals; from 500 on the outcome of a
request that changes something is unknown.
"""

from http import HTTPStatus

from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.raw import Answer, Row

MESSAGE_LENGTH_MAX = 200
NOT_OPEN = "NOT_OPEN"
MARKET_HALTED = "MARKET_HALTED"
ORACLE_STALE = "ORACLE_STALE"
_GONE = "not found or already closed"
_TERMINAL = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
    }
)


def refusal(answer: Answer, *, mutating: bool) -> VenueError | None:
    """Return the error that an answer stands for; None for a success."""
    if answer.status == HTTPStatus.OK:
        return None
    said = _message(answer)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = _wait_s(answer)
        return VenueRejected(said, fault=Fault.RATE_LIMIT, code="429", retry_after_s=wait_s)
    shown = f"HTTP {answer.status}"
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status < HTTPStatus.BAD_REQUEST:
        kind = OutcomeUnknown if mutating else VenueUnreachable
        return kind(f"{shown}: {said}", code=shown)
    lowered = said.lower()
    fault, code = Fault.RETRY, shown
    if answer.status in _TERMINAL:
        fault = Fault.TERMINAL
    elif _GONE in lowered:
        fault, code = Fault.MAYBE_FLAT, NOT_OPEN
    elif "halted" in lowered:
        code = MARKET_HALTED
    elif "stale" in lowered:
        code = ORACLE_STALE
    return VenueRejected(said, fault=fault, code=code)


def _message(answer: Answer) -> str:
    try:
        row = Row(answer.value, "refusal")
        text = row.text_or("message") or row.text_or("detail")
    except AnswerMalformed:
        text = ""
    flat = " ".join((text or answer.text).split())
    return flat[:MESSAGE_LENGTH_MAX] or f"HTTP {answer.status} without a word"


def _wait_s(answer: Answer) -> float | None:
    try:
        seconds = Row(answer.value, "refusal").decimal_or_none("retry_after")
    except AnswerMalformed:
        seconds = None
    if seconds is None:
        seconds = answer.header_decimal("retry-after")
    return float(seconds) if seconds is not None and seconds >= 0 else None
