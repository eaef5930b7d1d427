"""What a second source that lists positions says of one of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.position import Position, Side, size_held
from tests.unit.exits.parts import position

SHORT = position(quantity="2", side=Side.SHORT)


def held(quantity: str, side: Side, *, hedged: bool = False) -> Position:
    return position(quantity=quantity, side=side, hedged=hedged)


@pytest.mark.parametrize(
    ("found", "size"),
    [
        ([], "0"),
        ([position("ETHUSDT", "3", Side.SHORT)], "0"),
        ([replace(SHORT, category="inverse")], "0"),
        ([position("ETHUSDT", "3", Side.LONG), held("0.5", Side.SHORT)], "0.5"),
        ([held("0.5", Side.LONG)], "-0.5"),
        ([held("0.5", Side.LONG, hedged=True)], "-0.5"),
        ([held("0.5", Side.LONG, hedged=True), held("0.3", Side.SHORT, hedged=True)], "0.3"),
    ],
    ids=["nothing", "another contract", "another category", "it", "turned", "the other leg", "both legs"],
)
def test_a_contract_that_is_netted_tells_what_is_held_the_other_way_round(
    found: list[Position], size: str
) -> None:
    assert size_held(SHORT, found) == Decimal(size)
    mirrored = [replace(one, side=one.side.other) for one in found]
    assert size_held(replace(SHORT, side=Side.LONG, quantity=Quantity(Decimal(2))), mirrored) == Decimal(size)


def test_in_hedge_mode_each_side_is_a_position_of_its_own() -> None:
    asked = replace(SHORT, hedged=True)
    assert size_held(asked, [held("0.5", Side.LONG, hedged=True)]) == 0
    assert size_held(asked, [held("0.3", Side.SHORT, hedged=True)]) == Decimal("0.3")
