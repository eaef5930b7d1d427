"""Weather: what happens to one request between the desk and a venue, drawn from the seed and the request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from bastion.paper.wire.protocol import Conditions
from tests.simulation.wires.calls import LISTS, READS, Kind
from tests.simulation.wires.worlds import DRASTIC, MILD, HostDraw

LATE_S = (4.2, 12.0)
TWICE_S = (0.01, 1.5)

# What each trouble strikes; all others strike every request.
STRIKES: Mapping[str, frozenset[Kind]] = {
    "empty_positions": frozenset({Kind.POSITIONS}),
    "empty_lists": LISTS - {Kind.POSITIONS, Kind.ORDERS, Kind.CONDITIONAL},
    "empty_witness": frozenset({Kind.WITNESS}),
    "lag": READS - {Kind.CLOCK, Kind.CONTRACTS},
    "partial": frozenset({Kind.PLACE}),
    "late": frozenset({Kind.PLACE, Kind.CANCEL, Kind.SWEEP}),
    "twice": frozenset({Kind.PLACE, Kind.CANCEL, Kind.SWEEP}),
    "unknown_executed": frozenset({Kind.PLACE, Kind.CANCEL, Kind.SWEEP}),
    "unknown_late": frozenset({Kind.PLACE, Kind.CANCEL, Kind.SWEEP}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one request: the two ways in seconds, and at most one drastic fault."""

    up_s: float
    down_s: float
    drastic: str = ""
    conditions: Conditions = field(default_factory=Conditions)
    again_s: float | None = None
    dribble_s: float = 0.0
    words: tuple[str, ...] = ()


def fate_of(plan: HostDraw, rng: Random, kind: Kind, *, sick: bool) -> Fate:
    """Draw what happens to one request."""
    up_s, down_s = _way(plan, rng), _way(plan, rng)
    if not sick:
        return Fate(up_s=up_s, down_s=down_s)
    struck = [
        name
        for name, rate in plan.troubles.items()
        if rng.random() < rate and kind in STRIKES.get(name, frozenset(Kind))
    ]
    drastic = next((name for name in struck if name in DRASTIC), "")
    mild = [name for name in struck if name in MILD]
    again_s = None
    dribble_s = 0.0
    for name in mild:
        if name == "slow":
            up_s, down_s = up_s + _tail(rng), down_s + _tail(rng)
        elif name == "twice":
            again_s = rng.uniform(*TWICE_S)
        elif name == "dribble":
            dribble_s = rng.uniform(0.001, 0.8)
    if drastic == "late":
        up_s += rng.uniform(*LATE_S)
    if drastic == "unknown_late":
        again_s = rng.uniform(0.05, 6.0)
    conditions = Conditions(
        read_lag_ms=round(plan.lag_s * 1000) if "lag" in mild else 0,
        pretend_empty=any(name.startswith("empty_") for name in mild),
        fill_ratio_max=plan.fill_ratio if "partial" in mild else None,
    )
    words = tuple(name for name in (drastic, *mild) if name)
    if plan.hides and kind is Kind.POSITIONS and rng.random() < plan.hides:
        conditions = replace(conditions, hidden=plan.hidden)
        words = (*words, "hidden_row")
    return Fate(
        up_s=up_s,
        down_s=down_s,
        drastic=drastic,
        conditions=conditions,
        again_s=again_s,
        dribble_s=dribble_s,
        words=words,
    )


def _way(plan: HostDraw, rng: Random) -> float:
    # No two arrive at one moment: which of them came first would be anybody's guess.
    return plan.latency_s / 2 + rng.random() * (plan.jitter_s / 2 + 1e-5)


def _tail(rng: Random) -> float:
    # A heavy tail: most are a little late, a few by many seconds.
    return min(0.02 * rng.paretovariate(0.7), 30.0)
