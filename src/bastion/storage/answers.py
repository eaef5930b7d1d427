"""Answers: the raw answers of venues that an exit rests on, kept for whoever checks the hashes.

The hot path only puts each answer into a bounded list in memory. What an exit's journal names is picked from
there and written by one thread, compressed, each answer once however often it came. What is written is no
longer held in memory, and what nobody named for a while is held compressed. The file is bounded: the oldest
exits' answers go first. A machine that loses its power may lose the last ones; the journal loses none.
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
from bastion.shape import dataclass
from bastion.storage.bell import Bell
from bastion.storage.migrate import CACHE_KIB, migrate, transaction

HEARD_MAX = 2_048
HEARD_BYTES_MAX = 16_000_000
"""So many answers, and characters of them as they came, may still be named by an exit."""
PLAIN_BYTES_MAX = 1_000_000
"""Beyond so many characters that were not looked at yet, the writer packs them: they take a tenth then."""
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
    """What is remembered of an answer: not what it was read into, which takes several times its text.

    The event loop makes one and reads its size; all else is for the writer's thread.
    """

    __slots__ = ("_body", "_digest", "size")

    def __init__(self, text: str) -> None:
        self.size = len(text)
        self._body: str | bytes | None = text
        self._digest = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of the body, in hexadecimal."""
        if not self._digest and isinstance(self._body, str):
            self._digest = hashlib.sha256(self._body.encode()).hexdigest()
        return self._digest

    @property
    def packed(self) -> bytes | None:
        """The compressed body; None once it was let go."""
        return zlib.compress(self._body.encode()) if isinstance(self._body, str) else self._body

    def pack(self) -> None:
        """Hold it compressed from now on, with its hash."""
        if self.digest:
            self._body = self.packed

    def let_go(self) -> None:
        """Hold its hash alone: it stands in the file."""
        if self.digest:
            self._body = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the writer is asked for: to keep these hashes for an exit; without any, to pack what was heard."""

    heard: tuple[_Heard, ...]
    exit_id: str = ""
    at_ns: int = 0
    digests: frozenset[str] = frozenset()


class SqliteAnswers:
    """Keeps raw answers in one SQLite file of at most `bytes_max` compressed bytes; nobody waits for it.

    What cannot be written is lost and logged, and harms nothing: the hash stands in the journal all the same.
    """

    def __init__(self, path: Path, *, clock: Clock, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._path = path
        self._clock = clock
        self._bytes_max = bytes_max
        self._heard: deque[_Heard] = deque(maxlen=HEARD_MAX)
        self._heard_bytes = self._plain_bytes = 0
        self._waiting: queue.Queue[_Wanted | None] = queue.Queue(maxsize=WAITING_MAX)
        self._writer: threading.Thread | None = None
        self._bell = Bell(clock=clock, after_s=REST_S)

    def hear(self, answer: Raw) -> None:
        """Remember an answer for a while; nothing is hashed, compressed or written here."""
        size = len(answer.text)
        if size > ANSWER_BYTES_MAX:
            return
        if len(self._heard) == HEARD_MAX:
            self._heard_bytes -= self._heard[0].size
        self._heard.append(_Heard(answer.text))
        self._heard_bytes += size
        self._plain_bytes += size
        while self._heard_bytes > HEARD_BYTES_MAX:
            self._heard_bytes -= self._heard.popleft().size
        if self._plain_bytes > PLAIN_BYTES_MAX and self._hand(_Wanted(heard=tuple(self._heard))):
            self._plain_bytes = 0

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
        wanted = _Wanted(
            exit_id=exit_id, at_ns=self._clock.now_ns(), digests=frozenset(digests), heard=tuple(self._heard)
        )
        if not self._hand(wanted):
            _log.warning("Raw answers of the exit %s were not kept: too much waits for the disk.", exit_id)

    def _hand(self, wanted: "_Wanted") -> bool:
        try:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="answers", daemon=True)
                self._writer.start()
            self._waiting.put_nowait(wanted)
        except (queue.Full, RuntimeError):
            # A RuntimeError: the system gives no further thread.
            return False
        self._bell.ring()
        return True

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
            try:
                if wanted.digests:
                    connection = connection or self._connect()
                    self._store(connection, wanted)
            except (apsw.Error, OSError, JournalUnusable) as error:
                connection = None
                if told != wanted.exit_id:
                    # Once an exit: what is wrong with the disk is said loudly enough by the journal.
                    told = wanted.exit_id
                    _log.warning("Raw answers of the exit %s were not kept: %s", told, error)
            if not wanted.digests:
                for answer in wanted.heard:
                    answer.pack()
        if connection is not None:
            connection.close()

    def _next(self) -> "_Wanted | None":
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
        connection.pragma("cache_size", -CACHE_KIB)
        migrate(connection, _CHAIN)
        self._path.chmod(0o600)
        return connection

    def _store(self, connection: apsw.Connection, wanted: "_Wanted") -> None:
        found = {answer.digest: answer for answer in wanted.heard if answer.digest in wanted.digests}
        with transaction(connection):
            for digest, answer in found.items():
                known = connection.execute("SELECT 1 FROM answers WHERE digest = ?", (digest,)).fetchone()
                body = None if known is not None else answer.packed
                if body is not None:
                    connection.execute("INSERT INTO answers (digest, body) VALUES (?, ?)", (digest, body))
                elif known is None:
                    # It was written for an exit whose answers have gone since.
                    continue
                connection.execute(
                    "INSERT OR IGNORE INTO uses (exit_id, digest, at_ns) VALUES (?, ?, ?)",
                    (wanted.exit_id, digest, wanted.at_ns),
                )
            self._rotate(connection, wanted.exit_id)
        for answer in wanted.heard:
            if answer.digest in found:
                answer.let_go()

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
