"""PostgresStore: the ledger in one schema of a Postgres database (synchronous_commit=on)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import psycopg
from psycopg import sql

from bastion.paper.strike.draft import Draft, Snapshot
from bastion.paper.strike.ledger import Transfer
from bastion.paper.strike.statements import statement
from bastion.paper.strike.store import (
    LOADS,
    Batch,
    Row,
    StoreDiverged,
    StoreInUse,
    rows_of,
    snapshot_of,
)

_CONNECT_S: Final = 5
_STATEMENT_MS: Final = 10_000
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('bastion strike ledger'), hashtext(%s))"

_ARRAYS: Final = ("insert_position", "change_position", "move_account", "insert_transfer")
_SINGLES: Final = (
    "insert_account",
    "insert_claim",
    "pay_claim",
    "insert_answer",
    "insert_movement",
    "put_market",
    "put_venue",
)


class PostgresStore:
    """A ledger in `schema` of the database that `dsn` names, created when missing.

    Raises:
        StoreInUse: Another process has this ledger open for writing.
        psycopg.Error: The database cannot be reached or prepared.
    """

    def __init__(self, dsn: str, *, schema: str = "strike") -> None:
        self._dsn = dsn
        self._schema = schema
        self._sql = {name: statement("postgres", name).encode() for name in _ARRAYS + _SINGLES}
        self._commits = 0
        self._connection = self._connect()

    def _connect(self) -> psycopg.Connection[Row]:
        connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            options=f"-c statement_timeout={_STATEMENT_MS} -c synchronous_commit=on -c timezone=UTC",
        )
        locked = connection.execute(_LOCK, (self._schema,)).fetchone()
        if locked != (True,):
            connection.close()
            raise StoreInUse(f"{self._schema}: another process writes to this ledger; stop it first")
        try:
            name = sql.Identifier(self._schema)
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
            connection.execute(sql.SQL("SET search_path TO {}").format(name))
            connection.execute(statement("postgres", "schema").encode())
        except psycopg.Error:
            connection.close()
            raise
        return connection

    @property
    def commits(self) -> int:
        """Count the durable commits of batches since the store was opened."""
        return self._commits

    def load(self) -> Snapshot:
        """Read the whole venue; a lost connection is made anew first."""
        if self._connection.broken or self._connection.closed:
            self._connection = self._connect()
        with self._connection.transaction():
            return snapshot_of([self._rows(name) for name in LOADS])

    def write(self, draft: Draft) -> None:
        """Write one batch in one transaction and return once it is durable.

        Raises:
            StoreDiverged: A position, account or claim was not as expected; nothing is written.
            psycopg.Error: The database failed; `load` says what it holds.
        """
        self.write_rows(rows_of(draft))

    def write_rows(self, batches: Sequence[Batch]) -> None:
        """Write what `rows_of` gave for a draft, as `write` does."""
        with self._connection.pipeline() as pipeline, self._connection.transaction():
            expected = [
                written
                for name, rows in batches
                for written in (self._array if name in _ARRAYS else self._many)(name, rows)
            ]
            pipeline.sync()
            for name, cursor, rows in expected:
                if cursor.rowcount != rows:
                    raise StoreDiverged(f"{name} met {cursor.rowcount} rows of {rows}")
        self._commits += 1

    def _array(self, name: str, rows: Sequence[Row]) -> Iterable[tuple[str, psycopg.Cursor[Row], int]]:
        # One statement for all rows; arrays travel as literals, which costs far less than a value at a time.
        columns = [_literal(column) for column in zip(*rows, strict=True)]
        yield name, self._connection.execute(self._sql[name], columns), len(rows)

    def _many(self, name: str, rows: Sequence[Row]) -> Iterable[tuple[str, psycopg.Cursor[Row], int]]:
        for row in rows:
            yield name, self._connection.execute(self._sql[name], row), 1

    def transfers(self) -> Iterable[Transfer]:
        """Read the whole log of transfers in order."""
        return [Transfer(*row) for row in self._rows("load_transfers")]

    def audit(self) -> tuple[str, ...]:
        """Name every disagreement within the ledger; empty when sound."""
        return tuple(str(row[0]) for row in self._rows("audit"))

    def _rows(self, name: str) -> list[Row]:
        return self._connection.execute(statement("both", name).encode()).fetchall()

    def close(self) -> None:
        """Close the connection, which lets the next process write."""
        self._connection.close()


def _literal(column: Sequence[Any]) -> str:
    if isinstance(column[0], str):
        quoted = (cast("str", value).replace("\\", "\\\\").replace('"', '\\"') for value in column)
        return '{"' + '","'.join(quoted) + '"}'
    return "{" + ",".join("NULL" if value is None else str(value) for value in column) + "}"
