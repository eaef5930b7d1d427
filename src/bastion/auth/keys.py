"""Keys: `bst_` secrets with a scope, of which only the SHA-256 is kept."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from bastion.domain.principal import KeyRecord, Principal, Scope
from bastion.errors import KeyRefused, Refused, ScopeDenied
from bastion.ports import Clock, KeyStore

PREFIX = "bst_"
SECRET_BYTES = 25
ID_BYTES = 5
LABEL_LENGTH_MAX = 80
DAY_MS = 86_400_000
DAYS_MAX = 3650

# An environment segment (`bst_live_...`) is tolerated and carries no meaning of its own.
_FORM = re.compile(r"bst_(?:[a-z]{1,12}_)?([a-z2-7]{40})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at the only moment at which it can be shown; its text never appears in a repr."""

    record: KeyRecord
    text: str

    def __repr__(self) -> str:
        """Name the key without its secret."""
        return f"NewKey({self.record.id})"


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def _digest(secret: str) -> str:
    return hashlib.sha256(f"{PREFIX}{secret}".encode("ascii")).hexdigest()


def parse_scope(word: str) -> Scope:
    """Return the scope of that name.

    Raises:
        Refused: there is none; the text names the three.
    """
    for scope in Scope:
        if scope.word == word.strip().lower():
            return scope
    raise Refused(f"There is no scope {word[:20]!r}; the scopes are read, trade and engine.")


def require(principal: Principal, scope: Scope, *, action: str) -> None:
    """Return when the principal may do the action; a higher scope contains the lower ones.

    Raises:
        ScopeDenied: the scope is too weak; the text names the one that is needed.
    """
    if principal.scope < scope:
        raise ScopeDenied(
            f"{action} needs a key with the {scope.word} scope; this key has the {principal.scope.word} "
            f"scope. Nothing was done. Create one with `bastion keys create --scope {scope.word}`."
        )


class Keys:
    """Creates, checks and revokes keys. `entropy` returns that many bytes from the system's secure source."""

    def __init__(self, *, store: KeyStore, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def now_ms(self) -> int:
        """Return the time in UTC milliseconds by which keys expire."""
        return self._clock.now_ns() // 1_000_000

    def create(self, *, scope: Scope, label: str = "", days: int | None = None) -> NewKey:
        """Store a new key of 200 random bits and return it, for the one time that it is shown.

        Raises:
            Refused: the label or the number of days cannot be used; nothing was stored.
        """
        if len(label) > LABEL_LENGTH_MAX or not label.isprintable():
            raise Refused(f"A label is at most {LABEL_LENGTH_MAX} printable characters.")
        if days is not None and not 1 <= days <= DAYS_MAX:
            raise Refused(f"A key expires after 1 to {DAYS_MAX} days; got {days}.")
        secret = _base32(self._entropy(SECRET_BYTES))
        now_ms = self.now_ms()
        record = KeyRecord(
            id="k" + _base32(self._entropy(ID_BYTES)),
            digest=_digest(secret),
            scope=scope,
            label=label,
            created_ms=now_ms,
            expires_ms=None if days is None else now_ms + days * DAY_MS,
        )
        self._store.add(record)
        return NewKey(record=record, text=PREFIX + secret)

    def records(self) -> tuple[KeyRecord, ...]:
        """Return what is kept of every key, oldest first."""
        return self._store.records()

    def revoke(self, key_id: str) -> None:
        """Revoke the key durably; the next check of it, in any process, refuses it.

        Raises:
            Refused: there is no key of that id.
        """
        if not self._store.revoke(key_id, at_ms=self.now_ms()):
            raise Refused(f"There is no key with the id {key_id[:40]!r}; `bastion keys list` shows the ids.")

    def authenticate(self, text: str | None, *, surface: str) -> Principal:
        """Return who holds the key, as the store says at this moment.

        Every stored digest is compared in constant time, whatever the key is.

        Raises:
            KeyRefused: the key is missing, malformed, unknown, revoked or expired; the text says which.
        """
        record = self._find(_secret_of(text))
        if record is None:
            raise KeyRefused("This bastion key is not known here. `bastion keys create` makes one.")
        if record.revoked_ms is not None:
            raise KeyRefused(f"The bastion key {record.id} was revoked. Use another, or create one.")
        if record.expires_ms is not None and record.expires_ms <= self.now_ms():
            raise KeyRefused(f"The bastion key {record.id} has expired. Create a new one.")
        return Principal(id=record.id, surface=surface, scope=record.scope)

    def _find(self, secret: str) -> KeyRecord | None:
        presented = _digest(secret)
        found: KeyRecord | None = None
        for record in self._store.records():
            if hmac.compare_digest(record.digest, presented):
                found = record
        return found


def _secret_of(text: str | None) -> str:
    if text is None or not text.strip():
        raise KeyRefused(
            "A bastion key is required: pass `api_key`, or set BASTION_API_KEY. "
            "Create one with `bastion keys create --scope trade`."
        )
    if text.strip().startswith("sk-bast-"):
        raise KeyRefused("Keys of the form sk-bast-... are not in use; bastion keys have the form bst_...")
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise KeyRefused("This is not a bastion key: a key has the form bst_ and 40 letters and digits.")
    return match.group(1)
