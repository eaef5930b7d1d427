"""Actions: everything that the exchange endpoint carries out beside orders.

Source: Hyperliquid docs, "Exchange endpoint": cancel, cancelByCloid, scheduleCancel (at least 5 s ahead,
ten triggers a day, $1,000,000 of volume traded), updateLeverage, approveBuilderFee, setReferrer, noop. A
scheduled cancel takes effect at the first request after its time.
"""

from decimal import Decimal, InvalidOperation

from bastion.paper.account import MarginMode
from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Order, OrderFilter
from bastion.paper.refusal import Reason, Refused
from bastion.paper.wire.hyperliquid.answers import Denied, Done, Unreadable
from bastion.paper.wire.hyperliquid.assets import assets
from bastion.paper.wire.hyperliquid.call import Call
from bastion.paper.wire.hyperliquid.fields import is_cloid
from bastion.paper.wire.hyperliquid.memory import Memory
from bastion.paper.wire.hyperliquid.refusals import NO_ORDER

SCHEDULE_VOLUME = 1_000_000
SCHEDULE_AHEAD_MS = 5_000


def cancel(call: Call) -> Done:
    """Cancel orders by their ids: one status each, in their order."""
    action = call.fields.inner("action")
    pairs = [(item.whole("a"), item.whole("o")) for item in action.items("cancels")]
    if not pairs:
        raise Denied("Cancel batch is empty.")
    return _cancelled(call, [(asset, _by_id(call, oid)) for asset, oid in pairs])


def cancel_by_cloid(call: Call) -> Done:
    """Cancel orders by their client ids: one status each, in their order."""
    action = call.fields.inner("action")
    pairs = [(item.whole("asset"), item.text("cloid")) for item in action.items("cancels")]
    if not pairs:
        raise Denied("Cancel batch is empty.")
    if not all(is_cloid(cloid) for _, cloid in pairs):
        raise Unreadable
    return _cancelled(call, [(asset, _by_cloid(call, cloid)) for asset, cloid in pairs])


def schedule_cancel(call: Call) -> Done:
    """Set the time at which every open order is cancelled, or take it back where none is given."""
    action = call.fields.inner("action")
    if not action.has("time"):
        call.memory.schedules.pop(call.account, None)
        return Done(kind="default", executed=("the scheduled cancel is off",))
    at_ms = action.whole("time")
    volume = call.requests.volume(call.account)
    if volume < SCHEDULE_VOLUME:
        raise Denied(
            "Cannot set scheduled cancel time until enough volume traded. "
            f"Required: ${SCHEDULE_VOLUME}. Traded: ${volume.normalize():f}."
        )
    if at_ms < call.now_ms + SCHEDULE_AHEAD_MS:
        raise Denied("Scheduled cancel time must be at least 5 seconds from now.")
    if call.memory.schedules_left(call.account, call.now_ms) <= 0:
        raise Denied("Scheduled cancel has triggered too many times today.")
    call.memory.schedules[call.account] = at_ms
    return Done(kind="default", executed=(f"every order is cancelled at {at_ms}",))


def run_schedules(exchange: Exchange, memory: Memory, now_ms: int) -> None:
    """Carry out the scheduled cancels whose time has come."""
    for account, at_ms in list(memory.schedules.items()):
        if at_ms <= now_ms and memory.schedules_left(account, now_ms) > 0:
            del memory.schedules[account]
            memory.triggered_ms[account].append(now_ms)
            exchange.cancel_all(account, OrderFilter())


def update_leverage(call: Call) -> Done:
    """Set the leverage of one asset, cross or isolated."""
    action = call.fields.inner("action")
    asset = assets(call.exchange).get(action.whole("asset"))
    if asset is None:
        raise Denied("Invalid asset.")
    coin = asset.instrument.symbol
    mode = MarginMode.CROSS if action.flag("isCross") else MarginMode.ISOLATED
    try:
        call.exchange.set_leverage(call.account, coin, action.whole("leverage"))
        call.exchange.set_margin_mode(call.account, coin, mode)
    except Refused as refused:
        if refused.reason is Reason.LEVERAGE_OUT_OF_RANGE:
            raise Denied(f"Invalid leverage value. asset={asset.number}") from None
        if refused.reason is Reason.MARGIN_INSUFFICIENT:
            raise Denied(f"Insufficient margin to update leverage. asset={asset.number}") from None
        if refused.reason is not Reason.NO_CHANGE_NEEDED:
            raise Denied("Cannot switch leverage type with open position.") from None
    return Done(kind="default", executed=(f"leverage of {coin} is {action.whole('leverage')}, {mode}",))


def approve_builder_fee(call: Call) -> Done:
    """Note the fee that a builder may take; paper fills carry none."""
    action = call.fields.inner("action")
    text = action.text("maxFeeRate")
    try:
        percent = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        raise Unreadable from None
    if not text.endswith("%") or not percent.is_finite() or percent < 0:
        raise Unreadable
    call.memory.builders[call.account, action.address("builder")] = percent
    return Done(kind="default", executed=(f"a builder may take {percent} %",))


def nothing(call: Call) -> Done:
    """Accept what changes nothing here: a referrer, an action whose only use is to spend a nonce."""
    call.fields.inner("action").text("type")
    return Done(kind="default")


def _by_id(call: Call, oid: int) -> Order | None:
    return call.exchange.find_order(call.account, order_id=oid)


def _by_cloid(call: Call, cloid: str) -> Order | None:
    return call.exchange.find_order(call.account, client_order_id=cloid.lower())


def _cancelled(call: Call, found: list[tuple[int, Order | None]]) -> Done:
    statuses: list[object] = []
    executed: list[str] = []
    known = assets(call.exchange)
    for number, order in found:
        asset = known.get(number)
        is_here = order is not None and asset is not None and order.symbol == asset.instrument.symbol
        if order is None or not is_here or not order.state.is_open:
            statuses.append({"error": f"{NO_ORDER} asset={number}"})
            continue
        call.exchange.cancel(call.account, order.order_id)
        statuses.append("success")
        executed.append(f"order {order.order_id} cancelled")
    return Done(kind="cancel", statuses=statuses, executed=tuple(executed))
