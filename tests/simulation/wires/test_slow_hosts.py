"""A host that is slow and fails, as that of the benchmark's row `stressed`: proven before the deadline."""

from decimal import Decimal

import pytest

from bastion.domain.verdict import Verdict
from tests.simulation.wires.play import simulate
from tests.simulation.wires.worlds import BASES, AccountDraw, HoldingDraw, HostDraw, RestingDraw, World

# Round trips of 1.2 to 2.2 s, and more than a quarter of all calls come to nothing.
FAILS = dict.fromkeys(("unavailable", "unknown_executed", "reset_before", "reset_after"), 0.08)


def _world(seed: int) -> World:
    held = [HoldingDraw(base=base, side="LONG", steps=50, entry_share=Decimal(1)) for base in BASES[:3]]
    stops = [_resting(base, closes=True) for base in BASES[:3]]
    account = AccountDraw(
        name="a0-hyperliquid",
        venue="hyperliquid",
        holdings=held,
        resting=[*stops, _resting(BASES[0], closes=False)],
    )
    host = HostDraw(venue="hyperliquid", latency_s=1.2, jitter_s=1.0, troubles=FAILS, heals_at_s=100.0)
    return World(seed=seed, accounts=[account], hosts={"hyperliquid": host})


def _resting(base: str, *, closes: bool) -> RestingDraw:
    return RestingDraw(
        base=base,
        buys=not closes,
        steps=50 if closes else 10,
        away=Decimal("0.03"),
        closes=closes,
        conditional=closes,
        side="LONG",
    )


# One part after another, each of these took more than the 60 s: a look is given up after 8.
@pytest.mark.parametrize("seed", range(4))
def test_slow_answers_of_hyperliquid_are_asked_for_together_and_prove_in_time(seed: int) -> None:
    result = simulate(seed, world=_world(seed))
    assert not result.violations
    assert result.verdicts == (Verdict.FLAT,)
