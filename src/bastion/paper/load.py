"""Load: a generated scenario with any number of positions over two venues, or over four."""

from collections.abc import Sequence

TWO_VENUES = ("binance", "bybit")
FOUR_VENUES = (*TWO_VENUES, "hyperliquid", "okx")
_SYMBOLS = 100
_KNOWN_BASES = ("BTC", "ETH", "SOL", "AVAX", "BNB", "XRP", "ADA", "LINK", "DOT", "LTC")


# Hyperliquid knows an account by its address, and who signs by the address of an agent.
_WALLET = "0xad7472b282504c15b3f184737973c72982d4aed2"
_AGENT = "0x7834e911c8e12dbfef611a3d8574e6c1331ecda1"


def load_scenario_document(positions: int, venues: Sequence[str] = TWO_VENUES) -> dict[str, object]:
    """Return the document of a scenario with `positions` positions, taking turns between the venues.

    Each venue lists 100 symbols (more where it needs them); longs and shorts take turns; books are deep
    enough to close every position at its mark price. Fees are those of the venues' first tier.
    """
    share, rest = divmod(positions, len(venues))
    counts = [share + (number < rest) for number in range(len(venues))]
    return {
        "name": f"{'load' if venues == TWO_VENUES else 'four'}-{positions}",
        "description": f"{positions} positions over {len(venues)} venues.",
        "venue": [_venue(name, count) for name, count in zip(venues, counts, strict=True)],
    }


def _venue(name: str, positions: int) -> dict[str, object]:
    symbols = max(_SYMBOLS, positions)
    return {
        "name": name,
        "instrument": [_instrument(name, number) for number in range(symbols)],
        "account": [
            {
                "name": "main",
                **_identity(name),
                "balances": {_settle(name): "10000000"},
                "position": [_position(name, number) for number in range(positions)],
            }
        ],
    }


def _identity(venue: str) -> dict[str, object]:
    if venue == "hyperliquid":
        return {"address": _WALLET, "api_key": _AGENT, "secret": "the venue knows no secret"}
    return {
        "api_key": f"paper-{venue}-key",
        "secret": f"paper-{venue}-secret",
        "passphrase": f"paper-{venue}-passphrase",
    }


def _settle(venue: str) -> str:
    return "USDC" if venue == "hyperliquid" else "USDT"


def _symbol(venue: str, number: int) -> str:
    forms = {"hyperliquid": "{}", "okx": "{}-USDT-SWAP"}
    return forms.get(venue, "{}USDT").format(_base(number))


def _base(number: int) -> str:
    return _KNOWN_BASES[number] if number < len(_KNOWN_BASES) else f"T{number:03d}"


def _mark(number: int) -> int:
    return 20 + number * 7


def _instrument(venue: str, number: int) -> dict[str, object]:
    return {
        "symbol": _symbol(venue, number),
        "base": _base(number),
        "quote": "USD" if venue == "hyperliquid" else "USDT",
        "settle": _settle(venue),
        "tick": "0.01",
        "step": "0.1",
        "quantity_min": "0.1",
        "quantity_max": "100000",
        "market_quantity_max": "20000",
        "mark": str(_mark(number)),
        "depth": {"bids": [[0, "100000"], [5, "100000"]], "asks": [[1, "100000"], [6, "100000"]]},
    }


def _position(venue: str, number: int) -> dict[str, object]:
    quantity = 10 + number % 13
    return {
        "symbol": _symbol(venue, number),
        "quantity": str(-quantity if number % 2 else quantity),
        "entry": str(_mark(number)),
    }
