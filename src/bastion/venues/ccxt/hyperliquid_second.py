"""Hyperliquid's second source of a size: what the newest execution left, apart from the clearinghouse.

Source: Hyperliquid docs, "Info endpoint" (Retrieve a user's fills), "Delisting" (positions are settled
without an order of anybody's).
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from bastion.domain.money import ZERO
from bastion.domain.position import Position, Side
from bastion.errors import VenueError
from bastion.venues.ccxt.hyperliquid_dexes import Settled
from bastion.venues.ccxt.hyperliquid_fills import HyperliquidFills
from bastion.venues.deadline import Deadline

Shown = Callable[[Position, Deadline], Awaitable[Decimal]]


async def size_left(
    position: Position,
    fills: HyperliquidFills,
    settled: Settled,
    shown: Shown,
    deadline: Deadline,
    *,
    now_ms: int,
) -> Decimal:
    """Return the size that the newest execution left; the clearinghouse's word where there is none.

    It is negative where the coin is held the other way round.

    That word, which `shown` asks for, counts as well where it knows of nothing and the venue has delisted the
    coin: it settles positions without an execution.

    Raises:
        VenueError: the venue did not say.
    """
    signed = await fills.last_position(position.instrument, deadline, now_ms=now_ms)
    if signed is None:
        return await shown(position, deadline)
    held = signed if position.side is Side.LONG else -signed
    if held == ZERO:
        return ZERO
    try:
        gone = await shown(position, deadline) == ZERO
    except VenueError:
        return held
    return ZERO if gone and await settled.has(position.instrument, deadline) else held
