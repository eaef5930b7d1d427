"""Load: a generated scenario with any number of positions over two venues."""

_VENUES = ("binance", "bybit")
_SYMBOLS = 100
_KNOWN_BASES = ("BTC", "ETH", "SOL", "AVAX", "BNB", "XRP", "ADA", "LINK", "DOT", "LTC")


def load_scenario_document(positions: int) -> dict[str, object]:
    """Return the document of a scenario with `positions` positions, taking turns between the venues.

    Each venue lists 100 symbols (more where it needs them); longs and shorts take turns; books are deep
    enough to close every position at its mark price. Fees are those of the venues' first tier.
    """
    counts = [positions - positions // 2, positions // 2]
    return {
        "name": f"load-{positions}",
        "description": f"{positions} positions over {len(_VENUES)} venues.",
        "venue": [_venue(name, count) for name, count in zip(_VENUES, counts, strict=True)],
    }


def _venue(name: str, positions: int) -> dict[str, object]:
    symbols = max(_SYMBOLS, positions)
    return {
        "name": name,
        "instrument": [_instrument(number) for number in range(symbols)],
        "account": [
            {
                "name": "main",
                "api_key": f"paper-{name}-key",
                "secret": f"paper-{name}-secret",
                "balances": {"USDT": "10000000"},
                "position": [_position(number) for number in range(positions)],
            }
        ],
    }


def _base(number: int) -> str:
    return _KNOWN_BASES[number] if number < len(_KNOWN_BASES) else f"T{number:03d}"


def _mark(number: int) -> int:
    return 20 + number * 7


def _instrument(number: int) -> dict[str, object]:
    return {
        "symbol": f"{_base(number)}USDT",
        "base": _base(number),
        "tick": "0.01",
        "step": "0.1",
        "quantity_min": "0.1",
        "quantity_max": "100000",
        "market_quantity_max": "20000",
        "mark": str(_mark(number)),
        "depth": {"bids": [[0, "100000"], [5, "100000"]], "asks": [[1, "100000"], [6, "100000"]]},
    }


def _position(number: int) -> dict[str, object]:
    quantity = 10 + number % 13
    return {
        "symbol": f"{_base(number)}USDT",
        "quantity": str(-quantity if number % 2 else quantity),
        "entry": str(_mark(number)),
    }
