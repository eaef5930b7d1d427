"""Forced: positions that the venue closes against their owner's will: liquidation and auto-deleveraging.

The paper exchange's own rule, the same on every wire. Cross margin: when the wallet, plus the unrealised PnL
of all cross positions in a settle coin, less what isolated positions have set aside there, falls below the
maintenance margin of these positions, all open orders in that coin are cancelled, and positions are closed
one by one, the largest loss first, until the margin suffices again. Isolated margin: a position whose own
margin plus its unrealised PnL falls below its maintenance margin is closed, after the open orders of its
contract. The maintenance margin is one rate for each instrument, whatever the size; real venues have tiers.

The venue takes the position over at the mark price and the taker fee; the book is left alone. What a wallet
owes after that is paid by the venue's insurance, so that no wallet ends below zero by a liquidation. It is
checked whenever a mark price, funding or a withdrawal changes what an account is worth.
"""

from collections.abc import Mapping
from decimal import Decimal

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

ZERO = Decimal(0)
_CLIENT_IDS = {Forced.LIQUIDATION: "autoclose-{}", Forced.ADL: "adl_autoclose"}
LIQUIDATED, DELEVERAGED = Forced.LIQUIDATION.value.lower(), Forced.ADL.value.lower()
"""How an order ended that the venue cancelled on that occasion."""


class ForcedClosings:
    """Closes what must be closed, and what a test or a scenario wants closed so."""

    def __init__(
        self,
        *,
        clock: Clock,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        orders: OrderStore,
        settlement: Settlement,
        placing: Placing,
        reading: Reading,
    ) -> None:
        self._clock = clock
        self._markets = markets
        self._holdings = holdings
        self._orders = orders
        self._settlement = settlement
        self._placing = placing
        self._reading = reading

    def check(self, symbol: str | None = None, account: str | None = None) -> None:
        """Liquidate what the margin no longer carries, among those who hold `symbol` (None: anything)."""
        for name, holdings in self._holdings.items():
            if account not in {None, name}:
                continue
            held = holdings.held()
            if symbol is not None:
                held = [position for position in held if position.symbol == symbol]
            for position in held:
                if self._reading.is_isolated(position) and self._is_exhausted(position):
                    self._liquidate_isolated(position)
            for coin in dict.fromkeys(self._coin(position) for position in held):
                self._liquidate_cross(name, coin)

    def close(
        self, account: str, symbol: str, side: PositionSide, *, how: Forced, quantity: Decimal | None = None
    ) -> Order:
        """Close a position, or `quantity` of it, now and at the mark, whatever its margin.

        The account's open orders of that contract are cancelled first.

        Raises:
            Refused: there is no such position, or it is smaller than that.
        """
        market = self._markets.get(symbol)
        if market is None:
            raise Refused(Reason.UNKNOWN_INSTRUMENT, f"There is no instrument {symbol}.")
        position = self._holdings[account].position(symbol, side)
        size = abs(position.quantity)
        wanted = size if quantity is None else quantity
        if position.is_flat or not ZERO < wanted <= size:
            raise Refused(Reason.REDUCE_ONLY_NOTHING_TO_REDUCE, f"The account holds {size} of {symbol}.")
        self._cancel(account, how, symbol=symbol)
        return self._take(position, market, how, wanted)

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
