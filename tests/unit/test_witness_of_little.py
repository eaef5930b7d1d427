"""Which lists of positions need a witness, and what of it speaks against them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.instrument import Instrument
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Position
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.witness import Claim, Spoken, doubts, margin_claim, profit_claim, scant, size_claim
from tests.unit.exits.parts import position

LIST = ("positions",)
HELD = replace(position(), notional_usd=Usd(Decimal(10)))
DUST = replace(
    HELD, quantity=Quantity(Decimal("0.5")), notional_usd=Usd(Decimal("9.99")), margin_usd=Usd(Decimal(1))
)
LOT = Instrument(
    id="BTCUSDT",
    category="linear",
    symbol="BTCUSDT",
    base="BTC",
    settle="USDT",
    quantity_step=Decimal("0.5"),
    quantity_min=Quantity(Decimal(1)),
    market_quantity_max=Quantity(Decimal(0)),
    price_tick=Price(Decimal(1)),
)


@pytest.mark.parametrize(
    ("positions", "known", "little"),
    [
        ((), {}, True),
        ((HELD,), {}, False),
        ((DUST,), {}, True),
        ((DUST, HELD), {}, False),
        ((replace(HELD, closable=False),), {}, True),
        ((replace(HELD, notional_usd=None),), {}, False),
        ((replace(HELD, quantity=Quantity(Decimal("0.9"))),), {("linear", "BTCUSDT"): LOT}, True),
        ((HELD,), {("linear", "BTCUSDT"): LOT}, False),
        ((HELD,), {("linear", "BTCUSDT"): replace(LOT, quantity_step=Decimal(2))}, True),
    ],
)
def test_lists_that_show_nothing_to_close_need_a_witness(
    positions: tuple[Position, ...],
    known: dict[tuple[str, str], Instrument],
    little: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert scant(positions, known) is little


@pytest.mark.parametrize(
    ("claims", "doubted"),
    [
        (size_claim(Decimal("-0.5"), "BTCUSDT", LIST), False),
        (size_claim(Decimal("0.6"), "BTCUSDT", LIST), True),
        (size_claim(Decimal("0.1"), "ETHUSDT", LIST), True),
        # Both sides of a hedged contract are named apart, and held together.
        ((*size_claim(Decimal("0.3"), "BTCUSDT", LIST), *size_claim(Decimal("-0.3"), "BTCUSDT", LIST)), True),
        (margin_claim(Decimal("2.01"), "USDT", LIST), False),
        (margin_claim(Decimal("2.02"), "USDT", LIST), True),
        (margin_claim(Decimal(5), "BTC", LIST), False),
        (margin_claim(Decimal(5), "BTC", LIST, base="BTC"), False),
        (margin_claim(Decimal(5), "ETH", LIST, base="ETH"), True),
        (profit_claim(Decimal(5), "USDT", LIST), False),
    ],
)
def test_what_is_more_than_the_dust_shown_contradicts_the_list(
    claims: tuple[Claim, ...],
    doubted: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert bool(doubts(claims, {"positions": (DUST,)}, {})) is doubted
    assert doubts(claims, {"positions": ()}, {})
    assert not doubts(claims, {"positions": None}, {})
    assert not doubts(claims, {"positions": (DUST, HELD)}, {})


def test_a_margin_that_a_row_does_not_tell_contradicts_nothing() -> None:
    untold = replace(DUST, margin_usd=None)
    assert not doubts(margin_claim(Decimal(5), "USDT", LIST), {"positions": (untold,)}, {})


def test_what_was_said_against_empty_lists_stands_until_it_is_asked_again_or_they_show_something() -> None:
    spoken = Spoken()
    failed = VenueRejected("10006: Too many visits.", fault=Fault.RATE_LIMIT)
    against = margin_claim(Decimal(1134), "USDT", ["positions"])
    assert spoken.told(failed, shown=False) == ()
    assert spoken.told(None, shown=False) == ()
    assert spoken.told(against, shown=False) == against
    assert spoken.told(failed, shown=False) == against
    assert spoken.told(None, shown=False) == against
    assert spoken.told((), shown=False) == ()
    assert spoken.told(failed, shown=False) == ()
    assert spoken.told(against, shown=False) == against
    assert spoken.told(against, shown=True) == ()
    assert spoken.told(failed, shown=False) == ()
