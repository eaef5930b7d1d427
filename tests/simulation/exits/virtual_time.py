"""Virtual time: an event loop that jumps to the next timer instead of waiting for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from heapq import heappop, heappush
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
EPOCH_NS = 1_760_000_000_000_000_000
PASSES_MAX = 20_000
"""How often the loop may turn at one moment; the most that anything needs is some hundred."""
RESOLUTION_S = 1e-9
"""What is due within this time is due at once: sums of seconds differ in their last digits."""


class Deadlock(Exception):  # noqa: N818 - the word for it
    """Nothing will ever happen again: no timer is set, and everybody waits."""


class Livelock(Exception):  # noqa: N818 - the word for it
    """Somebody is busy for ever, and no time passes."""


class VirtualClock:
    """The Clock port over virtual time; UTC can be made to jump."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.utc_shift_ns = 0

    def now_ns(self) -> int:
        return EPOCH_NS + round(self.seconds * 1e9) + self.utc_shift_ns

    def monotonic_ns(self) -> int:
        return round(self.seconds * 1e9)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))


class _Handle(asyncio.TimerHandle):
    # What asyncio's own handles do, without their debugging: a world makes some thousand of them.
    def __init__(
        self, when_s: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self._when = when_s
        self._callback, self._args = callback, args
        self._context = context if context is not None else copy_context()
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True


class _Task(asyncio.Task[Any]):
    # Sets of tasks are gone through in the order of their hashes, such as when a group is cancelled: a
    # number of its own makes that order one of the world, and not one of where in memory the tasks lie.
    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, number: int, **rest: Any) -> None:  # noqa: ANN401 - the interface's own types
        self._number = number
        super().__init__(coroutine, **rest)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """A stdlib event loop whose time is the virtual clock's, and passes only while nobody is busy.

    What is due at one moment runs in the order in which it was asked for, on every Python.
    """

    _stopping: bool

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._virtual = clock
        self._due: deque[_Handle] = deque()
        self._timers: list[tuple[float, int, _Handle]] = []
        self._serial = self._passes = 0
        self.made: list[asyncio.Task[Any]] = []
        self.set_task_factory(self.numbered)

    def numbered(
        self,
        _: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **rest: Any,  # noqa: ANN401 - the interface's own types
    ) -> asyncio.Task[Any]:
        """Make a task with the next number."""
        self._serial += 1
        task = _Task(cast("Coroutine[Any, Any, Any]", coroutine), number=self._serial, loop=self, **rest)
        self.made.append(task)
        return task

    def time(self) -> float:
        return self._virtual.seconds

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> _Handle:
        handle = _Handle(0.0, callback, args, context)
        self._due.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> _Handle:
        handle = _Handle(when := self._virtual.seconds + delay, callback, args, context)
        self._serial += 1
        heappush(self._timers, (when, self._serial, handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> _Handle:
        handle = _Handle(when, callback, args, context)
        self._serial += 1
        heappush(self._timers, (when, self._serial, handle))
        return handle

    def _run_once(self) -> None:  # noqa: C901 - the innermost loop: a call costs
        due, timers, clock = self._due, self._timers, self._virtual
        self._passes += 1
        if not due and not self._stopping:
            while timers and timers[0][2]._cancelled:
                heappop(timers)
            if not timers:
                raise Deadlock
            if timers[0][0] > clock.seconds:
                clock.seconds, self._passes = timers[0][0], 0
        if self._passes > PASSES_MAX:
            raise Livelock
        until_s = clock.seconds + RESOLUTION_S
        while timers and timers[0][0] <= until_s:
            due.append(heappop(timers)[2])
        for _ in range(len(due)):
            handle = due.popleft()
            if handle._cancelled:
                continue
            try:
                handle._context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as asyncio's own handles: it is told, and nobody dies
                self.call_exception_handler({"message": f"in {handle._callback!r}", "exception": error})


class Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that tells each time it goes on: after each await that had to wait, of any task."""

    def __init__(self, inner: Coroutine[Any, Any, Any], tick: Callable[[], None]) -> None:
        self._inner = inner
        self._tick = tick

    def send(self, value: object) -> object:
        self._tick()
        return self._inner.send(value)

    def throw(self, *error: Any) -> object:  # noqa: ANN401 - the interface's own types
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def run(clock: VirtualClock, main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time; an error that nobody fetched is an error of the run."""
    loop = VirtualLoop(clock)
    unfetched: list[str] = []
    loop.set_exception_handler(lambda _, context: unfetched.append(str(context)))
    try:
        result = loop.run_until_complete(main)
        # The loop's own list: asyncio's holds those of every world whose garbage is not swept up yet.
        pending = {task for task in loop.made if not task.done()}
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.wait(pending))
    finally:
        loop.close()
    if unfetched:
        message = f"nobody fetched: {unfetched}"
        raise AssertionError(message)
    return result
