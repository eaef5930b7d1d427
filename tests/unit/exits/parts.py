"""Values for the tests of the exit's decisions, with what a test does not care about filled in."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.look import Look, Unread
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import Direction, Fill, OpenOrder, OrderRequest, OrderState, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.records import (
    CoveredAccount,
    LegStarted,
    Looked,
    LookPurpose,
    OrderAnswered,
    Outcome,
    RoundIntended,
)
from bastion.errors import Fault
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg

MS = 1_000_000
ACCOUNT = CoveredAccount(name="main", venue="binance", key_space="usdm")
UTC_NS = 1_760_000_000_000_000_000


def position(
    instrument: str = "BTCUSDT", quantity: str = "1", side: Side = Side.LONG, *, hedged: bool = False
) -> Position:
    return Position(
        instrument=instrument,
        category="linear",
        symbol=f"{instrument[:-4]}/USDT:USDT",
        side=side,
        quantity=Quantity(Decimal(quantity)),
        hedged=hedged,
        mark_price=Price(Decimal(100)),
        notional_usd=Usd(Decimal(quantity) * 100),
    )


def order(
    instrument: str = "BTCUSDT",
    *,
    reduce_only: bool = True,
    direction: Direction = Direction.SELL,
    name: str = "r1",
) -> OpenOrder:
    return OpenOrder(
        instrument=instrument,
        category="linear",
        order_id=name,
        client_order_id="",
        direction=direction,
        quantity=Quantity(Decimal(1)),
        reduce_only=reduce_only,
        conditional=False,
    )


def look(
    at_ms: int,
    positions: Sequence[Position] = (),
    orders: Sequence[OpenOrder] = (),
    unread: Sequence[str] = (),
) -> Look:
    return Look(
        begun_ns=at_ms * MS,
        ended_ns=(at_ms + 10) * MS,
        positions=tuple(positions),
        orders=tuple(orders),
        parts=("positions", "orders"),
        unread=tuple(Unread(part=part, reason="no answer") for part in unread),
        venue_time_ms=UTC_NS // MS + at_ms,
    )


def leg() -> Leg:
    fresh = Leg(exit_id="xtest", account=ACCOUNT)
    fresh.apply(LegStarted(exit_id="xtest", account="main", run=1), at_ns=UTC_NS)
    return fresh


def pace(last_act_ms: int = 0) -> Pace:
    return Pace(last_act_ns=last_act_ms * MS, run_began_ns=0)


def see(one: Leg, seen: Look) -> None:
    one.apply(
        Looked(exit_id="xtest", account="main", run=1, purpose=LookPurpose.VERIFY, look=seen),
        at_ns=UTC_NS + seen.ended_ns,
    )


def intend(one: Leg, *requests: OrderRequest, number: int = 1) -> None:
    one.apply(
        RoundIntended(exit_id="xtest", account="main", run=1, round=number, orders=requests), at_ns=UTC_NS
    )


def request(of: Position, cid: str = "bst1", quantity: str | None = None) -> OrderRequest:
    size = of.quantity if quantity is None else Quantity(Decimal(quantity))
    return OrderRequest(client_order_id=cid, position=of, quantity=size)


def answered(cid: str = "bst1", filled: str = "1", status: OrderStatus = OrderStatus.FILLED) -> OrderAnswered:
    return OrderAnswered(
        exit_id="xtest",
        account="main",
        client_order_id=cid,
        outcome=Outcome.ANSWERED,
        state=OrderState(
            client_order_id=cid,
            order_id=f"o-{cid}",
            status=status,
            filled=Quantity(Decimal(filled)),
            average_price=Price(Decimal(101)),
        ),
    )


def refused(fault: Fault, cid: str = "bst1", retry_after_s: str | None = None) -> OrderAnswered:
    return OrderAnswered(
        exit_id="xtest",
        account="main",
        client_order_id=cid,
        outcome=Outcome.REJECTED,
        fault=fault,
        code="-1",
        message="refused",
        retry_after_s=None if retry_after_s is None else Decimal(retry_after_s),
    )


def fill(
    quantity: str = "1",
    *,
    direction: Direction = Direction.SELL,
    cid: str = "",
    at_ms: int = 5_000,
    name: str = "f1",
    pnl: str | None = "10",
) -> Fill:
    return Fill(
        instrument="BTCUSDT",
        category="linear",
        symbol="BTC/USDT:USDT",
        fill_id=name,
        order_id="",
        client_order_id=cid,
        direction=direction,
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal(110)),
        fee_usd=Usd(Decimal("0.1")),
        at_ms=UTC_NS // MS + at_ms,
        realized_pnl_usd=None if pnl is None else Usd(Decimal(pnl)),
    )
