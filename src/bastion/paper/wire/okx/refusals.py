"""Refusals: the core's reasons in the venue's codes and texts.

Source: OKX v5 "Error Code", trading class 51000 to 51603.
"""

from decimal import Decimal

from bastion.paper.exchange.checks import is_reducing
from bastion.paper.order import Forced, OrderRequest
from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.okx.envelope import WRONG_PARAMETER, OkxError

NO_POSITION = (
    "51169",
    (
        "Order failed because you don't have any positions in this direction for this contract "
        "to reduce or close."
    ),
)
_RESTRICTED = "Position frozen and related operations restricted due to"
_FROZEN = {
    Forced.ADL: ("50017", f"{_RESTRICTED} auto-deleveraging (ADL). Please try again later."),
    Forced.LIQUIDATION: ("50020", f"{_RESTRICTED} liquidation. Please try again later."),
}
_NOT_AVAILABLE = ("51112", "Close order size exceeds available size for this position.")
_ANSWERS = {
    Reason.UNKNOWN_INSTRUMENT: ("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."),
    Reason.INSTRUMENT_NOT_TRADING: ("51022", "Contract suspended."),
    Reason.QUANTITY_NOT_POSITIVE: (WRONG_PARAMETER, "Parameter sz error"),
    Reason.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.QUANTITY_TOO_LARGE: ("51005", "Your order amount exceeds the max order amount."),
    Reason.MARKET_QUANTITY_TOO_LARGE: ("51202", "Market order amount exceeds the maximum amount."),
    Reason.PRICE_NOT_POSITIVE: (WRONG_PARAMETER, "Parameter px error"),
    Reason.PRICE_TICK: (WRONG_PARAMETER, "Parameter px error"),
    Reason.COUNTER_PRICE_OUT_OF_BAND: ("51109", "No available offer."),
    Reason.NO_COUNTER_PRICE: ("51109", "No available offer."),
    Reason.NOTIONAL_TOO_SMALL: ("51120", "Order quantity is less than the minimum, please try again."),
    Reason.REDUCE_ONLY_NOTHING_TO_REDUCE: NO_POSITION,
    Reason.REDUCE_ONLY_TOO_LARGE: _NOT_AVAILABLE,
    Reason.REDUCE_ONLY_HELD_BY_ORDERS: _NOT_AVAILABLE,
    Reason.REDUCE_ONLY_IN_HEDGE_MODE: (WRONG_PARAMETER, "Parameter reduceOnly error"),
    Reason.POSITION_SIDE_MISMATCH: (WRONG_PARAMETER, "Parameter posSide error"),
    Reason.DUPLICATE_CLIENT_ORDER_ID: ("51016", "Client order ID already exists."),
    Reason.ORDER_NOT_FOUND: (
        "51400",
        "Cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reason.ORDER_ALREADY_DONE: (
        "51400",
        "Cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reason.ORDER_COUNT_TOO_HIGH: ("51174", "The number of pending orders reached the upper limit."),
    Reason.POST_ONLY_WOULD_TAKE: ("51000", "Parameter ordType error"),
    Reason.CLOSE_POSITION_EXISTS: (WRONG_PARAMETER, "Parameter closeFraction error"),
    Reason.CHANGE_BLOCKED_BY_POSITIONS: (
        "59000",
        "Settings failed. Close any open positions or orders before modifying settings.",
    ),
    Reason.CHANGE_BLOCKED_BY_ORDERS: (
        "59000",
        "Settings failed. Close any open positions or orders before modifying settings.",
    ),
    Reason.LEVERAGE_OUT_OF_RANGE: ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
}
_PRICE_CODES = {
    # (too high, reducing): the code and what it calls the price.
    (True, True): ("51135", "Your closing price has triggered the limit price, and the maximum buy price is"),
    (False, True): (
        "51136",
        "Your closing price has triggered the limit price, and the minimum sell price is",
    ),
    (True, False): (
        "51137",
        "Your opening price has triggered the limit price, and the maximum buy price is",
    ),
    (False, False): (
        "51138",
        "Your opening price has triggered the limit price, and the minimum sell price is",
    ),
}


def translated(refused: Refused, *, request: OrderRequest | None = None, coin: str = "USDT") -> OkxError:
    """Return the venue's answer for a refusal; `request` is the order that it refused, `coin` its margin."""
    reason = refused.reason
    if reason in {Reason.PRICE_TOO_HIGH, Reason.PRICE_TOO_LOW}:
        reducing = request is not None and is_reducing(request)
        code, text = _PRICE_CODES[reason is Reason.PRICE_TOO_HIGH, reducing]
        limit = refused.values.get("limit", Decimal(0))
        return OkxError(code, f"{text} {limit}.")
    if reason is Reason.FROZEN:
        return OkxError(*_FROZEN[Forced(str(refused.values["how"]))])
    if reason is Reason.MARGIN_INSUFFICIENT:
        return OkxError("51008", f"Order failed. Insufficient {coin} margin in account.")
    if reason is Reason.WOULD_TRIGGER_AT_ONCE:
        return OkxError("51280", "SL trigger price cannot be higher than the last price.")
    code, text = _ANSWERS.get(reason, (WRONG_PARAMETER, f"Parameter error: {refused.detail}"))
    return OkxError(code, text)
