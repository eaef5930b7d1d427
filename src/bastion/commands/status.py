"""Status: the desk's one word, its accounts, its last exit, and what would hinder the next one."""

from bastion.auth.permit import permit
from bastion.commands.audit import audit_warnings
from bastion.commands.desk import RECENT_EXITS, Desk
from bastion.commands.positions import moment, visible_readings
from bastion.commands.readings import AccountReading
from bastion.commands.visible import sees, visible
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.principal import Principal
from bastion.domain.records import ExitRequested, LatchTripped
from bastion.domain.verdict import DisplayWord, LatchState, Verdict, display_word
from bastion.errors import JournalUnusable
from bastion.exits.report import ExitReport, fold
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """One account: whether it was read completely, what is open there, and what its credential may do.

    None means that it is not known.
    """

    account: str
    exchange: str
    read: bool
    positions: int
    orders: int
    can_trade: bool | None
    can_withdraw: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """How the desk stands; `word` is one of the words that every surface uses.

    `latch_id` names the exit or halt that tripped the latch; None while it is clear.
    """

    summary: str
    word: DisplayWord
    paper: bool
    latch: LatchState
    accounts: tuple[AccountStatus, ...]
    last_exit: ExitReport | None
    unfinished: tuple[str, ...]
    warnings: tuple[str, ...]
    read_at: str
    latch_id: str | None


async def status(desk: Desk, principal: Principal) -> StatusReport:
    """Return how the desk stands, as far as the principal may see it.

    Its accounts were read within the last `sharing.FRESH_S` seconds. The latch is the whole desk's.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: the principal may see no account of this desk.
    """
    permit(principal, Act.STATUS)
    read_ns, readings = await visible_readings(desk, principal)
    latch_entries = desk.journal.latch_entries()
    newest = latch_entries[-1].record if latch_entries else None
    tripped = isinstance(newest, LatchTripped)
    last = _last_exit(desk, principal)
    waiting = [
        request
        for request in desk.unfinished()
        if any(sees(principal, account.name) for account in request.accounts)
    ]
    warnings = [warning for reading in readings for warning in reading.warnings]
    warnings.extend(
        f"The {_noun(request)} has no verdict; `{_again(request)}` takes it up."
        for request in waiting
        if desk.exit_of(request.exit_id) is None
    )
    warnings.extend(audit_warnings(desk.audit.standing()))
    armed = _armed(desk, warnings)
    word = _word(readings, last, tripped=tripped, armed=armed)
    accounts = tuple(_account(reading) for reading in readings)
    return StatusReport(
        summary=_summary(word, accounts, paper=desk.paper),
        word=word,
        paper=desk.paper,
        latch=LatchState.TRIPPED if tripped else LatchState.CLEAR,
        accounts=accounts,
        last_exit=last,
        unfinished=tuple(request.exit_id for request in waiting),
        warnings=tuple(warnings),
        read_at=moment(read_ns),
        latch_id=newest.exit_id if isinstance(newest, LatchTripped) else None,
    )


def _noun(request: ExitRequested) -> str:
    return f"{'halt' if request.kind is ExitKind.HALT else 'exit'} {request.exit_id}"


def _again(request: ExitRequested) -> str:
    return "bastion halt" if request.kind is ExitKind.HALT else f"bastion exit --resume {request.exit_id}"


def _last_exit(desk: Desk, principal: Principal) -> ExitReport | None:
    for exit_id in reversed(desk.journal.exit_ids()[-RECENT_EXITS:]):
        entries = visible(desk.journal.entries(exit_id), principal)
        report = fold(entries) if entries else None
        # A halt or a part that was closed says nothing of whether the desk is flat.
        if report is not None and report.kind is ExitKind.EXIT:
            return report
    return None


def _account(reading: AccountReading) -> AccountStatus:
    return AccountStatus(
        account=reading.venue.account.name,
        exchange=reading.venue.account.venue,
        read=reading.look.complete,
        positions=len(reading.look.positions),
        orders=len(reading.look.orders),
        can_trade=None if reading.access is None else reading.access.can_trade,
        can_withdraw=None if reading.access is None else reading.access.can_withdraw,
    )


def _armed(desk: Desk, warnings: list[str]) -> bool:
    if desk.engine is None:
        return False
    try:
        return desk.engine.standing().armed
    except JournalUnusable as error:
        # Unknown is not armed, but a person must hear that it is unknown.
        warnings.append(f"Whether the engine is armed is not known: {error}.")
        return False


def _word(
    readings: tuple[AccountReading, ...], last: ExitReport | None, *, tripped: bool, armed: bool
) -> DisplayWord:
    if last is None or not tripped:
        return display_word(exit_state=None, verdict=None, armed=armed)
    # FLAT of an earlier exit is not repeated against what the venues say now.
    if last.success and not all(reading.look.empty for reading in readings):
        return display_word(exit_state=None, verdict=None, armed=armed)
    verdict = last.verdict if isinstance(last.verdict, Verdict) else None
    return display_word(exit_state=last.state, verdict=verdict, armed=armed)


def _summary(word: DisplayWord, accounts: tuple[AccountStatus, ...], *, paper: bool) -> str:
    held = sum(account.positions for account in accounts)
    unread = [account.account for account in accounts if not account.read]
    sentence = f"{'PAPER' if paper else 'LIVE'}, {word.value}: {held} open position{'' if held == 1 else 's'}"
    sentence += f" on {len(accounts)} account{'' if len(accounts) == 1 else 's'}"
    if unread:
        sentence += f"; NOT READ: {', '.join(unread)}"
    return sentence + "."
