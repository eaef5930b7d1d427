"""What another page of the venue names, for exits that name no contract: FLAT waits for it and its word."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.mandate import ExitKind
from bastion.domain.order import Direction
from bastion.domain.position import Position, Side
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.exits.books import BookKey
from bastion.exits.elsewhere import Elsewhere
from bastion.exits.pace import Pace
from bastion.exits.plan import plan
from bastion.exits.progress import Leg
from bastion.exits.resolve import questions, second_told
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.exits.union import Union
from bastion.exits.unshown import Unshown, with_doubts
from bastion.exits.verdict import UNHEARD, Standing, at_deadline, stand
from tests.stepped_clock import SteppedClock
from tests.unit.exits.parts import MS, UTC_NS, leg, look, order, pace, position, see

SETTINGS = ExitSettings()
BTC, ETH = position("BTCUSDT"), position("ETHUSDT")
SHORT_ETH = position("ETHUSDT", side=Side.SHORT)
LEG = position("BTCUSDT", hedged=True)
LONGS = frozenset({Side.LONG})


class Page:
    """A page that names positions."""

    def __init__(self, *names: Position) -> None:
        self.names = names

    async def named(self, *, deadline_s: float) -> tuple[Position, ...]:
        assert deadline_s > 0
        return self.names


def covering(*, sides: frozenset[Side] = frozenset(), left: frozenset[str] = frozenset()) -> Leg:
    one = leg()
    one.sight = Scope(selection=Selection(sides=sides, except_symbols=left))
    return one


def standing(one: Leg, elsewhere: Elsewhere, *, beat: Pace | None = None) -> Standing:
    beat = beat or pace()
    own = stand(one, beat, dust=frozenset(), settings=SETTINGS)
    return Unshown().told(own, one, beat, {}, beside=None, listed=True, elsewhere=elsewhere)


def doubted(standing: Standing) -> list[BookKey]:
    return [book.key for book in standing.unexplained]


def flat_twice(one: Leg, *others: Position) -> None:
    see(one, look(0, others))
    see(one, look(300, others))


def told(one: Leg, size: str) -> None:
    one.apply(second_told(one, BTC, Decimal(size), begun_ns=5 * MS), at_ns=UTC_NS)


async def test_an_exit_that_names_nothing_is_flat_once_another_page_was_heard() -> None:
    one, clock = covering(sides=LONGS), SteppedClock()
    elsewhere = Elsewhere(Page(SHORT_ETH), clock)
    elsewhere.saw(look(0, [SHORT_ETH]))
    flat_twice(one, SHORT_ETH)
    before = standing(one, elsewhere)
    assert (before.clean, before.confirmed, before.unheard, before.verdict) == (True, True, True, None)
    assert at_deadline(one, before) == (Verdict.UNKNOWN, (("positions elsewhere", UNHEARD),))
    assert await elsewhere.read(deadline_s=1) == ()
    assert standing(one, elsewhere).verdict is Verdict.FLAT


async def test_it_is_not_owed_while_something_is_left_to_close() -> None:
    one = covering(sides=LONGS)
    flat_twice(one, BTC)
    owing = standing(one, Elsewhere(Page(), SteppedClock()))
    assert owing.unheard
    assert at_deadline(one, owing) == (Verdict.NOT_FLAT, ())


def asked(one: Leg, of: Standing) -> bool:
    return questions(one, of, pace(), now_ns=0, settings=SETTINGS, fills_asked_ns=None).elsewhere


def cancelled(one: Leg, of: Standing) -> list[str]:
    act = plan(one, of, pace(), {}, now_ns=400 * MS, settings=SETTINGS)
    return [] if act is None else [gone.order_id for gone in act.intent.cancels]


@pytest.mark.parametrize("together", [False, True])
async def test_a_stop_that_no_position_shows_stays_until_the_page_was_heard(together: bool) -> None:  # noqa: FBT001
    one, clock, stop = covering(sides=LONGS), SteppedClock(), order("BTCUSDT", name="stop")
    for at_ms in (0, 300):
        see(one, look(at_ms, [SHORT_ETH], [stop]))
    page = Page()
    elsewhere = Elsewhere(page, clock)
    elsewhere.saw(look(300, [SHORT_ETH]))

    def told_of() -> Standing:
        own = standing(one, elsewhere)
        return (
            with_doubts(stand(one, pace(), dust=frozenset(), settings=SETTINGS), [own]) if together else own
        )

    assert asked(one, told_of())
    assert cancelled(one, told_of()) == []
    assert ("positions elsewhere", UNHEARD) in at_deadline(one, told_of())[1]
    # What it names keeps its stop; what it does not name, does not.
    for names, gone in (((BTC,), []), ((), ["stop"])):
        page.names = names
        await elsewhere.read(deadline_s=1)
        assert not asked(one, told_of())
        assert cancelled(one, told_of()) == gone


async def test_the_page_is_not_asked_for_while_an_order_that_opens_may_still_fill() -> None:
    one = covering(sides=LONGS)
    entry = order("BTCUSDT", reduce_only=False, direction=Direction.BUY, name="entry")
    see(one, look(0, [], [entry]))
    owing = standing(one, Elsewhere(Page(), SteppedClock()))
    assert owing.unheard
    assert not asked(one, owing)
    assert cancelled(one, owing) == ["entry"]


async def test_it_is_heard_anew_in_each_run_and_after_a_look_that_failed() -> None:
    one, clock, beat = covering(sides=LONGS), SteppedClock(), pace()
    elsewhere = Elsewhere(Page(), clock)
    flat_twice(one, SHORT_ETH)
    await elsewhere.read(deadline_s=1)
    read_ns = clock.monotonic_ns()
    for late_ns, owed in ((read_ns, False), (read_ns + 1, True)):
        for changed in (
            replace(beat, run_began_ns=late_ns),
            replace(beat, broken_ns=late_ns),
            replace(beat, resumed_ns=late_ns),
        ):
            assert standing(one, elsewhere, beat=changed).unheard is owed


@pytest.mark.parametrize(
    ("named", "shown", "keys"),
    [
        # The side that the page tells, or does not know, may be the one that is meant.
        (BTC, [], [("linear", "BTCUSDT", "")]),
        (replace(BTC, side=Side.SHORT), [], [("linear", "BTCUSDT", "")]),
        (LEG, [], [("linear", "BTCUSDT", "LONG")]),
        # What the latest look shows, on whichever side, is known.
        (BTC, [replace(BTC, side=Side.SHORT)], []),
        (LEG, [replace(LEG, side=Side.SHORT)], [("linear", "BTCUSDT", "LONG")]),
        # Of another contract than those that are left nothing is meant.
        (ETH, [], []),
    ],
)
async def test_what_the_page_names_beside_the_look_is_asked_for(
    named: Position, shown: list[Position], keys: list[BookKey]
) -> None:
    one = covering(sides=LONGS, left=frozenset({"ETHUSDT"}))
    elsewhere = Elsewhere(Page(named), SteppedClock())
    elsewhere.saw(look(0, shown))
    flat_twice(one, *shown)
    assert bool(await elsewhere.read(deadline_s=1)) is (not shown or named.hedged)
    found = standing(one, elsewhere)
    assert doubted(found) == keys
    assert found.verdict is (None if keys else Verdict.FLAT)
    assert not any(book.position.quantity for book in found.unexplained)


async def test_what_it_names_is_flat_by_the_word_of_a_second_source_alone() -> None:
    one = covering(left=frozenset({"ETHUSDT"}))
    elsewhere = Elsewhere(Page(BTC), SteppedClock())
    flat_twice(one, ETH)
    await elsewhere.read(deadline_s=1)
    told(one, "0.5")
    assert standing(one, elsewhere).verdict is None
    told(one, "0")
    assert standing(one, elsewhere).verdict is Verdict.FLAT


async def test_whoever_names_all_that_is_meant_waits_for_no_page() -> None:
    for sight in (
        Scope(),
        Scope(kind=ExitKind.HALT, selection=Selection(sides=LONGS)),
        Scope(kind=ExitKind.PARTIAL),
    ):
        one = leg()
        one.sight = sight
        flat_twice(one)
        elsewhere = Elsewhere(Page(BTC), SteppedClock())
        assert not standing(one, elsewhere).unheard
        await elsewhere.read(deadline_s=1)
        assert doubted(standing(one, elsewhere)) == []
    assert Union([leg(), covering(sides=LONGS)]).unnamed


async def test_where_the_venue_has_no_such_page_the_lists_stand_alone() -> None:
    one = covering(sides=LONGS)
    flat_twice(one)
    elsewhere = Elsewhere(None, SteppedClock())
    assert await elsewhere.read(deadline_s=1) == ()
    assert standing(one, elsewhere).verdict is Verdict.FLAT
