"""Memory journal: the journal port without a disk, for tests and as the last spool."""

from collections.abc import Sequence

from bastion.domain.records import Entry, ExitRequested, LatchReset, LatchTripped, Record
from bastion.ports import Clock
from bastion.storage.chain import GENESIS, seal
from bastion.storage.codec import encode


class MemoryJournal:
    """A journal that lasts as long as its process."""

    def __init__(self, *, clock: Clock, spooled: bool = False) -> None:
        self._clock = clock
        self._spooled = spooled
        self._entries: list[Entry] = []

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        """Keep the records and return their entries."""
        return self.keep(records)

    def keep(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        """Keep the records and return their entries, without an event loop."""
        added = []
        for record in records:
            previous = self._entries[-1].hash if self._entries else GENESIS
            entry = seal(
                record,
                body=encode(record),
                seq=len(self._entries) + 1,
                at_ns=self._clock.now_ns(),
                previous=previous,
                spooled=self._spooled,
            )
            self._entries.append(entry)
            added.append(entry)
        return tuple(added)

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        """Return the entries of one exit, oldest first."""
        return tuple(entry for entry in self._entries if entry.exit_id == exit_id)

    def all_entries(self) -> tuple[Entry, ...]:
        """Return the whole chain, oldest first."""
        return tuple(self._entries)

    def exit_ids(self) -> tuple[str, ...]:
        """Return the ids of all exits, oldest first."""
        ids = (entry.exit_id for entry in self._entries if isinstance(entry.record, ExitRequested))
        return tuple(dict.fromkeys(ids))

    def latch_entries(self) -> tuple[Entry, ...]:
        """Return the entries that trip or reset the latch, oldest first."""
        return tuple(entry for entry in self._entries if isinstance(entry.record, LatchTripped | LatchReset))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
