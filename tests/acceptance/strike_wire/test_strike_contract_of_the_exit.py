"""The seed's contract of the emergency exit, over HTTP, exact to the digit."""

from fractions import Fraction

import pytest

from bastion.paper.strike.commands import SetHalted, SetWithdrawals
from tests.acceptance.strike_wire.conftest import ALICE, BOB, Build
from tests.acceptance.strike_wire.world import World

GONE = {"error": 400, "message": "Position not found or already closed"}


async def test_an_exit_from_profit_returns_the_margin_and_nothing_of_the_gain(world: World) -> None:
    await world.endow(1000)
    await world.deposit(ALICE, "100.00")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100.00", leverage=5)
    assert await world.withdrawable(ALICE) == "0.00"
    await world.tick("110000")
    active = (await world.get(f"/dashboard/{ALICE}")).body["active"][0]
    assert active["unrealized_pnl"] == "50.00"
    reply = await world.exit(ALICE, position_id)
    assert reply.status == 200
    assert reply.raw == b'{"success":true,"refundedAmount":"100.0"}'
    assert await world.withdrawable(ALICE) == "100.00"
    assert world.venue.metrics().treasury == 1_000_000_000
    listed = (await world.get(f"/positions/{ALICE}")).body
    assert listed == {"open": [], "closed": [], "settled": []}
    assert (await world.get(f"/dashboard/{ALICE}")).body["history"] == []


async def test_an_exit_from_loss_returns_the_margin_and_charges_nothing_of_the_loss(world: World) -> None:
    await world.deposit(ALICE, "100.00")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100.00", leverage=5)
    await world.tick("95000")
    active = (await world.get(f"/dashboard/{ALICE}")).body["active"][0]
    assert active["unrealized_pnl"] == "-25.00"
    assert (await world.exit(ALICE, position_id)).body == {"success": True, "refundedAmount": "100.0"}
    assert await world.withdrawable(ALICE) == "100.00"
    assert world.venue.metrics().treasury == 0


async def test_a_large_position_exits_in_full_whatever_the_treasury_holds(world: World) -> None:
    await world.deposit(ALICE, "25000000.123456")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="25000000.123456", leverage=1000)
    await world.tick("100050")
    reply = await world.exit(ALICE, position_id)
    assert reply.body == {"success": True, "refundedAmount": "25000000.123456"}
    assert await world.withdrawable(ALICE) == "25000000.123456"
    market = (await world.get("/market/BTC-USD")).body
    assert (market["long_oi"], market["total_oi"], market["skew"]) == ("0.00", "0.00", "0.0000")


async def test_a_second_exit_is_refused_and_pays_nothing(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100.0")
    assert (await world.exit(ALICE, position_id)).body == {"success": True, "refundedAmount": "100.0"}
    again = await world.exit(ALICE, position_id)
    assert (again.status, again.body) == (400, GONE)
    assert await world.withdrawable(ALICE) == "100.00"


async def test_only_the_owner_exits_and_an_exited_id_is_unknown_to_everybody(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100")
    foreign = await world.exit(BOB, position_id)
    assert foreign.status == 403
    assert foreign.body == {"error": 403, "message": "Position does not belong to authenticated wallet"}
    assert (await world.exit(BOB, position_id + 1)).status == 400
    await world.exit(ALICE, position_id)
    assert (await world.exit(BOB, position_id)).body == GONE


@pytest.mark.parametrize("ended_by", ["loss", "liquidation", "queue"])
async def test_a_position_that_is_not_open_cannot_be_exited(world: World, ended_by: str) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100", leverage=10)
    await world.tick({"loss": "99000", "liquidation": "80000", "queue": "101000"}[ended_by])
    if ended_by != "liquidation":
        assert (await world.close(ALICE, position_id)).status == 200
    before = (await world.get(f"/account/{ALICE}")).raw
    refused = await world.exit(ALICE, position_id)
    assert (refused.status, refused.body) == (400, GONE)
    assert (await world.get(f"/account/{ALICE}")).raw == before


async def test_an_idempotency_key_replays_the_first_answer_byte_for_byte(world: World) -> None:
    await world.deposit(ALICE, "500")
    await world.tick("100000")
    first_id = await world.open(ALICE, margin="100")
    second_id = await world.open(ALICE, margin="200")
    first = await world.exit(ALICE, first_id, **{"Idempotency-Key": "exit-1"})
    again = await world.exit(ALICE, first_id, **{"Idempotency-Key": "exit-1"})
    assert (again.status, again.raw) == (first.status, first.raw) == (200, first.raw)
    other = await world.exit(ALICE, second_id, **{"Idempotency-Key": "exit-1"})
    assert other.status == 400
    assert await world.withdrawable(ALICE) == "300.00"
    assert len((await world.get(f"/positions/{ALICE}")).body["open"]) == 1


async def test_a_replay_survives_a_restart_of_the_venue(world: World) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100")
    first = await world.exit(ALICE, position_id, **{"Idempotency-Key": "exit-1"})
    await world.stop_venue()
    await world.start_venue()
    again = await world.exit(ALICE, position_id, **{"Idempotency-Key": "exit-1"})
    assert again.raw == first.raw
    assert await world.withdrawable(ALICE) == "100.00"


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "schlüssel"])
async def test_a_malformed_idempotency_key_is_refused_before_anything_moves(world: World, key: str) -> None:
    await world.deposit(ALICE, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100")
    refused = await world.exit(ALICE, position_id, **{"Idempotency-Key": key})
    assert refused.status == 400
    assert await world.withdrawable(ALICE) == "0.00"


async def test_the_exit_needs_no_mark_no_treasury_no_open_market_and_no_queue(build: Build) -> None:
    world = await build()
    await world.deposit(ALICE, "300")
    await world.deposit(BOB, "100")
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100")
    winner_id = await world.open(BOB, margin="100")
    await world.tick("100500")
    assert (await world.close(BOB, winner_id)).body["status"] == "closed"
    await world.command(SetHalted(symbol="BTC-USD", halted=True))
    await world.command(SetWithdrawals(suspended=True))
    world.advance(3 * 24 * 3600)
    assert (await world.exit(ALICE, position_id)).body == {"success": True, "refundedAmount": "100.0"}
    assert await world.withdrawable(ALICE) == "300.00"


async def test_the_comparison_with_a_normal_close_holds_line_by_line(world: World) -> None:
    await world.endow(10_000)
    await world.deposit(ALICE, "10000")

    async def ended(way: str, mark: str) -> tuple[Fraction, Fraction]:
        """The trader's gain, and the fee, when a position of 100 USD at 10x ends this way at the mark."""
        await world.tick("100000")
        before = Fraction(await world.withdrawable(ALICE))
        position_id = await world.open(ALICE, margin="100", leverage=10)
        await world.tick(mark)
        reply = await (world.close if way == "close" else world.exit)(ALICE, position_id)
        assert reply.status == 200
        fee = Fraction(reply.body.get("pnlFee", 0))
        return Fraction(await world.withdrawable(ALICE)) - before, fee

    # Aspect: PnL realization, profit potential, fees | normal closure | emergency exit
    assert await ended("close", "110000") == (Fraction(85), Fraction(15))
    assert await ended("exit", "110000") == (Fraction(0), Fraction(0))
    # Aspect: loss management
    assert await ended("close", "95000") == (Fraction(-50), Fraction(0))
    assert await ended("exit", "95000") == (Fraction(0), Fraction(0))
    # Aspect: speed. A closure depends on the market; the exit does not.
    await world.tick("100000")
    position_id = await world.open(ALICE, margin="100", leverage=10)
    await world.command(SetHalted(symbol="BTC-USD", halted=True))
    assert (await world.close(ALICE, position_id)).status == 400
    assert (await world.exit(ALICE, position_id)).status == 200
