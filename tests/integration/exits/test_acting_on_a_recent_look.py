"""What was seen a moment ago is closed without waiting for a look; only fresh looks prove anything."""

from decimal import Decimal

from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.domain.verdict import Verdict
from tests.protection_rig import ProtectionRig

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
NO_HOLD = Decimal(0)
POSITIONS, ORDER = "/fapi/v3/positionRisk", "/fapi/v1/order"


async def paths_of_the_exit(rig: ProtectionRig) -> list[str]:
    rows = await rig.requests()
    return [row["path"] for row in rows if row["venue"] == "binance"]


async def look_now(rig: ProtectionRig) -> None:
    for venue in rig.desk.venues.values():
        await venue.open(deadline_s=10)
    await rig.desk.readings.recent(within_s=0)
    await rig.paper.control("DELETE", "/requests")


async def test_the_first_request_is_the_closing_order_where_the_desk_has_just_looked(
    rig: ProtectionRig,
) -> None:
    await rig.hold("2")
    await rig.rest("SELL", "2", trigger_price="900", trigger_when="FALLS_TO", reduce_only=True)
    await look_now(rig)
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert (report.verdict, report.positions_closed) == (Verdict.FLAT, 1)
    asked = await paths_of_the_exit(rig)
    assert asked[0] == ORDER
    # The stop is swept on the word of the filled order, and two fresh looks prove the rest.
    swept = next(index for index, path in enumerate(asked) if "lgo" in path)
    looks = [index for index, path in enumerate(asked) if path == POSITIONS]
    assert len(looks) >= 2
    assert swept < looks[0]
    assert await rig.waiting() == []


async def test_a_position_that_is_gone_meanwhile_is_neither_opened_nor_missed(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await look_now(rig)
    await rig.paper.control(
        "POST",
        "/orders",
        {"venue": "binance", "symbol": "BTCUSDT", "direction": "SELL", "quantity": "2"},
    )
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {}


async def test_what_was_opened_since_the_look_is_closed_as_well(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await look_now(rig)
    for symbol, quantity in (("BTCUSDT", "1"), ("ETHUSDT", "3")):
        order = {"venue": "binance", "symbol": symbol, "direction": "BUY", "quantity": quantity}
        await rig.paper.control("POST", "/orders", order)
    report = await emergency_exit(rig.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {}
