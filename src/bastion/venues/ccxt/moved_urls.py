"""Moved URLs: ccxt's URLs of a venue, behind the base URL of an account."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def moved(urls: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return the URLs with another scheme, host and prefix; each keeps its own path behind them."""
    found: dict[str, Any] = {}
    for name, url in urls.items():
        if isinstance(url, dict):
            found[name] = moved(url, base_url)
        elif isinstance(url, str):
            found[name] = base_url + urlsplit(url).path
    return found
