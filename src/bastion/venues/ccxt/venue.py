"""Venue: what the ccxt adapters share: calls with one deadline, looks in parallel, clock, contracts."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bastion.domain.account import Account
from bastion.domain.asked import AskedCall
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look, Unread
from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.ccxt.clock_set import NS_PER_MS, ClockSet
from bastion.venues.ccxt.faults import Refusal, cancel_failed
from bastion.venues.ccxt.haste import Haste
from bastion.venues.ccxt.shelf import Instruments, Shelf
from bastion.venues.ccxt.wire import Wire
from bastion.venues.ccxt.witness import Claim, Spoken, doubts, scant
from bastion.venues.deadline import Deadline, settled, together
from bastion.venues.encoders.signed import Parameters
from bastion.venues.insist import Insistence
from bastion.venues.raw import Answer

Cancels = Callable[[Sequence[OpenOrder]], Awaitable[tuple[CancelAnswer, ...]]]
"""Cancels a group of orders by one request."""
CLOCK_WAIT_S = 0.5
"""How long a look waits for nothing but the venue's clock; without it, the machine's own must do."""
WITNESS_WAIT_S = 1.0
"""How long a look that shows nothing to close waits for nothing but the witness that speaks against it."""
ORDERS_LEFT_OUT = "orders"
GLANCED = "not asked for: a look at the positions alone, before what rests was swept"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRead:
    """What one part of a look gave; `left_out` says why the credential cannot have anything there.

    `doubt` says why the list is not whole: what it shows is acted on, but the part counts as unread; where it
    is `limited`, for want of what the venue's limits leave.
    `venue_time_ms` is the venue's time of the reading, `changed_ms` that of the last change of a position.
    `notes` tell what was shown that is no exposure.
    """

    positions: tuple[Position, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    digests: tuple[str, ...] = ()
    venue_time_ms: int | None = None
    changed_ms: int | None = None
    left_out: str = ""
    doubt: str = ""
    limited: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a look: its name and how it is read."""

    name: str
    read: Callable[[Deadline], Awaitable[PartRead]]


class CcxtVenue(ClockSet):
    """The shared half of `ports.Venue`; a subclass knows one venue's endpoints and words.

    With `WITNESS_LAST` the witness is asked only once nothing is shown to be closed. `REPEATS_SAFELY` is set
    where the venue itself lets every close of ours only reduce, so that two of them can do no harm.
    """

    WITNESS_LAST = False
    REPEATS_SAFELY = False

    def __init__(self, *, account: Account, clock: Clock, shelf: Shelf) -> None:
        self._account = account
        self._clock = clock
        self._shelf = shelf
        self._wire: Wire = self._make_wire()
        self._insistence = Insistence(clock, self._wire.throttle)
        self._instruments: Instruments | None = None
        self._clock_turn = asyncio.Lock()
        self._haste = Haste(clock)
        self._spoken = Spoken()

    @property
    def account(self) -> Account:
        """The account behind this adapter."""
        return self._account

    async def open(self, *, deadline_s: float) -> None:
        """Warm up: connection, clock offset, contracts; safe to repeat.

        Raises:
            VenueError: the venue did not answer; every other method can still be called.
        """
        clock = self._synchronise(Deadline(self._clock, deadline_s), seen=self._synchronised)
        await together([clock, self.instruments(deadline_s=deadline_s)])

    async def look(self, *, deadline_s: float) -> Look:
        """Read every part of the account in parallel; what did not come stands in `unread`."""
        return await self._look_at(self._parts(), Deadline(self._clock, deadline_s))

    async def _look_at(self, parts: Sequence[Part], deadline: Deadline) -> Look:
        begun_ns, begun_utc_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        answers = await self._read_parts(parts, deadline)
        positions: dict[tuple[str, str, str], Position] = {}
        orders: dict[tuple[str, str, str, bool], OpenOrder] = {}
        names: list[str] = []
        unread: list[Unread] = []
        digests: list[str] = []
        read: list[PartRead] = []
        for part, answer in zip(parts, answers, strict=True):
            if isinstance(answer, VenueError):
                fault = answer.fault if isinstance(answer, VenueRejected) else None
                unread.append(
                    Unread(
                        part=part.name,
                        reason=self._wire.masked(str(answer)),
                        terminal=fault is Fault.TERMINAL,
                        limited=fault is Fault.RATE_LIMIT,
                    )
                )
                continue
            if answer.doubt:
                why = self._wire.masked(answer.doubt)
                unread.append(Unread(part=part.name, reason=why, limited=answer.limited))
            else:
                left_out = f" (left out: {answer.left_out})" if answer.left_out else ""
                names.append(part.name + left_out)
            # Pages can overlap while positions change; the later row is the newer word.
            positions |= {position.key: position for position in answer.positions}
            orders |= {order.key: order for order in answer.orders}
            digests.extend(answer.digests)
            read.append(answer)
        return Look(
            begun_ns=begun_ns,
            ended_ns=self._clock.monotonic_ns(),
            positions=tuple(positions.values()),
            orders=tuple(orders.values()),
            parts=tuple(names),
            unread=tuple(unread),
            digests=tuple(digests),
            venue_time_ms=self._time_of(read, begun_utc_ns // NS_PER_MS),
            notes=tuple(note for part in read for note in part.notes),
        )

    @property
    def repeats_safely(self) -> bool:
        """Whether a close that arrives twice can do no harm: the venue itself lets it only reduce."""
        return self.REPEATS_SAFELY

    def hasten(self) -> None:
        """Let the next look end soon after a position was shown; what has not come by then is unread."""
        self._haste.wanted = True

    async def instruments(self, *, deadline_s: float) -> Mapping[tuple[str, str], Instrument]:
        """Return the contracts by (category, id): from memory, a fresh file, the venue, or an old file.

        Raises:
            VenueError: they are nowhere to be had. An exit goes on without them.
        """
        if self._instruments is not None:
            return self._instruments
        kept = self._shelf.load()
        if kept is not None and kept[1]:
            self._instruments = kept[0]
            return kept[0]
        try:
            read = await self._read_instruments(Deadline(self._clock, deadline_s))
        except VenueError:
            if kept is None:
                raise
            return kept[0]
        self._instruments = read
        self._shelf.save(read)
        return read

    async def cancel(self, orders: Sequence[OpenOrder], *, deadline_s: float) -> tuple[CancelAnswer, ...]:
        """Cancel exactly these orders by their ids, in parallel; one answer each, in their order."""
        deadline = Deadline(self._clock, deadline_s)
        answers = await settled([self._cancel_one(order, deadline) for order in orders])
        return tuple(
            self._not_cancelled(order, answer) if isinstance(answer, VenueError) else answer
            for order, answer in zip(orders, answers, strict=True)
        )

    async def close(self) -> None:
        """Release the connections; the adapter is not used afterwards."""
        self._wire.throttle.closed()
        await self._wire.close()

    def asked(self) -> tuple[AskedCall, ...]:
        """Return what the venue was asked since this was called last, while it is called within 2 minutes."""
        return self._wire.asked.take()

    def keep_answers(self, keep: Callable[[Answer], None]) -> None:
        """Hand every raw answer to `keep` as it comes, but for what holds a secret; it must not block."""
        self._wire.keep = keep

    # What a subclass knows.

    @abstractmethod
    def _make_wire(self) -> Wire: ...

    @abstractmethod
    def _parts(self) -> tuple[Part, ...]: ...

    @abstractmethod
    def _refusal(self, answer: Answer) -> Refusal | None: ...

    @abstractmethod
    def _pace(self, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal: ...

    @abstractmethod
    async def _read_instruments(self, deadline: Deadline) -> Instruments: ...

    @abstractmethod
    async def _cancel_one(self, order: OpenOrder, deadline: Deadline) -> CancelAnswer: ...

    # What a subclass may know.

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:  # noqa: ARG002 - the shape of the hook
        """Return what a page kept apart from the lists says is held; by default there is no such page."""
        return ()

    def _witness_last(self) -> bool:
        return self.WITNESS_LAST

    def _doubted(self) -> None:
        """Hear that lists of positions were not believed: the account must be taken to hold some."""

    # What every subclass uses.

    async def _call(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool = False,
        repeatable: bool = False,
    ) -> Answer:
        """Return an answer that is JSON and no refusal; while an act is at work, a read is insisted on.

        So is what is `repeatable`: a cancel, which ends the same whether it is executed once or twice. A
        wrong clock is set right, and the request asked again once.
        """
        once = partial(self._once, method, params, units=units, deadline=deadline, mutating=mutating)
        if (mutating and not repeatable) or not self._wire.asked.listens:
            return await once()
        return await self._insistence.read(once, units=units, deadline=deadline)

    async def _once(
        self,
        method: str,
        params: Parameters,
        *,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool,
    ) -> Answer:
        seen, asked_ns = self._synchronised, self._clock.now_ns()
        answer, refusal = await self._ask(method, params, units, deadline, mutating)
        if refusal is not None and refusal.fault is Fault.CLOCK:
            # Refused before anything was executed, so the same request may go out again.
            await self._set_right(deadline, seen=seen, asked_ns=asked_ns, refused=answer)
            answer, refusal = await self._ask(method, params, units, deadline, mutating)
            self._weigh_told(refused=refusal is not None and refusal.fault is Fault.CLOCK)
        if refusal is None:
            return answer
        error = refusal.error(mutating=mutating)
        error.args = (self._wire.masked(str(error)),)
        raise error

    async def _ask(
        self,
        method: str,
        params: Parameters,
        units: Mapping[str, int],
        deadline: Deadline,
        mutating: bool,  # noqa: FBT001 - private
    ) -> tuple[Answer, Refusal | None]:
        answer = await self._wire.call(
            method, params, units=units, deadline_s=deadline.left_s, mutating=mutating
        )
        refusal = self._judge(answer, mutating=mutating)
        if refusal is not None and refusal.fault is Fault.RATE_LIMIT:
            refusal = self._pace(refusal, answer, units)
            if (silent_s := self._wire.throttle.silent_s) > 0:
                refusal = replace(
                    refusal, message=f"{refusal.message} (nothing is sent for {silent_s:.0f} s)"
                )
        return answer, refusal

    def _judge(self, answer: Answer, *, mutating: bool) -> Refusal | None:
        try:
            return self._refusal(answer)
        except AnswerMalformed as error:
            if mutating:
                raise OutcomeUnknown(f"{error}; the request may have been executed") from None
            raise

    async def _read_parts(self, parts: Sequence[Part], deadline: Deadline) -> list[PartRead | VenueError]:
        async with asyncio.TaskGroup() as group:
            clock = None
            if not self._synchronised:
                clock = group.create_task(settled([self._synchronise(deadline, seen=0)]))
            witness = None
            if not self._witness_last():
                witness = group.create_task(settled([self._claims(deadline)]))
            reads = [part.read(deadline) for part in parts]
            answers = await self._haste.answers(group, reads, _shows_open, deadline)
            if clock is not None:
                # An exit must not stand still for a clock that does not answer.
                await asyncio.wait({clock}, timeout=min(CLOCK_WAIT_S, deadline.left_s))
                clock.cancel()
            asked = [answer for part, answer in zip(parts, answers, strict=True) if "position" in part.name]
            lists = [answer for answer in asked if not isinstance(answer, VenueError)]
            rows = (position for answer in lists for position in answer.positions)
            proves = bool(lists) and scant(rows, self._instruments or {})
            if witness is not None:
                if proves:
                    await asyncio.wait({witness}, timeout=min(WITNESS_WAIT_S, deadline.left_s))
                heard = witness.result()[0] if witness.done() else None
                witness.cancel()
            else:
                heard = (await settled([self._claims(deadline)]))[0] if proves else None
            claims = self._spoken.told(heard, shown=bool(lists) and not proves)
        return self._weighed(parts, answers, claims)

    def _weighed(
        self, parts: Sequence[Part], answers: list[PartRead | VenueError], claims: Sequence[Claim]
    ) -> list[PartRead | VenueError]:
        shown = {
            part.name: None if isinstance(answer, VenueError) else answer.positions
            for part, answer in zip(parts, answers, strict=True)
            if isinstance(answer, VenueError) or not answer.left_out
        }
        reasons = doubts(claims, shown, self._instruments or {})
        if not reasons:
            return answers
        self._doubted()
        limited = {name for claim in claims if claim.limited for name in claim.parts}
        return [
            replace(answer, doubt=reasons[part.name], limited=part.name in limited)
            if part.name in reasons and not isinstance(answer, VenueError)
            else answer
            for part, answer in zip(parts, answers, strict=True)
        ]

    def _time_of(self, read: Sequence[PartRead], begun_utc_ms: int) -> int | None:
        # Executions are counted from this moment: none of ours may be missed, and none that the positions
        # already contain should be counted.
        times = [part.venue_time_ms for part in read if part.venue_time_ms is not None]
        if times:
            return min(times)
        if not self._synchronised:
            return None
        begun_ms = begun_utc_ms + self._wire.offset_ms
        changes = [part.changed_ms for part in read if part.changed_ms is not None]
        last = max(changes, default=0) + 1
        return max(begun_ms - self._doubt_ms, last if last <= begun_ms + self._doubt_ms else 0)

    async def _by_groups(
        self, orders: Sequence[OpenOrder], groups: Sequence[Sequence[OpenOrder]], send: Cancels
    ) -> tuple[CancelAnswer, ...]:
        """Send each group of these orders, all at once; one answer each, in the order of `orders`."""
        found: dict[tuple[str, str, str, bool], CancelAnswer] = {}
        results = await settled([send(group) for group in groups])
        for group, result in zip(groups, results, strict=True):
            if isinstance(result, VenueError):
                found |= {order.key: self._not_cancelled(order, result) for order in group}
            else:
                found |= {answer.order.key: answer for answer in result}
        return tuple(found[order.key] for order in orders)

    def _not_cancelled(self, order: OpenOrder, error: VenueError) -> CancelAnswer:
        return cancel_failed(order, error, self._wire.masked(str(error)))


class Glances(CcxtVenue):
    """The adapters that read the positions alone where that is enough: `ports.Glancing`."""

    async def glance(self, *, deadline_s: float) -> Look:
        """Read the positions, and weigh them as a look does; no list of orders is asked for."""
        look = await self._look_at(self._held_parts(), Deadline(self._clock, deadline_s))
        left = Unread(part=ORDERS_LEFT_OUT, reason=GLANCED, unsent=True)
        return replace(look, unread=(*look.unread, left))

    @abstractmethod
    def _held_parts(self) -> tuple[Part, ...]: ...


def _shows_open(read: PartRead) -> bool:
    return any(position.closable for position in read.positions)
