"""Repeats: a request sent twice under one Idempotency-Key is done once, and answered the same."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bastion.ports import Clock
from bastion.surfaces.rest.problems import Reply, problem

KEEP_S = 86_400
KEPT_PER_OWNER_MAX = 1_000
OWNERS_MAX = 1_000
KEY_PATTERN = r"^[!-~]{1,255}$"
_KEY = re.compile(KEY_PATTERN[:-1] + r"\Z")
REPLAYED = ("Idempotent-Replayed", "true")
_REFUSALS = range(400, 500)


@dataclass(slots=True, kw_only=True)
class _Kept:
    digest: str
    at_ns: int
    reply: asyncio.Future[Reply]


class Repeats:
    """The first answers of the last day, by who asked and under which key; a restart forgets them.

    A refusal is not kept, since nothing was done: the mended request may come under the same key.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, dict[str, _Kept]] = {}

    async def once(self, *, owner: str, key: str, digest: str, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return what `work` answers, or what it answered when this owner used the key first.

        `digest` tells two requests apart. A repetition while the first is at work waits for it.
        """
        if _KEY.match(key) is None:
            return problem(422, "An Idempotency-Key is 1 to 255 visible ASCII characters. Nothing was done.")
        mine = self._of(owner)
        kept = mine.get(key)
        if kept is not None:
            if kept.digest != digest:
                return problem(
                    422,
                    "This Idempotency-Key came first with another request. Use a new key for a new request. "
                    "Nothing was done.",
                )
            return (await asyncio.shield(kept.reply)).with_headers(REPLAYED)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        mine[key] = _Kept(digest=digest, at_ns=self._clock.monotonic_ns(), reply=reply)
        told = problem(503, "The first request under this key was broken off; how it ended is not known.")
        try:
            told = await work()
        finally:
            if told.status in _REFUSALS:
                mine.pop(key, None)
            reply.set_result(told)
        return told

    def _of(self, owner: str) -> dict[str, _Kept]:
        # Taken out and put back, so that the owner who has been silent longest stands first.
        mine = self._kept.pop(owner, {})
        self._kept[owner] = mine
        while len(self._kept) > OWNERS_MAX:
            self._kept.pop(next(iter(self._kept)))
        oldest_ns = self._clock.monotonic_ns() - KEEP_S * 1_000_000_000
        for key in [key for key, kept in mine.items() if kept.at_ns < oldest_ns]:
            del mine[key]
        while len(mine) >= KEPT_PER_OWNER_MAX:
            mine.pop(next(iter(mine)))
        return mine
