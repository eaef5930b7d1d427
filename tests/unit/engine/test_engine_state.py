"""The state is a fold: STOPPED, MONITORING, ARMED, and one act an episode."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bastion.domain.engine import Action, ArmSettings, DisarmCause, EngineState, Target
from bastion.domain.engine_records import (
    ActDropped,
    ActEnded,
    ActIntended,
    EngineArmed,
    EngineDisarmed,
    EngineEntry,
    EngineRecord,
    EngineStarted,
    GuardCleared,
    GuardTripped,
)
from bastion.domain.money import Usd
from bastion.engine.guards import DRAWDOWN
from bastion.engine.standing import Facts, day_began, fold
from tests.unit.engine.scenes import ALL, AT_NS, reading

S = 1_000_000_000
STARTED = EngineStarted(principal="owner", surface="test")
ARMED = EngineArmed(settings=ArmSettings(), principal="owner", surface="test")
DISARMED = EngineDisarmed(cause=DisarmCause.ASKED, principal="owner", surface="test")
TRIPPED = GuardTripped(reading=reading(), act=ALL, armed=True)
CLEARED = GuardCleared(guard=DRAWDOWN, key=DRAWDOWN, why="test")
INTENDED = ActIntended(action=ALL, target=Target(), keys=(DRAWDOWN,), reason="r", confidence=Decimal(1))


def ended(intent: int, pnl: str | None = "-10") -> ActEnded:
    return ActEnded(
        intent=intent,
        action=ALL,
        target=Target(),
        success=True,
        told="FLAT",
        confidence=Decimal(1),
        reasoning="r",
        realized_pnl_usd=None if pnl is None else Usd(Decimal(pnl)),
    )


def chain(records: Sequence[EngineRecord]) -> list[EngineEntry]:
    return [
        EngineEntry(seq=at + 1, at_ns=AT_NS + at * S, record=record, previous="", hash="")
        for at, record in enumerate(records)
    ]


def facts(*records: EngineRecord) -> Facts:
    return fold(chain(records))


def test_the_states_follow_start_arm_and_disarm() -> None:
    assert facts().recorded is EngineState.STOPPED
    assert facts(STARTED).recorded is EngineState.MONITORING
    assert facts(STARTED, ARMED).recorded is EngineState.ARMED
    assert facts(STARTED, ARMED, DISARMED).recorded is EngineState.MONITORING
    assert facts(STARTED, ARMED, DISARMED).settings is None


def test_a_second_start_changes_nothing_and_an_arming_while_stopped_arms_nothing() -> None:
    assert facts(STARTED, ARMED, STARTED).recorded is EngineState.ARMED
    assert facts(ARMED).recorded is EngineState.STOPPED
    assert facts(ARMED, STARTED).recorded is EngineState.MONITORING


def test_only_the_latest_arming_and_its_settings_count() -> None:
    later = EngineArmed(
        settings=ArmSettings(confidence_threshold=Decimal("0.9")), principal="owner", surface="test"
    )
    now = facts(STARTED, ARMED, later)
    assert now.settings is not None
    assert now.settings.confidence_threshold == Decimal("0.9")
    assert now.armed_seq == 3


def test_an_answered_episode_is_answered_once_and_an_unsent_act_gives_it_back() -> None:
    begun = facts(STARTED, ARMED, TRIPPED, INTENDED)
    assert begun.episodes[DRAWDOWN].acted == 4
    assert set(begun.open_acts) == {4}
    assert facts(STARTED, ARMED, TRIPPED, INTENDED, ended(4)).episodes[DRAWDOWN].acted == 4
    dropped = ActDropped(intent=4, action=ALL, target=Target(), why="test")
    given_back = facts(STARTED, ARMED, TRIPPED, INTENDED, dropped)
    assert given_back.episodes[DRAWDOWN].acted is None
    assert given_back.open_acts == {}
    assert given_back.acts_since(0, by_guards=True) == ()


def test_advice_that_was_refused_counts_as_tried_today_so_that_it_is_not_asked_every_time() -> None:
    advice = ActIntended(action=Action.MOVE_STOP, target=Target(), keys=(), reason="r", confidence=Decimal(1))
    dropped = ActDropped(intent=3, action=Action.MOVE_STOP, target=Target(), why="test")
    now = facts(STARTED, ARMED, advice, dropped)
    assert now.open_acts == {}
    assert [entry.seq for entry in now.acts_since(0, by_guards=False)] == [3]
    assert now.acts_since(0, by_guards=True) == ()


def test_clearing_ends_an_episode_and_so_does_an_arming_after_it_was_answered() -> None:
    assert facts(STARTED, ARMED, TRIPPED, INTENDED, ended(4), CLEARED).episodes == {}
    again = facts(STARTED, ARMED, TRIPPED, INTENDED, ended(4), DISARMED, ARMED)
    assert again.episodes == {}
    assert again.rebase_after == 7


def test_an_alert_from_before_the_arming_may_still_be_answered_after_it() -> None:
    watched = GuardTripped(reading=reading(), act=ALL, armed=False)
    now = facts(STARTED, watched, ARMED)
    assert now.episodes[DRAWDOWN].acted is None
    assert now.rebase_after == 0


def test_what_acts_realised_is_summed_as_far_as_it_is_known() -> None:
    now = facts(STARTED, ARMED, TRIPPED, INTENDED, ended(4), ended(4, None))
    assert now.done_since(AT_NS) == (2, Decimal(-10))
    assert now.done_since(AT_NS + 60 * S) == (0, Decimal(0))


def test_the_day_begins_at_midnight_utc() -> None:
    assert day_began(AT_NS) % (86_400 * S) == 0
    assert 0 <= AT_NS - day_began(AT_NS) < 86_400 * S


class EngineLife(RuleBasedStateMachine):
    """Any order of what can be written; a plain model beside it says what must be true."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[EngineRecord] = []
        self.state = EngineState.STOPPED
        self.open: int | None = None
        self.tripped = False
        self.answered = False

    def write(self, record: EngineRecord) -> None:
        self.records.append(record)

    @rule()
    def start(self) -> None:
        self.write(STARTED)
        if self.state is EngineState.STOPPED:
            self.state = EngineState.MONITORING

    @rule()
    def arm(self) -> None:
        self.write(ARMED)
        if self.state is not EngineState.STOPPED:
            self.state = EngineState.ARMED
            if self.answered:
                self.tripped = self.answered = False

    @rule()
    def disarm(self) -> None:
        self.write(DISARMED)
        if self.state is EngineState.ARMED:
            self.state = EngineState.MONITORING

    @precondition(lambda self: not self.tripped)
    @rule()
    def trip(self) -> None:
        self.write(TRIPPED)
        self.tripped, self.answered = True, False

    @rule()
    def clear(self) -> None:
        self.write(CLEARED)
        self.tripped = self.answered = False

    @precondition(lambda self: self.tripped and not self.answered and self.open is None)
    @rule()
    def intend(self) -> None:
        self.write(INTENDED)
        self.open, self.answered = len(self.records), True

    @precondition(lambda self: self.open is not None)
    @rule(sent=st.booleans())
    def settle(self, *, sent: bool) -> None:
        assert self.open is not None
        answered_by = fold(chain(self.records)).episodes.get(DRAWDOWN)
        if sent:
            self.write(ended(self.open))
        else:
            self.write(ActDropped(intent=self.open, action=ALL, target=Target(), why="test"))
            if answered_by is not None and answered_by.acted == self.open:
                self.answered = False
        self.open = None

    @invariant()
    def the_fold_agrees(self) -> None:
        now = fold(chain(self.records))
        assert now.recorded is self.state
        assert (now.settings is not None) == (self.state is EngineState.ARMED)
        assert (DRAWDOWN in now.episodes) == self.tripped
        if self.tripped:
            assert (now.episodes[DRAWDOWN].acted is not None) == self.answered
        assert set(now.open_acts) == ({self.open} if self.open is not None else set())

    @invariant()
    def folding_in_two_parts_is_folding_at_once(self) -> None:
        entries = chain(self.records)
        half = fold(entries[: len(entries) // 2])
        for entry in entries[len(entries) // 2 :]:
            half.apply(entry)
        assert half == fold(entries)


TestEngineLife = EngineLife.TestCase
TestEngineLife.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)
