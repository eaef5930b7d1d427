"""What a look in part settles, and from when on an order of which nothing is known may be overtaken."""

from dataclasses import replace

import pytest

from bastion.domain.look import Unread
from bastion.domain.position import Position
from bastion.domain.records import OrderAnswered, Outcome, ResolvedBy
from bastion.exits.resolve import overtaken, settle
from bastion.exits.settings import ExitSettings
from tests.unit.exits.parts import MS, UTC_NS, intend, leg, look, pace, position, request, see

BTC = position()
BEFORE, AFTER = position("AAVEUSDT"), position("ETHUSDT")
LOST = OrderAnswered(exit_id="xtest", account="main", client_order_id="bst1", outcome=Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("shown", "settles"),
    [((BTC,), True), ((BEFORE,), False), ((AFTER,), False), ((BEFORE, BTC, AFTER), True), ((), False)],
)
def test_a_lost_order_is_settled_by_a_look_at_its_own_position(
    shown: tuple[Position, ...],
    settles: bool,  # noqa: FBT001 - a case of the table
) -> None:
    one, beat = leg(), pace()
    see(one, look(0, [BEFORE, BTC, AFTER]))
    intend(one, request(BTC))
    one.apply(LOST, at_ns=UTC_NS)
    beat.ended_ns["bst1"] = 100 * MS
    in_part = Unread(part="positions in USDC", reason="no answer")
    see(one, replace(look(400, shown), unread=(in_part,)))
    found = settle(one, beat, now_ns=500 * MS, settings=ExitSettings())
    assert [record.by for record in found] == ([ResolvedBy.LOOK] if settles else [])


def test_what_is_still_on_its_way_is_overdue_after_a_while_and_of_what_is_not_only_a_look_is_wanted() -> None:
    one, beat = leg(), pace()
    see(one, look(0, [BTC]))
    intend(one, request(BTC))
    beat.sending("bst1", BTC.key, now_ns=10 * MS)
    sent = list(one.sent.values())

    def from_ms(seen_ms: int) -> int | None:
        found = overtaken(sent, beat, look(seen_ms, [BTC]), ExitSettings())
        return None if found is None else found[0] // MS

    assert from_ms(259) is None, "when that look began, the order could not have been executed"
    assert from_ms(260) == 2_010
    del beat.in_flight["bst1"]
    assert from_ms(259) is None
    assert from_ms(260) == 260, "nothing more will be heard of it"
    intend(one, request(BTC, "bst2"), number=2)
    beat.sending("bst2", BTC.key, now_ns=300 * MS)
    sent = list(one.sent.values())
    assert from_ms(549) is None
    assert from_ms(550) == 2_300, "of those on their way there is one"
    beat.in_flight["bst1"] = BTC.key
    assert from_ms(550) is None, "two of them are enough"
