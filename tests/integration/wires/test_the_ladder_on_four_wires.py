"""The ladder on real sockets: what no market order can close rests, is watched, replaced and taken back."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit
from bastion.commands.engine_acts import ENGINE
from bastion.domain.asked import VenueAsked
from bastion.domain.records import RoundIntended
from bastion.domain.verdict import Verdict
from bastion.exits.report import ExitReport
from tests.wires_rig import DEEP, IN_FULL, OWNER, WIRES, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
NO_HOLD = Decimal(0)
# From the mark of 1000 in ticks of 0.1: nothing, and all that is wanted at 990.
NOBODY: list[list[object]] = []
AT_990: list[list[object]] = [[100, "5000"]]
ASKS: list[list[object]] = [*DEEP]


async def until_resting(wires: WiresRig) -> None:
    async with asyncio.timeout(60):
        for venue in WIRES:
            while not (await wires.truth(venue))["open_orders"]:
                await wires.desk.clock.sleep(0.05)


def rested(order: Mapping[str, object]) -> bool:
    return (order["kind"], order["time_in_force"]) == ("LIMIT", "GTC")


def rungs(report: ExitReport, venue: str) -> list[str]:
    return [row.rung for row in report.ladder if row.exchange == venue]


async def test_a_close_rests_where_nobody_buys_and_fills_when_somebody_does(wires: WiresRig) -> None:
    await wires.hold("2")
    await wires.depth(bids=NOBODY, asks=ASKS)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(emergency_exit(wires.desk, OWNER, hold_s=NO_HOLD))
        await until_resting(wires)
        await wires.depth(bids=DEEP, asks=ASKS)
    report = asked.result()
    assert report.verdict is Verdict.FLAT, report.summary
    assert await wires.held() == {}
    for venue in WIRES:
        truth = await wires.truth(venue)
        assert truth["open_orders"] == []
        assert rungs(report, venue)[:5] == ["ioc", "ioc", "ioc", "ioc", "resting"]
        sent = await wires.ours(venue)
        assert all(row["reduce_only"] for row in sent)
        # Where it was taken, it lay within the band of 5 % that the venue allows.
        assert {Decimal(row["price"]) for row in sent if rested(row)} <= {Decimal(900), Decimal(950)}
    first = next(row for row in report.ladder if row.rung == "resting")
    assert "rests in the book at most 10 % from the mark" in first.reason
    told = [entry.record for entry in wires.desk.journal.entries(report.exit_id)]
    for venue in WIRES:
        calls = [
            call.call
            for record in told
            if isinstance(record, VenueAsked) and venue in record.account
            for call in record.calls
        ]
        asked_about = calls.count("fapiPrivateGetOrder") + calls.count("privateGetTradeOrder")
        assert asked_about <= 2 * len(await wires.ours(venue)), "what rests is not asked about at every turn"
    whys = [why for record in told if isinstance(record, RoundIntended) for why in record.why]
    assert any("rests in the book" in why for why in whys)
    assert report.orders_cancelled == 0, "orders of ours are not what the exit cancelled"


@IN_FULL
async def test_what_rests_is_taken_back_at_the_end_and_the_answer_says_so(wires: WiresRig) -> None:
    await wires.hold("2")
    await wires.depth(bids=NOBODY, asks=ASKS)
    report = await emergency_exit(wires.desk, OWNER, hold_s=NO_HOLD, deadline_s=Decimal(9))
    assert report.verdict is Verdict.NOT_FLAT
    assert {(row.exchange, row.kind) for row in report.residual} == {(venue, "position") for venue in WIRES}
    for venue in WIRES:
        assert "resting" in rungs(report, venue)
        assert (await wires.truth(venue))["open_orders"] == []
        assert any(rested(row) for row in await wires.ours(venue)), "a limit rested there"
    assert len(await wires.held()) == len(WIRES)


async def test_a_guards_exit_asks_for_at_most_five_per_cent_first(wires: WiresRig) -> None:
    await wires.hold("2")
    await wires.depth(bids=AT_990, asks=ASKS)
    report = await emergency_exit(wires.desk, ENGINE, hold_s=NO_HOLD, reason="a guard tripped")
    assert report.verdict is Verdict.FLAT
    for venue in WIRES:
        (sent,) = await wires.ours(venue)
        assert (sent["kind"], sent["time_in_force"], Decimal(sent["price"])) == ("LIMIT", "IOC", Decimal(950))
    assert {row.reason for row in report.ladder} == {
        "a guard asked for it: at most 5 % from the mark at first"
    }
    assert {(row.rung, row.limit_price, row.outcome) for row in report.ladder} == {
        ("ioc", Decimal(950), "filled")
    }


async def test_a_person_goes_to_market_at_any_price(wires: WiresRig) -> None:
    await wires.hold("2")
    await wires.depth(bids=AT_990, asks=ASKS)
    report = await emergency_exit(wires.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert report.ladder == ()
