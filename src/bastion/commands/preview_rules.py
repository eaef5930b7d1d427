"""Preview rules: what would be sent for a position, what would hinder it, and which orders would go; pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.commands.preview_telling import PreviewAction
from bastion.commands.readings import AccountReading
from bastion.domain.instrument import Instrument
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import ZERO, Quantity, written
from bastion.domain.order import OrderKind
from bastion.domain.position import Position
from bastion.domain.refund import RefundPolicy
from bastion.domain.selection import Selection
from bastion.exits.ladder import Rung, below_minimum, slices
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.ports import Venue
from bastion.shape import dataclass

_KINDS = {
    PreviewAction.EXIT: ExitKind.EXIT,
    PreviewAction.FLATTEN_WINNERS: ExitKind.WINNERS,
    PreviewAction.PARTIAL_CLOSE: ExitKind.PARTIAL,
}

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


def scope_for(action: PreviewAction, selection: Selection, meant: Sequence[Meant], account: str) -> Scope:
    """Return the scope of the action on an account, by the rules that hold when it is carried out."""
    return Scope(
        kind=_KINDS[action],
        selection=selection,
        targets=tuple(
            Target(
                account=account,
                category=each.position.category,
                instrument=each.position.instrument,
                side=each.position.side,
                keep=Quantity(each.position.quantity - each.quantity),
                close=each.quantity,
            )
            for each in meant
            if each.venue.account.name == account
        ),
    )
