"""Writer: the one thread that decides and writes, in groups, one durable commit a group."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Final

from bastion.paper.strike.commands import Command, EmergencyExit, ResultT, VoidMarket
from bastion.paper.strike.decide import decide
from bastion.paper.strike.image import Image
from bastion.paper.strike.refund_run import exit_run, is_plain
from bastion.paper.strike.results import Reason, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store
from bastion.paper.strike.work import Work

PENDING_MAX: Final = 65_536
"""Beyond this many undecided commands everything is refused as BUSY; all but exits already at half."""

_BUSY: Final = Refused(reason=Reason.BUSY, message="The venue is busy; try again in a moment")


@dataclass(frozen=True, slots=True)
class _Item:
    commands: tuple[Command[Any], ...]
    future: Future[Any]
    single: bool

    def answer(self, results: list[Any]) -> None:
        self.future.set_result(results[0] if self.single else results)


class LedgerUnavailable(Exception):  # noqa: N818 - named for what it says, as the desk's errors are
    """The store failed while it wrote this command; whether it took place is not known.

    The next command starts from what the store really holds. Read the position before repeating an exit,
    or repeat it under the same Idempotency-Key.
    """


class LedgerDamaged(Exception):  # noqa: N818 - named for what it says, as the desk's errors are
    """The ledger disagrees with itself; the venue does not start on it. The message names the places."""


class Writer:
    """Owns the store. Commands go in from any thread; futures are resolved after their commit.

    `committed` is the image that readers look at, under `lock`.
    """

    def __init__(
        self, store: Store, settings: VenueSettings, clock_us: Callable[[], int], *, batch_max: int
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock_us = clock_us
        self._batch_max = batch_max
        self._inbox: SimpleQueue[_Item | None] = SimpleQueue()
        self._closing = False
        self._now_us = 0
        self.lock = threading.Lock()
        snapshot = store.load()
        problems = store.audit()
        if problems:
            store.close()
            raise LedgerDamaged("; ".join(problems[:10]))
        self.committed = Image(snapshot, settings)
        self._image: Image | None = Image(snapshot, settings)
        self._thread = threading.Thread(target=self._run, name="strike-writer", daemon=True)
        self._thread.start()

    @property
    def commits(self) -> int:
        """Count the durable commits since the start."""
        return self._store.commits

    def submit(self, command: Command[ResultT]) -> Future[ResultT | Refused]:
        """Queue a command; see `MarginVenue.submit`."""
        future: Future[ResultT | Refused] = Future()
        urgent = isinstance(command, (EmergencyExit, VoidMarket))
        if not self._put(_Item((command,), future, single=True), urgent=urgent):
            future.set_result(_BUSY)
        return future

    def submit_all(self, commands: Sequence[Command[ResultT]]) -> Future[list[ResultT | Refused]]:
        """Queue commands that share a commit; see `MarginVenue.submit_all`."""
        future: Future[list[ResultT | Refused]] = Future()
        urgent = all(isinstance(command, (EmergencyExit, VoidMarket)) for command in commands)
        if not self._put(_Item(tuple(commands), future, single=False), urgent=urgent):
            future.set_result([_BUSY] * len(commands))
        return future

    def _put(self, item: _Item, *, urgent: bool) -> bool:
        # From here on nobody can cancel it: giving up waiting does not take a command back.
        item.future.set_running_or_notify_cancel()
        if self._closing or self._inbox.qsize() >= (PENDING_MAX if urgent else PENDING_MAX // 2):
            return False
        self._inbox.put(item)
        return True

    def close(self, timeout_s: float) -> None:
        """Decide what is queued, then close the store."""
        if not self._closing:
            self._closing = True
            self._inbox.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"The ledger's writer did not finish within {timeout_s} s")

    def _run(self) -> None:
        try:
            while (batch := self._gather()) is not None:
                self._commit(batch)
            self._refuse_rest()
        finally:
            self._store.close()

    def _gather(self) -> list[_Item] | None:
        # Whatever has queued up while the last group was written becomes the next group: no timer is needed.
        first = self._inbox.get()
        if first is None:
            return None
        batch, room = [first], self._batch_max - len(first.commands)
        try:
            while room > 0:
                item = self._inbox.get_nowait()
                if item is None:
                    self._inbox.put(None)
                    break
                batch.append(item)
                room -= len(item.commands)
        except Empty:
            pass
        return batch

    def _refuse_rest(self) -> None:
        for _ in range(self._inbox.qsize()):
            item = self._inbox.get()
            if item is not None:
                item.answer([_BUSY] * len(item.commands))

    def _commit(self, batch: list[_Item]) -> None:
        try:
            results = self._decide(batch)
        except Exception as failure:  # noqa: BLE001 - a store may raise anything; every caller must hear of it
            self._image = None
            for item in batch:
                unavailable = LedgerUnavailable("The ledger could not be written; the outcome is not known")
                unavailable.__cause__ = failure
                item.future.set_exception(unavailable)
            return
        for item, answers in zip(batch, results, strict=True):
            item.answer(answers)

    def _decide(self, batch: list[_Item]) -> list[list[Any]]:
        image = self._image or self._recover()
        work = Work(image, self._settings)
        results = [self._decide_item(work, item.commands) for item in batch]
        draft = work.draft
        if not draft.is_empty:
            self._store.write(draft)
            with self.lock:
                self.committed.apply(draft)
        return results

    def _decide_item(self, work: Work, commands: tuple[Command[Any], ...]) -> list[Any]:
        answers: list[Any] = []
        for plain, run in groupby(commands, is_plain):
            work.now_us = self._now_us = max(self._now_us, self._clock_us())
            if plain and not work.gated:
                answers += exit_run(work, run)
                continue
            for command in run:
                work.now_us = self._now_us = max(self._now_us, self._clock_us())
                answers.append(decide(work, command))
        return answers

    def _recover(self) -> Image:
        snapshot = self._store.load()
        committed = Image(snapshot, self._settings)
        with self.lock:
            self.committed = committed
        self._image = Image(snapshot, self._settings)
        return self._image
