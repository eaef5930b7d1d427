"""OKX faults: what a refusal means, read from its raw code.

Source: www.okx.com/docs-v5/en, Error Code (public class 50000 to 50120, trading class 51000 to 51603). An
order's own code stands in sCode of its row; a code that stands in no table is RESOLVE.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from bastion.errors import AnswerMalformed, Fault
from bastion.venues.ccxt.faults import KEEP_OFF, Refusal
from bastion.venues.raw import Answer, Row

MESSAGE_LENGTH_MAX = 200
NO_ERROR = "0"
ROWS_SPEAK = frozenset({"1", "2"})
"""Codes that say: all, or some, of the rows failed; each row's sCode tells which."""

OKX: Mapping[str, Fault] = {
    "50001": Fault.RETRY,  # Service temporarily unavailable.
    "50009": Fault.RETRY,  # Suspended while it is being liquidated: positions may vanish by themselves.
    "50013": Fault.RETRY,
    "50017": Fault.RETRY,  # 50017 to 50022: frozen by ADL or liquidation.
    "50018": Fault.RETRY,
    "50019": Fault.RETRY,
    "50020": Fault.RETRY,
    "50021": Fault.RETRY,
    "50022": Fault.RETRY,
    "50023": Fault.RETRY,
    "50026": Fault.RETRY,
    "50040": Fault.RETRY,
    "51029": Fault.RETRY,
    "51030": Fault.RETRY,
    "50011": Fault.RATE_LIMIT,
    "50061": Fault.RATE_LIMIT,
    "51113": Fault.RATE_LIMIT,
    "50004": Fault.RESOLVE,
    "50036": Fault.CLOCK,
    "50102": Fault.CLOCK,
    "50112": Fault.CLOCK,
    "51023": Fault.MAYBE_FLAT,
    "51134": Fault.MAYBE_FLAT,
    "51169": Fault.MAYBE_FLAT,
    "51170": Fault.MAYBE_FLAT,
    "51112": Fault.BLOCKED,
    "51115": Fault.BLOCKED,
    "51117": Fault.BLOCKED,
    "51125": Fault.BLOCKED,
    "51126": Fault.BLOCKED,
    "51006": Fault.BAND,
    "51031": Fault.BAND,
    "51108": Fault.BAND,  # Too large to be closed at market: a bounded limit order is not.
    "51109": Fault.BAND,
    "51116": Fault.BAND,
    "51122": Fault.BAND,
    "51135": Fault.BAND,
    "51136": Fault.BAND,
    "51137": Fault.BAND,
    "51138": Fault.BAND,
    "51004": Fault.SIZE,
    "51005": Fault.SIZE,
    "51007": Fault.SIZE,
    "51020": Fault.SIZE,
    "51100": Fault.SIZE,
    "51101": Fault.SIZE,
    "51105": Fault.SIZE,
    "51118": Fault.SIZE,
    "51120": Fault.SIZE,
    "51121": Fault.SIZE,
    "51132": Fault.SIZE,
    "51185": Fault.SIZE,
    "51201": Fault.SIZE,
    "51202": Fault.SIZE,
    "51203": Fault.SIZE,
    "50071": Fault.DUPLICATE,
    "51011": Fault.DUPLICATE,
    "51016": Fault.DUPLICATE,
    "50007": Fault.TERMINAL,
    "50012": Fault.TERMINAL,
    "50027": Fault.TERMINAL,
    "50028": Fault.TERMINAL,
    "50100": Fault.TERMINAL,
    "50101": Fault.TERMINAL,
    "50103": Fault.TERMINAL,
    "50104": Fault.TERMINAL,
    "50105": Fault.TERMINAL,
    "50106": Fault.TERMINAL,
    "50107": Fault.TERMINAL,
    "50110": Fault.TERMINAL,
    "50111": Fault.TERMINAL,
    "50113": Fault.TERMINAL,
    "50114": Fault.TERMINAL,
    "50119": Fault.TERMINAL,
    "50120": Fault.TERMINAL,
    "51009": Fault.TERMINAL,
    "51010": Fault.TERMINAL,
    "51024": Fault.TERMINAL,
    "51155": Fault.TERMINAL,
    "51732": Fault.TERMINAL,
    "51733": Fault.TERMINAL,
    "51734": Fault.TERMINAL,
}

CANCEL_SOURCES: Mapping[str, Fault] = {
    "2": Fault.MAYBE_FLAT,  # A reduce-only order, cancelled for want of a position.
    "9": Fault.MAYBE_FLAT,
    "16": Fault.MAYBE_FLAT,
    "17": Fault.MAYBE_FLAT,  # The position was closed already.
    "13": Fault.BAND,
    "14": Fault.BAND,  # The rest of an IOC order found no counterparty.
    "15": Fault.BAND,  # Beyond the price limit.
    "27": Fault.BAND,
    "33": Fault.BAND,
    "32": Fault.RETRY,  # Self trade prevention.
}
"""Why an order that was taken ended without any fill (GET / Order details, cancelSource)."""

_UNKNOWN = frozenset({"50004"})
_MODE = re.compile(r"posSide|tdMode|mgnMode", re.IGNORECASE)
_SIZE = re.compile(r"\bsz\b", re.IGNORECASE)


def okx_fault(code: str, message: str) -> Fault:
    """Return the fault of a code; 51000 covers every parameter, which only its text names."""
    if code == "51000":
        if _MODE.search(message):
            return Fault.MODE
        if _SIZE.search(message):
            return Fault.SIZE
    return OKX.get(code, Fault.RESOLVE)


def row_refusal(row: Row) -> Refusal | None:
    """Return what one row of a trading answer refuses, None where its order stands.

    Raises:
        AnswerMalformed: the row has no sCode.
    """
    code = row.text("sCode")
    return None if code == NO_ERROR else _refusal(code, row.text_or("sMsg"))


def answer_refusal(answer: Answer) -> Refusal | None:
    """Return what an answer refuses as a whole; None where it succeeded or its rows tell each their own.

    Raises:
        AnswerMalformed: HTTP says success, but the body is no v5 answer.
    """
    code = message = ""
    rows: tuple[Row, ...] = ()
    try:
        body = Row(answer.value, "answer")
        code, message = body.text_or("code"), body.text_or("msg")
        if code in ROWS_SPEAK and "data" in body:
            rows = body.rows("data")
    except AnswerMalformed:
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise
    if answer.status < HTTPStatus.BAD_REQUEST:
        if not code:
            raise AnswerMalformed("answer: code is missing")
        if code == NO_ERROR or (rows and all("sCode" in row for row in rows)):
            return None
    if code not in {"", NO_ERROR} and code in OKX:
        return _refusal(code, message, answer)
    return _by_status(answer, code, message)


def _by_status(answer: Answer, code: str, message: str) -> Refusal:
    # A page that is not there is known by its status, whatever its body calls it.
    named = code not in {"", NO_ERROR} and answer.status != HTTPStatus.NOT_FOUND
    shown = code if named else f"HTTP {answer.status}"
    text = f"{shown}: {_cut(message or answer.text)}"
    status = answer.status
    if status in KEEP_OFF:
        return Refusal(fault=Fault.RATE_LIMIT, code=shown, message=text, retry_after_s=_retry_after(answer))
    if status == HTTPStatus.UNAUTHORIZED:
        return Refusal(fault=Fault.TERMINAL, code=shown, message=text)
    unknown = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT
    return Refusal(
        fault=okx_fault(code, message),
        code=shown,
        message=text,
        outcome_unknown=unknown,
        retry_after_s=_retry_after(answer),
    )


def _refusal(code: str, message: str, answer: Answer | None = None) -> Refusal:
    return Refusal(
        fault=okx_fault(code, message),
        code=code,
        message=f"{code}: {_cut(message)}",
        outcome_unknown=code in _UNKNOWN,
        retry_after_s=None if answer is None else _retry_after(answer),
    )


def _retry_after(answer: Answer) -> float | None:
    seconds = answer.header_decimal("retry-after")
    return float(seconds) if seconds is not None and seconds >= 0 else None


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat[:MESSAGE_LENGTH_MAX] or "an empty body"
