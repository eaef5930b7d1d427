"""Memory: what the drawdown remembers of the equity; pure."""

from decimal import Decimal

from bastion.domain.money import ZERO, Usd
from bastion.engine.scene import Drawdown
from bastion.shape import dataclass

TRANSFER_SHARE = Decimal("0.05")
"""A step in the cash of this share of the equity, while no position changed, is a transfer."""
NS = 1_000_000_000
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The equity at one moment (UTC), with the open PnL in it and what names every position and its size.

    `open_pnl_usd` is None where one position's was not told.
    """

    at_ns: int
    equity_usd: Usd
    open_pnl_usd: Usd | None
    book: frozenset[tuple[str, ...]]


def remember(
    memory: Drawdown | None, base: Worth | None, now: Worth, *, average_s: int
) -> tuple[Drawdown, Worth, Usd]:
    """Return the memory with this moment in it, the worth to compare the next one with, and any transfer.

    The high-water mark rises with the equity and moves with deposits and withdrawals, so that neither hides a
    loss nor looks like one. A transfer counts when two readings in a row show it: balances and positions are
    two answers, and a price can move between them. The average is exponential over `average_s`; it begins at
    the present drawdown.
    """
    if memory is None:
        return Drawdown(high_water_usd=now.equity_usd, average_pct=ZERO, at_ns=now.at_ns), now, Usd(ZERO)
    step = transfer(base, now) if base is not None else Usd(ZERO)
    again = base is not None and _alike(step, memory.step_usd, base)
    moved = step if again else Usd(ZERO)
    waiting = Usd(ZERO) if again else step
    mark = memory.high_water_usd
    if waiting == ZERO:
        mark = Usd(max(mark + moved, now.equity_usd))
    drawdown = max((mark - now.equity_usd) / mark * HUNDRED, ZERO) if mark > ZERO else ZERO
    passed_s = Decimal(max(now.at_ns - memory.at_ns, 0)) / NS
    if memory.average_pct < ZERO:
        average = drawdown
    else:
        keep = (-passed_s / average_s).exp() if average_s > 0 else ZERO
        average = drawdown + (memory.average_pct - drawdown) * keep
    after = Drawdown(high_water_usd=mark, average_pct=average, at_ns=now.at_ns, step_usd=waiting)
    return after, base if waiting != ZERO and base is not None else now, moved


def _alike(step: Usd, before: Usd, base: Worth) -> bool:
    if ZERO in {step, before}:
        return False
    return abs(step - before) < TRANSFER_SHARE * abs(base.equity_usd)


def recalled(high_water_usd: Usd, *, at_ns: int) -> Drawdown:
    """Return the memory of a mark that was stored; its average begins with the first drawdown seen."""
    return Drawdown(high_water_usd=high_water_usd, average_pct=Decimal(-1), at_ns=at_ns)


def transfer(before: Worth, now: Worth) -> Usd:
    """Return what was deposited (or, negative, withdrawn) between two moments, as far as it shows.

    Only where the same positions stood at both, all with their open PnL told, and the cash moved by at least
    `TRANSFER_SHARE` of the equity: fees, funding and small transfers stay in the drawdown.
    """
    if before.book != now.book or before.open_pnl_usd is None or now.open_pnl_usd is None:
        return Usd(ZERO)
    cash = (now.equity_usd - now.open_pnl_usd) - (before.equity_usd - before.open_pnl_usd)
    return Usd(cash) if abs(cash) >= TRANSFER_SHARE * abs(before.equity_usd) else Usd(ZERO)
