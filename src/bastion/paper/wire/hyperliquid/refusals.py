"""Refusals: the core's reasons in the venue's words.

Source: Hyperliquid docs, "Error responses" (texts) and "Info endpoint", "Query order status" (statuses). The
venue ends most of them with the number of the asset.
"""

from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.hyperliquid.answers import Failed

TICK = ("Price must be divisible by tick size.", "tickRejected")
LEAST = ("Order must have minimum value of $10.", "minTradeNtlRejected")
REDUCES_NOTHING = ("Reduce only order would increase position.", "reduceOnlyRejected")
NO_MATCH = ("Order could not immediately match against any resting orders.", "iocCancelRejected")
NO_LIQUIDITY = ("No liquidity available for market order.", "marketOrderNoLiquidityRejected")
BAD_TRIGGER = ("Invalid TP/SL price.", "badTriggerPxRejected")
TOO_FAR = ("Order price cannot be more than 80% away from the reference price", "oracleRejected")
FAR_FROM_ORACLE = ("Order price too far from oracle", "oracleRejected")
MARGIN = ("Insufficient margin to place order.", "perpMarginRejected")
NO_SIZE = ("Order has zero size.", "rejected")
BAD_SIZE = ("Order has invalid size.", "rejected")
TOO_MANY_OPEN = ("Too many open orders.", "rejected")
NO_ORDER = "Order was never placed, already canceled, or filled."

_ANSWERS = {
    Reason.QUANTITY_NOT_POSITIVE: NO_SIZE,
    Reason.QUANTITY_STEP: BAD_SIZE,
    Reason.QUANTITY_TOO_SMALL: BAD_SIZE,
    Reason.QUANTITY_TOO_LARGE: BAD_SIZE,
    Reason.MARKET_QUANTITY_TOO_LARGE: BAD_SIZE,
    Reason.PRICE_NOT_POSITIVE: TICK,
    Reason.PRICE_TICK: TICK,
    Reason.NOTIONAL_TOO_SMALL: LEAST,
    Reason.REDUCE_ONLY_NOTHING_TO_REDUCE: REDUCES_NOTHING,
    Reason.REDUCE_ONLY_TOO_LARGE: REDUCES_NOTHING,
    Reason.MARGIN_INSUFFICIENT: MARGIN,
    Reason.ORDER_COUNT_TOO_HIGH: TOO_MANY_OPEN,
    Reason.WOULD_TRIGGER_AT_ONCE: BAD_TRIGGER,
}


def failed(answer: tuple[str, str], asset: int) -> Failed:
    """Return the refusal of one order of a batch."""
    text, status = answer
    return Failed(f"{text} asset={asset}", status)


def translated(refused: Refused, asset: int, *, best: str = "") -> Failed:
    """Return what the venue says for a refusal of the core; `best` is the best bid and ask."""
    if refused.reason is Reason.POST_ONLY_WOULD_TAKE:
        text = f"Post only order would have immediately matched, bbo was {best}."
        return failed((text, "badAloPxRejected"), asset)
    if refused.reason is Reason.DUPLICATE_CLIENT_ORDER_ID:
        return failed(("Order with this cloid already exists.", "rejected"), asset)
    return failed(_ANSWERS.get(refused.reason, (refused.detail, "rejected")), asset)
