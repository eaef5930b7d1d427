"""OKX orders: closing orders and cancels in the venue's own form.

Source: www.okx.com/docs-v5/en, Place order, Close positions, Cancel multiple orders, Cancel algo order.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.domain.money import ZERO, floor_to_step
from bastion.domain.order import Direction, OpenOrder, OrderKind, OrderRequest
from bastion.domain.position import Position, Side
from bastion.venues.ccxt.okx_rows import mode_of
from bastion.venues.ccxt.shelf import Instruments
from bastion.venues.raw import plain

ORDERS_A_CANCEL = 20
ALGOS_A_CANCEL = 10

Params = dict[str, object]

_TYPES = {OrderKind.IOC: "ioc", OrderKind.RESTING: "limit"}


def order_params(request: OrderRequest, price: Decimal | None) -> Params:
    """Return the parameters of Place order for a closing order: at market, or with a price as its kind says.

    In net mode reduceOnly is always true; in long/short mode posSide is the position's own, against which the
    order's side can only close. tdMode is copied from the position, never from a setting: an order of the
    other margin mode would not find it (51169).
    """
    position = request.position
    params: Params = {
        "instId": position.instrument,
        "tdMode": mode_of(position.category),
        "side": request.direction.value.lower(),
        "ordType": "market" if price is None else _TYPES[request.kind],
        "sz": plain(request.quantity),
        "clOrdId": request.client_order_id,
        "reduceOnly": "true",
    }
    if price is not None:
        params["px"] = plain(price)
    return params | _leg(position)


def close_params(request: OrderRequest) -> Params:
    """Return the parameters of Close positions: the whole position, its pending close orders with it."""
    position = request.position
    return {
        "instId": position.instrument,
        "mgnMode": mode_of(position.category),
        "autoCxl": True,
        "clOrdId": request.client_order_id,
    } | _leg(position)


def order_cancel(order: OpenOrder) -> Params:
    """Return what names a working order in a cancel."""
    return {"instId": order.instrument, "ordId": order.order_id}


def algo_cancel(order: OpenOrder) -> Params:
    """Return what names an algo order in a cancel."""
    return {"instId": order.instrument, "algoId": order.order_id}


def chunks(orders: Sequence[OpenOrder], size: int) -> list[tuple[OpenOrder, ...]]:
    """Return the orders in groups of at most `size`, in their order."""
    return [tuple(orders[at : at + size]) for at in range(0, len(orders), size)]


def bounded(
    request: OrderRequest, instruments: Instruments | None, limits: Mapping[str, Decimal | None]
) -> Decimal | None:
    """Return the limit price on the tick and within the venue's price limits (`buyLmt`, `sellLmt`).

    A price beyond the limit would be refused (51135, 51136); the limit itself is the most that may be asked.
    """
    price = request.limit_price
    if price is None:
        return None
    buys = request.direction is Direction.BUY
    limit = limits.get("buyLmt" if buys else "sellLmt")
    wanted: Decimal = price
    if limit is not None:
        wanted = min(wanted, limit) if buys else max(wanted, limit)
    return _on_tick(request, wanted, instruments)


def _on_tick(request: OrderRequest, price: Decimal, instruments: Instruments | None) -> Decimal:
    position = request.position
    known = (instruments or {}).get((position.category, position.instrument))
    if known is None or known.price_tick == ZERO:
        return price
    below = floor_to_step(price, known.price_tick)
    # Rounded away from the bound, never beyond it: the price limits of the venue stand on the tick.
    up = request.direction is Direction.SELL and below != price
    return below + known.price_tick if up else below


def _leg(position: Position) -> Params:
    if not position.hedged:
        return {}
    return {"posSide": "long" if position.side is Side.LONG else "short"}
