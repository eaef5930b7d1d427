"""Scope: which positions and orders of an account an exit covers, and how much of each; pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Position, Side
from bastion.domain.records import ExitRequested
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.symbol import pair, symbol_of
from bastion.shape import dataclass

Closed = Callable[[Position], Decimal]
"""How much our own orders took off a position already."""
Contracts = Mapping[tuple[str, str], Instrument]
"""The contracts of a venue, by category and id."""


class Sight(Protocol):
    """What a leg sees of its account; nothing else is closed, cancelled or counted."""

    @property
    def whole(self) -> bool:
        """Whether everything of the account is covered."""
        ...

    def amount(self, position: Position, closed: Closed) -> Decimal:
        """Return how much of a position is to be taken away; zero where it is not covered."""
        ...

    def means(self, position: Position) -> bool:
        """Return whether a position, of whatever size, is the leg's business."""
        ...

    def covers(self, order: OpenOrder) -> bool:
        """Return whether an order is to be cancelled, now or once its position is gone."""
        ...

    def at_once(self, order: OpenOrder) -> bool:
        """Return whether a covered order is to be cancelled without waiting for a position."""
        ...

    def exact(self, position: Position) -> bool:
        """Return whether a part of a covered position is to stay, so that it is closed by its size only."""
        ...

    def gives_up(self, position: Position) -> bool:
        """Return whether a covered position may be given up for its margin as the last rung."""
        ...

    def needs(self, part: str) -> bool:
        """Return whether a part of the account, by its name, must be read."""
        ...

    @property
    def by_symbol(self) -> bool:
        """Whether positions are asked for by the names of their contracts."""
        ...

    def names(self, instruments: Contracts) -> tuple[Position, ...]:
        """Return what is asked for by name, of no size and on the one side that is meant, else long."""
        ...

    @property
    def unnamed(self) -> bool:
        """Whether positions are meant that no name tells, beside others that are left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one exit covers of one account; `targets` are those of this account."""

    kind: ExitKind = ExitKind.EXIT
    selection: Selection = EVERYTHING
    targets: tuple[Target, ...] = ()
    stops_too: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything of the account is covered."""
        return self.kind is ExitKind.EXIT and self.selection.whole_accounts

    def amount(self, position: Position, closed: Closed) -> Decimal:
        """Return how much of a position is to be taken away; zero where it is not covered.

        A partial close takes what is above the size to be kept, and never more than was asked for.
        """
        if not self.means(position):
            return ZERO
        if self.kind is not ExitKind.PARTIAL:
            return position.quantity
        target = next(target for target in self.targets if target.key == position.key)
        return max(min(position.quantity - target.keep, target.close - closed(position)), ZERO)

    def means(self, position: Position) -> bool:
        """Return whether a position, of whatever size, is the leg's business."""
        if self.kind is ExitKind.HALT:
            return False
        if self.kind is ExitKind.EXIT:
            return self.whole or self._selects(pair(position.symbol), position.side)
        return any(target.key == position.key for target in self.targets)

    def covers(self, order: OpenOrder) -> bool:
        """Return whether an order is to be cancelled, now or once its position is gone.

        In one-way mode an order belongs to the side that it would open, or, where it can only reduce, to the
        side that it reduces.
        """
        if self.kind is ExitKind.PARTIAL:
            return False
        if self.kind is ExitKind.WINNERS:
            place = (order.category, order.instrument)
            return any(
                (target.category, target.instrument) == place and order.side in {None, target.side}
                for target in self.targets
            )
        if self.kind is ExitKind.HALT and not self.stops_too and order.reduce_only and order.conditional:
            return False
        return self._selects(symbol_of(order), side_of(order))

    def at_once(self, order: OpenOrder) -> bool:
        """Return whether a covered order is to be cancelled without waiting for a position."""
        return self.kind is ExitKind.HALT or not order.reduce_only

    def exact(self, position: Position) -> bool:
        """Return whether a part of a covered position is to stay, so that it is closed by its size only."""
        return self.kind is ExitKind.PARTIAL and self.means(position)

    def gives_up(self, position: Position) -> bool:
        """Return whether a covered position may be given up for its margin as the last rung."""
        return self.kind is ExitKind.EXIT and self.means(position)

    def needs(self, part: str) -> bool:
        """Return whether a part of the account, by its name, must be read; a halt needs no positions."""
        return self.kind is not ExitKind.HALT or "position" not in part

    @property
    def by_symbol(self) -> bool:
        """Whether positions are asked for by the names of their contracts."""
        return self.kind is ExitKind.EXIT and bool(self.selection.symbols)

    def names(self, instruments: Contracts) -> tuple[Position, ...]:
        """Return what is asked for by name, of no size and on the one side that is meant, else long.

        That is each contract of a symbol that is selected, and what a partial close is aimed at.
        """
        if self.by_symbol:
            sides = self.selection.sides
            side = next(iter(sides)) if len(sides) == 1 else Side.LONG
            places = [
                (place, item.symbol, side)
                for place, item in instruments.items()
                if self.selection.covers_symbol(pair(item.symbol))
            ]
        else:
            places = [((one.category, one.instrument), one.instrument, one.side) for one in self.targets]
        return tuple(
            Position(
                instrument=instrument,
                category=category,
                symbol=symbol,
                side=side,
                quantity=Quantity(ZERO),
                hedged=False,
            )
            for (category, instrument), symbol, side in places
        )

    @property
    def unnamed(self) -> bool:
        """Whether positions are meant that no name tells, beside others: of one side, or all but some."""
        return self.kind is ExitKind.EXIT and not self.whole and not self.by_symbol

    def contains(self, other: "Scope") -> bool:
        """Return whether all that the other scope closes or cancels is closed or cancelled by this one.

        It may answer no where that is hard to tell; then both are carried out beside each other.
        """
        if self == other:
            return True
        if self.kind is not ExitKind.EXIT or other.kind is not ExitKind.EXIT:
            return False
        mine, its = self.selection, other.selection
        return (
            (not mine.symbols or (bool(its.symbols) and its.symbols <= mine.symbols))
            and (not mine.sides or (bool(its.sides) and its.sides <= mine.sides))
            and all(
                symbol in its.except_symbols or (bool(its.symbols) and symbol not in its.symbols)
                for symbol in mine.except_symbols
            )
        )

    def _selects(self, symbol: str, side: Side) -> bool:
        return self.selection.covers_position(symbol=symbol, side=side)


WHOLE = Scope()


def scope_of(request: ExitRequested, account: str) -> Scope:
    """Return what a request covers of one of its accounts."""
    return Scope(
        kind=request.kind,
        selection=request.selection,
        targets=tuple(target for target in request.targets if target.account == account),
        stops_too=request.stops_too,
    )


def side_of(order: OpenOrder) -> Side:
    """Return the side of the position that an order would open or grow, or, reduce-only, would reduce."""
    if order.side is not None:
        return order.side
    opens = Side.LONG if order.direction is Direction.BUY else Side.SHORT
    if not order.reduce_only:
        return opens
    return Side.SHORT if opens is Side.LONG else Side.LONG


def narrow(look: Look, sight: Sight, closed: Closed) -> Look:
    """Return what a look shows of the covered part, each position in the size that is to be taken away."""
    if sight.whole:
        return look
    sized = ((position, sight.amount(position, closed)) for position in look.positions)
    return replace(
        look,
        positions=tuple(
            position if amount == position.quantity else replace(position, quantity=Quantity(amount))
            for position, amount in sized
            if amount > ZERO
        ),
        orders=tuple(order for order in look.orders if sight.covers(order)),
        unread=tuple(part for part in look.unread if sight.needs(part.part)),
    )
