"""MarginVenue: the venue as its wire sees it: commands in, results out, reads beside them."""

from collections.abc import Callable
from concurrent.futures import Future

from bastion.paper.strike.commands import Command, ResultT
from bastion.paper.strike.position import Position
from bastion.paper.strike.results import Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store
from bastion.paper.strike.views import (
    AccountView,
    BalancesView,
    DashboardView,
    MarketView,
    MetricsView,
    PositionsView,
    PositionView,
    QueueView,
)


class LedgerUnavailable(Exception):  # noqa: N818  (named for what it says, as the desk's errors are)
    """The store failed while it wrote this command; whether it took place is not known.

    The next command starts from what the store really holds. Read the position before repeating an exit,
    or repeat it under the same Idempotency-Key.
    """


class MarginVenue:
    """One venue on one database. Safe to call from any thread.

    Commands are decided one after another by a single writer thread, written in groups, one durable
    commit a group; a future is resolved only after its commit. Refusals are results. Reads show committed
    state only, take microseconds and never wait for the disk.

    Args:
        store: Where the ledger lives (`SqliteStore(path)` or `PostgresStore(dsn)`); owned from here on.
        settings: The rules of trade.
        clock_us: The venue's clock, microseconds since 1970 (UTC); asked once a command.
        batch_max: The most commands in one commit.
    """

    def __init__(
        self, store: Store, settings: VenueSettings, clock_us: Callable[[], int], *, batch_max: int = 512
    ) -> None: ...

    def submit(self, command: Command[ResultT]) -> Future[ResultT | Refused]:
        """Queue a command; the future gives its result after the commit that holds it.

        An asyncio caller awaits ``asyncio.wrap_future(venue.submit(command))`` under its own deadline;
        giving up waiting does not take the command back.

        Raises (from the future):
            LedgerUnavailable: The store failed; the outcome is not known.
        """

    def close(self, timeout_s: float = 10.0) -> None:
        """Decide what is queued, commit, and close the store. Later submissions are refused as BUSY."""

    def now_us(self) -> int:
        """Tell the venue's time."""

    def position(self, position_id: int) -> Position | None:
        """Show one public position; None when unknown or exited."""

    def positions(self, wallet: str) -> PositionsView:
        """Show a wallet's public positions."""

    def view(self, position: Position) -> PositionView:
        """Add to a position what follows from its market's newest mark."""

    def queue(self, wallet: str | None = None) -> tuple[QueueView, ...]:
        """Show the waiting claims in their order, of one wallet or of all."""

    def account(self, wallet: str) -> AccountView:
        """Show a wallet's balances and movements; zeros and nothing for an unknown wallet."""

    def balances(self, wallet: str) -> BalancesView:
        """Show a wallet's money against its history."""

    def dashboard(self, wallet: str) -> DashboardView | None:
        """Show a wallet at a glance; None for a wallet without any activity."""

    def markets(self) -> tuple[MarketView, ...]:
        """Show every market in the order of the settings."""

    def market(self, symbol: str) -> MarketView | None:
        """Show one market; None when unknown."""

    def metrics(self) -> MetricsView:
        """Show the operator's figures."""
