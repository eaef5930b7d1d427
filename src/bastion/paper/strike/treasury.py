"""Treasury: what a normal close comes to, and whether its profit is paid at once."""

from dataclasses import dataclass
from fractions import Fraction

from bastion.paper.strike.fees import closing_fee
from bastion.paper.strike.margin import price_pnl
from bastion.paper.strike.position import Position
from bastion.paper.strike.settings import VenueSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFigures:
    """A normal close in micro-USD: ``net = price_pnl + funding - fee``, never below minus the margin."""

    price_pnl: int
    fee: int
    net: int


def close_figures(position: Position, mark: int, settings: VenueSettings) -> CloseFigures:
    """Compute a normal close at `mark`. PnL is floored, the fee ceiled: rounding favours the treasury."""
    pnl = price_pnl(position, mark)
    gross = pnl + position.funding
    fee = closing_fee(
        price_pnl=pnl,
        gross=gross,
        notional=position.notional,
        move=Fraction(abs(mark - position.entry_price), position.entry_price),
        multiplier=settings.position_multiplier,
        shape=settings.fee_shape,
    )
    return CloseFigures(price_pnl=pnl, fee=fee, net=max(gross - fee, -position.margin))


def forgiven_loss(position: Position, mark: int | None) -> int:
    """Estimate what an exit now does not charge: the loss at the newest mark, at most the margin."""
    if mark is None:
        return 0
    loss = -price_pnl(position, mark) - position.funding
    return min(position.margin, loss) if loss > 0 else 0


def pays_at_once(*, need: int, treasury: int, others_wait: bool) -> bool:
    """Say whether a winner is paid now: the treasury has it all and nobody stands in front."""
    return not others_wait and need <= treasury
