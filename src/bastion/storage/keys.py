"""The key store: records of `bst_` keys in one SQLite file, read again at every check."""

import os
from pathlib import Path
from typing import Any

import apsw

from bastion.domain.principal import KeyRecord, Scope
from bastion.errors import ConfigInvalid

BUSY_TIMEOUT_MS = 2_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bastion_key (
    sequence   INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    digest     TEXT NOT NULL UNIQUE,
    scope      INTEGER NOT NULL,
    label      TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER
) STRICT
"""
_ADD = (
    "INSERT INTO bastion_key (id, digest, scope, label, created_ms, expires_ms, revoked_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ALL = (
    "SELECT id, digest, scope, label, created_ms, expires_ms, revoked_ms FROM bastion_key ORDER BY sequence"
)
_REVOKE = "UPDATE bastion_key SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ? RETURNING id"


class SqliteKeyStore:
    """Implements the KeyStore port; the file is created with mode 0600 when the first key is stored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        self._inode = (0, 0)

    def _open(self) -> apsw.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            status = os.fstat(descriptor)
            os.close(descriptor)
            # A file that was replaced under us must not keep a revoked key alive in an old handle.
            if self._connection is not None and self._inode == (status.st_dev, status.st_ino):
                return self._connection
            self.close()
            connection = apsw.Connection(str(self._path))
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _SCHEMA):
                connection.execute(statement)
        except (OSError, apsw.Error) as error:
            raise ConfigInvalid(f"The key store {self._path} cannot be used: {error}.") from error
        self._connection = connection
        self._inode = (status.st_dev, status.st_ino)
        return connection

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        connection = self._open()
        try:
            return list(connection.execute(statement, values))
        except apsw.Error as error:
            raise ConfigInvalid(f"The key store {self._path} cannot be used: {error}.") from error

    def add(self, record: KeyRecord) -> None:
        """Store a new record durably; its id and digest are unique."""
        self._run(
            _ADD,
            (
                record.id,
                record.digest,
                int(record.scope),
                record.label,
                record.created_ms,
                record.expires_ms,
                record.revoked_ms,
            ),
        )

    def records(self) -> tuple[KeyRecord, ...]:
        """Return all records, oldest first, revoked and expired ones included."""
        if not self._path.exists():
            return ()
        return tuple(
            KeyRecord(
                id=str(row[0]),
                digest=str(row[1]),
                scope=Scope(row[2]),
                label=str(row[3]),
                created_ms=int(row[4]),
                expires_ms=row[5],
                revoked_ms=row[6],
            )
            for row in self._run(_ALL)
        )

    def revoke(self, key_id: str, *, at_ms: int) -> bool:
        """Mark the key revoked, durably; False when there is none of that id. The first time stays."""
        if not self._path.exists():
            return False
        return bool(self._run(_REVOKE, (at_ms, key_id)))

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
