"""Demo: the main job in two acts on embedded paper exchanges, through the adapters that live accounts use."""

import asyncio
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bastion.app import PaperProcess, Place, open_paper_desk
from bastion.commands import Desk, PositionRow, PositionsReport, emergency_exit, positions
from bastion.domain.money import ZERO
from bastion.exits.report import ExitReport
from bastion.shape import dataclass
from bastion.surfaces.cli import fast as driver
from bastion.surfaces.cli.answers import DemoAct, DemoPlayed
from bastion.surfaces.cli.board import trim
from bastion.surfaces.cli.codes import Code, code_of_verdict
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import choose_view, emit, is_terminal
from bastion.surfaces.cli.words import exit_lines
from bastion.surfaces.schemas import dumps

SCENARIOS = {1: "demo", 2: "demo-act-2"}
TAPE = "crash"
TAPE_SPEED = 20
FALLEN = Decimal("0.945")
REFRESH_S = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the scenes take, in seconds; all zero at machine speed."""

    scene_s: float
    fall_s: float
    patience_s: float


STORY = Pace(scene_s=1.5, fall_s=5.0, patience_s=5.0)
SHORT = Pace(scene_s=1.0, fall_s=2.5, patience_s=0)
FAST = Pace(scene_s=0, fall_s=0, patience_s=0)


def run_demo(*, fast: bool, json: bool, act: int | None) -> int:
    """Play the acts, or the one asked for, and return 0 when each ended flat."""
    acts = tuple(SCENARIOS) if act is None else (act,)
    with tempfile.TemporaryDirectory(prefix="bastion-demo-") as home:
        place = Place(home=Path(home), config=None, vault_key_file=Path(home) / "vault.key")
        return driver.drive(lambda: _play(place, acts, fast=fast, json=json))


async def _play(place: Place, acts: tuple[int, ...], *, fast: bool, json: bool) -> int:
    reports: list[tuple[int, ExitReport]] = []
    for act in acts:
        pace = FAST if fast or json else STORY if act == 1 else SHORT
        async with open_paper_desk(place, scenario=SCENARIOS[act]) as (desk, paper):
            reports.append((act, await _act(desk, paper, act=act, pace=pace, json=json)))
    failed = next((report for _, report in reports if not report.success), None)
    if json:
        played = DemoPlayed(acts=tuple(DemoAct(act=act, report=report) for act, report in reports))
        emit(dumps(played, indent=2))
    elif failed is None:
        emit("")
        emit("next:  bastion positions   \u00b7   bastion exit   \u00b7   bastion mcp --print-config")
    return Code.OK if failed is None else code_of_verdict(failed.verdict)


async def _act(desk: Desk, paper: PaperProcess, *, act: int, pace: Pace, json: bool) -> ExitReport:
    say = _nothing if json else emit
    opened = await positions(desk, OWNER)
    if act == 1:
        say(f"{opened.summary[:-1]}, with stops, take-profits and resting orders.")
    else:
        say("")
        say(
            "Act 2: the same crash, but paper-bybit is overloaded: it answers 503 twice "
            "and fills an order only by half."
        )
    for row in opened.positions:
        say(
            f"  {row.account:<14} {row.symbol:<9} {row.direction.value:<5} "
            f"{trim(row.quantity):>9}  {_usd(row)}"
        )
    await desk.clock.sleep(pace.scene_s)
    say("The market falls.")
    last = await _fall(desk, paper, opened, pace=pace, json=json)
    say(f"  exposure ${_exposure(last):,.0f}   uPnL {_pnl(last):+,.2f} USD")
    if pace.patience_s:
        say(f"Press ENTER to exit everything (or wait {pace.patience_s:.0f} s and it presses itself).")
        await _enter(pace.patience_s)
    with choose_view(json=json) as view:
        unwatch = desk.watch(view.take)
        report = await emergency_exit(
            desk, OWNER, reason=f"demo, act {act}", deadline_s=Decimal(30), hold_s=Decimal(0)
        )
        unwatch()
    if not json:
        # The first line has said that this is paper.
        for line in exit_lines(replace(report, warnings=report.warnings[1:])):
            emit(line)
    return report


async def _fall(
    desk: Desk, paper: PaperProcess, opened: PositionsReport, *, pace: Pace, json: bool
) -> PositionsReport:
    if not pace.fall_s:
        # At machine speed the prices jump to where the tape would have led them.
        for row in opened.positions:
            price = _tick((row.current_price or ZERO) * FALLEN)
            body = {"venue": row.exchange, "symbol": row.symbol, "price": str(price)}
            await paper.control("POST", "/price", body)
        return await positions(desk, OWNER)
    await paper.control("POST", "/price", {"tape": TAPE, "speed": TAPE_SPEED})
    now = opened
    ends_ns = desk.clock.monotonic_ns() + int(pace.fall_s * 1_000_000_000)
    while desk.clock.monotonic_ns() < ends_ns:
        now = await positions(desk, OWNER)
        if not json:
            prices = "  ".join(
                f"{row.symbol.removesuffix('USDT')} {trim(row.current_price or ZERO)}"
                for row in sorted(now.positions, key=lambda row: row.symbol)
            )
            _refresh(f"  {prices}   uPnL {_pnl(now):+,.0f} USD")
        await desk.clock.sleep(REFRESH_S)
    if not json and is_terminal():
        emit("")
    return now


def _nothing(_: str) -> None:
    """Say nothing."""


def _tick(price: Decimal) -> Decimal:
    # Four significant digits lie on every venue's price grid.
    return price.quantize(Decimal(1).scaleb(price.adjusted() - 3))


def _usd(row: PositionRow) -> str:
    return "" if row.notional_usd is None else f"${row.notional_usd:>12,.2f}"


def _exposure(report: PositionsReport) -> Decimal:
    return sum((row.notional_usd or ZERO for row in report.positions), ZERO)


def _pnl(report: PositionsReport) -> Decimal:
    return sum((row.unrealized_pnl_usd or ZERO for row in report.positions), ZERO)


def _refresh(text: str) -> None:
    # One line that changes in place for a person; for a pipe or a log, a line each.
    if is_terminal():
        sys.stdout.write("\r\x1b[2K" + text)
        sys.stdout.flush()
    else:
        emit(text)


async def _enter(patience_s: float) -> None:
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    if not sys.stdin.isatty():
        await asyncio.sleep(patience_s)
        return
    loop.add_reader(sys.stdin.fileno(), pressed.set)
    try:
        async with asyncio.timeout(patience_s):
            await pressed.wait()
        sys.stdin.readline()
    except TimeoutError:
        emit("Nobody pressed; it presses itself.")
    finally:
        loop.remove_reader(sys.stdin.fileno())
