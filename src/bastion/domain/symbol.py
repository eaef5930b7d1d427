"""Symbol: the pair form in which every answer names a contract."""

from functools import lru_cache

from bastion.domain.naming import interface_name
from bastion.domain.order import OpenOrder

COIN_ALONE = "perp"
"""The category of contracts that a venue names by their coin alone, behind its dex where it has one."""
PERPETUAL = "PERP"
COIN_PERPETUAL = "_PERP"


@lru_cache(maxsize=4096)
def pair(symbol: str) -> str:
    """Return the pair form of a symbol: `BTC/USDT:USDT` becomes `BTCUSDT`; an expiry or strike stays.

    OKX ends the names of its perpetuals in -SWAP, Binance those of COIN-M in _PERP; ccxt writes an expiry
    behind the coin of settlement, as in `BTC/USDT:USDT-250627`, which becomes `BTCUSDT_250627`.
    """
    name, _, settle = symbol.partition(":")
    expiry = settle.partition("-")[2]
    name = name.removesuffix("-SWAP").removesuffix(COIN_PERPETUAL) + (f"_{expiry}" if expiry else "")
    head, *rest = name.split("-")
    plain = "".join((head, *rest)) if all(part.isalpha() for part in rest) else "-".join((head, *rest))
    return interface_name(plain.replace("/", ""))


def coin_pair(coin: str, settle: str) -> str:
    """Return the pair form of a coin that is named alone: `BTCUSDC`, and `XYZGOLDUSDC` of `xyz:GOLD`."""
    return f"{coin.replace(':', '').upper()}{settle}"


def symbol_of(order: OpenOrder) -> str:
    """Return the pair form of the contract that an order is for, by its own words.

    A contract that is named by its coin alone is settled in USDC, where the order names nothing else.
    """
    if order.category == COIN_ALONE:
        return pair(coin_pair(order.instrument, order.settle or "USDC"))
    name = pair(order.instrument)
    if order.settle and name.endswith(PERPETUAL):
        return name.removesuffix(PERPETUAL) + order.settle
    return name
