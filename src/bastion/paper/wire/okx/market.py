"""Market: the public endpoints.

Source: OKX v5 "Get system time", "Get instruments", "Get limit price", "Get mark price", "Get tickers", "Get
ticker", "Get index tickers", "Get order book", "Get funding rate".
"""

from decimal import Decimal

from bastion.paper.instrument import Instrument
from bastion.paper.wire.okx.calls import (
    INSTRUMENT_TYPES,
    SWAP,
    Call,
    dollar_price,
    family_of,
    is_inverse,
    plain,
    rounded,
    wants,
)
from bastion.paper.wire.okx.envelope import OkxError, Outcome, wrong

_LISTED_MS = "1585526400000"
_DEPTH_MOST = 400


def system_time(call: Call) -> Outcome:
    """GET /api/v5/public/time."""
    return Outcome(data=[{"ts": str(call.now_ms)}])


def instruments(call: Call) -> Outcome:
    """GET /api/v5/public/instruments: perpetuals; the other types have no instruments here."""
    parameters = call.parameters
    kind = parameters.must_choose("instType", INSTRUMENT_TYPES)
    if kind == "OPTION" and not (parameters.has("uly") or parameters.has("instFamily")):
        raise OkxError("50015", "Either parameter uly or instFamily is required.", status=400)
    if parameters.has("instId") and parameters.text("instId") not in call.exchange.instruments:
        raise OkxError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return Outcome(data=[_instrument(call, row) for row in _chosen(call)])


def price_limit(call: Call) -> Outcome:
    """GET /api/v5/public/price-limit: the highest price to buy at and the lowest to sell at."""
    row = call.instrument()
    mark = call.exchange.mark_price(row.symbol)
    highest, lowest = limits_of(row, mark)
    limits = {"buyLmt": plain(highest), "sellLmt": plain(lowest)}
    where = {"instType": SWAP, "instId": row.symbol, "ts": str(call.now_ms), "enabled": True}
    return Outcome(data=[{**where, **limits}])


def limits_of(row: Instrument, mark: Decimal) -> tuple[Decimal, Decimal]:
    """Return the price limits on the tick, inside the band around the mark."""
    highest, lowest = mark * row.band_up, mark * row.band_down
    up = lowest % row.tick
    return highest - highest % row.tick, lowest + (row.tick - up if up else 0)


def mark_price(call: Call) -> Outcome:
    """GET /api/v5/public/mark-price."""
    call.parameters.must_choose("instType", INSTRUMENT_TYPES)
    rows = [
        {
            "instType": SWAP,
            "instId": row.symbol,
            "markPx": plain(call.exchange.mark_price(row.symbol)),
            "ts": str(call.now_ms),
        }
        for row in _chosen(call)
    ]
    return Outcome(data=rows)


def tickers(call: Call) -> Outcome:
    """GET /api/v5/market/tickers."""
    call.parameters.must_choose("instType", INSTRUMENT_TYPES)
    return Outcome(data=[_ticker(call, row) for row in _chosen(call)])


def ticker(call: Call) -> Outcome:
    """GET /api/v5/market/ticker."""
    return Outcome(data=[_ticker(call, call.instrument())])


def index_tickers(call: Call) -> Outcome:
    """GET /api/v5/market/index-tickers: on paper the index price is the mark price."""
    asked = call.parameters.text("instId")
    quote = call.parameters.text("quoteCcy")
    if not asked and not quote:
        raise OkxError("50015", "Either parameter quoteCcy or instId is required.", status=400)
    found: dict[str, dict[str, object]] = {}
    for row in call.exchange.instruments.values():
        name = family_of(row)
        if name not in found and asked in {"", name} and quote in {"", row.quote}:
            day = call.exchange.day(row.symbol)
            found[name] = {
                "instId": name,
                "idxPx": plain(call.exchange.mark_price(row.symbol)),
                "high24h": plain(day.high),
                "low24h": plain(day.low),
                "open24h": plain(day.opening),
                "sodUtc0": plain(day.opening),
                "sodUtc8": plain(day.opening),
                "ts": str(call.now_ms),
            }
    if asked and not found:
        raise OkxError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return Outcome(data=list(found.values()))


def books(call: Call) -> Outcome:
    """GET /api/v5/market/books: rows are price, size, an obsolete zero, and the number of orders."""
    row = call.instrument()
    depth = call.parameters.integer("sz")
    depth = 1 if depth is None else depth
    if not 1 <= depth <= _DEPTH_MOST:
        raise wrong("sz")
    bids, asks = call.exchange.depth(row.symbol, depth)
    sides = {
        name: [[plain(level.price), plain(level.quantity), "0", "1"] for level in levels]
        for name, levels in (("asks", asks), ("bids", bids))
    }
    number = call.exchange.day(row.symbol).updates
    return Outcome(data=[{**sides, "ts": str(call.now_ms), "seqId": number}])


def funding_rate(call: Call) -> Outcome:
    """GET /api/v5/public/funding-rate: the rate of the next settlement, which stands until it is set anew."""
    row = call.instrument()
    funding = call.exchange.funding
    next_ms = funding.next_ms(row.symbol)
    return Outcome(
        data=[
            {
                "instType": SWAP,
                "instId": row.symbol,
                "method": "current_period",
                "formulaType": "noRate",
                "fundingRate": plain(funding.rate(row.symbol)),
                "nextFundingRate": "",
                "fundingTime": str(next_ms),
                "nextFundingTime": str(next_ms + row.funding_interval_ms),
                "minFundingRate": "-0.00375",
                "maxFundingRate": "0.00375",
                "interestRate": "0",
                "impactValue": "",
                "premium": "0",
                "settState": "settled",
                "settFundingRate": "0",
                "ts": str(call.now_ms),
            }
        ]
    )


def _chosen(call: Call) -> list[Instrument]:
    return [row for row in call.exchange.instruments.values() if wants(call.parameters, row)]


def _instrument(call: Call, row: Instrument) -> dict[str, object]:
    inverse = is_inverse(row)
    return {
        "alias": "",
        "auctionEndTime": "",
        "baseCcy": "",
        "category": "1",
        "contTdSwTime": _LISTED_MS,
        "ctMult": "1",
        "ctType": "inverse" if inverse else "linear",
        "ctVal": plain(row.contract_size),
        "ctValCcy": "USD" if inverse else row.base,
        "expTime": "",
        "futureSettlement": False,
        "groupId": "1",
        "instFamily": family_of(row),
        "instId": row.symbol,
        "instIdCode": 10_000 + list(call.exchange.instruments).index(row.symbol),
        "instType": SWAP,
        "lever": str(row.leverage_max),
        "listTime": _LISTED_MS,
        "lotSz": plain(row.step),
        "maxIcebergSz": plain(row.quantity_max),
        "maxLmtAmt": "20000000",
        "maxLmtSz": plain(row.quantity_max),
        "maxMktAmt": "",
        "maxMktSz": plain(row.market_quantity_max),
        "maxPlatOILmt": "",
        "maxStopSz": plain(row.market_quantity_max),
        "maxTriggerSz": plain(row.quantity_max),
        "maxTwapSz": plain(row.quantity_max),
        "minSz": plain(row.quantity_min),
        "openType": "",
        "optType": "",
        "posLmtAmt": "",
        "posLmtPct": "",
        "preMktSwTime": "",
        "quoteCcy": "",
        "ruleType": "normal",
        "settleCcy": row.settle,
        "state": "live",
        "stk": "",
        "tickSz": plain(row.tick),
        "tradeQuoteCcyList": [],
        "uly": family_of(row),
        "upcChg": [],
    }


def _ticker(call: Call, row: Instrument) -> dict[str, object]:
    exchange = call.exchange
    day = exchange.day(row.symbol)
    bids, asks = exchange.depth(row.symbol, 1)
    coins = day.volume * row.contract_size
    if is_inverse(row):
        price = dollar_price(exchange, row.base) or exchange.mark_price(row.symbol)
        coins = coins / price
    return {
        "instType": SWAP,
        "instId": row.symbol,
        "last": plain(exchange.last_price(row.symbol)),
        "lastSz": "0",
        "askPx": plain(asks[0].price) if asks else "",
        "askSz": plain(asks[0].quantity) if asks else "",
        "bidPx": plain(bids[0].price) if bids else "",
        "bidSz": plain(bids[0].quantity) if bids else "",
        "open24h": plain(day.opening),
        "high24h": plain(day.high),
        "low24h": plain(day.low),
        "volCcy24h": rounded(coins, 8),
        "vol24h": plain(day.volume),
        "sodUtc0": plain(day.opening),
        "sodUtc8": plain(day.opening),
        "ts": str(call.now_ms),
    }
