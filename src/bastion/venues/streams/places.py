"""Places: which private stream an account has, and where it is.

The hosts are those that the venues' pages name (see `tongues`); an account's `ws_url` replaces them. Where
only its `base_url` is given, the stream is looked for at the same host and prefix.
"""

from collections.abc import Mapping

from bastion.domain.account import Account
from bastion.venues.streams.tongues import BINANCE, BINANCE_COIN, BYBIT, HYPERLIQUID, OKX, Tongue

_TONGUES: Mapping[tuple[str, str], Tongue] = {
    ("binance", "usdm"): BINANCE,
    ("binance", "coinm"): BINANCE_COIN,
    ("bybit", "unified"): BYBIT,
    ("okx", "trading"): OKX,
    ("okx", "demo"): OKX,
    ("hyperliquid", "perps"): HYPERLIQUID,
}
# Stream and REST host by venue, key space and host; REST only where a listen key is needed.
_HOSTS: Mapping[tuple[str, str, str], tuple[str, str]] = {
    ("binance", "usdm", "live"): ("wss://fstream.binance.com", "https://fapi.binance.com"),
    ("binance", "coinm", "live"): ("wss://dstream.binance.com", "https://dapi.binance.com"),
    ("bybit", "unified", "live"): ("wss://stream.bybit.com", ""),
    ("bybit", "unified", "demo"): ("wss://stream-demo.bybit.com", ""),
    ("bybit", "unified", "testnet"): ("wss://stream-testnet.bybit.com", ""),
    ("okx", "trading", "live"): ("wss://ws.okx.com:8443", ""),
    ("okx", "demo", "demo"): ("wss://wspap.okx.com:8443", ""),
    ("hyperliquid", "perps", "live"): ("wss://api.hyperliquid.xyz", ""),
    ("hyperliquid", "perps", "testnet"): ("wss://api.hyperliquid-testnet.xyz", ""),
}


def place_of(account: Account) -> tuple[Tongue, str, str] | None:
    """Return the tongue, the stream's base URL and REST's for an account; None where it has none."""
    tongue = _TONGUES.get((account.venue, account.key_space))
    if tongue is None:
        return None
    stream, rest = _HOSTS.get((account.venue, account.key_space, account.host), ("", ""))
    if account.base_url is not None:
        rest = account.base_url.rstrip("/")
        stream = "ws" + rest.removeprefix("http")
    if account.ws_url is not None:
        stream = account.ws_url.rstrip("/")
    return (tongue, stream, rest) if stream and (rest or not tongue.listen_path) else None
