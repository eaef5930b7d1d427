"""OKX stamp: headers that ccxt does not send, added where ccxt signs.

Source: www.okx.com/docs-v5/en, Transaction timeouts (expTime: after that moment an order is refused, 50036)
and Demo Trading Services (x-simulated-trading). Neither is part of the signature.
"""

from typing import Any

from bastion.venues.ccxt.door import Later
from bastion.venues.encoders.okx import EXPIRES_MS

ORDERS = frozenset({"trade/order", "trade/batch-orders"})


def stamped(exchange: Any, *, demo: bool) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return ccxt's class with an expiry on every new order, and with the header of demo keys."""
    if isinstance(exchange, Later):
        return Later(exchange.__name__, lambda: stamped(exchange.load(), demo=demo))

    class Stamped(exchange):  # type: ignore[misc]
        def sign(self, path: str, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
            request = super().sign(path, *rest, **named)
            headers = dict(request["headers"] or {})
            if path in ORDERS and request["method"] == "POST":
                headers["expTime"] = str(self.stamp_ms() + EXPIRES_MS)
            if demo:
                headers["x-simulated-trading"] = "1"
            return {**request, "headers": headers or None}

    Stamped.__name__ = exchange.__name__
    return Stamped
