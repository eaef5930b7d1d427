"""Executor: carries out exits, one part an account, each account in the hand of one that acts on it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.records import Entry, RunStarted
from bastion.errors import JournalUnusable, Refused
from bastion.exits.course import Course
from bastion.exits.hand import Hand
from bastion.exits.opening import Opening
from bastion.exits.part import Part
from bastion.exits.progress import progress
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.ports import Clock, Journal, Venue

Observer = Callable[[Entry], None]

PLANNED = 16
"""Accounts with so many positions are planned before the orders that are durable by then leave; they share a
commit."""
TURNS = 6
"""So many turns of the event loop after accounts began, all orders of a commit that became durable while they
were planned have left: theirs, one to hear of it, two to tell it, the first order's, the others'."""


class Executor:
    """Carries out exits on these venues (by account name), writing what it does to the journal.

    However many exits run, each account is looked at and acted on by one `Hand`, as a task of `tasks`, for
    all of them. `observe` is called with each entry once it is durable; it must not block, and its errors
    are ignored.
    """

    def __init__(
        self,
        *,
        venues: Mapping[str, Venue],
        journal: Journal,
        clock: Clock,
        settings: ExitSettings,
        tasks: asyncio.TaskGroup,
        observe: Observer | None = None,
    ) -> None:
        self._venues = dict(venues)
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._tasks = tasks
        self._observe = observe
        self._hands: dict[str, Hand] = {}

    async def run(
        self, exit_id: str, *, seen: Mapping[str, Look] | None = None, opening: Opening | None = None
    ) -> None:
        """Start, or take up again, the exit of that id, and return when it is judged and its hold has passed.

        `seen` are looks of a moment ago, by account: what they show is closed without waiting for a look of
        its own, which follows at once and alone proves anything. `opening` is the request of a new exit that
        is not in the journal yet: it becomes durable with the first intents, and where it does not, this
        returns and nothing was done.

        Starting and recovering are this one function: a fold over the journal, then one part an account. An
        exit that ended flat is left alone; one that ended otherwise goes on, with its deadline counted anew.
        It never raises for a venue's, an observer's or the journal's sake.

        Raises:
            Refused: the journal knows no exit of that id.
        """
        entries = self._journal.entries(exit_id) if opening is None else opening.provisional()
        state = progress(entries)
        if state is None:
            message = f"no exit {exit_id} is known here; `bastion exit` starts one"
            raise Refused(message)
        if state.ended and state.judged is not None and state.judged.verdict.success:
            return
        recorder = Recorder(
            journal=self._journal, settings=self._settings, observe=self._observe, opening=opening
        )
        course = Course(state=state, clock=self._clock, settings=self._settings, recorder=recorder)
        parts = [
            Part(
                leg=leg,
                course=course,
                clock=self._clock,
                settings=self._settings,
                recorder=recorder,
                history=entries,
            )
            for leg in state.legs.values()
        ]
        try:
            async with asyncio.TaskGroup() as writers:
                writers.create_task(recorder.run(), name=f"{exit_id}: journal")
                await self._work(course, parts, recorder, (seen or {}) if course.run == 1 else {})
                recorder.close()
        except* JournalUnusable:
            # Whoever asked hears it from the opening.
            pass

    async def _work(
        self, course: Course, parts: Sequence[Part], recorder: Recorder, seen: Mapping[str, Look]
    ) -> None:
        started = RunStarted(
            exit_id=course.request.exit_id, run=course.run, monotonic_ns=self._clock.monotonic_ns()
        )
        recorder.note(started)
        try:
            looks = [(part, seen.get(part.leg.account.name)) for part in parts]
            looks.sort(key=lambda one: _at_stake(one[1]), reverse=True)
            planned = 0
            for part, look in looks:
                if planned >= PLANNED:
                    await _let_leave()
                    planned = 0
                self._begin(part, look)
                planned += 0 if look is None else len(look.positions)
            for part in parts:
                await part.over.wait()
        finally:
            for part in parts:
                self._leave(part)
        course.finish()

    def _begin(self, part: Part, seen: Look | None) -> None:
        name = part.leg.account.name
        venue = self._venues.get(name)
        if venue is None:
            part.give_up("the account is no longer configured")
            part.over.set()
            return
        hand = self._hands.get(name)
        if hand is None or hand.closed:
            hand = Hand(venue=venue, part=part, clock=self._clock, settings=self._settings, seen=seen)
            self._hands[name] = hand
            hand.task = self._tasks.create_task(hand.run(), name=f"hand on {name}")
        else:
            hand.join(part)

    def _leave(self, part: Part) -> None:
        hand = self._hands.get(part.leg.account.name)
        if hand is not None:
            hand.leave(part)


async def _let_leave() -> None:
    # No time is waited for: while a commit is on its way to the disk, the next accounts are planned.
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _at_stake(seen: Look | None) -> Decimal:
    # The accounts begin in this order: of many, the last one's orders leave noticeably later. What was not
    # seen may be more than anything that was.
    if seen is None:
        return Decimal("Infinity")
    return sum((abs(position.notional_usd or ZERO) for position in seen.positions), ZERO)
