"""Rules: where venues differ in how they treat the same order."""

from dataclasses import dataclass
from enum import StrEnum


class Oversize(StrEnum):
    """What happens to a reduce-only order that is larger than what it may reduce."""

    SHRINK = "shrink"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules:
    """A venue's habits.

    `net_oversize` and `hedge_oversize`: a reduce-only order larger than the position, in one-way and hedge mode.
    `resting_reduce_only_holds`: open reduce-only limit orders reserve the size that they would close.
    `hedge_is_implicit`: in hedge mode the position side alone makes an order reduce-only, and the flag is refused.
    `match_delay_ms`: how long after its acknowledgement an order meets the book; 0 means the answer shows the match.
    `client_id_unique_for_ever`: a client order id can never be used again; otherwise only among open orders.
    `reduce_only_exempt_from_notional_min`: reduce-only orders may be smaller than the least notional.
    """

    net_oversize: Oversize = Oversize.SHRINK
    hedge_oversize: Oversize = Oversize.REFUSE
    resting_reduce_only_holds: bool = True
    hedge_is_implicit: bool = True
    match_delay_ms: int = 0
    client_id_unique_for_ever: bool = False
    reduce_only_exempt_from_notional_min: bool = True
    first_order_id: int = 1
