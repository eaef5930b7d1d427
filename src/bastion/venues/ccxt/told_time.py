"""Told time: what an answer of a venue says of its clock, beside the page that is there for it.

Sources: Bybit v5, Guide (`time` of each answer, ms); OKX v5, Place order (`outTime`, when the gateway
answered, in microseconds); RFC 9110, 6.6.1 (Date: when the answer was made, in whole seconds); RFC 9111, 5.1
(Age: the answer comes out of a cache).
"""

from datetime import UTC
from email.utils import parsedate_to_datetime

from bastion.errors import AnswerMalformed
from bastion.shape import dataclass
from bastion.venues.raw import Answer, Row

SECOND_MS = 1_000
EARLIEST_MS, LATEST_MS = 1_500_000_000_000, 4_100_000_000_000
"""Anything else is no moment in milliseconds: 2017 to 2099."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The venue's clock stood at `at_ms` when the answer was made, or up to `slack_ms` later."""

    at_ms: int
    slack_ms: int


def told_time(answer: Answer) -> Told | None:
    """Return the moment that an answer names, as closely as it does; None where it names none."""
    at_ms = _in_body(answer)
    if at_ms is not None:
        return Told(at_ms=at_ms, slack_ms=1)
    if "age" in answer.headers:
        return None
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    # A Date is in GMT, whatever it calls it.
    seconds = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    return _moment(round(seconds) * SECOND_MS, slack_ms=SECOND_MS)


def _in_body(answer: Answer) -> int | None:
    try:
        row = Row(answer.value, "answer")
    except AnswerMalformed:
        return None
    out_us = row.decimal_or_none("outTime")
    at_ms = (
        row.decimal_or_none("time") if "retCode" in row else None if out_us is None else out_us / SECOND_MS
    )
    return int(at_ms) if at_ms is not None and EARLIEST_MS < at_ms < LATEST_MS else None


def _moment(at_ms: int, *, slack_ms: int) -> Told | None:
    return Told(at_ms=at_ms, slack_ms=slack_ms) if EARLIEST_MS < at_ms < LATEST_MS else None
