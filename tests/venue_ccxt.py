"""Unmodified ccxt on a wire of the paper exchange, with the account that the adapters use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

from bastion.embedded import paper_credential
from tests.venue_paper import PaperRig


@asynccontextmanager
async def ccxt_client(rig: PaperRig) -> AsyncIterator[Any]:
    """Unmodified ccxt with the venue's base URL and the account's keys, without its throttle for speed."""
    name = {"binance": "binanceusdm"}.get(rig.name, rig.name)
    client = getattr(ccxt, name)({**paper_credential(rig.name), "enableRateLimit": False})
    urls = client.urls["api"]
    for key, url in list(urls.items()):
        if rig.name == "binance" and isinstance(url, str):
            for host in ("https://fapi.binance.com", "https://api.binance.com"):
                urls[key] = urls[key].replace(host, rig.account.base_url)
        elif rig.name != "okx" or key == "rest":
            urls[key] = rig.account.base_url if rig.name != "binance" else url
    try:
        yield client
    finally:
        await client.close()
