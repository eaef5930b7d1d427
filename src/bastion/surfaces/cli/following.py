"""Following: an exit that the daemon carries out, shown from the journal, and taken over if need be."""

import argparse
import asyncio
import select
from dataclasses import replace
from enum import StrEnum

from bastion.app import find_journal, find_place
from bastion.commands.exit import PAPER_NOTE
from bastion.domain.records import Entry, ExitJudged, LegReopened
from bastion.errors import Refused
from bastion.exits.report import ExitReport, fold
from bastion.ports import Clock, Journal
from bastion.surfaces.cli.codes import Code, code_of_verdict
from bastion.surfaces.cli.fast import guarded
from bastion.surfaces.cli.local import Daemon
from bastion.surfaces.cli.press import ExitOptions, run_exit
from bastion.surfaces.cli.view import View, choose_view, complain, emit, is_terminal
from bastion.surfaces.cli.words import exit_lines
from bastion.surfaces.schemas import dumps

LOOK_GAP_S = 0.05
SILENCE_S = 2.0
"""A daemon that writes nothing for so long is followed from a desk of our own, which can take its place."""
PAPER_SILENCE_S = 30.0
"""The embedded exchange is the daemon's own: nobody can take its place there."""
FILLS_S = 3.0
FOLLOW_S_MAX = 3_700
ABORT_WINDOW_S = 1.0


class _Outcome(StrEnum):
    """Why the watching ended."""

    JUDGED = "judged"
    DEAD = "dead"
    SILENT = "silent"
    LATE = "late"


def abort_window() -> None:
    """Give a person at a terminal a second to abort; nobody else is held up.

    Raises:
        KeyboardInterrupt: they did; nothing was sent.
    """
    if is_terminal():
        complain(f"EXIT of everything. Ctrl-C within {ABORT_WINDOW_S:.0f} s aborts; --now skips this.")
        select.select([], [], [], ABORT_WINDOW_S)


def run(daemon: Daemon, exit_id: str, parsed: argparse.Namespace) -> int:
    """Follow the exit to its verdict and return the exit code; where the daemon fails, go on in its place."""
    return guarded(lambda: _run(daemon, exit_id, parsed), json=parsed.json)


def _run(daemon: Daemon, exit_id: str, parsed: argparse.Namespace) -> int:
    try:
        outcome, report = asyncio.run(_follow(daemon, exit_id, parsed))
    except KeyboardInterrupt:
        complain(
            f"The exit goes on in the daemon (process {daemon.pid}); `bastion watch {exit_id}` follows it."
        )
        return Code.DETACHED
    if outcome in {_Outcome.JUDGED, _Outcome.LATE} and report is not None:
        return _tell(report, parsed)
    if daemon.paper:
        raise Refused("The daemon ended, and the embedded paper exchange with it: there is nothing to exit.")
    complain(
        f"bastion: the daemon (process {daemon.pid}) is {outcome.value}; this process goes on with the exit."
    )
    options = ExitOptions(
        now=True,
        json=parsed.json,
        resume=exit_id,
        reason=parsed.reason,
        deadline_s=parsed.deadline,
        hold_s=parsed.hold,
    )
    return asyncio.run(_stand_in(parsed, options))


async def _stand_in(parsed: argparse.Namespace, options: ExitOptions) -> int:
    return await run_exit(find_place(config=parsed.config), options)


def _tell(report: ExitReport, parsed: argparse.Namespace) -> int:
    if parsed.json:
        emit(dumps(report))
    else:
        for line in exit_lines(report):
            emit(line)
        if report.success and report.held_until and is_terminal():
            emit(f"The daemon watches on until {report.held_until}, in case something is opened again.")
    return code_of_verdict(report.verdict)


async def _follow(
    daemon: Daemon, exit_id: str, parsed: argparse.Namespace
) -> tuple[_Outcome, ExitReport | None]:
    async with find_journal(find_place(config=parsed.config), exit_id) as (journal, clock):
        with choose_view(json=parsed.json) as view:
            outcome = await _watch(daemon, journal, clock, exit_id, view)
        report = fold(journal.entries(exit_id))
        for _ in range(int(FILLS_S / LOOK_GAP_S)):
            # Executions can be listed a moment after they happened; only the figures wait for them.
            if not (report.success and report.pnl_pending):
                break
            await clock.sleep(LOOK_GAP_S)
            report = fold(journal.entries(exit_id))
    if daemon.paper:
        report = replace(report, warnings=(PAPER_NOTE, *report.warnings))
    return outcome, report


async def _watch(daemon: Daemon, journal: Journal, clock: Clock, exit_id: str, view: View) -> _Outcome:
    seen = 0
    quiet_s = 0.0
    for _ in range(int(FOLLOW_S_MAX / LOOK_GAP_S)):
        # Asked before the journal is read: what a dying daemon wrote last is then not missed.
        alive = daemon.alive()
        entries = journal.entries(exit_id)
        for entry in entries[seen:]:
            view.take(entry)
        quiet_s = 0.0 if len(entries) > seen else quiet_s + LOOK_GAP_S
        seen = len(entries)
        if _judged(entries):
            return _Outcome.JUDGED
        if not alive:
            return _Outcome.DEAD
        if quiet_s >= SILENCE_S and not daemon.paper:
            return _Outcome.SILENT
        if quiet_s >= PAPER_SILENCE_S:
            return _Outcome.LATE
        await clock.sleep(LOOK_GAP_S)
    return _Outcome.LATE


def _judged(entries: tuple[Entry, ...]) -> bool:
    judged = False
    for entry in entries:
        if isinstance(entry.record, ExitJudged):
            judged = True
        elif isinstance(entry.record, LegReopened):
            judged = False
    return judged
