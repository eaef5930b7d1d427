"""A hand at work, in virtual time: what an account is asked, when, and what it comes to.

Every call takes 10 ms here; the times are those since the hand began.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from bastion.domain.asked import AskedCall, VenueAsked
from bastion.domain.balance import Balance, CollateralRead
from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind
from bastion.domain.money import Quantity, Usd
from bastion.domain.order import CancelAnswer, Direction, OpenOrder, OrderRequest, OrderState
from bastion.domain.records import Entry, LegReopened, LegStarted, Record, Troubled
from bastion.domain.selection import EVERYTHING, Selection
from bastion.domain.verdict import Verdict
from bastion.errors import Fault, OutcomeUnknown, VenueRejected
from bastion.exits.hand import Hand
from bastion.exits.settings import ExitSettings
from bastion.storage.memory import MemoryJournal
from tests.simulation.exits.virtual_time import VirtualClock
from tests.unit.exits.hand_rig import TOOK_S, Fate, Scripted, ms, part_of, told, verdicts, worked
from tests.unit.exits.parts import look, order, position

BTC, ETH = position(), position("ETHUSDT")
STOP = replace(order(name="stop"), conditional=True)
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")
SETTINGS = ExitSettings()
ONLY_BTC = Selection(symbols=frozenset({"BTCUSDT"}))


def contracts(least: str) -> dict[tuple[str, str], Instrument]:
    known = Instrument(
        id=BTC.instrument,
        category=BTC.category,
        symbol=BTC.symbol,
        base="BTC",
        settle="USDT",
        quantity_step=Decimal("0.001"),
        quantity_min=Quantity(Decimal(least)),
        market_quantity_max=Quantity(Decimal(0)),
        price_tick=Decimal("0.1"),
    )
    return {(BTC.category, BTC.instrument): known}


def refused(clock: VirtualClock, fault: Fault) -> Fate:
    async def fate(request: OrderRequest) -> OrderState:
        del request
        await clock.sleep(TOOK_S)
        raise VenueRejected("no", fault=fault, code="-1")

    return fate


def lost(clock: VirtualClock, seconds: float = TOOK_S) -> Fate:
    async def fate(request: OrderRequest) -> OrderState:
        del request
        await clock.sleep(seconds)
        raise OutcomeUnknown("no answer")

    return fate


def rests(venue: Scripted) -> Fate:
    async def fate(request: OrderRequest) -> OrderState:
        return venue.rests(request)

    return fate


def test_all_is_closed_at_once_then_swept_and_proven_by_two_looks() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC, ETH, orders=[STOP, ENTRY])
    hand = worked(clock, venue, part)
    assert venue.calls == [
        (0, "look"),
        (0, "instruments"),
        (10, "place BTCUSDT"),
        (10, "place ETHUSDT"),
        (10, "cancel entry"),
        (20, "look"),
        (20, "fills"),
        (30, "sweep stop"),
        (40, "look"),
        (290, "look"),
    ]
    assert verdicts(part) == [(300, Verdict.FLAT)]
    assert hand.closed
    assert part.over.is_set()
    assert round(clock.seconds * 1000) == 100_300, "and then nothing is waited for"


def test_an_account_without_anything_is_proven_by_two_looks_and_asked_for_no_executions() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock)
    worked(clock, venue, part)
    assert venue.calls == [(0, "look"), (0, "instruments"), (250, "look")]
    assert verdicts(part) == [(260, Verdict.FLAT)]


def test_what_the_desk_has_just_seen_is_closed_without_a_look_first() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    seen = replace(look(99_000, [BTC]), venue_time_ms=clock.now_ns() // 1_000_000 - 1_000)
    worked(clock, venue, part, seen=seen)
    assert venue.calls[:3] == [(0, "instruments"), (0, "place BTCUSDT"), (10, "look")]
    assert verdicts(part)[0][1] is Verdict.FLAT


@pytest.mark.parametrize("seen", [look(99_000), replace(look(99_000, [BTC]), venue_time_ms=None)])
def test_what_was_seen_is_no_look_where_it_shows_nothing_or_not_of_when_it_is(seen: Look) -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    worked(clock, venue, part, seen=seen)
    assert venue.calls[0] == (0, "look")
    assert venue.times("place BTCUSDT") == [10]


def test_a_lost_order_is_asked_for_and_sent_again_once_the_venue_knows_nothing_of_it() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    venue.fates = [lost(clock)]
    worked(clock, venue, part)
    assert [call for call in venue.calls if call[1] in {"order", "place BTCUSDT"}] == [
        (10, "place BTCUSDT"),
        (30, "order"),
        (40, "place BTCUSDT"),
    ]
    assert len({request.client_order_id for request in venue.requests}) == 2
    assert verdicts(part) == [(310, Verdict.FLAT)]


def test_a_credential_that_cannot_trade_is_told_at_once_though_a_stop_waits_for_its_position() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC, orders=[STOP])
    venue.fates = [refused(clock, Fault.TERMINAL)] * 9
    worked(clock, venue, part)
    (at_ms, verdict), *_ = verdicts(part)
    assert verdict is Verdict.NOT_FLAT
    assert at_ms < 2_000, "three refusals, and not the deadline"
    assert venue.times("cancel stop") == [], "the stop stays until its position is closed"


def test_a_venue_that_dislikes_our_clock_is_opened_again_before_the_next_order() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    venue.fates = [refused(clock, Fault.CLOCK)]
    worked(clock, venue, part)
    assert venue.calls[2:6] == [
        (10, "place BTCUSDT"),
        (20, "look"),
        (30, "open"),
        (30, "place BTCUSDT"),
    ]
    assert ("open", 8.0) in venue.deadlines
    assert venue.times("open") == [30], "once"


def test_an_order_that_rests_is_taken_back_when_its_time_is_up_and_when_nobody_wants_it_any_more() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="5"), Scripted(clock, BTC)
    venue.fates = [rests(venue), rests(venue), rests(venue)]
    worked(clock, venue, part)
    first, second, third = (f"cancel o-{request.client_order_id}" for request in venue.requests)
    assert venue.times("place BTCUSDT") == [10, 2_030, 4_050]
    assert [venue.times(name) for name in (first, second, third)] == [[2_020], [4_040], [4_750]]
    assert verdicts(part) == [(4_760, Verdict.NOT_FLAT)]


def test_a_blind_account_is_read_until_the_deadline_and_no_read_may_outlast_it() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="5"), Scripted(clock, BTC)
    venue.unread = {0: ("positions", "orders")}
    worked(clock, venue, part)
    assert venue.times("look") == [0, 210, 620, 1_430, 3_040]
    assert [seconds for name, seconds in venue.deadlines if name == "look"] == pytest.approx(
        [4.75, 4.54, 4.13, 3.32, 1.71]
    )
    assert verdicts(part) == [(4_750, Verdict.UNKNOWN)], "a twentieth of it is kept for the answer"
    assert part.over.is_set()


def test_of_two_exits_the_earlier_deadline_bounds_a_read_while_that_exit_is_not_judged() -> None:
    clock = VirtualClock()
    hasty = part_of(clock, deadline_s="3")
    patient = part_of(clock, exit_id="xtwo", deadline_s="12", selection=ONLY_BTC)
    venue = Scripted(clock, BTC, ETH)
    venue.unread = {0: ("positions", "orders")}
    worked(clock, venue, hasty, patient)
    bounds = [seconds for name, seconds in venue.deadlines if name == "look"]
    assert bounds[:4] == pytest.approx([2.85, 2.64, 2.23, 1.42])
    assert bounds[4] == 8.0, "the most that one read may take"
    assert (verdicts(hasty), verdicts(patient)) == (
        [(2_850, Verdict.UNKNOWN)],
        [(11_500, Verdict.UNKNOWN)],
    )


def test_what_executions_do_not_tell_a_second_source_does_and_they_are_asked_for_a_while_longer() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    venue.tells_executions = False
    worked(clock, venue, part)
    assert venue.times("second") == [30]
    assert verdicts(part) == [(280, Verdict.FLAT)]
    assert venue.times("fills") == [20, 270, 530, 1_040, 2_050]
    assert venue.times("look") == [0, 20, 270]
    assert 3_280 <= round(clock.seconds * 1000) - 100_000 <= 3_320


def test_where_nothing_explains_what_is_gone_it_is_asked_for_again_and_again() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="4"), Scripted(clock, BTC)
    venue.tells_executions = venue.tells_second = False
    worked(clock, venue, part)
    assert venue.times("look") == [0, 20, 270, 680, 1_490, 3_100]
    assert venue.times("second") == [30, 280, 540, 1_190, 2_000, 3_610, 5_810]
    assert verdicts(part) == [(3_800, Verdict.UNKNOWN)]


def test_contracts_that_were_not_told_are_asked_for_again_while_something_is_open() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="2"), Scripted(clock, BTC)
    venue.contracts = None
    venue.fates = [refused(clock, Fault.RETRY)] * 9
    worked(clock, venue, part)
    asked = venue.times("instruments")
    assert asked[0] == 0
    assert len(asked) > 2
    clock = VirtualClock()
    calm = Scripted(clock)
    calm.contracts = None
    worked(clock, calm, part_of(clock))
    assert calm.times("instruments") == [0]


def test_contracts_that_were_told_are_asked_for_once() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="2"), Scripted(clock, BTC)
    venue.fates = [refused(clock, Fault.RETRY)] * 9
    venue.contracts = contracts("0.001")
    worked(clock, venue, part)
    assert venue.times("instruments") == [0]
    assert len(venue.requests) > 2


def test_while_something_is_left_to_close_nobody_waits_for_executions() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC)
    venue.executions_s = 0.2

    async def half(request: OrderRequest) -> OrderState:
        await clock.sleep(TOOK_S)
        return venue.take(replace(request, quantity=Quantity(request.quantity / 2)))

    venue.fates = [half]
    worked(clock, venue, part)
    assert venue.times("place BTCUSDT") == [10, 30]
    assert verdicts(part) == [(490, Verdict.FLAT)]


def test_where_nothing_is_left_to_close_the_sweep_waits_for_the_executions_that_explain_it() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, BTC, orders=[STOP, ENTRY])
    venue.executions_s = 0.2
    worked(clock, venue, part)
    assert venue.calls[4:] == [
        (20, "look"),
        (20, "fills"),
        (220, "sweep stop"),
        (230, "look"),
        (480, "look"),
    ]


class Accounting(Scripted):
    """An account that tells what it is worth."""

    async def balance(self, *, deadline_s: float) -> Balance:
        self._called("balance", deadline_s)
        return Balance(total_usd=Usd(Decimal(1)), available_usd=None)


def test_what_an_account_is_worth_is_asked_once_beside_a_wait_or_when_nothing_is_quick_any_more() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Accounting(clock, BTC)
    worked(clock, venue, part)
    assert venue.times("balance") == [30], "while the second look is waited for"
    assert len(told(part, CollateralRead)) == 1
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="4"), Accounting(clock, BTC)
    venue.fates = [refused(clock, Fault.RETRY)] * 9
    worked(clock, venue, part)
    assert [2_000 <= at < 2_500 for at in venue.times("balance")] == [True]
    clock = VirtualClock()
    halt = part_of(clock, kind=ExitKind.HALT)
    venue = Accounting(clock, BTC, orders=[ENTRY])
    worked(clock, venue, halt)
    assert venue.times("balance") == []
    assert venue.times("place BTCUSDT") == []
    assert verdicts(halt)[0][1] is Verdict.FLAT


class Quick(Scripted):
    """An account whose venue lets a close that arrives twice only reduce."""

    repeats_safely = True

    def hasten(self) -> None:
        self._called("hasten", 0)

    def read_anew(self) -> None:
        self._called("anew", 0)

    def need_orders(self, *, halting: bool) -> None:
        self._called(f"need {halting}", 0)


class Careful(Quick):
    """The same, where a close that arrives twice could open."""

    repeats_safely = False


@pytest.mark.parametrize(
    ("kind", "second_ms"), [(Quick, 2_010), (Careful, 4_520), (Scripted, 4_520)], ids=str
)
def test_a_close_without_an_answer_is_overtaken_where_that_is_safe(
    kind: type[Scripted], second_ms: int
) -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), kind(clock, BTC)
    venue.fates = [lost(clock, 60)]
    worked(clock, venue, part)
    assert venue.times("place BTCUSDT") == [10, second_ms]
    assert verdicts(part)[0][1] is Verdict.FLAT


class Telling(Quick):
    """The same, and the venue takes an order 20 ms after it left; what becomes of it is told later."""

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        self.took = heard


@pytest.mark.parametrize(("told_s", "placed"), [(2.6, [10]), (None, [10, 3_570])], ids=["filled", "vanished"])
def test_a_close_that_the_venue_took_is_followed_by_another_one_only_once_its_fate_was_asked_in_vain(
    told_s: float | None, placed: list[int]
) -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Telling(clock, BTC)

    async def fate(request: OrderRequest) -> OrderState:
        # Reads trail: the looks go on showing the position for as long as nobody tells of the order.
        await clock.sleep(0.02)
        venue.took(request.client_order_id)
        await clock.sleep((told_s or 3.0) - 0.02)
        return venue.rests(request) if told_s is None else venue.take(request)

    venue.fates = [fate]
    worked(clock, venue, part)
    assert venue.times("place BTCUSDT") == placed
    assert verdicts(part)[0][1] is Verdict.FLAT


def test_a_venue_is_told_which_looks_are_to_be_quick_new_and_with_orders() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, deadline_s="30"), Quick(clock, BTC)
    venue.tells_executions = venue.tells_second = False
    worked(clock, venue, part)
    looks = venue.times("look")
    assert venue.times("anew") == looks
    assert venue.times("hasten") == [looks[1]], "while something that was shown is to be closed"
    assert venue.times("need False") == looks[2:8], "six times, and no more"
    assert len(looks) > 8


class Roomy(Quick):
    """The same, where reads are kept for closing what is shown, unless it is to stay open."""

    def leave_open(self) -> None:
        self._called("leave", 0)


@pytest.mark.parametrize(("selection", "looks"), [(ONLY_BTC, [2]), (EVERYTHING, [])], ids=["BTC", "all"])
def test_no_read_is_kept_for_closing_what_is_to_stay_open(selection: Selection, looks: list[int]) -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, selection=selection), Roomy(clock, BTC, ETH)
    worked(clock, venue, part)
    assert verdicts(part)[0][1] is Verdict.FLAT
    begun = venue.times("look")
    # The look behind the closes finds that nothing is left to be closed; the one behind that is told of it.
    assert venue.times("leave") == [begun[number] for number in looks]


class Deaf(Quick):
    """The same, where nobody hears of the first cancels that they were carried out."""

    deaf = 3

    def defer_orders(self) -> None:
        self._called("defer", 0)
        self.unread[self.looks + 1] = ("orders",)

    async def _gone(
        self, what: str, orders: Sequence[OpenOrder], deadline_s: float
    ) -> tuple[CancelAnswer, ...]:
        answers = await super()._gone(what, orders, deadline_s)
        self.deaf -= 1
        return tuple(replace(one, gone=False, answered=False) if self.deaf >= 0 else one for one in answers)


def test_the_lists_of_orders_wait_until_it_is_known_that_a_cancel_was_carried_out() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Deaf(clock, orders=[ENTRY])
    worked(clock, venue, part)
    cancels = [at for at, what in venue.calls if what.startswith(("cancel", "sweep"))]
    assert len(cancels) == 4, "each look without the lists is followed by another one"
    looks = venue.times("look")
    # The first look behind the first cancel learns that the order is shown no longer.
    assert venue.times("defer") == [at for at in looks if cancels[0] < at <= cancels[-1]][1:]
    assert verdicts(part)[0][1] is Verdict.FLAT
    assert len([at for at in looks if at > cancels[-1]]) == 2


class Lingering(Quick):
    """The same, where a cancel is carried out at once and answered much later."""

    def defer_orders(self) -> None:
        self._called("defer", 0)

    async def _gone(
        self, what: str, orders: Sequence[OpenOrder], deadline_s: float
    ) -> tuple[CancelAnswer, ...]:
        answers = await super()._gone(what, orders, deadline_s)
        await self.clock.sleep(3.8)
        return answers


def test_the_lists_of_orders_wait_while_a_cancel_is_on_its_way_whatever_they_show() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Lingering(clock, orders=[STOP])
    worked(clock, venue, part)
    (sent,) = (at for at, what in venue.calls if what.startswith(("cancel", "sweep")))
    looks = venue.times("look")
    beside = [at for at in looks if sent < at < sent + 3_800]
    assert beside
    assert venue.times("defer") == beside
    assert verdicts(part)[0][1] is Verdict.FLAT
    assert len([at for at in looks if at > sent + 3_800]) == 2


def test_dust_that_stays_is_nothing_to_hurry_for() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Quick(clock, position(quantity="0.002"))
    venue.contracts = contracts("0.01")
    venue.fates = [refused(clock, Fault.SIZE)] * 9
    worked(clock, venue, part)
    assert verdicts(part)[0][1] is Verdict.FLAT_WITH_DUST
    assert venue.times("hasten") == [venue.times("look")[1]], "before the venue refused it for its size"


class Glancing(Scripted):
    """An account whose positions can be read alone."""

    async def glance(self, *, deadline_s: float) -> Look:
        self._called("glance", deadline_s)
        return await self.picture(("positions",), unsent=True)


def test_a_glance_is_enough_where_our_orders_closed_all_and_only_a_sweep_is_left() -> None:
    clock = VirtualClock()
    threat = order(reduce_only=False, direction=Direction.BUY, name="entry")
    part, venue = part_of(clock), Glancing(clock, BTC, orders=[STOP, threat])
    worked(clock, venue, part)
    assert venue.calls[2:8] == [
        (10, "place BTCUSDT"),
        (10, "cancel entry"),
        (20, "glance"),
        (20, "fills"),
        (30, "sweep stop"),
        (40, "look"),
    ]
    assert verdicts(part)[0][1] is Verdict.FLAT


def test_no_glance_is_taken_for_several_exits_since_each_needs_its_own_look() -> None:
    clock = VirtualClock()
    one, two = part_of(clock), part_of(clock, exit_id="xtwo", selection=ONLY_BTC)
    venue = Glancing(clock, BTC, orders=[STOP, ENTRY])
    worked(clock, venue, one, two)
    assert venue.times("glance") == []
    assert [name for name in (one, two) if verdicts(name)[0][1] is Verdict.FLAT] == [one, two]


class Attesting(Scripted):
    """An account whose venue tells what it was asked."""

    told = 0

    def asked(self) -> tuple[AskedCall, ...]:
        self.told += 1
        return (AskedCall(call=f"call {self.told}", sent_at_ns=1, took_ms=1),)


def test_what_was_asked_is_recorded_from_the_beginning_of_the_exit_on_and_again_at_its_verdict() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Attesting(clock, BTC)
    worked(clock, venue, part)
    records = [(ms(at_ns), one.calls[0].call) for at_ns, one in part.records if isinstance(one, VenueAsked)]
    assert records == [(10, "call 2"), (30, "call 3"), (280, "call 4"), (280, "call 5")]


class Breaking(Attesting):
    """An account whose adapter breaks in a way that nobody planned for, some times."""

    breaks = 2

    def asked(self) -> tuple[AskedCall, ...]:
        self.told += 1
        if 1 < self.told <= 1 + self.breaks:
            raise KeyError(self.told)
        return ()


def test_a_surprise_begins_the_leg_anew_and_what_was_seen_before_proves_nothing() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Breaking(clock, BTC)
    hand = worked(clock, venue, part)
    assert venue.times("look")[:3] == [0, 260, 520]
    assert [one.code for one in told(part, Troubled)] == ["ExceptionGroup"] * 2
    assert len(told(part, LegStarted)) == 3
    assert told(part, LegStarted)[-1].link == venue.link
    assert verdicts(part) == [(800, Verdict.FLAT)]
    assert hand.closed


def test_a_leg_that_fails_again_and_again_is_given_up_and_says_so() -> None:
    clock = VirtualClock()
    settings = ExitSettings(surprises_max=3)
    part, venue = part_of(clock, settings=settings), Breaking(clock, BTC)
    venue.breaks = 99
    hand = worked(clock, venue, part, settings=settings)
    assert venue.times("look") == [0, 260, 520]
    assert verdicts(part) == [(780, Verdict.NOT_FLAT)]
    assert part.judged is not None
    assert part.judged.unread == (("everything", "the leg failed again and again"),)
    assert part.over.is_set()
    assert hand.closed


def test_where_the_looks_of_a_time_are_used_up_the_next_one_waits_for_new_ones_and_nobody_spins() -> None:
    clock = VirtualClock()
    settings = ExitSettings(looks_max=3, allowance_s=20)
    part, venue = part_of(clock, deadline_s="30", settings=settings), Scripted(clock)
    venue.unread = {0: ("orders",)}
    worked(clock, venue, part, settings=settings)
    assert venue.times("look") == [0, 210, 620, 20_000, 21_610, 23_620]
    assert verdicts(part) == [(29_500, Verdict.UNKNOWN)]


def test_a_long_hold_outlasts_the_looks_and_steps_of_its_first_time() -> None:
    clock = VirtualClock()
    settings = ExitSettings(looks_max=6, steps_max=20, allowance_s=10)
    part, venue = part_of(clock, hold_s="60", settings=settings), Scripted(clock, BTC)

    async def bot(hand: Hand) -> None:
        await clock.sleep(55)
        assert not hand.closed
        venue.held[BTC.key] = BTC

    worked(clock, venue, part, settings=settings, beside=bot)
    assert max(after - before for before, after in pairwise(venue.times("look")[:25])) <= 4_000
    assert len(told(part, LegReopened)) == 1
    assert [verdict for _, verdict in verdicts(part)] == [Verdict.FLAT, Verdict.FLAT]


def test_after_the_most_steps_each_exit_gets_the_verdict_that_is_known_by_then() -> None:
    clock = VirtualClock()
    settings = ExitSettings(steps_max=3)
    one = part_of(clock, settings=settings)
    two = part_of(clock, exit_id="xtwo", settings=settings, selection=ONLY_BTC)
    venue = Scripted(clock, BTC, ETH)
    venue.unread = {0: ("positions", "orders")}
    worked(clock, venue, one, two, settings=settings)
    assert [verdict for _, verdict in (*verdicts(one), *verdicts(two))] == [Verdict.UNKNOWN, Verdict.UNKNOWN]
    assert one.over.is_set()
    assert two.over.is_set()
    assert venue.times("look") == [0, 210]


def test_a_hold_is_watched_and_ends_with_the_look_at_its_end() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock, hold_s="10"), Scripted(clock, BTC)
    worked(clock, venue, part)
    assert venue.times("look") == [0, 20, 270, 2_280, 4_290, 6_300, 8_310, 10_280]
    assert verdicts(part) == [(280, Verdict.FLAT)]
    assert round(clock.seconds * 1000) == 110_290


def test_what_is_opened_during_a_hold_is_closed_again_by_all_exits_that_hold() -> None:
    clock = VirtualClock()
    one, two = part_of(clock, hold_s="6"), part_of(clock, exit_id="xtwo", hold_s="6")
    venue = Scripted(clock, BTC)

    async def bot(hand: Hand) -> None:
        await clock.sleep(3)
        venue.held[BTC.key] = BTC
        assert not hand.closed

    worked(clock, venue, one, two, beside=bot)
    assert venue.times("place BTCUSDT") == [10, 4_300]
    for part in (one, two):
        assert len(told(part, LegReopened)) == 1
        assert [verdict for _, verdict in verdicts(part)] == [Verdict.FLAT, Verdict.FLAT]
        assert verdicts(part)[1][0] < 5_000


def test_a_wider_exit_widens_the_work_at_once_and_a_narrow_one_ends_by_itself() -> None:
    clock = VirtualClock()
    narrow = part_of(clock, selection=ONLY_BTC)
    wide = part_of(clock, exit_id="xwide")
    venue = Scripted(clock, BTC, ETH)
    worked(clock, venue, narrow, joins=[(0.1, lambda: wide)])
    assert venue.times("place BTCUSDT") == [10]
    assert venue.times("place ETHUSDT") == [110], "after the look that its coming asks for"
    assert verdicts(narrow)[0] == (380, Verdict.FLAT)
    assert verdicts(wide)[0] == (380, Verdict.FLAT)


def test_who_leaves_ends_nothing_that_another_wants_and_the_last_one_ends_all() -> None:
    clock = VirtualClock()
    one, two = part_of(clock, selection=ONLY_BTC), part_of(clock, exit_id="xtwo")
    venue = Scripted(clock, BTC, ETH)
    venue.unread = {0: ("positions", "orders")}
    states: list[bool] = []

    async def leaving(hand: Hand) -> None:
        await clock.sleep(1)
        hand.leave(one)
        hand.leave(one)
        states.append(hand.closed)
        await clock.sleep(1)
        assert hand.task is not None
        states.append(hand.task.done())
        hand.leave(two)
        states.append(hand.closed)

    with pytest.raises(asyncio.CancelledError):
        worked(clock, venue, one, two, beside=leaving).task.result()  # type: ignore[union-attr]
    assert states == [False, False, True]
    assert venue.times("look")[-1] < 2_000
    assert round(clock.seconds * 1000) == 102_000


class Dawdling(MemoryJournal):
    """A journal that takes its time over every commit."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        super().__init__(clock=clock)
        self._late, self._seconds = clock, seconds

    async def append(self, records: Sequence[Record]) -> tuple[Entry, ...]:
        await self._late.sleep(self._seconds)
        return await super().append(records)


@pytest.mark.parametrize(
    ("first_s", "second_s", "sent_ms"),
    [(0.004, 0.0, 14), (0.5, 0.0, 110), (0.5, 0.5, 110), (0.012, 0.006, 24), (0.006, 0.012, 24)],
)
def test_an_order_waits_for_all_journals_together_no_longer_than_the_budgets(
    first_s: float, second_s: float, sent_ms: int
) -> None:
    clock = VirtualClock()
    one = part_of(clock, journal=Dawdling(clock, first_s))
    two = part_of(clock, exit_id="xtwo", selection=ONLY_BTC, journal=Dawdling(clock, second_s))
    venue = Scripted(clock, BTC)
    worked(clock, venue, one, two)
    assert venue.times("place BTCUSDT") == [sent_ms]
