"""Fees: what a fill costs, in booked units."""

from bastion.paper.money import Units

_PPM = 1_000_000


def fee_units(value_units: Units, fee_ppm: int) -> Units:
    """Return the fee on a fill worth `value_units`, rounded half up; negative for a rebate."""
    return (abs(value_units) * fee_ppm * 2 + _PPM) // (2 * _PPM)
