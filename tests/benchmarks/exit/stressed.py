"""Stressed: exits through a storm, in several lanes at once, against the best order that the limits allow.

The best order is that of a client who knows the truth: every close leaves at once, and whatever is still open
when an answer, an error or a reset comes is closed again at once. No limit binds: five positions a venue.
The desk's picture is of the calm before; the storm rises with the press, and lasts until the answer.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bastion.commands import Desk, emergency_exit, exit_status
from tests.benchmarks.exit.desks import OWNER, forget_use, see, warm_desk
from tests.benchmarks.exit.figures import Book, median, percentile, told
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.signing import Maker, close_of
from tests.benchmarks.exit.stage import place_of
from tests.benchmarks.exit.storm import StormStage, exposed, storm_stage

LANES = 4
TRIES_MAX = 60
ANSWER_S, VERDICT_S, POLL_S = 90.0, 240.0, 0.2


@dataclass(slots=True)
class Seen:
    """What all lanes saw."""

    answers_s: list[float] = field(default_factory=list)
    flat_s: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    round_trips_s: list[float] = field(default_factory=list)
    named_in_vain: int = 0
    failed: int = 0
    requests: int = 0


async def measure(book: Book, plan: Plan) -> None:
    """Run the lanes until the plan's time is over, and tell the row."""
    seen = Seen()
    left = iter(range(plan.runs))
    async with AsyncExitStack() as stack:
        # All are open before the first begins, so that none starts a process while another is timed.
        lanes = [await _opened(stack, plan, number) for number in range(min(LANES, plan.runs))]
        async with asyncio.TaskGroup() as group:
            for stage, desk in lanes:
                group.create_task(_lane(stage, desk, plan, left, seen))
    share = median(seen.ours) / median(seen.best)
    book.note(
        "stressed",
        {
            "runs": len(seen.ours),
            "answer_s": told(seen.answers_s),
            "flat_s": told(seen.flat_s) if seen.flat_s else {},
            "verdicts": seen.verdicts,
            "named_but_closed_meanwhile": seen.named_in_vain,
            "open_dollar_seconds": told(seen.ours),
            "best_order": told(seen.best),
            "ratio": round(share, 3),
            "ratio_of_means": round(sum(seen.ours) / sum(seen.best), 3),
            "round_trip_s": told(seen.round_trips_s, 2),
            "failed_share": round(seen.failed / max(1, seen.requests), 3),
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    book.bar("stressed_answer_s_p99", percentile(seen.answers_s, 0.99))
    book.bar("stressed_open_dollar_seconds_ratio_p50", share)


async def _opened(stack: AsyncExitStack, plan: Plan, number: int) -> tuple[StormStage, Desk]:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state))
    stage = stack.enter_context(storm_stage(1_000 * number))
    stage.reset()
    return stage, await stack.enter_async_context(warm_desk(place_of(stage, Path(folder))))


async def _lane(stage: StormStage, desk: Desk, plan: Plan, left: Iterator[int], seen: Seen) -> None:
    makers = {venue: Maker(venue, stage.url(venue)) for venue in stage.cast.positions}
    done = 0
    while (done == 0 or time.monotonic() < plan.ends_s) and next(left, None) is not None:
        for ours in (True, False) if done % 2 else (False, True):
            await asyncio.to_thread(stage.reset)
            if ours:
                await _exit(stage, desk, seen)
            else:
                await _best(stage, makers, seen)
        done += 1


async def _exit(stage: StormStage, desk: Desk, seen: Seen) -> None:
    forget_use(desk)
    await see(desk)
    await asyncio.to_thread(stage.rise)
    begun_ns, begun_ms = time.monotonic_ns(), time.time() * 1e3
    async with asyncio.timeout(VERDICT_S):
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        while report.verdict is None:
            # At its deadline an exit answers how it stands; FLAT or the list comes with the verdict.
            await asyncio.sleep(POLL_S)
            report = await exit_status(desk, OWNER, report.exit_id)
    took_s, ended_ms = (time.monotonic_ns() - begun_ns) / 1e9, time.time() * 1e3
    state = await asyncio.to_thread(stage.positions_left)
    await asyncio.to_thread(stage.calm)
    word = str(report.verdict or report.state)
    seen.verdicts[word] = seen.verdicts.get(word, 0) + 1
    if report.success:
        assert not state, state
        seen.flat_s.append(took_s)
    else:
        named = {f"{row.exchange} {base_of(row.symbol)}" for row in report.residual if row.kind == "position"}
        unread = {row.exchange for row in report.unread}
        there = {f"{venue} {base_of(symbol)}" for venue, symbol in (one.split() for one in state)}
        unnamed = {one for one in there - named if one.split()[0] not in unread}
        assert not unnamed, f"{word} does not name {unnamed}"
        seen.named_in_vain += len(named - there)
    seen.answers_s.append(took_s)
    seen.ours.append(await asyncio.to_thread(exposed, stage, begun_ms=begun_ms, ended_ms=ended_ms))
    rows = await asyncio.to_thread(stage.log)
    seen.requests += len(rows)
    seen.failed += sum(_is_failed(row) for row in rows)
    seen.round_trips_s += [
        (int(row["answered_ns"]) - int(row["received_ns"])) / 1e9 for row in rows if int(row["answered_ns"])
    ]


def base_of(symbol: str) -> str:
    """Return what is traded: BTC of BTCUSDT, BTC-USDT-SWAP and BTC."""
    return symbol.partition("-")[0].removesuffix("USDT").removesuffix("USDC").removesuffix("USD")


def _is_failed(row: dict[str, Any]) -> bool:
    return any(not word.startswith("latency") for word in row["faults"])


async def _best(stage: StormStage, makers: dict[str, Maker], seen: Seen) -> None:
    first: list[tuple[Maker, dict[str, Any], bytes]] = []
    for venue, maker in makers.items():
        account = await asyncio.to_thread(stage.paper.control.account, venue)
        symbols = stage.symbols(venue)
        first += [(maker, row, await close_of(maker, row, symbols)) for row in account["positions"]]
    await asyncio.to_thread(stage.rise)
    begun_ms = time.time() * 1e3
    async with asyncio.TaskGroup() as group:
        for maker, row, request in first:
            group.create_task(_until_closed(stage, maker, row["symbol"], request))
    ended_ms = time.time() * 1e3
    await asyncio.to_thread(stage.calm)
    seen.best.append(await asyncio.to_thread(exposed, stage, begun_ms=begun_ms, ended_ms=ended_ms))


async def _until_closed(stage: StormStage, maker: Maker, symbol: str, request: bytes) -> None:
    for _ in range(TRIES_MAX):
        await _sent(stage.url(maker.venue), request)
        account = await asyncio.to_thread(stage.paper.control.account, maker.venue)
        row = next((row for row in account["positions"] if row["symbol"] == symbol), None)
        if row is None:
            return
        request = await close_of(maker, row, stage.symbols(maker.venue))
    raise AssertionError(f"{symbol} never closed")


async def _sent(url: str, request: bytes) -> None:
    # Whatever comes back, the truth is asked for then: an answer, an error or a reset all end the wait.
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        writer.write(request)
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(b"\r\n\r\n")
            place = head.lower().index(b"content-length:")
            await reader.readexactly(int(head[place + 15 :].partition(b"\r\n")[0]))
    except (OSError, EOFError, ValueError):
        return
    finally:
        writer.close()
