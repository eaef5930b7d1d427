"""Instrument: one contract of a venue and the limits that its orders must keep."""

from decimal import Decimal

from bastion.domain.money import ZERO, Quantity
from bastion.shape import dataclass

NO_LIMIT = Quantity(ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract. `id` is the venue's own name for it; `category` is the venue's product family.

    A limit of zero means that the venue states none. Quantities are in the venue's order unit;
    `contract_size` is the amount of base (linear) or of USD (inverse) that one such unit stands for.
    `number` is the venue's number of the contract, where its orders name contracts so.
    """

    id: str
    category: str
    symbol: str
    base: str
    settle: str
    inverse: bool = False
    contract_size: Decimal = Decimal(1)
    quantity_step: Decimal = ZERO
    quantity_min: Quantity = NO_LIMIT
    market_quantity_max: Quantity = NO_LIMIT
    price_tick: Decimal = ZERO
    number: int | None = None
