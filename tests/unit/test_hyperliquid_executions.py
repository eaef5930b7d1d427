"""What is asked of a Hyperliquid account's executions, and what one reading of them is good for."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from bastion.errors import VenueUnreachable
from bastion.venues.ccxt.hyperliquid_dexes import Settled
from bastion.venues.ccxt.hyperliquid_fills import OLDER_S, HyperliquidFills, Latest
from bastion.venues.ccxt.hyperliquid_witness import CLOSED_S, FRESH_S, UNASKED, HyperliquidWitness
from bastion.venues.ccxt.shelf import Shelf
from bastion.venues.ccxt.witness import Claim
from bastion.venues.deadline import Deadline
from bastion.venues.raw import Answer
from tests.simulation.exits.virtual_time import VirtualClock

BEGAN_MS = 1_000
OLD: dict[str, object] = {
    "coin": "ETH",
    "tid": 1,
    "oid": 1,
    "side": "B",
    "px": "1",
    "sz": "2",
    "startPosition": "0",
    "time": 10,
}
NEW: dict[str, object] = {
    "coin": "BTC",
    "tid": 2,
    "oid": 2,
    "side": "A",
    "px": "1",
    "sz": "3",
    "startPosition": "3",
    "time": 2_000,
}


class Venue:
    """Answers both questions about executions, and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.clock = VirtualClock()
        self.fails = False
        self.latest = Latest()
        self.rows: list[dict[str, object]] = [NEW, OLD]
        self.fills = HyperliquidFills(self.ask, "0xa", {}, self.clock, self.latest)
        self.deadline = Deadline(self.clock, 8.0)

    async def ask(self, asked: Mapping[str, object], _deadline: Deadline) -> Answer:
        kind = str(asked["type"])
        self.asked.append(kind)
        if self.fails:
            raise VenueUnreachable("down")
        rows = [row for row in self.rows if kind == "userFills" or row["time"] != OLD["time"]]
        text = str(rows).replace("'", '"')
        return Answer(status=200, headers={}, text=text)

    async def last(self, coin: str) -> Decimal | None:
        return await self.fills.last_position(coin, self.deadline, now_ms=3_000)


async def test_executions_and_a_second_source_of_one_moment_are_one_request() -> None:
    venue = Venue()
    async with asyncio.TaskGroup() as group:
        group.create_task(venue.fills.read([], BEGAN_MS, {}, venue.deadline))
        left = group.create_task(_later(venue, "BTC"))
    assert left.result() == 0
    assert venue.asked == ["userFillsByTime"]


async def test_a_coin_without_an_execution_since_the_exit_began_is_looked_up_among_all_of_them_once() -> None:
    venue = Venue()
    await venue.fills.read([], BEGAN_MS, {}, venue.deadline)
    assert [await venue.last("ETH"), await venue.last("ETH"), await venue.last("BTC")] == [2, 2, 0]
    assert venue.asked == [
        "userFillsByTime",
        "userFillsByTime",
        "userFills",
        "userFillsByTime",
        "userFillsByTime",
    ]


@pytest.mark.parametrize(("left", "asked"), [(0, 0), (1, 1)])
async def test_the_witness_rests_on_what_was_read_for_others_unless_it_speaks_against_the_list(
    left: int, asked: int
) -> None:
    venue = Venue()
    venue.rows = [NEW | {"startPosition": str(3 + left)}]
    witness = _witness(venue)
    await venue.last("BTC")
    venue.asked.clear()
    await witness.claims([""], lambda _: True, venue.deadline)
    assert venue.asked.count("userFills") == asked


def _witness(venue: Venue) -> HyperliquidWitness:
    proof = HyperliquidFills(venue.ask, "0xa", {}, venue.clock, venue.latest)
    settled = Settled(venue.ask, venue.clock, Shelf(None, venue.clock))
    return HyperliquidWitness(proof, venue.clock, settled)


async def _claims(venue: Venue, witness: HyperliquidWitness, *, asks: bool = True) -> tuple[Claim, ...]:
    return await witness.claims([""], lambda _: True, Deadline(venue.clock, 8.0), asks=asks)


async def test_what_the_witness_rests_on_is_as_old_as_it_was_when_the_lists_were_asked_for() -> None:
    venue = Venue()
    venue.rows = [NEW]
    witness = _witness(venue)
    witness.closed("BTC")
    venue.clock.seconds += CLOSED_S - 1
    witness.look_begins()
    venue.clock.seconds += 6
    assert await _claims(venue, witness) == ()
    assert venue.asked == [], "it began while an empty list was what is to be expected"
    witness.look_begins()
    assert await _claims(venue, witness) == ()
    assert venue.asked == ["userFills"]
    venue.clock.seconds += FRESH_S - 1
    witness.look_begins()
    venue.clock.seconds += 6
    assert await _claims(venue, witness) == ()
    assert len(venue.asked) == 1, "both looks of a proof may rest on one answer"
    witness.look_begins()
    await _claims(venue, witness)
    assert len(venue.asked) == 2


async def test_executions_that_failed_in_this_look_are_no_matter_of_limits() -> None:
    venue = Venue()
    witness = _witness(venue)
    witness.look_begins()
    (claim,) = await _claims(venue, witness, asks=False)
    assert claim.limited
    assert claim.words == UNASKED
    venue.fails = True
    await _claims(venue, witness)
    (claim,) = await _claims(venue, witness, asks=False)
    assert not claim.limited
    assert "down" in claim.words
    venue.clock.seconds += 1
    witness.look_begins()
    (claim,) = await _claims(venue, witness, asks=False)
    assert claim.words == UNASKED, "of this look they were not asked for"


async def _later(venue: Venue, coin: str) -> Decimal | None:
    # As the exit asks: behind the executions, in the same moment.
    return await venue.last(coin)


async def test_what_an_older_execution_left_is_asked_again_after_a_while_but_not_that_it_is_nothing() -> None:
    venue = Venue()
    await venue.fills.read([], BEGAN_MS, {}, venue.deadline)
    # The list trails: it does not show yet that the position was closed.
    assert await venue.last("ETH") == 2
    closed = {**OLD, "tid": 3, "side": "A", "startPosition": "2"}
    venue.rows = [NEW, closed, OLD]
    venue.clock.seconds += OLDER_S - 0.1
    assert await venue.last("ETH") == 2
    venue.clock.seconds += 0.2
    assert await venue.last("ETH") == 0
    venue.clock.seconds += 10 * OLDER_S
    assert await venue.last("ETH") == 0
    assert venue.asked.count("userFills") == 2
