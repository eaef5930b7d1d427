"""Cold loop: the script that a trader starts when there is no time: ccxt, one order after the other.

Reads a list of venues on standard input: `[{"id": ..., "credential": {...}, "base": ...}, ...]`.
"""

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import ccxt

KINDS = {"binanceusdm": "linear", "bybit": "linear", "okx": "swap", "hyperliquid": "swap"}


def moved(urls: dict[str, Any], base: str) -> dict[str, Any]:
    """Return a client's addresses, moved to another host."""
    return {
        name: moved(url, base) if isinstance(url, dict) else base + urlsplit(url).path
        for name, url in urls.items()
    }


def close_all(told: dict[str, Any]) -> None:
    """Close whatever one account holds, one order after the other."""
    client = getattr(ccxt, told["id"])(
        {**told["credential"], "options": {"fetchMarkets": {"types": [KINDS[told["id"]]]}}}
    )
    client.urls["api"] = moved(client.urls["api"], told["base"])
    client.has["fetchCurrencies"] = False
    for row in client.fetch_positions():
        if row["contracts"]:
            side = "sell" if row["side"] == "long" else "buy"
            client.create_order(row["symbol"], "market", side, row["contracts"], None, {"reduceOnly": True})


if __name__ == "__main__":
    for venue in json.load(sys.stdin):
        close_all(venue)
