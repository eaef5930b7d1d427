"""The Binance wire refuses by Binance's rules, in its codes, and changes nothing when it does."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.paper_clients import RawBinance
from tests.paper_process import PaperProcess

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"
SELL_BTC = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5"}
LIMIT_SOL = {"symbol": "SOLUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
STOP_SOL = {"algoType": "CONDITIONAL", "symbol": "SOLUSDT", "side": "SELL", "type": "STOP_MARKET"}


def code_of(answer: tuple[int, Any, Any]) -> tuple[int, int]:
    status, data, _ = answer
    return status, data["code"]


def now_ms() -> int:
    return int(time.time() * 1000)


def query(**parameters: object) -> str:
    return urlencode(parameters)


REFUSED_ORDERS: list[tuple[str, dict[str, str], int]] = [
    ("a step too fine", {**SELL_BTC, "quantity": "0.0005"}, -1111),
    ("below the least quantity", {**LIMIT_SOL, "quantity": "0.00", "price": "143"}, -4003),
    ("above the largest market quantity", {**SELL_BTC, "quantity": "121"}, -4005),
    ("above the largest quantity", {**LIMIT_SOL, "quantity": "2000000", "price": "143"}, -4005),
    ("off the tick", {**LIMIT_SOL, "quantity": "1", "price": "143.001"}, -1111),
    ("below the price band", {**LIMIT_SOL, "quantity": "1", "price": "100"}, -4024),
    ("above the price band", {**LIMIT_SOL, "side": "BUY", "quantity": "1", "price": "200"}, -4016),
    ("below the least notional", {**SELL_BTC, "quantity": "0.001"}, -4164),
    ("an unknown symbol", {**SELL_BTC, "symbol": "NOPEUSDT"}, -1121),
    ("an unknown type", {**SELL_BTC, "type": "ICEBERG"}, -1116),
    ("an unknown side", {**SELL_BTC, "side": "SHORT"}, -1117),
    (
        "an unknown time in force",
        {**LIMIT_SOL, "timeInForce": "SOON", "quantity": "1", "price": "143"},
        -1115,
    ),
    ("a position side of the wrong mode", {**SELL_BTC, "positionSide": "LONG"}, -4061),
    (
        "a conditional type on the order endpoint",
        {**SELL_BTC, "type": "STOP_MARKET", "stopPrice": "1"},
        -4120,
    ),
    ("no quantity", {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET"}, -1102),
    ("no price for a limit", {**LIMIT_SOL, "quantity": "1"}, -1102),
    ("a price for a market order", {**SELL_BTC, "price": "91200"}, -1106),
    ("letters in a number", {**SELL_BTC, "quantity": "half"}, -1100),
    ("a client id with a blank", {**SELL_BTC, "newClientOrderId": "a b"}, -1100),
    ("a client id that is too long", {**SELL_BTC, "newClientOrderId": "x" * 37}, -4015),
    ("a parameter nobody knows", {**SELL_BTC, "colour": "red"}, -1104),
    ("a parameter that is not modelled", {**SELL_BTC, "goodTillDate": "1"}, -1020),
    ("a mode that is not modelled", {**SELL_BTC, "selfTradePreventionMode": "EXPIRE_BOTH"}, -1020),
    ("more than the margin allows", {**SELL_BTC, "side": "BUY", "quantity": "100"}, -2019),
    (
        "reduce-only in the direction of the position",
        {**SELL_BTC, "side": "BUY", "reduceOnly": "true"},
        -2022,
    ),
    (
        "a post-only order that would take",
        {**LIMIT_SOL, "timeInForce": "GTX", "quantity": "1", "price": "142"},
        -5022,
    ),
]


@pytest.mark.parametrize(
    ("order", "code"), [row[1:] for row in REFUSED_ORDERS], ids=[r[0] for r in REFUSED_ORDERS]
)
def test_an_order_is_refused_for(
    raw: RawBinance, paper: PaperProcess, order: dict[str, str], code: int
) -> None:
    before = paper.control.account("binance")
    assert code_of(raw.signed("POST", ORDER, **order)) == (400, code)
    assert paper.control.account("binance") == before


def test_reduce_only_without_a_position_is_refused(raw: RawBinance) -> None:
    assert raw.signed("POST", ORDER, **SELL_BTC, reduceOnly="true")[0] == 200
    assert code_of(raw.signed("POST", ORDER, **SELL_BTC, reduceOnly="true")) == (400, -2022)


def test_a_reduce_only_market_order_that_is_too_large_closes_and_never_flips(
    raw: RawBinance, paper: PaperProcess
) -> None:
    order = {**SELL_BTC, "quantity": "3", "reduceOnly": "true", "newOrderRespType": "RESULT"}
    _, data, _ = raw.signed("POST", ORDER, **order)
    assert (data["status"], data["executedQty"]) == ("FILLED", "0.500")
    assert "BTCUSDT" not in paper.control.positions("binance")


def test_resting_reduce_only_orders_that_hold_the_size_block_a_close(raw: RawBinance) -> None:
    resting = {**LIMIT_SOL, "quantity": "40", "price": "145", "reduceOnly": "true"}
    assert raw.signed("POST", ORDER, **resting)[0] == 200
    close = {"symbol": "SOLUSDT", "side": "SELL", "type": "MARKET", "quantity": "40", "reduceOnly": "true"}
    assert code_of(raw.signed("POST", ORDER, **close)) == (400, -4118)
    assert raw.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="SOLUSDT")[0] == 200
    assert raw.signed("POST", ORDER, **close)[0] == 200


def test_a_small_reduce_only_order_is_exempt_from_the_least_notional(
    raw: RawBinance, paper: PaperProcess
) -> None:
    assert raw.signed("POST", ORDER, **{**SELL_BTC, "quantity": "0.001", "reduceOnly": "true"})[0] == 200
    assert paper.control.positions("binance")["BTCUSDT"] == "0.499"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"reduceOnly": "true", "positionSide": "LONG", "quantity": "10"}, -1106),
        ({"positionSide": "LONG", "quantity": "11"}, -2022),
        ({"positionSide": "BOTH", "quantity": "10"}, -4061),
        ({"quantity": "10"}, -4061),
        ({"positionSide": "NORTH", "quantity": "10"}, -4060),
    ],
    ids=["the flag", "more than the position", "the one-way side", "no side", "an unknown side"],
)
def test_in_hedge_mode_a_close_is_refused_for(paper: PaperProcess, order: dict[str, str], code: int) -> None:
    paper.control.add_account("binance", "hedger", position_mode="hedge", balances={"USDT": "50000"})
    paper.control.add_position("binance", "SOLUSDT", "10", account="hedger", side="LONG")
    hedger = RawBinance(paper, "paper-binance-hedger-key", "paper-binance-hedger-secret")
    sent = {"symbol": "SOLUSDT", "side": "SELL", "type": "MARKET", **order}
    assert code_of(hedger.signed("POST", ORDER, **sent)) == (400, code)
    assert paper.control.positions("binance", "hedger") == {"SOLUSDT": "10"}


def test_a_market_order_whose_counter_price_left_the_band_is_refused(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.set_depth("binance", "BTCUSDT", bids=[[60_000, "10"]], asks=[[60_000, "10"]])
    assert code_of(raw.signed("POST", ORDER, **SELL_BTC, reduceOnly="true")) == (400, -4131)


def test_the_rest_of_a_market_order_expires_where_the_depth_ends(
    raw: RawBinance, paper: PaperProcess
) -> None:
    paper.control.set_depth("binance", "BTCUSDT", bids=[[0, "0.1"], [100, "0.2"]], asks=[[1, "1"]])
    order = {**SELL_BTC, "reduceOnly": "true", "newOrderRespType": "RESULT"}
    _, data, _ = raw.signed("POST", ORDER, **order)
    assert (data["status"], data["executedQty"], data["avgPrice"]) == ("EXPIRED", "0.300", "91193.33333")
    assert paper.control.positions("binance")["BTCUSDT"] == "0.2"


def test_an_acknowledgement_shows_no_fill_and_a_result_does(raw: RawBinance) -> None:
    half = {**SELL_BTC, "quantity": "0.25", "reduceOnly": "true"}
    _, acknowledged, _ = raw.signed("POST", ORDER, **half)
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.000")
    _, result, _ = raw.signed("POST", ORDER, **half, newOrderRespType="RESULT")
    assert (result["status"], result["executedQty"], result["avgPrice"]) == ("FILLED", "0.250", "91200.00000")


def test_a_client_id_is_unique_among_open_orders_alone(raw: RawBinance) -> None:
    order = {**LIMIT_SOL, "quantity": "1", "price": "145", "newClientOrderId": "mine"}
    assert raw.signed("POST", ORDER, **order)[0] == 200
    assert code_of(raw.signed("POST", ORDER, **order)) == (400, -4116)
    assert raw.signed("DELETE", ORDER, symbol="SOLUSDT", origClientOrderId="mine")[0] == 200
    assert raw.signed("POST", ORDER, **order)[0] == 200


def test_orders_that_do_not_exist_are_said_not_to(raw: RawBinance) -> None:
    assert code_of(raw.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)) == (400, -2013)
    assert code_of(raw.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=1)) == (400, -2011)
    assert code_of(raw.signed("GET", ORDER, symbol="BTCUSDT")) == (400, -1102)
    assert code_of(raw.signed("DELETE", ALGO, algoId=1)) == (400, -2011)
    assert code_of(raw.signed("GET", ALGO, clientAlgoId="nobody")) == (400, -2013)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({**STOP_SOL, "quantity": "40", "triggerPrice": "143"}, -2021),
        ({**STOP_SOL, "type": "TAKE_PROFIT_MARKET", "quantity": "40", "triggerPrice": "140"}, -2021),
        ({**STOP_SOL, "quantity": "40", "triggerPrice": "130", "closePosition": "true"}, -4137),
        ({**STOP_SOL, "triggerPrice": "130", "closePosition": "true", "reduceOnly": "true"}, -1106),
        ({**STOP_SOL, "type": "STOP", "triggerPrice": "130", "closePosition": "true"}, -4136),
        ({**STOP_SOL, "type": "TRAILING_STOP_MARKET", "quantity": "40", "callbackRate": "1"}, -1020),
        ({**STOP_SOL, "quantity": "40"}, -1102),
        ({**STOP_SOL, "algoType": "VP", "quantity": "40", "triggerPrice": "130"}, -1130),
    ],
)
def test_a_conditional_order_is_refused_in_the_algo_services_codes(
    raw: RawBinance, order: dict[str, str], code: int
) -> None:
    assert code_of(raw.signed("POST", ALGO, **order)) == (400, code)


def test_price_match_takes_its_price_from_the_book(raw: RawBinance) -> None:
    order = {**LIMIT_SOL, "timeInForce": "IOC", "quantity": "40", "reduceOnly": "true"}
    _, data, _ = raw.signed("POST", ORDER, **order, priceMatch="OPPONENT_5", newOrderRespType="RESULT")
    assert (data["status"], data["price"], data["avgPrice"]) == ("FILLED", "142.49", "142.50000")
    assert code_of(raw.signed("POST", ORDER, **order, priceMatch="OPPONENT", price="142")) == (400, -1106)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"X-MBX-APIKEY": ""}, 401, -2014),
        ({"X-MBX-APIKEY": "bad key!"}, 401, -2014),
        ({"X-MBX-APIKEY": "nobody-has-this-key"}, 401, -2015),
    ],
)
def test_a_key_is_refused_for_its_format_or_because_nobody_has_it(
    raw: RawBinance, change: dict[str, str], status: int, code: int
) -> None:
    signed = query(timestamp=now_ms())
    sent = f"{signed}&signature={raw.sign(signed)}"
    assert code_of(raw.send("GET", "/fapi/v3/positionRisk", sent, headers=change)) == (status, code)


def test_a_key_without_the_right_or_from_elsewhere_is_refused(paper: PaperProcess) -> None:
    paper.control.add_account("binance", "reader", permissions=["read"])
    paper.control.add_account("binance", "bound", addresses=["127.0.0.2"])
    reader = RawBinance(paper, "paper-binance-reader-key", "paper-binance-reader-secret")
    bound = RawBinance(paper, "paper-binance-bound-key", "paper-binance-bound-secret")
    assert reader.signed("GET", "/fapi/v3/positionRisk")[0] == 200
    assert code_of(reader.signed("POST", ORDER, **SELL_BTC)) == (401, -2015)
    assert code_of(bound.signed("GET", "/fapi/v3/balance")) == (401, -2015)
    assert bound.signed("GET", "/fapi/v3/balance", source="127.0.0.2")[0] == 200


def test_signature_and_time_are_checked(raw: RawBinance) -> None:
    path = "/fapi/v3/positionRisk"
    plain = query(timestamp=now_ms())
    assert code_of(raw.send("GET", path, plain)) == (400, -1102)
    assert code_of(raw.send("GET", path, f"{plain}&signature={'0' * 64}")) == (400, -1022)
    assert code_of(raw.send("GET", path, f"{plain}&signature=short")) == (400, -1100)
    assert code_of(raw.signed("GET", path, timestamp=None)) == (400, -1102)
    assert code_of(raw.signed("GET", path, timestamp=now_ms() - 6_000)) == (400, -1021)
    assert code_of(raw.signed("GET", path, timestamp=now_ms() + 2_000)) == (400, -1021)
    assert code_of(raw.signed("GET", path, recvWindow=60_001)) == (400, -1131)
    assert raw.signed("GET", path, timestamp=now_ms() - 6_000, recvWindow=10_000)[0] == 200


def test_a_signature_may_cover_query_and_body_together(raw: RawBinance, paper: PaperProcess) -> None:
    left = query(symbol="BTCUSDT", side="SELL", type="MARKET", reduceOnly="true")
    right = query(quantity="0.5", timestamp=now_ms())
    body = f"{right}&signature={raw.sign(left + right)}"
    assert raw.send("POST", ORDER, left, body=body)[0] == 200
    assert "BTCUSDT" not in paper.control.positions("binance")


def test_what_is_not_modelled_says_so(raw: RawBinance) -> None:
    status, data, _ = raw.signed("POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount=1000)
    assert (status, data["code"]) == (400, -1020)
    assert "does not model" in data["msg"]
    assert code_of(raw.signed("GET", "/fapi/v1/astrology")) == (404, -5000)
    assert code_of(raw.signed("GET", "/fapi/v1/income", incomeType="WELCOME_BONUS")) == (400, -1020)
    assert code_of(raw.signed("GET", "/fapi/v1/exchangeInfo", symbol="BTCUSDT", timestamp=None)) == (
        400,
        -1104,
    )
