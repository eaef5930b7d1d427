"""Checks: the filters and the reduce-only rules that an order must pass.

Pure; they raise `Refused` or return.
"""

from decimal import Decimal

from bastion.paper.account import PositionMode
from bastion.paper.instrument import Instrument
from bastion.paper.order import Direction, OrderKind, OrderRequest, PositionSide
from bastion.paper.position import Position
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import Oversize, VenueRules

ZERO = Decimal(0)


def is_reducing(request: OrderRequest) -> bool:
    """Whether an order can only reduce: by its flag, or by its position side in hedge mode."""
    if request.position_side is PositionSide.NET:
        return request.reduce_only or request.close_position
    return request.direction is closing_direction(request.position_side)


def closing_direction(side: PositionSide) -> Direction:
    """Return the direction that reduces a hedge-mode position."""
    return Direction.SELL if side is PositionSide.LONG else Direction.BUY


def reducible(position: Position, direction: Direction) -> Decimal:
    """Return how much of `position` an order in `direction` could close."""
    return abs(position.quantity) if position.quantity * direction.sign < 0 else ZERO


def check_mode(request: OrderRequest, mode: PositionMode, rules: VenueRules) -> None:
    """Refuse an order whose position side does not belong to the account's mode."""
    is_hedge = mode is PositionMode.HEDGE
    if is_hedge == (request.position_side is PositionSide.NET):
        raise Refused(Reason.POSITION_SIDE_MISMATCH, "The position side does not match the position mode.")
    if is_hedge and request.reduce_only and rules.hedge_is_implicit:
        raise Refused(Reason.REDUCE_ONLY_IN_HEDGE_MODE, "The reduce-only flag is not sent in hedge mode.")


def check_quantity(request: OrderRequest, instrument: Instrument) -> None:
    """Refuse a quantity that is off the instrument's grid or outside its limits."""
    quantity = request.quantity
    if request.close_position and quantity == 0:
        return
    if quantity <= 0:
        raise Refused(Reason.QUANTITY_NOT_POSITIVE, "The quantity must be above zero.")
    if quantity % instrument.step:
        raise Refused(Reason.QUANTITY_STEP, f"The quantity is no multiple of {instrument.step}.")
    if quantity < instrument.quantity_min:
        raise Refused(Reason.QUANTITY_TOO_SMALL, f"The least quantity is {instrument.quantity_min}.")
    if request.kind is OrderKind.MARKET and quantity > instrument.market_quantity_max:
        raise Refused(
            Reason.MARKET_QUANTITY_TOO_LARGE,
            f"The largest market quantity is {instrument.market_quantity_max}.",
        )
    if quantity > instrument.quantity_max:
        raise Refused(Reason.QUANTITY_TOO_LARGE, f"The largest quantity is {instrument.quantity_max}.")


def check_price(request: OrderRequest, instrument: Instrument, mark: Decimal, rules: VenueRules) -> None:
    """Refuse a price that is off the tick, or a limit price beyond the band around the mark."""
    trigger_price = request.trigger.price if request.trigger else None
    for price in (request.price, trigger_price):
        if price is None:
            continue
        if price <= 0:
            raise Refused(Reason.PRICE_NOT_POSITIVE, "The price must be above zero.")
        if rules.limit_prices_are_checked and price % instrument.tick:
            raise Refused(Reason.PRICE_TICK, f"The price is no multiple of {instrument.tick}.")
    if request.price is None or request.trigger is not None or not rules.limit_prices_are_checked:
        return
    highest, lowest = mark * instrument.band_up, mark * instrument.band_down
    if request.direction is Direction.BUY and request.price > highest:
        raise Refused(Reason.PRICE_TOO_HIGH, f"The highest price is {highest}.", limit=highest)
    if request.direction is Direction.SELL and request.price < lowest:
        raise Refused(Reason.PRICE_TOO_LOW, f"The lowest price is {lowest}.", limit=lowest)


def check_notional(request: OrderRequest, instrument: Instrument, mark: Decimal, rules: VenueRules) -> None:
    """Refuse an order worth less than the instrument's least notional, unless it is exempt."""
    if request.close_position:
        return
    if is_reducing(request):
        in_hedge = request.position_side is not PositionSide.NET
        exempt = (
            rules.hedge_exempt_from_notional_min if in_hedge else rules.reduce_only_exempt_from_notional_min
        )
        if exempt:
            return
    price = request.price or (request.trigger.price if request.trigger else mark)
    if instrument.quote_notional(request.quantity, price) < instrument.notional_min:
        raise Refused(
            Reason.NOTIONAL_TOO_SMALL,
            f"The least notional is {instrument.notional_min}.",
            limit=instrument.notional_min,
        )


def reduced_quantity(
    request: OrderRequest,
    *,
    instrument: Instrument,
    position: Position,
    held: Decimal,
    rules: VenueRules,
) -> Decimal:
    """Return the quantity at which a reducing order is accepted.

    `held` is what resting reduce-only orders already reserve. A reducing order never exceeds the position:
    where the venue shrinks it, the shrunk quantity comes back; where it does not, `Refused` is raised.
    """
    available = reducible(position, request.direction)
    if available == 0:
        raise Refused(Reason.REDUCE_ONLY_NOTHING_TO_REDUCE, "There is no position to reduce.")
    if request.close_position and request.quantity == 0:
        return min(available, instrument.market_quantity_max)
    free = available - held if rules.resting_reduce_only_holds else available
    if request.quantity <= free:
        return request.quantity
    in_hedge = request.position_side is not PositionSide.NET
    shrinks = _oversize(request, in_hedge=in_hedge, rules=rules) is Oversize.SHRINK
    if held and rules.resting_reduce_only_holds and not in_hedge and not (shrinks and rules.hold_shrinks):
        raise Refused(Reason.REDUCE_ONLY_HELD_BY_ORDERS, "Open reduce-only orders already hold the position.")
    if not shrinks or free <= 0:
        raise Refused(Reason.REDUCE_ONLY_TOO_LARGE, "The order is larger than what it may reduce.")
    return free


def _oversize(request: OrderRequest, *, in_hedge: bool, rules: VenueRules) -> Oversize:
    if in_hedge:
        return rules.hedge_oversize
    return rules.market_oversize if request.kind is OrderKind.MARKET else rules.limit_oversize
