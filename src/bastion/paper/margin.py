"""Margin: what a position binds, and where it would be liquidated."""

from decimal import Decimal

from bastion.paper.instrument import ContractKind

ZERO = Decimal(0)
_PPM = Decimal(1_000_000)


def initial_margin(value: Decimal, leverage: int) -> Decimal:
    """Return the margin that a position worth `value` binds at `leverage`."""
    return value / leverage


def maintenance_margin(value: Decimal, maintenance_ppm: int) -> Decimal:
    """Return the least equity that keeps a position worth `value` from liquidation."""
    return value * maintenance_ppm / _PPM


def liquidation_price(
    *,
    kind: ContractKind,
    signed_contracts: Decimal,
    entry_price: Decimal,
    collateral: Decimal,
    maintenance_ppm: int,
) -> Decimal:
    """Return the mark price at which equity falls to the maintenance margin, or zero when there is none.

    `signed_contracts` is quantity times contract size, long positive. `collateral` is the wallet balance that
    backs the position, less the maintenance and plus the unrealised result of everything else that it backs.
    This is the one-bracket form of the venues' published formula: it solves collateral + PnL(price) =
    maintenance(price).
    """
    if signed_contracts == 0 or entry_price <= 0:
        return ZERO
    rate = maintenance_ppm / _PPM
    sign = 1 if signed_contracts > 0 else -1
    contracts = abs(signed_contracts)
    if kind is ContractKind.LINEAR:
        price = (collateral - sign * contracts * entry_price) / (contracts * (rate - sign))
    else:
        backing = collateral + sign * contracts / entry_price
        if sign * backing <= 0:
            return ZERO
        price = contracts * (1 + sign * rate) / (sign * backing)
    return max(price, ZERO)
