"""Trading: open and close, decided against the writer's image."""

from typing import Final

from bastion.paper.strike import margin
from bastion.paper.strike.commands import Close, Open
from bastion.paper.strike.draft import MarketRow
from bastion.paper.strike.ledger import CUSTODY, ROW_MICRO_MAX, TREASURY, Code, Kind
from bastion.paper.strike.money import exact_text
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.queue import lane_of
from bastion.paper.strike.results import Closed, Opened, Reason, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.treasury import close_figures, pays_at_once
from bastion.paper.strike.work import Work

_OPEN: Final = Status.OPEN
_EXITED: Final = Status.EXITED
_GONE = Refused(reason=Reason.UNKNOWN_POSITION, message="Position not found or already closed")
_FOREIGN = Refused(reason=Reason.NOT_OWNER, message="Position does not belong to authenticated wallet")
_ENDED = Refused(reason=Reason.NOT_OPEN, message="Position not found or already closed")


def is_stale(market: MarketRow, settings: VenueSettings, now_us: int) -> bool:
    """Say whether a market's mark is too old (or was never set) to trade at."""
    if market.marked_at_us is None:
        return True
    limit = settings.oracle_stale_after_us
    return limit is not None and now_us - market.marked_at_us > limit


def find_open(work: Work, wallets: tuple[str, ...], position_id: int) -> Position | Refused:
    """Find the caller's open position: existence, then ownership, then status."""
    position = work.image.positions.get(position_id)
    status = None if position is None else position.status
    if position is None or status is _EXITED:
        return _GONE
    if position.wallet not in wallets:
        return _FOREIGN
    return position if status is _OPEN else _ENDED


def tradable_mark(work: Work, symbol: str) -> int | Refused:
    """Give the mark to trade at, or say why there is none."""
    market = work.image.markets.get(symbol)
    if market is None:
        known = ", ".join(work.settings.symbols)
        return Refused(reason=Reason.UNKNOWN_SYMBOL, message=f"Unknown symbol; use one of {known}")
    if market.halted:
        return Refused(reason=Reason.MARKET_HALTED, message=f"Trading in {symbol} is halted")
    if market.mark is None or is_stale(market, work.settings, work.now_us):
        return Refused(reason=Reason.ORACLE_STALE, message=f"The price of {symbol} is stale; try again")
    return market.mark


def open_position(work: Work, command: Open) -> Opened | Refused:
    """Open a position; its margin moves from available to reserved."""
    mark = tradable_mark(work, command.symbol)
    if isinstance(mark, Refused):
        return mark
    refusal = _check_terms(work, command)
    if refusal is not None:
        return refusal
    settings = work.settings
    entry = margin.entry_price(mark, command.side, settings.spread_rate)
    if entry < 1:
        return Refused(reason=Reason.ORACLE_STALE, message=f"The price of {command.symbol} is too small")
    event_id = work.begin()
    position = Position(
        id=work.image.position_last + 1,
        wallet=command.wallet,
        symbol=command.symbol,
        side=command.side,
        margin=command.margin,
        leverage=command.leverage,
        entry_price=entry,
        spread=abs(entry - mark),
        opened_at_us=work.now_us,
    )
    available = work.account(command.wallet, Kind.AVAILABLE)
    reserved = work.account(command.wallet, Kind.RESERVED)
    work.post(Code.OPEN, available, reserved, position.margin, position.id)
    work.put(position)
    return Opened(
        event_id=event_id,
        position=position,
        size=margin.size(position),
        liquidation_price=margin.liquidation_price(position, settings.liquidation_buffer),
    )


def _check_terms(work: Work, command: Open) -> Refused | None:
    settings, image = work.settings, work.image
    if not settings.margin_min <= command.margin <= settings.margin_max:
        low = exact_text(settings.margin_min, digits_min=0)
        high = exact_text(settings.margin_max, digits_min=0)
        return Refused(reason=Reason.BAD_AMOUNT, message=f"Margin must be between {low} and {high} USD")
    if not 1 <= command.leverage <= settings.leverage_max:
        return Refused(
            reason=Reason.BAD_LEVERAGE,
            message=f"Leverage must be a whole number from 1 to {settings.leverage_max}",
        )
    if image.held(command.wallet, Kind.AVAILABLE) < command.margin:
        return Refused(
            reason=Reason.INSUFFICIENT_BALANCE, message="Insufficient balance for margin requirement"
        )
    sides = (
        image.debits[work.account(command.wallet, Kind.AVAILABLE)],
        image.credits[work.account(command.wallet, Kind.RESERVED)],
        image.credits[TREASURY],
        image.debits[CUSTODY],
    )
    if max(sides) + command.margin > ROW_MICRO_MAX:
        return Refused(reason=Reason.LEDGER_FULL, message="The venue's ledger takes no new positions")
    return None


def close_position(work: Work, command: Close) -> Closed | Refused:
    """Close at the mark: a loss goes to the treasury, a profit is paid from it or queued."""
    position = find_open(work, command.wallets, command.position_id)
    if isinstance(position, Refused):
        return position
    failures = work.image.close_failures
    mark = tradable_mark(work, position.symbol)
    if isinstance(mark, Refused):
        failures[position.symbol] = failures.get(position.symbol, 0) + 1
        return mark
    failures[position.symbol] = 0
    event_id = work.begin()
    ended = _settle(work, position, mark)
    return Closed(event_id=event_id, position=ended, size=margin.size(ended))


def _settle(work: Work, position: Position, mark: int) -> Position:
    figures = close_figures(position, mark, work.settings)
    available = work.account(position.wallet, Kind.AVAILABLE)
    reserved = work.account(position.wallet, Kind.RESERVED)
    queued = work.account(position.wallet, Kind.QUEUED)
    paid = figures.net <= 0 or _pays_now(work, position.symbol, figures.net)
    ended = work.change(
        position,
        status=Status.SETTLED if paid else Status.CLOSED,
        exit_price=mark,
        price_pnl=figures.price_pnl,
        fee=figures.fee,
        realized=figures.net,
        closed_at_us=work.now_us,
        settled_at_us=work.now_us if paid else None,
    )
    if figures.net <= 0:
        loss = -figures.net
        work.post(Code.LOSS, reserved, TREASURY, loss, position.id)
        work.post(Code.RELEASE, reserved, available, position.margin - loss, position.id)
        work.drain()
    elif paid:
        work.post(Code.RELEASE, reserved, available, position.margin, position.id)
        work.post(Code.PROFIT, TREASURY, available, figures.net, position.id)
    else:
        work.post(Code.QUEUE, reserved, queued, position.margin, position.id)
        work.enqueue(ended, figures.net)
    return ended


def _pays_now(work: Work, symbol: str, need: int) -> bool:
    lane = work.image.lanes.get(lane_of(symbol, work.settings.queue_scope))
    return pays_at_once(need=need, treasury=work.image.balance(TREASURY), others_wait=bool(lane))
