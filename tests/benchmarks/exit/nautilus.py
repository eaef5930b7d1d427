"""Nautilus: the same work on the Binance wire by a warm NautilusTrader node, against the resident daemon.

The node runs in an environment of its own (`make .venv-nautilus/stamp`). It is started afresh for each run,
since it learns what an account holds only at its start; nothing of that counts. Its strategy then calls
`cancel_all_orders` and `close_all_positions` for each instrument.
"""

import asyncio
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bastion.embedded import paper_credential
from tests.benchmarks.exit.bars import FILL_OVER_BOUND
from tests.benchmarks.exit.desks import Resident, memory_kib, resident
from tests.benchmarks.exit.figures import Book, median, told
from tests.benchmarks.exit.null_client import null_moments
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import PAUSES, Stage, last_fill_ns, place_of, shared_out, staged

MS = 1e6
VENUE = "binance"
NODE = Path(__file__).parents[1] / "nautilus" / "node.py"
PYTHON = Path(".venv-nautilus/bin/python")
START_S, CLOSED_S, END_S = 240.0, 90.0, 15.0
OURS_A_NODE = 5


def against(book: Book, plan: Plan, count: int) -> None:
    """Time our exits, the node's and a null client's, by turns, and weigh both processes."""
    ours: list[float] = []
    theirs: list[float] = []
    our_mib: list[float] = []
    their_mib: list[float] = []
    null: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        staged(shared_out(count, (VENUE,))) as stage,
    ):
        stage.reset()
        with resident(place_of(stage, Path(folder))) as daemon:
            _ours(stage, daemon, count)
            for _ in plan.rounds(least=1, warm_up=False):
                ours += [_ours(stage, daemon, count) for _ in range(OURS_A_NODE)]
                our_mib.append(memory_kib(daemon.pid) / 1024)
                stage.reset()
                with _node(stage, Path(folder) / "node.log") as node:
                    their_mib.append(memory_kib(node.pid) / 1024)
                    theirs.append(_theirs(stage, node))
                null.append(asyncio.run(null_moments(stage))[1])
    fills, memory = median(ours) / median(theirs), median(our_mib) / median(their_mib)
    book.note(
        f"nautilus{count}",
        {
            "runs": len(ours),
            "fill_ms": told(ours),
            "nautilus_runs": len(theirs),
            "nautilus_fill_ms": told(theirs),
            "ratio": round(fills, 3),
            "null_fill_ms": told(null),
            "null_ratio": round(median(null) / median(theirs), 3),
            "mib": told(our_mib),
            "nautilus_mib": told(their_mib),
            "memory_ratio": round(memory, 3),
            "load_1m": round(os.getloadavg()[0], 2),
        },
    )
    # Decision 67: nobody can be asked for less than the wire takes, and slower than the rival is too slow.
    floor = min(FILL_OVER_BOUND * median(null) / median(theirs), 1.0)
    book.bar(f"nautilus{count}_fill_ratio_p50", fills, floor=floor)
    book.bar(f"nautilus{count}_memory_ratio", memory)


def _ours(stage: Stage, daemon: Resident, count: int) -> float:
    # What an exit still reads after its verdict ends with its picture being forgotten.
    daemon.until_over()
    stage.reset()
    daemon.until_seen(count)
    time.sleep(PAUSES.random() * 0.2)
    begun_ns = daemon.press()
    report = daemon.wait_for_verdict()
    assert report["verdict"] == "FLAT", report
    rows = [row for row in stage.log() if int(row["received_ns"]) >= begun_ns]
    return (last_fill_ns(rows) - begun_ns) / MS


def _theirs(stage: Stage, node: subprocess.Popen[str]) -> float:
    begun_ns = int(_said(node, "press\n")["begun_ns"])
    end = time.monotonic() + CLOSED_S
    while stage.positions_left():
        assert time.monotonic() < end, stage.positions_left()
        time.sleep(0.1)
    rows = [row for row in stage.log() if int(row["received_ns"]) >= begun_ns]
    return (last_fill_ns(rows) - begun_ns) / MS


@contextmanager
def _node(stage: Stage, log: Path) -> Iterator[subprocess.Popen[str]]:
    base = stage.url(VENUE)
    account = stage.papers[VENUE].control.account(VENUE)
    symbols = [row["symbol"] for row in account["positions"]]
    credential = paper_credential(VENUE)
    with log.open("w", encoding="utf-8") as errors:
        node = subprocess.Popen(
            [str(PYTHON), str(NODE), base, base.replace("http", "ws", 1), *symbols],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            ready = _said(node, f"{credential['apiKey']}\n{credential['secret']}\n")
            assert ready["open"] == len(symbols), (
                f"the node knows {ready['open']} positions: {log.read_text()[-500:]}"
            )
            yield node
        finally:
            node.kill()
            node.wait(END_S)


def _said(node: subprocess.Popen[str], line: str) -> dict[str, Any]:
    assert node.stdin is not None
    assert node.stdout is not None
    node.stdin.write(line)
    node.stdin.flush()
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        ready, _, _ = select.select([node.stdout], [], [], 1.0)
        if ready:
            text = node.stdout.readline()
            assert text, "the node ended"
            if text.startswith("{"):
                return dict(json.loads(text))
    raise AssertionError("the node said nothing")
