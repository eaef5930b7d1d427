"""Writer: the one thread that decides and writes, in groups, one durable commit a group."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final

from bastion.paper.strike.commands import Command, EmergencyExit, ResultT, VoidMarket
from bastion.paper.strike.decide import decide
from bastion.paper.strike.image import Image
from bastion.paper.strike.results import Reason, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store
from bastion.paper.strike.work import Work

PENDING_MAX: Final = 65_536
"""Beyond this many undecided commands everything is refused as BUSY; all but exits already at half."""

_BUSY: Final = Refused(reason=Reason.BUSY, message="The venue is busy; try again in a moment")
_Item = tuple[Command[Any], "Future[Any]"]


class LedgerUnavailable(Exception):  # noqa: N818  (named for what it says, as the desk's errors are)
    """The store failed while it wrote this command; whether it took place is not known.

    The next command starts from what the store really holds. Read the position before repeating an exit,
    or repeat it under the same Idempotency-Key.
    """


class LedgerDamaged(Exception):  # noqa: N818  (named for what it says, as the desk's errors are)
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
        # From here on nobody can cancel it: giving up waiting does not take a command back.
        future.set_running_or_notify_cancel()
        limit = PENDING_MAX if isinstance(command, (EmergencyExit, VoidMarket)) else PENDING_MAX // 2
        if self._closing or self._inbox.qsize() >= limit:
            future.set_result(_BUSY)
        else:
            self._inbox.put((command, future))
        return future

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
        batch = [first]
        try:
            while len(batch) < self._batch_max:
                item = self._inbox.get_nowait()
                if item is None:
                    self._inbox.put(None)
                    break
                batch.append(item)
        except Empty:
            pass
        return batch

    def _refuse_rest(self) -> None:
        for _ in range(self._inbox.qsize()):
            item = self._inbox.get()
            if item is not None:
                item[1].set_result(_BUSY)

    def _commit(self, batch: list[_Item]) -> None:
        try:
            results = self._decide(batch)
        except Exception as failure:  # noqa: BLE001  (a store may raise anything; every caller must hear of it)
            self._image = None
            for _, future in batch:
                unavailable = LedgerUnavailable("The ledger could not be written; the outcome is not known")
                unavailable.__cause__ = failure
                future.set_exception(unavailable)
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)

    def _decide(self, batch: list[_Item]) -> list[Any]:
        image = self._image or self._recover()
        work = Work(image, self._settings)
        results = []
        for command, _ in batch:
            self._now_us = max(self._now_us, self._clock_us())
            work.now_us = self._now_us
            results.append(decide(work, command))
        draft = work.draft
        if not draft.is_empty:
            self._store.write(draft)
            with self.lock:
                self.committed.apply(draft)
        return results

    def _recover(self) -> Image:
        snapshot = self._store.load()
        committed = Image(snapshot, self._settings)
        with self.lock:
            self.committed = committed
        self._image = Image(snapshot, self._settings)
        return self._image
