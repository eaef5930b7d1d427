"""The next round of a leg: what is closed and in which order, what waits, and what is cancelled when."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.instrument import Instrument
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import Direction, OpenOrder, OrderKind, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    FillsRead,
    OrderAnswered,
    OrderResolved,
    Outcome,
    ResolvedBy,
    SecondSourceRead,
)
from bastion.domain.refund import RefundPolicy
from bastion.errors import Fault
from bastion.exits.ladder import NO_MARK
from bastion.exits.pace import Pace
from bastion.exits.plan import Act, client_order_id, dust_of, plan, risk
from bastion.exits.progress import Leg
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import stand
from tests.unit.exits.parts import (
    MS,
    answered,
    intend,
    leg,
    look,
    order,
    pace,
    position,
    refused,
    request,
    see,
)

SETTINGS = ExitSettings(ioc_rung_s=1.0)
HELD = position()
ETH = position("ETHUSDT")
KEY = HELD.key
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")
Instruments = Mapping[tuple[str, str], Instrument]


def decide(
    one: Leg,
    beat: Pace | None = None,
    *,
    now_ms: int = 200,
    instruments: Instruments | None = None,
    settings: ExitSettings = SETTINGS,
) -> Act | None:
    beat, known = beat or pace(), instruments or {}
    standing = stand(one, beat, dust=dust_of(one, known, settings), settings=settings)
    return plan(one, standing, beat, known, now_ns=now_ms * MS, settings=settings)


def acted(one: Leg, beat: Pace | None = None, *, now_ms: int = 200, settings: ExitSettings = SETTINGS) -> Act:
    act = decide(one, beat, now_ms=now_ms, settings=settings)
    assert act is not None
    return act


def read(begun_ms: int) -> FillsRead:
    return FillsRead(exit_id="xtest", account="main", run=1, begun_ns=begun_ms * MS, fills=())


def second(begun_ms: int, quantity: str) -> SecondSourceRead:
    return SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=begun_ms * MS,
        position=HELD,
        quantity=Quantity(Decimal(quantity)),
    )


def holding(*positions: Position, orders: tuple[OpenOrder, ...] = (), at_ms: int = 100) -> Leg:
    one = leg()
    see(one, look(at_ms, positions or (HELD,), orders))
    return one


def partial(keep: str = "0", close: str = "1") -> Leg:
    """Return a leg that takes a part of a position and keeps the rest."""
    sizes = {"keep": Quantity(Decimal(keep)), "close": Quantity(Decimal(close))}
    target = Target(account="main", category="linear", instrument="BTCUSDT", side=Side.LONG, **sizes)
    one = leg()
    one.sight = Scope(kind=ExitKind.PARTIAL, targets=(target,))
    return one


def test_the_id_of_an_order_is_the_same_whenever_it_is_derived_and_another_for_each_order() -> None:
    base = ("x1", "main", 3, HELD, 0)
    others = (
        ("x2", "main", 3, HELD, 0),
        ("x1", "other", 3, HELD, 0),
        ("x1", "main", 4, HELD, 0),
        ("x1", "main", 3, ETH, 0),
        ("x1", "main", 3, position(side=Side.SHORT), 0),
        ("x1", "main", 3, replace(HELD, category="inverse"), 0),
        ("x1", "main", 3, HELD, 1),
    )
    ids = {client_order_id(*one) for one in (base, *others)}
    assert len(ids) == 1 + len(others)
    assert all(len(one) == 24 and one.isalnum() and one.startswith("bst") for one in ids)
    assert client_order_id(*base) == "bstxkbpniyec6epe7p3y5gpa"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"liquidation_price": Price(Decimal(80))}, (False, "0.2", "0", "-100")),
        ({"liquidation_price": Price(Decimal(130))}, (False, "0.3", "0", "-100")),
        (
            {"liquidation_price": Price(Decimal(80)), "mark_price": Price(Decimal(400))},
            (False, "0.8", "0", "-100"),
        ),
        ({"liquidation_price": Price(Decimal(80)), "mark_price": None}, (True, "0", "0", "-100")),
        (
            {"liquidation_price": Price(Decimal(80)), "mark_price": Price(Decimal(0))},
            (True, "0", "0", "-100"),
        ),
        (
            {"liquidation_price": Price(Decimal(80)), "mark_price": Price(Decimal(-1))},
            (True, "0", "0", "-100"),
        ),
        ({"margin_usd": Usd(Decimal(7)), "notional_usd": None}, (True, "0", "-7", "0")),
    ],
)
def test_risk_is_how_near_liquidation_is_then_the_margin_then_the_value(
    changes: dict[str, object], expected: tuple[bool, str, str, str]
) -> None:
    far, distance, margin, notional = expected
    found = risk(replace(HELD, **changes))  # type: ignore[arg-type]
    assert found == (far, Decimal(distance), Decimal(margin), Decimal(notional), KEY)


def test_the_riskiest_position_is_closed_first_and_all_leave_in_one_round() -> None:
    risky = replace(position("ZZZUSDT"), liquidation_price=Price(Decimal(99)))
    large = position("MMMUSDT", "9")
    act = acted(holding(HELD, large, risky))
    assert [one.position.instrument for one in act.intent.orders] == ["ZZZUSDT", "MMMUSDT", "BTCUSDT"]
    assert [one.client_order_id for one in act.intent.orders] == [
        client_order_id("xtest", "main", 1, held, 0) for held in (risky, large, HELD)
    ]


def test_a_plain_round_closes_at_market_and_says_nothing_more() -> None:
    intent = acted(holding()).intent
    (close,) = intent.orders
    assert (close.position, close.quantity, close.kind, close.limit_price, close.why) == (
        *(HELD, Decimal(1), OrderKind.MARKET, None),
        "",
    )
    assert (intent.exit_id, intent.account, intent.run, intent.round) == ("xtest", "main", 1, 1)
    assert (intent.cancels, intent.clears, intent.why) == ((), (), ())


def test_without_a_look_or_without_anything_to_do_there_is_no_round() -> None:
    assert decide(leg()) is None
    one = leg()
    see(one, look(0))
    assert decide(one) is None
    assert dust_of(leg(), {}, SETTINGS) == frozenset()


@pytest.mark.parametrize(("rounds", "goes_on"), [(0, True), (3, True), (4, False), (5, False)])
def test_the_rounds_of_a_leg_are_bounded(rounds: int, goes_on: bool) -> None:  # noqa: FBT001 - a case of the table
    one = holding()
    one.rounds = rounds
    act = decide(one, settings=replace(SETTINGS, rounds_max=4))
    assert (act.intent.round if act is not None else None) == (rounds + 1 if goes_on else None)


def _in_flight(beat: Pace) -> None:
    beat.in_flight["bst9"] = KEY


def _another_in_flight(beat: Pace) -> None:
    beat.in_flight["bst9"] = ETH.key


def _at(name: str, ms: int) -> Callable[[Pace], None]:
    return lambda beat: getattr(beat, name).update({KEY: ms * MS})


def _quiet(ms: int) -> Callable[[Pace], None]:
    return lambda beat: setattr(beat, "quiet_until_ns", ms * MS)


def _refused_for_good(times: int) -> Callable[[Pace], None]:
    return lambda beat: beat.terminals.update({KEY: times})


@pytest.mark.parametrize(
    ("told", "due"),
    [
        (_in_flight, False),
        (_another_in_flight, True),
        (_at("key_act_ns", 100), True),
        (_at("key_act_ns", 101), False),
        (_at("retry_at_ns", 200), True),
        (_at("retry_at_ns", 201), False),
        (_quiet(200), True),
        (_quiet(201), False),
        (_refused_for_good(2), True),
        (_refused_for_good(3), False),
        (_refused_for_good(4), False),
    ],
)
def test_a_position_is_closed_once_nothing_more_is_waited_for(
    told: Callable[[Pace], None],
    due: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = holding(), pace()
    told(beat)
    assert (decide(one, beat) is not None) is due


def test_one_position_that_waits_holds_no_other_up() -> None:
    one, beat = holding(HELD, ETH), pace()
    _in_flight(beat)
    assert [each.position for each in acted(one, beat).intent.orders] == [ETH]


@pytest.mark.parametrize(
    ("seen_ms", "now_ms", "overtakes", "sent_again"),
    [
        (260, 2_010, True, True),
        (259, 9_000, True, False),
        (260, 2_009, True, False),
        (260, 2_010, False, False),
    ],
    ids=["overdue", "the look began too early", "not yet", "not at this venue"],
)
def test_a_close_whose_answer_is_overdue_is_overtaken_once(
    seen_ms: int,
    now_ms: int,
    overtakes: bool,  # noqa: FBT001 - a case of the table
    sent_again: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = holding(), pace()
    intend(one, request(HELD))
    beat.sending("bst1", KEY, now_ns=10 * MS)
    see(one, look(seen_ms, [HELD]))

    def next_round() -> bool:
        standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
        act = plan(one, standing, beat, {}, now_ns=now_ms * MS, settings=SETTINGS, overtakes=overtakes)
        return act is not None and bool(act.intent.orders)

    beat.queued.add("bst1")
    assert not next_round(), "one that waits here for the venue's limits is not overtaken"
    beat.queued.clear()
    assert next_round() is sent_again
    intend(one, request(HELD, "bst2"), number=2)
    beat.sending("bst2", KEY, now_ns=10 * MS)
    assert not next_round()


def test_a_close_that_the_venue_took_is_not_overtaken_nor_is_the_rest_of_its_round() -> None:
    one, beat = holding(), pace()
    intend(one, request(HELD), request(HELD, "bst2"))
    for cid in ("bst1", "bst2"):
        beat.sending(cid, KEY, now_ns=10 * MS)
    see(one, look(260, [HELD]))

    def next_round(now_ms: int) -> bool:
        standing = stand(one, beat, dust=frozenset(), settings=SETTINGS)
        act = plan(one, standing, beat, {}, now_ns=now_ms * MS, settings=SETTINGS, overtakes=True)
        return act is not None and bool(act.intent.orders)

    assert next_round(2_010)
    beat.taken_ns["bst1"] = 20 * MS
    assert not next_round(9_000), "what became of it decides whether the other one is enough"
    beat.taken_ns["bst2"] = 30 * MS
    assert not next_round(9_000)


def working(kind: OrderKind = OrderKind.MARKET, filled: str = "0.5") -> Leg:
    """Return a leg with one order that the venue took and did not end."""
    one = leg()
    see(one, look(0, [HELD]))
    intend(one, replace(request(HELD), kind=kind))
    one.apply(answered(filled=filled, status=OrderStatus.PARTIAL), at_ns=0)
    see(one, look(100, [HELD]))
    return one


@pytest.mark.parametrize(
    ("kind", "ended_ms", "now_ms", "due"),
    [
        (OrderKind.MARKET, 50, 2_049, False),
        (OrderKind.MARKET, 50, 2_050, True),
        (OrderKind.IOC, 50, 1_049, False),
        (OrderKind.IOC, 50, 1_050, True),
        (OrderKind.MARKET, None, 2_009, False),
        (OrderKind.MARKET, None, 2_010, True),
    ],
)
def test_an_order_that_stands_is_given_its_time_and_then_cancelled_before_the_next(
    kind: OrderKind,
    ended_ms: int | None,
    now_ms: int,
    due: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = working(kind), replace(pace(), run_began_ns=10 * MS)
    if ended_ms is not None:
        beat.ended_ns["bst1"] = ended_ms * MS
    act = decide(one, beat, now_ms=now_ms)
    assert (act is not None) is due
    if act is not None:
        assert [stuck.order_id for stuck in act.intent.clears] == ["o-bst1"]
        assert act.intent.why == ("BTC/USDT:USDT: 1 resting order(s) cancelled first: they hold the size",)


def test_an_order_that_stands_is_given_its_time_from_its_acknowledgement_on() -> None:
    one, beat = working(), pace()
    beat.taken_ns["bst1"], beat.ended_ns["bst1"] = 20 * MS, 50 * MS
    assert decide(one, beat, now_ms=2_019) is None
    assert decide(one, beat, now_ms=2_020) is not None


def test_an_order_of_unknown_outcome_is_waited_for_however_long_it_takes() -> None:
    one = leg()
    see(one, look(0, [HELD]))
    intend(one, request(HELD, "bst0"), request(HELD))
    one.apply(refused(Fault.RETRY, "bst0"), at_ns=0)
    see(one, look(100, [HELD]))
    assert decide(one, now_ms=60_000) is None
    one.apply(refused(Fault.RETRY), at_ns=0)
    assert decide(one, now_ms=60_000) is not None


UNHEARD = OrderAnswered(exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN)
LOST = OrderResolved(exit_id="xtest", account="main", client_order_id="bst1", by=ResolvedBy.LOOK)


@pytest.mark.parametrize(
    ("told", "ended_ms", "now_ms", "due"),
    [
        ((refused(Fault.RETRY),), 100, 200, True),
        ((answered(filled="0.5", status=OrderStatus.CANCELED),), 100, 200, True),
        ((answered(filled="0.5", status=OrderStatus.PARTIAL),), 100, 60_000, False),
        ((UNHEARD,), 100, 60_000, False),
        ((UNHEARD, LOST), 100, 8_099, False),
        ((UNHEARD, LOST), 100, 8_100, True),
        ((UNHEARD, LOST), 100, 60_000, True),
        ((UNHEARD, LOST), None, 8_009, False),
        ((UNHEARD, LOST), None, 8_010, True),
    ],
    ids=[
        "refused",
        "ended",
        "working",
        "unheard",
        "lost",
        "expired",
        "expired long ago",
        "lost in an earlier run",
        "expired then",
    ],
)
def test_of_a_part_no_order_is_replaced_that_could_still_come(
    told: tuple[OrderAnswered | OrderResolved, ...],
    ended_ms: int | None,
    now_ms: int,
    due: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = partial(close="2"), replace(pace(), run_began_ns=10 * MS)
    held = position(quantity="2")
    see(one, look(0, [held]))
    intend(one, request(held, "bst0"), request(held))
    one.apply(refused(Fault.RETRY, "bst0"), at_ns=0)
    for record in told:
        one.apply(record, at_ns=0)
    see(one, look(10, [held]))
    if ended_ms is not None:
        beat.ended_ns["bst1"] = ended_ms * MS
    one.apply(read(now_ms), at_ns=0)
    assert (decide(one, beat, now_ms=now_ms) is not None) is due


def test_of_a_part_a_lost_order_is_replaced_by_executions_that_were_read_once_it_had_expired() -> None:
    one, beat = partial(close="2"), pace()
    held = position(quantity="2")
    see(one, look(0, [held]))
    intend(one, request(held))
    one.apply(UNHEARD, at_ns=0)
    one.apply(LOST, at_ns=0)
    beat.ended_ns["bst1"] = 100 * MS
    see(one, look(9_000, [held]))
    assert decide(one, beat, now_ms=9_100) is None
    one.apply(read(8_099), at_ns=0)
    assert decide(one, beat, now_ms=9_100) is None
    one.apply(read(8_100), at_ns=0)
    assert decide(one, beat, now_ms=9_100) is not None
    beat.executed_ns = 9_001 * MS
    assert decide(one, beat, now_ms=9_100) is None


def test_of_a_whole_position_a_lost_order_is_replaced_at_once() -> None:
    one = leg()
    see(one, look(0, [HELD]))
    intend(one, request(HELD))
    one.apply(UNHEARD, at_ns=0)
    one.apply(LOST, at_ns=0)
    see(one, look(100, [HELD]))
    assert decide(one) is not None


STOP = order(name="stop")


@pytest.mark.parametrize(
    ("resting", "cleared"),
    [
        (STOP, True),
        (replace(STOP, side=Side.LONG), True),
        (replace(STOP, side=Side.SHORT), False),
        (replace(STOP, direction=Direction.BUY), False),
        (replace(STOP, instrument="ETHUSDT"), False),
        (replace(STOP, instrument="AAAUSDT"), False),
        (replace(STOP, category="inverse"), False),
        (replace(STOP, closable=False), False),
        (replace(STOP, reduce_only=False), False),
    ],
)
@pytest.mark.parametrize(
    ("fault", "blocked"), [(Fault.BLOCKED, True), (Fault.MAYBE_FLAT, True), (Fault.RETRY, False)]
)
def test_what_only_reduces_is_cancelled_first_where_the_venue_says_that_it_holds_the_size(
    resting: OpenOrder,
    cleared: bool,  # noqa: FBT001 - a case of the table
    fault: Fault,
    blocked: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = holding(orders=(resting,), at_ms=0)
    intend(one, request(HELD))
    one.apply(refused(fault), at_ns=0)
    see(one, look(100, [HELD], [resting]))
    intent = acted(one).intent
    assert intent.clears == ((resting,) if cleared and blocked else ())
    assert [close.position for close in intent.orders] == [HELD]
    assert len(intent.why) == (1 if cleared and blocked else 0)


def test_a_short_is_held_by_what_buys() -> None:
    short = position(side=Side.SHORT)
    buys, sells = replace(STOP, direction=Direction.BUY), replace(STOP, order_id="other")
    one = holding(short, orders=(buys, sells), at_ms=0)
    intend(one, request(short))
    one.apply(refused(Fault.BLOCKED), at_ns=0)
    see(one, look(100, [short], [buys, sells]))
    assert acted(one).intent.clears == (buys,)


def test_an_order_of_ours_that_stands_is_cleared_once_and_one_that_ended_by_its_own_id() -> None:
    one = leg()
    see(one, look(0, [HELD]))
    intend(one, request(HELD), request(HELD, "bst2"))
    one.apply(answered(filled="0.5", status=OrderStatus.PARTIAL), at_ns=0)
    one.apply(refused(Fault.BLOCKED, "bst2"), at_ns=0)
    ours = replace(STOP, order_id="o-bst1", client_order_id="bst1")
    ended = replace(STOP, order_id="o-bst2", client_order_id="bst2")
    see(one, look(100, [HELD], [ours, ended]))
    clears = acted(one, now_ms=60_000).intent.clears
    assert [each.order_id for each in clears] == ["o-bst1", "o-bst2"]


@pytest.mark.parametrize(
    ("fault", "at_once"), [(Fault.SIZE, True), (Fault.BAND, True), (Fault.MAYBE_FLAT, False)]
)
def test_a_look_that_was_believed_against_our_fills_is_believed_on_after_a_refusal(
    fault: Fault,
    at_once: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = holding(at_ms=0), pace()
    intend(one, request(HELD))
    one.apply(answered(), at_ns=0)
    beat.key_act_ns[KEY] = 1
    see(one, look(100, [HELD]))
    assert decide(one, beat, now_ms=200) is None
    see(one, look(2_700, [HELD]))
    act = decide(one, beat, now_ms=2_800)
    assert act is not None
    intend(one, *act.intent.orders, number=act.intent.round)
    beat.sending(act.intent.orders[0].client_order_id, KEY, now_ns=2_800 * MS)
    one.apply(refused(fault, act.intent.orders[0].client_order_id), at_ns=0)
    beat.in_flight.clear()
    see(one, look(2_900, [HELD]))
    assert (decide(one, beat, now_ms=3_000) is not None) is at_once
    # A round of which something may have been executed is waited for anew.
    beat.trusted_round[KEY] = 1
    assert decide(one, beat, now_ms=3_000) is None


def test_what_our_fills_say_is_closed_clears_nothing_but_what_stands() -> None:
    one = holding(orders=(STOP,), at_ms=0)
    intend(one, request(HELD))
    one.apply(refused(Fault.MAYBE_FLAT), at_ns=0)
    see(one, look(10_000, [HELD], [STOP]))
    standing = stand(one, pace(), dust=frozenset(), settings=SETTINGS)
    doubted = replace(standing, suspects=frozenset({KEY}))
    beat = pace()
    beat.suspect_since_ns[KEY] = 1
    act = plan(one, doubted, beat, {}, now_ns=11_000 * MS, settings=SETTINGS)
    assert act is not None
    assert act.intent.clears == ()


@pytest.mark.parametrize("fault", [Fault.MAYBE_FLAT, Fault.BLOCKED])
@pytest.mark.parametrize(("asked_ms", "size", "clears"), [(10, "1", (STOP,)), (9, "1", ()), (10, "0", ())])
def test_what_a_second_source_shows_too_is_cleared_of_what_rests_whatever_our_fills_say(
    fault: Fault, asked_ms: int, size: str, clears: tuple[OpenOrder, ...]
) -> None:
    one = holding(orders=(STOP,), at_ms=0)
    intend(one, request(HELD))
    one.apply(refused(fault), at_ns=0)
    see(one, look(10_000, [HELD], [STOP]))
    one.apply(second(asked_ms, size), at_ns=0)
    standing = stand(one, pace(), dust=frozenset(), settings=SETTINGS)
    beat = pace()
    beat.suspect_since_ns[KEY], beat.key_act_ns[KEY] = 1, 10 * MS
    doubted = replace(standing, suspects=frozenset({KEY}))
    act = plan(one, doubted, beat, {}, now_ns=11_000 * MS, settings=SETTINGS)
    assert act is not None
    assert act.intent.clears == clears


def test_what_could_open_is_cancelled_with_the_closes_and_what_reduces_is_not() -> None:
    act = acted(holding(orders=(STOP, ENTRY)))
    assert act.intent.cancels == (ENTRY,)
    assert len(act.intent.orders) == 1
    assert not act.sweep


@pytest.mark.parametrize(("at_ms", "chosen"), [(200, True), (201, False)])
def test_a_cancel_that_failed_waits_and_holds_no_other_up(at_ms: int, chosen: bool) -> None:  # noqa: FBT001 - a case of the table
    one, beat = leg(), pace()
    foreign = replace(ENTRY, order_id="foreign", closable=False)
    other = replace(ENTRY, order_id="other")
    see(one, look(100, orders=[foreign, ENTRY, other]))
    beat.cancel_at_ns[ENTRY.key] = at_ms * MS
    assert acted(one, beat).intent.cancels == ((ENTRY, other) if chosen else (other,))


@pytest.mark.parametrize(
    ("first_ms", "second_ms", "unread", "swept"),
    [
        (100, 350, (False, False), True),
        (100, 349, (False, False), False),
        (100, 350, (True, False), False),
        (100, 350, (False, True), False),
        (100, None, (False, False), False),
    ],
)
def test_a_stop_without_a_position_goes_once_two_looks_apart_show_none(
    first_ms: int,
    second_ms: int | None,
    unread: tuple[bool, bool],
    swept: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    for at_ms, incomplete in zip((first_ms, second_ms), unread, strict=True):
        if at_ms is not None:
            see(one, look(at_ms, orders=[STOP], unread=("positions",) if incomplete else ()))
    act = decide(one, now_ms=1_000)
    assert (act.intent.cancels if act is not None else ()) == ((STOP,) if swept else ())


def test_a_stop_stays_beside_a_position_that_is_not_ours_to_close() -> None:
    one = leg()
    for at_ms in (100, 350):
        see(one, look(at_ms, [replace(HELD, closable=False)], [STOP]))
    assert decide(one, now_ms=1_000) is None


def test_a_stop_stays_beside_its_position_and_the_next_ones_are_looked_at() -> None:
    other = order("ETHUSDT", name="other")
    one = leg()
    for at_ms in (0, 250):
        see(one, look(at_ms, [HELD], [STOP, replace(STOP, category="inverse", order_id="c"), other]))
    assert [each.order_id for each in acted(one, now_ms=1_000).intent.cancels] == ["c", "other"]


@pytest.mark.parametrize("explained", [True, False])
def test_the_stop_of_a_position_that_is_gone_goes_once_it_is_accounted_for(explained: bool) -> None:  # noqa: FBT001 - a case of the table
    one = holding(orders=(STOP,), at_ms=0)
    intend(one, request(HELD))
    one.apply(answered(), at_ns=0)
    see(one, look(100, orders=[STOP]))
    if explained:
        read = FillsRead(exit_id="xtest", account="main", run=1, begun_ns=100 * MS, fills=())
        one.apply(read, at_ns=0)
    act = decide(one)
    assert (act.intent.cancels if act is not None else ()) == ((STOP,) if explained else ())


@pytest.mark.parametrize("believed", [True, False])
def test_a_stop_stays_while_a_second_source_says_gone_beside_a_list_that_is_not_believed(
    believed: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = holding(orders=(STOP,), at_ms=0)
    intend(one, request(HELD))
    one.apply(replace(answered(), outcome=Outcome.UNKNOWN, state=None), at_ns=0)
    see(one, look(100, orders=[STOP], unread=() if believed else ("positions linear/USDT",)))
    told = SecondSourceRead(
        exit_id="xtest",
        account="main",
        run=1,
        begun_ns=100 * MS,
        position=HELD,
        quantity=Quantity(Decimal(0)),
    )
    one.apply(told, at_ns=0)
    act = decide(one)
    assert (STOP in act.intent.cancels if act is not None else False) is believed


def test_a_place_that_only_an_order_threatened_was_never_seen_to_hold_anything() -> None:
    one = leg()
    see(one, look(0, orders=[STOP, ENTRY]))
    assert acted(one).intent.cancels == (ENTRY,)


OTHER = replace(ENTRY, order_id="b", client_order_id="")


@pytest.mark.parametrize(
    ("positions", "unread", "waits", "chosen"),
    [
        ((), (), False, True),
        ((), (), True, False),
        ((HELD,), (), False, False),
        ((), ("orders",), False, True),
        ((), ("positions",), False, False),
    ],
    ids=[
        "nothing is there",
        "the cancel waits",
        "a position is open",
        "only the orders were not read",
        "the positions were not read",
    ],
)
def test_what_could_open_and_is_no_longer_shown_is_cancelled_by_its_id(
    positions: tuple[Position, ...],
    unread: tuple[str, ...],
    waits: bool,  # noqa: FBT001 - a case of the table
    chosen: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = leg(), pace()
    see(one, look(0, orders=[ENTRY]))
    see(one, look(100, positions, unread=unread))
    if waits:
        beat.cancel_at_ns[ENTRY.key] = 201 * MS
    act = decide(one, beat)
    assert (act.intent.cancels if act is not None else ()) == ((ENTRY,) if chosen else ())


@pytest.mark.parametrize(
    ("before", "after", "swept"),
    [
        ((), (), True),
        (("orders TWAPs",), (), True),
        (("orders TWAPs",), ("orders TWAPs",), True),
        (("positions",), (), False),
        ((), ("account", "orders TWAPs"), False),
    ],
    ids=["all was read", "once a list was not", "never was that list", "no positions", "whose it is"],
)
def test_a_stop_without_a_position_goes_once_two_looks_tell_of_none_whatever_orders_they_lack(
    before: tuple[str, ...],
    after: tuple[str, ...],
    swept: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    see(one, look(0, orders=[STOP], unread=before))
    assert decide(one) is None, "one look is not enough"
    see(one, look(SETTINGS.look_gap_ms, orders=[STOP], unread=after))
    act = decide(one, now_ms=1_000)
    assert (act.intent.cancels if act is not None else ()) == ((STOP,) if swept else ())


def test_looks_that_left_the_orders_out_on_purpose_are_no_word_on_what_is_held() -> None:
    one = leg()
    for at_ms in (0, SETTINGS.look_gap_ms):
        glance = look(at_ms, orders=[STOP], unread=["orders"])
        see(one, replace(glance, unread=tuple(replace(part, unsent=True) for part in glance.unread)))
    assert decide(one, now_ms=1_000) is None


@pytest.mark.parametrize(
    ("sight", "orders", "sweeps"),
    [
        (Scope(), (ENTRY,), True),
        (Scope(), (ENTRY, replace(ENTRY, order_id="b")), True),
        (Scope(), (ENTRY, STOP), False),
        (Scope(), (ENTRY, replace(ENTRY, order_id="b", closable=False)), False),
        (Scope(kind=ExitKind.HALT), (ENTRY,), False),
    ],
)
def test_a_round_sweeps_where_its_cancels_are_all_that_is_shown(
    sight: Scope,
    orders: tuple[OpenOrder, ...],
    sweeps: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one = leg()
    one.sight = sight
    see(one, look(0, orders=orders))
    assert acted(one).sweep is sweeps


@pytest.mark.parametrize(
    ("shown", "cancels", "sweeps"),
    [
        ((ENTRY, OTHER), {OTHER}, True),
        ((OTHER,), {ENTRY, OTHER}, True),
        ((OTHER, STOP), {ENTRY, OTHER}, False),
        ((), {ENTRY, OTHER}, False),
    ],
    ids=["one waits for its next try", "one is shown no longer", "a stop stays", "nothing is shown"],
)
def test_a_sweep_takes_what_was_tried_one_by_one_and_what_is_shown_no_longer(
    shown: tuple[OpenOrder, ...],
    cancels: set[OpenOrder],
    sweeps: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = leg(), pace()
    see(one, look(0, orders=[ENTRY, OTHER]))
    see(one, look(100, orders=shown))
    if ENTRY in shown:
        beat.cancel_at_ns[ENTRY.key] = 201 * MS
    act = acted(one, beat)
    assert (set(act.intent.cancels), act.sweep) == (cancels, sweeps)


def test_no_round_sweeps_while_a_position_is_shown_or_closed() -> None:
    one, beat = holding(orders=(ENTRY,)), pace()
    assert not acted(one, beat).sweep
    beat.in_flight["bst9"] = KEY
    waiting = acted(one, beat)
    assert (waiting.intent.orders, waiting.intent.cancels, waiting.sweep) == ((), (ENTRY,), False)


def test_what_is_cleared_is_not_cancelled_a_second_time() -> None:
    entry = replace(ENTRY, order_id="o-bst1", client_order_id="bst1")
    one = working()
    stuck = acted(one, now_ms=60_000).intent.clears
    see(one, look(200, [HELD], [*stuck, entry]))
    intent = acted(one, now_ms=60_000).intent
    assert intent.clears == stuck
    assert not set(intent.cancels) & set(stuck)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [(RefundPolicy.ALWAYS, OrderKind.REFUND), (RefundPolicy.NEVER, OrderKind.MARKET)],
)
def test_an_account_that_refunds_at_once_asks_for_the_margin_of_the_whole_position(
    policy: RefundPolicy, kind: OrderKind
) -> None:
    one = holding(position(quantity="7"))
    one.account = replace(one.account, refund=policy)
    (sent,) = acted(one).intent.orders
    assert (sent.kind, sent.quantity) == (kind, Decimal(7))
    told = "the margin is asked back instead of a close, since the account is configured to refund at once"
    assert sent.why == (told if policy is RefundPolicy.ALWAYS else "")


SMALL_ORDERS = {
    ("linear", "BTCUSDT"): Instrument(
        id="BTCUSDT",
        category="linear",
        symbol="BTC/USDT:USDT",
        base="BTC",
        settle="USDT",
        quantity_step=Decimal("0.1"),
        quantity_min=Quantity(Decimal("0.1")),
        market_quantity_max=Quantity(Decimal(4)),
        price_tick=Decimal(1),
    )
}


def test_a_margin_is_asked_back_as_a_whole_however_small_the_venues_largest_order_is() -> None:
    one = holding(position(quantity="7"))
    one.account = replace(one.account, refund=RefundPolicy.ALWAYS)
    act = decide(one, instruments=SMALL_ORDERS)
    assert act is not None
    assert [(sent.kind, sent.quantity) for sent in act.intent.orders] == [(OrderKind.REFUND, Decimal(7))]


def test_what_rests_in_the_end_has_its_price_and_the_sizes_that_the_venue_takes() -> None:
    one = holding(position(quantity="7"))
    for number in range(1, 6):
        intend(one, request(position(quantity="7"), f"bst{number}"), number=number)
        one.apply(refused(Fault.BAND, f"bst{number}"), at_ns=0)
    act = decide(one, now_ms=60_000, instruments=SMALL_ORDERS)
    assert act is not None
    assert [(sent.kind, sent.quantity, sent.limit_price) for sent in act.intent.orders] == [
        (OrderKind.RESTING, Decimal(4), Decimal(90)),
        (OrderKind.RESTING, Decimal(3), Decimal(90)),
    ]


def test_a_part_is_never_given_up_for_its_margin() -> None:
    one = partial()
    one.account = replace(one.account, refund=RefundPolicy.ALWAYS)
    see(one, look(0, [HELD]))
    assert [sent.kind for sent in acted(one).intent.orders] == [OrderKind.MARKET]


def test_a_bounded_order_without_a_mark_price_goes_to_market_and_says_so() -> None:
    bounded = holding()
    bounded.first_bound = Decimal("0.05")
    (sent,) = acted(bounded).intent.orders
    assert (sent.kind, sent.limit_price) == (OrderKind.IOC, Decimal(95))
    assert sent.why == "a guard asked for it: at most 5 % from the mark at first"
    assert acted(bounded).intent.why == (f"BTC/USDT:USDT: {sent.why}",)
    blind = holding(replace(HELD, mark_price=None))
    blind.first_bound = Decimal("0.05")
    (sent,) = acted(blind).intent.orders
    assert (sent.kind, sent.limit_price, sent.why) == (OrderKind.MARKET, None, NO_MARK)


def small(quantity_min: str = "0.5", most: str = "0") -> Instruments:
    return {
        ("linear", "BTCUSDT"): Instrument(
            id="BTCUSDT",
            category="linear",
            symbol="BTCUSDT",
            base="BTC",
            settle="USDT",
            quantity_step=Decimal("0.1"),
            quantity_min=Quantity(Decimal(quantity_min)),
            market_quantity_max=Quantity(Decimal(most)),
        )
    }


def test_the_slices_of_a_large_position_have_ids_of_their_own() -> None:
    act = decide(holding(), instruments=small(quantity_min="0.1", most="0.4"))
    assert act is not None
    assert [str(sent.quantity) for sent in act.intent.orders] == ["0.4", "0.4", "0.2"]
    assert [sent.client_order_id for sent in act.intent.orders] == [
        client_order_id("xtest", "main", 1, HELD, index) for index in range(3)
    ]


@pytest.mark.parametrize(
    ("quantity_min", "fault", "dusty"),
    [("2", Fault.SIZE, True), ("2", Fault.RETRY, False), ("0.5", Fault.SIZE, False)],
)
def test_dust_is_what_was_refused_for_a_size_below_the_minimum(
    quantity_min: str,
    fault: Fault,
    dusty: bool,  # noqa: FBT001 - a case of the table
) -> None:
    option = replace(ETH, closable=False)
    one = holding(option, HELD, at_ms=0)
    intend(one, request(HELD))
    one.apply(refused(fault), at_ns=0)
    see(one, look(100, [option, HELD]))
    assert dust_of(one, small(quantity_min), SETTINGS) == ({KEY} if dusty else set())


def test_a_part_that_is_too_small_is_dust_before_it_was_tried() -> None:
    one = partial(keep="0", close="1")
    see(one, look(0, [HELD]))
    assert dust_of(one, small("2"), SETTINGS) == {KEY}
    assert dust_of(holding(), small("2"), SETTINGS) == set()


def test_a_size_that_was_refused_is_split_and_that_is_told() -> None:
    one = holding(at_ms=0)
    intend(one, request(HELD))
    one.apply(refused(Fault.SIZE), at_ns=0)
    see(one, look(100, [HELD]))
    act = decide(one, instruments=small("0.1"))
    assert act is not None
    assert [str(sent.quantity) for sent in act.intent.orders] == ["0.5", "0.5"]
    assert act.intent.why == ("BTC/USDT:USDT: split, since the venue refused the size 1 time(s)",)


def test_each_round_is_planned_from_the_latest_look() -> None:
    one = holding(at_ms=0)
    see(one, look(100, [ETH]))
    assert [sent.position for sent in acted(one).intent.orders] == [ETH]
