"""Preview rules: what would be sent for a position, what would hinder it, and which orders would go; pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from bastion.commands.preview_telling import PreviewAction
from bastion.commands.readings import AccountReading
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Quantity, written
from bastion.domain.order import Direction, OpenOrder, OrderKind
from bastion.domain.position import Position, Side
from bastion.domain.refund import RefundPolicy
from bastion.domain.selection import Selection
from bastion.domain.symbol import symbol_of
from bastion.exits.ladder import Rung, below_minimum, slices
from bastion.exits.settings import ExitSettings
from bastion.ports import Venue

Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One position that would be closed, wholly or in part."""

    reading: AccountReading
    position: Position
    quantity: Quantity
    instrument: Instrument | None

    @property
    def venue(self) -> Venue:
        """The venue that holds it."""
        return self.reading.venue

    @property
    def place(self) -> Place:
        """What names its contract within the desk."""
        return (self.venue.account.name, self.position.category, self.position.instrument)


def kept_because(position: Position, action: PreviewAction) -> str:
    """Return why the action leaves a covered position as it is, empty where it does not."""
    if not position.closable:
        return "bastion reports it and does not close it"
    if action is not PreviewAction.FLATTEN_WINNERS:
        return ""
    if position.unrealized_pnl_usd is None:
        return "the venue does not say what it has gained"
    return "" if position.unrealized_pnl_usd > ZERO else "not in profit at the mark"


def order_form(each: Meant, settings: ExitSettings, action: PreviewAction) -> tuple[str, tuple[Decimal, ...]]:
    """Return how the first orders for it are executed, in words, and their sizes."""
    position = each.position
    if action is PreviewAction.EXIT and each.venue.account.refund is RefundPolicy.ALWAYS:
        return "the margin asked back from the venue (refund)", (each.quantity,)
    if each.quantity < position.quantity and _too_small(each):
        return "none", ()
    sized = replace(position, quantity=each.quantity)
    parts = slices(sized, each.instrument, Rung(kind=OrderKind.MARKET), settings)
    if any(part.kind is OrderKind.WHOLE for part in parts):
        return "the venue's close of the whole position, or its exact size", (position.quantity,)
    how = "by the position's own side, which can only reduce" if position.hedged else "reduce-only"
    return f"market, {how}", tuple(part.quantity for part in parts)


def _too_small(each: Meant) -> bool:
    return each.quantity == ZERO or below_minimum(
        replace(each.position, quantity=each.quantity), each.instrument
    )


def hindrances_of(each: Meant, action: PreviewAction) -> tuple[str, ...]:
    """Return what could keep it from being closed, apart from the book."""
    access, account = each.reading.access, each.venue.account
    found: list[str] = []
    if access is None:
        found.append(f"what the credential may do is not known: {each.reading.access_error}")
    elif access.can_trade is False:
        found.append(
            f"the credential {account.credential!r} cannot trade: the venue would refuse every order"
        )
    if _too_small(each):
        least = each.instrument.quantity_min if each.instrument is not None else ZERO
        fate = (
            "the part would be refused"
            if action is PreviewAction.PARTIAL_CLOSE
            else "it is tried whole, and can be left as dust"
        )
        found.append(f"below the venue's minimum of {written(least)}: {fate}")
    return tuple(found)


def goes(
    order: OpenOrder, selection: Selection, action: PreviewAction, closed: Collection[tuple[str, str, Side]]
) -> bool:
    """Return whether an order would be cancelled: `closed` names the positions that would be closed."""
    if action is PreviewAction.PARTIAL_CLOSE:
        return False
    if action is PreviewAction.FLATTEN_WINNERS:
        place = (order.category, order.instrument)
        return any(
            (category, instrument) == place and order.side in {None, side}
            for category, instrument, side in closed
        )
    return selection.covers_position(symbol=symbol_of(order), side=_side_of(order))


def _side_of(order: OpenOrder) -> Side:
    # In one-way mode an order belongs to the side that it would open or, reduce-only, to the one it reduces.
    if order.side is not None:
        return order.side
    opens = Side.LONG if order.direction is Direction.BUY else Side.SHORT
    if not order.reduce_only:
        return opens
    return Side.SHORT if opens is Side.LONG else Side.LONG
