"""Assets: dexes, the numbers of assets, and which prices and sizes an order may have.

Source: Hyperliquid docs, "Asset IDs" (a perpetual's number is its index in `meta`; on a builder-deployed dex
100000 + 10000 x the dex's index in `perpDexs` + the index in that dex's `meta`), "Tick and lot size" (sizes
have at most `szDecimals` decimals; prices at most five significant figures and 6 - `szDecimals` decimals,
whole prices always pass) and "Contract specifications" (largest market orders by leverage).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument

FIGURES = 5
_DECIMALS = 6
_BUILDER_BASE = 100_000
_BUILDER_STEP = 10_000
_MILLION = 1_000_000
_MARKET_NOTIONALS = ((25, 30 * _MILLION), (20, 5 * _MILLION), (10, 2 * _MILLION), (0, _MILLION // 2))
_LIMIT_FACTOR = 10
LEAST_NOTIONAL = Decimal(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One perpetual: its number on the wire, its dex (empty for the validators' own) and its contract."""

    number: int
    dex: str
    instrument: Instrument


def dex_of(coin: str) -> str:
    """Return the dex of a coin: what stands before its colon."""
    return coin.partition(":")[0] if ":" in coin else ""


def dexes(exchange: Exchange) -> list[str]:
    """Return the dexes in listing order; the first is the validators' own, whose name is empty."""
    return list(dict.fromkeys(["", *(dex_of(coin) for coin in exchange.instruments)]))


def universe(exchange: Exchange, dex: str) -> list[Asset]:
    """Return the assets of one dex in the order of its `meta`; empty for a dex that does not exist."""
    known = dexes(exchange)
    if dex not in known:
        return []
    place = known.index(dex)
    base = _BUILDER_BASE + _BUILDER_STEP * place if place else 0
    instruments = [row for coin, row in exchange.instruments.items() if dex_of(coin) == dex]
    return [Asset(number=base + index, dex=dex, instrument=row) for index, row in enumerate(instruments)]


def assets(exchange: Exchange) -> dict[int, Asset]:
    """Return every asset by its number."""
    return {asset.number: asset for dex in dexes(exchange) for asset in universe(exchange, dex)}


def asset_of(exchange: Exchange, coin: str) -> Asset | None:
    """Return the asset of a coin, None for a coin that is not listed."""
    return next((row for row in universe(exchange, dex_of(coin)) if row.instrument.symbol == coin), None)


def size_decimals(instrument: Instrument) -> int:
    """Return `szDecimals`: how many decimals a size may have."""
    exponent = instrument.step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def is_price(price: Decimal, instrument: Instrument) -> bool:
    """Whether an order may have this price."""
    written = price.normalize().as_tuple()
    exponent = written.exponent if isinstance(written.exponent, int) else 0
    if exponent >= 0:
        return True
    return len(written.digits) <= FIGURES and -exponent <= _DECIMALS - size_decimals(instrument)


def largest_notional(instrument: Instrument, *, at_market: bool) -> Decimal:
    """Return the largest value of one order in US dollars."""
    market = next(value for least, value in _MARKET_NOTIONALS if instrument.leverage_max >= least)
    return Decimal(market if at_market else market * _LIMIT_FACTOR)


def tokens(exchange: Exchange) -> list[str]:
    """Return the spot tokens by index: USDC first, then what dexes settle in, then what accounts hold."""
    settles = [instrument.settle for instrument in exchange.instruments.values()]
    held = [coin for account in exchange.account_names() for coin in exchange.spec(account).balances]
    return list(dict.fromkeys(["USDC", *settles, *held]))


def spot_coins(exchange: Exchange) -> Sequence[str]:
    """Return the tokens that no perpetual settles in: what of them an account holds is spot."""
    settles = {instrument.settle for instrument in exchange.instruments.values()} | {"USDC"}
    return [coin for coin in tokens(exchange) if coin not in settles]
