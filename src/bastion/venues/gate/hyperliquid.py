"""Hyperliquid (Hyperliquid API documentation: Exchange endpoint, Place an order, Cancel a TWAP order).

`r` true can only reduce a perpetual. Spot assets, numbered from 10,000 to 99,999, have no position to reduce.
A builder's code that takes a fee is refused. A TWAP can be ended and not begun.
"""

from collections.abc import Mapping

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, an_object, objects

_CANCELS = frozenset({"cancel", "cancelByCloid", "scheduleCancel"})
_GROUPINGS = frozenset({"na", "normalTpsl", "positionTpsl"})
_SPOT = range(10_000, 100_000)


def check(request: Outgoing) -> Passed:
    """Return what the request does.

    Raises:
        GateRefused: it is no read, no cancel and no order that can only reduce.
    """
    path = request.path
    if request.method != "POST":
        raise GateRefused(f"{request.method} is no call of ours to Hyperliquid")
    if path.endswith("/info"):
        return Passed.READ
    if not path.endswith("/exchange"):
        raise GateRefused(f"{path} is no endpoint of Hyperliquid")
    action = an_object(an_object(request.document(), "the body").get("action"), "the action")
    kind = action.get("type")
    if kind in _CANCELS:
        return Passed.CANCEL
    if kind == "twapCancel":
        _ends_a_twap(action)
        return Passed.CANCEL
    if kind != "order":
        raise GateRefused(f"the action {str(kind)[:40]!r} neither cancels nor reduces")
    builder = action.get("builder")
    if builder is not None and an_object(builder, "the builder").get("f") != 0:
        raise GateRefused("a builder's code on an order takes a fee")
    if action.get("grouping", "na") not in _GROUPINGS:
        raise GateRefused("the grouping of the orders is not known")
    for order in objects(action.get("orders"), "orders"):
        _reduces(order)
    return Passed.REDUCE


def _ends_a_twap(action: Mapping[str, object]) -> None:
    numbers = [action.get(name) for name in ("a", "t")]
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
    if action.keys() != {"type", "a", "t"} or not whole:
        raise GateRefused("the cancel of a TWAP names an asset and a TWAP, and nothing else")


def _reduces(order: Mapping[str, object]) -> None:
    asset = order.get("a")
    if isinstance(asset, bool) or not isinstance(asset, int) or asset < 0 or asset in _SPOT:
        raise GateRefused("the asset of an order is no perpetual")
    if order.get("r") is not True:
        raise GateRefused("a Hyperliquid order that is not reduce-only can open")
