"""Rows: what else a warm desk is held to: the loops of a trader, a dead venue, a slow one, many positions."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from bastion.commands import Desk
from bastion.embedded import paper_credential
from tests.benchmarks.exit.desks import press, see, warm_desk
from tests.benchmarks.exit.figures import Book, median, ratio, told
from tests.benchmarks.exit.loop import CcxtLoop
from tests.benchmarks.exit.null_client import NullClient
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.signing import IDS
from tests.benchmarks.exit.stage import PAUSES, Cast, Stage, last_fill_ns, place_of, shared_out, staged

MS = 1e6
THREE = ("binance", "bybit", "okx")
LAME = "bybit"
DEAD_DEADLINE_S = Decimal(3)
SLOW_DEADLINE_S = Decimal(20)
SLOW_ROUND_TRIP_MS = 2_000
SELDOM, SELDOM_MAX = 6, 10
MANY_DEADLINE_S = Decimal(180)
LOOP_S = 120.0


async def against_the_loops(book: Book, plan: Plan) -> None:
    """Time to the last closing fill, ours and the gathered ccxt loop's, by turns.

    Beside it, every few rounds: that loop with ccxt's throttle on, and a sequential script from cold.
    """
    ours: list[float] = []
    loops: list[float] = []
    throttled: list[float] = []
    cold: list[float] = []
    cast = shared_out(20, THREE)
    with tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder, staged(cast) as stage:
        stage.reset()
        loop, slow_loop = CcxtLoop(stage), CcxtLoop(stage, throttled=True)
        try:
            await loop.warm()
            await slow_loop.warm()
            async with warm_desk(place_of(stage, Path(folder))) as desk:
                for number in plan.rounds():
                    theirs = await _looped(stage, loop)
                    mine = await _exited(stage, desk)
                    if number >= 0:
                        loops.append(theirs)
                        ours.append(mine)
                    if number >= 0 and number % SELDOM == 0 and len(cold) < SELDOM_MAX:
                        throttled.append(await _looped(stage, slow_loop))
                        cold.append(await asyncio.to_thread(_from_cold, stage))
        finally:
            await loop.close()
            await slow_loop.close()
    share = ratio(ours, loops)
    book.note(
        "ccxt_loop20",
        {
            "runs": len(ours),
            "fill_ms": told(ours),
            "gathered_fill_ms": told(loops),
            "ratio": round(share, 3),
            "throttled_runs": len(throttled),
            "throttled_fill_ms": told(throttled),
            "cold_runs": len(cold),
            "sequential_from_cold_fill_ms": told(cold),
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    book.bar("ccxt_loop20_fill_ratio_p50", share)


async def _looped(stage: Stage, loop: CcxtLoop) -> float:
    stage.reset()
    begun_ns = await loop.run()
    assert not stage.positions_left(), stage.positions_left()
    return (last_fill_ns(stage.log()) - begun_ns) / MS


async def _exited(stage: Stage, desk: Desk) -> float:
    stage.reset()
    await see(desk)
    before = len(stage.log())
    pressed = await press(desk)
    assert pressed.verdict == "FLAT", f"{pressed.verdict}: {stage.left()}"
    return (last_fill_ns(stage.log()[before:]) - pressed.begun_ns) / MS


def _from_cold(stage: Stage) -> float:
    stage.reset()
    venues = [
        {"id": IDS[name], "credential": paper_credential(name), "base": stage.url(name)}
        for name in stage.papers
    ]
    begun_ns = time.monotonic_ns()
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.exit.cold_loop"],
        input=json.dumps(venues),
        text=True,
        check=True,
        timeout=LOOP_S,
    )
    assert not stage.positions_left(), stage.positions_left()
    return (last_fill_ns(stage.log()) - begun_ns) / MS


async def beside_a_dead_venue(book: Book, plan: Plan) -> None:
    """The last closing fill of two venues, with and without a third that never answers."""
    await _beside(book, plan, "dead_venue", DEAD_DEADLINE_S, {"kind": "never"}, {"NOT_FLAT", "UNKNOWN"})


async def beside_a_slow_venue(book: Book, plan: Plan) -> None:
    """The last closing fill of two venues, with and without a third whose round trip is 2 s."""
    slow = {"kind": "latency", "round_trip_ms": SLOW_ROUND_TRIP_MS}
    await _beside(book, plan, "slow_venue", SLOW_DEADLINE_S, slow, {"FLAT", "NOT_FLAT", "UNKNOWN"})


async def _beside(
    book: Book, plan: Plan, name: str, deadline_s: Decimal, fault: dict[str, object], words: set[str]
) -> None:
    lame: list[float] = []
    sound: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        staged(shared_out(20, THREE)) as stage,
    ):
        stage.reset()
        others = [venue for venue in stage.papers if venue != LAME]
        async with warm_desk(place_of(stage, Path(folder))) as desk:
            for number in plan.rounds():
                for is_lame in (True, False) if number % 2 else (False, True):
                    stage.reset()
                    await see(desk)
                    before = {venue: len(stage.papers[venue].control.requests()) for venue in others}
                    if is_lame:
                        stage.papers[LAME].control.faults([{**fault, "venue": LAME}])
                    pressed = await press(desk, deadline_s=deadline_s)
                    stage.papers[LAME].control.clear_faults()
                    # What the others' fills are compared by: all of them closed, whatever the lame one did.
                    assert not is_lame or pressed.verdict in words, pressed.verdict
                    assert not stage.positions_left(others), stage.positions_left(others)
                    rows = [
                        row
                        for venue in others
                        for row in stage.papers[venue].control.requests()[before[venue] :]
                    ]
                    took = (last_fill_ns(rows) - pressed.begun_ns) / MS
                    if number >= 0:
                        (lame if is_lame else sound).append(took)
    share = ratio(lame, sound)
    book.note(
        name,
        {
            "runs": len(lame),
            "fill_ms": told(sound),
            "beside_fill_ms": told(lame),
            "ratio": round(share, 3),
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    book.bar(f"{name}_others_ratio_p50", share)


async def many_positions(book: Book, plan: Plan) -> None:
    """The requests of an exit of 500 positions to its verdict, against the fewest that the interfaces need.

    The fewest are the null client's own; what the desk reads beside it is not among them. What is read after
    the verdict, such as what the closes cost, is counted apart.
    """
    cast = Cast(positions={"binance": 125, "bybit": 125, "okx": 125, "hyperliquid": 125})
    ours: list[float] = []
    fewest: list[float] = []
    after: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder, staged(cast) as stage:
        stage.reset()
        null = NullClient(stage)
        kinds: dict[str, float] = {}
        try:
            async with warm_desk(place_of(stage, Path(folder))) as desk:
                for _ in plan.rounds(least=1, warm_up=False):
                    stage.reset()
                    await null.run()
                    assert not stage.left(), stage.left()[:9]
                    stage.reset()
                    await see(desk)
                    before = len(stage.log())
                    await asyncio.sleep(PAUSES.random())
                    # Requests are counted here, not seconds: it may take its time.
                    pressed = await press(
                        desk, deadline_s=MANY_DEADLINE_S, within_s=2 * float(MANY_DEADLINE_S)
                    )
                    assert pressed.verdict == "FLAT", f"{pressed.verdict}: {stage.left()[:9]}"
                    told = stage.log()[before:]
                    rows = [row for row in told if int(row["received_ns"]) <= pressed.judged_ns]
                    fewest.append(null.sent)
                    ours.append(len(rows))
                    after.append(len(told) - len(rows))
                    kinds = _most(rows)
        finally:
            null.close()
    share = median(ours) / median(fewest)
    book.note(
        "positions500",
        {
            "runs": len(ours),
            "requests": median(ours),
            "fewest": median(fewest),
            "ratio": round(share, 3),
            "until_the_answer_after_the_verdict": median(after),
            "most_of_them": kinds,
        },
    )
    book.bar("positions500_requests_ratio", share)


def _most(rows: list[dict[str, object]], count: int = 8) -> dict[str, float]:
    # What most requests were for, so that a bar that is short says where to look.
    seen: dict[str, float] = {}
    for row in rows:
        word = f"{row['method']} {row['path']}"
        seen[word] = seen.get(word, 0) + 1
    return dict(sorted(seen.items(), key=lambda pair: -pair[1])[:count])
