"""Last rung: when a position is given up for its margin, and in which words that is told; pure."""

from collections.abc import Mapping, Sequence

from bastion.domain.money import ZERO
from bastion.domain.order import OrderKind
from bastion.domain.records import Outcome
from bastion.domain.refund import RefundPolicy
from bastion.errors import Fault
from bastion.exits.books import Sent
from bastion.exits.settings import ExitSettings

SECOND_NS = 1_000_000_000
NOT_THE_PATHS_FAULT = frozenset({Fault.RATE_LIMIT, Fault.MAYBE_FLAT, Fault.TERMINAL})
"""Refusals that say nothing about whether closing works."""


def due(
    orders: Sequence[Sent],
    policy: RefundPolicy,
    *,
    now_ns: int,
    ended_ns: Mapping[str, int],
    run_began_ns: int,
    settings: ExitSettings,
) -> bool:
    """Return whether the next act on a position is its refund.

    `orders` are those of the position so far, oldest first; `ended_ns` tells when each was answered in this
    run, `run_began_ns` stands in for earlier runs. With LAST_RUNG, closing must have been refused in
    `refund_after_tries` rounds and since `refund_after_s` seconds. After a refused refund, a close is tried
    again in between, since either can heal.
    """
    if policy is RefundPolicy.NEVER:
        return False
    last = orders[-1] if orders else None
    if last is not None and last.request.kind is OrderKind.REFUND:
        return _did_not_count(last)
    if policy is RefundPolicy.ALWAYS:
        return True
    failed = [order for order in orders if _failed(order) or _not_sent(order)]
    first = next((order for order in failed if not _not_sent(order)), None)
    if first is None:
        return False
    since_ns = ended_ns.get(first.request.client_order_id, run_began_ns)
    tries = len({order.round for order in failed})
    waited = now_ns >= since_ns + int(settings.refund_after_s * SECOND_NS)
    return waited and tries >= settings.refund_after_tries


def reason(orders: Sequence[Sent], policy: RefundPolicy) -> str:
    """Return why a position was refunded; `orders` are those that came before the refund."""
    failed = [order for order in orders if _failed(order)]
    if not failed:
        return "the account is configured to refund at once" if policy is RefundPolicy.ALWAYS else "asked for"
    answer = failed[-1].answer
    said = (answer.message or answer.code) if answer is not None else ""
    rounds = len({order.round for order in failed})
    times = "once" if rounds == 1 else f"{rounds} times"
    return f"closing failed {times}: {said or 'no answer came'}"


def _failed(order: Sent) -> bool:
    if order.request.kind is OrderKind.REFUND or order.filled > ZERO:
        return False
    answer = order.answer
    if answer is not None and answer.outcome is Outcome.REJECTED:
        return answer.fault not in NOT_THE_PATHS_FAULT
    return order.resolved is not None and (answer is None or answer.outcome is Outcome.UNKNOWN)


def _not_sent(order: Sent) -> bool:
    answer = order.answer
    refund = order.request.kind is OrderKind.REFUND
    return not refund and answer is not None and answer.outcome is Outcome.NOT_SENT


def _did_not_count(refund: Sent) -> bool:
    # Held back by a limit, it was not refused: it is asked for again.
    answer = refund.answer
    if answer is None:
        return False
    return answer.outcome is Outcome.NOT_SENT or answer.fault is Fault.RATE_LIMIT
