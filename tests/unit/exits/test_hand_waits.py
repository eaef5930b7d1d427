"""How long a hand waits for the executions that explain a sweep."""

from dataclasses import replace

from bastion.domain.order import Direction
from tests.simulation.exits.virtual_time import VirtualClock
from tests.unit.exits.hand_rig import Scripted, part_of, worked
from tests.unit.exits.parts import order, position

STOP = replace(order(name="stop"), conditional=True)
ENTRY = order(reduce_only=False, direction=Direction.BUY, name="entry")


def test_a_hand_waits_a_quarter_of_a_second_for_executions_and_then_asks_elsewhere() -> None:
    clock = VirtualClock()
    part, venue = part_of(clock), Scripted(clock, position(), orders=[STOP, ENTRY])
    venue.executions_s = 3.0
    worked(clock, venue, part)
    assert venue.times("fills")[0] == 20
    first = min(at for at, name in venue.calls if at > 20)
    assert first == 280, "the look ended at 30"
