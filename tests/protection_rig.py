"""A desk on the paper exchange's two ccxt wires, one world for both, judged by the exchange's true state."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bastion.app import PaperProcess, find_place, open_desk_on, open_paper_desk
from bastion.commands import Desk
from bastion.domain.account import Account
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.embedded import paper_credential
from tests.paper_process import PaperProcess as StandingPaper
from tests.venue_paper import instrument, key

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
READER = Principal(id="reader", surface="test", scope=Scope.READ)
VENUES = ("binance", "bybit")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
PLACING = {
    "binance": ("/fapi/v1/algoOrder",),
    "bybit": ("/v5/position/trading-stop", "/v5/order/create"),
}


def at(venue: str) -> Selection:
    return Selection(venues=frozenset({venue}))


def world(*, hedge: bool = False, permissions: Sequence[str] = ("read", "trade")) -> Mapping[str, object]:
    """Both venues with the same contracts (tick 0.1, step 0.001, at most 100 a market order) at 1000."""
    return {
        "name": "protection",
        "venue": [
            {
                "name": venue,
                "instrument": [instrument(symbol) for symbol in SYMBOLS],
                "account": [
                    {
                        "name": "main",
                        "key": [key(venue, permissions)],
                        "position_mode": "HEDGE" if hedge else "ONE_WAY",
                        "balances": {"USDT": "10000000"},
                    }
                ],
            }
            for venue in VENUES
        ],
    }


@dataclass
class ProtectionRig:
    """A desk and the paper exchange behind it; `venue` is the one that the test is about."""

    desk: Desk
    paper: PaperProcess
    folder: Path
    venue: str = "binance"

    @property
    def account(self) -> str:
        return f"paper-{self.venue}"

    async def load(self, *, hedge: bool = False, permissions: Sequence[str] = ("read", "trade")) -> None:
        await self.paper.control("DELETE", "/faults")
        await self.paper.control("POST", "/scenario", world(hedge=hedge, permissions=permissions))
        await self.paper.control("DELETE", "/requests")
        self.desk.readings.forget()

    async def hold(
        self,
        quantity: str,
        *,
        entry: str = "1000",
        side: str = "NET",
        symbol: str = "BTCUSDT",
        venue: str = "",
    ) -> None:
        body = {"venue": venue or self.venue, "symbol": symbol, "quantity": quantity, "entry": entry}
        await self.paper.control("POST", "/positions", {**body, "side": side})
        self.desk.readings.forget()

    async def rest(self, direction: str, quantity: str, *, symbol: str = "BTCUSDT", **more: object) -> None:
        body = {"venue": self.venue, "symbol": symbol, "direction": direction, "quantity": quantity, **more}
        await self.paper.control("POST", "/orders", body)
        self.desk.readings.forget()

    async def price(self, price: str, *, symbol: str = "BTCUSDT") -> None:
        await self.paper.control("POST", "/price", {"venue": self.venue, "symbol": symbol, "price": price})
        self.desk.readings.forget()

    async def depth(self, **shape: object) -> None:
        await self.paper.control("POST", "/depth", {"venue": self.venue, "symbol": "BTCUSDT", **shape})

    async def fault(self, kind: str, **more: object) -> None:
        await self.paper.control("POST", "/faults", {"kind": kind, "venue": self.venue, **more})

    async def truth(self, venue: str = "") -> dict[str, Any]:
        state = await self.paper.control("GET", "/state")
        assert isinstance(state, dict)
        found = state["venues"][venue or self.venue]["accounts"]["main"]
        assert isinstance(found, dict)
        return found

    async def held(self) -> dict[tuple[str, str], Decimal]:
        """What the account truly holds: signed sizes by symbol and side."""
        rows = (await self.truth())["positions"]
        return {(row["symbol"], row["side"]): Decimal(row["quantity"]) for row in rows}

    async def waiting(self, venue: str = "") -> list[tuple[Decimal, Decimal]]:
        """The trigger price and size of every order that truly waits for a trigger (size zero: the whole)."""
        orders = (await self.truth(venue))["open_orders"]
        return sorted(
            (Decimal(row["trigger_price"]), Decimal(row["quantity"]))
            for row in orders
            if row["trigger_price"]
        )

    async def triggers(self, venue: str = "") -> list[Decimal]:
        return [price for price, _ in await self.waiting(venue)]

    async def requests(self, path: str = "") -> list[dict[str, Any]]:
        answer = await self.paper.control("GET", f"/requests?path={path}")
        assert isinstance(answer, dict)
        return list(answer["requests"])


@asynccontextmanager
async def protection_desk(folder: Path) -> AsyncIterator[ProtectionRig]:
    """A desk on an exchange of its own."""
    place = find_place(config=None, environment={"BASTION_HOME": str(folder)})
    async with open_paper_desk(place, scenario="seed") as (desk, paper):
        yield ProtectionRig(desk=desk, paper=paper, folder=folder)


@asynccontextmanager
async def protection_desk_on(folder: Path, process: StandingPaper) -> AsyncIterator[ProtectionRig]:
    """A desk of its own on an exchange that others have used; its world is a new one."""
    paper = embedded(process)
    await paper.control("POST", "/scenario", world())
    place = find_place(config=None, environment={"BASTION_HOME": str(folder)})
    async with open_desk_on(place, paper) as desk:
        yield ProtectionRig(desk=desk, paper=paper, folder=folder)


def embedded(process: StandingPaper) -> PaperProcess:
    """A standing exchange as the desk knows its own: both ccxt wires and their keys."""
    accounts = tuple(
        Account(
            name=f"paper-{venue}",
            venue=venue,
            key_space=KEY_SPACE_DEFAULT[venue],
            credential=f"paper-{venue}",
            base_url=process.base_url(venue),
        )
        for venue in VENUES
    )
    return PaperProcess(
        accounts=accounts,
        credentials={account.name: paper_credential(account.venue) for account in accounts},
        control_url=f"http://127.0.0.1:{process.control.port}",
        control_token=process.control.token,
    )
