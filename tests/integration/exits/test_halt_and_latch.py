"""The halt: every working order goes, positions and their stops stay; the latch holds until it is lifted."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.commands import (
    certificate,
    emergency_exit,
    halt,
    halt_status,
    partial_close,
    recover,
    reset,
)
from bastion.commands.latch import latch
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.domain.verdict import LatchState
from bastion.errors import ConfirmationRequired, Conflict, Refused, ScopeDenied
from bastion.surfaces.mcp_server.tools.exits import HALT
from tests.protection_rig import VENUES, ProtectionRig, at

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)
CANCEL_PATHS = {"binance": "/fapi/v1/order", "bybit": "/v5/order/cancel*"}


async def busy(rig: ProtectionRig) -> None:
    """A position with an entry order, a take-profit limit and a protective stop."""
    await rig.hold("2")
    await rig.rest("BUY", "1", price="900")
    await rig.rest("BUY", "1", price="900", symbol="ETHUSDT")
    await rig.rest("SELL", "1", price="1200", reduce_only=True)
    await rig.rest("SELL", "2", trigger_price="800", trigger_when="FALLS_TO", reduce_only=True)


async def triggers(rig: ProtectionRig) -> list[bool]:
    return [row["trigger_price"] is not None for row in (await rig.truth())["open_orders"]]


@pytest.mark.parametrize("venue", VENUES)
async def test_every_working_order_goes_and_the_position_keeps_its_stop(
    rig: ProtectionRig, venue: str
) -> None:
    rig.venue = venue
    await busy(rig)
    report = await halt(rig.desk, OWNER, reason="told by the regulator")
    assert report.success
    assert report.orders_cancelled == 3
    assert report.latched
    assert report.positions_unchanged == 1
    assert report.reason == "told by the regulator"
    (kept,) = report.orders_kept
    assert (kept.symbol, kept.protective, kept.reason) == (
        "BTCUSDT",
        True,
        "it protects a position, and stays",
    )
    assert "3 orders cancelled, no other order works; 1 protective stop kept, 1 position unchanged" in (
        report.summary
    )
    assert await triggers(rig) == [True]
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}
    assert latch(rig.desk).exit_id == report.halt_id
    assert (await halt_status(rig.desk, OWNER, report.halt_id)).summary == report.summary


async def test_a_certificate_of_a_halt_calls_nothing_flat(rig: ProtectionRig) -> None:
    await busy(rig)
    report = await halt(rig.desk, OWNER)
    signed = await certificate(rig.desk, OWNER, report.halt_id)
    assert signed.verdict == "HALTED"
    assert signed.summary.startswith("HALTED in ")
    assert signed.document["outcome"]["positions_unchanged"] == 1
    told = [one["verdict"] for one in (*signed.document["accounts"], *signed.document["verdicts"])]
    assert told
    assert set(told) == {"HALTED"}


async def test_with_the_stops_too_nothing_works_any_more(rig: ProtectionRig) -> None:
    await busy(rig)
    report = await halt(rig.desk, OWNER, stops_too=True)
    assert (report.success, report.orders_cancelled, report.orders_kept) == (True, 4, ())
    assert await triggers(rig) == []
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}


async def test_a_subset_is_halted_alone(rig: ProtectionRig) -> None:
    await busy(rig)
    report = await halt(rig.desk, OWNER, selection=Selection(symbols=frozenset({"ETHUSDT"})))
    assert report.orders_cancelled == 1
    assert "the working orders (ETHUSDT)" in report.summary
    assert len(await triggers(rig)) == 3


async def test_a_dead_venue_keeps_no_other_from_halting_and_is_named(rig: ProtectionRig) -> None:
    await busy(rig)
    rig.desk.settings = replace(rig.desk.settings, deadline_s=Decimal(3))
    await rig.paper.control("POST", "/faults", {"kind": "never", "venue": "bybit"})
    report = await halt(rig.desk, OWNER)
    assert not report.success
    assert {part.exchange for part in report.unread} == {"bybit"}
    assert report.positions_unchanged is None
    assert report.next_step
    assert await triggers(rig) == [True]


async def test_an_order_that_cannot_be_cancelled_is_listed_exactly(rig: ProtectionRig) -> None:
    await rig.rest("BUY", "1", price="900")
    rig.desk.settings = replace(rig.desk.settings, deadline_s=Decimal(3))
    await rig.fault("fail", method="DELETE")
    report = await halt(rig.desk, OWNER, selection=at("binance"))
    assert not report.success
    assert report.verdict is not None
    assert report.verdict.value.startswith("NOT_")
    (left,) = report.orders_kept
    assert (left.symbol, left.direction, left.quantity, left.protective) == (
        "BTCUSDT",
        "BUY",
        Decimal(1),
        False,
    )
    assert report.summary.startswith("NOT HALTED")
    assert left.order_id in (report.next_step or "")
    assert HALT.next_tool is not None
    again = {"name": "bastion_halt", "arguments": {"venues": ["binance"]}}
    assert HALT.next_tool(report, rig.desk) == again, "nobody is led from a part to all"


async def test_a_halt_that_was_broken_off_is_taken_up(rig: ProtectionRig) -> None:
    await busy(rig)
    await rig.paper.control("POST", "/faults", {"kind": "latency", "round_trip_ms": 300})
    report = await halt(rig.desk, OWNER, wait_s=0.05)
    assert report.summary.startswith("HALTING")
    assert (report.next_step or "").startswith("The halt is running.")
    assert HALT.next_tool is not None
    status = {"name": "bastion_halt_status", "arguments": {"halt_id": report.halt_id}}
    assert HALT.next_tool(report, rig.desk) == status
    await rig.desk.stop()
    assert recover(rig.desk) == (report.halt_id,)
    await rig.desk.finish()
    assert (await halt_status(rig.desk, OWNER, report.halt_id)).success
    assert await triggers(rig) == [True]


async def test_the_latch_is_lifted_by_a_typed_word_a_reason_and_the_right_id(rig: ProtectionRig) -> None:
    await rig.hold("2")
    halted = await halt(rig.desk, OWNER)
    exit_id, typed = halted.halt_id, halted.halt_id[-4:]
    trader = replace(OWNER, scope=Scope.TRADE)
    with pytest.raises(ScopeDenied):
        await reset(rig.desk, trader, exit_id, typed=typed, reason="calm again")
    with pytest.raises(Refused, match="needs a reason"):
        await reset(rig.desk, OWNER, exit_id, typed=typed, reason=" ")
    with pytest.raises(ConfirmationRequired, match=typed):
        await reset(rig.desk, OWNER, exit_id, typed="yes", reason="calm again")
    with pytest.raises(Conflict, match=exit_id):
        await reset(rig.desk, OWNER, "xother", typed="ther", reason="calm again")
    bound = replace(OWNER, accounts=frozenset({"paper-binance"}))
    with pytest.raises(Refused, match="whole desk"):
        await reset(rig.desk, bound, exit_id, typed=typed, reason="calm again")
    assert latch(rig.desk).latch is LatchState.TRIPPED
    report = await reset(rig.desk, OWNER, exit_id, typed=typed, reason="calm again")
    assert (report.success, report.latch, report.positions_open) == (True, LatchState.CLEAR, 1)
    assert report.allowed_again
    assert latch(rig.desk).latch is LatchState.CLEAR
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}
    with pytest.raises(Conflict, match="not tripped"):
        await reset(rig.desk, OWNER, exit_id, typed=typed, reason="calm again")


async def test_the_latch_holds_while_an_exit_runs_or_still_watches(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.paper.control("POST", "/faults", {"kind": "latency", "round_trip_ms": 200})
    running = await emergency_exit(rig.desk, OWNER, hold_s=Decimal(30), wait_s=0.05)
    assert running.verdict is None
    with pytest.raises(Conflict, match="no verdict yet"):
        await reset(rig.desk, OWNER, running.exit_id, typed=running.exit_id[-4:], reason="too early")
    await rig.desk.finish()
    with pytest.raises(Conflict, match="still watched"):
        await reset(rig.desk, OWNER, running.exit_id, typed=running.exit_id[-4:], reason="too early")
    assert latch(rig.desk).latch is LatchState.TRIPPED


async def test_a_partial_close_trips_no_latch(rig: ProtectionRig) -> None:
    await rig.hold("2")
    assert (await partial_close(rig.desk, OWNER, symbol="BTC")).success
    assert latch(rig.desk).exit_id is None
