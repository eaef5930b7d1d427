"""Spool: where records go when the journal cannot take them in time; a spool counts as journal."""

import asyncio
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bastion.domain.records import Entry, Record
from bastion.errors import JournalUnusable
from bastion.patience import patience
from bastion.ports import Clock, Journal
from bastion.storage.chain import GENESIS, seal
from bastion.storage.codec import encode, kind_of
from bastion.storage.memory import MemoryJournal
from bastion.storage.spool_files import FileShelf, Shelf
from bastion.storage.spool_lines import Name, Placed, believed, line_of, name_of
from bastion.storage.sqlite import SqliteJournal

RETRY_NS = 1_000_000_000
"""How long the journal is left alone after it failed, and no longer waited for after it was late."""


NAMES_MAX = 50_000
QUIET_NS = 1_000_000_000
"""So long nothing was written before the spool is looked through for what the journal has taken since."""
LIGHTENED_MAX = 8
"""A spool that tells of more exits stays until the next start: to read them all again would take too long."""


@dataclass(slots=True)
class _Decoded:
    """What was read of one spool so far: so many lines, the last of them, and the entries in them."""

    count: int = 0
    last: str = ""
    placed: list[Placed] = field(default_factory=list)


class SpooledJournal:
    """A journal that always answers in time: the journal itself, else the spool, else this process's memory.

    An append waits `budget_ms` for the journal and as long again for the spool. A journal that is late still
    gets every record, in order; only the waiting moves to the spool, and where the late record has arrived,
    the spool's copy no longer counts. What reached no place is kept in memory, and `complain` is given its
    lines: at once after a failure, after `RETRY_NS` of mere lateness. `journal` may be None where it could
    not be opened.
    """

    def __init__(
        self,
        *,
        journal: Journal | None,
        shelf: Shelf,
        clock: Clock,
        budget_ms: int,
        complain: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._shelf = shelf
        self._clock = clock
        self._budget_s = budget_ms / 1000
        self._complain = complain
        self._memory = MemoryJournal(clock=clock, spooled=True)
        # Of each entry in memory: where it belongs, and the hash of the line that the spool did not take.
        self._kept: list[tuple[int | None, str]] = []
        # In which order this process made what it spooled, by the hashes of the lines.
        self._made: dict[str, int] = {}
        self._last_seq: int | None = None
        self._appended_ns = clock.monotonic_ns()
        self._lightening: asyncio.TimerHandle | None = None
        self._seq = 0
        self._head = GENESIS
        self._leave_alone_until_ns = clock.monotonic_ns()
        self._late_since_ns: int | None = None
        self._late_until_ns = clock.monotonic_ns()
        # Every read asks for what stands beside the journal, so each line is decoded once.
        self._decoded: dict[str, _Decoded] = {}
        # What stood beside the journal at the last reading, for as long as nothing comes to it.
        self._seen: tuple[tuple[tuple[str, ...], ...], int, list[Placed]] = ((), 0, [])
        self._names: dict[str, Name] = {}

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        """Keep the records in the first place that takes them in time; return their entries."""
        now_ns = self._appended_ns = self._clock.monotonic_ns()
        if self._journal is None or now_ns < self._leave_alone_until_ns:
            return await self._spool(records, failed=True)
        # A late journal is handed the records all the same: it takes them in order when it can.
        budget_s = 0 if now_ns < self._late_until_ns else self._budget_s
        try:
            async with patience(budget_s):
                taken = await self._journal.append(records)
        except TimeoutError:
            self._late_since_ns = now_ns if self._late_since_ns is None else self._late_since_ns
            if budget_s:
                self._late_until_ns = self._clock.monotonic_ns() + RETRY_NS
                late = f"over {self._budget_s * 1000:.0f} ms"
                self._complain(f"The journal is late ({late}); the spool keeps the records too.")
            return await self._spool(records, failed=now_ns - self._late_since_ns >= RETRY_NS)
        except JournalUnusable as error:
            self._leave_alone_until_ns = self._clock.monotonic_ns() + RETRY_NS
            self._complain(f"The journal did not take {len(records)} record(s): {error}.")
            return await self._spool(records, failed=True)
        self._late_since_ns = None
        self._last_seq = taken[-1].seq if taken else self._last_seq
        return taken

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        """Return the entries of one exit from all places, in the order of their making."""
        return self._merged(lambda journal: journal.entries(exit_id), lambda entry: entry.exit_id == exit_id)

    def exit_ids(self) -> tuple[str, ...]:
        """Return the ids of all exits, oldest first."""
        try:
            ids = self._journal.exit_ids() if self._journal is not None else ()
        except JournalUnusable as error:
            self._complain(str(error))
            ids = ()
        beside = [entry for _, entry, _ in self._beside() if kind_of(entry.record) == "ExitRequested"]
        return tuple(dict.fromkeys((*ids, *(entry.exit_id for entry in beside))))

    def latch_entries(self) -> tuple[Entry, ...]:
        """Return the entries that trip or reset the latch, from all places, in the order of their making."""
        kinds = {"LatchTripped", "LatchReset"}
        return self._merged(
            lambda journal: journal.latch_entries(), lambda entry: kind_of(entry.record) in kinds
        )

    def needs(self, lines: Sequence[str]) -> bool:
        """Return whether a spool's lines say what the journal does not hold, or cannot be believed."""
        placed = believed(lines)
        return len(placed) < len(lines) or self._misses(placed)

    def _misses(self, placed: Sequence[Placed]) -> bool:
        if self._journal is None:
            return True
        try:
            return any(
                self._not_arrived(
                    self._journal.entries(exit_id), [one for one in placed if one[1].exit_id == exit_id]
                )
                for exit_id in {entry.exit_id for _, entry, _ in placed}
            )
        except JournalUnusable:
            return True

    def _lighten_later(self) -> None:
        if self._lightening is None:
            self._lightening = asyncio.get_running_loop().call_later(QUIET_NS / 1e9, self._lighten)

    def _lighten(self) -> None:
        # What a journal took that was late, this process would hold twice for as long as it lives.
        self._lightening = None
        if self._clock.monotonic_ns() - self._appended_ns < QUIET_NS:
            # An exit is at work.
            self._lighten_later()
        elif not self._misses(self._placed_kept()) and self._shelf.let_go(self._still_needs):
            self._seq, self._head = 0, GENESIS
            self._memory, self._kept = MemoryJournal(clock=self._clock, spooled=True), []
            self._seen = ((), 0, [])
            self._made.clear()
            self._names.clear()

    def _still_needs(self, lines: Sequence[str]) -> bool:
        known = self._decoded.get(lines[0]) if lines else None
        if known is None or known.count != len(lines) or len(known.placed) != len(lines):
            # Nobody has read all of it yet, or some of it cannot be read.
            return self.needs(lines)
        if len({entry.exit_id for _, entry, _ in known.placed}) > LIGHTENED_MAX or self._misses(known.placed):
            return True
        del self._decoded[lines[0]]
        return False

    def close(self) -> None:
        """Release the journal's files."""
        if self._lightening is not None:
            self._lightening.cancel()
        if self._journal is not None:
            self._journal.close()

    async def _spool(self, records: Sequence[Record], *, failed: bool) -> tuple[Entry, ...]:
        self._lighten_later()
        after = self._place(records)
        entries = []
        lines = []
        seq, head = self._seq, self._head
        for record in records:
            body, seq = encode(record), seq + 1
            entry = seal(record, body=body, seq=seq, at_ns=self._clock.now_ns(), previous=head, spooled=True)
            head = entry.hash
            entries.append(entry)
            lines.append(line_of(entry, body, after))
            self._made[entry.hash] = len(self._made)
        try:
            async with patience(self._budget_s):
                await self._shelf.put(lines)
        except OSError as error:
            # A TimeoutError is an OSError, too.
            if failed or not isinstance(error, TimeoutError):
                reason = str(error) or f"it took longer than {self._budget_s * 1000:.0f} ms"
                self._complain(f"The spool did not take {len(records)} record(s) either: {reason}.")
                for line in lines:
                    self._complain(line)
            self._kept.extend((after, entry.hash) for entry in entries)
            return self._memory.keep(records)
        self._seq, self._head = seq, head
        return tuple(entries)

    def _merged(
        self, read: Callable[[Journal], tuple[Entry, ...]], wanted: Callable[[Entry], bool]
    ) -> tuple[Entry, ...]:
        stored: tuple[Entry, ...] = ()
        if self._journal is not None:
            try:
                stored = read(self._journal)
            except JournalUnusable as error:
                self._complain(str(error))
        beside = [one for one in self._beside() if wanted(one[1])]
        return _merge(stored, self._not_arrived(stored, beside)) if beside else stored

    def _place(self, records: Sequence[Record]) -> int | None:
        # Behind which entry of the journal these records belong: UTC can jump, sequence numbers cannot.
        if self._last_seq is None and self._journal is not None and records:
            try:
                stored = self._journal.entries(records[0].exit_id)
            except JournalUnusable:
                return None
            self._last_seq = stored[-1].seq if stored else 0
        return self._last_seq

    def _beside(self) -> list[Placed]:
        chains = self._shelf.chains()
        before, kept, found = self._seen
        same = len(chains) == len(before) and all(map(operator.is_, chains, before))
        if not same or kept != len(self._kept):
            found = self._placed_in(chains)
            self._seen = (chains, len(self._kept), found)
        return found

    def _placed_in(self, chains: tuple[tuple[str, ...], ...]) -> list[Placed]:
        placed = [one for lines in chains for one in self._read_on(lines)]
        if not self._kept:
            return placed
        # A spool that was late may have taken a line after all: then it stands there. What this process made
        # comes in the order of its making, wherever each of it stands.
        there = {entry.hash for _, entry, _ in placed}
        own = [(self._made[one[1].hash], one) for one in placed if one[1].hash in self._made]
        for (_, line), one in zip(self._kept, self._placed_kept(), strict=True):
            if line not in there:
                own.append((self._made[line], one))
        own.sort(key=lambda one: one[0])
        return [*(one for one in placed if one[1].hash not in self._made), *(one for _, one in own)]

    def _placed_kept(self) -> list[Placed]:
        kept = zip(self._kept, self._memory.all_entries(), strict=True)
        return [(after, entry, self._name(entry)) for (after, _), entry in kept]

    def _read_on(self, lines: Sequence[str]) -> list[Placed]:
        if not lines:
            return []
        # A chain is told by its first line, and only ever grows; where it did not, it is read anew.
        known = self._decoded.get(lines[0])
        if known is None or not (0 < known.count <= len(lines) and lines[known.count - 1] == known.last):
            known = self._decoded[lines[0]] = _Decoded()
        new = lines[known.count :]
        # The last line may still be on its way to the disk; until it can be read, it is looked at again.
        sure = new if new and believed(new[-1:]) else new[:-1]
        if sure:
            known.placed.extend(believed(sure))
            known.count += len(sure)
            known.last = sure[-1]
        return known.placed

    def _name(self, entry: Entry) -> Name:
        # By its hash, since a stored entry is another object at each reading.
        name = self._names.get(entry.hash)
        if name is None:
            if len(self._names) >= NAMES_MAX:
                self._names.clear()
            name = self._names[entry.hash] = name_of(entry.record)
        return name

    def _not_arrived(self, stored: tuple[Entry, ...], beside: list[Placed]) -> list[Placed]:
        # What the journal took after all stands there alone.
        waiting: dict[Name, list[int]] = {}
        for entry in reversed(stored):
            waiting.setdefault(self._name(entry), []).append(entry.seq)
        arrived: list[tuple[int, int]] = []
        missing = []
        for one in beside:
            seqs = waiting.get(one[2])
            if seqs:
                arrived.append((one[1].at_ns, seqs.pop()))
            else:
                missing.append(one)
        return _behind(missing, arrived)


def _behind(missing: Sequence[Placed], arrived: Sequence[tuple[int, int]]) -> list[Placed]:
    """Return the entries, none of them before one that was made earlier and has reached the journal since.

    A late journal takes its records in order, one after the other: what it has not taken yet comes after
    what it has.
    """
    placed = []
    for after, entry, name in missing:
        seqs = [seq for at_ns, seq in arrived if at_ns <= entry.at_ns]
        floor = max(seqs, default=None)
        if floor is not None and after is not None:
            after = max(after, floor)  # noqa: PLW2901 - the same place, known better
        placed.append((after, entry, name))
    return placed


def _merge(stored: tuple[Entry, ...], beside: list[Placed]) -> tuple[Entry, ...]:
    seqs = [entry.seq for entry in stored]
    times = [entry.at_ns for entry in stored]
    places = [
        bisect_right(times, entry.at_ns) if after is None else bisect_right(seqs, after)
        for after, entry, _ in beside
    ]
    merged: list[Entry] = []
    taken = 0
    for place, (_, entry, _) in sorted(zip(places, beside, strict=True), key=lambda one: one[0]):
        merged.extend(stored[taken:place])
        taken = max(taken, place)
        merged.append(entry)
    return (*merged, *stored[taken:])


def open_journal(
    path: Path, *, spool: Path, clock: Clock, budget_ms: int, complain: Callable[[str], None]
) -> SpooledJournal:
    """Return the installation's journal with its spool; a journal that cannot be opened stops nothing.

    `spool` is a directory, best on another file system than `path`.
    """
    journal: SqliteJournal | None = None
    try:
        journal = SqliteJournal(path, clock=clock)
    except JournalUnusable as error:
        complain(f"{error}; records go to the spool")
    shelf = FileShelf(spool, clock=clock)
    spooled = SpooledJournal(
        journal=journal, shelf=shelf, clock=clock, budget_ms=budget_ms, complain=complain
    )
    # What a late journal took after all stands in both; the copy of a process that is gone is of no use.
    shelf.tidy(spooled.needs)
    return spooled
