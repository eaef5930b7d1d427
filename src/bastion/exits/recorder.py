"""Recorder: brings an exit's records into the journal, in order, without letting it hold the exit up."""

import asyncio
from collections.abc import Callable

from bastion.domain.records import Entry, Record
from bastion.errors import JournalUnusable
from bastion.exits.bulkhead import attempt, contained
from bastion.exits.opening import Opening
from bastion.exits.settings import ExitSettings
from bastion.patience import patience
from bastion.ports import Journal

Observer = Callable[[Entry], None]

TURNS = 2
"""So many turns of the event loop what waited for a commit is given before anybody is told of the commit."""


class Recorder:
    """One exit's way into the journal.

    `note` hands over a record and returns at once; `flush` waits until all of them are durable, but never
    longer than it is told. Records become durable in the order of their handing over, many in one commit
    where they pile up. Records that the journal refuses are kept and offered again with the next ones.
    With an `opening`, the request itself is the first of them: where it is refused, the exit never began.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        settings: ExitSettings,
        observe: Observer | None,
        opening: Opening | None = None,
    ) -> None:
        self._journal = journal
        self._opening = opening
        self._settings = settings
        self._observe = observe
        self._waiting: list[Record] = []
        self._handed = 0
        self._durable = 0
        self._refused = 0
        self._refusals = 0
        self._more = asyncio.Event()
        self._changed = asyncio.Event()
        self._closing = False

    @property
    def refusals(self) -> int:
        """How often the journal refused a commit."""
        return self._refusals

    def note(self, *records: Record) -> None:
        """Hand records over; they become durable soon."""
        self._waiting.extend(records)
        self._handed += len(records)
        self._more.set()

    async def flush(self, *, seconds: float) -> bool:
        """Wait at most that long until everything handed over is durable; return whether it is.

        The request itself is waited for in any case: the journal bounds that.

        Raises:
            JournalUnusable: the request was refused.
        """
        goal = self._handed
        if self._opening is not None:
            await self._opening.durable()
        try:
            async with patience(seconds):
                while max(self._durable, self._refused) < goal:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self._durable >= goal

    def close(self) -> None:
        """Let `run` end once it has offered what waits."""
        self._closing = True
        self._more.set()

    async def run(self) -> None:
        """Write until closed; the one task that appends for its exit.

        Raises:
            JournalUnusable: the request was refused, and with it all that was to follow.
        """
        while True:
            await self._more.wait()
            self._more.clear()
            # Whoever has its turn now, and notes something too, shares the commit.
            await asyncio.sleep(0)
            await self._write()
            if self._closing and (not self._waiting or self._refusals):
                return

    async def _write(self) -> None:
        batch = tuple(self._waiting)
        if self._opening is not None and not self._opening.decided:
            await self._open(self._opening, batch)
            return
        if not batch:
            return
        result = await attempt(lambda: self._journal.append(batch), seconds=self._settings.journal_deadline_s)
        if isinstance(result, Exception):
            self._refusals += 1
            self._refused = self._durable + len(batch)
            self._changed.set()
            return
        await self._took(batch, result)

    async def _open(self, opening: Opening, batch: tuple[Record, ...]) -> None:
        # No bound of this one's own: a request that was given up and is written down later would be carried
        # out by the next process.
        try:
            result = await self._journal.append((*opening.records, *batch))
        except JournalUnusable as error:
            opening.refused(error)
            raise
        opening.took(result[: len(opening.records)])
        await self._took(batch, result)

    async def _took(self, batch: tuple[Record, ...], result: tuple[Entry, ...]) -> None:
        del self._waiting[: len(batch)]
        self._durable += len(batch)
        self._changed.set()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        for entry in result:
            self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        observe = self._observe
        if observe is not None:
            contained(lambda: observe(entry))
