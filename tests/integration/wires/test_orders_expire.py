"""A close that was held up on its way is refused by every venue: it cannot meet a book that opened again."""

import asyncio
from decimal import Decimal

import pytest

from bastion.domain.order import OrderKind, OrderRequest
from bastion.errors import VenueError
from tests.venue_paper import ORDER_PATHS
from tests.wires_rig import WIRES, WiresRig

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
# Longer than the 5 s that every order of ours is good for.
HELD_UP_MS = 5_600
PATIENCE_S = 12.0


async def test_a_close_that_arrives_after_its_time_is_not_executed(wires: WiresRig) -> None:
    await wires.hold("2")
    for venue in WIRES:
        account = wires.desk.venues[f"paper-{venue}"]
        await account.open(deadline_s=PATIENCE_S)
        await wires.fault(
            "latency",
            venue,
            path=ORDER_PATHS[venue],
            method="POST",
            request_ms=HELD_UP_MS,
            answer_ms=0,
            count=1,
        )
    answers: dict[str, object] = {}

    async def close(venue: str) -> None:
        account = wires.desk.venues[f"paper-{venue}"]
        look = await account.look(deadline_s=PATIENCE_S)
        (position,) = look.positions
        request = OrderRequest(
            client_order_id="bst000000000000000000001",
            position=position,
            quantity=position.quantity,
            kind=OrderKind.MARKET,
        )
        try:
            answers[venue] = await account.place(request, deadline_s=PATIENCE_S / 2)
        except VenueError as error:
            answers[venue] = error

    async with asyncio.TaskGroup() as group:
        for venue in WIRES:
            group.create_task(close(venue))
    # Whatever an adapter made of it, the first order was refused; one that was sent anew is a new order.
    for venue in WIRES:
        rows = await wires.requests(ORDER_PATHS[venue], venue)
        late = next(row for row in rows if row["method"] == "POST" and "latency" in str(row["faults"]))
        assert not late["executed"], (venue, late)
    assert set(answers) == set(WIRES)
    left = await wires.held()
    assert all(size in {Decimal(0), Decimal(2)} for size in left.values())
