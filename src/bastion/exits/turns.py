"""Turns: when a leg that waits is to act again, as far as that is known beforehand; pure."""

from bastion.exits.ladder import rung_s
from bastion.exits.pace import Pace, backoff_s, nanoseconds
from bastion.exits.progress import Leg
from bastion.exits.resolve import by_position, overtaken
from bastion.exits.settings import ExitSettings
from bastion.exits.sweeping import wave_is_over
from bastion.exits.verdict import Standing

WAVE_LEAST = 3
"""So many orders that have not left yet are a wave."""
BEHIND_NS = 1_000_000
"""So long after a turn that led to nothing a look begins."""


def is_wave(pace: Pace) -> bool:
    """Return whether closes wait here for the venue's limits, and not one or two for a connection."""
    return len(pace.queued) >= WAVE_LEAST


def cancel_ns(standing: Standing, pace: Pace) -> int:
    """Return when the next cancel is due, where orders that could not be cancelled are all that is left."""
    if standing.open or not standing.orders:
        return 0
    return min(pace.cancel_at_ns.get(order.key, 0) for order in standing.orders)


def look_again_ns(leg: Leg, standing: Standing, pace: Pace, *, idle: int, settings: ExitSettings) -> int:
    """Return when to look again: after looks that led to nothing ever later, and at once after a wave.

    While closes wait here for the venue's limits, whatever a look shows to be closed would wait behind them;
    what came of the last of them to leave is waited for a moment, as the answers to every round are.
    """
    ended_ns = leg.look.ended_ns if leg.look is not None else 0
    wait_s = 0.0 if wave_is_over(leg, pace) else backoff_s(idle, settings)
    again_ns = max(ended_ns + nanoseconds(wait_s), cancel_ns(standing, pace))
    if is_wave(pace):
        return max(again_ns, ended_ns + nanoseconds(settings.queue_look_s))
    left_ns = max((pace.begun_ns.get(cid, 0) for cid in pace.in_flight), default=0)
    return max(again_ns, left_ns + nanoseconds(settings.straggler_s) if left_ns else 0)


def look_behind_ns(leg: Leg, pace: Pace, *, now_ns: int, since_ns: int, settings: ExitSettings) -> int:
    """Return when to look after a round was sent: at once, so that it is known what it changed.

    Where closes of it wait here for the venue's limits, and it was planned by a look of our own, one begun
    at `since_ns` (monotonic) or later, that is known already.
    """
    look = leg.look
    if look is None or not is_wave(pace) or look.begun_ns < since_ns:
        return now_ns
    return max(now_ns, look.ended_ns + nanoseconds(settings.queue_look_s))


def look_or_turn_ns(
    leg: Leg, standing: Standing, pace: Pace, *, look_ns: int, now_ns: int, settings: ExitSettings
) -> tuple[int, int]:
    """Return when to look, and until when to wait, where a look could begin at `look_ns`.

    Nothing is sent while a look is on its way. So none is begun that would, if it takes as long as the last
    one did, outlast the moment from which on a close is to be overtaken by what that one showed.
    """
    look = leg.look
    if look is None:
        return look_ns, look_ns
    orders, over_ns = by_position(leg), look_ns + look.ended_ns - look.begun_ns
    found = (
        overtaken(orders.get(position.key, ()), pace, look, settings)
        for position in standing.open
        if not leg.sight.exact(position)
    )
    turns = [at_ns for at_ns, _ in filter(None, found) if now_ns < at_ns < over_ns]
    if not turns:
        return look_ns, look_ns
    return max(look_ns, min(turns) + BEHIND_NS), min(turns)


def turns_ns(
    leg: Leg,
    standing: Standing,
    pace: Pace,
    *,
    now_ns: int,
    settings: ExitSettings,
    overtakes: bool = False,
) -> list[int]:
    """Return when each open position that must wait may be acted on again.

    That is after a refusal, once a venue that trails had its time, at the end of the time of an order that
    the venue took and did not end, or, where a close may be overtaken, once its answer is overdue.
    """
    stale_ns = nanoseconds(settings.stale_patience_s)
    waits = [pace.retry_at_ns.get(position.key, 0) for position in standing.open]
    waits.extend(
        since_ns + stale_ns for key, since_ns in pace.suspect_since_ns.items() if key in standing.suspects
    )
    orders = by_position(leg)
    for position in standing.open:
        for order in orders.get(position.key, ()):
            cid = order.request.client_order_id
            if order.settled:
                continue
            if not order.unknown:
                waits.append(pace.stands_since_ns(cid) + nanoseconds(rung_s(order.request.kind, settings)))
            elif cid in pace.queued:
                continue  # It has not left: nothing of it can be overdue.
            elif overtakes and not leg.sight.exact(position) and cid not in pace.taken_ns:
                waits.append(pace.begun_ns.get(cid, 0) + nanoseconds(settings.overdue_s))
    return [at_ns for at_ns in waits if at_ns > now_ns]
