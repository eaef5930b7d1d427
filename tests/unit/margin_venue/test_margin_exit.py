"""The contract of the emergency exit, clause by clause, against the venue itself."""

from fractions import Fraction

import pytest

from bastion.paper.strike.commands import (
    Close,
    EmergencyExit,
    Endow,
    Fund,
    Purse,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
)
from bastion.paper.strike.position import Side, Status
from bastion.paper.strike.results import Exited, Reason, Refused
from bastion.paper.strike.views import PositionsView
from tests.margin_rig import ALICE, BOB, HOUR, SECOND, USD, Rig, micro


def exited(rig: Rig, wallet: str, position_id: int, key: str | None = None) -> Exited:
    result = rig.exit(wallet, position_id, key)
    assert isinstance(result, Exited), result
    return result


def refused(rig: Rig, wallet: str, position_id: int, key: str | None = None) -> Refused:
    result = rig.exit(wallet, position_id, key)
    assert isinstance(result, Refused), result
    return result


def opened_at_100000(rig: Rig, side: Side = Side.LONG, *, usd: int = 100, leverage: int = 10) -> int:
    rig.deposit(ALICE, 10 * usd)
    rig.mark("BTC-USD", "100000")
    return rig.open(ALICE, side, usd=usd, leverage=leverage).position.id


@pytest.mark.parametrize(
    ("usd", "leverage", "mark"),
    [(100, 10, "105000"), (100, 10, "97500"), (250_000, 20, "104000")],
    ids=["a position worth 150 of its 100", "a position worth 75 of its 100", "a large position"],
)
def test_an_exit_returns_the_original_margin_whatever_the_position_is_worth(
    rig: Rig, usd: int, leverage: int, mark: str
) -> None:
    number = opened_at_100000(rig, usd=usd, leverage=leverage)
    rig.mark("BTC-USD", mark)
    before = rig.venue.account(ALICE)
    result = exited(rig, ALICE, number)
    after = rig.venue.account(ALICE)
    assert result.refunded == usd * USD
    assert result.answer == b'{"success":true,"refundedAmount":"%d.0"}' % usd
    assert after.withdrawable - before.withdrawable == usd * USD
    assert before.reserved - after.reserved == usd * USD
    assert rig.venue.metrics().treasury == 0
    assert rig.venue.positions(ALICE) == PositionsView()


def ended(rig: Rig, mark: str, how: str) -> tuple[int, int, int]:
    """End a fresh position of 100 at ten times; give PnL realised, fee charged, and gain or loss, in USD."""
    rig.must(Endow(purse=Purse.TREASURY, amount=1_000 * USD))
    number = opened_at_100000(rig)
    before = rig.venue.account(ALICE).total
    history = rig.venue.balances(ALICE).balance
    rig.mark("BTC-USD", mark)
    fees = rig.venue.metrics().total_fees
    if how == CLOSURE:
        rig.must(Close(wallets=(ALICE,), position_id=number))
    else:
        exited(rig, ALICE, number)
    realised = rig.venue.balances(ALICE).balance - history
    charged = rig.venue.metrics().total_fees - fees
    return realised // USD, charged // USD, (rig.venue.account(ALICE).withdrawable - before) // USD


CLOSURE, EXIT = "normal closure", "emergency exit"
PROFIT, LOSS = "110000", "95000"


class TestTheComparisonTable:
    """Aspect by aspect: what normal closure does, what emergency exit does."""

    def test_speed_is_market_dependent_for_closure_and_immediate_for_exit(self, rig: Rig) -> None:
        number = opened_at_100000(rig)
        rig.must(SetHalted(symbol="BTC-USD", halted=True))
        assert rig.refusal(Close(wallets=(ALICE,), position_id=number)).reason is Reason.MARKET_HALTED
        assert exited(rig, ALICE, number).refunded == 100 * USD

    @pytest.mark.parametrize(
        ("aspect", "mark", "closure", "exit_"),
        [
            #                                        (PnL realised, fee, gain or loss) in USD
            ("PnL realisation: yes / no, in profit", PROFIT, (85, 15, 85), (0, 0, 0)),
            ("PnL realisation: yes / no, in loss", LOSS, (-50, 0, -50), (0, 0, 0)),
            ("Fees: dynamic / none", "101000", (7, 2, 7), (0, 0, 0)),
            ("Profit potential: keep gains / forfeit gains", "150000", (475, 25, 475), (0, 0, 0)),
            ("Loss management: realise losses / avoid losses", "91000", (-90, 0, -90), (0, 0, 0)),
        ],
    )
    def test_what_is_realised_charged_kept_and_avoided(
        self, rig: Rig, aspect: str, mark: str, closure: tuple[int, int, int], exit_: tuple[int, int, int]
    ) -> None:
        assert ended(rig, mark, CLOSURE) == closure, aspect
        assert ended(rig, mark, EXIT) == exit_, aspect

    def test_use_case_closure_serves_normal_trading_and_exit_the_emergency(self, rig: Rig) -> None:
        number = opened_at_100000(rig)
        rig.must(Close(wallets=(ALICE,), position_id=number))
        assert rig.position(number).status is Status.SETTLED
        number = opened_at_100000(rig)
        exited(rig, ALICE, number)
        assert rig.venue.position(number) is None


@pytest.mark.parametrize("side", list(Side))
def test_an_exit_drops_funding_in_both_directions(rig: Rig, side: Side) -> None:
    number = opened_at_100000(rig, side)
    rig.deposit(BOB, 1_000)
    rig.open(BOB, Side.LONG, usd=300, leverage=10)
    rig.open(BOB, Side.SHORT, usd=100, leverage=10)
    rig.clock.turn(9 * HOUR)
    rig.must(Fund(symbol="BTC-USD"))
    assert rig.position(number).funding != 0
    exited(rig, ALICE, number)
    assert rig.venue.account(ALICE).withdrawable == 1_000 * USD


def test_an_exit_needs_no_price_no_treasury_no_queue_and_no_open_market(rig: Rig) -> None:
    rig.deposit(BOB, 1_000)
    rig.mark("BTC-USD", "100000")
    winner = rig.open(BOB, Side.LONG, usd=100, leverage=10).position.id
    number = opened_at_100000(rig)
    rig.mark("BTC-USD", "101000")
    rig.must(Close(wallets=(BOB,), position_id=winner))
    assert rig.position(winner).status is Status.CLOSED
    rig.must(SetHalted(symbol="BTC-USD", halted=True))
    rig.must(SetWithdrawals(suspended=True))
    rig.clock.turn(24 * HOUR)
    metrics = rig.venue.metrics()
    assert (metrics.treasury, metrics.queue_length, metrics.queue_age_seconds) == (0, 1, 86_400)
    assert exited(rig, ALICE, number).refunded == 100 * USD


def test_a_second_exit_is_refused_and_pays_nothing(rig: Rig) -> None:
    number = opened_at_100000(rig)
    exited(rig, ALICE, number)
    before = rig.venue.account(ALICE)
    for wallet in (ALICE, BOB):
        refusal = refused(rig, wallet, number)
        assert refusal.reason is Reason.UNKNOWN_POSITION
        assert refusal.message == "Position not found or already closed"
    assert rig.venue.account(ALICE) == before


def test_a_repetition_under_the_same_key_gets_the_first_answer_byte_for_byte_even_after_a_restart(
    rig: Rig,
) -> None:
    number = opened_at_100000(rig)
    first = exited(rig, ALICE, number, key="once")
    rig.restart()
    again = exited(rig, ALICE, number, key="once")
    assert (again.answer, again.event_id, again.replayed) == (first.answer, first.event_id, True)
    assert rig.venue.account(ALICE).withdrawable == 1_000 * USD
    other = opened_at_100000(rig)
    assert refused(rig, ALICE, other, key="once").reason is Reason.IDEMPOTENCY_CONFLICT
    assert refused(rig, BOB, number, key="once").reason is Reason.UNKNOWN_POSITION


def test_a_refused_exit_does_not_use_up_its_key(rig: Rig) -> None:
    refused(rig, ALICE, 1, key="early")
    number = opened_at_100000(rig)
    assert number == 1
    assert not exited(rig, ALICE, number, key="early").replayed


def test_only_the_owner_may_exit_and_only_an_open_position(rig: Rig) -> None:
    number = opened_at_100000(rig)
    assert refused(rig, ALICE, 99).reason is Reason.UNKNOWN_POSITION
    assert refused(rig, BOB, number).reason is Reason.NOT_OWNER
    both = EmergencyExit(wallets=(BOB, ALICE), position_id=number)
    assert rig.must(both).wallet == ALICE

    closed = opened_at_100000(rig)
    rig.must(Close(wallets=(ALICE,), position_id=closed))
    assert refused(rig, ALICE, closed).reason is Reason.NOT_OPEN
    assert refused(rig, BOB, closed).reason is Reason.NOT_OWNER

    liquidated = opened_at_100000(rig)
    assert rig.must(Tick(marks={"BTC-USD": micro("80000")})).liquidated == (liquidated,)
    assert refused(rig, ALICE, liquidated).reason is Reason.NOT_OPEN


def test_a_queued_winner_cannot_be_exited(rig: Rig) -> None:
    number = opened_at_100000(rig)
    rig.mark("BTC-USD", "110000")
    closed = rig.must(Close(wallets=(ALICE,), position_id=number)).position
    assert (closed.status, closed.settled_at_us) == (Status.CLOSED, None)
    assert refused(rig, ALICE, number).reason is Reason.NOT_OPEN


def test_an_exited_position_counts_no_longer_in_interest_or_skew_but_stays_in_the_log(rig: Rig) -> None:
    number = opened_at_100000(rig)
    market = rig.venue.market("BTC-USD")
    assert market is not None
    assert (market.long_oi, market.short_oi) == (1_000 * USD, 0)
    exited(rig, ALICE, number)
    market = rig.venue.market("BTC-USD")
    assert market is not None
    assert (market.long_oi, market.skew) == (0, Fraction(0))
    assert rig.venue.position(number) is None
    dashboard = rig.venue.dashboard(ALICE)
    assert dashboard is not None
    assert (dashboard.active, dashboard.pending_payout, dashboard.history) == ((), (), ())


def test_a_void_refunds_both_sides_in_full_halts_the_market_and_forgives_nothing(rig: Rig) -> None:
    first = opened_at_100000(rig)
    rig.deposit(BOB, 1_000)
    second = rig.open(BOB, Side.SHORT, usd=50, leverage=100).position.id
    rig.mark("ETH-USD", "3000")
    elsewhere = rig.open(BOB, Side.LONG, usd=50, leverage=2, symbol="ETH-USD").position.id
    rig.mark("BTC-USD", "99000")
    voided = rig.must(VoidMarket(symbol="BTC-USD"))
    assert voided.refunded == ((first, 100 * USD), (second, 50 * USD))
    assert rig.venue.account(ALICE).withdrawable == 1_000 * USD
    assert rig.venue.account(BOB).withdrawable == 950 * USD
    assert rig.position(elsewhere).status is Status.OPEN
    market, metrics = rig.venue.market("BTC-USD"), rig.venue.metrics()
    assert market is not None
    assert market.halted
    assert (metrics.treasury, metrics.forgiven_loss) == (0, 0)


def test_a_stale_price_stops_trading_but_not_the_exit(rig: Rig) -> None:
    rig.venue.close()
    live = Rig(rig._open_store)
    try:
        number = opened_at_100000(live)
        live.clock.turn(31 * SECOND)
        exited(live, ALICE, number)
    finally:
        live.venue.close()
