"""Orders: every order of a venue in all its versions, and who may still fill."""

from collections.abc import Callable, Iterator

from bastion.paper.exchange.bulletin import Bulletin
from bastion.paper.order import Order, OrderFilter

Matches = Callable[[Order, OrderFilter], bool]


class OrderStore:
    """Orders by id and by client id. An order's versions are kept, so that it can be read as it was."""

    def __init__(self, first_id: int, bulletin: Bulletin) -> None:
        self._bulletin = bulletin
        self._next_id = first_id
        self._versions: dict[int, list[Order]] = {}
        self._open: dict[int, None] = {}
        self._by_account: dict[str, list[int]] = {}
        self._by_client: dict[tuple[str, str], list[int]] = {}

    def next_id(self) -> int:
        """Return a fresh order id; ids rise."""
        order_id = self._next_id
        self._next_id += 1
        return order_id

    def save(self, order: Order) -> Order:
        """Keep `order` as the newest version of its id, and return it."""
        versions = self._versions.get(order.order_id)
        if versions is None:
            self._versions[order.order_id] = [order]
            self._by_account.setdefault(order.account, []).append(order.order_id)
            self._by_client.setdefault((order.account, order.client_order_id), []).append(order.order_id)
        else:
            versions.append(order)
        if order.state.is_open:
            self._open[order.order_id] = None
        else:
            self._open.pop(order.order_id, None)
        self._bulletin.tell(order.account, order)
        return order

    def get(self, order_id: int, *, at_ms: int | None = None) -> Order | None:
        """Return the order, now or as it was at `at_ms`; None where it was not known."""
        return self._as_of(self._versions.get(order_id, []), at_ms)

    def newest(self, order_id: int) -> Order:
        """Return the current version of an order that is known to exist."""
        return self._versions[order_id][-1]

    def ids_of_client(self, account: str, client_order_id: str) -> list[int]:
        """Return the ids of all orders that carried a client id, oldest first."""
        return self._by_client.get((account, client_order_id), [])

    def find(
        self, account: str, ids: list[int], *, conditional: bool | None, at_ms: int | None
    ) -> Order | None:
        """Return the newest of `ids` that belongs to `account` and was, or was not, placed as conditional."""
        for order_id in reversed(ids):
            order = self.get(order_id, at_ms=at_ms)
            if order is None or order.account != account:
                continue
            if conditional is None or conditional == order.is_conditional:
                return order
        return None

    def open(self) -> Iterator[Order]:
        """Yield every open order, oldest first. Safe against changes while it runs."""
        for order_id in sorted(self._open):
            if order_id in self._open:
                yield self.newest(order_id)

    def open_of(self, account: str, which: OrderFilter, accepts: Matches, at_ms: int | None) -> list[Order]:
        """Return the open orders of `account` that `accepts` passes, oldest first."""
        if at_ms is None:
            return [order for order in self.open() if order.account == account and accepts(order, which)]
        return [order for order in self.all_of(account, which, accepts, at_ms) if order.state.is_open]

    def all_of(self, account: str, which: OrderFilter, accepts: Matches, at_ms: int | None) -> list[Order]:
        """Return all orders of `account` that `accepts` passes, oldest first."""
        seen = (self.get(order_id, at_ms=at_ms) for order_id in self._by_account.get(account, []))
        return [order for order in seen if order is not None and accepts(order, which)]

    @staticmethod
    def _as_of(versions: list[Order], at_ms: int | None) -> Order | None:
        if at_ms is None:
            return versions[-1] if versions else None
        for order in reversed(versions):
            if order.updated_ms <= at_ms:
                return order
        return None
