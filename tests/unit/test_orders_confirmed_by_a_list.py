"""Of many orders that a venue only acknowledged, one list tells what became of them."""

import asyncio
from decimal import Decimal

import pytest

from bastion.clock import SystemClock
from bastion.domain.money import Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState, OrderStatus
from bastion.errors import VenueUnreachable
from bastion.venues.ccxt.confirm import confirmed
from bastion.venues.ccxt.roll import List, RollCall
from bastion.venues.deadline import Deadline
from tests.stepped_clock import SteppedClock
from tests.unit.exits.parts import position, request

CLOCK = SystemClock()
NAMES = tuple(f"bst{number}" for number in range(8))


class Venue:
    """Answers once all orders of a wave are acknowledged; counts what it was asked."""

    def __init__(self, *, listed: tuple[str, ...] = NAMES, failing: int = 0) -> None:
        self.listed = listed
        self.failing = failing
        self.lists = 0
        self.alone: list[str] = []
        self.acknowledged = asyncio.Event()

    async def read(self, _named: List, _deadline: Deadline) -> dict[str, OrderState]:
        self.lists += 1
        async with asyncio.timeout(4):
            await self.acknowledged.wait()
        await asyncio.sleep(0.01)
        if self.lists <= self.failing:
            raise VenueUnreachable("no answer")
        return {name: state(name) for name in self.listed}

    async def find(self, order: OrderRequest, _deadline: Deadline) -> OrderState | None:
        self.alone.append(order.client_order_id)
        return state(order.client_order_id)


def state(name: str) -> OrderState:
    return OrderState(
        client_order_id=name, order_id=f"o-{name}", status=OrderStatus.FILLED, filled=Quantity(Decimal(1))
    )


async def confirm_all(venue: Venue, orders: list[OrderRequest]) -> list[OrderState]:
    roll = RollCall(venue.find, venue.read, lambda _: ("linear",), clock=CLOCK)

    async def one(number: int, order: OrderRequest) -> OrderState:
        with roll.under_way(order):
            # Acknowledgements of one wave come one after the other.
            await asyncio.sleep(0.001 * number)
            if number == len(orders) - 1:
                venue.acknowledged.set()
            return await confirmed(
                roll.find, order, f"o-{order.client_order_id}", clock=CLOCK, deadline=Deadline(CLOCK, 4)
            )

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number, order)) for number, order in enumerate(orders)]
    return [task.result() for task in tasks]


def orders_of(names: tuple[str, ...], kind: OrderKind = OrderKind.MARKET) -> list[OrderRequest]:
    return [
        OrderRequest(client_order_id=name, position=position(), quantity=Quantity(Decimal(1)), kind=kind)
        for name in names
    ]


async def test_one_wave_is_confirmed_by_a_list_or_two_and_by_no_question_of_an_order() -> None:
    venue = Venue()
    told = await confirm_all(venue, orders_of(NAMES))
    assert [each.client_order_id for each in told] == list(NAMES)
    assert all(each.status is OrderStatus.FILLED for each in told)
    assert venue.alone == []
    assert venue.lists <= 2


@pytest.mark.parametrize(("names", "kind"), [(NAMES[:2], OrderKind.MARKET), (NAMES, OrderKind.RESTING)])
async def test_few_orders_and_those_that_rest_are_asked_for_by_name(
    names: tuple[str, ...], kind: OrderKind
) -> None:
    venue = Venue()
    await confirm_all(venue, orders_of(names, kind))
    assert sorted(venue.alone) == list(names)
    assert venue.lists == 0


async def test_an_order_that_the_list_does_not_show_is_asked_for_by_name() -> None:
    venue = Venue(listed=NAMES[1:])
    told = await confirm_all(venue, orders_of(NAMES))
    assert all(each.ended for each in told)
    assert set(venue.alone) == {NAMES[0]}


async def test_where_the_list_does_not_come_each_order_is_asked_for_at_once() -> None:
    venue = Venue(failing=100)
    told = await confirm_all(venue, orders_of(NAMES))
    assert all(each.ended for each in told)
    assert sorted(venue.alone) == list(NAMES)
    assert venue.lists <= 2


async def test_what_is_asked_outside_of_a_sending_is_asked_by_name() -> None:
    venue = Venue()
    roll = RollCall(venue.find, venue.read, lambda _: ("linear",), clock=CLOCK)
    found = await roll.find(request(position()), Deadline(CLOCK, 1))
    assert found is not None
    assert venue.lists == 0


async def test_of_an_order_that_waits_here_or_has_just_left_nobody_else_asks() -> None:
    venue, order, clock = Venue(), request(position()), SteppedClock()
    roll, cid = RollCall(venue.find, venue.read, lambda _: (), clock=clock), order.client_order_id
    assert not roll.waits(cid)
    with roll.under_way(order):
        assert roll.waits(cid)
        roll.leave([cid])
        assert roll.waits(cid), "who sent it asks for it"
        await clock.advance(1)
        assert not roll.waits(cid)
    with roll.under_way(order):
        assert roll.waits(cid)
    assert not roll.waits(cid)


async def test_that_an_order_was_taken_is_told_at_its_acknowledgement_and_once() -> None:
    venue, order, clock = Venue(), request(position()), SteppedClock()

    async def silent(_order: OrderRequest, _deadline: Deadline) -> OrderState | None:
        return None

    roll, cid = RollCall(silent, venue.read, lambda _: (), clock=clock), order.client_order_id
    heard: list[str] = []
    roll.hear_taken(heard.append)

    async def place() -> OrderState:
        with roll.under_way(order):
            assert heard == [], "it may never arrive"
            return await roll.see_through(order, "o1", Deadline(clock, 4))

    async with asyncio.TaskGroup() as group:
        placing = group.create_task(place())
        for _ in range(40):
            await clock.advance(0.1)
            assert heard == [cid]
    assert (placing.result().status, placing.result().order_id) == (OrderStatus.ACCEPTED, "o1")


@pytest.mark.parametrize(("listed", "lists", "alone"), [(NAMES, 1, 0), (NAMES[:5], 2, 3), ((), 2, 8)])
async def test_orders_of_unknown_fate_that_are_asked_for_at_once_are_told_by_a_list_and_the_others_alone(
    listed: tuple[str, ...], lists: int, alone: int
) -> None:
    venue = Venue(listed=listed)
    venue.acknowledged.set()
    roll = RollCall(venue.find, venue.read, lambda _: ("linear",), clock=CLOCK)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(roll.order(order, Deadline(CLOCK, 4))) for order in orders_of(NAMES)]
    told = [task.result() for task in asked]
    assert [each.client_order_id for each in told if each is not None] == list(NAMES)
    assert (venue.lists, len(venue.alone)) == (lists, alone)
