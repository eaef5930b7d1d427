"""Exchange: one venue's accounts, orders, books and ledger behind the calls that a wire makes.

Everything is synchronous and runs on the clock that is handed in. A call either does what its docstring says or raises
`Refused` and changes nothing. Quantities are contracts, prices quote currency, amounts the instrument's settle coin.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.paper.account import (
    AccountSpec,
    ApiKey,
    Balance,
    Income,
    IncomeKind,
    MarginMode,
    PositionMode,
)
from bastion.paper.book import DepthShape, Level
from bastion.paper.clock import Clock
from bastion.paper.instrument import Instrument
from bastion.paper.order import Fill, Order, OrderFilter, OrderRequest
from bastion.paper.position import PositionView
from bastion.paper.rules import VenueRules


class Exchange:
    """One venue. Build it with its name, rules and clock, then list instruments and add accounts."""

    def __init__(self, *, name: str, rules: VenueRules, clock: Clock) -> None:
        self.name = name
        self.rules = rules
        self.clock = clock

    # ---- set-up -------------------------------------------------------------------------------------------------

    def list_instrument(self, instrument: Instrument, *, mark: Decimal, shape: DepthShape) -> None:
        """Make `instrument` tradable around `mark`. Listing a symbol again replaces its filters and depth."""
        raise NotImplementedError

    def add_account(self, spec: AccountSpec) -> None:
        """Add an account and book its opening balances as deposits.

        Raises:
            ValueError: the name or one of its keys is already in use.
        """
        raise NotImplementedError

    # ---- who ----------------------------------------------------------------------------------------------------

    def account_names(self) -> Sequence[str]:
        """Return the names of all accounts in the order in which they were added."""
        raise NotImplementedError

    def find_key(self, api_key: str) -> tuple[str, ApiKey] | None:
        """Return the account name and the credential of `api_key`, or None when nobody has it."""
        raise NotImplementedError

    def spec(self, account: str) -> AccountSpec:
        """Return how `account` was set up (its uid, keys and opening modes)."""
        raise NotImplementedError

    # ---- market data --------------------------------------------------------------------------------------------

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol, in listing order."""
        raise NotImplementedError

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument of `symbol`; raises `Refused` with UNKNOWN_INSTRUMENT."""
        raise NotImplementedError

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price; the index price is the same on paper."""
        raise NotImplementedError

    def last_price(self, symbol: str) -> Decimal:
        """Return the price of the last trade, or the mark price before the first."""
        raise NotImplementedError

    def depth(self, symbol: str, limit: int) -> tuple[list[Level], list[Level]]:
        """Return at most `limit` bids and asks, best first, synthetic depth and resting orders added up by price."""
        raise NotImplementedError

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """Move the mark price, and the depth with it; resting orders that it passes fill, conditional ones trigger."""
        raise NotImplementedError

    def set_depth(self, symbol: str, shape: DepthShape) -> None:
        """Replace the synthetic depth of `symbol`."""
        raise NotImplementedError

    # ---- trading ------------------------------------------------------------------------------------------------

    def place(self, account: str, request: OrderRequest) -> Order:
        """Check `request` by the venue's rules, accept it and, unless the venue matches later, match it.

        The order that comes back is as it stands after matching. A market or IOC order whose rest found no counterparty
        inside its bound is EXPIRED with what it did execute. With `rules.match_delay_ms` the order comes back NEW and
        meets the book when that time has passed.

        Raises:
            Refused: a rule forbids the order; nothing has changed.
        """
        raise NotImplementedError

    def check(self, account: str, request: OrderRequest) -> None:
        """Raise `Refused` if `place` would refuse `request` now; changes nothing."""
        raise NotImplementedError

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
        raise NotImplementedError

    def cancel(self, account: str, order_id: int) -> Order:
        """Cancel one open order.

        Raises:
            Refused: ORDER_NOT_FOUND, or ORDER_ALREADY_DONE when it was filled, cancelled or expired before.
        """
        raise NotImplementedError

    def cancel_all(self, account: str, which: OrderFilter, *, limit: int = 10_000) -> list[Order]:
        """Cancel at most `limit` open orders that match `which`, oldest first, and return them."""
        raise NotImplementedError

    # ---- reading ------------------------------------------------------------------------------------------------
    # `at_ms` shows the state as it was then, for the lagging-reads fault; None is now.

    def find_order(
        self,
        account: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        at_ms: int | None = None,
    ) -> Order | None:
        """Return an order, open or done. A client id that was used more than once means the newest order."""
        raise NotImplementedError

    def open_orders(self, account: str, which: OrderFilter, *, at_ms: int | None = None) -> list[Order]:
        """Return open orders, oldest first."""
        raise NotImplementedError

    def orders(self, account: str, which: OrderFilter, *, at_ms: int | None = None) -> list[Order]:
        """Return all orders, open and done, oldest first."""
        raise NotImplementedError

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
        raise NotImplementedError

    def positions(
        self, account: str, *, with_flat: bool = False, at_ms: int | None = None
    ) -> list[PositionView]:
        """Return the positions that are not flat, by listing order of their symbols, LONG before SHORT.

        `with_flat` adds flat rows for every instrument (two of them in hedge mode), as some venues list them.
        """
        raise NotImplementedError

    def balances(self, account: str) -> list[Balance]:
        """Return one row for each settle coin of the venue and each coin the account was given."""
        raise NotImplementedError

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
        raise NotImplementedError

    # ---- modes --------------------------------------------------------------------------------------------------

    def position_mode(self, account: str, symbol: str | None = None) -> PositionMode:
        """Return the mode of `account`, or of one symbol where it was set for that symbol alone."""
        raise NotImplementedError

    def set_position_mode(
        self, account: str, mode: PositionMode, *, symbol: str | None = None, settle: str | None = None
    ) -> None:
        """Switch between one-way and hedge mode, for the account, one symbol, or the symbols of one settle coin.

        Raises:
            Refused: NO_CHANGE_NEEDED, CHANGE_BLOCKED_BY_ORDERS or CHANGE_BLOCKED_BY_POSITIONS.
        """
        raise NotImplementedError

    def leverage(self, account: str, symbol: str) -> int:
        """Return the leverage set for `symbol`."""
        raise NotImplementedError

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        """Set the leverage of `symbol`; raises `Refused` with LEVERAGE_OUT_OF_RANGE or MARGIN_INSUFFICIENT."""
        raise NotImplementedError

    def margin_mode(self, account: str, symbol: str) -> MarginMode:
        """Return the margin mode of `symbol`."""
        raise NotImplementedError

    def set_margin_mode(self, account: str, symbol: str, mode: MarginMode) -> None:
        """Switch between cross and isolated margin.

        Raises:
            Refused: NO_CHANGE_NEEDED, CHANGE_BLOCKED_BY_ORDERS or CHANGE_BLOCKED_BY_POSITIONS.
        """
        raise NotImplementedError

    # ---- time ---------------------------------------------------------------------------------------------------

    def settle_due(self) -> None:
        """Do everything whose time has come: delayed matches, price ramps. The edge calls it before each request."""
        raise NotImplementedError

    def next_due_ms(self) -> int | None:
        """Return when `settle_due` will next have something to do, or None."""
        raise NotImplementedError
