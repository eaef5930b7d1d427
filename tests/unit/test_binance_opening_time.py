"""When a Binance position was opened, followed back through its trades."""

from decimal import Decimal

import pytest

from bastion.venues.ccxt.binance_funding import opened_by
from bastion.venues.raw import Row


def trades(*moves: tuple[int, str]) -> list[Row]:
    return [
        Row(
            {
                "id": number,
                "time": at_ms,
                "side": "SELL" if quantity.startswith("-") else "BUY",
                "qty": quantity.removeprefix("-"),
            },
            "userTrades",
        )
        for number, (at_ms, quantity) in enumerate(moves, start=1)
    ]


@pytest.mark.parametrize(
    ("size", "moves", "opened"),
    [
        ("2", [(10, "2")], 10),
        ("2", [(5, "1"), (6, "-1"), (10, "1"), (20, "1")], 10),
        ("1", [(10, "3"), (20, "-2")], 10),
        ("-1", [(10, "-3"), (20, "2")], 10),
        ("1", [(5, "-2"), (10, "3")], 10),
        ("1", [(10, "-1"), (10, "2")], 10),
        ("-0.5", [(5, "1"), (8, "-1"), (9, "-0.5")], 9),
    ],
    ids=["at once", "after an earlier one", "reduced", "a short", "by a flip", "in one moment", "reversed"],
)
def test_the_trade_that_left_zero_opened_it(size: str, moves: list[tuple[int, str]], opened: int) -> None:
    assert opened_by(trades(*moves), Decimal(size))[0] == opened


def test_trades_that_do_not_reach_back_leave_the_size_before_them() -> None:
    assert opened_by(trades((10, "1"), (20, "-0.5")), Decimal(3)) == (None, Decimal("2.5"))
    assert opened_by([], Decimal(-3)) == (None, Decimal(-3))
