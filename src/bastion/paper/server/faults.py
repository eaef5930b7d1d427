"""Faults: what a test asks to go wrong, and the plan that follows for one request.

Rules are matched in the order in which they were added; chance is drawn from the scenario's seed, so that the
same requests in the same order meet the same faults.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from bastion.paper.document import Document, DocumentError
from bastion.paper.server.events import Event, parse_event
from bastion.paper.wire.protocol import Conditions

Chance = Callable[[], float]


class FaultKind(StrEnum):
    """What can go wrong."""

    LATENCY = "latency"
    FAIL = "fail"
    RESET = "reset"
    NEVER = "never"
    MALFORMED = "malformed"
    PARTIAL_FILL = "partial_fill"
    LAG = "lag"
    EMPTY = "empty"
    HIDE = "hide"
    EVENT = "event"
    MISS = "miss"
    LAPSE = "lapse"


# What is sent on a socket is matched by rules that name this method, and by no others.
STREAM_METHOD = "WS"
_OF_STREAMS_ALONE = frozenset({FaultKind.MISS, FaultKind.LAPSE})
_OF_STREAMS = _OF_STREAMS_ALONE | {
    FaultKind.LATENCY,
    FaultKind.RESET,
    FaultKind.NEVER,
    FaultKind.MALFORMED,
    FaultKind.EVENT,
}


class Shape(StrEnum):
    """How a malformed answer looks: JSON that breaks off, a web page with status 200, or one row too many."""

    TRUNCATED = "truncated"
    HTML = "html"
    ODD_ROW = "odd_row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule.

    Empty matchers match everything; `path` may hold several patterns with `|` between them. `count` None
    never runs out; `skip` lets the first ones pass; `lasts_ms` ends the rule so long after its first hit.

    `executed` tells for FAIL, RESET, NEVER and EVENT whether the venue carries the request out first, and for
    LAPSE whether the venue says that the credential has ended.
    `event` is what happens, `after_ms` later. `symbol` is what HIDE leaves out of lists of positions.
    """

    fault_id: int
    kind: FaultKind
    venue: str = ""
    method: str = ""
    path: str = "*"
    account: str = ""
    count: int | None = None
    skip: int = 0
    probability: Decimal = Decimal(1)
    executed: bool = False
    failure: str = "unavailable"
    request_ms: int = 0
    answer_ms: int = 0
    jitter_ms: int = 0
    lag_ms: int = 0
    ratio: Decimal = Decimal("0.5")
    shape: Shape = Shape.TRUNCATED
    event: Event | None = None
    after_ms: int = 0
    symbol: str = ""
    lasts_ms: int | None = None
    ends_ms: int | None = None
    hits: int = 0
    seen: int = 0

    def is_spent(self, now_ms: int) -> bool:
        """Whether the rule has done all it was asked to."""
        if self.ends_ms is not None and now_ms >= self.ends_ms:
            return True
        return self.count is not None and self.hits >= self.count

    def hit(self, now_ms: int) -> "Fault":
        """Return the rule after one more hit."""
        ends_ms = self.ends_ms
        if ends_ms is None and self.lasts_ms is not None:
            ends_ms = now_ms + self.lasts_ms
        return replace(self, hits=self.hits + 1, ends_ms=ends_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens to one request: delays, conditions for the wire, events, and at most one drastic fault."""

    request_ms: int = 0
    answer_ms: int = 0
    conditions: Conditions = field(default_factory=Conditions)
    drastic: Fault | None = None
    events: tuple[Fault, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The request that faults are matched against.

    `is_protected` spares it from the venue's overload answer.
    """

    venue: str
    method: str
    path: str
    account: str
    is_protected: bool


_DRASTIC = {
    FaultKind.FAIL,
    FaultKind.RESET,
    FaultKind.NEVER,
    FaultKind.MALFORMED,
    FaultKind.MISS,
    FaultKind.LAPSE,
}


class FaultTable:
    """The rules in force. `chance` returns a number in [0, 1) from the scenario's seed."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._rules: dict[int, Fault] = {}
        self._next_id = 1

    def add(self, faults: Iterable[Fault]) -> list[int]:
        """Put rules in force and return their ids."""
        ids = []
        for fault in faults:
            self._rules[self._next_id] = replace(fault, fault_id=self._next_id)
            ids.append(self._next_id)
            self._next_id += 1
        return ids

    def clear(self) -> None:
        """Take all rules out of force."""
        self._rules.clear()

    def all(self) -> list[Fault]:
        """Return every rule with how often it was seen and hit."""
        return list(self._rules.values())

    def plan(self, target: Target, *, now_ms: int = 0, round_trip_ms: int = 0, jitter_ms: int = 0) -> Plan:
        """Return what happens to a request. The venue's own round trip is halved between the two ways."""
        plan = Plan(request_ms=round_trip_ms // 2, answer_ms=round_trip_ms - round_trip_ms // 2)
        plan = self._jittered(plan, jitter_ms)
        for fault_id, fault in list(self._rules.items()):
            if fault.is_spent(now_ms) or not _matches(fault, target):
                continue
            seen = replace(fault, seen=fault.seen + 1)
            hit = (
                seen.seen > seen.skip and self._strikes(seen) and not (seen.kind in _DRASTIC and plan.drastic)
            )
            self._rules[fault_id] = seen = seen.hit(now_ms) if hit else seen
            if hit:
                plan = self._with(plan, seen)
        return plan

    def _strikes(self, fault: Fault) -> bool:
        return fault.probability >= 1 or self._chance() < fault.probability

    def _jittered(self, plan: Plan, jitter_ms: int) -> Plan:
        if not jitter_ms:
            return plan
        request_ms = plan.request_ms + int(self._chance() * jitter_ms)
        return replace(
            plan, request_ms=request_ms, answer_ms=plan.answer_ms + int(self._chance() * jitter_ms)
        )

    def _with(self, plan: Plan, fault: Fault) -> Plan:
        plan = replace(plan, words=(*plan.words, f"{fault.kind} #{fault.fault_id}"))
        if fault.kind in _DRASTIC:
            return replace(plan, drastic=fault)
        if fault.kind is FaultKind.EVENT:
            return replace(plan, events=(*plan.events, fault))
        if fault.kind is FaultKind.LATENCY:
            slowed = replace(
                plan,
                request_ms=plan.request_ms + fault.request_ms,
                answer_ms=plan.answer_ms + fault.answer_ms,
            )
            return self._jittered(slowed, fault.jitter_ms)
        conditions = plan.conditions
        if fault.kind is FaultKind.LAG:
            conditions = replace(conditions, read_lag_ms=max(conditions.read_lag_ms, fault.lag_ms))
        elif fault.kind is FaultKind.EMPTY:
            conditions = replace(conditions, pretend_empty=True)
        elif fault.kind is FaultKind.HIDE:
            conditions = replace(conditions, hidden=fault.symbol)
        else:
            conditions = replace(conditions, fill_ratio_max=fault.ratio)
        return replace(plan, conditions=conditions)


def parse_fault(document: Document) -> Fault:
    """Return the rule that a control request describes; raises `DocumentError`."""
    round_trip_ms = document.whole("round_trip_ms", 0)
    kind = document.choice("kind", FaultKind)
    venue = document.text("venue", "")
    fault = Fault(
        fault_id=0,
        kind=kind,
        venue=venue,
        method=document.text("method", "").upper(),
        path=document.text("path", "*"),
        account=document.text("account", ""),
        count=document.whole_or_none("count"),
        skip=document.whole("skip", 0),
        probability=document.decimal("probability", Decimal(1)),
        executed=document.flag("executed", default=False),
        failure=document.text("failure", "unavailable"),
        request_ms=document.whole("request_ms", round_trip_ms // 2),
        answer_ms=document.whole("answer_ms", round_trip_ms - round_trip_ms // 2),
        jitter_ms=document.whole("jitter_ms", 0),
        lag_ms=document.whole("lag_ms", 0),
        ratio=document.decimal("ratio", Decimal("0.5")),
        shape=document.choice("shape", Shape, Shape.TRUNCATED),
        event=parse_event(document.table("event"), venue=venue) if kind is FaultKind.EVENT else None,
        after_ms=document.whole("after_ms", 0),
        symbol=document.text("symbol", ""),
        lasts_ms=document.whole_or_none("lasts_ms"),
    )
    document.finish()
    for name, value in (
        ("request_ms", fault.request_ms),
        ("answer_ms", fault.answer_ms),
        ("jitter_ms", fault.jitter_ms),
        ("lag_ms", fault.lag_ms),
        ("skip", fault.skip),
        ("after_ms", fault.after_ms),
        ("lasts_ms", fault.lasts_ms or 0),
    ):
        if value < 0:
            raise DocumentError(f"{document.where}.{name} must be at least 0.")
    if fault.kind not in _OF_STREAMS and fault.method == STREAM_METHOD:
        known = ", ".join(sorted(_OF_STREAMS))
        raise DocumentError(f"{document.where}: a rule for streams (method WS) is one of {known}.")
    if fault.kind in _OF_STREAMS_ALONE and fault.method != STREAM_METHOD:
        raise DocumentError(f"{document.where}: {fault.kind} is for streams; give it the method WS.")
    if (fault.kind is FaultKind.HIDE) != bool(fault.symbol):
        raise DocumentError(
            f"{document.where}: the symbol that a list leaves out is given with hide, and alone."
        )
    if not 0 <= fault.ratio <= 1 or not 0 <= fault.probability <= 1:
        raise DocumentError(f"{document.where}: ratio and probability lie between 0 and 1.")
    return fault


def _matches(fault: Fault, target: Target) -> bool:
    if fault.kind is FaultKind.FAIL and fault.failure == "overloaded" and target.is_protected:
        return False
    if target.method == STREAM_METHOD and fault.method != STREAM_METHOD:
        return False
    wanted = ((fault.venue, target.venue), (fault.method, target.method), (fault.account, target.account))
    return all(not want or want == have for want, have in wanted) and any(
        fnmatchcase(target.path, pattern) for pattern in fault.path.split("|")
    )
