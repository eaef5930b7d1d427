"""SQLite journal: one file, one writer thread with group commit, every commit on the disk."""

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import apsw

from bastion.domain.records import Entry, ExitEnded, ExitJudged, LegReopened, Record, RunStarted
from bastion.errors import JournalUnusable
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.storage.chain import GENESIS, digest, seal
from bastion.storage.codec import RecordMalformed, decode, encode, forget, kind_of
from bastion.storage.migrate import connect, migrate, transaction

GROUP_MAX = 512
"""At most so many waiting appends share one commit."""

KNOWN_MAX = 1
"""Of so many exits that are over the entries stay in memory: the last one, of which somebody may ask."""

WRITING_KIB = 1_000
"""What one commit of an exit of three hundred positions changes, so that it goes to the file in one go."""

_Row = tuple[int, int, str, str, str, str, str]

COLUMNS = "seq, at_ns, exit_id, kind, body, previous, hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Append:
    records: tuple[Record, ...]
    bodies: tuple[str, ...]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[tuple[Entry, ...]]


class _KnownExit:
    """One exit's entries, by their numbers."""

    __slots__ = ("ended", "entries", "flat")

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.flat = self.ended = False

    def keep(self, entry: Entry) -> None:
        self.entries[entry.seq] = entry
        match entry.record:
            case ExitJudged():
                self.flat = entry.record.verdict.success
            case LegReopened():
                self.flat = False
            case RunStarted():
                self.ended = False
            case ExitEnded():
                self.ended = True
            case _:
                pass


class _Known:
    """Entries that need not be decoded again: of exits that are not over, and of the last that are.

    Each exit that begins looks at all that are not over. It is used by several threads.
    """

    def __init__(self) -> None:
        self._exits: OrderedDict[str, _KnownExit] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, exit_id: str, seq: int) -> Entry | None:
        """Return the entry of that number, None where it is not known."""
        known = self._exits.get(exit_id)
        return None if known is None else known.entries.get(seq)

    def keep(self, entries: Sequence[Entry]) -> None:
        """Keep these, and let go of the exits that have been over for the longest time."""
        with self._lock:
            for entry in entries:
                known = self._exits.get(entry.exit_id)
                if known is None:
                    known = self._exits[entry.exit_id] = _KnownExit()
                known.keep(entry)
            for exit_id in {entry.exit_id for entry in entries}:
                self._exits.move_to_end(exit_id)
            over = [exit_id for exit_id, known in self._exits.items() if known.flat and known.ended]
            for exit_id in over[:-KNOWN_MAX]:
                del self._exits[exit_id]


class SqliteJournal:
    """The Journal port on one SQLite file, safe for several processes.

    Appends that wait at the same time share one commit. A commit returns when its rows are on the disk (WAL,
    synchronous=FULL). Reads see every commit of every process.

    Raises:
        JournalUnusable: the file cannot be opened, is no journal, or belongs to a newer bastion.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._clock = clock
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writing = connect(str(path), cache_kib=WRITING_KIB)
            migrate(self._writing)
            path.chmod(0o600)
            self._reading = connect(str(path))
        except (apsw.Error, OSError) as error:
            message = f"the journal {path} cannot be used: {error}"
            raise JournalUnusable(message) from error
        self._reading_lock = threading.Lock()
        self._known = _Known()
        self._waiting: queue.SimpleQueue[_Append | None] = queue.SimpleQueue()
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        """Make the records durable, in order, in one commit; then return their entries.

        Raises:
            JournalUnusable: they are not durable.
        """
        if self._closed:
            message = f"the journal {self._path} is closed"
            raise JournalUnusable(message)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Entry, ...]] = loop.create_future()
        kept = tuple(records)
        bodies = tuple(encode(record) for record in kept)
        self._waiting.put(_Append(records=kept, bodies=bodies, loop=loop, done=done))
        entries = await done
        forget(kept)
        return entries

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        """Return the entries of one exit, oldest first; empty when there is none of that id.

        Raises:
            JournalUnusable: the file cannot be read, or holds what is no record.
        """
        found = self._read("WHERE exit_id = ?", (exit_id,))
        self._known.keep(found)
        return found

    def all_entries(self) -> tuple[Entry, ...]:
        """Return the whole chain, oldest first.

        Raises:
            JournalUnusable: the file cannot be read, or holds what is no record.
        """
        return self._read("", ())

    def exit_ids(self) -> tuple[str, ...]:
        """Return the ids of all exits, oldest first.

        Raises:
            JournalUnusable: the file cannot be read.
        """
        text = "SELECT exit_id FROM entries WHERE kind = 'ExitRequested' ORDER BY seq"
        with self._reading_lock:
            try:
                rows = self._reading.execute(text).fetchall()
            except apsw.Error as error:
                raise self._unreadable(error) from error
        return tuple(dict.fromkeys(str(row[0]) for row in rows))

    def latch_entries(self) -> tuple[Entry, ...]:
        """Return the entries that trip or reset the latch, oldest first.

        Raises:
            JournalUnusable: the file cannot be read, or holds what is no record.
        """
        return self._read("WHERE kind IN ('LatchTripped', 'LatchReset')", ())

    def close(self) -> None:
        """Write what waits, then release the file; nothing is appended afterwards."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        self._writer.join(timeout=10)
        if not self._writer.is_alive():
            self._writing.close()
        with self._reading_lock:
            self._reading.close()

    def _read(self, where: str, values: tuple[str, ...]) -> tuple[Entry, ...]:
        text = f"SELECT {COLUMNS} FROM entries {where} ORDER BY seq"  # noqa: S608 - `where` is ours, values are bound
        with self._reading_lock:
            try:
                rows = self._reading.execute(text, values).fetchall()
            except apsw.Error as error:
                raise self._unreadable(error) from error
        return tuple(self._entry(cast("_Row", row)) for row in rows)

    def _entry(self, row: _Row) -> Entry:
        seq, at_ns, exit_id, kind, body, previous, found = row
        known = self._known.get(exit_id, seq)
        if known is not None and known.hash == found:
            return known
        if digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous) != found:
            message = f"entry {seq} of the journal {self._path} was changed: its hash does not fit"
            raise JournalUnusable(message)
        try:
            record = decode(kind, body)
        except RecordMalformed as error:
            message = f"entry {seq} of the journal {self._path} cannot be read: {error}"
            raise JournalUnusable(message) from error
        return Entry(seq=seq, at_ns=at_ns, exit_id=exit_id, record=record, previous=previous, hash=found)

    def _unreadable(self, error: apsw.Error) -> JournalUnusable:
        return JournalUnusable(f"the journal {self._path} cannot be read: {error}")

    def _write(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            group = [first]
            ending = False
            while len(group) < GROUP_MAX and not self._waiting.empty():
                another = self._waiting.get()
                if another is None:
                    ending = True
                    break
                group.append(another)
            self._commit(group)
            if ending:
                return

    def _commit(self, group: list[_Append]) -> None:
        try:
            with transaction(self._writing):
                made = self._insert(group)
        except Exception as error:  # noqa: BLE001 - whatever failed, the waiting appends must hear of it
            refused = JournalUnusable(f"the journal {self._path} did not take the records: {error}")
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            for append in group:
                _tell(append, refused)
            return
        for append, entries in zip(group, made, strict=True):
            # What was just written need not be decoded when it is read.
            self._known.keep(entries)
            _tell(append, entries)

    def _insert(self, group: list[_Append]) -> list[tuple[Entry, ...]]:
        # The chain's head is read inside the transaction: another process may have written since.
        head = self._writing.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (int(head[0]), str(head[1])) if head is not None else (0, GENESIS)
        made = []
        rows = []
        for append in group:
            entries = []
            for record, body in zip(append.records, append.bodies, strict=True):
                seq += 1
                entry = seal(record, body=body, seq=seq, at_ns=self._clock.now_ns(), previous=previous)
                previous = entry.hash
                entries.append(entry)
                rows.append(
                    (seq, entry.at_ns, entry.exit_id, kind_of(record), body, entry.previous, entry.hash)
                )
            made.append(tuple(entries))
        self._writing.executemany(
            f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
            rows,
        )
        return made


def _tell(append: _Append, outcome: tuple[Entry, ...] | JournalUnusable) -> None:
    def deliver() -> None:
        if append.done.done():
            return
        if isinstance(outcome, JournalUnusable):
            append.done.set_exception(outcome)
        else:
            append.done.set_result(outcome)

    try:
        append.loop.call_soon_threadsafe(deliver)
    except RuntimeError:
        # The loop is gone, and with it whoever waited; the rows are durable all the same.
        return
