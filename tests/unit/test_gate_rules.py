"""The gate's rules, venue by venue: what passes, what does not, and what can be read twice."""

import json

import pytest

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed
from bastion.venues.gate.rules import check_of

ORDER = "symbol=BTCUSDT&type=MARKET&quantity=1&timestamp=1&signature=ab"


def outgoing(method: str, target: str, body: object = b"") -> Outgoing:
    if isinstance(body, bytes):
        return Outgoing(method=method, target=target, body=body)
    return Outgoing(
        method=method, target=target, body=json.dumps(body).encode(), content_type="application/json"
    )


def binance(query: str, *, path: str = "/fapi/v1/order", body: bytes = b"") -> Outgoing:
    return outgoing("POST", f"{path}?{query}", body)


REDUCING: dict[str, tuple[Outgoing, ...]] = {
    "binance": (
        binance(f"{ORDER}&side=SELL&reduceOnly=true"),
        binance(f"{ORDER}&side=SELL&positionSide=LONG"),
        binance(f"{ORDER}&side=BUY&positionSide=SHORT"),
        binance("symbol=B&side=SELL&type=STOP_MARKET&closePosition=true", path="/fapi/v1/algoOrder"),
        binance("symbol=B&side=SELL", body=b"type=MARKET&reduceOnly=true"),
        outgoing("POST", "/paper/binance/fapi/v1/order?side=SELL&reduceOnly=true"),
        binance("side=BUY&reduceOnly=true", path="/dapi/v1/order"),
        binance("side=BUY&reduceOnly=true", path="/papi/v1/um/order"),
        binance("side=BUY&positionSide=SHORT", path="/papi/v1/cm/order"),
        binance("side=SELL&reduceOnly=true&type=STOP_MARKET", path="/papi/v1/um/algo/order"),
    ),
    "bybit": (
        outgoing("POST", "/v5/order/create", {"category": "linear", "qty": "0", "reduceOnly": True}),
        outgoing("POST", "/v5/position/trading-stop", {"category": "inverse", "stopLoss": "1"}),
        outgoing("POST", "/v5/order/create-batch", {"category": "linear", "request": [{"reduceOnly": True}]}),
    ),
    "okx": (
        outgoing("POST", "/api/v5/trade/close-position", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross"}),
        outgoing(
            "POST",
            "/api/v5/trade/order",
            {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "posSide": "long"},
        ),
        outgoing(
            "POST",
            "/api/v5/trade/batch-orders",
            [{"instId": "BTC-USD-260327", "tdMode": "isolated", "side": "buy", "reduceOnly": True}],
        ),
    ),
    "hyperliquid": (
        outgoing("POST", "/exchange", {"action": {"type": "order", "orders": [{"a": 0, "r": True}]}}),
        outgoing("POST", "/exchange", {"action": {"type": "order", "orders": [{"a": 110_000, "r": True}]}}),
    ),
}

OPENING: dict[str, tuple[Outgoing, ...]] = {
    "binance": (
        binance("side=BUY&positionSide=BOTH", path="/papi/v1/um/order"),
        binance("side=BUY&positionSide=LONG", path="/papi/v1/cm/order"),
        binance("side=BUY&reduceOnly=false&type=STOP_MARKET", path="/papi/v1/um/algo/order"),
        binance("side=SELL&reduceOnly=true", path="/papi/v1/margin/order"),
        binance("asset=USDT&amount=1", path="/papi/v1/marginLoan"),
        binance(f"{ORDER}&side=SELL"),
        binance(f"{ORDER}&side=SELL&reduceOnly=false"),
        binance(f"{ORDER}&side=BUY&positionSide=LONG"),
        binance(f"{ORDER}&side=BUY&positionSide=LONG&reduceOnly=true"),
        binance(f"{ORDER}&side=SELL&positionSide=SHORT"),
        binance(f"{ORDER}&side=SELL&closePosition=true"),
        binance(f"{ORDER}&side=SELL&reduceonly=true"),
        # Each of these is read one way by one reader, and another way by the next.
        binance(f"{ORDER}&side=SELL&reduceOnly=true&reduceOnly=false"),
        binance(f"{ORDER}&side=SELL&reduceOnly=true", body=b"reduceOnly=false"),
        binance(f"{ORDER}&side=SELL&reduceOnly=true&REDUCEONLY=false"),
        binance("side=SELL&reduceOnly=true", path="/fapi/v1/order/../../sapi/v1/order"),
        binance("side=SELL&reduceOnly=true", path="/fapi/v1//order"),
        binance("side=SELL&reduceOnly=true", path="/api/v3/order"),
        binance("side=SELL&reduceOnly=true", path="/sapi/v1/capital/withdraw/apply"),
        binance(
            'batchOrders=[{"side":"SELL","reduceOnly":"true"},{"side":"SELL"}]', path="/fapi/v1/batchOrders"
        ),
        binance("batchOrders=[]", path="/fapi/v1/batchOrders"),
        outgoing("PUT", "/fapi/v1/order?side=SELL&reduceOnly=true"),
        outgoing("PUT", "/fapi/v1/batchOrders?symbol=B&orderidlist=[1]"),
        outgoing("POST", "/sapi/v1/algo/futures/newOrderTwap?symbol=B&side=SELL&reduceOnly=true"),
        outgoing("POST", "/sapi/v1/algo/futures/order?algoId=1"),
        outgoing("DELETE", "/sapi/v1/algo/futures/order?algoId=1&algoId=2"),
        outgoing("DELETE", "/sapi/v1/algo/futures/order?algoId=all"),
        outgoing("DELETE", "/sapi/v1/algo/futures/order?symbol=B"),
        outgoing("DELETE", "/sapi/v1/algo/futures/order?algoId=1&clientAlgoId=a"),
        outgoing("DELETE", "/sapi/v1/algo/spot/order?algoId=1"),
        outgoing("DELETE", "/sapi/v2/algo/futures/order?algoId=1"),
        outgoing("DELETE", "/sapi/v1/order?symbol=B"),
        outgoing("DELETE", "/fapi/v1/x/sapi/v1/algo/futures/order?algoId=1"),
        *(
            outgoing("DELETE", f"/fapi/v1/batchOrders?{query}")
            for query in (
                "orderidlist=[1]",
                "symbol=B",
                "symbol=B&orderidlist=[]",
                "symbol=B&orderidlist=1",
                "symbol=B&orderidlist=[1,true]",
                "symbol=B&orderidlist=[0]",
                'symbol=B&orderidlist=["1"]',
                "symbol=B&origClientOrderIdList=[1]",
                'symbol=B&origClientOrderIdList=[""]',
                "symbol=B&orderidlist=[1,2,3,4,5,6,7,8,9,10,11]",
                "symbol=B&orderidlist=[1]&orderIdList=[2]",
                'symbol=B&orderidlist=[1]&batchOrders=[{"side":"BUY"}]',
            )
        ),
        binance("symbol=B&leverage=20", path="/fapi/v1/leverage"),
    ),
    "bybit": (
        outgoing("POST", "/v5/order/create", {"category": "linear", "qty": "1"}),
        outgoing("POST", "/v5/order/create", {"category": "linear", "reduceOnly": "true"}),
        outgoing("POST", "/v5/order/create", {"category": "linear", "reduceOnly": 1}),
        outgoing("POST", "/v5/order/create", {"category": "spot", "reduceOnly": True}),
        outgoing("POST", "/v5/order/create", {"category": "option", "reduceOnly": True}),
        outgoing("POST", "/v5/order/create", b'{"category":"linear","reduceOnly":true,"reduceOnly":false}'),
        outgoing("POST", "/v5/order/create", b"\\xff"),
        outgoing("POST", "/v5/order/amend", {"category": "linear", "reduceOnly": True}),
        outgoing("POST", "/v5/asset/withdraw/create", {"coin": "USDT"}),
        outgoing(
            "POST", "/v5/order/create-batch", {"category": "linear", "request": [{"reduceOnly": True}, {}]}
        ),
    ),
    "okx": (
        outgoing(
            "POST", "/api/v5/trade/order", {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell"}
        ),
        outgoing(
            "POST",
            "/api/v5/trade/order",
            {
                "instId": "BTC-USDT-SWAP",
                "tdMode": "cross",
                "side": "buy",
                "posSide": "long",
                "reduceOnly": True,
            },
        ),
        outgoing(
            "POST",
            "/api/v5/trade/order",
            {"instId": "BTC-USDT", "tdMode": "cross", "side": "sell", "reduceOnly": True},
        ),
        outgoing(
            "POST",
            "/api/v5/trade/order",
            {
                "instId": "BTC-USDT-SWAP",
                "tdMode": "cross",
                "side": "sell",
                "reduceOnly": True,
                "attachAlgoOrds": [{"tpTriggerPx": "1"}],
            },
        ),
        outgoing(
            "POST",
            "/api/v5/trade/order-algo",
            {
                "instId": "BTC-USDT-SWAP",
                "tdMode": "cross",
                "side": "sell",
                "reduceOnly": True,
                "ordType": "trigger",
            },
        ),
        outgoing("POST", "/api/v5/asset/withdrawal", {"ccy": "USDT"}),
    ),
    "hyperliquid": (
        outgoing("POST", "/exchange", {"action": {"type": "order", "orders": [{"a": 0, "r": False}]}}),
        outgoing("POST", "/exchange", {"action": {"type": "order", "orders": [{"a": 10_001, "r": True}]}}),
        outgoing("POST", "/exchange", {"action": {"type": "order", "orders": []}}),
        outgoing(
            "POST",
            "/exchange",
            {"action": {"type": "order", "orders": [{"a": 0, "r": True}], "builder": {"b": "0x", "f": 50}}},
        ),
        outgoing("POST", "/exchange", {"action": {"type": "withdraw3"}}),
        outgoing("POST", "/exchange", {"action": {"type": "approveAgent"}}),
        outgoing("POST", "/exchange", {"action": {"type": "approveBuilderFee"}}),
        outgoing("POST", "/exchange", {"action": {"type": "setReferrer"}}),
        outgoing(
            "POST",
            "/exchange",
            {
                "action": {
                    "type": "twapOrder",
                    "twap": {"a": 0, "b": False, "s": "1", "r": True, "m": 5, "t": False},
                }
            },
        ),
        outgoing("POST", "/exchange", {"action": {"type": "twapCancel", "a": 0, "t": 8, "r": True}}),
        outgoing("POST", "/exchange", {"action": {"type": "twapCancel", "a": 0, "t": "8"}}),
        outgoing("POST", "/exchange", {"action": {"type": "twapCancel", "a": 0, "t": True}}),
        outgoing("POST", "/exchange", {"action": {"type": "twapCancel", "a": 0}}),
    ),
}

CANCELLING: dict[str, tuple[Outgoing, ...]] = {
    "binance": (
        outgoing("DELETE", "/fapi/v1/order?symbol=B&orderId=1"),
        outgoing("DELETE", "/fapi/v1/algoOpenOrders?symbol=B"),
        outgoing("DELETE", "/fapi/v1/batchOrders?timestamp=1&symbol=B&recvWindow=5&orderidlist=%5B1%2C2%5D"),
        outgoing("DELETE", "/dapi/v1/batchOrders?symbol=B&orderIdList=[1]&signature=ab"),
        outgoing("DELETE", '/fapi/v1/batchOrders?symbol=B&origClientOrderIdList=["a"]'),
        outgoing("DELETE", "/sapi/v1/algo/futures/order?timestamp=1&algoId=14511&recvWindow=5&signature=ab"),
        outgoing("DELETE", "/paper/binance/sapi/v1/algo/futures/order?algoId=1"),
        outgoing("POST", "/fapi/v1/countdownCancelAll?symbol=B&countdownTime=1000"),
    ),
    "bybit": (outgoing("POST", "/v5/order/cancel-all", {"category": "spot"}),),
    "okx": (outgoing("POST", "/api/v5/trade/cancel-algos", [{"algoId": "1"}]),),
    "hyperliquid": (
        outgoing("POST", "/exchange", {"action": {"type": "cancel", "cancels": [{"a": 0, "o": 1}]}}),
        outgoing("POST", "/exchange", {"action": {"type": "twapCancel", "a": 0, "t": 8}}),
    ),
}


def cases(table: dict[str, tuple[Outgoing, ...]]) -> list[tuple[str, Outgoing]]:
    return [(venue, request) for venue, requests in table.items() for request in requests]


@pytest.mark.parametrize(("venue", "request_"), cases(REDUCING))
def test_an_order_that_can_only_reduce_passes(venue: str, request_: Outgoing) -> None:
    assert check_of(venue)(request_) is Passed.REDUCE


@pytest.mark.parametrize(("venue", "request_"), cases(OPENING))
def test_what_could_open_or_be_read_twice_is_refused(venue: str, request_: Outgoing) -> None:
    with pytest.raises(GateRefused):
        check_of(venue)(request_)


@pytest.mark.parametrize(("venue", "request_"), cases(CANCELLING))
def test_a_cancel_passes(venue: str, request_: Outgoing) -> None:
    assert check_of(venue)(request_) is Passed.CANCEL


def test_a_venue_without_rules_may_only_be_read() -> None:
    assert check_of("another")(outgoing("GET", "/orders")) is Passed.READ
    with pytest.raises(GateRefused):
        check_of("another")(outgoing("POST", "/orders", {"reduceOnly": True}))


def test_a_body_that_nobody_needs_to_read_is_refused() -> None:
    with pytest.raises(GateRefused):
        check_of("bybit")(outgoing("POST", "/v5/order/create", b" " * 300_000))
