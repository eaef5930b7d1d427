"""Intake: Binance's order parameters read into an order request."""

from decimal import Decimal
from enum import StrEnum

from bastion.paper.instrument import Instrument
from bastion.paper.order import (
    Direction,
    OrderKind,
    OrderRequest,
    PositionSide,
    TimeInForce,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.wire.binance import figures
from bastion.paper.wire.binance.call import Call
from bastion.paper.wire.binance.errors import BinanceError, not_modelled, not_required, not_sent
from bastion.paper.wire.binance.parameters import Parameters
from bastion.paper.wire.binance.symbols import instrument_of

_TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.POST_ONLY,
}
_KNOWN_UNMODELLED_TIMES = frozenset({"GTD", "GTE_GTC", "RPI"})
_SIDES = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
_MATCH_LEVELS = {"": 1, "5": 5, "10": 10, "20": 20}


class AlgoType(StrEnum):
    """The conditional order types of the algo service."""

    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"


class RegularType(StrEnum):
    """The types that the order endpoint takes since conditional orders left it."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"


def regular_order(call: Call, parameters: Parameters) -> OrderRequest:
    """Return the order that `POST /fapi/v1/order` asks for; raises `BinanceError`."""
    instrument = instrument_of(call, parameters.text("symbol"))
    direction = _direction(parameters)
    kind_text = parameters.text("type")
    if kind_text in AlgoType.__members__:
        raise BinanceError(
            -4120,
            "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        )
    kind = parameters.choice("type", RegularType, -1116, "Invalid orderType.")
    _refuse_close_position(parameters, kind_text)
    price: Decimal | None = None
    time_in_force = "GTC"
    if kind is RegularType.MARKET:
        for name in ("price", "timeInForce", "priceMatch"):
            if name in parameters:
                raise not_required(name)
    else:
        time_in_force = _time_in_force(parameters, default=None)
        price = _limit_price(call, parameters, instrument, direction)
    return OrderRequest(
        symbol=instrument.symbol,
        direction=direction,
        kind=OrderKind(kind.value),
        quantity=quantity_of(parameters, instrument),
        price=price,
        time_in_force=_TIMES[time_in_force],
        position_side=_position_side(parameters),
        reduce_only=parameters.flag("reduceOnly"),
        client_order_id=parameters.client_id("newClientOrderId"),
        fill_ratio_max=call.request.conditions.fill_ratio_max,
        terms={
            "type": kind.value,
            "timeInForce": time_in_force,
            "priceMatch": parameters.text_or_none("priceMatch") or "NONE",
        },
    )


def algo_order(call: Call, parameters: Parameters) -> OrderRequest:
    """Return the conditional order that `POST /fapi/v1/algoOrder` asks for; raises `BinanceError`."""
    if parameters.text("algoType") != "CONDITIONAL":
        raise BinanceError(-1130, "Data sent for parameter 'algoType' is not valid.")
    instrument = instrument_of(call, parameters.text("symbol"))
    direction = _direction(parameters)
    kind = parameters.choice("type", AlgoType, -1116, "Invalid orderType.")
    if kind is AlgoType.TRAILING_STOP_MARKET:
        raise not_modelled("TRAILING_STOP_MARKET orders")
    if parameters.flag("priceProtect"):
        raise not_modelled("priceProtect=true")
    is_market = kind in {AlgoType.STOP_MARKET, AlgoType.TAKE_PROFIT_MARKET}
    closes = parameters.flag("closePosition")
    if closes and not is_market:
        raise BinanceError(-4136, f"Target strategy invalid for orderType {kind},closePosition true")
    if closes and "quantity" in parameters:
        raise BinanceError(-4137, "Quantity must be zero with closePosition equals true")
    if closes and "reduceOnly" in parameters:
        raise not_required("reduceOnly")
    if is_market and "price" in parameters:
        raise not_required("price")
    working_type = parameters.text_or_none("workingType") or "CONTRACT_PRICE"
    if working_type not in {"CONTRACT_PRICE", "MARK_PRICE"}:
        raise BinanceError(-1130, "Data sent for parameter 'workingType' is not valid.")
    time_in_force = _time_in_force(parameters, default="GTC")
    return OrderRequest(
        symbol=instrument.symbol,
        direction=direction,
        kind=OrderKind.MARKET if is_market else OrderKind.LIMIT,
        quantity=Decimal(0) if closes else quantity_of(parameters, instrument),
        price=None if is_market else _precise(parameters, "price", instrument.tick),
        time_in_force=_TIMES[time_in_force],
        position_side=_position_side(parameters),
        reduce_only=parameters.flag("reduceOnly"),
        close_position=closes,
        client_order_id=parameters.client_id("clientAlgoId"),
        trigger=Trigger(
            price=_precise(parameters, "triggerPrice", instrument.tick),
            when=_when(kind, direction),
            watches=TriggerPrice.MARK if working_type == "MARK_PRICE" else TriggerPrice.LAST,
        ),
        fill_ratio_max=call.request.conditions.fill_ratio_max,
        terms={
            "type": kind.value,
            "timeInForce": time_in_force,
            "workingType": working_type,
            "stopPrice": parameters.text("triggerPrice"),
        },
    )


def quantity_of(parameters: Parameters, instrument: Instrument) -> Decimal:
    """Return the order quantity, checked for the number of its decimals."""
    return _precise(parameters, "quantity", instrument.step)


def _precise(parameters: Parameters, name: str, step: Decimal) -> Decimal:
    value = parameters.decimal(name)
    if figures.decimals(value) > figures.decimals(step):
        raise BinanceError(-1111, "Precision is over the maximum defined for this asset.")
    return value


def _direction(parameters: Parameters) -> Direction:
    return parameters.choice("side", Direction, -1117, "Invalid side.")


def _position_side(parameters: Parameters) -> PositionSide:
    text = parameters.text_or_none("positionSide") or "BOTH"
    if text not in _SIDES:
        raise BinanceError(-4060, "Invalid position side.")
    return _SIDES[text]


def _time_in_force(parameters: Parameters, default: str | None) -> str:
    text = parameters.text_or_none("timeInForce") or default
    if text is None:
        raise not_sent("timeInForce")
    if text in _KNOWN_UNMODELLED_TIMES:
        raise not_modelled(f"timeInForce={text}")
    if text not in _TIMES:
        raise BinanceError(-1115, "Invalid timeInForce.")
    return text


def _refuse_close_position(parameters: Parameters, kind: str) -> None:
    if parameters.flag("closePosition"):
        raise BinanceError(-4136, f"Target strategy invalid for orderType {kind},closePosition true")
    mode = parameters.text_or_none("selfTradePreventionMode")
    if mode not in {None, "EXPIRE_MAKER"}:
        raise not_modelled(f"selfTradePreventionMode={mode}")


def _limit_price(call: Call, parameters: Parameters, instrument: Instrument, direction: Direction) -> Decimal:
    rule = parameters.text_or_none("priceMatch")
    if rule in {None, "NONE"}:
        return _precise(parameters, "price", instrument.tick)
    if "price" in parameters:
        raise not_required("price")
    name, _, level_text = str(rule).partition("_")
    level = _MATCH_LEVELS.get(level_text)
    if name not in {"OPPONENT", "QUEUE"} or level is None:
        raise BinanceError(-1130, "Data sent for parameter 'priceMatch' is not valid.")
    bids, asks = call.exchange.depth(instrument.symbol, level)
    buys_from_asks = (name == "OPPONENT") == (direction is Direction.BUY)
    levels = asks if buys_from_asks else bids
    if not levels:
        raise BinanceError(
            -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
        )
    return levels[-1].price


def _when(kind: AlgoType, direction: Direction) -> TriggerWhen:
    is_stop = kind in {AlgoType.STOP, AlgoType.STOP_MARKET}
    rises = is_stop == (direction is Direction.BUY)
    return TriggerWhen.RISES_TO if rises else TriggerWhen.FALLS_TO
