"""Venue: the names by which an account can say where it is."""

from collections.abc import Sequence

from bastion.domain.account import Account

# The key space of an account that names none: where the venue's perpetuals are settled in stablecoins.
KEY_SPACE_DEFAULT = {
    "binance": "usdm",
    "bybit": "unified",
    "hyperliquid": "perps",
    "okx": "trading",
    "strike": "margin",
}
KEY_SPACES = {
    "binance": ("usdm", "coinm", "papi"),
    "bybit": ("unified",),
    "hyperliquid": ("perps",),
    "okx": ("trading", "demo"),
    "strike": ("margin",),
}
# Spoken to by ccxt's unified methods alone; the key space is everything that ccxt lists of them.
GENERIC_VENUES = (
    *("bingx", "bitget", "blofin", "delta", "gate", "hitbtc"),
    *("krakenfutures", "kucoinfutures", "mudrex", "woo"),
)
GENERIC_SPACE = "swap"
# The hosts that can be named; which of them a venue has, the venue's adapter knows.
HOSTS = ("live", "demo", "testnet")

SPACE_NAMES = {("binance", "usdm"): "USD-M futures", ("binance", "coinm"): "COIN-M futures"}
"""The key spaces that one credential can see beside each other; each is an account of its own."""


INSTEAD = {"binance": "papi"}
"""The key space of an account of another kind: its credential sees that one and none of the others."""


def unread_spaces(accounts: Sequence[Account]) -> tuple[tuple[str, str, str], ...]:
    """Return what the accounts' credentials can see and no account reads: account, key space and its name.

    Told by the configuration alone: whether the credential has rights there, only the venue knows.
    """
    read = {(one.venue, one.credential, one.base_url, one.host, one.key_space) for one in accounts}
    found = []
    for one in accounts:
        if one.key_space == INSTEAD.get(one.venue):
            continue
        for (venue, space), name in SPACE_NAMES.items():
            place = (venue, one.credential, one.base_url, one.host, space)
            if venue == one.venue and place not in read:
                read.add(place)
                found.append((one.name, space, name))
    return tuple(found)


def key_spaces(venue: str) -> tuple[str, ...]:
    """Return the key spaces that an account of this venue can name; empty for one that is not supported."""
    return KEY_SPACES.get(venue) or ((GENERIC_SPACE,) if venue in GENERIC_VENUES else ())
