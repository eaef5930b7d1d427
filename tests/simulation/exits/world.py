"""World: what one seed draws: venues with their holdings, their lies and faults, and when they heal."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from bastion.errors import Fault

REJECTIONS = (
    "retry",
    "rate_limit",
    "clock",
    "mode",
    "size",
    "band",
    "resolve_not_executed",
    "resolve_executed",
    "maybe_flat",
)
FAULT_OF = {
    "retry": Fault.RETRY,
    "rate_limit": Fault.RATE_LIMIT,
    "clock": Fault.CLOCK,
    "mode": Fault.MODE,
    "size": Fault.SIZE,
    "band": Fault.BAND,
    "maybe_flat": Fault.MAYBE_FLAT,
}
TROUBLES = (
    "unreachable",
    "timeout_before",
    "timeout_after",
    "reset_after",
    "late",
    "delivered_twice",
    "surprise_before",
    "surprise_after",
    *REJECTIONS,
)
LIES = (
    "none",
    "none",
    "lag",
    "lag",
    "empty_once",
    "empty_while",
    "cold_start",
    "orders_lag",
    "orders_empty_once",
    "fills_lag",
    "fills_missing",
)
STYLES_OF_BLOCKING = ("none", "blocked", "maybe_flat")


@dataclass(slots=True, kw_only=True)
class HoldingDraw:
    instrument: str
    side: str
    quantity: Decimal
    entry: Decimal
    mark: Decimal


@dataclass(slots=True, kw_only=True)
class OrderDraw:
    instrument: str
    buys: bool
    quantity: Decimal
    reduce_only: bool
    conditional: bool
    side: str = ""
    fires_at_s: float | None = None


@dataclass(slots=True, kw_only=True)
class EventDraw:
    kind: str
    instrument: str
    side: str
    at_s: float
    quantity: Decimal


@dataclass(slots=True, kw_only=True)
class Ambush:
    """What happens when an account comes into a phase, `delay_s` after that, and how long it lasts."""

    fault: str
    phase: str
    delay_s: float = 0.0
    lasts_s: float = 0.0
    instrument: str = ""
    side: str = ""
    quantity: Decimal = Decimal(0)


@dataclass(slots=True, kw_only=True)
class VenueDraw:
    """One venue: what it holds and how it misbehaves until `heals_at_s` (seconds after the request)."""

    name: str
    hedged: bool
    latency_s: float
    jitter_s: float
    heals_at_s: float
    holdings: list[HoldingDraw] = field(default_factory=list)
    orders: list[OrderDraw] = field(default_factory=list)
    events: list[EventDraw] = field(default_factory=list)
    troubles: dict[str, float] = field(default_factory=dict)
    lie: str = "none"
    lag_s: float = 0.0
    unread: float = 0.0
    hangs: float = 0.0
    read_surprises: float = 0.0
    fills_fail: float = 0.0
    lookup_fails: float = 0.0
    second_fails: float = 0.0
    cancel_fails: float = 0.0
    partial: float = 0.0
    slow_match_s: float = 0.0
    blocking: str = "none"
    maximum: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    instruments_known: bool = True
    names_client_ids: bool = True
    dates_looks: bool = True
    stops_vanish: bool = False
    dead: bool = False
    dead_for_good: bool = False
    terminal: bool = False
    terminal_for_good: bool = False
    style: str = "generic"
    ambushes: list[Ambush] = field(default_factory=list)
    outlives: bool = False
    cancel_late: float = 0.0
    fills_twice: float = 0.0
    size_free: bool = False
    lies_often: float = 0.5
    lies_late: bool = False
    """What goes wrong with its looks begins with the hold."""
    hides_s: tuple[float, float] = (0.0, 0.0)
    """From when until when (seconds after the request) no list shows the orders that could open something."""

    @property
    def calm(self) -> bool:
        """Whether nothing at all goes wrong here."""
        return (
            not self.troubles
            and self.lie == "none"
            and not self.events
            and not any(order.fires_at_s is not None for order in self.orders)
            and self.blocking == "none"
            and not self.minimum
            and not self.maximum
            and not (self.unread or self.hangs or self.read_surprises or self.fills_fail)
            and not (self.lookup_fails or self.second_fails or self.cancel_fails or self.partial)
            and not (self.slow_match_s or self.dead or self.terminal)
            and not (self.ambushes or self.outlives or self.cancel_late or self.fills_twice)
            and not any(self.hides_s)
        )

    @property
    def faults(self) -> int:
        """How many troubles, lies, events and ambushes are drawn; what only has a rate is not counted."""
        return len(self.troubles) + len(self.events) + len(self.ambushes) + (self.lie != "none")

    @property
    def hopeless(self) -> bool:
        """Whether no exit can ever be flat here."""
        return self.dead_for_good or self.terminal_for_good


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that one seed decides."""

    seed: int
    venues: list[VenueDraw]
    hold_s: int = 0
    deadline_s: int = 60
    cuts_at_append: list[tuple[int, bool]] = field(default_factory=list)
    cuts_at_s: list[float] = field(default_factory=list)
    cut_at_step: int = 0
    journal_fails: tuple[float, float] | None = None
    journal_slow_s: float = 0.0
    utc_jump_s: float = 0.0

    @property
    def dawdles(self) -> bool:
        """Whether the journal is late at times, so that an order may leave before its intent is durable."""
        ambushes = (one.fault for venue in self.venues for one in venue.ambushes)
        return self.journal_slow_s > 0 or "journal_slow" in ambushes


def draw(seed: int) -> World:
    """Return the world of a seed: which faults it has is drawn first, then how often they strike."""
    rng = Random(f"world {seed}")
    venues = [draw_venue(rng, f"v{number}") for number in range(rng.choice((1, 2, 3, 3, 4)))]
    world = World(seed=seed, venues=venues, hold_s=rng.choice((0, 0, 0, 20)))
    if rng.random() < 0.3:
        world.cuts_at_append = [(rng.randint(1, 25), rng.random() < 0.5) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        world.cuts_at_s = [rng.uniform(0.0, 2.5) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.2:
        begin = rng.choice((0.0, rng.uniform(0.0, 1.0)))
        world.journal_fails = (begin, begin + rng.uniform(0.1, 30.0))
    if rng.random() < 0.15:
        world.journal_slow_s = rng.uniform(0.001, 0.3)
    if rng.random() < 0.1:
        world.utc_jump_s = rng.uniform(-3600.0, 3600.0)
    return world


def draw_venue(rng: Random, name: str) -> VenueDraw:  # noqa: C901 - one draw after the other, in a fixed order
    venue = VenueDraw(
        name=name,
        hedged=rng.random() < 0.3,
        latency_s=rng.uniform(0.01, 0.4),
        jitter_s=rng.uniform(0.0, 0.1),
        heals_at_s=rng.uniform(0.0, 20.0),
    )
    for number in range(rng.choice((0, 1, 2, 3, 3, 4, 6, 8))):
        add_holding(rng, venue, f"C{number}USDT")
    for number in range(rng.choice((0, 0, 1, 2))):
        add_resting(rng, venue, f"C{number}USDT")
    if rng.random() < 0.25:
        return venue
    venue.troubles = {
        name: rng.choice((0.1, 0.3, 0.6, 1.0))
        for name in rng.sample(TROUBLES, rng.choice((0, 1, 1, 2, 3, 5)))
    }
    venue.lie = rng.choice(LIES)
    venue.lag_s = rng.choice((0.3, 1.0, 3.0, 10.0))
    if venue.lie == "cold_start":
        venue.lag_s = rng.uniform(0.05, 0.24)
    if venue.lie == "lag" and rng.random() < 0.5:
        race(rng, venue)
    for fault in (
        "unread",
        "hangs",
        "read_surprises",
        "fills_fail",
        "lookup_fails",
        "cancel_fails",
        "partial",
    ):
        if rng.random() < 0.15:
            setattr(venue, fault, rng.choice((0.1, 0.4, 0.8)))
    if venue.lie in {"none", "orders_lag", "orders_empty_once"} and rng.random() < 0.2:
        venue.second_fails = rng.choice((0.2, 1.0))
    if rng.random() < 0.2:
        venue.slow_match_s = rng.uniform(0.02, 3.0)
    venue.blocking = rng.choice(STYLES_OF_BLOCKING)
    if rng.random() < 0.2:
        venue.maximum = Decimal(rng.choice((1, 2, 5)))
    if rng.random() < 0.15:
        venue.minimum = Decimal("0.5")
    venue.instruments_known = rng.random() < 0.8 or bool(venue.minimum)
    venue.names_client_ids = rng.random() < 0.7
    venue.dates_looks = rng.random() < 0.8
    venue.stops_vanish = rng.random() < 0.4
    _fate(rng, venue)
    add_events(rng, venue)
    return venue


def add_holding(rng: Random, venue: VenueDraw, instrument: str) -> None:
    sides = ["LONG", "SHORT"] if venue.hedged and rng.random() < 0.4 else [rng.choice(("LONG", "SHORT"))]
    for side in sides:
        mark = Decimal(rng.randint(100, 50_000)) / 10
        venue.holdings.append(
            HoldingDraw(
                instrument=instrument,
                side=side,
                quantity=Decimal(rng.choice((1, 2, 5, 10, 37))) / 10 * rng.choice((1, 1, 1, 10)),
                entry=mark * Decimal(rng.choice(("0.9", "1.1", "1"))),
                mark=mark,
            )
        )


def add_resting(rng: Random, venue: VenueDraw, instrument: str) -> None:
    held = [one for one in venue.holdings if one.instrument == instrument]
    if held and rng.random() < 0.6:
        one = rng.choice(held)
        venue.orders.append(
            OrderDraw(
                instrument=instrument,
                buys=one.side == "SHORT",
                quantity=one.quantity,
                reduce_only=True,
                conditional=rng.random() < 0.6,
                side=one.side if venue.hedged else "",
                fires_at_s=rng.uniform(0.0, 5.0) if rng.random() < 0.3 else None,
            )
        )
        return
    buys = rng.random() < 0.5
    venue.orders.append(
        OrderDraw(
            instrument=instrument,
            buys=buys,
            quantity=Decimal(rng.choice((1, 3, 8))) / 10,
            reduce_only=False,
            conditional=rng.random() < 0.3,
            side=("LONG" if buys else "SHORT") if venue.hedged else "",
            fires_at_s=rng.uniform(0.0, 1.5) if rng.random() < 0.5 else None,
        )
    )


def race(rng: Random, venue: VenueDraw) -> None:
    # An entry order fills while its cancel travels, on an instrument that held nothing.
    buys = rng.random() < 0.5
    venue.orders.append(
        OrderDraw(
            instrument="C9USDT",
            buys=buys,
            quantity=Decimal(1),
            reduce_only=False,
            conditional=False,
            side=("LONG" if buys else "SHORT") if venue.hedged else "",
            fires_at_s=venue.latency_s * rng.uniform(0.6, 1.5),
        )
    )


def _fate(rng: Random, venue: VenueDraw) -> None:
    fate = rng.random()
    if fate < 0.06:
        venue.dead = True
    elif fate < 0.10:
        venue.dead = venue.dead_for_good = True
    elif fate < 0.13:
        venue.terminal = venue.terminal_for_good = True


def add_events(rng: Random, venue: VenueDraw) -> None:
    for one in venue.holdings:
        if rng.random() < 0.12:
            venue.events.append(
                EventDraw(
                    kind=rng.choice(("adl", "adl_silent", "manual_close", "grow", "shrink")),
                    instrument=one.instrument,
                    side=one.side if venue.hedged else "",
                    at_s=rng.uniform(0.0, 4.0),
                    quantity=one.quantity * Decimal(rng.choice(("0.1", "0.5", "1"))),
                )
            )
    if venue.holdings and rng.random() < 0.1:
        one = rng.choice(venue.holdings)
        venue.events.append(
            EventDraw(
                kind="reopen",
                instrument=one.instrument,
                side=one.side if venue.hedged else "",
                at_s=rng.uniform(1.0, 15.0),
                quantity=one.quantity,
            )
        )
