"""Algos: order-algo, cancel-algos and orders-algo-pending.

Source: OKX v5 "POST / Place algo order", "POST / Cancel algo order", "GET / Algo order list". One list is
read for each ordType (conditional and oco together, if asked so). A trailing, iceberg, TWAP or chase order
cannot be placed on paper; a scenario can let an account hold one.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import Instrument
from bastion.paper.order import (
    Direction,
    Order,
    OrderFilter,
    OrderKind,
    OrderRequest,
    OrderState,
    PositionSide,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.okx import paging
from bastion.paper.wire.okx.algo_rows import algo_row
from bastion.paper.wire.okx.beside import Beside
from bastion.paper.wire.okx.calls import Call, find_instrument, wants
from bastion.paper.wire.okx.envelope import OK, OkxError, Outcome, missing, not_modelled, of_orders, wrong
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.okx.placing import accept, check_batch, client_id, position_side, terms_of, told
from bastion.paper.wire.okx.refusals import translated
from bastion.paper.wire.okx.words import SIDES, TRADE_MODES, algo_id_of, algo_number

CANCELS_MAX = 10
TYPES = ("conditional", "oco", "chase", "trigger", "move_order_stop", "iceberg", "twap", "smart_iceberg")

_MODELLED = ("conditional", "oco", "trigger")
_WATCHES = {"last": TriggerPrice.LAST, "mark": TriggerPrice.MARK, "index": TriggerPrice.MARK}
_MARKET = Decimal(-1)
_WHOLE = Decimal(1)
# Would trigger at once: by (is take profit, direction of the order).
_AT_ONCE = {
    (True, Direction.BUY): ("51277", "TP trigger price cannot be higher than the last price."),
    (False, Direction.BUY): ("51278", "SL trigger price cannot be lower than the last price."),
    (True, Direction.SELL): ("51279", "TP trigger price cannot be lower than the last price."),
    (False, Direction.SELL): ("51280", "SL trigger price cannot be higher than the last price."),
}


def order_algo(call: Call) -> Outcome:
    """POST /api/v5/trade/order-algo."""
    parameters = call.parameters
    try:
        instrument = find_instrument(call.exchange, parameters.required("instId"))
        mode = parameters.must_choose("tdMode", TRADE_MODES)
        kind = parameters.must_choose("ordType", TYPES)
        if kind not in _MODELLED:
            raise not_modelled(f"ordType {kind}")
        orders = [_accepted(call, instrument, mode, request) for request in _read(call, instrument, kind)]
    except OkxError as error:
        return of_orders([_refused(parameters, error)], [])
    first = orders[0]
    for other in orders[1:]:
        call.beside.pair(first.order_id, other.order_id)
    row = {
        "algoId": algo_id_of(first.order_id),
        "clOrdId": "",
        "algoClOrdId": parameters.text("algoClOrdId"),
        "tag": parameters.text("tag"),
        "sCode": OK,
        "sMsg": "",
    }
    return of_orders([row], [told(order) for order in orders])


def cancel_algos(call: Call) -> Outcome:
    """POST /api/v5/trade/cancel-algos: at most 10, each stands or falls alone."""
    check_batch(call, CANCELS_MAX)
    rows: list[Mapping[str, object]] = []
    executed: list[str] = []
    for item in call.items:
        try:
            rows.append({**_ids(item), "sCode": OK, "sMsg": "", "tag": ""})
            executed.append(_cancel(call, item))
        except OkxError as error:
            rows[-1] = _refused(item, error)
    return of_orders(rows, executed)


def orders_algo_pending(call: Call) -> Outcome:
    """GET /api/v5/trade/orders-algo-pending: those of one ordType, newest first."""
    parameters = call.parameters
    kinds = parameters.required("ordType").split(",")
    combined = len(kinds) > 1 and not set(kinds) <= {"conditional", "oco"}
    if combined or not set(kinds) <= set(TYPES):
        raise wrong("ordType")
    waiting = call.exchange.open_orders(call.account, OrderFilter(conditional=True), at_ms=call.at_ms)
    rows: list[Mapping[str, object]] = []
    for order in waiting:
        partner = call.beside.partner(order.order_id)
        if partner is not None and partner < order.order_id:
            continue  # The second half of a pair is told with the first.
        other = None if partner is None else call.exchange.find_order(call.account, order_id=partner)
        instrument = call.exchange.instrument(order.symbol)
        row = algo_row(call.exchange, order, other)
        if row["ordType"] in kinds and wants(parameters, instrument):
            rows.append(row)
    foreign = [algo.row for algo in call.beside.algos(call.account)]
    rows += [row for row in foreign if row["ordType"] in kinds and _is_asked(parameters, row)]
    if parameters.has("algoId"):
        rows = [row for row in rows if row["algoId"] == parameters.text("algoId")]
    if call.conditions.pretend_empty:
        rows = []
    return Outcome(data=paging.page(rows, parameters, lambda row: int(str(row["algoId"]))))


def settle_pairs(exchange: Exchange, beside: Beside, accounts: Sequence[str]) -> None:
    """Cancel the other half of each pair of which one half is done."""
    for pair in beside.pairs():
        for account in accounts:
            found = [exchange.find_order(account, order_id=number) for number in pair]
            orders = [order for order in found if order is not None]
            waiting = [order for order in orders if order.state is OrderState.UNTRIGGERED]
            if orders and len(waiting) < len(orders):
                beside.unpair(pair[0])
                for order in waiting:
                    exchange.cancel(account, order.order_id)


def _read(call: Call, instrument: Instrument, kind: str) -> list[OrderRequest]:
    parameters = call.parameters
    direction = SIDES[parameters.must_choose("side", SIDES)]
    side = position_side(call, parameters)
    fraction = parameters.number("closeFraction")
    if fraction is not None and fraction != _WHOLE:
        raise wrong("closeFraction")
    reduces = parameters.flag("reduceOnly")
    if fraction is not None and side is PositionSide.NET and not reduces:
        raise OkxError("51328", "closeFraction is only available for reduceOnly orders.")
    quantity = parameters.number("sz")
    if quantity is None and fraction is None:
        raise missing("sz")
    base = {
        "symbol": instrument.symbol,
        "direction": direction,
        "quantity": quantity if quantity is not None and fraction is None else Decimal(0),
        "position_side": side,
        "reduce_only": reduces and side is PositionSide.NET,
        "close_position": fraction is not None,
        "ends_with_position": fraction is not None or parameters.flag("cxlOnClosePos"),
    }
    legs = _legs(call, instrument, kind, direction)
    link = client_id(parameters, "algoClOrdId")
    kind_word = "oco" if len(legs) > 1 else kind
    found: list[OrderRequest] = []
    for name, trigger, price in legs:
        found.append(
            OrderRequest(
                **base,  # type: ignore[arg-type]  # one table for both legs
                kind=OrderKind.MARKET if price == _MARKET else OrderKind.LIMIT,
                price=None if price == _MARKET else price,
                trigger=trigger,
                client_order_id="" if found else link,
                terms=terms_of(parameters, algoType=kind_word, leg=name, watches=_watch(parameters, name)),
            )
        )
    return found


def _legs(
    call: Call, instrument: Instrument, kind: str, direction: Direction
) -> list[tuple[str, Trigger, Decimal]]:
    parameters = call.parameters
    prefixes = ("",) if kind == "trigger" else ("sl", "tp")
    legs: list[tuple[str, Trigger, Decimal]] = []
    for prefix in prefixes:
        name = f"{prefix}TriggerPx" if prefix else "triggerPx"
        level = parameters.number(name)
        if level is None:
            continue
        if level <= 0:
            raise wrong(name)
        price = parameters.number(f"{prefix}OrdPx" if prefix else "orderPx")
        if price is None:
            raise missing(f"{prefix}OrdPx" if prefix else "orderPx")
        watches = _WATCHES[_watch(parameters, prefix)]
        now = _price(call.exchange, instrument, watches)
        # A stop of a seller waits below the market, its take profit above; a plain trigger, where it is.
        rises = level > now if not prefix else (prefix == "tp") == (direction is Direction.SELL)
        if level == now or (level > now) is not rises:
            raise OkxError(*_AT_ONCE[prefix == "tp", direction])
        when = TriggerWhen.RISES_TO if rises else TriggerWhen.FALLS_TO
        legs.append((prefix, Trigger(price=level, when=when, watches=watches), price))
    if not legs or (kind == "oco" and len(legs) < 2):  # noqa: PLR2004 - both halves
        raise missing("triggerPx" if kind == "trigger" else "slTriggerPx")
    return legs


def _watch(parameters: Parameters, prefix: str) -> str:
    name = f"{prefix}TriggerPxType" if prefix else "triggerPxType"
    return parameters.choice(name, _WATCHES, "last")


def _price(exchange: Exchange, instrument: Instrument, watches: TriggerPrice) -> Decimal:
    if watches is TriggerPrice.MARK:
        return exchange.mark_price(instrument.symbol)
    return exchange.last_price(instrument.symbol)


def _accepted(call: Call, instrument: Instrument, mode: str, request: OrderRequest) -> Order:
    try:
        return accept(call, instrument, mode, request)
    except Refused as refused:
        if refused.reason is Reason.WOULD_TRIGGER_AT_ONCE:
            raise OkxError(*_AT_ONCE[False, request.direction]) from None
        raise translated(refused, request=request, coin=instrument.settle) from None


def _cancel(call: Call, item: Parameters) -> str:
    find_instrument(call.exchange, item.required("instId"))
    algo_id, link = item.text("algoId"), item.text("algoClOrdId")
    if not algo_id and not link:
        raise OkxError("51000", "Either parameter algoId or algoClOrdId is required.")
    if algo_id and call.beside.cancel_algo(call.account, algo_id):
        return f"algo order {algo_id} cancelled"
    number = algo_number(algo_id) if algo_id else None
    found = (
        call.exchange.find_order(call.account, order_id=number, conditional=True)
        if number is not None
        else call.exchange.find_order(call.account, client_order_id=link, conditional=True)
        if link and not algo_id
        else None
    )
    if found is None or found.state is not OrderState.UNTRIGGERED:
        raise OkxError("51400", "Cancellation failed as the order does not exist.")
    done = call.exchange.cancel(call.account, found.order_id)
    partner = call.beside.partner(found.order_id)
    call.beside.unpair(found.order_id)
    if partner is not None:
        call.exchange.cancel(call.account, partner)
    return told(done)


def _ids(item: Parameters) -> dict[str, object]:
    return {"algoId": item.text("algoId"), "algoClOrdId": item.text("algoClOrdId"), "clOrdId": ""}


def _refused(item: Parameters, error: OkxError) -> dict[str, object]:
    return {**_ids(item), "tag": "", "sCode": error.code, "sMsg": error.message}


def _is_asked(parameters: Parameters, row: Mapping[str, object]) -> bool:
    names = ("instType", "instId")
    return all(not parameters.has(name) or parameters.text(name) == row.get(name) for name in names)
