"""Exchange: one venue's accounts, orders, books and ledger behind the calls that a wire makes.

Everything is synchronous and runs on the clock that is handed in. A call either does what its docstring says
or raises `Refused` and changes nothing. Quantities are contracts, prices quote currency, amounts the
instrument's settle coin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.paper.account import AccountSpec, ApiKey, Balance, Income, IncomeKind
from bastion.paper.book import DepthShape, Level
from bastion.paper.clock import Clock, MomentClock
from bastion.paper.exchange.bulletin import Bulletin
from bastion.paper.exchange.forced import ForcedClosings
from bastion.paper.exchange.funding import Funding
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Day, Market
from bastion.paper.exchange.matching import Matcher
from bastion.paper.exchange.mode_calls import ModeCalls
from bastion.paper.exchange.modes import Modes
from bastion.paper.exchange.opening import Opening
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.placing import Placing
from bastion.paper.exchange.reading import Reading
from bastion.paper.exchange.settlement import Settlement
from bastion.paper.exchange.timers import CancelTimers
from bastion.paper.feed import PricePath
from bastion.paper.instrument import Instrument
from bastion.paper.ledger import Ledger
from bastion.paper.order import Direction, Fill, Order, OrderFilter, OrderRequest, PositionSide
from bastion.paper.position import PositionView
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules

_PATH_STEP_MS = 20


class Exchange(ModeCalls):
    """One venue. Build it with its name, rules and clock, then list instruments and add accounts."""

    def __init__(self, *, name: str, rules: VenueRules, clock: Clock) -> None:
        self.name = name
        self.rules = rules
        self.clock = clock
        clock = self.steady = MomentClock(clock)
        self.ledger = Ledger()
        self._instruments: dict[str, Instrument] = {}
        self._markets: dict[str, Market] = {}
        self._holdings: dict[str, Holdings] = {}
        self._keys: dict[str, tuple[str, ApiKey]] = {}
        self.bulletin = Bulletin()
        self._orders = OrderStore(rules.first_order_id, self.bulletin)
        self._settlement = Settlement(
            ledger=self.ledger, clock=clock, holdings=self._holdings, bulletin=self.bulletin
        )
        self.funding = Funding(
            clock=clock, markets=self._markets, holdings=self._holdings, settlement=self._settlement
        )
        self._reading = Reading(
            markets=self._markets, holdings=self._holdings, orders=self._orders, ledger=self.ledger
        )
        self._matcher = Matcher(
            orders=self._orders, settlement=self._settlement, holdings=self._holdings, clock=clock
        )
        self._placing = Placing(
            rules=rules,
            clock=clock,
            markets=self._markets,
            holdings=self._holdings,
            orders=self._orders,
            matcher=self._matcher,
            reading=self._reading,
        )
        self.timers = CancelTimers(clock=clock, cancel=self.cancel_all)
        self.forced = ForcedClosings(
            rules=rules,
            clock=clock,
            markets=self._markets,
            holdings=self._holdings,
            orders=self._orders,
            settlement=self._settlement,
            placing=self._placing,
            reading=self._reading,
        )
        self._opening = Opening(rules=rules, clock=clock, orders=self._orders, settlement=self._settlement)
        self._modes = Modes(
            rules=rules,
            markets=self._markets,
            holdings=self._holdings,
            orders=self._orders,
            reading=self._reading,
        )

    # ---- set-up

    def list_instrument(
        self,
        instrument: Instrument,
        *,
        mark: Decimal,
        shape: DepthShape,
        funding_rate: Decimal = Decimal(0),
    ) -> None:
        """Make `instrument` tradable around `mark`. Listing a symbol again replaces its filters and depth."""
        if not instrument.funding_interval_ms:
            instrument = replace(instrument, funding_interval_ms=self.rules.funding_interval_ms)
        market = Market(instrument=instrument, mark=mark, shape=shape, funding_rate=funding_rate)
        self._markets[instrument.symbol] = market
        self._instruments[instrument.symbol] = instrument
        self.funding.list_instrument(instrument.symbol)
        for holdings in self._holdings.values():
            self._modes.keep_to_rules(holdings)

    def add_account(self, spec: AccountSpec) -> None:
        """Add an account and book its opening balances as deposits.

        Raises:
            ValueError: the name or one of its keys is already in use.
        """
        if spec.name in self._holdings:
            raise ValueError(f"The account {spec.name} already exists on {self.name}.")
        taken = [key.key for key in spec.keys if key.key in self._keys]
        if taken:
            raise ValueError(f"The API key {taken[0]} is already in use on {self.name}.")
        self._holdings[spec.name] = Holdings(spec)
        self._keys.update({key.key: (spec.name, key) for key in spec.keys})
        self._modes.keep_to_rules(self._holdings[spec.name])
        for coin, amount in spec.balances.items():
            self._settlement.deposit(spec.name, coin, amount)

    def open_position(
        self, account: str, symbol: str, side: PositionSide, *, quantity: Decimal, entry: Decimal
    ) -> None:
        """Book a position as an opening trade at `entry`: a real fill and ledger entry, without a fee.

        `quantity` is signed, long positive. The books are not touched, the margin is not checked.
        """
        mode = self.position_mode(account, symbol)
        market = self._market(symbol)
        self._opening.open(account, market, side, quantity=quantity, entry=entry, mode=mode)

    # ---- who

    def account_names(self) -> Sequence[str]:
        """Return the names of all accounts in the order in which they were added."""
        return tuple(self._holdings)

    def find_key(self, api_key: str) -> tuple[str, ApiKey] | None:
        """Return the account name and the credential of `api_key`, or None when nobody has it."""
        return self._keys.get(api_key)

    def spec(self, account: str) -> AccountSpec:
        """Return how `account` was set up (its uid, keys and opening modes)."""
        return self._holdings[account].spec

    # ---- market data

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol, in listing order."""
        return self._instruments

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument of `symbol`; raises `Refused` with UNKNOWN_INSTRUMENT."""
        return self._market(symbol).instrument

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price; the index price is the same on paper."""
        return self._market(symbol).mark

    def last_price(self, symbol: str) -> Decimal:
        """Return the price of the last trade, or the mark price before the first."""
        return self._market(symbol).last

    def depth(self, symbol: str, limit: int) -> tuple[list[Level], list[Level]]:
        """Return at most `limit` bids and asks, best first, all that rests at one price added up."""
        market = self._market(symbol)
        return (
            self._matcher.levels(market, Direction.SELL, limit),
            self._matcher.levels(market, Direction.BUY, limit),
        )

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """Move mark price and depth; what this passes fills, triggers, or is liquidated."""
        market = self._market(symbol)
        if price <= 0:
            raise Refused(Reason.PRICE_NOT_POSITIVE, "A price must be above zero.")
        market.move(price)
        self._placing.market_moved(market)
        self.forced.check(symbol)

    def play(self, symbol: str, path: PricePath) -> None:
        """Let the mark price follow `path` as time passes; a path that was playing is dropped."""
        self._market(symbol).path = path

    def day(self, symbol: str) -> Day:
        """Return the figures of `symbol` since it was listed."""
        market = self._market(symbol)
        return Day(
            opening=market.opening,
            high=market.high,
            low=market.low,
            volume=market.volume,
            turnover=market.turnover,
            updates=market.updates,
        )

    def deposit(self, account: str, coin: str, amount: Decimal) -> None:
        """Book money from outside into the account's wallet."""
        self._settlement.deposit(account, coin, amount)
        if amount < 0:
            self.forced.check(account=account)

    def set_depth(self, symbol: str, shape: DepthShape) -> None:
        """Replace the synthetic depth of `symbol`."""
        market = self._market(symbol)
        market.book.reshape(shape)
        self._placing.market_moved(market)

    # ---- trading

    def place(self, account: str, request: OrderRequest) -> Order:
        """Check `request` by the venue's rules, accept it and, unless the venue matches later, match it.

        The order that comes back is as it stands after matching. A market or IOC order whose rest found no
        counterparty inside its bound is EXPIRED with what it did execute. With `rules.match_delay_ms` the
        order comes back NEW and meets the book when that time has passed.

        Raises:
            Refused: a rule forbids the order; nothing has changed.
        """
        return self._placing.place(account, request, self._market(request.symbol))

    def check(self, account: str, request: OrderRequest) -> None:
        """Raise `Refused` if `place` would refuse `request` now; changes nothing."""
        self._placing.accepted_quantity(account, request, self._market(request.symbol))

    def amend(
        self,
        account: str,
        order: Order,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> Order:
        """Change a resting order in place; raises `Refused` when it is done or the change breaks a rule."""
        self._own(account, order.order_id)
        return self._placing.amend(
            self._orders.newest(order.order_id),
            self._market(order.symbol),
            quantity=quantity,
            price=price,
            trigger_price=trigger_price,
        )

    def cancel(self, account: str, order_id: int) -> Order:
        """Cancel one open order.

        Raises:
            Refused: ORDER_NOT_FOUND, or ORDER_ALREADY_DONE when it was filled, cancelled or expired before.
        """
        return self._placing.cancel(self._own(account, order_id))

    def cancel_all(self, account: str, which: OrderFilter, *, limit: int = 10_000) -> list[Order]:
        """Cancel at most `limit` open orders that match `which`, oldest first, and return them."""
        return self._placing.cancel_all(account, which, limit)

    # ---- reading: `at_ms` shows the state as it was then, for the lagging-reads fault; None is now.

    def find_order(
        self,
        account: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        conditional: bool | None = None,
        at_ms: int | None = None,
    ) -> Order | None:
        """Return an order, open or done. A client id that was used more than once means the newest order.

        `conditional` looks only among orders that began as conditional ones, or only among the others.
        """
        found = self._orders.ids_of_client(account, client_order_id or "")
        ids = found if order_id is None else [order_id]
        return self._orders.find(account, ids, conditional=conditional, at_ms=at_ms)

    def open_orders(self, account: str, which: OrderFilter, *, at_ms: int | None = None) -> list[Order]:
        """Return open orders, oldest first."""
        return self._orders.open_of(account, which, self._reading.accepts, at_ms)

    def orders(self, account: str, which: OrderFilter, *, at_ms: int | None = None) -> list[Order]:
        """Return all orders, open and done, oldest first."""
        return self._orders.all_of(account, which, self._reading.accepts, at_ms)

    def fills(
        self,
        account: str,
        *,
        symbol: str | None = None,
        order_id: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[Fill]:
        """Return executions, oldest first; both time bounds are inclusive."""
        span = (since_ms, until_ms)
        return self._settlement.fills_of(account, symbol=symbol, order_id=order_id, span=span)

    def positions(
        self, account: str, *, with_flat: bool = False, at_ms: int | None = None
    ) -> list[PositionView]:
        """Return the positions that are not flat, by listing order of their symbols, LONG before SHORT.

        `with_flat` adds flat rows for every instrument (two of them in hedge mode), as some venues list them.
        """
        return self._reading.positions(account, with_flat=with_flat, at_ms=at_ms)

    def balances(self, account: str, *, at_ms: int | None = None) -> list[Balance]:
        """Return a row for each settle coin and coin that was given; position margins are of `at_ms`."""
        coins = dict.fromkeys(instrument.settle for instrument in self._instruments.values())
        coins.update(dict.fromkeys(self._holdings[account].spec.balances))
        return [self._reading.balance(account, coin, at_ms=at_ms) for coin in coins]

    def incomes(
        self,
        account: str,
        *,
        kind: IncomeKind | None = None,
        symbol: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[Income]:
        """Return changes of wallet balances, oldest first; both time bounds are inclusive."""
        span = (since_ms, until_ms)
        return self._settlement.incomes_of(account, kind=kind, symbol=symbol, span=span)

    # ---- time

    def settle_due(self) -> None:
        """Do all whose time has come: timers, delayed matches, funding, new depth, steps of price paths."""
        now_ms = self.clock.now_ms()
        self.timers.settle_due()
        self.forced.settle_due()
        self._placing.match_due()
        for symbol in self.funding.settle_due():
            self.forced.check(symbol)
        for symbol, market in self._markets.items():
            if market.book.refill(now_ms):
                # Orders that rest across the book take what is offered anew.
                self._placing.market_moved(market)
            if market.path is None:
                continue
            price = market.path.price_at(now_ms, market.instrument.tick)
            if now_ms >= market.path.ends_ms:
                market.path = None
            if price != market.mark:
                self.set_mark(symbol, price)

    def next_due_ms(self) -> int | None:
        """Return when `settle_due` will next have something to do, or None."""
        due = [self._placing.next_due_ms(), self.funding.next_due_ms(), self.timers.next_due_ms()]
        due.append(self.forced.next_due_ms())
        due += [market.book.next_refill_ms() for market in self._markets.values()]
        if any(market.path for market in self._markets.values()):
            due.append(self.clock.now_ms() + _PATH_STEP_MS)
        return min((moment for moment in due if moment is not None), default=None)

    # ---- private

    def _market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise Refused(Reason.UNKNOWN_INSTRUMENT, f"{self.name} has no instrument {symbol}.")
        return market

    def _own(self, account: str, order_id: int) -> Order:
        order = self._orders.get(order_id)
        if order is None or order.account != account:
            raise Refused(Reason.ORDER_NOT_FOUND, f"There is no order {order_id}.")
        return order
