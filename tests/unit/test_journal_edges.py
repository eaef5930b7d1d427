"""The chain and the file of the journal at their edges: each tampering, each failure, each end."""

import asyncio
import hashlib
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from bastion.clock import SystemClock
from bastion.domain.records import Entry, ExitEnded, LatchReset, LatchTripped, RunStarted
from bastion.errors import JournalUnusable
from bastion.storage.chain import GENESIS, broken_at, digest, seal
from bastion.storage.codec import encode, kind_of
from bastion.storage.sqlite import GROUP_MAX, SqliteJournal

ENDED = ExitEnded(exit_id="x1")
TRIPPED = LatchTripped(exit_id="x1", principal="owner", surface="test")
RESET = LatchReset(exit_id="x1", principal="owner", surface="test")


def chained(count: int = 4, *, first: int = 1, previous: str = GENESIS) -> list[Entry]:
    made: list[Entry] = []
    for number in range(count):
        record = RunStarted(exit_id="x1", run=number, monotonic_ns=number)
        made.append(
            seal(
                record,
                body=encode(record),
                seq=first + number,
                at_ns=1_000 + number,
                previous=made[-1].hash if made else previous,
            )
        )
    return made


def changed(place: int, **changes: object) -> Callable[[list[Entry]], list[Entry]]:
    return lambda made: [*made[:place], replace(made[place], **changes), *made[place + 1 :]]  # type: ignore[arg-type]


def test_a_hash_is_that_of_the_canonical_json_of_all_that_an_entry_says() -> None:
    text = b'{"at_ns":5,"body":"{}","kind":"ExitEnded","previous":"ab","seq":7}'
    assert (
        digest(kind="ExitEnded", body="{}", seq=7, at_ns=5, previous="ab") == hashlib.sha256(text).hexdigest()
    )
    assert GENESIS == "0" * 64
    (entry,) = chained(1)
    assert (entry.seq, entry.at_ns, entry.exit_id, entry.previous, entry.spooled) == (
        1,
        1_000,
        "x1",
        GENESIS,
        False,
    )


@pytest.mark.parametrize(
    ("tampered", "place"),
    [
        (lambda made: made, None),
        (lambda _: [], None),
        (lambda made: made[:2], None),
        (lambda made: made[1:], 0),
        (lambda made: [made[0], *made[2:]], 1),
        (lambda made: [*made[:2], made[3], made[2]], 2),
        (lambda made: [made[0], made[0], *made[1:]], 1),
        (lambda _: chained(first=2), 0),
        (lambda _: chained(first=0), 0),
        (lambda _: chained(previous="1" * 64), 0),
        (lambda made: made[:2] + chained(2, first=3), 2),
        (changed(2, seq=9), 2),
        (changed(2, seq=1), 2),
        (changed(2, at_ns=1), 2),
        (changed(2, record=ENDED), 2),
        (changed(2, hash="f" * 64), 2),
        (changed(2, hash="0" * 64), 2),
        (changed(2, previous="f" * 64), 2),
        (changed(2, previous="0" * 64), 2),
        (changed(3, at_ns=1), 3),
    ],
)
def test_a_chain_is_broken_at_the_first_entry_that_does_not_fit(
    tampered: Callable[[list[Entry]], list[Entry]], place: int | None
) -> None:
    assert broken_at(tampered(chained())) == place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "below" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(path, clock=SystemClock())
    yield opened
    opened.close()


@pytest.fixture
def raw(path: Path, journal: SqliteJournal) -> Iterator[apsw.Connection]:
    assert journal.exit_ids() == ()
    connection = apsw.Connection(str(path))
    yield connection
    connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_journal_is_its_owners_alone_and_can_be_opened_again(
    path: Path, journal: SqliteJournal
) -> None:
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    made = await journal.append((ENDED,))
    again = SqliteJournal(path, clock=SystemClock())
    assert again.all_entries() == made
    again.close()


def test_where_no_journal_can_be_its_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "journal.sqlite"):
        with pytest.raises(JournalUnusable, match=f"the journal {place} cannot be used"):
            SqliteJournal(place, clock=SystemClock())


async def test_a_closed_journal_takes_nothing_and_may_be_closed_again(path: Path) -> None:
    journal = SqliteJournal(path, clock=SystemClock())
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(journal.append((ENDED,))) for _ in range(GROUP_MAX + 3)]
        await asyncio.sleep(0)
        journal.close()
    assert sorted(task.result()[0].seq for task in waiting) == list(range(1, GROUP_MAX + 4)), (
        "what waits is written"
    )
    journal.close()
    with pytest.raises(JournalUnusable, match="is closed"):
        await journal.append((ENDED,))
    assert "journal" not in {thread.name for thread in threading.enumerate()}


def test_no_journal_keeps_a_process_from_ending(journal: SqliteJournal) -> None:
    assert journal.exit_ids() == ()
    (writer,) = [thread for thread in threading.enumerate() if thread.name == "journal"]
    assert writer.daemon


async def test_what_the_file_does_not_take_leaves_no_trace_and_the_next_is_taken(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    await journal.append((ENDED,))
    raw.execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(JournalUnusable, match=r"did not take the records: .*no room"):
        await journal.append((ENDED, ENDED))
    raw.execute("DROP TRIGGER full")
    assert [entry.seq for entry in await journal.append((ENDED,))] == [2]
    assert broken_at(journal.all_entries()) is None


async def test_what_cannot_be_read_is_an_error_and_not_an_empty_journal(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    await journal.append((ENDED,))
    raw.execute("DROP TABLE entries")
    for read in (journal.exit_ids, journal.all_entries, journal.latch_entries, lambda: journal.entries("x1")):
        with pytest.raises(JournalUnusable, match="cannot be read"):
            read()


def insert(raw: apsw.Connection, entry: Entry, *, kind: str, body: str, found: str) -> None:
    raw.execute(
        "INSERT INTO entries (seq, at_ns, exit_id, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (entry.seq, entry.at_ns, entry.exit_id, kind, body, entry.previous, found),
    )


async def test_a_row_is_believed_by_its_hash_and_understood_by_its_kind(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    one, two = chained(2)
    insert(raw, one, kind=kind_of(one.record), body=encode(one.record), found=one.hash)
    assert journal.entries("x1") == (one,)
    assert journal.entries("x1")[0] is journal.all_entries()[0], "what was read once is not read again"
    strange = digest(kind="Nonsense", body="{}", seq=2, at_ns=two.at_ns, previous=two.previous)
    insert(raw, two, kind="Nonsense", body="{}", found=strange)
    with pytest.raises(JournalUnusable, match=r"entry 2 of the journal .* cannot be read"):
        journal.entries("x1")


async def test_what_was_read_is_not_believed_again_where_its_hash_was_changed(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    await journal.append((ENDED,))
    assert len(journal.entries("x1")) == 1
    raw.execute("DROP TRIGGER entries_are_never_changed")
    for found in ("0" * 64, "z" * 64):
        raw.execute("UPDATE entries SET hash = ?", (found,))
        with pytest.raises(JournalUnusable, match=r"entry 1 .* was changed"):
            journal.entries("x1")


async def test_only_what_trips_or_resets_the_latch_tells_of_it(journal: SqliteJournal) -> None:
    await journal.append((ENDED, TRIPPED, ENDED))
    await journal.append((RESET, TRIPPED))
    assert [entry.record for entry in journal.latch_entries()] == [TRIPPED, RESET, TRIPPED]


async def test_who_gave_up_waiting_stops_nobody_and_the_record_is_kept(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await journal.append((TRIPPED,))
    raw.execute("ROLLBACK")
    await journal.append((ENDED,))
    assert [entry.record for entry in journal.all_entries()] == [TRIPPED, ENDED]


def test_a_record_outlives_the_loop_that_waited_for_it(journal: SqliteJournal, raw: apsw.Connection) -> None:
    async def impatient() -> None:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await journal.append((TRIPPED,))

    async def patient() -> None:
        await journal.append((ENDED,))

    asyncio.run(impatient())
    raw.execute("ROLLBACK")
    asyncio.run(patient())
    assert [entry.record for entry in journal.all_entries()] == [TRIPPED, ENDED]


async def test_each_record_is_bound_to_the_one_before_it_also_within_one_append(
    journal: SqliteJournal,
) -> None:
    made = (*await journal.append((ENDED, TRIPPED)), *await journal.append((RESET,)))
    assert [entry.seq for entry in made] == [1, 2, 3]
    assert [entry.previous for entry in made] == [GENESIS, made[0].hash, made[1].hash]
    assert journal.all_entries() == made
    assert await journal.append(()) == ()


def commits(path: Path) -> int:
    """Return how many transactions the write-ahead log of a database holds, by its frames' own word."""
    log = Path(f"{path}-wal").read_bytes()
    (page_bytes,) = struct.unpack(">I", log[8:12])
    frames = range(32, len(log), 24 + page_bytes)
    return sum(struct.unpack(">I", log[at + 4 : at + 8]) != (0,) for at in frames)


@pytest.mark.parametrize(("waiting", "shared"), [(20, 1), (GROUP_MAX, 1), (GROUP_MAX + 1, 2)])
async def test_what_waits_together_shares_a_commit_and_no_commit_takes_more_than_its_most(
    path: Path, journal: SqliteJournal, raw: apsw.Connection, waiting: int, shared: int
) -> None:
    await journal.append((ENDED,))
    before = commits(path)
    raw.execute("BEGIN IMMEDIATE")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(journal.append((TRIPPED,)))
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
            while not journal._waiting.empty():  # noqa: ASYNC110 - another thread empties it
                await asyncio.sleep(0.001)
        rest = [group.create_task(journal.append((ENDED,))) for _ in range(waiting)]
        await asyncio.sleep(0)
        raw.execute("ROLLBACK")
    assert first.result()[0].seq == 2
    assert [task.result()[0].seq for task in rest] == list(range(3, waiting + 3)), (
        "in the order of their coming"
    )
    assert commits(path) == before + 1 + shared


def test_a_closed_journal_is_one_file_that_nobody_holds_open(path: Path) -> None:
    journal = SqliteJournal(path, clock=SystemClock())
    asyncio.run(journal.append((ENDED,)))
    assert Path(f"{path}-wal").exists()
    journal.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_journal_that_takes_nothing_tells_everybody_who_waits_and_rolls_back(
    journal: SqliteJournal, raw: apsw.Connection
) -> None:
    raw.execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no room'); END")
    raw.execute("BEGIN IMMEDIATE")
    tasks = [asyncio.create_task(journal.append((ENDED,))) for _ in range(3)]
    await asyncio.sleep(0)
    raw.execute("ROLLBACK")
    async with asyncio.timeout(10):
        told = await asyncio.gather(*tasks, return_exceptions=True)
    for said in told:
        assert isinstance(said, JournalUnusable)
        assert "did not take the records" in str(said)
