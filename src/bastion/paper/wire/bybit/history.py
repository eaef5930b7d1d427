"""History: order/realtime, order/history, execution/list and position/closed-pnl.

Source: Bybit v5 "Get Open & Closed Orders", "Get Order History", "Get Trade History", "Get Closed PnL".
"""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.exchange.funding import FundingPayment
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import Fill, Order, OrderKind
from bastion.paper.wire.bybit import fundings, paging
from bastion.paper.wire.bybit.calls import (
    CONTRACT_CATEGORIES,
    Call,
    needs_scope,
    on_grid,
    plain,
    rounded,
    scope,
)
from bastion.paper.wire.bybit.closings import Closing, closings
from bastion.paper.wire.bybit.envelope import Outcome, wrong
from bastion.paper.wire.bybit.order_rows import (
    create_type_of,
    history_row,
    order_row,
    price_of,
    stop_kind_of,
)
from bastion.paper.wire.bybit.words import (
    STATUSES,
    execution_id_of,
    execution_kind_of,
    link_id_of,
    order_id_of,
    order_number,
    side_of,
    status_of,
)

RECENT_MAX = 500
_WEEK_MS = 7 * 24 * 3_600_000
_DAY_MS = 24 * 3_600_000
_FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
_EXECUTION_KINDS = (
    "Trade",
    "AdlTrade",
    "Funding",
    "BustTrade",
    "Delivery",
    "Settle",
    "BlockTrade",
    "MovePosition",
    "FutureSpread",
    "CorporateAction",
)


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, both ends inclusive."""

    since_ms: int
    until_ms: int

    def holds(self, moment_ms: int) -> bool:
        """Whether `moment_ms` lies in the span."""
        return self.since_ms <= moment_ms <= self.until_ms


def realtime(call: Call) -> Outcome:
    """GET /v5/order/realtime: open orders; the 500 newest done ones with openOnly=1 or when asked by id."""
    category = call.category()
    names_order = any(call.parameters.has(name) for name in ("orderId", "orderLinkId"))
    if category == "linear" and not names_order:
        needs_scope(call)
    shows_done = call.parameters.integer("openOnly") == 1
    found = _matching(call, category)
    done = [order for order in found if not order.state.is_open][-RECENT_MAX:]
    still_open = [order for order in found if order.state.is_open]
    rows = [*done, *still_open] if names_order else done if shows_done else still_open
    return _orders(call, category, rows, is_history=False)


def order_history(call: Call) -> Outcome:
    """GET /v5/order/history: done orders of the last 7 days; those without a fill of the last 24 hours."""
    category = call.category()
    span = _span(call)
    status = call.parameters.text("orderStatus")
    if status and status not in STATUSES:
        raise wrong("params error: orderStatus invalid")
    rows = [
        order
        for order in _matching(call, category)
        if not order.state.is_open
        and span.holds(order.created_ms)
        and (order.executed_quantity or order.updated_ms > call.now_ms - _DAY_MS)
        and status in {"", status_of(order)}
    ]
    return _orders(call, category, rows, is_history=True)


def executions(call: Call) -> Outcome:
    """GET /v5/execution/list: executions, newest first."""
    category = call.category()
    kind = call.parameters.choice("execType", _EXECUTION_KINDS)
    span = _span(call)
    wanted = {order.order_id: order for order in _matching(call, category, is_as_of_now=True)}
    until_ms = span.until_ms if call.at_ms is None else min(span.until_ms, call.at_ms)
    fills = call.exchange.fills(call.account, since_ms=span.since_ms, until_ms=until_ms)
    chosen: list[Fill | FundingPayment] = [
        fill for fill in fills if fill.order_id in wanted and kind in {"", execution_kind_of(fill.forced)}
    ]
    if kind in {"", "Funding"}:
        chosen += fundings.chosen(call, category, (span.since_ms, until_ms))
    if call.conditions.pretend_empty:
        chosen = []
    rows, cursor = paging.page(chosen, call.parameters, paging.EXECUTIONS, _execution_key)
    left = _leaves(call, wanted)
    listed = [
        fundings.execution(call, row)
        if isinstance(row, FundingPayment)
        else execution_row(call, row, wanted[row.order_id], left[row.fill_id])
        for row in rows
    ]
    return Outcome(result={"nextPageCursor": cursor, "category": category, "list": listed})


def closed_pnl(call: Call) -> Outcome:
    """GET /v5/position/closed-pnl: one row for each order that closed something, newest first."""
    category = call.category(CONTRACT_CATEGORIES)
    span = _span(call)
    symbol = call.instrument(category).symbol if call.parameters.has("symbol") else None
    fills = call.exchange.fills(call.account, symbol=symbol, until_ms=call.at_ms)
    rows = [
        row
        for row in closings(fills)
        if span.holds(row.updated_ms) and call.exchange.instrument(row.symbol).kind.value == category
    ]
    if call.conditions.pretend_empty:
        rows = []
    chosen, cursor = paging.page(
        rows, call.parameters, paging.CLOSED_PNL, lambda row: paging.newest_first(row.last_fill_id)
    )
    listed = [_closed_row(call, row) for row in chosen]
    return Outcome(result={"nextPageCursor": cursor, "category": category, "list": listed})


def _matching(call: Call, category: str, *, is_as_of_now: bool = False) -> list[Order]:
    """Return the orders that the parameters name: orderId before orderLinkId before symbol before coins."""
    parameters = call.parameters
    at_ms = None if is_as_of_now else call.at_ms
    if category not in CONTRACT_CATEGORIES:
        return []
    if parameters.has("orderId") or parameters.has("orderLinkId"):
        number = order_number(parameters.text("orderId")) if parameters.has("orderId") else None
        link = None if parameters.has("orderId") else parameters.text("orderLinkId")
        if number is None and link is None:
            return []
        order = call.exchange.find_order(call.account, order_id=number, client_order_id=link, at_ms=at_ms)
        is_here = order is not None and call.exchange.instrument(order.symbol).kind.value == category
        return [order] if order is not None and is_here else []
    found = call.exchange.orders(call.account, scope(call, category), at_ms=at_ms)
    kind = parameters.choice("orderFilter", _FILTERS)
    if not kind:
        return found
    if kind not in {"Order", "StopOrder"}:
        return []
    return [order for order in found if order.is_conditional == (kind == "StopOrder")]


def _orders(call: Call, category: str, rows: list[Order], *, is_history: bool) -> Outcome:
    if call.conditions.pretend_empty:
        rows = []
    chosen, cursor = paging.page(
        rows, call.parameters, paging.ORDERS, lambda order: paging.newest_first(order.order_id)
    )
    render = history_row if is_history else order_row
    listed = [render(call.exchange, order) for order in chosen]
    return Outcome(result={"list": listed, "nextPageCursor": cursor, "category": category})


def _span(call: Call) -> Span:
    since = call.parameters.integer("startTime")
    until = call.parameters.integer("endTime")
    if since is not None and until is not None:
        if not 0 <= until - since <= _WEEK_MS:
            raise wrong("The time range between startTime and endTime cannot exceed 7 days")
        return Span(since, until)
    if since is not None:
        return Span(since, since + _WEEK_MS)
    until = until if until is not None else call.now_ms + 1
    return Span(until - _WEEK_MS, until)


def _leaves(call: Call, orders: dict[int, Order]) -> dict[int, Decimal]:
    """Return by fill id what its order had left after it."""
    done: dict[int, Decimal] = {}
    left = {}
    for fill in call.exchange.fills(call.account):
        if fill.order_id in orders:
            done[fill.order_id] = done.get(fill.order_id, Decimal(0)) + fill.quantity
            left[fill.fill_id] = orders[fill.order_id].quantity - done[fill.order_id]
    return left


def _execution_key(row: Fill | FundingPayment) -> str:
    number = 2 * row.fill_id if isinstance(row, Fill) else 2 * row.payment_id + 1
    return f"{paging.newest_first(row.time_ms)}-{paging.newest_first(number)}"


def execution_row(call: Call, fill: Fill, order: Order, left: Decimal) -> dict[str, object]:
    """Return an execution as execution/list shows it; `left` is what the order had left after it."""
    instrument = call.exchange.instrument(fill.symbol)
    fee_ppm = instrument.maker_fee_ppm if fill.is_maker else instrument.taker_fee_ppm
    return {
        "symbol": fill.symbol,
        "orderId": order_id_of(fill.order_id),
        "orderLinkId": link_id_of(order),
        "side": side_of(fill.direction),
        "orderPrice": price_of(order, instrument),
        "orderQty": on_grid(fill.order_quantity, instrument.step),
        "leavesQty": on_grid(left, instrument.step),
        "createType": create_type_of(order),
        "orderType": _kind(fill.order_kind),
        "stopOrderType": stop_kind_of(order),
        "execFee": plain(fill.fee),
        "execFeeV2": "",
        "execId": execution_id_of(fill.fill_id),
        "execPrice": on_grid(fill.price, instrument.tick),
        "execQty": on_grid(fill.quantity, instrument.step),
        "execType": execution_kind_of(fill.forced),
        "execValue": plain(fill.value),
        "execTime": str(fill.time_ms),
        "feeCurrency": fill.fee_coin,
        "isMaker": fill.is_maker,
        "feeRate": plain(Decimal(fee_ppm).scaleb(-6)),
        "tradeIv": "",
        "markIv": "",
        # The mark price of that moment is not kept.
        "markPrice": "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": on_grid(fill.closed_quantity, instrument.step),
        "seq": fill.fill_id,
        "extraFees": "",
    }


def _closed_row(call: Call, row: Closing) -> dict[str, object]:
    instrument = call.exchange.instrument(row.symbol)
    order = call.exchange.find_order(call.account, order_id=row.order_id)
    return {
        "symbol": row.symbol,
        "orderId": order_id_of(row.order_id),
        "side": side_of(row.direction),
        "qty": on_grid(row.order_quantity, instrument.step),
        "orderPrice": price_of(order, instrument) if order is not None else "0",
        "orderType": _kind(row.order_kind),
        "execType": execution_kind_of(order.request.forced if order is not None else None),
        "closedSize": on_grid(row.closed, instrument.step),
        "cumEntryValue": rounded(_value(instrument, row.closed, row.entry_price)),
        "avgEntryPrice": rounded(row.entry_price),
        "cumExitValue": rounded(_value(instrument, row.closed, row.exit_price)),
        "avgExitPrice": rounded(row.exit_price),
        "closedPnl": rounded(row.realized_pnl - row.open_fee - row.close_fee),
        "fillCount": str(row.fill_count),
        "leverage": str(call.exchange.leverage(call.account, row.symbol)),
        "openFee": rounded(row.open_fee),
        "closeFee": rounded(row.close_fee),
        "createdTime": str(row.created_ms),
        "updatedTime": str(row.updated_ms),
    }


def _value(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    if instrument.kind is ContractKind.INVERSE and not price:
        return Decimal(0)
    return instrument.value(quantity, price)


def _kind(kind: OrderKind) -> str:
    return "Market" if kind is OrderKind.MARKET else "Limit"
