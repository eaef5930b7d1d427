"""Answers: the rows in which the market is calm and the answers are not."""

from dataclasses import replace

from bastion.gauntlet.draw import Draw
from bastion.gauntlet.stage import Best, Stage, opening
from bastion.gauntlet.tongue import TONGUES, VENUES

CLOCK_OFFSET_MS = 8_000
BAN_MS = 4_000
LATE_MS = 12_000
SLOW_DEADLINE_S = 60
HOPELESS_DEADLINE_S = 12


def _orders(draw: Draw, kind: str, *, count: int, **fields: object) -> Stage:
    tongue = TONGUES[draw.venue]
    # Which of the orders it strikes is drawn; three are sent at least, unless one request holds them all.
    last = 0 if tongue.batches else 3 - count
    return opening(draw).with_fault(
        kind,
        method="POST",
        path=tongue.orders,
        skip=draw.whole("struck order", 0, last),
        count=count,
        **fields,
    )


def _positions(draw: Draw, kind: str, *, count: int, **fields: object) -> Stage:
    return opening(draw).with_fault(kind, path=TONGUES[draw.venue].positions, count=count, **fields)


def _in_the_middle(draw: Draw, kind: str, **fields: object) -> Stage:
    return opening(draw).with_fault(kind, skip=draw.whole("requests before", 5, 8), **fields)


def failed(draw: Draw) -> Stage:
    """Answer two orders by 503, not carried out."""
    return _orders(draw, "fail", count=2, failure="unavailable")


def failed_though_done(draw: Draw) -> Stage:
    """Answer two orders by an error that leaves the outcome open, carried out."""
    return _orders(draw, "fail", count=2, failure="unknown_status", executed=True)


def lost(draw: Draw) -> Stage:
    """Answer one order never, not carried out."""
    return replace(_orders(draw, "never", count=1), deadline_s=SLOW_DEADLINE_S)


def lost_though_done(draw: Draw) -> Stage:
    """Answer one order never, carried out."""
    return replace(_orders(draw, "never", count=1, executed=True), deadline_s=SLOW_DEADLINE_S)


def reset(draw: Draw) -> Stage:
    """Reset the connection of one order, not carried out."""
    return _orders(draw, "reset", count=1)


def reset_though_done(draw: Draw) -> Stage:
    """Reset the connection of one order, carried out."""
    return _orders(draw, "reset", count=1, executed=True)


def broken_order_answer(draw: Draw) -> Stage:
    """Break the answers to two orders off, carried out."""
    return _orders(draw, "malformed", count=2, shape="truncated")


def broken_positions(draw: Draw) -> Stage:
    """Break the first two lists of positions off."""
    return _positions(draw, "malformed", count=2, shape="truncated")


def web_page(draw: Draw) -> Stage:
    """Send a web page in place of the first two lists of positions."""
    return _positions(draw, "malformed", count=2, shape="html")


def empty_once(draw: Draw) -> Stage:
    """Empty the first list of positions."""
    return _positions(draw, "empty", count=1)


def empty_twice(draw: Draw) -> Stage:
    """Empty the first two lists of positions."""
    return _positions(draw, "empty", count=2)


def stale(draw: Draw) -> Stage:
    """Let every read lag by two seconds."""
    return opening(draw).with_fault("lag", lag_ms=2_000)


def rate_limited(draw: Draw) -> Stage:
    """Answer three orders by the rate limit."""
    return _orders(draw, "fail", count=3, failure="rate_limited")


def banned(draw: Draw) -> Stage:
    """Ban the address for a while; the answers say for how long."""
    stage = _in_the_middle(draw, "fail", failure="banned", lasts_ms=BAN_MS)
    return replace(stage, deadline_s=SLOW_DEADLINE_S)


def shut_out(draw: Draw) -> Stage:
    """Ban the address or the key for good."""
    stage = _in_the_middle(draw, "fail", failure="banned")
    return replace(stage, best=Best.OPEN, is_shut=True, deadline_s=HOPELESS_DEADLINE_S)


def maintenance(draw: Draw) -> Stage:
    """Answer everything by 503 for a while."""
    return _in_the_middle(draw, "fail", failure="unavailable", lasts_ms=BAN_MS)


def slow(draw: Draw) -> Stage:
    """Let every request take one and a half to two seconds."""
    stage = opening(draw).with_fault("latency", round_trip_ms=1_500, jitter_ms=250)
    return replace(stage, deadline_s=SLOW_DEADLINE_S)


def late_order(draw: Draw) -> Stage:
    """Let one order reach the venue long after its sender gave up on it."""
    return replace(_orders(draw, "latency", count=1, request_ms=LATE_MS), deadline_s=SLOW_DEADLINE_S)


def clock_ahead(draw: Draw) -> Stage:
    """Set the venue's clock ahead."""
    return replace(opening(draw), clock_offset_ms=CLOCK_OFFSET_MS)


def clock_behind(draw: Draw) -> Stage:
    """Set the venue's clock behind."""
    return replace(opening(draw), clock_offset_ms=-CLOCK_OFFSET_MS)


def dead_venue(draw: Draw) -> Stage:
    """Add a second venue that answers nothing."""
    dead = VENUES[(VENUES.index(draw.venue) + 1) % len(VENUES)]
    return replace(
        opening(draw),
        venues=(draw.venue, dead),
        dead=(dead,),
        best=Best.OPEN,
        deadline_s=HOPELESS_DEADLINE_S,
    )
