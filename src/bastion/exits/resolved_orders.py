"""Resolved orders: whose outcome was unknown for a while, and how it was found out; pure."""

from collections.abc import Iterable

from bastion.domain.money import ZERO, Quantity
from bastion.domain.records import Outcome
from bastion.domain.symbol import pair
from bastion.exits.books import Sent
from bastion.exits.progress import Leg
from bastion.exits.telling import ResolvedOrder


def resolved_orders(leg: Leg) -> Iterable[ResolvedOrder]:
    """Yield each order of a leg whose outcome was unknown for a while, with how it was found out."""
    for order in leg.sent.values():
        answer = order.answer
        told = answer is not None and answer.outcome is Outcome.ANSWERED
        if told or order.resolved is None:
            continue
        yield ResolvedOrder(
            symbol=pair(order.request.position.symbol),
            exchange=leg.account.venue,
            account=leg.account.name,
            client_order_id=order.request.client_order_id,
            by=order.resolved.value,
            filled=_filled(leg, order),
        )


def _filled(leg: Leg, order: Sent) -> Quantity | None:
    cid = order.request.client_order_id
    fills = sum((fill.quantity for fill in leg.fills.values() if fill.client_order_id == cid), ZERO)
    amount = max(fills, order.filled)
    return Quantity(amount) if amount > ZERO or order.state is not None else None
