"""Watch: the `positions` and `watch` commands, which only read."""

from collections.abc import Iterable

from bastion.app import Place, find_journal, open_desk
from bastion.commands import positions
from bastion.domain.mandate import ExitKind
from bastion.domain.records import ExitEnded, ExitJudged, LegReopened
from bastion.exits.halt_report import fold_halt
from bastion.exits.report import ExitReport, fold
from bastion.surfaces.cli.acting import halt_lines
from bastion.surfaces.cli.codes import Code, code_of_halt, code_of_verdict
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import choose_view, emit
from bastion.surfaces.cli.words import exit_lines, positions_lines
from bastion.surfaces.schemas import dumps

WATCH_GAP_S = 0.2
WATCH_S_MAX = 3_600


async def run_positions(place: Place, *, json: bool) -> int:
    """Show what is open on every account.

    Raises:
        BastionError: the desk cannot be opened.
    """
    async with open_desk(place) as desk:
        report = await positions(desk, OWNER)
    if json:
        emit(dumps(report))
    else:
        for line in positions_lines(report):
            emit(line)
    return Code.OK


async def run_watch(place: Place, exit_id: str, *, json: bool) -> int:
    """Follow the exit's journal until it is judged, and return the verdict's code.

    Raises:
        Refused: no journal of this state directory knows the exit.
    """
    async with find_journal(place, exit_id) as (journal, clock):
        view = choose_view(json=json)
        seen = 0
        judged = False
        with view:
            for _ in range(int(WATCH_S_MAX / WATCH_GAP_S)):
                entries = journal.entries(exit_id)
                for entry in entries[seen:]:
                    view.take(entry)
                    if isinstance(entry.record, ExitJudged | ExitEnded):
                        judged = True
                    elif isinstance(entry.record, LegReopened):
                        judged = False
                seen = len(entries)
                if judged:
                    break
                await clock.sleep(WATCH_GAP_S)
        entries = journal.entries(exit_id)
    report: ExitReport = fold(entries)
    if report.kind is ExitKind.HALT:
        halted = fold_halt(entries, report)
        _tell(halted, halt_lines(halted), json=json)
        return code_of_halt(halted.verdict)
    _tell(report, exit_lines(report), json=json)
    return code_of_verdict(report.verdict)


def _tell(report: object, lines: Iterable[str], *, json: bool) -> None:
    if json:
        emit(dumps(report))
        return
    for line in lines:
        emit(line)
