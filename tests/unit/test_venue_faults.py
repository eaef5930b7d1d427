"""Faults: every refusal is classified on the venue's own code, and an unknown one is never assumed away."""

from decimal import Decimal

import pytest

from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.bybit_pace import refusal_of
from bastion.venues.ccxt.faults import binance_refusal, bybit_fault, bybit_refusal, cancel_failed
from bastion.venues.raw import Answer
from tests.unit.exits.parts import order


def answer(status: int, text: str = "{}", **headers: str) -> Answer:
    return Answer(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, text=text
    )


# developers.binance.com, USD-M futures: Error Codes and General Info.
BINANCE = [
    (503, "-1008", Fault.RETRY, False),
    (400, "-1001", Fault.RETRY, False),
    (429, "-1003", Fault.RATE_LIMIT, False),
    (429, "-1015", Fault.RATE_LIMIT, False),
    (400, "-1006", Fault.RESOLVE, True),
    (408, "-1007", Fault.RESOLVE, True),
    (400, "-1021", Fault.CLOCK, False),
    (400, "-5028", Fault.CLOCK, False),
    (400, "-2022", Fault.MAYBE_FLAT, False),
    (400, "-4118", Fault.BLOCKED, False),
    (400, "-4131", Fault.BAND, False),
    (400, "-4005", Fault.SIZE, False),
    (400, "-1111", Fault.SIZE, False),
    (400, "-4164", Fault.SIZE, False),
    (400, "-4061", Fault.MODE, False),
    (400, "-1106", Fault.MODE, False),
    (400, "-4116", Fault.DUPLICATE, False),
    (401, "-2015", Fault.TERMINAL, False),
    (401, "-2014", Fault.TERMINAL, False),
    (400, "-1022", Fault.TERMINAL, False),
    (400, "-4400", Fault.TERMINAL, False),
    (400, "-9999", Fault.RESOLVE, False),
]


@pytest.mark.parametrize(("status", "code", "fault", "unknown"), BINANCE)
def test_binance_codes_mean_what_the_documentation_says(
    status: int, code: str, fault: Fault, *, unknown: bool
) -> None:
    refusal = binance_refusal(answer(status), code=code, message="text")
    assert refusal is not None
    assert (refusal.fault, refusal.outcome_unknown, refusal.code) == (fault, unknown, code)


def test_the_three_kinds_of_binance_503_are_told_apart() -> None:
    nobody_knows = binance_refusal(
        answer(503), code="-1000", message="Unknown error, please check your request or try again later."
    )
    nobody_knows_either = binance_refusal(
        answer(503, "Unknown error, please check your request or try again later."), code="", message=""
    )
    failed = binance_refusal(
        answer(503, '{"msg":"Service Unavailable."}'), code="", message="Service Unavailable."
    )
    overloaded = binance_refusal(
        answer(503), code="-1008", message="Request throttled by system-level protection."
    )
    assert nobody_knows is not None
    assert nobody_knows_either is not None
    assert failed is not None
    assert overloaded is not None
    assert isinstance(nobody_knows.error(mutating=True), OutcomeUnknown)
    assert isinstance(nobody_knows_either.error(mutating=True), OutcomeUnknown)
    assert isinstance(nobody_knows.error(mutating=False), VenueUnreachable)
    assert failed.fault is Fault.RETRY
    assert not failed.outcome_unknown
    assert overloaded.fault is Fault.RETRY


def test_any_other_server_error_leaves_the_outcome_of_an_order_unknown() -> None:
    refusal = binance_refusal(answer(502, "<html>Bad Gateway</html>"), code="", message="")
    assert refusal is not None
    assert isinstance(refusal.error(mutating=True), OutcomeUnknown)


def test_a_ban_says_for_how_long() -> None:
    refusal = binance_refusal(answer(418, retry_after="120"), code="-1003", message="banned")
    assert refusal is not None
    assert (refusal.fault, refusal.retry_after_s) == (Fault.RATE_LIMIT, 120.0)


def test_a_binance_success_is_no_refusal_and_an_error_object_with_status_200_is_one() -> None:
    assert binance_refusal(answer(200), code="", message="") is None
    assert (
        binance_refusal(answer(200), code="200", message="The operation of cancel all open order is done.")
        is None
    )
    assert binance_refusal(answer(200), code="-1121", message="Invalid symbol.") is not None


# bybit-exchange.github.io/docs/v5/error.
BYBIT = [
    ("10016", "Server error", Fault.RETRY, False),
    ("10429", "System level frequency protection", Fault.RETRY, False),
    ("110079", "The order is processing and can not be operated", Fault.RETRY, False),
    ("10006", "Too many visits!", Fault.RATE_LIMIT, False),
    ("10000", "Server Timeout", Fault.RESOLVE, True),
    ("10002", "The request time exceeds the time window range.", Fault.CLOCK, False),
    ("110017", "current position is zero, cannot fix reduce-only order qty", Fault.MAYBE_FLAT, False),
    ("30209", "The order price is lower than the minimum selling price.", Fault.BAND, False),
    ("110118", "Unable to retrieve a price of the market order", Fault.BAND, False),
    ("110094", "Order notional value below the lower limit", Fault.SIZE, False),
    ("10001", "Qty invalid", Fault.SIZE, False),
    ("10001", "The number of contracts exceeds maximum limit allowed: too large", Fault.SIZE, False),
    ("10001", "position idx not match position mode", Fault.MODE, False),
    ("10001", "Illegal category", Fault.RESOLVE, False),
    ("110072", "OrderLinkedID is duplicate", Fault.DUPLICATE, False),
    ("10003", "API key is invalid.", Fault.TERMINAL, False),
    ("10005", "Permission denied", Fault.TERMINAL, False),
    ("10010", "Unmatched IP", Fault.TERMINAL, False),
    ("33004", "Your api key has expired", Fault.TERMINAL, False),
    ("9999999", "something new", Fault.RESOLVE, False),
]


@pytest.mark.parametrize(("code", "message", "fault", "unknown"), BYBIT)
def test_bybit_codes_mean_what_the_documentation_says(
    code: str, message: str, fault: Fault, *, unknown: bool
) -> None:
    refusal = bybit_refusal(answer(200), code=code, message=message)
    assert refusal is not None
    assert (refusal.fault, refusal.outcome_unknown) == (fault, unknown)
    assert bybit_fault(code, message) is fault


def test_a_bybit_address_ban_is_told_by_the_http_status() -> None:
    refusal = bybit_refusal(answer(403, "access too frequent"), code="", message="")
    assert refusal is not None
    assert refusal.fault is Fault.RATE_LIMIT


def test_a_rejection_keeps_fault_code_and_wait() -> None:
    refusal = bybit_refusal(answer(200, retry_after="2"), code="10006", message="Too many visits!")
    assert refusal is not None
    error = refusal.error(mutating=True)
    assert isinstance(error, VenueRejected)
    assert (error.fault, error.code, error.retry_after_s) == (Fault.RATE_LIMIT, "10006", 2.0)


def test_a_bybit_answer_without_its_code_is_no_success() -> None:
    refusal = refusal_of(answer(500, "<html>"))
    assert refusal is not None
    assert refusal.outcome_unknown


def test_a_header_that_is_no_number_reads_as_absent() -> None:
    assert answer(429, retry_after="soon").header_decimal("Retry-After") is None
    assert answer(429, retry_after="7").header_decimal("Retry-After") == Decimal(7)


@pytest.mark.parametrize(
    ("error", "gone", "answered"),
    [
        (VenueRejected("no such order", fault=Fault.RESOLVE, code="-2011"), True, True),
        (VenueRejected("no", fault=Fault.RESOLVE, code="-1000"), False, True),
        (VenueRejected("bad key", fault=Fault.TERMINAL, code="-2015"), False, True),
        (VenueRejected("too many", fault=Fault.RATE_LIMIT, code="-1003"), False, False),
        (VenueRejected("busy", fault=Fault.RETRY, code="-1008"), False, False),
        (VenueRejected("late", fault=Fault.CLOCK, code="-1021"), False, False),
        (VenueUnreachable("no answer"), False, False),
        (OutcomeUnknown("torn", code="HTTP 503"), False, False),
    ],
    ids=lambda value: getattr(value, "code", "") or str(value),
)
def test_a_cancel_counts_as_answered_where_the_venue_spoke_of_its_order(
    error: VenueError,
    gone: bool,  # noqa: FBT001 - a case of the table
    answered: bool,  # noqa: FBT001 - a case of the table
) -> None:
    told = cancel_failed(order(), error, str(error), frozenset({"-2011"}))
    assert (told.gone, told.answered, told.code, told.message) == (gone, answered, error.code, str(error))
