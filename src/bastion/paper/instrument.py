"""Instrument: one perpetual contract and the filters that its venue applies to orders."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bastion.paper.money import Units, to_units


class ContractKind(StrEnum):
    """How a contract is priced and settled."""

    LINEAR = "linear"
    INVERSE = "inverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A perpetual contract.

    Quantities are in contracts of `contract_size`: base coin for linear contracts, quote currency for inverse
    ones.
    `band_up` and `band_down` bound limit prices as multiples of the mark price; `market_bound` is the largest
    relative distance from the mark price at which a market order may still fill. Fees are parts per million.
    `expires_ms` is 0 for a perpetual; a `funding_interval_ms` of 0 means the venue's own.
    """

    symbol: str
    base: str
    quote: str
    settle: str
    kind: ContractKind = ContractKind.LINEAR
    tick: Decimal
    step: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    market_quantity_max: Decimal
    notional_min: Decimal
    band_up: Decimal = Decimal("1.05")
    band_down: Decimal = Decimal("0.95")
    market_bound: Decimal = Decimal("0.05")
    maker_fee_ppm: int = 200
    taker_fee_ppm: int = 500
    contract_size: Decimal = Decimal(1)
    leverage_max: int = 100
    maintenance_ppm: int = 5_000
    orders_max: int = 200
    conditional_orders_max: int = 10
    expires_ms: int = 0
    funding_interval_ms: int = 0

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the settle-coin value of `quantity` contracts at `price`."""
        if self.kind is ContractKind.LINEAR:
            return quantity * self.contract_size * price
        return quantity * self.contract_size / price

    def value_units(self, quantity: Decimal, price: Decimal) -> Units:
        """Return `value` in booked units of the settle coin."""
        return to_units(self.settle, self.value(quantity, price))

    def quote_notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the quote-currency notional of `quantity` contracts at `price`."""
        if self.kind is ContractKind.LINEAR:
            return quantity * self.contract_size * price
        return quantity * self.contract_size
