"""Position: what an account holds in one instrument, and the arithmetic of a fill."""

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.money import Units, from_units, to_units
from bastion.paper.order import Direction, PositionSide

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position; `quantity` is signed (long positive) and in contracts.

    `entry_units` is the settle-coin value at which what is held was bought or sold, in booked units: the
    average entry price follows from it, so that averaging never drifts from the ledger. `funding_units` is
    the funding received (negative: paid) since the position was opened, `funding_changed_units` that since
    its size last changed.
    """

    account: str
    symbol: str
    side: PositionSide
    quantity: Decimal = ZERO
    entry_units: Units = 0
    realized_units: Units = 0
    funding_units: Units = 0
    funding_changed_units: Units = 0
    opened_ms: int = 0
    updated_ms: int = 0
    changes: int = 0

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return self.quantity == 0

    @property
    def closing_direction(self) -> Direction:
        """The direction of an order that reduces this position; meaningless when flat."""
        return Direction.SELL if self.quantity > 0 else Direction.BUY

    def entry_price(self, instrument: Instrument) -> Decimal:
        """Return the average entry price, unrounded; zero when flat."""
        if self.is_flat:
            return ZERO
        value = from_units(instrument.settle, self.entry_units)
        contracts = abs(self.quantity) * instrument.contract_size
        with localcontext() as context:
            context.prec = 40
            return value / contracts if instrument.kind is ContractKind.LINEAR else contracts / value

    def unrealized_pnl(self, instrument: Instrument, mark: Decimal) -> Decimal:
        """Return the settle-coin result that closing at `mark` would have, before fees."""
        if self.is_flat:
            return ZERO
        now = instrument.value_units(abs(self.quantity), mark)
        return from_units(
            instrument.settle, _pnl_units(self.quantity > 0, instrument.kind, self.entry_units, now)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a fill did: the new position, the realised result, how much was closed and from which entry."""

    position: Position
    realized_units: Units
    closed_quantity: Decimal
    closed_entry_price: Decimal


def apply_fill(
    position: Position, instrument: Instrument, *, signed: Decimal, price: Decimal, now_ms: int
) -> Applied:
    """Return `position` after a fill of `signed` contracts (buy positive) at `price`.

    The closing part realises price minus average entry (for inverse contracts: the difference of
    reciprocals); the rest opens at `price`. A position that passes through zero gets the new price as its
    entry.
    """
    held = position.quantity
    closed = min(abs(held), abs(signed)) if held * signed < 0 else ZERO
    opened = abs(signed) - closed
    released = 0
    realized = 0
    entry_price = position.entry_price(instrument) if closed else ZERO
    if closed:
        released = (
            position.entry_units if closed == abs(held) else _share(position.entry_units, closed, abs(held))
        )
        proceeds = instrument.value_units(closed, price)
        realized = _pnl_units(held > 0, instrument.kind, released, proceeds)
    added = instrument.value_units(opened, price) if opened else 0
    quantity = held + signed
    reopened = held == 0 or held * quantity < 0
    return Applied(
        position=replace(
            position,
            quantity=quantity,
            entry_units=position.entry_units - released + added,
            realized_units=position.realized_units + realized,
            funding_units=0 if reopened else position.funding_units,
            funding_changed_units=0,
            opened_ms=now_ms if reopened else position.opened_ms,
            updated_ms=now_ms,
            changes=position.changes + 1,
        ),
        realized_units=realized,
        closed_quantity=closed,
        closed_entry_price=entry_price,
    )


def _pnl_units(is_long: bool, kind: ContractKind, entry_units: Units, exit_units: Units) -> Units:  # noqa: FBT001 - a private sign
    gain = exit_units - entry_units if kind is ContractKind.LINEAR else entry_units - exit_units
    return gain if is_long else -gain


def _share(units: Units, part: Decimal, whole: Decimal) -> Units:
    with localcontext() as context:
        context.prec = 60
        return to_units("USD", Decimal(units).scaleb(-6) * part / whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """A position with the figures a venue shows beside it, all in the settle coin but prices.

    `liquidation_price` is zero when the position cannot be liquidated at a positive price.
    """

    position: Position
    instrument: Instrument
    entry_price: Decimal
    break_even_price: Decimal
    mark_price: Decimal
    notional: Decimal
    unrealized_pnl: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    liquidation_price: Decimal
    leverage: int
    is_isolated: bool
