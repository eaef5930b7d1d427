"""Operation: the feed's and the operator's commands: marks, funding, switches; and liquidation."""

from typing import Final

from bastion.paper.strike.commands import Fund, SetHalted, SetWithdrawals, Tick
from bastion.paper.strike.funding import hourly_accruals, skew
from bastion.paper.strike.ledger import TREASURY, Code, Kind
from bastion.paper.strike.margin import PNL_MICRO_MAX, is_liquidated, price_pnl
from bastion.paper.strike.money import AMOUNT_MICRO_MAX
from bastion.paper.strike.position import Status
from bastion.paper.strike.results import Funded, Marked, Reason, Refused, Switched
from bastion.paper.strike.trading import is_stale
from bastion.paper.strike.work import Work

_MARK_MAX: Final = AMOUNT_MICRO_MAX


def tick(work: Work, command: Tick) -> Marked | Refused:
    """Set marks, liquidate what they reach, then pay the queue from what came in."""
    for symbol, mark in command.marks.items():
        if symbol not in work.image.markets:
            return _unknown(symbol)
        if not 1 <= mark <= _MARK_MAX:
            return Refused(
                reason=Reason.BAD_MARK, message=f"The mark of {symbol} must be above 0 and at most 1000000000"
            )
    event_id = work.begin()
    liquidated: list[int] = []
    for symbol in sorted(command.marks):
        market = work.image.markets[symbol]
        work.set_market(market._replace(mark=command.marks[symbol], marked_at_us=work.now_us))
        liquidated += _liquidate(work, symbol)
    if liquidated:
        work.drain()
    return Marked(event_id=event_id, liquidated=tuple(liquidated))


def fund(work: Work, command: Fund) -> Funded | Refused:
    """Accrue an hour of funding, then liquidate what it has used up (at a fresh mark only)."""
    market = work.image.markets.get(command.symbol)
    if market is None:
        return _unknown(command.symbol)
    if market.halted:
        return Refused(reason=Reason.MARKET_HALTED, message=f"Trading in {command.symbol} is halted")
    event_id = work.begin()
    image = work.image
    market_skew = skew(image.interest_long[command.symbol], image.interest_short[command.symbol])
    accruals = hourly_accruals(tuple(work.image.open_in[command.symbol].values()), market_skew, work.now_us)
    for position, amount in accruals:
        accrued = max(-PNL_MICRO_MAX, min(PNL_MICRO_MAX, position.funding + amount))
        work.change(position, funding=accrued)
    liquidated: list[int] = []
    if not is_stale(market, work.settings, work.now_us):
        liquidated = _liquidate(work, command.symbol)
        if liquidated:
            work.drain()
    return Funded(event_id=event_id, positions=len(accruals), liquidated=tuple(liquidated))


def set_halted(work: Work, command: SetHalted) -> Switched | Refused:
    """Halt a market, or resume it and liquidate what the newest mark has reached."""
    market = work.image.markets.get(command.symbol)
    if market is None:
        return _unknown(command.symbol)
    event_id = work.begin()
    work.set_market(market._replace(halted=command.halted))
    liquidated: list[int] = []
    if not command.halted and not is_stale(market, work.settings, work.now_us):
        liquidated = _liquidate(work, command.symbol)
        if liquidated:
            work.drain()
    return Switched(event_id=event_id, liquidated=tuple(liquidated))


def set_withdrawals(work: Work, command: SetWithdrawals) -> Switched:
    """Suspend or resume withdrawals."""
    event_id = work.begin()
    work.suspend_withdrawals(suspended=command.suspended)
    return Switched(event_id=event_id)


def _unknown(symbol: str) -> Refused:
    return Refused(reason=Reason.UNKNOWN_SYMBOL, message=f"Unknown symbol {symbol}")


def _liquidate(work: Work, symbol: str) -> list[int]:
    market = work.image.markets[symbol]
    if market.halted or market.mark is None:
        return []
    mark, buffer = market.mark, work.settings.liquidation_buffer
    reached = sorted(
        (
            position
            for position in work.image.open_in[symbol].values()
            if is_liquidated(position, mark, buffer)
        ),
        key=lambda position: position.id,
    )
    for position in reached:
        reserved = work.account(position.wallet, Kind.RESERVED)
        work.post(Code.LIQUIDATION, reserved, TREASURY, position.margin, position.id)
        work.change(
            position,
            status=Status.LIQUIDATED,
            exit_price=mark,
            price_pnl=price_pnl(position, mark),
            realized=-position.margin,
            closed_at_us=work.now_us,
            settled_at_us=work.now_us,
        )
    return [position.id for position in reached]
