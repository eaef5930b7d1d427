"""Row: one row of the benchmark, in this process."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.exit import accounts, idle, nautilus, presses, processes, rows, stressed, warm
from tests.benchmarks.exit.bars import GRID
from tests.benchmarks.exit.figures import Book, synced
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import ROUND_TRIP_MS, shared_out

SYNCS = 200

Run = Callable[[Book, Plan], None]


FOUR = ("binance", "bybit", "okx", "hyperliquid")


def _warm(name: str, count: int, *venues: str, round_trip_ms: int = ROUND_TRIP_MS) -> Run:
    def run(book: Book, plan: Plan) -> None:
        cast = shared_out(count, venues, round_trip_ms=round_trip_ms)
        warm.report(book, name, uvloop.run(warm.measure(cast, plan)))

    return run


def _loop(row: Callable[[Book, Plan], Coroutine[Any, Any, None]]) -> Run:
    return lambda book, plan: uvloop.run(row(book, plan))


def _plain(row: Callable[[Book, Plan], Coroutine[Any, Any, None]]) -> Run:
    return lambda book, plan: asyncio.run(row(book, plan))


RUN: dict[str, Run] = {
    "warm20": _warm("warm20", 20, "binance", "bybit", "okx"),
    "warm100": _warm("warm100", 100, "binance", "okx", "hyperliquid"),
    "warm100_bybit": _warm("warm100_bybit", 100, "binance", "bybit", "okx"),
    "stressed": _plain(stressed.measure),
    "ccxt_loop20": _loop(rows.against_the_loops),
    "nautilus20": lambda book, plan: nautilus.against(book, plan, 20),
    "nautilus100": lambda book, plan: nautilus.against(book, plan, 100),
    "press_unix_socket": presses.unix_socket,
    "press_mcp_stdio": presses.mcp_stdio,
    "press_mcp_http": presses.mcp_http,
    "press_rest": presses.rest,
    "cold": processes.cold,
    "dead_venue": _loop(rows.beside_a_dead_venue),
    "slow_venue": _loop(rows.beside_a_slow_venue),
    "accounts50": _loop(accounts.behind_one_address),
    "idle_daemon": idle.measure,
    "positions500": _loop(rows.many_positions),
    **{
        name: _warm(name, count, *FOUR[:venues], round_trip_ms=round_trip_ms)
        for name, (count, venues, round_trip_ms) in GRID.items()
    },
}


def main() -> int:
    """Run the row; its figures are shown, and written to a file with its bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=RUN)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--flame", type=Path)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    # The benchmark starts many processes that read no terminal; none is to inherit one.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    plan = Plan(
        runs=given.runs,
        ends_s=time.monotonic() + given.seconds if given.seconds else float("inf"),
        state=given.state,
        flame=given.flame,
        profile=given.profile,
    )
    RUN[given.name](Book(given.out, sync_ms=synced(given.state, times=SYNCS)), plan)
    return 0


if __name__ == "__main__":
    sys.exit(main())
