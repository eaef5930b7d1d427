"""Day: what was closed since 00:00 UTC, as far as venues and our own exits tell it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from bastion.domain.account import Account
from bastion.domain.engine import AccountView, Day, Trade
from bastion.domain.engine_records import PositionWatched
from bastion.domain.order import Fill
from bastion.domain.position import Position
from bastion.domain.records import FillsRead, Looked
from bastion.engine.log import EngineLog
from bastion.engine.settings import EngineSettings
from bastion.engine.standing import day_began
from bastion.engine.trades import closed_trades, net_sizes
from bastion.errors import JournalUnusable, VenueError
from bastion.ports import Clock, Journal, Venue

RECENT_EXITS = 50
NEWEST_EXITS = 3
FRESH_NS = 5_000_000_000

_log = logging.getLogger(__name__)

Key = tuple[str, str, str]


class DayReader:
    """Reads the executions of the day; an answer of a moment ago is given again unless we closed something.

    Asked for are the contracts that are held now, that the engine watched today, and that our exits of today
    saw. What was opened and closed by others between two readings is in none of these, and not counted.
    """

    def __init__(
        self,
        *,
        venues: Mapping[str, Venue],
        journal: Journal,
        log: EngineLog,
        clock: Clock,
        settings: EngineSettings,
    ) -> None:
        self._venues = venues
        self._journal = journal
        self._log = log
        self._clock = clock
        self._settings = settings
        self._turn = asyncio.Lock()
        self._latest: tuple[int, object, Day] | None = None

    async def read(self, views: Sequence[AccountView], *, anew: bool = False) -> Day:
        """Return the day of these accounts; what could not be read is named in it, never counted as zero."""
        async with self._turn:
            now_ns, mark = self._clock.monotonic_ns(), self._mark()
            if not anew and self._latest is not None and now_ns - self._latest[0] < FRESH_NS:
                _, marked, day = self._latest
                if marked == mark:
                    return day
            day = await self._read(views)
            self._latest = (self._clock.monotonic_ns(), mark, day)
            return day

    def _mark(self) -> object:
        # Whoever asks right after an exit must not be told the figures from before it.
        try:
            newest = self._journal.exit_ids()[-NEWEST_EXITS:]
            return tuple((exit_id, len(self._journal.entries(exit_id))) for exit_id in newest)
        except JournalUnusable:
            return None

    async def _read(self, views: Sequence[AccountView]) -> Day:
        began_ns = day_began(self._clock.now_ns())
        asked, known, unread = self._known(began_ns)
        for view in views:
            of_account = asked.setdefault(view.account.name, {})
            of_account.update({position.key: position for position in view.look.positions})
        trades: list[Trade] = []
        pending: list[str] = []
        answers: dict[str, tuple[Fill, ...] | str] = {}

        async def ask(name: str, positions: tuple[Position, ...]) -> None:
            answers[name] = await self._fills(name, positions, began_ns)

        async with asyncio.TaskGroup() as group:
            for view in views:
                wanted = tuple(asked[view.account.name].values())
                if wanted:
                    group.create_task(ask(view.account.name, wanted))
        for view in views:
            name = view.account.name
            told = answers.get(name, ())
            fills = dict(known.get(name, {}))
            if isinstance(told, str):
                unread.append((name, told))
            else:
                fills.update({(one.category, one.instrument, one.fill_id): one for one in told})
            found, owed = self._trades(view, fills, complete=not isinstance(told, str))
            trades.extend(one for one in found if one.closed_ms >= began_ns // 1_000_000)
            pending.extend([name] * owed)
        trades.sort(key=lambda one: one.closed_ms)
        return Day(began_ns=began_ns, trades=tuple(trades), unread=tuple(unread), pending=tuple(pending))

    def _trades(
        self, view: AccountView, fills: Mapping[Key, Fill], *, complete: bool
    ) -> tuple[tuple[Trade, ...], int]:
        held = net_sizes(view.look) if complete else None
        return closed_trades(view.account, fills.values(), held)

    async def _fills(
        self, name: str, positions: tuple[Position, ...], began_ns: int
    ) -> tuple[Fill, ...] | str:
        try:
            return await self._venues[name].fills(
                positions,
                since_ms=began_ns // 1_000_000,
                deadline_s=self._settings.fills_deadline_s,
            )
        except VenueError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one account's surprise fails no other's figures
            _log.exception("Reading the executions of %s failed.", name)
            return f"unexpected {type(error).__name__}"

    def _known(
        self, began_ns: int
    ) -> tuple[dict[str, dict[Key, Position]], dict[str, dict[Key, Fill]], list[tuple[str, str]]]:
        asked: dict[str, dict[Key, Position]] = {}
        known: dict[str, dict[Key, Fill]] = {}
        unread: list[tuple[str, str]] = []
        try:
            for entry in self._log.entries({PositionWatched}, since_ns=began_ns):
                if isinstance(entry.record, PositionWatched):
                    position = _position(entry.record)
                    asked.setdefault(entry.record.account, {})[position.key] = position
            for exit_id in self._journal.exit_ids()[-RECENT_EXITS:]:
                for one in self._journal.entries(exit_id):
                    if one.at_ns < began_ns:
                        continue
                    if isinstance(one.record, Looked):
                        positions = {position.key: position for position in one.record.look.positions}
                        asked.setdefault(one.record.account, {}).update(positions)
                    elif isinstance(one.record, FillsRead):
                        fills = {(f.category, f.instrument, f.fill_id): f for f in one.record.fills}
                        known.setdefault(one.record.account, {}).update(fills)
        except JournalUnusable as error:
            unread.append(("this desk's own records", str(error)))
        return asked, known, unread


def _position(record: PositionWatched) -> Position:
    return Position(
        instrument=record.instrument,
        category=record.category,
        symbol=record.symbol,
        side=record.side,
        quantity=record.quantity,
        hedged=record.hedged,
    )


def watched(account: Account, position: Position) -> PositionWatched:
    """Return the record by which a position's executions of today are asked for later on."""
    return PositionWatched(
        account=account.name,
        instrument=position.instrument,
        category=position.category,
        symbol=position.symbol,
        side=position.side,
        quantity=position.quantity,
        hedged=position.hedged,
    )
