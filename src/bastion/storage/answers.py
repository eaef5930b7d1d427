"""Answers: the raw answers of venues that an exit rests on, kept for whoever checks the hashes.

The hot path only puts each answer into a bounded list in memory. What an exit's journal names is picked from
there and written by one thread, compressed, each answer once however often it came. The file is bounded: the
oldest exits' answers go first. A machine that loses its power may lose the last ones; the journal loses none.
"""

import hashlib
import logging
import queue
import threading
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import apsw

from bastion.domain.asked import VenueAsked
from bastion.domain.records import Entry, Looked
from bastion.errors import JournalUnusable
from bastion.ports import Clock
from bastion.storage.bell import Bell
from bastion.storage.migrate import migrate, transaction

HEARD_MAX = 2_048
HEARD_BYTES_MAX = 16_000_000
ANSWER_BYTES_MAX = 4_000_000
KEPT_BYTES_MAX = 256_000_000
WAITING_MAX = 1_000
CLOSE_S = 3.0
BUSY_MS = 2_000
REST_S = 0.2
"""How long answers wait to be packed: the first orders of an exit leave meanwhile."""
_CHAIN = "answers"

_log = logging.getLogger(__name__)


class Raw(Protocol):
    """A raw answer, as far as it is kept: its body, and the SHA-256 of that."""

    @property
    def text(self) -> str:
        """The body as text."""
        ...

    @property
    def digest(self) -> str:
        """The SHA-256 of the body, in hexadecimal."""
        ...


class _Heard:
    """What is remembered of an answer: not what it was read into, which takes several times its text."""

    __slots__ = ("_digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._digest = ""

    @property
    def digest(self) -> str:
        if not self._digest:
            self._digest = hashlib.sha256(self.text.encode()).hexdigest()
        return self._digest


class SqliteAnswers:
    """Keeps raw answers in one SQLite file of at most `bytes_max` compressed bytes; nobody waits for it.

    What cannot be written is lost and logged, and harms nothing: the hash stands in the journal all the same.
    """

    def __init__(self, path: Path, *, clock: Clock, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._path = path
        self._clock = clock
        self._bytes_max = bytes_max
        self._heard: deque[_Heard] = deque(maxlen=HEARD_MAX)
        self._heard_bytes = 0
        self._waiting: queue.Queue[tuple[str, int, frozenset[str], tuple[_Heard, ...]] | None]
        self._waiting = queue.Queue(maxsize=WAITING_MAX)
        self._writer: threading.Thread | None = None
        self._bell = Bell(clock=clock, after_s=REST_S)

    def hear(self, answer: Raw) -> None:
        """Remember an answer for a while; nothing is hashed, compressed or written here."""
        size = len(answer.text)
        if size > ANSWER_BYTES_MAX:
            return
        if len(self._heard) == HEARD_MAX:
            self._heard_bytes -= len(self._heard[0].text)
        self._heard.append(_Heard(answer.text))
        self._heard_bytes += size
        while self._heard_bytes > HEARD_BYTES_MAX:
            self._heard_bytes -= len(self._heard.popleft().text)

    def hush(self, seconds: float) -> None:
        """Wake the writer no sooner than so many seconds from now."""
        self._bell.hush(seconds)

    def see(self, entry: Entry) -> None:
        """Have the answers kept that an exit's journal names: of looks, and of all that was asked."""
        if isinstance(entry.record, Looked):
            self.keep(entry.exit_id, entry.record.look.digests)
        if isinstance(entry.record, VenueAsked):
            self.keep(entry.exit_id, tuple(call.digest for call in entry.record.calls if call.digest))

    def keep(self, exit_id: str, digests: Sequence[str]) -> None:
        """Have the answers of these hashes written for an exit, soon; never waits and never raises."""
        if not digests:
            return
        try:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="answers", daemon=True)
                self._writer.start()
            self._waiting.put_nowait((exit_id, self._clock.now_ns(), frozenset(digests), tuple(self._heard)))
            self._bell.ring()
        except (queue.Full, RuntimeError):
            # A RuntimeError: the system gives no further thread.
            _log.warning("Raw answers of the exit %s were not kept: too much waits for the disk.", exit_id)

    def close(self) -> None:
        """Write what waits, for `CLOSE_S` at most."""
        if self._writer is not None:
            self._waiting.put(None)
            self._bell.ring_now()
            self._writer.join(CLOSE_S)

    def _write(self) -> None:
        connection: apsw.Connection | None = None
        told = ""
        while (wanted := self._next()) is not None:
            exit_id, at_ns, digests, heard = wanted
            try:
                connection = connection or self._connect()
                found = {answer.digest: answer.text for answer in heard if answer.digest in digests}
                self._store(connection, exit_id, at_ns, found)
            except (apsw.Error, OSError, JournalUnusable) as error:
                connection = None
                if told != exit_id:
                    # Once an exit: what is wrong with the disk is said loudly enough by the journal.
                    told = exit_id
                    _log.warning("Raw answers of the exit %s were not kept: %s", exit_id, error)
        if connection is not None:
            connection.close()

    def _next(self) -> tuple[str, int, frozenset[str], tuple[_Heard, ...]] | None:
        while self._waiting.empty():
            self._bell.wait()
        return self._waiting.get()

    def _connect(self) -> apsw.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = apsw.Connection(str(self._path))
        connection.setbusytimeout(BUSY_MS)
        # The disk's time belongs to the journal: nothing is forced to it here.
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        migrate(connection, _CHAIN)
        self._path.chmod(0o600)
        return connection

    def _store(self, connection: apsw.Connection, exit_id: str, at_ns: int, found: Mapping[str, str]) -> None:
        with transaction(connection):
            for digest, text in found.items():
                known = connection.execute("SELECT 1 FROM answers WHERE digest = ?", (digest,)).fetchone()
                if known is None:
                    connection.execute(
                        "INSERT INTO answers (digest, body) VALUES (?, ?)",
                        (digest, zlib.compress(text.encode())),
                    )
                connection.execute(
                    "INSERT OR IGNORE INTO uses (exit_id, digest, at_ns) VALUES (?, ?, ?)",
                    (exit_id, digest, at_ns),
                )
            self._rotate(connection, exit_id)

    def _rotate(self, connection: apsw.Connection, exit_id: str) -> None:
        # The exit that is being written goes last, whatever it takes.
        while _size(connection) > self._bytes_max:
            oldest = connection.execute(
                "SELECT exit_id FROM uses WHERE exit_id <> ? GROUP BY exit_id ORDER BY min(at_ns) LIMIT 1",
                (exit_id,),
            ).fetchone()
            if oldest is None:
                return
            connection.execute("DELETE FROM uses WHERE exit_id = ?", oldest)
            connection.execute("DELETE FROM answers WHERE digest NOT IN (SELECT digest FROM uses)")


def kept_answers(path: Path, exit_id: str) -> Mapping[str, str]:
    """Return the kept raw answers of an exit by their hashes; empty where there is no file.

    An answer that does not have its hash any more is left out.

    Raises:
        JournalUnusable: the file is there and cannot be read.
    """
    if not path.exists():
        return {}
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.setbusytimeout(BUSY_MS)
            rows = connection.execute(
                "SELECT a.digest, a.body FROM uses AS u JOIN answers AS a ON a.digest = u.digest "
                "WHERE u.exit_id = ? ORDER BY u.at_ns, a.digest",
                (exit_id,),
            ).fetchall()
        finally:
            connection.close()
        read = {str(digest): zlib.decompress(cast("bytes", body)).decode() for digest, body in rows}
    except (apsw.Error, zlib.error, UnicodeDecodeError) as error:
        message = f"the raw answers in {path} cannot be read: {error}"
        raise JournalUnusable(message) from error
    return {name: text for name, text in read.items() if hashlib.sha256(text.encode()).hexdigest() == name}


def _size(connection: apsw.Connection) -> int:
    (size,) = connection.execute("SELECT coalesce(sum(length(body)), 0) FROM answers").fetchall()[0]
    return int(cast("int", size))
