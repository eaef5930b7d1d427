"""What both databases must do alike: keep every transfer, end a position once, come back as they were."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from bastion.paper.strike.commands import Close, Deposit, EmergencyExit, Endow, Open, Purse, Tick
from bastion.paper.strike.draft import Draft, VenueRow
from bastion.paper.strike.ledger import CUSTODY, Account, Kind
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import Exited, Reason, Refused
from bastion.paper.strike.store import Store, StoreDiverged, StoreInUse
from bastion.paper.strike.store_postgres import PostgresStore
from bastion.paper.strike.store_sqlite import SqliteStore
from bastion.paper.strike.venue import LedgerUnavailable, MarginVenue
from bastion.paper.strike.writer import LedgerDamaged
from tests.margin_rig import ALICE, ANSWER_S, BOB, START_US, USD, Rig, StoreOpener, rig_on

REST = "leg, code, debit_account, credit_account, amount, position_id, at_us FROM transfers"


def with_one_of_each(rig: Rig) -> None:
    """Leave an exited, a queued, a settled, a liquidated and an open position behind."""
    rig.deposit(ALICE, 1_000)
    rig.deposit(BOB, 1_000)
    rig.mark("BTC-USD", "100000")
    numbers = [rig.open(ALICE, Side.LONG, usd=100, leverage=5).position.id for _ in range(4)]
    rig.open(BOB, Side.LONG, usd=100, leverage=100)
    rig.mark("BTC-USD", "101000")
    rig.must(Close(wallets=(ALICE,), position_id=numbers[0]))
    assert isinstance(rig.exit(ALICE, numbers[1], "key"), Exited)
    rig.must(Endow(purse=Purse.INSURANCE, amount=5 * USD))
    rig.mark("BTC-USD", "99500")
    rig.must(Close(wallets=(ALICE,), position_id=numbers[2]))
    rig.mark("BTC-USD", "98000")
    winner = rig.open(BOB, Side.LONG, usd=100, leverage=100).position.id
    rig.mark("BTC-USD", "102000")
    rig.must(Close(wallets=(BOB,), position_id=winner))
    assert len(rig.venue.queue()) == 1


def raw(store: Store, statement: str) -> Any:  # noqa: ANN401 - rows of whatever was asked
    """Speak to the database behind the venue's back."""
    if isinstance(store, PostgresStore):
        with psycopg.connect(store._dsn, autocommit=True) as connection:
            connection.execute(f'SET search_path TO "{store._schema}"'.encode())
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else None
    assert isinstance(store, SqliteStore)
    with apsw.Connection(store._connection.filename) as connection:
        return list(connection.execute(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount = amount + 1",
        "DELETE FROM transfers",
        "DELETE FROM positions",
        "UPDATE positions SET margin = margin + 1",
        "UPDATE positions SET status = 1 WHERE status = 5",
        "UPDATE positions SET status = 5 WHERE status = 2",
        f"INSERT INTO transfers SELECT id + 1000, event_id + 1000, {REST} WHERE code = 11",
        f"INSERT INTO transfers SELECT id + 1000, event_id, {REST} WHERE code = 1",
        "INSERT INTO transfers VALUES (9999, 9999, 1, 1, 0, 11, 0, NULL, 0)",
        "INSERT INTO transfers VALUES (9999, 9999, 1, 1, 11, 11, 5, NULL, 0)",
        "UPDATE accounts SET debits = credits + 1 WHERE kind = 4",
    ],
)
def test_the_database_itself_refuses_what_would_rewrite_history(
    open_store: StoreOpener, statement: str
) -> None:
    with rig_on(open_store) as rig:
        with_one_of_each(rig)
        store = rig.venue._writer._store
        before = list(store.transfers())
        with pytest.raises((apsw.ConstraintError, psycopg.errors.IntegrityError)):
            raw(store, statement)
        assert list(store.transfers()) == before
        assert store.audit() == ()


def test_sqlite_refuses_replace_and_postgres_refuses_truncate(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        with_one_of_each(rig)
        store = rig.venue._writer._store
        before = list(store.transfers())
        columns = "event_id, leg, code, debit_account, credit_account, 7, position_id, at_us FROM transfers"
        statements = (
            ["TRUNCATE transfers", "TRUNCATE positions"]
            if isinstance(store, PostgresStore)
            else [
                f"INSERT OR REPLACE INTO transfers SELECT id, {columns} WHERE id = 1",
                f"INSERT OR REPLACE INTO transfers SELECT 9999, {columns} WHERE code = 11",
            ]
        )
        for statement in statements:
            with pytest.raises((apsw.ConstraintError, psycopg.errors.IntegrityError)):
                raw(store, statement)
        assert list(store.transfers()) == before


def test_replaying_the_transfers_gives_every_balance(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        with_one_of_each(rig)
        store = rig.venue._writer._store
        sides: dict[int, tuple[int, int]] = {}
        for transfer in store.transfers():
            debits, credits_ = sides.get(transfer.debit_account, (0, 0))
            sides[transfer.debit_account] = (debits + transfer.amount, credits_)
            debits, credits_ = sides.get(transfer.credit_account, (0, 0))
            sides[transfer.credit_account] = (debits, credits_ + transfer.amount)
        accounts = {account.id: account for account in store.load().accounts}
    assert sides.keys() <= accounts.keys()
    for number, account in accounts.items():
        assert sides.get(number, (0, 0)) == (account.debits, account.credits)
    assert sum(account.debits - account.credits for account in accounts.values()) == 0
    assert accounts[CUSTODY].debits == 2_005 * USD


def everything_shown(venue: MarginVenue) -> list[object]:
    metrics = replace(venue.metrics(), commits=0)
    shown = [venue.positions, venue.account, venue.balances, venue.dashboard, venue.queue]
    return [metrics, venue.markets(), venue.queue(), *(show(who) for who in (ALICE, BOB) for show in shown)]


def test_a_restarted_venue_shows_exactly_what_it_showed(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        with_one_of_each(rig)
        before = everything_shown(rig.venue)
        rig.restart()
        assert everything_shown(rig.venue) == before
        first = rig.open(BOB, Side.SHORT, usd=10, leverage=2)
        assert first.position.id == 7


def test_a_second_writer_is_turned_away_until_the_first_is_gone(open_store: StoreOpener) -> None:
    first = open_store()
    with pytest.raises(StoreInUse, match="another process writes"):
        open_store()
    first.close()
    open_store().close()


def test_a_refusal_in_a_group_leaves_its_neighbours_alone(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        rig.deposit(ALICE, 100)
        rig.mark("BTC-USD", "100000")
        orders = [
            Open(wallet=ALICE, symbol="BTC-USD", side=Side.LONG, margin=40 * USD, leverage=leverage)
            for leverage in (2, 0, 3, 2_000, 4)
        ]
        results = [future.result(ANSWER_S) for future in [rig.venue.submit(order) for order in orders]]
        refusals = [result.reason if isinstance(result, Refused) else None for result in results]
        assert refusals == [
            None,
            Reason.BAD_LEVERAGE,
            None,
            Reason.BAD_LEVERAGE,
            Reason.INSUFFICIENT_BALANCE,
        ]


def test_commands_sent_together_share_one_commit_and_are_answered_one_by_one(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        rig.deposit(ALICE, 100)
        rig.mark("BTC-USD", "100000")
        numbers = [rig.open(ALICE, Side.LONG, usd=10, leverage=2).position.id for _ in range(3)]
        commits = rig.venue.metrics().commits
        asked = [EmergencyExit(wallets=(ALICE,), position_id=number) for number in (*numbers, 99, numbers[0])]
        results = rig.venue.submit_all(asked).result(ANSWER_S)
        assert [isinstance(result, Exited) for result in results] == [True, True, True, False, False]
        assert rig.venue.metrics().commits == commits + 1
        assert rig.venue.account(ALICE).withdrawable == 100 * USD


def test_a_ledger_changed_behind_its_back_stops_the_batch_and_is_read_anew(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        rig.deposit(ALICE, 100)
        rig.mark("BTC-USD", "100000")
        number = rig.open(ALICE, Side.LONG, usd=10, leverage=2).position.id
        assert number == 1
        raw(rig.venue._writer._store, "UPDATE positions SET status = 4 WHERE id = 1")
        with pytest.raises(LedgerUnavailable) as failure:
            rig.exit(ALICE, number)
        assert isinstance(failure.value.__cause__, StoreDiverged)
        assert rig.venue.account(ALICE).reserved == 10 * USD
        refusal = rig.exit(ALICE, number)
        assert isinstance(refusal, Refused)
        assert refusal.reason is Reason.NOT_OPEN
    with pytest.raises(LedgerDamaged, match="differs from its positions"):
        Rig(open_store)


def test_a_batch_that_fails_half_way_leaves_nothing(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        rig.deposit(ALICE, 100)
        rig.mark("BTC-USD", "100000")
        position = rig.open(ALICE, Side.LONG, usd=10, leverage=2).position
    store = open_store()
    try:
        before = store.load()
        draft = Draft(venue=VenueRow(99, withdrawals_suspended=False))
        draft.positions[position.id] = position._replace(status=Status.EXITED)
        draft.before[position.id] = Status.CLOSED
        draft.wallets.append((7, BOB))
        with pytest.raises(StoreDiverged):
            store.write(draft)
        assert store.load() == before
        assert all(account.owner != BOB for account in before.accounts)
        assert Account(11, ALICE, int(Kind.AVAILABLE), 10 * USD, 100 * USD) in before.accounts
    finally:
        store.close()


def test_a_closed_venue_refuses_as_busy(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        rig.venue.close()
        late = Deposit(wallet=ALICE, amount=USD, tx_hash="0x9", stated_at_us=START_US)
        assert rig.refusal(late).reason is Reason.BUSY


def test_amounts_beyond_any_market_do_not_break_a_batch(open_store: StoreOpener) -> None:
    with rig_on(open_store) as rig:
        for _ in range(3):
            rig.deposit(ALICE, 1_000_000_000)
        rig.must(Tick(marks={"BTC-USD": 2, "ETH-USD": 10**15}))
        long = rig.open(ALICE, Side.LONG, usd=1_000_000_000, leverage=1_000).position.id
        rig.open(ALICE, Side.SHORT, usd=1_000_000_000, leverage=1_000)
        marked = rig.must(Tick(marks={"BTC-USD": 10**15}))
        assert marked.liquidated == (long + 1,)
        closed = rig.must(Close(wallets=(ALICE,), position_id=long)).position
        assert (closed.price_pnl, closed.status) == (10**18, Status.CLOSED)
        assert rig.refusal(Tick(marks={"BTC-USD": 10**15 + 1})).reason is Reason.BAD_MARK
        rig.restart()
        assert rig.venue.queue()[0].need == closed.realized


def test_the_two_folders_of_statements_name_the_same_statements() -> None:
    root = Path(__file__).parents[3] / "src" / "bastion" / "paper" / "strike" / "sql"
    names = [{file.name for file in (root / dialect).iterdir()} for dialect in ("sqlite", "postgres")]
    assert names[0] == names[1]
