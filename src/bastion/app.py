"""App: the composition root, the only module that builds adapters."""

import asyncio
import base64
import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from bastion.auth.keys import Keys
from bastion.auth.vault import Vault
from bastion.clock import SystemClock
from bastion.commands import Desk, check_access
from bastion.config import KEY_SPACE_DEFAULT, Config, read_config
from bastion.domain.account import Account
from bastion.errors import BastionError, ConfigInvalid, Refused, VaultUnusable, VenueError
from bastion.exits.settings import ExitSettings
from bastion.log import Redactor, start_logging
from bastion.ports import Clock, Journal, Venue
from bastion.storage.keys import SqliteKeyStore
from bastion.storage.lock import FileLock
from bastion.storage.spool import open_journal
from bastion.venues.barred import BarredVenue
from bastion.venues.catalog import Catalog

EXIT_ID_LENGTH = 12
WARM_S = 10.0
PAPER_COMMAND = ("-m", "bastion.paper")
PAPER_TOKEN_VARIABLE = "BASTION_PAPER_CONTROL_TOKEN"  # noqa: S105 - the name of a variable
PAPER_START_S = 20.0
PAPER_STOP_S = 5.0
# No money waits for the disk here, so a slow one needs no second place for the records.
PAPER_COMMIT_MS = 5_000
PAPER_CONTROL_S = 10.0
HTTP_ERRORS_FROM = 400

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this user's files are; `home` holds the state, `config` None means the embedded exchange."""

    home: Path
    config: Path | None
    vault_key_file: Path


def find_place(*, config: Path | None, environment: Mapping[str, str] = os.environ) -> Place:
    """Return the places that the command line and the environment name.

    BASTION_HOME is the state directory (default: the platform's user data directory), BASTION_CONFIG the
    configuration, BASTION_VAULT_KEY_FILE the vault's key file (default: vault.key in the state directory).
    """
    named_home = environment.get("BASTION_HOME")
    home = Path(named_home).expanduser() if named_home else _user_data_directory(environment)
    named_config = environment.get("BASTION_CONFIG")
    if config is None and named_config:
        config = Path(named_config).expanduser()
    named_key = environment.get("BASTION_VAULT_KEY_FILE")
    return Place(
        home=home.absolute(),
        config=None if config is None else config.absolute(),
        vault_key_file=(Path(named_key).expanduser() if named_key else home / "vault.key").absolute(),
    )


def _user_data_directory(environment: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "bastion"
    named = environment.get("XDG_DATA_HOME")
    return (Path(named) if named else Path.home() / ".local" / "share") / "bastion"


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
) -> AsyncIterator[tuple[Desk, "PaperProcess"]]:
    """Start an embedded paper exchange with the scenario, and open a desk on its accounts.

    The desk's state lives in a directory of its own below `place.home`, which goes with the exchange.

    Raises:
        ConfigInvalid: the paper exchange does not start, or the directory cannot be made.
    """
    root = place.home / "paper"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        home = Path(tempfile.mkdtemp(prefix="run-", dir=root))
    except OSError as error:
        raise ConfigInvalid(f"The state directory {root} cannot be made: {error.strerror}.") from error
    try:
        async with start_paper(scenario) as paper:
            config = Config(path=None, accounts=paper.accounts, intent_commit_budget_ms=PAPER_COMMIT_MS)
            async with _desk(place, home, config, paper.credentials, serving=serving) as desk:
                yield desk, paper
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
    clock = SystemClock()
    settings = replace(
        ExitSettings(),
        deadline_s=config.deadline_s,
        hold_s=config.hold_s,
        intent_commit_budget_ms=config.intent_commit_budget_ms,
        refund_after_tries=config.refund_after_tries,
        refund_after_s=float(config.refund_after_s),
    )
    venues = _venues(config.accounts, credentials, clock=clock, shelf=home / "shelf")
    failure: BastionError | None = None
    with open_keys(place) as keys, _journal(home, settings, clock) as journal:
        try:
            async with asyncio.TaskGroup() as tasks:
                desk = Desk(
                    accounts=config.accounts,
                    venues=venues,
                    journal=journal,
                    clock=clock,
                    settings=settings,
                    keys=keys,
                    lock=FileLock(home / "exit.lock"),
                    new_exit_id=new_exit_id,
                    tasks=tasks,
                    paper=config.path is None,
                )
                warming = tasks.create_task(_warm(desk)) if serving else None
                try:
                    yield desk
                except BastionError as error:
                    # Kept, so that the group does not wrap what the surface is to tell.
                    failure = error
                finally:
                    if warming is not None:
                        warming.cancel()
                    await desk.stop()
        finally:
            for venue in venues.values():
                await venue.close()
    if failure is not None:
        raise failure


@contextlib.contextmanager
def _journal(home: Path, settings: ExitSettings, clock: Clock) -> Iterator[Journal]:
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


@contextlib.asynccontextmanager
async def find_journal(place: Place, exit_id: str) -> AsyncIterator[tuple[Journal, Clock]]:
    """Open the journal that knows the exit: the user's own, or that of a running embedded paper exchange.

    Raises:
        Refused: none knows it.
    """
    start_logging(Redactor())
    clock = SystemClock()
    homes = [place.home, *sorted((place.home / "paper").glob("run-*"))]
    for home in homes:
        if not (home / "journal.sqlite").exists() and not (home / "spool").exists():
            continue
        with _journal(home, ExitSettings(), clock) as journal:
            if exit_id in journal.exit_ids():
                yield journal, clock
                return
    raise Refused(f"No journal in {place.home} knows the exit {exit_id[:64]!r}.")


def _venues(
    accounts: tuple[Account, ...],
    credentials: Mapping[str, Mapping[str, str] | str],
    *,
    clock: Clock,
    shelf: Path,
) -> dict[str, Venue]:
    catalog = Catalog(clock=clock, shelf_dir=shelf)
    venues: dict[str, Venue] = {}
    for account in accounts:
        fields = credentials[account.credential]
        # One unusable credential must not keep the other accounts from being closed.
        if isinstance(fields, str):
            venues[account.name] = BarredVenue(account=account, why=fields, clock=clock)
            continue
        try:
            venues[account.name] = catalog.build(account, fields)
        except VaultUnusable as error:
            venues[account.name] = BarredVenue(account=account, why=str(error), clock=clock)
    return venues


async def _warm(desk: Desk) -> None:
    async def open_one(name: str, venue: Venue) -> None:
        try:
            await venue.open(deadline_s=WARM_S)
        except VenueError as error:
            _log.warning("The account %s could not be warmed up: %s", name, error)

    try:
        async with asyncio.TaskGroup() as group:
            for name, venue in desk.venues.items():
                group.create_task(open_one(name, venue))
        for warning in await check_access(desk):
            _log.warning("%s", warning)
    except Exception:  # noqa: BLE001 - a bulkhead: warming up is a courtesy and can harm nothing
        _log.exception("Warming up failed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperProcess:
    """A running embedded paper exchange: its accounts, their paper credentials, and its control API."""

    accounts: tuple[Account, ...]
    credentials: Mapping[str, Mapping[str, str]]
    control_url: str
    control_token: str

    async def control(self, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        """Send one request to the control API and return its JSON answer.

        Raises:
            Refused: the control API refused it or did not answer.
        """
        timeout = aiohttp.ClientTimeout(total=PAPER_CONTROL_S)
        headers = {"Authorization": f"Bearer {self.control_token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.request(method, self.control_url + path, json=body) as answer,
            ):
                text = await answer.text()
                if answer.status >= HTTP_ERRORS_FROM:
                    raise Refused(f"The paper exchange refused {method} {path}: {text[:300]}")
                return json.loads(text) if text else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(f"The paper exchange did not answer {method} {path}: {error}.") from error


@contextlib.asynccontextmanager
async def start_paper(scenario: str) -> AsyncIterator[PaperProcess]:
    """Start `python -m bastion.paper` on free loopback ports, and stop it at the end.

    Raises:
        ConfigInvalid: it does not start.
    """
    token = base64.urlsafe_b64encode(os.urandom(24)).decode("ascii")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *PAPER_COMMAND,
        *("--scenario", scenario, "--port", "0", "--control-port", "0", "--exit-with-parent"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, PAPER_TOKEN_VARIABLE: token},
        # Ctrl-C on the terminal is for the desk, which still needs the exchange to finish its exit.
        start_new_session=True,
    )
    try:
        yield await _ready(process, token)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, token: str) -> PaperProcess:
    if process.stdout is None:
        raise ConfigInvalid("The paper exchange has no output to read.")
    try:
        async with asyncio.timeout(PAPER_START_S):
            line = await process.stdout.readline()
        ready = json.loads(line)
        return _paper_of(ready["wires"], control_port=int(ready["control_port"]), token=token)
    except (TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ConfigInvalid("The embedded paper exchange did not start; its message is above.") from error


def _paper_of(wires: Mapping[str, str], *, control_port: int, token: str) -> PaperProcess:
    # Every shipped scenario has one account `main` at each venue, with these keys.
    accounts = tuple(
        Account(
            name=f"paper-{venue}",
            venue=venue,
            key_space=KEY_SPACE_DEFAULT[venue],
            credential=f"paper-{venue}",
            base_url=url,
        )
        for venue, url in sorted(wires.items())
    )
    return PaperProcess(
        accounts=accounts,
        credentials={
            account.name: {
                "apiKey": f"paper-{account.venue}-key",
                "secret": f"paper-{account.venue}-secret",
            }
            for account in accounts
        },
        control_url=f"http://127.0.0.1:{control_port}",
        control_token=token,
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(PAPER_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
