"""Previews over both wires: what would be sent and cost by the live book; nothing is sent but reads."""

from decimal import Decimal

import pytest

from bastion.commands import preview
from bastion.domain.position import Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import PositionNotFound, Refused, ScopeDenied, SymbolUnknown
from tests.protection_rig import READER, ProtectionRig, at
from tests.venue_paper import close_of

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")

LEVELS = {"bids": [[10, "1"], [20, "2"], [100, "3"]], "asks": [[10, "1"], [20, "2"], [100, "3"]]}


async def only_reads(rig: ProtectionRig) -> bool:
    rows = await rig.requests()
    return bool(rows) and {row["method"] for row in rows} == {"GET"}


async def test_an_exit_is_estimated_by_walking_the_book(rig: ProtectionRig) -> None:
    await rig.hold("2", entry="900")
    await rig.depth(**LEVELS)
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    leg = report.legs[0]
    assert (leg.symbol, leg.direction, leg.quantity, leg.remaining_qty, leg.orders) == (
        "BTCUSDT",
        Side.LONG,
        D(2),
        D(0),
        1,
    )
    assert leg.order_form == "market, reduce-only"
    # One at 999, one at 998: the mark is 1000, the fee 0.05 %.
    assert leg.estimated_exit_price == D("998.5")
    assert leg.slippage_usd == D(3)
    assert leg.fees_usd == D("0.9985")
    assert leg.estimated_realized_pnl_usd == D(197)
    assert (leg.hindrances, leg.unfilled_qty) == ((), D(0))
    assert report.totals.slippage_usd == D(3)
    assert report.totals.not_estimated == 0
    assert not report.sent
    assert "nothing sent" in report.summary
    assert await only_reads(rig)


async def test_a_short_is_estimated_by_the_asks(rig: ProtectionRig) -> None:
    await rig.hold("-3", entry="1100")
    await rig.depth(**LEVELS)
    leg = (await preview(rig.desk, READER, selection=at(rig.venue))).legs[0]
    assert leg.estimated_exit_price is not None
    assert leg.estimated_exit_price == D("1001.66666667")
    assert leg.slippage_usd == D(5)
    assert leg.estimated_realized_pnl_usd == D(295)


async def test_what_is_estimated_is_what_the_close_then_gives(rig: ProtectionRig) -> None:
    await rig.hold("2.5", entry="900")
    await rig.depth(**LEVELS)
    leg = (await preview(rig.desk, READER, selection=at(rig.venue))).legs[0]
    venue = rig.desk.venues[rig.account]
    position = (await venue.look(deadline_s=10)).positions[0]
    state = await venue.place(close_of(position), deadline_s=10)
    assert state.average_price is not None
    assert leg.estimated_exit_price is not None
    assert round(state.average_price, 1) == round(leg.estimated_exit_price, 1)


async def test_a_book_that_does_not_hold_the_size_gives_no_price_and_says_so(rig: ProtectionRig) -> None:
    await rig.hold("8", entry="900")
    await rig.depth(**LEVELS)
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    leg = report.legs[0]
    assert (leg.estimated_exit_price, leg.estimated_realized_pnl_usd) == (None, None)
    assert leg.unfilled_qty == D(2)
    assert any("does not hold the size" in text for text in leg.hindrances)
    assert report.totals.not_estimated == 1
    assert "NOT estimated" in report.summary


async def test_a_size_above_the_market_maximum_is_split(rig: ProtectionRig) -> None:
    await rig.hold("250")
    leg = (await preview(rig.desk, READER, selection=at(rig.venue))).legs[0]
    assert (leg.orders, leg.quantity) == (3, D(250))


async def test_hedge_mode_closes_each_side_by_its_own_form(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("0.5", side="LONG")
    await rig.hold("-0.3", side="SHORT")
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    assert {leg.direction for leg in report.legs} == {Side.LONG, Side.SHORT}
    assert all("own side" in leg.order_form for leg in report.legs)
    short = Selection(venues=frozenset({rig.venue}), sides=frozenset({Side.SHORT}))
    assert [leg.direction for leg in (await preview(rig.desk, READER, selection=short)).legs] == [Side.SHORT]


async def test_flatten_winners_keeps_the_losers_with_their_reason(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="900")
    await rig.hold("0.5", entry="1100", symbol="ETHUSDT")
    report = await preview(rig.desk, READER, selection=at(rig.venue), action="flatten_winners")
    assert [leg.symbol for leg in report.legs] == ["BTCUSDT"]
    assert [(row.symbol, row.reason) for row in report.kept] == [("ETHUSDT", "not in profit at the mark")]


async def test_a_partial_close_is_rounded_down_to_the_lot(rig: ProtectionRig) -> None:
    await rig.hold("0.501")
    report = await preview(
        rig.desk, READER, selection=at(rig.venue), action="partial_close", symbol="btc", exit_pct=25
    )
    leg = report.legs[0]
    assert (leg.quantity, leg.remaining_qty) == (D("0.125"), D("0.376"))
    half = await preview(rig.desk, READER, selection=at(rig.venue), action="partial_close", symbol="BTC")
    assert half.legs[0].quantity == D("0.25")


async def test_a_part_below_the_minimum_is_named_and_nothing_would_be_sent(rig: ProtectionRig) -> None:
    await rig.hold("0.005")
    report = await preview(
        rig.desk, READER, selection=at(rig.venue), action="partial_close", symbol="BTC", exit_pct=1
    )
    leg = report.legs[0]
    assert (leg.orders, leg.quantity) == (0, D(0))
    assert any("minimum of 0.001" in text for text in leg.hindrances)


async def test_the_orders_that_would_be_cancelled_are_listed(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await rig.rest("BUY", "1", price="900")
    await rig.rest("SELL", "0.5", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    await rig.rest("BUY", "1", price="900", symbol="ETHUSDT")
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    assert sorted((row.symbol, row.when) for row in report.cancels) == [
        ("BTCUSDT", "at once"),
        ("BTCUSDT", "once its position is gone"),
        ("ETHUSDT", "at once"),
    ]
    assert report.totals.orders_to_cancel == 3
    btc = Selection(venues=frozenset({rig.venue}), symbols=frozenset({"BTCUSDT"}))
    assert len((await preview(rig.desk, READER, selection=btc)).cancels) == 2
    part = await preview(rig.desk, READER, selection=at(rig.venue), action="partial_close", symbol="BTC")
    assert part.cancels == ()
    assert len((await rig.truth())["open_orders"]) == 3


async def test_a_credential_that_only_reads_hinders_every_leg(rig: ProtectionRig) -> None:
    await rig.load(permissions=["read"])
    await rig.hold("0.5")
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    assert any("cannot trade" in text for text in report.legs[0].hindrances)
    assert any("cannot trade" in text for text in report.warnings)


async def test_a_book_that_cannot_be_read_is_that_legs_hindrance(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    path = {"binance": "/fapi/v1/depth", "bybit": "/v5/market/orderbook"}[rig.venue]
    await rig.fault("fail", path=path)
    leg = (await preview(rig.desk, READER, selection=at(rig.venue))).legs[0]
    assert leg.estimated_exit_price is None
    assert any("could not be read" in text for text in leg.hindrances)


async def test_a_part_of_the_account_that_did_not_come_is_told(rig: ProtectionRig) -> None:
    path = {"binance": "/fapi/v3/positionRisk", "bybit": "/v5/position/list"}[rig.venue]
    await rig.fault("fail", path=path)
    rig.desk.readings.forget()
    report = await preview(rig.desk, READER, selection=at(rig.venue))
    assert {part.account for part in report.unread} == {rig.account}
    assert "NOT READ" in report.summary


async def test_the_fee_is_read_once_however_often_a_preview_is_asked_for(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    for _ in range(3):
        await preview(rig.desk, READER, selection=at(rig.venue))
    path = {"binance": "/fapi/v1/commissionRate", "bybit": "/v5/account/fee-rate"}[rig.venue]
    assert len(await rig.requests(path)) <= 1


async def test_what_cannot_be_previewed_is_refused(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    with pytest.raises(Refused, match="no action"):
        await preview(rig.desk, READER, action="open_everything")
    with pytest.raises(Refused, match="needs a symbol"):
        await preview(rig.desk, READER, action="partial_close")
    with pytest.raises(Refused, match="belongs to"):
        await preview(rig.desk, READER, exit_pct=50)
    for percent in (0, 101):
        with pytest.raises(Refused, match="1 to 100"):
            await preview(rig.desk, READER, action="partial_close", symbol="BTC", exit_pct=percent)
    with pytest.raises(PositionNotFound):
        await preview(rig.desk, READER, action="partial_close", symbol="ETH", selection=at(rig.venue))
    with pytest.raises(SymbolUnknown):
        await preview(rig.desk, READER, action="partial_close", symbol="DOGE", selection=at(rig.venue))
    stops = Principal(id="s", surface="test", scope=Scope.TRADE, only_stops=True)
    with pytest.raises(ScopeDenied):
        await preview(rig.desk, stops)
