"""When an account is looked at next: what is waited for, how long, and what nobody waits for."""

from decimal import Decimal
from typing import Any, cast

import pytest

from bastion.domain.records import Entry, ExitRequested, LegJudged
from bastion.domain.verdict import Verdict
from bastion.exits.course import Course
from bastion.exits.hand import Hand
from bastion.exits.part import Part
from bastion.exits.progress import progress
from bastion.exits.recorder import Recorder
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing
from bastion.storage.memory import MemoryJournal
from tests.simulation.exits.virtual_time import VirtualClock
from tests.unit.exits.parts import ACCOUNT, MS, look, position, see

SETTINGS = ExitSettings()
HELD, ETH = position(), position("ETHUSDT")
BEGUN_MS = 100_000
"""The virtual clock's first moment, at which the hand begins."""
ENDED_MS = BEGUN_MS + 10
"""When the first look has ended."""


class Venue:
    """An account that is asked nothing here."""

    link = ""


def part_of(clock: VirtualClock, *, hold_s: str = "0") -> Part:
    request = ExitRequested(
        exit_id="xtest",
        accounts=(ACCOUNT,),
        principal="owner",
        surface="test",
        deadline_s=Decimal(60),
        hold_s=Decimal(hold_s),
        monotonic_ns=clock.monotonic_ns(),
    )
    entry = Entry(seq=1, at_ns=clock.now_ns(), exit_id="xtest", record=request, previous="", hash="")
    state = progress((entry,))
    assert state is not None
    recorder = Recorder(journal=MemoryJournal(clock=clock), settings=SETTINGS, observe=None)
    course = Course(state=state, clock=clock, settings=SETTINGS, recorder=recorder)
    return Part(
        leg=state.legs["main"], course=course, clock=clock, settings=SETTINGS, recorder=recorder, history=()
    )


def hand_of(part: Part, clock: VirtualClock, *, looked: bool = True) -> Hand:
    hand = Hand(venue=cast("Any", Venue()), part=part, clock=clock, settings=SETTINGS)
    if looked:
        see(part.leg, look(BEGUN_MS, [HELD]))
    return hand


def judged(part: Part, verdict: Verdict, *, at_ms: int) -> None:
    part.keep(LegJudged(exit_id="xtest", account="main", run=part.run, verdict=verdict))
    part.judged_ns = at_ms * MS


def next_ms(hand: Hand, standing: Standing, *, now_ms: int = ENDED_MS) -> float:
    return hand._schedule(standing, now_ms * MS) / MS


@pytest.mark.parametrize(("idle", "gap_ms"), [(0, 100), (1, 200), (4, 1_600), (9, 2_000)])
def test_a_look_that_showed_nothing_new_is_followed_later_and_later(idle: int, gap_ms: int) -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock)
    hand._idle = idle
    assert next_ms(hand, Standing(open=(HELD,))) == ENDED_MS + gap_ms


def test_without_a_look_one_is_taken_at_once() -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock, looked=False)
    assert next_ms(hand, Standing(), now_ms=123_456) == 123_456


@pytest.mark.parametrize(("quiet_ms", "expected"), [(0, BEGUN_MS + 250), (BEGUN_MS + 300, BEGUN_MS + 300)])
def test_a_clean_look_is_followed_by_the_one_that_proves_it(quiet_ms: int, expected: int) -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock)
    hand._pace.quiet_until_ns = quiet_ms * MS
    hand._idle = 9
    assert next_ms(hand, Standing(clean=True)) == expected
    assert next_ms(hand, Standing(clean=True, confirmed=True)) == ENDED_MS + 2_000


@pytest.mark.parametrize(
    ("retries_ms", "expected"),
    [
        ({HELD.key: 50}, 50),
        ({HELD.key: 50, ETH.key: 40}, 40),
        ({HELD.key: 0}, 1_600),
        ({HELD.key: 1}, 1),
        ({HELD.key: -5, ETH.key: 70}, 70),
        ({HELD.key: 5_000}, 1_600),
        ({("linear", "XUSDT", "LONG"): 30}, 1_600),
    ],
)
def test_what_may_be_tried_again_sooner_is_looked_at_then(
    retries_ms: dict[tuple[str, str, str], int], expected: int
) -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock)
    hand._idle = 4
    hand._pace.retry_at_ns = {key: (ENDED_MS + ms) * MS for key, ms in retries_ms.items()}
    assert next_ms(hand, Standing(open=(HELD, ETH))) == ENDED_MS + expected


@pytest.mark.parametrize(
    ("since_ms", "suspected", "expected"),
    [(-2_000, True, 500), (-2_000, False, 1_600), (-2_500, True, 1_600), (-2_499, True, 1), (0, True, 1_600)],
)
def test_a_doubted_position_is_looked_at_once_the_venue_had_its_time(
    since_ms: int,
    suspected: bool,  # noqa: FBT001 - a case of the table
    expected: int,
) -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock)
    hand._idle = 4
    hand._pace.suspect_since_ns = {HELD.key: (ENDED_MS + since_ms) * MS}
    standing = Standing(open=(HELD,), suspects=frozenset({HELD.key} if suspected else ()))
    assert next_ms(hand, standing) == ENDED_MS + expected


def test_nobody_is_asked_while_the_venue_wants_silence() -> None:
    clock = VirtualClock()
    hand = hand_of(part_of(clock), clock)
    hand._pace.quiet_until_ns = (ENDED_MS + 7_000) * MS
    assert next_ms(hand, Standing(open=(HELD,))) == ENDED_MS + 7_000


def test_who_needs_one_more_look_to_be_proven_gets_it_soon() -> None:
    clock = VirtualClock()
    part = part_of(clock)
    hand = hand_of(part, clock)
    hand._idle = 9
    part.standing = Standing(clean=True)
    assert next_ms(hand, Standing(open=(HELD,))) == BEGUN_MS + 250
    part.standing = Standing(clean=True, confirmed=True)
    assert next_ms(hand, Standing(open=(HELD,))) == ENDED_MS + 2_000


@pytest.mark.parametrize(
    ("verdict", "since_s", "gap_s"),
    [
        (Verdict.FLAT, 0, 2),
        (Verdict.FLAT, 10_000, 2),
        (Verdict.NOT_FLAT, 0, 5),
        (Verdict.UNKNOWN, 899, 5),
        (Verdict.NOT_FLAT, 900, 60),
    ],
)
def test_what_holds_is_watched_by_its_verdict(verdict: Verdict, since_s: int, gap_s: int) -> None:
    clock = VirtualClock()
    part = part_of(clock, hold_s="100000")
    hand = hand_of(part, clock)
    judged(part, verdict, at_ms=ENDED_MS)
    found = next_ms(hand, Standing(), now_ms=ENDED_MS + since_s * 1_000)
    assert found == ENDED_MS + gap_s * 1_000


@pytest.mark.parametrize("verdict", [Verdict.NOT_FLAT, Verdict.UNKNOWN])
def test_after_a_verdict_that_is_no_success_the_missing_second_look_comes_soon(verdict: Verdict) -> None:
    clock = VirtualClock()
    part = part_of(clock, hold_s="100000")
    hand = hand_of(part, clock)
    judged(part, verdict, at_ms=ENDED_MS)
    late_ms = ENDED_MS + 2_000_000
    assert next_ms(hand, Standing(clean=True), now_ms=late_ms) == BEGUN_MS + 250
    assert next_ms(hand, Standing(clean=True, confirmed=True), now_ms=late_ms) == ENDED_MS + 60_000
    hand._pace.quiet_until_ns = (ENDED_MS + 7_000) * MS
    assert next_ms(hand, Standing(clean=True), now_ms=late_ms) == ENDED_MS + 7_000


@pytest.mark.parametrize(("hold_s", "expected"), [("1", 1_000), ("1.5", 1_500), ("60", 2_010)])
def test_the_last_look_of_a_hold_comes_when_it_ends(hold_s: str, expected: int) -> None:
    clock = VirtualClock()
    part = part_of(clock, hold_s=hold_s)
    hand = hand_of(part, clock)
    judged(part, Verdict.FLAT, at_ms=BEGUN_MS)
    part.course.judged()
    assert next_ms(hand, Standing()) == BEGUN_MS + expected


def test_where_nobody_wants_a_look_only_executions_are_waited_for() -> None:
    clock = VirtualClock()
    part = part_of(clock)
    hand = hand_of(part, clock)
    judged(part, Verdict.FLAT, at_ms=ENDED_MS)
    assert next_ms(hand, Standing()) == ENDED_MS + 3_000


def test_of_two_exits_the_one_that_still_works_says_when() -> None:
    clock = VirtualClock()
    holding, working = part_of(clock, hold_s="60"), part_of(clock)
    hand = hand_of(holding, clock)
    judged(holding, Verdict.FLAT, at_ms=ENDED_MS)
    hand.join(working)
    see(hand.leg, look(BEGUN_MS, [HELD]))
    hand._idle = 0
    assert next_ms(hand, Standing(open=(HELD,))) == ENDED_MS + 100
    judged(working, Verdict.NOT_FLAT, at_ms=ENDED_MS)
    assert next_ms(hand, Standing(open=(HELD,))) == ENDED_MS + 2_000


def test_of_two_exits_that_hold_the_one_that_is_not_flat_says_how_often() -> None:
    clock = VirtualClock()
    first, second = part_of(clock, hold_s="5000"), part_of(clock, hold_s="5000")
    hand = hand_of(first, clock)
    hand.join(second)
    see(hand.leg, look(BEGUN_MS, [HELD]))
    judged(first, Verdict.FLAT, at_ms=ENDED_MS)
    judged(second, Verdict.NOT_FLAT, at_ms=ENDED_MS + 1_000_000)
    assert next_ms(hand, Standing(), now_ms=ENDED_MS + 1_000_001) == ENDED_MS + 60_000
