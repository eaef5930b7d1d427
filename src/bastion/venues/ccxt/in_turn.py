"""In turn: the parts of one look asked one after the other, where asking for all at once would be in vain.

A look of which one part did not come proves nothing, and what its other parts weigh is gone. While a host
fails, and little weight is left, the next part is therefore asked for only once the one before it came.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.deadline import Deadline, within

SPARED = "not asked for: its weight is kept for what closes the open positions"
IN_VAIN = "not asked for: another part of this look did not come, and without it the look proves nothing"


def in_turn(parts: Sequence[Part], failed: Collection[str], *, ends: bool = False) -> tuple[Part, ...]:
    """Return these parts, each of which is asked for once the one before it came.

    The first one stays the first; of the others those named in `failed` come before the rest, so that what
    is likely to be in vain again costs as little as it can. They are returned in the order that they had.
    With `ends`, nothing is asked for once one of them shows a position that is to be closed.
    """
    first, *rest = parts
    order = [first, *sorted(rest, key=lambda part: part.name not in failed)]
    turns: dict[str, Part] = {}
    before: asyncio.Future[bool] | None = None
    for part in order:
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        turns[part.name] = _turn(part, before, mine, ends=ends)
        before = mine
    return tuple(turns[part.name] for part in parts)


def _turn(part: Part, before: asyncio.Future[bool] | None, mine: asyncio.Future[bool], *, ends: bool) -> Part:
    async def read(deadline: Deadline) -> PartRead:
        came = False
        try:
            if before is not None:
                async with within(deadline):
                    if not await asyncio.shield(before):
                        raise VenueRejected(IN_VAIN, fault=Fault.RATE_LIMIT)
            value = await part.read(deadline)
            over = ends and any(position.closable for position in value.positions)
            came = not value.doubt and not over
            return value
        finally:
            mine.set_result(came)

    return replace(part, read=read)
