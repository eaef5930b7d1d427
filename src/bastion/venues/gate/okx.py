"""OKX v5 (OKX API documentation: Place order, Place algo order, Close positions).

Net mode: `reduceOnly` true can only reduce swaps and futures. Long/short mode: the flag is ignored there, and
selling with posSide long or buying with posSide short can only reduce. close-position has no opening form.
"""

import re
from collections.abc import Mapping

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, an_object, objects

_PREFIX = "/api/v5/"
_CANCELS = frozenset(
    {
        "trade/cancel-order",
        "trade/cancel-batch-orders",
        "trade/cancel-algos",
        "trade/cancel-advance-algos",
        "trade/cancel-all-after",
        "trade/mass-cancel",
    }
)
_DERIVATIVE = re.compile(r"[A-Z0-9]+-[A-Z0-9_]+-(?:SWAP|[0-9]{6})", re.ASCII)
_CLOSING = {("long", "sell"), ("short", "buy")}
_MARGINED = frozenset({"cross", "isolated"})
# Other algo orders (trigger, trailing, iceberg, twap) have forms that open.
_PROTECTIVE = frozenset({"conditional", "oco"})
# What can be attached to an order outlives it.
_ATTACHED = ("attachAlgoOrds", "tpTriggerPx", "slTriggerPx", "tpOrdPx", "slOrdPx")


def check(request: Outgoing) -> Passed:
    """Return what the request does.

    Raises:
        GateRefused: it is no read, no cancel and no order that can only reduce.
    """
    if request.method == "GET":
        return Passed.READ
    path = request.path
    name = path.partition(_PREFIX)[2]
    if request.method != "POST" or path.count(_PREFIX) != 1:
        raise GateRefused(f"{request.method} {path} is no OKX v5 call of ours")
    if name in _CANCELS:
        return Passed.CANCEL
    if name == "trade/close-position":
        _is_derivative(an_object(request.document(), "the body"))
    elif name == "trade/order":
        _order(an_object(request.document(), "the body"))
    elif name == "trade/batch-orders":
        for order in objects(request.document(), "the body"):
            _order(order)
    elif name == "trade/order-algo":
        algo = an_object(request.document(), "the body")
        if algo.get("ordType") not in _PROTECTIVE:
            raise GateRefused("only conditional and oco orders of OKX can be told to reduce")
        _reduces(algo)
    else:
        raise GateRefused(f"{path} neither reads, cancels nor reduces")
    return Passed.REDUCE


def _order(order: Mapping[str, object]) -> None:
    if any(order.get(name) for name in _ATTACHED):
        raise GateRefused("an OKX order with attached orders can do more than reduce")
    _reduces(order)


def _reduces(order: Mapping[str, object]) -> None:
    _is_derivative(order)
    if order.get("tdMode") not in _MARGINED:
        raise GateRefused("an OKX order outside cross and isolated margin is no derivative's")
    position_side = order.get("posSide") or "net"
    if position_side == "net":
        if order.get("reduceOnly") not in {True, "true"}:
            raise GateRefused("an OKX order in net mode without reduceOnly can open")
    elif (position_side, order.get("side")) not in _CLOSING:
        raise GateRefused("an OKX order in the direction of its position side opens")


def _is_derivative(order: Mapping[str, object]) -> None:
    if not _DERIVATIVE.fullmatch(str(order.get("instId"))):
        raise GateRefused("only swaps and futures of OKX can be told to reduce")
