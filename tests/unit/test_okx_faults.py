"""OKX faults: each refusal is classified on the venue's own code; an unknown one is never assumed away."""

import pytest

from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueUnreachable
from bastion.venues.ccxt.okx_faults import answer_refusal, okx_fault, row_refusal
from bastion.venues.raw import Answer, Row

# www.okx.com/docs-v5/en, Error Code.
CODES = [
    ("50001", "Service temporarily unavailable", Fault.RETRY),
    ("50013", "Systems are busy", Fault.RETRY),
    ("50026", "System error", Fault.RETRY),
    ("50040", "Frequent operations", Fault.RETRY),
    ("50020", "The position is frozen due to liquidation", Fault.RETRY),
    ("50011", "Too Many Requests", Fault.RATE_LIMIT),
    ("50061", "Order rate limit reached", Fault.RATE_LIMIT),
    ("51113", "Market-price liquidation requests too frequent", Fault.RATE_LIMIT),
    ("50102", "Timestamp request expired", Fault.CLOCK),
    ("50036", "The expTime can't be earlier than the current system time", Fault.CLOCK),
    ("51023", "Position doesn't exist", Fault.MAYBE_FLAT),
    ("51169", "you don't have any positions in this direction", Fault.MAYBE_FLAT),
    ("51170", "the reduce-only order direction is the same", Fault.MAYBE_FLAT),
    ("51112", "Close order size exceeds available size", Fault.BLOCKED),
    ("51115", "Cancel all pending close-orders", Fault.BLOCKED),
    ("51116", "Order price or trigger price exceeds", Fault.BAND),
    ("51108", "Positions exceed the limit for closing out with the market price", Fault.BAND),
    ("51136", "Your closing price has triggered the limit price", Fault.BAND),
    ("51202", "Market order amount exceeds the maximum amount", Fault.SIZE),
    ("51121", "Order quantity must be a multiple of the lot size", Fault.SIZE),
    ("51000", "Parameter sz error", Fault.SIZE),
    ("51000", "Parameter posSide error", Fault.MODE),
    ("51000", "Parameter tdMode error", Fault.MODE),
    ("51000", "Parameter clOrdId error", Fault.RESOLVE),
    ("51016", "Client order ID already exists", Fault.DUPLICATE),
    ("50110", "Your IP is not included", Fault.TERMINAL),
    ("50105", "OK-ACCESS-PASSPHRASE incorrect", Fault.TERMINAL),
    ("50113", "Invalid Sign", Fault.TERMINAL),
    ("50119", "API key doesn't exist", Fault.TERMINAL),
    ("50120", "This API key doesn't have permission", Fault.TERMINAL),
    ("50004", "API endpoint request timeout", Fault.RESOLVE),
    ("59999", "nobody knows", Fault.RESOLVE),
]


def answer(text: str, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, text=text)


@pytest.mark.parametrize(("code", "message", "fault"), CODES)
def test_codes_mean_what_the_documentation_says(code: str, message: str, fault: Fault) -> None:
    assert okx_fault(code, message) is fault
    row = row_refusal(Row({"sCode": code, "sMsg": message}, "row"))
    assert row is not None
    assert (row.fault, row.code, row.outcome_unknown) == (fault, code, code == "50004")


def test_a_row_that_stands_is_no_refusal_and_one_without_a_code_is_not_believed() -> None:
    assert row_refusal(Row({"sCode": "0"}, "row")) is None
    with pytest.raises(AnswerMalformed):
        row_refusal(Row({"ordId": "1"}, "row"))


@pytest.mark.parametrize("code", ["1", "2"])
def test_where_rows_have_codes_of_their_own_the_one_over_them_says_nothing(code: str) -> None:
    rows = '[{"sCode":"0"},{"sCode":"51169"}]'
    assert answer_refusal(answer(f'{{"code":"{code}","data":{rows},"msg":""}}')) is None
    alone = answer_refusal(answer(f'{{"code":"{code}","data":[],"msg":"Operation failed."}}'))
    assert alone is not None
    assert alone.fault is Fault.RESOLVE


def test_a_timeout_of_the_venue_is_unknown_for_an_order_and_unreachable_for_a_read() -> None:
    refusal = answer_refusal(answer('{"code":"50004","data":[],"msg":"timeout"}', 400))
    assert refusal is not None
    assert isinstance(refusal.error(mutating=True), OutcomeUnknown)
    assert isinstance(refusal.error(mutating=False), VenueUnreachable)


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_server_error_without_a_code_leaves_an_order_unknown(status: int) -> None:
    refusal = answer_refusal(answer("<html>Bad Gateway</html>", status))
    assert refusal is not None
    assert isinstance(refusal.error(mutating=True), OutcomeUnknown)


def test_what_is_said_by_status_alone_is_read_too() -> None:
    banned = answer_refusal(answer("<html></html>", 403, retry_after="60"))
    limited = answer_refusal(answer("", 429))
    unsigned = answer_refusal(answer("", 401))
    assert banned is not None
    assert limited is not None
    assert unsigned is not None
    assert (banned.fault, banned.retry_after_s) == (Fault.RATE_LIMIT, 60.0)
    assert (limited.fault, unsigned.fault) == (Fault.RATE_LIMIT, Fault.TERMINAL)


@pytest.mark.parametrize("text", ["", "<html></html>", "[]", "null", '"0"', '{"data":[]}', '{"code":0.5}'])
def test_an_answer_of_success_in_another_shape_is_not_believed(text: str) -> None:
    with pytest.raises(AnswerMalformed):
        answer_refusal(answer(text))


def test_a_success_is_no_refusal() -> None:
    assert answer_refusal(answer('{"code":"0","data":[],"msg":""}')) is None
