from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.paper.strike import margin
from bastion.paper.strike.fees import closing_fee
from bastion.paper.strike.funding import hourly_accruals, rate_8h_percent, rate_hourly, rates_by_side, skew
from bastion.paper.strike.money import margin_text, parse_micro, round_half_up, size_text, usd_text
from bastion.paper.strike.position import Position, Side
from bastion.paper.strike.queue import Claim, payable
from bastion.paper.strike.settings import FeeShape, VenueSettings
from bastion.paper.strike.treasury import close_figures
from tests.margin_rig import HOUR, USD, micro

MULTIPLIER = Fraction(1, 1_000_000)


def position(
    side: Side = Side.LONG,
    *,
    entry: str = "100000",
    usd: int = 100,
    leverage: int = 10,
    funding: int = 0,
    number: int = 1,
    opened_at_us: int = 0,
) -> Position:
    return Position(
        id=number,
        wallet="0x",
        symbol="BTC-USD",
        side=side,
        margin=usd * USD,
        leverage=leverage,
        entry_price=micro(entry),
        spread=0,
        opened_at_us=opened_at_us,
        funding=funding,
    )


def fee(*, move: str, notional: int, shape: FeeShape = FeeShape.C1) -> str:
    pnl = int(Fraction(move) * notional * USD)
    return usd_text(
        closing_fee(
            price_pnl=pnl,
            gross=pnl,
            notional=notional * USD,
            move=Fraction(move),
            multiplier=MULTIPLIER,
            shape=shape,
        )
    )


@pytest.mark.parametrize(("side", "mark"), [(Side.LONG, "46000"), (Side.SHORT, "44000")])
def test_a_favourable_move_of_1000_on_45000_earns_a_thousand_dollar_position_22_222222(
    side: Side, mark: str
) -> None:
    assert margin.price_pnl(position(side, entry="45000"), micro(mark)) == 22_222_222


def test_a_short_from_45123_50_is_up_4_71_percent_at_43000() -> None:
    short = position(Side.SHORT, entry="45123.50")
    gain = Fraction(margin.price_pnl(short, micro("43000")), short.notional)
    assert round_half_up(gain * 100, digits=2) == "4.71"


def test_a_ten_percent_move_at_ten_times_leverage_nets_83_after_funding_and_a_fee_of_15() -> None:
    figures = close_figures(position(funding=-2 * USD), micro("110000"), VenueSettings())
    assert (figures.price_pnl, figures.fee, figures.net) == (100 * USD, 15 * USD, 83 * USD)


def test_a_close_costs_at_most_the_margin() -> None:
    figures = close_figures(position(), micro("50000"), VenueSettings())
    assert (figures.fee, figures.net) == (0, -100 * USD)


@pytest.mark.parametrize(
    ("move", "notional", "expected"),
    [("1/100", 1_000, "2.727273"), ("1/2", 1_000, "25.00"), ("1/10", 2_000_000, "60000.00")],
)
def test_the_default_fee_falls_with_the_move_and_grows_with_the_position(
    move: str, notional: int, expected: str
) -> None:
    assert fee(move=move, notional=notional) == expected


def test_the_other_fee_shape_meets_the_same_anchor_and_is_harsh_on_small_moves() -> None:
    assert fee(move="1/10", notional=1_000, shape=FeeShape.C2) == "15.014165"
    kept = 1 - Fraction(fee(move="1/1000", notional=1_000, shape=FeeShape.C2))
    assert round_half_up(kept * 100, digits=1) == "5.4"


@pytest.mark.parametrize("shape", list(FeeShape))
@given(
    pnl=st.integers(-(10**12), 10**12),
    funding=st.integers(-(10**12), 10**12),
    move=st.fractions(0, 5),
    notional=st.integers(1, 10**15),
)
def test_a_fee_lies_between_zero_and_the_gross_profit(
    shape: FeeShape, pnl: int, funding: int, move: Fraction, notional: int
) -> None:
    gross = pnl + funding
    charged = closing_fee(
        price_pnl=pnl, gross=gross, notional=notional, move=move, multiplier=MULTIPLIER, shape=shape
    )
    assert 0 <= charged <= max(gross, 0)
    if pnl <= 0:
        assert charged == 0


@pytest.mark.parametrize(
    ("side", "expected"), [(Side.LONG, "41234.15"), (Side.SHORT, "49012.85")], ids=["long", "short"]
)
def test_liquidation_lies_at_the_same_distance_on_both_sides(side: Side, expected: str) -> None:
    price = margin.liquidation_price(position(side, entry="45123.50"), Fraction("0.1380655"))
    assert round_half_up(Fraction(price, USD), digits=2) == expected


def test_a_twenty_times_long_from_95_is_liquidated_at_90_25_and_not_a_cent_above() -> None:
    sol = position(entry="95", usd=75, leverage=20)
    assert margin.liquidation_price(sol, Fraction(0)) == micro("90.25")
    assert margin.is_liquidated(sol, micro("90.25"), Fraction(0))
    assert not margin.is_liquidated(sol, micro("90.26"), Fraction(0))


@given(
    side=st.sampled_from(Side),
    entry=st.integers(1_000, 10**12),
    usd=st.integers(1, 10**6),
    leverage=st.integers(1, 1_000),
    funding=st.integers(-(10**6), 10**6),
)
def test_a_position_is_liquidated_at_the_price_that_it_shows(
    side: Side, entry: int, usd: int, leverage: int, funding: int
) -> None:
    held = position(side, entry=usd_text(entry), usd=usd, leverage=leverage, funding=funding)
    shown = margin.liquidation_price(held, Fraction(0))
    if shown > 0:
        assert margin.is_liquidated(held, shown, Fraction(0))


@pytest.mark.parametrize(
    ("market_skew", "percent"),
    [("0", "0.01"), ("0.10", "0.01"), ("0.20", "0.05"), ("-0.10", "0.00"), ("-0.20", "-0.05")],
)
def test_the_rate_of_eight_hours_follows_the_formula(market_skew: str, percent: str) -> None:
    assert rate_8h_percent(Fraction(market_skew)) == Fraction(percent)


def test_the_printed_rates_and_skews_of_the_pages_come_out() -> None:
    assert round_half_up(Fraction("0.000125") * 8760, digits=3) == "1.095"
    assert round_half_up(Fraction("-0.000075") * 8760, digits=3) == "-0.657"
    assert round_half_up(skew(2_500_000, 1_800_000), digits=4) == "0.1628"


def test_eight_hours_at_half_skew_cost_two_dollars_on_a_thousand() -> None:
    assert rate_hourly(Fraction(1, 2)) * 8 * 1_000 == 2


def test_at_sixty_to_forty_the_minority_receives_one_and_a_half_times_the_rate() -> None:
    long_rate, short_rate = rates_by_side(60, 40)
    assert long_rate > 0
    assert -short_rate == long_rate * Fraction(3, 2)
    assert rates_by_side(60, 0) == (Fraction(0), Fraction(0))


@given(
    sizes=st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 5_000), st.integers(1, 1_000), st.integers(0, 16)),
        max_size=12,
    ),
    market_skew=st.fractions(-1, 1),
)
def test_funding_paid_and_received_match_within_a_micro_dollar_a_position(
    sizes: list[tuple[Side, int, int, int]], market_skew: Fraction
) -> None:
    now_us = 16 * HOUR
    held = [
        position(side, usd=usd, leverage=leverage, number=number, opened_at_us=now_us - age * HOUR)
        for number, (side, usd, leverage, age) in enumerate(sizes)
    ]
    accruals = hourly_accruals(held, market_skew, now_us)
    assert all(now_us - who.opened_at_us >= 8 * HOUR for who, _ in accruals)
    # What is left over by rounding stays with the treasury, never with a trader.
    assert -len(accruals) <= sum(amount for _, amount in accruals) <= 0


def test_the_queue_pays_in_strict_order_and_never_in_part() -> None:
    lane = {n: Claim(n, n, "0x", "BTC-USD", need, 1, 0) for n, need in ((1, 20), (2, 150), (3, 1))}
    assert [claim.seq for claim in payable({"": lane}, 25)] == [1]
    assert [claim.seq for claim in payable({"": lane}, 170)] == [1, 2]
    assert [claim.seq for claim in payable({"": lane}, 171)] == [1, 2, 3]


def test_with_a_queue_for_each_market_one_stuck_head_stops_only_its_own() -> None:
    lanes = {
        "BTC-USD": {1: Claim(1, 1, "0x", "BTC-USD", 100, 1, 0), 3: Claim(3, 3, "0x", "BTC-USD", 1, 1, 0)},
        "ETH-USD": {2: Claim(2, 2, "0x", "ETH-USD", 5, 1, 0), 4: Claim(4, 4, "0x", "ETH-USD", 5, 1, 0)},
    }
    assert [claim.seq for claim in payable(lanes, 50)] == [2, 4]


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", " 1", "1.", ".5", "1.0000001", "NaN", "1_000", "\u0661"]
)
def test_an_amount_that_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        parse_micro(text)


@given(st.integers(-(10**18), 10**18))
def test_money_is_printed_exactly(amount: int) -> None:
    for text in (margin_text(amount), usd_text(amount), size_text(amount)):
        assert Fraction(text) == Fraction(amount, USD)


def test_money_is_printed_with_the_least_digits_of_its_kind() -> None:
    assert (margin_text(100 * USD), usd_text(0), size_text(-6_667)) == ("100.0", "0.00", "-0.006667")
    assert (usd_text(750_250_000), size_text(2 * USD)) == ("750.25", "2")
