"""Bulkhead: what keeps the failure of one call, or of one leg, from reaching anything beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def attempt(call: Callable[[], Awaitable[Answer]], *, seconds: float) -> Answer | Exception:
    """Await a call for at most `seconds`, and return its answer, or the error that it ended with.

    A call that is not over in time ends with `TimeoutError`. Only cancellation, and what is no `Exception`,
    passes through.
    """
    try:
        async with asyncio.timeout(max(seconds, 0)):
            return await call()
    except Exception as error:  # noqa: BLE001 - one leg's surprise must not become another's (architecture, law 4)
        return error


def contained(call: Callable[[], None]) -> Exception | None:
    """Call what is not ours on the way of an exit; return its error instead of raising it."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - an observer cannot harm the exit (architecture, law 6)
        return error
    return None
