"""Asking: how what was asked for becomes an exit, joins one, or is carried out by another process."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from bastion.commands.desk import RECENT_EXITS, Desk, RunningExit
from bastion.domain.account import Account
from bastion.domain.principal import Principal
from bastion.domain.records import (
    Entry,
    ExitEnded,
    ExitJudged,
    ExitRequested,
    LegReopened,
    Record,
    RequestTagged,
    RunStarted,
)
from bastion.errors import Refused
from bastion.exits.opening import Opening
from bastion.exits.request import Wish, request_records
from bastion.exits.scope import Scope, scope_of
from bastion.exits.unfinished import unjudged
from bastion.shape import dataclass

REASON_LENGTH_MAX = 500
DEADLINE_S_MIN = Decimal(1)
DEADLINE_S_MAX = Decimal(3600)
HOLD_S_MAX = Decimal(86_400)
# How long after its own deadline an exit is given to write down its verdict.
VERDICT_GRACE_S = 5.0
FOLLOW_GAP_S = 0.1
EXTENSIONS_MAX = 100
# A process that carries out an exit writes at least this often; a longer silence means that it is stuck.
STUCK_S = 20
# What is asked for is taken up within a fifth of a second by the process that holds the lock.
TAKEN_UP_S = 3
SECOND_NS = 1_000_000_000
TAGGED_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: what is to be done on which accounts; `wait_s` bounds the caller's patience alone."""

    accounts: tuple[Account, ...]
    wish: Wish
    deadline_s: Decimal
    hold_s: Decimal
    reason: str | None = None
    wait_s: float | None = None


def asked(
    desk: Desk,
    accounts: Sequence[Account],
    wish: Wish,
    *,
    reason: str | None = None,
    deadline_s: Decimal | None = None,
    hold_s: Decimal | None = None,
    wait_s: float | None = None,
) -> Asked:
    """Return the request, its values checked; None means the configuration's value.

    Raises:
        Refused: a value cannot be used; nothing was done.
    """
    deadline_s = _within(deadline_s, "deadline_s", least=DEADLINE_S_MIN, most=DEADLINE_S_MAX)
    hold_s = _within(hold_s, "hold_s", least=Decimal(0), most=HOLD_S_MAX)
    return Asked(
        accounts=tuple(accounts),
        wish=wish,
        deadline_s=desk.settings.deadline_s if deadline_s is None else deadline_s,
        hold_s=desk.settings.hold_s if hold_s is None else hold_s,
        reason=checked_reason(reason),
        wait_s=wait_s,
    )


async def carry_out(desk: Desk, principal: Principal, request: Asked) -> tuple[str, int]:
    """See to it that the request is carried out, and wait for its verdict as long as the caller's patience.

    A request joins a running exit only where that covers all of it; else it becomes an exit of its own at
    once, beside those that run. One that comes again under its caller's name is the exit that it was, also
    after a crash. Where another process carries out exits, it takes this one up as well, and is
    followed through the journal; where it dies or is stuck, this process goes on in its place. Returns the
    exit's id, and until when (monotonic nanoseconds) the caller may still wait.

    Raises:
        JournalUnusable: the request could not be written down anywhere; nothing was done.
    """
    patience_s = float(request.deadline_s) + VERDICT_GRACE_S
    if request.wait_s is not None:
        patience_s = min(request.wait_s, patience_s)
    until_ns = desk.clock.monotonic_ns() + int(patience_s * SECOND_NS)
    # A caller who goes away between the durable request and the start must not leave the request lying.
    exit_id = await desk.outlive(_join_or_begin(desk, principal, request))
    # To tell how it stands takes as long as to send several orders; these leave first.
    await desk.right_of_way.give()
    await attend(desk, exit_id, until_ns=until_ns, extends=request.wait_s is None)
    return exit_id, until_ns


async def attend(desk: Desk, exit_id: str, *, until_ns: int, extends: bool = True) -> None:
    """Wait for the verdict of an exit that this process or another carries out, for at most that long.

    Where nobody carries it out any more, this process does.
    """
    running = desk.exit_of(exit_id)
    if running is None:
        running = await _follow(desk, exit_id, until_ns=until_ns)
    if running is not None:
        await _wait(running, desk=desk, until_ns=until_ns, extends=extends)


def covers(request: ExitRequested, accounts: Sequence[Account], wish: Wish) -> bool:
    """Return whether an exit does all that is wished for, on all of these accounts."""
    names = {account.name for account in request.accounts}
    return all(
        account.name in names and scope_of(request, account.name).contains(_scope(wish, account.name))
        for account in accounts
    )


def asked_before(desk: Desk, principal: Principal) -> str | None:
    """Return the id of the recent exit that this very request began already; None where none did."""
    if not principal.asked_as:
        return None
    if desk.tagged is None:
        # Read once: from here on, only this process writes tags.
        desk.tagged = {
            entry.record.tag: exit_id
            for exit_id in desk.journal.exit_ids()[-RECENT_EXITS:]
            for entry in desk.journal.entries(exit_id)
            if isinstance(entry.record, RequestTagged)
        }
    return desk.tagged.get(principal.asked_as)


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


async def _join_or_begin(desk: Desk, principal: Principal, request: Asked) -> str:
    async with desk.beginning:
        again = asked_before(desk, principal)
        if again is not None:
            return again
        for running in desk.working():
            if covers(running.request, request.accounts, request.wish):
                return running.exit_id
        try:
            return await _begin(desk, principal, request, ours=desk.lock.acquire())
        finally:
            desk.let_go()


async def _begin(desk: Desk, principal: Principal, request: Asked, *, ours: bool) -> str:
    # What another process carries out, or what a dead one left: both stand in the journal without a verdict.
    recent = desk.unsettled()
    waiting = [
        found
        for found in (unjudged(entries) for entries in recent)
        if found is not None and desk.is_recent(found)
    ]
    tried = [found for found in (_still_tried(desk, entries) for entries in recent) if found is not None]
    if ours and request.wish.kind.latches:
        for found in reversed(waiting):
            if found.kind.latches and desk.exit_of(found.exit_id) is None:
                desk.tell(desk.journal.entries(found.exit_id))
                desk.start(found.exit_id)
    for found in waiting:
        if covers(found, request.accounts, request.wish):
            if ours:
                desk.start(found.exit_id)
            return found.exit_id
    names = {account.name for account in request.accounts}
    exit_id = desk.new_exit_id()
    desk.right_of_way.take()
    records = request_records(
        desk.clock,
        exit_id=exit_id,
        accounts=request.accounts,
        principal=principal,
        reason=request.reason,
        deadline_s=request.deadline_s,
        hold_s=request.hold_s,
        wish=request.wish,
        joined=tuple(
            found.exit_id
            for found in (*reversed(waiting), *reversed(tried))
            if names & {one.name for one in found.accounts}
        ),
    )
    await _write_down(desk, exit_id, records, ours=ours)
    if principal.asked_as and desk.tagged is not None:
        desk.tagged[principal.asked_as] = exit_id
        while len(desk.tagged) > TAGGED_MAX:
            del desk.tagged[next(iter(desk.tagged))]
    return exit_id


async def _write_down(desk: Desk, exit_id: str, records: tuple[Record, ...], *, ours: bool) -> None:
    if ours and desk.idle:
        # One commit for the request and what is first intended: each costs a write that reaches the disk.
        opening = Opening(records, clock=desk.clock)
        desk.start(exit_id, opening=opening)
        await opening.durable()
    else:
        entries = await desk.journal.append(records)
        if ours:
            desk.start(exit_id, entries=entries)
        desk.tell(entries)


def _still_tried(desk: Desk, entries: Sequence[Entry]) -> ExitRequested | None:
    """Return the request of an exit that ended without success, and that some process still goes on with.

    Such a process writes a round every few seconds.
    """
    request: ExitRequested | None = None
    failed = False
    for entry in entries:
        match entry.record:
            case ExitRequested():
                request = entry.record
            case ExitJudged():
                failed = not entry.record.verdict.success
            case LegReopened() | ExitEnded():
                failed = False
            case _:
                pass
    if request is None or not failed:
        return None
    ours = desk.exit_of(request.exit_id) is not None
    age_ns = desk.clock.now_ns() - entries[-1].at_ns
    return request if ours or age_ns < STUCK_S * SECOND_NS else None


def _scope(wish: Wish, account: str) -> Scope:
    return Scope(
        kind=wish.kind,
        selection=wish.selection,
        targets=tuple(target for target in wish.targets if target.account == account),
        stops_too=wish.stops_too,
    )


async def _wait(running: RunningExit, *, desk: Desk, until_ns: int, extends: bool) -> None:
    told_s = 0.0
    for _ in range(EXTENSIONS_MAX):
        left_s = (until_ns - desk.clock.monotonic_ns()) / SECOND_NS + told_s
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


async def _follow(desk: Desk, exit_id: str, *, until_ns: int) -> RunningExit | None:
    """Wait for the verdict of an exit that another process carries out; None once it has one.

    The exit is taken up here where the lock was freed without a verdict, nobody took it up, or nobody writes
    any more.
    """
    seen = 0
    alive_ns = desk.clock.monotonic_ns()
    while desk.clock.monotonic_ns() < until_ns:
        entries = desk.journal.entries(exit_id)
        if unjudged(entries) is None:
            return None
        if len(entries) > seen:
            seen, alive_ns = len(entries), desk.clock.monotonic_ns()
        taken_up = any(isinstance(entry.record, RunStarted) for entry in entries)
        patience_s = STUCK_S if taken_up else TAKEN_UP_S
        stuck = desk.clock.monotonic_ns() - alive_ns > patience_s * SECOND_NS
        if desk.lock.acquire() or stuck:
            # It was freed since we read: by a verdict, which is then the answer, or by a death.
            if unjudged(desk.journal.entries(exit_id)) is not None:
                return desk.start(exit_id)
            desk.let_go()
            return None
        await desk.clock.sleep(FOLLOW_GAP_S)
    return None


def _within(value: Decimal | None, name: str, *, least: Decimal, most: Decimal) -> Decimal | None:
    if value is not None and not (value.is_finite() and least <= value <= most):
        raise Refused(f"{name} is a number of seconds from {least} to {most}. Nothing was done.")
    return value
