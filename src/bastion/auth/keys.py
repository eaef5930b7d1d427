"""Keys: `bst_` secrets with a scope, of which only the SHA-256 is kept."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.domain.principal import KeyRecord, KeyUse, Principal, Scope, Tier
from bastion.errors import KeyRefused, Refused
from bastion.ports import Clock, KeyStore
from bastion.shape import dataclass

PREFIX = "bst_"
SECRET_BYTES = 25
ID_BYTES = 5
LABEL_LENGTH_MAX = 80
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
DAYS_MAX = 3650
GRACE_HOURS_MAX = 168
NAME_LENGTH_MAX = 64
CAP_USD_MAX = Decimal(10) ** 12

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


class Keys:
    """Creates, checks and revokes keys. `entropy` returns that many bytes from the system's secure source."""

    def __init__(self, *, store: KeyStore, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def now_ms(self) -> int:
        """Return the time in UTC milliseconds by which keys expire."""
        return self._clock.now_ns() // 1_000_000

    def create(
        self,
        *,
        scope: Scope,
        label: str = "",
        days: int | None = None,
        accounts: Collection[str] | None = None,
        only_stops: bool = False,
        notional_cap_usd: Decimal | None = None,
        tier: Tier = Tier.PRO,
    ) -> NewKey:
        """Store a new key of 200 random bits and return it, for the one time that it is shown.

        `accounts` are the only accounts that it reads or moves (None: all), `only_stops` restricts it to
        stopping and seeing how that stands, `notional_cap_usd` bounds each action of it that is no exit, and
        `tier` says how often it may ask.

        Raises:
            Refused: a value cannot be used; nothing was stored.
        """
        if len(label) > LABEL_LENGTH_MAX or not label.isprintable():
            raise Refused(f"A label is at most {LABEL_LENGTH_MAX} printable characters.")
        if days is not None and not 1 <= days <= DAYS_MAX:
            raise Refused(f"A key expires after 1 to {DAYS_MAX} days; got {days}.")
        if only_stops and scope is Scope.READ:
            raise Refused("A key that may only stop needs the trade scope, or engine to disarm as well.")
        secret = _base32(self._entropy(SECRET_BYTES))
        now_ms = self.now_ms()
        record = KeyRecord(
            id="k" + _base32(self._entropy(ID_BYTES)),
            digest=_digest(secret),
            scope=scope,
            label=label,
            created_ms=now_ms,
            expires_ms=None if days is None else now_ms + days * DAY_MS,
            accounts=_checked_accounts(accounts),
            only_stops=only_stops,
            notional_cap_usd=_checked_cap(notional_cap_usd),
            tier=tier,
        )
        self._store.add(record)
        return NewKey(record=record, text=PREFIX + secret)

    def rotate(self, key_id: str, *, grace_hours: int = 0) -> NewKey:
        """Store a new key with everything of an old one but its secret, and end the old one.

        The new key lives as long as the old one was given from its making. The old one is revoked at once,
        or, with `grace_hours`, works until then, if it does not expire earlier.

        Raises:
            Refused: no key of that id can be rotated, or the grace cannot be used; nothing was changed.
        """
        if not 0 <= grace_hours <= GRACE_HOURS_MAX:
            raise Refused(
                f"The grace is 0 to {GRACE_HOURS_MAX} hours; got {grace_hours}. Nothing was changed."
            )
        records = self._store.records()
        old = next((record for record in records if record.id == key_id), None)
        if old is None:
            raise _no_key(key_id)
        heir = next((record.id for record in records if record.replaces == key_id), None)
        if heir is not None:
            raise Refused(f"The key {key_id} was already replaced by {heir}. Nothing was changed.")
        now_ms = self.now_ms()
        if old.revoked_ms is not None or (old.expires_ms is not None and old.expires_ms <= now_ms):
            raise Refused(f"The key {key_id} no longer works; create a new one instead. Nothing was changed.")
        secret = _base32(self._entropy(SECRET_BYTES))
        record = replace(
            old,
            id="k" + _base32(self._entropy(ID_BYTES)),
            digest=_digest(secret),
            created_ms=now_ms,
            expires_ms=None if old.expires_ms is None else now_ms + old.expires_ms - old.created_ms,
            replaces=old.id,
            uses=0,
            last_used_ms=None,
        )
        until_ms = now_ms + grace_hours * HOUR_MS if grace_hours else None
        if not self._store.replace(key_id, record, at_ms=now_ms, until_ms=until_ms):
            raise _no_key(key_id)
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
            raise _no_key(key_id)

    def note_uses(self, uses: Sequence[KeyUse]) -> None:
        """Add to the counts that `records` shows."""
        self._store.note_uses(uses)

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
            text = f"The bastion key {record.id} was revoked. Use another, or create one."
            raise KeyRefused(text, key_id=record.id)
        if record.expires_ms is not None and record.expires_ms <= self.now_ms():
            text = f"The bastion key {record.id} has expired. Create a new one."
            raise KeyRefused(text, key_id=record.id)
        return Principal(
            id=record.id,
            surface=surface,
            scope=record.scope,
            accounts=record.accounts,
            only_stops=record.only_stops,
            notional_cap_usd=record.notional_cap_usd,
            tier=record.tier,
        )

    def _find(self, secret: str) -> KeyRecord | None:
        presented = _digest(secret)
        found: KeyRecord | None = None
        for record in self._store.records():
            if hmac.compare_digest(record.digest, presented):
                found = record
        return found


def _no_key(key_id: str) -> Refused:
    return Refused(f"There is no key with the id {key_id[:40]!r}; `bastion keys list` shows the ids.")


def _checked_accounts(accounts: Collection[str] | None) -> frozenset[str] | None:
    if accounts is None:
        return None
    names = frozenset(accounts)
    if not names or not all(name and len(name) <= NAME_LENGTH_MAX and name.isprintable() for name in names):
        raise Refused(
            "The accounts of a key are names as the configuration has them, at least one. Nothing was stored."
        )
    return names


def _checked_cap(cap: Decimal | None) -> Decimal | None:
    if cap is not None and not (cap.is_finite() and 0 < cap <= CAP_USD_MAX):
        raise Refused(f"A notional cap is above 0 and at most {CAP_USD_MAX:f} USD. Nothing was stored.")
    return cap


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
