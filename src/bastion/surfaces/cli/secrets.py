"""Secrets: the `keys` and `vault` commands; what they print holds no secret, but a new key this once."""

import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from bastion.app import Place, open_keys, open_vault
from bastion.auth.credential import TEXT_LENGTH_MAX, read_credential
from bastion.auth.keys import NewKey, parse_scope
from bastion.commands.positions import moment
from bastion.config import read_config
from bastion.domain.principal import KeyRecord, Scope, Tier
from bastion.errors import Refused
from bastion.shape import dataclass
from bastion.surfaces.cli.answers import (
    CredentialRemoved,
    CredentialsListed,
    CredentialStored,
    KeyEntry,
    KeyRevoked,
    KeysListed,
    KeyState,
    NewKeyEntry,
)
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else moment(at_ms * 1_000_000)


def _entry(record: KeyRecord, *, now_ms: int) -> KeyEntry:
    if record.revoked_ms is not None:
        state = KeyState.REVOKED
    elif record.expires_ms is not None and record.expires_ms <= now_ms:
        state = KeyState.EXPIRED
    else:
        state = KeyState.ACTIVE
    return KeyEntry(
        id=record.id,
        scope=record.scope.word,
        label=record.label,
        state=state,
        created_at=_iso(record.created_ms),
        expires_at=_iso(record.expires_ms),
        revoked_at=_iso(record.revoked_ms),
        accounts=None if record.accounts is None else tuple(sorted(record.accounts)),
        only="exit" if record.only_stops else None,
        notional_cap_usd=record.notional_cap_usd,
        tier=record.tier,
        replaces=record.replaces,
        uses=record.uses,
        last_used_at=_iso(record.last_used_ms),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A new key as the command line describes it, still in text."""

    scope: str | None
    label: str
    days: int | None
    only: str | None
    accounts: str | None
    cap_usd: str | None
    tier: str


def create_key(place: Place, wanted: Wanted, *, json: bool) -> int:
    """Create a key and show it once.

    Raises:
        Refused: a value cannot be used; nothing was stored.
    """
    scope = _scope(wanted)
    accounts = _accounts(place, wanted.accounts)
    cap_usd = _cap(wanted.cap_usd)
    with open_keys(place) as keys:
        new = keys.create(
            scope=scope,
            label=wanted.label,
            days=wanted.days,
            accounts=accounts,
            only_stops=wanted.only is not None,
            notional_cap_usd=cap_usd,
            tier=Tier(wanted.tier),
        )
    _show_once(new, json=json)
    return Code.OK


def rotate_key(place: Place, key_id: str, *, grace_hours: int, json: bool) -> int:
    """Replace a key by a new one with the same rights, and show that once.

    Raises:
        Refused: there is no such key that works; nothing was changed.
    """
    with open_keys(place) as keys:
        new = keys.rotate(key_id, grace_hours=grace_hours)
    _show_once(new, json=json)
    if not json:
        until = f"works for {grace_hours} more hours at most" if grace_hours else "is refused from now on"
        complain(f"The old key {key_id} {until}.")
    return Code.OK


def _show_once(new: NewKey, *, json: bool) -> None:
    entry = _entry(new.record, now_ms=new.record.created_ms)
    if json:
        emit(dumps(NewKeyEntry.of(new.text, entry)))
        return
    emit(new.text)
    bounds = "".join(f", {bound}" for bound in _bounds(new.record))
    complain(f"This is the only time it is shown. Id {new.record.id}, scope {new.record.scope.word}{bounds}.")


def _bounds(record: KeyRecord) -> Sequence[str]:
    bounds = ["only exit"] if record.only_stops else []
    if record.accounts is not None:
        bounds.append(f"accounts {','.join(sorted(record.accounts))}")
    if record.notional_cap_usd is not None:
        bounds.append(f"cap {record.notional_cap_usd:f} USD")
    return bounds


def _scope(wanted: Wanted) -> Scope:
    if wanted.scope is not None:
        return parse_scope(wanted.scope)
    if wanted.only is None:
        raise Refused("Say what the key may do: --scope read, trade or engine. Nothing was stored.")
    # Disarming needs the engine scope; what else that scope allows is shut off by the restriction.
    return Scope.ENGINE


def _accounts(place: Place, text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise Refused("--accounts names at least one account. Nothing was stored.")
    if place.config is not None:
        known = {account.name for account in read_config(place.config).accounts}
        for name in sorted(names - known):
            raise Refused(
                f"The configuration has no account {name[:64]!r}; it has {', '.join(sorted(known))}. "
                "Nothing was stored."
            )
    return names


def _cap(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(
            f"--cap-usd is a number of US dollars, not {text[:40]!r}. Nothing was stored."
        ) from None


def list_keys(place: Place, *, json: bool) -> int:
    """List the keys without their secrets."""
    with open_keys(place) as keys:
        records = keys.records()
        entries = tuple(_entry(record, now_ms=keys.now_ms()) for record in records)
    if json:
        emit(dumps(KeysListed(keys=entries)))
        return Code.OK
    for record, entry in zip(records, entries, strict=True):
        words = [*_bounds(record)]
        if entry.expires_at:
            words.append(f"expires {entry.expires_at}")
        if entry.last_used_at:
            words.append(f"used {record.uses} times, last {entry.last_used_at}")
        head = f"{entry.id}  {entry.scope:<6}  {entry.state.value:<7}  {entry.label}"
        emit("  ".join([head, *words]).rstrip())
    if not entries:
        emit("There are no keys yet; `bastion keys create --scope trade` makes one.")
    return Code.OK


def revoke_key(place: Place, key_id: str, *, json: bool) -> int:
    """Revoke a key at once.

    Raises:
        Refused: there is no such key.
    """
    with open_keys(place) as keys:
        keys.revoke(key_id)
    emit(dumps(KeyRevoked(revoked=key_id)) if json else f"Revoked {key_id}; its next use is refused.")
    return Code.OK


def put_credential(place: Place, name: str, *, from_stdin: bool, json: bool) -> int:
    """Store the credential that stands on standard input.

    Raises:
        Refused: it is none, or the vault cannot be used; nothing was stored.
    """
    if not from_stdin:
        raise Refused(
            "A credential is read from standard input only, since arguments can be seen by other users: "
            f"`bastion vault put {name} --from-stdin < FILE`. Nothing was stored."
        )
    raw = sys.stdin.buffer.read(TEXT_LENGTH_MAX * 4 + 1)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("Standard input is no UTF-8 text. Nothing was stored.") from None
    credential = read_credential(name, text)
    vault = open_vault(place)
    replaced = vault.put(credential)
    fields = sorted(credential.fields)
    if json:
        emit(
            dumps(
                CredentialStored(stored=name, fields=tuple(fields), replaced=replaced, vault=str(vault.path))
            )
        )
    else:
        verb = "Replaced" if replaced else "Stored"
        emit(f"{verb} the credential {name} ({', '.join(fields)}) in {vault.path}.")
    return Code.OK


def list_credentials(place: Place, *, json: bool) -> int:
    """List the names in the vault.

    Raises:
        VaultUnusable: it cannot be opened.
    """
    names = open_vault(place).names()
    if json:
        emit(dumps(CredentialsListed(credentials=tuple(names))))
        return Code.OK
    for name in names:
        emit(name)
    if not names:
        emit("The vault is empty; `bastion vault put NAME --from-stdin` stores a credential.")
    return Code.OK


def remove_credential(place: Place, name: str, *, json: bool) -> int:
    """Remove a credential from the vault.

    Raises:
        VaultUnusable: there is none of that name.
    """
    open_vault(place).remove(name)
    emit(dumps(CredentialRemoved(removed=name)) if json else f"Removed the credential {name}.")
    return Code.OK
