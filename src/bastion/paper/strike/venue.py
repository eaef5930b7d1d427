"""MarginVenue: the venue as its wire sees it: commands in, results out, reads beside them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from bastion.paper.strike import reads
from bastion.paper.strike.commands import Command, ResultT
from bastion.paper.strike.position import Position, Status
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
from bastion.paper.strike.writer import LedgerUnavailable as LedgerUnavailable  # noqa: PLC0414 - part of this interface
from bastion.paper.strike.writer import Writer


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

    Raises:
        LedgerDamaged: The database disagrees with itself.
    """

    def __init__(
        self, store: Store, settings: VenueSettings, clock_us: Callable[[], int], *, batch_max: int = 512
    ) -> None:
        self.settings = settings
        self._clock_us = clock_us
        self._writer = Writer(store, settings, clock_us, batch_max=batch_max)

    def submit(self, command: Command[ResultT]) -> Future[ResultT | Refused]:
        """Queue a command; the future gives its result after the commit that holds it.

        An asyncio caller awaits ``asyncio.wrap_future(venue.submit(command))`` under its own deadline;
        giving up waiting does not take the command back.

        Raises (from the future):
            LedgerUnavailable: The store failed; the outcome is not known.
        """
        return self._writer.submit(command)

    def submit_all(self, commands: Sequence[Command[ResultT]]) -> Future[list[ResultT | Refused]]:
        """Queue many commands at once, decided in their order and committed together.

        Each has its own result: one that is refused changes nothing for its neighbours. All of them are in
        one durable commit, or, when the store fails, none is.

        Raises (from the future):
            LedgerUnavailable: The store failed; the outcome is not known.
        """
        return self._writer.submit_all(commands)

    def close(self, timeout_s: float = 10.0) -> None:
        """Decide what is queued, commit, and close the store. Later submissions are refused as BUSY.

        Raises:
            TimeoutError: The writer is still busy after `timeout_s` seconds.
        """
        self._writer.close(timeout_s)

    def now_us(self) -> int:
        """Tell the venue's time."""
        return self._clock_us()

    def position(self, position_id: int) -> Position | None:
        """Show one public position; None when unknown or exited."""
        with self._writer.lock:
            position = self._writer.committed.positions.get(position_id)
        return None if position is None or position.status is Status.EXITED else position

    def positions(self, wallet: str) -> PositionsView:
        """Show a wallet's public positions."""
        with self._writer.lock:
            return reads.positions_view(self._writer.committed, self.settings, wallet)

    def view(self, position: Position) -> PositionView:
        """Add to a position what follows from its market's newest mark."""
        with self._writer.lock:
            return reads.position_view(self._writer.committed, self.settings, position)

    def queue(self, wallet: str | None = None) -> tuple[QueueView, ...]:
        """Show the waiting claims in their order, of one wallet or of all."""
        with self._writer.lock:
            return reads.queue_view(self._writer.committed, wallet)

    def account(self, wallet: str) -> AccountView:
        """Show a wallet's balances and movements; zeros and nothing for an unknown wallet."""
        with self._writer.lock:
            return reads.account_view(self._writer.committed, wallet)

    def balances(self, wallet: str) -> BalancesView:
        """Show a wallet's money against its history."""
        with self._writer.lock:
            return reads.balances_view(self._writer.committed, wallet)

    def dashboard(self, wallet: str) -> DashboardView | None:
        """Show a wallet at a glance; None for a wallet without any activity."""
        with self._writer.lock:
            return reads.dashboard_view(self._writer.committed, self.settings, wallet)

    def markets(self) -> tuple[MarketView, ...]:
        """Show every market in the order of the settings."""
        shown = (self.market(symbol) for symbol in self.settings.symbols)
        return tuple(market for market in shown if market is not None)

    def market(self, symbol: str) -> MarketView | None:
        """Show one market; None when unknown."""
        with self._writer.lock:
            return reads.market_view(self._writer.committed, self.settings, symbol, self._clock_us())

    def metrics(self) -> MetricsView:
        """Show the operator's figures."""
        with self._writer.lock:
            return reads.metrics_view(self._writer.committed, self._clock_us(), commits=self._writer.commits)
