"""Positions: what is open on every account, what could not be read, and what would hinder an exit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.practice import said
from bastion.commands.readings import AccountReading
from bastion.commands.sharing import FRESH_S
from bastion.domain.act import Act
from bastion.domain.money import ZERO
from bastion.domain.position import Position, Side
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING
from bastion.ports import Venue
from bastion.shape import dataclass

PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One open position. Figures that the venue did not give are None, never zero.

    As the interface has it, `size_usd` is the margin and `unrealized_pnl_pct` the return on it in percent;
    `leverage` is the venue's word, or, where it gives none, the notional over the margin.
    `position_id` is the venue's own, where positions have one. `notional_usd`, `margin_usd` and
    `price_move_pct` say the same things without ambiguity.
    """

    symbol: str
    direction: Side
    entry_price: Decimal | None
    current_price: Decimal | None
    leverage: Decimal | None
    unrealized_pnl_pct: Decimal | None
    unrealized_pnl_usd: Decimal | None
    size_usd: Decimal | None
    exchange: str
    account: str
    quantity: Decimal
    notional_usd: Decimal | None
    margin_usd: Decimal | None
    price_move_pct: Decimal | None
    liquidation_price: Decimal | None
    position_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadAccount:
    """A part of an account that could not be read; what stands there is unknown, not nothing."""

    exchange: str
    account: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsReport:
    """All open positions, largest notional first, with all that qualifies the list."""

    summary: str
    positions: tuple[PositionRow, ...]
    unread: tuple[UnreadAccount, ...]
    warnings: tuple[str, ...]
    read_at: str


async def positions(desk: Desk, principal: Principal) -> PositionsReport:
    """Return every open position of every account that the principal may see.

    They were read within the last `sharing.FRESH_S` seconds.

    Raises:
        ScopeDenied: the principal lacks the read scope, or may only stop.
        Refused: the principal may see no account of this desk.
    """
    permit(principal, Act.POSITIONS)
    reading_time_ns, readings = await visible_readings(desk, principal)
    rows = [row_of(position, reading.venue) for reading in readings for position in reading.look.positions]
    rows.sort(key=lambda row: (-(row.notional_usd or ZERO), row.account, row.symbol, row.direction))
    unread = tuple(
        UnreadAccount(
            exchange=reading.venue.account.venue,
            account=reading.venue.account.name,
            part=part.part,
            reason=part.reason,
        )
        for reading in readings
        for part in reading.look.missed
    )
    return PositionsReport(
        summary=said(desk, _summary(rows, unread, accounts=len(readings))),
        positions=tuple(rows),
        unread=unread,
        warnings=tuple(warning for reading in readings for warning in (*reading.warnings, *_notes(reading))),
        read_at=moment(reading_time_ns),
    )


async def visible_readings(
    desk: Desk, principal: Principal, *, within_s: float = FRESH_S
) -> tuple[int, tuple[AccountReading, ...]]:
    """Return when the accounts were read, and the readings of those that the principal may see.

    With `within_s` zero they are read anew.

    Raises:
        Refused: the principal may see no account of this desk.
    """
    names = {account.name for account in covered(principal, desk.accounts, EVERYTHING)}
    at_ns, readings = await desk.readings.recent(within_s=within_s)
    return at_ns, tuple(reading for reading in readings if reading.venue.account.name in names)


def _notes(reading: AccountReading) -> tuple[str, ...]:
    account = reading.venue.account
    return tuple(f"{account.name} ({account.venue}): {note}." for note in reading.look.notes)


async def check_access(desk: Desk) -> tuple[str, ...]:
    """Return what a person should mend before the emergency, such as a credential that cannot trade."""
    return tuple(warning for reading in (await desk.readings.recent())[1] for warning in reading.warnings)


def moment(at_ns: int) -> str:
    """Return a time in UTC nanoseconds since the epoch as ISO-8601 with milliseconds and a Z."""
    whole = datetime.fromtimestamp(at_ns // 1_000_000_000, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_ns // 1_000_000 % 1000:03d}Z"


def row_of(position: Position, venue: Venue) -> PositionRow:
    """Return the row of one position; percentages are rounded to two decimals."""
    margin = position.margin_usd
    if margin is None and position.notional_usd is not None and position.leverage:
        margin_value: Decimal | None = position.notional_usd / position.leverage
    else:
        margin_value = margin
    pnl = position.unrealized_pnl_usd
    return PositionRow(
        symbol=position.symbol,
        direction=position.side,
        entry_price=position.entry_price,
        current_price=position.mark_price,
        leverage=_leverage(position, margin_value),
        unrealized_pnl_pct=_percent(pnl, margin_value),
        unrealized_pnl_usd=pnl,
        size_usd=margin_value,
        exchange=venue.account.venue,
        account=venue.account.name,
        quantity=position.quantity,
        notional_usd=position.notional_usd,
        margin_usd=margin_value,
        price_move_pct=_price_move(position),
        liquidation_price=position.liquidation_price,
        position_id=position.position_id or None,
    )


def _leverage(position: Position, margin: Decimal | None) -> Decimal | None:
    # Not every venue names it beside a position; what it means is the notional over the margin.
    if position.leverage is not None or position.notional_usd is None or not margin:
        return position.leverage
    return (position.notional_usd / margin).quantize(PERCENT)


def _price_move(position: Position) -> Decimal | None:
    # In favour of the position is positive, as with the PnL.
    if position.entry_price is None or position.mark_price is None:
        return None
    move = position.mark_price - position.entry_price
    return _percent(move if position.side is Side.LONG else -move, position.entry_price)


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or not whole:
        return None
    return (part / whole * 100).quantize(PERCENT, ROUND_HALF_EVEN)


def _summary(rows: Sequence[PositionRow], unread: Sequence[UnreadAccount], *, accounts: int) -> str:
    noun = "position" if len(rows) == 1 else "positions"
    exposure = sum((row.notional_usd for row in rows if row.notional_usd is not None), ZERO)
    sentence = f"{len(rows)} open {noun} on {accounts} account{'' if accounts == 1 else 's'}"
    if rows:
        sentence += f", exposure {exposure:,.2f} USD"
    if unread:
        names = ", ".join(sorted({part.account for part in unread}))
        sentence += f"; NOT READ: {names}"
    return sentence + "."
