"""Pressing: which looks must show the orders, however short a venue's reads are, and read each list anew."""

from collections.abc import Iterable

from bastion.domain.look import Look
from bastion.exits.pace import CANCELLING
from bastion.exits.part import Part
from bastion.exits.progress import Leg
from bastion.exits.sweeping import nothing_to_close
from bastion.ports import Deferring, Hastening, Leaving, Rereading, Sparing, Venue, offers

PRESSED_MAX = 6
"""So many looks, once an exit or halt began, have the orders out of what is kept for that."""
POSITIONS = "positions"


def press(venue: Venue, parts: Iterable[Part], *, pressed: int) -> int:
    """Tell the venue where only the orders can decide the next look; return how often it was told.

    A look that may be one of the two that prove a part's verdict rests on no reading of before it. Where all
    that is wanted is to close what was shown, the next look is not to wait for the orders, nor where the fate
    of an order must be known first. `pressed` is how often that was before, since the latest of these parts
    began.
    """
    parts = tuple(parts)
    waiting = [part for part in parts if part.judged is None]
    if (rereading := offers(venue, Rereading)) is not None and any(_goes_on(part) for part in parts):
        rereading.read_anew()
    if (hastening := offers(venue, Hastening)) is not None and waiting and all(map(_to_close, waiting)):
        hastening.hasten()
    if (leaving := offers(venue, Leaving)) is not None and waiting and all(map(_leaves, waiting)):
        leaving.leave_open()
    if (deferring := offers(venue, Deferring)) is not None and waiting and all(map(_undecided, waiting)):
        deferring.defer_orders()
        return pressed
    if pressed >= PRESSED_MAX or not any(orders_decide(part.leg) for part in waiting):
        return 0
    sparing = offers(venue, Sparing)
    if sparing is None:
        return 0
    sparing.need_orders(halting=any(part.halts for part in waiting))
    # A look for which nothing was sent took nothing of what is kept.
    return int(not all(_unsent(part.leg.look) for part in waiting))


def _goes_on(part: Part) -> bool:
    # What is not proven is chased after its verdict too, and only whole looks prove it.
    return part.judged is None or not part.judged.verdict.success


def orders_decide(leg: Leg) -> bool:
    """Return whether a leg waits for nothing but the lists of orders.

    A halt is about orders alone. An exit waits for them once a look that read the positions shows none, and
    until the look that was to read them could be sent.
    """
    return not leg.sight.needs(POSITIONS) or _unsent(leg.look) or _nothing_held(leg.look)


def _unsent(look: Look | None) -> bool:
    return look is not None and look.unsent


def _nothing_held(look: Look | None) -> bool:
    unread = look is not None and any("position" in part.part for part in look.unread)
    return nothing_to_close(look) and not unread


def _undecided(part: Part) -> bool:
    # A halt cancels what the lists show, whatever became of an order.
    standing, cancelled = part.standing, part.leg.cancelled
    lingers = any(order.key not in cancelled for order in standing.lingering)
    # No look of before its answer proves anything.
    cancelling = CANCELLING in part.pace.in_flight.values()
    return part.exits and (lingers or cancelling or any(order.unknown for order in standing.unsettled))


def _leaves(part: Part) -> bool:
    # Nothing of what it means is shown any more, nor said to be held; what else is shown is not its business.
    since_ns, seconds = part.pace.last_act_ns, part.leg.seconds.values()
    told = any(second.quantity and second.begun_ns >= since_ns for second in seconds)
    return not part.leg.sight.whole and not told and _nothing_held(part.leg.look)


def _to_close(part: Part) -> bool:
    # What a look failed to read is believed to be where it was; dust stays, and only whole looks prove it.
    dust = {position.key for position in part.standing.dust}
    sighted = part.leg.last_sighting.items()
    return part.leg.sight.whole and any(one.closable and key not in dust for key, one in sighted)
