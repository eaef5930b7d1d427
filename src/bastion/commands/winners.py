"""Winners: which open positions are in profit, and by how much closing each is estimated to gain.

In profit means that the unrealised PnL at the mark is above zero. Net means, besides, that the trade as a
whole is: unrealised PnL, plus the funding received (less what was paid) since the position was opened, less
the taker fee and the slippage that closing it at market now would cost by the live book. Funding has gone
through the wallet already, and closing changes none of it; but a trader who paid more funding than the price
has gained holds no winner. Funding that was received never makes a winner of a position whose price lost.
The fee of opening it and what parts of it realised earlier are not counted: not every venue tells them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.commands.looks import Target
from bastion.domain.book import Quote, walk
from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Usd, round_usd
from bastion.domain.order import Direction
from bastion.domain.position import Position, Side
from bastion.errors import VenueError
from bastion.ports import Funded, Quoting, Venue
from bastion.shape import dataclass

QUOTE_S = 3.0
FUNDING_S = 5.0

UNTOLD = "the venue does not tell its funding since it was opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One position with its profit: `net_usd` is what the whole trade is estimated to leave, where asked for.

    `slippage_usd` and `fee_usd` are what closing costs (negative slippage: better than the mark). `doubt`
    says why there is no `net_usd`.
    """

    target: Target
    profit_usd: Decimal | None
    net_usd: Decimal | None = None
    funding_usd: Decimal | None = None
    slippage_usd: Decimal | None = None
    fee_usd: Decimal | None = None
    doubt: str = ""

    def wins(self, *, net: bool) -> bool:
        """Return whether it is in profit; what is not known is not."""
        figure = self.net_usd if net else self.profit_usd
        return self.target.position.closable and figure is not None and figure > ZERO

    def kept_because(self, *, net: bool) -> str:
        """Return why it stays open, for one that does not win."""
        if not self.target.position.closable:
            return "bastion reports it and does not close it"
        if self.profit_usd is None:
            return "the venue does not tell its profit"
        if self.profit_usd <= ZERO:
            return "not in profit"
        if net and self.net_usd is not None:
            return "not in profit after fees, funding and slippage" + self._reckoning()
        return self.doubt or "not in profit"

    def _reckoning(self) -> str:
        parts = (
            ("unrealised", self.profit_usd),
            ("funding", self.funding_usd),
            ("fee", None if self.fee_usd is None else -self.fee_usd),
            ("slippage", None if self.slippage_usd is None else -self.slippage_usd),
        )
        told = ", ".join(f"{name} {figure:+,.2f}" for name, figure in parts if figure is not None)
        return f": {told} USD"


async def weigh(targets: Sequence[Target], *, net: bool) -> list[Weighed]:
    """Return each position with its profit, in their order; with `net`, its venue is asked for the rest."""
    weighed: dict[int, Weighed] = {}

    async def one(number: int, target: Target) -> None:
        weighed[number] = await _net(target) if net else _gross(target)

    async with asyncio.TaskGroup() as group:
        for number, target in enumerate(targets):
            group.create_task(one(number, target))
    return [weighed[number] for number in range(len(targets))]


def _gross(target: Target) -> Weighed:
    position = target.position
    return Weighed(target=target, profit_usd=position.unrealized_pnl_usd, funding_usd=position.funding_usd)


async def _net(target: Target) -> Weighed:
    position, venue = target.position, target.venue
    profit = position.unrealized_pnl_usd
    if profit is None or profit <= ZERO:
        return _gross(target)
    if not isinstance(venue, Quoting) or position.mark_price is None or not position.notional_usd:
        return _doubtful(target, "the venue tells no cost of closing it")
    async with asyncio.TaskGroup() as group:
        cost_task = group.create_task(_cost(venue, position))
        funding_task = group.create_task(_funding(venue, position))
    cost, funding = cost_task.result(), funding_task.result()
    if isinstance(cost, str):
        return _doubtful(target, cost, None if isinstance(funding, str) else funding)
    if isinstance(funding, str):
        return _doubtful(target, funding)
    slippage, fee = cost
    settled = funding if position.funding_settled else ZERO
    return Weighed(
        target=target,
        profit_usd=profit,
        net_usd=round_usd(profit + settled - slippage - fee),
        funding_usd=funding,
        slippage_usd=slippage,
        fee_usd=fee,
    )


def _doubtful(target: Target, doubt: str, funding: Decimal | None = None) -> Weighed:
    return Weighed(
        target=target, profit_usd=target.position.unrealized_pnl_usd, funding_usd=funding, doubt=doubt
    )


async def _funding(venue: Venue, position: Position) -> Decimal | str:
    if position.funding_usd is not None:
        return position.funding_usd
    if not isinstance(venue, Funded):
        return UNTOLD
    try:
        async with asyncio.timeout(FUNDING_S):
            told: Usd | None = await venue.funding(position, deadline_s=FUNDING_S)
    except (VenueError, TimeoutError) as error:
        return f"its funding is not known: {str(error) or 'no answer came in time'}"
    return UNTOLD if told is None else told


async def _cost(venue: Venue, position: Position) -> tuple[Decimal, Decimal] | str:
    """Return slippage and taker fee of closing it at market, or why they are not known."""
    if not isinstance(venue, Quoting):
        return "the venue tells no cost of closing it"
    try:
        async with asyncio.timeout(QUOTE_S):
            quote = await venue.quote(position, deadline_s=QUOTE_S)
            known: Mapping[tuple[str, str], Instrument] = await venue.instruments(deadline_s=QUOTE_S)
    except (VenueError, TimeoutError) as error:
        return f"the cost of closing is not known: {str(error) or 'no answer came in time'}"
    return _reckoned(position, quote, known.get((position.category, position.instrument)))


def _reckoned(
    position: Position, quote: Quote, instrument: Instrument | None
) -> tuple[Decimal, Decimal] | str:
    inverse = instrument is not None and instrument.inverse
    direction = Direction.SELL if position.side is Side.LONG else Direction.BUY
    walked = walk(quote.against(direction), position.quantity, inverse=inverse)
    mark, notional = position.mark_price, position.notional_usd
    incomplete = walked.average_price is None or walked.missing or quote.taker_fee is None
    if walked.average_price is None or quote.taker_fee is None or incomplete or not mark or not notional:
        return "the order book or the fee that it needs is not known"
    moved = (mark - walked.average_price) / mark
    return notional * (moved if position.side is Side.LONG else -moved), notional * quote.taker_fee
