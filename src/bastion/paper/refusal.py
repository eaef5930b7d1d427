"""Refusal: why the exchange says no, in words that belong to no venue.

A wire translates each reason into its venue's code and text; the core never speaks a venue's language.
"""

from enum import StrEnum, auto


class Reason(StrEnum):
    """Each way in which the exchange refuses; nothing has changed when one is raised."""

    UNKNOWN_INSTRUMENT = auto()
    INSTRUMENT_NOT_TRADING = auto()
    QUANTITY_NOT_POSITIVE = auto()
    QUANTITY_STEP = auto()
    QUANTITY_TOO_SMALL = auto()
    QUANTITY_TOO_LARGE = auto()
    MARKET_QUANTITY_TOO_LARGE = auto()
    PRICE_NOT_POSITIVE = auto()
    PRICE_TICK = auto()
    PRICE_TOO_HIGH = auto()
    PRICE_TOO_LOW = auto()
    COUNTER_PRICE_OUT_OF_BAND = auto()
    NO_COUNTER_PRICE = auto()
    NOTIONAL_TOO_SMALL = auto()
    REDUCE_ONLY_NOTHING_TO_REDUCE = auto()
    REDUCE_ONLY_TOO_LARGE = auto()
    REDUCE_ONLY_HELD_BY_ORDERS = auto()
    REDUCE_ONLY_IN_HEDGE_MODE = auto()
    POSITION_SIDE_MISMATCH = auto()
    MARGIN_INSUFFICIENT = auto()
    DUPLICATE_CLIENT_ORDER_ID = auto()
    ORDER_NOT_FOUND = auto()
    ORDER_ALREADY_DONE = auto()
    ORDER_COUNT_TOO_HIGH = auto()
    WOULD_TRIGGER_AT_ONCE = auto()
    POST_ONLY_WOULD_TAKE = auto()
    FILL_OR_KILL_UNFILLED = auto()
    CLOSE_POSITION_EXISTS = auto()
    NO_CHANGE_NEEDED = auto()
    CHANGE_BLOCKED_BY_ORDERS = auto()
    CHANGE_BLOCKED_BY_POSITIONS = auto()
    LEVERAGE_OUT_OF_RANGE = auto()
    FROZEN = auto()


class Refused(Exception):  # noqa: N818 - a trader says refused; it is no defect
    """The exchange refused a request and changed nothing.

    `reason` says why, `detail` says it in a sentence, `values` carries figures a wire may quote (a limit
    price, say).
    """

    def __init__(self, reason: Reason, detail: str = "", **values: object) -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail or reason.value
        self.values = values
