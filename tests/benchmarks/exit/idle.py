"""Idle: the memory and the CPU of a daemon that only watches, growing from 4 to 200 accounts."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bastion.app import Place
from tests.benchmarks.exit.desks import cpu_s, memory_kib, resident
from tests.benchmarks.exit.figures import Book
from tests.benchmarks.exit.plan import Plan
from tests.benchmarks.exit.stage import Stage, place_of, shared_out, staged

IDLE_S = 20.0
STEP_S, SETTLED_MAX_S, SETTLED = 5.0, 90.0, 1.005
STEPS = (4, 50, 200)
SYMBOL = "BTCUSDT"


def measure(book: Book, plan: Plan) -> None:
    """Weigh the daemon at each step, beside a venue where a position changes every second."""
    seen = {accounts: _idle(accounts, plan.state) for accounts in STEPS}
    few, many = STEPS[0], STEPS[-1]
    each = (seen[many]["mib"] - seen[few]["mib"]) / (many - few)
    told: dict[str, object] = {"runs": 1, "mib_each": round(each, 3)}
    told |= {f"at_{accounts}": figures for accounts, figures in seen.items()}
    book.note("idle_daemon", told)
    book.bar("idle_daemon_mib", seen[few]["mib"])
    book.bar("idle_daemon_cpu_percent", seen[few]["cpu_percent"])
    book.bar("idle_daemon_mib_each_account", each)


def _idle(accounts: int, state: Path | None) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-exit-", dir=state) as folder,
        staged(shared_out(4, ("binance",))) as stage,
    ):
        stage.reset()
        place = place_of(stage, Path(folder))
        _multiply(place, accounts)
        with resident(place) as daemon, _changing(stage):
            _until_settled(daemon.pid)
            used, begun = cpu_s(daemon.pid), time.monotonic()
            time.sleep(IDLE_S)
            share = (cpu_s(daemon.pid) - used) / (time.monotonic() - begun)
            return {"mib": round(memory_kib(daemon.pid) / 1024, 1), "cpu_percent": round(100 * share, 2)}


def _until_settled(pid: int) -> None:
    # Until its sessions are open and its first readings done: while it grows, it is not idle.
    end = time.monotonic() + SETTLED_MAX_S
    before = 0
    while time.monotonic() < end:
        now = memory_kib(pid)
        if now < before * SETTLED:
            return
        before = now
        time.sleep(STEP_S)


def _multiply(place: Place, accounts: int) -> None:
    # The same account at the venue under many names: the desk does not know that, and holds each of them.
    assert place.config is not None
    text = place.config.read_text(encoding="utf-8")
    end = text.index("[exit]")
    first = text[:end]
    more = [first.replace('name = "binance-main"', f'name = "binance-{n}"', 1) for n in range(1, accounts)]
    place.config.write_text(first + "".join(more) + text[end:], encoding="utf-8")


@contextmanager
def _changing(stage: Stage) -> Iterator[None]:
    ended = threading.Event()

    def change() -> None:
        number = 0
        while not ended.wait(1.0):
            number += 1
            stage.papers["binance"].control.set_price("binance", SYMBOL, f"{20 + number % 2 * 0.01:.2f}")

    worker = threading.Thread(target=change)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
