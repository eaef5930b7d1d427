"""Host: one venue's real wire and exchange behind connections in memory, with weather between."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from random import Random
from typing import Protocol

from bastion.paper.wire.binance.limits import MINUTE_MS
from bastion.paper.wire.binance.plugin import BinanceWire
from bastion.paper.wire.hyperliquid.limits import WEIGHT as HYPERLIQUID_WEIGHT
from bastion.paper.wire.hyperliquid.wire import HyperliquidWire
from bastion.paper.wire.protocol import Conditions, NamesCalls, Wire, WireAnswer, WireRequest
from bastion.paper.world import World as PaperWorld
from bastion.venues.ccxt.hyperliquid_pace import WEIGHT, read_units
from tests.simulation.exits.virtual_time import EPOCH_NS, VirtualClock
from tests.simulation.wires.calls import PURE_READS, Kind, kind_of
from tests.simulation.wires.trace import Trace
from tests.simulation.wires.transport import Line
from tests.simulation.wires.weather import Fate, fate_of
from tests.simulation.wires.worlds import HostDraw

HTML = b"<html><head><title>Service</title></head><body>We will be back soon.</body></html>"
BAN_S = {"binance": 120.0, "bybit": 600.0}
RETRY_AFTER = "Retry-After"
ADDRESS = "198.51.100.7"
SPENT_SHARE, HYPERLIQUID_SHARE = 0.75, 0.6
MOMENT_S = 1e-7
UNEXECUTED = {
    "unavailable": "unavailable",
    "unknown_status": "unknown_status",
    "unknown_late": "unknown_status",
    "overloaded": "overloaded",
    "internal_error": "internal_error",
    "rate_limited": "rate_limited",
}


class VenueClock:
    """The venue's own time in milliseconds: the virtual one, and how far it is off."""

    def __init__(self, clock: VirtualClock, skew_s: float) -> None:
        self._clock = clock
        self._skew_ms = round(skew_s * 1000)
        self.before_ms = 0

    def now_ms(self) -> int:
        return (EPOCH_NS + round(self._clock.seconds * 1e9)) // 1_000_000 + self._skew_ms - self.before_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it left the desk."""

    number: int
    sent_s: float
    account: str
    kind: Kind
    request: WireRequest

    @property
    def apart(self) -> bool:
        """Whether it goes to Binance's spot host, which counts and bans for itself."""
        return self.request.path.startswith("/sapi/")


class Watcher(Protocol):
    """Who hears what happens at a host; the oracle."""

    def sent(self, venue: str, asked: Asked, fate: Fate) -> None:
        """A request left the desk."""
        ...

    def before(self, venue: str, asked: Asked) -> None:
        """The venue is about to carry a request out."""
        ...

    def after(self, venue: str, asked: Asked, answer: WireAnswer) -> None:
        """The venue carried it out and says this."""
        ...

    def told(self, venue: str, asked: Asked, status: int, *, banned: bool) -> None:
        """The desk has the answer."""
        ...


class Host:
    """Serves one venue's wire; every delay is a timer of the virtual loop."""

    def __init__(
        self,
        *,
        plan: HostDraw,
        world: PaperWorld,
        wire: Wire,
        clock: VirtualClock,
        seed: int,
        trace: Trace,
        watch: Watcher,
    ) -> None:
        self.plan = plan
        self.world = world
        self.exchange = world.exchange(plan.venue)
        self.wire = wire
        self._call_of = wire.call_of if isinstance(wire, NamesCalls) else None
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._seed = seed
        self._trace = trace
        self._watch = watch
        self._weights: list[tuple[float, int]] = []
        self._heard: list[tuple[bytes, Line]] = []
        self._same: dict[str, int] = {}
        self._connected = 0
        self._due_ms: int | None = None
        # Until then, settling would change nothing.
        self._quiet_until_ms: int | None = 0
        self.banned_until_s = self._apart_until_s = 0.0
        self._told_apart: set[str] = set()
        self.began_s = clock.seconds
        self.requests = 0

    @property
    def heals_s(self) -> float:
        """When nothing goes wrong here any more, on the virtual clock."""
        return self.began_s + self.plan.heals_at_s

    @property
    def sick(self) -> bool:
        return self._clock.seconds < self.heals_s

    @property
    def dead(self) -> bool:
        return self.plan.dead_for_good or (self.plan.dead and self.sick)

    def proves_from_s(self, account: str) -> float:
        """Return from when on an account's lists can be read: those that were told once must come again.

        Binance's spot host bans for itself, and says nothing then of what it told before.
        """
        apart_s = self._apart_until_s if account in self._told_apart else 0.0
        return max(self.heals_s, self.banned_until_s, apart_s)

    def banned_until(self, asked: Asked) -> float:
        """Return until when the host that is asked has banned the address."""
        return self._apart_until_s if asked.apart else self.banned_until_s

    def is_spent(self) -> bool:
        """Whether so much of the address's weight of this minute is used that little more may be asked."""
        now_ms = self.world.clock.now_ms()
        if isinstance(self.wire, BinanceWire):
            limits = self.wire._limits
            return limits.used_weight(ADDRESS, now_ms) > SPENT_SHARE * limits.settings.weight_per_minute
        if isinstance(self.wire, HyperliquidWire):
            # Its answers carry no count: the desk goes by what it sent, also where no connection came about.
            since_s = self._clock.seconds - MINUTE_MS / 1000
            used = sum(weight for at_s, weight in self._weights if at_s > since_s)
            return used > HYPERLIQUID_SHARE * HYPERLIQUID_WEIGHT
        return False

    # The peer of the connections.

    def connect_s(self) -> float:
        self._connected += 1
        rng = Random(f"{self._seed} connect {self.plan.venue} {self._clock.seconds:.9f}")
        if self.sick and rng.random() < self.plan.refuses:
            raise ConnectionRefusedError(111, "Connection refused")
        return self.plan.latency_s / 2 + rng.random() * self.plan.jitter_s / 2

    def hear(self, line: Line, request: bytes) -> None:
        if not self._heard:
            self._later(MOMENT_S, self._take)
        self._heard.append((request, line))

    def _take(self) -> None:
        # Which of several requests of one moment is written first differs between versions of Python.
        heard, self._heard = self._heard, []
        for request, line in sorted(heard, key=lambda one: _said(one[0])):
            self._set_out(line, request)

    def _set_out(self, line: Line, request: bytes) -> None:
        asked = self._read(request)
        head = f"{asked.request.method} {asked.request.path}?{asked.request.query} {asked.request.body!r}"
        self._trace.note(self._clock.seconds, f"{self.plan.venue} #{asked.number} > {head}")
        known = f"{self._clock.seconds:.9f} {head}"
        self._same[known] = self._same.get(known, 0) + 1
        rng = Random(f"{self._seed} {self.plan.venue} {known} {self._same[known]}")
        fate = fate_of(self.plan, rng, asked.kind, sick=self.sick)
        self._watch.sent(self.plan.venue, asked, fate)
        if fate.words:
            self._trace.note(self._clock.seconds, f"{self.plan.venue} #{asked.number} ! {fate.words}")
        if fate.drastic == "lost_request" or self.dead:
            return
        self._later(fate.up_s, lambda: self._arrive(line, asked, fate))

    # What becomes of a request.

    def _arrive(self, line: Line, asked: Asked, fate: Fate) -> None:
        if line.ended:
            return
        line.arrived += 1
        banning = fate.drastic == "banned" and self.plan.venue in BAN_S
        until_s = self.banned_until(asked)
        if self._clock.seconds < until_s or banning:
            self._ban(line, asked, fate, anew=self._clock.seconds >= until_s)
            return
        if fate.drastic in {"reset_before", "blank"}:
            self._later(fate.down_s, line.reset if fate.drastic == "reset_before" else line.hang_up)
            return
        early = self._instead(asked, fate)
        if fate.drastic == "unknown_late" or (fate.again_s is not None and early is None):
            self._later(fate.again_s or 0.0, lambda: self._carry_out(asked, fate.conditions))
        if early is not None:
            self._answer(line, asked, fate, early)
            return
        answer = self._carry_out(asked, fate.conditions)
        if fate.drastic == "reset_after":
            self._later(fate.down_s, line.reset)
        elif fate.drastic != "lost_answer":
            self._answer(line, asked, fate, self._bent(asked, fate, answer))

    def _bent(self, asked: Asked, fate: Fate, answer: WireAnswer) -> WireAnswer:
        if fate.drastic == "unknown_executed":
            return self.wire.failure("unknown_status", asked.request) or answer
        if fate.drastic == "html":
            return WireAnswer(status=200, body=HTML, headers={"Content-Type": "text/html"})
        if fate.drastic == "cut_json":
            cut = answer.body[: len(answer.body) // 2]
            return WireAnswer(status=answer.status, body=cut, headers=answer.headers)
        return answer

    def _ban(self, line: Line, asked: Asked, fate: Fate, *, anew: bool) -> None:
        if anew and asked.apart:
            self._apart_until_s = self._clock.seconds + BAN_S[self.plan.venue]
        elif anew:
            self.banned_until_s = self._clock.seconds + BAN_S[self.plan.venue]
        answer = self.wire.failure("banned", asked.request)
        assert answer is not None
        if RETRY_AFTER in answer.headers:
            # It tells what is left of the ban, however often it is asked: General Info, "IP Limits".
            left = {RETRY_AFTER: str(ceil(self.banned_until(asked) - self._clock.seconds))}
            answer = WireAnswer(status=answer.status, body=answer.body, headers={**answer.headers, **left})
        self._answer(line, asked, fate, answer, banned=True)

    def _instead(self, asked: Asked, fate: Fate) -> WireAnswer | None:
        name = UNEXECUTED.get(fate.drastic)
        if name is None or (name == "overloaded" and self.wire.is_protected(asked.request)):
            return None
        return self.wire.failure(name, asked.request)

    def _carry_out(self, asked: Asked, conditions: Conditions) -> WireAnswer:
        self._settle_what_is_due()
        now = WireRequest(
            method=asked.request.method,
            path=asked.request.path,
            query=asked.request.query,
            body=asked.request.body,
            headers=asked.request.headers,
            address=ADDRESS,
            received_ms=self.world.clock.now_ms(),
            conditions=conditions,
        )
        self._watch.before(self.plan.venue, asked)
        answer = self.wire.handle(now)
        self._watch.after(self.plan.venue, asked, answer)
        if asked.apart and answer.status == HTTPStatus.OK:
            self._told_apart.add(asked.account)
        if asked.kind not in PURE_READS:
            self.settle()
        return answer

    def _answer(
        self, line: Line, asked: Asked, fate: Fate, answer: WireAnswer, *, banned: bool = False
    ) -> None:
        said = f"{self.plan.venue} #{asked.number} < {answer.status} {answer.body!r}"
        self._trace.note(self._clock.seconds, said)
        data = _written(answer)
        head = data.index(b"\r\n\r\n") + 4

        def arrive() -> None:
            self._watch_idle(line)
            if fate.drastic == "cut_body":
                deliver(0, len(data) - max(1, len(answer.body) // 3))
                line.hang_up()
            elif fate.dribble_s:
                half = len(data) // 2
                deliver(0, half)
                self._later(fate.dribble_s, lambda: deliver(half, len(data)))
            else:
                deliver(0, len(data))

        def deliver(first: int, end: int) -> None:
            # What the head says is told once the head is whole, to whoever still listens.
            if first < head <= end and not line.is_closing():
                self._watch.told(self.plan.venue, asked, answer.status, banned=banned)
            line.deliver(data[first:end])

        self._later(fate.down_s, arrive)

    def _watch_idle(self, line: Line) -> None:
        # A host ends connections on which nothing came for a while; a request may be on its way just then.
        heard = line.arrived

        def end() -> None:
            if line.arrived == heard:
                line.ended = True
                self._later(self.plan.latency_s / 2, line.hang_up)

        self._later(self.plan.idle_s, end)

    # The exchange's own time.

    def settle(self) -> None:
        """Do what is due at the exchange, and come back when more is."""
        self.world.settle()
        due_ms = self._quiet_until_ms = self.world.next_due_ms()
        if due_ms is None or due_ms == self._due_ms:
            return
        self._due_ms = due_ms
        self._later(max(due_ms - self.world.clock.now_ms(), 1) / 1000, self._settle_due)

    def stir(self) -> None:
        """Hear that something was changed at the exchange: what is due by it, the next request settles."""
        self._quiet_until_ms = 0

    def _settle_what_is_due(self) -> None:
        # Whoever changes something settles behind it, so that nothing becomes due unseen.
        if self._quiet_until_ms is not None and self.world.clock.now_ms() >= self._quiet_until_ms:
            self.settle()

    def _settle_due(self) -> None:
        self._due_ms = None
        self.settle()

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        self._loop.call_later(max(seconds, 0.0), act)

    def _read(self, request: bytes) -> Asked:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        path, _, query = target.partition("?")
        headers = {}
        for line in fields:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.requests += 1
        wired = WireRequest(
            method=method,
            path=path,
            query=query,
            body=body,
            headers=headers,
            address=ADDRESS,
            received_ms=self.world.clock.now_ms(),
        )
        call = self._call_of(wired) if self._call_of is not None else path
        if call.startswith("/info/"):
            self._weights.append((self._clock.seconds, read_units(call.removeprefix("/info/"))[WEIGHT]))
        return Asked(
            number=self.requests,
            sent_s=self._clock.seconds,
            account=self.wire.identify(wired),
            kind=kind_of(method, call, query),
            request=wired,
        )


def _said(request: bytes) -> tuple[bytes, bytes]:
    # Without the headers, of which one names the version of Python.
    head, _, body = request.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], body


def _written(answer: WireAnswer) -> bytes:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + answer.body
