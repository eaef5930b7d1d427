"""Market: the public endpoints.

Source: Bybit v5 "Get Bybit Server Time", "Get Instruments Info", "Get Tickers", "Get Orderbook".
"""

from decimal import Decimal

from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.wire.bybit import paging
from bastion.paper.wire.bybit.calls import (
    CONTRACT_CATEGORIES,
    Call,
    find_instrument,
    listed,
    on_grid,
    plain,
    rounded,
)
from bastion.paper.wire.bybit.envelope import Outcome, wrong

_MINUTE_MS = 60_000
_DEPTH_DEFAULT = 25
_DEPTH_MOST = 1_000
_PRICE_TICKS_MOST = Decimal(20_000_000)
_STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")


def server_time(call: Call) -> Outcome:
    """GET /v5/market/time."""
    return Outcome(result={"timeSecond": str(call.now_ms // 1000), "timeNano": str(call.now_ms * 1_000_000)})


def instruments_info(call: Call) -> Outcome:
    """GET /v5/market/instruments-info: perpetuals; spot and options have no instruments here."""
    category = call.category()
    parameters = call.parameters
    status = parameters.choice("status", _STATUSES, "Trading")
    rows = listed(call.exchange, category) if status == "Trading" else []
    if parameters.has("symbol") and category in CONTRACT_CATEGORIES:
        rows = [find_instrument(call.exchange, category, parameters.text("symbol"))]
    base = parameters.text("baseCoin")
    rows = [row for row in rows if base in {"", row.base}]
    if category == "spot":
        return Outcome(result={"category": category, "list": []})
    chosen, cursor = paging.page(rows, parameters, paging.INSTRUMENTS, lambda row: row.symbol)
    return Outcome(
        result={
            "category": category,
            "list": [_instrument(call, row) for row in chosen],
            # The page's end is known here: a client that follows every cursor would read for ever otherwise.
            "nextPageCursor": cursor if len(chosen) < len(rows) else "",
        }
    )


def tickers(call: Call) -> Outcome:
    """GET /v5/market/tickers: the paper exchange has no yesterday, so its 24 hours begin at its start."""
    category = call.category()
    rows = listed(call.exchange, category)
    if call.parameters.has("symbol"):
        rows = [call.instrument(category)]
    return Outcome(result={"category": category, "list": [ticker_row(call, row) for row in rows]})


def orderbook(call: Call) -> Outcome:
    """GET /v5/market/orderbook."""
    category = call.category()
    if category not in CONTRACT_CATEGORIES:
        raise wrong(f"params error: symbol invalid, the paper exchange lists no {category} instruments")
    instrument = call.instrument(category)
    limit = call.parameters.integer("limit")
    limit = _DEPTH_DEFAULT if limit is None else limit
    if not 1 <= limit <= _DEPTH_MOST:
        raise wrong(f"params error: limit must be between 1 and {_DEPTH_MOST}")
    bids, asks = call.exchange.depth(instrument.symbol, limit)
    sides = [
        [[on_grid(row.price, instrument.tick), on_grid(row.quantity, instrument.step)] for row in levels]
        for levels in (bids, asks)
    ]
    updates = call.exchange.day(instrument.symbol).updates
    return Outcome(
        result={
            "s": instrument.symbol,
            "b": sides[0],
            "a": sides[1],
            "ts": call.now_ms,
            "u": updates,
            "seq": updates,
            "cts": call.now_ms,
        }
    )


def _instrument(call: Call, row: Instrument) -> dict[str, object]:
    is_inverse = row.kind is ContractKind.INVERSE
    ratio = rounded(row.band_up - 1)
    return {
        "symbol": row.symbol,
        "symbolId": 1 + list(call.exchange.instruments).index(row.symbol),
        "contractType": "InversePerpetual" if is_inverse else "LinearPerpetual",
        "status": "Trading",
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "symbolType": "",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(_decimals(row.tick)),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{row.leverage_max}.00",
            "leverageStep": "1",
        },
        "priceFilter": {
            "minPrice": plain(row.tick),
            "maxPrice": on_grid(row.tick * _PRICE_TICKS_MOST, row.tick),
            "tickSize": plain(row.tick),
        },
        "lotSizeFilter": {
            "minNotionalValue": plain(row.notional_min),
            "maxOrderQty": on_grid(row.quantity_max, row.step),
            "maxMktOrderQty": on_grid(row.market_quantity_max, row.step),
            "minOrderQty": plain(row.quantity_min),
            "qtyStep": plain(row.step),
            "postOnlyMaxOrderQty": on_grid(row.quantity_max, row.step),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": max(row.funding_interval_ms // _MINUTE_MS, 1),
        "settleCoin": row.settle,
        "copyTrading": "none",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "displayName": "",
        "forbidUplWithdrawal": False,
        "riskParameters": {"priceLimitRatioX": ratio, "priceLimitRatioY": ratio},
        "isPreListing": False,
        "preListingInfo": None,
    }


def ticker_row(call: Call, row: Instrument) -> dict[str, object]:
    """Return a contract as market/tickers shows it."""
    exchange = call.exchange
    day = exchange.day(row.symbol)
    mark, last = exchange.mark_price(row.symbol), exchange.last_price(row.symbol)
    bids, asks = exchange.depth(row.symbol, 1)
    return {
        "symbol": row.symbol,
        "lastPrice": on_grid(last, row.tick),
        "indexPrice": on_grid(mark, row.tick),
        "markPrice": on_grid(mark, row.tick),
        "prevPrice24h": on_grid(day.opening, row.tick),
        "price24hPcnt": rounded(last / day.opening - 1, 6),
        "highPrice24h": on_grid(day.high, row.tick),
        "lowPrice24h": on_grid(day.low, row.tick),
        "prevPrice1h": on_grid(day.opening, row.tick),
        "openInterest": "0",
        "openInterestValue": "0",
        "singleOpenInterest": "0",
        "singleOpenInterestValue": "0",
        "turnover24h": rounded(day.turnover, 4),
        "volume24h": plain(day.volume),
        "fundingRate": plain(exchange.funding.rate(row.symbol)),
        "nextFundingTime": str(exchange.funding.next_ms(row.symbol)),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "basis": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "bid1Price": on_grid(bids[0].price, row.tick) if bids else "",
        "bid1Size": on_grid(bids[0].quantity, row.step) if bids else "",
        "ask1Price": on_grid(asks[0].price, row.tick) if asks else "",
        "ask1Size": on_grid(asks[0].quantity, row.step) if asks else "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": str(max(row.funding_interval_ms // (60 * _MINUTE_MS), 1)),
        "fundingCap": "0.00375",
        "basisRateYear": "",
    }


def _decimals(grid: Decimal) -> int:
    exponent = grid.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
