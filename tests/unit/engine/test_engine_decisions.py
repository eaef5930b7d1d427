"""What an armed engine does about its findings: within its cap, once, and never on advice it is unsure of."""

from decimal import Decimal

import pytest

from bastion.domain.engine import Action, AlertType, ArmSettings, Reach, Severity, Target
from bastion.domain.engine_records import ActIntended, Advised, GuardTripped
from bastion.domain.position import Side
from bastion.engine.decide import AlertBook, acts_of, advice_acts, risks_of, trip_alert
from bastion.engine.guards import DRAWDOWN, evaluate
from bastion.engine.settings import GuardLimits
from bastion.engine.standing import Episode
from tests.unit.engine.scenes import AT_NS, position, reading, scene

BTC = Target(account="main", exchange="binance", symbol="BTCUSDT", side=Side.LONG)
ETH = Target(account="other", exchange="bybit", symbol="ETHUSDT", side=Side.SHORT)
S = 1_000_000_000


def decided(*episodes: tuple[str, Action, Target], settings: ArmSettings) -> tuple[list[Action], list[str]]:
    tripped = []
    for key, act, target in episodes:
        one = reading(key, target=target)
        trip = GuardTripped(reading=one, act=act, armed=True)
        tripped.append((key, Episode(tripped=trip, at_ns=AT_NS), one))
    acts, capped = acts_of(tripped, settings)
    return [one.action for one in acts], list(capped)


WHOLE = (DRAWDOWN, Action.EXIT_ALL, Target())
ONE = ("liquidation_distance:a", Action.EXIT_FULL, BTC)
TWO = ("liquidation_distance:b", Action.EXIT_FULL, ETH)


def test_each_position_is_closed_by_its_own_act_and_everything_by_one() -> None:
    assert decided(ONE, TWO, settings=ArmSettings()) == ([Action.EXIT_FULL, Action.EXIT_FULL], [])
    assert decided(ONE, WHOLE, TWO, settings=ArmSettings()) == ([Action.EXIT_ALL], [])


def test_max_action_caps_what_a_guard_does_and_names_what_it_may_not() -> None:
    one_only = ArmSettings(max_action=Reach.EXIT_FULL)
    assert decided(WHOLE, ONE, settings=one_only) == ([Action.EXIT_FULL], [DRAWDOWN])
    nothing = ArmSettings(max_action=Reach.REDUCE_SIZE)
    assert decided(WHOLE, ONE, settings=nothing) == ([], [DRAWDOWN, ONE[0]])


@pytest.mark.parametrize(
    ("reach", "allowed"),
    [
        (Reach.HOLD, {Action.HOLD}),
        (Reach.MOVE_STOP, {Action.HOLD, Action.MOVE_STOP, Action.TRAIL_STOP}),
        (Reach.EXIT_FULL, set(Action) - {Action.EXIT_ALL}),
        (Reach.EMERGENCY_EXIT, set(Action)),
    ],
)
def test_a_reach_contains_all_that_is_milder(reach: Reach, allowed: set[Action]) -> None:
    settings = ArmSettings(max_action=reach)
    assert {action for action in Action if settings.allows(action)} == allowed


def advice(action: Action = Action.REDUCE_SIZE, confidence: str = "1") -> Advised:
    return Advised(action=action, target=BTC, confidence=Decimal(confidence), reasoning="because")


def carried_out(
    one: Advised, settings: ArmSettings, *, risk: str | None = "60", done: bool = False
) -> tuple[ActIntended, ...]:
    risks = {} if risk is None else {BTC.name: Decimal(risk)}
    return advice_acts([one], settings, risks=risks, done=lambda _: done)


def test_advice_is_carried_out_when_it_is_confident_risky_and_allowed_enough_and_only_once() -> None:
    settings = ArmSettings(confidence_threshold=Decimal("0.7"), risk_threshold=Decimal(60))
    (act,) = carried_out(advice(), settings)
    assert (act.action, act.target, act.keys, act.reason) == (Action.REDUCE_SIZE, BTC, (), "because")
    assert carried_out(advice(confidence="0.69"), settings) == ()
    assert carried_out(advice(Action.HOLD), settings) == ()
    assert carried_out(advice(), settings, risk="59.99") == ()
    assert carried_out(advice(), settings, risk=None) == ()
    assert carried_out(advice(), settings, done=True) == ()
    assert carried_out(advice(), ArmSettings(max_action=Reach.MOVE_STOP)) == ()


def test_a_position_is_as_risky_as_its_worst_guard_says() -> None:
    risks = risks_of([reading("liquidation_distance:a", target=BTC, risk="40"), reading(risk="70")])
    assert risks == {BTC.name: Decimal(70)}


def test_a_reason_is_short_and_printable_whatever_a_venue_put_into_it() -> None:
    one = advice()
    (act,) = advice_acts(
        [Advised(action=one.action, target=BTC, confidence=Decimal(1), reasoning="x\n\x1b" * 400)],
        ArmSettings(),
        risks={},
        done=lambda _: False,
    )
    assert act.reason.isprintable()
    assert len(act.reason) <= 500


def test_a_warning_is_told_once_and_again_when_it_worsens_or_comes_back() -> None:
    book = AlertBook(patience_s=60)

    def told(equity: str) -> list[Severity]:
        findings = evaluate(scene(equity=equity), GuardLimits())
        return [one.severity for one in book.alerts(findings, at_ns=AT_NS)]

    assert told("100") == []
    assert told("90") == [Severity.MEDIUM]
    assert told("89") == []
    assert told("84") == [Severity.HIGH]
    assert told("99") == []
    assert told("90") == [Severity.MEDIUM]


def test_missing_data_is_told_once_it_lasts_and_what_no_venue_gives_is_not() -> None:
    book = AlertBook(patience_s=60)
    blind = evaluate(scene(position(liquidation=None), equity=None), GuardLimits())
    assert book.alerts(blind, at_ns=AT_NS) == ()
    assert book.alerts(blind, at_ns=AT_NS + 59 * S) == ()
    (told,) = book.alerts(blind, at_ns=AT_NS + 60 * S)
    assert (told.type, told.guard) == (AlertType.DATA_MISSING, DRAWDOWN)
    assert book.alerts(blind, at_ns=AT_NS + 120 * S) == ()


def test_a_trip_says_what_an_armed_engine_does_or_would_do() -> None:
    watching = GuardTripped(reading=reading(), act=Action.EXIT_ALL, armed=False)
    acting = GuardTripped(reading=reading(), act=Action.EXIT_ALL, armed=True)
    assert "an armed engine would act (EXIT_100% of everything)" in trip_alert(watching).message
    assert "the armed engine acts" in trip_alert(acting).message
    assert trip_alert(acting).severity is Severity.CRITICAL
