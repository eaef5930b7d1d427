"""The journal on a real disk: what it acknowledged survives kill -9, and it never holds an exit up."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from bastion.clock import SystemClock
from bastion.domain.records import (
    CoveredAccount,
    ExitEnded,
    ExitJudged,
    ExitRequested,
    LatchTripped,
    RunStarted,
)
from bastion.domain.verdict import Verdict
from bastion.errors import JournalUnusable
from bastion.storage.chain import broken_at
from bastion.storage.spool import SpooledJournal, open_journal
from bastion.storage.spool_files import FileShelf
from bastion.storage.sqlite import KNOWN_MAX, SqliteJournal

ROOT = Path(__file__).resolve().parents[3]


def requested(exit_id: str) -> ExitRequested:
    return ExitRequested(
        exit_id=exit_id,
        accounts=(CoveredAccount(name="a", venue="binance", key_space="usdm"),),
        principal="owner",
        surface="test",
        deadline_s=Decimal(60),
        hold_s=Decimal(0),
        monotonic_ns=1,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(tmp_path / "journal.sqlite", clock=SystemClock())
    yield opened
    opened.close()


async def test_records_come_back_in_order_by_exit_and_the_chain_verifies(journal: SqliteJournal) -> None:
    tripped = LatchTripped(exit_id="x1", principal="owner", surface="test")
    made = await journal.append((tripped, requested("x1")))
    await journal.append((requested("x2"),))
    assert [entry.seq for entry in made] == [1, 2]
    assert journal.entries("x1") == made
    assert journal.exit_ids() == ("x1", "x2")
    assert [entry.record for entry in journal.latch_entries()] == [tripped]
    assert broken_at(journal.all_entries()) is None


async def test_appends_that_wait_together_are_all_kept_once(journal: SqliteJournal) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.append((ExitEnded(exit_id=f"x{n}"),))) for n in range(300)]
    assert {task.result()[0].exit_id for task in tasks} == {f"x{n}" for n in range(300)}
    assert len(journal.all_entries()) == 300
    assert broken_at(journal.all_entries()) is None


async def test_two_processes_journals_share_one_chain(journal: SqliteJournal, tmp_path: Path) -> None:
    other = SqliteJournal(tmp_path / "journal.sqlite", clock=SystemClock())
    try:
        for number in range(10):
            await (journal if number % 2 else other).append((ExitEnded(exit_id=f"x{number}"),))
        assert broken_at(journal.all_entries()) is None
        assert len(other.all_entries()) == 10
    finally:
        other.close()


async def test_a_changed_row_is_found_and_rows_cannot_be_changed_through_sql(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    await journal.append((ExitEnded(exit_id="x1"),))
    journal.close()
    raw = apsw.Connection(str(tmp_path / "journal.sqlite"))
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        raw.execute("UPDATE entries SET body = '{}'")
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        raw.execute("DELETE FROM entries")
    raw.execute("DROP TRIGGER entries_are_never_changed")
    raw.execute("""UPDATE entries SET body = '{"exit_id":"x2"}'""")
    raw.close()
    again = SqliteJournal(tmp_path / "journal.sqlite", clock=SystemClock())
    try:
        with pytest.raises(JournalUnusable, match="was changed"):
            again.entries("x1")
    finally:
        again.close()


def test_a_newer_form_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    SqliteJournal(path, clock=SystemClock()).close()
    raw = apsw.Connection(str(path))
    raw.pragma("user_version", 99)
    raw.close()
    with pytest.raises(JournalUnusable, match="newer"):
        SqliteJournal(path, clock=SystemClock())


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for trial in range(4):
        program = [sys.executable, str(ROOT / "tests/integration/exits/append_forever.py"), str(path)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged = -1
            until = time.monotonic() + 10
            while acknowledged < 20 + trial * 7 and time.monotonic() < until:
                acknowledged = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().splitlines()
        acknowledged = int(rest[-1]) if rest and rest[-1].isdigit() else acknowledged
        journal = SqliteJournal(path, clock=SystemClock())
        try:
            entries = journal.all_entries()
        finally:
            journal.close()
        assert broken_at(entries) is None
        last_run = [entry.exit_id for entry in entries if not entry.exit_id.endswith("b")]
        start = len(last_run) - 1 - last_run[::-1].index("x0")
        kept = last_run[start:]
        assert kept[: acknowledged + 1] == [f"x{number}" for number in range(acknowledged + 1)]
        both = [entry.exit_id for entry in entries]
        assert both.count("x3") == both.count("x3b"), "one append is one commit"


def _open(path: Path, spool: Path, told: list[str], budget_ms: int = 20) -> SpooledJournal:
    return open_journal(path, spool=spool, clock=SystemClock(), budget_ms=budget_ms, complain=told.append)


async def test_a_locked_journal_does_not_hold_an_append_up_and_the_spool_counts(tmp_path: Path) -> None:
    told: list[str] = []
    journal = _open(tmp_path / "journal.sqlite", tmp_path / "second", told, budget_ms=100)
    await journal.append((requested("x1"),))
    blocker = apsw.Connection(str(tmp_path / "journal.sqlite"))
    blocker.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    (entry,) = await journal.append((ExitEnded(exit_id="x1"),))
    took_s = time.monotonic() - begun
    assert entry.spooled
    assert took_s < 1.0
    assert told
    blocker.execute("ROLLBACK")
    blocker.close()
    journal.close()
    again = _open(tmp_path / "journal.sqlite", tmp_path / "second", told)
    records = [one.record for one in again.entries("x1")]
    assert records[0] == requested("x1")
    assert ExitEnded(exit_id="x1") in records
    again.close()


async def test_a_journal_that_is_late_gets_every_record_and_each_stands_once(tmp_path: Path) -> None:
    told: list[str] = []
    journal = _open(tmp_path / "journal.sqlite", tmp_path / "second", told, budget_ms=50)
    await journal.append((requested("x1"),))
    blocker = apsw.Connection(str(tmp_path / "journal.sqlite"))
    blocker.execute("BEGIN IMMEDIATE")
    late = [RunStarted(exit_id="x1", run=number, monotonic_ns=number) for number in range(1, 6)]
    for record in late:
        (entry,) = await journal.append((record,))
        assert entry.spooled
    blocker.execute("ROLLBACK")
    blocker.close()
    journal.close()
    assert len(told) == 1
    again = _open(tmp_path / "journal.sqlite", tmp_path / "second", told)
    entries = again.entries("x1")
    assert [entry.record for entry in entries] == [requested("x1"), *late]
    assert not any(entry.spooled for entry in entries)
    again.close()


async def test_what_a_late_journal_has_not_taken_yet_comes_after_what_it_has(tmp_path: Path) -> None:
    told: list[str] = []
    late = [RunStarted(exit_id="x1", run=number, monotonic_ns=number) for number in range(1, 5)]
    journal = _open(tmp_path / "journal.sqlite", tmp_path / "spool", told)
    await journal.append([requested("x1")])
    blocker = apsw.Connection(str(tmp_path / "journal.sqlite"))
    blocker.execute("BEGIN IMMEDIATE")
    for record in late:
        await journal.append([record])
    # The moment between two commits of the late journal: it has the first records, and not the others.
    caught_up = SqliteJournal(tmp_path / "half.sqlite", clock=SystemClock())
    await caught_up.append([requested("x1")])
    for record in late[:2]:
        await caught_up.append([record])
    caught_up.close()
    half = _open(tmp_path / "half.sqlite", tmp_path / "spool", told)
    assert [entry.record for entry in half.entries("x1")] == [requested("x1"), *late]
    half.close()
    blocker.execute("ROLLBACK")
    journal.close()
    blocker.close()


async def test_a_corrupt_journal_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this is no database, and long enough to be looked at " * 40)
    told: list[str] = []
    journal = _open(path, tmp_path / "second", told, budget_ms=200)
    await journal.append((requested("x1"),))
    assert journal.exit_ids() == ("x1",)
    assert [entry.spooled for entry in journal.entries("x1")] == [True]
    journal.close()
    again = _open(path, tmp_path / "second", told)
    assert again.exit_ids() == ("x1",)
    assert told


async def test_where_nothing_can_be_written_memory_and_a_complaint_remain(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"no database " * 100)
    blocked = tmp_path / "second"
    blocked.write_text("a file where the directory should be")
    told: list[str] = []
    journal = _open(path, blocked, told, budget_ms=200)
    await journal.append((requested("x1"),))
    assert journal.exit_ids() == ("x1",)
    assert any("ExitRequested" in line for line in told)


async def test_a_line_cut_off_in_the_spool_is_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"no database " * 100)
    journal = _open(path, tmp_path / "second", told, budget_ms=200)
    await journal.append((requested("x1"), ExitEnded(exit_id="x1")))
    (file,) = (tmp_path / "second").glob("spool-*.jsonl")
    file.write_text(file.read_text()[:-30])
    assert [entry.record for entry in journal.entries("x1")] == [requested("x1")]


def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(timeout=10)
    return process.pid


async def test_a_spool_that_the_journal_has_taken_in_is_tidied_away_and_no_other(tmp_path: Path) -> None:
    path, spool = tmp_path / "journal.sqlite", tmp_path / "spool"
    shelf = SpooledJournal(
        journal=None,
        shelf=FileShelf(spool, clock=SystemClock()),
        clock=SystemClock(),
        budget_ms=2000,
        complain=lambda _: None,
    )
    await shelf.append((requested("xspooled"),))
    (file,) = spool.glob("spool-*.jsonl")
    file = file.rename(spool / f"spool-1-{dead_process()}.jsonl")
    opened = open_journal(path, spool=spool, clock=SystemClock(), budget_ms=2000, complain=lambda _: None)
    assert file.exists(), "the journal does not hold it: it is still needed"
    assert opened.exit_ids() == ("xspooled",)
    await opened.append((requested("xspooled"),))
    opened.close()
    again = open_journal(path, spool=spool, clock=SystemClock(), budget_ms=2000, complain=lambda _: None)
    assert not file.exists()
    assert again.exit_ids() == ("xspooled",)
    again.close()


async def test_a_process_lets_its_own_spool_go_once_the_journal_holds_it_all(
    tmp_path: Path,
) -> None:
    path, spool = tmp_path / "journal.sqlite", tmp_path / "spool"
    journal = open_journal(path, spool=spool, clock=SystemClock(), budget_ms=50, complain=lambda _: None)
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    (late,) = await journal.append((requested("x1"),))
    assert late.spooled
    (file,) = spool.glob("spool-*.jsonl")
    blocker.execute("ROLLBACK")
    blocker.close()
    async with asyncio.timeout(20):
        while file.exists():  # noqa: ASYNC110 - only the file tells it
            await asyncio.sleep(0.1)
    await journal.append((ExitEnded(exit_id="x1"),))
    entries = journal.entries("x1")
    assert isinstance(entries[0].record, ExitRequested)
    assert not any(entry.spooled for entry in entries)
    # Whoever needs it again begins a file of its own.
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    (late,) = await journal.append((requested("x2"),))
    assert late.spooled
    (again,) = spool.glob("spool-*.jsonl")
    assert again != file
    assert journal.exit_ids() == ("x1", "x2")
    blocker.close()
    journal.close()


async def test_what_stands_in_the_spool_is_decoded_once_however_often_it_is_read(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    journal = SpooledJournal(
        journal=None,
        shelf=FileShelf(spool, clock=SystemClock()),
        clock=SystemClock(),
        budget_ms=5_000,
        complain=lambda _: None,
    )
    ids = [f"x{number:04d}" for number in range(400)]
    for exit_id in ids:
        await journal.append([requested(exit_id)])
    clock = SystemClock()

    def seconds() -> float:
        before_ns = clock.monotonic_ns()
        assert journal.exit_ids() == tuple(ids)
        return (clock.monotonic_ns() - before_ns) / 1e9

    first = seconds()
    assert min(seconds() for _ in range(5)) < first / 3
    # What comes later, and a line that is still being written, are seen all the same.
    await journal.append([requested("xlate")])
    (file,) = spool.glob("spool-*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert journal.exit_ids() == tuple(ids)
    file.write_bytes(whole)
    assert journal.exit_ids() == (*ids, "xlate")
    assert [entry.exit_id for entry in journal.entries("xlate")] == ["xlate"]


async def test_what_is_over_is_let_go_of_and_what_is_not_stays_in_memory(journal: SqliteJournal) -> None:
    made = {}
    for name in ("open", *(f"flat{number}" for number in range(KNOWN_MAX + 2)), "failed"):
        verdict = Verdict.UNKNOWN if name == "failed" else Verdict.FLAT
        judged = ExitJudged(exit_id=name, verdict=verdict, held_until_ns=0)
        ends = () if name == "open" else (judged, ExitEnded(exit_id=name))
        made[name] = await journal.append((requested(name), *ends))
    # What is read stays, too, and so the newest is asked for first.
    kept = {name for name in reversed(made) if journal.entries(name)[0] is made[name][0]}
    assert kept == {"open", "failed", *(f"flat{number}" for number in range(2, KNOWN_MAX + 2))}
    assert all(journal.entries(name) == entries for name, entries in made.items())
