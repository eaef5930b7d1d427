"""User events: the changes of one account as the user data stream of its listen key tells them."""

from decimal import Decimal

from bastion.paper.account import Income
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind
from bastion.paper.position import PositionView
from bastion.paper.wire.binance import events
from bastion.paper.wire.binance.listen_keys import ListenKey, ListenKeys
from bastion.paper.wire.following import Following, News, OrderStep
from bastion.paper.wire.streams import Wake

ZERO = Decimal(0)


class UserEvents:
    """One account's stream in one family of contracts.

    What changed between two readings is told in one ACCOUNT_UPDATE for each reason, then order by order.
    """

    def __init__(self, *, exchange: Exchange, key: ListenKey, keys: ListenKeys, wake: Wake) -> None:
        self._exchange = exchange
        self._key = key
        self._keys = keys
        self._following = Following(exchange, wake)
        self._following.start(key.account)

    @property
    def account(self) -> str:
        """The account of the listen key."""
        return self._key.account

    @property
    def expires_ms(self) -> int:
        """When the listen key's time is over, as it stands now."""
        return self._key.expires_ms

    def is_valid(self, now_ms: int) -> bool:
        """Whether the listen key is in force."""
        return self._keys.valid(self._key.text, now_ms) is self._key

    def close(self) -> None:
        """Follow the account no more."""
        self._following.stop()

    def read(self, now_ms: int) -> list[events.Json]:
        """Return the events of all changes since the last reading."""
        news = self._following.read()
        if news is None:
            return []
        steps = [step for step in news.steps if self._is_ours(step.order.symbol)]
        rows = self._account_updates(news, now_ms)
        for step in steps:
            rows += self._order_events(step, now_ms)
        return rows

    def _order_events(self, step: OrderStep, now_ms: int) -> list[events.Json]:
        order = step.order
        if order.is_conditional:
            return [events.algo_update(order, self._exchange, now_ms=now_ms)]
        rows = [events.order_update(step, self._exchange, now_ms=now_ms)]
        if order.parent_id and not order.state.is_open:
            parent = self._exchange.find_order(order.account, order_id=order.parent_id)
            if parent is not None:
                rows.append(events.algo_update(parent, self._exchange, now_ms=now_ms))
        return rows

    def _account_updates(self, news: News, now_ms: int) -> list[events.Json]:
        by_reason: dict[str, list[Income]] = {}
        for income in news.incomes:
            if not income.symbol or self._is_ours(income.symbol):
                by_reason.setdefault(events.reason_of(income), []).append(income)
        positions = [position for position in news.positions if self._is_ours(position.symbol)]
        if positions:
            # An opening without a fee changes a position and no wallet.
            by_reason.setdefault("ORDER", [])
        changed = {(position.symbol, position.side) for position in positions}
        views = [
            view
            for view in self._exchange.positions(self.account, with_flat=True)
            if (view.instrument.symbol, view.position.side) in changed
        ]
        return [
            self._account_update(reason, rows, views if reason == "ORDER" else [], now_ms)
            for reason, rows in by_reason.items()
        ]

    def _account_update(
        self, reason: str, rows: list[Income], views: list[PositionView], now_ms: int
    ) -> events.Json:
        changes: dict[str, Decimal] = {}
        for row in rows:
            gained = ZERO if reason == "ORDER" else row.amount
            changes[row.coin] = changes.get(row.coin, ZERO) + gained
        times = [row.time_ms for row in rows] + [view.position.updated_ms for view in views]
        return events.account_update(
            reason,
            balances=[row for row in self._exchange.balances(self.account) if row.coin in changes],
            changes=changes,
            positions=views,
            time_ms=max(times, default=now_ms),
            now_ms=now_ms,
        )

    def _is_ours(self, symbol: str) -> bool:
        kind = self._exchange.instrument(symbol).kind
        return (kind is ContractKind.INVERSE) == (self._key.kind is ContractKind.INVERSE)
