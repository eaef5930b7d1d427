"""Whatever a client sends to Bybit's wire, it gets an answer in the venue's form, and the books stay even."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bastion.paper.clock import SteppedClock
from bastion.paper.wire.bybit import PLUGIN
from bastion.paper.wire.bybit.routes import ROUTES
from bastion.paper.wire.protocol import Wire, WireAnswer, WireRequest
from tests.bybit_rig import KEY, hold, signature_of, stepped

FIELDS = [
    "category",
    "symbol",
    "side",
    "orderType",
    "qty",
    "price",
    "triggerPrice",
    "triggerDirection",
    "triggerBy",
    "timeInForce",
    "positionIdx",
    "orderLinkId",
    "orderId",
    "reduceOnly",
    "closeOnTrigger",
    "settleCoin",
    "baseCoin",
    "orderFilter",
    "limit",
    "cursor",
    "startTime",
    "endTime",
    "openOnly",
    "accountType",
    "coin",
    "mode",
    "buyLeverage",
    "sellLeverage",
    "setMarginMode",
    "takeProfit",
    "stopLoss",
    "tpslMode",
    "tpSize",
    "slSize",
    "slippageToleranceType",
    "slippageTolerance",
    "smpType",
    "status",
    "execType",
    "orderStatus",
    "request",
]
WORDS = [
    "linear",
    "inverse",
    "spot",
    "option",
    "BTCUSDT",
    "BTCUSD",
    "ETHPERP",
    "USDT",
    "BTC",
    "Buy",
    "Sell",
    "Market",
    "Limit",
    "0",
    "1",
    "0.001",
    "89000",
    "91000",
    "-1",
    "1e30",
    "1e-30",
    "1e999999",
    "NaN",
    "Infinity",
    "GTC",
    "IOC",
    "PostOnly",
    "Order",
    "StopOrder",
    "LastPrice",
    "UNIFIED",
    "Full",
    "Partial",
    "Percent",
]
ODD: list[object] = [True, False, None, 0, 1, 2, 3, 50, 10**40, 1.5, [], {}, [{}], ""]
VALUES = st.sampled_from([*WORDS, *ODD]) | st.text(max_size=8) | st.integers()
ORDERS = st.fixed_dictionaries(
    {
        "category": st.sampled_from(["linear", "inverse"]),
        "symbol": st.sampled_from(["BTCUSDT", "BTCUSD", "ETHPERP"]),
        "side": st.sampled_from(["Buy", "Sell"]),
        "orderType": st.sampled_from(["Market", "Limit"]),
        "qty": st.sampled_from(["0", "1", "0.001", "7"]),
    },
    optional=dict.fromkeys(FIELDS[5:], VALUES),
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8) | ORDERS
REQUESTS = st.lists(st.tuples(st.sampled_from(sorted(ROUTES)), BODIES), min_size=1, max_size=12)


def sent(wire: Wire, method: str, path: str, payload: bytes, now_ms: int) -> WireAnswer:
    text = f"{now_ms}{KEY}5000{payload.decode('utf-8', 'replace')}"
    return wire.handle(
        WireRequest(
            method=method,
            path=path,
            query=payload.decode() if method == "GET" else "",
            body=payload if method == "POST" else b"",
            headers={
                "x-bapi-api-key": KEY,
                "x-bapi-timestamp": str(now_ms),
                "x-bapi-recv-window": "5000",
                "x-bapi-sign": signature_of(text),
            },
            address="127.0.0.1",
            received_ms=now_ms,
        )
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests=REQUESTS)
def test_any_sequence_of_requests_is_answered_and_leaves_the_books_even(
    requests: list[tuple[tuple[str, str], dict[str, object]]],
) -> None:
    exchange = stepped()
    hold(exchange, "BTCUSDT", "1")
    wire = PLUGIN.build(exchange, {})
    clock = exchange.clock
    assert isinstance(clock, SteppedClock)
    for (method, path), fields in requests:
        payload = json.dumps(fields) if method == "POST" else urlencode(fields)
        answer = sent(wire, method, path, payload.encode(), clock.now_ms())
        assert answer.status == 200
        assert list(json.loads(answer.body)) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
        clock.advance(1_000)
        exchange.settle_due()
    assert set(exchange.ledger.trial_balance().values()) <= {0}


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b'{"qty": 1e400}', b"null", b'{"category": "\\ud800"}']
)
def test_a_body_that_is_no_order_is_a_parameter_error(body: bytes) -> None:
    wire = PLUGIN.build(stepped(), {})
    answer = sent(wire, "POST", "/v5/order/create", body, stepped().clock.now_ms())
    assert json.loads(answer.body)["retCode"] == 10001


@pytest.mark.parametrize("name", ["x-bapi-sign", "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-api-key"])
def test_bytes_that_are_no_text_in_a_header_are_refused(name: str) -> None:
    exchange = stepped()
    now_ms = exchange.clock.now_ms()
    headers = {
        "x-bapi-api-key": KEY,
        "x-bapi-timestamp": str(now_ms),
        "x-bapi-recv-window": "5000",
        "x-bapi-sign": "0" * 64,
        name: "\udcff\udcfe",
    }
    request = WireRequest(
        method="GET",
        path="/v5/account/info",
        query="",
        body=b"",
        headers=headers,
        address="127.0.0.1",
        received_ms=now_ms,
    )
    answer = PLUGIN.build(exchange, {}).handle(request)
    assert json.loads(answer.body)["retCode"] in {10002, 10003, 10004}
