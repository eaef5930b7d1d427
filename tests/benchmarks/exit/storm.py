"""Storm: a stage of four venues in one process, whose wire is slow, loses calls, and holds price bands."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.exit.stage import ENTRIES, Cast, Stage, document_of, shared_out
from tests.paper_process import PaperProcess, paper_exchange

FOUR = ("binance", "bybit", "okx", "hyperliquid")
POSITIONS = 20
# A round trip has its median at 1.5 s: 0.9 s and up to half a second more on each way, and a tail.
BASE_MS, JITTER_MS = 900, 500
TAIL = (("0.15", 3_000), ("0.04", 9_000), ("0.01", 20_000))
# Of several drastic faults the first one strikes: together these take a fifth of all calls.
CHANCE = "0.0543"
FAILURES: tuple[dict[str, object], ...] = (
    {"kind": "fail", "failure": "unavailable", "executed": False},
    {"kind": "fail", "failure": "unknown_status", "executed": True},
    {"kind": "reset", "executed": False},
    {"kind": "reset", "executed": True},
)
# The first contract of each venue: at the mark there is depth for most of the position, and behind it only
# beyond the price band; what is taken is offered again after a while.
WITHIN, BEYOND_OF_MARK, OFFERED_AGAIN_MS = "6", 0.12, 3_000


def rules() -> list[dict[str, object]]:
    """Return the fault rules of the storm."""
    latency = {"kind": "latency", "round_trip_ms": BASE_MS, "jitter_ms": JITTER_MS}
    tail = [{"kind": "latency", "probability": share, "round_trip_ms": more} for share, more in TAIL]
    return [latency, *tail, *({**failure, "probability": CHANCE} for failure in FAILURES)]


class StormStage(Stage):
    """Four venues of one process; the storm is not on yet after a reset."""

    def __init__(self, cast_of: Cast, paper: PaperProcess, seed: int) -> None:
        super().__init__(cast_of, dict.fromkeys(cast_of.positions, paper))
        self.paper = paper
        self._seed = seed

    def reset(self) -> None:
        """Put the world back to its beginning, with a seed of its own, and an empty log."""
        self._seed += 1
        share, rest = divmod(ENTRIES, len(self.papers))
        venues = []
        for number, (name, count) in enumerate(self.cast.positions.items()):
            document = document_of(name, count, share + (number < rest), 0)
            (spec,) = document["venue"]
            _band(spec["instrument"][0])
            venues.append(spec)
        whole = {"name": "storm", "description": "Four venues.", "seed": self._seed, "venue": venues}
        self.paper.control.call("POST", "/scenario", whole)
        self.paper.control.clear_requests()

    def rise(self) -> None:
        """Let the storm begin."""
        self.paper.control.faults(rules())

    def calm(self) -> None:
        """Let it end."""
        self.paper.control.clear_faults()

    def log(self) -> list[dict[str, Any]]:
        """Return every request that arrived since."""
        return sorted(self.paper.control.requests(), key=lambda row: int(row["received_ns"]))


def _band(instrument: dict[str, Any]) -> None:
    beyond = round(int(instrument["mark"]) * BEYOND_OF_MARK / float(instrument["tick"]))
    instrument["depth"] = {
        "bids": [[0, WITHIN], [beyond, "100000"]],
        "asks": [[1, WITHIN], [beyond, "100000"]],
        "replenish_ms": OFFERED_AGAIN_MS,
    }


@contextmanager
def storm_stage(seed: int) -> Iterator[StormStage]:
    """Run the paper process of one lane."""
    with paper_exchange("load-1") as paper:
        yield StormStage(shared_out(POSITIONS, FOUR, round_trip_ms=0), paper, seed)


def open_dollar_seconds(
    fills: Sequence[Mapping[str, Any]], open_at_end: float, *, begun_ms: float, ended_ms: float
) -> float:
    """Return the sum, over all that was open at the beginning, of its value times the seconds it stayed open.

    A fill that closes counts what it closed at the price at which that was held; `open_at_end` is the value
    of what was never closed, which counts until `ended_ms`.
    """
    closed = sum(
        float(row["closed_quantity"]) * float(row["closed_entry_price"]) * (int(row["time_ms"]) - begun_ms)
        for row in fills
        if float(row["closed_quantity"]) and int(row["time_ms"]) >= begun_ms
    )
    return (closed + open_at_end * (ended_ms - begun_ms)) / 1e3


def exposed(stage: StormStage, *, begun_ms: float, ended_ms: float) -> float:
    """Return a run's open dollar-seconds by the venues' own ledger."""
    fills: list[Mapping[str, Any]] = []
    still = 0.0
    venues = stage.paper.control.state()["venues"]
    for venue in stage.cast.positions:
        account = venues[venue]["accounts"]["main"]
        fills += account["fills"]
        still += sum(abs(float(row["quantity"])) * float(row["entry_price"]) for row in account["positions"])
    return open_dollar_seconds(fills, still, begun_ms=begun_ms, ended_ms=ended_ms)
