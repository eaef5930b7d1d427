"""The ladder's counting and its figures: rounds, refusals, halves and doubles, bounds, times and words."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import OrderKind, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import OrderAnswered, Outcome
from bastion.errors import Fault
from bastion.exits.books import Sent
from bastion.exits.ladder import (
    Rung,
    Slice,
    Trail,
    below_minimum,
    is_dust,
    limit,
    resting_bound,
    rung,
    rung_s,
    slices,
    trail,
)
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import answered, position, refused, request

SETTINGS = ExitSettings()


def sent(
    number: int,
    fault: Fault | None = None,
    *,
    filled: str | None = None,
    status: OrderStatus = OrderStatus.FILLED,
    quantity: str = "1",
    kind: OrderKind = OrderKind.MARKET,
    held: Position | None = None,
) -> Sent:
    """Return an order of that round: refused for a fault, or answered with what it filled."""
    cid = f"bst{number}"
    asked = replace(request(held or position(), cid, quantity), kind=kind)
    one = Sent(request=asked, round=number, run=1)
    if fault is not None:
        one.answer = refused(fault, cid)
    if filled is not None:
        one.answer = answered(cid, filled, status)
        assert one.answer.state is not None
        one.hear(one.answer.state)
    return one


def rules(step: str = "0", least: str = "0", most: str = "0", tick: str = "0.1") -> Instrument:
    return Instrument(
        id="BTCUSDT",
        category="linear",
        symbol="BTCUSDT",
        base="BTC",
        settle="USDT",
        quantity_step=Decimal(step),
        quantity_min=Quantity(Decimal(least)),
        market_quantity_max=Quantity(Decimal(most)),
        price_tick=Decimal(tick),
    )


def made(
    quantity: str, instrument: Instrument | None, step: Rung | None = None, *, exact: bool = False
) -> list[tuple[str, str]]:
    found = slices(
        position(quantity=quantity), instrument, step or Rung(kind=OrderKind.MARKET), SETTINGS, exact=exact
    )
    return [(one.kind.value, str(one.quantity)) for one in found]


def test_nothing_sent_leaves_no_trail() -> None:
    assert trail([]) == Trail()
    assert Trail() == Trail(last_quantity=Quantity(ZERO), slice_max=None, met=0, first_barren=False)


@pytest.mark.parametrize(
    ("orders", "counts"),
    [
        ([sent(1, Fault.BAND)], (1, 0, 0, 0)),
        ([sent(1, Fault.SIZE)], (0, 1, 0, 0)),
        ([sent(1, Fault.MAYBE_FLAT)], (0, 0, 1, 0)),
        ([sent(1, Fault.BAND, kind=OrderKind.RESTING)], (1, 0, 0, 1)),
        ([sent(1, Fault.SIZE, kind=OrderKind.RESTING)], (0, 1, 0, 0)),
        ([sent(1, Fault.BAND, kind=OrderKind.IOC)], (1, 0, 0, 0)),
        ([sent(1, Fault.RETRY)], (0, 0, 0, 0)),
        ([sent(1, Fault.TERMINAL)], (0, 0, 0, 0)),
        ([sent(1, filled="0", status=OrderStatus.CANCELED)], (1, 0, 0, 0)),
        ([sent(1, filled="0", status=OrderStatus.CANCELED, kind=OrderKind.RESTING)], (1, 0, 0, 0)),
        ([sent(1, filled="0", status=OrderStatus.ACCEPTED)], (0, 0, 0, 0)),
        ([sent(1, filled="0.5", status=OrderStatus.CANCELED)], (0, 0, 0, 0)),
        ([sent(1)], (0, 0, 0, 0)),
        ([sent(1, Fault.BAND), sent(1, Fault.BAND), sent(2, Fault.SIZE), sent(3, Fault.SIZE)], (1, 2, 0, 0)),
    ],
)
def test_rounds_are_counted_by_what_stopped_them(
    orders: list[Sent], counts: tuple[int, int, int, int]
) -> None:
    past = trail(orders)
    assert (past.bands, past.sizes, past.maybes, past.rests) == counts


def test_the_last_refusal_and_size_are_those_of_the_last_order() -> None:
    past = trail([sent(1, Fault.BAND), sent(2, Fault.SIZE, held=position(quantity="3"), quantity="2")])
    assert (past.last_fault, past.last_quantity) == (Fault.SIZE, Decimal(3))
    assert trail([sent(1, Fault.BAND), sent(2)]).last_fault is None
    assert trail([sent(1, Fault.BAND), sent(2, filled="0.1")]).last_fault is None


@pytest.mark.parametrize(
    ("orders", "met", "first_barren"),
    [
        ([sent(1, Fault.BAND)], 1, True),
        ([sent(1, filled="0.5")], 1, False),
        ([sent(1, Fault.BAND), sent(2, filled="0.5")], 2, True),
        ([sent(1, filled="0.5"), sent(2, Fault.BAND)], 2, False),
        ([sent(1, Fault.BAND), sent(1, filled="0.5")], 1, False),
        ([sent(1, Fault.BAND), sent(1, filled="0.5"), sent(2, Fault.BAND)], 2, False),
        ([sent(1, Fault.SIZE), sent(2, Fault.BAND)], 1, True),
        ([sent(1, Fault.SIZE)], 0, False),
    ],
    ids=[
        "stopped",
        "filled",
        "stopped, then filled",
        "filled, then stopped",
        "half of the slices filled",
        "half of the first filled, the second stopped",
        "a size met nothing",
        "nothing met the market",
    ],
)
def test_what_met_the_market_is_told_by_its_first_round(
    orders: list[Sent],
    met: int,
    first_barren: bool,  # noqa: FBT001 - a case of the table
) -> None:
    past = trail(orders)
    assert (past.met, past.first_barren) == (met, first_barren)


@pytest.mark.parametrize(
    ("told", "largest"),
    [
        ([("refused", "8")], "4"),
        ([("refused", "8"), ("refused", "4")], "2"),
        ([("filled", "8")], None),
        ([("refused", "8"), ("filled", "4")], "4"),
        ([("refused", "8"), ("filled", "4"), ("filled", "4")], "8"),
        ([("refused", "8"), *[("filled", "4")] * 3], "8"),
        ([("refused", "8"), *[("filled", "4")] * 4], "16"),
        ([("filled", "9"), ("refused", "8"), ("filled", "4")], "4"),
        ([("filled", "9"), ("refused", "8"), ("filled", "4"), ("filled", "4")], "8"),
        ([("refused", "8"), ("filled", "4"), ("refused", "6"), ("filled", "3")], "3"),
        ([("refused", "8"), ("filled", "4"), ("refused", "6"), ("filled", "3"), ("filled", "3")], "6"),
    ],
)
def test_a_refused_size_is_halved_and_doubled_after_every_second_round_that_filled(
    told: list[tuple[str, str]], largest: str | None
) -> None:
    orders = [
        sent(number, Fault.SIZE, quantity=size)
        if what == "refused"
        else sent(number, filled="0.5", quantity=size)
        for number, (what, size) in enumerate(told, start=1)
    ]
    assert trail(orders).slice_max == (None if largest is None else Decimal(largest))


def test_the_largest_slice_of_a_refused_round_is_what_is_halved() -> None:
    orders = [sent(1, Fault.SIZE, quantity=size) for size in ("2", "8", "4")]
    assert trail(orders).slice_max == 4


def test_a_round_of_which_a_slice_filled_counts_as_filled() -> None:
    orders = [sent(1, Fault.SIZE, quantity="8"), sent(1, filled="1", quantity="8")]
    assert trail(orders).slice_max is None


def test_a_smaller_slice_that_filled_says_nothing_for_the_size_that_was_refused() -> None:
    orders = [*[sent(1, Fault.SIZE, quantity="8")] * 2, sent(1, filled="1", quantity="1")]
    assert trail(orders).slice_max == 4


def test_a_refused_close_without_a_size_forgets_no_smaller_size_that_was_refused() -> None:
    orders = [
        sent(1, Fault.SIZE, quantity="8"),
        sent(2, Fault.SIZE, quantity="4"),
        sent(3, Fault.SIZE, quantity="8", kind=OrderKind.WHOLE),
    ]
    assert trail(orders).slice_max == 2


@pytest.mark.parametrize(
    ("sizes", "stuck", "refused", "kind"),
    [
        (1, False, None, OrderKind.MARKET),
        (2, False, None, OrderKind.WHOLE),
        (2, False, "8", OrderKind.MARKET),
        (3, False, None, OrderKind.MARKET),
        (3, True, None, OrderKind.WHOLE),
        (3, True, "8", OrderKind.MARKET),
        (3, True, "7.9", OrderKind.WHOLE),
    ],
)
def test_the_close_without_a_size_comes_after_two_refusals_until_it_is_refused_for_as_much(
    sizes: int, *, stuck: bool, refused: str | None, kind: OrderKind
) -> None:
    past = Trail(
        sizes=sizes,
        stuck=stuck,
        last_fault=Fault.SIZE,
        slice_max=Quantity(Decimal(2)),
        last_quantity=Quantity(Decimal(8)),
        whole_refused=None if refused is None else Quantity(Decimal(refused)),
    )
    step = rung(past, SETTINGS)
    assert step.kind is kind
    assert step.largest == (None if kind is OrderKind.WHOLE else 2)


def test_a_close_of_all_that_was_lost_or_of_less_is_tried_again() -> None:
    small, grown = position(quantity="0.1"), position(quantity="4.1")
    refused_small = [sent(1, Fault.SIZE, held=small, quantity="0.1")]
    lost = [
        *refused_small,
        sent(2, Fault.SIZE, held=grown, quantity="0.1"),
        sent(3, held=grown, quantity="4.1", kind=OrderKind.WHOLE),
        sent(4, Fault.SIZE, held=grown, quantity="0.1"),
    ]
    assert rung(trail(lost), SETTINGS).kind is OrderKind.WHOLE
    of_less = [
        *refused_small,
        sent(2, Fault.SIZE, held=small, quantity="0.1"),
        sent(3, Fault.SIZE, held=small, quantity="0.1", kind=OrderKind.WHOLE),
        sent(4, Fault.SIZE, held=grown, quantity="0.1"),
    ]
    assert rung(trail(of_less), SETTINGS).kind is OrderKind.WHOLE
    refused_grown = sent(5, Fault.SIZE, held=grown, quantity="4.1", kind=OrderKind.WHOLE)
    past = trail([*of_less, refused_grown])
    assert past.whole_refused == Decimal("4.1")
    assert rung(past, SETTINGS).kind is OrderKind.MARKET


def test_a_lost_close_of_all_is_not_tried_again_while_sizes_get_smaller() -> None:
    refused = [sent(1, Fault.SIZE, quantity="37"), sent(2, Fault.SIZE, quantity="18.5")]
    lost = sent(3, quantity="37", kind=OrderKind.WHOLE)
    smaller = [sent(4, Fault.SIZE, quantity="9.2"), sent(5, Fault.SIZE, quantity="4.6")]
    assert rung(trail(refused), SETTINGS).kind is OrderKind.WHOLE
    assert rung(trail([*refused, lost, *smaller]), SETTINGS).kind is OrderKind.MARKET
    again = sent(6, Fault.SIZE, quantity="4.6")
    assert rung(trail([*refused, lost, *smaller, again]), SETTINGS).kind is OrderKind.WHOLE


def test_the_size_to_stay_within_holds_on_every_rung() -> None:
    past = Trail(slice_max=Quantity(Decimal(2)))
    assert rung(past, SETTINGS).largest == 2
    assert rung(replace(past, bands=1), SETTINGS).largest == 2
    assert rung(past, SETTINGS, first_bound=Decimal("0.05")).largest == 2


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        (1, "limited to 1 % from the mark, since the price protection stopped 1 round(s)"),
        (3, "limited to 5 % from the mark, since the price protection stopped 3 round(s)"),
        (5, "rests in the book at most 10 % from the mark, since the price protection stopped 5 round(s)"),
        (6, "at market again, since the price protection stopped 6 round(s)"),
    ],
)
def test_a_rung_says_why_it_is_not_the_first_one(bands: int, words: str) -> None:
    assert rung(Trail(bands=bands), SETTINGS).why == words


@pytest.mark.parametrize(
    ("bands", "exact_rung"),
    [
        (0, (OrderKind.MARKET, None)),
        (4, (OrderKind.IOC, "0.10")),
        (5, (OrderKind.MARKET, None)),
        (6, (OrderKind.IOC, "0.10")),
        (7, (OrderKind.MARKET, None)),
    ],
)
def test_where_a_part_is_to_stay_market_and_the_widest_bound_take_turns(
    bands: int, exact_rung: tuple[OrderKind, str | None]
) -> None:
    step = rung(Trail(bands=bands), SETTINGS, exact=True)
    kind, bound = exact_rung
    assert (step.kind, step.bound) == (kind, None if bound is None else Decimal(bound))


def test_without_bounds_a_part_goes_at_market_only_and_a_whole_rests_in_turn() -> None:
    plain = replace(SETTINGS, ioc_bounds=())
    assert [rung(Trail(bands=n), plain, exact=True).kind for n in range(4)] == [OrderKind.MARKET] * 4
    assert [rung(Trail(bands=n), plain).kind for n in range(4)] == [
        OrderKind.MARKET,
        OrderKind.RESTING,
        OrderKind.MARKET,
        OrderKind.RESTING,
    ]


def test_a_guards_bound_that_stopped_barren_is_not_counted_among_the_others() -> None:
    bound = Decimal("0.05")
    kinds = [
        rung(Trail(bands=n, met=n, first_barren=True), SETTINGS, first_bound=bound).bound for n in (1, 2, 3)
    ]
    assert kinds == [None, Decimal("0.01"), Decimal("0.02")]
    filled_first = rung(Trail(bands=1, met=2, first_barren=False), SETTINGS, first_bound=bound)
    assert filled_first.bound == Decimal("0.01")
    assert "at any price" not in filled_first.why


@pytest.mark.parametrize(("rests", "bound"), [(0, "0.10"), (1, "0.05"), (5, "0.003125"), (6, "0"), (7, "0")])
def test_a_resting_bound_is_halved_until_it_is_the_mark_itself(rests: int, bound: str) -> None:
    assert resting_bound(Trail(rests=rests), SETTINGS) == Decimal(bound)


def test_each_kind_has_its_own_time() -> None:
    told = replace(SETTINGS, market_rung_s=1.0, ioc_rung_s=2.0, resting_rung_s=3.0)
    kinds = (OrderKind.MARKET, OrderKind.WHOLE, OrderKind.IOC, OrderKind.RESTING)
    assert [rung_s(kind, told) for kind in kinds] == [1.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("quantity", "sent_as"),
    [
        ("7", [("market", "3"), ("market", "3"), ("market", "1")]),
        ("6", [("market", "3"), ("market", "3")]),
        ("3", [("market", "3")]),
        ("2.99", [("market", "2.9")]),
        ("0.1", [("market", "0.1")]),
        ("0.09", [("whole", "0.09")]),
    ],
)
def test_a_size_is_split_at_the_maximum_and_rounded_down_to_the_step(
    quantity: str, sent_as: list[tuple[str, str]]
) -> None:
    assert made(quantity, rules("0.1", most="3")) == sent_as


def test_a_maximum_that_is_no_multiple_of_the_step_is_rounded_down_too() -> None:
    assert made("7", rules("1", most="3.5")) == [("market", "3"), ("market", "3"), ("market", "1")]
    assert made("3", rules("1", most="0.5"))[0] == ("market", "0.5")


def test_without_the_venues_rules_all_is_sent_as_it_is() -> None:
    assert made("1.23456", None) == [("market", "1.23456")]


@pytest.mark.parametrize(
    ("least", "quantity", "exact", "sent_as"),
    [
        ("1", "1", False, [("market", "1")]),
        ("1", "0.9", False, [("whole", "0.9")]),
        ("1", "1", True, [("market", "1")]),
        ("1", "0.9", True, []),
        ("0", "0.05", True, []),
        ("0", "0.05", False, [("whole", "0.05")]),
    ],
)
def test_what_is_too_small_goes_without_a_size_or_not_at_all(
    least: str,
    quantity: str,
    exact: bool,  # noqa: FBT001 - a case of the table
    sent_as: list[tuple[str, str]],
) -> None:
    assert made(quantity, rules("0.1", least), exact=exact) == sent_as


def test_a_close_without_a_size_is_sent_as_one_unless_a_part_is_to_stay() -> None:
    whole = Rung(kind=OrderKind.WHOLE)
    assert made("5", rules("0.1", most="2"), whole) == [("whole", "5")]
    assert made("2", rules("0.1", most="2"), whole, exact=True) == [("market", "2")]


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [("2", ["2", "2", "1"]), ("2.5", ["2", "2", "1"]), ("9", ["5"]), ("0.2", ["1"] * 5)],
)
def test_the_size_to_stay_within_is_rounded_to_the_step_and_never_below_one(
    largest: str, sizes: list[str]
) -> None:
    step = Rung(kind=OrderKind.MARKET, largest=Quantity(Decimal(largest)))
    assert [Decimal(size) for _, size in made("5", rules("1"), step)] == [Decimal(one) for one in sizes]


def test_the_size_to_stay_within_is_never_below_the_minimum() -> None:
    step = Rung(kind=OrderKind.MARKET, largest=Quantity(Decimal(1)))
    assert [size for _, size in made("6", rules("1", "3"), step)] == ["3", "3"]


def test_without_a_step_the_last_digit_that_the_venue_wrote_is_one() -> None:
    step = Rung(kind=OrderKind.MARKET, largest=Quantity(Decimal("0.123456")))
    assert [size for _, size in made("0.30", None, step)] == ["0.12", "0.12", "0.06"]
    assert [size for _, size in made("3", None, step)] == ["1", "1", "1"]


def test_no_more_slices_leave_at_once_than_the_setting_allows() -> None:
    few = replace(SETTINGS, slices_max=3)
    found = slices(position(quantity="10"), rules("1", most="1"), Rung(kind=OrderKind.MARKET), few)
    assert [one.quantity for one in found] == [1, 1, 1]


def test_a_bounded_order_carries_its_price_and_goes_at_market_where_there_is_no_mark() -> None:
    step = Rung(kind=OrderKind.IOC, bound=Decimal("0.05"))
    one = slices(position(), rules("0.1"), step, SETTINGS)
    assert one == (
        Slice(kind=OrderKind.IOC, quantity=Quantity(Decimal("1.0")), limit_price=Price(Decimal(95))),
    )
    blind = replace(position(), mark_price=None)
    (plain,) = slices(blind, rules("0.1"), step, SETTINGS)
    assert (plain.kind, plain.limit_price) == (OrderKind.MARKET, None)
    (resting,) = slices(position(), rules("0.1"), replace(step, kind=OrderKind.RESTING), SETTINGS)
    assert (resting.kind, resting.limit_price) == (OrderKind.RESTING, Decimal(95))
    (market,) = slices(position(), rules("0.1"), Rung(kind=OrderKind.MARKET), SETTINGS)
    assert (market.kind, market.limit_price) == (OrderKind.MARKET, None)


@pytest.mark.parametrize(
    ("side", "mark", "tick", "bound", "price"),
    [
        (Side.LONG, "100", "0.1", "0.05", "95.0"),
        (Side.SHORT, "100", "0.1", "0.05", "105.0"),
        (Side.LONG, "100.03", "0.5", "0.01", "99.5"),
        (Side.SHORT, "100.03", "0.5", "0.01", "101.0"),
        (Side.LONG, "100.03", "0", "0.01", "99.03"),
        (Side.SHORT, "100.03", "0", "0.01", "101.03"),
        (Side.LONG, "100.3", "0", "0.01", "99.3"),
        (Side.LONG, "1E+2", "0", "0.05", "95"),
        (Side.LONG, "0.3", "0.5", "0.9", "0.5"),
        (Side.SHORT, "0.3", "0.5", "0.1", "0.5"),
        (Side.LONG, "100", "0.1", "0", "100.0"),
        (Side.LONG, "1", "1", "0", "1"),
    ],
)
def test_a_limit_lies_on_the_tick_on_the_near_side_of_its_bound(
    side: Side, mark: str, tick: str, bound: str, price: str
) -> None:
    held = replace(position(side=side), mark_price=Price(Decimal(mark)))
    assert limit(held, rules(tick=tick), Decimal(bound)) == Decimal(price)


@pytest.mark.parametrize("mark", [None, Decimal(0), Decimal(-1)])
def test_without_a_mark_there_is_no_limit(mark: Decimal | None) -> None:
    held = replace(position(), mark_price=None if mark is None else Price(mark))
    assert limit(held, rules(), Decimal("0.05")) is None
    assert limit(position(), rules(), None) is None
    assert limit(position(), None, Decimal("0.05")) == 95


@pytest.mark.parametrize(
    ("quantity", "step", "least", "below"),
    [
        ("1", "0.1", "1", False),
        ("0.9", "0.1", "1", True),
        ("1.05", "0.1", "1", False),
        ("0.05", "0.1", "0", True),
        ("0.1", "0.1", "0", False),
    ],
)
def test_a_size_is_below_the_minimum_after_it_was_rounded_down(
    quantity: str,
    step: str,
    least: str,
    below: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert below_minimum(position(quantity=quantity), rules(step, least)) is below
    assert not below_minimum(position(quantity=quantity), None)


SMALL = position(quantity="0.01")
TRIED = Trail(sizes=3, last_fault=Fault.SIZE, last_quantity=SMALL.quantity)


@pytest.mark.parametrize(
    ("held", "instrument", "past", "exact", "dust"),
    [
        (SMALL, rules("0.1"), replace(TRIED, sizes=1), False, True),
        (SMALL, rules("0.1"), replace(TRIED, sizes=1, last_fault=Fault.RETRY), False, False),
        (SMALL, rules("0.1"), replace(TRIED, last_fault=Fault.MAYBE_FLAT, maybes=1), False, False),
        (SMALL, rules("0.1"), replace(TRIED, last_fault=Fault.MAYBE_FLAT, maybes=2), False, True),
        (SMALL, rules("0.1"), replace(TRIED, last_fault=Fault.RETRY, maybes=3), False, True),
        (SMALL, rules("0.1"), Trail(), True, True),
        (SMALL, None, TRIED, False, True),
        (SMALL, None, TRIED, True, True),
        (position(quantity="0.01"), None, TRIED, False, True),
        (replace(SMALL, notional_usd=Usd(Decimal(5))), None, TRIED, False, False),
        (replace(SMALL, notional_usd=Usd(Decimal(9))), None, TRIED, False, False),
        (SMALL, None, replace(TRIED, sizes=1), False, False),
        (SMALL, None, replace(TRIED, sizes=2), False, False),
        (SMALL, None, replace(TRIED, last_fault=Fault.TERMINAL), False, False),
        (SMALL, None, replace(TRIED, last_fault=Fault.RETRY), False, False),
        (SMALL, None, replace(TRIED, last_quantity=Quantity(Decimal("0.02"))), False, False),
        (SMALL, None, replace(TRIED, last_quantity=Quantity(Decimal("0.005"))), False, False),
        (replace(SMALL, notional_usd=None), None, TRIED, False, False),
        (SMALL, None, Trail(), True, False),
    ],
)
def test_dust_is_what_every_way_of_sending_it_was_refused_for(
    held: Position,
    instrument: Instrument | None,
    past: Trail,
    exact: bool,  # noqa: FBT001 - a case of the table
    dust: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert is_dust(held, instrument, past, SETTINGS, exact=exact) is dust


def test_an_order_of_unknown_outcome_stops_no_round() -> None:
    one = sent(1)
    one.answer = OrderAnswered(
        exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN
    )
    assert trail([one]) == Trail(last_quantity=position().quantity)


def test_an_order_that_was_taken_and_filled_nothing_yet_met_nothing() -> None:
    assert trail([sent(1, filled="0", status=OrderStatus.ACCEPTED)]).met == 0


def test_a_close_without_a_size_that_the_band_refused_is_no_resting_price() -> None:
    past = trail([sent(1, Fault.BAND, kind=OrderKind.WHOLE)])
    assert (past.bands, past.rests) == (1, 0)
    assert rung(Trail(sizes=2, last_fault=Fault.BAND), SETTINGS).kind is OrderKind.MARKET


def test_half_of_an_odd_size_is_no_whole_number() -> None:
    assert trail([sent(1, Fault.SIZE, quantity="9")]).slice_max == Decimal("4.5")


def test_a_round_that_was_refused_in_part_and_filled_in_part_counts_among_the_filled() -> None:
    both = [sent(2, Fault.SIZE, quantity="4"), sent(2, filled="1", quantity="4")]
    orders = [sent(1, Fault.SIZE, quantity="8"), *both, sent(3, filled="1", quantity="4")]
    assert trail(orders).slice_max == 8


@pytest.mark.parametrize(
    ("bands", "rests", "kind", "exact_kind"),
    [
        (8, 0, OrderKind.MARKET, OrderKind.IOC),
        (9, 0, OrderKind.RESTING, OrderKind.MARKET),
        (10, 0, OrderKind.MARKET, OrderKind.IOC),
        (7, 1, OrderKind.MARKET, OrderKind.IOC),
        (8, 1, OrderKind.RESTING, OrderKind.MARKET),
    ],
)
def test_the_turns_go_on_for_as_long_as_it_takes(
    bands: int, rests: int, kind: OrderKind, exact_kind: OrderKind
) -> None:
    past = Trail(bands=bands, rests=rests)
    assert rung(past, SETTINGS).kind is kind
    assert rung(past, SETTINGS, exact=True).kind is exact_kind


def test_the_second_of_two_slices_is_left_out_where_it_is_too_small_and_a_single_one_never() -> None:
    assert made("3", rules("0.5", "1.5", "2")) == [("market", "2.0")]
    one_only = replace(SETTINGS, slices_max=1)
    found = slices(position(quantity="5"), rules("1", "3", "2"), Rung(kind=OrderKind.MARKET), one_only)
    assert [one.quantity for one in found] == [2]
