"""Market: the true state of a simulated venue, and all that happens there whether we see it or not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random

from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import (
    Direction,
    Fill,
    OpenOrder,
    OrderKind,
    OrderRequest,
    OrderState,
    OrderStatus,
)
from bastion.domain.position import Position, Side
from bastion.errors import Fault, VenueRejected
from tests.simulation.exits.cells import Phase
from tests.simulation.exits.virtual_time import EPOCH_NS, VirtualClock
from tests.simulation.exits.whereabouts import Whereabouts
from tests.simulation.exits.world import VenueDraw

CATEGORY = "linear"
ZERO = Decimal(0)
LASTING = ("outage", "ban", "revoked", "market_halt", "price_band", "empty_book")
"""What goes on for as many seconds as the event's quantity says."""
Key = tuple[str, str]
"""Instrument and, in hedge mode, side."""


@dataclass(slots=True, kw_only=True)
class Holding:
    signed: Decimal
    entry: Decimal
    mark: Decimal
    since_s: float
    announced: bool = True


@dataclass(slots=True, kw_only=True)
class Moment:
    at_s: float
    holdings: dict[Key, Decimal]
    orders: tuple[OpenOrder, ...]


@dataclass(slots=True, kw_only=True)
class Market:
    """The books of one venue; `later` runs a thing at a virtual time, whoever is still there to see it."""

    plan: VenueDraw
    clock: VirtualClock
    rng: Random
    later: Callable[[float, Callable[[], None]], None]
    healed_s: float = 0.0
    holdings: dict[Key, Holding] = field(default_factory=dict)
    orders: dict[str, OpenOrder] = field(default_factory=dict)
    order_since_s: dict[str, float] = field(default_factory=dict)
    states: dict[str, OrderState] = field(default_factory=dict)
    requests: dict[str, OrderRequest] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    serial: int = 0
    began_s: float = 0.0
    first_order_s: float | None = None
    until: dict[str, float] = field(default_factory=dict)
    taken_s: dict[str, float] = field(default_factory=dict)
    grown: dict[Key, tuple[float, str]] = field(default_factory=dict)
    whereabouts: Whereabouts | None = None

    def begin(self) -> None:
        now = self.began_s = self.clock.seconds
        self.healed_s = now + self.plan.heals_at_s
        for one in self.plan.holdings:
            key = (one.instrument, one.side if self.plan.hedged else "")
            sign = 1 if one.side == "LONG" else -1
            self.holdings[key] = Holding(
                signed=one.quantity * sign, entry=one.entry, mark=one.mark, since_s=now - 3600
            )
        for number, order in enumerate(self.plan.orders):
            open_order = OpenOrder(
                instrument=order.instrument,
                category=CATEGORY,
                order_id=f"{self.plan.name}-r{number}",
                client_order_id=f"bot{number}",
                direction=Direction.BUY if order.buys else Direction.SELL,
                quantity=Quantity(order.quantity),
                reduce_only=order.reduce_only,
                conditional=order.conditional,
                settle="USDT",
                side=Side(order.side) if order.side else None,
            )
            self.orders[open_order.order_id] = open_order
            self.order_since_s[open_order.order_id] = now - 3600
            if order.fires_at_s is not None:
                self.later(order.fires_at_s, partial(self.fire, open_order.order_id))
        for event in self.plan.events:
            what = partial(self.happen, event.kind, event.instrument, event.side, event.quantity)
            self.later(event.at_s, what)
        self.remember()

    @property
    def sick(self) -> bool:
        return self.clock.seconds < self.healed_s

    def during(self, what: str) -> bool:
        """Return whether an outage, a ban or the like lasts, whose end is in `until`."""
        return self.until.get(what, 0.0) > self.clock.seconds

    def struck(self, fault: str, phase: Phase | None = None) -> None:
        if self.whereabouts is not None:
            self.whereabouts.struck(fault, phase)

    def venue_ms(self) -> int:
        return (EPOCH_NS + round(self.clock.seconds * 1e9)) // 1_000_000

    def remember(self) -> None:
        self.moments.append(
            Moment(
                at_s=self.clock.seconds,
                holdings={key: held.signed for key, held in self.holdings.items()},
                orders=tuple(self.orders.values()),
            )
        )

    def moment(self, lag_s: float) -> Moment:
        """Return the state as it was `lag_s` ago, or the first one."""
        at = self.clock.seconds - lag_s
        return next((one for one in reversed(self.moments) if one.at_s <= at), self.moments[0])

    def listed(self, lag_s: float) -> tuple[OpenOrder, ...]:
        """Return what the lists show: one that changes from list to list is in neither for a while."""
        orders = self.moment(lag_s).orders
        begins_s, ends_s = self.plan.hides_s
        hides = begins_s <= self.clock.seconds - self.began_s < ends_s
        return tuple(order for order in orders if order.reduce_only or not hides)

    def position(self, key: Key, signed: Decimal) -> Position:
        instrument, side = key
        held = self.holdings.get(key)
        mark = held.mark if held is not None else Decimal(100)
        return Position(
            instrument=instrument,
            category=CATEGORY,
            symbol=f"{instrument[:-4]}/USDT:USDT",
            side=Side(side) if side else (Side.LONG if signed > 0 else Side.SHORT),
            quantity=Quantity(abs(signed)),
            hedged=bool(side),
            entry_price=Price(held.entry) if held is not None else None,
            mark_price=Price(mark),
            notional_usd=Usd(abs(signed) * mark),
            margin_usd=Usd(abs(signed) * mark / 10),
        )

    def move(self, key: Key, delta: Decimal, *, order_id: str, client_id: str, silent: bool = False) -> None:
        """Execute: change a holding, book the fill, and let the venue tidy up what hung on the position."""
        held = self.holdings.get(key)
        if held is None:
            held = Holding(signed=ZERO, entry=Decimal(100), mark=Decimal(100), since_s=self.clock.seconds)
            self.holdings[key] = held
        if held.signed == 0:
            held.since_s = self.clock.seconds
            held.announced = order_id != "bot"
        before = held.signed
        held.signed += delta
        if abs(held.signed) > abs(before):
            self.grown[key] = (self.clock.seconds, order_id)
        reduced = min(abs(delta), abs(before)) if before * delta < 0 else ZERO
        pnl = reduced * (held.mark - held.entry) * (1 if before > 0 else -1)
        if before * held.signed < 0:
            held.since_s = self.clock.seconds
        self.serial += 1
        if not silent:
            self.fills.append(
                Fill(
                    instrument=key[0],
                    category=CATEGORY,
                    symbol=f"{key[0][:-4]}/USDT:USDT",
                    fill_id=f"f{self.serial}",
                    order_id=order_id,
                    client_order_id=client_id if self.plan.names_client_ids else "",
                    direction=Direction.BUY if delta > 0 else Direction.SELL,
                    quantity=Quantity(abs(delta)),
                    price=Price(held.mark),
                    fee_usd=Usd(ZERO),
                    at_ms=self.venue_ms(),
                    side=Side(key[1]) if key[1] else None,
                    realized_pnl_usd=Usd(pnl),
                )
            )
        if held.signed == 0 and self.plan.stops_vanish:
            for oid, order in list(self.orders.items()):
                if order.reduce_only and order.conditional and self.key_of(order) == key:
                    del self.orders[oid]
        self.remember()

    def key_of(self, order: OpenOrder) -> Key:
        return (order.instrument, order.side.value if order.side is not None and self.plan.hedged else "")

    def fire(self, order_id: str) -> None:
        """Let a resting order of somebody fill, if it still rests."""
        order = self.orders.get(order_id)
        if order is None:
            return
        key = self.key_of(order)
        held = self.holdings.get(key)
        signed = held.signed if held is not None else ZERO
        delta = Decimal(order.quantity) if order.direction is Direction.BUY else -Decimal(order.quantity)
        if order.reduce_only:
            if signed * delta >= 0:
                return
            delta = max(delta, -signed) if delta < 0 else min(delta, -signed)
        del self.orders[order_id]
        if delta:
            self.struck("stop_fires" if order.reduce_only else "entry_fires")
            self.move(key, delta, order_id=order_id, client_id=order.client_order_id)

    def happen(self, kind: str, instrument: str, side: str, quantity: Decimal) -> None:
        """Let something happen that nobody asked us about."""
        key = (instrument, side)
        held = self.holdings.get(key)
        signed = held.signed if held is not None else ZERO
        if kind in LASTING:
            self.until[kind] = self.clock.seconds + float(quantity)
            return
        if kind == "reopen" or signed:
            self.struck(kind)
        if kind == "reopen":
            sign = -1 if side == "SHORT" else 1
            self.move(key, quantity * sign, order_id="bot", client_id="bot")
        elif signed == 0:
            return
        elif kind == "grow":
            self.move(key, quantity if signed > 0 else -quantity, order_id="bot", client_id="bot")
        elif kind == "shrink":
            cut = min(quantity, abs(signed))
            self.move(key, -cut if signed > 0 else cut, order_id="hand", client_id="hand")
        else:
            self.move(key, -signed, order_id=kind, client_id="", silent=kind == "adl_silent")

    def execute(self, request: OrderRequest, *, unprotected: bool = False) -> OrderState:
        """Take an order of ours, by the venue's rules.

        Raises:
            VenueRejected: the venue's no.
        """
        cid = request.client_order_id
        if self.plan.terminal and (self.plan.terminal_for_good or self.sick):
            raise VenueRejected("Invalid API-key, IP, or permissions", fault=Fault.TERMINAL, code="-2015")
        if cid in self.states and not unprotected:
            raise VenueRejected("duplicate client id", fault=Fault.DUPLICATE, code="-4116")
        key = (request.position.instrument, request.position.side.value if self.plan.hedged else "")
        held = self.holdings.get(key)
        signed = held.signed if held is not None else ZERO
        delta = Decimal(request.quantity) * (1 if request.direction is Direction.BUY else -1)
        if signed * delta >= 0:
            raise VenueRejected("ReduceOnly Order is rejected.", fault=Fault.MAYBE_FLAT, code="-2022")
        self._check_rules(request, key, signed)
        size = min(abs(delta), abs(signed))
        if self.sick and self.plan.partial and self.rng.random() < self.plan.partial:
            self.struck("partial", Phase.ORDERS)
            size = (size * Decimal(self.rng.randint(0, 9)) / 10).quantize(Decimal("0.01"))
        self.serial += 1
        order_id = f"{self.plan.name}-o{self.serial}"
        self.requests[cid] = request
        self.taken_s[cid] = self.clock.seconds
        if self.plan.slow_match_s and self.sick:
            self.struck("slow_match", Phase.ORDERS)
            self._accept(cid, order_id)
            self.later(self.plan.slow_match_s, lambda: self._match(cid, key, size, order_id))
            return self.states[cid]
        if request.kind is OrderKind.IOC and self.during("empty_book"):
            self.struck("empty_book", Phase.ORDERS)
            self._match(cid, key, ZERO, order_id)
            return self.states[cid]
        if request.kind is OrderKind.RESTING and (self.sick or self.during("empty_book")):
            self._rest(request, key, size, order_id)
            return self.states[cid]
        self._match(cid, key, size, order_id)
        return self.states[cid]

    def _rest(self, request: OrderRequest, key: Key, size: Decimal, order_id: str) -> None:
        # Nobody takes it while the venue is sick; then somebody does, if it still rests.
        cid = request.client_order_id
        self._accept(cid, order_id)
        self.orders[order_id] = OpenOrder(
            instrument=request.position.instrument,
            category=request.position.category,
            order_id=order_id,
            client_order_id=cid,
            direction=request.direction,
            quantity=request.quantity,
            reduce_only=True,
            conditional=False,
            side=request.position.side if request.position.hedged else None,
        )
        self.order_since_s[order_id] = self.clock.seconds
        self.remember()

        def taken() -> None:
            if self.orders.pop(order_id, None) is not None:
                self._match(cid, key, size, order_id)
                self.remember()

        until_s = max(self.healed_s, self.until.get("empty_book", 0.0))
        self.later(max(until_s - self.clock.seconds, 0.0) + 0.05, taken)

    def check_trading(self, request: OrderRequest) -> None:
        """Refuse what a halted market, or one outside of its price band, refuses.

        Raises:
            VenueRejected: the venue's no.
        """
        if self.during("market_halt"):
            self.struck("market_halt", Phase.ORDERS)
            raise VenueRejected("the market is halted", fault=Fault.RETRY, code="halted")
        if self.during("price_band") and request.kind not in {OrderKind.IOC, OrderKind.RESTING}:
            self.struck("price_band", Phase.ORDERS)
            raise VenueRejected("outside of the price band", fault=Fault.BAND, code="-4131")

    def pretend(self, request: OrderRequest) -> OrderState:
        """Answer that an order was filled which never was: a ghost fill."""
        cid = request.client_order_id
        self.serial += 1
        state = OrderState(
            client_order_id=cid,
            order_id=f"{self.plan.name}-g{self.serial}",
            status=OrderStatus.FILLED,
            filled=request.quantity,
        )
        self.requests[cid], self.states[cid] = request, state
        return state

    def cancel(self, order: OpenOrder) -> None:
        """Take an order away, if it is still there."""
        if self.orders.pop(order.order_id, None) is not None:
            self.remember()
        state = self.states.get(order.client_order_id)
        if state is not None and not state.ended:
            self.states[order.client_order_id] = replace(state, status=OrderStatus.CANCELED)

    def _accept(self, cid: str, order_id: str) -> None:
        self.states[cid] = OrderState(
            client_order_id=cid, order_id=order_id, status=OrderStatus.ACCEPTED, filled=Quantity(ZERO)
        )

    def _match(self, cid: str, key: Key, size: Decimal, order_id: str) -> None:
        state = self.states.get(cid)
        if state is not None and state.ended:
            return
        held = self.holdings.get(key)
        signed = held.signed if held is not None else ZERO
        request = self.requests[cid]
        sign = 1 if request.direction is Direction.BUY else -1
        size = min(size, abs(signed)) if signed * sign < 0 else ZERO
        if size:
            self.move(key, size * sign, order_id=order_id, client_id=cid)
        full = size >= request.quantity or self.holdings[key].signed == 0
        self.states[cid] = OrderState(
            client_order_id=cid,
            order_id=order_id,
            status=OrderStatus.FILLED if full and size else OrderStatus.CANCELED,
            filled=Quantity(size),
            average_price=Price(self.holdings[key].mark) if size else None,
        )

    def _check_rules(self, request: OrderRequest, key: Key, signed: Decimal) -> None:
        if self.plan.maximum and request.quantity > self.plan.maximum:
            self.struck("maximum", Phase.ORDERS)
            raise VenueRejected("quantity above maximum", fault=Fault.SIZE, code="-4005")
        if self.plan.minimum and request.quantity < self.plan.minimum and request.kind is not OrderKind.WHOLE:
            self.struck("minimum", Phase.ORDERS)
            raise VenueRejected("quantity below minimum", fault=Fault.SIZE, code="-4003")
        if self.plan.minimum and abs(signed) < self.plan.minimum:
            self.struck("minimum", Phase.ORDERS)
            if self.plan.size_free and request.kind is OrderKind.WHOLE:
                return
            raise VenueRejected("qty truncated to zero", fault=Fault.SIZE, code="110017")
        if self.plan.blocking != "none":
            resting = sum(
                (
                    Decimal(order.quantity)
                    for order in self.orders.values()
                    if order.reduce_only
                    and self.key_of(order) == key
                    and not order.conditional
                    # After a flip it would grow the position, and holds nothing of it.
                    and order.direction is request.direction
                ),
                ZERO,
            )
            if resting and resting + Decimal(request.quantity) > abs(signed):
                self.struck("blocking", Phase.ORDERS)
                fault = Fault.BLOCKED if self.plan.blocking == "blocked" else Fault.MAYBE_FLAT
                raise VenueRejected("resting orders hold the size", fault=fault, code="-4118")
