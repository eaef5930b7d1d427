"""How orders are sized and executed after what became of the earlier ones."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import OrderKind, OrderStatus
from bastion.domain.position import Side
from bastion.errors import Fault
from bastion.exits.books import Sent
from bastion.exits.ladder import Rung, Trail, is_dust, limit, rung, slices, trail
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import answered, position, refused, request

SETTINGS = ExitSettings()
SIZES = st.decimals(min_value="0.0001", max_value="100000", places=4)
STEPS = st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal("0.001"), Decimal("0.1"), Decimal(1)])


def instrument(step: Decimal = ZERO, least: Decimal = ZERO, most: Decimal = ZERO) -> Instrument:
    return Instrument(
        id="BTCUSDT",
        category="linear",
        symbol="BTCUSDT",
        base="BTC",
        settle="USDT",
        quantity_step=step,
        quantity_min=Quantity(least),
        market_quantity_max=Quantity(most),
        price_tick=Decimal("0.1"),
    )


@pytest.mark.parametrize(
    ("bands", "kind", "bound"),
    [
        (0, OrderKind.MARKET, None),
        (1, OrderKind.IOC, "0.01"),
        (2, OrderKind.IOC, "0.02"),
        (4, OrderKind.IOC, "0.10"),
        (5, OrderKind.RESTING, "0.10"),
        (6, OrderKind.MARKET, None),
        (7, OrderKind.RESTING, "0.10"),
    ],
)
def test_the_bound_widens_then_a_limit_rests_and_market_is_tried_in_between(
    bands: int, kind: OrderKind, bound: str | None
) -> None:
    step = rung(Trail(bands=bands), SETTINGS)
    assert step.kind is kind
    assert step.bound == (None if bound is None else Decimal(bound))
    assert bool(step.why) == (bands > 0)


@pytest.mark.parametrize("bands", range(5, 12))
def test_nothing_rests_where_a_part_of_the_position_is_to_stay(bands: int) -> None:
    assert rung(Trail(bands=bands), SETTINGS, exact=True).kind is not OrderKind.RESTING


@pytest.mark.parametrize(("refusals", "bound"), [(0, "0.10"), (1, "0.05"), (3, "0.0125"), (6, "0"), (9, "0")])
def test_a_refused_resting_price_comes_nearer_to_the_mark(refusals: int, bound: str) -> None:
    step = rung(Trail(bands=5 + refusals, rests=refusals), SETTINGS)
    assert (step.kind, step.bound) == (OrderKind.RESTING, Decimal(bound))


def test_a_guards_exit_tries_a_bounded_order_first_and_then_market() -> None:
    bound = SETTINGS.guard_bound
    assert bound == Decimal("0.05")
    first = rung(Trail(), SETTINGS, first_bound=bound)
    assert (first.kind, first.bound) == (OrderKind.IOC, bound)
    # A refusal that is not the market's word does not use the rung up.
    again = rung(Trail(last_fault=Fault.RETRY), SETTINGS, first_bound=bound)
    assert again.kind is OrderKind.IOC
    for past in (Trail(bands=1, met=1, first_barren=True), Trail(met=1)):
        step = rung(past, SETTINGS, first_bound=bound)
        assert step.kind is OrderKind.MARKET
        assert "at any price, since 5 % from the mark did not close it" in step.why
    later = rung(Trail(bands=2, met=2, first_barren=True), SETTINGS, first_bound=bound)
    assert (later.kind, later.bound) == (OrderKind.IOC, Decimal("0.01"))


def test_the_trail_tells_what_met_the_market_first() -> None:
    held = position()
    first = Sent(request=replace(request(held, "bst1"), kind=OrderKind.IOC), round=1, run=1)
    second = Sent(request=replace(request(held, "bst2"), kind=OrderKind.RESTING), round=2, run=1)
    first.answer, second.answer = refused(Fault.RETRY), refused(Fault.BAND, "bst2")
    past = trail([first, second])
    assert (past.met, past.first_barren, past.bands, past.rests) == (1, True, 1, 1)
    taken = answered("bst1", "0.4", OrderStatus.CANCELED)
    first.answer = taken
    assert taken.state is not None
    first.hear(taken.state)
    past = trail([first, second])
    assert (past.met, past.first_barren, past.bands) == (2, False, 1)


@given(size=SIZES, step=STEPS, least=STEPS, most=STEPS, largest=st.one_of(st.none(), SIZES))
def test_slices_are_never_larger_than_the_position_nor_than_the_maximum(
    size: Decimal, step: Decimal, least: Decimal, most: Decimal, largest: Decimal | None
) -> None:
    held = position(quantity=str(size))
    made = slices(
        held,
        instrument(step, least, most),
        Rung(kind=OrderKind.MARKET, largest=None if largest is None else Quantity(largest)),
        SETTINGS,
    )
    assert 0 < len(made) <= SETTINGS.slices_max
    assert sum(one.quantity for one in made) <= held.quantity
    assert all(one.quantity > 0 for one in made)
    if made[0].kind is OrderKind.MARKET and step > 0 and (most == 0 or most >= step):
        assert all(one.quantity % step == 0 for one in made)
    if made[0].kind is OrderKind.MARKET and most >= max(step, least) > 0:
        assert all(one.quantity <= most for one in made)


@given(size=SIZES, step=STEPS)
def test_without_a_maximum_one_order_takes_all_that_the_step_allows(size: Decimal, step: Decimal) -> None:
    made = slices(position(quantity=str(size)), instrument(step), Rung(kind=OrderKind.MARKET), SETTINGS)
    assert len(made) == 1
    assert size - made[0].quantity < max(step, Decimal("0.0001"))


def test_a_size_below_the_minimum_is_sent_whole() -> None:
    made = slices(
        position(quantity="0.3"),
        instrument(Decimal("0.1"), Decimal(1)),
        Rung(kind=OrderKind.MARKET),
        SETTINGS,
    )
    assert [(one.kind, one.quantity) for one in made] == [(OrderKind.WHOLE, Decimal("0.3"))]


@pytest.mark.parametrize(("side", "expected"), [(Side.LONG, "99"), (Side.SHORT, "101")])
def test_the_bound_is_measured_from_the_mark_against_us(side: Side, expected: str) -> None:
    assert limit(position(side=side), instrument(), Decimal("0.01")) == Decimal(expected)


def test_dust_is_only_what_the_venue_refused_for_its_size() -> None:
    small, known = position(quantity="0.3"), instrument(Decimal("0.1"), Decimal(1))
    assert not is_dust(small, known, Trail(), SETTINGS)
    for fault in (Fault.BAND, Fault.TERMINAL, Fault.RETRY, Fault.MAYBE_FLAT):
        assert not is_dust(
            small, known, Trail(last_fault=fault, bands=1, last_quantity=small.quantity), SETTINGS
        )
    past = Trail(last_fault=Fault.SIZE, sizes=1, last_quantity=small.quantity)
    assert is_dust(small, known, past, SETTINGS)
    assert not is_dust(position(quantity="5"), known, past, SETTINGS)


@pytest.mark.parametrize(
    ("size", "sent"), [("5.5", ["2", "2", "1.5"]), ("5", ["2", "2", "1"]), ("4.5", ["2", "2"])]
)
def test_only_a_last_slice_below_the_minimum_is_left_to_the_next_round(size: str, sent: list[str]) -> None:
    rules = instrument(Decimal("0.5"), Decimal(1), Decimal(2))
    made = slices(position(quantity=size), rules, Rung(kind=OrderKind.MARKET), SETTINGS)
    assert [one.quantity for one in made] == [Decimal(one) for one in sent]


def test_a_close_without_a_size_is_tried_only_right_after_a_refusal_for_the_size() -> None:
    assert rung(Trail(sizes=2, last_fault=Fault.SIZE), SETTINGS).kind is OrderKind.WHOLE
    assert rung(Trail(sizes=2, last_fault=Fault.TERMINAL), SETTINGS).kind is OrderKind.MARKET


@pytest.mark.parametrize(("size", "dust"), [("0.049", True), ("0.05", False)])
def test_what_is_worth_the_limit_is_no_dust_where_the_minimum_is_not_known(size: str, dust: bool) -> None:  # noqa: FBT001 - a case of the table
    held = position(quantity=size)
    past = Trail(sizes=3, last_fault=Fault.SIZE, last_quantity=held.quantity)
    assert is_dust(held, None, past, SETTINGS) is dust
