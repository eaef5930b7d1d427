"""Scopes: worlds whose exits mean some symbols, one side, or all but some; drawn apart from the worlds."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from random import Random

from bastion.domain.position import Side
from bastion.domain.selection import EVERYTHING, Selection
from tests.simulation.wires.play import Result, simulate
from tests.simulation.wires.stage import symbol_of
from tests.simulation.wires.worlds import BASES, VENUES, AccountDraw, HoldingDraw, HostDraw, World, draw

HIDING_SHARE = 0.4
SECOND_OF_ALL = 0.5
LIES = ("empty_positions", "empty_lists", "empty_witness")


def simulate_scoped(seed: int, *, keep: bool = False) -> Result:
    """Run the scoped world of a seed to its end, and return what broke."""
    return simulate(seed, world=draw_scoped(seed), keep=keep)


def draw_scoped(seed: int) -> World:
    """Return the world of a seed with scopes for its exits, and rows that the lists leave out.

    One lie at a time: where a row is left out, no other page of that venue comes empty. Where an exit of
    everything comes second, no row is left out: that exit asks for nothing by name.
    """
    world, rng = draw(seed), Random(f"scopes {seed}")
    names = world.names = reported_names()
    bases = [(one.venue, held.base) for one in world.accounts for held in one.holdings]
    bases += [(one.venue, rest.base) for one in world.accounts for rest in one.resting]
    open_names = sorted({names[place] for place in bases})
    some = open_names or [names[one.venue, BASES[0]] for one in world.accounts]
    first, second = _scope(rng, some), _scope(rng, some)
    world.scopes = (first, EVERYTHING if rng.random() < SECOND_OF_ALL else second)
    if world.second_at_s is not None and world.scopes[1] == EVERYTHING:
        return world
    for host in world.hosts.values():
        held = sorted(
            {each.base for one in world.accounts if one.venue == host.venue for each in one.holdings}
        )
        if not held or not host.heals_at_s or rng.random() >= HIDING_SHARE:
            continue
        host.hidden = symbol_of(host.venue, rng.choice(held))
        host.hides = rng.choice((0.4, 1.0, 1.0))
        for lie in LIES:
            host.troubles.pop(lie, None)
    return world


def _scope(rng: Random, some: list[str]) -> Selection:
    named = frozenset(rng.sample(some, min(rng.choice((1, 1, 2)), len(some))))
    sides = frozenset({rng.choice((Side.LONG, Side.SHORT))})
    return rng.choice(
        (
            Selection(symbols=named),
            Selection(symbols=named),
            Selection(sides=sides),
            Selection(sides=sides),
            Selection(except_symbols=named),
            Selection(except_symbols=named),
            Selection(symbols=named, sides=sides),
            Selection(except_symbols=named, sides=sides),
        )
    )


@cache
def reported_names() -> Mapping[tuple[str, str], str]:
    """Return how the report of an exit of everything names each contract, by venue and base."""
    accounts = [
        AccountDraw(
            name=f"a-{venue}",
            venue=venue,
            holdings=[HoldingDraw(base=base, side="LONG", steps=7, entry_share=Decimal(1)) for base in BASES],
        )
        for venue in VENUES
    ]
    hosts = {venue: HostDraw(venue=venue, latency_s=0.05, jitter_s=0.0) for venue in VENUES}
    result = simulate(0, world=World(seed=0, accounts=accounts, hosts=hosts))
    assert result.report is not None
    assert result.report.success, result.violations
    rows = result.report.closed_positions
    names = {
        (row.exchange, base): row.symbol for row in rows for base in BASES if row.symbol.startswith(base)
    }
    assert len(names) == len(VENUES) * len(BASES)
    return names
