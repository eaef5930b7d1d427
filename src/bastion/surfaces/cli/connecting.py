"""Connecting: `bastion connect` and `bastion doctor`."""

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bastion.app import Place, open_desk, open_vault
from bastion.auth.credential import TEXT_LENGTH_MAX, Credential, read_credential
from bastion.commands import Check, Finding, doctor
from bastion.commands.connect import Trial, judge, report, try_out
from bastion.commands.practice import PAPER_WORD
from bastion.config import read_config, with_account
from bastion.domain.account import Account
from bastion.domain.venue import INSTEAD, unread_spaces
from bastion.errors import ConfigInvalid, Conflict, Refused
from bastion.place import CONFIG_NAME
from bastion.shape import dataclass
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.local import apart
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import emit
from bastion.surfaces.daemon.claim import claimed_by
from bastion.surfaces.schemas import dumps
from bastion.triage import host_facts, open_venue

PRIVATE_MODE = 0o600
OTHERS_MASK = 0o077
_PROMPTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "binance": (("api_key", "API key"), ("secret", "Secret")),
    "bybit": (("api_key", "API key"), ("secret", "Secret")),
    **dict.fromkeys(
        ("okx", "bitget", "blofin", "kucoinfutures"),
        (("api_key", "API key"), ("secret", "Secret"), ("passphrase", "Passphrase")),
    ),
    "woo": (("api_key", "API key"), ("secret", "Secret"), ("uid", "Application id")),
    "hyperliquid": (
        ("wallet_address", "Wallet address (the master's)"),
        ("private_key", "Agent private key"),
    ),
    "strike": (("wallet_address", "Wallet address"), ("api_key", "API key")),
}
_MARKS = {Finding.OK: "ok  ", Finding.WARN: "WARN", Finding.STOP: "STOP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """What `bastion connect` was told."""

    name: str
    venue: str
    host: str | None
    base_url: str | None
    key_space: str | None
    from_stdin: bool
    from_file: Path | None
    allow_withdrawals: str | None
    dry_run: bool
    json: bool


def config_path(place: Place) -> Path:
    """Return the configuration that is in force, or the one that the first `connect` makes."""
    return place.config or place.home / CONFIG_NAME


async def run_connect(place: Place, options: ConnectOptions) -> int:
    """Try a credential at its venue, then keep it in the vault and name the account in the configuration.

    Raises:
        Refused: the name or the venue cannot be used, or the venue does not let the credential read.
        Conflict: the name is taken, or the key can withdraw. Nothing was stored.
        ConfigInvalid: the configuration or the vault cannot be used. Nothing was stored.
    """
    path = config_path(place)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if path.exists() and any(one.name == options.name for one in read_config(path).accounts):
        raise Conflict(
            f"{path} has an account {options.name!r} already. To change its key: "
            f"`bastion vault put {options.name} --from-stdin`. Nothing was stored."
        )
    fields = {
        "name": options.name,
        "venue": options.venue,
        "credential": options.name,
        "host": options.host,
        "base_url": options.base_url,
        "key_space": options.key_space,
    }
    after, account = with_account(before, fields, path=path)
    credential = _credential(options, account)
    account, trial = await _tried(options, account, credential)
    if options.key_space is None and account.key_space == INSTEAD.get(account.venue):
        fields["key_space"] = account.key_space
        after, account = with_account(before, fields, path=path)
    others, left_out = await _other_spaces(options, account, credential)
    warnings = judge(account, trial, withdrawals=_reason(options.allow_withdrawals))
    for other in others:
        after, _ = with_account(
            after, {**fields, "name": other.name, "key_space": other.key_space}, path=path
        )
    told = report(
        account,
        trial,
        beside=tuple(other.name for other in others),
        left_out=left_out,
        warnings=warnings,
        config=str(path),
        dry_run=options.dry_run,
    )
    if not options.dry_run:
        _store(place, credential, path=path, text=after)
    if options.json:
        emit(dumps(told))
        return Code.OK
    emit(told.summary)
    for warning in told.warnings:
        emit(f"  ! {warning}")
    for other in others:
        emit(f"  also {other.name}: the same credential's {other.key_space}")
    if told.left_out:
        emit(f"  not read with this key: {', '.join(told.left_out)}")
    emit(told.next_step)
    return Code.OK


async def _tried(options: ConnectOptions, account: Account, credential: Credential) -> tuple[Account, Trial]:
    """Return the account as it can be read, in the key space that was named or in the one of its kind.

    Raises:
        Refused: it can be read in neither.
    """
    instead = INSTEAD.get(account.venue) if options.key_space is None else None
    try:
        async with open_venue(account, credential.fields) as venue:
            return account, await try_out(venue)
    except Refused:
        if instead is None:
            raise
        other = replace(account, key_space=instead)
        async with open_venue(other, credential.fields) as venue:
            try:
                trial = await try_out(venue)
            except Refused:
                trial = None
        if trial is None or any("position" in part.part for part in trial.look.unread):
            raise
        return other, trial


async def _other_spaces(
    options: ConnectOptions, account: Account, credential: Credential
) -> tuple[list[Account], tuple[str, ...]]:
    """Return the other key spaces that the credential reads, as accounts, and those that it does not."""
    if options.key_space is not None:
        return [], ()  # One was asked for by name.
    found: list[Account] = []
    left_out: list[str] = []
    for _, space, words in unread_spaces((account,)):
        other = replace(account, name=f"{account.name}-{space}", key_space=space)
        async with open_venue(other, credential.fields) as venue:
            try:
                trial = await try_out(venue)
            except Refused as error:
                left_out.append(f"{words} ({error})")
                continue
        if trial.look.unread:
            part = trial.look.unread[0]
            left_out.append(f"{words} ({part.part}: {part.reason})")
        else:
            found.append(other)
    return found, tuple(left_out)


def _reason(text: str | None) -> str | None:
    if text is None:
        return None
    if not text.strip() or not text.isprintable():
        raise Refused("--allow-withdrawals wants your reason in words. Nothing was stored.")
    return text.strip()


def _credential(options: ConnectOptions, account: Account) -> Credential:
    if options.from_stdin and options.from_file is not None:
        raise Refused("Give --from-stdin or --from-file, not both. Nothing was stored.")
    if options.from_file is not None:
        return read_credential(account.credential, _file(options.from_file))
    if options.from_stdin:
        raw = sys.stdin.buffer.read(TEXT_LENGTH_MAX * 4 + 1)
        try:
            return read_credential(account.credential, raw.decode("utf-8"))
        except UnicodeDecodeError:
            raise Refused("Standard input is no UTF-8 text. Nothing was stored.") from None
    if not sys.stdin.isatty():
        raise Refused(
            "A secret is never an argument: give it with --from-stdin or --from-file, or run this in a "
            "terminal to be asked. Nothing was stored."
        )
    lines: list[str] = []
    for field, prompt in _PROMPTS.get(account.venue, _PROMPTS["binance"]):
        # Nothing is echoed: an address is no secret, but one rule is easier to trust than two.
        value = getpass.getpass(f"{prompt} for {account.name} (not shown): ").strip()
        lines.append(f"{field} = {value}")
    return read_credential(account.credential, "\n".join(lines))


def _file(path: Path) -> str:
    try:
        if path.stat().st_mode & OTHERS_MASK:
            raise Refused(f"{path} can be read by others: `chmod 600 {path}` first. Nothing was stored.")
        raw = path.read_bytes()[: TEXT_LENGTH_MAX * 4 + 1]
        return raw.decode("utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}. Nothing was stored.") from error
    except UnicodeDecodeError:
        raise Refused(f"{path} is no UTF-8 text. Nothing was stored.") from None


def _store(place: Place, credential: Credential, *, path: Path, text: str) -> None:
    # The secret first: an account without its credential could not be exited, the reverse harms nothing.
    # A configuration that this makes names no vault, so the one of the state directory is meant.
    open_vault(place if path.exists() else replace(place, config=None)).put(credential)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, PRIVATE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigInvalid(
            f"{path} cannot be written: {error.strerror}. The credential {credential.name} is in the vault."
        ) from error


async def run_doctor(place: Place, *, json: bool) -> int:
    """Say what would stop an exit today; the code is 5 when something would.

    Raises:
        BastionError: the desk cannot be opened; the text says what to mend.
    """
    host = host_facts(place, daemon=claimed_by(place.home))
    beside = apart(place)
    if beside:
        raise Refused(beside)
    async with open_desk(place) as desk:
        told = await doctor(desk, OWNER, host=host)
    code = Code.OK if told.ready else Code.CONFIG
    if json:
        emit(dumps(told))
        return code
    width = max((len(check.name) for check in told.checks), default=0)
    for check in told.checks:
        emit(_line(check, width))
        if check.remedy is not None:
            emit(f"      {' ' * width}  -> {check.remedy}")
    emit(f"{PAPER_WORD if told.paper else ''}{told.summary}")
    return code


def _line(check: Check, width: int) -> str:
    return f"{_MARKS[check.finding]}  {check.name:<{width}}  {check.detail}"
