"""What a look at a Hyperliquid host that fails, or with little weight left, asks for, and in which order."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from bastion.domain.money import Quantity
from bastion.domain.order import Direction, OpenOrder
from bastion.errors import VenueError, VenueUnreachable
from bastion.venues.ccxt.hyperliquid_steps import CANCELS_FIRST, DEXES, IN_VAIN, NOT_DUE, SPOT, Steps
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.deadline import Deadline, settled
from tests.simulation.exits.virtual_time import VirtualClock

RESTS = OpenOrder(
    instrument="BTC",
    category="perp",
    order_id="1",
    client_order_id="",
    direction=Direction.BUY,
    quantity=Quantity(Decimal(1)),
    reduce_only=True,
    conditional=False,
)
POSITIONS, ACCOUNT, ORDERS, TWAPS = "positions main", "account", "orders main", "orders TWAPs"


class Look:
    """One look; `asked` is what was sent, in its order."""

    def __init__(self, *fails: str, rests: tuple[OpenOrder, ...] = ()) -> None:
        self.fails = fails
        self.rests = rests
        self.asked: list[str] = []
        self.doubts = 0

    async def take(
        self,
        *extra: str,
        waits: Callable[[], bool] = lambda: False,
        doubted: bool = False,
        quiet: bool = False,
        apart: bool = True,
        slow: bool = False,
        kept: frozenset[str] = frozenset(),
    ) -> tuple[Steps, dict[str, str]]:
        """Take it, the dearest parts first, and return why parts were not read."""

        async def doubt(_deadline: Deadline) -> bool:
            self.doubts += 1
            return doubted

        steps = Steps(waits=waits, doubted=doubt, quiet=lambda: quiet, apart=apart, slow=slow, kept=kept)
        names = (TWAPS, ORDERS, ACCOUNT, *extra, POSITIONS)
        parts = steps.order([Part(name=name, read=self._reader(name)) for name in names])
        deadline = Deadline(VirtualClock(), 8.0)
        answers = await settled([part.read(deadline) for part in parts])
        found = zip(names, answers, strict=True)
        return steps, {name: str(answer) for name, answer in found if isinstance(answer, VenueError)}

    def _reader(self, name: str) -> Callable[[Deadline], Awaitable[PartRead]]:
        async def read(_deadline: Deadline) -> PartRead:
            self.asked.append(name)
            if name in self.fails:
                raise VenueUnreachable("down")
            return PartRead(orders=self.rests if name == ORDERS else ())

        return read


async def test_the_cheapest_comes_first_and_each_step_waits_for_the_one_before_it() -> None:
    look = Look()
    steps, unread = await look.take()
    assert look.asked == [POSITIONS, ACCOUNT, ORDERS, TWAPS]
    assert not unread
    assert steps.listed
    assert not steps.failed


async def test_where_the_host_answers_only_the_positions_come_first() -> None:
    look = Look()
    await look.take(apart=False)
    assert look.asked[0] == POSITIONS
    assert sorted(look.asked[1:]) == sorted([ACCOUNT, ORDERS, TWAPS])
    assert look.doubts == 1, "both lists rest on one word of the other page"


@pytest.mark.parametrize("slow", [False, True])
async def test_only_at_a_slow_host_the_lists_do_not_wait_for_what_is_held_in_spot(
    slow: bool,  # noqa: FBT001 - a case of the table
) -> None:
    look = Look(SPOT)
    _, unread = await look.take(SPOT, apart=False, slow=slow)
    assert (ORDERS in look.asked) is slow
    assert (unread.get(ORDERS) == IN_VAIN) is not slow


@pytest.mark.parametrize(
    ("fails", "asked"),
    [
        (POSITIONS, [POSITIONS]),
        (ACCOUNT, [POSITIONS, ACCOUNT]),
        (ORDERS, [POSITIONS, ACCOUNT, ORDERS]),
        (TWAPS, [POSITIONS, ACCOUNT, ORDERS, TWAPS]),
    ],
)
async def test_nothing_dear_is_asked_for_once_a_part_did_not_come(fails: str, asked: list[str]) -> None:
    look = Look(fails)
    steps, unread = await look.take()
    assert look.asked == asked
    assert steps.failed
    assert {why for name, why in unread.items() if name != fails} <= {IN_VAIN}


async def test_what_rests_on_the_first_dex_is_seen_although_the_others_are_not_known() -> None:
    look = Look(DEXES)
    steps, unread = await look.take(DEXES)
    assert ORDERS in look.asked
    assert list(unread) == [DEXES]
    assert steps.listed


async def test_lists_that_are_not_due_are_not_asked_for() -> None:
    look = Look()
    steps, unread = await look.take(waits=lambda: True)
    assert look.asked == [POSITIONS, ACCOUNT]
    assert unread[ORDERS] == NOT_DUE
    assert not steps.listed


async def test_lists_are_not_asked_for_where_another_page_says_that_something_is_held() -> None:
    look = Look()
    _, unread = await look.take(doubted=True)
    assert look.asked == [POSITIONS, ACCOUNT]
    assert set(unread.values()) == {IN_VAIN}


async def test_what_was_read_a_moment_ago_waits_for_nothing() -> None:
    look = Look(POSITIONS)
    _, unread = await look.take(f"{TWAPS} (none a moment ago)")
    assert f"{TWAPS} (none a moment ago)" in look.asked
    assert f"{TWAPS} (none a moment ago)" not in unread


@pytest.mark.parametrize(
    ("rests", "quiet", "asked"), [(RESTS, True, False), (RESTS, False, True), (None, True, True)]
)
async def test_twaps_are_not_asked_for_beside_orders_that_rest_where_none_ran_a_moment_ago(
    rests: OpenOrder | None, *, quiet: bool, asked: bool
) -> None:
    look = Look(rests=() if rests is None else (rests,))
    _, unread = await look.take(quiet=quiet)
    assert (TWAPS in look.asked) is asked
    assert unread == ({} if asked else {TWAPS: CANCELS_FIRST})


async def test_beside_orders_that_nobody_wants_to_end_they_are_asked_for() -> None:
    for kept, asked in ((frozenset({RESTS.order_id}), True), (frozenset({"2"}), False)):
        look = Look(rests=(RESTS,))
        await look.take(quiet=True, kept=kept)
        assert (TWAPS in look.asked) is asked
