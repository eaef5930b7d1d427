"""Opening: the request of an exit that becomes durable in one commit with what is first intended for it."""

import asyncio
from collections.abc import Sequence

from bastion.domain.records import Entry, Record
from bastion.errors import JournalUnusable
from bastion.ports import Clock

NOWHERE = ""
"""In the place of the hashes of an entry that is not written yet."""


class Opening:
    """The records of a request on their way into the journal; until they are durable, nothing is sent."""

    def __init__(self, records: Sequence[Record], *, clock: Clock) -> None:
        self.records = tuple(records)
        self._clock = clock
        self._entries: tuple[Entry, ...] = ()
        self._error: JournalUnusable | None = None
        self._decided = asyncio.Event()

    def provisional(self) -> tuple[Entry, ...]:
        """Return the entries as far as they are known before the journal has taken them, to be folded."""
        now_ns = self._clock.now_ns()
        return tuple(
            Entry(seq=0, at_ns=now_ns, exit_id=record.exit_id, record=record, previous=NOWHERE, hash=NOWHERE)
            for record in self.records
        )

    @property
    def decided(self) -> bool:
        """Whether it is known if they are durable."""
        return self._decided.is_set()

    def took(self, entries: Sequence[Entry]) -> None:
        """Hear that they are durable."""
        self._entries = tuple(entries)
        self._decided.set()

    def refused(self, error: JournalUnusable) -> None:
        """Hear that they are not, and will not be; what is known already stays."""
        if not self.decided:
            self._error = error
            self._decided.set()

    async def durable(self) -> tuple[Entry, ...]:
        """Return their entries once they are durable; the journal's own bounds end the wait.

        Raises:
            JournalUnusable: they are not; the exit was never begun.
        """
        await self._decided.wait()
        if self._error is not None:
            raise self._error
        return self._entries
