"""Moving stops to entry: who is moved, who is skipped and why, and that none of that is ever an error."""

from decimal import Decimal

import pytest

from bastion.commands import move_to_breakeven, set_stop_loss
from bastion.domain.position import Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import PositionNotFound, ScopeDenied, SymbolUnknown
from tests.protection_rig import OWNER, PLACING, READER, ProtectionRig, at

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_only_positions_in_profit_are_moved_and_the_others_are_named(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="950")
    await rig.hold("2", entry="1020", symbol="ETHUSDT")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert report.success
    assert (report.total_moved, report.total_skipped) == (1, 1)
    moved, skipped = report.moved[0], report.skipped[0]
    assert (moved.symbol, moved.direction) == ("BTCUSDT", Side.LONG)
    assert (moved.previous_stop, moved.new_stop) == (None, D(950))
    assert moved.unrealized_pnl_pct == D("5.26")
    assert (skipped.symbol, skipped.reason) == ("ETHUSDT", "not in profit")
    assert await rig.triggers() == [D(950)]
    await rig.price("949")
    assert await rig.held() == {("ETHUSDT", "NET"): D(2)}


async def test_a_position_at_its_entry_is_not_in_profit(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="1000")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert (report.success, report.total_moved, report.skipped[0].reason) == (True, 0, "not in profit")


async def test_the_old_stop_is_replaced_and_told(rig: ProtectionRig) -> None:
    await rig.hold("-0.5", entry="1050")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(1100), selection=at(rig.venue))
    report = await move_to_breakeven(rig.desk, OWNER, symbol="btcusdt", selection=at(rig.venue))
    assert (report.moved[0].previous_stop, report.moved[0].new_stop) == (D(1100), D(1050))
    assert await rig.triggers() == [D(1050)]


@pytest.mark.parametrize(
    ("quantity", "entry", "stop"), [("0.5", "950", "950"), ("0.5", "950", "980"), ("-0.5", "1050", "1020")]
)
async def test_a_stop_at_entry_or_better_is_left_where_it_is(
    rig: ProtectionRig, quantity: str, entry: str, stop: str
) -> None:
    await rig.hold(quantity, entry=entry)
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(stop), selection=at(rig.venue))
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert report.success
    assert report.total_moved == 0
    assert "better already" in report.skipped[0].reason
    assert await rig.triggers() == [D(stop)]


async def test_an_entry_between_two_ticks_is_rounded_to_the_side_that_loses_nothing(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5", entry="950.03")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert report.moved[0].new_stop == D("950.1")


async def test_an_entry_within_a_tick_of_the_mark_is_skipped(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="999.96")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert (report.success, report.total_moved) == (True, 0)
    assert "would fire at once" in report.skipped[0].reason
    assert await rig.waiting() == []


async def test_each_side_of_hedge_mode_is_judged_alone(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("0.5", side="LONG", entry="950")
    await rig.hold("-0.3", side="SHORT", entry="980")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert [(row.direction, row.new_stop) for row in report.moved] == [(Side.LONG, D(950))]
    assert [(row.direction, row.reason) for row in report.skipped] == [(Side.SHORT, "not in profit")]


async def test_nothing_open_is_nothing_to_do(rig: ProtectionRig) -> None:
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert (report.success, report.moved, report.skipped) == (True, (), ())


async def test_a_symbol_that_is_named_must_be_known_and_open(rig: ProtectionRig) -> None:
    with pytest.raises(PositionNotFound):
        await move_to_breakeven(rig.desk, OWNER, symbol="BTC", selection=at(rig.venue))
    with pytest.raises(SymbolUnknown):
        await move_to_breakeven(rig.desk, OWNER, symbol="DOGE", selection=at(rig.venue))


async def test_a_venue_that_refuses_is_skipped_with_its_reason_and_told_as_an_error(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5", entry="950")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    for path in PLACING[rig.venue]:
        await rig.fault("fail", path=path, method="POST", failure="internal_error")
    report = await move_to_breakeven(rig.desk, OWNER, selection=at(rig.venue))
    assert not report.success
    assert (report.total_moved, report.total_skipped, len(report.errors)) == (0, 1, 1)
    assert report.next_step is not None
    assert await rig.triggers() == [D(900)]


async def test_what_is_left_out_and_what_a_key_may_not_touch_stays_as_it_is(rig: ProtectionRig) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await rig.hold("0.5", entry="950", symbol=symbol)
    but = Selection(venues=frozenset({rig.venue}), except_symbols=frozenset({"ETHUSDT"}))
    report = await move_to_breakeven(rig.desk, OWNER, selection=but)
    assert [row.symbol for row in report.moved] == ["BTCUSDT"]
    with pytest.raises(ScopeDenied):
        await move_to_breakeven(rig.desk, READER)
    capped = Principal(id="k", surface="test", scope=Scope.TRADE, notional_cap_usd=D(600))
    # One position alone is within the cap; both together would not be.
    await rig.load()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await rig.hold("0.5", entry="950", symbol=symbol)
    with pytest.raises(ScopeDenied, match=r"600\.00"):
        await move_to_breakeven(rig.desk, capped, selection=at(rig.venue))
    assert await rig.waiting() == []


async def test_an_account_that_cannot_be_read_is_told_and_the_other_is_done(rig: ProtectionRig) -> None:
    other = "bybit" if rig.venue == "binance" else "binance"
    for venue in (rig.venue, other):
        await rig.hold("0.5", entry="950", venue=venue)
    path = {"binance": "*positionRisk*", "bybit": "/v5/position/list"}[rig.venue]
    await rig.fault("fail", path=path)
    both = Selection(venues=frozenset({rig.venue, other}))
    report = await move_to_breakeven(rig.desk, OWNER, selection=both)
    assert not report.success
    assert [row.exchange for row in report.moved] == [other]
    assert {part.account for part in report.unread} == {rig.account}
    assert report.next_step is not None
    assert rig.account in report.next_step
