"""Bybit pace: the published limits, and what the venue's answers say about them.

Source: the rate-limit page of the v5 documentation: a rolling second a user and endpoint, 600 requests in 5 s
an address; X-Bapi-Limit is the present limit of the endpoint, X-Bapi-Limit-Reset-Timestamp tells when an
exceeded limit resets; HTTP 403 wants ten minutes without requests.
"""

from collections.abc import Mapping
from dataclasses import replace

from bastion.errors import AnswerMalformed
from bastion.venues.ccxt.bybit_lanes import BATCH, SINGLE
from bastion.venues.ccxt.faults import Refusal, bybit_refusal
from bastion.venues.raw import Answer, Row
from bastion.venues.throttle import Limit, Throttle

BAN_WITHOUT_HEADER_S = 600.0
PAUSE_WITHOUT_HEADER_S = 1.0
BLOCK_MAX_S = 10.0
BLOCK_LEAST_S = 0.05
LIMIT_MAX = 1000
MS = 1000.0
FORBIDDEN = 403
HTTP_ERRORS = 400

ADDRESS = "address"
PUBLIC: Mapping[str, int] = {ADDRESS: 1}
ADDRESS_LIMITS = (Limit(name=ADDRESS, capacity=600, window_s=5.0),)
ACCOUNT_LIMITS = tuple(
    Limit(name=name, capacity=capacity, window_s=1.0)
    for name, capacity in (
        (SINGLE, 10),
        (BATCH, 10),
        ("cancel", 10),
        ("cancel_all", 10),
        ("realtime", 50),
        ("history", 50),
        ("positions", 50),
        ("executions", 50),
        ("closed_pnl", 50),
        ("api_key", 10),
        ("trading_stop", 10),
        ("balance", 50),
        ("fee_rate", 5),
    )
)


def refusal_of(answer: Answer) -> Refusal | None:
    """Return what an answer refuses, None where it is none.

    Raises:
        AnswerMalformed: HTTP says success, but the body is no v5 answer.
    """
    code = message = ""
    try:
        body = Row(answer.value, "answer")
        code = body.text_or("retCode") or body.text_or("ret_code")
        message = body.text_or("retMsg") or body.text_or("ret_msg")
    except AnswerMalformed:
        if answer.status < HTTP_ERRORS:
            raise
    if not code and answer.status < HTTP_ERRORS:
        raise AnswerMalformed("answer: retCode is missing")
    return bybit_refusal(answer, code=code, message=message)


def slow_down(
    throttle: Throttle, refusal: Refusal, answer: Answer, units: Mapping[str, int], *, now_ms: int
) -> Refusal:
    """Hold back what the refusal asks us to hold back; return it with the wait that it means."""
    if answer.status == FORBIDDEN:
        pause = refusal.retry_after_s or BAN_WITHOUT_HEADER_S
        throttle.silence(pause)
        return replace(refusal, retry_after_s=pause)
    reset_ms = answer.header_decimal("x-bapi-limit-reset-timestamp")
    pause = refusal.retry_after_s or (
        PAUSE_WITHOUT_HEADER_S if reset_ms is None else float(reset_ms - now_ms) / MS
    )
    pause = min(BLOCK_MAX_S, max(BLOCK_LEAST_S, pause))
    throttle[next(iter(units), ADDRESS)].block(pause)
    return replace(refusal, retry_after_s=pause)


def follow_limit(throttle: Throttle, answer: Answer, units: Mapping[str, int]) -> None:
    """Follow the limit that the venue names for the endpoint: accounts of higher tiers have higher ones."""
    limit = answer.header_decimal("x-bapi-limit")
    endpoint = next(iter(units), ADDRESS)
    if limit is not None and 1 <= limit <= LIMIT_MAX and endpoint != ADDRESS:
        throttle[endpoint].resize(int(limit))
