"""A venue that lies, lags, drops, duplicates, rejects, executes late, dies and heals."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from random import Random

from bastion.domain.account import Access, Account
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, Unread
from bastion.domain.money import Quantity
from bastion.domain.order import CancelAnswer, Fill, OpenOrder, OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from tests.simulation.exits.cells import Phase
from tests.simulation.exits.market import CATEGORY, Market
from tests.simulation.exits.other_page import doubts
from tests.simulation.exits.whereabouts import Whereabouts
from tests.simulation.exits.world import FAULT_OF

FAULTS_MAX = 12
"""So often a rejection strikes one venue at most, besides ending when the venue heals."""


class LyingVenue:
    """One account of the simulated world."""

    def __init__(self, market: Market, *, watch: Callable[[str, object], None]) -> None:
        self.market = market
        self.plan = market.plan
        self.rng = Random(f"venue {market.plan.name} {market.rng.random()}")
        self.calls = 0
        self._watch = watch
        self._lied_empty = False
        self._struck: dict[str, int] = {}
        self.whereabouts = Whereabouts(
            venue=self.plan.style,
            mode="hedged" if self.plan.hedged else "one-way",
        )
        market.whereabouts = self.whereabouts
        self._account = Account(
            name=self.plan.name, venue=f"venue-{self.plan.name}", key_space="usdm", credential="none"
        )

    @property
    def account(self) -> Account:
        return self._account

    @property
    def link(self) -> str:
        return f"https://{self.plan.name}.example/positions"

    async def open(self, *, deadline_s: float) -> None:
        await self._travel(deadline_s)

    async def close(self) -> None:
        return None

    async def access(self, *, deadline_s: float) -> Access:
        await self._travel(deadline_s)
        return Access(can_read=True, can_trade=not self.plan.terminal)

    async def look(self, *, deadline_s: float) -> Look:
        phase = self.whereabouts.looking
        self.whereabouts.enter(phase)
        try:
            look = await self._look(phase, deadline_s)
        finally:
            self.whereabouts.leave(phase)
        self.whereabouts.saw(look)
        return look

    async def _look(self, phase: Phase, deadline_s: float) -> Look:
        begun_ns, sent_ms = self.market.clock.monotonic_ns(), self.market.venue_ms()
        try:
            await self._travel(deadline_s, phase, half=True)
            sound = self.plan.lies_late and phase is not Phase.HOLD
            self._surprise(0 if sound else self.plan.read_surprises, phase)
            if not sound and self._strikes(self.plan.hangs):
                self.whereabouts.struck("hangs", phase)
                await asyncio.sleep(deadline_s)
                raise VenueUnreachable("no answer")
            positions, orders = self._positions(phase), self._orders(phase)
            unread = () if sound else self._unread(phase)
            against = doubts(self.market, positions)
            await self._travel(deadline_s, phase, half=True)
            if self._lie(phase) == "torn" and self.market.sick:
                self.whereabouts.struck("torn", phase)
                orders = self._orders(phase)
        except VenueError as error:
            terminal = isinstance(error, VenueRejected) and error.fault is Fault.TERMINAL
            everything = tuple(
                Unread(part=part, reason=str(error), terminal=terminal) for part in ("positions", "orders")
            )
            return Look(
                begun_ns=begun_ns,
                ended_ns=self.market.clock.monotonic_ns(),
                positions=(),
                orders=(),
                parts=(),
                unread=everything,
            )
        missing, odd = ({part.part for part in found} for found in (unread, unread or against))
        look = Look(
            begun_ns=begun_ns,
            ended_ns=self.market.clock.monotonic_ns(),
            positions=() if "positions" in missing else positions,
            orders=() if "orders" in missing else orders,
            parts=tuple(part for part in ("positions", "orders") if part not in odd),
            unread=unread or against,
            venue_time_ms=sent_ms if self.plan.dates_looks else None,
        )
        self._watch("look", look)
        return look

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        await self._travel(deadline_s)
        if not self.plan.instruments_known:
            raise VenueUnreachable("no instruments")
        names = {key[0] for key in self.market.holdings} | {o.instrument for o in self.market.orders.values()}
        return {
            (CATEGORY, name): Instrument(
                id=name,
                category=CATEGORY,
                symbol=name,
                base=name[:-4],
                settle="USDT",
                quantity_step=Decimal("0.01"),
                quantity_min=Quantity(self.plan.minimum),
                market_quantity_max=Quantity(self.plan.maximum),
                price_tick=Decimal("0.1"),
            )
            for name in sorted(names)
        }

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        self._watch("place", request)
        if self.market.first_order_s is None:
            self.market.first_order_s = self.market.clock.seconds
        self.whereabouts.enter(Phase.ORDERS)
        try:
            return await self._place(request, deadline_s)
        finally:
            self.whereabouts.leave(Phase.ORDERS)

    async def _place(self, request: OrderRequest, deadline_s: float) -> OrderState:  # noqa: C901 - one fate after the other
        trouble = self._trouble(request)
        if trouble == "surprise_before":
            raise RuntimeError("nobody planned for this")
        if trouble == "timeout_before":
            await asyncio.sleep(deadline_s)
            raise OutcomeUnknown("no answer")
        if trouble == "late":
            delay = self.rng.uniform(0.2, 6.0)
            self.market.later(delay, lambda: self._execute_quietly(request))
            raise OutcomeUnknown("connection reset")
        try:
            await self._travel(deadline_s, Phase.ORDERS, half=True)
        except VenueUnreachable:
            raise OutcomeUnknown("no answer") from None
        except asyncio.CancelledError:
            if self.plan.outlives and self.market.sick:
                # The process is gone, but what it sent is on the wire.
                self.whereabouts.struck("outlives", Phase.ORDERS)
                self.market.later(self.rng.uniform(0.01, 2.0), lambda: self._execute_quietly(request))
            raise
        self.market.check_trading(request)
        if trouble == "unreachable":
            raise VenueUnreachable("connection refused")
        if trouble in FAULT_OF:
            wait_s = self.rng.choice((None, 0.5, 2.0)) if trouble == "rate_limit" else None
            if wait_s is not None:
                self._watch("limited", self.market.clock.seconds + wait_s)
            raise VenueRejected(trouble, fault=FAULT_OF[trouble], code=trouble, retry_after_s=wait_s)
        if trouble == "resolve_not_executed":
            raise VenueRejected("unknown error", fault=Fault.RESOLVE)
        if trouble == "ghost_fill":
            return self.market.pretend(request)
        state = self.market.execute(request)
        return await self._after(trouble, request, state, deadline_s)

    async def _after(
        self, trouble: str, request: OrderRequest, state: OrderState, deadline_s: float
    ) -> OrderState:
        if trouble == "resolve_executed":
            raise VenueRejected("unknown error", fault=Fault.RESOLVE)
        if trouble == "delivered_twice":
            self._execute_quietly(request)
        if trouble == "timeout_after":
            await asyncio.sleep(deadline_s)
            raise OutcomeUnknown("no answer")
        if trouble == "surprise_after":
            raise RuntimeError("nobody planned for this")
        if trouble == "reset_after":
            raise OutcomeUnknown("connection reset")
        try:
            await self._travel(deadline_s, Phase.ORDERS, half=True)
        except (VenueUnreachable, VenueRejected):
            raise OutcomeUnknown("no answer") from None
        self._watch("acknowledged", state)
        return state

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        with self._asking():
            await self._travel(deadline_s, Phase.EVIDENCE)
            if self._strikes(self.plan.lookup_fails):
                self.whereabouts.struck("lookup_fails", Phase.EVIDENCE)
                raise VenueUnreachable("no order service")
            since_s = self.market.taken_s.get(request.client_order_id, 0.0)
            lag_s = self.plan.lag_s if self.plan.lie == "lookup_lag" and self.market.sick else 0.0
            if since_s > self.market.clock.seconds - lag_s:
                self.whereabouts.struck("lookup_lag", Phase.EVIDENCE)
                return None
            return self.market.states.get(request.client_order_id)

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        self._watch("cancel", tuple(orders))
        self.whereabouts.enter(Phase.CANCELS)
        try:
            return await self._cancel(orders, deadline_s)
        finally:
            self.whereabouts.leave(Phase.CANCELS)

    async def _cancel(self, orders: Sequence[OpenOrder], deadline_s: float) -> tuple[CancelAnswer, ...]:
        try:
            await self._travel(deadline_s, Phase.CANCELS, half=True)
        except VenueError as error:
            return _unheard(orders, error)
        answers = []
        for order in orders:
            if self.plan.terminal and (self.plan.terminal_for_good or self.market.sick):
                answers.append(CancelAnswer(order=order, gone=False, code="-2015"))
                continue
            if self._strikes(self.plan.cancel_late):
                self.whereabouts.struck("cancel_late", Phase.CANCELS)
                self.market.later(self.rng.uniform(0.1, 2.0), partial(self.market.cancel, order))
                answers.append(CancelAnswer(order=order, gone=True))
                continue
            fails = self._strikes(self.plan.cancel_fails)
            if fails:
                self.whereabouts.struck("cancel_fails", Phase.CANCELS)
            if not fails or self.rng.random() < 0.5:
                self.market.cancel(order)
            answers.append(CancelAnswer(order=order, gone=not fails))
        try:
            await self._travel(deadline_s, Phase.CANCELS, half=True)
        except VenueError as error:
            return _unheard(orders, error)
        return tuple(answers)

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        with self._asking():
            await self._travel(deadline_s, Phase.EVIDENCE, half=True)
            if self._strikes(self.plan.fills_fail):
                self.whereabouts.struck("fills_fail", Phase.EVIDENCE)
                raise VenueUnreachable("no fills")
            found = self._fills({position.instrument for position in positions}, since_ms)
            await self._travel(deadline_s, Phase.EVIDENCE, half=True)
            return found

    def _fills(self, names: set[str], since_ms: int) -> tuple[Fill, ...]:
        last_ms = self.market.venue_ms()
        every = [fill for fill in self.market.fills if fill.instrument in names and since_ms <= fill.at_ms]
        if self.plan.lie == "fills_lag":
            last_ms -= round(self.plan.lag_s * 1000)
        found = tuple(fill for fill in every if fill.at_ms <= last_ms)
        if len(found) < len(every):
            self.whereabouts.struck("fills_lag", Phase.EVIDENCE)
        if self.plan.lie == "fills_missing" and self.market.sick:
            if len(found) > 1:
                self.whereabouts.struck("fills_missing", Phase.EVIDENCE)
            found = found[::2]
        if found and self._strikes(self.plan.fills_twice):
            self.whereabouts.struck("fills_twice", Phase.EVIDENCE)
            found = (*found, *found)
        return found

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        with self._asking():
            await self._travel(deadline_s, Phase.EVIDENCE, half=True)
            if self._strikes(self.plan.second_fails):
                self.whereabouts.struck("second_fails", Phase.EVIDENCE)
                raise VenueUnreachable("no second source")
            key = (position.instrument, position.side.value if self.plan.hedged else "")
            held, sign = self.market.holdings.get(key), 1 if position.side.value == "LONG" else -1
            size = held.signed * sign if held is not None else Decimal(0)
            await self._travel(deadline_s, Phase.EVIDENCE, half=True)
            return size

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.whereabouts.enter(Phase.EVIDENCE)
        try:
            yield
        finally:
            self.whereabouts.leave(Phase.EVIDENCE)

    async def _travel(self, deadline_s: float, phase: Phase | None = None, *, half: bool = False) -> None:
        self.calls += 1
        plan, market = self.plan, self.market
        if (plan.dead and (plan.dead_for_good or market.sick)) or market.during("outage"):
            self.whereabouts.struck("outage", phase)
            await asyncio.sleep(deadline_s)
            raise VenueUnreachable("no answer")
        needed = plan.latency_s + self.rng.random() * plan.jitter_s
        needed = needed / 2 if half else needed
        if needed > deadline_s:
            await asyncio.sleep(deadline_s)
            raise VenueUnreachable("no answer in time")
        await asyncio.sleep(needed)
        if market.during("revoked"):
            self.whereabouts.struck("revoked", phase)
            raise VenueRejected("Invalid API-key, IP, or permissions", fault=Fault.TERMINAL, code="-2015")
        if market.during("ban"):
            self.whereabouts.struck("ban", phase)
            wait_s = market.until["ban"] - market.clock.seconds
            self._watch("banned", market.until["ban"])
            raise VenueRejected("banned", fault=Fault.RATE_LIMIT, code="418", retry_after_s=wait_s)

    def _strikes(self, chance: float) -> bool:
        return self.market.sick and chance > 0 and self.rng.random() < chance

    def _surprise(self, chance: float, phase: Phase) -> None:
        if self._strikes(chance):
            self.whereabouts.struck("read_surprises", phase)
            raise RuntimeError("nobody planned for this")

    def _trouble(self, request: OrderRequest) -> str:
        for name, chance in self.plan.troubles.items():
            if name == "band" and request.kind in {OrderKind.IOC, OrderKind.RESTING}:
                continue
            if self._struck.get(name, 0) < FAULTS_MAX and self._strikes(chance):
                self._struck[name] = self._struck.get(name, 0) + 1
                self.whereabouts.struck(name, Phase.ORDERS)
                return name
        return ""

    def _execute_quietly(self, request: OrderRequest) -> None:
        try:
            self.market.execute(request)
        except VenueError:
            return

    def _lie(self, phase: Phase) -> str:
        return "none" if self.plan.lies_late and phase is not Phase.HOLD else self.plan.lie

    def _positions(self, phase: Phase) -> tuple[Position, ...]:
        lie, market = self._lie(phase), self.market
        if lie == "empty_once" and market.sick:
            # Never twice running: one wrong read, then a right one.
            self._lied_empty = not self._lied_empty and self.rng.random() < self.plan.lies_often
            if self._lied_empty:
                self.whereabouts.struck(lie, phase)
                return ()
        now = market.clock.seconds
        if lie == "cold_start" and now < market.began_s + self.plan.lag_s:
            self.whereabouts.struck(lie, phase)
            return ()
        first = market.first_order_s
        if lie == "empty_while" and first is not None and now < first + self.plan.lag_s:
            self.whereabouts.struck(lie, phase)
            return ()
        lag_s = self.plan.lag_s if lie in {"lag", "replica"} and market.sick else 0.0
        if lie == "replica" and lag_s and self.rng.random() < 0.5:
            lag_s = 0.0
        if lag_s:
            self.whereabouts.struck(lie, phase)
        moment = market.moment(lag_s)
        return tuple(market.position(key, signed) for key, signed in moment.holdings.items() if signed)

    def _orders(self, phase: Phase) -> tuple[OpenOrder, ...]:
        lie = self._lie(phase)
        if lie == "orders_empty_once" and self.market.sick:
            self._lied_empty = not self._lied_empty and self.rng.random() < self.plan.lies_often
            if self._lied_empty:
                self.whereabouts.struck("orders_empty_once", phase)
                return ()
        lag_s = self.plan.lag_s if lie == "orders_lag" and self.market.sick else 0.0
        if lag_s:
            self.whereabouts.struck("orders_lag", phase)
        return self.market.listed(lag_s)

    def _unread(self, phase: Phase) -> tuple[Unread, ...]:
        if not self._strikes(self.plan.unread):
            return ()
        self.whereabouts.struck("unread", phase)
        return (Unread(part=self.rng.choice(("positions", "orders")), reason="malformed"),)


def _unheard(orders: Sequence[OpenOrder], error: VenueError) -> tuple[CancelAnswer, ...]:
    said = str(error)
    return tuple(CancelAnswer(order=order, gone=False, message=said, answered=False) for order in orders)
