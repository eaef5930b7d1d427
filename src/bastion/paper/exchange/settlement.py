"""Settlement: what a fill does to the position, the ledger and the account's history."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bastion.paper.account import Income, IncomeKind
from bastion.paper.clock import Clock
from bastion.paper.exchange.bulletin import Bulletin
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.fees import fee_units
from bastion.paper.ledger import Ledger, Posting
from bastion.paper.money import Units, from_units, to_units
from bastion.paper.order import Fill, Order
from bastion.paper.position import Applied, apply_fill

CLEARING = "venue:clearing"
FEES = "venue:fees"
DEPOSITS = "world:deposits"
FUNDING = "venue:funding"
INSURANCE = "venue:insurance"

Span = tuple[int | None, int | None]


def within(time_ms: int, span: Span) -> bool:
    """Whether a moment lies in a span whose bounds are inclusive; None is no bound."""
    since_ms, until_ms = span
    return (since_ms is None or time_ms >= since_ms) and (until_ms is None or time_ms <= until_ms)


def wallet_of(account: str) -> str:
    """Return the name of an account's wallet in the ledger."""
    return f"{account}:wallet"


class Settlement:
    """Books fills and deposits: position, double entry, execution and income rows belong together."""

    def __init__(
        self, *, ledger: Ledger, clock: Clock, holdings: Mapping[str, Holdings], bulletin: Bulletin
    ) -> None:
        self._bulletin = bulletin
        self.ledger = ledger
        self.fills: list[Fill] = []
        self.incomes: list[Income] = []
        self._clock = clock
        self._holdings = holdings

    def deposit(self, account: str, coin: str, amount: Decimal) -> None:
        """Book money that comes from outside the venue (negative: that leaves it)."""
        units = to_units(coin, amount)
        self.ledger.post(
            time_ms=self._clock.now_ms(),
            kind="deposit",
            memo=account,
            postings=(
                Posting(ledger_account=wallet_of(account), coin=coin, units=units),
                Posting(ledger_account=DEPOSITS, coin=coin, units=-units),
            ),
        )
        self._income(account, IncomeKind.TRANSFER, coin=coin, units=units)

    def insure(self, account: str, symbol: str, *, coin: str, amount: Decimal) -> None:
        """Book what the venue's insurance pays for a liquidated position that cost more than its margin."""
        units = to_units(coin, amount)
        self.ledger.post(
            time_ms=self._clock.now_ms(),
            kind="insurance",
            memo=f"{account} {symbol}",
            postings=(
                Posting(ledger_account=wallet_of(account), coin=coin, units=units),
                Posting(ledger_account=INSURANCE, coin=coin, units=-units),
            ),
        )
        self._income(account, IncomeKind.INSURANCE_CLEAR, coin=coin, units=units, symbol=symbol)

    def funding(self, account: str, symbol: str, *, coin: str, units: Units) -> Income:
        """Book the funding of one position (negative: the account pays) and return its row."""
        self.ledger.post(
            time_ms=self._clock.now_ms(),
            kind="funding",
            memo=f"{account} {symbol}",
            postings=(
                Posting(ledger_account=wallet_of(account), coin=coin, units=units),
                Posting(ledger_account=FUNDING, coin=coin, units=-units),
            ),
        )
        return self._income(account, IncomeKind.FUNDING_FEE, coin=coin, units=units, symbol=symbol)

    def fill(
        self,
        order: Order,
        market: Market,
        *,
        price: Decimal,
        quantity: Decimal,
        is_maker: bool,
        is_opening_entry: bool = False,
    ) -> Order:
        """Execute `quantity` of `order` at `price` and return the order, its state left alone.

        An opening entry puts a position there from before the scenario: no fee, and no trace in the market's
        figures.
        """
        instrument = market.instrument
        holdings = self._holdings[order.account]
        position = holdings.position(order.symbol, order.request.position_side)
        now_ms = self._clock.now_ms()
        applied = apply_fill(
            position,
            instrument,
            signed=quantity * order.request.direction.sign,
            price=price,
            now_ms=now_ms,
        )
        value = instrument.value_units(quantity, price)
        fee_ppm = instrument.maker_fee_ppm if is_maker else instrument.taker_fee_ppm
        fee = 0 if is_opening_entry else fee_units(value, fee_ppm)
        fill = self._record(
            order, applied, market, price=price, quantity=quantity, fee=fee, is_maker=is_maker
        )
        self._book(order, fill, instrument.settle, realized=applied.realized_units, fee=fee)
        self.fills.append(fill)
        holdings.save(applied.position)
        self._bulletin.tell(order.account, fill)
        self._bulletin.tell(order.account, applied.position)
        if not is_opening_entry:
            market.traded(price, quantity)
        executed = order.executed_quantity + quantity
        turnover = order.average_price * order.executed_quantity + price * quantity
        return replace(
            order,
            executed_quantity=executed,
            executed_value=order.executed_value + fill.value,
            average_price=turnover / executed,
            fee=order.fee + fill.fee,
            realized_pnl=order.realized_pnl + fill.realized_pnl,
            updated_ms=now_ms,
        )

    def fills_of(self, account: str, *, symbol: str | None, order_id: int | None, span: Span) -> list[Fill]:
        """Return the executions of `account`, oldest first."""
        return [
            fill
            for fill in self.fills
            if fill.account == account
            and symbol in {None, fill.symbol}
            and order_id in {None, fill.order_id}
            and within(fill.time_ms, span)
        ]

    def incomes_of(
        self, account: str, *, kind: IncomeKind | None, symbol: str | None, span: Span
    ) -> list[Income]:
        """Return the income rows of `account`, oldest first."""
        return [
            income
            for income in self.incomes
            if income.account == account
            and kind in {None, income.kind}
            and symbol in {None, income.symbol}
            and within(income.time_ms, span)
        ]

    def _record(
        self,
        order: Order,
        applied: Applied,
        market: Market,
        *,
        price: Decimal,
        quantity: Decimal,
        fee: Units,
        is_maker: bool,
    ) -> Fill:
        instrument = market.instrument
        coin = instrument.settle
        return Fill(
            fill_id=len(self.fills) + 1,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            account=order.account,
            symbol=order.symbol,
            direction=order.request.direction,
            position_side=order.request.position_side,
            price=price,
            quantity=quantity,
            value=from_units(coin, instrument.value_units(quantity, price)),
            fee=from_units(coin, fee),
            fee_coin=coin,
            realized_pnl=from_units(coin, applied.realized_units),
            closed_quantity=applied.closed_quantity,
            closed_entry_price=applied.closed_entry_price,
            is_maker=is_maker,
            # The position and its execution change at one moment, even where the clock ticks between.
            time_ms=applied.position.updated_ms,
            order_kind=order.request.kind,
            order_quantity=order.quantity,
            forced=order.request.forced,
        )

    def _book(self, order: Order, fill: Fill, coin: str, *, realized: Units, fee: Units) -> None:
        wallet = wallet_of(order.account)
        self.ledger.post(
            time_ms=fill.time_ms,
            kind="fill",
            memo=f"fill {fill.fill_id} of order {order.order_id}",
            postings=(
                Posting(ledger_account=wallet, coin=coin, units=realized - fee),
                Posting(ledger_account=CLEARING, coin=coin, units=-realized),
                Posting(ledger_account=FEES, coin=coin, units=fee),
            ),
        )
        for kind, units in ((IncomeKind.REALIZED_PNL, realized), (IncomeKind.COMMISSION, -fee)):
            if units:
                self._income(
                    order.account, kind, coin=coin, units=units, symbol=fill.symbol, fill_id=fill.fill_id
                )

    def _income(
        self,
        account: str,
        kind: IncomeKind,
        *,
        coin: str,
        units: Units,
        symbol: str = "",
        fill_id: int = 0,
    ) -> Income:
        income = Income(
            income_id=len(self.incomes) + 1,
            account=account,
            kind=kind,
            symbol=symbol,
            coin=coin,
            amount=from_units(coin, units),
            time_ms=self._clock.now_ms(),
            fill_id=fill_id,
        )
        self.incomes.append(income)
        self._bulletin.tell(account, income)
        return income
