"""Repeats: a request sent twice under one Idempotency-Key is done once, and answered the same."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from bastion.domain.repeats import KeptReply, KeptRequest
from bastion.errors import BastionError
from bastion.ports import Clock, RepeatStore
from bastion.shape import dataclass
from bastion.surfaces.rest.problems import Reply, problem

KEEP_S = 86_400
KEPT_PER_OWNER_MAX = 1_000
OWNERS_MAX = 1_000
KEY_PATTERN = r"^[!-~]{1,255}$"
# How long what changes something waits until its key is on the disk. What stops does not wait for the
# writing at all; it gives the disk a moment only to find an earlier answer.
STORE_S = 2.0
STORE_STOPPING_S = 0.1
_KEY = re.compile(KEY_PATTERN[:-1] + r"\Z")
REPLAYED = ("Idempotent-Replayed", "true")
NOT_KEPT = (
    "This Idempotency-Key could not be written to the disk: after a restart of the daemon, a repetition may "
    "be taken for a new request."
)
_REFUSALS = range(400, 500)

T = TypeVar("T")
Work = Callable[["Keeping"], Awaitable[Reply]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How a keyed request stands: `tag` tells it from every other, `again` that it was begun before."""

    tag: str = ""
    again: bool = False
    written: Future[None] | None = None

    def warnings(self) -> tuple[str, ...]:
        """Return what its answer has to say about the keeping of the key."""
        done = self.written
        if done is None or (done.done() and done.exception() is None):
            return ()
        return (NOT_KEPT,)


@dataclass(slots=True, kw_only=True)
class _Kept:
    digest: str
    at_ms: int
    reply: asyncio.Future[Reply] | None = None
    answered: bool = False


class Repeats:
    """The first answers of the last day, by who asked and under which key; with a store also after a restart.

    A refusal is not kept, since nothing was done: the mended request may come under the same key. A store
    that fails or hangs refuses nothing: the request is done, and its answer says so.
    """

    def __init__(self, *, clock: Clock, store: RepeatStore | None) -> None:
        self._clock = clock
        self._store = store
        self._kept: dict[str, dict[str, _Kept]] = {}
        self._known = None if store is None else store.known()

    async def once(self, *, owner: str, key: str, digest: str, stops: bool, work: Work) -> Reply:
        """Return what `work` answers, or what it answered when this owner used the key first.

        `digest` tells two requests apart. A repetition while the first is at work waits for it. One whose
        first was broken off is done with `Keeping.tag`, by which the desk knows what it began already. What
        `stops` waits for no writing.
        """
        if _KEY.match(key) is None:
            return problem(422, "An Idempotency-Key is 1 to 255 visible ASCII characters. Nothing was done.")
        key = hashlib.sha256(key.encode("ascii")).hexdigest()
        patience_s = STORE_STOPPING_S if stops else STORE_S
        await self._learn(patience_s)
        mine = self._of(owner)
        kept = mine.get(key)
        if kept is not None and kept.digest != digest:
            return problem(
                422,
                "This Idempotency-Key came first with another request. Use a new key for a new request. "
                "Nothing was done.",
            )
        if kept is not None and kept.reply is not None:
            return (await asyncio.shield(kept.reply)).with_headers(REPLAYED)
        if kept is not None and kept.answered:
            found = await self._stored(owner, key, patience_s)
            if found is not None:
                return found.with_headers(REPLAYED)
        return await self._first(
            KeptRequest(owner=owner, key=key, digest=digest, at_ms=self._now_ms()),
            again=kept is not None,
            patience_s=0 if stops else STORE_S,
            work=work,
        )

    async def _first(self, request: KeptRequest, *, again: bool, patience_s: float, work: Work) -> Reply:
        owner, key = request.owner, request.key
        mine = self._of(owner)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        mine[key] = _Kept(digest=request.digest, at_ms=request.at_ms, reply=reply)
        told: Reply | None = None
        try:
            written = None if self._store is None else self._store.begin(request)
            if written is not None:
                await _within(written, patience_s)
            tag = hashlib.sha256(f"{owner}\n{key}\n{request.digest}".encode()).hexdigest()
            told = await work(Keeping(tag=tag, again=again, written=written))
        finally:
            if told is None:
                # Broken off, like by a crash: what comes again finds by its tag what this one began.
                mine[key] = _Kept(digest=request.digest, at_ms=request.at_ms)
                told = problem(503, "The first request under this key was broken off; ask again.")
            elif told.status in _REFUSALS:
                mine.pop(key, None)
                self._put(lambda store: store.finish(owner, key, None))
            else:
                kept = KeptReply(
                    status=told.status, media_type=told.media_type, headers=told.headers, body=told.body
                )
                self._put(lambda store: store.finish(owner, key, kept))
            reply.set_result(told)
        return told

    async def _stored(self, owner: str, key: str, patience_s: float) -> Reply | None:
        found = None if self._store is None else await _within(self._store.reply(owner, key), patience_s)
        if found is None:
            return None
        return Reply(status=found.status, body=found.body, media_type=found.media_type, headers=found.headers)

    async def _learn(self, patience_s: float) -> None:
        if self._known is None:
            return
        rows = await _within(self._known, patience_s)
        if not self._known.done():
            return
        self._known = None
        for row in rows or ():
            kept = _Kept(digest=row.digest, at_ms=row.at_ms, answered=row.answered)
            self._of(row.owner).setdefault(row.key, kept)

    def _put(self, change: Callable[[RepeatStore], Future[None]]) -> None:
        if self._store is not None:
            change(self._store).add_done_callback(_complain)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

    def _of(self, owner: str) -> dict[str, _Kept]:
        # Taken out and put back, so that the owner who has been silent longest stands first.
        mine = self._kept.pop(owner, {})
        self._kept[owner] = mine
        while len(self._kept) > OWNERS_MAX:
            self._kept.pop(next(iter(self._kept)))
        oldest_ms = self._now_ms() - KEEP_S * 1_000
        for key in [key for key, kept in mine.items() if kept.at_ms < oldest_ms]:
            del mine[key]
        while len(mine) >= KEPT_PER_OWNER_MAX:
            mine.pop(next(iter(mine)))
        return mine


async def _within(asked: Future[T], seconds: float) -> T | None:
    """Return what the store says within that time; None where it does not, whatever the reason."""
    if seconds > 0:
        await asyncio.wait({asyncio.wrap_future(asked)}, timeout=seconds)
    return asked.result() if asked.done() and asked.exception() is None else None


def _complain(done: Future[None]) -> None:
    error = done.exception()
    if isinstance(error, BastionError):
        _log.warning("An answer could not be kept for its repetition: %s", error)
