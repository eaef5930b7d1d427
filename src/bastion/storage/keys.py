"""The key store: records of `bst_` keys in one SQLite file, read again at every check."""

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw

from bastion.domain.principal import KeyRecord, KeyUse, Scope, Tier
from bastion.errors import ConfigInvalid, JournalUnusable
from bastion.storage.migrate import connect, migrate, transaction

_COLUMNS = (
    "id, digest, scope, label, created_ms, expires_ms, revoked_ms, accounts, only_stops, notional_cap_usd,"
    " tier, replaces, uses, last_used_ms"
)
_ADD = f"INSERT INTO bastion_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant
_ALL = f"SELECT {_COLUMNS} FROM bastion_key ORDER BY sequence"  # noqa: S608 - a constant
_REVOKE = "UPDATE bastion_key SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ? RETURNING id"
_REVOKE_ACTIVE = "UPDATE bastion_key SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL RETURNING id"
_RETIRE_ACTIVE = (
    "UPDATE bastion_key SET expires_ms = min(coalesce(expires_ms, ?1), ?1)"
    " WHERE id = ?2 AND revoked_ms IS NULL RETURNING id"
)
_NOTE_USE = (
    "UPDATE bastion_key SET uses = uses + ?1, last_used_ms = max(coalesce(last_used_ms, ?2), ?2)"
    " WHERE id = ?3"
)


class SqliteKeyStore:
    """Implements the KeyStore port; the file is created with mode 0600 when the first key is stored.

    A file of an earlier release is brought to this one's form when it is first opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        self._inode = (0, 0)
        self._known: tuple[int, tuple[KeyRecord, ...]] | None = None

    def _open(self) -> apsw.Connection:
        try:
            if self._connection is not None:
                status = self._path.stat()
                if self._inode == (status.st_dev, status.st_ino):
                    return self._connection
        except OSError:
            pass  # It is gone, or cannot be seen: what follows says which.
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            status = os.fstat(descriptor)
            os.close(descriptor)
            # A file that was replaced under us must not keep a revoked key alive in an old handle.
            self.close()
            connection = connect(str(self._path))
            migrate(connection, "keys")
        except (OSError, apsw.Error, JournalUnusable) as error:
            raise self._unusable(error) from error
        self._connection = connection
        self._inode = (status.st_dev, status.st_ino)
        return connection

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        connection = self._open()
        try:
            return list(connection.execute(statement, values))
        except apsw.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> ConfigInvalid:
        return ConfigInvalid(f"The key store {self._path} cannot be used: {error}.")

    def add(self, record: KeyRecord) -> None:
        """Store a new record durably; its id and digest are unique."""
        self._known = None
        self._run(_ADD, _row(record))

    def records(self) -> tuple[KeyRecord, ...]:
        """Return all records, oldest first, revoked and expired ones included.

        They are read anew whenever the file changed, by whichever process, as SQLite's own counter tells.
        That keeps a check cheap, however many keys there are and however many bad ones are tried.
        """
        if not self._path.exists():
            return ()
        connection = self._open()
        try:
            version = int(connection.pragma("data_version"))
            if self._known is None or self._known[0] != version:
                self._known = (version, tuple(_record(row) for row in self._run(_ALL)))
            return self._known[1]
        except apsw.Error as error:
            raise self._unusable(error) from error
        except (ValueError, ArithmeticError, TypeError) as error:
            raise self._unusable(error) from error

    def revoke(self, key_id: str, *, at_ms: int) -> bool:
        """Mark the key revoked, durably; False when there is none of that id. The first time stays."""
        if not self._path.exists():
            return False
        self._known = None
        return bool(self._run(_REVOKE, (at_ms, key_id)))

    def replace(self, key_id: str, record: KeyRecord, *, at_ms: int, until_ms: int | None) -> bool:
        """Store a new record and end the key that it replaces, in one commit; False when that is not there.

        The old key is revoked at `at_ms`, or, where `until_ms` is given, expires then at the latest.
        """
        if not self._path.exists():
            return False
        connection = self._open()
        self._known = None
        try:
            with transaction(connection):
                statement = _REVOKE_ACTIVE if until_ms is None else _RETIRE_ACTIVE
                ended = list(connection.execute(statement, (at_ms if until_ms is None else until_ms, key_id)))
                if ended:
                    connection.execute(_ADD, _row(record))
        except apsw.Error as error:
            raise self._unusable(error) from error
        return bool(ended)

    def note_uses(self, uses: Sequence[KeyUse]) -> None:
        """Add to the counts of uses; a key that is not there is passed over."""
        if not uses or not self._path.exists():
            return
        connection = self._open()
        self._known = None
        try:
            with transaction(connection):
                connection.executemany(_NOTE_USE, [(use.uses, use.last_used_ms, use.key_id) for use in uses])
        except apsw.Error as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Release the file."""
        self._known = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _row(record: KeyRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.digest,
        int(record.scope),
        record.label,
        record.created_ms,
        record.expires_ms,
        record.revoked_ms,
        None if record.accounts is None else json.dumps(sorted(record.accounts)),
        int(record.only_stops),
        None if record.notional_cap_usd is None else str(record.notional_cap_usd),
        record.tier.value,
        record.replaces,
        record.uses,
        record.last_used_ms,
    )


def _record(row: tuple[Any, ...]) -> KeyRecord:
    return KeyRecord(
        id=str(row[0]),
        digest=str(row[1]),
        scope=Scope(row[2]),
        label=str(row[3]),
        created_ms=int(row[4]),
        expires_ms=row[5],
        revoked_ms=row[6],
        accounts=None if row[7] is None else frozenset(str(name) for name in json.loads(row[7])),
        only_stops=bool(row[8]),
        notional_cap_usd=None if row[9] is None else Decimal(row[9]),
        tier=Tier(row[10]),
        replaces=row[11],
        uses=int(row[12]),
        last_used_ms=row[13],
    )
