"""Rules: which check belongs to which venue."""

from collections.abc import Callable, Mapping

from bastion.errors import Fault, VenueRejected
from bastion.venues.gate import binance, bybit, hyperliquid, okx
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed

Check = Callable[[Outgoing], Passed]
GATE_CODE = "gate"

CHECKS: Mapping[str, Check] = {
    "binance": binance.check,
    "binanceusdm": binance.check,
    "binancecoinm": binance.check,
    "bybit": bybit.check,
    "okx": okx.check,
    "hyperliquid": hyperliquid.check,
}
"""The check of each exchange, by ccxt's id of it."""


def check_of(exchange_id: str) -> Check:
    """Return the check of that exchange; one without rules of its own may only be read."""
    return CHECKS.get(exchange_id, _only_reads)


def passed(check: Check, request: Outgoing) -> Passed:
    """Return what a request that may leave does.

    Raises:
        VenueRejected: TERMINAL, code `gate`: it may not leave.
    """
    try:
        return check(request)
    except GateRefused as refusal:
        raise VenueRejected(
            f"not sent: {refusal}. This is a defect of bastion; please report it.",
            fault=Fault.TERMINAL,
            code=GATE_CODE,
        ) from None


def _only_reads(request: Outgoing) -> Passed:
    if request.method != "GET":
        raise GateRefused("this venue has no rules by which an order could be known to reduce")
    return Passed.READ
