"""Rows: what else a warm desk is held to: the ccxt loop, a dead venue, many positions."""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path

from tests.benchmarks.exit.desks import press, see, warm_desk
from tests.benchmarks.exit.figures import Book, median, percentile
from tests.benchmarks.exit.loop import CcxtLoop
from tests.benchmarks.exit.null_client import NullClient
from tests.benchmarks.exit.stage import PAUSES, Cast, last_fill_ns, place_of, shared_out, staged

MS = 1e6
THREE = ("binance", "bybit", "okx")
DEAD = "bybit"
DEAD_S = Decimal(3)
MANY_RUNS_MAX = 5


async def against_the_loop(book: Book, runs: int, state: Path | None) -> None:
    """Time to the last closing fill, ours and the gathered ccxt loop's, by turns."""
    ours: list[float] = []
    loops: list[float] = []
    cast = shared_out(20, THREE)
    with tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder, staged(cast) as stage:
        stage.reset()
        loop = CcxtLoop(stage)
        try:
            await loop.warm()
            async with warm_desk(place_of(stage, Path(folder))) as desk:
                for number in range(-1, runs):
                    stage.reset()
                    begun_ns = await loop.run()
                    took = (last_fill_ns(stage.log()) - begun_ns) / MS
                    stage.reset()
                    await see(desk)
                    before = len(stage.log())
                    pressed = await press(desk)
                    if number >= 0:
                        loops.append(took)
                        ours.append((last_fill_ns(stage.log()[before:]) - pressed.begun_ns) / MS)
        finally:
            await loop.close()
    ratio = median([mine / theirs for mine, theirs in zip(ours, loops, strict=True)])
    told = {"fill_ms": _told(ours), "ccxt_loop_fill_ms": _told(loops), "ratio": round(ratio, 3)}
    book.note("ccxt_loop20", {"runs": runs, **told})
    book.bar("ccxt_loop20_fill_ratio_p50", ratio, 0.6)


async def beside_a_dead_venue(book: Book, runs: int, state: Path | None) -> None:
    """The last closing fill of two venues, with and without a third that never answers."""
    with_dead: list[float] = []
    without: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder,
        staged(shared_out(20, THREE)) as stage,
    ):
        stage.reset()
        others = [name for name in stage.papers if name != DEAD]
        async with warm_desk(place_of(stage, Path(folder))) as desk:
            for number in range(-1, runs):
                for dead in (True, False) if number % 2 else (False, True):
                    stage.reset()
                    await see(desk)
                    before = {name: len(stage.papers[name].control.requests()) for name in others}
                    if dead:
                        stage.papers[DEAD].control.fault("never", venue=DEAD)
                    pressed = await press(desk, deadline_s=DEAD_S)
                    stage.papers[DEAD].control.clear_faults()
                    rows = [
                        row
                        for name in others
                        for row in stage.papers[name].control.requests()[before[name] :]
                    ]
                    took = (last_fill_ns(rows) - pressed.begun_ns) / MS
                    if number >= 0:
                        (with_dead if dead else without).append(took)
    ratio = median(with_dead) / median(without)
    told = {"fill_ms": _told(without), "beside_dead_fill_ms": _told(with_dead), "ratio": round(ratio, 3)}
    book.note("dead_venue", {"runs": runs, **told})
    book.bar("dead_venue_others_ratio_p50", ratio, 1.10)


async def many_positions(book: Book, runs: int, state: Path | None) -> None:
    """The requests of an exit of 500 positions, against the fewest that the interfaces need."""
    cast = Cast(positions={"binance": 125, "bybit": 125, "okx": 125, "hyperliquid": 125})
    ours: list[float] = []
    fewest: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder, staged(cast) as stage:
        stage.reset()
        null = NullClient(stage)
        try:
            async with warm_desk(place_of(stage, Path(folder))) as desk:
                for _ in range(min(runs, MANY_RUNS_MAX)):
                    stage.reset()
                    await null.run()
                    fewest.append(len(stage.log()))
                    stage.reset()
                    await see(desk)
                    before = len(stage.log())
                    await asyncio.sleep(PAUSES.random())
                    pressed = await press(desk)
                    assert pressed.verdict == "FLAT", f"{pressed.verdict}: {stage.left()[:9]}"
                    ours.append(len(stage.log()) - before)
        finally:
            null.close()
    ratio = median(ours) / median(fewest)
    told = {"requests": median(ours), "fewest": median(fewest), "ratio": round(ratio, 3)}
    book.note("positions500", {"runs": len(ours), **told})
    book.bar("positions500_requests_ratio", ratio, 1.3)


def _told(sample: list[float]) -> dict[str, float]:
    return {"p50": round(median(sample), 1), "p99": round(percentile(sample, 0.99), 1)}
