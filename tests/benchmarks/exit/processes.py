"""Processes: the cold command: what `bastion exit --standalone` costs from exec to the first order."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.desks import PROGRAM
from tests.benchmarks.exit.figures import Book, median, told
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import environment_of, is_order, place_of, shared_out, staged

MS = 1e6
RUN_S = 120
SAMPLE_S = 0.002


def cold(book: Book, plan: Plan) -> None:
    """`bastion exit --standalone`: CPU from exec to the first order's first byte, and the peak of memory."""
    cpu: list[float] = []
    first: list[float] = []
    peak: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=plan.state) as folder,
        staged(shared_out(4, ("binance",))) as stage,
    ):
        place = place_of(stage, Path(folder))
        command = [PROGRAM, "exit", "--now", "--json", "--standalone", "--config", str(place.config)]
        for number in plan.rounds():
            stage.reset()
            ran = _measured(command, environment_of(place))
            rows = stage.log()
            assert not stage.left(), stage.left()
            if number < 0:
                continue  # The first run fills the cache of contracts on the disk.
            order_ns = next(int(row["received_ns"]) for row in rows if is_order(row))
            cpu.append(next(used for at_ns, used in ran["samples"] if at_ns >= order_ns))
            first.append((order_ns - ran["begun_ns"]) / MS)
            peak.append(ran["peak_kib"] / 1024)
    book.note(
        "cold",
        {
            "runs": len(cpu),
            "cpu_to_first_order_s": told(cpu, 3),
            "wall_to_first_order_ms": told(first, 1),
            "peak_mib": told(peak, 1),
        },
    )
    book.bar("cold_cpu_s_p50", median(cpu))
    book.bar("cold_peak_mib_p50", median(peak))


def _measured(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    samples: list[tuple[int, float]] = []
    peaks: list[int] = []
    with tempfile.TemporaryFile() as output:
        begun_ns = time.monotonic_ns()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        ended = threading.Event()

        def sample() -> None:
            while not ended.is_set():
                used = _cpu_s(process.pid)
                if used is not None:
                    samples.append((time.monotonic_ns(), used))
                    peaks.append(_peak_kib(process.pid))
                ended.wait(SAMPLE_S)

        watcher = threading.Thread(target=sample)
        watcher.start()
        try:
            process.wait(RUN_S)
        finally:
            ended.set()
            watcher.join()
        output.seek(0)
        assert process.returncode == 0, output.read().decode()
    return {"begun_ns": begun_ns, "samples": samples, "peak_kib": max(peaks)}


def _cpu_s(pid: int) -> float | None:
    try:
        tasks = [task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def _peak_kib(pid: int) -> int:
    # Not by getrusage: what it tells of a child contains what this process held when it started it.
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:")), 0)
