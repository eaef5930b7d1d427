"""The estimate of a close: walking a book, its cost against the mark, and no price where nobody is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.book import Level, Quote, walk
from bastion.domain.instrument import Instrument
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Position, Side
from bastion.exits.estimate import estimate, without

D = Decimal


def level(price: str, quantity: str) -> Level:
    return Level(price=Price(D(price)), quantity=Quantity(D(quantity)))


BOOK = Quote(
    bids=(level("99", "1"), level("98", "2"), level("90", "10")),
    asks=(level("101", "1"), level("102", "2"), level("110", "10")),
    taker_fee=D("0.0005"),
)


def position(side: Side, *, entry: str = "80", dollars: bool = True) -> Position:
    return Position(
        instrument="BTCUSDT",
        category="usdm",
        symbol="BTCUSDT",
        side=side,
        quantity=Quantity(D(2)),
        hedged=False,
        entry_price=Price(D(entry)),
        mark_price=Price(D(100)),
        notional_usd=Usd(D(200)) if dollars else None,
    )


def contract(*, inverse: bool = False, size: str = "1") -> Instrument:
    return Instrument(
        id="BTCUSDT",
        category="usdm",
        symbol="BTCUSDT",
        base="BTC",
        settle="BTC" if inverse else "USDT",
        inverse=inverse,
        contract_size=D(size),
    )


def test_a_long_sells_down_the_bids() -> None:
    found = estimate(position(Side.LONG), D(2), BOOK, contract())
    assert found.exit_price == D("98.5")
    assert found.slippage_usd == D(3)
    assert found.pnl_usd == D(37)
    assert found.fees_usd == D("0.0985")


def test_a_short_buys_up_the_asks() -> None:
    found = estimate(position(Side.SHORT, entry="120"), D(2), BOOK, contract())
    assert found.exit_price == D("101.5")
    assert found.slippage_usd == D(3)
    assert found.pnl_usd == D(37)


def test_a_contract_of_many_units_counts_them() -> None:
    found = estimate(position(Side.LONG), D(2), BOOK, contract(size="10"))
    assert (found.slippage_usd, found.pnl_usd, found.fees_usd) == (D(30), D(370), D("0.985"))


def test_a_book_that_does_not_hold_the_size_gives_no_price_and_says_what_lacks() -> None:
    found = estimate(position(Side.LONG), D(20), BOOK, contract())
    assert found.exit_price is None
    assert found.pnl_usd is None
    assert found.fees_usd is None
    assert found.missing == D(7)


def test_an_empty_book_gives_no_price() -> None:
    found = estimate(position(Side.LONG), D(2), Quote(bids=(), asks=()), contract())
    assert (found.exit_price, found.missing) == (None, D(2))


def test_what_others_take_first_is_not_there_any_more() -> None:
    found = estimate(position(Side.LONG), D(2), BOOK, contract(), taken=D(1))
    assert found.exit_price == D(98)
    assert without(BOOK.bids, D("1.5"))[0] == level("98", "1.5")


def test_without_a_fee_or_dollars_the_figures_are_unknown_and_not_zero() -> None:
    bare = Quote(bids=BOOK.bids, asks=BOOK.asks)
    assert estimate(position(Side.LONG), D(2), bare, contract()).fees_usd is None
    foreign = estimate(position(Side.LONG, dollars=False), D(2), BOOK, contract())
    assert (foreign.slippage_usd, foreign.pnl_usd, foreign.fees_usd) == (None, None, None)
    assert foreign.exit_price == D("98.5")


def test_an_inverse_contract_gains_in_its_coin_at_the_mark() -> None:
    found = estimate(position(Side.LONG, entry="80"), D(2), BOOK, contract(inverse=True))
    assert found.exit_price is not None
    coins = D(2) * (1 / D(80) - 1 / found.exit_price)
    assert found.pnl_usd == pytest.approx(coins * 100)
    assert found.slippage_usd == pytest.approx(D(2) * (1 / found.exit_price - 1 / D(100)) * 100)
    assert found.fees_usd == D(2) * D("0.0005")


@given(
    sizes=st.lists(st.decimals(min_value="0.1", max_value="50", places=1), min_size=1, max_size=8),
    wanted=st.decimals(min_value="0.1", max_value="400", places=1),
)
def test_a_walk_takes_all_that_is_there_and_never_more(sizes: list[Decimal], wanted: Decimal) -> None:
    levels = [
        Level(price=Price(D(100) - number), quantity=Quantity(size)) for number, size in enumerate(sizes)
    ]
    found = walk(levels, wanted)
    assert found.missing == max(D(0), wanted - sum(sizes))
    assert found.average_price is not None
    assert levels[-1].price <= found.average_price <= levels[0].price


@given(taken=st.decimals(min_value="0", max_value="20", places=1))
def test_what_is_left_and_what_is_gone_make_up_the_book(taken: Decimal) -> None:
    left = sum(each.quantity for each in without(BOOK.bids, taken))
    assert left == max(D(0), D(13) - taken)
