"""Since when a wait counts, and since when nothing that we did can have changed a position."""

import pytest

from bastion.domain.order import CancelAnswer, Direction
from bastion.domain.records import OrderAnswered
from bastion.errors import Fault
from bastion.exits.pace import Pace
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import MS, order, refused

SETTINGS = ExitSettings()
KEY = ("linear", "BTCUSDT", "LONG")
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")
STOP = order(name="stop")


def began(**acted_ms: int) -> Pace:
    one = Pace(last_act_ns=0, run_began_ns=5 * MS)
    for cid, at_ms in acted_ms.items():
        one.sending(cid, KEY, now_ns=at_ms * MS)
    return one


def retry_ms(one: Pace, record: OrderAnswered, *, at_ms: int) -> int:
    one.answered(record, KEY, round_number=1, now_ns=at_ms * MS, settings=SETTINGS)
    return one.retry_at_ns[KEY] // MS


@pytest.mark.parametrize(
    ("record", "at_ms", "again_ms"),
    [
        (refused(Fault.RETRY), 110, 200),
        (refused(Fault.RETRY), 900, 900),
        (refused(Fault.RATE_LIMIT), 900, 1_900),
        (refused(Fault.RATE_LIMIT, retry_after_s="3"), 900, 3_900),
        (refused(Fault.RETRY, retry_after_s="1.5"), 900, 2_400),
    ],
)
def test_a_wait_counts_from_the_sending_and_what_the_venue_asks_for_from_its_answer(
    record: OrderAnswered, at_ms: int, again_ms: int
) -> None:
    assert retry_ms(began(bst1=100), record, at_ms=at_ms) == again_ms


def test_the_cancel_of_what_could_open_makes_earlier_evidence_of_its_instrument_worthless() -> None:
    one = began()
    gone = tuple(CancelAnswer(order=each, gone=True) for each in (ENTRY,))
    one.cancelled(gone, number=1, now_ns=70 * MS, settings=SETTINGS)
    assert one.moved_ns(KEY) == 70 * MS
    assert one.moved_ns(("linear", "ETHUSDT", "LONG")) == 5 * MS


def test_the_cancel_of_what_only_reduces_changes_no_position() -> None:
    one = began()
    one.cancelled((CancelAnswer(order=STOP, gone=True),), number=1, now_ns=70 * MS, settings=SETTINGS)
    assert one.moved_ns(KEY) == 5 * MS


@pytest.mark.parametrize(
    ("moved", "ended_ms", "acted_ms"),
    [(False, 300, 200), (True, 300, 400), (False, 999, 300), (False, 250, 300)],
)
def test_what_turned_out_to_be_nothing_leaves_looks_of_before_their_worth(
    moved: bool,  # noqa: FBT001 - a case of the table
    ended_ms: int,
    acted_ms: int,
) -> None:
    one = began()
    one.key_act_ns[KEY] = 300 * MS
    one.acted_before_ns["bst1"] = 200 * MS
    one.ended_ns["bst1"] = ended_ms * MS
    one.resolved("bst1", KEY, moved=moved, now_ns=400 * MS)
    assert one.key_act_ns[KEY] == acted_ms * MS, "only where the order was the last act on the position"
