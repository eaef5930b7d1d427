"""The paper exchange's ledger: every entry sums to zero, or nothing is booked."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.paper.fees import fee_units
from bastion.paper.ledger import Ledger, Posting, Unbalanced
from bastion.paper.money import from_units, to_units


def post(ledger: Ledger, *postings: tuple[str, str, int]) -> None:
    rows = [Posting(ledger_account=a, coin=c, units=u) for a, c, u in postings]
    ledger.post(time_ms=1, kind="test", memo="", postings=rows)


def test_a_balanced_entry_changes_the_balances() -> None:
    ledger = Ledger()
    post(ledger, ("a", "USDT", 5), ("b", "USDT", -5), ("a", "BTC", 1), ("c", "BTC", -1))
    assert ledger.balance("a", "USDT") == 5
    assert ledger.balance("nobody", "USDT") == 0
    assert ledger.trial_balance() == {"USDT": 0, "BTC": 0}
    assert len(list(ledger.entries())) == len(ledger) == 1


def test_an_entry_that_is_off_books_nothing() -> None:
    ledger = Ledger()
    with pytest.raises(Unbalanced, match="USDT"):
        post(ledger, ("a", "USDT", 5), ("b", "USDT", -4))
    with pytest.raises(Unbalanced):
        post(ledger, ("a", "USDT", 5), ("b", "USDC", -5))
    assert (len(ledger), ledger.balances()) == (0, {})


def test_one_account_may_appear_twice_in_an_entry() -> None:
    ledger = Ledger()
    post(ledger, ("a", "USDT", 5), ("a", "USDT", 2), ("b", "USDT", -7))
    assert ledger.balance("a", "USDT") == 7


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("def"), st.integers(-(10**12), 10**12))))
def test_the_trial_balance_is_always_zero(moves: list[tuple[str, str, int]]) -> None:
    ledger = Ledger()
    for source, target, units in moves:
        post(ledger, (source, "USDT", -units), (target, "USDT", units))
    assert set(ledger.trial_balance().values()) <= {0}


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USDT", "BTC"]))
def test_units_and_amounts_turn_into_each_other_exactly(units: int, coin: str) -> None:
    assert to_units(coin, from_units(coin, units)) == units


def test_dollar_coins_are_booked_in_micro_units_and_others_finer() -> None:
    assert to_units("USDT", Decimal("1.0000005")) == 1_000_000
    assert to_units("USDT", Decimal("1.0000015")) == 1_000_002
    assert to_units("BTC", Decimal("0.000000001")) == 1


def test_fees_are_rounded_half_up_and_rebates_are_negative() -> None:
    assert fee_units(1_000_000_000, 500) == 500_000
    assert fee_units(1_000, 500) == 1
    assert fee_units(999, 500) == 0
    assert fee_units(1_000_000, -100) == -100
