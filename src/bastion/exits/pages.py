"""Where one contract is closed by hand: the page of a venue on which its position and orders stand."""

import re
from collections.abc import Callable

# One pattern a kind of contract; what none of them knows (dated contracts, options) keeps the account's page.
_BYBIT_USDC = re.compile(r"(?P<base>[A-Z0-9]+)PERP")
_BYBIT_USDT = re.compile(r"[A-Z0-9]+USDT")
_BYBIT_INVERSE = re.compile(r"[A-Z0-9]+USD")
_BINANCE_LINEAR = re.compile(r"[A-Z0-9]+")
_BINANCE_COIN = re.compile(r"(?P<pair>[A-Z0-9]+USD)_PERP")
_OKX_SWAP = re.compile(r"[A-Z0-9]+-[A-Z0-9]+-SWAP")
_HYPERLIQUID = re.compile(r"([a-z0-9]+:)?[A-Za-z0-9]+")


def contract_page(venue: str, instrument: str, *, account_page: str) -> str:
    """Return the page of one contract, by the venue's own name of it; else the account's page.

    An account without a page (a demo host, the paper exchange) has none for its contracts either. The
    addresses are those of the venues' trading pages, as of 2026: binance.com/en/futures,
    binance.com/en/delivery, bybit.com/trade, okx.com/trade-swap, app.hyperliquid.xyz/trade.
    """
    known = _PAGES.get(venue)
    return (known(instrument) or account_page) if account_page and known is not None else account_page


def _binance(instrument: str) -> str:
    if coin := _BINANCE_COIN.fullmatch(instrument):
        return f"https://www.binance.com/en/delivery/{coin['pair'].lower()}_perpetual"
    return f"https://www.binance.com/en/futures/{instrument}" if _BINANCE_LINEAR.fullmatch(instrument) else ""


def _bybit(instrument: str) -> str:
    if usdc := _BYBIT_USDC.fullmatch(instrument):
        return f"https://www.bybit.com/trade/futures/usdc/{usdc['base']}-PERP"
    if _BYBIT_USDT.fullmatch(instrument):
        return f"https://www.bybit.com/trade/usdt/{instrument}"
    return f"https://www.bybit.com/trade/inverse/{instrument}" if _BYBIT_INVERSE.fullmatch(instrument) else ""


def _okx(instrument: str) -> str:
    known = _OKX_SWAP.fullmatch(instrument)
    return f"https://www.okx.com/trade-swap/{instrument.lower()}" if known else ""


def _hyperliquid(instrument: str) -> str:
    known = _HYPERLIQUID.fullmatch(instrument)
    return f"https://app.hyperliquid.xyz/trade/{instrument}" if known else ""


_PAGES: dict[str, Callable[[str], str]] = {
    "binance": _binance,
    "bybit": _bybit,
    "okx": _okx,
    "hyperliquid": _hyperliquid,
}
