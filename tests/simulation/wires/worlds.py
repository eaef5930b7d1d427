"""Worlds: what one seed draws: accounts on real wires, what they hold, and what goes wrong until it heals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from bastion.domain.selection import EVERYTHING, Selection

VENUES = ("binance", "bybit", "okx", "hyperliquid")
BASES = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC")
MARKS = {"BTC": 60000, "ETH": 3000, "SOL": 150, "XRP": 2, "ADA": 1, "LTC": 80}
HEALS_MAX_S = 15.0
BAN_HELD = 7
PORTFOLIO_SHARE = 0.3
"""In so many of the worlds with Binance its accounts are Portfolio Margin accounts, asked at `papi`."""
DRASTIC = (
    "lost_request",
    "lost_answer",
    "reset_before",
    "reset_after",
    "unavailable",
    "unknown_status",
    "unknown_executed",
    "unknown_late",
    "overloaded",
    "internal_error",
    "rate_limited",
    "banned",
    "html",
    "cut_json",
    "cut_body",
    "blank",
    "late",
)
MILD = ("empty_positions", "empty_lists", "empty_witness", "lag", "partial", "twice", "slow", "dribble")
TROUBLES = (*DRASTIC, *MILD)


@dataclass(slots=True, kw_only=True)
class HoldingDraw:
    """A position, `steps` of the contract's step large."""

    base: str
    side: str
    steps: int
    entry_share: Decimal


@dataclass(slots=True, kw_only=True)
class RestingDraw:
    """An order that somebody left at the venue: an entry or a closing one, resting or conditional."""

    base: str
    buys: bool
    steps: int
    away: Decimal
    closes: bool
    conditional: bool
    side: str = ""


@dataclass(slots=True, kw_only=True)
class EventDraw:
    """Something that happens at a venue, `at_s` after the request, whoever may look."""

    kind: str
    at_s: float
    account: str = ""
    base: str = ""
    side: str = ""
    share: Decimal = Decimal(1)


@dataclass(slots=True, kw_only=True)
class AccountDraw:
    """One account at one venue."""

    name: str
    venue: str
    hedged: bool = False
    holdings: list[HoldingDraw] = field(default_factory=list)
    resting: list[RestingDraw] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class HostDraw:
    """One venue's host: how far away it is, and how it misbehaves until `heals_at_s`.

    A list of positions leaves the symbol `hidden` out as often as `hides` says.
    """

    venue: str
    latency_s: float
    jitter_s: float
    heals_at_s: float = 0.0
    troubles: dict[str, float] = field(default_factory=dict)
    lag_s: float = 0.0
    fill_ratio: Decimal = Decimal("0.5")
    skew_s: float = 0.0
    refuses: float = 0.0
    idle_s: float = 60.0
    dead: bool = False
    dead_for_good: bool = False
    step_cap: int = 0
    portfolio: bool = False
    hidden: str = ""
    hides: float = 0.0
    events: list[EventDraw] = field(default_factory=list)

    @property
    def calm(self) -> bool:
        """Whether nothing at all goes wrong here."""
        faulty = self.dead or self.refuses or self.hides or abs(self.skew_s) > 1
        return not (self.troubles or self.events or faulty)


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that one seed decides.

    `scopes` are what the first exit and the second mean; where they do not mean everything, `names` holds how
    the desk names the contracts, by venue and base.
    """

    seed: int
    accounts: list[AccountDraw]
    hosts: dict[str, HostDraw]
    scopes: tuple[Selection, Selection] = (EVERYTHING, EVERYTHING)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    hold_s: int = 0
    deadline_s: int = 60
    second_at_s: float | None = None
    cuts_at_append: list[tuple[int, bool]] = field(default_factory=list)
    cuts_at_step: list[int] = field(default_factory=list)
    journal_fails: tuple[float, float] | None = None
    journal_slow_s: float = 0.0
    utc_jump_s: float = 0.0


def draw(seed: int) -> World:
    """Return the world of a seed: which faults it has is drawn first, then how often they strike."""
    rng = Random(f"wires {seed}")
    accounts = [_account(rng, f"a{number}") for number in range(rng.choice((1, 1, 2, 2, 3)))]
    hosts: dict[str, HostDraw] = {}
    for account in accounts:
        if account.venue not in hosts:
            hosts[account.venue] = _host(
                rng, account.venue, [a for a in accounts if a.venue == account.venue]
            )
            hosts[account.venue].portfolio = _is_portfolio(account.venue, seed)
    world = World(seed=seed, accounts=accounts, hosts=hosts, hold_s=rng.choice((0, 0, 0, 15)))
    if rng.random() < 0.25:
        world.second_at_s = rng.choice((0.0, rng.uniform(0.0, 0.6), rng.uniform(0.0, 5.0)))
    if rng.random() < 0.2:
        world.cuts_at_append = [(rng.randint(1, 25), rng.random() < 0.5) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.25:
        world.cuts_at_step = sorted(rng.randint(1, 160) for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.1:
        begin_s = rng.choice((0.0, rng.uniform(0.0, 1.0)))
        world.journal_fails = (begin_s, begin_s + rng.uniform(0.1, 20.0))
    if rng.random() < 0.1:
        world.journal_slow_s = rng.uniform(0.001, 0.3)
    if rng.random() < 0.1:
        world.utc_jump_s = rng.choice((-1, 1)) * rng.choice((0.4, 3.0, 20.0, 3600.0))
    if "bybit" in hosts and "banned" in hosts["bybit"].troubles and seed % BAN_HELD:
        # Ten minutes of silence are long: few of these worlds are held open until it is over.
        world.hold_s = 0
    return world


def _is_portfolio(venue: str, seed: int) -> bool:
    # Drawn apart, so that no other draw of the seed depends on it.
    return venue == "binance" and Random(f"papi {seed}").random() < PORTFOLIO_SHARE


def _account(rng: Random, name: str) -> AccountDraw:
    venue = rng.choice(VENUES)
    hedged = venue != "hyperliquid" and rng.random() < 0.4
    account = AccountDraw(name=f"{name}-{venue}", venue=venue, hedged=hedged)
    for base in rng.sample(BASES, rng.choice((0, 1, 2, 3, 3, 5))):
        sides = ["LONG", "SHORT"] if hedged and rng.random() < 0.4 else [rng.choice(("LONG", "SHORT"))]
        for side in sides:
            held = HoldingDraw(
                base=base,
                side=side,
                steps=rng.choice((1, 7, 20, 50, 333, 1000)),
                entry_share=Decimal(rng.choice(("0.97", "1", "1.03"))),
            )
            account.holdings.append(held)
    closing = set()
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        rest = _resting(rng, account)
        if rest.closes and (rest.base, rest.side) in closing:
            continue  # Venues reserve what a closing order would close.
        closing.add((rest.base, rest.side))
        account.resting.append(rest)
    return account


def _resting(rng: Random, account: AccountDraw) -> RestingDraw:
    away = Decimal(rng.choice(("0.01", "0.02", "0.03")))
    conditional = rng.random() < 0.5
    if account.holdings and rng.random() < 0.65:
        held = rng.choice(account.holdings)
        steps = held.steps if rng.random() < 0.6 else max(1, held.steps // 2)
        return RestingDraw(
            base=held.base,
            buys=held.side == "SHORT",
            steps=steps,
            away=away,
            closes=True,
            conditional=conditional,
            side=held.side,
        )
    buys = rng.random() < 0.5
    return RestingDraw(
        base=rng.choice(BASES),
        buys=buys,
        steps=rng.choice((10, 40)),
        away=away,
        closes=False,
        conditional=conditional,
        side="LONG" if buys else "SHORT",
    )


def _host(rng: Random, venue: str, accounts: list[AccountDraw]) -> HostDraw:
    host = HostDraw(
        venue=venue, latency_s=rng.choice((0.02, 0.05, 0.1, 0.3)), jitter_s=rng.choice((0.0, 0.01, 0.1))
    )
    if rng.random() < 0.15:
        return host
    host.heals_at_s = rng.uniform(0.0, HEALS_MAX_S)
    for name in rng.sample(TROUBLES, rng.choice((0, 1, 1, 2, 3, 5))):
        host.troubles[name] = rng.choice((0.05, 0.15, 0.4, 0.8))
    if "banned" in host.troubles:
        host.troubles["banned"] = 0.03
    if {"empty_positions", "empty_witness"} <= host.troubles.keys():
        # Where both pages lie alike, nothing tells the lie from an empty account (decision 22).
        del host.troubles["empty_witness"]
    if host.venue == "hyperliquid" and {"empty_positions", "empty_lists"} <= host.troubles.keys():
        # There the executions are the other page.
        del host.troubles["empty_lists"]
    host.lag_s = rng.choice((0.3, 1.0, 3.0, 8.0))
    host.fill_ratio = Decimal(rng.choice(("0", "0.1", "0.5", "0.9")))
    if rng.random() < 0.1:
        host.refuses = rng.choice((0.1, 0.5))
    host.skew_s = rng.choice((0.0, 0.0, 0.0, rng.uniform(-1.0, 1.0), rng.uniform(-8.0, 8.0)))
    host.idle_s = rng.choice((1.0, 5.0, 60.0))
    if rng.random() < 0.15:
        host.step_cap = rng.choice((100, 300))
    fate = rng.random()
    if fate < 0.04:
        host.dead = True
    elif fate < 0.07:
        host.dead = host.dead_for_good = True
    host.events = _events(rng, accounts)
    return host


def _events(rng: Random, accounts: list[AccountDraw]) -> list[EventDraw]:
    events: list[EventDraw] = []
    for account in accounts:
        events.extend(
            EventDraw(
                kind=rng.choice(("adl", "liquidation", "manual_close", "shrink", "grow")),
                at_s=rng.choice((rng.uniform(0.0, 0.6), rng.uniform(0.0, 4.0))),
                account=account.name,
                base=held.base,
                side=held.side,
                share=Decimal(rng.choice(("0.1", "0.5"))),
            )
            for held in account.holdings
            if rng.random() < 0.15
        )
        if account.holdings and rng.random() < 0.1:
            held = rng.choice(account.holdings)
            kind = rng.choice(("reopen", "reopen", "bot_order"))
            at_s = rng.uniform(0.5, 14.0)
            events.append(
                EventDraw(kind=kind, at_s=at_s, account=account.name, base=held.base, side=held.side)
            )
        for rest in account.resting:
            if rng.random() < 0.4:
                # The price comes by and the order fires, or fills, while the exit is under way.
                above = rest.buys is rest.conditional
                share = 1 + rest.away * 2 if above else 1 - rest.away * 2
                at_s = rng.choice((rng.uniform(0.0, 0.6), rng.uniform(0.0, 3.0)))
                events.append(EventDraw(kind="price", at_s=at_s, base=rest.base, share=share))
    if rng.random() < 0.12:
        kind = rng.choice(("band", "thin", "no_depth"))
        events.append(EventDraw(kind=kind, at_s=rng.choice((0.0, 0.0, rng.uniform(0.0, 2.0)))))
    return sorted(events, key=lambda event: event.at_s)
