"""Engine acts: the desk as the engine sees and moves it, by the same readings and verbs as everyone."""

import asyncio
from decimal import Decimal

from bastion.commands.breakeven import move_to_breakeven
from bastion.commands.desk import Desk
from bastion.commands.exit import emergency_exit, exit_status, resume_exit
from bastion.commands.kill_switch import tripped_by
from bastion.commands.partial import partial_close
from bastion.commands.protective_telling import BreakevenReport
from bastion.commands.sharing import FRESH_S
from bastion.commands.wealth import CANNOT_TELL
from bastion.domain.balance import Balance
from bastion.domain.engine import AccountView, Action, ActOutcome, Target
from bastion.domain.mandate import ExitKind
from bastion.domain.money import Price
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import ExitRequested
from bastion.domain.selection import EVERYTHING, Selection
from bastion.errors import BastionError
from bastion.exits.report import ExitReport

ENGINE = Principal(id="engine", surface="engine", scope=Scope.TRADE)
RECENT_EXITS = 50
FOLLOW_AGE_MAX_NS = 3_600 * 1_000_000_000
"""As a restart takes up no older exit by itself: what is open now may have been opened on purpose."""


PARTS_PCT = {Action.REDUCE_SIZE: 25, Action.TP_PARTIAL: 50}
"""How much of a position an armed engine closes where it closes a part."""


class EngineActs:
    """Implements `engine.surroundings.Surroundings` over one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def observe(self, *, anew: bool = True) -> tuple[AccountView, ...]:
        """Return every account, read anew unless told otherwise; bounded, and it never raises for a venue.

        Positions and balances are read at the same moment, so that the two fit together.
        """
        within_s = 0 if anew else FRESH_S
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._desk.readings.recent(within_s=within_s))
            telling = group.create_task(self._desk.wealth.recent(within_s=within_s))
        _, told = telling.result()
        views = []
        for one in reading.result()[1]:
            account = one.venue.account
            balance = told.get(account.name, CANNOT_TELL)
            views.append(
                AccountView(
                    account=account,
                    look=one.look,
                    equity_usd=balance.total_usd if isinstance(balance, Balance) else None,
                    equity_why="" if isinstance(balance, Balance) else balance,
                    tells_equity=balance != CANNOT_TELL,
                )
            )
        return tuple(views)

    def busy(self) -> str | None:
        """Return the id of the exit that closes everything now in this process; None when there is none."""
        for running in self._desk.working():
            if running.request.kind is ExitKind.EXIT and running.request.selection.everything:
                return running.exit_id
        return None

    async def act(self, action: Action, target: Target, *, reason: str) -> ActOutcome:
        """Carry out one act and return what came of it; refusals are outcomes."""
        try:
            if action is Action.EXIT_ALL:
                return _outcome(await emergency_exit(self._desk, ENGINE, reason=reason))
            selection = selection_of(target)
            if action is Action.EXIT_FULL:
                return _outcome(await emergency_exit(self._desk, ENGINE, selection=selection, reason=reason))
            return await self._mild(action, target, selection, reason=reason)
        except BastionError as error:
            return ActOutcome(sent=False, success=False, told=str(error))

    def requested(self, reason: str, *, since_ns: int) -> str | None:
        """Return the exit that the engine requested with this reason since that moment (UTC), if any."""
        for exit_id in reversed(self._desk.journal.exit_ids()[-RECENT_EXITS:]):
            for entry in self._desk.journal.entries(exit_id):
                record = entry.record
                if not isinstance(record, ExitRequested) or entry.at_ns < since_ns:
                    continue
                if record.principal == ENGINE.id and record.reason == reason:
                    return exit_id
        return None

    async def follow(self, exit_id: str) -> ActOutcome | None:
        """Take up, or wait for, an exit of the engine's; None where it is too old to be taken up."""
        report = await exit_status(self._desk, ENGINE, exit_id)
        if report.verdict is None:
            asked_ns = self._desk.journal.entries(exit_id)[0].at_ns
            if self._desk.clock.now_ns() - asked_ns > FOLLOW_AGE_MAX_NS:
                return None
            report = await resume_exit(self._desk, ENGINE, exit_id)
        return _outcome(report)

    async def _mild(self, action: Action, target: Target, selection: Selection, *, reason: str) -> ActOutcome:
        symbol = target.symbol or ""
        if action in {Action.MOVE_STOP, Action.TRAIL_STOP}:
            exit_id = tripped_by(self._desk)
            if exit_id is not None:
                told = (
                    f"the latch is tripped by {exit_id}, and an armed engine may only reduce while it holds"
                )
                return ActOutcome(sent=False, success=False, told=told)
            return _stop_outcome(
                await move_to_breakeven(self._desk, ENGINE, symbol=symbol, selection=selection)
            )
        report = await partial_close(
            self._desk, ENGINE, symbol=symbol, exit_pct=PARTS_PCT[action], selection=selection, reason=reason
        )
        return ActOutcome(
            sent=True,
            success=report.success,
            told=report.summary,
            exit_id=report.exit_id,
            exit_pct=Decimal(report.closed_pct),
            price=report.exit_price,
            realized_pnl_usd=report.realized_pnl_usd,
        )


def selection_of(target: Target) -> Selection:
    """Return the selection that covers exactly the target's position."""
    if target.account is None or target.symbol is None:
        return EVERYTHING
    return Selection(
        accounts=frozenset({target.account}),
        symbols=frozenset({target.symbol}),
        sides=frozenset() if target.side is None else frozenset({target.side}),
    )


def _outcome(report: ExitReport) -> ActOutcome:
    only = report.closed_positions[0] if len(report.closed_positions) == 1 else None
    return ActOutcome(
        sent=True,
        success=report.success,
        told=report.summary,
        exit_id=report.exit_id,
        exit_pct=Decimal(100),
        price=None if only is None else only.exit_price,
        realized_pnl_usd=None if report.pnl_pending else report.total_realized_pnl_usd,
    )


def _stop_outcome(report: BreakevenReport) -> ActOutcome:
    moved = report.moved[0] if report.moved else None
    return ActOutcome(
        sent=moved is not None or bool(report.errors),
        success=report.success and moved is not None,
        told=report.summary,
        new_stop=None if moved is None else Price(moved.new_stop),
        previous_stop=None if moved is None or moved.previous_stop is None else Price(moved.previous_stop),
    )
