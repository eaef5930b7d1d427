"""Session: the engine's history and alerts, and the figures of the trading day."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.engine_telling import (
    AlertDetails,
    AlertRow,
    AlertsReport,
    EngineEvent,
    EngineHistoryReport,
    EventWord,
    HistoryDetails,
    HistoryEntry,
    HistorySummary,
    HistoryType,
    SessionStatsReport,
    TradeMark,
    UnreadFigures,
)
from bastion.commands.positions import moment
from bastion.commands.steering import steered
from bastion.domain.act import Act
from bastion.domain.engine import Action, Day, EngineState, Target, Trade
from bastion.domain.engine_records import (
    ActDropped,
    ActEnded,
    Advised,
    Alerted,
    EngineArmed,
    EngineDisarmed,
    EngineEntry,
    EngineResumed,
    EngineStarted,
    GuardCleared,
    GuardTripped,
)
from bastion.domain.money import ZERO, Usd
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING
from bastion.errors import Refused
from bastion.exits.sentences import count

HISTORY_MAX = 100
HISTORY_DEFAULT = 20
ALERTS_MAX = 100
HOUR_S = Decimal(3600)


async def engine_history(
    desk: Desk, principal: Principal, *, limit: int = HISTORY_DEFAULT
) -> EngineHistoryReport:
    """Return the engine's newest entries, newest first, with their reasons; `limit` is 1 to 100.

    Changes of its state, and as many of them, stand beside the entries.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: the limit lies outside of its range.
        JournalUnusable: the engine's records cannot be read.
    """
    permit(principal, Act.ENGINE_HISTORY)
    covered(principal, desk.accounts, EVERYTHING)
    if not 1 <= limit <= HISTORY_MAX:
        raise Refused(f"limit is a whole number from 1 to {HISTORY_MAX}. Nothing was done.")
    engine = steered(desk.engine)
    tally = engine.tally(accounts=principal.accounts)
    shown = _entries(engine.history(limit=limit, accounts=principal.accounts))
    return EngineHistoryReport(
        message=(
            f"{len(shown)} of the newest entries;"
            f" {count(tally.executed, 'act')} so far, realized {tally.net_realized_usd:,.2f} USD."
            " Advice comes from fixed rules; confidence is the share of a rule's conditions that held."
        ),
        entries=shown,
        summary=HistorySummary(
            total_evaluations=tally.holds + tally.executed,
            actions_executed=tally.executed,
            holds=tally.holds,
            net_realized_pnl_usd=tally.net_realized_usd,
        ),
        events=_events(engine.events(limit=limit, accounts=principal.accounts)),
    )


async def alerts(desk: Desk, principal: Principal) -> AlertsReport:
    """Return the alerts of the last 24 hours, newest first; the summary says whether anything watches.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        JournalUnusable: the engine's records cannot be read.
    """
    permit(principal, Act.ALERTS)
    covered(principal, desk.accounts, EVERYTHING)
    engine = steered(desk.engine)
    rows = tuple(
        _alert(entry, entry.record)
        for entry in engine.alerts(limit=ALERTS_MAX, accounts=principal.accounts)
        if isinstance(entry.record, Alerted)
    )
    sentence = f"{count(len(rows), 'alert')} in the last 24 hours."
    warnings: tuple[str, ...] = ()
    if engine.standing().state is EngineState.STOPPED:
        sentence += " The engine is STOPPED: nothing is watched now, so nothing new can appear."
        warnings = ("Start the engine (`bastion_engine_start`) to be alerted.",)
    return AlertsReport(summary=sentence, alerts=rows, warnings=warnings)


async def session_stats(desk: Desk, principal: Principal) -> SessionStatsReport:
    """Return the figures of what was closed since 00:00 UTC, by executions of the venues and of our exits.

    A trade is one order that closed something; its PnL is price PnL, with fees and funding beside it. Where
    nothing was closed, counts are 0 and ratios null.

    Raises:
        ScopeDenied: the principal lacks the read scope.
    """
    permit(principal, Act.SESSION_STATS)
    covered(principal, desk.accounts, EVERYTHING)
    return stats_of(await steered(desk.engine).day(accounts=principal.accounts))


def stats_of(day: Day) -> SessionStatsReport:
    """Return the session's figures of a day, by the interface's formulas; pure."""
    trades = day.trades
    wins = [one for one in trades if one.pnl_usd > ZERO]
    losses = [one for one in trades if one.pnl_usd < ZERO]
    profit = Usd(sum((one.pnl_usd for one in wins), ZERO))
    loss = Usd(sum((one.pnl_usd for one in losses), ZERO))
    ordered = sorted(trades, key=lambda one: one.pnl_usd)
    held = [Decimal(one.hold_s) for one in trades if one.hold_s is not None]
    return SessionStatsReport(
        summary=_sentence(day, profit + loss),
        session_start=moment(day.began_ns),
        total_trades=len(trades),
        wins=len(wins),
        losses=len(losses),
        win_rate_pct=_ratio(Decimal(len(wins)) * 100, len(trades), "0.1"),
        net_pnl_usd=Usd(profit + loss),
        gross_profit_usd=profit,
        gross_loss_usd=loss,
        best_trade=_mark(ordered[-1]) if ordered else None,
        worst_trade=_mark(ordered[0]) if ordered else None,
        avg_hold_hours=_ratio(sum(held, ZERO) / HOUR_S, len(held), "0.01"),
        max_drawdown_usd=_deepest(trades),
        profit_factor=_ratio(profit, -loss, "0.01"),
        avg_win_usd=_ratio(profit, len(wins), "0.01"),
        avg_loss_usd=_ratio(loss, len(losses), "0.01"),
        fees_usd=Usd(sum((one.fees_usd for one in trades), ZERO)),
        funding_usd=Usd(sum((one.funding_usd for one in trades), ZERO)),
        pending=len(day.pending),
        unread=tuple(UnreadFigures(account=name, reason=why) for name, why in day.unread),
    )


def _deepest(trades: Sequence[Trade]) -> Usd:
    # The deepest fall of the day's running PnL from its peak, which begins at zero.
    total = peak = deepest = ZERO
    for one in trades:
        total += one.pnl_usd
        peak = max(peak, total)
        deepest = min(deepest, total - peak)
    return Usd(deepest)


def _ratio(part: Decimal, whole: Decimal | int, step: str) -> Decimal | None:
    if not whole:
        return None
    return (part / whole).quantize(Decimal(step), ROUND_HALF_EVEN)


def _mark(trade: Trade) -> TradeMark:
    return TradeMark(symbol=trade.symbol, pnl_usd=trade.pnl_usd, direction=trade.direction)


def _sentence(day: Day, net: Decimal) -> str:
    sentence = f"{count(len(day.trades), 'trade')} closed since 00:00 UTC, net {net:,.2f} USD before fees"
    if day.pending:
        sentence += f"; the PnL of {count(len(day.pending), 'closing')} is still pending at the venue"
    if day.unread:
        sentence += f"; NOT READ: {', '.join(name for name, _ in day.unread)}"
    return sentence + "."


def _alert(entry: EngineEntry, record: Alerted) -> AlertRow:
    target = record.target
    return AlertRow(
        type=record.type,
        severity=record.severity,
        message=record.message,
        symbol=target.symbol,
        timestamp=moment(entry.at_ns),
        details=AlertDetails(
            guard=record.guard,
            value=record.value,
            limit=record.limit,
            affected_position=None if target.symbol is None else target.name,
            exchange=target.exchange,
            account=target.account,
        ),
    )


def _entries(entries: Sequence[EngineEntry]) -> tuple[HistoryEntry, ...]:
    found = (_entry(entry) for entry in entries)
    return tuple(row for row in found if row is not None)


def _entry(entry: EngineEntry) -> HistoryEntry | None:
    record = entry.record
    match record:
        case Advised():
            return _row(
                entry,
                HistoryType.EVALUATION,
                record.action,
                record.target,
                record.reasoning,
                confidence=record.confidence,
            )
        case GuardTripped():
            what = "An armed engine acts" if record.armed else "An armed engine would have acted"
            told = f"{record.reading.sentence} {what}: {record.act.value} of {record.reading.target.name}."
            return _row(
                entry,
                HistoryType.EVALUATION,
                record.act,
                record.reading.target,
                told,
                confidence=Decimal(1),
            )
        case ActEnded():
            return _row(
                entry,
                HistoryType.EXECUTION,
                record.action,
                record.target,
                f"{record.reasoning} {record.told}".strip(),
                confidence=record.confidence,
                details=HistoryDetails(
                    exit_pct=record.exit_pct,
                    price=record.price,
                    realized_pnl_usd=record.realized_pnl_usd,
                    new_stop=record.new_stop,
                    previous_stop=record.previous_stop,
                    exit_id=record.exit_id,
                ),
            )
        case _:
            return None


def _events(entries: Sequence[EngineEntry]) -> tuple[EngineEvent, ...]:
    found = ((entry, _event(entry)) for entry in entries)
    return tuple(_happened(entry, *told) for entry, told in found if told is not None)


def _event(entry: EngineEntry) -> tuple[EventWord, Target, str] | None:
    record = entry.record
    found: tuple[EventWord, str] | None = None
    match record:
        case EngineStarted():
            found = EventWord.STARTED, f"Started by {record.principal} over {record.surface}."
        case EngineArmed():
            settings = record.settings
            found = (
                EventWord.ARMED,
                (
                    f"Armed by {record.principal} over {record.surface}: confidence from"
                    f" {settings.confidence_threshold}, daily loss limit"
                    f" {settings.daily_loss_limit_usd:,.2f} USD."
                ),
            )
        case EngineDisarmed():
            why = f" {record.why}" if record.why else ""
            found = EventWord.DISARMED, f"Disarmed by {record.principal} over {record.surface}.{why}"
        case EngineResumed():
            found = (
                EventWord.RESUMED,
                (
                    f"A new process took up the watch after its first complete reading,"
                    f" {record.state.value} as recorded."
                ),
            )
        case GuardCleared():
            found = EventWord.CLEARED, f"The guard {record.guard} is clear again: {record.why}."
        case ActDropped():
            return EventWord.NOT_SENT, record.target, record.why
        case _:
            pass
    return None if found is None else (found[0], Target(), found[1])


def _happened(entry: EngineEntry, word: EventWord, target: Target, message: str) -> EngineEvent:
    return EngineEvent(
        timestamp=moment(entry.at_ns),
        event=word,
        symbol=target.symbol,
        direction=target.side,
        exchange=target.exchange,
        account=target.account,
        message=message,
    )


def _row(
    entry: EngineEntry,
    kind: HistoryType,
    action: Action,
    target: Target,
    reasoning: str,
    *,
    confidence: Decimal,
    details: HistoryDetails | None = None,
) -> HistoryEntry:
    return HistoryEntry(
        timestamp=moment(entry.at_ns),
        type=kind,
        action=action,
        symbol=target.symbol,
        details=details,
        confidence=confidence,
        reasoning=reasoning,
        direction=target.side,
        exchange=target.exchange,
        account=target.account,
    )
