"""Scoped judge: holds exits of a part of their accounts to that part, by each exchange's own ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bastion.domain.position import Side
from bastion.domain.selection import Selection
from bastion.paper.order import Direction, Order, PositionSide
from bastion.paper.wire.protocol import WireAnswer
from tests.simulation.wires.calls import Kind
from tests.simulation.wires.host import Asked
from tests.simulation.wires.judge import EVERY, Judge, side_of
from tests.simulation.wires.stage import symbol_of

CANCELS = {Kind.CANCEL, Kind.SWEEP}


@dataclass(kw_only=True)
class ScopedJudge(Judge):
    """What no exit asked for is to be touched by no order and no cancel; a verdict speaks of what it means.

    What a scope means is worked out here anew, from the names that the desk's reports give to contracts.
    """

    scopes: Mapping[str, Selection]
    standing: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = {
            (one.name, symbol_of(one.venue, base)): name
            for one in self.world.accounts
            for (venue, base), name in self.world.names.items()
            if venue == one.venue
        }

    def before(self, venue: str, asked: Asked) -> None:
        super().before(venue, asked)
        if asked.kind in CANCELS and asked.account:
            self.standing = self._theirs(venue, asked.account)

    def after(self, venue: str, asked: Asked, answer: WireAnswer) -> None:
        super().after(venue, asked, answer)
        if asked.kind not in CANCELS or not asked.account:
            return
        left = {order.order_id for order in self._theirs(venue, asked.account)}
        for order in self.standing:
            if order.order_id not in left and not self._wanted(asked.account, order.symbol, side_of(order)):
                self.broken(f"{order.client_order_id} of {asked.account} was left out, and cancelled")

    def means(self, exit_id: str, account: str, symbol: str, side: str) -> bool:
        """Return whether that exit means an account's contract on a side."""
        scope, name = self.scopes[exit_id], self._names[account, symbol]
        return (
            name not in scope.except_symbols
            and (not scope.symbols or name in scope.symbols)
            and (not scope.sides or Side(side) in scope.sides)
        )

    def _placed(self, asked: Asked, order: Order) -> None:
        super()._placed(asked, order)
        request = order.request
        side = request.position_side.value
        if request.position_side is PositionSide.NET:
            side = "LONG" if request.direction is Direction.SELL else "SHORT"
        if not self._wanted(order.account, order.symbol, side):
            self.broken(f"{side} {order.symbol} of {order.account} was left out, and got an order")

    def _wanted(self, account: str, symbol: str, side: str) -> bool:
        return any(self.means(exit_id, account, symbol, side) for exit_id in self.requested)

    def _theirs(self, venue: str, account: str) -> list[Order]:
        return [
            order
            for order in self.hosts[venue].exchange.open_orders(account, EVERY)
            if (account, order.order_id) not in self.ours
        ]
