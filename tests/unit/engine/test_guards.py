"""The guards are pure: the same scene always gives the same finding, and missing data is never zero."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.domain.engine import Action, Lamp, Severity
from bastion.domain.position import Side
from bastion.engine.guards import GUARDS, drawdown, evaluate, liquidation_distance
from bastion.engine.scene import Blind, Clear, Trip
from bastion.engine.settings import GuardLimits
from tests.unit.engine.scenes import position, scene

LIMITS = GuardLimits()
AMOUNTS = st.decimals(min_value="0.01", max_value="1000000000", places=2)
SHARES = st.decimals(min_value="0", max_value="100", places=2)


@pytest.mark.parametrize(
    ("equity", "average", "kind", "severity"),
    [
        ("100", "0", Clear, None),
        ("90", "0", Clear, Severity.MEDIUM),
        ("85", "0", Clear, Severity.HIGH),
        ("80", "19.99", Clear, Severity.HIGH),
        ("80", "20", Trip, None),
        ("75.01", "0", Clear, Severity.HIGH),
        ("75", "0", Trip, None),
        ("0", "0", Trip, None),
        ("-5", "0", Trip, None),
        ("120", "0", Clear, None),
    ],
)
def test_the_drawdown_trips_slowly_at_20_and_at_once_at_25_percent(
    equity: str, average: str, kind: type, severity: Severity | None
) -> None:
    (found,) = drawdown(scene(equity=equity, average=average), LIMITS)
    assert type(found) is kind
    if isinstance(found, Clear):
        assert found.severity is severity


def test_the_drawdown_shows_its_figure_formula_and_distance() -> None:
    (found,) = drawdown(scene(equity="93", average="5"), LIMITS)
    assert found.reading.value == Decimal("7.00")
    assert found.reading.distance == Decimal("15.00")
    assert found.reading.formula == "(high-water mark - equity) / high-water mark x 100"
    assert "7.00 % below its high-water mark of 100.00 USD" in found.reading.sentence


@pytest.mark.parametrize(("equity", "mark"), [(None, "100"), ("100", None), (None, None), ("1", "0")])
def test_without_equity_or_mark_the_drawdown_is_not_evaluated(equity: str | None, mark: str | None) -> None:
    (found,) = drawdown(scene(equity=equity, mark=mark), LIMITS)
    assert isinstance(found, Blind)
    assert found.reading.lamp is Lamp.NOT_EVALUATED
    assert found.reading.value is None
    assert found.reading.distance is None
    assert "not evaluated" in found.reading.sentence


@pytest.mark.parametrize(
    ("side", "mark", "liquidation", "kind", "value"),
    [
        (Side.LONG, "100", "50", Clear, "50.00"),
        (Side.LONG, "100", "97.01", Trip, "2.99"),
        (Side.LONG, "100", "97", Trip, "3.00"),
        (Side.LONG, "100", "96.9", Clear, "3.10"),
        (Side.SHORT, "100", "103", Trip, "3.00"),
        (Side.SHORT, "100", "110", Clear, "10.00"),
        (Side.LONG, "100", "100", Trip, "0.00"),
        (Side.LONG, "100", "101", Trip, "0.00"),
        (Side.SHORT, "100", "99", Trip, "0.00"),
    ],
)
def test_the_liquidation_distance_is_measured_from_the_mark(
    side: Side, mark: str, liquidation: str, kind: type, value: str
) -> None:
    (found,) = liquidation_distance(scene(position(side=side, mark=mark, liquidation=liquidation)), LIMITS)
    assert type(found) is kind
    assert found.reading.value == Decimal(value)
    if isinstance(found, Trip):
        assert found.act is Action.EXIT_FULL
        assert found.reading.target.symbol == "BTCUSDT"


@pytest.mark.parametrize(
    ("mark", "liquidation", "expected"), [(None, "50", False), ("100", None, True), ("100", "0", True)]
)
def test_without_a_price_the_liquidation_distance_is_not_evaluated(
    mark: str | None, liquidation: str | None, *, expected: bool
) -> None:
    (found,) = liquidation_distance(scene(position(mark=mark, liquidation=liquidation)), LIMITS)
    assert isinstance(found, Blind)
    assert found.expected is expected
    assert found.reading.value is None


def test_the_winning_leg_of_a_hedge_is_not_closed_for_the_other_legs_liquidation() -> None:
    long = position(side=Side.LONG, mark="100", liquidation="102", hedged=True)
    short = position(side=Side.SHORT, mark="100", liquidation="102", hedged=True)
    found = {one.reading.target.side: one for one in liquidation_distance(scene(long, short), LIMITS)}
    assert isinstance(found[Side.LONG], Blind)
    assert isinstance(found[Side.SHORT], Trip)


def test_an_account_that_was_not_read_is_named_and_counts_as_not_evaluated() -> None:
    (found,) = liquidation_distance(scene(unread=(("main", "positions: timeout"),)), LIMITS)
    assert isinstance(found, Blind)
    assert not found.expected
    assert "main" in found.reading.sentence


def test_the_registry_holds_every_guard_and_evaluation_runs_all_of_them() -> None:
    names = {finding.reading.guard for finding in evaluate(scene(position()), LIMITS)}
    assert names == set(GUARDS)


@given(equity=AMOUNTS, mark=AMOUNTS, average=SHARES)
def test_a_drawdown_never_trips_below_its_limit_and_never_stays_silent_at_the_fast_one(
    equity: Decimal, mark: Decimal, average: Decimal
) -> None:
    (found,) = drawdown(scene(equity=str(equity), mark=str(mark), average=str(average)), LIMITS)
    exact = max((mark - equity) / mark * 100, Decimal(0))
    assert isinstance(found, Clear | Trip)
    if exact >= LIMITS.drawdown_fast_pct:
        assert isinstance(found, Trip)
    if exact < LIMITS.drawdown_exit_pct:
        assert isinstance(found, Clear)
    assert found.reading.risk is not None
    assert 0 <= found.reading.risk <= 100
    assert (found.reading.distance == 0) or isinstance(found, Clear)


@given(mark=AMOUNTS, liquidation=AMOUNTS, side=st.sampled_from(Side))
def test_a_liquidation_distance_trips_exactly_when_it_is_within_the_limit(
    mark: Decimal, liquidation: Decimal, side: Side
) -> None:
    (found,) = liquidation_distance(
        scene(position(side=side, mark=str(mark), liquidation=str(liquidation))), LIMITS
    )
    toward = mark - liquidation if side is Side.LONG else liquidation - mark
    assert isinstance(found, Trip) is (max(toward, Decimal(0)) / mark * 100 <= LIMITS.liquidation_exit_pct)
