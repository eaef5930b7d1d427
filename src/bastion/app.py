"""App: the composition root, the only module that builds adapters."""

import asyncio
import base64
import contextlib
import importlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bastion import shape
from bastion.auth.keys import Keys
from bastion.auth.vault import Vault
from bastion.clock import SystemClock
from bastion.commands import (
    CertificateCheck,
    CertificateReport,
    ClaimReport,
    Desk,
    VerifyReport,
    claim,
    issue_certificate,
    verdict_on,
)
from bastion.commands import check_certificate as check
from bastion.commands.engine_acts import EngineActs
from bastion.commands.live import keep_live, warm
from bastion.config import Config, read_config
from bastion.domain.principal import KeyUse, Principal
from bastion.embedded import PAPER_COMMAND, PAPER_TOKEN_VARIABLE, PaperProcess, start_paper
from bastion.engine.engine import Engine
from bastion.errors import BastionError, ConfigInvalid, ExitUnknown, Refused, VaultUnusable
from bastion.exits.settings import ExitSettings
from bastion.log import Redactor, start_logging
from bastion.place import Place, find_place
from bastion.ports import AccountStream, Clock, Journal, Notary
from bastion.storage import codec
from bastion.storage.answers import SqliteAnswers, kept_answers
from bastion.storage.audit import SqliteAudit
from bastion.storage.engine_log import SqliteEngineLog
from bastion.storage.keys import SqliteKeyStore
from bastion.storage.lock import FileLock
from bastion.storage.repeats import SqliteRepeats
from bastion.storage.spool import open_journal
from bastion.storage.verify import verify_state
from bastion.venues.fleet import fleet_of

__all__ = [
    "PAPER_COMMAND",
    "PAPER_TOKEN_VARIABLE",
    "PaperProcess",
    "Place",
    "certificate_of",
    "check_certificate",
    "claim_of",
    "find_journal",
    "find_place",
    "new_exit_id",
    "open_desk",
    "open_desk_on",
    "open_keys",
    "open_paper_desk",
    "open_vault",
    "start_paper",
    "verify_journals",
]

EXIT_ID_LENGTH = 12
ANSWERS = "answers.sqlite"
# No money waits for the disk here, so a slow one needs no second place for the records.
PAPER_COMMIT_MS = 5_000
SWITCH_S = 0.0005
"""How long a thread that is ready waits for its turn while another computes; Python's own 5 ms would stand
between a commit that is on the disk and the order that waits for it."""

_log = logging.getLogger(__name__)


def open_vault(place: Place) -> Vault:
    """Return the vault that the configuration names, else the one in the state directory.

    Raises:
        ConfigInvalid: the configuration cannot be used.
    """
    config = Config(path=None) if place.config is None else read_config(place.config)
    return Vault(path=config.vault_path or place.home / "vault.age", key_file=place.vault_key_file)


@contextlib.contextmanager
def open_keys(place: Place) -> Iterator[Keys]:
    """Open the keys of this state directory."""
    store = SqliteKeyStore(place.home / "keys.sqlite")
    try:
        yield Keys(store=store, clock=SystemClock(), entropy=os.urandom)
    finally:
        store.close()


def new_exit_id() -> str:
    """Return a new exit's id: x and 12 characters of 60 random bits."""
    return "x" + base64.b32encode(os.urandom(8)).decode("ascii").lower()[:EXIT_ID_LENGTH]


@contextlib.asynccontextmanager
async def open_desk(place: Place, *, serving: bool = False) -> AsyncIterator[Desk]:
    """Open the desk on the configured accounts, or, without a configuration, on the embedded paper exchange.

    With `serving`, connections are warmed and the credentials' rights checked in the background. Leaving ends
    the process's part in a running exit; whoever wants its verdict waits for it first.

    Raises:
        ConfigInvalid: the configuration cannot be used, or no account's credential can be had.
    """
    redactor = Redactor()
    start_logging(redactor)
    if place.config is None:
        async with open_paper_desk(place, scenario="seed", serving=serving) as (desk, _):
            yield desk
        return
    config = read_config(place.config)
    vault = Vault(path=config.vault_path or place.home / "vault.age", key_file=place.vault_key_file)
    credentials: dict[str, Mapping[str, str] | str] = {}
    for name in dict.fromkeys(account.credential for account in config.accounts):
        try:
            credential = vault.credential(name)
        except VaultUnusable as error:
            credentials[name] = str(error)
        else:
            redactor.learn(credential.secrets)
            credentials[name] = credential.fields
    reasons = [why for why in credentials.values() if isinstance(why, str)]
    if len(reasons) == len(credentials):
        # Not one account could be reached: there is nothing to exit, and a person must know that at once.
        raise VaultUnusable(reasons[0])
    async with _desk(place, place.home, config, credentials, serving=serving) as desk:
        yield desk


@contextlib.asynccontextmanager
async def open_paper_desk(
    place: Place, *, scenario: str, serving: bool = False
) -> AsyncIterator[tuple[Desk, PaperProcess]]:
    """Start an embedded paper exchange with the scenario, and open a desk on its accounts.

    Raises:
        ConfigInvalid: the paper exchange does not start, or as `open_desk_on`.
    """
    async with start_paper(scenario) as paper, open_desk_on(place, paper, serving=serving) as desk:
        yield desk, paper


@contextlib.asynccontextmanager
async def open_desk_on(place: Place, paper: PaperProcess, *, serving: bool = False) -> AsyncIterator[Desk]:
    """Open a desk on the accounts of a paper exchange that runs.

    The desk's state lives in a directory of its own below `place.home`, which goes with the desk.

    Raises:
        ConfigInvalid: the directory cannot be made.
    """
    root = place.home / "paper"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        home = Path(tempfile.mkdtemp(prefix="run-", dir=root))
    except OSError as error:
        raise ConfigInvalid(f"The state directory {root} cannot be made: {error.strerror}.") from error
    try:
        config = Config(path=None, accounts=paper.accounts, intent_commit_budget_ms=PAPER_COMMIT_MS)
        async with _desk(place, home, config, paper.credentials, serving=serving) as desk:
            yield desk
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.asynccontextmanager
async def _desk(
    place: Place,
    home: Path,
    config: Config,
    credentials: Mapping[str, Mapping[str, str] | str],
    *,
    serving: bool,
) -> AsyncIterator[Desk]:
    clock, settings = SystemClock(), _settings(config)
    answers = SqliteAnswers(home / ANSWERS, clock=clock)
    listen = serving and config.streams
    fleet = fleet_of(
        config.accounts, credentials, clock=clock, home=home, keep=answers.hear, listening=listen
    )
    failure: BastionError | None = None
    with (
        contextlib.closing(answers),
        open_keys(place) as keys,
        _journal(home, settings, clock) as journal,
        _audit(place, home, clock) as audit,
        contextlib.closing(SqliteEngineLog(home / "engine.sqlite", clock=clock)) as engine_log,
        contextlib.closing(SqliteRepeats(home / "repeats.sqlite", clock=clock)) as repeats,
    ):
        try:
            async with asyncio.TaskGroup() as tasks:
                desk = Desk(
                    accounts=config.accounts,
                    venues=fleet.venues,
                    journal=journal,
                    clock=clock,
                    settings=settings,
                    keys=keys,
                    lock=FileLock(home / "exit.lock"),
                    new_exit_id=new_exit_id,
                    tasks=tasks,
                    paper=config.path is None,
                    audit=audit,
                    notary=lambda: _notary(place, home),
                    verify=lambda: verify_state(home),
                )
                desk.repeats = repeats
                desk.watch(answers.see)
                desk.right_of_way.hush(audit.hush, answers.hush)
                engine = _engine(desk, engine_log, home, config, serving=serving)
                beside = _beside(desk, engine, fleet.streams) if serving else []
                standing = [tasks.create_task(work) for work in beside]
                try:
                    yield desk
                except BastionError as error:
                    # Kept, so that the group does not wrap what the surface is to tell.
                    failure = error
                finally:
                    for task in standing:
                        task.cancel()
                    await desk.stop()
        finally:
            for venue in fleet.venues.values():
                await venue.close()
    if failure is not None:
        raise failure


def _settings(config: Config) -> ExitSettings:
    return replace(
        config.ladder.put_into(ExitSettings()),
        deadline_s=config.deadline_s,
        hold_s=config.hold_s,
        intent_commit_budget_ms=config.intent_commit_budget_ms,
        refund_after_tries=config.refund_after_tries,
        refund_after_s=float(config.refund_after_s),
        recent_look_s=float(config.recent_look_s),
    )


def _engine(desk: Desk, log: SqliteEngineLog, home: Path, config: Config, *, serving: bool) -> Engine:
    engine = Engine(
        log=log,
        lock=FileLock(home / "engine.lock"),
        venues=desk.venues,
        journal=desk.journal,
        clock=desk.clock,
        settings=config.engine,
        surroundings=EngineActs(desk),
        serving=serving,
    )
    desk.engine = engine
    return engine


@contextlib.contextmanager
def _journal(home: Path, settings: ExitSettings, clock: Clock) -> Iterator[Journal]:
    sys.setswitchinterval(SWITCH_S)
    journal = open_journal(
        home / "journal.sqlite",
        spool=home / "spool",
        clock=clock,
        budget_ms=settings.intent_commit_budget_ms,
        complain=lambda text: _log.error("%s", text),
    )
    try:
        yield journal
    finally:
        journal.close()


@contextlib.contextmanager
def _audit(place: Place, home: Path, clock: Clock) -> Iterator[SqliteAudit]:
    def note_uses(uses: Sequence[KeyUse]) -> None:
        # In the audit's own thread, so over a connection of its own.
        with open_keys(place) as keys:
            keys.note_uses(uses)

    audit = SqliteAudit(home / "audit.sqlite", clock=clock, note_uses=note_uses)
    try:
        yield audit
    finally:
        audit.close()


def _notary(place: Place, home: Path) -> Notary:
    made: Notary = _signing().FileNotary(place.home / "certificate.key", journal=home / "journal.sqlite")
    return made


def _signing() -> Any:  # noqa: ANN401 - a module
    # What signs certificates loads a library that no exit needs.
    return importlib.import_module("bastion.storage.notary")


def certificate_of(place: Place, principal: Principal, exit_id: str) -> CertificateReport:
    """Return the signed certificate of an exit, from whichever journal of this user knows it.

    Raises:
        BastionError: as `commands.certificate`; `Refused` where no journal knows the exit.
    """
    accounts = () if place.config is None else read_config(place.config).accounts
    clock = SystemClock()
    for home in _homes(place):
        if not (home / "journal.sqlite").exists() and not (home / "spool").exists():
            continue
        with _journal(home, ExitSettings(), clock) as journal:
            if journal.entries(exit_id):
                return issue_certificate(
                    exit_id,
                    principal=principal,
                    journal=journal,
                    notary=_notary(place, home),
                    clock=clock,
                    accounts=accounts,
                )
    raise ExitUnknown(f"No journal in {place.home} knows the exit {exit_id[:64]!r}.")


def claim_of(place: Place, principal: Principal, exit_id: str) -> ClaimReport:
    """Return the claim file of an exit: its certificate with the raw answers that its looks rest on.

    Raises:
        BastionError: as `certificate_of`; `JournalUnusable` where the kept answers cannot be read.
    """
    told = certificate_of(place, principal, exit_id)
    kept = [kept_answers(home / ANSWERS, exit_id) for home in _homes(place)]
    return claim(told, {digest: text for answers in kept for digest, text in answers.items()})


def check_certificate(
    text: str, *, fingerprint: str | None = None, earlier: str | None = None
) -> CertificateCheck:
    """Check a certificate by its text alone; see `commands.check_certificate`.

    Raises:
        Refused: the text, or the earlier one, is no certificate.
    """
    return check(text, is_signed=_signing().is_signed, fingerprint=fingerprint, earlier=earlier)


def verify_journals(place: Place) -> VerifyReport:
    """Check every hash chain of this user's state, that of running embedded paper exchanges included."""
    return verdict_on(tuple(chain for home in _homes(place) for chain in verify_state(home)))


def _homes(place: Place) -> tuple[Path, ...]:
    return (place.home, *sorted((place.home / "paper").glob("run-*")))


@contextlib.asynccontextmanager
async def find_journal(place: Place, exit_id: str) -> AsyncIterator[tuple[Journal, Clock]]:
    """Open the journal that knows the exit: the user's own, or that of a running embedded paper exchange.

    Raises:
        Refused: none knows it.
    """
    start_logging(Redactor())
    clock = SystemClock()
    for home in _homes(place):
        if not (home / "journal.sqlite").exists() and not (home / "spool").exists():
            continue
        with _journal(home, ExitSettings(), clock) as journal:
            if exit_id in journal.exit_ids():
                yield journal, clock
                return
    raise Refused(f"No journal in {place.home} knows the exit {exit_id[:64]!r}.")


def _beside(
    desk: Desk, engine: Engine, streams: Mapping[str, AccountStream]
) -> list[Coroutine[Any, Any, None]]:
    # Before the first request is taken: nothing of an exit is to be made ready when it is asked for.
    shape.prime()
    codec.prime()
    desk.readings.prepare(codec.keep_text, codec.drop_text)
    return [warm(desk), engine.run(), keep_live(desk, streams)]
