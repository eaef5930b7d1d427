"""The latch: by which record it stands, what keeps it from being lifted, and what a reset tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from bastion.clock import SystemClock
from bastion.commands.desk import RESUME_AGE_MAX_S, Desk, RunningExit
from bastion.commands.latch import ALLOWED_AGAIN, ResetReport, latch, reset
from bastion.commands.positions import moment
from bastion.domain.account import Access
from bastion.domain.look import Look
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import CoveredAccount, ExitRequested, LatchReset, LatchTripped, Record
from bastion.domain.verdict import LatchState
from bastion.errors import BastionError, ConfirmationRequired, Conflict, Refused, VenueError
from bastion.exits.settings import ExitSettings
from bastion.storage.lock import FileLock
from bastion.storage.memory import MemoryJournal
from tests.unit.exits.parts import look, position
from tests.venue_rig import BYBIT, account

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
EXIT_ID = "x20261122abcd"
TRIPPED = LatchTripped(exit_id=EXIT_ID, principal="guard", surface="engine", reason="too much lost")
LIFTED = LatchReset(exit_id=EXIT_ID, principal="owner", surface="test", reason="calm again")
ASKED = ExitRequested(
    exit_id="xrunning",
    accounts=(CoveredAccount(name="a", venue="bybit", key_space="unified"),),
    principal="owner",
    surface="test",
    deadline_s=Decimal(60),
    hold_s=Decimal(0),
    monotonic_ns=1,
)


class Watched:
    """The port of one account that shows what it is told to."""

    def __init__(self, name: str, shown: Look) -> None:
        self.account = replace(account(BYBIT, ""), name=name)
        self._shown = shown

    async def look(self, *, deadline_s: float) -> Look:
        assert deadline_s > 0
        return self._shown

    async def access(self, *, deadline_s: float) -> Access:
        raise VenueError(f"it did not say within {deadline_s} s", code="")


class Elder(SystemClock):
    """A clock that tells a time of long ago, for what was written then."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._shift_ns = int(seconds * 1e9)

    def now_ns(self) -> int:
        return super().now_ns() - self._shift_ns


@asynccontextmanager
async def desk_of(
    folder: Path, *records: Record, venues: Sequence[Watched] = (), age_s: float = 0.0
) -> AsyncIterator[Desk]:
    journal = MemoryJournal(clock=Elder(age_s))
    journal.keep(records)
    unasked = cast("Any", None)
    async with asyncio.TaskGroup() as tasks:
        yield Desk(
            accounts=tuple(one.account for one in venues),
            venues=cast("Any", {one.account.name: one for one in venues}),
            journal=journal,
            clock=SystemClock(),
            settings=ExitSettings(),
            keys=unasked,
            lock=FileLock(folder / "exit.lock"),
            new_exit_id=unasked,
            tasks=tasks,
            paper=True,
            audit=unasked,
            notary=unasked,
            verify=unasked,
        )


async def lift(desk: Desk, exit_id: str = EXIT_ID, **changes: Any) -> ResetReport:  # noqa: ANN401 - its own arguments
    said = {"typed": exit_id[-4:], "reason": "calm again", "principal": OWNER, **changes}
    return await reset(desk, said["principal"], exit_id, typed=said["typed"], reason=said["reason"])


async def test_the_latch_stands_by_the_last_record_that_tells_of_it(tmp_path: Path) -> None:
    async with desk_of(tmp_path) as desk:
        untold = latch(desk)
        assert untold.latch is LatchState.CLEAR
        assert (untold.exit_id, untold.since) == (None, None)
        assert (untold.principal, untold.surface, untold.reason) == (None, None, None)
    again = replace(TRIPPED, exit_id="xlater", reason=None)
    for records, state in (
        ((ASKED, TRIPPED), LatchState.TRIPPED),
        ((TRIPPED, LIFTED), LatchState.CLEAR),
        ((TRIPPED, LIFTED, again), LatchState.TRIPPED),
    ):
        async with desk_of(tmp_path, *records) as desk:
            told, last = latch(desk), records[-1]
            assert told.latch is state
            facts = (told.exit_id, told.principal, told.surface, told.reason)
            assert facts == (last.exit_id, last.principal, last.surface, getattr(last, "reason", None))
            assert told.since == moment(desk.journal.latch_entries()[-1].at_ns)


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"reason": None}, Refused, "needs a reason"),
        ({"reason": "  "}, Refused, "needs a reason"),
        ({"reason": "a" * 501}, Refused, "at most 500"),
        ({"principal": replace(OWNER, accounts=frozenset())}, Refused, "whole desk"),
        ({"typed": "xyz"}, ConfirmationRequired, "Type the last 4 characters of the id, 'abcd'"),
        ({"typed": "2abcd"}, ConfirmationRequired, "abcd"),
        ({"typed": "ABCD"}, ConfirmationRequired, "abcd"),
        ({"typed": ""}, ConfirmationRequired, "abcd"),
        ({"exit_id": "xother"}, Conflict, f"tripped by {EXIT_ID}, not by 'xother'"),
        ({"exit_id": "A" + "x" * 99}, Conflict, "not by 'A" + "x" * 63 + "'"),
        ({"exit_id": "z"}, Conflict, "not by 'z'"),
    ],
)
async def test_a_reset_that_is_refused_changes_nothing_and_leaves_the_lock_to_the_next_exit(
    tmp_path: Path, changes: dict[str, Any], error: type[BastionError], told: str
) -> None:
    async with desk_of(tmp_path, TRIPPED) as desk:
        with pytest.raises(error, match=told):
            await lift(desk, **changes)
        assert latch(desk).latch is LatchState.TRIPPED
        other = FileLock(tmp_path / "exit.lock")
        assert other.acquire()
        other.release()


async def test_a_reset_is_written_down_and_leaves_the_lock_to_the_next_exit(tmp_path: Path) -> None:
    async with desk_of(tmp_path, TRIPPED) as desk:
        seen: list[Record] = []
        desk.watch(lambda entry: seen.append(entry.record))
        # What was typed is equal to what was written down, and another object.
        report = await lift(desk, "".join(EXIT_ID), reason=" calm again ")
        assert seen == [LIFTED]
        assert [entry.record for entry in desk.journal.latch_entries()] == [TRIPPED, LIFTED]
        assert (report.exit_id, report.latch, report.success) == (EXIT_ID, LatchState.CLEAR, True)
        assert (report.allowed_again, report.reason) == (ALLOWED_AGAIN, "calm again")
        other = FileLock(tmp_path / "exit.lock")
        assert other.acquire()
        other.release()
        with pytest.raises(Conflict, match="not tripped"):
            await lift(desk)


async def test_the_latch_holds_while_another_process_carries_out_an_exit(tmp_path: Path) -> None:
    other = FileLock(tmp_path / "exit.lock")
    assert other.acquire()
    async with desk_of(tmp_path, TRIPPED) as desk:
        with pytest.raises(Conflict, match="Another process"):
            await lift(desk)
        other.release()
        assert (await lift(desk)).success


@pytest.mark.parametrize(("age_s", "holds"), [(0.0, True), (RESUME_AGE_MAX_S + 60.0, False)])
async def test_the_latch_holds_while_an_exit_of_the_last_hour_has_no_verdict(
    tmp_path: Path,
    age_s: float,
    holds: bool,  # noqa: FBT001 - a case of the table
) -> None:
    before = replace(ASKED, exit_id="xbefore")
    async with desk_of(tmp_path, before, ASKED, TRIPPED, age_s=age_s) as desk:
        if holds:
            with pytest.raises(Conflict, match=r"xrunning has no verdict yet.*--resume xrunning"):
                await lift(desk)
        else:
            assert (await lift(desk)).success


async def test_the_latch_holds_while_an_exit_is_watched_here_and_the_lock_stays_with_one_at_work(
    tmp_path: Path,
) -> None:
    async with desk_of(tmp_path, TRIPPED) as desk:
        held = RunningExit(exit_id="xheld", request=replace(ASKED, exit_id="xheld", hold_s=Decimal(1)))
        held.judged.set()
        desk._running["xheld"] = held
        desk._running["xlater"] = replace(held, exit_id="xlater")
        with pytest.raises(Conflict, match="xheld is still watched"):
            await lift(desk)
        desk._running.clear()
        assert (await lift(desk)).success


OTHER = position("ETHUSDT")


def unread(*parts: str) -> Look:
    return look(0, [position(), OTHER], unread=parts)


@pytest.mark.parametrize(
    ("looks", "open_", "shown", "warned"),
    [
        ((), 0, "0 positions open", ()),
        ((look(0, [position()]),), 1, "1 position open", ()),
        ((look(0, [position()]), look(0, [OTHER])), 2, "2 positions open", ()),
        ((unread("orders main"),), 2, "2 positions open", ()),
        ((unread("positions main"),), None, "not all accounts could be read", ("a0",)),
        ((look(0), unread("orders", "positions")), None, "not all accounts could be read", ("a1",)),
        ((unread("account"), unread("account")), None, "not all accounts could be read", ("a0", "a1")),
    ],
)
async def test_a_reset_counts_what_is_open_where_all_positions_could_be_read(
    tmp_path: Path, looks: tuple[Look, ...], open_: int | None, shown: str, warned: tuple[str, ...]
) -> None:
    venues = [Watched(f"a{number}", each) for number, each in enumerate(looks)]
    async with desk_of(tmp_path, TRIPPED, venues=venues) as desk:
        report = await lift(desk)
    assert report.positions_open == open_
    assert report.summary == f"The latch of {EXIT_ID} is lifted; {shown}; nothing was opened again."
    assert report.warnings == tuple(
        f"{name} could not be read; what is open there is not known." for name in warned
    )
