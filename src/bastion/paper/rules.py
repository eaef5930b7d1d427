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

    `market_oversize`, `limit_oversize`, `hedge_oversize`: a reduce-only order larger than the position; the
    first two in one-way mode, the third for both kinds in hedge mode.
    `resting_reduce_only_holds`: open reduce-only limit orders reserve the size that they would close; with
    `hold_shrinks`, an order that finds part of the position reserved is shrunk to the rest, else refused.
    `waiting_reduce_only_holds`: conditional orders that wait for their trigger reserve their size as well.
    `hedge_is_implicit`: in hedge mode the reduce-only flag is refused, because the position side says it
    already.
    `hedge_exempt_from_notional_min`: closing orders of hedge mode are exempt from the least notional as well.
    `match_delay_ms`: how long after its acknowledgement an order meets the book; 0 means the answer shows the
    match.
    `trigger_makes_new_order`: a triggered conditional order ends and a fresh order goes to the book in its
    place.
    `post_only_is_refused`: a post-only order that would take is refused; otherwise it is accepted and then
    ends.
    `flat_cancels_reduce_only`: when a position is gone, its resting reduce-only orders are cancelled by the
    venue.
    `counter_price_is_checked`: a market order whose best counter price lies outside the band is refused;
    otherwise it is accepted and then ends unfilled.
    `limit_prices_are_checked`: limit and trigger prices must lie on the instrument's tick, limit prices
    within its band; otherwise the wire checks prices by a rule of the venue's own.
    `hedge_settles`: the settle coins whose linear contracts know hedge mode; None means all contracts.
    `client_id_unique_for_ever`: a client order id can never be used again; otherwise only among open orders.
    `reduce_only_exempt_from_notional_min`: reduce-only orders may be smaller than the least notional.
    `funding_interval_ms`: how far the settlements of funding lie apart where an instrument does not say.
    `liquidation_takes_ms`: how long an account is frozen before its margin is found too small for good.
    `freezes`: a frozen account is refused new orders; otherwise it only waits.
    """

    market_oversize: Oversize = Oversize.SHRINK
    limit_oversize: Oversize = Oversize.REFUSE
    hedge_oversize: Oversize = Oversize.REFUSE
    resting_reduce_only_holds: bool = True
    hold_shrinks: bool = False
    waiting_reduce_only_holds: bool = False
    hedge_is_implicit: bool = True
    match_delay_ms: int = 0
    trigger_makes_new_order: bool = True
    post_only_is_refused: bool = True
    flat_cancels_reduce_only: bool = False
    client_id_unique_for_ever: bool = False
    reduce_only_exempt_from_notional_min: bool = True
    hedge_exempt_from_notional_min: bool = False
    counter_price_is_checked: bool = True
    limit_prices_are_checked: bool = True
    hedge_settles: frozenset[str] | None = None
    first_order_id: int = 1
    funding_interval_ms: int = 8 * 3_600_000
    liquidation_takes_ms: int = 0
    freezes: bool = True
