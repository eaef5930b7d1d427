"""The audit journal: who asked what, hash-chained in a file of its own, and never in anybody's way."""

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import apsw

from bastion.domain.audit import AuditCall, AuditEntry, AuditQuery, AuditStanding, Outcome
from bastion.domain.principal import KeyUse
from bastion.errors import JournalUnusable
from bastion.ports import Clock
from bastion.storage.bell import Bell
from bastion.storage.chain import GENESIS, digest
from bastion.storage.codec import canonical
from bastion.storage.migrate import connect, migrate, transaction

WAITING_MAX = 10_000
GROUP_MAX = 512
RETRY_S = 1.0
GATHER_S = 0.1
"""What comes within so short a time is committed together."""
USES_NOTED_NS = 5_000_000_000
CLOSE_S = 3.0
LOST = "Lost"
COLUMNS = "seq, at_ns, kind, body, previous, hash"
_INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant
_LATEST_OF_CALL = (
    "NOT EXISTS (SELECT 1 FROM entries AS later WHERE later.call = e.call AND later.seq > e.seq)"
)

_log = logging.getLogger(__name__)

NoteUses = Callable[[Sequence[KeyUse]], None]


class SqliteAudit:
    """Implements the Auditor port on one SQLite file that several processes may share.

    `note` hands a row to one writer thread and returns; it waits for no lock of the file and no disk. The
    writer commits what waits together, without forcing the disk: a machine that loses its power may lose the
    last rows, and never the chain, since the disk's time belongs to the exits' journal. While the file takes
    nothing, up to `WAITING_MAX` rows wait; what is beyond that is lost, and how much was lost becomes a row
    of the chain as soon as it takes rows again. `note_uses` is told which keys were used, a few
    seconds later and at the end.
    """

    def __init__(self, path: Path, *, clock: Clock, note_uses: NoteUses | None = None) -> None:
        self._path = path
        self._clock = clock
        self._note_uses = note_uses
        self._waiting: queue.Queue[AuditCall | None] = queue.Queue(maxsize=WAITING_MAX)
        self._group: list[AuditCall] = []
        self._lock = threading.Lock()
        self._kept = self._lost = self._lost_told = 0
        self._trouble = ""
        self._uses: dict[str, KeyUse] = {}
        self._uses_noted_ns = clock.monotonic_ns()
        self._connection: apsw.Connection | None = None
        self._bell = Bell(clock=clock, after_s=GATHER_S)
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def note(self, call: AuditCall) -> None:
        """Hand one row to the writer, or count it as lost; never waits and never raises."""
        try:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="audit", daemon=True)
                self._writer.start()
            self._waiting.put_nowait(call)
            self._bell.ring()
        except (queue.Full, RuntimeError):
            # A RuntimeError: the system gives no further thread.
            with self._lock:
                self._lost += 1

    def hush(self, seconds: float) -> None:
        """Wake the writer no sooner than so many seconds from now."""
        self._bell.hush(seconds)

    def standing(self) -> AuditStanding:
        """Return how this process's part of it stands."""
        with self._lock:
            return AuditStanding(
                kept=self._kept,
                waiting=self._waiting.qsize() + len(self._group),
                lost=self._lost,
                trouble=self._trouble,
            )

    def records(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Return the latest row of each wanted call, newest first.

        Raises:
            JournalUnusable: the file cannot be read, or a row was changed.
        """
        wanted = {
            "e.act = ?": query.act,
            "e.principal = ?": query.principal,
            "e.exit_id = ?": query.exit_id,
            "e.at_ns >= ?": query.since_ns,
            "e.at_ns < ?": query.until_ns,
        }
        where = [
            _LATEST_OF_CALL,
            "e.call IS NOT NULL",
            *(text for text, one in wanted.items() if one is not None),
        ]
        values = [one for one in wanted.values() if one is not None]
        text = f"SELECT {COLUMNS} FROM entries AS e WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - constants; values are bound
        return read_entries(self._path, text, (*values, query.limit))

    def close(self) -> None:
        """Write what waits, for at most `CLOSE_S`; what is then left is lost, and the log says how much."""
        writer = self._writer
        if writer is None:
            return
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._bell.ring_now()
        writer.join(timeout=CLOSE_S)
        standing = self.standing()
        missing = standing.lost + standing.waiting
        if missing:
            why = standing.trouble or "it was too slow"
            _log.error("The audit journal %s lacks %d row(s): %s.", self._path, missing, why)

    def _write(self) -> None:
        ended = False
        try:
            while not ended or self._group:
                if not self._group:
                    ended = self._collect()
                if self._group and not self._try_group() and self._closing.wait(RETRY_S):
                    return
        finally:
            self._tell_uses()
            if self._connection is not None:
                self._connection.close()

    def _collect(self) -> bool:
        if self._waiting.empty():
            if self._closing.is_set():
                return True
            self._bell.wait()
        group: list[AuditCall] = []
        with self._lock:
            self._group = group
        while len(group) < GROUP_MAX and not self._waiting.empty():
            another = self._waiting.get()
            if another is None:
                return True
            group.append(another)
        return False

    def _try_group(self) -> bool:
        try:
            self._commit(self._group)
        except Exception as error:  # noqa: BLE001 - whatever hinders the audit, it is told and hinders nobody else
            with self._lock:
                fresh = not self._trouble
                self._trouble = f"{type(error).__name__}: {error}"
            if fresh:
                _log.error("The audit journal %s takes no rows: %s.", self._path, error)
            return False
        with self._lock:
            written, self._group = self._group, []
            self._kept += len(written)
            self._trouble = ""
        self._count_uses(written)
        return True

    def _commit(self, group: Sequence[AuditCall]) -> None:
        connection = self._opened()
        with self._lock:
            lost = self._lost - self._lost_told
        with transaction(connection):
            # The chain's head is read inside the transaction: another process may have written since.
            head = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
            seq, previous = (int(head[0]), str(head[1])) if head is not None else (0, GENESIS)
            bodies = [("Call", call.at_ns, body_of(call)) for call in group]
            if lost:
                bodies.insert(0, (LOST, self._clock.now_ns(), canonical({"lost": lost})))
            rows = []
            for kind, at_ns, body in bodies:
                seq += 1
                found = digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous)
                rows.append((seq, at_ns, kind, body, previous, found))
                previous = found
            connection.executemany(_INSERT, rows)
        with self._lock:
            self._lost_told += lost

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = connect(str(self._path))
            connection.pragma("synchronous", "normal")
            migrate(connection, "audit")
            self._path.chmod(0o600)
            self._connection = connection
        return self._connection

    def _count_uses(self, written: Sequence[AuditCall]) -> None:
        for call in written:
            if call.outcome is not Outcome.ASKED:
                known = self._uses.get(call.principal)
                count = 1 if known is None else known.uses + 1
                at_ms = call.at_ns // 1_000_000
                self._uses[call.principal] = KeyUse(key_id=call.principal, uses=count, last_used_ms=at_ms)
        if self._clock.monotonic_ns() - self._uses_noted_ns >= USES_NOTED_NS:
            self._tell_uses()

    def _tell_uses(self) -> None:
        uses, self._uses = tuple(self._uses.values()), {}
        self._uses_noted_ns = self._clock.monotonic_ns()
        if self._note_uses is None or not uses:
            return
        try:
            self._note_uses(uses)
        except Exception as error:  # noqa: BLE001 - a count that cannot be kept harms nothing
            _log.warning("The uses of keys could not be noted: %s.", error)


def body_of(call: AuditCall) -> str:
    """Return the canonical JSON of what is told of a call."""
    return canonical(asdict(call))


def read_entries(path: Path, text: str, values: Sequence[object]) -> tuple[AuditEntry, ...]:
    """Return the rows of an audit file that a query names; none where there is no file yet.

    Raises:
        JournalUnusable: the file cannot be read, or a row was changed.
    """
    if not path.exists():
        return ()
    try:
        connection = connect(str(path))
        try:
            if int(connection.pragma("user_version")) == 0:
                return ()  # Another process is about to make the tables.
            rows = connection.execute(text, tuple(values)).fetchall()
        finally:
            connection.close()
    except apsw.Error as error:
        message = f"the audit journal {path} cannot be read: {error}"
        raise JournalUnusable(message) from error
    return tuple(entry_of(row, path=path) for row in rows)


def entry_of(row: Sequence[Any], *, path: Path) -> AuditEntry:
    """Return the entry of one row, whose own hash must fit.

    Raises:
        JournalUnusable: the row was changed, or was written by a newer bastion.
    """
    seq, at_ns, kind, body, previous, found = row
    if digest(kind=kind, body=body, seq=seq, at_ns=at_ns, previous=previous) != found:
        message = f"row {seq} of the audit journal {path} was changed: its hash does not fit"
        raise JournalUnusable(message)
    try:
        fields = cast("dict[str, Any]", json.loads(body))
        if kind == LOST:
            return AuditEntry(
                seq=seq, at_ns=at_ns, previous=previous, hash=found, call=None, lost=int(fields["lost"])
            )
        call = AuditCall(**{**fields, "outcome": Outcome(fields["outcome"])})
    except (ValueError, KeyError, TypeError) as error:
        message = f"row {seq} of the audit journal {path} cannot be read: {error}"
        raise JournalUnusable(message) from error
    return AuditEntry(seq=seq, at_ns=at_ns, previous=previous, hash=found, call=call)
