"""Normal trading beside the exit: settlement, queue, balances, markets, and what the operator watches."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from bastion.paper.strike.commands import (
    Close,
    Deposit,
    Endow,
    Fund,
    Open,
    Purse,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
    Withdraw,
)
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import Exited, Reason, Refused, pseudo_hash
from bastion.paper.strike.settings import Circumstances, Gates, VenueSettings
from tests.margin_rig import (
    ALICE,
    BOB,
    CAROL,
    HOUR,
    SECOND,
    START_US,
    USD,
    Rig,
    micro,
    rig_on,
    sqlite_opener,
    without_spread,
)


@pytest.fixture
def gated(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig_on(sqlite_opener(tmp_path), without_spread(VenueSettings(gates=request.param))) as rig:
        rig.deposit(ALICE, 10_000)
        rig.mark("BTC-USD", "100000")
        yield rig


def winner(rig: Rig, wallet: str = ALICE) -> int:
    """Open at 100000 with ten times, for a close at 110000 that nets 85."""
    rig.deposit(wallet, 1_000)
    rig.mark("BTC-USD", "100000")
    number = rig.open(wallet, Side.LONG, usd=100, leverage=10).position.id
    rig.mark("BTC-USD", "110000")
    return number


def test_a_profit_is_paid_at_once_when_the_treasury_has_it(rig: Rig) -> None:
    rig.must(Endow(purse=Purse.TREASURY, amount=85 * USD))
    closed = rig.must(Close(wallets=(ALICE,), position_id=winner(rig))).position
    assert (closed.price_pnl, closed.fee, closed.realized) == (100 * USD, 15 * USD, 85 * USD)
    assert (closed.status, closed.settled_at_us) == (Status.SETTLED, closed.closed_at_us)
    assert rig.venue.account(ALICE).withdrawable == 1_085 * USD
    assert rig.venue.metrics().treasury == 0


def test_a_profit_waits_when_the_treasury_lacks_a_micro_dollar_and_is_paid_by_the_next_inflow(
    rig: Rig,
) -> None:
    rig.must(Endow(purse=Purse.TREASURY, amount=85 * USD - 1))
    number = winner(rig)
    closed = rig.must(Close(wallets=(ALICE,), position_id=number)).position
    assert (closed.status, closed.settled_at_us) == (Status.CLOSED, None)
    account = rig.venue.account(ALICE)
    assert (account.withdrawable, account.reserved, account.queued) == (900 * USD, 0, 100 * USD)
    (claim,) = rig.venue.queue(ALICE)
    assert (claim.need, claim.net_payout, claim.ahead, claim.place) == (85 * USD, 185 * USD, 0, 1)
    rig.must(Endow(purse=Purse.TREASURY, amount=1))
    assert rig.position(number).status is Status.SETTLED
    assert rig.venue.account(ALICE).withdrawable == 1_085 * USD
    assert rig.venue.queue() == ()


def test_claims_queue_in_the_order_of_their_closes_and_show_what_is_ahead(rig: Rig) -> None:
    first, second = winner(rig), winner(rig, BOB)
    rig.must(Close(wallets=(ALICE,), position_id=first))
    rig.must(Close(wallets=(BOB,), position_id=second))
    assert [(c.position_id, c.place, c.ahead) for c in rig.venue.queue()] == [
        (first, 1, 0),
        (second, 2, 185 * USD),
    ]
    # Enough for either, yet only the first in the row is paid, and never in part.
    rig.must(Endow(purse=Purse.TREASURY, amount=100 * USD))
    assert [claim.position_id for claim in rig.venue.queue()] == [second]
    assert rig.venue.queue(ALICE) == ()


def test_a_new_winner_stands_behind_those_who_wait_even_when_the_treasury_could_pay_it(rig: Rig) -> None:
    big = winner(rig)
    rig.must(Close(wallets=(ALICE,), position_id=big))
    rig.must(Endow(purse=Purse.TREASURY, amount=50 * USD))
    rig.deposit(BOB, 10)
    small = rig.open(BOB, Side.LONG, usd=1, leverage=1)
    rig.mark("BTC-USD", "111000")
    closed = rig.must(Close(wallets=(BOB,), position_id=small.position.id)).position
    assert closed.status is Status.CLOSED


def test_a_liquidation_takes_the_whole_margin_and_no_fee(rig: Rig) -> None:
    rig.deposit(ALICE, 75)
    rig.mark("SOL-USD", "95")
    opened = rig.open(ALICE, Side.LONG, usd=75, leverage=20, symbol="SOL-USD")
    assert opened.liquidation_price == micro("90.25")
    assert rig.must(Tick(marks={"SOL-USD": micro("90.26")})).liquidated == ()
    assert rig.must(Tick(marks={"SOL-USD": micro("90.25")})).liquidated == (opened.position.id,)
    (view,) = rig.venue.positions(ALICE).settled
    assert (view.position.status, view.position.realized, view.position.fee) == (
        Status.LIQUIDATED,
        -75 * USD,
        0,
    )
    assert view.position.settled_at_us == view.position.closed_at_us
    assert rig.venue.metrics().treasury == 75 * USD
    assert rig.refusal(Close(wallets=(ALICE,), position_id=opened.position.id)).reason is Reason.NOT_OPEN


def test_the_spread_moves_the_entry_against_the_trader_on_both_sides(tmp_path: Path) -> None:
    with rig_on(sqlite_opener(tmp_path)) as rig:
        rig.deposit(ALICE, 1_000)
        rig.mark("BTC-USD", "45000")
        long = rig.open(ALICE, Side.LONG, usd=30, leverage=10).position
        short = rig.open(ALICE, Side.SHORT, usd=30, leverage=10).position
    assert (long.entry_price, short.entry_price) == (micro("45004.5"), micro("44995.5"))
    assert long.spread == short.spread == micro("4.5")


def test_balances_follow_from_deposits_withdrawals_and_realised_pnl(rig: Rig) -> None:
    rig.deposit(ALICE, 2_000)
    rig.mark("BTC-USD", "100000")
    lost = rig.open(ALICE, Side.LONG, usd=1_000, leverage=10).position.id
    rig.mark("BTC-USD", "95000")
    rig.must(Close(wallets=(ALICE,), position_id=lost))
    taken = Withdraw(wallet=ALICE, amount=499_500_000, tx_hash="0xw", stated_at_us=START_US)
    rig.must(taken)
    rig.must(Open(wallet=ALICE, symbol="BTC-USD", side=Side.LONG, margin=500_250_000, leverage=2))
    balances, account = rig.venue.balances(ALICE), rig.venue.account(ALICE)
    assert (balances.balance, balances.withdrawable) == (1_000_500_000, 500_250_000)
    assert (balances.total_deposited, balances.total_withdrawn) == (2_000 * USD, 499_500_000)
    assert (account.reserved, account.total) == (500_250_000, 1_000_500_000)
    assert [movement.amount for movement in account.withdrawals] == [499_500_000]


def test_a_dashboard_shows_return_on_equity_as_unrealised_over_margin(rig: Rig) -> None:
    assert rig.venue.dashboard(ALICE) is None
    rig.deposit(ALICE, 1_000)
    rig.mark("ETH-USD", "3000")
    rig.open(ALICE, Side.LONG, usd=300, leverage=10, symbol="ETH-USD")
    rig.mark("ETH-USD", "3100")
    dashboard = rig.venue.dashboard(ALICE)
    assert dashboard is not None
    (view,) = dashboard.active
    assert (view.position.notional, view.unrealized) == (3_000 * USD, 100 * USD)
    assert Fraction(view.unrealized, view.position.margin) == Fraction(1, 3)


def test_a_halted_market_takes_no_opens_closes_funding_or_liquidations_and_catches_up_on_resuming(
    rig: Rig,
) -> None:
    rig.deposit(ALICE, 1_000)
    rig.mark("BTC-USD", "100000")
    number = rig.open(ALICE, Side.LONG, usd=100, leverage=10).position.id
    rig.must(SetHalted(symbol="BTC-USD", halted=True))
    order = Open(wallet=ALICE, symbol="BTC-USD", side=Side.LONG, margin=USD, leverage=1)
    for command in (order, Close(wallets=(ALICE,), position_id=number), Fund(symbol="BTC-USD")):
        assert rig.refusal(command).reason is Reason.MARKET_HALTED
    assert rig.must(Tick(marks={"BTC-USD": micro("80000")})).liquidated == ()
    assert rig.must(SetHalted(symbol="BTC-USD", halted=False)).liquidated == (number,)


def test_a_stale_mark_serves_no_open_or_close(tmp_path: Path) -> None:
    with rig_on(sqlite_opener(tmp_path), VenueSettings()) as rig:
        rig.deposit(ALICE, 1_000)
        order = Open(wallet=ALICE, symbol="BTC-USD", side=Side.LONG, margin=USD, leverage=1)
        assert rig.refusal(order).reason is Reason.ORACLE_STALE
        rig.mark("BTC-USD", "100000")
        number = rig.must(order).position.id
        rig.clock.turn(30 * SECOND)
        rig.must(order)
        rig.clock.turn(1)
        assert rig.refusal(order).reason is Reason.ORACLE_STALE
        assert rig.refusal(Close(wallets=(ALICE,), position_id=number)).reason is Reason.ORACLE_STALE


def test_a_transaction_counts_once_and_its_hash_belongs_to_its_payload(rig: Rig) -> None:
    told = Deposit(wallet=ALICE, amount=5 * USD, tx_hash="0xd", stated_at_us=START_US)
    first = rig.must(told)
    again = rig.must(told)
    assert (again.replayed, again.event_id) == (True, first.event_id)
    for other in (
        replace(told, wallet=BOB),
        replace(told, amount=6 * USD),
        Withdraw(wallet=ALICE, amount=5 * USD, tx_hash="0xd", stated_at_us=START_US),
    ):
        assert rig.refusal(other).reason is Reason.TRANSACTION_CONFLICT
    assert rig.venue.account(ALICE).withdrawable == 5 * USD
    assert rig.venue.account(BOB).withdrawable == 0


def test_withdrawals_never_touch_margins_and_stop_when_suspended(rig: Rig) -> None:
    rig.deposit(ALICE, 100)
    rig.mark("BTC-USD", "100000")
    rig.open(ALICE, Side.LONG, usd=60, leverage=2)
    too_much = Withdraw(wallet=ALICE, amount=40 * USD + 1, tx_hash="0xw", stated_at_us=START_US)
    assert rig.refusal(too_much).reason is Reason.INSUFFICIENT_BALANCE
    rig.must(SetWithdrawals(suspended=True))
    rest = replace(too_much, amount=40 * USD)
    assert rig.refusal(rest).reason is Reason.WITHDRAWALS_SUSPENDED
    rig.must(SetWithdrawals(suspended=False))
    rig.must(rest)
    assert rig.venue.account(ALICE).withdrawable == 0


def refusal_of(rig: Rig, number: int) -> Reason:
    result = rig.exit(ALICE, number)
    assert isinstance(result, Refused), result
    return result.reason


def opened(rig: Rig, usd: int = 100) -> int:
    return rig.open(ALICE, Side.LONG, usd=usd, leverage=10).position.id


@pytest.mark.parametrize("gated", [Gates(circumstances=Circumstances())], indirect=True)
def test_the_gate_of_circumstances_opens_when_normal_closing_is_impaired(gated: Rig) -> None:
    number = opened(gated)
    assert refusal_of(gated, number) is Reason.GATE_CIRCUMSTANCES
    gated.must(SetWithdrawals(suspended=True))
    assert isinstance(gated.exit(ALICE, number), Exited)
    gated.must(SetWithdrawals(suspended=False))
    halted, stale = opened(gated), opened(gated)
    gated.must(SetHalted(symbol="BTC-USD", halted=True))
    assert isinstance(gated.exit(ALICE, halted), Exited)
    gated.must(SetHalted(symbol="BTC-USD", halted=False))
    assert refusal_of(gated, stale) is Reason.GATE_CIRCUMSTANCES
    gated.clock.turn(31 * SECOND)
    assert isinstance(gated.exit(ALICE, stale), Exited)


@pytest.mark.parametrize("gated", [Gates(circumstances=Circumstances())], indirect=True)
def test_the_gate_of_circumstances_opens_after_failed_closes_and_for_an_old_queue(gated: Rig) -> None:
    number, waiting = opened(gated), opened(gated)
    gated.clock.turn(31 * SECOND)
    for _ in range(3):
        gated.refusal(Close(wallets=(ALICE,), position_id=number))
    gated.mark("BTC-USD", "101000")
    assert isinstance(gated.exit(ALICE, number), Exited)
    last = opened(gated)
    gated.must(Close(wallets=(ALICE,), position_id=waiting))
    assert refusal_of(gated, last) is Reason.GATE_CIRCUMSTANCES
    gated.clock.turn(HOUR + 1)
    gated.mark("BTC-USD", "101000")
    assert isinstance(gated.exit(ALICE, last), Exited)


@pytest.mark.parametrize("gated", [Gates(age_us_min=HOUR)], indirect=True)
def test_the_gate_of_age_opens_with_time_and_says_when(gated: Rig) -> None:
    number = opened(gated)
    result = gated.exit(ALICE, number)
    assert isinstance(result, Refused)
    assert (result.reason, result.message) == (
        Reason.GATE_AGE,
        "Emergency exit opens for this position in 3600 s",
    )
    gated.clock.turn(HOUR)
    assert isinstance(gated.exit(ALICE, number), Exited)


@pytest.mark.parametrize("gated", [Gates(wallet_exits_a_day_max=2)], indirect=True)
def test_the_cap_of_a_wallet_counts_a_day_even_across_a_restart(gated: Rig) -> None:
    numbers = [opened(gated) for _ in range(3)]
    assert isinstance(gated.exit(ALICE, numbers[0]), Exited)
    gated.restart()
    assert isinstance(gated.exit(ALICE, numbers[1]), Exited)
    assert refusal_of(gated, numbers[2]) is Reason.GATE_WALLET_CAP
    gated.clock.turn(24 * HOUR)
    assert isinstance(gated.exit(ALICE, numbers[2]), Exited)


@pytest.mark.parametrize("gated", [Gates(forgiven_share_of_treasury_max=Fraction(1, 10))], indirect=True)
def test_the_global_cap_limits_forgiven_loss_and_lets_winners_go(gated: Rig) -> None:
    gated.must(Endow(purse=Purse.TREASURY, amount=1_000 * USD))
    small, large = opened(gated), opened(gated, usd=300)
    gated.mark("BTC-USD", "95000")
    assert isinstance(gated.exit(ALICE, small), Exited)
    assert refusal_of(gated, large) is Reason.GATE_GLOBAL_CAP
    gated.mark("BTC-USD", "100001")
    assert isinstance(gated.exit(ALICE, large), Exited)


@pytest.mark.parametrize("gated", [Gates(insurance=True)], indirect=True)
def test_the_insurance_fund_pays_the_treasury_what_exits_forgive_as_far_as_it_reaches(gated: Rig) -> None:
    gated.must(Endow(purse=Purse.INSURANCE, amount=70 * USD))
    first, second = opened(gated), opened(gated)
    gated.mark("BTC-USD", "95000")
    for number, treasury, insurance in ((first, 50, 20), (second, 70, 0)):
        result = gated.exit(ALICE, number)
        assert isinstance(result, Exited)
        assert result.refunded == 100 * USD
        metrics = gated.venue.metrics()
        assert (metrics.treasury, metrics.insurance) == (treasury * USD, insurance * USD)
    assert gated.venue.account(ALICE).withdrawable == 10_000 * USD


def test_the_metrics_tell_forgiven_loss_its_share_and_alert_at_eighty_percent_of_break_even(
    rig: Rig,
) -> None:
    rig.must(Endow(purse=Purse.TREASURY, amount=1_000 * USD))
    assert rig.venue.metrics().break_even_share is None
    rig.must(Close(wallets=(ALICE,), position_id=winner(rig)))
    rig.deposit(CAROL, 10_000)
    rig.mark("BTC-USD", "100000")
    paid = rig.open(CAROL, Side.LONG, usd=100, leverage=10).position.id
    forgiven = [rig.open(CAROL, Side.LONG, usd=usd, leverage=10).position.id for usd in (6, 1)]
    rig.mark("BTC-USD", "90001")
    rig.must(Close(wallets=(CAROL,), position_id=paid))
    rig.exit(CAROL, forgiven[0])
    metrics = rig.venue.metrics()
    assert metrics.loss_inflow == 99_990_000
    assert metrics.forgiven_loss == 5_999_400
    assert metrics.forgiven_share == Fraction(5_999_400, 105_989_400)
    assert metrics.break_even_share == 1 - Fraction(85 * USD, 105_989_400)
    assert not metrics.alert
    # With 100 of losses charged and 85 of profits claimed, 80 % of break-even is reached at 60 forgiven.
    for usd, alert in ((53, False), (1, True)):
        rig.mark("BTC-USD", "100000")
        number = rig.open(CAROL, Side.LONG, usd=usd, leverage=10).position.id
        rig.mark("BTC-USD", "90001")
        rig.exit(CAROL, number)
        assert rig.venue.metrics().alert is alert


def test_commands_on_unknown_markets_are_refused(rig: Rig) -> None:
    for command in (
        Tick(marks={"DOGE-USD": 1}),
        Fund(symbol="DOGE-USD"),
        SetHalted(symbol="DOGE-USD", halted=True),
        VoidMarket(symbol="DOGE-USD"),
        Open(wallet=ALICE, symbol="DOGE-USD", side=Side.LONG, margin=USD, leverage=1),
    ):
        assert rig.refusal(command).reason is Reason.UNKNOWN_SYMBOL
    assert rig.venue.market("DOGE-USD") is None


def test_an_event_is_named_like_a_transaction() -> None:
    assert pseudo_hash(1) == pseudo_hash(1) != pseudo_hash(2)
    assert len(pseudo_hash(1)) == 66
