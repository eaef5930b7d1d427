"""Closing a part, and closing the winners: exact sizes, true figures, and nothing else touched."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.commands import certificate, exit_status, flatten_winners, list_exits, partial_close
from bastion.commands.latch import latch
from bastion.domain.mandate import ExitKind
from bastion.domain.position import Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.domain.verdict import ExitState, LatchState, PartVerdict
from bastion.errors import PositionNotFound, Refused, ScopeDenied, SymbolUnknown
from bastion.surfaces.cli.board import Board
from bastion.surfaces.mcp_server.tools.exits import next_of_exit
from bastion.surfaces.schemas import dumps
from tests.protection_rig import VENUES, ProtectionRig, at

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_part_is_rounded_down_to_the_lot_step_and_the_rest_stays(
    rig: ProtectionRig, venue: str
) -> None:
    rig.venue = venue
    await rig.hold("0.333", entry="900")
    await rig.rest("BUY", "1", price="800")
    report = await partial_close(rig.desk, OWNER, symbol="btc/usdt", exit_pct=50, selection=at(venue))
    assert report.success
    assert (report.closed_qty, report.remaining_qty) == (Decimal("0.166"), Decimal("0.167"))
    assert report.closed_pct == Decimal("49.85")
    assert report.exit_price == 1000
    assert report.realized_pnl_usd == Decimal("16.6")
    assert report.remaining_unrealized_pnl_usd == Decimal("16.7")
    assert report.summary == "49.85 % of BTCUSDT closed: 0.166, 0.167 remains; realized 16.60 USD."
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal("0.167")}
    assert len((await rig.truth())["open_orders"]) == 1, "a partial close cancels nothing"
    assert latch(rig.desk).latch is LatchState.CLEAR


async def test_the_status_of_a_partial_close_does_not_call_the_rest_flat(rig: ProtectionRig) -> None:
    await rig.hold("2")
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=25)
    assert report.exit_id is not None
    told = await exit_status(rig.desk, OWNER, report.exit_id)
    assert any("what else is held is open" in warning for warning in told.warnings)
    assert told.summary.startswith("REDUCED in ")
    assert (told.verdict, told.success, told.positions_closed) == (PartVerdict.REDUCED, True, 0)
    assert [row.how for row in told.closed_positions] == ["reduced"]
    assert [row.verdict for row in told.looks] == [PartVerdict.REDUCED]
    assert '"FLAT' not in dumps(told)
    listed = (await list_exits(rig.desk, OWNER)).exits[0]
    assert (listed.verdict, listed.kind) == (PartVerdict.REDUCED, ExitKind.PARTIAL)
    signed = (await certificate(rig.desk, OWNER, report.exit_id)).document
    words = [one["verdict"] for one in (signed["outcome"], *signed["accounts"], *signed["verdicts"])]
    assert set(words) == {"REDUCED"}
    assert "the part to be closed (BTCUSDT LONG): 1 position reduced on 1 venue" in told.summary
    missed = replace(told, success=False, state=ExitState.DONE)
    assert next_of_exit(missed, rig.desk) == {"name": "bastion_get_positions", "arguments": {}}
    board = Board()
    (first, *_) = [
        line.text for entry in rig.desk.journal.entries(report.exit_id) for line in board.take(entry)
    ]
    assert "latched" not in first
    assert board.verdicts == {"paper-binance": "REDUCED"}
    assert "closing the part to be closed (BTCUSDT LONG) on 1 account" in first


async def test_every_venue_that_holds_the_symbol_is_a_leg_of_its_own(rig: ProtectionRig) -> None:
    await rig.hold("2", venue="binance")
    await rig.hold("-4", venue="bybit")
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=25)
    assert [(leg.exchange, leg.direction, leg.closed_qty, leg.remaining_qty) for leg in report.legs] == [
        ("binance", Side.LONG, Decimal("0.5"), Decimal("1.5")),
        ("bybit", Side.SHORT, Decimal(1), Decimal(3)),
    ]
    assert (report.closed_qty, report.remaining_qty) == (Decimal("1.5"), Decimal("4.5"))


async def test_in_hedge_mode_both_sides_are_cut_and_neither_flips(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("2", side="LONG")
    await rig.hold("-1", side="SHORT")
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=50)
    assert report.success
    assert await rig.held() == {("BTCUSDT", "LONG"): Decimal(1), ("BTCUSDT", "SHORT"): Decimal("-0.5")}


async def test_a_hundred_percent_closes_the_leg(rig: ProtectionRig) -> None:
    await rig.hold("2")
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=100)
    assert (report.success, report.closed_pct, report.remaining_qty) == (True, Decimal(100), Decimal(0))
    assert await rig.held() == {}


async def test_a_part_below_the_minimum_is_refused_with_the_minimum(rig: ProtectionRig) -> None:
    await rig.hold("0.002")
    with pytest.raises(Refused, match=r"10 % of 0.002 is below the venue's minimum of 0.001"):
        await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=10)
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal("0.002")}
    assert rig.desk.journal.exit_ids() == ()


@pytest.mark.parametrize("percent", [0, 101, -1, True, 12.5])
async def test_a_percentage_that_is_none_is_refused(rig: ProtectionRig, percent: int) -> None:
    with pytest.raises(Refused, match="whole number from 1 to 100"):
        await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=percent)


async def test_what_is_not_open_or_not_listed_is_told_by_its_own_name(rig: ProtectionRig) -> None:
    with pytest.raises(PositionNotFound, match="No BTCUSDT position is open"):
        await partial_close(rig.desk, OWNER, symbol="BTC")
    with pytest.raises(SymbolUnknown, match="lists NOPEUSDT"):
        await partial_close(rig.desk, OWNER, symbol="NOPE")


async def test_a_cap_bounds_a_partial_close_and_winners_and_says_so(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="900")
    capped = replace(OWNER, notional_cap_usd=Decimal(1500))
    with pytest.raises(ScopeDenied, match=r"at most 1,500\.00 USD .*; this would move 2,000\.00"):
        await flatten_winners(rig.desk, capped)
    assert (await partial_close(rig.desk, capped, symbol="BTC", exit_pct=75)).success
    reader = replace(OWNER, scope=Scope.READ)
    with pytest.raises(ScopeDenied):
        await partial_close(rig.desk, reader, symbol="BTC")
    with pytest.raises(ScopeDenied, match="may only stop"):
        await flatten_winners(rig.desk, replace(OWNER, only_stops=True))


async def test_a_half_filled_part_goes_on_to_its_target_and_no_further(rig: ProtectionRig) -> None:
    await rig.hold("2")
    path = {"binance": "/fapi/v1/order", "bybit": "/v5/order/create"}[rig.venue]
    await rig.fault("partial_fill", path=path, method="POST", count=1)
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=50)
    assert report.success, report
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(1)}


async def test_an_answer_that_is_lost_after_the_fill_closes_no_more(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.fault("reset", path="/fapi/v1/order", method="POST", count=1, executed=True)
    report = await partial_close(rig.desk, OWNER, symbol="BTC", exit_pct=50)
    assert report.success, report
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(1)}


async def test_exactly_the_positions_in_profit_are_closed(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="900")
    await rig.hold("3", entry="1100", symbol="ETHUSDT")
    await rig.hold("1", entry="1000", venue="bybit")
    await rig.rest("BUY", "1", price="800")
    await rig.rest("BUY", "1", price="800", symbol="ETHUSDT")
    report = await flatten_winners(rig.desk, OWNER)
    assert report.success
    assert [(row.symbol, row.exchange) for row in report.closed] == [("BTCUSDT", "binance")]
    assert report.total_profit_locked_usd == 200
    assert {(row.symbol, row.exchange, row.reason) for row in report.kept_open} == {
        ("ETHUSDT", "binance", "not in profit"),
        ("BTCUSDT", "bybit", "not in profit"),
    }
    assert await rig.held() == {("ETHUSDT", "NET"): Decimal(3)}
    working = {row["symbol"] for row in (await rig.truth())["open_orders"]}
    assert working == {"ETHUSDT"}
    assert latch(rig.desk).latch is LatchState.CLEAR
    assert report.verdict is PartVerdict.CLOSED
    assert report.exit_id is not None
    told = await exit_status(rig.desk, OWNER, report.exit_id)
    assert (told.verdict, told.positions_closed) == (PartVerdict.CLOSED, 1)
    assert told.summary.startswith("CLOSED in ")
    assert '"FLAT' not in dumps(told)


async def test_no_winner_is_success_and_nothing_is_sent(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="1100")
    report = await flatten_winners(rig.desk, OWNER)
    assert (report.success, report.exit_id, report.positions_closed) == (True, None, 0)
    assert [row.symbol for row in report.kept_open] == ["BTCUSDT"]
    assert rig.desk.journal.exit_ids() == ()


async def test_net_of_fees_and_slippage_a_thin_profit_stays_open(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="999.9")
    await rig.hold("2", entry="900", symbol="ETHUSDT")
    report = await flatten_winners(rig.desk, OWNER, net=True)
    assert [row.symbol for row in report.closed] == ["ETHUSDT"]
    (kept,) = report.kept_open
    assert kept.symbol == "BTCUSDT"
    assert kept.reason.startswith("not in profit after fees, funding and slippage: unrealised +0.20, ")
    assert kept.net_pnl_usd is not None
    assert kept.net_pnl_usd < 0 < (kept.unrealized_pnl_usd or 0)


async def test_a_winner_may_realise_a_loss_and_the_true_figure_is_told(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="990")
    await rig.depth(bids=[[500, "5000"]], asks=[[500, "5000"]])
    report = await flatten_winners(rig.desk, OWNER)
    assert report.total_profit_locked_usd < 0
    assert report.positions_closed == 1


async def test_an_account_that_cannot_be_read_is_named_and_is_no_success(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="900")
    await rig.paper.control(
        "POST", "/faults", {"kind": "fail", "venue": "bybit", "path": "/v5/position/list"}
    )
    report = await flatten_winners(rig.desk, OWNER, selection=Selection())
    assert not report.success
    assert {part.exchange for part in report.unread} == {"bybit"}
    assert report.positions_closed == 1
    assert report.next_step
