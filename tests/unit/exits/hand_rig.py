"""Rig for a hand at work in virtual time: real parts, one journal each, and an account that is scripted.

The account does what it is told (closes what is asked for, lists what it holds), every call takes `TOOK_S`,
and it keeps what it was asked and when.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bastion.domain.account import Access
from bastion.domain.account import Account as Named
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, Unread
from bastion.domain.mandate import ExitKind
from bastion.domain.money import Price, Quantity
from bastion.domain.order import (
    CancelAnswer,
    Direction,
    Fill,
    OpenOrder,
    OrderRequest,
    OrderState,
    OrderStatus,
)
from bastion.domain.position import Position, Side
from bastion.domain.records import Entry, ExitRequested, LegJudged, Record
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.verdict import Verdict
from bastion.errors import VenueUnreachable
from bastion.exits.course import Course
from bastion.exits.hand import Hand
from bastion.exits.part import Part
from bastion.exits.progress import progress
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.ports import Journal
from bastion.storage.memory import MemoryJournal
from tests.simulation.exits.virtual_time import VirtualClock, run
from tests.unit.exits.parts import ACCOUNT, fill

TOOK_S = 0.01
SETTINGS = ExitSettings()
Fate = Callable[[OrderRequest], Awaitable[OrderState]]


class Scripted:
    """One account at a venue; a test changes what it holds and how it answers."""

    link = "https://venue.example/positions"

    def __init__(self, clock: VirtualClock, *held: Position, orders: Sequence[OpenOrder] = ()) -> None:
        self.clock = clock
        self.began_s = clock.seconds
        self.held = {position.key: position for position in held}
        self.orders = list(orders)
        self.executed: list[Fill] = []
        self.states: dict[str, OrderState] = {}
        self.calls: list[tuple[int, str]] = []
        self.requests: list[OrderRequest] = []
        self.deadlines: list[tuple[str, float]] = []
        self.fates: list[Fate] = []
        self.unread: dict[int, tuple[str, ...]] = {}
        self.shows: dict[int, Sequence[Position]] = {}
        self.tells_executions = self.tells_second = True
        self.contracts: Mapping[tuple[str, str], Instrument] | None = {}
        self.looks = 0
        self.executions_s = TOOK_S

    @property
    def account(self) -> Named:
        return Named(name="main", venue="binance", key_space="usdm", credential="none")

    def times(self, what: str) -> list[int]:
        """Return when, in ms since the beginning, something was asked."""
        return [at for at, name in self.calls if name == what]

    def _called(self, what: str, deadline_s: float) -> None:
        self.deadlines.append((what, deadline_s))
        self.calls.append((round((self.clock.seconds - self.began_s) * 1000), what))

    async def open(self, *, deadline_s: float) -> None:
        self._called("open", deadline_s)

    async def close(self) -> None:
        self._called("close", 0)

    async def access(self, *, deadline_s: float) -> Access:
        # The hand never asks for it: only `connect` and `doctor` do.
        self._called("access", deadline_s)
        raise AssertionError("the hand asked what its key may do")

    async def look(self, *, deadline_s: float) -> Look:
        self._called("look", deadline_s)
        return await self.picture(("positions", "orders"))

    async def picture(self, parts: Sequence[str], *, unsent: bool = False) -> Look:
        """Return what is held and rests now, of those parts that can be read."""
        self.looks += 1
        begun_ns = self.clock.monotonic_ns()
        missing = self.unread.get(self.looks, self.unread.get(0, ()))
        held = self.shows.get(self.looks, tuple(self.held.values()))
        orders = tuple(self.orders)
        await self.clock.sleep(TOOK_S)
        parts = [part for part in parts if part not in missing]
        return Look(
            begun_ns=begun_ns,
            ended_ns=self.clock.monotonic_ns(),
            positions=tuple(held) if "positions" in parts else (),
            orders=orders if "orders" in parts else (),
            parts=tuple(parts),
            unread=tuple(
                Unread(part=part, reason="no answer", unsent=unsent)
                for part in ("positions", "orders")
                if part not in parts
            ),
            venue_time_ms=self.clock.now_ns() // 1_000_000,
        )

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        self._called("instruments", deadline_s)
        if self.contracts is None:
            raise VenueUnreachable("no contracts")
        return self.contracts

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        self._called(f"place {request.position.instrument}", deadline_s)
        self.requests.append(request)
        fate = self.fates.pop(0) if self.fates else self.executes
        return await fate(request)

    async def executes(self, request: OrderRequest) -> OrderState:
        """Close what the order asks for."""
        await self.clock.sleep(TOOK_S)
        return self.take(request)

    def take(self, request: OrderRequest) -> OrderState:
        """Close it now, and say so."""
        position = self.held.pop(request.position.key, None)
        quantity = min(request.quantity, position.quantity) if position is not None else Decimal(0)
        if position is not None and quantity < position.quantity:
            self.held[position.key] = replace(position, quantity=Quantity(position.quantity - quantity))
        cid = request.client_order_id
        if quantity:
            self.executed.append(
                replace(
                    fill(str(quantity), cid=cid, name=f"f{len(self.executed)}"),
                    instrument=request.position.instrument,
                    direction=Direction.SELL if request.position.side is Side.LONG else Direction.BUY,
                    at_ms=self.clock.now_ns() // 1_000_000,
                )
            )
        state = OrderState(
            client_order_id=cid,
            order_id=f"o-{cid}",
            status=OrderStatus.FILLED if quantity == request.quantity else OrderStatus.CANCELED,
            filled=Quantity(quantity),
            average_price=Price(Decimal(100)),
        )
        self.states[cid] = state
        return state

    def rests(self, request: OrderRequest) -> OrderState:
        """Take an order to the book, where nobody wants it."""
        cid = request.client_order_id
        state = OrderState(
            client_order_id=cid,
            order_id=f"o-{cid}",
            status=OrderStatus.ACCEPTED,
            filled=Quantity(Decimal(0)),
            average_price=None,
        )
        self.states[cid] = state
        return state

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        self._called("order", deadline_s)
        await self.clock.sleep(TOOK_S)
        return self.states.get(request.client_order_id)

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        return await self._gone("cancel", orders, deadline_s)

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        return await self._gone("sweep", look.orders, deadline_s)

    async def _gone(
        self, what: str, orders: Sequence[OpenOrder], deadline_s: float
    ) -> tuple[CancelAnswer, ...]:
        self._called(f"{what} {' '.join(order.order_id for order in orders)}", deadline_s)
        await self.clock.sleep(TOOK_S)
        names = {order.order_id for order in orders}
        self.orders = [order for order in self.orders if order.order_id not in names]
        for cid, state in self.states.items():
            if state.order_id in names and not state.ended:
                self.states[cid] = replace(state, status=OrderStatus.CANCELED)
        return tuple(CancelAnswer(order=order, gone=True) for order in orders)

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        self._called("fills", deadline_s)
        await self.clock.sleep(self.executions_s)
        if not self.tells_executions:
            raise VenueUnreachable("no executions")
        names = {position.instrument for position in positions}
        return tuple(one for one in self.executed if one.instrument in names and one.at_ms >= since_ms)

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        self._called("second", deadline_s)
        await self.clock.sleep(TOOK_S)
        if not self.tells_second:
            raise VenueUnreachable("no second source")
        held = self.held.get(position.key)
        return Decimal(held.quantity) if held is not None else Decimal(0)


def part_of(
    clock: VirtualClock,
    *,
    exit_id: str = "xtest",
    kind: ExitKind = ExitKind.EXIT,
    selection: Selection = EVERYTHING,
    deadline_s: str = "60",
    hold_s: str = "0",
    settings: ExitSettings = SETTINGS,
    journal: Journal | None = None,
) -> Part:
    """Return one exit's part on the account, as the executor makes it."""
    request = ExitRequested(
        exit_id=exit_id,
        accounts=(ACCOUNT,),
        principal="owner",
        surface="test",
        deadline_s=Decimal(deadline_s),
        hold_s=Decimal(hold_s),
        monotonic_ns=clock.monotonic_ns(),
        kind=kind,
        selection=selection,
    )
    entry = Entry(seq=1, at_ns=clock.now_ns(), exit_id=exit_id, record=request, previous="", hash="")
    state = progress((entry,))
    assert state is not None
    recorder = Recorder(journal=journal or MemoryJournal(clock=clock), settings=settings, observe=None)
    course = Course(state=state, clock=clock, settings=settings, recorder=recorder)
    return Part(
        leg=state.legs["main"], course=course, clock=clock, settings=settings, recorder=recorder, history=()
    )


def worked(
    clock: VirtualClock,
    venue: Any,  # noqa: ANN401 - what of a venue's further protocols it has is the test's
    *parts: Part,
    settings: ExitSettings = SETTINGS,
    seen: Look | None = None,
    joins: Sequence[tuple[float, Callable[[], Part]]] = (),
    beside: Callable[[Hand], Awaitable[None]] | None = None,
) -> Hand:
    """Let a hand work until it is over for all parts; `joins` come later, `beside` runs beside it."""

    async def main() -> Hand:
        hand = Hand(venue=venue, part=parts[0], clock=clock, settings=settings, seen=seen)
        async with asyncio.TaskGroup() as group:
            hand.task = group.create_task(hand.run())
            every = list(parts)
            for one in parts:
                group.create_task(one.recorder.run())
            for one in parts[1:]:
                hand.join(one)
            other = group.create_task(_beside(beside, hand))
            for after_s, make in joins:
                await clock.sleep(after_s)
                one = make()
                every.append(one)
                group.create_task(one.recorder.run())
                hand.join(one)
            await asyncio.wait([hand.task])
            other.cancel()
            for one in every:
                one.recorder.close()
        return hand

    return run(clock, main())


async def _beside(beside: Callable[[Hand], Awaitable[None]] | None, hand: Hand) -> None:
    if beside is not None:
        await beside(hand)


def verdicts(part: Part) -> list[tuple[int, Verdict]]:
    """Return a part's verdicts, with when they came, in ms since the beginning."""
    return [(ms(at_ns), record.verdict) for at_ns, record in part.records if isinstance(record, LegJudged)]


def told(part: Part, kind: type[Record]) -> list[Any]:
    """Return a part's records of one kind."""
    return [record for _, record in part.records if isinstance(record, kind)]


def ms(at_ns: int) -> int:
    """Return the ms since the beginning of a UTC time."""
    return round((at_ns - 1_760_000_000_000_000_000) / 1e6) - 100_000
