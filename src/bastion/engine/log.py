"""Log: the engine's records as it needs them; the composition root brings one."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bastion.domain.engine import Pulse
from bastion.domain.engine_records import EngineEntry, EngineRecord


class EngineLog(Protocol):
    """The engine's durable, append-only, hash-chained records; every process of one state sees the same."""

    async def append(
        self, records: Sequence[EngineRecord], *, lasting: bool = False
    ) -> tuple[EngineEntry, ...]:
        """Make the records durable, in order, in one commit; then return their entries.

        Where the caller gives up before the writing began, nothing is written any more, unless `lasting`.

        Raises:
            JournalUnusable: they are not durable.
        """
        ...

    def entries(
        self,
        kinds: Collection[type[EngineRecord]],
        *,
        after: int = 0,
        since_ns: int = 0,
        newest: int | None = None,
    ) -> tuple[EngineEntry, ...]:
        """Return the entries of these kinds, oldest first, behind the sequence number `after`.

        With `newest` at most that many of the newest.

        Raises:
            JournalUnusable: they cannot be read.
        """
        ...

    def count(self, kind: type[EngineRecord], *, accounts: frozenset[str] | None = None) -> int:
        """Return how many entries of that kind there are; with `accounts` only those about these.

        Raises:
            JournalUnusable: they cannot be read.
        """
        ...

    def head(self) -> int:
        """Return the newest sequence number, 0 for none; cheap, to see whether another process wrote.

        Raises:
            JournalUnusable: it cannot be read.
        """
        ...

    async def beat(self, pulse: Pulse) -> None:
        """Replace the latest evaluation.

        Raises:
            JournalUnusable: it was not stored.
        """
        ...

    def pulse(self) -> Pulse | None:
        """Return the latest evaluation of whichever process runs the engine.

        Raises:
            JournalUnusable: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Release the files; nothing is appended afterwards."""
        ...
