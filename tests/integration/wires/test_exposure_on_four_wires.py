"""What an exit says of exposure, on real sockets: net by asset, coins at risk, what is not known."""

import time
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from tests.wires_rig import OWNER, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
NO_HOLD = Decimal(0)
WAITED_MS = 550
BINANCE = Selection(accounts=frozenset({"paper-binance"}))
# What a coin is worth; no look asks for it.
RATES = "/fapi/v1/premiumIndex"


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


@pytest.mark.parametrize("hold_s", [NO_HOLD, Decimal(5)])
async def test_an_answer_waits_a_moment_for_a_venue_that_tells_its_coins_late(
    wires: WiresRig, hold_s: Decimal
) -> None:
    await wires.load(coins={"BTC": "1.5"})
    await wires.hold("2", venues=("binance",))
    # The second look comes a quarter of a second after the first one, and so does the verdict.
    await wires.fault("latency", "binance", path=RATES, request_ms=WAITED_MS, answer_ms=0)
    report = await emergency_exit(wires.desk, OWNER, selection=BINANCE, hold_s=hold_s)
    assert report.verdict is Verdict.FLAT
    assert report.time_to_flat_ms is not None
    assert report.time_to_flat_ms < WAITED_MS
    assert "binance" in {coin.exchange for coin in report.exposure.collateral}
    assert report.exposure.collateral_unread == ()


async def test_an_answer_does_not_wait_long_for_coins(wires: WiresRig) -> None:
    await wires.load(coins={"BTC": "1.5"})
    await wires.hold("2", venues=("binance",))
    await wires.fault("latency", "binance", path=RATES, request_ms=4000, answer_ms=0)
    began = time.monotonic()
    report = await emergency_exit(wires.desk, OWNER, selection=BINANCE, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert time.monotonic() - began < 3
    (unread,) = report.exposure.collateral_unread
    assert (unread.exchange, unread.reason) == ("binance", "it was not read")


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
