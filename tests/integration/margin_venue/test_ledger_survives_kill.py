"""Kill the venue at any moment: what it acknowledged is there, and nothing is there by half."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bastion.paper.strike.ledger import Code
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.store import Store, StoreInUse
from tests.margin_rig import StoreOpener, postgres_opener, sqlite_opener

PROGRAM = Path(__file__).with_name("refunding_process.py")
KILLS = 8
RELEASE_S = 20


def killed_after(seconds: float, words: Sequence[str]) -> list[int]:
    """Run the program, kill it some time after it is ready, and give what it had acknowledged."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first == "ready\n", process.stderr.read()
        time.sleep(seconds)
        process.kill()
        rest = process.stdout.read()
    # The last line may have been cut by the kill; a whole line was acknowledged.
    return [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def reopened(open_store: StoreOpener) -> Store:
    """Open the ledger as the next process would; Postgres may take a moment to notice the death."""
    deadline = time.monotonic() + RELEASE_S
    while True:
        try:
            return open_store()
        except StoreInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_acknowledged_refunds_survive_a_kill_and_no_refund_is_half_done(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if backend == "sqlite":
        words = ["sqlite", str(tmp_path / "ledger.db")]
        open_store = sqlite_opener(tmp_path)
    else:
        dsn = request.getfixturevalue("postgres_dsn")
        words, open_store = ["postgres", dsn, "killed"], postgres_opener(dsn, "killed")
    acknowledged: set[int] = set()
    for turn in range(KILLS):
        acknowledged.update(killed_after(0.05 + 0.037 * turn, words))
        store = reopened(open_store)
        try:
            check(store, acknowledged)
        finally:
            store.close()
    assert len(acknowledged) > KILLS


def check(store: Store, acknowledged: set[int]) -> None:
    assert store.audit() == ()
    positions: dict[int, Position] = {position.id: position for position in store.load().positions}
    exited = {number for number, position in positions.items() if position.status is Status.EXITED}
    refunds = [transfer for transfer in store.transfers() if transfer.code == Code.EXIT]
    assert acknowledged <= exited
    assert sorted(transfer.position_id or 0 for transfer in refunds) == sorted(exited)
    assert all(positions[transfer.position_id or 0].margin == transfer.amount for transfer in refunds)
