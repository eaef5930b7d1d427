"""Warm: the resident desk against the null client, run by run, each on its stage."""

import asyncio
import cProfile
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.bars import ROWS
from tests.benchmarks.exit.desks import Pressed, forget_use, idle, press, see, warm_desk
from tests.benchmarks.exit.figures import Book, median, percentile, ratio, told
from tests.benchmarks.exit.flame import Sampler
from tests.benchmarks.exit.null_client import NullClient
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import PAUSES, Cast, Stage, is_order, last_fill_ns, place_of, staged

PAUSE_MAX_S = 0.3
MS = 1e6


@dataclass(slots=True)
class Sample:
    """Milliseconds of one contender, run by run."""

    fills: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Measured:
    """What a row measured; `parts` are milliseconds of our own runs, by their names."""

    ours: Sample = field(default_factory=Sample)
    null: Sample = field(default_factory=Sample)
    parts: dict[str, list[float]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)


async def measure(cast: Cast, plan: Plan) -> Measured:
    """Run both contenders by turns, each of them first in every second pair, on a stage of its own."""
    measured = Measured()
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        staged(cast) as stage,
        # What the desk reads of its stage, whose streams ring, would take from the null client's limits.
        staged(cast) as bound_stage,
    ):
        stage.reset()
        bound_stage.reset()
        null = NullClient(bound_stage)
        sampler = Sampler(plan.flame)
        profiler = cProfile.Profile(time.thread_time)
        try:
            async with warm_desk(place_of(stage, Path(folder))) as desk:
                for number in plan.rounds():
                    for ours in (True, False) if number % 2 else (False, True):
                        if not ours:
                            bound_stage.reset()
                            begun_ns, ended_ns = await null.run()
                            _keep(measured.null, bound_stage, begun_ns, ended_ns)
                            assert not null.refused, null.refused
                            continue
                        # What the run before still reads would spend this one's limits.
                        forget_use(desk)
                        await idle(desk)
                        stage.reset()
                        forget_use(desk)
                        await see(desk)
                        await asyncio.sleep(PAUSES.random() * PAUSE_MAX_S)
                        before = len(stage.log())
                        with sampler.during(counted=number >= 0):
                            if plan.profile is not None and number >= 0:
                                profiler.enable()
                            pressed = await press(desk)
                            profiler.disable()
                        assert pressed.verdict == "FLAT", f"{pressed.verdict}: {stage.left()}"
                        rows = stage.log()[before:]
                        _keep(measured.ours, stage, pressed.begun_ns, pressed.judged_ns, rows)
                        _take_apart(measured.parts, pressed, rows)
                    measured.loads.append(os.getloadavg()[0])
                    if number < 0:
                        # The first pair warms both up.
                        measured.ours, measured.null, measured.parts = Sample(), Sample(), {}
        finally:
            null.close()
            sampler.close()
            if plan.profile is not None:
                profiler.dump_stats(str(plan.profile))
    return measured


def _keep(
    sample: Sample,
    stage: Stage,
    begun_ns: int,
    ended_ns: int,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    left = stage.left()
    assert not left, left
    rows = stage.log() if rows is None else rows
    sample.fills.append((last_fill_ns(rows) - begun_ns) / MS)
    sample.verdicts.append((ended_ns - begun_ns) / MS)
    sample.requests.append(len(rows))


def _take_apart(parts: dict[str, list[float]], pressed: Pressed, rows: Sequence[Mapping[str, Any]]) -> None:
    orders = [row for row in rows if is_order(row)]
    moments = {
        "request_durable": pressed.requested_ns,
        "first_byte": int(orders[0]["received_ns"]) if orders else 0,
        "last_order_sent": int(orders[-1]["received_ns"]) if orders else 0,
        "last_fill": last_fill_ns(rows),
        "last_order_answered": max((int(row["answered_ns"]) for row in orders), default=0),
        "intent_durable": pressed.intended_ns,
        "verdict": pressed.judged_ns,
        "answer": pressed.answered_ns,
    }
    for name, moment_ns in moments.items():
        parts.setdefault(name, []).append((moment_ns - pressed.begun_ns) / MS)
    parts.setdefault("own_cpu", []).append(pressed.cpu_ms)


def report(book: Book, name: str, measured: Measured) -> None:
    """Tell a row and hold it to its bars."""
    ours, null = measured.ours, measured.null
    fill, verdict = ratio(ours.fills, null.fills), ratio(ours.verdicts, null.verdicts)
    tails = {
        "fill": percentile(ours.fills, 0.99) / median(ours.fills),
        "verdict": percentile(ours.verdicts, 0.99) / median(ours.verdicts),
        "fill_of_bound": percentile(null.fills, 0.99) / median(null.fills),
        "verdict_of_bound": percentile(null.verdicts, 0.99) / median(null.verdicts),
    }
    book.note(
        name,
        {
            "runs": len(ours.fills),
            "fill_ms": told(ours.fills),
            "bound_fill_ms": told(null.fills),
            "fill_ratio": round(fill, 3),
            "verdict_ms": told(ours.verdicts),
            "bound_verdict_ms": told(null.verdicts),
            "verdict_ratio": round(verdict, 3),
            "tails": {key: round(value, 2) for key, value in tails.items()},
            "parts_p50_ms": {key: round(median(values), 1) for key, values in measured.parts.items()},
            "requests": median(ours.requests),
            "bound_requests": median(null.requests),
            "load_1m": round(median(measured.loads), 2),
        },
    )
    if name in ROWS:
        book.bar(f"{name}_fill_ratio_p50", fill)
        book.bar(f"{name}_verdict_ratio_p50", verdict)
        book.bar(f"{name}_fill_p99_over_p50", tails["fill"])
        book.bar(f"{name}_verdict_p99_over_p50", tails["verdict"])
