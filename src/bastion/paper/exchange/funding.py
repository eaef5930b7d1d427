"""Funding: what longs and shorts pay each other at fixed times, booked against the venue's own account.

The rule, which holds at every venue of the paper exchange: at each whole multiple of the instrument's
interval since the epoch, every position pays its value at the mark price times the rate. A positive rate is
paid by longs and received by shorts, a negative one the other way round. A rate of zero books nothing. Real
venues charge by the same rule; their rates follow the market, those of a scenario stand until they are set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from bastion.paper.clock import Clock
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.settlement import Settlement, Span, within
from bastion.paper.money import from_units, to_units
from bastion.paper.order import PositionSide
from bastion.paper.position import Position
from bastion.paper.refusal import Reason, Refused

_SETTLEMENTS_MOST = 1_000
"""How many settlements of one instrument are caught up at once; a longer gap is the machine's sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """One position's funding at one settlement; `amount` is signed from the account's view, in `coin`.

    `quantity` is the position's, signed, in contracts.
    """

    payment_id: int
    account: str
    symbol: str
    side: PositionSide
    quantity: Decimal
    mark: Decimal
    rate: Decimal
    coin: str
    amount: Decimal
    time_ms: int


class Funding:
    """Settles funding on the exchange's clock and remembers every payment."""

    def __init__(
        self,
        *,
        clock: Clock,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        settlement: Settlement,
    ) -> None:
        self._clock = clock
        self._markets = markets
        self._holdings = holdings
        self._settlement = settlement
        self._due: dict[str, int] = {}
        self._payments: list[FundingPayment] = []

    def list_instrument(self, symbol: str) -> None:
        """Let the schedule of `symbol` begin: its first settlement is the next multiple of its interval."""
        self._due[symbol] = self._next(symbol)

    def rate(self, symbol: str) -> Decimal:
        """Return the rate of the next settlement, a fraction of the position's value."""
        return self._market(symbol).funding_rate

    def interval_ms(self, symbol: str) -> int:
        """Return how far the settlements of `symbol` lie apart."""
        return self._market(symbol).instrument.funding_interval_ms

    def next_ms(self, symbol: str) -> int:
        """Return when `symbol` is settled next."""
        self._market(symbol)
        return self._due[symbol]

    def set_rate(self, symbol: str, rate: Decimal) -> None:
        """Set the rate of every settlement from now on."""
        self._market(symbol).funding_rate = rate

    def settle(self, symbol: str, rate: Decimal) -> list[FundingPayment]:
        """Settle `symbol` once, now and at `rate`, beside its schedule; return what was paid."""
        return self._settle(self._market(symbol), rate)

    def settle_due(self) -> list[str]:
        """Settle every instrument whose time has come; return those in which somebody paid."""
        now_ms = self._clock.now_ms()
        settled = []
        for symbol, market in self._markets.items():
            missed = 0
            while self._due[symbol] <= now_ms and missed < _SETTLEMENTS_MOST:
                if self._settle(market, market.funding_rate):
                    settled.append(symbol)
                self._due[symbol] += market.instrument.funding_interval_ms
                missed += 1
            if missed == _SETTLEMENTS_MOST:
                self._due[symbol] = self._next(symbol)
        return settled

    def next_due_ms(self) -> int | None:
        """Return when somebody will next pay, or None."""
        return min((self._due[name] for name, row in self._markets.items() if row.funding_rate), default=None)

    def payments(
        self, account: str, *, symbol: str | None = None, span: Span = (None, None)
    ) -> list[FundingPayment]:
        """Return the payments of `account`, oldest first; both bounds of the span are inclusive."""
        return [
            payment
            for payment in self._payments
            if payment.account == account
            and symbol in {None, payment.symbol}
            and within(payment.time_ms, span)
        ]

    def since_opened(self, position: Position) -> Decimal:
        """Return what the position has received (negative: paid) since it was opened, in its settle coin."""
        return from_units(self._market(position.symbol).instrument.settle, position.funding_units)

    def since_changed(self, position: Position) -> Decimal:
        """Return what the position has received (negative: paid) since its size last changed."""
        return from_units(self._market(position.symbol).instrument.settle, position.funding_changed_units)

    def _settle(self, market: Market, rate: Decimal) -> list[FundingPayment]:
        if not rate:
            return []
        symbol = market.instrument.symbol
        paid = [
            self._pay(market, position, rate, holdings)
            for holdings in self._holdings.values()
            for position in holdings.held()
            if position.symbol == symbol
        ]
        self._payments.extend(paid)
        return paid

    def _pay(self, market: Market, position: Position, rate: Decimal, holdings: Holdings) -> FundingPayment:
        instrument = market.instrument
        sign = 1 if position.quantity > 0 else -1
        value = instrument.value(abs(position.quantity), market.mark)
        units = to_units(instrument.settle, -value * rate * sign)
        income = self._settlement.funding(
            position.account, position.symbol, coin=instrument.settle, units=units
        )
        holdings.save(
            replace(
                position,
                funding_units=position.funding_units + units,
                funding_changed_units=position.funding_changed_units + units,
            )
        )
        return FundingPayment(
            payment_id=income.income_id,
            account=position.account,
            symbol=position.symbol,
            side=position.side,
            quantity=position.quantity,
            mark=market.mark,
            rate=rate,
            coin=instrument.settle,
            amount=income.amount,
            time_ms=income.time_ms,
        )

    def _next(self, symbol: str) -> int:
        interval_ms = self._markets[symbol].instrument.funding_interval_ms
        return (self._clock.now_ms() // interval_ms + 1) * interval_ms

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise Refused(Reason.UNKNOWN_INSTRUMENT, f"There is no instrument {symbol}.")
        return market
