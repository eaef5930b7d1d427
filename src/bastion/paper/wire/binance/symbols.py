"""Symbols: public calls: the exchange's rules, prices and depth."""

from decimal import Decimal

from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.refusal import Refused
from bastion.paper.wire.binance import figures
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError, from_refusal
from bastion.paper.wire.binance.limits import WEIGHT
from bastion.paper.wire.binance.parameters import Parameters

_ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
_TIME_IN_FORCE = ["GTC", "IOC", "FOK", "GTX"]
_ONBOARD_MS = 1_569_398_400_000
_PERPETUAL_END_MS = 4_133_404_800_000
_DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_DAY_MS = 86_400_000


def instrument_of(call: Call, symbol: str) -> Instrument:
    """Return the instrument of `symbol` in the call's family, or raise -1121."""
    try:
        instrument = call.exchange.instrument(symbol)
    except Refused as refused:
        raise from_refusal(refused) from None
    if instrument.kind is not call.kind:
        raise BinanceError(-1121, "Invalid symbol.")
    return instrument


def chosen(call: Call) -> list[Instrument]:
    """Return the instrument that `symbol` names, or all of them when it is absent."""
    symbol = call.parameters.text_or_none("symbol")
    if symbol is not None:
        return [instrument_of(call, symbol)]
    return family(call)


def family(call: Call) -> list[Instrument]:
    """Return all instruments of the call's family."""
    return [i for i in call.exchange.instruments.values() if i.kind is call.kind]


def one_or_all(call: Call, rows: list[dict[str, object]]) -> Reply:
    """Answer an object when the call names a symbol, and a list when it does not."""
    return Reply(data=rows[0] if "symbol" in call.parameters else rows)


def depth_weight(parameters: Parameters) -> int:
    """Return the weight of a depth call by its limit."""
    limit = parameters.text_or_none("limit") or "500"
    return _DEPTH_WEIGHTS.get(int(limit), 20) if limit.isdecimal() else 20


def ping(call: Call) -> Reply:  # noqa: ARG001 - every handler has the same shape
    """GET /fapi/v1/ping."""
    return Reply(data={})


def server_time(call: Call) -> Reply:
    """GET /fapi/v1/time."""
    return Reply(data={"serverTime": call.now_ms})


def exchange_info(call: Call) -> Reply:
    """GET /fapi/v1/exchangeInfo."""
    settings = call.limits.settings
    # It is no page of `papi`: what it tells is the limit of its own family.
    weight = WEIGHT if settings.portfolio_margin else settings.weight_per_minute
    instruments = family(call)
    coins = dict.fromkeys(i.settle for i in instruments)
    return Reply(
        data={
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "futuresType": "COIN_MARGINED" if call.kind is ContractKind.INVERSE else "U_MARGINED",
            "rateLimits": [
                _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, weight),
                _rate_limit("ORDERS", "MINUTE", 1, settings.orders_per_minute),
                _rate_limit("ORDERS", "SECOND", 10, settings.orders_per_10s),
            ],
            "exchangeFilters": [],
            "assets": [{"asset": coin, "marginAvailable": True, "autoAssetExchange": "0"} for coin in coins],
            "symbols": [_symbol(instrument) for instrument in instruments],
        }
    )


def depth(call: Call) -> Reply:
    """GET /fapi/v1/depth."""
    instrument = instrument_of(call, call.parameters.text("symbol"))
    limit = call.parameters.whole_or_none("limit") or 500
    if limit not in _DEPTH_LIMITS:
        raise BinanceError(-4021, f"{limit} is not a valid depth limit.")
    bids, asks = call.exchange.depth(instrument.symbol, limit)
    rows = [
        [
            [figures.price(level.price, instrument), figures.quantity(level.quantity, instrument)]
            for level in side
        ]
        for side in (bids, asks)
    ]
    updates = call.exchange.day(instrument.symbol).updates
    return Reply(
        data={
            "lastUpdateId": updates,
            "E": call.now_ms,
            "T": call.now_ms,
            "bids": rows[0],
            "asks": rows[1],
        }
    )


def price_ticker(call: Call) -> Reply:
    """GET /fapi/v1/ticker/price and /fapi/v2/ticker/price."""
    rows: list[dict[str, object]] = [
        {
            "symbol": i.symbol,
            "price": figures.price(call.exchange.last_price(i.symbol), i),
            "time": call.now_ms,
        }
        for i in chosen(call)
    ]
    return one_or_all(call, rows)


def book_ticker(call: Call) -> Reply:
    """GET /fapi/v1/ticker/bookTicker."""
    return one_or_all(call, [_best(call, instrument) for instrument in chosen(call)])


def day_ticker(call: Call) -> Reply:
    """GET /fapi/v1/ticker/24hr: the figures since the scenario began, of trades on paper alone."""
    return one_or_all(call, [_day(call, instrument) for instrument in chosen(call)])


def premium_index(call: Call) -> Reply:
    """GET /fapi/v1/premiumIndex: mark and index price, which are one on paper, and the rate of funding."""
    rows: list[dict[str, object]] = []
    funding = call.exchange.funding
    for instrument in chosen(call):
        mark = figures.money(call.exchange.mark_price(instrument.symbol))
        rows.append(
            {
                "symbol": instrument.symbol,
                "markPrice": mark,
                "indexPrice": mark,
                "estimatedSettlePrice": mark,
                "lastFundingRate": figures.money(funding.rate(instrument.symbol)),
                "interestRate": "0.00000000",
                "nextFundingTime": funding.next_ms(instrument.symbol),
                "time": call.now_ms,
            }
        )
    # COIN-M always answers with a list.
    return Reply(data=rows) if call.kind is ContractKind.INVERSE else one_or_all(call, rows)


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _symbol(instrument: Instrument) -> dict[str, object]:
    if instrument.kind is ContractKind.LINEAR:
        return {**_rules(instrument), "pair": instrument.symbol, "status": "TRADING"}
    # COIN-M has no `status`, and says what one contract stands for in US dollars.
    return {
        **_rules(instrument),
        "pair": f"{instrument.base}{instrument.quote}",
        "contractStatus": "TRADING",
        "contractSize": int(instrument.contract_size),
    }


def _rules(instrument: Instrument) -> dict[str, object]:
    percent = Decimal(instrument.maintenance_ppm).scaleb(-4)
    return {
        "symbol": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": instrument.expires_ms or _PERPETUAL_END_MS,
        "onboardDate": _ONBOARD_MS,
        "maintMarginPercent": f"{percent:.4f}",
        "requiredMarginPercent": f"{percent * 2:.4f}",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": figures.decimals(instrument.tick),
        "quantityPrecision": figures.decimals(instrument.step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": f"{instrument.market_bound:f}",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(instrument),
        "orderTypes": _ORDER_TYPES,
        "timeInForce": _TIME_IN_FORCE,
    }


def _filters(instrument: Instrument) -> list[dict[str, object]]:
    step = figures.plain(instrument.step)
    least = figures.plain(instrument.quantity_min)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": figures.plain(instrument.tick),
            "maxPrice": "10000000",
            "tickSize": figures.plain(instrument.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": least,
            "maxQty": figures.plain(instrument.quantity_max),
            "stepSize": step,
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": least,
            "maxQty": figures.plain(instrument.market_quantity_max),
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": instrument.orders_max},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": instrument.conditional_orders_max},
        {"filterType": "MIN_NOTIONAL", "notional": figures.plain(instrument.notional_min)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{instrument.band_up:.4f}",
            "multiplierDown": f"{instrument.band_down:.4f}",
            "multiplierDecimal": "4",
        },
    ]


def _best(call: Call, instrument: Instrument) -> dict[str, object]:
    bids, asks = call.exchange.depth(instrument.symbol, 1)
    bid, ask = (side[0] if side else None for side in (bids, asks))
    return {
        "symbol": instrument.symbol,
        "bidPrice": figures.price(bid.price, instrument) if bid else "0",
        "bidQty": figures.quantity(bid.quantity, instrument) if bid else "0",
        "askPrice": figures.price(ask.price, instrument) if ask else "0",
        "askQty": figures.quantity(ask.quantity, instrument) if ask else "0",
        "lastUpdateId": call.exchange.day(instrument.symbol).updates,
        "time": call.now_ms,
    }


def _day(call: Call, instrument: Instrument) -> dict[str, object]:
    day = call.exchange.day(instrument.symbol)
    last = call.exchange.last_price(instrument.symbol)
    change = last - day.opening
    average = day.turnover / day.volume if day.volume else last
    return {
        "symbol": instrument.symbol,
        "priceChange": figures.price(change, instrument),
        "priceChangePercent": f"{change / day.opening * 100:.3f}",
        "weightedAvgPrice": figures.average(average, instrument),
        "lastPrice": figures.price(last, instrument),
        "lastQty": "0",
        "openPrice": figures.price(day.opening, instrument),
        "highPrice": figures.price(day.high, instrument),
        "lowPrice": figures.price(day.low, instrument),
        "volume": figures.quantity(day.volume, instrument),
        "quoteVolume": figures.money(day.turnover),
        "openTime": call.now_ms - _DAY_MS,
        "closeTime": call.now_ms,
        "firstId": 0,
        "lastId": day.updates,
        "count": day.updates,
    }
