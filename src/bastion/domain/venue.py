"""Venue: the names by which an account can say where it is."""

# The key space of an account that names none: where the venue's perpetuals are settled in stablecoins.
KEY_SPACE_DEFAULT = {
    "binance": "usdm",
    "bybit": "unified",
    "hyperliquid": "perps",
    "okx": "trading",
    "strike": "margin",
}
KEY_SPACES = {
    "binance": ("usdm",),
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


def key_spaces(venue: str) -> tuple[str, ...]:
    """Return the key spaces that an account of this venue can name; empty for one that is not supported."""
    return KEY_SPACES.get(venue) or ((GENERIC_SPACE,) if venue in GENERIC_VENUES else ())
