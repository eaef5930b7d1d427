"""Rungs taken: which rungs of the ladder the positions of a leg took beyond the plain first order; pure."""

from collections.abc import Iterable

from bastion.domain.money import ZERO, Quantity
from bastion.domain.records import Outcome
from bastion.domain.symbol import pair
from bastion.exits.books import Sent
from bastion.exits.progress import Leg
from bastion.exits.telling import RungTaken

_WORDS = {
    Outcome.REJECTED: "refused",
    Outcome.NOT_SENT: "not sent",
    Outcome.UNKNOWN: "outcome unknown",
}


def rungs_taken(leg: Leg) -> Iterable[RungTaken]:
    """Yield one row for each round of each position whose orders had a reason, in the order of the rounds."""
    groups: dict[tuple[int, tuple[str, str, str]], list[Sent]] = {}
    for order in leg.sent.values():
        if order.request.why:
            groups.setdefault((order.round, order.request.position.key), []).append(order)
    for (number, _), orders in groups.items():
        request = orders[0].request
        filled = sum((order.filled for order in orders), ZERO)
        yield RungTaken(
            symbol=pair(request.position.symbol),
            exchange=leg.account.venue,
            account=leg.account.name,
            direction=request.position.side,
            round=number,
            rung=request.kind.value,
            quantity=Quantity(sum((order.request.quantity for order in orders), ZERO)),
            limit_price=request.limit_price,
            reason=request.why,
            filled=Quantity(filled),
            outcome=_outcome(orders),
        )


def _outcome(orders: list[Sent]) -> str:
    last = orders[-1]
    answer = last.answer
    if sum((order.filled for order in orders), ZERO) >= sum((o.request.quantity for o in orders), ZERO):
        return "filled"
    if any(order.filled for order in orders):
        return "partly filled"
    if answer is None:
        return "no answer was written down"
    if answer.outcome is not Outcome.ANSWERED:
        said = answer.message or answer.code
        return f"{_WORDS[answer.outcome]}: {said}" if said else _WORDS[answer.outcome]
    ended = last.state is not None and last.state.ended
    return "nothing filled" if ended else "taken by the venue, not filled yet"
