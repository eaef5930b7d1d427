"""Loop: what a trader would use instead: ccxt, warm, one `create_order` a position, all gathered."""

import asyncio
import time
from typing import Any

from bastion.embedded import paper_credential
from bastion.venues.ccxt.door import exchange_class
from tests.benchmarks.exit.signing import IDS, moved
from tests.benchmarks.exit.stage import Stage


class CcxtLoop:
    """One unmodified ccxt client a venue, markets loaded; its throttle is off unless `throttled`."""

    def __init__(self, stage: Stage, *, throttled: bool = False) -> None:
        self._clients: dict[str, Any] = {}
        for venue in stage.papers:
            credential = paper_credential(venue)
            client = exchange_class(IDS[venue])({**credential, "enableRateLimit": throttled})
            client.urls["api"] = moved(client.urls["api"], stage.url(venue))
            client.has["fetchCurrencies"] = False
            # What a trader who knows ccxt primes, so that the first order asks nothing beside.
            client.options |= {
                "leverageBrackets": {},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
            }
            client.options["fetchMarkets"] = {"types": [TYPES[venue]]}
            self._clients[venue] = client

    async def warm(self) -> None:
        """Load the markets, and read once."""
        for client in self._clients.values():
            await client.load_markets()
            await client.fetch_positions()

    async def run(self) -> int:
        """Close everything; return when it began (monotonic nanoseconds)."""
        begun_ns = time.monotonic_ns()
        await asyncio.gather(*(self._close_all(client) for client in self._clients.values()))
        return begun_ns

    async def _close_all(self, client: Any) -> None:  # noqa: ANN401 - ccxt ships no types
        positions = [row for row in await client.fetch_positions() if row["contracts"]]
        await asyncio.gather(
            *(
                client.create_order(
                    row["symbol"],
                    "market",
                    "sell" if row["side"] == "long" else "buy",
                    row["contracts"],
                    None,
                    {"reduceOnly": True},
                )
                for row in positions
            )
        )

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()


TYPES = {"binance": "linear", "bybit": "linear", "okx": "swap", "hyperliquid": "swap"}
