"""How fast the margin venue refunds, against what this disk and this database allow in the same run.

Three bounds, measured beside each other, round by round:

- the disk: an append of as many bytes as a batch has (128 a refund) and one fdatasync;
- the null client: the rows of the same batches, prepared beforehand, written into the same schema with all
  its constraints by the same statements, with no venue around them;
- one refund at a time, each its own durable commit, against one fdatasync.

The last lines are the bars. Exit code 1 when one is short.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from bastion.paper.strike.commands import Command, Deposit, EmergencyExit, Open, Tick
from bastion.paper.strike.decide import decide
from bastion.paper.strike.draft import Draft
from bastion.paper.strike.image import Image
from bastion.paper.strike.position import Side
from bastion.paper.strike.results import Exited, Opened
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.store import Store, rows_of
from bastion.paper.strike.store_postgres import PostgresStore
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import MarginVenue
from bastion.paper.strike.work import Work
from tests.benchmarks.http_refunds import HttpFigures, measure_http
from tests.own_postgres import own_postgres

USD = 1_000_000
WALLETS = [f"0x{number:040x}" for number in range(1, 257)]
ROW_BYTES = 128
SETTINGS = VenueSettings(oracle_stale_after_us=None)
RATIO_MIN = 0.5
LONE_MARGIN_MS = 6.0
WAIT_S = 120
CommandT = TypeVar("CommandT")


def clock_us() -> int:
    return time.time_ns() // 1_000


def percentile(sample: Sequence[float], share: float) -> float:
    ranked = sorted(sample)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


@dataclass
class Disk:
    """A file to append to: the least that any durable refund needs."""

    folder: Path
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def measure(self, batch: int, times: int) -> None:
        block = os.urandom(batch * ROW_BYTES)
        taken = self.seconds.setdefault(batch, [])
        file = os.open(self.folder / "append.bin", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            for _ in range(times):
                start = time.perf_counter()
                os.write(file, block)
                os.fdatasync(file)
                taken.append(time.perf_counter() - start)
        finally:
            os.close(file)

    def bound(self, batch: int) -> float:
        """Refunds a second, when a batch costs its median append and fdatasync and nothing else."""
        return batch / percentile(self.seconds[batch], 0.5)


def preparation(count: int) -> list[Command[object]]:
    deposits: list[Command[object]] = [
        Deposit(wallet=wallet, amount=10_000_000 * USD, tx_hash=f"0x{wallet}", stated_at_us=1)
        for wallet in WALLETS
    ]
    opens: list[Command[object]] = [
        Open(wallet=wallet, symbol="BTC-USD", side=Side.LONG, margin=100 * USD, leverage=10)
        for wallet in itertools.islice(itertools.cycle(WALLETS), count)
    ]
    return [*deposits, Tick(marks={"BTC-USD": 45_000 * USD}), *opens]


def exits_of(positions: Sequence[object]) -> list[EmergencyExit]:
    return [
        EmergencyExit(wallets=(opened.position.wallet,), position_id=opened.position.id)
        for opened in positions
        if isinstance(opened, Opened)
    ]


@dataclass(kw_only=True)
class Contender:
    """Positions to refund in batches, and the seconds and commits that each round took."""

    batch: int
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    commits: int = 0
    refunds: int = 0


class Venue(Contender):
    """The venue, asked from another thread: as many refunds together as one commit holds."""

    def open(self, store: Store, count: int) -> None:
        self.venue = MarginVenue(store, SETTINGS, clock_us, batch_max=self.batch)
        opened = [self.venue.submit(command) for command in preparation(count)]
        self.todo = iter(exits_of([future.result(WAIT_S) for future in opened]))

    def round(self, count: int) -> None:
        commands = list(itertools.islice(self.todo, count))
        before = self.venue.metrics().commits
        start, cpu = time.perf_counter(), time.process_time()
        groups = [self.venue.submit_all(group) for group in chunks(commands, self.batch)]
        wait(groups, timeout=WAIT_S)
        taken = time.perf_counter() - start
        self.cpu_us.append((time.process_time() - cpu) * 1e6 / count)
        assert all(isinstance(result, Exited) for group in groups for result in group.result(0))
        self.rates.append(count / taken)
        self.commits += self.venue.metrics().commits - before
        self.refunds += count

    def lone(self, times: int, disk: Disk) -> tuple[list[float], list[float]]:
        """Time refunds one at a time, each between two appends of one row."""
        taken = []
        for command in itertools.islice(self.todo, times):
            disk.measure(1, 1)
            start = time.perf_counter()
            self.venue.submit(command).result(WAIT_S)
            taken.append(time.perf_counter() - start)
        return taken, disk.seconds[1][-times:]

    def close(self) -> None:
        self.venue.close(WAIT_S)


class NullClient(Contender):
    """Prepared batches, written by the venue's own statements: what the database alone needs."""

    def open(self, store: Store, count: int) -> None:
        self.store = store
        image = Image(store.load(), SETTINGS)
        results: list[object] = []
        for group in chunks(preparation(count), 2_048):
            store.write(drafted(image, group, results))
        exits = exits_of(results)
        self.todo = iter([rows_of(drafted(image, group, [])) for group in chunks(exits, self.batch)])

    def round(self, count: int) -> None:
        prepared = list(itertools.islice(self.todo, count // self.batch))
        start, cpu = time.perf_counter(), time.process_time()
        for batches in prepared:
            self.store.write_rows(batches)
        taken = time.perf_counter() - start
        self.cpu_us.append((time.process_time() - cpu) * 1e6 / (len(prepared) * self.batch))
        self.rates.append(len(prepared) * self.batch / taken)

    def close(self) -> None:
        self.store.close()


def drafted(image: Image, commands: Sequence[Command[object]], results: list[object]) -> Draft:
    work = Work(image, SETTINGS)
    for command in commands:
        work.now_us = clock_us()
        results.append(decide(work, command))
    return work.draft


def chunks(items: Sequence[CommandT], size: int) -> Iterator[Sequence[CommandT]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One backend at one batch size; rates are refunds a second, medians over the rounds.

    `of_null` is the median of the rounds' own ratios, venue to null client.
    """

    backend: str
    batch: int
    venue: float
    null: float
    of_null: float
    disk: float
    refunds_a_commit: float
    venue_cpu_us: float
    null_cpu_us: float
    lone_p50_ms: float
    lone_p99_ms: float
    sync_p99_ms: float


def measure(
    backend: str, open_store: Callable[[str], Store], folder: Path, batch: int, rounds: int, size: int
) -> Figures:
    lone_count = 300
    disk, venue, null = Disk(folder), Venue(batch=batch), NullClient(batch=batch)
    with ExitStack() as open_things:
        venue.open(open_store(f"venue_{batch}"), rounds * size + lone_count)
        open_things.callback(venue.close)
        null.open(open_store(f"null_{batch}"), rounds * size)
        open_things.callback(null.close)
        for number in range(rounds):
            disk.measure(batch, 40)
            # Each round is a pair, and each goes first in every second one: a slow spell hits both alike.
            for contender in (null, venue) if number % 2 else (venue, null):
                contender.round(size)
        lone, syncs = venue.lone(lone_count, disk)
    return Figures(
        backend=backend,
        batch=batch,
        venue=percentile(venue.rates, 0.5),
        null=percentile(null.rates, 0.5),
        of_null=statistics.median(map(truediv, venue.rates, null.rates)),
        disk=disk.bound(batch),
        refunds_a_commit=venue.refunds / venue.commits,
        venue_cpu_us=percentile(venue.cpu_us, 0.5),
        null_cpu_us=percentile(null.cpu_us, 0.5),
        lone_p50_ms=percentile(lone, 0.5) * 1e3,
        lone_p99_ms=percentile(lone, 0.99) * 1e3,
        sync_p99_ms=percentile(syncs, 0.99) * 1e3,
    )


def told(figures: Figures) -> str:
    return (
        f"{figures.backend:<9} batch {figures.batch:>4}: {figures.venue:>8,.0f} refunds/s"
        f"  ({figures.refunds_a_commit:.1f} a commit)"
        f"  null client {figures.null:>8,.0f}  disk {figures.disk:>10,.0f}"
        f"  of null {figures.of_null:.2f}  of disk {figures.venue / figures.disk:.2f}"
        f"  cpu {figures.venue_cpu_us:.0f} / {figures.null_cpu_us:.0f} us each"
        f"  lone p50 {figures.lone_p50_ms:.2f} p99 {figures.lone_p99_ms:.2f} ms"
        f" (fdatasync p99 {figures.sync_p99_ms:.2f})"
    )


def told_http(figures: HttpFigures) -> str:
    return (
        f"http      {figures.connections} connections: {figures.rate:,.0f} refunds/s,"
        f" p50 {figures.p50_ms:.2f} p99 {figures.p99_ms:.2f} ms; the wire costs"
        f" {figures.wire_us:.0f} us a refund beside the ledger's {figures.ledger_us:.0f} us"
    )


def bar(name: str, value: float, limit: float, *, at_least: bool) -> bool:
    met = value >= limit if at_least else value <= limit
    sign = ">=" if at_least else "<="
    sys.stdout.write(f"bar {name} {value:.2f} {sign}{limit:.2f} {'ok' if met else 'short'}\n")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 128, 512])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    everything: list[Figures] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-ledger")))
        dsn = stack.enter_context(own_postgres("shared_buffers=256MB", "max_wal_size=4GB"))
        backends: list[tuple[str, Callable[[str], Store]]] = [
            ("sqlite", lambda name: SqliteStore(folder / f"{name}.db")),
            ("postgres", lambda name: PostgresStore(dsn, schema=name)),
        ]
        for (backend, open_store), batch in itertools.product(backends, chosen.batches):
            size = max(batch * 4, 2_048) if batch > 1 else 256
            figures = measure(backend, open_store, folder, batch, chosen.rounds, size)
            everything.append(figures)
            sys.stdout.write(told(figures) + "\n")
            sys.stdout.flush()
        http = measure_http(folder / "http", everything[-1].venue)
        sys.stdout.write(told_http(http) + "\n")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([vars(figures) for figures in everything], indent=1) + "\n")
    return 0 if all([*bars(everything)]) else 1


def bars(everything: Sequence[Figures]) -> Iterator[bool]:
    """Judge each backend at its largest batch; docs/decisions says what the bounds are."""
    largest = {figures.backend: figures for figures in everything}
    for backend, figures in largest.items():
        yield bar(f"ledger_{backend}_over_null_client_ratio", figures.of_null, RATIO_MIN, at_least=True)
        limit = figures.sync_p99_ms + LONE_MARGIN_MS
        yield bar(f"ledger_{backend}_lone_refund_p99_ms", figures.lone_p99_ms, limit, at_least=False)


if __name__ == "__main__":
    sys.exit(main())
