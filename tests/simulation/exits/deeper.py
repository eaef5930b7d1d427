"""Deeper: the worlds of the sweep, each venue of which is aimed at one cell, so that rare cells are met too.

`world.draw` is the first edition of the worlds and stays as it is, so that a seed that once broke a rule goes
on meaning the world that it meant. This is the second: the same swarm of faults on half of the venues, and on
each venue one fault in one phase that comes round by the seed's number (`aims`).
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.simulation.exits.aims import aim
from tests.simulation.exits.cells import Cell, Phase
from tests.simulation.exits.market import LASTING
from tests.simulation.exits.world import (
    TROUBLES,
    Ambush,
    HoldingDraw,
    OrderDraw,
    VenueDraw,
    World,
    add_events,
    add_holding,
    add_resting,
    draw_venue,
)

VENUES_MAX = 4
HOLD_S = 8
LIES = frozenset(
    {
        "lag",
        "replica",
        "torn",
        "empty_once",
        "empty_while",
        "cold_start",
        "orders_lag",
        "orders_empty_once",
        "fills_lag",
        "fills_missing",
        "lookup_lag",
    }
)
TO_POSITIONS = frozenset({"adl", "adl_silent", "manual_close", "shrink", "grow"})
RATES = frozenset(
    {"unread", "hangs", "read_surprises", "fills_fail", "lookup_fails", "second_fails", "cancel_fails"}
    | {"cancel_late", "fills_twice", "partial"}
)


def deeper(seed: int) -> World:
    """Return the world of a seed."""
    rng = Random(f"deeper {seed}")
    world = World(seed=seed, venues=[], hold_s=rng.choice((0, 0, 0, 0, 0, 8)))
    for number in range(rng.choice((1, 2, 3, 3, 3, VENUES_MAX))):
        cell = aim(seed, seed * VENUES_MAX + number)
        world.venues.append(_venue(rng, world, f"v{number}", cell))
    if rng.random() < 0.06:
        world.cuts_at_append = [(rng.randint(1, 25), rng.random() < 0.5) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.06:
        world.cuts_at_s = [rng.uniform(0.0, 2.5) for _ in range(rng.randint(1, 3))]
    return world


def _venue(rng: Random, world: World, name: str, aim: Cell) -> VenueDraw:
    venue = draw_venue(rng, name) if rng.random() < 0.5 else bare(rng, name)
    venue.style, venue.hedged = aim[2], aim[3] == "hedged"
    venue.holdings, venue.orders, venue.events = [], [], []
    for number in range(rng.choice((1, 1, 2, 3, 3, 4, 5))):
        add_holding(rng, venue, f"C{number}USDT")
    for number in range(rng.choice((0, 0, 1, 2))):
        add_resting(rng, venue, f"C{number}USDT")
    if venue.troubles:
        add_events(rng, venue)
    venue.heals_at_s = rng.choice(
        (rng.uniform(0, 2), rng.uniform(1, 4), rng.uniform(1, 4), rng.uniform(3, 10))
    )
    venue.lag_s = min(venue.lag_s, 3.0)
    if rng.random() < 0.7:
        venue.dead_for_good = venue.terminal_for_good = False
    _styled(rng, venue)
    apply(rng, world, venue, aim)
    return venue


def bare(rng: Random, name: str) -> VenueDraw:
    return VenueDraw(
        name=name,
        hedged=False,
        latency_s=rng.uniform(0.01, 0.4),
        jitter_s=rng.uniform(0.0, 0.1),
        heals_at_s=0.0,
    )


def _styled(rng: Random, venue: VenueDraw) -> None:
    # What the four adapters bring of their venue: executions with our id, the time of a look, a close
    # without a size. A venue on the careful path may lack each of them.
    generic = venue.style == "generic"
    venue.names_client_ids = rng.random() < 0.5 if generic else venue.style != "binance"
    venue.dates_looks = rng.random() < 0.8 if generic else True
    venue.size_free = venue.style in {"bybit", "okx"}


def apply(rng: Random, world: World, venue: VenueDraw, aim: Cell) -> None:
    fault, phase = aim[0], Phase(aim[1])
    venue.dead = venue.dead_for_good = venue.terminal = venue.terminal_for_good = (
        False if rng.random() < 0.9 else venue.dead
    )
    venue.terminal = venue.terminal_for_good = False
    venue.heals_at_s = max(venue.heals_at_s, rng.uniform(1.5, 4))
    if phase is Phase.HOLD:
        world.hold_s = max(world.hold_s, HOLD_S)
        venue.heals_at_s = max(venue.heals_at_s, 5.0)
    if phase is Phase.CANCELS:
        rest(rng, venue, reduces=False)
    if fault in TROUBLES or fault == "ghost_fill":
        if fault == "ghost_fill":
            venue.lie = "none"
        venue.troubles = {fault: rng.choice((0.6, 1.0)), **venue.troubles}
    elif fault in LIES:
        _lie(rng, venue, fault, phase)
    elif fault in RATES:
        setattr(venue, fault, rng.choice((0.4, 0.8)))
        venue.lies_late = phase is Phase.HOLD
    elif fault in PREPARED:
        PREPARED[fault](rng, venue)
    else:
        _ambush(rng, venue, fault, phase)
    _surround(rng, venue, fault)


def _surround(rng: Random, venue: VenueDraw, fault: str) -> None:
    # What must be so beside a fault, for it to be met at all.
    if venue.lies_late:
        venue.heals_at_s = max(venue.heals_at_s, rng.uniform(8, 10))
    if fault in {"lookup_fails", "lookup_lag"}:
        venue.troubles = {"reset_after": 0.8, **venue.troubles}
    if fault == "second_fails":
        venue.lie = "none"
        venue.troubles = {"maybe_flat": 0.8, **venue.troubles}


def _lie(rng: Random, venue: VenueDraw, fault: str, phase: Phase) -> None:
    venue.lie, venue.second_fails = fault, 0.0
    venue.lies_late = phase is Phase.HOLD and fault != "empty_while"
    venue.lag_s = rng.choice((0.3, 1.0, 3.0))
    if fault == "cold_start":
        venue.lag_s, venue.latency_s = rng.uniform(0.15, 0.24), rng.uniform(0.01, 0.06)
        venue.unread = venue.hangs = venue.read_surprises = 0.0
        if phase is Phase.PROOF:
            # Who joins during the first look has the next one begin at once.
            venue.ambushes.append(Ambush(fault="second_operator", phase=Phase.FIRST_LOOK))
        if phase is Phase.ROUNDS:
            # The orders are shown from the start: what could open is cancelled, and another look begins.
            rest(rng, venue, reduces=False)
            venue.latency_s = rng.uniform(0.01, 0.03)
    if fault == "empty_while" and phase is Phase.FIRST_LOOK:
        venue.ambushes.append(Ambush(fault="power_cut", phase=Phase.ROUNDS))
    if fault == "empty_while" and phase is not Phase.ROUNDS:
        venue.lag_s, venue.latency_s, venue.troubles = 3.0, rng.uniform(0.01, 0.1), {}
    if fault == "fills_missing" and len(venue.holdings) == 1:
        add_holding(rng, venue, "C8USDT")


def _ambush(rng: Random, venue: VenueDraw, fault: str, phase: Phase) -> None:
    held = venue.holdings[0]
    delay_s = 0.0 if phase is Phase.INTENT else rng.uniform(0.0, 0.45) * venue.latency_s
    ambush = Ambush(fault=fault, phase=phase, delay_s=delay_s)
    if fault in LASTING:
        ambush.lasts_s = rng.choice((0.3, 1.0, 3.0))
    elif fault in {"journal_full", "journal_slow"}:
        ambush.lasts_s = rng.choice((0.5, 2.0, 8.0))
    elif fault == "clock_jump":
        ambush.lasts_s = rng.uniform(-3600.0, 3600.0)
    elif fault in {"stop_fires", "entry_fires"}:
        rest(rng, venue, reduces=fault == "stop_fires")
    elif fault not in {"power_cut", "second_operator"}:
        ambush.instrument = held.instrument
        ambush.side = held.side if venue.hedged else ""
        ambush.quantity = held.quantity * Decimal(rng.choice(("0.5", "1")))
    if fault in TO_POSITIONS and phase is Phase.PROOF:
        # Only a look that lies can show nothing while a position is left.
        venue.lie, venue.second_fails, venue.orders, venue.lies_often = "empty_once", 0.0, [], 0.9
    if fault == "entry_fires" and phase is Phase.PROOF:
        # Nothing is shown but, by the next look, an order that nobody knew of.
        venue.lie, venue.holdings, venue.events, venue.orders = "orders_empty_once", [], [], venue.orders[-1:]
        venue.lies_often = 0.9
    if fault == "entry_fires" and phase is Phase.EVIDENCE:
        venue.cancel_late = 1.0
    if fault in TO_POSITIONS and phase is Phase.HOLD:
        # Between two looks of the hold something is opened, and then this happens to it.
        reopening = replace(ambush, fault="reopen", delay_s=rng.uniform(0.6, 1.0), quantity=held.quantity)
        venue.ambushes.append(reopening)
        ambush.delay_s = rng.uniform(1.05, 1.9)
    venue.ambushes.append(ambush)


def rest(rng: Random, venue: VenueDraw, *, reduces: bool) -> None:
    held = venue.holdings[0]
    venue.orders.append(
        OrderDraw(
            instrument=held.instrument,
            buys=(held.side == "SHORT") == reduces,
            quantity=held.quantity,
            reduce_only=reduces,
            conditional=reduces or rng.random() < 0.3,
            side=held.side if venue.hedged else "",
        )
    )


def _prepare_slow(rng: Random, venue: VenueDraw) -> None:
    venue.slow_match_s = rng.uniform(0.02, 3.0)


def _prepare_outliving(rng: Random, venue: VenueDraw) -> None:
    venue.outlives = True
    delay_s = rng.uniform(0.0, 0.45) * venue.latency_s
    venue.ambushes.append(Ambush(fault="power_cut", phase=Phase.ORDERS, delay_s=delay_s))


def _prepare_maximum(rng: Random, venue: VenueDraw) -> None:
    venue.maximum, venue.instruments_known, venue.minimum = Decimal(1), False, Decimal(0)
    venue.holdings[0].quantity = Decimal(rng.choice((2, 5, 37)))


def _prepare_minimum(rng: Random, venue: VenueDraw) -> None:
    venue.minimum, venue.instruments_known, venue.maximum = Decimal("0.5"), True, Decimal(0)
    venue.holdings[0].quantity = Decimal(rng.choice(("0.1", "0.2")))


def _prepare_blocking(rng: Random, venue: VenueDraw) -> None:
    venue.blocking = rng.choice(("blocked", "maybe_flat"))
    held: HoldingDraw = venue.holdings[0]
    venue.orders.append(
        OrderDraw(
            instrument=held.instrument,
            buys=held.side == "SHORT",
            quantity=held.quantity,
            reduce_only=True,
            conditional=False,
            side=held.side if venue.hedged else "",
        )
    )


def _prepare_halt(rng: Random, venue: VenueDraw) -> None:
    lasts_s = rng.choice((0.5, 2.0, 6.0))
    venue.ambushes.append(Ambush(fault="market_halt", phase=Phase.INTENT, lasts_s=lasts_s))


def _prepare_empty_book(rng: Random, venue: VenueDraw) -> None:
    # Market orders are refused, and nobody stands within the bounds: in the end a close rests in the book.
    lasts_s = rng.choice((6.0, 12.0))
    for fault in ("price_band", "empty_book"):
        venue.ambushes.append(Ambush(fault=fault, phase=Phase.INTENT, lasts_s=lasts_s))


def _prepare_band(rng: Random, venue: VenueDraw) -> None:
    lasts_s = rng.choice((0.5, 2.0, 6.0))
    venue.ambushes.append(Ambush(fault="price_band", phase=Phase.INTENT, lasts_s=lasts_s))


PREPARED: dict[str, Callable[[Random, VenueDraw], None]] = {
    "slow_match": _prepare_slow,
    "outlives": _prepare_outliving,
    "maximum": _prepare_maximum,
    "minimum": _prepare_minimum,
    "blocking": _prepare_blocking,
    "market_halt": _prepare_halt,
    "price_band": _prepare_band,
    "empty_book": _prepare_empty_book,
}
