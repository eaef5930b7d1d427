"""Press: the `exit` and `status` commands, from the open desk to the exit code."""

import asyncio
import signal
from collections.abc import Callable
from decimal import Decimal

from bastion.app import Place, open_desk
from bastion.commands import Desk, emergency_exit, exit_status, resume_exit, status
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.verdict import Verdict
from bastion.exits.report import ExitReport
from bastion.shape import dataclass
from bastion.surfaces.cli.codes import Code, code_of_verdict
from bastion.surfaces.cli.view import View, choose_view, complain, emit, is_terminal
from bastion.surfaces.cli.words import exit_lines, status_lines, verdict_line
from bastion.surfaces.schemas import dumps

# Whoever can run this program as this user can read the vault's key file: asking for a bst_ key adds nothing.
OWNER = Principal(id="owner", surface="cli", scope=Scope.ENGINE)
ABORT_WINDOW_S = 1.0
ABORT_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOptions:
    """What was asked on the command line; `resume` is an id, the empty text for the newest, or None."""

    now: bool = False
    json: bool = False
    resume: str | None = None
    reason: str | None = None
    deadline_s: Decimal | None = None
    hold_s: Decimal | None = None
    selection: Selection = EVERYTHING


class _Interrupts:
    """Ctrl-C and a closed terminal: neither stops a latched exit; in the hold, Ctrl-C ends the watch."""

    def __init__(self, say: Callable[[str], None], running: Callable[[], str]) -> None:
        self._say = say
        self._running = running
        self._told = False
        self.holding = False
        self.leave = asyncio.Event()

    def _interrupted(self) -> None:
        if self.holding:
            self.leave.set()
        elif not self._told:
            self._told = True
            exit_id = self._running()
            again = f" If this process dies, `bastion exit --resume {exit_id}` goes on." if exit_id else ""
            self._say(f"The exit goes on to its verdict; Ctrl-C does not stop it.{again}")

    def install(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupted)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def remove(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGHUP)


async def run_exit(place: Place, options: ExitOptions) -> int:
    """Exit every account, show it, and return the verdict's exit code.

    Raises:
        BastionError: nothing was sent; the text says why.
    """
    interactive = is_terminal() and not options.json
    async with open_desk(place) as desk:
        if interactive and not desk.paper and not options.now:
            await _abort_window(desk, options.selection)
        hold_s = options.hold_s
        if hold_s is None and not interactive:
            hold_s = Decimal(0)
        view = choose_view(json=options.json)
        interrupts = _Interrupts(view.say, lambda: _id_of(desk))
        interrupts.install()
        try:
            with view:
                unwatch = desk.watch(view.take)
                report = await _ask(desk, options, hold_s=hold_s)
                unwatch()
            if not options.json:
                for line in exit_lines(report):
                    emit(line)
            if hold_s is None or hold_s > 0:
                report = await _hold(desk, report, interrupts, json=options.json)
        finally:
            interrupts.remove()
        if options.json:
            emit(dumps(report))
        return _code(desk, report)


async def _ask(desk: Desk, options: ExitOptions, *, hold_s: Decimal | None) -> ExitReport:
    if options.resume is not None:
        return await resume_exit(desk, OWNER, options.resume or None)
    return await emergency_exit(
        desk,
        OWNER,
        selection=options.selection,
        reason=options.reason,
        deadline_s=options.deadline_s,
        hold_s=hold_s,
    )


def _id_of(desk: Desk) -> str:
    running = desk.running()
    if running is not None:
        return running.exit_id
    # Another process carries it out, and this one follows.
    waiting = desk.unfinished()
    return waiting[0].exit_id if waiting else ""


def _code(desk: Desk, report: ExitReport) -> Code:
    if report.verdict is None and desk.exit_of(report.exit_id) is not None:
        # It was ours to finish and it has no verdict: nothing about it is known for sure.
        return code_of_verdict(Verdict.UNKNOWN)
    return code_of_verdict(report.verdict)


async def _abort_window(desk: Desk, selection: Selection) -> None:
    names = ", ".join(account.name for account in desk.accounts)
    what = "everything" if selection.everything else "the selected part"
    complain(f"EXIT of {what} on {names}. Ctrl-C within {ABORT_WINDOW_S:.0f} s aborts; --now skips this.")
    for _ in range(ABORT_STEPS):
        await desk.clock.sleep(ABORT_WINDOW_S / ABORT_STEPS)


async def _hold(desk: Desk, report: ExitReport, interrupts: _Interrupts, *, json: bool) -> ExitReport:
    running = desk.exit_of(report.exit_id)
    if running is None:
        return report
    interrupts.holding = True
    view: View = choose_view(json=json)
    if not json:
        until = f" until {report.held_until}" if report.held_until and report.success else ""
        emit(f"Watching on{until}, in case something is opened again. Ctrl-C ends the watch.")
    with view:
        unwatch = desk.watch(view.take)
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(running.ended.wait())
            left = group.create_task(interrupts.leave.wait())
            await asyncio.wait((ended, left), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            left.cancel()
        unwatch()
    final = await exit_status(desk, OWNER, report.exit_id)
    if not json:
        emit(verdict_line(final))
    return final


async def run_status(place: Place, *, json: bool) -> int:
    """Show how the desk stands.

    Raises:
        BastionError: the desk cannot be opened.
    """
    async with open_desk(place) as desk:
        report = await status(desk, OWNER)
    if json:
        emit(dumps(report))
    else:
        for line in status_lines(report):
            emit(line)
    return Code.OK
