"""Union: what several exits together cover of one account; pure."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.exits.progress import Leg
from bastion.exits.scope import Closed, Contracts


class Union:
    """Implements `scope.Sight` for several exits at once: what any of them covers, in the largest size."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs = tuple(legs)

    @property
    def whole(self) -> bool:
        """Whether one of them covers everything of the account."""
        return any(leg.sight.whole for leg in self._legs)

    def amount(self, position: Position, closed: Closed) -> Decimal:  # noqa: ARG002 - each knows its own closes
        """Return how much of a position is to be taken away for whoever wants the most."""
        amounts = [leg.sight.amount(position, leg.closed) for leg in self._legs]
        return max(amounts, default=Decimal(0))

    def means(self, position: Position) -> bool:
        """Return whether a position is the business of one of them."""
        return any(leg.sight.means(position) for leg in self._legs)

    def covers(self, order: OpenOrder) -> bool:
        """Return whether one of them wants an order cancelled."""
        return any(leg.sight.covers(order) for leg in self._legs)

    def at_once(self, order: OpenOrder) -> bool:
        """Return whether one of them wants an order cancelled without waiting for a position."""
        return any(leg.sight.covers(order) and leg.sight.at_once(order) for leg in self._legs)

    def exact(self, position: Position) -> bool:
        """Return whether all that it is the business of want a part of a position to stay."""
        meant = [leg.sight for leg in self._legs if leg.sight.means(position)]
        return bool(meant) and all(sight.exact(position) for sight in meant)

    def gives_up(self, position: Position) -> bool:
        """Return whether one of them may give a position up for its margin."""
        return any(leg.sight.gives_up(position) for leg in self._legs)

    def needs(self, part: str) -> bool:
        """Return whether one of them needs a part of the account read."""
        return any(leg.sight.needs(part) for leg in self._legs)

    @property
    def by_symbol(self) -> bool:
        """Whether one of them asks for positions by the names of their contracts."""
        return any(leg.sight.by_symbol for leg in self._legs)

    def names(self, instruments: Contracts) -> tuple[Position, ...]:
        """Return what any of them asks for by name."""
        return tuple(position for leg in self._legs for position in leg.sight.names(instruments))

    @property
    def unnamed(self) -> bool:
        """Whether one of them means positions that no name tells."""
        return any(leg.sight.unnamed for leg in self._legs)
