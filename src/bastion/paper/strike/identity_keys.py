"""API keys: personal keys made, checked and revoked, and the service keys of the operator."""

import hashlib
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from bastion.paper.clock import Clock
from bastion.paper.strike.identity_store import IdentityStore, KeyRecord

PREFIX: Final = "stk_"
RANDOM_CHARACTERS: Final = 50
SERVICE_KEY_CHARACTERS_MIN: Final = 24

_ALPHABET: Final = string.ascii_letters + string.digits
_PERSONAL = re.compile(rf"{PREFIX}[A-Za-z0-9]{{{RANDOM_CHARACTERS}}}")


class KeyState(Enum):
    """What a presented key turned out to be."""

    PERSONAL = "personal"
    SERVICE = "service"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"


class ActiveKeyExists(Exception):  # noqa: N818 - a state of the wallet, no defect
    """The wallet has an active key already; it must be revoked first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedKey:
    """The outcome of a check; `record` is there for an active personal key only."""

    state: KeyState
    record: KeyRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made. `secret` exists here once and is stored nowhere."""

    secret: str
    record: KeyRecord

    def __repr__(self) -> str:
        return f"NewKey(wallet={self.record.wallet!r})"


def key_hash(secret: str) -> bytes:
    """The SHA-256 under which a key is stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


class ApiKeys:
    """All keys of the venue: at most one active personal key a wallet, stored as hashes only.

    Keys hold about 297 random bits, so a plain SHA-256 is enough; the look-up is by hash, which leaks no
    prefix of a key by its timing. Use counts are kept in memory and written with the next change and by
    `flush`.
    """

    def __init__(self, *, store: IdentityStore, clock: Clock, service_keys: Sequence[str] = ()) -> None:
        if any(len(key) < SERVICE_KEY_CHARACTERS_MIN for key in service_keys):
            raise ValueError(f"a service key must have at least {SERVICE_KEY_CHARACTERS_MIN} characters")
        self._store = store
        self._clock = clock
        self._service = frozenset(key_hash(key) for key in service_keys)
        self._active: dict[bytes, KeyRecord] = {}
        self._latest: dict[str, KeyRecord] = {}
        self._used: set[bytes] = set()
        for record in store.read_keys():
            self._latest[record.wallet] = record
            if record.revoked_at_ms is None:
                self._active[record.key_hash] = record

    def check(self, secret: str) -> CheckedKey:
        """What the presented key is. Counts a use of an active personal key."""
        mark = key_hash(secret)
        if mark in self._service:
            return CheckedKey(state=KeyState.SERVICE)
        if _PERSONAL.fullmatch(secret) is None:
            return CheckedKey(state=KeyState.MALFORMED)
        record = self._active.get(mark)
        if record is None:
            return CheckedKey(state=KeyState.UNKNOWN)
        used = replace(record, last_used_at_ms=self._clock.now_ms(), request_count=record.request_count + 1)
        self._remember(used)
        self._used.add(mark)
        return CheckedKey(state=KeyState.PERSONAL, record=used)

    def latest(self, wallet: str) -> KeyRecord | None:
        """The wallet's newest key, active or revoked; None when it never had one."""
        return self._latest.get(wallet)

    def generate(self, wallet: str) -> NewKey:
        """A new personal key for the wallet, durable when this returns. Raises ActiveKeyExists."""
        latest = self._latest.get(wallet)
        if latest is not None and latest.revoked_at_ms is None:
            raise ActiveKeyExists
        secret = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARACTERS))
        record = KeyRecord(key_hash=key_hash(secret), wallet=wallet, created_at_ms=self._clock.now_ms())
        self._store.save_keys([record])
        self._remember(record)
        return NewKey(secret=secret, record=record)

    def revoke(self, wallet: str) -> KeyRecord | None:
        """End the wallet's active key for good; the revoked record, or None when there is no active key."""
        latest = self._latest.get(wallet)
        if latest is None or latest.revoked_at_ms is not None:
            return None
        revoked = replace(latest, revoked_at_ms=self._clock.now_ms())
        self._store.save_keys([revoked])
        del self._active[revoked.key_hash]
        self._used.discard(revoked.key_hash)
        self._latest[wallet] = revoked
        return revoked

    def flush(self) -> None:
        """Write the use counts that are still in memory only."""
        if self._used:
            self._store.save_keys([self._active[mark] for mark in sorted(self._used)])
        self._used.clear()

    def _remember(self, record: KeyRecord) -> None:
        self._active[record.key_hash] = record
        self._latest[record.wallet] = record
