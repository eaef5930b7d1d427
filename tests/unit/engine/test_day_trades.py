"""The day's trades come from executions alone, and the session's figures follow the interface's formulas."""

from decimal import Decimal

import pytest

from bastion.commands.session import stats_of
from bastion.domain.engine import Day, Trade
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import Direction, Fill
from bastion.domain.position import Side
from bastion.engine.trades import closed_trades
from tests.unit.engine.scenes import ACCOUNT

BTC = ("linear", "BTCUSDT", "")


def fill(
    number: int,
    direction: Direction,
    quantity: str,
    pnl: str | None,
    *,
    order: str | None = None,
    fee: str = "1",
    at_s: int | None = None,
    side: Side | None = None,
) -> Fill:
    return Fill(
        instrument="BTCUSDT",
        category="linear",
        symbol="BTC/USDT:USDT",
        fill_id=str(number),
        order_id=order or f"o{number}",
        client_order_id="",
        direction=direction,
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal(100)),
        fee_usd=Usd(Decimal(fee)),
        at_ms=(number if at_s is None else at_s) * 1000,
        side=side,
        realized_pnl_usd=None if pnl is None else Usd(Decimal(pnl)),
    )


BUY, SELL = Direction.BUY, Direction.SELL


def test_one_order_is_one_trade_however_many_executions_it_took() -> None:
    fills = [
        fill(1, BUY, "2", "0"),
        fill(7200, SELL, "1", "-5", order="close"),
        fill(7201, SELL, "1", "-7", order="close"),
    ]
    (trade,), pending = closed_trades(ACCOUNT, fills, {})
    assert (trade.pnl_usd, trade.fees_usd, trade.direction) == (Decimal(-12), Decimal(2), Side.LONG)
    assert trade.hold_s == 7200
    assert pending == 0


def test_a_close_at_exactly_the_entry_counts_where_the_holding_is_known() -> None:
    fills = [fill(1, BUY, "1", "0"), fill(2, SELL, "1", "0")]
    assert len(closed_trades(ACCOUNT, fills, {})[0]) == 1
    assert closed_trades(ACCOUNT, fills, None)[0] == ()


def test_a_holding_from_before_today_has_no_known_time() -> None:
    (trade,), _ = closed_trades(ACCOUNT, [fill(5, SELL, "1", "3")], {BTC: Decimal(2)})
    assert trade.hold_s is None
    assert trade.direction is Side.LONG


def test_an_execution_that_turns_a_position_closes_the_old_one() -> None:
    fills = [fill(1, SELL, "1", "0"), fill(2, BUY, "3", "4")]
    (trade,), _ = closed_trades(ACCOUNT, fills, {BTC: Decimal(2)})
    assert (trade.direction, trade.hold_s) == (Side.SHORT, 1)


def test_both_legs_of_a_hedge_are_kept_apart() -> None:
    fills = [
        fill(1, BUY, "1", "0", side=Side.LONG),
        fill(2, SELL, "1", "0", side=Side.SHORT),
        fill(3, SELL, "1", "9", side=Side.LONG),
    ]
    held = {("linear", "BTCUSDT", "SHORT"): Decimal(-1)}
    (trade,), _ = closed_trades(ACCOUNT, fills, held)
    assert trade.direction is Side.LONG


def test_a_closing_whose_pnl_the_venue_owes_is_pending_and_no_trade_of_zero() -> None:
    trades, pending = closed_trades(ACCOUNT, [fill(1, BUY, "1", "0"), fill(2, SELL, "1", None)], {})
    assert trades == ()
    assert pending == 1


def test_the_same_execution_from_two_sources_counts_once() -> None:
    (trade,), _ = closed_trades(ACCOUNT, [fill(2, SELL, "1", "-5"), fill(2, SELL, "1", "-5")], None)
    assert trade.pnl_usd == -5


def day(*pnls: str, unread: tuple[tuple[str, str], ...] = (), pending: tuple[str, ...] = ()) -> Day:
    trades = tuple(
        Trade(
            account="main",
            exchange="binance",
            symbol=f"C{at}USDT",
            direction=Side.LONG,
            closed_ms=at,
            pnl_usd=Usd(Decimal(pnl)),
            fees_usd=Usd(Decimal(1)),
            funding_usd=Usd(Decimal(0)),
            hold_s=3600 if at % 2 else None,
        )
        for at, pnl in enumerate(pnls)
    )
    return Day(began_ns=0, trades=trades, unread=unread, pending=pending)


def test_a_day_without_trades_has_zero_counts_and_no_ratios() -> None:
    stats = stats_of(day())
    assert (stats.total_trades, stats.wins, stats.losses) == (0, 0, 0)
    assert stats.net_pnl_usd == 0
    assert stats.max_drawdown_usd == 0
    for ratio in ("win_rate_pct", "best_trade", "worst_trade", "avg_hold_hours", "profit_factor"):
        assert getattr(stats, ratio) is None
    assert stats.avg_win_usd is None
    assert stats.avg_loss_usd is None


def test_the_figures_of_a_day_follow_the_formulas_of_the_interface() -> None:
    stats = stats_of(day("100", "-40", "30", "-80", "0"))
    assert (stats.total_trades, stats.wins, stats.losses) == (5, 2, 2)
    assert stats.win_rate_pct == Decimal("40.0")
    assert stats.net_pnl_usd == stats.gross_profit_usd + stats.gross_loss_usd == 10
    assert stats.gross_loss_usd == -120
    assert stats.profit_factor == Decimal("1.08")
    assert (stats.avg_win_usd, stats.avg_loss_usd) == (Decimal(65), Decimal(-60))
    assert stats.max_drawdown_usd == -90
    assert stats.best_trade is not None
    assert stats.best_trade.symbol == "C0USDT"
    assert stats.worst_trade is not None
    assert stats.worst_trade.pnl_usd == -80
    assert stats.avg_hold_hours == 1
    assert stats.fees_usd == 5


def test_only_winners_have_no_profit_factor() -> None:
    assert stats_of(day("1")).profit_factor is None


@pytest.mark.parametrize(
    ("one", "word"),
    [(day(unread=(("main", "timeout"),)), "NOT READ: main"), (day(pending=("main",)), "pending")],
)
def test_what_is_missing_is_said_in_the_first_sentence(one: Day, word: str) -> None:
    assert word in stats_of(one).summary


def test_the_realised_figure_of_the_day_is_net_of_fees() -> None:
    assert day("100", "-40").realized_usd == 58
