"""A desk on all four ccxt venues of one paper exchange, judged by the exchange's true state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bastion.app import PaperProcess, find_place, open_paper_desk
from bastion.commands import Desk
from tests.venue_paper import named, plainly, renamed, scenario

FOUR = ("binance", "bybit", "hyperliquid", "okx")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass
class FourVenues:
    """The desk, and what a test does to the exchange behind it."""

    desk: Desk
    paper: PaperProcess
    worlds: int = 0

    async def load(self, *, hedge: bool = False, **account: object) -> None:
        """Start the world anew: the same contracts at 1000 on each venue, an account without positions."""
        await self.paper.control("DELETE", "/faults")
        rows: list[dict[str, object]] = []
        self.worlds += 1
        for venue in FOUR:
            world = scenario(venue, SYMBOLS, hedge=hedge, permissions=("read", "trade"), **account)["venue"]
            named_rows = renamed(venue, world)
            assert isinstance(named_rows, list)
            # A venue never gives an order id again, so the next world must not either.
            rows.extend({**row, "rules": {"first_order_id": self.worlds * 1_000}} for row in named_rows)
        await self.paper.control("POST", "/scenario", {"name": "four venues", "venue": rows})
        await self.paper.control("DELETE", "/requests")
        self.desk.readings.forget()

    async def hold(self, venue: str, symbol: str, quantity: str, *, entry: str = "1000") -> None:
        await self.tell("/positions", venue, symbol, quantity=quantity, entry=entry)

    async def tell(self, path: str, venue: str, symbol: str, **more: object) -> dict[str, Any]:
        """Steer the exchange by its control port, at one contract of one venue."""
        body = {"venue": venue, "symbol": named(venue, symbol), **more}
        answer = await self.paper.control("POST", path, body)
        self.desk.readings.forget()
        assert isinstance(answer, dict)
        return answer

    async def tried(self, venue: str, patterns: str) -> bool:
        """Whether a request by one of these patterns has come to the venue."""
        answer = await self.paper.control("GET", f"/requests?venue={venue}")
        assert isinstance(answer, dict)
        paths = [str(row["path"]) for row in answer["requests"] if row["method"] == "POST"]
        return any(fnmatchcase(path, pattern) for path in paths for pattern in patterns.split("|"))

    async def truth(self, venue: str) -> dict[str, Any]:
        state = await self.paper.control("GET", "/state")
        assert isinstance(state, dict)
        found = state["venues"][venue]["accounts"]["main"]
        assert isinstance(found, dict)
        return found

    async def held(self, venue: str) -> dict[str, Decimal]:
        rows = (await self.truth(venue))["positions"]
        return {plainly(row["symbol"]): Decimal(row["quantity"]) for row in rows}


@asynccontextmanager
async def four_venues(folder: Path) -> AsyncIterator[FourVenues]:
    place = find_place(config=None, environment={"BASTION_HOME": str(folder)})
    async with open_paper_desk(place, scenario="four-4") as (desk, paper):
        rig = FourVenues(desk=desk, paper=paper)
        await rig.load()
        yield rig
