"""The fields of Bybit's answers, beside those that its documentation lists (v5, response parameters)."""

from typing import Any

import pytest

from bastion.paper.wire.bybit import PLUGIN
from bastion.paper.wire.protocol import WireRequest
from tests.bybit_rig import KEY, Venue, hold, stepped


def named(text: str) -> set[str]:
    """Return the field names in a list as the documentation gives it."""
    return set(text.split())


ORDER = named(
    """orderId orderLinkId parentOrderLinkId blockTradeId symbol price qty side isLeverage positionIdx
    orderStatus createType cancelType rejectReason avgPrice leavesQty leavesValue cumExecQty
    cumExecValue cumExecFee timeInForce orderType stopOrderType orderIv triggerPrice takeProfit
    stopLoss tpslMode tpLimitPrice slLimitPrice tpTriggerBy slTriggerBy triggerDirection triggerBy
    lastPriceOnCreated reduceOnly closeOnTrigger placeType smpType smpGroup smpOrderId createdTime
    updatedTime cumFeeDetail"""
)
HISTORY = ORDER | named("""slippageToleranceType slippageTolerance extraFees rpiTakerAccess rpiMatchedQty""")
EXECUTION = named(
    """symbol orderId orderLinkId side orderPrice orderQty leavesQty createType orderType stopOrderType
    execFee execFeeV2 execId execPrice execQty execType execValue execTime feeCurrency isMaker
    feeRate tradeIv markIv markPrice indexPrice underlyingPrice blockTradeId closedSize seq
    extraFees"""
)
POSITION = named(
    """positionIdx riskId riskLimitValue symbol side size avgPrice positionValue autoAddMargin
    positionStatus leverage breakEvenPrice markPrice liqPrice positionIM positionIMByMp positionMM
    positionMMByMp takeProfit stopLoss trailingStop sessionAvgPrice delta gamma vega theta
    unrealisedPnl curRealisedPnl cumRealisedPnl adlRankIndicator createdTime updatedTime openTime
    seq isReduceOnly mmrSysUpdatedTime leverageSysUpdatedTime tpslMode bustPrice positionBalance
    tradeMode"""
)
CLOSED = named(
    """symbol orderId side qty orderPrice orderType execType closedSize cumEntryValue avgEntryPrice
    cumExitValue avgExitPrice closedPnl fillCount leverage openFee closeFee createdTime updatedTime"""
)
ACCOUNT_ROW = named(
    """accountType accountIMRate accountMMRate totalEquity totalWalletBalance totalMarginBalance
    totalAvailableBalance totalPerpUPL totalInitialMargin totalMaintenanceMargin accountIMRateByMp
    accountMMRateByMp totalInitialMarginByMp totalMaintenanceMarginByMp accountLTV coin"""
)
COIN = named(
    """coin equity usdValue walletBalance locked spotHedgingQty borrowAmount accruedInterest
    totalOrderIM totalPositionIM totalPositionMM unrealisedPnl cumRealisedPnl bonus marginCollateral
    collateralSwitch colRes spotBorrow free availableToWithdraw availableToBorrow"""
)
INFO = named(
    """unifiedMarginStatus marginMode isMasterTrader spotHedgingStatus updatedTime dcpStatus timeWindow
    smpGroup"""
)
KEY_INFO = named(
    """id note apiKey readOnly secret permissions ips type deadlineDay expiredAt createdAt uta userID
    inviterID vipLevel mktMakerLevel affiliateID rsaPublicKey isMaster parentUid kycLevel kycRegion
    unified"""
)
PERMISSIONS = named(
    """ContractTrade Spot Wallet Options Derivatives Exchange Earn FiatP2P FiatBitPay FiatConvertBroker
    BitCard ByXPost Affiliate BlockTrade NFT CopyTrading"""
)
INSTRUMENT = named(
    """symbol symbolId contractType status baseCoin quoteCoin symbolType launchTime deliveryTime
    deliveryFeeRate priceScale leverageFilter priceFilter lotSizeFilter unifiedMarginTrade
    fundingInterval settleCoin copyTrading upperFundingRate lowerFundingRate displayName
    forbidUplWithdrawal riskParameters isPreListing preListingInfo"""
)
LOTS = named("""minNotionalValue maxOrderQty maxMktOrderQty minOrderQty qtyStep postOnlyMaxOrderQty""")
TICKER = named(
    """symbol lastPrice indexPrice markPrice prevPrice24h price24hPcnt highPrice24h lowPrice24h
    prevPrice1h openInterest openInterestValue singleOpenInterest singleOpenInterestValue
    turnover24h volume24h fundingRate nextFundingTime predictedDeliveryPrice basisRate basis
    deliveryFeeRate deliveryTime ask1Size bid1Price ask1Price bid1Size preOpenPrice preQty
    curPreListingPhase fundingIntervalHour fundingCap basisRateYear"""
)
LINEAR = {"category": "linear", "settleCoin": "USDT"}


@pytest.fixture
async def traded(venue: Venue) -> Venue:
    """A venue with a position, an open order, and an order that closed something."""
    hold(venue.exchange, "BTCUSDT", "2")
    await venue.filled("BTCUSDT", "Sell", "1", reduceOnly=True)
    await venue.filled("BTCUSDT", "Buy", "1", orderType="Limit", price="89000")
    return venue


@pytest.mark.parametrize(
    ("path", "query", "fields"),
    [
        ("/v5/order/realtime", LINEAR, ORDER),
        ("/v5/order/history", {"category": "linear"}, HISTORY),
        ("/v5/execution/list", {"category": "linear"}, EXECUTION),
        ("/v5/position/list", LINEAR, POSITION),
        ("/v5/position/closed-pnl", {"category": "linear"}, CLOSED),
        ("/v5/account/wallet-balance", {"accountType": "UNIFIED"}, ACCOUNT_ROW),
        ("/v5/market/instruments-info", {"category": "linear"}, INSTRUMENT),
        ("/v5/market/tickers", {"category": "linear"}, TICKER),
    ],
)
async def test_each_row_has_exactly_the_documented_fields(
    traded: Venue, path: str, query: dict[str, str], fields: set[str]
) -> None:
    rows = (await traded.get(path, **query)).rows
    assert rows
    assert all(set(row) == fields for row in rows)


async def test_nested_objects_have_exactly_the_documented_fields(traded: Venue) -> None:
    (account,) = (await traded.get("/v5/account/wallet-balance", accountType="UNIFIED")).rows
    assert all(set(coin) == COIN for coin in account["coin"])
    assert set((await traded.get("/v5/account/info")).result) == INFO
    key = (await traded.get("/v5/user/query-api")).result
    assert (set(key), set(key["permissions"])) == (KEY_INFO, PERMISSIONS)
    first = (await traded.get("/v5/market/instruments-info", category="linear")).rows[0]
    assert set(first["lotSizeFilter"]) == LOTS
    assert set(first["leverageFilter"]) == {"minLeverage", "maxLeverage", "leverageStep"}
    assert set(first["priceFilter"]) == {"minPrice", "maxPrice", "tickSize"}
    assert set(first["riskParameters"]) == {"priceLimitRatioX", "priceLimitRatioY"}
    book = (await traded.get("/v5/market/orderbook", category="linear", symbol="BTCUSDT")).result
    assert set(book) == {"s", "b", "a", "ts", "u", "seq", "cts"}
    assert (len(book["a"]), book["a"][0]) == (10, ["90000.1", "100.000"])
    coins = (await traded.get("/v5/asset/coin/query-info")).result["rows"]
    assert [coin["coin"] for coin in coins] == ["BTC", "USDT", "ETH", "USDC"]


async def test_figures_are_strings_and_flags_and_indexes_are_not(traded: Venue) -> None:
    (position,) = await traded.positions()
    (order,) = (await traded.get("/v5/order/realtime", **LINEAR)).rows
    assert_types(
        position, {"positionIdx": int, "tradeMode": int, "isReduceOnly": bool, "size": str, "seq": int}
    )
    assert_types(position, {"leverage": str, "createdTime": str, "openTime": int, "riskId": int})
    assert_types(order, {"positionIdx": int, "reduceOnly": bool, "closeOnTrigger": bool, "qty": str})
    assert_types(order, {"triggerDirection": int, "cumFeeDetail": dict, "createdTime": str})


def assert_types(row: dict[str, Any], types: dict[str, type]) -> None:
    assert {name: type(row[name]) for name in types} == types


async def test_spot_and_options_have_no_instruments_here_and_say_so_truly(venue: Venue) -> None:
    for category in ("spot", "option"):
        assert (await venue.get("/v5/market/instruments-info", category=category)).rows == []
        assert (await venue.get("/v5/market/tickers", category=category)).rows == []
        assert (await venue.get("/v5/order/realtime", category=category)).rows == []
    pre = await venue.get("/v5/market/instruments-info", category="linear", status="PreLaunch")
    assert pre.rows == []
    paged = await venue.get("/v5/market/instruments-info", category="linear", limit=2)
    rest = await venue.get(
        "/v5/market/instruments-info", category="linear", limit=2, cursor=paged.result["nextPageCursor"]
    )
    assert [row["symbol"] for row in [*paged.rows, *rest.rows]] == ["BTCUSDT", "ETHPERP", "ETHUSDT"]


def test_failures_have_the_venue_own_answers() -> None:
    wire = PLUGIN.build(stepped(), {})
    request = WireRequest(
        method="POST",
        path="/v5/order/create",
        query="",
        body=b"{}",
        headers={"x-bapi-api-key": KEY},
        address="127.0.0.1",
        received_ms=0,
    )
    names = ("unavailable", "unknown_status", "overloaded", "rate_limited", "banned", "internal_error")
    found = {name: wire.failure(name, request) for name in names}
    statuses = {name: answer.status for name, answer in found.items() if answer is not None}
    assert statuses == {
        "unavailable": 503,
        "unknown_status": 200,
        "overloaded": 429,
        "rate_limited": 200,
        "banned": 403,
        "internal_error": 200,
    }
    codes = {
        "unknown_status": b"10000",
        "rate_limited": b"10006",
        "internal_error": b"10016",
        "overloaded": b"429",
    }
    for name, code in codes.items():
        answer = found[name]
        assert answer is not None
        assert b'"retCode":' + code in answer.body
    assert wire.failure("earthquake", request) is None
    assert wire.identify(request) == "main"
    assert not wire.is_protected(request)


@pytest.mark.parametrize("settings", [{"speed": 1}, {"limits": 3}, {"limits": {"/v5/order/create": 0}}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Bybit's wire"):
        PLUGIN.build(stepped(), settings)
