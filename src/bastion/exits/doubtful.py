"""Doubtful: which executions a first sighting already held; pure.

A look takes a while, and the venue's clock is known to some milliseconds only: of what others executed about
then, it is not known at once whether the position that was seen contained it. Once the position is gone, the
sum knows: what was seen, and all that came after, must have left nothing. The sighting was one moment, so
what it held is all that was executed up to some time.
"""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.money import ZERO
from bastion.domain.order import Direction, Fill


def counted(
    fills: Sequence[Fill],
    doubtful: Sequence[Fill],
    *,
    held: Decimal,
    reducing: Direction,
) -> list[Fill]:
    """Return the fills that came after the first sighting of a position which is gone by now.

    `doubtful` are those of `fills` of which that is not certain, `held` the size that was seen, less what was
    refunded. Where all of them leave nothing, or no time or more than one divides them so that nothing is
    left, all are returned: then something is missing, and the figures wait for it.
    """
    left = held - sum((_cut(fill, reducing) for fill in fills), ZERO)
    if left == ZERO or not doubtful:
        return list(fills)
    times = [
        at_ms
        for at_ms in sorted({fill.at_ms for fill in doubtful})
        if left + sum((_cut(fill, reducing) for fill in doubtful if fill.at_ms <= at_ms), ZERO) == ZERO
    ]
    if len(times) != 1:
        return list(fills)
    contained = {id(fill) for fill in doubtful if fill.at_ms <= times[0]}
    return [fill for fill in fills if id(fill) not in contained]


def _cut(fill: Fill, reducing: Direction) -> Decimal:
    return fill.quantity if fill.direction is reducing else -fill.quantity
