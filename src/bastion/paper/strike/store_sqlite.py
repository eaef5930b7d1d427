"""SqliteStore: the ledger in one SQLite file; every commit reaches the disk (WAL, synchronous=FULL)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import apsw

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

_BUSY_MS: Final = 5_000
_CHECKPOINT_PAGES: Final = 4_000
_WRITES: Final = (
    "insert_account",
    "insert_position",
    "change_position",
    "move_account",
    "insert_transfer",
    "insert_claim",
    "pay_claim",
    "insert_answer",
    "insert_movement",
    "put_market",
    "put_venue",
)


class SqliteStore:
    """A ledger in a file, created when missing. Others may read the file at any time.

    Raises:
        StoreInUse: Another process has this ledger open for writing.
    """

    def __init__(self, path: Path) -> None:
        self._guard = _claim(path.with_name(path.name + "-writer"))
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(_BUSY_MS)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "recursive_triggers = ON",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(statement("sqlite", "schema"))
        self._sql = {name: statement("sqlite", name) for name in _WRITES}
        self._commits = 0

    @property
    def commits(self) -> int:
        """Count the durable commits of batches since the store was opened."""
        return self._commits

    def load(self) -> Snapshot:
        """Read the whole venue; a transaction that a failure left open is undone first."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        return snapshot_of([list(self._rows(name)) for name in LOADS])

    def write(self, draft: Draft) -> None:
        """Write one batch in one transaction and return once it is durable.

        Raises:
            StoreDiverged: A position, account or claim was not as expected; nothing is written.
            apsw.Error: The database failed; `load` says what it holds.
        """
        self.write_rows(rows_of(draft))

    def write_rows(self, batches: Sequence[Batch]) -> None:
        """Write what `rows_of` gave for a draft, as `write` does."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for name, rows in batches:
                self._many(name, rows)
            connection.execute("COMMIT")
        except (apsw.Error, StoreDiverged):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._commits += 1

    def _many(self, name: str, rows: Sequence[Row]) -> None:
        before = self._connection.total_changes()
        self._connection.executemany(self._sql[name], rows)
        written = self._connection.total_changes() - before
        if written != len(rows):
            raise StoreDiverged(f"{name} met {written} rows of {len(rows)}")

    def transfers(self) -> Iterable[Transfer]:
        """Read the whole log of transfers in order."""
        return (Transfer(*row) for row in self._rows("load_transfers"))

    def audit(self) -> tuple[str, ...]:
        """Name every disagreement within the ledger; empty when sound."""
        return tuple(str(row[0]) for row in self._rows("audit"))

    def _rows(self, name: str) -> Iterable[Row]:
        return self._connection.execute(statement("both", name))

    def close(self) -> None:
        """Close the file and let the next process write."""
        self._connection.close()
        self._guard.close()


def _claim(path: Path) -> apsw.Connection:
    # An exclusive transaction on a file beside the ledger ends with its process, however that ends.
    guard = apsw.Connection(str(path))
    try:
        guard.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError as busy:
        guard.close()
        raise StoreInUse(f"{path.name}: another process writes to this ledger; stop it first") from busy
    return guard
