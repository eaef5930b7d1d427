"""Kill switch: disarm the engine, close everything, and record what the market was."""

import logging
from dataclasses import fields

from bastion.auth.permit import permit
from bastion.commands.desk import Desk
from bastion.commands.engine_telling import KillSwitchReport, MarketRow, disarm_warnings
from bastion.commands.exit import emergency_exit
from bastion.commands.positions import moment
from bastion.domain.act import Act
from bastion.domain.engine import DisarmCause
from bastion.domain.principal import Principal
from bastion.domain.records import LatchTripped, Looked
from bastion.domain.symbol import pair
from bastion.exits.telling import ExitReport

_log = logging.getLogger(__name__)


async def kill_switch(
    desk: Desk, principal: Principal, *, reason: str | None = None, wait_s: float | None = None
) -> KillSwitchReport:
    """Disarm the engine, then close every position and cancel every order, and report like the exit.

    The engine is disarmed first, also where the exit then fails; neither waits for the other's record. The
    market snapshot is what the exit's own first look saw.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used; the engine is disarmed, nothing else was done.
        JournalUnusable: the exit could not be written down anywhere; the engine is disarmed.
    """
    permit(principal, Act.KILL_SWITCH)
    disarmed = True
    notes: tuple[str, ...] = ()
    if desk.engine is not None:
        try:
            ended = await desk.engine.disarm(principal=principal, cause=DisarmCause.KILL_SWITCH)
        except Exception:  # noqa: BLE001 - nothing about the engine may keep the exit from being carried out
            _log.exception("Disarming failed; the exit goes on.")
            disarmed = False
            notes = ("The engine could not be disarmed; the exit was carried out. Run engine_disarm.",)
        else:
            notes = disarm_warnings(ended)
    report = await emergency_exit(desk, principal, reason=reason, wait_s=wait_s)
    told = {one.name: getattr(report, one.name) for one in fields(ExitReport)}
    told["warnings"] = (*report.warnings, *notes)
    return KillSwitchReport(
        **told,
        engine_disarmed=disarmed,
        latched=tripped_by(desk) is not None,
        market_snapshot=_snapshot(desk, report.exit_id, principal),
    )


def _snapshot(desk: Desk, exit_id: str, principal: Principal) -> tuple[MarketRow, ...]:
    rows: dict[tuple[str, str], MarketRow] = {}
    venues = {account.name: account.venue for account in desk.accounts}
    for entry in desk.journal.entries(exit_id):
        record = entry.record
        if not isinstance(record, Looked):
            continue
        if principal.accounts is not None and record.account not in principal.accounts:
            continue
        exchange = venues.get(record.account, "")
        for position in record.look.positions:
            symbol = pair(position.symbol)
            row = MarketRow(
                symbol=symbol, mark_price=position.mark_price, exchange=exchange, at=moment(entry.at_ns)
            )
            rows.setdefault((exchange, symbol), row)
    return tuple(rows[key] for key in sorted(rows))


def tripped_by(desk: Desk) -> str | None:
    """Return the id of the exit whose latch holds; None when it is clear."""
    entries = desk.journal.latch_entries()
    last = entries[-1].record if entries else None
    return last.exit_id if isinstance(last, LatchTripped) else None
