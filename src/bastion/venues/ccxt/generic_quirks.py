"""Quirks: the few things of an exchange that ccxt's unified methods do not tell by themselves.

What full scans need beyond ccxt's default call is taken from the pages of the exchanges' documentation that
ccxt names at the method; that ccxt sends what is meant here is seen by the probe.
"""

from collections.abc import Mapping

SCANS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "bybit": ({"settleCoin": "USDT"}, {"settleCoin": "USDC"}, {"subType": "inverse"}),
    "gate": ({"settle": "usdt"}, {"settle": "btc"}),
}
"""The readings of a full scan of positions, where ccxt's own call shows one settle coin only."""

ORDER_SCANS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "bingx": ({"subType": "linear"}, {"subType": "inverse"}),
    "bitget": (
        {"productType": "USDT-FUTURES"},
        {"productType": "USDC-FUTURES"},
        {"productType": "COIN-FUTURES"},
    ),
    "bybit": ({"settleCoin": "USDT"}, {"settleCoin": "USDC"}, {"subType": "inverse"}),
    "gate": ({"settle": "usdt"}, {"settle": "btc"}),
}
"""The readings of a full scan of working orders."""

LIKE: Mapping[str, str] = {
    "binance": "binance",
    "bybiteu": "bybit",
    "bybitid": "bybit",
    "fmfwio": "hitbtc",
    "kucoin": "kucoinfutures",
    "myokx": "okx",
    "okxus": "okx",
}
"""Exchanges of ccxt that are another one of it, of which bastion knows more."""

VARIANTS: Mapping[str, tuple[Mapping[str, object], ...]] = {"bitget": ({"uta": False}, {"uta": True})}
"""Options that ccxt finds out for each account by asking; both ways must be fit."""

NO_CLIENT_ID = frozenset({"hyperliquid", "htx"})
"""Exchanges whose order ids of ours have a form of their own: 128 bits in hex, or a number."""

FETCH_ORDER: Mapping[str, Mapping[str, object]] = {"bybit": {"acknowledged": True}}
"""What ccxt wants to be told before it asks for one order."""

MARGIN_IN_USE = frozenset({"binanceusdm", "binancecoinm", "bingx", "gate"})
"""Exchanges of whose swap account ccxt's `used` is the margin of positions and orders, on another page than
the list of positions. Not OKX and Bybit, where spot orders use some of it, Hyperliquid, which tells both on
one page, Kraken, whose collateral is worth less than its price, and those where its meaning was not found."""

_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "binanceusdm": {"leverageBrackets": {}, "fetchOpenOrders": {"warnWithoutSymbol": False}},
    "binancecoinm": {"leverageBrackets": {}, "fetchOpenOrders": {"warnWithoutSymbol": False}},
    "bybit": {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6},
    "gate": {"unifiedAccount": False},
    "hyperliquid": {"fetchMarkets": {"types": ["swap"]}},
}


def options_of(exchange_id: str) -> dict[str, object]:
    """Return ccxt's options of an exchange: swaps by default, and no hidden calls before an order."""
    return {"defaultType": "swap", **_OPTIONS.get(exchange_id, {})}
