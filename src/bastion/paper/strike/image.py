"""Image: the whole venue in memory, built by applying what the database holds.

The writer decides against one image; readers look at a second one that has only what is committed.
Starting, recovering and following are the same few methods.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bastion.paper.strike.draft import Draft, MarketRow, Movement, Snapshot, StoredAnswer
from bastion.paper.strike.ledger import (
    CUSTODY,
    INSURANCE,
    KINDS_OF_WALLET,
    TREASURY,
    Account,
    Kind,
    account_id,
)
from bastion.paper.strike.position import Position, Side, Status
from bastion.paper.strike.queue import Claim, lane_of
from bastion.paper.strike.settings import DAY_US, VenueSettings
from bastion.paper.strike.tape import Tape

_EXITED: Final = Status.EXITED
_LONG: Final = Side.LONG


@dataclass(slots=True)
class Totals:
    """Sums over the venue's life, micro-USD (`exits` is a count)."""

    loss_inflow: int = 0
    profit_claims: int = 0
    forgiven_loss: int = 0
    fees: int = 0
    exits: int = 0


class Image:
    """Accounts, positions, queue and markets, with the indexes that decisions and reads need."""

    def __init__(self, snapshot: Snapshot, settings: VenueSettings) -> None:
        self._scope = settings.queue_scope
        self.wallets: dict[str, int] = {}
        self.debits: dict[int, int] = {CUSTODY: 0, TREASURY: 0, INSURANCE: 0}
        self.credits: dict[int, int] = {CUSTODY: 0, TREASURY: 0, INSURANCE: 0}
        self.positions: dict[int, Position] = {}
        self.open_in: dict[str, dict[int, Position]] = {symbol: {} for symbol in settings.symbols}
        self.interest_long: dict[str, int] = dict.fromkeys(settings.symbols, 0)
        self.interest_short: dict[str, int] = dict.fromkeys(settings.symbols, 0)
        self.of_wallet: dict[str, list[int]] = {}
        self.realized: dict[str, int] = {}
        self.lanes: dict[str, dict[int, Claim]] = {}
        self.answers: dict[tuple[str, str, str], StoredAnswer] = {}
        self.movements: dict[str, Movement] = {}
        self.movements_of: dict[str, list[Movement]] = {}
        self.markets = {symbol: MarketRow(symbol, None, None, halted=False) for symbol in settings.symbols}
        self.tapes = {symbol: Tape() for symbol in settings.symbols}
        self.totals = Totals()
        self.venue = snapshot.venue
        self.exits_by_day: dict[int, Counter[str]] = {}
        self.forgiven_by_day: dict[int, int] = {}
        self.close_failures: dict[str, int] = {}
        self.position_last = max((position.id for position in snapshot.positions), default=0)
        self.transfer_last = snapshot.transfer_last
        self.claim_last = snapshot.claim_last
        self._load(snapshot)

    def _load(self, snapshot: Snapshot) -> None:
        for account in snapshot.accounts:
            self._put_account(account)
        for position in snapshot.positions:
            self.put_position(position)
        for claim in snapshot.claims:
            self.put_claim(claim)
        for answer in snapshot.answers:
            self.put_answer(answer)
        for movement in snapshot.movements:
            self.put_movement(movement)
        for market in snapshot.markets:
            if market.symbol in self.markets:
                self.markets[market.symbol] = market

    def apply(self, draft: Draft) -> None:
        """Follow a committed batch."""
        for number, wallet in draft.wallets:
            self.put_wallet(number, wallet)
        for account, amount in draft.debits.items():
            self.debits[account] += amount
        for account, amount in draft.credits.items():
            self.credits[account] += amount
        self._follow(draft.positions.values())
        for claim in draft.claims:
            self.put_claim(claim)
        for seq, _ in draft.paid:
            self.drop_claim(seq)
        for answer in draft.answers:
            self.put_answer(answer)
        for movement in draft.movements:
            self.put_movement(movement)
        self.markets.update(draft.markets)
        if draft.venue is not None:
            self.venue = draft.venue

    def _follow(self, positions: Iterable[Position]) -> None:
        known, exited = self.positions, []
        for position in positions:
            if position[9] is _EXITED and position[0] in known:
                exited.append(position)
            else:
                self.put_position(position)
        self.put_exits(exited)

    def _put_account(self, account: Account) -> None:
        self.debits[account.id] = account.debits
        self.credits[account.id] = account.credits
        if Kind(account.kind) is Kind.AVAILABLE:
            self.wallets[account.owner] = account.id // 10

    def put_wallet(self, number: int, wallet: str) -> None:
        """Add a wallet with its three empty accounts."""
        self.wallets[wallet] = number
        for kind in KINDS_OF_WALLET:
            self.debits.setdefault(account_id(number, kind), 0)
            self.credits.setdefault(account_id(number, kind), 0)

    def balance(self, account: int) -> int:
        """Give what an account holds, micro-USD."""
        return self.credits[account] - self.debits[account]

    def held(self, wallet: str, kind: Kind) -> int:
        """Give what one of a wallet's accounts holds; zero for an unknown wallet."""
        number = self.wallets.get(wallet)
        return 0 if number is None else self.balance(account_id(number, kind))

    def put_position(self, position: Position) -> None:
        """Add or replace a position and keep every index and sum in step."""
        number, status = position.id, position.status
        old = self.positions.get(number)
        if old is not None and status is _EXITED:
            self.put_exits((position,))
            return
        self.positions[number] = position
        if old is None:
            self._enter(position)
        if status is Status.OPEN:
            self.open_in.setdefault(position.symbol, {})[position.id] = position
        elif old is None or old.status is Status.OPEN:
            self._leave(position)
        # A settled position never changes again, so this counts each once.
        if status is Status.SETTLED or status is Status.LIQUIDATED:
            self.realized[position.wallet] = self.realized.get(position.wallet, 0) + position.realized

    def _enter(self, position: Position) -> None:
        self.of_wallet.setdefault(position.wallet, []).append(position.id)
        self.position_last = max(self.position_last, position.id)
        self._tape(position.symbol).add(position.notional, position.opened_at_us)
        self._add_interest(position, position.notional)

    def _leave(self, position: Position) -> None:
        if position.status is _EXITED:
            self.put_exits((position,))
            return
        self.open_in.setdefault(position.symbol, {}).pop(position.id, None)
        self._add_interest(position, -position.notional)
        ended_at_us = position.closed_at_us or position.opened_at_us
        if position.exit_price is not None:
            traded = position.notional * position.exit_price // position.entry_price
            self._tape(position.symbol).add(traded, ended_at_us)
        self.totals.fees += position.fee
        if position.realized < 0:
            self.totals.loss_inflow -= position.realized
        else:
            self.totals.profit_claims += position.realized

    def put_exits(self, exited: Iterable[Position]) -> None:
        """Put exited successors of known open positions in place; as `put_position` for each, only faster."""
        positions, open_in = self.positions, self.open_in
        long, short = self.interest_long, self.interest_short
        at_us, day, forgiven_sum = -1, 0, 0
        wallets: list[str] = []
        for position in exited:
            number, wallet, symbol, side, margin, leverage = position[:6]
            ended_us, forgiven = position[17] or position[8], position[15]
            # Exits of one batch mostly share their moment, and so their day.
            if ended_us != at_us:
                self._count_exits(day, wallets)
                at_us, day, wallets = ended_us, ended_us // DAY_US, []
            positions[number] = position
            wallets.append(wallet)
            interest = long if side is _LONG else short
            interest[symbol] = interest.get(symbol, 0) - margin * leverage
            if symbol in open_in:
                open_in[symbol].pop(number, None)
            if forgiven:
                forgiven_sum += forgiven
                self.forgiven_by_day[day] = self.forgiven_by_day.get(day, 0) + forgiven
        self._count_exits(day, wallets)
        self.totals.forgiven_loss += forgiven_sum

    def _count_exits(self, day: int, wallets: list[str]) -> None:
        if wallets:
            self.exits_by_day.setdefault(day, Counter()).update(wallets)
            self.totals.exits += len(wallets)

    def exits_of(self, wallet: str, day: int) -> int:
        """Count the exits of a wallet on a day (days since 1970)."""
        return self.exits_by_day.get(day, Counter())[wallet]

    def _add_interest(self, position: Position, notional: int) -> None:
        interest = self.interest_long if position.side is Side.LONG else self.interest_short
        interest[position.symbol] = interest.get(position.symbol, 0) + notional

    def _tape(self, symbol: str) -> Tape:
        return self.tapes.setdefault(symbol, Tape())

    def put_claim(self, claim: Claim) -> None:
        """Add a claim at the end of its queue."""
        self.lanes.setdefault(lane_of(claim.symbol, self._scope), {})[claim.seq] = claim
        self.claim_last = max(self.claim_last, claim.seq)

    def drop_claim(self, seq: int) -> None:
        """Remove a paid claim."""
        for lane in self.lanes.values():
            if lane.pop(seq, None) is not None:
                return

    def claims(self) -> Iterator[Claim]:
        """Walk the unpaid claims in the order of their closes."""
        return iter(sorted(claim for lane in self.lanes.values() for claim in lane.values()))

    def queue_age_us(self, now_us: int) -> int:
        """Give the age of the oldest unpaid claim; zero when nobody waits."""
        heads = [next(iter(lane.values())) for lane in self.lanes.values() if lane]
        return max((now_us - head.queued_at_us for head in heads), default=0)

    def put_answer(self, answer: StoredAnswer) -> None:
        """Remember the answer to an Idempotency-Key."""
        self.answers[answer.wallet, answer.route, answer.key] = answer

    def put_movement(self, movement: Movement) -> None:
        """Remember a chain transaction."""
        self.movements[movement.tx_hash] = movement
        self.movements_of.setdefault(movement.wallet, []).append(movement)
