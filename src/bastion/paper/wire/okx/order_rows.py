"""Order rows: how an order looks in trade/order, orders-pending and orders-history.

Source: OKX v5 "GET / Order details", response parameters.
"""

from bastion.paper.exchange.checks import is_reducing
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Fill, Order, OrderKind
from bastion.paper.wire.okx.calls import SWAP, plain, rounded, trade_mode_of
from bastion.paper.wire.okx.words import (
    algo_id_of,
    cancel_source_of,
    category_of,
    client_id_of,
    order_id_of,
    position_side_of,
    side_of,
    state_of,
    trade_id_of,
    type_of,
)


def order_row(exchange: Exchange, order: Order, last: Fill | None) -> dict[str, object]:
    """Return an order; `last` is its newest execution, None where it has none."""
    request, terms = order.request, order.request.terms
    instrument = exchange.instrument(order.symbol)
    source, reason = cancel_source_of(order)
    is_limit = request.kind is OrderKind.LIMIT and request.price is not None
    return {
        "accFillSz": plain(order.executed_quantity),
        "algoClOrdId": order.client_order_id if order.parent_id and "algoType" in terms else "",
        "algoId": algo_id_of(order.parent_id) if order.parent_id else "",
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "avgPx": rounded(order.average_price) if order.executed_quantity else "",
        "cTime": str(order.created_ms),
        "cancelSource": source,
        "cancelSourceReason": reason,
        "category": category_of(order),
        "ccy": terms.get("ccy", ""),
        "clOrdId": client_id_of(order),
        "fee": plain(-order.fee),
        "feeCcy": instrument.settle,
        "fillPx": plain(last.price) if last else "",
        "fillSz": plain(last.quantity) if last else "0",
        "fillTime": str(last.time_ms) if last else "",
        "instId": order.symbol,
        "instType": SWAP,
        "isTpLimit": "false",
        "lever": str(exchange.leverage(order.account, order.symbol)),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order_id_of(order.order_id),
        "ordType": type_of(order),
        "pnl": plain(order.realized_pnl),
        "posSide": position_side_of(request.position_side),
        "px": plain(request.price) if is_limit and request.price is not None else "",
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "quickMgnType": "",
        "rebate": "0",
        "rebateCcy": instrument.settle,
        "reduceOnly": "true" if is_reducing(request) else "false",
        "side": side_of(request.direction),
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": "7" if order.parent_id else "",
        "state": state_of(order),
        "stpId": "",
        "stpMode": terms.get("stpMode", "cancel_maker"),
        "sz": plain(order.quantity),
        "tag": terms.get("tag", ""),
        "tdMode": terms.get("tdMode") or trade_mode_of(exchange, order.account, order.symbol),
        "tgtCcy": "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeId": trade_id_of(last.fill_id) if last else "",
        "tradeQuoteCcy": "",
        "uTime": str(order.updated_ms),
    }
