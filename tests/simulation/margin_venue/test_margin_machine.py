"""The venue against the plain model, rule by rule, with restarts; the invariants after every step."""

import itertools
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bastion.paper.strike.commands import (
    Close,
    Deposit,
    EmergencyExit,
    Endow,
    Fund,
    Idempotency,
    Open,
    Purse,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
    Withdraw,
)
from bastion.paper.strike.ledger import CUSTODY, INSURANCE, TREASURY, Code, Kind, kind_of
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import (
    Closed,
    Endowed,
    Exited,
    Funded,
    Marked,
    Moved,
    Opened,
    Refused,
    Switched,
    Voided,
)
from bastion.paper.strike.settings import Gates
from bastion.paper.strike.store_sqlite import SqliteStore
from tests.margin_model import Model, Outcome
from tests.margin_rig import ALICE, BOB, CAROL, HOUR, START_US, USD, Rig, sqlite_opener

SYMBOLS = ("BTC-USD", "ETH-USD")
WALLETS = (ALICE, BOB, CAROL)
wallets = st.sampled_from(WALLETS)
symbols = st.sampled_from(SYMBOLS)
amounts = st.integers(1, 2_000 * USD)
draws = st.integers(0, 999)
moves = st.sampled_from([-30, -9, -4, -1, 0, 1, 2, 4, 9, 40])


def told(result: object) -> Outcome:  # noqa: C901, PLR0911 - one case for each result
    """Say a result of the venue in the words of the model."""
    match result:
        case Refused(reason=reason):
            return ("refused", str(reason))
        case Moved(amount=amount):
            return ("moved", amount)
        case Endowed(amount=amount):
            return ("endowed", amount)
        case Opened(position=position):
            return ("opened", position.id, position.entry_price)
        case Closed(position=position):
            return ("closed", position.status.name.lower(), position.realized, position.fee)
        case Exited(position_id=number, refunded=refunded, replayed=replayed):
            return ("exited", number, refunded, replayed)
        case Marked(liquidated=liquidated):
            return ("marked", liquidated)
        case Funded(positions=positions, liquidated=liquidated):
            return ("funded", positions, liquidated)
        case Switched(liquidated=liquidated):
            return ("switched", liquidated)
        case Voided(refunded=refunds):
            return ("voided", refunds)
    raise AssertionError(result)


class MarginMachine(RuleBasedStateMachine):
    gates = Gates()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="margin"))
        self.rig = Rig(sqlite_opener(self.folder))
        self.rig.settings = replace(self.rig.settings, gates=self.gates)
        self.rig.restart()
        self.model = Model()
        self.hashes = itertools.count(1)
        self.margins: dict[int, int] = {}

    def teardown(self) -> None:
        self.rig.venue.close()
        store = SqliteStore(self.folder / "ledger.db")
        try:
            assert store.audit() == ()
            self.check_the_log(store)
        finally:
            store.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_the_log(self, store: SqliteStore) -> None:
        """Replay the transfers from nothing; every prefix is balanced since every row has both sides."""
        replayed: dict[int, int] = {CUSTODY: 0, TREASURY: 0, INSURANCE: 0}
        exits: list[int | None] = []
        for transfer in store.transfers():
            replayed[transfer.debit_account] = replayed.get(transfer.debit_account, 0) - transfer.amount
            replayed[transfer.credit_account] = replayed.get(transfer.credit_account, 0) + transfer.amount
            assert sum(replayed.values()) == 0
            assert all(held >= 0 for account, held in replayed.items() if account != CUSTODY)
            if transfer.code == Code.EXIT:
                exits.append(transfer.position_id)
                kinds = (kind_of(transfer.debit_account), kind_of(transfer.credit_account))
                assert kinds == (Kind.RESERVED, Kind.AVAILABLE)
        gone = [held.number for held in self.model.held.values() if held.state == "exited"]
        assert sorted(number or 0 for number in exits) == gone
        snapshot = store.load()
        held = {account.id: account.credits - account.debits for account in snapshot.accounts}
        assert {account: amount for account, amount in held.items() if amount} == {
            account: amount for account, amount in replayed.items() if amount
        }

    def same(self, result: object, expected: Outcome) -> None:
        assert told(result) == expected

    @initialize(mark=st.integers(1_000 * USD, 3_000 * USD))
    def begin(self, mark: int) -> None:
        for symbol in SYMBOLS:
            self.same(self.rig.do(Tick(marks={symbol: mark})), self.model.tick(symbol, mark))
        for wallet in WALLETS[:2]:
            self.deposit(wallet, 1_000 * USD)

    @rule(wallet=wallets, amount=amounts)
    def deposit(self, wallet: str, amount: int) -> None:
        command = Deposit(
            wallet=wallet, amount=amount, tx_hash=f"0x{next(self.hashes):x}", stated_at_us=START_US
        )
        self.same(self.rig.do(command), self.model.deposit(wallet, amount))
        again = self.rig.must(command)
        assert again.replayed
        other = self.rig.refusal(replace(command, amount=amount + 1))
        assert str(other.reason) == "transaction_conflict"

    @rule(wallet=wallets, amount=amounts)
    def withdraw(self, wallet: str, amount: int) -> None:
        command = Withdraw(
            wallet=wallet, amount=amount, tx_hash=f"0x{next(self.hashes):x}", stated_at_us=START_US
        )
        self.same(self.rig.do(command), self.model.withdraw(wallet, amount))

    @rule(amount=st.integers(1, 300 * USD))
    def endow(self, amount: int) -> None:
        self.same(self.rig.do(Endow(purse=Purse.TREASURY, amount=amount)), self.model.endow(amount))

    @rule(
        wallet=wallets,
        symbol=symbols,
        side=st.sampled_from(Side),
        margin=st.integers(USD // 2, 500 * USD),
        leverage=st.sampled_from([1, 3, 5, 10, 20, 1_000]),
    )
    def open(self, wallet: str, symbol: str, side: Side, margin: int, leverage: int) -> None:
        result = self.rig.do(Open(wallet=wallet, symbol=symbol, side=side, margin=margin, leverage=leverage))
        now = self.rig.clock.now_us
        self.same(result, self.model.open(wallet, symbol, int(side), margin, leverage, now))
        if isinstance(result, Opened):
            self.margins[result.position.id] = margin

    def drawn(self, draw: int) -> tuple[str, int]:
        """Choose a position and who asks: mostly an open one and its owner, now and then anything."""
        living = self.model.of("open")
        if not living or draw % 8 == 0:
            return WALLETS[draw % 3], draw % 20
        held = living[draw % len(living)]
        return (WALLETS[draw % 3] if draw % 8 == 1 else held.wallet), held.number

    @rule(draw=draws)
    def close(self, draw: int) -> None:
        wallet, number = self.drawn(draw)
        self.same(self.rig.do(Close(wallets=(wallet,), position_id=number)), self.model.close(wallet, number))

    @rule(draw=draws, key=st.sampled_from([None, None, "a", "b"]))
    def exit(self, draw: int, key: str | None) -> None:
        wallet, number = self.drawn(draw)
        asked = None if key is None else Idempotency(key=key, request_hash=str(number))
        before = {who: self.rig.venue.account(who) for who in WALLETS}
        treasury = self.rig.venue.metrics().treasury
        result = self.rig.do(EmergencyExit(wallets=(wallet,), position_id=number, idempotency=asked))
        self.same(result, self.model.exit(wallet, number, key))
        moved = result.refunded if isinstance(result, Exited) and not result.replayed else 0
        if moved:
            assert moved == self.margins[number]
        for who in WALLETS:
            mine = moved if who == wallet else 0
            after = self.rig.venue.account(who)
            assert after.withdrawable == before[who].withdrawable + mine
            assert after.reserved == before[who].reserved - mine
            assert after.queued == before[who].queued
        assert self.rig.venue.metrics().treasury == treasury

    @rule(draw=draws, percent=st.sampled_from([1, 3, 8]))
    def a_winner_closes(self, draw: int, percent: int) -> None:
        living = [held for held in self.model.of("open") if held.symbol not in self.model.halted]
        if living:
            held = living[draw % len(living)]
            self.tick_to(held.symbol, max(1, held.entry * (100 + held.side * percent) // 100))
            result = self.rig.do(Close(wallets=(held.wallet,), position_id=held.number))
            self.same(result, self.model.close(held.wallet, held.number))

    @rule(draw=draws)
    def a_position_is_liquidated(self, draw: int) -> None:
        living = [held for held in self.model.of("open") if held.leverage > 1]
        if living:
            held = living[draw % len(living)]
            self.tick_to(held.symbol, max(1, held.entry - held.side * held.entry // held.leverage))

    @rule(symbol=symbols, wallet=wallets)
    def both_sides_grow_old_and_pay_funding(self, symbol: str, wallet: str) -> None:
        self.open(ALICE, symbol, Side.LONG, 40 * USD, 5)
        self.open(BOB, symbol, Side.SHORT, 10 * USD, 5)
        self.open(wallet, symbol, Side.SHORT, 3 * USD, 2)
        self.fund(symbol, 9)

    def tick_to(self, symbol: str, mark: int) -> None:
        self.same(self.rig.do(Tick(marks={symbol: mark})), self.model.tick(symbol, mark))

    @rule(symbol=symbols, percent=moves)
    def tick(self, symbol: str, percent: int) -> None:
        mark = max(1, self.model.marks[symbol] * (100 + percent) // 100)
        self.tick_to(symbol, mark)

    @rule(symbol=symbols, hours=st.integers(0, 9))
    def fund(self, symbol: str, hours: int) -> None:
        self.rig.clock.turn(hours * HOUR)
        self.same(self.rig.do(Fund(symbol=symbol)), self.model.fund(symbol, self.rig.clock.now_us))

    @rule(symbol=symbols, draw=st.integers(0, 3))
    def halt(self, symbol: str, draw: int) -> None:
        halted = draw == 0
        self.same(
            self.rig.do(SetHalted(symbol=symbol, halted=halted)), self.model.halt(symbol, halted=halted)
        )

    @rule(suspended=st.booleans())
    def suspend(self, suspended: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        self.rig.must(SetWithdrawals(suspended=suspended))
        self.model.suspended = suspended

    @rule(symbol=symbols, really=st.integers(0, 5))
    def void(self, symbol: str, really: int) -> None:
        if really:
            return
        self.same(self.rig.do(VoidMarket(symbol=symbol)), self.model.void(symbol))

    @rule()
    def restart(self) -> None:
        self.rig.restart()

    @invariant()
    def every_wallet_stands_as_in_the_model(self) -> None:
        for wallet in WALLETS:
            account, balances = self.rig.venue.account(wallet), self.rig.venue.balances(wallet)
            assert account.withdrawable == self.model.available.get(wallet, 0)
            assert account.reserved == sum(held.margin for held in self.model.of("open", wallet))
            assert account.queued == sum(held.margin for held in self.model.of("closed", wallet))
            assert account.total == account.withdrawable + account.reserved
            realised = sum(
                held.realized
                for held in self.model.of("settled", wallet) + self.model.of("liquidated", wallet)
            )
            moved = self.model.deposited.get(wallet, 0) - self.model.withdrawn.get(wallet, 0)
            assert balances.balance == moved + realised == account.total + account.queued

    @invariant()
    def custody_is_what_all_accounts_hold(self) -> None:
        accounts = [self.rig.venue.account(wallet) for wallet in WALLETS]
        metrics = self.rig.venue.metrics()
        held = sum(account.total + account.queued for account in accounts)
        custody = sum(self.model.deposited.values()) - sum(self.model.withdrawn.values()) + self.model.endowed
        assert metrics.treasury == self.model.treasury >= 0
        assert custody == held + metrics.treasury + metrics.insurance

    @invariant()
    def the_public_sees_the_model_s_positions_and_no_exited_one(self) -> None:
        for wallet in WALLETS:
            shown = self.rig.venue.positions(wallet)
            for views, states in (
                (shown.open, ("open",)),
                (shown.closed, ("closed",)),
                (shown.settled, ("settled", "liquidated")),
            ):
                expected = [held for held in self.model.held.values() if held.wallet == wallet]
                assert [view.position.id for view in views] == [
                    held.number for held in expected if held.state in states
                ]
            for view in (*shown.open, *shown.closed, *shown.settled):
                held = self.model.held[view.position.id]
                assert view.position.margin == held.margin
                assert view.position.funding == held.funding
                assert -held.margin <= view.position.realized == held.realized
                assert view.position.fee == held.fee
                if view.position.status in {Status.CLOSED, Status.SETTLED}:
                    gross = view.position.price_pnl + view.position.funding
                    assert 0 <= held.fee <= max(0, gross)
                    assert held.realized == max(-held.margin, gross - held.fee)
        for symbol in SYMBOLS:
            market = self.rig.venue.market(symbol)
            assert market is not None
            sides = dict.fromkeys(Side, 0)
            for held in self.model.of("open", symbol=symbol):
                sides[Side(held.side)] += held.notional
            assert (market.long_oi, market.short_oi) == (sides[Side.LONG], sides[Side.SHORT])

    @invariant()
    def the_queue_is_in_order_and_its_head_waits_only_for_want_of_cash(self) -> None:
        queue = self.rig.venue.queue()
        assert [claim.position_id for claim in queue] == self.model.queue
        assert self.model.paid_order == self.model.closed_order[: len(self.model.paid_order)]
        if queue:
            assert self.rig.venue.metrics().treasury < queue[0].need
        ahead = 0
        for place, claim in enumerate(queue, start=1):
            assert (claim.place, claim.ahead) == (place, ahead)
            assert claim.net_payout == claim.margin + claim.need
            ahead += claim.net_payout


BOUNDED = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestTheVenueIsTheModel = MarginMachine.TestCase
TestTheVenueIsTheModel.settings = BOUNDED
