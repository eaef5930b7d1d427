"""Courier: carries one leg's requests to its venue, and brings every answer into the leg and the journal."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.order import CancelAnswer, OpenOrder, OrderRequest
from bastion.domain.position import Position
from bastion.domain.records import (
    CancelsAnswered,
    FillsRead,
    OrderResolved,
    ResolvedBy,
)
from bastion.errors import Fault, VenueRejected
from bastion.exits.ahead import Ahead
from bastion.exits.books import book_key
from bastion.exits.bulkhead import attempt
from bastion.exits.elsewhere import Elsewhere
from bastion.exits.explaining import SECOND, Working, executions_of, sizes_to_ask
from bastion.exits.exposure import collateral_read
from bastion.exits.looking import look_at
from bastion.exits.pace import SECOND_NS, Pace, backoff_s, nanoseconds
from bastion.exits.plan import Act
from bastion.exits.progress import Leg
from bastion.exits.resolve import Questions, answer, second_told
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import worth_waiting_s
from bastion.exits.troubles import SURPRISE, trouble_of
from bastion.exits.worked import Worked
from bastion.ports import Accounting, Clock, Gathering, Glancing, Naming, Singly, Sizing, Venue, offers

AHEAD = "ahead"
Read = TypeVar("Read")


class Courier:
    """The tasks that talk to one account's venue; none of them can raise for the venue's sake.

    `wake` is set whenever an answer came.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        worked: Worked,
        clock: Clock,
        settings: ExitSettings,
        group: asyncio.TaskGroup,
    ) -> None:
        self._venue = venue
        self._worked = worked
        self._clock = clock
        self._settings = settings
        self._group = group
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Whether a venue has all of a protocol is looked up once: it is asked for at every step.
        self._accounting = offers(venue, Accounting)
        self._singly = (single := offers(venue, Singly)) is not None and single.places_singly
        self._gathers = (one := offers(venue, Gathering)) is not None and one.gathers
        self._requests: dict[str, OrderRequest] = {}
        self._ask_again_ns: dict[str, int] = {}
        self._ask_failures: Counter[str] = Counter()
        self._cancels = 0
        self.instruments: dict[tuple[str, str], Instrument] = {}
        self.fills_asked_ns: int | None = None
        self.wake = asyncio.Event()
        self.elsewhere = Elsewhere(offers(venue, Naming), clock)
        self.ahead = Ahead(venue=venue, worked=worked, clock=clock, settings=settings, wake=self.wake)

    @property
    def listed(self) -> bool:
        """Whether the venue's contracts are known, or were asked for in vain."""
        return bool(self.instruments) or "instruments" in self._ask_again_ns

    @property
    def _leg(self) -> Leg:
        return self._worked.leg

    @property
    def _pace(self) -> Pace:
        return self._worked.pace

    def trouble(self, part: str, error: Exception) -> str:
        """Record that something failed, once for each new reason; a countdown is one. Return what is told."""
        message, record = trouble_of(self._leg, part, error)
        if record is not None:
            self._worked.note(record)
        return message

    async def look(self, *, seconds: float, glancing: Glancing | None = None) -> Look:
        """Read the account, or by `glancing` its positions alone; where the venue fails, all is unread."""
        if (ahead := self.ahead.look()) is not None and glancing is not None:
            return ahead
        look = await look_at(
            self._venue,
            glancing,
            clock=self._clock,
            settings=self._settings,
            seconds=seconds,
            failed=lambda error: self.trouble("look", error),
        )
        self.elsewhere.saw(look)
        return look

    async def act(self, act: Act) -> None:
        """Carry out one round: journal it, then send; return when all is answered or stragglers remain."""
        intent = act.intent
        self.ahead.begin(intent)
        await self._worked.commit(intent)
        cleared = {(order.category, order.instrument) for order in intent.clears}
        self._requests |= {request.client_order_id: request for request in intent.orders}
        held = tuple(one for one in intent.orders if one.position.key[:2] in cleared)
        for number, request in enumerate(one for one in intent.orders if one.position.key[:2] not in cleared):
            self._start(f"order {request.client_order_id}", self._place(request))
            # What a turn of the event loop writes leaves at its end: the first order waits for no other.
            # Orders that share a request need one turn.
            if self._singly and number == 0:
                await asyncio.sleep(0)
        if intent.clears:
            self._start(self._cancelling(), self._clear(intent.round, intent.clears, held))
        if intent.cancels:
            self._start(self._cancelling(), self._cancel(intent.round, intent.cancels, sweep=act.sweep))
        await self._settled(worth_waiting_s(intent, self._leg.look, self._settings))
        await self._read_ahead()

    def ask(self, wanted: Questions) -> None:
        """Ask what is not being asked already, each question behind its own back-off."""
        for request in wanted.orders:
            self._question(f"ask {request.client_order_id}", self._lookup, request)
        count = len(self._tasks)
        for position in wanted.seconds:
            self._question(f"{SECOND}{'|'.join(book_key(position))}", self._second, position)
        if self._gathers and len(self._tasks) > count:
            self._ask_again_ns.pop("fills", None)
            self.ask_fills([self._leg])
        if wanted.elsewhere:
            self._question("elsewhere", self._named, None)

    def ask_fills(self, legs: Sequence[Leg]) -> None:
        """Read the executions of all books of these legs, unless they are being read or just failed."""
        about = executions_of(legs)
        if not about[0]:
            return
        read = self._leg.fills_read
        if read is not None and read.begun_ns < self._pace.last_act_ns and not self._ask_failures["fills"]:
            # What came before the last act is not what is asked for now.
            self._ask_again_ns.pop("fills", None)
        self._question("fills", self._fills, about)

    def explain(self, works: Sequence[Working], sizing: Sizing | None) -> None:
        """Ask for what explains the books: the executions, or for a while the sizes of another page alone."""
        if self.ahead.counts:
            return
        failed = any(count for name, count in self._ask_failures.items() if name.startswith(SECOND))
        wanted = None if failed else sizes_to_ask(works, sizing)
        if wanted is None:
            self.ask_fills([work.leg for work in works])
        else:
            self.ask(Questions(seconds=wanted))

    def ask_collateral(self) -> None:
        """Ask once which coins of the account can lose value, where the venue can tell."""
        if self._accounting is not None and self._leg.collateral is None:
            self._question("collateral", self._collateral, self._accounting)

    @property
    def awaits_coins(self) -> bool:
        """Whether the venue is being asked which coins of the account can lose value."""
        return "collateral" in self._tasks

    async def explained(self, *, seconds: float) -> None:
        """Wait until what explains the books, and was asked for, has come, for at most that long."""
        until_ns = self._clock.monotonic_ns() + nanoseconds(seconds)
        while any(name == "fills" or name.startswith(SECOND) for name in self._tasks):
            if (left_ns := until_ns - self._clock.monotonic_ns()) <= 0:
                return
            await self.wait(left_ns / SECOND_NS)

    def fetch_instruments(self) -> None:
        """Ask for the contracts' limits in the background; the exit goes on without them."""
        self._question("instruments", self._instruments, None)

    async def withdraw(self, orders: Sequence[OpenOrder]) -> None:
        """Cancel orders of ours that nobody wants any more, and return once that is answered."""
        await self._cancel(self._leg.rounds, tuple(orders), sweep=False)

    async def resynchronise(self) -> None:
        """Warm the connection and the clock offset up again, after the venue disliked our timestamp."""
        result = await self._read(lambda limit_s: self._venue.open(deadline_s=limit_s))
        if isinstance(result, Exception):
            self.trouble("clock", result)
        self._pace.clock_suspect = False

    async def wait(self, seconds: float) -> None:
        """Wait until an answer comes, for at most that long."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self.wake.wait()
        except TimeoutError:
            pass
        self.wake.clear()

    def stop(self) -> None:
        """Give up what is under way, and record each order that was not answered as of unknown outcome."""
        for cid in list(self._pace.in_flight):
            request = self._requests.get(cid)
            if request is not None:
                record = answer(self._leg, request, TimeoutError(), private="given up while on its way")
                self._worked.note(record)
        for task in self._tasks.values():
            task.cancel()

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work, name=f"{self._leg.account.name}: {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._done(name, task))

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        self.wake.set()

    def _cancelling(self) -> str:
        self._cancels += 1
        return f"cancels {self._cancels}"

    async def _read(self, ask: Callable[[float], Awaitable[Read]]) -> Read | Exception:
        limit_s = self._settings.read_deadline_s
        return await attempt(lambda: ask(limit_s), seconds=limit_s + self._settings.call_grace_s)

    async def _settled(self, seconds: float) -> None:
        until_ns = self._clock.monotonic_ns() + nanoseconds(seconds)
        while self._pace.in_flight:
            if self.ahead.due():
                self._start(AHEAD, self.ahead.read())
            left_ns = until_ns - self._clock.monotonic_ns()
            if left_ns <= 0:
                return
            await self.wait(left_ns / SECOND_NS)

    async def _read_ahead(self) -> None:
        # It left before the last answer came, so it is there before anything that would be asked now.
        until_ns = self._clock.monotonic_ns() + self._settings.fills_grace_ms * 1_000_000
        while (task := self._tasks.get(AHEAD)) is not None:
            if self.ahead.in_vain() or (left_ns := until_ns - self._clock.monotonic_ns()) <= 0:
                task.cancel()
                return
            await self.wait(left_ns / SECOND_NS)
        if (read := self.ahead.executions()) is not None:
            self._worked.note(read)

    async def _place(self, request: OrderRequest) -> None:
        self.ahead.handed_over(request.client_order_id)
        limit_s = self._settings.order_deadline_s
        result = await attempt(
            lambda: self._venue.place(request, deadline_s=limit_s),
            seconds=limit_s + self._settings.call_grace_s,
        )
        private = "no answer came in time" if isinstance(result, TimeoutError) else SURPRISE
        self._worked.note(answer(self._leg, request, result, private=private))

    async def _clear(
        self, number: int, clears: tuple[OpenOrder, ...], held: tuple[OrderRequest, ...]
    ) -> None:
        await self._cancel(number, clears, sweep=False)
        for request in held:
            self._start(f"order {request.client_order_id}", self._place(request))

    async def _cancel(self, number: int, orders: tuple[OpenOrder, ...], *, sweep: bool) -> None:
        limit_s = self._settings.read_deadline_s
        look = self._leg.look
        result = await attempt(
            lambda: (
                self._venue.sweep(replace(look, orders=orders), deadline_s=limit_s)
                if sweep and look is not None
                else self._venue.cancel(orders, deadline_s=limit_s)
            ),
            seconds=limit_s + self._settings.call_grace_s,
        )
        answers: Sequence[CancelAnswer] = ()
        if isinstance(result, tuple):
            answers = result
        elif isinstance(result, Exception):
            self.trouble("cancel", result)
        answered = {one.order.key for one in answers}
        missing = tuple(
            CancelAnswer(order=order, gone=False, message="no answer came", answered=False)
            for order in orders
            if order.key not in answered
        )
        record = CancelsAnswered(
            exit_id=self._leg.exit_id,
            account=self._leg.account.name,
            round=number,
            answers=(*answers, *missing),
        )
        self._worked.note(record)

    def _question(self, name: str, ask: Any, about: Any) -> None:  # noqa: ANN401 - each asker knows its subject
        if name not in self._tasks and self._clock.monotonic_ns() >= self._ask_again_ns.get(name, 0):
            if name == "fills":
                self.fills_asked_ns = self._clock.monotonic_ns()
            self._start(name, ask(name, about))

    def _asked(self, name: str, result: object, *, part: str = "", news: bool = True) -> None:
        vain, failed = self._ask_failures[name], isinstance(result, Exception)
        if part and isinstance(result, Exception):
            self.trouble(part, result)
        if isinstance(result, VenueRejected) and result.fault is Fault.RATE_LIMIT:
            vain = min(vain, 1)  # What a limit held back was not asked in vain: its turn may come any moment.
        self._ask_failures[name] = vain + 1 if failed or not news else 0
        wait_s = backoff_s(vain if failed else max(vain, 1), self._settings)
        self._ask_again_ns[name] = self._clock.monotonic_ns() + nanoseconds(wait_s)

    async def _lookup(self, name: str, request: OrderRequest) -> None:
        result = await self._read(lambda limit_s: self._venue.order(request, deadline_s=limit_s))
        sent = self._leg.sent.get(cid := request.client_order_id)
        self._asked(name, result, news=sent is None or result != sent.state)
        if isinstance(result, Exception):
            self.trouble("order", result)
            return
        # An order still on its way may be unknown to the venue yet, and one that it took to a page that
        # trails; what we know already is no news.
        if sent is None or sent.settled:
            return
        if (cid in self._pace.in_flight or sent.state) if result is None else result == sent.state:
            return
        self._worked.note(
            OrderResolved(
                exit_id=self._leg.exit_id,
                account=self._leg.account.name,
                client_order_id=cid,
                by=ResolvedBy.ORDER if result is not None else ResolvedBy.ABSENT,
                state=result,
            )
        )
        if result is None or result.ended:
            task = self._tasks.get(f"order {cid}")
            if task is not None:
                task.cancel()

    async def _second(self, name: str, position: Position) -> None:
        begun_ns = self._clock.monotonic_ns()
        result = await self._read(lambda limit_s: self._venue.second_source(position, deadline_s=limit_s))
        self._asked(name, result, part="second source")
        if not isinstance(result, Exception):
            self._worked.note(second_told(self._leg, position, result, begun_ns=begun_ns))

    async def _named(self, name: str, _: None) -> None:
        begun_ns = self._clock.monotonic_ns()
        result = await self._read(lambda limit_s: self.elsewhere.read(deadline_s=limit_s))
        self._asked(name, result, part="positions elsewhere")
        if not isinstance(result, Exception):
            for one in result:
                self._worked.note(second_told(self._leg, one, one.quantity, begun_ns=begun_ns))

    async def _fills(self, name: str, about: tuple[tuple[Position, ...], int]) -> None:
        positions, since_ms = about
        begun_ns = self._clock.monotonic_ns()
        result = await self._read(
            lambda limit_s: self._venue.fills(positions, since_ms=since_ms, deadline_s=limit_s)
        )
        self._asked(name, result, part="fills")
        self.fills_asked_ns = None
        if isinstance(result, Exception):
            return
        self._worked.note(
            FillsRead(
                exit_id=self._leg.exit_id,
                account=self._leg.account.name,
                run=self._leg.run,
                begun_ns=begun_ns,
                fills=result,
            )
        )

    async def _collateral(self, name: str, venue: Accounting) -> None:
        begun_ns = self._clock.monotonic_ns()
        result = await self._read(lambda limit_s: venue.balance(deadline_s=limit_s))
        self._asked(name, result)
        self._worked.note(collateral_read(self._leg, begun_ns=begun_ns, told=result))

    async def _instruments(self, name: str, _: None) -> None:
        result = await self._read(lambda limit_s: self._venue.instruments(deadline_s=limit_s))
        self._asked(name, result, part="instruments")
        if not isinstance(result, Exception):
            self.instruments.update(result)
