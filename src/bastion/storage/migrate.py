"""Migrations: numbered SQL files that bring a database to this version's form, each in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from bastion.errors import JournalUnusable

BUSY_MS = 2000
"""How long a statement waits for another process's transaction."""
CACHE_KIB = 256
"""What a connection holds of its file: the system's own cache holds the rest, and a daemon has several."""
WAL_TRIES = 5
"""So often a file that two open at one moment is tried."""


def migrations(chain: str = "") -> tuple[tuple[int, str], ...]:
    """Return the numbered SQL texts of one kind of database, in order; the empty name is the journal's."""
    folder = Path(__file__).with_name("sql")
    if chain:
        folder = folder.joinpath(chain)
    return tuple(
        sorted(
            (int(file.name.split("_", 1)[0]), file.read_text(encoding="utf-8"))
            for file in folder.iterdir()
            if file.name.endswith(".sql")
        )
    )


def connect(path: str, *, cache_kib: int = CACHE_KIB) -> apsw.Connection:
    """Open a database with every commit on the disk before it returns (WAL, synchronous=FULL).

    `cache_kib` is what it may hold of the file; a transaction that changes more takes longer.

    Raises:
        apsw.Error: the file cannot be opened or is no database.
    """
    connection = apsw.Connection(path)
    connection.setbusytimeout(BUSY_MS)
    _write_ahead(connection)
    connection.pragma("synchronous", "full")
    connection.pragma("trusted_schema", 0)
    connection.pragma("cache_size", -cache_kib)
    return connection


def _write_ahead(connection: apsw.Connection) -> None:
    # SQLite does not wait here: of two who open a new file at one moment, one is told at once that it is
    # locked. A transaction waits for the other's.
    for _ in range(WAL_TRIES):
        try:
            connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            with transaction(connection):
                pass
        else:
            return
    connection.pragma("journal_mode", "wal")


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Hold the write lock, commit at the end, and leave no trace where the body fails."""
    connection.execute("BEGIN IMMEDIATE")
    done = False
    try:
        yield
        done = True
    finally:
        connection.execute("COMMIT" if done else "ROLLBACK")


def migrate(connection: apsw.Connection, chain: str = "") -> int:
    """Apply what is missing of a chain of migrations, and return the version reached (`user_version`).

    Raises:
        JournalUnusable: the database was written by a newer bastion.
        apsw.Error: a statement failed; its migration left no trace.
    """
    steps = migrations(chain)
    newest = steps[-1][0]
    with transaction(connection):
        version = _known_version(connection, newest)
        for number, text in steps:
            if number > version:
                connection.execute(text)
                connection.pragma("user_version", number)
    return newest


def _known_version(connection: apsw.Connection, newest: int) -> int:
    version = int(connection.pragma("user_version"))
    if version > newest:
        message = f"the file has form {version}, this bastion knows {newest}: use the newer bastion"
        raise JournalUnusable(message)
    return version
