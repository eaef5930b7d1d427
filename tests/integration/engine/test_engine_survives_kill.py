"""A killed engine comes back as it was recorded, acts on fresh readings only, and exits exactly once."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from bastion.clock import SystemClock
from bastion.commands import (
    Desk,
    engine_arm,
    engine_disarm,
    engine_history,
    engine_start,
    engine_status,
    recover,
    status,
)
from bastion.domain.engine import Action, ArmSettings, EngineState, GuardReading, Lamp, Target
from bastion.domain.engine_records import (
    ActIntended,
    EngineArmed,
    EngineDisarmed,
    EngineStarted,
    GuardTripped,
    HighWaterSet,
)
from bastion.domain.money import Usd
from bastion.domain.records import ExitJudged, ExitRequested
from bastion.domain.verdict import DisplayWord
from bastion.errors import JournalUnusable
from bastion.storage.engine_log import SqliteEngineLog, broken_at
from tests.engine_rig import LIMIT, OWNER, QUICK, desk_on, seed_accounts, standing_process, until
from tests.paper_process import PaperProcess


def crash(paper: PaperProcess) -> None:
    paper.control.set_price("binance", "BTCUSDT", "500")
    paper.control.set_price("bybit", "AVAXUSDT", "1")
    paper.control.set_price("bybit", "ETHUSDT", "6000")


def held(paper: PaperProcess) -> dict[str, str]:
    return {**paper.control.positions("binance"), **paper.control.positions("bybit")}


def exits_of_the_engine(desk: Desk) -> list[ExitRequested]:
    entries = [entry for exit_id in desk.journal.exit_ids() for entry in desk.journal.entries(exit_id)]
    requests = [entry.record for entry in entries if isinstance(entry.record, ExitRequested)]
    return [request for request in requests if request.principal == "engine"]


def judged(desk: Desk) -> Sequence[ExitJudged]:
    entries = [entry for exit_id in desk.journal.exit_ids() for entry in desk.journal.entries(exit_id)]
    return [entry.record for entry in entries if isinstance(entry.record, ExitJudged)]


async def executed(desk: Desk) -> bool:
    return (await engine_history(desk, OWNER)).summary.actions_executed > 0


def high_water_is_stored(home: Path) -> bool:
    with_log = SqliteEngineLog(home / "engine.sqlite", clock=SystemClock())
    try:
        pulse = with_log.pulse()
        return pulse is not None and pulse.high_water_usd is not None and pulse.realized_today_usd is not None
    finally:
        with_log.close()


async def test_an_armed_engine_that_is_killed_comes_back_armed_and_tells_so_in_its_history(
    paper: PaperProcess, tmp_path: Path
) -> None:
    accounts = seed_accounts(paper)
    with standing_process(accounts, tmp_path, "start", "arm") as process:
        await until(lambda: asyncio.to_thread(high_water_is_stored, tmp_path))
        process.kill()
    # While no process runs it, nothing is armed, whatever was recorded.
    async with desk_on(accounts, tmp_path, serving=False) as desk:
        report = await engine_status(desk, OWNER)
        assert (report.state, report.recorded_state) == (EngineState.STOPPED, EngineState.ARMED)
        assert (report.running, report.armed) == (False, False)
        assert "comes back ARMED" in report.summary
        assert (await status(desk, OWNER)).word is DisplayWord.DISARMED
    async with desk_on(accounts, tmp_path) as desk:

        async def resumed() -> bool:
            events = (await engine_history(desk, OWNER)).events
            return any(event.event == "RESUMED" for event in events)

        await until(resumed)
        report = await engine_status(desk, OWNER)
        assert report.state is EngineState.ARMED
        assert report.config.daily_loss_limit_usd == LIMIT
        assert report.high_water_usd == 198_750


async def test_an_engine_that_was_disarmed_stays_disarmed_after_a_kill(
    paper: PaperProcess, tmp_path: Path
) -> None:
    accounts = seed_accounts(paper)
    with standing_process(accounts, tmp_path, "start", "arm") as process:
        async with desk_on(accounts, tmp_path, serving=False) as desk:
            assert (await engine_disarm(desk, OWNER)).message.startswith("DISARMED")
        process.kill()
    async with desk_on(accounts, tmp_path) as desk:
        assert (await engine_status(desk, OWNER)).state is EngineState.MONITORING


async def test_a_fall_while_nothing_ran_is_acted_on_after_the_restart_from_the_mark_before_it(
    paper: PaperProcess, tmp_path: Path
) -> None:
    accounts = seed_accounts(paper)
    with standing_process(accounts, tmp_path, "start", "arm") as process:
        await until(lambda: asyncio.to_thread(high_water_is_stored, tmp_path))
        process.kill()
    crash(paper)
    async with desk_on(accounts, tmp_path) as desk:
        recover(desk)
        await until(lambda: executed(desk))
        assert len(exits_of_the_engine(desk)) == 1
        assert held(paper) == {}


@pytest.mark.parametrize("delay_ms", [0, 10, 250])
async def test_killed_while_it_fires_it_has_exited_exactly_once_after_the_restart(
    paper: PaperProcess, tmp_path: Path, delay_ms: int
) -> None:
    accounts = seed_accounts(paper)
    with standing_process(accounts, tmp_path, "start", "arm") as process:
        await until(lambda: asyncio.to_thread(high_water_is_stored, tmp_path))
        paper.control.fault("latency", venue="binance", path="/fapi/v1/order", round_trip_ms=400)
        paper.control.fault("latency", venue="bybit", path="/v5/order/create", round_trip_ms=400)
        crash(paper)
        await asyncio.to_thread(wait_for_intent, tmp_path)
        await asyncio.sleep(delay_ms / 1000)
        process.kill()
    paper.control.clear_faults()
    async with desk_on(accounts, tmp_path) as desk:
        recover(desk)
        await until(lambda: executed(desk))
        assert held(paper) == {}
        (request,) = exits_of_the_engine(desk)
        assert all(one.verdict.success for one in judged(desk))
        history = await engine_history(desk, OWNER, limit=100)
        executions = [entry for entry in history.entries if entry.type == "execution"]
        assert len(executions) == 1
        assert executions[0].details is not None
        assert executions[0].details.exit_id == request.exit_id
        assert (await engine_status(desk, OWNER)).armed
    log = SqliteEngineLog(tmp_path / "engine.sqlite", clock=SystemClock())
    assert broken_at(log.all_entries()) is None
    log.close()


def wait_for_intent(home: Path) -> None:
    """Return as soon as the engine's intent stands in its records, however briefly it does."""
    log = SqliteEngineLog(home / "engine.sqlite", clock=SystemClock())
    ends = time.monotonic() + 20
    while not log.count(ActIntended):
        assert time.monotonic() < ends, "the engine never intended anything"
        time.sleep(0.001)
    log.close()


async def test_the_records_are_append_only_and_a_changed_one_is_found(tmp_path: Path) -> None:
    path = tmp_path / "engine.sqlite"
    log = SqliteEngineLog(path, clock=SystemClock())
    assert log.entries({EngineStarted}) == ()
    assert not path.exists()
    await log.append([EngineStarted(principal="owner", surface="test") for _ in range(3)])
    log.close()
    assert path.stat().st_mode & 0o777 == 0o600
    connection = apsw.Connection(str(path))
    with pytest.raises(apsw.ConstraintError):
        connection.execute("DELETE FROM entries WHERE seq = 2")
    connection.execute("DROP TRIGGER entries_are_never_changed")
    connection.execute("UPDATE entries SET body = replace(body, 'owner', 'other') WHERE seq = 2")
    connection.close()
    changed = SqliteEngineLog(path, clock=SystemClock())
    with pytest.raises(JournalUnusable, match="entry 2"):
        changed.entries({EngineStarted})
    changed.close()


async def test_a_disarming_that_cannot_be_written_down_holds_all_the_same_and_says_so(
    paper: PaperProcess, tmp_path: Path
) -> None:
    accounts = seed_accounts(paper)
    async with desk_on(accounts, tmp_path) as desk:
        await engine_start(desk, OWNER)
        await engine_arm(desk, OWNER)
    # What is late here is still written once the lock is gone: SQLite waits 2 s for that.
    settings = replace(QUICK, record_deadline_s=0.4)
    async with desk_on(accounts, tmp_path, settings=settings) as desk:
        recover(desk)
        assert (await engine_status(desk, OWNER)).armed
        blocker = apsw.Connection(str(tmp_path / "engine.sqlite"))
        # The engine may just be writing a record of its own.
        blocker.set_busy_timeout(5000)
        blocker.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        report = await engine_disarm(desk, OWNER)
        assert time.monotonic() - began < 1.5
        assert report.success
        assert any("could not be written down" in warning for warning in report.warnings)
        assert not (await engine_status(desk, OWNER)).armed
        with pytest.raises(JournalUnusable):
            await engine_arm(desk, OWNER)
        blocker.execute("ROLLBACK")
        blocker.close()
        # The disarming is written late, the arming that was refused is never written.
        log = SqliteEngineLog(tmp_path / "engine.sqlite", clock=SystemClock())

        async def written() -> bool:
            return log.count(EngineDisarmed) > 0

        await until(written)
        assert log.count(EngineArmed) == 1
        log.close()
        assert not (await engine_status(desk, OWNER)).armed


async def test_an_intent_that_never_left_is_taken_back_and_the_guard_acts_on_a_fresh_reading(
    paper: PaperProcess, tmp_path: Path
) -> None:
    reading = GuardReading(
        guard="drawdown",
        key="drawdown",
        lamp=Lamp.TRIP,
        target=Target(),
        value=Decimal(30),
        limit=Decimal(20),
        distance=Decimal(0),
        unit="pct",
        formula="f",
        sentence="An old sentence.",
    )
    log = SqliteEngineLog(tmp_path / "engine.sqlite", clock=SystemClock())
    await log.append(
        (
            EngineStarted(principal="owner", surface="test"),
            EngineArmed(
                settings=ArmSettings(daily_loss_limit_usd=Usd(LIMIT)), principal="owner", surface="test"
            ),
            HighWaterSet(equity_usd=Usd(Decimal(198_750)), why="it began here"),
            GuardTripped(reading=reading, act=Action.EXIT_ALL, armed=True),
            ActIntended(
                action=Action.EXIT_ALL,
                target=Target(),
                keys=("drawdown",),
                reason=reading.sentence,
                confidence=Decimal(1),
            ),
        )
    )
    log.close()
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        recover(desk)

        async def taken_back() -> bool:
            events = (await engine_history(desk, OWNER)).events
            return any(event.event == "NOT_SENT" and "died before" in event.message for event in events)

        async def closed_everything() -> bool:
            # An advice that is carried out meanwhile, such as moving a stop, is no exit.
            return bool(exits_of_the_engine(desk)) and bool(judged(desk))

        await until(taken_back)
        # The equity is at its mark: what an old reading said is not acted on.
        assert exits_of_the_engine(desk) == []
        crash(paper)
        await until(closed_everything)
        (request,) = exits_of_the_engine(desk)
        assert request.reason != reading.sentence
        assert held(paper) == {}
