"""Program: the command under test, what it is told, how it is run, and what it claims."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bastion.embedded import paper_credential
from bastion.errors import Refused
from bastion.gauntlet.stage import Stage
from bastion.gauntlet.tongue import TONGUES
from bastion.shape import dataclass

PREFIX = "BASTION_GAUNTLET_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
KILL_S = 3.0
START_S = 90.0
"""How long a program may take to its first request; the scenario's deadline begins with that."""
OUTPUT_BYTES_MAX = 4_000_000
TAIL = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a program said: its exit code (None: it was stopped at the deadline), and whether it claims flat.

    `said` is the verdict that its JSON named, where it named one.
    """

    code: int | None
    claims_flat: bool
    said: str | None
    took_ms: int
    tail: str

    @property
    def timed_out(self) -> bool:
        """Whether the deadline ended it."""
        return self.code is None


def account_of(venue: str, *, base: str, hedge: bool) -> dict[str, object]:
    """Return what a program is told of its account at a venue of the paper exchange at `base`."""
    tongue = TONGUES[venue]
    given = paper_credential(venue)
    url = f"{base}/{venue}"
    return {
        "name": f"gauntlet-{venue}",
        "venue": venue,
        "ccxt_id": tongue.ccxt_id,
        "base_url": url,
        "hosts": dict.fromkeys(tongue.hosts, url),
        "api_key": given.get("apiKey"),
        "secret": given.get("secret"),
        "password": given.get("password"),
        "wallet_address": given.get("walletAddress"),
        "private_key": given.get("privateKey"),
        "hedge_mode": hedge,
    }


def told(stage: Stage, *, base: str) -> dict[str, object]:
    """Return the whole configuration of a program."""
    return {
        "deadline_s": stage.deadline_s,
        "accounts": [account_of(venue, base=base, hedge=stage.hedge) for venue in stage.venues],
    }


def environment_of(config: Mapping[str, Any], *, path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the program's environment: the caller's without its BASTION_ variables, and what it is told."""
    # A program that is bastion itself must never see the caller's own accounts.
    found = {name: value for name, value in given.items() if not name.startswith("BASTION_")}
    found[CONFIG_VARIABLE] = str(path)
    found[f"{PREFIX}DEADLINE_S"] = str(config["deadline_s"])
    found[f"{PREFIX}VENUES"] = ",".join(account["venue"] for account in config["accounts"])
    for account in config["accounts"]:
        head = f"{PREFIX}{account['venue'].upper()}_"
        for name in ("ccxt_id", "base_url", "api_key", "secret", "password", "wallet_address", "private_key"):
            if account[name] is not None:
                found[head + name.upper()] = account[name]
        found[head + "HEDGE_MODE"] = "1" if account["hedge_mode"] else "0"
    return found


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    deadline_s: float,
    started: Callable[[], Awaitable[object]],
    show: bool,
) -> Claim:
    """Run the command to its end or to the deadline, and return what it claims.

    `started` returns with the program's first request, from which the deadline counts.

    Raises:
        Refused: it cannot be started.
    """
    clock = asyncio.get_running_loop()
    began = clock.time()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if show else asyncio.subprocess.PIPE,
            # A process group of its own, so that what it started ends with it.
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(f"{command[0]} cannot be started: {error.strerror}.") from error
    out, err = bytearray(), bytearray()
    code: int | None = None
    ended: float | None = None
    # Past the deadline the code stays None; so it does not where only a child of the program held on.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S) as limit, asyncio.TaskGroup() as tasks:
            tasks.create_task(_collect(process.stdout, out))
            tasks.create_task(_collect(process.stderr, err))
            clocked = tasks.create_task(_begin(limit, started, deadline_s))
            code = await process.wait()
            ended = clock.time()
            clocked.cancel()
            _kill(process)
    took_ms = round(((ended or clock.time()) - began) * 1_000)
    await _end(process)
    text = out.decode("utf-8", errors="replace")
    flat, said = _claim(text)
    tail = (err.decode("utf-8", errors="replace") or text)[-TAIL:]
    return Claim(code=code, claims_flat=code == 0 and flat, said=said, took_ms=took_ms, tail=tail)


async def _begin(limit: asyncio.Timeout, started: Callable[[], Awaitable[object]], deadline_s: float) -> None:
    await started()
    limit.reschedule(asyncio.get_running_loop().time() + deadline_s)


async def _collect(stream: asyncio.StreamReader | None, into: bytearray) -> None:
    while stream is not None and (part := await stream.read(65_536)):
        into += part
        del into[:-OUTPUT_BYTES_MAX]


def _kill(process: asyncio.subprocess.Process) -> None:
    # Also after an orderly end: a child left behind could still trade.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    _kill(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(KILL_S):
            await process.wait()


def _claim(text: str) -> tuple[bool, str | None]:
    # JSON is a courtesy: the whole output, or its last line. Without it the exit code is the claim.
    lines = [line for line in text.splitlines() if line.strip()]
    for candidate in (text, lines[-1] if lines else ""):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(found, dict):
            said = found.get("verdict")
            return found.get("flat") is not False, said if isinstance(said, str) else None
    return True, None
