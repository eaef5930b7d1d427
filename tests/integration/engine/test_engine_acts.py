"""The engine on real sockets: its guards fire through the same exit, once, and only when it is armed."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.commands import (
    Desk,
    alerts,
    emergency_exit,
    engine_arm,
    engine_disarm,
    engine_history,
    engine_start,
    engine_status,
    kill_switch,
    session_stats,
    status,
)
from bastion.commands.engine_telling import EventWord
from bastion.domain.engine import DisarmCause, EngineState, Lamp
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import ExitRequested
from bastion.domain.verdict import DisplayWord, Verdict
from bastion.errors import ConfirmationRequired, Conflict, EngineNotRunning, Refused, ScopeDenied
from tests.engine_rig import OWNER, QUICK, account, desk_on, seed_accounts, until
from tests.paper_process import PaperProcess

CRASH = "500"
"""A price of BTC at which the seed's equity is more than a quarter below its mark."""
LISTEN_KEY = "/fapi/v1/listenKey"
"""Opening the private stream is a POST, and no trading act."""


def requested(desk: Desk) -> list[ExitRequested]:
    entries = [entry for exit_id in desk.journal.exit_ids() for entry in desk.journal.entries(exit_id)]
    return [entry.record for entry in entries if isinstance(entry.record, ExitRequested)]


def held(paper: PaperProcess) -> dict[str, str]:
    return {**paper.control.positions("binance"), **paper.control.positions("bybit")}


async def evaluated(desk: Desk) -> None:
    async def once() -> bool:
        return (await engine_status(desk, OWNER)).last_evaluation_at is not None

    await until(once)


async def watching(desk: Desk) -> None:
    await engine_start(desk, OWNER)

    async def resumed() -> bool:
        report = await engine_status(desk, OWNER)
        return report.high_water_usd is not None and report.realized_today_usd is not None

    await until(resumed)


def crash(paper: PaperProcess) -> None:
    paper.control.set_price("binance", "BTCUSDT", CRASH)
    paper.control.set_price("bybit", "AVAXUSDT", "1")
    paper.control.set_price("bybit", "ETHUSDT", "6000")


async def test_an_armed_drawdown_guard_exits_everything_once_and_ends_flat(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER, daily_loss_limit_usd=Decimal(1_000_000))
        assert (await status(desk, OWNER)).word is DisplayWord.ARMED
        crash(paper)
        await until(lambda: acted(desk))
        assert held(paper) == {}
        (request,) = requested(desk)
        assert (request.principal, request.surface) == ("engine", "engine")
        assert request.reason is not None
        assert "below its high-water mark" in request.reason
        history = await engine_history(desk, OWNER)
        execution = next(entry for entry in history.entries if entry.type == "execution")
        assert execution.action == "EXIT_100%"
        assert execution.details is not None
        assert execution.details.exit_id == request.exit_id
        assert history.summary.actions_executed == 1
        # The exit does not disarm, and the episode is answered: it fires no second time.
        assert (await engine_status(desk, OWNER)).armed
        assert (await status(desk, OWNER)).word is DisplayWord.FLAT
        await rounds(desk, 4)
        assert len(requested(desk)) == 1


async def acted(desk: Desk) -> bool:
    return (await engine_history(desk, OWNER)).summary.actions_executed > 0


async def rounds(desk: Desk, number: int) -> None:
    """Wait until the engine has evaluated so many times more."""
    for _ in range(number):
        before = (await engine_status(desk, OWNER)).last_evaluation_at

        async def later(before: str | None = before) -> bool:
            return (await engine_status(desk, OWNER)).last_evaluation_at != before

        await until(later)


async def test_a_watching_engine_alerts_and_says_what_it_would_have_done_and_sends_nothing(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        before = held(paper)
        crash(paper)

        async def alerted() -> bool:
            return any(row.severity.value == "critical" for row in (await alerts(desk, OWNER)).alerts)

        await until(alerted)
        await rounds(desk, 3)
        rows = [row for row in (await alerts(desk, OWNER)).alerts if row.severity.value == "critical"]
        assert [row.type.value for row in rows] == ["risk_warning"]
        assert "an armed engine would act" in rows[0].message
        history = await engine_history(desk, OWNER)
        assert "would have acted" in history.entries[0].reasoning
        assert history.summary.actions_executed == 0
        assert held(paper) == before
        assert requested(desk) == []
        posted = [row for row in paper.control.requests() if row["method"] == "POST"]
        assert [row for row in posted if row["path"] != LISTEN_KEY] == []


async def test_an_armed_liquidation_guard_closes_that_position_and_leaves_the_others(
    paper: PaperProcess, tmp_path: Path
) -> None:
    paper.control.add_account("binance", "thin", balances={"USDT": "1000"}, leverage=20)
    paper.control.add_position("binance", "BTCUSDT", "0.1", account="thin")
    accounts = (*seed_accounts(paper), account(paper, "binance", "thin"))
    async with desk_on(accounts, tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        guards = (await engine_status(desk, OWNER)).guards
        thin = next(one for one in guards if one.account == "binance-thin")
        assert thin.state is Lamp.CLEAR
        assert thin.distance is not None
        others = held(paper)
        paper.control.set_price("binance", "BTCUSDT", "83800")
        await until(lambda: acted(desk))
        (request,) = requested(desk)
        assert request.selection.accounts == {"binance-thin"}
        assert request.selection.symbols == {"BTCUSDT"}
        assert paper.control.positions("binance", "thin") == {}
        assert held(paper) == others

        async def gone() -> bool:
            events = (await engine_history(desk, OWNER)).events
            return any("the position is gone" in event.message for event in events)

        await until(gone)


async def test_max_action_keeps_the_engine_from_exiting_and_a_person_is_told(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER, max_action="exit_full")
        before = held(paper)
        crash(paper)

        async def told() -> bool:
            rows = (await alerts(desk, OWNER)).alerts
            return any("max_action does not allow it" in row.message for row in rows)

        await until(told)
        assert held(paper) == before
        assert requested(desk) == []


async def test_without_an_equity_the_drawdown_is_not_evaluated_and_never_fires(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        paper.control.fault("fail", venue="binance", path="/fapi/v3/account", failure="unavailable")
        paper.control.fault("fail", venue="binance", path="/fapi/v2/account", failure="unavailable")

        async def blind() -> bool:
            found = (await engine_status(desk, OWNER)).guards
            return any(one.guard == "drawdown" and one.state is Lamp.NOT_EVALUATED for one in found)

        await until(blind)
        crash(paper)
        await rounds(desk, 4)
        drawdown = next(one for one in (await engine_status(desk, OWNER)).guards if one.guard == "drawdown")
        assert drawdown.value is None
        assert "not evaluated" in drawdown.message
        assert requested(desk) == []


async def test_reaching_the_daily_loss_disarms_and_touches_no_position(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        armed = await engine_arm(desk, OWNER, daily_loss_limit_usd=Decimal(1000))
        assert armed.daily_loss_remaining_usd == 1000
        # Another bot closes the losing position: 1,650 USD are realised.
        paper.control.place_order("binance", symbol="BTCUSDT", direction="SELL", quantity="0.5")

        async def disarmed() -> bool:
            return not (await engine_status(desk, OWNER)).armed

        await until(disarmed)
        assert (await engine_status(desk, OWNER)).state is EngineState.MONITORING

        async def shown() -> bool:
            return (await engine_status(desk, OWNER)).realized_today_usd == -1650

        await until(shown)

        async def told() -> bool:
            return any(row.type.value == "daily_loss" for row in (await alerts(desk, OWNER)).alerts)

        await until(told)
        assert set(held(paper)) == {"SOLUSDT", "AVAXUSDT", "ETHUSDT"}
        stats = await session_stats(desk, OWNER)
        assert (stats.total_trades, stats.losses) == (1, 1)
        assert stats.worst_trade is not None
        assert stats.worst_trade.symbol == "BTCUSDT"
        assert stats.worst_trade.pnl_usd == -1650
        with pytest.raises(Conflict, match="has reached the limit"):
            await engine_arm(desk, OWNER, daily_loss_limit_usd=Decimal(1000))


async def test_the_figures_of_the_day_hold_an_exit_that_has_just_ended(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        assert (await session_stats(desk, OWNER)).total_trades == 0
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        assert report.verdict is Verdict.FLAT
        stats = await session_stats(desk, OWNER)
        assert (stats.total_trades, stats.net_pnl_usd) == (4, Decimal(-1250))


async def test_the_latch_keeps_an_engine_from_being_armed_and_names_the_way_back(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        assert report.verdict is Verdict.FLAT
        with pytest.raises(Conflict, match=f"bastion reset {report.exit_id}"):
            await engine_arm(desk, OWNER)
        assert not (await engine_status(desk, OWNER)).armed


async def test_disarming_does_not_wait_for_an_exit_that_runs(paper: PaperProcess, tmp_path: Path) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        paper.control.fault("latency", venue="binance", round_trip_ms=1500)
        async with asyncio.TaskGroup() as group:
            exiting = group.create_task(emergency_exit(desk, OWNER, hold_s=Decimal(0)))
            await until(lambda: running(desk))
            began = asyncio.get_running_loop().time()
            report = await engine_disarm(desk, OWNER)
            assert asyncio.get_running_loop().time() - began < 1.0
            assert not exiting.done()
        assert report.success
        assert not report.armed
        assert exiting.result().verdict is Verdict.FLAT


async def running(desk: Desk) -> bool:
    return desk.running() is not None


async def test_disarming_twice_succeeds_and_the_second_time_has_nothing_to_tell(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        ended = await engine_disarm(desk, OWNER)
        assert ended.message.startswith("DISARMED")
        assert ended.positions_seen_at is not None
        assert f"At its last reading ({ended.positions_seen_at}) there were 4 positions." in ended.message
        again = await engine_disarm(desk, OWNER)
        assert again.success
        assert again.engine_running
        assert again.session_summary.actions_executed == 0
        assert again.session_summary.armed_duration_hours == 0


async def test_the_kill_switch_disarms_first_exits_and_records_the_market(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        report = await kill_switch(desk, OWNER, reason="a test")
        assert report.verdict is Verdict.FLAT
        assert report.engine_disarmed
        assert report.latched
        marks = {(row.exchange, row.symbol): row.mark_price for row in report.market_snapshot}
        assert marks == {
            ("binance", "BTCUSDT"): Decimal(91200),
            ("binance", "SOLUSDT"): Decimal("142.5"),
            ("bybit", "ETHUSDT"): Decimal(3380),
            ("bybit", "AVAXUSDT"): Decimal("38.2"),
        }
        assert not (await engine_status(desk, OWNER)).armed
        assert held(paper) == {}


async def test_the_kill_switch_has_disarmed_even_when_its_exit_is_refused(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        with pytest.raises(Refused):
            await kill_switch(desk, OWNER, reason="x" * 10_000)
        assert not (await engine_status(desk, OWNER)).armed
        assert requested(desk) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"confidence_threshold": Decimal("1.01")}, Refused),
        ({"confidence_threshold": Decimal("NaN")}, Refused),
        ({"daily_loss_limit_usd": Decimal(0)}, Refused),
        ({"risk_threshold": Decimal(101)}, Refused),
        ({"max_action": "sell_the_house"}, Refused),
        ({"confirm": False}, ConfirmationRequired),
    ],
)
async def test_a_bad_arming_is_refused_and_changes_nothing(
    paper: PaperProcess, tmp_path: Path, arguments: dict[str, object], error: type[Refused]
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await engine_start(desk, OWNER)
        with pytest.raises(error):
            await engine_arm(desk, OWNER, **arguments)  # type: ignore[arg-type] # one wrong value each
        assert (await engine_status(desk, OWNER)).state is EngineState.MONITORING


async def test_a_stopped_engine_is_not_armed_and_a_desk_that_does_not_stand_starts_none(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        with pytest.raises(EngineNotRunning):
            await engine_arm(desk, OWNER)
    async with desk_on(seed_accounts(paper), tmp_path, serving=False) as desk:
        with pytest.raises(Conflict, match="bastion up"):
            await engine_start(desk, OWNER)


async def test_a_key_of_one_account_arms_nothing_and_is_shown_nothing_of_the_others(
    paper: PaperProcess, tmp_path: Path
) -> None:
    only = Principal(id="k", surface="test", scope=Scope.ENGINE, accounts=frozenset({"bybit-main"}))
    async with desk_on(seed_accounts(paper), tmp_path) as desk:
        await watching(desk)
        with pytest.raises(ScopeDenied):
            await engine_arm(desk, only)
        report = await engine_status(desk, only)
        assert report.positions_monitored == 2
        assert {one.account for one in report.guards} == {"bybit-main"}
        assert report.equity_usd is None
        crash(paper)

        async def alerted() -> bool:
            return bool((await alerts(desk, OWNER)).alerts)

        await until(alerted)
        assert all(row.details.account == "bybit-main" for row in (await alerts(desk, only)).alerts)
        history = await engine_history(desk, only, limit=100)
        assert all(entry.account == "bybit-main" for entry in history.entries)
        assert {event.account for event in history.events} <= {None, "bybit-main"}
        # The interface knows two types of entries; changes of state stand beside them.
        assert {entry.type.value for entry in history.entries} <= {"execution", "evaluation"}
        assert EventWord.STARTED in {event.event for event in history.events}


async def test_history_takes_a_limit_from_1_to_100(paper: PaperProcess, tmp_path: Path) -> None:
    async with desk_on(seed_accounts(paper), tmp_path, settings=replace(QUICK, advice_s=0)) as desk:
        await watching(desk)
        await rounds(desk, 3)
        for wrong in (0, 101, -1):
            with pytest.raises(Refused):
                await engine_history(desk, OWNER, limit=wrong)
        history = await engine_history(desk, OWNER, limit=3)
        assert len(history.entries) == 3
        times = [entry.timestamp for entry in history.entries]
        assert times == sorted(times, reverse=True)
        assert history.summary.holds >= 8
        assert history.summary.total_evaluations == history.summary.holds


async def test_two_standing_processes_run_one_engine_and_either_can_disarm_it(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with (
        desk_on(seed_accounts(paper), tmp_path) as first,
        desk_on(seed_accounts(paper), tmp_path) as second,
    ):
        await watching(first)
        await engine_arm(second, OWNER)
        assert (await engine_status(first, OWNER)).armed
        await engine_disarm(second, OWNER)
        crash(paper)

        async def alerted() -> bool:
            return any(row.severity.value == "critical" for row in (await alerts(second, OWNER)).alerts)

        await until(alerted)
        await rounds(first, 3)
        assert requested(first) == []
        assert len([row for row in (await alerts(first, OWNER)).alerts if row.severity == "critical"]) == 1
        assert first.engine is not None
        ended = await first.engine.disarm(principal=OWNER, cause=DisarmCause.ASKED)
        assert not ended.was_armed


async def test_an_armed_engine_carries_out_sure_advice_once_and_a_capped_one_only_advises(
    paper: PaperProcess, tmp_path: Path
) -> None:
    def stops() -> list[str]:
        orders = paper.control.account("bybit")["orders"]
        return [order["symbol"] for order in orders if order["trigger_price"] is not None]

    async with desk_on(seed_accounts(paper), tmp_path, settings=replace(QUICK, advice_s=0)) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER, max_action="hold")
        await rounds(desk, 3)
        assert stops() == []
        await engine_arm(desk, OWNER, max_action="move_stop")
        # AVAX is 44.5 % up on its margin without a stop, and every condition of the rule holds.
        await until(lambda: acted(desk))
        await rounds(desk, 3)
        assert stops() == ["AVAXUSDT"]
        history = await engine_history(desk, OWNER, limit=100)
        (execution,) = [entry for entry in history.entries if entry.type == "execution"]
        assert execution.action == "MOVE_STOP"
        assert execution.confidence == 1
        assert execution.details is not None
        assert execution.details.new_stop == Decimal("34.8")
        assert execution.details.previous_stop is None
        assert requested(desk) == []


async def test_in_its_first_moments_an_armed_engine_alerts_and_does_not_act(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path, settings=replace(QUICK, warm_up_s=3600)) as desk:
        await watching(desk)
        armed = await engine_arm(desk, OWNER)
        assert any("acts on nothing for another" in warning for warning in armed.warnings)
        crash(paper)

        async def alerted() -> bool:
            return any(row.severity.value == "critical" for row in (await alerts(desk, OWNER)).alerts)

        await until(alerted)
        await rounds(desk, 3)
        assert requested(desk) == []


async def test_one_reading_is_not_enough_to_act(paper: PaperProcess, tmp_path: Path) -> None:
    async with desk_on(seed_accounts(paper), tmp_path, settings=replace(QUICK, confirm_reads=1000)) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        crash(paper)
        await rounds(desk, 5)
        drawdown = next(one for one in (await engine_status(desk, OWNER)).guards if one.guard == "drawdown")
        assert drawdown.state is Lamp.TRIP
        assert requested(desk) == []


async def test_while_the_latch_holds_an_armed_engine_moves_no_stop_and_says_why(
    paper: PaperProcess, tmp_path: Path
) -> None:
    async with desk_on(seed_accounts(paper), tmp_path, settings=replace(QUICK, advice_s=0)) as desk:
        await watching(desk)
        await engine_arm(desk, OWNER)
        assert (await emergency_exit(desk, OWNER, hold_s=Decimal(0))).verdict is Verdict.FLAT
        # Another bot opens anew, and is well in profit without a stop.
        paper.control.add_position("bybit", "ETHUSDT", "-3", entry="3550")

        async def refused() -> bool:
            events = (await engine_history(desk, OWNER)).events
            return any(
                event.event == "NOT_SENT" and event.symbol == "ETHUSDT" and "may only reduce" in event.message
                for event in events
            )

        await until(refused)
        assert [order for order in paper.control.account("bybit")["orders"] if order["trigger_price"]] == []
