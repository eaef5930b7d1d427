"""Exit: close everything on every account, prove it, and tell how it stands."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.keys import require
from bastion.commands.desk import Desk, RunningExit
from bastion.domain.principal import Principal, Scope
from bastion.domain.records import Entry, ExitJudged, ExitRequested, LegReopened
from bastion.errors import ExitUnknown, Refused
from bastion.exits.report import ExitReport, fold
from bastion.exits.request import request_exit

REASON_LENGTH_MAX = 500
EXIT_ID_LENGTH_MAX = 64
DEADLINE_S_MIN = Decimal(1)
DEADLINE_S_MAX = Decimal(3600)
HOLD_S_MAX = Decimal(86_400)
# How long after its own deadline an exit is given to write down its verdict.
VERDICT_GRACE_S = 5.0
PAPER_NOTE = "PAPER: no configuration is set; this was the embedded paper exchange, not a live account."
FOLLOW_GAP_S = 0.1
EXTENSIONS_MAX = 100
# A process that carries out an exit writes at least this often; a longer silence means that it is stuck.
STUCK_S = 20
# An exit that was broken off longer ago than this is not taken up without being asked for by its id: what is
# open now may have been opened on purpose.
RESUME_AGE_MAX_S = 3_600


async def emergency_exit(
    desk: Desk,
    principal: Principal,
    *,
    reason: str | None = None,
    deadline_s: Decimal | None = None,
    hold_s: Decimal | None = None,
    wait_s: float | None = None,
) -> ExitReport:
    """Close every position and cancel every order of every account, and report how it ended.

    Answers at the verdict, at `deadline_s` (default: the configuration's), or after `wait_s` where that is
    sooner; the exit goes on without its caller. A request while an exit runs, in this process or another,
    joins it; an exit that a dead process left without a verdict is taken up. After FLAT the desk keeps
    looking for `hold_s` seconds.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: a value cannot be used; nothing was done.
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    require(principal, Scope.TRADE, action="An emergency exit")
    reason = checked_reason(reason)
    deadline_s = _within(deadline_s, "deadline_s", least=DEADLINE_S_MIN, most=DEADLINE_S_MAX)
    hold_s = _within(hold_s, "hold_s", least=Decimal(0), most=HOLD_S_MAX)
    deadline_s = desk.settings.deadline_s if deadline_s is None else deadline_s
    hold_s = desk.settings.hold_s if hold_s is None else hold_s
    patience_s = float(deadline_s) + VERDICT_GRACE_S
    if wait_s is not None:
        patience_s = min(wait_s, patience_s)

    ends_ns = desk.clock.monotonic_ns() + int(patience_s * 1_000_000_000)
    running = desk.running()
    if running is None and not desk.lock.acquire():
        followed = await _follow(desk, until_ns=ends_ns)
        if followed is not None:
            return await exit_status(desk, principal, followed)
        # The other process is done, dead or stuck. Its lock is wanted, but never waited for.
        desk.lock.acquire()
    # A caller who goes away between the durable request and the start must not leave the request lying.
    running = await desk.outlive(
        _join_or_begin(desk, principal, reason=reason, deadline_s=deadline_s, hold_s=hold_s)
    )
    await _wait(running, desk=desk, until_ns=ends_ns, extends=wait_s is None)
    return await _with_fills(desk, principal, running.exit_id, until_ns=ends_ns)


async def exit_status(desk: Desk, principal: Principal, exit_id: str) -> ExitReport:
    """Return what the journal says of the exit, now.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is no exit of that id.
    """
    require(principal, Scope.READ, action="Reading an exit's state")
    entries = desk.journal.entries(exit_id) if 0 < len(exit_id) <= EXIT_ID_LENGTH_MAX else ()
    if not any(isinstance(entry.record, ExitRequested) for entry in entries):
        raise ExitUnknown(f"There is no exit with the id {exit_id[:EXIT_ID_LENGTH_MAX]!r} in this journal.")
    report = fold(entries)
    if desk.paper:
        # Nobody must take the practice for the real thing in the very moment in which it counts.
        return replace(report, warnings=(PAPER_NOTE, *report.warnings))
    return report


async def resume_exit(desk: Desk, principal: Principal, exit_id: str | None) -> ExitReport:
    """Take up an exit that has no verdict, by its id or (None) the newest, and report how it ended.

    An exit that ended flat is not repeated: its report is the answer. One that ended NOT_FLAT or UNKNOWN goes
    on, with its deadline counted anew.

    Raises:
        ScopeDenied: the principal lacks the trade scope; nothing was done.
        Refused: there is no such exit; nothing was done.
    """
    require(principal, Scope.TRADE, action="Resuming an exit")
    unfinished = desk.unfinished()
    if exit_id is None:
        if not unfinished:
            raise Refused("No exit waits to be resumed: each one in this journal has its verdict.")
        exit_id = unfinished[0].exit_id
    report = await exit_status(desk, principal, exit_id)
    if report.success and desk.exit_of(exit_id) is None:
        return report
    deadline_s = next(
        (request.deadline_s for request in unfinished if request.exit_id == exit_id), desk.settings.deadline_s
    )
    ends_ns = desk.clock.monotonic_ns() + int((float(deadline_s) + VERDICT_GRACE_S) * 1_000_000_000)
    if desk.exit_of(exit_id) is None and not desk.lock.acquire():
        followed = await _follow(desk, until_ns=ends_ns)
        if followed is not None:
            return await exit_status(desk, principal, followed)
        desk.lock.acquire()
    desk.tell(desk.journal.entries(exit_id))
    await _wait(desk.start(exit_id), desk=desk, until_ns=ends_ns)
    return await _with_fills(desk, principal, exit_id, until_ns=ends_ns)


def recover(desk: Desk) -> tuple[str, ...]:
    """Take up, in the background, the recent exit that a dead process left without a verdict; return its id.

    Nothing is taken up while another process carries out an exit.
    """
    waiting = [request.exit_id for request in desk.unfinished() if _is_recent(desk, request)]
    if not waiting or not desk.lock.acquire():
        return ()
    # One leg an account at a time: the newest request covers what the older ones wanted.
    desk.start(waiting[0])
    return (waiting[0],)


async def _join_or_begin(
    desk: Desk, principal: Principal, *, reason: str | None, deadline_s: Decimal, hold_s: Decimal
) -> RunningExit:
    async with desk.beginning:
        running = desk.running()
        if running is None:
            try:
                running = await _begin(desk, principal, reason=reason, deadline_s=deadline_s, hold_s=hold_s)
            finally:
                if running is None:
                    desk.lock.release()
        return running


async def _begin(
    desk: Desk, principal: Principal, *, reason: str | None, deadline_s: Decimal, hold_s: Decimal
) -> RunningExit:
    names = {account.name for account in desk.accounts}
    for request in desk.unfinished():
        covered = {account.name for account in request.accounts}
        if covered == names and _is_recent(desk, request):
            desk.tell(desk.journal.entries(request.exit_id))
            return desk.start(request.exit_id)
    exit_id = desk.new_exit_id()
    entries = await request_exit(
        desk.journal,
        desk.clock,
        exit_id=exit_id,
        accounts=desk.accounts,
        principal=principal,
        reason=reason,
        deadline_s=deadline_s,
        hold_s=hold_s,
    )
    running = desk.start(exit_id)
    desk.tell(entries)
    return running


def _is_recent(desk: Desk, request: ExitRequested) -> bool:
    asked_ns = desk.journal.entries(request.exit_id)[0].at_ns
    return desk.clock.now_ns() - asked_ns < RESUME_AGE_MAX_S * 1_000_000_000


async def _wait(running: RunningExit, *, desk: Desk, until_ns: int, extends: bool = True) -> None:
    told_s = 0.0
    for _ in range(EXTENSIONS_MAX):
        left_s = (until_ns - desk.clock.monotonic_ns()) / 1_000_000_000 + told_s
        try:
            async with asyncio.timeout(max(left_s, 0)):
                await running.judged.wait()
        except TimeoutError:
            # A venue that takes few requests a minute may have been given more time meanwhile.
            if not extends or running.extra_s <= told_s:
                return
            told_s = running.extra_s
        else:
            return


async def _with_fills(desk: Desk, principal: Principal, exit_id: str, *, until_ns: int) -> ExitReport:
    # Executions can be listed a moment after they happened. Once flat, nothing is at stake but the figures.
    patience_ns = int(desk.settings.fills_patience_s * 1_000_000_000)
    until_ns = min(until_ns, desk.clock.monotonic_ns() + patience_ns)
    report = await exit_status(desk, principal, exit_id)
    while report.success and report.pnl_pending and desk.clock.monotonic_ns() < until_ns:
        await desk.clock.sleep(FOLLOW_GAP_S)
        report = await exit_status(desk, principal, exit_id)
    return report


async def _follow(desk: Desk, *, until_ns: int) -> str | None:
    """Wait for the verdict of the exit that another process carries out, and return its id.

    None means that this process must act: the lock is free, or nothing was written for `STUCK_S`.
    """
    followed: str | None = None
    seen = 0
    alive_ns = desk.clock.monotonic_ns()
    while desk.clock.monotonic_ns() < until_ns:
        if followed is None:
            followed = next((request.exit_id for request in desk.unfinished()), None)
        if followed is not None:
            entries = desk.journal.entries(followed)
            if _is_judged(entries):
                return followed
            if len(entries) > seen:
                seen, alive_ns = len(entries), desk.clock.monotonic_ns()
        if desk.lock.acquire():
            # It was freed since we read: by a verdict, which is then the answer, or by a death.
            if followed is None or not _is_judged(desk.journal.entries(followed)):
                return None
            desk.lock.release()
            return followed
        if desk.clock.monotonic_ns() - alive_ns > STUCK_S * 1_000_000_000:
            return None
        await desk.clock.sleep(FOLLOW_GAP_S)
    return followed


def _is_judged(entries: Sequence[Entry]) -> bool:
    judged = False
    for entry in entries:
        if isinstance(entry.record, ExitJudged):
            judged = True
        elif isinstance(entry.record, LegReopened):
            judged = False
    return judged


def checked_reason(reason: str | None) -> str | None:
    """Return the reason without surrounding space, None for an empty one.

    Raises:
        Refused: it is too long or holds what cannot be printed.
    """
    if reason is None or not reason.strip():
        return None
    reason = reason.strip()
    if len(reason) > REASON_LENGTH_MAX or not reason.isprintable():
        raise Refused(f"A reason is at most {REASON_LENGTH_MAX} printable characters. Nothing was done.")
    return reason


def _within(value: Decimal | None, name: str, *, least: Decimal, most: Decimal) -> Decimal | None:
    if value is not None and not (value.is_finite() and least <= value <= most):
        raise Refused(f"{name} is a number of seconds from {least} to {most}. Nothing was done.")
    return value
