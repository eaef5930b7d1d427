"""Judge: holds what the desk does and says against each exchange's own ledger, step by step."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from bastion.domain.look import Look
from bastion.domain.records import Entry, LegJudged, LegReopened, Looked, RoundIntended
from bastion.domain.verdict import Verdict
from bastion.exits.report import ExitReport
from bastion.paper.order import Direction, Order, OrderFilter, PositionSide
from bastion.paper.wire.protocol import WireAnswer
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from tests.simulation.exits.virtual_time import VirtualClock
from tests.simulation.wires.calls import Kind
from tests.simulation.wires.host import Asked, Host
from tests.simulation.wires.weather import Fate
from tests.simulation.wires.whereabouts import Whereabouts
from tests.simulation.wires.worlds import EventDraw, World

CALM_FLAT_S = 4.0
HEAL_GRACE_S = 20.0
CONNECTING_S = 0.25
MINUTE_S = 60.0
# Where a kept connection breaks off, a read is repeated; that is charged, but has left by then.
BROKEN_OFF = {"reset_before", "reset_after", "blank"}
UNEVEN = {"late", "slow", "twice", "unknown_late", *BROKEN_OFF}
EVERY = OrderFilter()
OURS = re.compile(r"bst[0-9a-z]{21}")
Place = tuple[str, str, PositionSide]
"""Account, symbol and side."""


@dataclass(slots=True)
class Held:
    """A true position, since when the account holds it, and when it last grew."""

    quantity: Decimal
    since_s: float
    grown_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Judge:
    """Hears of every request and every record; each breach of a rule becomes a sentence in `violations`."""

    world: World
    clock: VirtualClock
    intended: Callable[[], set[str]] = set
    violations: list[str] = field(default_factory=list)
    hosts: dict[str, Host] = field(default_factory=dict)
    held: dict[Place, Held] = field(default_factory=dict)
    looks: dict[str, list[Look]] = field(default_factory=dict)
    judged_s: dict[str, float] = field(default_factory=dict)
    whereabouts: dict[str, Whereabouts] = field(default_factory=dict)
    rungs: Counter[str] = field(default_factory=Counter)
    known: dict[str, int] = field(default_factory=dict)
    ours: set[tuple[str, int]] = field(default_factory=set)
    filled: dict[str, int] = field(default_factory=dict)
    executed: dict[str, int] = field(default_factory=dict)
    quiet: dict[tuple[str, bool], tuple[float, float]] = field(default_factory=dict)
    limited_s: dict[str, float] = field(default_factory=dict)
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    resting: list[Order] = field(default_factory=list)
    cleared: dict[str, set[str]] = field(default_factory=dict)
    step: Callable[[], None] = lambda: None
    requested: set[str] = field(default_factory=set)
    cuts: int = 0
    starved: int = 0
    run_began_s: float = 0.0
    began_s: float = 0.0

    # What the hosts tell.

    def begin(self) -> None:
        """Take the books as they stand before anything happens."""
        self.began_s = self.clock.seconds
        for one in self.world.accounts:
            self.whereabouts[one.name] = Whereabouts(
                venue=one.venue, mode="hedged" if one.hedged else "one-way"
            )
        for host in self.hosts.values():
            for account in host.exchange.account_names():
                self.known[account] = len(host.exchange._orders._by_account.get(account, ()))
                self._follow(host, account)
        for held in self.held.values():
            held.since_s, held.grown_s = self.began_s - 3600, 0.0

    def sent(self, venue: str, asked: Asked, fate: Fate) -> None:
        from_s, until_s = self.quiet.get((venue, asked.apart), (0.0, 0.0))
        if from_s <= asked.sent_s < until_s:
            self.broken(f"{venue} wants silence for {until_s - asked.sent_s:.1f} s more, and was asked")
        where = self.whereabouts[asked.account or next(iter(self.hosts[venue].exchange.account_names()))]
        where.asks(asked.kind)
        for word in fate.words:
            where.struck(word)
        self.step()

    def before(self, venue: str, asked: Asked) -> None:
        self.happened(venue)
        if asked.kind in {Kind.CANCEL, Kind.SWEEP} and asked.account:
            self.resting = self._stops(venue, asked.account)

    def after(self, venue: str, asked: Asked, answer: WireAnswer) -> None:
        host = self.hosts[venue]
        if _is_too_much(venue, answer) or host.is_spent():
            self.limited_s[venue] = self.clock.seconds + MINUTE_S
        # What the network held back, or brought twice, comes in a heap that nobody sent so.
        if _is_too_much(venue, answer) and not self.cuts and not UNEVEN & host.plan.troubles.keys():
            self.broken(f"{venue} answered {answer.status} by its own limits to {asked.request.path}")
        if asked.kind is Kind.PLACE and asked.account:
            for order in self._new(host, asked.account):
                if not order.parent_id:
                    self.ours.add((asked.account, order.order_id))
                    self._placed(asked, order)
        if asked.kind in {Kind.CANCEL, Kind.SWEEP} and asked.account:
            left = {order.order_id for order in self._stops(venue, asked.account)}
            for order in self.resting:
                if order.order_id not in left:
                    self._stop_cancelled(asked.account, order)
        self.happened(venue)

    def told(self, venue: str, asked: Asked, status: int, *, banned: bool) -> None:
        del status
        host = self.hosts[venue]
        if banned:
            # What was connecting at that moment had passed the throttle already; and the desk counts from
            # the answer, which was under way for a while.
            told = (self.clock.seconds + CONNECTING_S, host.banned_until(asked))
            self.quiet[venue, asked.apart] = told
        self.step()

    def happened(self, venue: str) -> None:
        """Look at what changed in the books of a venue since the last time."""
        host = self.hosts[venue]
        executed = len(host.exchange._settlement.fills)
        moved = self.executed.get(venue) != executed
        self.executed[venue] = executed
        for account in host.exchange.account_names():
            self._new(host, account)
            if moved:
                self._follow(host, account)

    def event(self, host: Host, event: EventDraw) -> None:
        """Hear of something that took place at a venue by itself."""
        self.happened(host.plan.venue)
        names = [event.account] if event.account else list(host.exchange.account_names())
        for name in names:
            self.whereabouts[name].struck(event.kind)

    # What the journal tells.

    def hear(self, entry: Entry) -> None:
        """Hear of an entry at the moment when it is durable."""
        record = entry.record
        if isinstance(record, Looked):
            self.looks.setdefault(record.account, []).append(record.look)
            self.whereabouts[record.account].saw(record.look)
        elif isinstance(record, RoundIntended):
            self.rungs.update(order.kind.value for order in record.orders)
            # The venue said that these hold the size: their going first is the only way to close.
            # By both names: OKX's own are longer on the wire than in the books.
            cleared = self.cleared.setdefault(record.account, set())
            cleared.update(one.order_id for one in record.clears)
            cleared.update(one.client_order_id for one in record.clears if one.client_order_id)
        elif isinstance(record, LegReopened):
            self.whereabouts[record.account].judged = False
            self.judged_s.pop(record.account, None)
        elif isinstance(record, LegJudged):
            self.whereabouts[record.account].judged = True
            if not record.verdict.success:
                self.judged_s.pop(record.account, None)
            else:
                self.judged_s.setdefault(record.account, self.clock.seconds)
                self._must_be_flat(record)

    def power_lost(self) -> None:
        """Hear that the process is gone, and with it all that it knew."""
        self.cuts += 1
        self.quiet.clear()
        for where in self.whereabouts.values():
            where.struck("power_cut")
            where.begins_again()

    def finish(self, report: ExitReport) -> None:
        """Check what an exit says in the end."""
        verdict = report.verdict
        if verdict is None:
            self.broken("the exit ended without a verdict (I8)")
            return
        if report.success != verdict.success or (report.errors and report.success):
            self.broken("success and verdict disagree")
        if not verdict.success and (report.next_step is None or not (report.residual or report.unread)):
            self.broken(f"{verdict} names nothing that is left or unread")
        self._live(report)
        self._explained()

    def broken(self, sentence: str) -> None:
        """Note a breach."""
        if len(self.violations) < 50:
            self.violations.append(f"{self.clock.seconds - self.began_s:.3f} s: {sentence}")

    # The rules.

    def means(self, exit_id: str, account: str, symbol: str, side: str) -> bool:
        """Return whether that exit means an account's contract on a side; here each means everything."""
        del exit_id, account, symbol, side
        return True

    def _placed(self, asked: Asked, order: Order) -> None:
        request = order.request
        named = client_id_of(order.client_order_id)
        if not named.startswith("bst"):
            # Some venues split a large order by themselves, and name the parts as they like.
            named = next(iter(OURS.findall(asked.request.body.decode())), named)
        self.names[asked.account, order.order_id] = named
        if named not in self.intended():
            self.broken(f"the order {named} of {asked.account} has no journaled intent (I2)")
        if not (
            request.reduce_only or request.close_position or request.position_side is not PositionSide.NET
        ):
            self.broken(f"the order {named} of {asked.account} is not bound to reduce (law 3)")

    def _explained(self) -> None:
        intended = self.intended()
        for host in self.hosts.values():
            for account in host.exchange.account_names():
                for fill in host.exchange.fills(account):
                    order = host.exchange.find_order(account, order_id=fill.order_id)
                    ours = (account, fill.order_id) in self.ours
                    if order is not None and not ours:
                        ours = client_id_of(order.client_order_id).startswith("bst")
                    if ours and self.names.get((account, fill.order_id)) not in intended:
                        self.broken(f"the journal does not explain a fill of {account} in {fill.symbol} (I9)")

    def _stops(self, venue: str, account: str) -> list[Order]:
        return [
            order
            for order in self.hosts[venue].exchange.open_orders(account, EVERY)
            if order.is_conditional
            and (order.request.reduce_only or order.request.close_position)
            and (account, order.order_id) not in self.ours
        ]

    def _stop_cancelled(self, account: str, order: Order) -> None:
        # A position that somebody grew or opened since the last look is nobody's knowledge yet.
        held = self.held.get((account, order.symbol, order.request.position_side))
        looked_s = self.looks[account][-1].begun_ns / 1e9 if self.looks.get(account) else 0.0
        if held is None or held.quantity == 0 or held.since_s >= min(self.began_s, looked_s):
            return
        closes = held.quantity * order.request.direction.sign < 0
        names = {str(order.order_id), client_id_of(order.client_order_id)}
        if closes and held.grown_s < looked_s and not names & self.cleared.get(account, set()):
            self.broken(f"the stop {order.order_id} of {account} went before its position was closed (I7)")

    def _follow(self, host: Host, account: str) -> None:
        fills = host.exchange.fills(account)
        seen = self.filled.get(account, 0)
        for fill in fills[seen:]:
            place = (account, fill.symbol, fill.position_side)
            held = self.held.setdefault(place, Held(Decimal(0), self.clock.seconds))
            before = held.quantity
            held.quantity += fill.quantity * fill.direction.sign
            if (account, fill.order_id) in self.ours and not (
                abs(held.quantity) < abs(before) and held.quantity * before >= 0
            ):
                self.broken(f"an order of ours moved {place} from {before} to {held.quantity} (I1)")
            if before == 0 or held.quantity * before < 0:
                held.since_s = self.clock.seconds
            if abs(held.quantity) > abs(before):
                held.grown_s = self.clock.seconds
        self.filled[account] = len(fills)

    def _new(self, host: Host, account: str) -> Iterable[Order]:
        # The store's own list, whose order is that of taking: this is asked twice for each request.
        store = host.exchange._orders
        ids = store._by_account.get(account, [])
        known, self.known[account] = self.known[account], len(ids)
        return [store.newest(order_id) for order_id in ids[known:]]

    def _must_be_flat(self, record: LegJudged) -> None:
        account = record.account
        host = self.hosts[self._venue(account)]
        looks = [look for look in self.looks.get(account, []) if look.complete]
        since_s = looks[-1].begun_ns / 1e9 if looks else 0.0
        lag_s = host.plan.lag_s if "lag" in host.plan.troubles else 0.0
        dust = {(position.instrument, position.side.value) for position in record.dust}
        for (name, symbol, side), held in self.held.items():
            if name != account or held.quantity == 0:
                continue
            shown = "LONG" if held.quantity > 0 else "SHORT"
            if not self.means(record.exit_id, account, symbol, shown):
                continue
            least = host.exchange.instrument(symbol).quantity_min
            if (symbol, shown) in dust and abs(held.quantity) < least:
                continue
            old = held.since_s < self.began_s
            if held.since_s < since_s - (0.0 if old else lag_s):
                self.broken(f"{record.verdict} while {account} holds {held.quantity} {symbol} {side} (I3)")
        for order in host.exchange.open_orders(account, EVERY):
            if not self.means(record.exit_id, account, order.symbol, side_of(order)):
                continue
            if order.created_ms < host.world.clock.now_ms() - (self.clock.seconds - since_s + lag_s) * 1000:
                self.broken(f"{record.verdict} while the order {order.client_order_id} works (I3)")

    def _live(self, report: ExitReport) -> None:
        left = {row.account for row in report.residual if row.kind != "dust"}
        left |= {part.account for part in report.unread}
        for one in self.world.accounts:
            host = self.hosts[one.venue]
            plan = host.plan
            judged_s = self.judged_s.get(one.name)
            if plan.dead_for_good:
                if one.name not in left:
                    self.broken(f"{one.name} is beyond help, but the report does not name it")
                continue
            # One process never spends the whole of an address's weight; several after each other, each of
            # which lost power and with it all that it knew, can, and have to wait.
            limited_s = self.limited_s.get(one.venue, 0.0) if self.cuts else 0.0
            healed_s = max(host.proves_from_s(one.name), self.run_began_s, limited_s)
            limit_s = healed_s + HEAL_GRACE_S + plan.lag_s
            if one.name in left and self.clock.seconds < limit_s:
                self.starved += limited_s > host.heals_s
                continue  # It had no time to be closed since it could be.
            if one.name in left:
                self.broken(f"{one.name} healed, but the verdict is {report.verdict}: {report.summary}")
                continue
            if judged_s is None:
                continue
            if plan.calm and not self.cuts:
                limit_s = self.began_s + CALM_FLAT_S + 20 * (plan.latency_s + plan.jitter_s)
            if judged_s > limit_s and not self.world.hold_s:
                self.broken(f"{one.name} was flat {judged_s - limit_s:.1f} s later than it could be")
        if not left and report.verdict not in {Verdict.FLAT, Verdict.FLAT_WITH_DUST}:
            self.broken(f"nothing is left, but the verdict is {report.verdict}")

    def _venue(self, account: str) -> str:
        return next(one.venue for one in self.world.accounts if one.name == account)

    def hedged(self, account: str) -> bool:
        return any(one.hedged for one in self.world.accounts if one.name == account)


def side_of(order: Order) -> str:
    """Return the side of the position that an order would open or grow, or, where it reduces only, reduce."""
    request = order.request
    if request.position_side is not PositionSide.NET:
        return request.position_side.value
    reduces = request.reduce_only or request.close_position
    return "LONG" if (request.direction is Direction.BUY) is not reduces else "SHORT"


def _is_too_much(venue: str, answer: WireAnswer) -> bool:
    if venue == "bybit":
        return answer.status == 403 or b'"retCode":10006' in answer.body
    return answer.status in {418, 429}
