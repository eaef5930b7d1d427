"""A plain model of the margin venue: dictionaries and fractions, written from the rules alone.

It shares no code with the venue. Every verb returns what the venue should answer: a tuple whose first word
is the outcome, or ``("refused", reason)``.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

EIGHT_HOURS_US = 8 * 3_600 * 1_000_000
Outcome = tuple[object, ...]


@dataclass
class Held:
    number: int
    wallet: str
    symbol: str
    side: int
    margin: int
    leverage: int
    entry: int
    opened: int
    state: str = "open"
    funding: int = 0
    realized: int = 0
    fee: int = 0
    need: int = 0

    @property
    def notional(self) -> int:
        return self.margin * self.leverage

    def pnl(self, mark: int) -> int:
        return floor(Fraction(self.side * self.notional * (mark - self.entry), self.entry))


@dataclass
class Model:
    spread: Fraction = Fraction(1, 10_000)
    available: dict[str, int] = field(default_factory=dict)
    deposited: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    keys: dict[tuple[str, str], int] = field(default_factory=dict)
    treasury: int = 0
    endowed: int = 0
    suspended: bool = False
    paid_order: list[int] = field(default_factory=list)
    closed_order: list[int] = field(default_factory=list)

    def of(self, state: str, wallet: str | None = None, symbol: str | None = None) -> list[Held]:
        return [
            held
            for held in self.held.values()
            if held.state == state and wallet in {None, held.wallet} and symbol in {None, held.symbol}
        ]

    def deposit(self, wallet: str, amount: int) -> Outcome:
        self.available[wallet] = self.available.get(wallet, 0) + amount
        self.deposited[wallet] = self.deposited.get(wallet, 0) + amount
        return ("moved", amount)

    def withdraw(self, wallet: str, amount: int) -> Outcome:
        if self.suspended:
            return ("refused", "withdrawals_suspended")
        if self.available.get(wallet, 0) < amount:
            return ("refused", "insufficient_balance")
        self.available[wallet] -= amount
        self.withdrawn[wallet] = self.withdrawn.get(wallet, 0) + amount
        return ("moved", amount)

    def endow(self, amount: int) -> Outcome:
        self.treasury += amount
        self.endowed += amount
        self.drain()
        return ("endowed", amount)

    def open(self, wallet: str, symbol: str, side: int, margin: int, leverage: int, now: int) -> Outcome:
        if symbol in self.halted:
            return ("refused", "market_halted")
        if symbol not in self.marks:
            return ("refused", "oracle_stale")
        if margin < 1_000_000:
            return ("refused", "bad_amount")
        if self.available.get(wallet, 0) < margin:
            return ("refused", "insufficient_balance")
        moved = self.marks[symbol] * (1 + side * self.spread)
        entry = ceil(moved) if side > 0 else floor(moved)
        if entry < 1:
            return ("refused", "oracle_stale")
        number = len(self.held) + 1
        self.available[wallet] -= margin
        self.held[number] = Held(number, wallet, symbol, side, margin, leverage, entry, now)
        return ("opened", number, entry)

    def _mine(self, wallet: str, number: int) -> Held | Outcome:
        held = self.held.get(number)
        if held is None or held.state == "exited":
            return ("refused", "unknown_position")
        if held.wallet != wallet:
            return ("refused", "not_owner")
        return held if held.state == "open" else ("refused", "not_open")

    def exit(self, wallet: str, number: int, key: str | None) -> Outcome:
        if key is not None and (wallet, key) in self.keys:
            first = self.keys[wallet, key]
            if first != number:
                return ("refused", "idempotency_conflict")
            return ("exited", number, self.held[number].margin, True)
        held = self._mine(wallet, number)
        if isinstance(held, tuple):
            return held
        held.state = "exited"
        self.available[wallet] += held.margin
        if key is not None:
            self.keys[wallet, key] = number
        return ("exited", number, held.margin, False)

    def close(self, wallet: str, number: int) -> Outcome:
        held = self._mine(wallet, number)
        if isinstance(held, tuple):
            return held
        if held.symbol in self.halted:
            return ("refused", "market_halted")
        mark = self.marks[held.symbol]
        price = held.pnl(mark)
        gross = price + held.funding
        if price > 0 and gross > 0:
            move = Fraction(abs(mark - held.entry), held.entry)
            size = max(Fraction(1), Fraction(held.notional, 10**12))
            held.fee = min(gross, ceil(price * Fraction(3, 10) / (1 + 10 * move) * size))
        held.realized = max(-held.margin, gross - held.fee)
        if held.realized <= 0:
            held.state = "settled"
            self.available[wallet] += held.margin + held.realized
            self.treasury -= held.realized
            self.drain()
        elif not self.queue and held.realized <= self.treasury:
            held.state = "settled"
            self.treasury -= held.realized
            self.available[wallet] += held.margin + held.realized
        else:
            held.state = "closed"
            held.need = held.realized
            self.queue.append(number)
            self.closed_order.append(number)
            return ("closed", "closed", held.realized, held.fee)
        return ("closed", "settled", held.realized, held.fee)

    def drain(self) -> None:
        while self.queue and self.held[self.queue[0]].need <= self.treasury:
            held = self.held[self.queue.pop(0)]
            held.state = "settled"
            self.treasury -= held.need
            self.available[held.wallet] += held.margin + held.need
            self.paid_order.append(held.number)

    def _liquidate(self, symbol: str) -> tuple[int, ...]:
        if symbol in self.halted or symbol not in self.marks:
            return ()
        gone = [
            held
            for held in self.of("open", symbol=symbol)
            if held.margin + held.pnl(self.marks[symbol]) + held.funding <= 0
        ]
        for held in gone:
            held.state = "liquidated"
            held.realized = -held.margin
            self.treasury += held.margin
        if gone:
            self.drain()
        return tuple(sorted(held.number for held in gone))

    def tick(self, symbol: str, mark: int) -> Outcome:
        self.marks[symbol] = mark
        return ("marked", self._liquidate(symbol))

    def fund(self, symbol: str, now: int) -> Outcome:
        if symbol in self.halted:
            return ("refused", "market_halted")
        everyone = self.of("open", symbol=symbol)
        total = sum(held.notional for held in everyone)
        skew = Fraction(sum(held.side * held.notional for held in everyone), total) if total else Fraction(0)
        premium = skew / 2
        clamped = min(Fraction(5, 100), max(Fraction(-5, 100), Fraction(1, 100) - premium))
        rate = (premium + clamped) / 800
        old = [held for held in everyone if now - held.opened >= EIGHT_HOURS_US]
        payers = [held for held in old if held.side * rate > 0]
        takers = [held for held in old if held.side * rate < 0]
        touched = 0
        if payers and takers:
            share = Fraction(sum(held.notional for held in payers), sum(held.notional for held in takers))
            for held in payers:
                held.funding -= ceil(held.notional * abs(rate))
            for held in takers:
                held.funding += floor(held.notional * abs(rate) * share)
            touched = len(old)
        return ("funded", touched, self._liquidate(symbol))

    def halt(self, symbol: str, *, halted: bool) -> Outcome:
        if halted:
            self.halted.add(symbol)
            return ("switched", ())
        self.halted.discard(symbol)
        return ("switched", self._liquidate(symbol))

    def void(self, symbol: str) -> Outcome:
        self.halted.add(symbol)
        refunded = []
        for held in self.of("open", symbol=symbol):
            held.state = "exited"
            self.available[held.wallet] += held.margin
            refunded.append((held.number, held.margin))
        return ("voided", tuple(refunded))
