"""Advice comes from fixed rules; its confidence is the share of the conditions that held."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.engine import Action
from bastion.engine.advice import HOLD, RULES, Circumstance, advise, circumstances, confidence
from tests.unit.engine.scenes import held, position

FIGURES = st.none() | st.decimals(min_value="-500", max_value="500", places=2)


def around(
    *,
    returned: str | None = "0",
    best: str | None = "0",
    move: str | None = "0",
    distance: str | None = "50",
    share: str | None = "10",
    stopped: bool = False,
) -> Circumstance:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Circumstance(
        held=held(position(), stopped=stopped),
        return_pct=number(returned),
        best_return_pct=number(best),
        move_pct=number(move),
        distance_pct=number(distance),
        share_pct=number(share),
    )


@pytest.mark.parametrize(
    ("circumstance", "action", "share"),
    [
        (around(), Action.HOLD, "1.00"),
        (around(returned="-60", distance="5"), Action.EXIT_FULL, "1.00"),
        (around(returned="-60", distance=None), Action.EXIT_FULL, "0.67"),
        (around(returned="-60", distance=None, stopped=True, share="10"), Action.HOLD, "0.33"),
        (around(returned="-30", distance="12", share="60"), Action.REDUCE_SIZE, "1.00"),
        (around(returned="60", best="80", move="6", stopped=True), Action.TP_PARTIAL, "1.00"),
        (around(returned="60", best="60", move="6", stopped=True), Action.TP_PARTIAL, "0.50"),
        (around(returned="12", best="12", move="1.2"), Action.MOVE_STOP, "1.00"),
        (around(returned="12", best="12", move="1.2", stopped=True), Action.HOLD, "1.00"),
        (around(returned=None, move=None, distance=None), Action.HOLD, "0.00"),
    ],
)
def test_the_first_rule_that_proposes_is_the_advice(
    circumstance: Circumstance, action: Action, share: str
) -> None:
    advice = advise(circumstance)
    assert advice.action is action
    assert advice.confidence == Decimal(share)
    assert advice.reasoning.startswith(f"{action.value}: ")
    assert f"Confidence {share}" in advice.reasoning


def test_a_missing_figure_is_named_as_not_known_and_holds_no_condition() -> None:
    advice = advise(around(returned="-60", distance=None))
    assert "liquidation at most 8 % away: not known" in advice.reasoning
    assert "distance to liquidation not known" in advice.reasoning


def test_a_share_of_an_unknown_whole_is_unknown() -> None:
    known, unknown = held(position()), held(position())
    object.__setattr__(unknown.position, "notional_usd", None)
    (first, second) = circumstances([known, unknown], best={}, distances={})
    assert first.share_pct is None
    assert second.share_pct is None


@given(returned=FIGURES, best=FIGURES, move=FIGURES, distance=FIGURES, share=FIGURES, stopped=st.booleans())
def test_confidence_is_a_share_and_nothing_is_proposed_below_half(
    returned: Decimal | None,
    best: Decimal | None,
    move: Decimal | None,
    distance: Decimal | None,
    share: Decimal | None,
    *,
    stopped: bool,
) -> None:
    one = Circumstance(
        held=held(position(), stopped=stopped),
        return_pct=returned,
        best_return_pct=best,
        move_pct=move,
        distance_pct=distance,
        share_pct=share,
    )
    advice = advise(one)
    rule = next((rule for rule in RULES if rule.action is advice.action), HOLD)
    assert advice.confidence == confidence(rule, one)
    assert 0 <= advice.confidence <= 1
    if advice.action is not Action.HOLD:
        assert advice.confidence >= Decimal("0.5")
