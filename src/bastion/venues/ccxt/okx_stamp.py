"""OKX stamp: headers that ccxt does not send, added where ccxt signs.

Source: www.okx.com/docs-v5/en, Transaction timeouts (expTime: after that moment an order is refused, 50036)
and Demo Trading Services (x-simulated-trading). Neither is part of the signature.
"""

from typing import Any

EXPIRES_MS = 5_000
ORDERS = frozenset({"trade/order", "trade/batch-orders"})


def stamped(exchange: Any, *, demo: bool) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return ccxt's class with an expiry on every new order, and with the header of demo keys."""

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
