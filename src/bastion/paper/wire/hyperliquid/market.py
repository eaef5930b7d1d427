"""Market: reads that name no account.

Source: Hyperliquid docs, "Info endpoint" and "Perpetuals": meta, metaAndAssetCtxs, perpDexs, spotMeta,
spotMetaAndAssetCtxs, allMids, l2Book, exchangeStatus, maxMarketOrderNtls. `funding` is the rate of
the next settlement.
"""

from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.wire.hyperliquid.answers import Unreadable
from bastion.paper.wire.hyperliquid.assets import (
    Asset,
    asset_of,
    dexes,
    largest_notional,
    size_decimals,
    tokens,
    universe,
)
from bastion.paper.wire.hyperliquid.call import Call, Read
from bastion.paper.wire.hyperliquid.signing import keccak256
from bastion.paper.wire.hyperliquid.words import number

_LEVELS = 20
_NOWHERE = "0x" + "0" * 40


def meta(call: Call) -> object:
    """Return the universe of one dex."""
    listed = universe(call.exchange, call.dex)
    if not listed and call.dex:
        raise Unreadable
    settle = listed[0].instrument.settle if listed else "USDC"
    return {
        "universe": [
            {
                "szDecimals": size_decimals(asset.instrument),
                "name": asset.instrument.symbol,
                "maxLeverage": asset.instrument.leverage_max,
                "marginTableId": asset.instrument.leverage_max,
            }
            for asset in listed
        ],
        "marginTables": [],
        "collateralToken": tokens(call.exchange).index(settle),
    }


def meta_and_contexts(call: Call) -> object:
    """Return the universe of one dex with its prices."""
    return [meta(call), [context(call.exchange, asset) for asset in universe(call.exchange, call.dex)]]


def perp_dexes(call: Call) -> object:
    """Return null for the validators' own dex, then every builder-deployed one."""
    rows: list[object] = [None]
    for name in dexes(call.exchange)[1:]:
        coins = [asset.instrument.symbol for asset in universe(call.exchange, name)]
        rows.append(
            {
                "name": name,
                "fullName": name.upper(),
                "deployer": _NOWHERE,
                "oracleUpdater": None,
                "feeRecipient": None,
                "assetToStreamingOiCap": [[coin, "100000000.0"] for coin in coins],
            }
        )
    return rows


def spot_meta(call: Call) -> object:
    """Return the spot tokens; none of them has a market here."""
    return {
        "tokens": [
            {
                "name": name,
                "szDecimals": 2,
                "weiDecimals": 8,
                "index": index,
                "tokenId": "0x" + keccak256(name.encode())[:16].hex(),
                "isCanonical": True,
                "evmContract": None,
                "fullName": None,
            }
            for index, name in enumerate(tokens(call.exchange))
        ],
        "universe": [],
    }


def spot_meta_and_contexts(call: Call) -> object:
    """Return the spot tokens and the prices of no market."""
    return [spot_meta(call), []]


def all_mids(call: Call) -> object:
    """Return the middle of each book of one dex, the mark where a side is empty."""
    return {
        asset.instrument.symbol: number(_mid(call.exchange, asset))
        for asset in universe(call.exchange, call.dex)
    }


def book(call: Call) -> object:
    """Return at most 20 levels a side."""
    asset = asset_of(call.exchange, call.fields.text("coin"))
    if asset is None:
        raise Unreadable
    bids, asks = call.exchange.depth(asset.instrument.symbol, _LEVELS)
    sides = [
        [{"px": number(level.price), "sz": number(level.quantity), "n": 1} for level in side]
        for side in (bids, asks)
    ]
    return {"coin": asset.instrument.symbol, "time": call.now_ms, "levels": sides}


def exchange_status(call: Call) -> object:
    """Return the venue's time."""
    return {"time": call.now_ms, "specialStatuses": None}


def largest_orders(call: Call) -> object:
    """Return, for the leverages in use, the largest value of a market order."""
    found = {
        asset.instrument.leverage_max: largest_notional(asset.instrument, at_market=True)
        for asset in universe(call.exchange, call.dex)
    }
    return [[leverage, number(value)] for leverage, value in sorted(found.items(), reverse=True)]


def nothing(call: Call) -> object:
    """Return an empty list: there is no history of this kind on paper."""
    call.fields.text("type")
    return []


def _mid(exchange: Exchange, asset: Asset) -> Decimal:
    coin = asset.instrument.symbol
    bids, asks = exchange.depth(coin, 1)
    if not bids or not asks:
        return exchange.mark_price(coin)
    return (bids[0].price + asks[0].price) / 2


def context(exchange: Exchange, asset: Asset) -> dict[str, object]:
    """Return one asset's prices, as `metaAndAssetCtxs` and `activeAssetCtx` show them."""
    coin = asset.instrument.symbol
    day = exchange.day(coin)
    bids, asks = exchange.depth(coin, 1)
    mark = number(exchange.mark_price(coin))
    impact = [number(bids[0].price), number(asks[0].price)] if bids and asks else None
    return {
        "funding": number(exchange.funding.rate(coin)),
        "openInterest": "0.0",
        "prevDayPx": number(day.opening),
        "dayNtlVlm": number(day.turnover),
        "premium": "0.0",
        "oraclePx": mark,
        "markPx": mark,
        "midPx": number(_mid(exchange, asset)) if impact else None,
        "impactPxs": impact,
        "dayBaseVlm": number(day.volume),
    }


READS: Mapping[str, Read] = {
    "meta": meta,
    "metaAndAssetCtxs": meta_and_contexts,
    "perpDexs": perp_dexes,
    "spotMeta": spot_meta,
    "spotMetaAndAssetCtxs": spot_meta_and_contexts,
    "allMids": all_mids,
    "l2Book": book,
    "exchangeStatus": exchange_status,
    "maxMarketOrderNtls": largest_orders,
    "fundingHistory": nothing,
    "recentTrades": nothing,
    "predictedFundings": nothing,
}
