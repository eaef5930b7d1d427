"""What an exit says of exposure, on real sockets: net by asset, coins at risk, what is not known."""

from decimal import Decimal

import pytest

from bastion.commands import emergency_exit
from bastion.domain.verdict import Verdict
from tests.wires_rig import OWNER, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
NO_HOLD = Decimal(0)


async def test_hedges_are_netted_and_coins_that_can_lose_value_are_named(wires: WiresRig) -> None:
    await wires.load(coins={"BTC": "1.5"})
    await wires.hold("2", venues=("binance", "bybit"))
    await wires.hold("-1", venues=("okx",))
    report = await emergency_exit(wires.desk, OWNER, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    exposure = report.exposure
    (row,) = exposure.assets
    # Two longs and a short at 1000; an OKX contract of the scenario is one coin.
    assert (row.asset, row.before_usd, row.after_usd) == ("BTC", Decimal(3000), Decimal(0))
    assert (row.before_qty, row.after_qty) == (Decimal(3), Decimal(0))
    assert exposure.unknown_before == exposure.unknown_after == ()
    assert exposure.orphaned == ()
    at_risk = {coin.exchange: (coin.coin, coin.quantity) for coin in exposure.collateral}
    assert at_risk == {venue: ("BTC", Decimal("1.5")) for venue in ("binance", "bybit", "okx")}
    assert exposure.collateral_unread == ()
    assert exposure.summary.startswith("Net exposure: BTC +3,000.00 USD before, none after.")


async def test_a_venue_that_takes_no_order_leaves_its_leg_orphaned(wires: WiresRig) -> None:
    await wires.hold("2", venues=("binance",))
    await wires.hold("-2", venues=("bybit",))
    await wires.fault("fail", "bybit", failure="unavailable", path="/v5/order/create*", method="POST")
    report = await emergency_exit(wires.desk, OWNER, hold_s=NO_HOLD, deadline_s=Decimal(3))
    assert report.verdict is Verdict.NOT_FLAT
    (orphan,) = report.exposure.orphaned
    assert (orphan.exchange, orphan.direction.value, orphan.quantity) == ("bybit", "SHORT", Decimal(2))
    assert "BTCUSDT LONG on binance (paper-binance) (closed by this exit)" in orphan.reason
    (row,) = report.exposure.assets
    assert (row.before_usd, row.after_usd) == (Decimal(0), Decimal(-2000))
