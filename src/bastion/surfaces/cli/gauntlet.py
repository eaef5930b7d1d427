"""Gauntlet: the command `bastion gauntlet`, which puts anyone's exit program to the test."""

from collections.abc import Sequence

from bastion.errors import Refused
from bastion.gauntlet.report import GauntletReport, GauntletRun
from bastion.gauntlet.rows import ROWS
from bastion.gauntlet.runner import JOBS_MAX, Order, run_gauntlet, tasks_of
from bastion.gauntlet.tongue import VENUES
from bastion.surfaces.cli import fast
from bastion.surfaces.cli.answers import GauntletListed, GauntletScenario
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.line import LineParser
from bastion.surfaces.cli.view import emit
from bastion.surfaces.schemas import dumps

SEPARATOR = "--"
_WRITE = "Write the program behind two dashes: bastion gauntlet -- python my_exit.py"


def parser() -> LineParser:
    """Return the parser of what stands before the two dashes."""
    line = LineParser(
        prog="bastion gauntlet",
        usage="bastion gauntlet [...] -- COMMAND",
        description="Run any exit program through the fault menu on the paper exchange, and score it by the "
        "exchange's own ledger. The program is told its accounts by BASTION_GAUNTLET_CONFIG; exit code 0 is "
        "its claim to be flat. `bastion gauntlet -- bastion exit --now` puts bastion's own exit to the test.",
        allow_abbrev=False,
    )
    line.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this scenario")
    line.add_argument(
        "--venue",
        action="append",
        default=[],
        choices=VENUES,
        metavar="VENUE",
        help="only at this venue",
    )
    line.add_argument("--seed", type=int, default=1, metavar="N", help="draw the scenarios' figures anew (1)")
    line.add_argument(
        "--by-turns", action="store_true", help="take each scenario to one of the venues only, by turns"
    )
    line.add_argument("--jobs", type=int, default=1, metavar="N", help="run so many at the same time (1)")
    line.add_argument("--show", action="store_true", help="show the program's standard error as it writes it")
    line.add_argument("--list", action="store_true", help="list the scenarios and run nothing")
    line.add_argument("--json", action="store_true", help="answer with one JSON document")
    return line


def run(arguments: Sequence[str]) -> int:
    """Run `gauntlet ...` and return the exit code."""
    given = list(arguments[1:])
    cut = given.index(SEPARATOR) if SEPARATOR in given else len(given)
    flags, command = given[:cut], given[cut + 1 :]
    return fast.guarded(lambda: _run(flags, command), json="--json" in flags)


def _run(flags: Sequence[str], command: Sequence[str]) -> int:
    parsed = parser().parse_args(flags)
    if parsed.list:
        return _list(json=parsed.json)
    if not command:
        raise Refused(f"There is no program to test. {_WRITE}. Nothing was run.")
    if not 1 <= parsed.jobs <= JOBS_MAX:
        raise Refused(f"--jobs must be from 1 to {JOBS_MAX}. Nothing was run.")
    order = Order(
        command=tuple(command),
        tasks=tasks_of(parsed.scenario, parsed.venue, turn=parsed.seed if parsed.by_turns else None),
        seed=parsed.seed,
        jobs=parsed.jobs,
        show=parsed.show,
        tell=_silent if parsed.json else _tell,
    )
    return fast.drive(lambda: _play(order, json=parsed.json))


async def _play(order: Order, *, json: bool) -> int:
    report = await run_gauntlet(order)
    if json:
        emit(dumps(report))
    else:
        for line in summary_lines(report):
            emit(line)
    return Code.OK if report.safe else Code.UNSAFE


def _list(*, json: bool) -> int:
    found = tuple(GauntletScenario(name=row.name, what=row.told, venues=row.venues) for row in ROWS)
    if json:
        emit(dumps(GauntletListed(scenarios=found)))
    else:
        for row in found:
            where = "" if row.venues == VENUES else f" ({', '.join(row.venues)})"
            emit(f"{row.name:<17} {row.what}{where}")
    return Code.OK


def _silent(run: GauntletRun) -> None:
    """Say nothing: the document comes at the end."""


def _tell(run: GauntletRun) -> None:
    emit(run_line(run))


def run_line(run: GauntletRun) -> str:
    """Return one run in one line: a word, the scenario, the venue, and what was true at the end."""
    word = "UNSAFE" if run.unsafe else "ok" if run.reached_best else "short"
    seconds = f"{run.time_ms / 1_000:.1f} s"
    figures = f"{run.requests} requests, {seconds}, {run.open_dollar_seconds:,} open dollar-seconds"
    return f"{word:<6} {run.scenario:<17} {run.venue:<11} {'; '.join(_findings(run))}; {figures}"


def _findings(run: GauntletRun) -> list[str]:
    left = ", ".join(f"{row.symbol} {row.quantity.normalize():f}" for row in run.left if not row.is_dust)
    said = (
        "stopped at the deadline"
        if run.timed_out
        else "says flat"
        if run.claimed_flat
        else "does not say flat"
    )
    found = [f"flat, {said}" if run.flat else f"open: {left}, {said}"]
    if run.falsely_flat:
        found.append("FALSELY REPORTED FLAT")
    if run.grown:
        found.append(f"OPENED OR FLIPPED: {run.grown} executions")
    if run.orders_left:
        found.append(f"orders left: {run.orders_left}")
    if run.requests_while_banned:
        found.append(f"requests while shut out: {run.requests_while_banned}")
    return found


def summary_lines(report: GauntletReport) -> list[str]:
    """Return the last lines: how to see each failure again, and all runs in one sentence."""
    again = [f"again: {run.replay}" for run in report.runs if not run.reached_best]
    totals = report.totals
    figures = (
        f"{totals.requests} requests, {totals.requests_while_banned} of them while shut out; the middle run "
        f"took {totals.median_time_ms / 1_000:.1f} s; {totals.open_dollar_seconds:,} open dollar-seconds."
    )
    return [*again, figures, report.summary]
