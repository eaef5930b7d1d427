"""Register: the engine's records with the state that they tell, kept up with what other processes write."""

import asyncio
import logging
from collections.abc import Sequence

from bastion.domain.engine import EngineState
from bastion.domain.engine_records import EngineEntry, EngineRecord, HighWaterSet
from bastion.domain.money import Usd
from bastion.engine.log import EngineLog
from bastion.engine.standing import KINDS, Facts
from bastion.errors import JournalUnusable

_log = logging.getLogger(__name__)


class Register:
    """The engine's memory on disk; writing waits at most `deadline_s`.

    `held_back` is set when a disarming could not be written down: in this process the engine is then not
    armed, whatever the records say, until it is armed anew.
    """

    def __init__(self, log: EngineLog, *, deadline_s: float) -> None:
        self._log = log
        self._deadline_s = deadline_s
        self._facts = Facts()
        self._seq = 0
        self.held_back = False

    def facts(self) -> Facts:
        """Return where the engine stands by all that any process has written.

        Raises:
            JournalUnusable: the records cannot be read.
        """
        head = self._log.head()
        if head != self._seq:
            for entry in self._log.entries(KINDS, after=self._seq):
                self._facts.apply(entry)
                head = max(head, entry.seq)
            self._seq = head
        return self._facts

    def last_known(self) -> Facts:
        """Return where the engine stands, by what was read last where nothing can be read now."""
        try:
            return self.facts()
        except JournalUnusable as error:
            _log.error("%s", error)
            return self._facts

    def armed(self) -> bool:
        """Return whether the engine may act now; another process may have disarmed it a moment ago."""
        return not self.held_back and self.last_known().recorded is EngineState.ARMED

    async def commit(
        self, records: Sequence[EngineRecord], *, lasting: bool = False
    ) -> tuple[EngineEntry, ...]:
        """Make the records durable; `lasting` ones are written late rather than never.

        Raises:
            JournalUnusable: they are not, or not in time.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._log.append(records, lasting=lasting)
        except TimeoutError:
            message = f"the engine's records were not written within {self._deadline_s:.0f} s"
            raise JournalUnusable(message) from None

    async def note(self, records: Sequence[EngineRecord]) -> bool:
        """Make the records durable, or say in the log that they are not: nothing waits for these."""
        if not records:
            return True
        try:
            await self.commit(records)
        except JournalUnusable as error:
            _log.error("%d record(s) of the engine are lost: %s", len(records), error)
            return False
        return True

    def high_water(self) -> Usd | None:
        """Return the mark that was stored; None where there is none, or an arming has set it aside.

        Raises:
            JournalUnusable: the records cannot be read.
        """
        newest = self._log.entries({HighWaterSet}, newest=1)
        if not newest or newest[0].seq < self.facts().rebase_after:
            return None
        record = newest[0].record
        return record.equity_usd if isinstance(record, HighWaterSet) else None
