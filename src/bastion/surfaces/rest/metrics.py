"""Metrics: what this process did and how the desk stands, in the text format of Prometheus (0.0.4).

Counters begin at zero with the process. Nothing here reads an exchange, so that a scrape costs no request.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from bastion import commands
from bastion.domain.engine import EngineState
from bastion.domain.mandate import ExitKind
from bastion.domain.records import (
    Entry,
    ExitJudged,
    ExitRequested,
    LegJudged,
    Looked,
    OrderAnswered,
    RoundIntended,
    Troubled,
)
from bastion.domain.verdict import LatchState, Verdict

METRICS_TYPE = "text/plain; version=0.0.4"
BOUNDS_MS = (250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000)
EXITS_KEPT_MAX = 1_000
TIME_TO_FLAT = "bastion_time_to_flat_seconds"

METRICS: Mapping[str, str] = {
    "bastion_exits_total": "Verdicts of exits, not of halts and partial closes; a reopened one counted anew.",
    TIME_TO_FLAT: "From the request to the end of the second flat look, of exits that ended flat.",
    "bastion_looks_total": "Looks at accounts, by whether they were complete.",
    "bastion_orders_total": "Reducing orders that were intended.",
    "bastion_cancels_total": "Cancels that were intended.",
    "bastion_order_answers_total": "What came of orders.",
    "bastion_venue_errors_total": "What venues refused, by its meaning, and what failed, by what was done.",
    "bastion_http_requests_total": "Requests of the REST surface, by route and status.",
    "bastion_latch_tripped": "1 while opening actions are blocked.",
    "bastion_exits_running": "1 while an exit works towards its verdict.",
    "bastion_accounts": "Accounts of the desk.",
    "bastion_engine_state": "1 for the state that the engine is in; all 0 without an engine.",
    "bastion_audit_backlog": "Calls that are not in the audit journal yet.",
}
"""Every name that the page holds, with its meaning."""

Labels = tuple[tuple[str, str], ...]


class Figures:
    """Counts what the desk's exits do; `see` is its watcher, which never blocks."""

    def __init__(self) -> None:
        self.exits: Counter[Labels] = Counter()
        self.looks: Counter[Labels] = Counter()
        self.orders: Counter[Labels] = Counter()
        self.cancels: Counter[Labels] = Counter()
        self.answers: Counter[Labels] = Counter()
        self.errors: Counter[Labels] = Counter()
        self.requests: Counter[Labels] = Counter()
        self.buckets = [0] * len(BOUNDS_MS)
        self.flat_count = 0
        self.flat_sum_ms = 0
        self._slowest_ms: dict[str, int] = {}
        self._no_exits: dict[str, None] = {}

    def see(self, entry: Entry) -> None:
        """Count one entry of the journal."""
        record = entry.record
        if isinstance(record, ExitRequested):
            self._requested(record)
        elif isinstance(record, Looked):
            complete = "true" if record.look.complete else "false"
            self.looks[("account", record.account), ("complete", complete)] += 1
        elif isinstance(record, RoundIntended):
            self.orders[(("account", record.account),)] += len(record.orders)
            self.cancels[(("account", record.account),)] += len(record.cancels) + len(record.clears)
        elif isinstance(record, OrderAnswered):
            self.answers[("account", record.account), ("outcome", record.outcome.value)] += 1
            if record.fault is not None:
                self.errors[("account", record.account), ("kind", record.fault.value)] += 1
        elif isinstance(record, Troubled):
            self.errors[("account", record.account), ("kind", record.part)] += 1
        elif isinstance(record, LegJudged) and record.time_to_flat_ms is not None:
            slowest = max(record.time_to_flat_ms, self._slowest_ms.pop(record.exit_id, 0))
            self._slowest_ms[record.exit_id] = slowest
            while len(self._slowest_ms) > EXITS_KEPT_MAX:
                self._slowest_ms.pop(next(iter(self._slowest_ms)))
        elif isinstance(record, ExitJudged):
            self._judged(record)

    def _requested(self, record: ExitRequested) -> None:
        if record.kind is ExitKind.EXIT:
            return
        # Their proof is not that an account is flat, and must not be counted as one.
        self._no_exits[record.exit_id] = None
        while len(self._no_exits) > EXITS_KEPT_MAX:
            self._no_exits.pop(next(iter(self._no_exits)))

    def _judged(self, record: ExitJudged) -> None:
        slowest = self._slowest_ms.pop(record.exit_id, None)
        if record.exit_id in self._no_exits:
            return
        self.exits[(("verdict", record.verdict.value),)] += 1
        if not record.verdict.success or slowest is None:
            return
        self.flat_count += 1
        self.flat_sum_ms += slowest
        for index, bound in enumerate(BOUNDS_MS):
            if slowest <= bound:
                self.buckets[index] += 1

    def requested(self, route: str, status: int) -> None:
        """Count one request of this surface."""
        self.requests[("route", route), ("status", str(status))] += 1


def page(desk: commands.Desk, figures: Figures, *, accounts: frozenset[str] | None) -> str:
    """Return the page that Prometheus reads; it names no other accounts than `accounts` (None: all)."""
    for verdict in Verdict:
        figures.exits.setdefault((("verdict", verdict.value),), 0)
    state = None if desk.engine is None else desk.engine.standing().state
    gauges: Mapping[str, Mapping[Labels, int]] = {
        "bastion_latch_tripped": {(): int(commands.latch(desk).latch is LatchState.TRIPPED)},
        "bastion_exits_running": {(): int(desk.running() is not None)},
        "bastion_accounts": {(): sum(_shown(accounts, account.name) for account in desk.accounts)},
        "bastion_engine_state": {(("state", each.value),): int(each is state) for each in EngineState},
        "bastion_audit_backlog": {(): desk.audit.standing().waiting},
    }
    counters: Mapping[str, Mapping[Labels, int]] = {
        "bastion_exits_total": figures.exits,
        "bastion_looks_total": figures.looks,
        "bastion_orders_total": figures.orders,
        "bastion_cancels_total": figures.cancels,
        "bastion_order_answers_total": figures.answers,
        "bastion_venue_errors_total": figures.errors,
        "bastion_http_requests_total": figures.requests,
    }
    lines: list[str] = []
    for name, text in METRICS.items():
        kind = "counter" if name in counters else "gauge" if name in gauges else "histogram"
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        if name == TIME_TO_FLAT:
            lines += _histogram(figures)
        else:
            values = counters.get(name) or gauges.get(name) or {}
            lines += [
                f"{name}{_braces(labels)} {value}"
                for labels, value in sorted(values.items())
                if all(key != "account" or _shown(accounts, word) for key, word in labels)
            ]
    return "\n".join(lines) + "\n"


def _shown(accounts: frozenset[str] | None, name: str) -> bool:
    return accounts is None or name in accounts


def _histogram(figures: Figures) -> Iterator[str]:
    for bound, count in zip(BOUNDS_MS, figures.buckets, strict=True):
        yield f'{TIME_TO_FLAT}_bucket{{le="{_seconds(bound)}"}} {count}'
    yield f'{TIME_TO_FLAT}_bucket{{le="+Inf"}} {figures.flat_count}'
    yield f"{TIME_TO_FLAT}_sum {_seconds(figures.flat_sum_ms)}"
    yield f"{TIME_TO_FLAT}_count {figures.flat_count}"


def _seconds(ms: int) -> str:
    return format((Decimal(ms) / 1000).normalize(), "f")


def _braces(labels: Iterable[tuple[str, str]]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
