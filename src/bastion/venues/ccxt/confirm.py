"""Confirm: what became of an order that a venue only acknowledged."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState, OrderStatus
from bastion.errors import VenueError
from bastion.ports import Clock
from bastion.venues.deadline import Deadline

CONFIRM_S = 3.0
PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4)

Find = Callable[[OrderRequest, Deadline], Awaitable[OrderState | None]]


async def confirmed(
    find: Find, request: OrderRequest, order_id: str, *, clock: Clock, deadline: Deadline
) -> OrderState:
    """Return what `find` last told of an order that was taken, under our client id; never raises for it.

    Asks until the order has ended, for `CONFIRM_S` at most and never beyond the deadline; an order that is
    not known to have ended by then is ACCEPTED, or as it was last told. Of one that is to rest, the first
    word is enough.
    """
    state = OrderState(
        client_order_id=request.client_order_id,
        order_id=order_id,
        status=OrderStatus.ACCEPTED,
        filled=Quantity(ZERO),
    )
    patience = Deadline(clock, min(CONFIRM_S, deadline.left_s))
    asked = 0
    heard = False
    while not state.ended and not patience.passed and not (heard and request.kind is OrderKind.RESTING):
        pause = PAUSES_S[min(asked, len(PAUSES_S) - 1)]
        await clock.sleep(min(pause, patience.left_s))
        asked += 1
        try:
            found = await find(request, patience)
            state, heard = found or state, found is not None
        except VenueError:
            continue  # The order was taken; that its state cannot be read now changes nothing about it.
    return replace(state, client_order_id=request.client_order_id)
