"""Secrets: the `keys` and `vault` commands; what they print holds no secret, but a new key this once."""

import sys

from bastion.app import Place, open_keys, open_vault
from bastion.auth.credential import TEXT_LENGTH_MAX, read_credential
from bastion.auth.keys import parse_scope
from bastion.commands.positions import moment
from bastion.domain.principal import KeyRecord
from bastion.errors import Refused
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else moment(at_ms * 1_000_000)


def _entry(record: KeyRecord, *, now_ms: int) -> dict[str, object]:
    if record.revoked_ms is not None:
        state = "revoked"
    elif record.expires_ms is not None and record.expires_ms <= now_ms:
        state = "expired"
    else:
        state = "active"
    return {
        "id": record.id,
        "scope": record.scope.word,
        "label": record.label,
        "state": state,
        "created_at": _iso(record.created_ms),
        "expires_at": _iso(record.expires_ms),
        "revoked_at": _iso(record.revoked_ms),
    }


def create_key(place: Place, *, scope: str, label: str, days: int | None, json: bool) -> int:
    """Create a key and show it once.

    Raises:
        Refused: a value cannot be used; nothing was stored.
    """
    with open_keys(place) as keys:
        new = keys.create(scope=parse_scope(scope), label=label, days=days)
        entry = _entry(new.record, now_ms=new.record.created_ms)
    if json:
        emit(dumps({"key": new.text, **entry}))
    else:
        emit(new.text)
        complain(f"This is the only time it is shown. Id {new.record.id}, scope {new.record.scope.word}.")
    return Code.OK


def list_keys(place: Place, *, json: bool) -> int:
    """List the keys without their secrets."""
    with open_keys(place) as keys:
        entries = [_entry(record, now_ms=keys.now_ms()) for record in keys.records()]
    if json:
        emit(dumps({"keys": entries}))
        return Code.OK
    for entry in entries:
        expires = f"  expires {entry['expires_at']}" if entry["expires_at"] else ""
        emit(f"{entry['id']}  {entry['scope']:<6}  {entry['state']:<7}  {entry['label']}{expires}".rstrip())
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
    emit(dumps({"revoked": key_id}) if json else f"Revoked {key_id}; its next use is refused.")
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
        emit(dumps({"stored": name, "fields": fields, "replaced": replaced, "vault": str(vault.path)}))
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
        emit(dumps({"credentials": names}))
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
    emit(dumps({"removed": name}) if json else f"Removed the credential {name}.")
    return Code.OK
