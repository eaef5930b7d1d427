"""Stops and take profits over real sockets, on each venue's wire, judged by what the exchange truly holds."""

from decimal import Decimal

import pytest

from bastion.commands import set_stop_loss, set_take_profit
from bastion.domain.position import Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import PositionNotFound, Refused, ScopeDenied, SymbolUnknown, WrongSide
from tests.protection_rig import OWNER, PLACING, READER, ProtectionRig, at

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_longs_stop_stands_and_closes_all_of_it_when_the_mark_falls(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    report = await set_stop_loss(rig.desk, OWNER, symbol="btc", sl_price=D("950.03"), selection=at(rig.venue))
    assert report.success
    assert (report.symbol, report.sl_price, report.previous_sl) == ("BTCUSDT", D("950.1"), None)
    assert (report.current_price, report.distance_pct) == (D(1000), D("4.99"))
    assert report.order_id is not None
    assert report.order_id.startswith("sl_")
    assert await rig.triggers() == [D("950.1")]
    await rig.price("951")
    assert await rig.held() == {("BTCUSDT", "NET"): D("0.5")}
    await rig.price("950")
    assert await rig.held() == {}
    assert await rig.waiting() == []


async def test_a_shorts_stop_closes_it_when_the_mark_rises_and_never_flips_it(rig: ProtectionRig) -> None:
    await rig.hold("-0.5")
    report = await set_stop_loss(
        rig.desk, OWNER, symbol="BTC/USDT", sl_price=D("1050.07"), selection=at(rig.venue)
    )
    assert report.sl_price == D(1050)
    assert report.legs[0].direction is Side.SHORT
    await rig.price("1060")
    assert await rig.held() == {}
    fills = [fill for fill in (await rig.truth())["fills"] if fill["direction"] == "BUY"]
    assert sum(D(fill["quantity"]) for fill in fills) == D("0.5")


async def test_a_stop_covers_what_is_added_to_the_position_later(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    await rig.hold("0.7")
    await rig.price("940")
    assert await rig.held() == {}


async def test_a_take_profit_closes_everything_by_default(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="900")
    report = await set_take_profit(
        rig.desk, OWNER, symbol="BTC-USDT", tp_price=D("1100.09"), selection=at(rig.venue)
    )
    assert (report.success, report.tp_price, report.exit_pct) == (True, D(1100), 0)
    assert report.distance_pct == D(10)
    assert report.order_id is not None
    assert report.order_id.startswith("tp_")
    await rig.price("1101")
    assert await rig.held() == {}


async def test_a_partial_take_profit_takes_its_part_and_leaves_the_rest(rig: ProtectionRig) -> None:
    await rig.hold("0.501")
    report = await set_take_profit(
        rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=25, selection=at(rig.venue)
    )
    assert report.legs[0].quantity == D("0.125")
    await rig.price("1101")
    assert await rig.held() == {("BTCUSDT", "NET"): D("0.376")}


async def test_a_new_stop_takes_the_place_of_the_old_one(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    first = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    second = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert second.previous_sl == D(900)
    assert [each.order_id for each in second.replaced] == [first.order_id]
    assert second.kept == ()
    assert second.warnings == ()
    assert await rig.triggers() == [D(950)]
    await rig.price("940")
    assert await rig.held() == {}


async def test_the_same_stop_again_leaves_one_stop(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    for _ in range(3):
        report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
        assert report.success
    assert await rig.triggers() == [D(900)]


async def test_a_stop_and_a_take_profit_stand_beside_each_other(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    report = await set_take_profit(rig.desk, OWNER, symbol="BTC", tp_price=D(1100), selection=at(rig.venue))
    assert (report.replaced, report.kept) == ((), ())
    assert await rig.triggers() == [D(900), D(1100)]


async def test_partial_take_profits_at_other_prices_stay_and_are_named(rig: ProtectionRig) -> None:
    await rig.hold("1")
    for price in ("1100", "1200"):
        await set_take_profit(
            rig.desk, OWNER, symbol="BTC", tp_price=D(price), exit_pct=25, selection=at(rig.venue)
        )
    third = await set_take_profit(
        rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=40, selection=at(rig.venue)
    )
    assert [(each.trigger_price, each.quantity) for each in third.replaced] == [(D(1100), D("0.25"))]
    assert [(each.trigger_price, each.quantity) for each in third.kept] == [(D(1200), D("0.25"))]
    assert await rig.waiting() == [(D(1100), D("0.4")), (D(1200), D("0.25"))]


async def test_a_whole_take_profit_replaces_a_whole_one_and_keeps_the_parts(rig: ProtectionRig) -> None:
    await rig.hold("1")
    await set_take_profit(
        rig.desk, OWNER, symbol="BTC", tp_price=D(1050), exit_pct=25, selection=at(rig.venue)
    )
    await set_take_profit(rig.desk, OWNER, symbol="BTC", tp_price=D(1100), selection=at(rig.venue))
    report = await set_take_profit(rig.desk, OWNER, symbol="BTC", tp_price=D(1200), selection=at(rig.venue))
    assert [each.trigger_price for each in report.replaced] == [D(1100)]
    assert [each.trigger_price for each in report.kept] == [D(1050)]
    assert await rig.triggers() == [D(1050), D(1200)]


async def test_in_hedge_mode_each_side_gets_its_own_stop(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("0.5", side="LONG")
    await rig.hold("-0.3", side="SHORT")
    for side, price in ((Side.LONG, D(900)), (Side.SHORT, D(1100))):
        selection = Selection(venues=frozenset({rig.venue}), sides=frozenset({side}))
        report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=price, selection=selection)
        assert report.success
        assert [leg.direction for leg in report.legs] == [side]
    assert await rig.triggers() == [D(900), D(1100)]
    await rig.price("1110")
    assert await rig.held() == {("BTCUSDT", "LONG"): D("0.5")}
    await rig.price("890")
    assert await rig.held() == {}


async def test_in_hedge_mode_a_stop_is_replaced_on_its_own_side_only(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("0.5", side="LONG")
    await rig.hold("-0.3", side="SHORT")
    long = Selection(venues=frozenset({rig.venue}), sides=frozenset({Side.LONG}))
    short = Selection(venues=frozenset({rig.venue}), sides=frozenset({Side.SHORT}))
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(1100), selection=short)
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=long)
    moved = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=long)
    assert [each.trigger_price for each in moved.replaced] == [D(900)]
    assert await rig.triggers() == [D(950), D(1100)]


async def test_one_price_for_both_sides_protects_one_and_says_so_of_the_other(rig: ProtectionRig) -> None:
    await rig.load(hedge=True)
    await rig.hold("0.5", side="LONG")
    await rig.hold("-0.3", side="SHORT")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert not report.success
    assert [leg.direction for leg in report.legs] == [Side.LONG]
    assert [(error.direction, error.code) for error in report.errors] == [(Side.SHORT, "WRONG_SIDE")]
    assert report.next_step is not None
    assert await rig.triggers() == [D(900)]


@pytest.mark.parametrize(("quantity", "price"), [("0.5", "1000"), ("0.5", "1001"), ("-0.5", "999.9")])
async def test_a_stop_that_would_fire_at_once_is_refused_and_nothing_changes(
    rig: ProtectionRig, quantity: str, price: str
) -> None:
    await rig.hold(quantity)
    with pytest.raises(WrongSide, match="would fire at once") as raised:
        await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(price), selection=at(rig.venue))
    assert raised.value.code == "WRONG_SIDE"
    assert await rig.waiting() == []
    assert [row["path"] for row in await rig.requests() if row["method"] != "GET"] == []


async def test_rounding_towards_the_market_cannot_put_a_stop_onto_it(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    with pytest.raises(WrongSide):
        await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D("999.95"), selection=at(rig.venue))


async def test_an_unknown_symbol_and_a_symbol_that_is_not_open_are_told_apart(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    with pytest.raises(SymbolUnknown, match="DOGEUSDT"):
        await set_stop_loss(rig.desk, OWNER, symbol="DOGE", sl_price=D(1), selection=at(rig.venue))
    with pytest.raises(PositionNotFound, match="ETHUSDT"):
        await set_take_profit(rig.desk, OWNER, symbol="ETH", tp_price=D(1), selection=at(rig.venue))
    with pytest.raises(SymbolUnknown, match="delisted"):
        await set_take_profit(rig.desk, OWNER, symbol="LUNA", tp_price=D(1), selection=at(rig.venue))


@pytest.mark.parametrize("exit_pct", [-1, 101])
async def test_a_part_outside_of_one_to_a_hundred_is_refused(rig: ProtectionRig, exit_pct: int) -> None:
    with pytest.raises(Refused, match="exit_pct"):
        await set_take_profit(rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=exit_pct)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
async def test_a_price_that_is_none_is_refused(rig: ProtectionRig, price: str) -> None:
    with pytest.raises(Refused, match="above zero"):
        await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(price))


async def test_a_part_below_the_minimum_names_the_minimum(rig: ProtectionRig) -> None:
    await rig.hold("0.005")
    with pytest.raises(Refused, match=r"minimum of 0\.001"):
        await set_take_profit(
            rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=1, selection=at(rig.venue)
        )
    assert await rig.waiting() == []


async def test_a_credential_that_only_reads_is_that_legs_error_and_nothing_stands(rig: ProtectionRig) -> None:
    await rig.load(permissions=["read"])
    await rig.hold("0.5")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert not report.success
    assert report.order_id is None
    assert [error.code for error in report.errors] == [{"binance": "-2015", "bybit": "10005"}[rig.venue]]
    assert report.next_step is not None
    assert report.summary.startswith("NO stop loss")
    assert await rig.waiting() == []


async def test_a_key_that_only_reads_and_a_key_with_a_cap_are_refused_before_anything(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5")
    with pytest.raises(ScopeDenied):
        await set_stop_loss(rig.desk, READER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    capped = Principal(id="k", surface="test", scope=Scope.TRADE, notional_cap_usd=D(100))
    with pytest.raises(ScopeDenied, match=r"100\.00"):
        await set_stop_loss(rig.desk, capped, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert await rig.waiting() == []
    part = await set_take_profit(
        rig.desk, capped, symbol="BTC", tp_price=D(1100), exit_pct=20, selection=at(rig.venue)
    )
    assert part.success


async def test_a_key_of_one_account_moves_no_stop_of_another(rig: ProtectionRig) -> None:
    for venue in ("binance", "bybit"):
        await rig.hold("0.5", venue=venue)
    own = Principal(id="k", surface="test", scope=Scope.TRADE, accounts=frozenset({rig.account}))
    report = await set_stop_loss(rig.desk, own, symbol="BTC", sl_price=D(900))
    assert [leg.account for leg in report.legs] == [rig.account]
    other = "bybit" if rig.venue == "binance" else "binance"
    assert await rig.waiting(other) == []
    assert [row for row in await rig.requests() if row["venue"] == other] == []


async def test_the_symbol_on_two_venues_gives_two_legs(rig: ProtectionRig) -> None:
    for venue in ("binance", "bybit"):
        await rig.hold("0.5", venue=venue)
    both = Selection(venues=frozenset({"binance", "bybit"}))
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=both)
    assert report.success
    assert {leg.exchange for leg in report.legs} == {"binance", "bybit"}
    for venue in ("binance", "bybit"):
        assert await rig.triggers(venue) == [D(900)]


async def test_what_the_venue_refuses_leaves_the_old_stop_standing(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    for path in PLACING[rig.venue]:
        await rig.fault("fail", path=path, method="POST", failure="internal_error")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert not report.success
    assert len(report.errors) == 1
    assert await rig.triggers() == [D(900)]
    await rig.paper.control("DELETE", "/faults")
    await rig.price("890")
    assert await rig.held() == {}
