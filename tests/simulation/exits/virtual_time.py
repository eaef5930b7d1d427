"""Virtual time: an event loop that jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Generator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH_NS = 1_760_000_000_000_000_000
PASSES_MAX = 20_000
"""How often the loop may turn at one moment; the most that anything needs is some hundred."""


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


class _Selector(selectors.BaseSelector):
    # Nothing ever becomes ready by itself here: waiting is what lets the time pass.
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._keys: dict[Any, selectors.SelectorKey] = {}
        self._passes = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 - the interface's own types
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401 - the interface's own types
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock
        self._passes = 0 if timeout > 0 else self._passes + 1
        if self._passes > PASSES_MAX:
            raise Livelock
        self._clock.seconds += max(timeout, 0.0)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """A stdlib event loop whose time is the virtual clock's."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self._virtual = clock
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.seconds


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
        pending = asyncio.all_tasks(loop)
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
