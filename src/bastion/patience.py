"""Patience: a bound on a wait for another thread, which does not count the time that this one took itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BUSY_S = 0.002
"""A loop that comes so much too late to a moment that it waited for was busy, or had no core, until then."""

TURNS_MAX = 3


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Let what is inside wait for at most `seconds`, in which the loop was free to hear of it.

    An answer that another thread has given already is heard only when the loop comes round; while the loop
    was busy, the thread may have had no turn either. So where the loop comes too late to the end of the wait,
    the wait begins once more, up to `TURNS_MAX` times.

    Raises:
        TimeoutError: that long, nothing came.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        turns = TURNS_MAX
        due_s = loop.time() + max(seconds, 0)

        def look() -> None:
            nonlocal turns, due_s
            if turns and seconds > 0 and loop.time() - due_s > BUSY_S:
                turns -= 1
                due_s = loop.time() + seconds
                handles.append(loop.call_at(due_s, look))
            else:
                limit.reschedule(loop.time())

        handles = [loop.call_at(due_s, look)]
        try:
            yield
        finally:
            handles[-1].cancel()
