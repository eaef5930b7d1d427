"""Rig: desks with an engine on the paper exchange, in this process and in one that is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path

from bastion import app
from bastion.commands import Desk, engine_arm, engine_start, recover
from bastion.config import Config
from bastion.domain.account import Account
from bastion.domain.principal import Principal, Scope
from bastion.engine.settings import EngineSettings
from tests.paper_process import PaperProcess

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
QUICK = EngineSettings(poll_s=0.2, near_poll_s=0.1, warm_up_s=0.0, advice_s=3600, data_alert_s=1)
"""An engine that judges at every turn and has nothing to wait for."""

KEY_SPACES = {"binance": "usdm", "bybit": "unified"}
WAIT_S = 25.0
LIMIT = Decimal(1_000_000)
"""No loss of these tests reaches it: a guard that exits realises one."""


def account(paper: PaperProcess, venue: str, name: str = "main") -> Account:
    """Return the account of that name at a venue of the paper exchange."""
    return Account(
        name=f"{venue}-{name}",
        venue=venue,
        key_space=KEY_SPACES[venue],
        credential=f"{venue}-{name}",
        base_url=paper.base_url(venue),
    )


def seed_accounts(paper: PaperProcess) -> tuple[Account, ...]:
    """Return the two accounts of the scenario `seed`."""
    return (account(paper, "binance"), account(paper, "bybit"))


def credentials(accounts: tuple[Account, ...]) -> dict[str, Mapping[str, str] | str]:
    """Return the paper credentials of these accounts, whose names are VENUE-NAME."""
    found: dict[str, Mapping[str, str] | str] = {}
    for one in accounts:
        name = one.name.removeprefix(f"{one.venue}-")
        stem = f"paper-{one.venue}" if name == "main" else f"paper-{one.venue}-{name}"
        found[one.credential] = {"apiKey": f"{stem}-key", "secret": f"{stem}-secret"}
    return found


@asynccontextmanager
async def desk_on(
    accounts: tuple[Account, ...],
    home: Path,
    *,
    settings: EngineSettings = QUICK,
    serving: bool = True,
) -> AsyncIterator[Desk]:
    """Open a desk on these accounts as the composition root does it, with its state in `home`."""
    place = app.find_place(config=None, environment={"BASTION_HOME": str(home)})
    config = Config(
        path=home / "config.toml", accounts=accounts, engine=settings, intent_commit_budget_ms=5_000
    )
    async with app._desk(place, home, config, credentials(accounts), serving=serving) as desk:
        yield desk


async def until(check: Callable[[], Awaitable[object]], *, seconds: float = WAIT_S) -> None:
    """Wait until the check answers with something true."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - the state is in another process or at a venue
            await asyncio.sleep(0.05)


class StandingProcess:
    """A process of its own that runs the engine of a state directory, until it is killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)


@contextmanager
def standing_process(accounts: tuple[Account, ...], home: Path, *acts: str) -> Iterator[StandingProcess]:
    """Run `python -m tests.engine_rig` on that state; `acts` (`start`, `arm`) are done before it is ready."""
    names = [{"venue": one.venue, "name": one.name, "base_url": one.base_url} for one in accounts]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine_rig", str(home), json.dumps(names), *acts],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])},
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield StandingProcess(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        process.stdin.close()
        process.stdout.close()


async def _serve(home: Path, names: list[dict[str, str]], acts: list[str]) -> None:
    accounts = tuple(
        Account(
            name=one["name"],
            venue=one["venue"],
            key_space=KEY_SPACES[one["venue"]],
            credential=one["name"],
            base_url=one["base_url"],
        )
        for one in names
    )
    async with desk_on(accounts, home) as desk:
        recover(desk)
        if "start" in acts:
            await engine_start(desk, OWNER)
        if "arm" in acts:
            await engine_arm(desk, OWNER, daily_loss_limit_usd=LIMIT)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        # Until the parent kills this process, or dies itself.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]))
