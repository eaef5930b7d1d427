"""Bybit v5, linear and inverse (Bybit v5 documentation: Place Order, Batch Place Order, Set Trading Stop).

`reduceOnly: true` can only reduce in both position modes; what a trading stop attaches to a position can only
close it. Spot has no such flag, and an option's is not ours to send.
"""

from collections.abc import Mapping

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, an_object, objects

_PREFIX = "/v5/"
_CANCELS = frozenset(
    {"order/cancel", "order/cancel-all", "order/cancel-batch", "order/disconnected-cancel-all"}
)
_CATEGORIES = frozenset({"linear", "inverse"})


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
        raise GateRefused(f"{request.method} {path} is no Bybit v5 call of ours")
    if name in _CANCELS:
        return Passed.CANCEL
    body = an_object(request.document(), "the body")
    if name in {"order/create", "order/create-batch", "position/trading-stop"}:
        if body.get("category") not in _CATEGORIES:
            raise GateRefused("only linear and inverse orders of Bybit can be told to reduce")
        if name == "order/create":
            _reduces(body)
        elif name == "order/create-batch":
            for order in objects(body.get("request"), "request"):
                _reduces(order)
        return Passed.REDUCE
    raise GateRefused(f"{path} neither reads, cancels nor reduces")


def _reduces(order: Mapping[str, object]) -> None:
    if order.get("reduceOnly") is not True:
        raise GateRefused("a Bybit order without reduceOnly can open")
    if order.get("category", "linear") not in _CATEGORIES:
        raise GateRefused("only linear and inverse orders of Bybit can be told to reduce")
