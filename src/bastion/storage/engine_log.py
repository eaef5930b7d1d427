"""The engine's records on SQLite: append-only, hash-chained, shared by every process of one state."""

import asyncio
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import apsw

from bastion.domain.engine import Pulse
from bastion.domain.engine_records import EngineEntry, EngineRecord, account_of
from bastion.errors import JournalUnusable
from bastion.ports import Clock
from bastion.storage.chain import GENESIS, digest
from bastion.storage.codec import RecordMalformed, decode_value, encode_value
from bastion.storage.migrate import connect, migrate, transaction

RECORD_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(EngineRecord)}
_COLUMNS = "seq, at_ns, kind, body, previous, hash"
_INSERT = "INSERT INTO entries (seq, at_ns, kind, account, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
_BEAT = "INSERT INTO pulse (only, body) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET body = excluded.body"

T = TypeVar("T")


class SqliteEngineLog:
    """Implements the EngineLog port; the file is made, with mode 0600, when the first record comes.

    Reading opens nothing that is not there, so that whoever only exits never makes or migrates this file. A
    commit returns when its rows are on the disk. One thread of its own writes: a disk that hangs keeps its
    caller waiting, never the event loop.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._reading: apsw.Connection | None = None
        self._writing: apsw.Connection | None = None
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    async def append(
        self, records: Sequence[EngineRecord], *, lasting: bool = False
    ) -> tuple[EngineEntry, ...]:
        """Make the records durable, in order, in one commit; then return their entries.

        Where the caller gives up before the writing began, nothing is written any more, unless `lasting`.

        Raises:
            JournalUnusable: they are not durable.
        """
        kept = tuple(records)
        return await self._in_writer(lambda connection: self._insert(connection, kept), lasting=lasting)

    async def beat(self, pulse: Pulse) -> None:
        """Replace the latest evaluation.

        Raises:
            JournalUnusable: it was not stored.
        """
        body = encode_value(pulse)

        def store(connection: apsw.Connection) -> None:
            connection.execute(_BEAT, (body,))

        await self._in_writer(store)

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
            JournalUnusable: they cannot be read, or one was changed.
        """
        names = sorted(kind.__name__ for kind in kinds)
        marks = ", ".join("?" for _ in names)
        text = (
            f"SELECT {_COLUMNS} FROM entries WHERE kind IN ({marks}) AND seq > ? AND at_ns >= ?"  # noqa: S608 - constants and marks; values are bound
            " ORDER BY seq DESC LIMIT ?"
        )
        rows = self._read(text, (*names, after, since_ns, -1 if newest is None else newest))
        return tuple(self._entry(row) for row in reversed(rows))

    def all_entries(self) -> tuple[EngineEntry, ...]:
        """Return the whole chain, oldest first.

        Raises:
            JournalUnusable: it cannot be read, or an entry was changed.
        """
        rows = self._read(f"SELECT {_COLUMNS} FROM entries ORDER BY seq", ())  # noqa: S608 - a constant
        return tuple(self._entry(row) for row in rows)

    def count(self, kind: type[EngineRecord], *, accounts: frozenset[str] | None = None) -> int:
        """Return how many entries of that kind there are; with `accounts` only those about these.

        Raises:
            JournalUnusable: they cannot be read.
        """
        text = "SELECT count(*) FROM entries WHERE kind = ?"
        names = sorted(accounts or ())
        if accounts is not None:
            text += f" AND account IN ({', '.join('?' for _ in names)})"
        rows = self._read(text, (kind.__name__, *names))
        return int(rows[0][0]) if rows else 0

    def head(self) -> int:
        """Return the newest sequence number, 0 for none.

        Raises:
            JournalUnusable: it cannot be read.
        """
        rows = self._read("SELECT max(seq) FROM entries", ())
        return int(rows[0][0] or 0) if rows else 0

    def pulse(self) -> Pulse | None:
        """Return the latest evaluation; None where there is none, or it was another version's.

        Raises:
            JournalUnusable: it cannot be read.
        """
        rows = self._read("SELECT body FROM pulse", ())
        try:
            return decode_value(Pulse, str(rows[0][0])) if rows else None
        except RecordMalformed:
            return None

    def close(self) -> None:
        """Write what waits, then release the file; nothing is appended afterwards."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._work.put(None)
            writer.join(timeout=10)
        if self._writing is not None and (writer is None or not writer.is_alive()):
            self._writing.close()
            self._writing = None
        with self._lock:
            if self._reading is not None:
                self._reading.close()
                self._reading = None

    async def _in_writer(self, work: Callable[[apsw.Connection], T], *, lasting: bool = False) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(settle: Callable[[], None]) -> None:
            def deliver() -> None:
                if not done.done():
                    settle()

            try:
                loop.call_soon_threadsafe(deliver)
            except RuntimeError:
                return  # The loop is gone, and with it whoever waited; the rows are durable all the same.

        def carry() -> None:
            if done.cancelled() and not lasting:
                # Who waited was told that this is not written, so it must not be written later on.
                return
            try:
                connection = self._opened()
                with transaction(connection):
                    result = work(connection)
            except (apsw.Error, OSError, JournalUnusable) as error:
                failed = JournalUnusable(f"the engine's records {self._path} were not written: {error}")
                tell(lambda: done.set_exception(failed))
            else:
                tell(lambda: done.set_result(result))

        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="engine log", daemon=True)
            self._writer.start()
        self._work.put(carry)
        return await done

    def _write(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _opened(self) -> apsw.Connection:
        if self._writing is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = connect(str(self._path))
            migrate(connection, "engine")
            self._path.chmod(0o600)
            self._writing = connection
        return self._writing

    def _insert(
        self, connection: apsw.Connection, records: tuple[EngineRecord, ...]
    ) -> tuple[EngineEntry, ...]:
        # The chain's head is read inside the transaction: another process may have written since.
        head = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (int(head[0]), str(head[1])) if head is not None else (0, GENESIS)
        made = []
        for record in records:
            kind, body, at_ns = type(record).__name__, encode_value(record), self._clock.now_ns()
            seq += 1
            found = digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous)
            connection.execute(_INSERT, (seq, at_ns, kind, account_of(record), body, previous, found))
            made.append(EngineEntry(seq=seq, at_ns=at_ns, record=record, previous=previous, hash=found))
            previous = found
        return tuple(made)

    def _read(self, text: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                if self._reading is None:
                    if not self._path.exists():
                        return []
                    self._reading = connect(str(self._path))
                    if int(self._reading.pragma("user_version")) == 0:
                        # Another process is about to make the tables, and nothing is in them yet.
                        self._reading.close()
                        self._reading = None
                        return []
                return self._reading.execute(text, values).fetchall()
            except (apsw.Error, OSError) as error:
                message = f"the engine's records {self._path} cannot be read: {error}"
                raise JournalUnusable(message) from error

    def _entry(self, row: tuple[Any, ...]) -> EngineEntry:
        seq, at_ns, kind, body, previous, found = row
        if digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous) != found:
            message = f"entry {seq} of the engine's records {self._path} was changed: its hash does not fit"
            raise JournalUnusable(message)
        known = RECORD_TYPES.get(str(kind))
        if known is None:
            message = f"the engine's records {self._path} hold a {str(kind)[:40]!r}: use the newer bastion"
            raise JournalUnusable(message)
        try:
            record = decode_value(known, str(body))
        except RecordMalformed as error:
            message = f"entry {seq} of the engine's records {self._path} is malformed: {error}"
            raise JournalUnusable(message) from error
        return EngineEntry(seq=seq, at_ns=at_ns, record=record, previous=previous, hash=found)


def broken_at(entries: Sequence[EngineEntry]) -> int | None:
    """Return the place (from 0) of the first entry of a whole chain that does not fit, or None."""
    previous = GENESIS
    for place, entry in enumerate(entries):
        expected = digest(
            kind=type(entry.record).__name__,
            body=encode_value(entry.record),
            seq=entry.seq,
            at_ns=entry.at_ns,
            previous=previous,
        )
        if entry.seq != place + 1 or entry.previous != previous or entry.hash != expected:
            return place
        previous = entry.hash
    return None
