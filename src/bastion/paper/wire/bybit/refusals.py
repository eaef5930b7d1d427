"""Refusals: the core's reasons in the venue's codes and texts.

Source: Bybit v5 "Error Codes"; where the document only says "parameter error", the text that the venue sends.
"""

from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.bybit.envelope import PARAMETER_ERROR, BybitError

_ANSWERS = {
    Reason.UNKNOWN_INSTRUMENT: (PARAMETER_ERROR, "params error: symbol invalid"),
    Reason.INSTRUMENT_NOT_TRADING: (110074, "This contract is not live"),
    Reason.QUANTITY_NOT_POSITIVE: (PARAMETER_ERROR, "Qty invalid"),
    Reason.QUANTITY_STEP: (PARAMETER_ERROR, "Qty invalid"),
    Reason.QUANTITY_TOO_SMALL: (PARAMETER_ERROR, "The number of contracts exceeds minimum limit allowed"),
    Reason.QUANTITY_TOO_LARGE: (
        PARAMETER_ERROR,
        "The number of contracts exceeds maximum limit allowed: too large",
    ),
    Reason.MARKET_QUANTITY_TOO_LARGE: (
        PARAMETER_ERROR,
        "The number of contracts exceeds maximum limit allowed: too large",
    ),
    Reason.PRICE_NOT_POSITIVE: (PARAMETER_ERROR, "params error: price invalid"),
    Reason.PRICE_TICK: (PARAMETER_ERROR, "params error: price does not fit the tick size"),
    Reason.PRICE_TOO_HIGH: (30208, "The order price is higher than the maximum buying price."),
    Reason.PRICE_TOO_LOW: (30209, "The order price is lower than the minimum selling price."),
    Reason.COUNTER_PRICE_OUT_OF_BAND: (110003, "Order price exceeds the allowable range."),
    Reason.NO_COUNTER_PRICE: (110118, "Unable to retrieve a price of the market order due to low liquidity"),
    Reason.REDUCE_ONLY_NOTHING_TO_REDUCE: (
        110017,
        "current position is zero, cannot fix reduce-only order qty",
    ),
    Reason.REDUCE_ONLY_TOO_LARGE: (110017, "orderQty will be truncated to zero."),
    Reason.REDUCE_ONLY_HELD_BY_ORDERS: (110017, "orderQty will be truncated to zero."),
    Reason.REDUCE_ONLY_IN_HEDGE_MODE: (110017, "Reduce-only rule not satisfied"),
    Reason.POSITION_SIDE_MISMATCH: (PARAMETER_ERROR, "position idx not match position mode"),
    Reason.FROZEN: (110005, "Position status is not normal."),
    Reason.MARGIN_INSUFFICIENT: (110007, "ab not enough for new order"),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (110072, "OrderLinkedID is duplicate"),
    Reason.ORDER_NOT_FOUND: (110001, "order not exists or too late to cancel"),
    Reason.ORDER_ALREADY_DONE: (110001, "order not exists or too late to cancel"),
    Reason.CLOSE_POSITION_EXISTS: (PARAMETER_ERROR, "A closing order of this kind exists for the position."),
    Reason.NO_CHANGE_NEEDED: (110025, "Position mode is not modified"),
    Reason.CHANGE_BLOCKED_BY_POSITIONS: (
        110024,
        "You have an existing position, so the position mode cannot be switched.",
    ),
    Reason.CHANGE_BLOCKED_BY_ORDERS: (
        110028,
        "You have existing open orders, so the position mode cannot be switched.",
    ),
    Reason.LEVERAGE_OUT_OF_RANGE: (110013, "Cannot set leverage due to risk limit level."),
}


def translated(refused: Refused, *, is_conditional: bool = False, coin: str = "USDT") -> BybitError:
    """Return the venue's answer for a refusal; `coin` is what the least notional counts in."""
    if refused.reason is Reason.NOTIONAL_TOO_SMALL:
        least = refused.values.get("limit", "")
        return BybitError(110094, f"Order does not meet minimum order value {least}{coin}")
    if refused.reason is Reason.ORDER_COUNT_TOO_HIGH:
        if is_conditional:
            return BybitError(110009, "The number of stop orders exceeds the maximum allowable limit")
        return BybitError(110020, "Not allowed to have more than 500 active orders.")
    code, text = _ANSWERS.get(refused.reason, (PARAMETER_ERROR, f"params error: {refused.detail}"))
    return BybitError(code, text)
