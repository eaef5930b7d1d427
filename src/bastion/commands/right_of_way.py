"""Right of way: an exit's first orders leave before all else, and all else is served in line (law 6)."""

import asyncio
import gc
from collections.abc import Callable

from bastion.auth.permit import permit
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.errors import ScopeDenied
from bastion.ports import Clock

FIRST_WAVE_S = 0.05
"""How long after a press nobody else is served. By then the orders of some dozens of positions have left."""
TURN_S = 0.005
"""How long whoever is served has the process for himself; a read that computes takes a fourth of it."""
LINE_S = 2.0
"""Whoever stood in line that long is let in whatever happens before him."""
THRESHOLDS = (10_000, 10, 10)
"""How much is made before garbage is looked for. Python's own 700 looks some ten times in a first wave."""
_NS = 1_000_000_000
PRESSES = frozenset({Act.EXIT, Act.KILL_SWITCH, Act.HALT})
"""What takes the right of way as soon as it is known who asks, and waits for nobody's."""


class RightOfWay:
    """One process computes one thing at a time: what others ask waits for the exit that was just pressed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns = clock.monotonic_ns()
        self._settled = False
        self._thresholds = gc.get_threshold()
        self._hushed: tuple[Callable[[float], None], ...] = ()
        self._last_turn: asyncio.Event | None = None

    def settle(self) -> None:
        """Look through all that this process holds for the last time: it is here to stay.

        From now on garbage is looked for only among what is made later, and never in an exit's first moment.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        self._settled = True

    def hush(self, *threads: Callable[[float], None]) -> None:
        """Name what is to be told, at each press, for how many seconds no other thread is to be woken."""
        self._hushed = threads

    def take(self) -> None:
        """Let everybody else wait for a moment, from now on."""
        self._until_ns = self._clock.monotonic_ns() + int(FIRST_WAVE_S * _NS)
        for hush in self._hushed:
            hush(FIRST_WAVE_S)
        if self._settled:
            gc.disable()
            asyncio.get_running_loop().call_later(FIRST_WAVE_S, gc.enable)

    async def enter(self, act: Act | None, principal: Principal | None) -> None:
        """Let a request in whose key is known: a press that it allows goes first, all else gives way."""
        if act in PRESSES and principal is not None and _allowed(principal, act):
            self.take()
        else:
            await self.line_up()

    async def line_up(self) -> None:
        """Let in, one after the other, what is no press: each when the task before is done, or had `TURN_S`.

        So a press that comes waits for what one of the others computes, not for what all of them do.
        """
        over = asyncio.Event()
        before, self._last_turn = self._last_turn, over
        try:
            if before is not None:
                async with asyncio.timeout(LINE_S):
                    await before.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            over.set()
            raise
        self._begin_turn(over)
        await self.give()

    def _begin_turn(self, over: asyncio.Event) -> None:
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(lambda _: over.set())
        asyncio.get_running_loop().call_later(TURN_S, over.set)

    def end(self) -> None:
        """Hear that no exit begins here any more: garbage is looked for as before."""
        if self._settled:
            self._settled = False
            gc.enable()
            gc.unfreeze()
            gc.set_threshold(*self._thresholds)

    async def give(self) -> None:
        """Return once no exit is in its first moment, `FIRST_WAVE_S` after the call at the latest."""
        left_ns = self._until_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            await self._clock.sleep(left_ns / _NS)


def _allowed(principal: Principal, act: Act) -> bool:
    try:
        permit(principal, act)
    except ScopeDenied:
        # It is refused in its turn; who may not press holds nobody up.
        return False
    return True
