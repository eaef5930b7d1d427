"""PayoutQueue: winners that the treasury could not pay, in the strict order of their closes."""

from collections.abc import Mapping
from typing import NamedTuple

from bastion.paper.strike.settings import QueueScope


class Claim(NamedTuple):
    """A queued winner: `need` micro-USD is asked of the treasury, `margin` waits in the queued account."""

    seq: int
    position_id: int
    wallet: str
    symbol: str
    need: int
    margin: int
    queued_at_us: int


def lane_of(symbol: str, scope: QueueScope) -> str:
    """Name the queue that a market's winners stand in."""
    return symbol if scope is QueueScope.MARKET else ""


def payable(lanes: Mapping[str, Mapping[int, Claim]], treasury: int) -> tuple[Claim, ...]:
    """Choose the claims that `treasury` micro-USD pays now, in order.

    A head that does not fit stops its lane: no partial payment, nobody overtakes. Among several lanes the
    oldest head goes first.
    """
    rows = {name: iter(lane.values()) for name, lane in lanes.items()}
    heads = {name: claim for name, row in rows.items() if (claim := next(row, None)) is not None}
    chosen: list[Claim] = []
    while heads:
        name, head = min(heads.items(), key=lambda item: item[1].seq)
        if head.need > treasury:
            del heads[name]
            continue
        treasury -= head.need
        chosen.append(head)
        following = next(rows[name], None)
        if following is None:
            del heads[name]
        else:
            heads[name] = following
    return tuple(chosen)
