"""Processes: figures of programs of their own: the cold command, the press on the daemon, the idle daemon."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.exit.desks import PROGRAM, cpu_s, memory_kib, resident
from tests.benchmarks.exit.figures import Book, median, percentile
from tests.benchmarks.exit.stage import (
    PAUSES,
    environment_of,
    is_order,
    place_of,
    shared_out,
    staged,
)

MS = 1e6
COLD_RUNS_MAX = 50
RUN_S = 120
SAMPLE_S = 0.002
SEEN_S = 30.0
IDLE_S = 20.0
FEW, MANY = 4, 200


def cold(book: Book, runs: int, state: Path | None) -> None:
    """`bastion exit --standalone`: CPU from exec to the first order's first byte, and the peak of memory."""
    cpu: list[float] = []
    first: list[float] = []
    peak: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder,
        staged(shared_out(4, ("binance",))) as stage,
    ):
        place = place_of(stage, Path(folder))
        command = [PROGRAM, "exit", "--now", "--json", "--standalone", "--config", str(place.config)]
        for number in range(-1, min(runs, COLD_RUNS_MAX)):
            stage.reset()
            told = _measured(command, environment_of(place))
            rows = stage.log()
            assert not stage.left(), stage.left()
            if number < 0:
                continue  # The first run fills the cache of contracts on the disk.
            order_ns = next(int(row["received_ns"]) for row in rows if is_order(row))
            cpu.append(next(used for at_ns, used in told["samples"] if at_ns >= order_ns))
            first.append((order_ns - told["begun_ns"]) / MS)
            peak.append(told["peak_kib"] / 1024)
    book.note(
        "cold",
        {
            "runs": len(cpu),
            "cpu_to_first_order_s": _told(cpu, 3),
            "wall_to_first_order_ms": _told(first, 1),
            "peak_mib": _told(peak, 1),
        },
    )
    book.bar("cold_cpu_s_p50", median(cpu), 0.45)
    book.bar("cold_peak_mib_p50", median(peak), 75.0)


def press(book: Book, runs: int, state: Path | None) -> None:
    """From the press on the unix socket to the arrival of the first order's bytes."""
    taken: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder,
        staged(shared_out(8, ("binance", "bybit"))) as stage,
    ):
        stage.reset()
        with resident(place_of(stage, Path(folder))) as daemon:
            for number in range(-1, runs):
                stage.reset()
                _until_seen(daemon, 8)
                time.sleep(PAUSES.random() * 0.2)
                begun_ns = daemon.press()
                report = daemon.wait_for_verdict()
                assert report["verdict"] == "FLAT", report
                rows = [row for row in stage.log() if int(row["received_ns"]) >= begun_ns and is_order(row)]
                if number >= 0:
                    taken.append((int(rows[0]["received_ns"]) - begun_ns) / MS)
    limit = 8.0 + percentile(book.sync_ms, 0.99)
    book.note("press_unix_socket", {"runs": runs, "first_byte_ms": _told(taken, 2)})
    book.bar("press_unix_socket_ms_p99", percentile(taken, 0.99), limit)


def idle(book: Book, _runs: int, state: Path | None) -> None:
    """The idle daemon's memory and CPU with 4 accounts, and what each further account adds."""
    few = _idle(FEW, state)
    many = _idle(MANY, state)
    each = (many["mib"] - few["mib"]) / (MANY - FEW)
    told = {"accounts": FEW, **few, f"mib_at_{MANY}": many["mib"], "mib_each": round(each, 3)}
    book.note("idle_daemon", told)
    book.bar("idle_daemon_mib", few["mib"], 110.0)
    book.bar("idle_daemon_cpu_percent", few["cpu_percent"], 1.0)
    book.bar("idle_daemon_mib_each_account", each, 0.5)


def _idle(accounts: int, state: Path | None) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder,
        staged(shared_out(4, ("binance",))) as stage,
    ):
        stage.reset()
        place = place_of(stage, Path(folder))
        assert place.config is not None
        text = place.config.read_text(encoding="utf-8")
        first = text[: text.index("[exit]")]
        more = [
            first.replace('name = "binance-main"', f'name = "binance-{number}"')
            for number in range(1, accounts)
        ]
        place.config.write_text(first + "".join(more) + text[text.index("[exit]") :], encoding="utf-8")
        with resident(place) as daemon:
            time.sleep(IDLE_S / 2)
            used, begun = cpu_s(daemon.pid), time.monotonic()
            time.sleep(IDLE_S)
            share = (cpu_s(daemon.pid) - used) / (time.monotonic() - begun)
            return {"mib": round(memory_kib(daemon.pid) / 1024, 1), "cpu_percent": round(100 * share, 2)}


def _until_seen(daemon: Any, count: int) -> None:  # noqa: ANN401 - a Resident
    end = time.monotonic() + SEEN_S
    while time.monotonic() < end:
        if len(daemon.ask("GET", "/v1/positions").get("positions", ())) == count:
            return
        time.sleep(0.05)
    raise AssertionError("the daemon never saw the positions")


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


def _told(sample: list[float], digits: int) -> dict[str, float]:
    return {"p50": round(median(sample), digits), "p99": round(percentile(sample, 0.99), digits)}
