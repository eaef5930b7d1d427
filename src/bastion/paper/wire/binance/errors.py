"""Errors.

Binance's codes and texts (documentation, "Error Codes" of USD-M futures), and which refusal gets which.
"""

from bastion.paper.refusal import Reason, Refused

BAD_REQUEST = 400
UNAUTHORIZED = 401
NOT_FOUND = 404
REQUEST_TIMEOUT = 408
TEAPOT_BANNED = 418
TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503


class BinanceError(Exception):
    """An error answer: HTTP status, Binance code, message, and seconds to wait where the venue names them."""

    def __init__(self, code: int, message: str, *, status: int = BAD_REQUEST, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


def not_sent(name: str) -> BinanceError:
    """A mandatory parameter is missing, empty or malformed."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> BinanceError:
    """A parameter was sent that the request must not carry."""
    return BinanceError(-1106, f"Parameter '{name}' sent when not required.")


def illegal_characters(name: str, legal: str) -> BinanceError:
    """A value does not match its legal range."""
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_modelled(what: str) -> BinanceError:
    """The real venue knows this, the paper exchange does not; -1020 is Binance's "unsupported operation"."""
    return BinanceError(-1020, f"This operation is not supported: the paper exchange does not model {what}.")


def unknown_key() -> BinanceError:
    """The key is unknown, used from a foreign address, or lacks the right that the call needs."""
    return BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=UNAUTHORIZED)


_BY_REASON: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_INSTRUMENT: (-1121, "Invalid symbol."),
    Reason.INSTRUMENT_NOT_TRADING: (-4140, "Invalid symbol status for opening position."),
    Reason.QUANTITY_NOT_POSITIVE: (-4003, "Quantity less than or equal to zero."),
    Reason.QUANTITY_STEP: (-1111, "Precision is over the maximum defined for this asset."),
    Reason.QUANTITY_TOO_SMALL: (-4004, "Quantity less than min quantity."),
    Reason.QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Reason.MARKET_QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Reason.PRICE_NOT_POSITIVE: (-4001, "Price less than 0."),
    Reason.PRICE_TICK: (-4014, "Price not increased by tick size."),
    Reason.PRICE_TOO_HIGH: (-4016, "Limit price can't be higher than {limit}."),
    Reason.PRICE_TOO_LOW: (-4024, "Limit price can't be lower than {limit}."),
    Reason.COUNTER_PRICE_OUT_OF_BAND: (
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    ),
    Reason.NOTIONAL_TOO_SMALL: (
        -4164,
        "Order's notional must be no smaller than {limit} (unless you choose reduce only).",
    ),
    Reason.REDUCE_ONLY_NOTHING_TO_REDUCE: (-2022, "ReduceOnly Order is rejected."),
    Reason.REDUCE_ONLY_TOO_LARGE: (-2022, "ReduceOnly Order is rejected."),
    Reason.REDUCE_ONLY_HELD_BY_ORDERS: (
        -4118,
        "ReduceOnly Order Failed. Please check your existing position and open orders",
    ),
    Reason.REDUCE_ONLY_IN_HEDGE_MODE: (-1106, "Parameter 'reduceonly' sent when not required."),
    Reason.POSITION_SIDE_MISMATCH: (-4061, "Order's position side does not match user's setting."),
    Reason.FROZEN: (-2023, "User in liquidation mode now."),
    Reason.MARGIN_INSUFFICIENT: (-2019, "Margin is insufficient."),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.ORDER_NOT_FOUND: (-2011, "Unknown order sent."),
    Reason.ORDER_ALREADY_DONE: (-2011, "Unknown order sent."),
    Reason.ORDER_COUNT_TOO_HIGH: (-2025, "Reach max open order limit."),
    Reason.WOULD_TRIGGER_AT_ONCE: (-2021, "Order would immediately trigger."),
    Reason.POST_ONLY_WOULD_TAKE: (
        -5022,
        (
            "Due to the order could not be executed as maker, the Post Only order will be rejected. "
            "The order will not be recorded in the order history"
        ),
    ),
    Reason.CLOSE_POSITION_EXISTS: (
        -4130,
        "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    ),
    Reason.LEVERAGE_OUT_OF_RANGE: (-4028, "Leverage is not valid"),
}


def from_refusal(refused: Refused) -> BinanceError:
    """Return Binance's answer to a refusal of the exchange core."""
    code, message = _BY_REASON.get(refused.reason, (-1000, refused.detail))
    values = {name: _figure(value) for name, value in refused.values.items()}
    return BinanceError(code, message.format(**values) if "{limit}" in message else message)


def _figure(value: object) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
