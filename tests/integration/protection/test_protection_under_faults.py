"""A position is never without its stop: lost answers, refusals and failing cancels at every step."""

from decimal import Decimal

import pytest

from bastion.commands import set_stop_loss, set_take_profit
from tests.protection_rig import OWNER, PLACING, ProtectionRig, at

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCELLING = {"binance": ("/fapi/v1/algoOrder", "DELETE"), "bybit": ("/v5/order/cancel", "POST")}
ASKING = {"binance": "/fapi/v1/algoOrder", "bybit": "/v5/order/realtime"}


async def placed(rig: ProtectionRig) -> int:
    rows = [row for path in PLACING[rig.venue] for row in await rig.requests(path)]
    return sum(row["method"] == "POST" for row in rows)


async def test_an_order_whose_answer_was_lost_is_looked_up_and_not_sent_again(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    # The one venue hangs up, the other never answers.
    kind = "reset" if rig.venue == "binance" else "never"
    for path in PLACING[rig.venue]:
        await rig.fault(kind, path=path, method="POST", executed=True, count=1)
    report = await set_take_profit(
        rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=50, selection=at(rig.venue)
    )
    assert report.success, report.errors
    assert await placed(rig) == 1
    assert await rig.waiting() == [(D(1100), D("0.25"))]


async def test_an_order_that_never_arrived_is_asked_for_and_then_sent_once_more(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    for path in PLACING[rig.venue]:
        await rig.fault("reset", path=path, method="POST", executed=False, count=1)
    report = await set_take_profit(
        rig.desk, OWNER, symbol="BTC", tp_price=D(1100), exit_pct=50, selection=at(rig.venue)
    )
    assert report.success, report.errors
    asked = [row for row in await rig.requests(ASKING[rig.venue]) if row["method"] == "GET"]
    assert asked != []
    assert await rig.waiting() == [(D(1100), D("0.25"))]


async def test_a_whole_stop_whose_answer_was_lost_stands_once(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    for path in PLACING[rig.venue]:
        await rig.fault("reset", path=path, method="POST", executed=True, count=1)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert report.success, report.errors
    assert await rig.triggers() == [D(950)]


async def test_overload_is_waited_out_since_nothing_was_executed(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    for path in PLACING[rig.venue]:
        await rig.fault("fail", path=path, method="POST", failure="overloaded", count=1)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert report.success, report.errors
    assert await rig.triggers() == [D(900)]


async def test_an_outcome_that_stays_unknown_is_told_and_the_old_stop_stays(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    for path in PLACING[rig.venue]:
        await rig.fault("reset", path=path, method="POST", executed=False)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert not report.success
    assert len(report.errors) == 1
    assert await rig.triggers() == [D(900)]


async def test_a_stop_that_cannot_be_taken_away_stays_beside_the_new_one_and_is_named(
    rig: ProtectionRig,
) -> None:
    await rig.hold("0.5")
    # A stop of the position's size, as another bot places it: nothing of the venue's replaces that.
    await rig.rest("SELL", "0.5", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    path, method = CANCELLING[rig.venue]
    await rig.fault("fail", path=path, method=method, failure="internal_error")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert report.previous_sl == D(900)
    assert report.replaced == ()
    assert [each.trigger_price for each in report.kept] == [D(900)]
    assert any("not taken away" in warning for warning in report.warnings)
    assert await rig.triggers() == [D(900), D(950)]
    # Two stops that can only reduce: the position is closed once and never flipped.
    await rig.price("850")
    assert await rig.held() == {}


async def test_another_bots_stop_of_the_same_size_is_replaced_too(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await rig.rest("SELL", "0.5", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert [each.trigger_price for each in report.replaced] == [D(900)]
    assert await rig.triggers() == [D(950)]


async def test_a_stop_for_a_part_stays_and_is_named(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await rig.rest("SELL", "0.2", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert report.previous_sl is None
    assert [(each.trigger_price, each.quantity) for each in report.kept] == [(D(900), D("0.2"))]
    assert await rig.triggers() == [D(900), D(950)]


async def test_an_order_that_could_open_is_never_taken_for_a_stop(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await rig.rest("SELL", "0.5", trigger_price="900", trigger_when="FALLS_TO")
    await rig.rest("BUY", "0.5", trigger_price="1200", trigger_when="RISES_TO")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert (report.previous_sl, report.replaced, report.kept) == (None, (), ())
    assert await rig.triggers() == [D(900), D(950), D(1200)]


async def test_between_the_steps_of_a_replacement_there_is_always_a_stop(rig: ProtectionRig) -> None:
    """Every change that the venue made is replayed from its record: at no moment did none stand."""
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    for price in ("910", "950", "920", "905"):
        await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(price), selection=at(rig.venue))
    rows = [row for row in (await rig.truth())["orders"] if row["trigger_price"]]
    assert all(row["reduce_only"] or row["close_position"] for row in rows)
    ended = [row for row in rows if row["state"] == "CANCELLED"]
    begun = min(row["created_ms"] for row in rows)
    for row in ended:
        moment = row["updated_ms"]
        others = [
            other
            for other in rows
            if other is not row
            and other["created_ms"] <= moment
            and (other["state"] == "UNTRIGGERED" or other["updated_ms"] >= moment)
        ]
        assert others, f"at {moment - begun} ms no stop stood"
    assert await rig.triggers() == [D(905)]


async def test_when_the_whole_position_form_fails_the_order_in_between_stays(
    desk_process: ProtectionRig,
) -> None:
    rig = desk_process
    rig.venue = "binance"
    await rig.load()
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at("binance"))
    # The first placement of the replacement passes, all later ones fail.
    await rig.fault("fail", path="/fapi/v1/algoOrder", method="POST", failure="internal_error", skip=1)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at("binance"))
    assert report.success
    assert report.legs[0].quantity == D("0.5")
    assert "size of now" in report.legs[0].note
    assert await rig.waiting() == [(D(950), D("0.5"))]
    await rig.price("940")
    assert await rig.held() == {}


async def test_a_position_above_the_market_maximum_is_bridged_in_parts(desk_process: ProtectionRig) -> None:
    rig = desk_process
    rig.venue = "binance"
    await rig.load()
    await rig.hold("250")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at("binance"))
    await rig.paper.control("DELETE", "/requests")
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at("binance"))
    assert report.success
    assert await rig.waiting() == [(D(950), D(0))]
    sent = [row for row in await rig.requests("/fapi/v1/algoOrder") if row["method"] == "POST"]
    assert len(sent) == 4


POSITIONS = {"binance": "/fapi/v3/positionRisk", "bybit": "/v5/position/list"}


async def test_an_account_that_cannot_be_read_is_told_and_never_taken_for_empty(rig: ProtectionRig) -> None:
    await rig.hold("0.5")
    await rig.fault("fail", path=POSITIONS[rig.venue])
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    assert (report.success, report.legs, report.order_id) == (False, (), None)
    assert {part.account for part in report.unread} == {rig.account}
    assert report.next_step is not None
    assert "NOT READ" in report.summary
    assert await rig.waiting() == []


@pytest.mark.parametrize("shape", ["truncated", "html"])
async def test_a_list_of_stops_that_breaks_off_is_no_list(rig: ProtectionRig, shape: str) -> None:
    await rig.hold("0.5")
    await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(900), selection=at(rig.venue))
    path = {"binance": "/fapi/v1/openAlgoOrders", "bybit": "/v5/order/realtime"}[rig.venue]
    await rig.fault("malformed", path=path, shape=shape)
    report = await set_stop_loss(rig.desk, OWNER, symbol="BTC", sl_price=D(950), selection=at(rig.venue))
    assert not report.success
    assert len(report.errors) == 1
    assert await rig.triggers() == [D(900)]
