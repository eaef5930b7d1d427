"""Storage: what is written down, who signs for it, and who may write."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from bastion.domain.audit import AuditCall, AuditEntry, AuditQuery, AuditStanding
from bastion.domain.principal import KeyRecord, KeyUse
from bastion.domain.records import Entry, Record
from bastion.domain.repeats import KeptReply, KeptRequest


class Journal(Protocol):
    """The durable, append-only, hash-chained record of what was asked, intended and answered."""

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        """Make the records durable, in order, in one commit; then return their entries.

        Raises:
            JournalUnusable: they are not durable.
        """
        ...

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        """Return the entries of one exit, oldest first; empty when there is none of that id."""
        ...

    def exit_ids(self) -> tuple[str, ...]:
        """Return the ids of all exits, oldest first."""
        ...

    def latch_entries(self) -> tuple[Entry, ...]:
        """Return the entries that trip or reset the latch, oldest first."""
        ...

    def close(self) -> None:
        """Release the files; nothing is appended afterwards."""
        ...


class KeyStore(Protocol):
    """The records of `bst_` keys. Every read sees what is stored now, so that a revocation acts at once."""

    def add(self, record: KeyRecord) -> None:
        """Store a new record durably; its id and digest are unique."""
        ...

    def records(self) -> tuple[KeyRecord, ...]:
        """Return all records, oldest first, revoked and expired ones included."""
        ...

    def revoke(self, key_id: str, *, at_ms: int) -> bool:
        """Mark the key revoked, durably; False when there is none of that id. The first time stays."""
        ...

    def replace(self, key_id: str, record: KeyRecord, *, at_ms: int, until_ms: int | None) -> bool:
        """Store a new record and end the key that it replaces, in one commit.

        The old key is revoked at `at_ms`, or, where `until_ms` is given, expires then at the latest. False,
        and nothing is stored, when no key of that id is unrevoked.
        """
        ...

    def note_uses(self, uses: Sequence[KeyUse]) -> None:
        """Add to the counts of uses; a key that is not there is passed over."""
        ...


class Auditor(Protocol):
    """The record of who asked what; it stands in nobody's way."""

    def note(self, call: AuditCall) -> None:
        """Keep what is told of a call, soon; never waits, and never raises."""
        ...

    def standing(self) -> AuditStanding:
        """Return how this process's part of the record stands."""
        ...

    def records(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Return the latest row of each wanted call, newest first.

        Raises:
            JournalUnusable: they cannot be read, or a row was changed.
        """
        ...


class RepeatStore(Protocol):
    """The requests of the last day that may come again; each future fails with JournalUnusable."""

    def known(self) -> Future[tuple[KeptRequest, ...]]:
        """Return what was asked within the last day, oldest first."""
        ...

    def begin(self, request: KeptRequest) -> Future[None]:
        """Keep that this was asked; the answer of an earlier request under the key is forgotten."""
        ...

    def finish(self, owner: str, key: str, reply: KeptReply | None) -> Future[None]:
        """Keep what it was answered with; None forgets the request, since nothing was done."""
        ...

    def reply(self, owner: str, key: str) -> Future[KeptReply | None]:
        """Return what a request was answered with; None where that is not known."""
        ...


class Notary(Protocol):
    """Signs certificates with the installation's Ed25519 key."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the message.

        Raises:
            ConfigInvalid: the key cannot be used.
        """
        ...

    def public_key(self) -> bytes:
        """Return the 32 bytes of the public key.

        Raises:
            ConfigInvalid: the key cannot be used.
        """
        ...

    def version(self) -> str:
        """Return the version of bastion that signs."""
        ...

    def bodies(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Return the canonical JSON of each entry's record, as its hash covers it.

        Raises:
            JournalUnusable: it cannot be found.
        """
        ...


class ExitLock(Protocol):
    """One process at a time carries out exits on one journal; the system frees a dead one's lock."""

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another process holds it. Safe to repeat while held."""
        ...

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        ...
