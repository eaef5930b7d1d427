"""Two who press at once: one hand an account, wider requests widen the work, everybody gets the truth."""

import asyncio
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from bastion.commands import emergency_exit, exit_status, halt, partial_close, recover
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import LegStarted, Looked, RoundIntended
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.errors import Conflict
from bastion.exits.report import ExitReport
from tests.protection_rig import PLACING, ProtectionRig

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
NO_HOLD = Decimal(0)
CALLERS = 200
ORDER_PATHS = {"binance": "/fapi/v1/order", "bybit": "/v5/order/create"}
assert PLACING.keys() == ORDER_PATHS.keys()


def symbols(*names: str) -> Selection:
    return Selection(symbols=frozenset(names))


async def slow(rig: ProtectionRig, milliseconds: int) -> None:
    for venue in ORDER_PATHS:
        body = {"kind": "latency", "venue": venue, "round_trip_ms": milliseconds}
        await rig.paper.control("POST", "/faults", body)


async def orders_sent(rig: ProtectionRig, venue: str) -> int:
    answer = await rig.paper.control("GET", f"/requests?venue={venue}&path={ORDER_PATHS[venue]}")
    assert isinstance(answer, dict)
    return sum(row["method"] == "POST" for row in answer["requests"])


async def until_running(rig: ProtectionRig, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(rig.desk.working()) < count:
            await rig.desk.clock.sleep(0.01)


async def test_two_hundred_callers_are_one_exit_and_all_get_the_truth(rig: ProtectionRig) -> None:
    for venue in ("binance", "bybit"):
        await rig.hold("2", venue=venue)
        await rig.hold("3", venue=venue, symbol="ETHUSDT")
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)) for _ in range(CALLERS)]
    reports = [task.result() for task in asked]
    assert len({report.exit_id for report in reports}) == 1
    assert {report.verdict for report in reports} == {Verdict.FLAT}
    assert {report.positions_closed for report in reports} == {4}
    assert rig.desk.journal.exit_ids() == (reports[0].exit_id,)
    assert await orders_sent(rig, "binance") == await orders_sent(rig, "bybit") == 2


async def test_a_full_exit_during_a_scoped_one_closes_everything(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.hold("3", symbol="ETHUSDT")
    await rig.hold("3", symbol="ETHUSDT", venue="bybit")
    await slow(rig, 120)
    async with asyncio.TaskGroup() as group:
        narrow = group.create_task(
            emergency_exit(rig.desk, OWNER, selection=symbols("BTCUSDT"), hold_s=NO_HOLD)
        )
        await until_running(rig)
        wide = group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
    scoped, full = narrow.result(), wide.result()
    assert scoped.exit_id != full.exit_id
    assert full.joined == (scoped.exit_id,)
    assert scoped.joined == ()
    assert (scoped.verdict, full.verdict) == (Verdict.FLAT, Verdict.FLAT)
    assert [row.symbol for row in scoped.closed_positions] == ["BTCUSDT"]
    assert await rig.held() == {}
    assert await orders_sent(rig, "binance") == 2, "nothing is sent twice"
    assert await orders_sent(rig, "bybit") == 1
    _one_look_at_a_time(rig, scoped, full)


async def test_disjoint_requests_run_beside_each_other_on_one_hand(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.hold("3", symbol="ETHUSDT")
    await slow(rig, 80)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(
            emergency_exit(rig.desk, OWNER, selection=symbols("BTCUSDT"), hold_s=NO_HOLD)
        )
        second = group.create_task(
            emergency_exit(rig.desk, OWNER, selection=symbols("ETHUSDT"), hold_s=NO_HOLD)
        )
    one, other = first.result(), second.result()
    assert one.exit_id != other.exit_id
    assert {one.verdict, other.verdict} == {Verdict.FLAT}
    closed = sorted(row.symbol for report in (one, other) for row in report.closed_positions)
    assert closed == ["BTCUSDT", "ETHUSDT"]
    assert one.total_realized_pnl_usd == other.total_realized_pnl_usd == 0
    _one_look_at_a_time(rig, one, other)


async def test_a_narrower_request_joins_the_wider_exit(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await slow(rig, 80)
    async with asyncio.TaskGroup() as group:
        wide = group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
        await until_running(rig)
        narrow = group.create_task(
            emergency_exit(rig.desk, OWNER, selection=symbols("BTCUSDT"), hold_s=NO_HOLD)
        )
    assert narrow.result().exit_id == wide.result().exit_id
    assert narrow.result().summary == wide.result().summary


async def test_a_halt_during_an_exit_is_proven_beside_it(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.rest("BUY", "1", price="900")
    await slow(rig, 80)
    async with asyncio.TaskGroup() as group:
        exiting = group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
        await until_running(rig)
        halting = group.create_task(halt(rig.desk, OWNER))
    assert exiting.result().verdict is Verdict.FLAT
    assert halting.result().success
    assert (await rig.truth())["open_orders"] == []


async def test_a_partial_close_of_what_an_exit_closes_already_is_refused(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await slow(rig, 120)
    async with asyncio.TaskGroup() as group:
        exiting = group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
        await until_running(rig)
        try:
            await partial_close(rig.desk, OWNER, symbol="BTCUSDT")
        except Conflict as error:
            refused = str(error)
    assert refused.startswith(exiting.result().exit_id)


async def test_an_exit_during_a_partial_close_closes_all_of_it(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await slow(rig, 120)
    async with asyncio.TaskGroup() as group:
        part = group.create_task(partial_close(rig.desk, OWNER, symbol="BTCUSDT", exit_pct=25))
        await until_running(rig)
        exiting = group.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
    assert exiting.result().verdict is Verdict.FLAT
    assert part.result().success
    assert await rig.held() == {}


PROCESS = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from bastion.app import find_place, open_desk
from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection

async def main():
    folder = Path(sys.argv[1])
    place = find_place(config=folder / "bastion.toml", environment={
        "BASTION_HOME": str(folder / "state"), "BASTION_VAULT_KEY_FILE": str(folder / "trader.key")})
    chosen = Selection(symbols=frozenset(sys.argv[2:]))
    async with open_desk(place) as desk:
        owner = Principal(id="owner", surface="test", scope=Scope.TRADE)
        report = await emergency_exit(desk, owner, selection=chosen, hold_s=Decimal(0))
        print(report.exit_id, report.verdict, report.positions_closed, *report.joined)

asyncio.run(main())
"""


async def _process(folder: Path, *chosen: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, str(folder), *chosen, stdout=subprocess.PIPE
    )


def _one_look_at_a_time(rig: ProtectionRig, *reports: ExitReport) -> None:
    """Whatever the exits' journals hold of one account, its looks never overlapped."""
    entries = [entry for report in reports for entry in rig.desk.journal.entries(report.exit_id)]
    for account in {e.record.account for e in entries if isinstance(e.record, LegStarted)}:
        spans = sorted(
            {
                (e.record.look.begun_ns, e.record.look.ended_ns)
                for e in entries
                if isinstance(e.record, Looked) and e.record.account == account
            }
        )
        assert all(first[1] <= second[0] for first, second in pairwise(spans)), spans
    sent = [
        request.client_order_id
        for entry in entries
        if isinstance(entry.record, RoundIntended)
        for request in entry.record.orders
    ]
    for report in reports:
        assert report.exit_id
    assert sent


async def test_what_crashed_between_two_exits_is_taken_up_whole(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.hold("3", symbol="ETHUSDT")
    await slow(rig, 150)
    first = asyncio.create_task(emergency_exit(rig.desk, OWNER, selection=symbols("BTCUSDT"), hold_s=NO_HOLD))
    await until_running(rig)
    second = asyncio.create_task(emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD))
    await until_running(rig, 2)
    await asyncio.sleep(0.2)
    await rig.desk.stop()
    await asyncio.wait({first, second})
    exit_ids = rig.desk.journal.exit_ids()
    assert len(exit_ids) == 2
    assert recover(rig.desk) == exit_ids
    await rig.desk.finish()
    reports = [await exit_status(rig.desk, OWNER, exit_id) for exit_id in exit_ids]
    assert [report.verdict for report in reports] == [Verdict.FLAT, Verdict.FLAT]
    assert await rig.held() == {}
    _one_look_at_a_time(rig, *reports)
