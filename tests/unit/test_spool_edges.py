"""The journal and what stands beside it: when each is asked, for how long, and in which order all is told."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal

import pytest

from bastion.domain.records import (
    CoveredAccount,
    Entry,
    ExitEnded,
    ExitRequested,
    LatchReset,
    LatchTripped,
    Record,
    RunStarted,
)
from bastion.errors import JournalUnusable
from bastion.ports import Journal
from bastion.storage import spool
from bastion.storage.chain import broken_at
from bastion.storage.memory import MemoryJournal
from bastion.storage.spool import SpooledJournal
from tests.simulation.exits.virtual_time import VirtualClock, run

BUDGET_S = 0.05
ENDED = ExitEnded(exit_id="x1")
TRIPPED = LatchTripped(exit_id="x1", principal="owner", surface="test")


def requested(exit_id: str = "x1") -> ExitRequested:
    return ExitRequested(
        exit_id=exit_id,
        accounts=(CoveredAccount(name="a", venue="binance", key_space="usdm"),),
        principal="owner",
        surface="test",
        deadline_s=Decimal(60),
        hold_s=Decimal(0),
        monotonic_ns=1,
    )


def begun(number: int, exit_id: str = "x1") -> RunStarted:
    return RunStarted(exit_id=exit_id, run=number, monotonic_ns=number)


class Store(MemoryJournal):
    """A journal that fails, dawdles or cannot be read, as it is told; a late record arrives by `catch_up`."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.failing = self.unreadable = self.closed = False
        self.late_s = 0.0
        self.handed = 0
        self.late: list[Record] = []

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        self.handed += 1
        if self.failing:
            raise JournalUnusable("the disk is full")
        try:
            await asyncio.sleep(self.late_s)
        except asyncio.CancelledError:
            self.late.extend(records)
            raise
        return self.keep(records)

    def catch_up(self, count: int) -> None:
        self.keep(self.late[:count])
        del self.late[:count]

    def entries(self, exit_id: str) -> tuple[Entry, ...]:
        if self.unreadable:
            raise JournalUnusable("the file is gone")
        return super().entries(exit_id)

    def exit_ids(self) -> tuple[str, ...]:
        if self.unreadable:
            raise JournalUnusable("the file is gone")
        return super().exit_ids()

    def close(self) -> None:
        self.closed = True


class Shelf:
    """A spool of one process, beside those of others, that fails or dawdles as it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.others: list[tuple[str, ...]] = []
        self.error: OSError | None = None
        self.late_s = 0.0
        self.late: list[str] = []

    async def put(self, lines: Sequence[str]) -> None:
        if self.error is not None:
            raise self.error
        try:
            await asyncio.sleep(self.late_s)
        except asyncio.CancelledError:
            self.late.extend(lines)
            raise
        self.lines.extend(lines)

    def chains(self) -> tuple[tuple[str, ...], ...]:
        return (*self.others, tuple(self.lines))

    def let_go(self, needed: Callable[[Sequence[str]], bool]) -> bool:
        if needed(tuple(self.lines)):
            return False
        self.lines.clear()
        return True


class Bench:
    """A spooled journal with both places under the test's hand; `told` is what it complained of."""

    def __init__(self, *, journal: bool = True, shelf: Shelf | None = None) -> None:
        self.clock = VirtualClock()
        # A machine that has just been started: no time is long against it.
        self.clock.seconds = 0.25
        self.store = Store(self.clock)
        self.shelf = shelf if shelf is not None else Shelf()
        self.told: list[str] = []
        self.kept = self.opened(self.store if journal else None)

    def opened(self, journal: Journal | None, *, budget_s: float = BUDGET_S) -> SpooledJournal:
        return SpooledJournal(
            journal=journal,
            shelf=self.shelf,
            clock=self.clock,
            budget_ms=round(budget_s * 1000),
            complain=self.told.append,
        )

    async def append(self, *records: Record) -> bool:
        """Append, and return whether the records were spooled."""
        spooled = {entry.spooled for entry in await self.kept.append(records)}
        assert len(spooled) == 1
        return spooled.pop()

    async def after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def records(self, exit_id: str = "x1") -> list[Record]:
        return [entry.record for entry in self.kept.entries(exit_id)]


Story = Callable[[Bench], Coroutine[object, object, None]]


def tell(story: Story, bench: Bench | None = None) -> Bench:
    bench = bench or Bench()
    run(bench.clock, story(bench))
    return bench


def test_a_journal_that_failed_is_left_alone_for_a_second() -> None:
    async def story(bench: Bench) -> None:
        assert not await bench.append(requested())
        bench.store.failing = True
        assert await bench.append(begun(1))
        bench.store.failing = False
        assert await bench.append(begun(2))
        await bench.after(0.998)
        assert await bench.append(begun(3))
        await bench.after(0.003)
        assert not await bench.append(begun(4))
        assert bench.records() == [requested(), begun(1), begun(2), begun(3), begun(4)]

    bench = tell(story)
    assert bench.store.handed == 3
    assert bench.told == ["The journal did not take 1 record(s): the disk is full."]


def test_a_late_journal_is_waited_for_once_a_second_and_is_handed_everything() -> None:
    async def story(bench: Bench) -> None:
        bench.store.late_s = 10
        for waited_s in (BUDGET_S, 0, 0):
            before_s = bench.clock.seconds
            assert await bench.append(begun(1))
            assert bench.clock.seconds - before_s == pytest.approx(waited_s)
        await bench.after(0.998)
        before_s = bench.clock.seconds
        assert await bench.append(begun(2))
        assert bench.clock.seconds == pytest.approx(before_s)
        await bench.after(0.003)
        assert await bench.append(begun(3))
        assert bench.clock.seconds - before_s == pytest.approx(0.003 + BUDGET_S)

    bench = tell(story)
    assert bench.store.handed == 5
    assert bench.told == ["The journal is late (over 50 ms); the spool keeps the records too."] * 2


def test_an_append_in_time_is_waited_for_and_ends_the_lateness() -> None:
    async def story(bench: Bench) -> None:
        bench.store.late_s = BUDGET_S - 0.001
        assert not await bench.append(requested())
        assert not await bench.append(begun(1))
        bench.shelf.late_s = 10
        bench.store.late_s = 10
        assert await bench.append(begun(2))
        await bench.after(2)
        bench.store.late_s = 0
        assert not await bench.append(begun(3))
        bench.store.late_s = 10
        del bench.told[:]
        assert await bench.append(begun(4))
        assert len(bench.told) == 1, "it is late since now alone"

    tell(story)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError("no space left"), "no space left"), (OSError(), "it took longer than 700 ms")],
)
def test_what_no_place_took_is_kept_in_memory_and_told_line_by_line(error: OSError, reason: str) -> None:
    async def story(bench: Bench) -> None:
        bench.kept = bench.opened(bench.store, budget_s=0.7)
        bench.store.failing = True
        bench.shelf.error = error
        assert await bench.append(requested(), begun(1))
        bench.shelf.error = None
        assert await bench.append(begun(2))
        assert bench.records() == [requested(), begun(1), begun(2)]
        assert bench.kept.exit_ids() == ("x1",)

    bench = tell(story)
    why, spool, *lines = bench.told
    assert "did not take 2 record(s)" in why
    assert spool == f"The spool did not take 2 record(s) either: {reason}."
    assert [json.loads(line)["kind"] for line in lines] == ["ExitRequested", "RunStarted"]
    assert [json.loads(line)["seq"] for line in (*lines, *bench.shelf.lines)] == [1, 2, 1]


def test_a_spool_is_waited_for_as_long_as_the_journal() -> None:
    async def story(bench: Bench) -> None:
        bench.store.failing = True
        bench.shelf.late_s = BUDGET_S - 0.001
        await bench.append(begun(1))
        assert len(bench.shelf.lines) == 1
        bench.shelf.late_s = BUDGET_S + 0.001
        await bench.append(begun(2))
        assert len(bench.shelf.lines) == 1

    bench = tell(story)
    assert any("it took longer than 50 ms" in line for line in bench.told)


def test_where_both_are_only_late_nothing_is_told_line_by_line_for_a_second() -> None:
    async def story(bench: Bench) -> None:
        bench.store.late_s = bench.shelf.late_s = 10
        assert await bench.append(begun(1))
        await bench.after(0.85)
        assert await bench.append(begun(2))
        assert not any("The spool did not take" in line for line in bench.told)
        await bench.after(0.05)
        assert await bench.append(begun(3))
        assert [line for line in bench.told if '"kind"' in line] == [bench.told[-1]]
        assert bench.records() == [begun(1), begun(2), begun(3)]

    tell(story)


def test_what_a_late_spool_took_after_all_stands_once_and_in_its_place() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(begun(1))
        bench.shelf.late_s = 10
        await bench.append(begun(2), begun(3))
        await bench.append(begun(4))
        bench.shelf.late_s = 0
        await bench.append(begun(5))
        made = [begun(number) for number in range(1, 6)]
        assert bench.records() == made
        for _ in range(3):
            bench.shelf.lines.append(bench.shelf.late.pop(0))
            assert bench.records() == made

    tell(story, Bench(journal=False))


def test_a_spool_that_fails_beside_a_late_journal_is_told_at_once() -> None:
    async def story(bench: Bench) -> None:
        bench.store.late_s = 10
        bench.shelf.error = OSError("no space left")
        await bench.append(begun(1))

    assert '"kind":"RunStarted"' in tell(story).told[-1]


def test_records_stand_behind_the_entry_after_which_they_were_made_whatever_the_clock_says() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(requested())
        bench.clock.utc_shift_ns = 10**15
        bench.store.failing = True
        await bench.append(begun(1))
        bench.shelf.error = OSError("gone")
        await bench.append(begun(2))
        await bench.after(1)
        bench.store.failing = False
        bench.clock.utc_shift_ns = -(10**15)
        await bench.append(begun(3))
        assert bench.records() == [requested(), begun(1), begun(2), begun(3)]

    tell(story)


def test_another_process_asks_the_journal_once_behind_which_entry_its_records_belong() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(requested(), begun(1))
        await bench.append(requested("x2"))
        bench.kept = bench.opened(bench.store)
        bench.store.failing = True
        await bench.append(begun(2))
        await bench.append(begun(3))
        await bench.after(1)
        bench.store.failing = False
        await bench.append(ENDED)
        assert bench.records() == [requested(), begun(1), begun(2), begun(3), ENDED]
        assert [json.loads(line)["after"] for line in bench.shelf.lines] == [2, 2]
        bench.kept = bench.opened(bench.store)
        bench.store.failing = True
        await bench.append(requested("x3"), begun(4))
        assert json.loads(bench.shelf.lines[-1])["after"] == 0

    tell(story)


def test_what_was_made_without_a_journal_is_placed_by_its_time() -> None:
    async def story(bench: Bench) -> None:
        bench.kept = bench.opened(None)
        assert await bench.append(begun(1))
        bench.kept = bench.opened(bench.store)
        assert not await bench.append(begun(2))
        await bench.after(1)
        assert not await bench.append(begun(3))
        bench.kept = bench.opened(None)
        assert await bench.append(begun(4))
        bench.kept = bench.opened(bench.store)
        # The first two were made at the same moment: what the journal has comes first.
        assert bench.records() == [begun(2), begun(1), begun(3), begun(4)]

    tell(story)


def test_a_journal_that_cannot_be_read_places_nothing_and_hides_no_spool() -> None:
    async def story(bench: Bench) -> None:
        bench.store.failing = bench.store.unreadable = True
        await bench.append(requested())
        assert bench.records() == [requested()]
        assert bench.kept.exit_ids() == ("x1",)

    bench = tell(story)
    assert bench.told[1:] == ["the file is gone"] * 2
    assert json.loads(bench.shelf.lines[0])["after"] is None


def test_exits_are_listed_once_from_the_journal_the_spool_and_the_memory() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(requested("x1"), begun(1))
        bench.store.failing = True
        await bench.append(requested("x2"), requested("x1"), begun(1, "x9"))
        bench.shelf.error = OSError("gone")
        await bench.append(requested("x3"), requested("x2"))
        assert bench.kept.exit_ids() == ("x1", "x2", "x3")
        assert bench.records("x1") == [requested("x1"), begun(1)]
        assert bench.records("x2") == [requested("x2"), requested("x2")]
        assert bench.records("x9") == [begun(1, "x9")]

    tell(story)


def test_the_latch_is_told_from_all_places() -> None:
    reset = LatchReset(exit_id="x1", principal="owner", surface="test")

    async def story(bench: Bench) -> None:
        await bench.append(requested(), TRIPPED)
        bench.store.failing = True
        await bench.append(begun(1), reset)
        assert [entry.record for entry in bench.kept.latch_entries()] == [TRIPPED, reset]

    tell(story)


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_a_record_that_a_late_journal_took_after_all_stands_once(taken: int) -> None:
    async def story(bench: Bench) -> None:
        await bench.append(requested())
        bench.store.late_s = 10
        # The same record may well be made twice.
        for record in (begun(1), begun(2), begun(1)):
            await bench.append(record)
        bench.store.catch_up(taken)
        bench.clock.utc_shift_ns = 10**9
        assert bench.records() == [requested(), begun(1), begun(2), begun(1)]
        spooled = [entry.spooled for entry in bench.kept.entries("x1")]
        assert spooled == [False] * (taken + 1) + [True] * (3 - taken)

    tell(story)


def test_a_spool_is_needed_until_the_journal_holds_every_record_of_it() -> None:
    async def story(bench: Bench) -> None:
        bench.kept = bench.opened(None)
        await bench.append(requested("x1"), begun(1), requested("x2"))
        lines = bench.shelf.lines
        assert bench.kept.needs(lines), "there is no journal"
        bench.kept = kept = bench.opened(bench.store)
        assert not kept.needs(())
        assert kept.needs(lines)
        await bench.store.append((requested("x1"), requested("x2")))
        assert kept.needs(lines)
        await bench.store.append((begun(1),))
        assert not kept.needs(lines)
        assert kept.needs([*lines, "cut off"])
        bench.store.unreadable = True
        assert kept.needs(lines)

    tell(story)


def test_what_the_journal_took_after_all_stands_there_alone_once_nothing_is_written() -> None:
    async def story(bench: Bench) -> None:
        bench.store.late_s = 10
        assert await bench.append(requested())
        assert await bench.append(begun(1))
        bench.store.late_s = 0
        await bench.after(0.96)
        bench.store.catch_up(2)
        assert not await bench.append(begun(2))
        await bench.after(0.5)
        assert len(bench.shelf.lines) == 2, "something was written a moment ago"
        await bench.after(3)
        assert bench.shelf.lines == []
        assert bench.records() == [requested(), begun(1), begun(2)]
        # What is spooled later is a chain of its own again.
        bench.store.failing = True
        assert await bench.append(begun(3), begun(4))
        stored = bench.store.entries("x1")
        assert bench.records() == [*(entry.record for entry in stored), begun(3), begun(4)]
        rows = [json.loads(line) for line in bench.shelf.lines]
        assert [row["seq"] for row in rows] == [1, 2]
        assert rows[1]["previous"] == rows[0]["hash"] != rows[0]["previous"]
        # What the journal never took stays, however quiet it is.
        await bench.after(10)
        assert len(bench.shelf.lines) == 2

    tell(story)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: {**row, "hash": "0" * 64},
        lambda row: {**row, "at_ns": row["at_ns"] + 1},
        lambda row: {**row, "previous": "1" * 64},
        lambda row: {**row, "seq": 9},
        lambda row: {**row, "body": row["body"].replace("owner", "other")},
        lambda row: {name: value for name, value in row.items() if name != "after"},
        lambda row: [row],
        lambda _: None,
    ],
)
def test_a_line_that_was_changed_is_left_out_and_those_around_it_count(
    change: Callable[[dict[str, object]], object],
) -> None:
    async def story(bench: Bench) -> None:
        await bench.append(begun(1), TRIPPED, begun(2))
        one, two, three = bench.shelf.lines
        bench.shelf.lines[1] = json.dumps(change(json.loads(two)))
        assert bench.records() == [begun(1), begun(2)]
        bench.shelf.lines[:] = [one, two, three]
        assert bench.records() == [begun(1), begun(2)], "what was read in its place is not read again"
        bench.kept = bench.opened(None)
        assert bench.records() == [begun(1), TRIPPED, begun(2)]

    tell(story, Bench(journal=False))


def test_spooled_entries_are_a_chain_of_their_own() -> None:
    async def story(bench: Bench) -> None:
        made = (*await bench.kept.append((requested(), begun(1))), *await bench.kept.append((ENDED,)))
        assert broken_at(made) is None
        assert [entry.spooled for entry in made] == [True] * 3
        bench.kept = bench.opened(None)
        assert bench.kept.entries("x1") == made

    tell(story, Bench(journal=False))


def test_a_place_that_is_no_number_is_none() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(begun(1))
        row = json.loads(bench.shelf.lines[0])
        bench.shelf.lines[0] = json.dumps({**row, "after": "far"})
        await bench.store.append((begun(2),))
        bench.kept = bench.opened(bench.store)
        assert bench.records() == [begun(2), begun(1)]

    tell(story, Bench(journal=False))


def test_a_spool_that_was_begun_anew_is_read_anew() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(begun(1), begun(2), begun(3))
        lines = list(bench.shelf.lines)
        assert len(bench.records()) == 3
        for shown, count in ((lines[:1], 1), (lines, 3), (lines[:2], 2), ([], 0), (lines, 3)):
            bench.shelf.lines[:] = shown
            assert len(bench.records()) == count
        bench.shelf.lines[:] = [lines[0], lines[2], lines[1]]
        assert bench.records() == [begun(1), begun(3), begun(2)]
        bench.shelf.lines[:] = [lines[0][:-9]]
        assert bench.records() == []

    tell(story, Bench(journal=False))


def test_a_line_that_is_still_being_written_is_looked_at_again() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(begun(1), begun(2), begun(3))
        whole = list(bench.shelf.lines)
        bench.shelf.lines[:] = [*whole[:2], whole[2][:-20]]
        first = bench.kept.entries("x1")
        assert [entry.record for entry in first] == [begun(1), begun(2)]
        bench.shelf.lines[:] = whole
        await bench.append(begun(4))
        assert bench.records() == [begun(1), begun(2), begun(3), begun(4)]
        assert bench.kept.entries("x1")[0] is first[0], "what was read once is not read again"

    tell(story, Bench(journal=False))


def test_how_many_names_are_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "NAMES_MAX", 300)

    async def story(bench: Bench) -> None:
        await bench.append(requested())
        bench.store.failing = True
        await bench.append(begun(0))
        for count, remembered in ((5, 6), (294, 300), (1, 1)):
            bench.store.keep([begun(number) for number in range(count)])
            bench.kept.entries("x1")
            assert len(bench.kept._names) == remembered

    tell(story)


def test_the_spools_of_several_processes_all_count() -> None:
    shelf = Shelf()

    async def story(bench: Bench) -> None:
        await bench.append(begun(len(shelf.others) + 1))
        shelf.others.append(tuple(shelf.lines))
        shelf.lines.clear()

    for _ in range(3):
        bench = tell(story, Bench(journal=False, shelf=shelf))
    assert bench.records() == [begun(1), begun(2), begun(3)]


def test_nothing_is_an_append_too() -> None:
    async def story(bench: Bench) -> None:
        await bench.append(requested())
        assert await bench.kept.append(()) == ()
        bench.store.failing = True
        assert await bench.kept.append(()) == ()
        await bench.append(begun(1))
        assert json.loads(bench.shelf.lines[0])["after"] == 1

    tell(story)


def test_with_the_spooled_journal_the_journal_is_closed() -> None:
    bench = Bench()
    bench.kept.close()
    assert bench.store.closed
    Bench(journal=False).kept.close()
