"""Journals: what a simulated world's records are kept in, over power cuts and full disks."""

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random

from bastion.domain.records import Entry, LatchTripped, Record, RoundIntended
from bastion.errors import JournalUnusable
from bastion.storage.codec import decode
from tests.simulation.exits.virtual_time import VirtualClock
from tests.simulation.exits.world import World

EXIT_ID = "xsimulation00"
COMMIT_S = 0.0005


def intended(record: Record) -> set[str]:
    """Return the client ids that a record announces."""
    if not isinstance(record, RoundIntended):
        return set()
    return {request.client_order_id for request in record.orders}


class PowerCut(BaseException):
    """The machine loses power here; what was not durable is gone."""


class SimulatedJournal:
    """A journal that keeps what is durable over power cuts, and fails and dawdles when the world says so."""

    def __init__(self, world: World, clock: VirtualClock) -> None:
        self.durable: list[Entry] = []
        self.intended: set[str] = set()
        self.latched = False
        self.appends = 0
        self.cuts: dict[int, bool] = {}
        self.full_until_s = self.slow_until_s = 0.0
        self.struck: Callable[[str, str], None] = lambda _, __: None
        self.intending: Callable[[str, bool], None] = lambda _, __: None
        self._world = world
        self._clock = clock
        self._began_s = clock.seconds
        self._rng = Random(f"journal {world.seed}")

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        acting = [record.account for record in records if isinstance(record, RoundIntended)]
        for name in acting:
            self.intending(name, True)
        try:
            return await self._append(records)
        finally:
            for name in acting:
                self.intending(name, False)

    async def _append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        self.appends += 1
        cut = self.cuts.pop(self.appends, None)
        if cut is False:
            raise PowerCut
        window = self._world.journal_fails
        if window is not None and window[0] <= self._clock.seconds - self._began_s < window[1]:
            self._strike("journal_full", records)
            raise JournalUnusable("disk full")
        if self._clock.seconds < self.full_until_s:
            self._strike("journal_full", records)
            raise JournalUnusable("disk full")
        if self._clock.seconds < self.slow_until_s:
            self._strike("journal_slow", records)
            await asyncio.sleep(0.05)
        if self._world.journal_slow_s:
            self._strike("journal_slow", records)
        await asyncio.sleep(COMMIT_S + self._rng.random() * self._world.journal_slow_s)
        made = []
        for record in records:
            entry = Entry(
                seq=len(self.durable) + 1,
                at_ns=self._clock.now_ns(),
                exit_id=record.exit_id,
                record=record,
                previous="",
                hash="",
            )
            self.durable.append(entry)
            made.append(entry)
            self.intended |= intended(record)
            self.latched = self.latched or isinstance(record, LatchTripped)
        if cut is True:
            raise PowerCut
        return tuple(made)

    def _strike(self, fault: str, records: Sequence[Record]) -> None:
        for name in {getattr(record, "account", "") for record in records}:
            self.struck(fault, name)

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.durable if entry.exit_id == exit_id)

    def exit_ids(self) -> tuple[str, ...]:
        return (EXIT_ID,)

    def latch_entries(self) -> tuple[Entry, ...]:
        return ()

    def close(self) -> None:
        return None


class MemoryShelf:
    """A spool that never fails and survives power cuts."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.intended: set[str] = set()
        self.latched = False

    async def put(self, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        for line in lines:
            row = json.loads(line)
            self.intended |= intended(decode(row["kind"], row["body"]))
            self.latched = self.latched or row["kind"] == "LatchTripped"

    def chains(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(self._lines),)

    def let_go(self, needed: Callable[[Sequence[str]], bool]) -> bool:
        if needed(tuple(self._lines)):
            return False
        self._lines.clear()
        return True
