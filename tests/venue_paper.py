"""Adapters on the paper exchange: its own process, real sockets, the venues' rules, and its true state."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bastion.app import PaperProcess, start_paper
from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.money import Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import VenueError
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.bybit import BybitVenue

WAIT_S = 10.0


def instrument(symbol: str, **changes: object) -> dict[str, object]:
    return {
        "symbol": symbol,
        "base": symbol.removesuffix("USDT"),
        "tick": "0.1",
        "step": "0.001",
        "quantity_min": "0.001",
        "quantity_max": "1000",
        "market_quantity_max": "100",
        "mark": "1000",
        "depth": {"bids": [[0, "1000"], [5, "5000"]], "asks": [[0, "1000"], [5, "5000"]]},
        **changes,
    }


ORDER_PATHS = {"binance": "/fapi/v1/order", "bybit": "/v5/order/create"}


def key(venue: str, permissions: Sequence[str]) -> dict[str, object]:
    names = {"api_key": f"paper-{venue}-key", "secret": f"paper-{venue}-secret"}
    return {**names, "permissions": list(permissions)}


def scenario(
    venue: str,
    symbols: Sequence[str],
    *,
    hedge: bool = False,
    permissions: Sequence[str] = ("read", "trade"),
    **account: object,
) -> dict[str, object]:
    return {
        "name": "conformance",
        "venue": [
            {
                "name": venue,
                "instrument": [instrument(symbol) for symbol in symbols],
                "account": [
                    {
                        "name": "main",
                        "key": [key(venue, permissions)],
                        "position_mode": "HEDGE" if hedge else "ONE_WAY",
                        "balances": {"USDT": "10000000"},
                        **account,
                    }
                ],
            }
        ],
    }


@dataclass
class PaperRig:
    """One venue of a running paper exchange and the adapter on it."""

    paper: PaperProcess
    account: Account
    venue: BinanceVenue | BybitVenue
    catalog: Catalog

    @property
    def name(self) -> str:
        return self.account.venue

    async def load(self, document: Mapping[str, object]) -> None:
        await self.paper.control("POST", "/scenario", document)

    async def hold(self, symbol: str, quantity: str, *, entry: str = "1000", side: str = "NET") -> None:
        body = {"venue": self.name, "symbol": symbol, "quantity": quantity, "entry": entry, "side": side}
        await self.paper.control("POST", "/positions", body)

    async def rest(self, symbol: str, direction: str, quantity: str, **more: object) -> None:
        body = {"venue": self.name, "symbol": symbol, "direction": direction, "quantity": quantity, **more}
        await self.paper.control("POST", "/orders", body)

    async def fault(self, kind: str, **more: object) -> None:
        await self.paper.control("POST", "/faults", {"kind": kind, "venue": self.name, **more})

    @property
    def order_path(self) -> str:
        return ORDER_PATHS[self.name]

    async def fault_orders(self, kind: str, **more: object) -> None:
        await self.fault(kind, path=self.order_path, method="POST", **more)

    async def heal(self) -> None:
        await self.paper.control("DELETE", "/faults")

    async def forget_requests(self) -> None:
        await self.paper.control("DELETE", "/requests")

    async def truth(self) -> dict[str, Any]:
        state = await self.paper.control("GET", "/state")
        assert isinstance(state, dict)
        found = state["venues"][self.name]["accounts"]["main"]
        assert isinstance(found, dict)
        return found

    async def held(self) -> dict[tuple[str, str], Decimal]:
        """What the account truly holds: signed sizes by symbol and side."""
        rows = (await self.truth())["positions"]
        return {(row["symbol"], row["side"]): Decimal(row["quantity"]) for row in rows}

    async def requests(self, path: str) -> list[dict[str, Any]]:
        answer = await self.paper.control("GET", f"/requests?venue={self.name}&path={path}")
        assert isinstance(answer, dict)
        return list(answer["requests"])

    def with_credential(self, **fields: str) -> BinanceVenue | BybitVenue:
        given = {**self.paper.credentials[self.account.credential], **fields}
        venue = self.catalog.build(self.account, given)
        assert isinstance(venue, BinanceVenue | BybitVenue)
        return venue

    async def positions(self) -> tuple[Position, ...]:
        look = await self.venue.look(deadline_s=WAIT_S)
        assert look.unread == ()
        return look.positions

    async def close_all(
        self, positions: Sequence[Position], *, kind: OrderKind = OrderKind.MARKET, deadline_s: float = 30
    ) -> list[OrderState | VenueError]:
        """Close as the executor does: every position at once, answers in their order."""
        answers: dict[int, OrderState | VenueError] = {}
        async with asyncio.TaskGroup() as group:
            for number, position in enumerate(positions):
                group.create_task(self._close(number, position, kind, deadline_s, answers))
        return [answers[number] for number in range(len(positions))]

    async def _close(
        self,
        number: int,
        position: Position,
        kind: OrderKind,
        deadline_s: float,
        answers: dict[int, OrderState | VenueError],
    ) -> None:
        try:
            answers[number] = await self.venue.place(
                close_of(position, number=number, kind=kind), deadline_s=deadline_s
            )
        except VenueError as error:
            answers[number] = error


def close_of(
    position: Position, *, number: int = 0, kind: OrderKind = OrderKind.MARKET, quantity: str | None = None
) -> OrderRequest:
    return OrderRequest(
        client_order_id=f"bst{number:021d}",
        position=position,
        quantity=position.quantity if quantity is None else Quantity(Decimal(quantity)),
        kind=kind,
    )


@asynccontextmanager
async def paper_process() -> AsyncIterator[PaperProcess]:
    async with start_paper("seed") as paper:
        yield paper


@asynccontextmanager
async def paper_rig(paper: PaperProcess, venue: str) -> AsyncIterator[PaperRig]:
    account = next(account for account in paper.accounts if account.venue == venue)
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    adapter = catalog.build(account, paper.credentials[account.credential])
    assert isinstance(adapter, BinanceVenue | BybitVenue)
    try:
        yield PaperRig(paper=paper, account=account, venue=adapter, catalog=catalog)
    finally:
        await adapter.close()
