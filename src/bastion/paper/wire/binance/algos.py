"""Algos: TWAP orders of USD-M contracts, which the venue carries out by itself, and the spot host lists.

Sources: developers.binance.com, Algo Trading, Future Algo: Time-Weighted Average Price New Order (a notional
of 1,000 to 1,000,000 USDT, 300 to 86,400 s; that a suborder leaves each minute follows from "quantity * 60 /
duration should be larger than minQty"), Query Current Algo Open Orders, Cancel Algo Order; -20124 and its
text are of ccxt's table of errors. A slice is carried out at the first request after its time.
"""

from decimal import ROUND_FLOOR, Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Direction, OrderKind, OrderRequest, PositionSide, TimeInForce
from bastion.paper.refusal import Refused
from bastion.paper.wire.binance.algo_book import AlgoBook, Twap
from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError
from bastion.paper.wire.binance.symbols import instrument_of

ZERO = Decimal(0)
SLICE_S = 60
SECONDS_LEAST, SECONDS_MOST = 300, 86_400
NOTIONAL_LEAST, NOTIONAL_MOST = Decimal(1_000), Decimal(1_000_000)
FIRST_ID = 14_511
_SIDES = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
_MILLI = 1_000


def run(algos: AlgoBook, exchange: Exchange, now_ms: int) -> None:
    """Send the suborders that are due, and end what is done."""
    for twap in algos.twaps:
        count = max(1, twap.seconds // SLICE_S)
        while twap.runs and twap.began_ms + twap.slices * SLICE_S * _MILLI <= now_ms:
            _slice(exchange, twap, count)
            twap.runs = twap.slices < count and twap.executed < twap.quantity


def place_twap(call: Call) -> Reply:
    """POST /sapi/v1/algo/futures/newOrderTwap: its first suborder leaves at once."""
    parameters = call.parameters
    instrument = instrument_of(call, parameters.text("symbol"))
    quantity, seconds = parameters.decimal("quantity"), parameters.whole("duration")
    if not SECONDS_LEAST <= seconds <= SECONDS_MOST:
        raise BinanceError(-20194 if seconds < SECONDS_LEAST else -20195, "Duration is out of its range.")
    notional = quantity * call.exchange.mark_price(instrument.symbol)
    if not NOTIONAL_LEAST <= notional <= NOTIONAL_MOST:
        code = -20196 if notional < NOTIONAL_LEAST else -20197
        raise BinanceError(code, "The total size is out of its range.")
    side = parameters.choice("side", Direction, -1117, "Invalid side.")
    leg = parameters.text_or_none("positionSide") or "BOTH"
    if leg not in _SIDES:
        raise BinanceError(-1116, "Invalid positionSide.")
    twap = Twap(
        algo_id=FIRST_ID + len(call.algos.twaps),
        account=call.account,
        symbol=instrument.symbol,
        direction=side,
        position_side=leg,
        quantity=quantity,
        reduce_only=parameters.flag("reduceOnly"),
        client_id=parameters.client_id("clientAlgoId") or f"{FIRST_ID + len(call.algos.twaps):032d}",
        seconds=seconds,
        began_ms=call.now_ms,
    )
    call.algos.twaps.append(twap)
    run(call.algos, call.exchange, call.now_ms)
    data = {"clientAlgoId": twap.client_id, "success": True, "code": 0, "msg": "OK"}
    return Reply(data=data, executed=(f"TWAP {twap.algo_id} runs for {seconds} s",))


def open_algos(call: Call) -> Reply:
    """GET /sapi/v1/algo/futures/openOrders."""
    mine = [twap for twap in call.algos.twaps if twap.account == call.account and twap.runs]
    shown = [] if call.pretends_empty else [_row(twap) for twap in mine]
    return Reply(data={"total": len(shown), "orders": shown})


def cancel_algo(call: Call) -> Reply:
    """DELETE /sapi/v1/algo/futures/order."""
    algo_id = call.parameters.whole("algoId")
    for twap in call.algos.twaps:
        if (twap.algo_id, twap.account) == (algo_id, call.account) and twap.runs:
            twap.runs = False
            data = {"algoId": algo_id, "success": True, "code": 0, "msg": "OK"}
            return Reply(data=data, executed=(f"TWAP {algo_id} ended",))
    raise BinanceError(-20124, "Invalid algo id or it has been completed.")


def _slice(exchange: Exchange, twap: Twap, count: int) -> None:
    twap.slices += 1
    instrument = exchange.instrument(twap.symbol)
    part = min(twap.quantity / count * twap.slices, twap.quantity) - twap.executed
    quantity = (part / instrument.step).to_integral_value(ROUND_FLOOR) * instrument.step
    if quantity <= ZERO:
        return
    try:
        order = exchange.place(
            twap.account,
            OrderRequest(
                symbol=twap.symbol,
                direction=twap.direction,
                kind=OrderKind.MARKET,
                quantity=quantity,
                time_in_force=TimeInForce.IOC,
                position_side=_SIDES[twap.position_side],
                reduce_only=twap.reduce_only,
            ),
        )
    except Refused:
        return  # The next one catches up.
    twap.executed += order.executed_quantity


def _row(twap: Twap) -> dict[str, object]:
    return {
        "algoId": twap.algo_id,
        "symbol": twap.symbol,
        "side": twap.direction.value,
        "positionSide": twap.position_side,
        "totalQty": str(twap.quantity),
        "executedQty": str(twap.executed),
        "executedAmt": "0.00000000",
        "avgPrice": "0.00",
        "clientAlgoId": twap.client_id,
        "bookTime": twap.began_ms,
        "endTime": 0,
        "algoStatus": "WORKING",
        "algoType": "TWAP",
        "urgency": "LOW",
    }
