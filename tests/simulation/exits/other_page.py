"""Other page: what one more page of a simulated venue says against a list of positions."""

from decimal import Decimal

from bastion.domain.look import Unread
from bastion.domain.position import Position
from tests.simulation.exits.market import Market

SCANT_USD = 10


def doubts(market: Market, listed: tuple[Position, ...]) -> tuple[Unread, ...]:
    """Return why a list that shows nothing to close is not whole, by what is truly held.

    The four adapters weigh such a list against another page of their venue, as here. Where it is empty, they
    do as well, and here nobody does: the executor's own arithmetic must withstand that lie too.
    """
    plan = market.plan
    small = all(one.quantity < plan.minimum or (one.notional_usd or 0) < SCANT_USD for one in listed)
    if plan.style == "generic" or not listed or not small:
        return ()
    shown = {(one.instrument, one.side.value if one.hedged else ""): one.quantity for one in listed}
    more = [key for key, held in market.holdings.items() if abs(held.signed) > shown.get(key, Decimal(0))]
    return tuple(Unread(part="positions", reason=f"another page names more {name}") for name, _ in more[:1])
