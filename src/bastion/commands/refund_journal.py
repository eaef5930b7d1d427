"""Journal: the refunds that it knows, made by an exit or asked for directly."""

import base64
import hashlib
from collections.abc import Sequence

from bastion.commands.desk import Desk
from bastion.domain.money import ZERO, Quantity
from bastion.domain.order import OrderKind, OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.domain.records import (
    Entry,
    ExitRequested,
    OrderAnswered,
    OrderResolved,
    Outcome,
    RefundRequested,
    RoundIntended,
)

REFUSALS_FRESH_S = 3_600
EXITS_SEARCHED = 50
ID_LENGTH = 12

Found = tuple[int, OrderRequest, OrderState, str | None, RefundRequested | None]


def refund_id_of(account: str, position_id: str) -> str:
    """Return the id of a position's direct refund in the journal: the same whenever asked."""
    digest = hashlib.sha256(f"{account}|{position_id}".encode()).digest()
    return "r" + base64.b32encode(digest).decode("ascii").lower()[:ID_LENGTH]


def asked_of(entries: Sequence[Entry]) -> RefundRequested | None:
    """Return the latest direct request among the entries."""
    found = [entry.record for entry in entries if isinstance(entry.record, RefundRequested)]
    return found[-1] if found else None


def refused_lately(desk: Desk, position: Position) -> tuple[str, ...]:
    """Return what the venue said when it refused the last close of the position, within an hour."""
    told: list[str] = []
    since_ns = desk.clock.now_ns() - REFUSALS_FRESH_S * 1_000_000_000
    for exit_id in desk.journal.exit_ids()[-EXITS_SEARCHED:]:
        mine: set[str] = set()
        for entry in desk.journal.entries(exit_id):
            record = entry.record
            if isinstance(record, RoundIntended):
                mine |= {
                    order.client_order_id
                    for order in record.orders
                    if order.position.key == position.key and order.kind is not OrderKind.REFUND
                }
            elif (
                isinstance(record, OrderAnswered)
                and record.client_order_id in mine
                and entry.at_ns > since_ns
            ):
                told = [record.message] if record.outcome is Outcome.REJECTED else []
    return tuple(told)


def found_refund(desk: Desk, account: str, position_id: str) -> Found | None:
    """Return the newest refund of a position: when, request, state, reason, and the direct request."""
    names = (*desk.journal.exit_ids()[-EXITS_SEARCHED:], refund_id_of(account, position_id))
    for exit_id in reversed(names):
        entries = desk.journal.entries(exit_id)
        wanted: dict[str, OrderRequest] = {}
        told = next((e.record.reason for e in entries if isinstance(e.record, ExitRequested)), None)
        asked = asked_of(entries)
        for entry in entries:
            record = entry.record
            if isinstance(record, RoundIntended) and record.account == account:
                wanted |= {
                    order.client_order_id: order
                    for order in record.orders
                    if order.kind is OrderKind.REFUND and order.position.position_id == position_id
                }
            elif isinstance(record, OrderAnswered | OrderResolved) and record.client_order_id in wanted:
                state = record.state
                if state is not None and state.filled > Quantity(ZERO):
                    reason = asked.reason if asked is not None else told
                    return entry.at_ns, wanted[record.client_order_id], state, reason, asked
    return None
