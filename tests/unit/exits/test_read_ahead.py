"""What is read while a venue is asked what became of orders: it counts only if it holds them whole."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bastion.domain.look import Look
from bastion.domain.money import Quantity
from bastion.domain.order import Direction, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.records import FillsRead, Looked
from bastion.domain.verdict import Verdict
from bastion.exits.part import Part
from tests.simulation.exits.virtual_time import VirtualClock
from tests.unit.exits.hand_rig import TOOK_S, Scripted, part_of, verdicts, worked
from tests.unit.exits.parts import fill, look, order, position

LIES_S = 0.5
BTC, ETH = position(), position("ETHUSDT")
STOP = replace(order(name="stop"), conditional=True)


class Acknowledges(Scripted):
    """An account whose venue takes an order, executes it `late_s` later, and tells of it when it is asked."""

    late_s = 0.0

    def __init__(self, clock: VirtualClock, *held: Position) -> None:
        super().__init__(clock, *held, orders=[STOP])
        self._heard: Callable[[str], None] | None = None

    def hear_taken(self, heard: Callable[[str], None]) -> None:
        self._heard = heard

    async def glance(self, *, deadline_s: float) -> Look:
        self._called("glance", deadline_s)
        return await self.picture(("positions",), unsent=True)

    async def executes(self, request: OrderRequest) -> OrderState:
        await self.clock.sleep(TOOK_S)
        state = None if self.late_s else self.take(request)
        assert self._heard is not None
        self._heard(request.client_order_id)
        await self.clock.sleep(self.late_s or TOOK_S)
        return state or self.take(request)


class Grows(Acknowledges):
    """What it holds grows before an order that was taken is executed, while its lists show nothing."""

    late_s = 3 * TOOK_S

    def take(self, request: OrderRequest) -> OrderState:
        held = self.held[request.position.key]
        if len(self.requests) == 1:
            self.held[request.position.key] = replace(held, quantity=Quantity(held.quantity + 1))
            grown = fill("1", direction=Direction.BUY, at_ms=self.clock.now_ns() // 1_000_000, name="grown")
            self.executed.append(replace(grown, instrument=request.position.instrument))
        return super().take(request)

    async def picture(self, parts: tuple[str, ...], *, unsent: bool = False) -> Look:  # type: ignore[override]
        shown = await super().picture(parts, unsent=unsent)
        return shown if self.clock.seconds > self.began_s + LIES_S else replace(shown, positions=())


def _exit(venue: Acknowledges, clock: VirtualClock) -> Part:
    """Exit what a picture of a second ago shows, which no sweep goes by alone."""
    part = part_of(clock)
    of_before = look(round(venue.began_s * 1000) - 1000, list(venue.held.values()), [STOP])
    seen = replace(of_before, venue_time_ms=clock.now_ns() // 1_000_000 - 1000)
    worked(clock, venue, part, seen=seen)
    return part


def test_positions_and_executions_are_read_once_every_order_is_taken_and_the_sweep_follows_the_answers() -> (
    None
):
    clock = VirtualClock()
    venue = Acknowledges(clock, BTC, ETH)
    part = _exit(venue, clock)
    # The orders leave at once and are taken at 10 ms; what became of them is known at 20.
    assert [call for call in venue.calls if 0 < call[0] <= 30] == [
        (10, "fills"),
        (10, "glance"),
        (20, "sweep stop"),
        (30, "look"),
    ]
    assert verdicts(part)[0][1] is Verdict.FLAT
    proofs = [one.look for _, one in part.records if isinstance(one, Looked) and one.look.complete][-2:]
    assert all(proof.begun_ns >= clock_ns(venue, 30) for proof in proofs), (
        "no proof rests on what was read ahead"
    )


def test_what_was_read_before_an_order_was_executed_is_thrown_away() -> None:
    clock = VirtualClock()
    venue = Grows(clock, BTC)
    part = _exit(venue, clock)
    read = [one for _, one in part.records if isinstance(one, FillsRead)]
    # The executions read ahead held nothing of the order: they explain nothing, and the stop stays.
    assert venue.times("fills")[0] == venue.times("glance")[0] == 10
    assert (read[0].begun_ns, len(read[0].fills)) == (clock_ns(venue, 40), 2)
    closed_at = venue.times("place BTCUSDT")[-1]
    assert not any(name.startswith("sweep") for at, name in venue.calls if at <= closed_at)
    assert not venue.held
    assert len(venue.requests) == 2


@pytest.mark.parametrize("venue_type", [Acknowledges, Grows])
def test_several_exits_read_nothing_ahead(venue_type: type[Acknowledges]) -> None:
    clock = VirtualClock()
    venue = venue_type(clock, BTC)
    worked(clock, venue, part_of(clock), part_of(clock, exit_id="xtwo"))
    assert venue.times("glance") == []


def clock_ns(venue: Scripted, at_ms: int) -> int:
    """Return a time since the beginning as the clock tells it."""
    return round((venue.began_s + at_ms / 1000) * 1e9)
