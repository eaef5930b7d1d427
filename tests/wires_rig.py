"""A desk on all four ccxt wires of one paper exchange, judged by the exchange's true state."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bastion.app import PaperProcess, find_place, open_paper_desk
from bastion.commands import Desk
from bastion.domain.principal import Principal, Scope
from bastion.embedded import paper_credential
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from tests.venue_paper import instrument, key, named, plainly, renamed

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
IN_FULL = pytest.mark.skipif(
    os.environ.get("BASTION_WIRES") != "all", reason="waits for real deadlines; `make wires` plays it"
)
WIRES = ("binance", "bybit", "hyperliquid", "okx")
DEEP = [[0, "1000"], [5, "5000"]]


def balances(venue: str, coins: Mapping[str, str]) -> dict[str, str]:
    return {"USDC": "10000000"} if venue == "hyperliquid" else {"USDT": "10000000", **coins}


def world(*, coins: Mapping[str, str] | None = None, **changes: object) -> Mapping[str, object]:
    """All four venues with one contract (tick 0.1, step 0.001) at 1000; `changes` are to the contract.

    `coins` are held beside the stablecoin where a venue can hold others.
    """
    return {
        "name": "wires",
        "venue": [
            {
                "name": venue,
                "instrument": [
                    renamed(
                        venue,
                        instrument("BTCUSDT", settle="USDC" if venue == "hyperliquid" else "USDT", **changes),
                    )
                ],
                "account": [
                    {
                        "name": "main",
                        "key": [key(venue, ("read", "trade"))],
                        "address": paper_credential(venue).get("walletAddress", ""),
                        "balances": balances(venue, coins or {}),
                    }
                ],
            }
            for venue in WIRES
        ],
    }


@dataclass
class WiresRig:
    """A desk and the paper exchange behind its four accounts."""

    desk: Desk
    paper: PaperProcess
    folder: Path

    async def load(self, *, coins: Mapping[str, str] | None = None, **changes: object) -> None:
        await self.paper.control("DELETE", "/faults")
        await self.paper.control("POST", "/scenario", world(coins=coins, **changes))
        await self.paper.control("DELETE", "/requests")
        self.desk.readings.forget()

    async def hold(self, quantity: str, *, entry: str = "1000", venues: tuple[str, ...] = WIRES) -> None:
        for venue in venues:
            body = {"venue": venue, "symbol": named(venue, "BTCUSDT"), "quantity": quantity, "entry": entry}
            await self.paper.control("POST", "/positions", {**body, "side": "NET"})
        self.desk.readings.forget()

    async def depth(
        self, *, bids: list[list[object]], asks: list[list[object]], venues: tuple[str, ...] = WIRES
    ) -> None:
        for venue in venues:
            body = {"venue": venue, "symbol": named(venue, "BTCUSDT"), "bids": bids, "asks": asks}
            await self.paper.control("POST", "/depth", body)

    async def fault(self, kind: str, venue: str, **more: object) -> None:
        await self.paper.control("POST", "/faults", {"kind": kind, "venue": venue, **more})

    async def truth(self, venue: str) -> dict[str, Any]:
        state = await self.paper.control("GET", "/state")
        assert isinstance(state, dict)
        found = state["venues"][venue]["accounts"]["main"]
        assert isinstance(found, dict)
        return found

    async def held(self) -> dict[str, Decimal]:
        """What each venue truly holds of the one contract, where it holds any."""
        found = {}
        for venue in WIRES:
            for row in (await self.truth(venue))["positions"]:
                assert plainly(row["symbol"]) == "BTCUSDT"
                found[venue] = Decimal(row["quantity"])
        return found

    async def requests(self, path: str, venue: str) -> list[dict[str, Any]]:
        answer = await self.paper.control("GET", f"/requests?venue={venue}&path={path}")
        assert isinstance(answer, dict)
        return list(answer["requests"])

    async def ours(self, venue: str) -> list[dict[str, Any]]:
        """Every order that the desk ever placed at a venue, as the venue keeps it."""
        rows = (await self.truth(venue))["orders"]
        return [row for row in rows if client_id_of(row["client_order_id"]).startswith("bst")]


@asynccontextmanager
async def wires_desk(folder: Path) -> AsyncIterator[WiresRig]:
    place = find_place(config=None, environment={"BASTION_HOME": str(folder)})
    async with open_paper_desk(place, scenario="four-4") as (desk, paper):
        yield WiresRig(desk=desk, paper=paper, folder=folder)
