"""Ladder: how the next order of a position is to be executed, from what became of the earlier ones."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, floor_to_step
from bastion.domain.order import OrderKind
from bastion.domain.position import Position, Side
from bastion.errors import Fault
from bastion.exits.books import Sent
from bastion.exits.settings import ExitSettings
from bastion.shape import dataclass

WHOLE_AFTER_SIZES = 2
"""After so many refusals for the size, the venue's size-free close is tried; again only where sizes get no
smaller, until it is refused as well."""
HALVINGS_MAX = 6
"""After so many refusals of its price, a resting order asks for the mark price itself."""
BOUNDED = frozenset({OrderKind.IOC, OrderKind.RESTING})
"""What has a limit price."""
NO_MARK = "at market, since the venue gives no mark price by which to bound it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What became of the orders of one position so far.

    `bands` counts rounds that the price protection stopped without a fill, `sizes` rounds refused for their
    size, `maybes` those refused with the word that nothing is there to reduce; `met` those that met the
    market, whatever they took there, `first_barren` says that the first of these took nothing, `rests` counts
    resting orders refused for their price. `last_fault` is the refusal of
    the last round, `last_quantity` the position's size at that time. `slice_max` is the size to stay within,
    once sizes were refused: half of the least that was refused since, doubled again after every second round
    that filled. That a smaller order of the same round was filled says nothing for the size refused.
    `whole_refused` is how large the position was at most that a close of all of it was refused for its size;
    `stuck` says that the size refused last was no smaller than one refused before.
    """

    bands: int = 0
    sizes: int = 0
    maybes: int = 0
    met: int = 0
    first_barren: bool = False
    rests: int = 0
    slice_max: Quantity | None = None
    whole_refused: Quantity | None = None
    stuck: bool = False
    last_fault: Fault | None = None
    last_quantity: Quantity = Quantity(ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """How to execute: the kind, its bound from the mark where it has one, and the largest size to try.

    `why` says why it is not the plain first order; empty where it is.
    """

    kind: OrderKind
    bound: Decimal | None = None
    largest: Quantity | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One order to send: its size and, for a bounded one, its limit price."""

    kind: OrderKind
    quantity: Quantity
    limit_price: Price | None = None


def trail(orders: Iterable[Sent]) -> Trail:
    """Return what became of one position's orders, given in the order of their rounds."""
    bands: set[int] = set()
    sizes: set[int] = set()
    maybes: set[int] = set()
    rests: set[int] = set()
    filled: set[int] = set()
    attempted: dict[int, Decimal] = {}
    taken: dict[int, Decimal] = {}
    wholes: list[Quantity] = []
    slices: set[int] = set()
    last: Sent | None = None
    for order in orders:
        last = order
        attempted[order.round] = max(attempted.get(order.round, ZERO), order.request.quantity)
        fault = order.answer.fault if order.answer is not None else None
        state = order.state
        if order.filled > ZERO:
            filled.add(order.round)
            taken[order.round] = max(taken.get(order.round, ZERO), order.request.quantity)
        if fault is Fault.BAND or (state is not None and state.ended and state.filled == ZERO):
            bands.add(order.round)
            if fault is Fault.BAND and order.request.kind is OrderKind.RESTING:
                rests.add(order.round)
        elif fault is Fault.SIZE:
            sizes.add(order.round)
            if order.request.kind is OrderKind.WHOLE:
                wholes.append(order.request.position.quantity)
            else:
                slices.add(order.round)
        elif fault is Fault.MAYBE_FLAT:
            maybes.add(order.round)
    if last is None:
        return Trail()
    return Trail(
        slice_max=_slice_max(attempted, refused=sizes, taken=taken),
        whole_refused=max(wholes, default=None),
        stuck=_is_stuck([attempted[number] for number in sorted(slices)]),
        bands=len(bands),
        sizes=len(sizes),
        maybes=len(maybes),
        met=len(bands | filled),
        first_barren=bool(bands) and min(bands | filled) in bands - filled,
        rests=len(rests),
        last_fault=last.answer.fault if last.answer is not None else None,
        last_quantity=last.request.position.quantity,
    )


def _is_stuck(refused: Sequence[Decimal]) -> bool:
    return len(refused) >= WHOLE_AFTER_SIZES and refused[-1] >= min(refused[:-1])


def _slice_max(
    attempted: dict[int, Decimal], *, refused: set[int], taken: dict[int, Decimal]
) -> Quantity | None:
    size: Decimal | None = None
    streak = 0
    for number in sorted(refused | taken.keys()):
        if number in taken and (number not in refused or taken[number] >= attempted[number]):
            streak += 1
            if size is not None and streak % 2 == 0:
                size *= 2
        else:
            # A close without a size asks for all of it, and its refusal forgets nothing.
            half = attempted[number] / 2
            size, streak = half if size is None else min(size, half), 0
    return None if size is None else Quantity(size)


def rung(
    past: Trail, settings: ExitSettings, *, first_bound: Decimal | None = None, exact: bool = False
) -> Rung:
    """Return the rung for the next round: market, then bounded wider and wider, then resting and market.

    With `first_bound`, an immediate-or-cancel limit within it comes before market. The bound protects against
    an empty book; a resting order waits where neither market nor a bounded order is executed, and market is
    tried again in between, since a price protection heals when the market calms. With `exact` a part of the
    position is to stay: nothing rests then, since it could take more than was asked for when others trade.
    """
    untried = past.whole_refused is None or past.last_quantity > past.whole_refused
    helpless = past.sizes == WHOLE_AFTER_SIZES or past.stuck
    if past.last_fault is Fault.SIZE and helpless and untried:
        # Smaller did not help: perhaps it is too small, and the venue's size-free close helps. One that was
        # lost was not tried, nor was it for a position that has grown since; while sizes still get smaller,
        # a round for it would be lost.
        return Rung(kind=OrderKind.WHOLE, why="closed whole, since the venue refused smaller sizes too")
    if first_bound is not None and past.met == 0:
        why = f"a guard asked for it: at most {_share(first_bound)} from the mark at first"
        return Rung(kind=OrderKind.IOC, bound=first_bound, largest=past.slice_max, why=why)
    bands = past.bands - (first_bound is not None and past.first_barren)
    step = _by_bands(past, bands, settings, exact=exact)
    if first_bound is not None and bands == 0:
        why = f"at market at any price, since {_share(first_bound)} from the mark did not close it"
        step = replace(step, why=why)
    return replace(step, largest=past.slice_max)


def _by_bands(past: Trail, bands: int, settings: ExitSettings, *, exact: bool) -> Rung:
    bounds = settings.ioc_bounds
    stopped = f"since the price protection stopped {bands} round(s)"
    if bands == 0:
        return Rung(kind=OrderKind.MARKET)
    # A resting price that was refused is followed by a nearer one, not by market.
    beyond = bands - len(bounds) - past.rests
    if beyond <= 0 or (exact and bounds and beyond % 2 == 0):
        bound = bounds[min(bands, len(bounds)) - 1]
        return Rung(
            kind=OrderKind.IOC, bound=bound, why=f"limited to {_share(bound)} from the mark, {stopped}"
        )
    if exact or beyond % 2 == 0:
        return Rung(kind=OrderKind.MARKET, why=f"at market again, {stopped}")
    bound = resting_bound(past, settings)
    why = f"rests in the book at most {_share(bound)} from the mark, {stopped}"
    return Rung(kind=OrderKind.RESTING, bound=bound, why=why)


def resting_bound(past: Trail, settings: ExitSettings) -> Decimal:
    """Return how far from the mark a resting order may lie: the setting, halved for each refused price."""
    if past.rests >= HALVINGS_MAX:
        return ZERO
    return settings.resting_bound / Decimal(2) ** past.rests


def rung_s(kind: OrderKind, settings: ExitSettings) -> float:
    """Return how many seconds an order of that kind may stand unfinished before the next rung is tried."""
    if kind is OrderKind.RESTING:
        return settings.resting_rung_s
    return settings.ioc_rung_s if kind is OrderKind.IOC else settings.market_rung_s


def _share(bound: Decimal) -> str:
    return f"{(bound * 100).normalize():f} %"


def slices(
    position: Position,
    instrument: Instrument | None,
    step: Rung,
    settings: ExitSettings,
    *,
    exact: bool = False,
) -> tuple[Slice, ...]:
    """Return the orders that close a position on a rung: rounded down, split at the market's maximum.

    Together they are never larger than the position. A size below the venue's minimum or step is sent whole,
    by the venue's size-free close where it has one: many venues exempt what only reduces. With `exact` a part
    of the position is to stay: then nothing is sent without its size, and nothing that is too small.
    """
    limit_price = limit(position, instrument, step.bound)
    plain = step.kind is OrderKind.WHOLE or (step.kind in BOUNDED and limit_price is None)
    kind = OrderKind.MARKET if plain else step.kind
    lot = instrument.quantity_step if instrument is not None else ZERO
    least = instrument.quantity_min if instrument is not None else ZERO
    most = instrument.market_quantity_max if instrument is not None else ZERO
    total = floor_to_step(position.quantity, lot)
    if exact and (total == ZERO or total < least):
        return ()
    if not exact and (total == ZERO or total < least or step.kind is OrderKind.WHOLE):
        return (Slice(kind=OrderKind.WHOLE, quantity=position.quantity),)
    largest = total if most == ZERO else min(total, floor_to_step(most, lot) or most)
    if step.largest is not None:
        unit = lot or _unit(total)
        largest = min(largest, max(floor_to_step(step.largest, unit), least, unit))
    sizes: list[Decimal] = []
    left = total
    while left > ZERO and len(sizes) < settings.slices_max:
        size = min(left, largest)
        sizes.append(size)
        left -= size
    if len(sizes) > 1 and sizes[-1] < least:
        # A last slice below the minimum would be refused: the next round takes the rest with it.
        sizes.pop()
    return tuple(Slice(kind=kind, quantity=Quantity(size), limit_price=limit_price) for size in sizes)


def limit(position: Position, instrument: Instrument | None, bound: Decimal | None) -> Price | None:
    """Return the worst acceptable price: the mark price moved by `bound` against us, on the tick.

    None where there is no bound or the venue gave no mark price.
    """
    if bound is None or position.mark_price is None or position.mark_price <= ZERO:
        return None
    long = position.side is Side.LONG
    raw = position.mark_price * (1 - bound if long else 1 + bound)
    tick = instrument.price_tick if instrument is not None else ZERO
    if tick == ZERO:
        tick = _unit(position.mark_price)
    count = (raw / tick).to_integral_value(ROUND_CEILING if long else ROUND_FLOOR)
    return Price(max(count * tick, tick))


def below_minimum(position: Position, instrument: Instrument | None) -> bool:
    """Return whether the size is known to be under the venue's minimum or its step."""
    if instrument is None:
        return False
    total = floor_to_step(position.quantity, instrument.quantity_step)
    return total == ZERO or total < instrument.quantity_min


def is_dust(
    position: Position,
    instrument: Instrument | None,
    past: Trail,
    settings: ExitSettings,
    *,
    exact: bool = False,
) -> bool:
    """Return whether a position is a residue that the venue refuses to close for its size.

    Only after the venue refused this very size: below its minimum once (twice, where it says that nothing is
    there to reduce), or, where the minimum is not known or is one of value, once every way of
    sending it was refused for a position worth less than `dust_notional_usd`. With `exact` a part is to stay,
    and what is above it but too small is not even tried.
    """
    if exact and below_minimum(position, instrument):
        return True
    if past.last_quantity != position.quantity:
        return False
    if below_minimum(position, instrument):
        return past.last_fault is Fault.SIZE or past.maybes >= 2  # noqa: PLR2004 - refused twice
    small = position.notional_usd is not None and position.notional_usd < settings.dust_notional_usd
    return small and past.last_fault is Fault.SIZE and past.sizes > WHOLE_AFTER_SIZES


def _unit(value: Decimal) -> Decimal:
    # The last digit that the venue itself wrote is a step that it can take.
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) and exponent < 0 else 0)
