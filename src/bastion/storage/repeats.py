"""Repeats on SQLite: the answers of the last day, so that a restart does no request twice."""

import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import apsw

from bastion.domain.repeats import KeptReply, KeptRequest
from bastion.errors import JournalUnusable
from bastion.ports import Clock
from bastion.storage.migrate import connect, migrate, transaction

KEEP_MS = 86_400_000
KEPT_MAX = 5_000
KEPT_PER_OWNER_MAX = 1_000
BODY_BYTES_MAX = 1_048_576
WAITING_MAX = 1_000
CLOSE_S = 3.0
_KNOWN = "SELECT owner, key, digest, at_ms, status IS NOT NULL FROM requests WHERE at_ms >= ? ORDER BY at_ms"
_BEGIN = (
    "INSERT INTO requests (owner, key, digest, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (owner, key) DO UPDATE "
    "SET digest = excluded.digest, at_ms = excluded.at_ms, status = NULL, media_type = NULL, headers = NULL, "
    "body = NULL"
)
_FINISH = "UPDATE requests SET status = ?, media_type = ?, headers = ?, body = ? WHERE owner = ? AND key = ?"
_REPLY = "SELECT status, media_type, headers, body FROM requests WHERE owner = ? AND key = ?"
_BEYOND_OF_OWNER = (
    "DELETE FROM requests WHERE rowid IN "
    "(SELECT rowid FROM requests WHERE owner = ? ORDER BY at_ms DESC, rowid DESC LIMIT -1 OFFSET ?)"
)
_BEYOND = (
    "DELETE FROM requests WHERE rowid IN "
    "(SELECT rowid FROM requests ORDER BY at_ms DESC, rowid DESC LIMIT -1 OFFSET ?)"
)

T = TypeVar("T")


class SqliteRepeats:
    """Implements the RepeatStore port; the file is made, with mode 0600, when the first request is kept.

    One thread of its own reads and writes, in the order of the asking: nobody waits for the disk who does
    not want to. A row lasts a day; beyond `KEPT_PER_OWNER_MAX` rows of one owner, or `KEPT_MAX` in all, the
    oldest go. An answer longer than `BODY_BYTES_MAX` is not kept, only that there was one to be had.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection: apsw.Connection | None = None
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue(maxsize=WAITING_MAX)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def known(self) -> Future[tuple[KeptRequest, ...]]:
        """Return what was asked within the last day, oldest first."""

        def read() -> tuple[KeptRequest, ...]:
            if not self._path.exists():
                return ()
            rows = self._opened().execute(_KNOWN, (self._oldest_ms(),))
            return tuple(
                KeptRequest(owner=owner, key=key, digest=digest, at_ms=at_ms, answered=bool(answered))
                for owner, key, digest, at_ms, answered in rows
            )

        return self._ask(read)

    def begin(self, request: KeptRequest) -> Future[None]:
        """Keep that this was asked; the answer of an earlier request under the key is forgotten."""

        def write() -> None:
            connection = self._opened()
            with transaction(connection):
                connection.execute(_BEGIN, (request.owner, request.key, request.digest, request.at_ms))
                connection.execute("DELETE FROM requests WHERE at_ms < ?", (self._oldest_ms(),))
                connection.execute(_BEYOND_OF_OWNER, (request.owner, KEPT_PER_OWNER_MAX))
                connection.execute(_BEYOND, (KEPT_MAX,))

        return self._ask(write)

    def finish(self, owner: str, key: str, reply: KeptReply | None) -> Future[None]:
        """Keep what it was answered with; None forgets the request, since nothing was done."""

        def write() -> None:
            if reply is None:
                if self._path.exists():
                    self._opened().execute("DELETE FROM requests WHERE owner = ? AND key = ?", (owner, key))
                return
            if len(reply.body) > BODY_BYTES_MAX:
                return
            headers = json.dumps(reply.headers)
            values = (reply.status, reply.media_type, headers, reply.body, owner, key)
            self._opened().execute(_FINISH, values)

        return self._ask(write)

    def reply(self, owner: str, key: str) -> Future[KeptReply | None]:
        """Return what a request was answered with; None where that is not known."""

        def read() -> KeptReply | None:
            row = self._opened().execute(_REPLY, (owner, key)).fetchone()
            if row is None or row[0] is None:
                return None
            status, media_type, headers, body = row
            return KeptReply(
                status=status,
                media_type=media_type,
                headers=tuple((name, value) for name, value in json.loads(headers)),
                body=bytes(body),
            )

        return self._ask(read)

    def close(self) -> None:
        """End the thread once it has done what waits, for at most `CLOSE_S`."""
        worker = self._worker
        if worker is None:
            return
        try:
            self._work.put(None, timeout=CLOSE_S)
        except queue.Full:
            return  # The disk hangs; the thread ends with the process.
        worker.join(timeout=CLOSE_S)

    def _ask(self, work: Callable[[], T]) -> Future[T]:
        asked: Future[T] = Future()

        def carry() -> None:
            try:
                done = work()
            except Exception as error:  # noqa: BLE001 - whatever hinders the disk, its asker is told
                asked.set_exception(JournalUnusable(f"{self._path.name} cannot be used: {error}"))
            else:
                asked.set_result(done)

        try:
            with self._lock:
                if self._worker is None:
                    self._worker = threading.Thread(target=self._run, name="repeats", daemon=True)
                    self._worker.start()
            self._work.put_nowait(carry)
        except (queue.Full, RuntimeError):
            # A RuntimeError: the system gives no further thread.
            asked.set_exception(JournalUnusable(f"{self._path.name} does not keep up"))
        return asked

    def _run(self) -> None:
        try:
            while (work := self._work.get()) is not None:
                work()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = connect(str(self._path))
            migrate(connection, "repeats")
            self._path.chmod(0o600)
            self._connection = connection
        return self._connection

    def _oldest_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000 - KEEP_MS
