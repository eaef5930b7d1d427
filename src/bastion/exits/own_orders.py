"""Own orders: which working orders of an account are closes of ours, and which of them still rest; pure."""

from bastion.domain.order import OpenOrder
from bastion.exits.books import Sent
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg

WITHDRAWALS_MAX = 3
"""So often the cancel of an order that nobody wants any more is sent."""


def as_open(order: Sent) -> OpenOrder | None:
    """Return an order of ours as what can be cancelled; None where the venue gave no id of it."""
    if order.state is None or not order.state.order_id:
        return None
    request, position = order.request, order.request.position
    return OpenOrder(
        instrument=position.instrument,
        category=position.category,
        order_id=order.state.order_id,
        client_order_id=request.client_order_id,
        direction=request.direction,
        quantity=request.quantity,
        reduce_only=True,
        conditional=False,
        side=position.side if position.hedged else None,
    )


def resting(leg: Leg, pace: Pace) -> tuple[OpenOrder, ...]:
    """Return the orders of ours that the venue took and did not end, by all that is known."""
    found = (as_open(order) for order in leg.sent.values() if not order.settled)
    return tuple(
        order
        for order in found
        if order is not None
        and order.key not in leg.cancelled
        and pace.cancel_tries.get(order.key, 0) < WITHDRAWALS_MAX
    )


def is_ours(leg: Leg, order: OpenOrder) -> bool:
    """Return whether a working order is a close that this leg sent."""
    if order.client_order_id in leg.sent:
        return True
    ids = {sent.state.order_id for sent in leg.sent.values() if sent.state is not None}
    return bool(order.order_id) and order.order_id in ids


def withdrawn(leg: Leg, order: OpenOrder) -> bool:
    """Return whether a working order is a close of ours that the venue said is gone."""
    return order.key in leg.cancelled and is_ours(leg, order)
