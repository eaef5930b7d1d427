"""Reopenings: what was opened again after an exit had ended flat, and whose orders did it; pure."""

from collections.abc import Iterator

from bastion.domain.money import Quantity, written
from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Position, Side
from bastion.domain.symbol import pair, symbol_of
from bastion.exits.progress import Leg
from bastion.shape import dataclass

PREFIX_LENGTH = 10
MARKS = "-_."
NAMED_MAX = 4
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """One position or order that was there again; `by` are the prefixes of the client ids that opened it."""

    at_ns: int
    symbol: str
    direction: str
    quantity: Quantity
    kind: str
    by: tuple[str, ...]

    @property
    def said(self) -> str:
        """One sentence for a person, naming the culprit where the venue does."""
        what = "" if self.kind == "position" else "an order "
        told = f"{what}{self.symbol} {self.direction} {written(self.quantity)} was opened again after flat"
        if not self.by:
            return f"{told}; the venue does not say by which orders."
        names = ", ".join(repr(name) for name in self.by[:NAMED_MAX])
        return f"{told} by orders whose client id begins with {names}; stop what sends them."


def prefix(client_order_id: str) -> str:
    """Return the part of a client's order id that is the same for all orders of one program.

    Up to the last dash, underscore or dot in its first characters, else these characters.
    """
    head = client_order_id[:PREFIX_LENGTH]
    cut = max(head.rfind(mark) for mark in MARKS)
    return head[: cut + 1] if cut > 0 else head


def reopenings(leg: Leg) -> Iterator[Reopened]:
    """Yield what was opened again, in the order in which it was seen."""
    for at_ns, record in leg.reopened:
        for position in record.positions:
            yield Reopened(
                at_ns=at_ns,
                symbol=pair(position.symbol),
                direction=position.side.value,
                quantity=position.quantity,
                kind="position",
                by=_openers(leg, position),
            )
        for order in record.orders:
            yield Reopened(
                at_ns=at_ns,
                symbol=symbol_of(order),
                direction=order.direction.value,
                quantity=order.quantity,
                kind="order",
                by=_named([order.client_order_id]),
            )


def _openers(leg: Leg, position: Position) -> tuple[str, ...]:
    opening = Direction.BUY if position.side is Side.LONG else Direction.SELL
    place = (position.category, position.instrument)
    own = {sent.state.order_id for sent in leg.sent.values() if sent.state is not None}
    filled = [
        fill.client_order_id
        for fill in leg.fills.values()
        if (fill.category, fill.instrument) == place
        and fill.direction is opening
        and fill.side in {None, position.side}
        and fill.client_order_id not in leg.sent
        and fill.order_id not in own
    ]
    return _named([*filled, *(order.client_order_id for order in _resting(leg, position, opening))])


def _resting(leg: Leg, position: Position, opening: Direction) -> list[OpenOrder]:
    return [
        order
        for order in leg.openers.values()
        if (order.category, order.instrument) == (position.category, position.instrument)
        and order.direction is opening
    ]


def _named(ids: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(prefix(one) for one in ids if one))
