"""The answers of the Binance wire carry the documented fields, with values of the documented kinds.

The field sets are those of the response examples in Binance's API documentation for USD-M futures
(developers.binance.com, derivatives, usds-margined-futures) and for the wallet's API key permissions, as of
2026-11.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.paper_clients import RawBinance


def words(text: str) -> list[str]:
    return text.split()


ORDER_ACTION = words("""
    clientOrderId cumQty executedQty orderId origQty price reduceOnly side positionSide status
    stopPrice closePosition symbol timeInForce type origType updateTime workingType priceProtect
    priceMatch selfTradePreventionMode goodTillDate
""")
ORDER_READ = words("""
    avgPrice clientOrderId cumQuote executedQty orderId origQty origType price reduceOnly side
    positionSide status stopPrice closePosition symbol time timeInForce type updateTime workingType
    priceProtect priceMatch selfTradePreventionMode goodTillDate
""")
ALGO_PLACED = words("""
    algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus
    triggerPrice price icebergQuantity selfTradePreventionMode workingType priceMatch closePosition
    priceProtect reduceOnly activatePrice callbackRate createTime updateTime triggerTime
    goodTillDate
""")
ALGO_READ = words("""
    algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus
    actualOrderId actualPrice triggerPrice price icebergQuantity tpOrderType selfTradePreventionMode
    workingType priceMatch closePosition priceProtect reduceOnly createTime updateTime triggerTime
    goodTillDate
""")
POSITION_V3 = words("""
    symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit
    liquidationPrice isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin
    positionInitialMargin openOrderInitialMargin adl bidNotional askNotional updateTime
""")
POSITION_V2 = words("""
    entryPrice breakEvenPrice marginType isAutoAddMargin isolatedMargin leverage liquidationPrice
    markPrice maxNotionalValue positionAmt notional isolatedWallet symbol unRealizedProfit
    positionSide updateTime
""")
ACCOUNT_V3 = words("""
    totalInitialMargin totalMaintMargin totalWalletBalance totalUnrealizedProfit totalMarginBalance
    totalPositionInitialMargin totalOpenOrderInitialMargin totalCrossWalletBalance totalCrossUnPnl
    availableBalance maxWithdrawAmount assets positions
""")
ACCOUNT_V2 = [
    *ACCOUNT_V3,
    *words("feeTier feeBurn canTrade canDeposit canWithdraw updateTime multiAssetsMargin tradeGroupId"),
]
ACCOUNT_CONFIG = words("""
    feeTier canTrade canDeposit canWithdraw dualSidePosition updateTime multiAssetsMargin tradeGroupId
""")
BALANCE = words("""
    accountAlias asset balance crossWalletBalance crossUnPnl availableBalance maxWithdrawAmount
    marginAvailable updateTime
""")
TRADE = words("""
    buyer commission commissionAsset id maker orderId price qty quoteQty realizedPnl side
    positionSide symbol time
""")
INCOME = words("symbol incomeType income asset info time tranId tradeId")
RESTRICTIONS = words("""
    ipRestrict createTime enableReading enableWithdrawals enableInternalTransfer enableMargin
    enableFutures permitsUniversalTransfer enableVanillaOptions enableFixApiTrade enableFixReadOnly
    enableSpotAndMarginTrading enablePortfolioMarginTrading
""")
SYMBOL = words("""
    symbol pair contractType deliveryDate onboardDate status maintMarginPercent
    requiredMarginPercent baseAsset quoteAsset marginAsset pricePrecision quantityPrecision
    baseAssetPrecision quotePrecision underlyingType underlyingSubType settlePlan triggerProtect
    filters orderTypes timeInForce liquidationFee marketTakeBound
""")
DAY = words("""
    symbol priceChange priceChangePercent weightedAvgPrice lastPrice lastQty openPrice highPrice
    lowPrice volume quoteVolume openTime closeTime firstId lastId count
""")
MARK = words("""
    symbol markPrice indexPrice estimatedSettlePrice lastFundingRate interestRate nextFundingTime
    time
""")

CLOSE = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.1", "reduceOnly": "true"}
REST = {
    "symbol": "SOLUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "145",
    "newClientOrderId": "rest",
}
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "SOLUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "1",
    "triggerPrice": "130",
    "reduceOnly": "true",
    "clientAlgoId": "stop",
}
WHOLE_NUMBERS = {
    "orderId",
    "algoId",
    "updateTime",
    "time",
    "createTime",
    "tranId",
    "adl",
    "goodTillDate",
    "id",
}
FLAGS = {"reduceOnly", "closePosition", "priceProtect", "buyer", "maker", "marginAvailable", "isolated"}


@pytest.fixture
def busy(raw: RawBinance) -> RawBinance:
    """An account with a fill, a resting order and a stop."""
    for path, order in (("/fapi/v1/order", CLOSE), ("/fapi/v1/order", REST), ("/fapi/v1/algoOrder", STOP)):
        assert raw.signed("POST", path, **order)[0] == 200
    return raw


def first(data: Any) -> Any:  # noqa: ANN401 - JSON
    return data[0]


def whole(data: Any) -> Any:  # noqa: ANN401 - JSON
    return data


READS: list[tuple[str, dict[str, str], Callable[[Any], Any], list[str]]] = [
    ("/fapi/v1/order", {"symbol": "SOLUSDT", "origClientOrderId": "rest"}, whole, ORDER_READ),
    ("/fapi/v1/openOrder", {"symbol": "SOLUSDT", "origClientOrderId": "rest"}, whole, ORDER_READ),
    ("/fapi/v1/openOrders", {}, first, ORDER_READ),
    ("/fapi/v1/allOrders", {"symbol": "BTCUSDT"}, first, ORDER_READ),
    ("/fapi/v1/algoOrder", {"clientAlgoId": "stop"}, whole, ALGO_READ),
    ("/fapi/v1/openAlgoOrders", {}, first, ALGO_READ),
    ("/fapi/v1/allAlgoOrders", {"symbol": "SOLUSDT"}, first, ALGO_READ),
    ("/fapi/v3/positionRisk", {}, first, POSITION_V3),
    ("/fapi/v2/positionRisk", {}, first, POSITION_V2),
    ("/fapi/v3/account", {}, whole, ACCOUNT_V3),
    ("/fapi/v2/account", {}, whole, ACCOUNT_V2),
    ("/fapi/v3/balance", {}, first, BALANCE),
    ("/fapi/v2/balance", {}, first, BALANCE),
    ("/fapi/v1/userTrades", {"symbol": "BTCUSDT"}, first, TRADE),
    ("/fapi/v1/income", {}, first, INCOME),
    (
        "/fapi/v1/accountConfig",
        {},
        whole,
        ACCOUNT_CONFIG,
    ),
    (
        "/fapi/v1/symbolConfig",
        {},
        first,
        words("symbol marginType isAutoAddMargin leverage maxNotionalValue"),
    ),
    ("/fapi/v1/leverageBracket", {}, first, words("symbol notionalCoef brackets")),
    (
        "/fapi/v1/commissionRate",
        {"symbol": "BTCUSDT"},
        whole,
        words("symbol makerCommissionRate takerCommissionRate rpiCommissionRate"),
    ),
    ("/fapi/v1/positionSide/dual", {}, whole, ["dualSidePosition"]),
    ("/fapi/v1/multiAssetsMargin", {}, whole, ["multiAssetsMargin"]),
    ("/fapi/v1/rateLimit/order", {}, first, words("rateLimitType interval intervalNum limit")),
    ("/sapi/v1/account/apiRestrictions", {}, whole, RESTRICTIONS),
]


@pytest.mark.parametrize(("path", "parameters", "pick", "fields"), READS, ids=[row[0] for row in READS])
def test_a_private_read_has_the_documented_fields(
    busy: RawBinance, path: str, parameters: dict[str, str], pick: Callable[[Any], Any], fields: list[str]
) -> None:
    status, data, _ = busy.signed("GET", path, **parameters)
    assert status == 200
    row = pick(data)
    assert set(fields) <= set(row)
    assert_kinds(row)


PUBLIC: list[tuple[str, str, Callable[[Any], Any], list[str]]] = [
    ("/fapi/v1/time", "", whole, ["serverTime"]),
    ("/fapi/v1/exchangeInfo", "", lambda data: data["symbols"][0], SYMBOL),
    ("/fapi/v1/depth", "symbol=BTCUSDT&limit=5", whole, words("lastUpdateId E T bids asks")),
    ("/fapi/v1/ticker/24hr", "symbol=BTCUSDT", whole, DAY),
    ("/fapi/v1/ticker/price", "", first, words("symbol price time")),
    ("/fapi/v2/ticker/price", "", first, words("symbol price time")),
    ("/fapi/v1/ticker/bookTicker", "", first, words("symbol bidPrice bidQty askPrice askQty time")),
    ("/fapi/v1/premiumIndex", "symbol=BTCUSDT", whole, MARK),
]


@pytest.mark.parametrize(("path", "query", "pick", "fields"), PUBLIC, ids=[row[0] for row in PUBLIC])
def test_a_public_read_has_the_documented_fields_and_needs_no_key(
    raw: RawBinance, path: str, query: str, pick: Callable[[Any], Any], fields: list[str]
) -> None:
    status, data, _ = raw.send("GET", path, query, headers={})
    assert status == 200
    assert set(fields) <= set(pick(data))


def test_placing_and_cancelling_answer_the_documented_fields(busy: RawBinance) -> None:
    _, placed, _ = busy.signed("POST", "/fapi/v1/order", **{**REST, "newClientOrderId": "second"})
    assert set(ORDER_ACTION) <= set(placed)
    assert_kinds(placed)
    _, cancelled, _ = busy.signed("DELETE", "/fapi/v1/order", symbol="SOLUSDT", origClientOrderId="second")
    assert set(ORDER_ACTION) <= set(cancelled)
    assert cancelled["status"] == "CANCELED"
    _, algo, _ = busy.signed("POST", "/fapi/v1/algoOrder", **{**STOP, "clientAlgoId": "third"})
    assert set(ALGO_PLACED) == set(algo)
    _, gone, _ = busy.signed("DELETE", "/fapi/v1/algoOrder", clientAlgoId="third")
    assert set(gone) == {"algoId", "clientAlgoId", "code", "msg"}
    _, everything, _ = busy.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="SOLUSDT")
    assert everything == {"code": 200, "msg": "The operation of cancel all open order is done."}


def test_an_error_is_a_code_and_a_message(raw: RawBinance) -> None:
    _, data, _ = raw.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=1)
    assert data == {"code": -2013, "msg": "Order does not exist."}


def test_every_filter_of_a_symbol_is_listed(raw: RawBinance) -> None:
    _, data, _ = raw.send("GET", "/fapi/v1/exchangeInfo", headers={})
    filters = {row["filterType"]: set(row) - {"filterType"} for row in data["symbols"][0]["filters"]}
    assert filters == {
        "PRICE_FILTER": {"minPrice", "maxPrice", "tickSize"},
        "LOT_SIZE": {"minQty", "maxQty", "stepSize"},
        "MARKET_LOT_SIZE": {"minQty", "maxQty", "stepSize"},
        "MAX_NUM_ORDERS": {"limit"},
        "MAX_NUM_ALGO_ORDERS": {"limit"},
        "MIN_NOTIONAL": {"notional"},
        "PERCENT_PRICE": {"multiplierUp", "multiplierDown", "multiplierDecimal"},
    }


def assert_kinds(row: dict[str, Any]) -> None:
    """Ids and times are whole numbers, flags are booleans, every amount, price and rate is a string."""
    for name, value in row.items():
        if name in WHOLE_NUMBERS:
            assert isinstance(value, int), name
        elif name in FLAGS:
            assert isinstance(value, bool), name
        elif name.lower().endswith(("price", "qty", "margin", "balance", "notional", "profit", "wallet")):
            assert isinstance(value, str | bool), name
