"""World: the exchanges of one scenario on one clock."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bastion.paper.clock import Clock, RealClock, SteppedClock
from bastion.paper.document import DocumentError
from bastion.paper.exchange.venue import Exchange
from bastion.paper.feed import PricePath
from bastion.paper.refusal import Refused
from bastion.paper.rules import VenueRules
from bastion.paper.scenario import ForcedClose, OpeningAccount, Scenario, VenueSpec, changed_rules

_STEP_MS = 20


class World:
    """Every venue of a scenario. Building one either succeeds whole or raises `DocumentError`.

    `clock` takes the place of the scenario's own.
    """

    def __init__(
        self, scenario: Scenario, rules: Mapping[str, VenueRules], *, clock: Clock | None = None
    ) -> None:
        self.scenario = scenario
        self.clock: Clock = clock or _clock_of(scenario)
        self._forced = sorted(scenario.forced, key=lambda forced: forced.after_ms)
        self._started_ms = self.clock.now_ms()
        self.exchanges = {venue.name: self._exchange(venue, rules) for venue in scenario.venues}

    def settle(self) -> None:
        """Do on every exchange whatever is due."""
        for exchange in self.exchanges.values():
            exchange.settle_due()
        while self._forced and self._started_ms + self._forced[0].after_ms <= self.clock.now_ms():
            forced = self._forced.pop(0)
            # What is gone by then has nothing left that could be closed.
            with contextlib.suppress(Refused):
                self.force(forced)

    def force(self, forced: ForcedClose) -> None:
        """Let a venue close a position, now or after the freeze; raises `Refused` where there is none."""
        exchange = self.exchange(forced.venue)
        if forced.account not in exchange.account_names():
            raise DocumentError(f"There is no account {forced.account} at {forced.venue}.")
        exchange.forced.announce(
            forced.account,
            forced.symbol,
            forced.side,
            how=forced.how,
            quantity=forced.quantity,
            freeze_ms=forced.freeze_ms,
        )

    def next_due_ms(self) -> int | None:
        """Return when something will be due next, or None."""
        due = [exchange.next_due_ms() for exchange in self.exchanges.values()]
        due.extend(self._started_ms + forced.after_ms for forced in self._forced[:1])
        return min((moment for moment in due if moment is not None), default=None)

    def advance(self, by_ms: int) -> None:
        """Step the clock forward, settling on the way.

        Raises `DocumentError` when the clock is not a stepped one.
        """
        if not isinstance(self.clock, SteppedClock):
            raise DocumentError("This world runs on the machine's clock. Give the scenario a clock_start_ms.")
        left_ms = by_ms
        while left_ms > 0:
            step_ms = min(_STEP_MS, left_ms)
            self.clock.advance(step_ms)
            self.settle()
            left_ms -= step_ms

    def ramp(self, venue: str, symbol: str, price: Decimal, over_ms: int) -> None:
        """Let the mark price of `symbol` go to `price` in a straight line over `over_ms` milliseconds."""
        exchange = self.exchange(venue)
        now_ms = self.clock.now_ms()
        start = exchange.mark_price(symbol)
        exchange.play(symbol, PricePath(points=((now_ms, start), (now_ms + over_ms, price))))

    def play_tape(self, name: str, speed: Decimal) -> int:
        """Start a tape at `speed` times its own pace; return how many milliseconds it lasts."""
        paths = self.scenario.tapes.get(name)
        if paths is None:
            known = ", ".join(self.scenario.tapes) or "none"
            raise DocumentError(f"The scenario has no tape {name}; it has {known}.")
        now_ms = self.clock.now_ms()
        longest_ms = 0
        for path in paths:
            exchange = self.exchange(path.venue)
            mark = exchange.mark_price(path.symbol)
            points = tuple((now_ms + int(at_ms / speed), mark * share) for at_ms, share in path.points)
            exchange.play(path.symbol, PricePath(points=points))
            longest_ms = max(longest_ms, points[-1][0] - now_ms)
        return longest_ms

    def exchange(self, venue: str) -> Exchange:
        """Return the exchange of `venue`; raises `DocumentError` when the scenario has none of that name."""
        found = self.exchanges.get(venue)
        if found is None:
            raise DocumentError(f"There is no venue {venue}; there are {', '.join(self.exchanges)}.")
        return found

    def open_account(self, venue: str, account: OpeningAccount) -> None:
        """Add an account with its positions and orders to a venue."""
        open_account(self.exchange(venue), account)

    def _exchange(self, venue: VenueSpec, rules: Mapping[str, VenueRules]) -> Exchange:
        if venue.name not in rules:
            raise DocumentError(f"No wire speaks {venue.name}; wires speak {', '.join(rules)}.")
        changed = changed_rules(rules[venue.name], venue.rule_changes)
        exchange = Exchange(name=venue.name, rules=changed, clock=self.clock)
        for listed in venue.instruments:
            exchange.list_instrument(
                listed.instrument,
                mark=listed.mark,
                shape=listed.shape,
                funding_rate=listed.funding_rate,
            )
        for account in venue.accounts:
            open_account(exchange, account)
        return exchange


def _clock_of(scenario: Scenario) -> Clock:
    if scenario.clock_start_ms is None:
        return RealClock(offset_ms=scenario.clock_offset_ms)
    return SteppedClock(scenario.clock_start_ms)


def open_account(exchange: Exchange, account: OpeningAccount) -> None:
    """Add `account` to `exchange`: its deposits, its positions as opening trades, then its orders."""
    name = account.spec.name
    try:
        exchange.add_account(account.spec)
        for position in account.positions:
            exchange.open_position(
                name, position.symbol, position.side, quantity=position.quantity, entry=position.entry
            )
        for order in account.orders:
            exchange.place(name, replace(order))
    except (Refused, ValueError) as error:
        raise DocumentError(f"The account {name} on {exchange.name} cannot start so: {error}") from None
