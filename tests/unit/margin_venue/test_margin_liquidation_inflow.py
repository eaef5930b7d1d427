"""What a liquidation brings into the treasury pays the queue in the same event, whatever caused it."""

import pytest

from bastion.paper.strike.commands import Close, Fund, SetHalted, Tick
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import Marked, Switched
from tests.margin_rig import ALICE, BOB, CAROL, HOUR, USD, Rig, micro

REACHED = Tick(marks={"SOL-USD": micro("90.25")})


def queued_winner_and_loser(rig: Rig) -> tuple[int, int]:
    """Let ALICE wait for 85, and BOB stand with 90 that a price of 90.25 liquidates."""
    rig.deposit(ALICE, 1_000)
    rig.mark("BTC-USD", "100000")
    number = rig.open(ALICE, Side.LONG, usd=100, leverage=10).position.id
    rig.mark("BTC-USD", "110000")
    rig.must(Close(wallets=(ALICE,), position_id=number))
    rig.deposit(BOB, 90)
    rig.mark("SOL-USD", "95")
    return number, rig.open(BOB, Side.LONG, usd=90, leverage=20, symbol="SOL-USD").position.id


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ((), REACHED),
        ((SetHalted(symbol="SOL-USD", halted=True), REACHED), SetHalted(symbol="SOL-USD", halted=False)),
    ],
    ids=["a tick", "a market that resumes"],
)
def test_what_a_liquidation_brings_in_pays_the_queue_at_once(
    rig: Rig, before: tuple[Tick | SetHalted, ...], last: Tick | SetHalted
) -> None:
    number, loser = queued_winner_and_loser(rig)
    for command in before:
        rig.must(command)
    assert rig.position(number).status is Status.CLOSED
    result = rig.must(last)
    assert isinstance(result, (Marked, Switched))
    assert result.liquidated == (loser,)
    assert rig.position(number).status is Status.SETTLED
    assert (rig.venue.queue(), rig.venue.account(ALICE).withdrawable) == ((), 1_085 * USD)
    assert rig.venue.metrics().treasury == 5 * USD


def test_funding_that_liquidates_pays_the_queue_at_once(rig: Rig) -> None:
    number, loser = queued_winner_and_loser(rig)
    rig.deposit(CAROL, 90)
    rig.open(CAROL, Side.SHORT, usd=90, leverage=5, symbol="SOL-USD")
    # A micro-dollar above the price of liquidation: the first funding, which longs pay here, tips it over.
    rig.mark("SOL-USD", "90.250001")
    rig.clock.turn(9 * HOUR)
    rig.mark("SOL-USD", "90.250001")
    assert rig.position(number).status is Status.CLOSED
    assert rig.must(Fund(symbol="SOL-USD")).liquidated == (loser,)
    assert rig.position(number).status is Status.SETTLED
    assert rig.venue.metrics().treasury == 5 * USD
