"""The interface's 21 worked examples, over HTTP, exact to the digit."""

from fractions import Fraction
from math import ceil, floor

import pytest

from bastion.paper.strike.settings import VenueSettings
from bastion.paper.wire.strike import LimitSettings
from tests.acceptance.strike_wire.conftest import ALICE, BOB, Build
from tests.acceptance.strike_wire.world import World

CAROL = "0x" + "ca" * 20
DAVE = "0x" + "da" * 20
ENTRY = 100_000


def mark_for_net(notional: int, net: str) -> str:
    """The mark at which a long opened at 100,000 nets exactly `net` USD after the C1 fee, by bisection."""
    wanted, entry = int(Fraction(net) * 10**6), ENTRY * 10**6

    def net_at(mark: int) -> int:
        pnl = floor(Fraction(notional * 10**6 * (mark - entry), entry))
        return pnl - ceil(pnl * Fraction(3, 10) / (1 + Fraction(mark - entry, entry) * 10))

    low, high = entry, 2 * entry
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if net_at(middle) < wanted else (low, middle)
    assert net_at(low) == wanted
    return str(Fraction(low, 10**6))


async def accrue(world: World, hours: int) -> None:
    """Let the positions reach the age of funding, then charge so many hours."""
    world.advance(8 * 3600)
    for _ in range(hours):
        await world.fund()


async def at_skew_one_half(world: World) -> int:
    """Alice's long of 1,000 USD in a market with 3,000 long and 1,000 short: 0.20 % per 8 hours."""
    for wallet in (ALICE, BOB, CAROL):
        await world.deposit(wallet, "300")
    await world.deposit(ALICE, "0.000001")
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="100", leverage=10)
    await world.open(BOB, margin="200", leverage=10)
    await world.open(CAROL, margin="100", leverage=10, side="short")
    assert (await world.get("/market/BTC-USD")).body["skew"] == "0.5000"
    return position_id


async def test_example_1_an_exit_with_the_position_worth_150_refunds_100(world: World) -> None:
    await world.deposit(ALICE, "100.00")
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="100.00", leverage=1)
    await world.tick("150000")
    assert (await world.exit(ALICE, position_id)).body["refundedAmount"] == "100.0"
    assert await world.withdrawable(ALICE) == "100.00"
    assert world.venue.metrics().treasury == 0
    assert (await world.get(f"/positions/{ALICE}")).body == {"open": [], "closed": [], "settled": []}


async def test_example_2_an_exit_with_the_position_worth_75_refunds_100(world: World) -> None:
    await world.deposit(ALICE, "100.00")
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="100.00", leverage=1)
    await world.tick("75000")
    assert (await world.exit(ALICE, position_id)).body["refundedAmount"] == "100.0"
    assert await world.withdrawable(ALICE) == "100.00"
    assert world.venue.metrics().treasury == 0


async def test_example_3_the_answer_is_exact_and_a_repetition_is_refused(world: World) -> None:
    await world.deposit(ALICE, "100.0")
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="100.0")
    assert (await world.exit(ALICE, position_id)).body == {"success": True, "refundedAmount": "100.0"}
    again = await world.exit(ALICE, position_id)
    assert again.status == 400
    assert again.body == {"error": 400, "message": "Position not found or already closed"}


async def test_example_4_net_is_gross_minus_fee_and_gross_is_price_plus_funding(world: World) -> None:
    await world.endow(1000)
    position_id = await at_skew_one_half(world)
    await accrue(world, 9)
    await world.tick("112550")
    body = (await world.close(ALICE, position_id)).body
    assert (body["pricePnl"], body["accumulatedFunding"], body["grossPnl"]) == ("125.50", "-2.25", "123.25")
    assert Fraction(body["realizedPnl"]) == Fraction("123.25") - Fraction(body["pnlFee"])
    assert body["pnlFee"] == "16.696231"


@pytest.mark.parametrize(("side", "mark"), [("long", "46000"), ("short", "44000")], ids=["5", "6"])
async def test_examples_5_and_6_price_pnl_of_a_thousand_dollars(world: World, side: str, mark: str) -> None:
    await world.endow(100)
    await world.deposit(ALICE, "100")
    await world.tick("45000")
    position_id = await world.open(ALICE, margin="100", leverage=10, side=side)
    await world.tick(mark)
    assert (await world.close(ALICE, position_id)).body["pricePnl"] == "22.222222"


async def test_example_7_a_short_from_45123_50_is_up_4_71_percent_at_43000(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("45123.50")
    await world.open(ALICE, margin="100", leverage=1, side="short")
    await world.tick("43000")
    assert (await world.get(f"/dashboard/{ALICE}")).body["active"][0]["return_on_equity"] == "4.71"


async def test_example_8_a_profit_that_the_treasury_can_pay_is_settled_at_once(world: World) -> None:
    await world.endow(83)
    position_id = await at_skew_one_half(world)
    await accrue(world, 8)
    before = Fraction(await world.withdrawable(ALICE))
    await world.tick("110000")
    body = (await world.close(ALICE, position_id)).body
    assert (body["pricePnl"], body["accumulatedFunding"], body["pnlFee"]) == ("100.00", "-2.00", "15.00")
    assert (body["realizedPnl"], body["status"]) == ("83.00", "settled")
    assert body["settledAt"] == body["closedAt"]
    assert Fraction(await world.withdrawable(ALICE)) - before == 183
    assert world.venue.metrics().treasury == 0


async def test_example_9_a_profit_that_the_treasury_cannot_pay_waits_in_the_queue(world: World) -> None:
    await world.endow(82)
    position_id = await at_skew_one_half(world)
    await accrue(world, 8)
    before = await world.withdrawable(ALICE)
    await world.tick("110000")
    body = (await world.close(ALICE, position_id)).body
    assert (body["status"], body["settledAt"], body["realizedPnl"]) == ("closed", None, "83.00")
    queue = (await world.get(f"/positions/{ALICE}/queue-positions")).body
    assert queue["queuePositions"] == {str(position_id): "0.00"}
    assert queue["entries"][str(position_id)]["net_payout"] == 183.0
    assert await world.withdrawable(ALICE) == before
    await world.endow(1)
    assert Fraction(await world.withdrawable(ALICE)) - Fraction(before) == 183
    assert (await world.get(f"/positions/{ALICE}/queue-positions")).status == 404


async def test_example_10_eight_hours_at_skew_one_half_cost_two_dollars(world: World) -> None:
    position_id = await at_skew_one_half(world)
    world.advance(8 * 3600 - 1)
    await world.fund()
    listed = (await world.get(f"/positions/{ALICE}")).body["open"]
    assert [(item["id"], item["accumulatedFunding"]) for item in listed] == [(position_id, "0.00")]
    world.advance(1)
    await accrue(world, 8)
    assert (await world.get(f"/positions/{ALICE}")).body["open"][0]["accumulatedFunding"] == "-2.00"


async def test_example_11_at_60_to_40_shorts_receive_one_and_a_half_times_the_rate(world: World) -> None:
    long_funding, short_funding = await funding_at(world, long_usd=6000, short_usd=4000)
    assert (long_funding, short_funding) == ("-3.00", "3.00")
    assert Fraction(short_funding) / 4000 == Fraction(3, 2) * -Fraction(long_funding) / 6000


async def funding_at(world: World, *, long_usd: int, short_usd: int) -> tuple[str, str]:
    for wallet in (ALICE, BOB):
        await world.deposit(wallet, "1000")
    await world.tick(str(ENTRY))
    await world.open(ALICE, margin=str(long_usd // 10), leverage=10)
    await world.open(BOB, margin=str(short_usd // 10), leverage=10, side="short")
    await accrue(world, 8)
    shown = [(await world.get(f"/positions/{wallet}")).body["open"][0] for wallet in (ALICE, BOB)]
    return shown[0]["accumulatedFunding"], shown[1]["accumulatedFunding"]


@pytest.mark.parametrize(
    ("long_usd", "short_usd", "skew", "percent"),
    [
        (5000, 5000, "0.0000", "0.01"),
        (5500, 4500, "0.1000", "0.01"),
        (6000, 4000, "0.2000", "0.05"),
        (4500, 5500, "-0.1000", "0"),
        (4000, 6000, "-0.2000", "-0.05"),
    ],
)
async def test_example_12_the_rate_of_eight_hours_follows_from_the_skew(
    world: World, long_usd: int, short_usd: int, skew: str, percent: str
) -> None:
    paid_by_longs, paid_by_shorts = (
        -Fraction(text) for text in await funding_at(world, long_usd=long_usd, short_usd=short_usd)
    )
    assert (await world.get("/market/BTC-USD")).body["skew"] == skew
    rate = Fraction(percent) / 100
    assert paid_by_longs == (rate * long_usd if rate > 0 else rate * short_usd)
    assert paid_by_shorts == -paid_by_longs


async def test_example_13_annual_rates_and_the_printed_skew(build: Build) -> None:
    async def market(long_margin: str, short_margin: str, leverage: int) -> dict[str, str]:
        world = await build()
        await world.deposit(ALICE, "3000")
        await world.deposit(BOB, "3000")
        await world.tick(str(ENTRY))
        await world.open(ALICE, margin=long_margin, leverage=leverage)
        await world.open(BOB, margin=short_margin, leverage=leverage, side="short")
        shown: dict[str, str] = (await world.get("/market/BTC-USD")).body
        return shown

    paying = await market("650", "350", 10)
    assert (paying["long_funding_rate_hourly"], paying["long_funding_rate_annual"]) == ("0.000125", "1.095")
    receiving = await market("591.45", "408.55", 10)
    assert receiving["short_funding_rate_hourly"] == "-0.000075"
    assert receiving["short_funding_rate_annual"] == "-0.657"
    assert (await market("2500", "1800", 1000))["skew"] == "0.1628"


async def test_example_14_a_sol_long_is_liquidated_at_90_25_for_its_whole_margin(world: World) -> None:
    await world.deposit(ALICE, "75")
    await world.tick("95", "SOL-USD")
    body = {"margin": "75.0", "leverage": 20, "symbol": "SOL-USD"}
    opened = (await world.post("/long", body, headers=world.as_wallet(ALICE))).body
    assert opened["liquidationPrice"] == "90.25"
    world.advance(60)
    await world.tick("90.25", "SOL-USD")
    settled = (await world.get(f"/positions/{ALICE}")).body["settled"]
    assert [item["id"] for item in settled] == [opened["positionId"]]
    assert (settled[0]["realizedPnl"], settled[0]["pnlFee"]) == ("-75.00", "0.00")
    assert settled[0]["settledAt"] == settled[0]["closedAt"] == "2026-01-01T00:01:00Z"
    assert settled[0]["status"] == "settled"


@pytest.mark.parametrize(("side", "price"), [("long", "41234.15"), ("short", "49012.85")])
async def test_example_15_the_liquidation_price_at_a_buffer(build: Build, side: str, price: str) -> None:
    buffer = Fraction("0.1380655")
    world = await build(settings=VenueSettings(spread_rate=Fraction(0), liquidation_buffer=buffer))
    await world.deposit(ALICE, "100")
    await world.tick("45123.50")
    body = {"margin": "100", "leverage": 10, "symbol": "BTC-USD"}
    shown = (await world.post(f"/{side}", body, headers=world.as_wallet(ALICE))).body["liquidationPrice"]
    assert abs(Fraction(shown) - Fraction(price)) <= Fraction(1, 100)


async def test_example_16_net_payouts_in_the_queue(world: World) -> None:
    expected = {}
    for margin, net, payout in ((200, "20", 220.0), (500, "150", 650.0)):
        await world.deposit(ALICE, str(margin))
        await world.tick(str(ENTRY))
        position_id = await world.open(ALICE, margin=str(margin), leverage=1)
        await world.tick(mark_for_net(margin, net))
        assert (await world.close(ALICE, position_id)).body["status"] == "closed"
        expected[str(position_id)] = payout
    body = (await world.get(f"/positions/{ALICE}/queue-positions")).body
    assert {key: entry["net_payout"] for key, entry in body["entries"].items()} == expected
    assert list(body["queuePositions"].values()) == ["0.00", "220.00"]
    assert [entry["position_in_queue"] for entry in body["entries"].values()] == [1, 2]


async def test_example_17_the_account_shows_a_realised_quarter_dollar(world: World) -> None:
    await world.endow(10)
    for amount in ("1000", "500"):
        await world.deposit(ALICE, amount)
    withdrawal = world.movement(ALICE, "250")
    assert (await world.post("/withdraw", withdrawal, headers=world.as_wallet(ALICE))).status == 200
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="100", leverage=10)
    await world.tick(mark_for_net(1000, "0.25"))
    await world.close(ALICE, position_id)
    await world.open(ALICE, margin="500", leverage=2)
    body = (await world.get(f"/account/{ALICE}")).body
    assert body["balances"] == {"withdrawable": "750.25", "total": "1250.25", "reserved": "500.00"}
    assert [item["amount"] for item in body["deposits"]] == ["500.0", "1000.0"]
    assert [item["amount"] for item in body["withdrawals"]] == ["250.0"]


async def test_example_18_balances_after_a_loss_of_500(world: World) -> None:
    await world.deposit(ALICE, "2000.00")
    withdrawal = world.movement(ALICE, "499.50")
    assert (await world.post("/withdraw", withdrawal, headers=world.as_wallet(ALICE))).status == 200
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin="1000", leverage=1)
    await world.tick("50000")
    assert (await world.close(ALICE, position_id)).body["realizedPnl"] == "-500.00"
    await world.open(ALICE, margin="500.25", leverage=1)
    assert (await world.get(f"/balances/{ALICE}")).body == {
        "balance": "1000.50",
        "withdrawable": "500.25",
        "totalDeposited": "2000.00",
        "totalWithdrawn": "499.50",
    }
    assert (await world.get(f"/account/{ALICE}")).body["balances"]["reserved"] == "500.25"


async def test_example_19_the_dashboard_of_a_position_that_gained_a_third(world: World) -> None:
    await world.deposit(ALICE, "300")
    await world.tick("45000")
    await world.open(ALICE, margin="300", leverage=10)
    await world.tick("46500")
    reply = await world.get(f"/dashboard/{ALICE}")
    active = reply.body["active"][0]
    assert (active["position_value"], active["unrealized_pnl"]) == ("3000.0", "100.00")
    assert active["return_on_equity"] == "33.33"
    assert b'"leverage":10.0,' in reply.raw


@pytest.mark.parametrize(
    ("margin", "leverage", "mark", "fee"),
    [
        ("100", 10, "101000", "2.727273"),
        ("100", 10, "150000", "25.00"),
        ("200000", 10, "110000", "60000.00"),
    ],
    ids=["1 %", "50 %", "large"],
)
async def test_example_20_the_fee_of_a_profitable_close(
    world: World, margin: str, leverage: int, mark: str, fee: str
) -> None:
    await world.endow(1_000_000)
    await world.deposit(ALICE, margin)
    await world.tick(str(ENTRY))
    position_id = await world.open(ALICE, margin=margin, leverage=leverage)
    await world.tick(mark)
    assert (await world.close(ALICE, position_id)).body["pnlFee"] == fee


async def test_example_21_the_eleventh_request_within_a_minute_waits(build: Build) -> None:
    world = await build(limits=LimitSettings())
    for _ in range(10):
        assert (await world.exit(ALICE, 12345)).status == 400
    world.advance(15)
    limited = await world.exit(ALICE, 12345)
    assert limited.status == 429
    assert limited.body == {
        "error": "RATE_LIMIT_EXCEEDED",
        "message": "Rate limit exceeded. Please wait 45 seconds.",
        "retry_after": 45,
    }
    assert limited.headers["Retry-After"] == "45"
    assert (await world.exit(DAVE, 12345)).status == 400
    world.advance(44)
    assert (await world.exit(ALICE, 12345)).body["retry_after"] == 1
    world.advance(1)
    assert (await world.exit(ALICE, 12345)).status == 400
