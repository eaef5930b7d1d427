"""The program in the gauntlet: what it is told, how it is ended, and what counts as its claim."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from bastion.errors import Refused
from bastion.gauntlet.program import Claim, environment_of, run, told
from bastion.gauntlet.rows import BY_NAME

STAGE = BY_NAME["dead-venue"].stage("hyperliquid", seed=1)


async def at_once() -> None:
    """The first request is there already."""


async def never() -> None:
    await asyncio.Event().wait()


async def claim_of(code: str, *, deadline_s: float = 20) -> Claim:
    command = (sys.executable, "-S", "-c", code)
    return await run(command, environment=os.environ, deadline_s=deadline_s, started=at_once, show=False)


@pytest.mark.parametrize(
    ("code", "flat", "said"),
    [
        ("print('done')", True, None),
        ("raise SystemExit(1)", False, None),
        ("""print('{"flat": false}')""", False, None),
        ("""print('{"flat": true}')""", True, None),
        ("""print('closing'); print('{"verdict": "FLAT"}')""", True, "FLAT"),
        ("""print('{"flat": true}'); raise SystemExit(3)""", False, None),
    ],
)
async def test_the_claim_is_the_exit_code_and_json_may_take_it_back(
    code: str, *, flat: bool, said: str | None
) -> None:
    claim = await claim_of(code)
    assert (claim.claims_flat, claim.said, claim.timed_out) == (flat, said, False)


async def test_the_deadline_counts_from_the_first_request_and_ends_all_that_the_program_started(
    tmp_path: Path,
) -> None:
    beat = tmp_path / "beat"
    child = f"import time\nwhile True:\n open({str(beat)!r}, 'a').write('x')\n time.sleep(0.02)"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {child!r}])"
    claim = await claim_of(code, deadline_s=1.5)
    assert (claim.timed_out, claim.claims_flat) == (True, False)
    assert claim.took_ms >= 1_400
    size = beat.stat().st_size
    time.sleep(0.2)  # noqa: ASYNC251 - nothing else runs here; a child that lived would write in this time
    assert beat.stat().st_size == size > 0


async def test_a_program_that_sends_nothing_ends_by_itself_all_the_same() -> None:
    command = (sys.executable, "-S", "-c", "print(1)")
    claim = await run(command, environment=os.environ, deadline_s=1, started=never, show=False)
    assert claim.code == 0


async def test_a_program_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match="no-such-program"):
        await run(("no-such-program",), environment={}, deadline_s=1, started=at_once, show=False)


def test_the_program_never_sees_the_callers_own_accounts() -> None:
    given = {"PATH": "/bin", "BASTION_CONFIG": "mine.toml", "BASTION_API_KEY": "mine", "HOME": "/home"}
    config = told(STAGE, base="http://127.0.0.1:1")
    found = environment_of(config, path=Path("gauntlet.json"), given=given)
    assert "mine" not in "".join(found.values())
    assert (found["PATH"], found["HOME"]) == ("/bin", "/home")
    assert found["BASTION_GAUNTLET_VENUES"] == "hyperliquid,binance"
    assert found["BASTION_GAUNTLET_BINANCE_CCXT_ID"] == "binanceusdm"
    assert found["BASTION_GAUNTLET_HYPERLIQUID_WALLET_ADDRESS"].startswith("0x")
    assert "BASTION_GAUNTLET_HYPERLIQUID_API_KEY" not in found


def test_the_configuration_does_not_tell_which_scenario_it_is() -> None:
    assert set(told(STAGE, base="http://127.0.0.1:1")) == {"deadline_s", "accounts"}
