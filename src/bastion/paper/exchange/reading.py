"""Reading: positions, balances and orders as the venue shows them."""

from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.account import Balance, MarginMode
from bastion.paper.exchange.checks import is_reducing
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.settlement import wallet_of
from bastion.paper.instrument import Instrument
from bastion.paper.ledger import Ledger
from bastion.paper.margin import initial_margin, liquidation_price, maintenance_margin
from bastion.paper.money import from_units
from bastion.paper.order import Order, OrderFilter, OrderState
from bastion.paper.position import Position, PositionView

ZERO = Decimal(0)


def matches(order: Order, which: OrderFilter, instrument: Instrument | None) -> bool:
    """Whether `order` is one of those that `which` means.

    A triggered order counts as working, not as conditional.
    """
    if which.symbol is not None and order.symbol != which.symbol:
        return False
    if which.conditional is not None:
        waits = order.state is OrderState.UNTRIGGERED or (order.is_conditional and not order.triggered_ms)
        if which.conditional != waits:
            return False
    if instrument is None or which.settle is which.base is which.contract is None:
        return True
    pairs = (
        (which.settle, instrument.settle),
        (which.base, instrument.base),
        (which.contract, instrument.kind.value),
    )
    return all(wanted is None or wanted == actual for wanted, actual in pairs)


class Reading:
    """Figures that follow from positions, prices and the ledger; reading changes nothing."""

    def __init__(
        self,
        *,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        orders: OrderStore,
        ledger: Ledger,
    ) -> None:
        self._markets = markets
        self._holdings = holdings
        self._orders = orders
        self._ledger = ledger

    def accepts(self, order: Order, which: OrderFilter) -> bool:
        """Whether `order` is one of those that `which` means, its instrument looked up."""
        return matches(order, which, self._markets[order.symbol].instrument)

    def positions(self, account: str, *, with_flat: bool, at_ms: int | None) -> list[PositionView]:
        """Return position views by listing order of their symbols, LONG before SHORT."""
        holdings = self._holdings[account]
        held = {(p.symbol, p.side): p for p in holdings.held(at_ms=at_ms)}
        rows = []
        for symbol in self._markets:
            keys = [key for key in held if key[0] == symbol]
            if with_flat:
                keys = [(symbol, side) for side in holdings.sides(symbol)]
            rows += [
                held.get(key) or holdings.position(*key, at_ms=at_ms)
                for key in sorted(keys, key=lambda key: key[1].value)
            ]
        backing = self._backing(account, list(held.values()))
        return [self._view(position, backing) for position in rows]

    def balance(self, account: str, coin: str, *, at_ms: int | None = None) -> Balance:
        """Return the account's money in `coin`, with the position margin that stood at `at_ms`."""
        held = [p for p in self._holdings[account].held() if self._instrument(p).settle == coin]
        bound = held
        if at_ms is not None:
            past = self._holdings[account].held(at_ms=at_ms)
            bound = [p for p in past if self._instrument(p).settle == coin]
        wallet = from_units(coin, self._ledger.balance(wallet_of(account), coin))
        unrealized, maintenance = self._totals(held).get(coin, (ZERO, ZERO))
        position_margin = sum((self._initial(position) for position in bound), ZERO)
        order_margin = self._order_margin(account, coin)
        return Balance(
            coin=coin,
            wallet=wallet,
            unrealized_pnl=unrealized,
            equity=wallet + unrealized,
            position_margin=position_margin,
            order_margin=order_margin,
            maintenance_margin=maintenance,
            available=max(wallet + unrealized - position_margin - order_margin, ZERO),
        )

    def is_isolated(self, position: Position) -> bool:
        """Whether a position has a margin of its own."""
        return self._holdings[position.account].margin_mode(position.symbol) is MarginMode.ISOLATED

    def isolated_margin(self, position: Position) -> Decimal:
        """Return what an isolated position set aside when it was opened: its entry value by its leverage."""
        value = from_units(self._instrument(position).settle, position.entry_units)
        return initial_margin(value, self._holdings[position.account].leverage(position.symbol))

    def cross_margin(self, account: str, coin: str) -> tuple[Decimal, Decimal]:
        """Return what backs the cross positions of an account in `coin`, and the margin that they need."""
        wallet = from_units(coin, self._ledger.balance(wallet_of(account), coin))
        return self._backing(account, self._holdings[account].held()).get(coin, (wallet, ZERO))

    def _backing(self, account: str, held: list[Position]) -> dict[str, tuple[Decimal, Decimal]]:
        backing: dict[str, tuple[Decimal, Decimal]] = {}
        for position in held:
            coin = self._instrument(position).settle
            wallet = from_units(coin, self._ledger.balance(wallet_of(account), coin))
            margin, maintenance = backing.get(coin, (wallet, ZERO))
            if self.is_isolated(position):
                backing[coin] = (margin - self.isolated_margin(position), maintenance)
            else:
                margin += self.unrealized(position)
                backing[coin] = (margin, maintenance + self.maintenance(position))
        return backing

    def _instrument(self, position: Position) -> Instrument:
        return self._markets[position.symbol].instrument

    def _value(self, position: Position) -> Decimal:
        market = self._markets[position.symbol]
        return market.instrument.value(abs(position.quantity), market.mark)

    def _initial(self, position: Position) -> Decimal:
        leverage = self._holdings[position.account].leverage(position.symbol)
        return initial_margin(self._value(position), leverage)

    def maintenance(self, position: Position) -> Decimal:
        """Return the least margin that keeps the position from liquidation."""
        return maintenance_margin(self._value(position), self._instrument(position).maintenance_ppm)

    def unrealized(self, position: Position) -> Decimal:
        """Return what closing the position at the mark would realise, in its settle coin."""
        market = self._markets[position.symbol]
        return position.unrealized_pnl(market.instrument, market.mark)

    def _totals(self, held: list[Position]) -> dict[str, tuple[Decimal, Decimal]]:
        totals: dict[str, tuple[Decimal, Decimal]] = {}
        for position in held:
            coin = self._instrument(position).settle
            unrealized, maintenance = totals.get(coin, (ZERO, ZERO))
            totals[coin] = (
                unrealized + self.unrealized(position),
                maintenance + self.maintenance(position),
            )
        return totals

    def _order_margin(self, account: str, coin: str) -> Decimal:
        which = OrderFilter(settle=coin, conditional=False)
        total = ZERO
        for order in self._orders.open_of(account, which, self.accepts, None):
            if not is_reducing(order.request):
                market = self._markets[order.symbol]
                value = market.instrument.value(order.remaining, order.request.price or market.mark)
                total += initial_margin(value, self._holdings[account].leverage(order.symbol))
        return total

    def _view(self, position: Position, backing: dict[str, tuple[Decimal, Decimal]]) -> PositionView:
        instrument = self._instrument(position)
        market = self._markets[position.symbol]
        holdings = self._holdings[position.account]
        is_isolated = self.is_isolated(position)
        entry = position.entry_price(instrument)
        unrealized = self.unrealized(position)
        maintenance = self.maintenance(position)
        initial = self._initial(position)
        margin, needed = backing.get(instrument.settle, (ZERO, ZERO))
        others = margin - unrealized - (needed - maintenance)
        fee = Decimal(instrument.taker_fee_ppm).scaleb(-6) * (1 if position.quantity > 0 else -1)
        sign = -1 if position.quantity < 0 else 1
        return PositionView(
            position=position,
            instrument=instrument,
            entry_price=entry,
            break_even_price=entry * (1 + fee),
            mark_price=market.mark,
            notional=instrument.quote_notional(abs(position.quantity), market.mark) * sign,
            unrealized_pnl=unrealized,
            initial_margin=initial,
            maintenance_margin=maintenance,
            liquidation_price=liquidation_price(
                kind=instrument.kind,
                signed_contracts=position.quantity * instrument.contract_size,
                entry_price=entry,
                collateral=self.isolated_margin(position) if is_isolated else others,
                maintenance_ppm=instrument.maintenance_ppm,
            ),
            leverage=holdings.leverage(position.symbol),
            is_isolated=is_isolated,
        )
