"""Forced: positions that the venue closes against their owner's will: liquidation and auto-deleveraging.

The paper exchange's own rule, the same on every wire. Cross margin: when the wallet, plus the unrealised PnL
of all cross positions in a settle coin, less what isolated positions have set aside there, falls below the
maintenance margin of these positions, all open orders in that coin are cancelled, and positions are closed
one by one, the largest loss first, until the margin suffices again. Isolated margin: a position whose own
margin plus its unrealised PnL falls below its maintenance margin is closed, after the open orders of its
contract. The maintenance margin is one rate for each instrument, whatever the size; real venues have tiers.

The venue takes the position over at the mark price and the taker fee; the book is left alone. What a wallet
owes after that is paid by the venue's insurance, so that no wallet ends below zero by a liquidation. It is
checked whenever a mark price, funding or a withdrawal changes what an account is worth. A closing can be
announced: until it comes, the account is frozen, and every new order of it is refused.
"""

import contextlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from bastion.paper.clock import Clock
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.placing import Placing
from bastion.paper.exchange.reading import Reading
from bastion.paper.exchange.settlement import Settlement
from bastion.paper.order import Forced, Order, OrderKind, OrderRequest, OrderState, PositionSide
from bastion.paper.position import Position
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules

ZERO = Decimal(0)
_CLIENT_IDS = {Forced.LIQUIDATION: "autoclose-{}", Forced.ADL: "adl_autoclose"}
LIQUIDATED, DELEVERAGED = Forced.LIQUIDATION.value.lower(), Forced.ADL.value.lower()
"""How an order ended that the venue cancelled on that occasion."""


class ForcedClosings:
    """Closes what must be closed, and what a test or a scenario wants closed so."""

    def __init__(
        self,
        *,
        rules: VenueRules,
        clock: Clock,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        orders: OrderStore,
        settlement: Settlement,
        placing: Placing,
        reading: Reading,
    ) -> None:
        self._rules = rules
        self._pending: list[tuple[int, str, Callable[[], object]]] = []
        self._clock = clock
        self._markets = markets
        self._holdings = holdings
        self._orders = orders
        self._settlement = settlement
        self._placing = placing
        self._reading = reading

    def check(self, symbol: str | None = None, account: str | None = None) -> None:
        """Liquidate what the margin no longer carries, among those who hold `symbol` (None: anything).

        Where the venue's rule `liquidation_takes_ms` is set, the account is frozen for so long first.
        """
        takes_ms = self._rules.liquidation_takes_ms
        for name, holdings in self._holdings.items():
            held = holdings.held()
            here = symbol is None or any(position.symbol == symbol for position in held)
            if not held or not here or account not in {None, name} or not self._is_due(name, held):
                continue
            if not takes_ms:
                self._liquidate(name)
            elif holdings.frozen is None:
                self._freeze(name, Forced.LIQUIDATION, takes_ms, partial(self._liquidate, name))

    def frozen(self, account: str) -> Forced | None:
        """Return why the account takes no orders at present, or None."""
        return self._holdings[account].frozen

    def settle_due(self) -> None:
        """Take what was frozen long enough; what is gone by then, or carried again, stays as it is."""
        now_ms = self._clock.now_ms()
        due = [pending for pending in self._pending if pending[0] <= now_ms]
        self._pending = [pending for pending in self._pending if pending[0] > now_ms]
        for _, account, act in due:
            self._holdings[account].frozen = None
            with contextlib.suppress(Refused):
                act()

    def next_due_ms(self) -> int | None:
        """Return when something frozen will be taken next, or None."""
        return min((due_ms for due_ms, _, _ in self._pending), default=None)

    def announce(
        self,
        account: str,
        symbol: str,
        side: PositionSide,
        *,
        how: Forced,
        quantity: Decimal | None = None,
        freeze_ms: int = 0,
    ) -> None:
        """Freeze the account for `freeze_ms`, then `close`; with 0 at once.

        Raises:
            Refused: there is no such position now, or it is smaller than that.
        """
        act = partial(self.close, account, symbol, side, how=how, quantity=quantity)
        if not freeze_ms:
            act()
            return
        self._wanted(account, symbol, side, quantity)
        self._freeze(account, how, freeze_ms, act)

    def close(
        self, account: str, symbol: str, side: PositionSide, *, how: Forced, quantity: Decimal | None = None
    ) -> Order:
        """Close a position, or `quantity` of it, now and at the mark, whatever its margin.

        The account's open orders of that contract are cancelled first.

        Raises:
            Refused: there is no such position, or it is smaller than that.
        """
        position, wanted = self._wanted(account, symbol, side, quantity)
        self._cancel(account, how, symbol=symbol)
        return self._take(position, self._markets[symbol], how, wanted)

    def _wanted(
        self, account: str, symbol: str, side: PositionSide, quantity: Decimal | None
    ) -> tuple[Position, Decimal]:
        if symbol not in self._markets:
            raise Refused(Reason.UNKNOWN_INSTRUMENT, f"There is no instrument {symbol}.")
        position = self._holdings[account].position(symbol, side)
        size = abs(position.quantity)
        wanted = size if quantity is None else quantity
        if position.is_flat or not ZERO < wanted <= size:
            raise Refused(Reason.REDUCE_ONLY_NOTHING_TO_REDUCE, f"The account holds {size} of {symbol}.")
        return position, wanted

    def _freeze(self, account: str, how: Forced, for_ms: int, act: Callable[[], object]) -> None:
        self._holdings[account].frozen = how
        self._pending.append((self._clock.now_ms() + for_ms, account, act))

    def _is_due(self, account: str, held: list[Position]) -> bool:
        if any(self._reading.is_isolated(position) and self._is_exhausted(position) for position in held):
            return True
        margins = (
            self._reading.cross_margin(account, coin)
            for coin in dict.fromkeys(self._coin(position) for position in held)
        )
        return any(margin < maintenance for margin, maintenance in margins)

    def _liquidate(self, account: str) -> None:
        held = self._holdings[account].held()
        for position in held:
            if self._reading.is_isolated(position) and self._is_exhausted(position):
                self._liquidate_isolated(position)
        for coin in dict.fromkeys(self._coin(position) for position in held):
            self._liquidate_cross(account, coin)

    def _is_exhausted(self, position: Position) -> bool:
        margin = self._reading.isolated_margin(position) + self._reading.unrealized(position)
        return margin < self._reading.maintenance(position)

    def _liquidate_isolated(self, position: Position) -> None:
        market = self._markets[position.symbol]
        margin = self._reading.isolated_margin(position)
        self._cancel(position.account, Forced.LIQUIDATION, symbol=position.symbol)
        order = self._take(position, market, Forced.LIQUIDATION, abs(position.quantity))
        self._insure(position.account, position.symbol, margin + order.realized_pnl - order.fee)

    def _liquidate_cross(self, account: str, coin: str) -> None:
        # Each round closes one position, so that this ends with the last of them.
        while True:
            margin, maintenance = self._reading.cross_margin(account, coin)
            held = [
                position
                for position in self._holdings[account].held()
                if self._coin(position) == coin and not self._reading.is_isolated(position)
            ]
            if not held or margin >= maintenance:
                return
            self._cancel(account, Forced.LIQUIDATION, coin=coin)
            worst = min(held, key=self._reading.unrealized)
            self._take(worst, self._markets[worst.symbol], Forced.LIQUIDATION, abs(worst.quantity))
            if len(held) == 1:
                self._insure(account, worst.symbol, self._reading.cross_margin(account, coin)[0])

    def _take(self, position: Position, market: Market, how: Forced, quantity: Decimal) -> Order:
        order_id = self._orders.next_id()
        now_ms = self._clock.now_ms()
        order = Order(
            order_id=order_id,
            account=position.account,
            request=OrderRequest(
                symbol=position.symbol,
                direction=position.closing_direction,
                kind=OrderKind.MARKET,
                quantity=quantity,
                position_side=position.side,
                reduce_only=True,
                client_order_id=_CLIENT_IDS[how].format(order_id),
                forced=how,
            ),
            state=OrderState.FILLED,
            quantity=quantity,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        filled = self._settlement.fill(order, market, price=market.mark, quantity=quantity, is_maker=False)
        return self._orders.save(filled)

    def _cancel(self, account: str, how: Forced, *, symbol: str = "", coin: str = "") -> None:
        for order in self._orders.open():
            here = order.symbol == symbol or self._markets[order.symbol].instrument.settle == coin
            if order.account == account and here:
                self._placing.cancel(order, how.value.lower())

    def _insure(self, account: str, symbol: str, left: Decimal) -> None:
        if left < ZERO:
            coin = self._markets[symbol].instrument.settle
            self._settlement.insure(account, symbol, coin=coin, amount=-left)

    def _coin(self, position: Position) -> str:
        return self._markets[position.symbol].instrument.settle
