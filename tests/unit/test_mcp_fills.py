"""Each filled order becomes one sentence of progress, whatever is told twice, out of order or of others."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from bastion.domain.money import Price, Quantity
from bastion.domain.order import OrderRequest, OrderState, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    Entry,
    OrderAnswered,
    OrderResolved,
    Outcome,
    Record,
    ResolvedBy,
    RoundIntended,
)
from bastion.surfaces.mcp_server.watch import Fills


class Listener:
    """Hears what is told and stops listening after so many."""

    def __init__(self, *, until: int) -> None:
        self.heard: list[tuple[int, str]] = []
        self.wanted = True
        self._until = until

    async def tell(self, done: int, message: str) -> None:
        """Hear one."""
        self.heard.append((done, message))
        self.wanted = len(self.heard) < self._until


def entry(record: Record) -> Entry:
    return Entry(seq=1, at_ns=0, exit_id="x1", record=record, previous="", hash="")


def intended(*names: str) -> Entry:
    orders = tuple(
        OrderRequest(
            client_order_id=f"bst{name}",
            position=Position(
                instrument=name,
                category="linear",
                symbol=name,
                side=Side.LONG,
                quantity=Quantity(Decimal("0.5")),
                hedged=False,
            ),
            quantity=Quantity(Decimal("0.5")),
        )
        for name in names
    )
    return entry(RoundIntended(exit_id="x1", account="paper", run=1, round=1, orders=orders))


def state(name: str, filled: str) -> OrderState:
    return OrderState(
        client_order_id=f"bst{name}",
        order_id="1",
        status=OrderStatus.FILLED,
        filled=Quantity(Decimal(filled)),
        average_price=Price(Decimal("142.50")),
    )


def answered(name: str, filled: str) -> Entry:
    return entry(
        OrderAnswered(
            exit_id="x1",
            account="paper",
            client_order_id=f"bst{name}",
            outcome=Outcome.ANSWERED,
            state=state(name, filled),
        )
    )


def resolved(name: str, filled: str) -> Entry:
    return entry(
        OrderResolved(
            exit_id="x1",
            account="paper",
            client_order_id=f"bst{name}",
            by=ResolvedBy.ORDER,
            state=state(name, filled),
        )
    )


@pytest.mark.parametrize("fill", [answered, resolved])
async def test_a_fill_is_told_once_with_its_price(fill: Callable[[str, str], Entry]) -> None:
    fills = Fills()
    listener = Listener(until=2)
    for one in (
        intended("SOLUSDT", "BTCUSDT"),
        answered("UNKNOWN", "1"),
        answered("BTCUSDT", "0"),
        fill("SOLUSDT", "0.5"),
        resolved("SOLUSDT", "0.5"),
        fill("BTCUSDT", "0.25"),
    ):
        fills.see(one)
    await fills.tell(listener)
    assert listener.heard == [
        (1, "SOLUSDT LONG: 0.5 closed at 142.5 on paper."),
        (2, "BTCUSDT LONG: 0.25 closed at 142.5 on paper."),
    ]


async def test_nobody_is_told_who_does_not_listen() -> None:
    fills = Fills()
    listener = Listener(until=1)
    listener.wanted = False
    fills.see(intended("SOLUSDT"))
    fills.see(answered("SOLUSDT", "0.5"))
    await fills.tell(listener)
    assert listener.heard == []
