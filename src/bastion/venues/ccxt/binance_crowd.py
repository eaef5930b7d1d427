"""Binance crowd: how an account is looked at, whose address many accounts share, or few.

Sources: developers.binance.com, USD-M futures: Position Information V3 (weight 5; symbols with a position or
open orders, of which bidNotional, askNotional and openOrderInitialMargin tell), Account Information V3 (5),
Current All Open Orders and Current All Algo Open Orders (1 with a symbol, 40 without one).
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import ClassVar

from bastion.domain.balance import Balance
from bastion.domain.look import Look, Unread
from bastion.domain.order import CancelAnswer, Fill, OpenOrder
from bastion.domain.position import Position
from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt import binance_rows as rows
from bastion.venues.ccxt import binance_witness as witness
from bastion.venues.ccxt.binance_fills import BinanceFills
from bastion.venues.ccxt.binance_share import LATER, PAGE, WHOLE, Kind, Share
from bastion.venues.ccxt.binance_thrift import Thrift, spared
from bastion.venues.ccxt.haste import NOT_WAITED_FOR
from bastion.venues.ccxt.in_turn import in_turn
from bastion.venues.ccxt.venue import WITNESS_WAIT_S, Glances, Part, PartRead
from bastion.venues.ccxt.witness import Claim, scant
from bastion.venues.deadline import Deadline, together, within
from bastion.venues.raw import Answer, Row, believed, read_rows
from bastion.venues.throttle import NS, Claimant

Read = Callable[[Deadline], Awaitable[PartRead]]
PARTS = ("positions", "orders", "conditional orders")
IN_HELD = " of the contracts that the positions list"
ELSEWHERE = "orders elsewhere"
WAITS = "not sent: weight is short, and other accounts of the address wait for theirs as well"
GIVES_WAY = "not sent: weight is short, and is kept for what proves the address's accounts flat"
SPARED_ELSEWHERE = "not asked for: many accounts share the address, and the whole lists weigh 80"
LOOK_S = 2.0
"""So much of a look's deadline is left for the look itself where it waits for weight."""
CALM_S = 3.0
NOTHING_S = 1.0
PAGE_OLD_S, PAGE_YOUNG_S, SECOND_OLD_S = 300.0, 5.0, 30.0
"""How old, at most, the account's page may be in a crowd: as the witness of a whole look, as that of another
look, and as the second source. It is always younger than what of ours can have moved a position."""


class BinanceCrowd(BinanceFills, Glances):
    """The looks of one account: whole ones, and cheaper ones where many accounts share the address."""

    CROWDS: ClassVar[bool] = True
    _thrift: Thrift
    _share: Share
    _page_turn: asyncio.Lock
    _page: tuple[int, Answer] | None = None
    _page_error: tuple[int, VenueError] | None = None
    _scope: Kind | None = None
    _witness_s: float = PAGE_YOUNG_S
    _is_scant: bool = False
    _lists: bool = True
    _late: bool = False
    _listed: asyncio.Event

    async def look(self, *, deadline_s: float) -> Look:
        """As every adapter; where only whole lists help and weight is short, it waits for all of it first."""
        if self._share.is_crowd:
            return await self._crowd_look(self._share.kind(), deadline_s)
        owed = self._thrift.owes()
        if not owed:
            return self._noted(await super().look(deadline_s=deadline_s))
        deadline = Deadline(self._clock, deadline_s)
        begun_ns = self._clock.monotonic_ns()
        try:
            async with self._throttle.reserved("weight", owed, within_s=deadline_s / 2):
                self._thrift.paid()
                return self._noted(await super().look(deadline_s=deadline.left_s))
        except TimeoutError:
            return self._unsent(begun_ns)

    async def glance(self, *, deadline_s: float) -> Look:
        """Read the positions alone; in a crowd once nothing that was sent waits for its answer."""
        self._share.glancing()
        if self._share.is_crowd:
            await self._share.calm(within_s=min(CALM_S, deadline_s / 2))
        return await super().glance(deadline_s=deadline_s)

    @property
    def pictures_cheaply(self) -> bool:
        """Whether `picture` weighs much less than `look`."""
        return self._share.is_crowd

    async def picture(self, *, deadline_s: float) -> Look:
        """Read what an exit's first orders can go by: in a crowd, positions and the orders beside them."""
        if not self._share.is_crowd:
            return await self.look(deadline_s=deadline_s)
        return await self._scoped(Kind.NEAR, deadline_s)

    def patience_s(self, look: Look) -> float:  # noqa: ARG002 - the shape of the port
        """Return for how long other accounts of the address keep this one's proof waiting."""
        return self._share.patience_s

    def read_anew(self) -> None:
        """Let the next look be one for an act, which those that only watch give way to."""
        self._share.for_act()

    @property
    def lists_read(self) -> tuple[int, bool]:
        """When the lists of orders were read last (ns), and whether that was the second of two in a row."""
        return self._thrift.read

    @lists_read.setter
    def lists_read(self, read: tuple[int, bool]) -> None:
        self._thrift.read = read

    def need_orders(self, *, halting: bool) -> None:
        """Let the next look have the lists of orders, out of what is kept for stopping acts."""
        super().need_orders(halting=halting)
        self._share.pressed()

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders by their ids, in parallel; one answer each, in their order."""
        self._thrift.ends()
        with self._share.acting(moves=any(not order.reduce_only for order in orders)):
            return await super().cancel(orders, deadline_s=deadline_s)

    async def fills(
        self, positions: Sequence[Position], *, since_ms: int, deadline_s: float
    ) -> tuple[Fill, ...]:
        """Return the executions, where no proof needs what they weigh.

        Raises:
            VenueRejected: RATE_LIMIT, not sent: a second source explains a closed position for less.
        """
        async with AsyncExitStack() as stack:
            await self._give_way(stack, 5 * len({position.instrument for position in positions}))
            return await super().fills(positions, since_ms=since_ms, deadline_s=deadline_s)

    async def balance(self, *, deadline_s: float) -> Balance:
        """Return what the account is worth, where no proof needs what that weighs.

        Raises:
            VenueRejected: RATE_LIMIT, not sent.
        """
        async with AsyncExitStack() as stack:
            await self._give_way(stack, 2 * PAGE)
            return await super().balance(deadline_s=deadline_s)

    # How a crowd is looked at.

    async def _crowd_look(self, kind: Kind, deadline_s: float) -> Look:
        share, deadline, begun_ns = self._share, Deadline(self._clock, deadline_s), self._clock.monotonic_ns()
        if kind is Kind.NOTHING:
            # Who looks again at once is told the same.
            await self._clock.sleep(min(NOTHING_S, deadline_s / 2))
            return self._unsent(begun_ns)
        # A look beside our own orders tells nothing that the next one would not have to tell again.
        await share.calm(within_s=min(CALM_S, deadline_s / 2))
        if kind is not Kind.WHOLE:
            return await self._scoped(kind, deadline.left_s)
        within_s = max(deadline.left_s / 2, deadline.left_s - LOOK_S)
        try:
            async with self._throttle.reserved("weight", WHOLE, within_s=within_s, claimant=share.claimant):
                share.granted()
                look = await self._scoped(kind, deadline.left_s)
        except TimeoutError:
            return self._unsent(begun_ns)
        empty = look.complete and not look.orders and scant(look.positions, self._instruments or {})
        share.looked(empty=empty)
        return look

    async def _scoped(self, kind: Kind, deadline_s: float) -> Look:
        # `_parts` is asked before anything is awaited, and for nobody else's look.
        self._scope = kind
        look = await super().look(deadline_s=deadline_s)
        if kind is Kind.WHOLE:
            return look
        elsewhere = Unread(part=ELSEWHERE, reason=SPARED_ELSEWHERE, unsent=True)
        return replace(look, unread=(*look.unread, elsewhere))

    def _parts(self) -> tuple[Part, ...]:
        scope, self._scope = self._scope, None
        self._witness_s = PAGE_OLD_S if scope is Kind.WHOLE else PAGE_YOUNG_S
        if scope is Kind.NEAR:
            return (*self._held_parts(), *self._near_parts())
        if scope is Kind.BARE:
            return self._held_parts()
        goes_in_turn = self._goes_in_turn()
        self._lists = lists = scope is Kind.WHOLE or (
            not (goes_in_turn and self._thrift.rests()) and self._thrift.allows(closing=self._haste.wanted)
        )
        orders, came = _told_of(self._orders)
        parts = (
            *self._held_parts(),
            Part(name=PARTS[1], read=orders if lists else spared),
            Part(name=PARTS[2], read=self._conditional_orders if lists else spared),
            *(self._further_parts(came) if lists else ()),
        )
        # Lists that are due, or tell what holds a position, are worth a wait also while one is to be closed.
        self._haste.whole = insists = lists and self._thrift.insists
        if not (lists and goes_in_turn):
            return parts
        return in_turn(parts, self._thrift.failed, ends=self._haste.wanted and not insists)

    def _further_parts(self, orders: "asyncio.Future[VenueError | None]") -> tuple[Part, ...]:  # noqa: ARG002 - the shape of the hook
        """Return the lists that stand on another host, which come only where the list of orders does."""
        return ()

    def _goes_in_turn(self) -> bool:
        # Who only reads asks seldom, and wants all that there is.
        return self._wire.asked.listens and self._thrift.goes_in_turn(self._insistence.took_s)

    def _noted(self, look: Look) -> Look:
        came_not = [
            part.part
            for part in look.unread
            if not part.limited and not part.unsent and part.reason != NOT_WAITED_FOR
        ]
        self._thrift.looked(
            came=frozenset(name for name in PARTS if any(part.startswith(name) for part in look.parts)),
            failed=frozenset(name for name in PARTS if any(part.startswith(name) for part in came_not)),
        )
        return look

    def _held_parts(self) -> tuple[Part, ...]:
        self._listed, self._is_scant = asyncio.Event(), False
        listed = self._listed

        async def positions(deadline: Deadline) -> PartRead:
            try:
                read = await self._positions(deadline)
                self._is_scant = scant(read.positions, self._instruments or {})
            finally:
                listed.set()
            return read

        return (Part(name=PARTS[0], read=positions),)

    def _near_parts(self) -> tuple[Part, ...]:
        read, done = self._listed, list[int]()

        async def listed(deadline: Deadline, number: int) -> PartRead:
            async with within(deadline):
                await read.wait()
            method, parse = _LISTS[number]
            asked = [
                self._call(method, {"symbol": name}, units={"weight": 1}, deadline=deadline)
                for name in self._share.near()[number]
            ]
            found, doubts = list[OpenOrder](), list[str]()
            answers = await together(asked)
            for answer in answers:
                orders, doubt = believed(read_rows(answer.value, PARTS[1 + number]), parse)
                found.extend(orders)
                doubts.extend([doubt] if doubt else [])
            done.extend([] if doubts else [number])
            if len(done) == len(_LISTS):
                self._share.listed()
            digests = tuple(answer.digest for answer in answers)
            return PartRead(orders=tuple(found), digests=digests, doubt="; ".join(doubts))

        return (
            Part(name=PARTS[1] + IN_HELD, read=lambda deadline: listed(deadline, 0)),
            Part(name=PARTS[2] + IN_HELD, read=lambda deadline: listed(deadline, 1)),
        )

    def _unsent(self, begun_ns: int) -> Look:
        return Look(
            begun_ns=begun_ns,
            ended_ns=self._clock.monotonic_ns(),
            positions=(),
            orders=(),
            parts=(),
            unread=tuple(Unread(part=name, reason=WAITS, limited=True, unsent=True) for name in PARTS),
        )

    async def _give_way(self, stack: AsyncExitStack, units: int) -> None:
        """Hold units for figures in a crowd, where they are free now and nobody announced a need for them."""
        if not self._share.is_crowd:
            return
        rest = self._throttle.reserved("weight", units, within_s=0, claimant=Claimant(level=LATER))
        try:
            await stack.enter_async_context(rest)
        except TimeoutError:
            raise VenueRejected(GIVES_WAY, fault=Fault.RATE_LIMIT) from None

    def filled(self) -> None:
        """Hear that an order of ours was filled: the next look may be one that proves something."""
        self._thrift.filled()

    def _witness_last(self) -> bool:
        self._late = not self._share.is_crowd and (self._thrift.closes() or self._goes_in_turn())
        return self._late

    # The account's page: a witness of an empty list, and the second source.

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:
        if not self._share.is_crowd:
            late = Deadline(self._clock, min(WITNESS_WAIT_S, deadline.left_s)) if self._late else deadline
            answer = await self._call(witness.METHOD, {}, units={"weight": witness.WEIGHT}, deadline=late)
            return witness.claims(answer)
        async with within(deadline):
            await self._listed.wait()
        if not self._is_scant:
            return ()  # It is asked for nothing but a list that could prove flat.
        return witness.claims(await self._account_page(deadline, old_s=self._witness_s))

    async def _account_page(self, deadline: Deadline, *, old_s: float) -> Answer:
        """Return the account's page; whoever asks in the same moment shares an answer.

        In a crowd it may be `old_s` old, where nothing was sent since that can have moved a position.
        """
        since_ns = asked_ns = self._clock.monotonic_ns()
        if self._share.is_crowd:
            since_ns = max(self._share.moved_ns, asked_ns - round(old_s * NS))
        async with within(deadline), self._page_turn:
            if self._page is not None and self._page[0] >= since_ns:
                return self._page[1]
            if self._page_error is not None and self._page_error[0] >= asked_ns:
                raise self._page_error[1]
            # It leaves only when all who ask in this moment have asked.
            await self._clock.sleep(0)
            sent_ns = self._clock.monotonic_ns()
            try:
                answer = await self._page_now(deadline)
            except VenueError as error:
                self._page_error = (sent_ns, error)
                raise
            self._page = (sent_ns, answer)
            return answer

    async def _page_now(self, deadline: Deadline) -> Answer:
        v3, v2 = "fapiPrivateV3GetAccount", "fapiPrivateV2GetAccount"
        try:
            return await self._call(v3, {}, units={"weight": PAGE}, deadline=deadline)
        except VenueRejected as error:
            if error.fault in {Fault.TERMINAL, Fault.RATE_LIMIT}:
                raise
            return await self._call(v2, {}, units={"weight": PAGE}, deadline=deadline)

    # What one venue of the family knows.

    @abstractmethod
    async def _positions(self, deadline: Deadline) -> PartRead: ...

    @abstractmethod
    async def _orders(self, deadline: Deadline) -> PartRead: ...

    @abstractmethod
    async def _conditional_orders(self, deadline: Deadline) -> PartRead: ...


def _told_of(read: Read) -> tuple[Read, "asyncio.Future[VenueError | None]"]:
    """Return a reading, and what tells in the end whether it came, or why it did not."""
    came: asyncio.Future[VenueError | None] = asyncio.get_running_loop().create_future()

    async def telling(deadline: Deadline) -> PartRead:
        why: VenueError | None = VenueUnreachable("it was not read")
        try:
            found = await read(deadline)
            why = None
        except VenueError as error:
            why = error
            raise
        finally:
            came.set_result(why)
        return found

    return telling, came


_LISTS: tuple[tuple[str, Callable[[Row], OpenOrder]], ...] = (
    ("fapiPrivateGetOpenOrders", rows.open_order),
    ("fapiPrivateGetOpenAlgoOrders", rows.open_conditional_order),
)
