"""Following: the changes of one account, gathered for a stream until it tells them."""

from dataclasses import dataclass

from bastion.paper.account import Income
from bastion.paper.exchange.bulletin import Change
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Fill, Order, PositionSide
from bastion.paper.position import Position
from bastion.paper.wire.streams import Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStep:
    """An order as a change left it, and the execution that was the change, where one was."""

    order: Order
    fill: Fill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed since the last reading: every step of orders, each position as it is now, wallet rows."""

    steps: tuple[OrderStep, ...]
    positions: tuple[Position, ...]
    incomes: tuple[Income, ...]

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The executions, oldest first."""
        return tuple(step.fill for step in self.steps if step.fill is not None)


class Following:
    """Follows at most one account of an exchange, and keeps its changes until they are read."""

    def __init__(self, exchange: Exchange, wake: Wake) -> None:
        self._exchange = exchange
        self._wake = wake
        self._account = ""
        self._changes: list[Change] = []
        self._shown: dict[int, tuple[object, ...]] = {}

    @property
    def account(self) -> str:
        """The account that is followed; empty for none."""
        return self._account

    def start(self, account: str) -> None:
        """Follow `account` from now on, instead of any other."""
        self.stop()
        self._account = account
        self._exchange.bulletin.follow(account, self._hear)

    def stop(self) -> None:
        """Follow nobody, and forget what was not read."""
        self._exchange.bulletin.leave(self._account, self._hear)
        self._account = ""
        self._changes.clear()
        self._shown.clear()

    def read(self) -> News | None:
        """Return what changed since the last call, or None where nothing did."""
        if not self._changes:
            return None
        changes, self._changes = self._changes, []
        steps: list[OrderStep] = []
        executions: dict[int, Fill] = {}
        positions: dict[tuple[str, PositionSide], Position] = {}
        incomes: list[Income] = []
        for change in changes:
            match change:
                case Fill():
                    executions[change.order_id] = change
                case Position():
                    positions[change.symbol, change.side] = change
                case Income():
                    incomes.append(change)
                case Order():
                    fill = executions.pop(change.order_id, None)
                    if self._is_new(change) or fill is not None:
                        steps.append(OrderStep(order=change, fill=fill))
        return News(steps=tuple(steps), positions=tuple(positions.values()), incomes=tuple(incomes))

    def _hear(self, change: Change) -> None:
        self._changes.append(change)
        self._wake()

    def _is_new(self, order: Order) -> bool:
        # The store also keeps versions that differ in what no venue shows, such as having met the book.
        trigger = order.request.trigger
        shown = (
            order.state,
            order.quantity,
            order.executed_quantity,
            order.request.price,
            trigger.price if trigger else None,
        )
        if self._shown.get(order.order_id) == shown:
            return False
        if order.state.is_open:
            self._shown[order.order_id] = shown
        else:
            self._shown.pop(order.order_id, None)
        return True
