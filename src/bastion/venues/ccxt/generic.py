"""Generic: an account at any exchange that ccxt's unified methods are enough for, behind `ports.Venue`.

What is done here rests on the profile of the exchange (`generic_profile`), made from what ccxt was seen to
send. Nothing is closed without a size, no hedge-mode leg is closed, and a refusal whose meaning is not known
leads to another look, never to a success.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bastion.domain.account import Access, Account
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.money import ZERO, floor_to_step
from bastion.domain.order import CancelAnswer, Direction, Fill, OpenOrder, OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.venues.ccxt import generic_rows as rows
from bastion.venues.ccxt.confirm import confirmed
from bastion.venues.ccxt.faults import Refusal, cancel_failed
from bastion.venues.ccxt.generic_faults import NO_ORDER
from bastion.venues.ccxt.generic_fills import GenericFills
from bastion.venues.ccxt.generic_markets import MarketFile, instrument, is_contract, number
from bastion.venues.ccxt.generic_profile import Profile
from bastion.venues.ccxt.generic_quirks import FETCH_ORDER, options_of
from bastion.venues.ccxt.generic_second import GenericSecond
from bastion.venues.ccxt.generic_wire import Reply, UnifiedWire, limit_of
from bastion.venues.ccxt.shelf import Instruments, Shelf, by_key
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.ccxt.wire import Wire
from bastion.venues.deadline import Deadline, settled
from bastion.venues.gate.generic import check_by
from bastion.venues.raw import Answer, believed
from bastion.venues.throttle import Throttle

KEY_SPACE = "swap"
HOST_LIVE = "live"
PAIR = 2
"""So many contracts tell ccxt which kind is meant; with a single one it asks for that one alone."""


class GenericVenue(GenericSecond):
    """One account at an exchange without an adapter of its own."""

    def __init__(
        self,
        *,
        account: Account,
        profile: Profile,
        fields: Mapping[str, str],
        clock: Clock,
        exchange: Any,  # noqa: ANN401 - ccxt ships no types
        shelf_path: Path | None,
        connect: Connect = tcp,
        address: Throttle | None = None,
    ) -> None:
        self._profile = profile
        self._fields = fields
        self._exchange = exchange
        self._connect = connect
        self._throttle = Throttle(clock, (limit_of(profile.rate_limit_ms),), shared=address)
        self._file = MarketFile(shelf_path, clock)
        self._order_ids: dict[str, str] = {}
        super().__init__(account=account, clock=clock, shelf=Shelf(None, clock))
        self._fills = GenericFills(self._unified, self._market)

    @property
    def link(self) -> str:
        """The exchange's own page, as ccxt knows it; empty for another host."""
        return "" if self._account.elsewhere else str(self._wire.client().urls.get("www") or "")

    async def place(self, request: OrderRequest, *, deadline_s: float) -> OrderState:
        """Send one reducing order once, in the size given, and ask what became of it.

        An immediate limit order is refused as BAND where the exchange's own form of it is not known.
        """
        deadline = Deadline(self._clock, deadline_s)
        await self._markets(deadline)
        self._refuse_what_is_not_proven(request.position)
        kind, price, params = self._order_params(request)
        figure = str if self._profile.text_figures else Decimal
        reply = await self._unified(
            "create_order",
            request.position.instrument,
            kind,
            request.direction.value.lower(),
            figure(request.quantity),
            None if price is None else figure(price),
            params,
            deadline=deadline,
            mutating=True,
        )
        row = reply.value if isinstance(reply.value, dict) else {}
        order_id = str(row.get("id") or "")
        self._order_ids[request.client_order_id] = order_id
        state = await confirmed(self._find, request, order_id, clock=self._clock, deadline=deadline)
        if state.ended and state.filled == ZERO:
            raise VenueRejected(
                f"the order ended without a fill: {state.reason or state.status}",
                fault=Fault.RESOLVE,
                code=state.reason,
            )
        return state

    async def order(self, request: OrderRequest, *, deadline_s: float) -> OrderState | None:
        """Return what the venue says of an order of this process; no other can be named there.

        Never says that there is none: ccxt's unified methods cannot ask by our id on every exchange.

        Raises:
            VenueError: the venue did not say, or the order is not one whose id is known.
        """
        state = await self._find(request, Deadline(self._clock, deadline_s))
        if state is None:
            raise VenueUnreachable("the order's id at the venue is not known; the positions tell what it did")
        return state

    async def sweep(self, look: Look, *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel every order of the look by its id: many exchanges' bulk cancels leave some kinds out."""
        return await self.cancel(look.orders, deadline_s=deadline_s)

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions that ccxt lists for each contract; PnL by the position's entry price."""
        deadline = Deadline(self._clock, deadline_s)
        await self._markets(deadline)
        names = {order_id: ours for ours, order_id in self._order_ids.items() if order_id}
        return await self._fills.read(positions, since_ms, names, deadline)

    async def access(self, *, deadline_s: float) -> Access:
        """Return whether the balance can be read; ccxt has no unified word for rights."""
        try:
            await self._unified("fetch_balance", {}, deadline=Deadline(self._clock, deadline_s))
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=False, can_trade=False, notes=(str(error),))
        return Access(can_read=True, notes=("ccxt does not tell what a key of this venue may do.",))

    # How this venue is asked.

    def _make_wire(self) -> Wire:
        base = self._account.base_url
        prefix = urlsplit(base).path.rstrip("/") if base else ""
        return UnifiedWire(
            self._exchange,
            fields=self._fields,
            clock=self._clock,
            throttle=self._throttle,
            base_url=base,
            host=self._account.host,
            options=options_of(self._profile.exchange),
            check=check_by(self._profile.shapes, prefix=prefix),
            connect=self._connect,
        )

    def _parts(self) -> tuple[Part, ...]:
        scans: list[tuple[str, list[str] | None, Mapping[str, str]]] = []
        if self._profile.by_settle:
            scans = [(f"positions {name}", symbols, {}) for name, symbols in self._groups().items()]
        if not scans:
            scans = [(_named("positions", scan), None, scan) for scan in self._profile.scans]
        parts = [
            Part(name=name, read=partial(self._positions, symbols, scan)) for name, symbols, scan in scans
        ]
        for trigger in (False, True) if self._profile.trigger else (False,):
            what = "conditional orders" if trigger else "orders"
            parts.extend(
                Part(name=_named(what, scan), read=partial(self._orders, scan, trigger))
                for scan in self._profile.order_scans
            )
        return tuple(parts)

    def _groups(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for item in (self._instruments or {}).values():
            name = "inverse" if item.inverse else item.settle
            found = groups.setdefault(name, [])
            if len(found) < PAIR:
                found.append(item.id)
        return groups

    async def look(self, *, deadline_s: float) -> Look:
        """Read every list of the account; while the contracts are not known, none is believed to be whole."""
        deadline = Deadline(self._clock, deadline_s)
        # The lists can spend the whole rate for a while, and the moment of the look is told by the clock.
        unknown = [] if self._synchronised else [self._synchronise(deadline, seen=0)]
        await settled([self._markets(deadline), *unknown])
        return await super().look(deadline_s=deadline.left_s)

    async def _positions(
        self, symbols: list[str] | None, scan: Mapping[str, str], deadline: Deadline
    ) -> PartRead:
        await self._markets(deadline)
        if self._profile.by_settle and symbols is None:
            raise AnswerMalformed("the kinds of contracts are not known, so that no list can be whole")
        reply = await self._unified("fetch_positions", symbols, dict(scan), deadline=deadline)
        found, doubt = believed(reply.rows("positions"), self._position)
        sides: dict[str, set[str]] = {}
        for item in found:
            sides.setdefault(item.instrument, set()).add(item.side)
        notes = tuple(
            f"{item.symbol}: not closed by the generic path: {self._not_proven(item)}"
            for item in found
            if not item.closable
        )
        return PartRead(
            # Both sides of one contract at once are hedge mode, whatever ccxt says of it.
            positions=tuple(
                replace(item, hedged=True, closable=False) if len(sides[item.instrument]) > 1 else item
                for item in found
            ),
            digests=tuple(answer.digest for answer in reply.answers),
            notes=notes,
            doubt=doubt,
        )

    def _position(self, row: Mapping[str, Any]) -> Position | None:
        item = rows.position(row, self._market(str(row.get("symbol"))), closable=True)
        return None if item is None else replace(item, closable=not self._not_proven(item))

    def _not_proven(self, position: Position) -> str:
        market = self._market(position.instrument)
        if market is None:
            return "ccxt's list does not have this contract"
        if position.hedged:
            return "hedge mode is not proven on this venue"
        kind = "inverse" if market.get("inverse") else "usdc" if market.get("settle") == "USDC" else "linear"
        if kind not in self._profile.closes:
            return f"no reducing order of {kind} contracts is known"
        return ""

    def _refuse_what_is_not_proven(self, position: Position) -> None:
        why = self._not_proven(position)
        if why:
            raise VenueRejected(
                f"not sent: {why}; close it at the venue", fault=Fault.TERMINAL, code="generic"
            )

    async def _orders(self, scan: Mapping[str, str], trigger: bool, deadline: Deadline) -> PartRead:  # noqa: FBT001 - private
        await self._markets(deadline)
        params: dict[str, object] = {**scan, "trigger": True} if trigger else dict(scan)
        reply = await self._unified("fetch_open_orders", None, None, None, params, deadline=deadline)
        found, doubt = believed(
            reply.rows("orders"),
            lambda row: rows.open_order(row, self._market(str(row.get("symbol"))), conditional=trigger),
        )
        digests = tuple(answer.digest for answer in reply.answers)
        return PartRead(orders=found, digests=digests, doubt=doubt)

    def _order_params(self, request: OrderRequest) -> tuple[str, Decimal | None, dict[str, object]]:
        params: dict[str, object] = {"reduceOnly": True}
        if self._profile.client_id:
            params["clientOrderId"] = request.client_order_id
        if request.kind is OrderKind.IOC and request.limit_price is not None:
            if not self._profile.ioc:
                raise VenueRejected(
                    "not sent: no immediate limit order of this venue is known",
                    fault=Fault.BAND,
                    code="generic",
                )
            return "limit", self._tick(request), {**params, "timeInForce": self._profile.ioc}
        mode = request.position.margin_mode
        if self._profile.margin_mode and mode is not None:
            params["marginMode"] = mode.value
        price = request.position.mark_price or request.position.entry_price
        return "market", price if self._profile.market_price else None, params

    def _tick(self, request: OrderRequest) -> Decimal:
        price: Decimal = request.limit_price or ZERO
        known = (self._instruments or {}).get((request.position.category, request.position.instrument))
        if known is None or known.price_tick <= ZERO:
            return price
        below = floor_to_step(price, known.price_tick)
        up = request.direction is Direction.BUY and below != price
        return below + known.price_tick if up else below

    async def _find(self, request: OrderRequest, deadline: Deadline) -> OrderState | None:
        order_id = self._order_ids.get(request.client_order_id, "")
        if not order_id:
            return None
        await self._markets(deadline)
        params = dict(FETCH_ORDER.get(self._profile.exchange, {}))
        reply = await self._unified(
            "fetch_order", order_id, request.position.instrument, params, deadline=deadline
        )
        if not isinstance(reply.value, dict) or str(reply.value.get("id")) != order_id:
            raise AnswerMalformed("order: ccxt gives another order than was asked for")
        return rows.order_state(reply.value, request.client_order_id)

    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer:
        await self._markets(deadline)
        params = {"trigger": True} if order.conditional and self._profile.trigger else {}
        try:
            await self._unified(
                "cancel_order", order.order_id, order.instrument, params, deadline=deadline, mutating=True
            )
        except VenueRejected as error:
            return cancel_failed(order, error, str(error), NO_ORDER)
        return CancelAnswer(order=order, gone=True)

    async def _unified(self, method: str, *args: object, deadline: Deadline, mutating: bool = False) -> Reply:
        seen = self._synchronised
        try:
            return await self._wire.unified(method, *args, deadline_s=deadline.left_s, mutating=mutating)
        except VenueRejected as error:
            if error.fault is not Fault.CLOCK:
                raise
        # Refused before anything was executed, so the same request may go out again.
        await self._synchronise(deadline, seen=seen)
        return await self._wire.unified(method, *args, deadline_s=deadline.left_s, mutating=mutating)

    async def _venue_time_ms(self, deadline: Deadline) -> int:
        if self._wire.client().has.get("fetchTime") is not True:
            # Without the venue's clock, the machine's own must do.
            return self._wire.now_ms() - self._wire.offset_ms
        reply = await self._wire.unified("fetch_time", deadline_s=deadline.left_s)
        found = number(reply.value)
        if found is None:
            raise AnswerMalformed("time: ccxt gives none")
        return int(found)

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        """Return the contracts by (category, symbol of ccxt): from memory, the file, or the venue.

        Raises:
            VenueError: they are nowhere to be had.
        """
        return await self._markets(Deadline(self._clock, deadline_s))

    async def _markets(self, deadline: Deadline) -> Instruments:
        if self._instruments is not None:
            return self._instruments
        client = self._wire.client()
        kept = self._file.load()
        if kept is not None and kept[1]:
            client.set_markets(kept[0])
        else:
            try:
                await self._wire.unified("load_markets", deadline_s=deadline.left_s)
                self._file.save(list(client.markets.values()))
            except VenueError:
                if kept is None:
                    raise
                client.set_markets(kept[0])
        self._instruments = await self._read_instruments(deadline)
        return self._instruments

    async def _read_instruments(self, deadline: Deadline) -> Instruments:  # noqa: ARG002 - the shape of the hook
        client = self._wire.client()
        found = []
        for market in client.markets.values():
            if is_contract(market):
                try:
                    found.append(instrument(market, precision_mode=int(client.precisionMode)))
                except AnswerMalformed:
                    continue  # One odd contract must not hide the limits of all others.
        return by_key(found)

    def _market(self, symbol: str) -> Mapping[str, Any] | None:
        markets = self._wire.client().markets or {}
        market = markets.get(symbol)
        return market if isinstance(market, dict) and is_contract(market) else None

    # The raw half of the base is not used: errors come as ccxt's classes.

    def _refusal(self, answer: Answer) -> Refusal | None:  # noqa: ARG002 - the shape of the hook
        return None

    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:  # noqa: ARG002 - as above
        return refusal


def _named(what: str, scan: Mapping[str, str]) -> str:
    return " ".join([what, *scan.values()])
