"""Turns: when a position that must wait may be acted on again; and how much may be done in a time."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.mandate import ExitKind, Target
from bastion.domain.money import Quantity
from bastion.domain.order import OrderStatus
from bastion.domain.records import OrderAnswered, Outcome
from bastion.exits.allowance import Allowance
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg
from bastion.exits.scope import Scope
from bastion.exits.settings import ExitSettings
from bastion.exits.turns import (
    BEHIND_NS,
    cancel_ns,
    look_again_ns,
    look_behind_ns,
    look_or_turn_ns,
    turns_ns,
)
from bastion.exits.verdict import Standing
from tests.simulation.exits.virtual_time import VirtualClock
from tests.unit.exits.parts import (
    MS,
    UTC_NS,
    answered,
    intend,
    leg,
    look,
    order,
    pace,
    position,
    request,
    see,
)

SETTINGS = ExitSettings()
BTC, ETH = position(), position("ETHUSDT")
HELD = Standing(open=(BTC,))


def sent(*, ended_ms: int | None = None, begun_ms: int = 10, cid: str = "bst1") -> tuple[Leg, Pace]:
    one, beat = leg(), pace()
    see(one, look(0, [BTC, ETH]))
    intend(one, request(BTC, cid))
    beat.begun_ns[cid] = begun_ms * MS
    if ended_ms is not None:
        beat.ended_ns[cid] = ended_ms * MS
    return one, beat


def turns_ms(one: Leg, beat: Pace, standing: Standing = HELD, *, now_ms: int = 100, **how: bool) -> list[int]:
    found = turns_ns(one, standing, beat, now_ns=now_ms * MS, settings=SETTINGS, **how)
    return [at_ns // MS for at_ns in found]


def test_an_order_that_rests_is_waited_for_until_its_time_is_up() -> None:
    one, beat = sent(ended_ms=60)
    one.apply(answered(filled="0", status=OrderStatus.ACCEPTED), at_ns=UTC_NS)
    assert turns_ms(one, beat) == [2_060], "two seconds at market, from its answer on"
    assert turns_ms(one, beat, now_ms=2_059) == [2_060]
    assert turns_ms(one, beat, now_ms=2_060) == []
    beat.taken_ns["bst1"] = 20 * MS
    assert turns_ms(one, beat) == [2_020], "from its acknowledgement, where that is known"
    beat.taken_ns.clear()
    assert turns_ms(one, beat, Standing(open=(ETH,))) == [], "where it still rests, its position is open"
    beat.ended_ns.clear()
    assert turns_ms(one, beat) == [2_000], "of an earlier run: from the beginning of this one"


def test_while_closes_wait_for_the_limits_looks_are_seldom_and_come_at_once_when_all_are_answered() -> None:
    one, beat = sent()
    ended_ns = one.look.ended_ns if one.look is not None else 0
    beat.sending("bst1", BTC.key, now_ns=10 * MS)

    def again_ms() -> int:
        return look_again_ns(one, HELD, beat, idle=0, settings=SETTINGS) // MS

    beat.queued |= {"bst1", "bst2", "bst3"}
    assert again_ms() == ended_ns // MS + 2_000
    beat.left("bst1", now_ns=1_200 * MS)
    assert again_ms() == 1_700, "what came of it is waited for a moment, and two more are no wave"
    del beat.in_flight["bst1"]
    assert again_ms() == ended_ns // MS + 100


def test_what_waits_for_the_limits_is_not_overdue() -> None:
    one, beat = sent()
    assert turns_ms(one, beat, overtakes=True) == [2_010]
    beat.queued.add("bst1")
    assert turns_ms(one, beat, overtakes=True) == []


def test_a_round_that_waits_for_the_limits_and_was_planned_by_a_look_of_now_needs_no_look_behind_it() -> None:
    one, beat = sent()
    assert one.look is not None
    ended_ms, begun_ns = one.look.ended_ns // MS, one.look.begun_ns

    def behind_ms(since_ns: int) -> int:
        now_ns = 300 * MS
        return look_behind_ns(one, beat, now_ns=now_ns, since_ns=since_ns, settings=SETTINGS) // MS

    assert behind_ms(begun_ns) == 300
    beat.queued |= {"bst1", "bst2"}
    assert behind_ms(begun_ns) == 300, "two may wait for a connection"
    beat.queued.add("bst3")
    assert behind_ms(begun_ns) == ended_ms + 2_000
    assert behind_ms(begun_ns + 1) == 300, "the picture of before is not what it was sent by now"


def test_no_look_begins_that_would_outlast_the_turn_of_a_close_that_may_be_overtaken() -> None:
    one, beat = sent()
    beat.in_flight["bst1"] = BTC.key

    def told_ms(look_ms: int, *, now_ms: int = 1_700) -> tuple[float, float]:
        found = look_or_turn_ns(one, HELD, beat, look_ns=look_ms * MS, now_ns=now_ms * MS, settings=SETTINGS)
        return found[0] / MS, found[1] / MS

    assert told_ms(1_900) == (1_900, 1_900), "the look of before says nothing of the order"
    see(one, replace(look(500, [BTC, ETH]), ended_ns=1_600 * MS))
    behind = 2_010 + BEHIND_NS / MS
    assert told_ms(1_900) == (behind, 2_010), "the turn comes before another such look is over"
    assert told_ms(2_500) == (2_500, 2_010)
    assert told_ms(909) == (909, 909), "it would be over by then"
    assert told_ms(2_500, now_ms=2_010) == (2_500, 2_500), "the turn has come"
    beat.in_flight.clear()
    assert told_ms(1_900) == (1_900, 1_900), "nothing more is heard of it: its turn has come long ago"


def test_an_order_that_ended_is_waited_for_no_more() -> None:
    one, beat = sent(ended_ms=60)
    one.apply(answered(filled="0", status=OrderStatus.CANCELED), at_ns=UTC_NS)
    assert turns_ms(one, beat) == []


@pytest.mark.parametrize("heard", [False, True])
def test_only_a_close_that_may_be_overtaken_is_waited_for_until_it_is_overdue(
    heard: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = sent(ended_ms=50 if heard else None)
    if heard:
        lost = OrderAnswered(
            exit_id="xtest",
            account="main",
            client_order_id="bst1",
            outcome=Outcome.UNKNOWN,
            code="",
            message="",
        )
        one.apply(lost, at_ns=UTC_NS)
    assert turns_ms(one, beat) == []
    assert turns_ms(one, beat, overtakes=True) == [2_010]
    assert turns_ms(one, beat, now_ms=2_010, overtakes=True) == []
    beat.taken_ns["bst1"] = 20 * MS
    assert turns_ms(one, beat, overtakes=True) == [], "what the venue took is not overtaken"
    beat.taken_ns.clear()
    one.sight = Scope(
        kind=ExitKind.PARTIAL,
        targets=(
            Target(
                account="main",
                category=BTC.category,
                instrument=BTC.instrument,
                side=BTC.side,
                keep=Quantity(Decimal("0.5")),
                close=Quantity(Decimal("0.5")),
            ),
        ),
    )
    assert turns_ms(one, beat, overtakes=True) == [], "of a part, no close is overtaken"


def test_what_was_sent_in_an_earlier_process_is_not_overdue_by_this_one() -> None:
    one, beat = sent()
    beat.begun_ns.clear()
    assert turns_ms(one, beat, now_ms=2_000, overtakes=True) == []


def test_a_refusal_and_a_stale_list_have_their_own_times() -> None:
    one, beat = leg(), pace()
    beat.retry_at_ns = {BTC.key: 300 * MS, ETH.key: 50 * MS}
    beat.suspect_since_ns = {BTC.key: 20 * MS, ETH.key: 30 * MS}
    standing = Standing(open=(BTC, ETH), suspects=frozenset({ETH.key}))
    assert turns_ms(one, beat, standing) == [300, 2_530]


def test_a_cancel_is_waited_for_only_where_nothing_but_orders_is_left() -> None:
    beat, first, second = pace(), order(name="r1"), order(name="r2")
    beat.cancel_at_ns = {first.key: 300 * MS, second.key: 200 * MS}
    assert cancel_ns(Standing(orders=(first, second)), beat) == 200 * MS, "the first that is due"
    assert cancel_ns(Standing(orders=(first,)), beat) == 300 * MS
    assert cancel_ns(Standing(open=(BTC,), orders=(first,)), beat) == 0
    assert cancel_ns(Standing(), beat) == 0
    assert cancel_ns(Standing(orders=(first, order(name="r3"))), beat) == 0, "one that was never cancelled"


def test_looks_and_steps_are_counted_anew_when_their_time_is_over() -> None:
    clock = VirtualClock()
    allowance = Allowance(clock=clock, settings=ExitSettings(looks_max=300, steps_max=3, allowance_s=5))
    ends_ns = 105_000 * MS
    assert [allowance.step() for _ in range(4)] == [True, True, True, False]
    for _ in range(299):
        allowance.look()
    assert (allowance.looks_left, allowance.at_ns(7)) == (True, 7)
    allowance.look()
    assert (allowance.looks_left, allowance.at_ns(7)) == (False, ends_ns)
    assert allowance.at_ns(ends_ns + 9) == ends_ns + 9
    clock.seconds = 104.999
    assert (allowance.step(), allowance.looks_left) == (False, False)
    clock.seconds = 105.0
    assert [allowance.step() for _ in range(4)] == [True, True, True, False]
    assert (allowance.looks_left, allowance.at_ns(7)) == (True, 7)
    allowance.renew()
    assert allowance.step()
