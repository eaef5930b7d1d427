"""Identity records: hashed API keys and wallet links, durable in one SQLite file of their own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS api_keys(
    key_hash BLOB PRIMARY KEY CHECK (length(key_hash) = 32),
    wallet TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER,
    last_used_at_ms INTEGER,
    request_count INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_active_key_per_wallet ON api_keys(wallet) WHERE revoked_at_ms IS NULL;
CREATE TABLE IF NOT EXISTS wallet_links(
    subject TEXT NOT NULL,
    wallet TEXT NOT NULL,
    place INTEGER NOT NULL,
    verified_at_s INTEGER NOT NULL,
    closed_at_s INTEGER
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_open_link_per_wallet ON wallet_links(wallet) WHERE closed_at_s IS NULL;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One personal API key: its SHA-256 (never the key), its wallet, its life and use in milliseconds UTC."""

    key_hash: bytes
    wallet: str
    created_at_ms: int
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None
    request_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """One open link of a wallet to a user; `verified_at_s` is the issue time of the token that proved it.

    `place` is the wallet's position in that token; the lowest is the wallet that trades by default.
    """

    subject: str
    wallet: str
    place: int
    verified_at_s: int


class IdentityStore:
    """The records on disk; every write is durable when the call returns.

    Writes are rare (a key made or revoked, a wallet linked), so they run where they are called.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._database = apsw.Connection(path)
        self._database.set_busy_timeout(2_000)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        self._database.close()

    def read_keys(self) -> Iterator[KeyRecord]:
        """Every key ever made, oldest first."""
        rows: Any = self._database.execute(
            "SELECT key_hash, wallet, created_at_ms, revoked_at_ms, last_used_at_ms, request_count"
            " FROM api_keys ORDER BY created_at_ms, rowid"
        )
        for key_hash, wallet, created, revoked, used, count in rows.fetchall():
            yield KeyRecord(
                key_hash=bytes(key_hash),
                wallet=wallet,
                created_at_ms=created,
                revoked_at_ms=revoked,
                last_used_at_ms=used,
                request_count=count,
            )

    def save_keys(self, records: Iterable[KeyRecord]) -> None:
        """Write the records, replacing earlier states of the same keys, in one transaction."""
        with self._transaction():
            self._database.executemany(
                "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(key_hash) DO UPDATE SET"
                " revoked_at_ms = excluded.revoked_at_ms, last_used_at_ms = excluded.last_used_at_ms,"
                " request_count = excluded.request_count",
                [
                    (
                        record.key_hash,
                        record.wallet,
                        record.created_at_ms,
                        record.revoked_at_ms,
                        record.last_used_at_ms,
                        record.request_count,
                    )
                    for record in records
                ],
            )

    def read_links(self) -> Iterator[LinkRecord]:
        """Every open link."""
        rows: Any = self._database.execute(
            "SELECT subject, wallet, place, verified_at_s FROM wallet_links WHERE closed_at_s IS NULL"
        )
        for subject, wallet, place, verified in rows.fetchall():
            yield LinkRecord(subject=subject, wallet=wallet, place=place, verified_at_s=verified)

    def relink(self, *, closed: Iterable[str], opened: Iterable[LinkRecord], at_s: int) -> None:
        """Close the open links of the `closed` wallets and open the given ones, in one transaction."""
        with self._transaction():
            self._database.executemany(
                "UPDATE wallet_links SET closed_at_s = ? WHERE wallet = ? AND closed_at_s IS NULL",
                [(at_s, wallet) for wallet in closed],
            )
            self._database.executemany(
                "INSERT INTO wallet_links(subject, wallet, place, verified_at_s) VALUES (?, ?, ?, ?)",
                [(link.subject, link.wallet, link.place, link.verified_at_s) for link in opened],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database:
            yield
