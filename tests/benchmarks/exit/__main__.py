"""How fast an exit is, against what the venues and the wire allow in the same run.

The last lines are the bars. Exit code 1 when one is short.
"""

import argparse
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.exit import processes, rows, warm
from tests.benchmarks.exit.figures import Book
from tests.benchmarks.exit.stage import shared_out

RUNS = 200
QUICK_RUNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was asked for."""

    runs: int
    state: Path | None
    profile: Path | None


def _warm(name: str, count: int, venues: tuple[str, ...], fill: float) -> Callable[[Book, Chosen], None]:
    def run(book: Book, chosen: Chosen) -> None:
        cast = shared_out(count, venues)
        measured = uvloop.run(warm.measure(cast, chosen.runs, state=chosen.state, profile=chosen.profile))
        warm.report(book, name, measured, fill=fill)

    return run


def _asynchronous(
    row: Callable[[Book, int, Path | None], Coroutine[Any, Any, None]],
) -> Callable[[Book, Chosen], None]:
    return lambda book, chosen: uvloop.run(row(book, chosen.runs, chosen.state))


def _process(row: Callable[[Book, int, Path | None], None]) -> Callable[[Book, Chosen], None]:
    return lambda book, chosen: row(book, chosen.runs, chosen.state)


ROWS: dict[str, Callable[[Book, Chosen], None]] = {
    "warm20": _warm("warm20", 20, ("binance", "bybit", "okx"), 1.5),
    "warm100": _warm("warm100", 100, ("binance", "okx", "hyperliquid"), 3.0),
    "warm100_bybit": _warm("warm100_bybit", 100, ("binance", "bybit", "okx"), 1.10),
    "ccxt_loop20": _asynchronous(rows.against_the_loop),
    "dead_venue": _asynchronous(rows.beside_a_dead_venue),
    "positions500": _asynchronous(rows.many_positions),
    "cold": _process(processes.cold),
    "press_unix_socket": _process(processes.press),
    "idle_daemon": _process(processes.idle),
}


def main() -> int:
    """Run the chosen rows; return 1 when a bar is short."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs a figure (default {RUNS})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs a figure, to develop by")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), help="these rows alone")
    parser.add_argument("--out", type=Path, default=Path("build/bench/exit.jsonl"), help="the figures' file")
    parser.add_argument(
        "--state", type=Path, help="where the desk keeps its files (default: a temporary folder)"
    )
    parser.add_argument("--profile", type=Path, help="write a cProfile of our own runs here")
    given = parser.parse_args()
    runs = QUICK_RUNS if given.quick else given.runs
    chosen = Chosen(runs=runs, state=given.state, profile=given.profile)
    book = Book(given.out, state=given.state)
    for name in given.only:
        ROWS[name](book, chosen)
    return 0 if book.close() else 1


if __name__ == "__main__":
    sys.exit(main())
