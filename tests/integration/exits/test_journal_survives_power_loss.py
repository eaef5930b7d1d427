"""Power is lost under the real SQLite: what the journal acknowledged is there, whatever came of the rest."""

from pathlib import Path

import apsw
import pytest

from bastion.clock import SystemClock
from bastion.domain.records import ExitEnded, RunStarted
from bastion.storage.chain import broken_at
from bastion.storage.spool import open_journal
from bastion.storage.sqlite import SqliteJournal
from tests.power_loss import Recording, recorded

APPENDS = 8


async def _write(path: Path, recording: Recording, *, lax: bool = False) -> None:
    journal = SqliteJournal(path, clock=SystemClock())
    if lax:
        journal._writing.pragma("synchronous", "normal")
    for number in range(APPENDS):
        run = RunStarted(exit_id=f"x{number}", run=number, monotonic_ns=number)
        await journal.append((run, ExitEnded(exit_id=f"x{number}")))
        recording.acknowledged()
        if number == APPENDS // 2:
            journal._writing.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    journal.close()


def _kept(folder: Path) -> list[str]:
    journal = SqliteJournal(folder / "journal.sqlite", clock=SystemClock())
    try:
        entries = journal.all_entries()
    finally:
        journal.close()
    assert broken_at(entries) is None
    return [entry.exit_id for entry in entries]


def _expected(count: int) -> list[str]:
    return [f"x{number}" for number in range(count) for _ in range(2)]


async def test_a_power_cut_at_any_write_or_sync_loses_no_acknowledged_intent(tmp_path: Path) -> None:
    with recorded() as recording:
        await _write(tmp_path / "journal.sqlite", recording)
    assert sum(step.what == "acknowledged" for step in recording.steps) == APPENDS
    assert any(step.what == "write" for step in recording.steps)
    for at in range(len(recording.steps) + 1):
        folder = tmp_path / f"after {at}"
        folder.mkdir()
        durable = recording.cut(at, folder, seed=1)
        kept = _kept(folder)
        assert kept[: 2 * durable] == _expected(durable), f"power cut before step {at}"
        assert kept == _expected(len(kept) // 2), "an append is there whole or not at all"


async def test_the_layer_shows_the_loss_where_a_commit_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    with recorded() as recording:
        await _write(tmp_path / "journal.sqlite", recording, lax=True)
    lost = 0
    for at in range(0, len(recording.steps) + 1, 3):
        folder = tmp_path / f"after {at}"
        folder.mkdir()
        durable = recording.cut(at, folder, seed=1)
        lost += len(_kept(folder)) < 2 * durable
    assert lost


@pytest.mark.parametrize("seed", [2, 3])
async def test_whatever_the_disk_kept_of_unsynced_sectors_the_chain_holds(tmp_path: Path, seed: int) -> None:
    with recorded() as recording:
        await _write(tmp_path / "journal.sqlite", recording)
    for at in range(0, len(recording.steps) + 1, 5):
        folder = tmp_path / f"after {at}"
        folder.mkdir()
        durable = recording.cut(at, folder, seed=seed)
        assert _kept(folder)[: 2 * durable] == _expected(durable)


async def test_a_full_disk_sends_records_to_the_spool_and_says_so_until_there_is_room(tmp_path: Path) -> None:
    told: list[str] = []
    records = [RunStarted(exit_id="x", run=number, monotonic_ns=number) for number in range(3)]
    with recorded() as recording:
        path, spool = tmp_path / "journal.sqlite", tmp_path / "spool"
        journal = open_journal(path, spool=spool, clock=SystemClock(), budget_ms=2000, complain=told.append)
        (before,) = await journal.append(records[:1])
        recording.full = True
        (during,) = await journal.append(records[1:2])
        assert "full" in " ".join(told)
        recording.full = False
        await SystemClock().sleep(1.05)
        (after,) = await journal.append(records[2:])
        found = [entry.record for entry in journal.entries("x")]
        journal.close()
    assert (before.spooled, during.spooled, after.spooled) == (False, True, False)
    assert found == records
