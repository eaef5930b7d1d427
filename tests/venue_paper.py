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
from bastion.domain.look import Look
from bastion.domain.money import Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.embedded import paper_credential
from bastion.errors import VenueError
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.binance_papi import BinancePortfolioVenue
from bastion.venues.ccxt.bybit import BybitVenue
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.ccxt.hyperliquid_signing import Signer
from bastion.venues.ccxt.okx import OkxVenue

WAIT_S = 10.0

PaperVenue = BinanceVenue | BinancePortfolioVenue | BybitVenue | HyperliquidVenue | OkxVenue


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


PAPI = "papi"
"""Binance's Portfolio Margin: the same venue and contracts, asked at pages of its own."""
ORDER_PATHS = {
    PAPI: "/papi/v1/um/order",
    "binance": "/fapi/v1/order",
    "bybit": "/v5/order/create",
    "hyperliquid": "/exchange/order",
    "okx": "/api/v5/trade/order",
}
SETTLE = {"hyperliquid": "USDC"}


def named(venue: str, symbol: str) -> str:
    """The venue's own name of a contract that the tests call BTCUSDT."""
    return f"{symbol.removesuffix('USDT')}-USDT-SWAP" if venue == "okx" else symbol


def plainly(instrument_id: str) -> str:
    """What the tests call a contract that the venue names so."""
    return instrument_id.removesuffix("-SWAP").replace("-", "")


def renamed(venue: str, document: object) -> object:
    """A scenario, its contracts by the venue's own names."""
    if isinstance(document, Mapping):
        return {
            name: named(venue, str(value)) if name == "symbol" else renamed(venue, value)
            for name, value in document.items()
        }
    return [renamed(venue, item) for item in document] if isinstance(document, list) else document


def key(venue: str, permissions: Sequence[str]) -> dict[str, object]:
    given = paper_credential(venue)
    if venue == "hyperliquid":
        names = {"api_key": Signer(given["privateKey"]).address, "secret": "the venue knows no secret"}
    else:
        names = {"api_key": given["apiKey"], "secret": given["secret"]}
    return {**names, "permissions": list(permissions)}


def seeded(kind: str) -> dict[str, object]:
    """A scenario with two positions: the shipped one, where it has the venue."""
    if kind in {"binance", "bybit"}:
        return {"name": "seed"}
    venue = "binance" if kind == PAPI else kind
    rows = [{"symbol": symbol, "quantity": "0.5", "entry": "1000"} for symbol in ("BTCUSDT", "ETHUSDT")]
    return scenario(venue, ["BTCUSDT", "ETHUSDT"], position=rows)


def scenario(
    venue: str,
    symbols: Sequence[str],
    *,
    hedge: bool = False,
    permissions: Sequence[str] = ("read", "trade"),
    **account: object,
) -> dict[str, object]:
    settle = SETTLE.get(venue, "USDT")
    return {
        "name": "conformance",
        "venue": [
            {
                "name": venue,
                "instrument": [instrument(symbol, settle=settle) for symbol in symbols],
                "account": [
                    {
                        "name": "main",
                        "key": [key(venue, permissions)],
                        "address": paper_credential(venue).get("walletAddress", ""),
                        "position_mode": "HEDGE" if hedge else "ONE_WAY",
                        "balances": {settle: "10000000"},
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
    venue: PaperVenue
    catalog: Catalog

    @property
    def name(self) -> str:
        return self.account.venue

    @property
    def kind(self) -> str:
        """The venue's name, or that of its key space where that has pages of its own."""
        return PAPI if self.account.key_space == PAPI else self.name

    async def load(self, document: Mapping[str, object]) -> None:
        body = {name: renamed(self.name, value) for name, value in document.items()}
        venues = body.get("venue")
        if self.kind == PAPI and isinstance(venues, list):
            body["venue"] = [{**one, "settings": {"portfolio_margin": 1}} for one in venues]
        await self.paper.control("POST", "/scenario", body)

    async def hold(self, symbol: str, quantity: str, *, entry: str = "1000", side: str = "NET") -> None:
        name = named(self.name, symbol)
        body = {"venue": self.name, "symbol": name, "quantity": quantity, "entry": entry, "side": side}
        await self.paper.control("POST", "/positions", body)

    async def rest(self, symbol: str, direction: str, quantity: str, **more: object) -> None:
        name = named(self.name, symbol)
        body = {"venue": self.name, "symbol": name, "direction": direction, "quantity": quantity, **more}
        await self.paper.control("POST", "/orders", body)

    async def fault(self, kind: str, **more: object) -> None:
        await self.paper.control("POST", "/faults", {"kind": kind, "venue": self.name, **more})

    @property
    def order_path(self) -> str:
        return ORDER_PATHS[self.kind]

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
        return {(plainly(row["symbol"]), row["side"]): Decimal(row["quantity"]) for row in rows}

    @staticmethod
    def is_ours(client_order_id: str) -> bool:
        """Whether the venue's client id is one that the desk made."""
        return client_id_of(client_order_id).startswith("bst")

    async def requests(self, path: str) -> list[dict[str, Any]]:
        answer = await self.paper.control("GET", f"/requests?venue={self.name}&path={path}")
        assert isinstance(answer, dict)
        return list(answer["requests"])

    def with_credential(self, **fields: str) -> PaperVenue:
        given = {**paper_credential(self.name), **fields}
        venue = self.catalog.build(self.account, given)
        assert isinstance(venue, PaperVenue)
        return venue

    async def positions(self) -> tuple[Position, ...]:
        look = await self.venue.look(deadline_s=WAIT_S)
        # Order lists can be spared while positions are open; the positions never are.
        assert [unread for unread in look.unread if unread.part.startswith("positions")] == []
        return look.positions

    async def whole_look(self) -> Look:
        """A look that misses nothing; a venue may be asked for its lists only so often."""
        async with asyncio.timeout(WAIT_S):
            while not (look := await self.venue.look(deadline_s=WAIT_S)).complete:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
        return look

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


def account_at(paper: PaperProcess, kind: str) -> Account:
    """The account of any venue, also of one that the scenario of the start does not have."""
    venue = "binance" if kind == PAPI else kind
    base = str(paper.accounts[0].base_url).rpartition("/")[0]
    return Account(
        name=f"paper-{venue}",
        venue=venue,
        key_space=PAPI if kind == PAPI else KEY_SPACE_DEFAULT[venue],
        credential=f"paper-{venue}",
        base_url=f"{base}/{venue}",
    )


@asynccontextmanager
async def paper_rig(paper: PaperProcess, kind: str) -> AsyncIterator[PaperRig]:
    account = account_at(paper, kind)
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    adapter = catalog.build(account, paper_credential(account.venue))
    assert isinstance(adapter, PaperVenue)
    try:
        yield PaperRig(paper=paper, account=account, venue=adapter, catalog=catalog)
    finally:
        await adapter.close()


async def prepared(paper: PaperProcess, kind: str) -> AsyncIterator[PaperRig]:
    """A rig with two positions, without faults, and with an empty log: the body of a fixture."""
    async with paper_rig(paper, kind) as one:
        await one.heal()
        await one.load(seeded(kind))
        await one.forget_requests()
        yield one
