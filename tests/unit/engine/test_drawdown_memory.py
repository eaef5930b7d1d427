"""The high-water mark rises with the equity and moves with transfers; it hides no loss and invents none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.money import Usd
from bastion.engine.memory import Worth, recalled, remember, transfer
from bastion.engine.scene import Drawdown

S = 1_000_000_000
BOOK = frozenset({("main", "linear", "BTCUSDT", "LONG", "1", "100")})


def worth(
    equity: str,
    *,
    pnl: str | None = "0",
    at_s: int = 0,
    book: frozenset[tuple[str, ...]] = BOOK,
) -> Worth:
    return Worth(
        at_ns=at_s * S,
        equity_usd=Usd(Decimal(equity)),
        open_pnl_usd=None if pnl is None else Usd(Decimal(pnl)),
        book=book,
    )


def run(*moments: Worth, average_s: int = 300) -> Drawdown:
    memory: Drawdown | None = None
    before: Worth | None = None
    for now in moments:
        memory, before, _ = remember(memory, before, now, average_s=average_s)
    assert memory is not None
    return memory


def test_the_mark_is_the_peak_and_not_the_start() -> None:
    memory = run(worth("100"), worth("150", pnl="50", at_s=10), worth("120", pnl="20", at_s=20))
    assert memory.high_water_usd == 150


def test_a_wick_of_a_minute_moves_the_average_little_and_a_lasting_fall_moves_it_all_the_way() -> None:
    wick = run(worth("100"), worth("65", pnl="-35", at_s=1), worth("65", pnl="-35", at_s=60))
    assert wick.average_pct < 7
    lasting = run(worth("100"), worth("70", pnl="-30", at_s=1), worth("70", pnl="-30", at_s=601))
    assert lasting.average_pct > 25


def test_a_withdrawal_is_no_drawdown_and_a_deposit_hides_none() -> None:
    less = worth("60", pnl="10", at_s=10)
    assert run(worth("100", pnl="10"), less, less).high_water_usd == 60
    fallen, more = worth("90", pnl="-10", at_s=10), worth("190", pnl="-10", at_s=20)
    assert run(worth("100"), fallen, more, more).high_water_usd == 200


def test_a_price_that_moves_between_two_answers_is_no_withdrawal() -> None:
    # The balance shows the crash, the positions do not yet; the next reading shows it in both.
    half, whole = worth("60", pnl="0", at_s=10), worth("60", pnl="-40", at_s=20)
    memory = run(worth("100"), half, whole, worth("60", pnl="-40", at_s=30))
    assert memory.high_water_usd == 100


@pytest.mark.parametrize(
    "now",
    [
        worth("60", pnl="-40"),
        worth("60", pnl="0", book=frozenset()),
        worth("60", pnl=None),
        worth("96", pnl="0"),
    ],
    ids=["a loss", "a closed position", "a PnL that was not told", "fees and funding"],
)
def test_what_is_not_surely_a_transfer_stays_a_drawdown(now: Worth) -> None:
    assert transfer(worth("100"), now) == 0


def test_after_a_restart_the_average_begins_with_the_drawdown_that_is_there() -> None:
    memory, _, _ = remember(recalled(Usd(Decimal(100)), at_ns=0), None, worth("70", at_s=1), average_s=300)
    assert memory.high_water_usd == 100
    assert memory.average_pct == 30


@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=30))
def test_without_transfers_the_mark_is_the_largest_equity_and_the_average_stays_within_0_and_100(
    equities: list[int],
) -> None:
    memory = run(
        *(worth(str(one), pnl=str(one - equities[0]), at_s=at * 10) for at, one in enumerate(equities))
    )
    assert memory.high_water_usd == max(equities)
    assert 0 <= memory.average_pct <= 100
