"""A look that read the positions in part settles the orders of those that it shows, and of no others."""

from dataclasses import replace

import pytest

from bastion.domain.look import Unread
from bastion.domain.position import Position
from bastion.domain.records import OrderAnswered, Outcome, ResolvedBy
from bastion.exits.resolve import settle
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
