"""Market: the rows in which the answers are true, and the market, the rules or another bot is the trouble."""

from dataclasses import replace
from decimal import Decimal

from bastion.gauntlet.draw import Draw
from bastion.gauntlet.stage import MARKS, STEPS, Best, Holding, Json, Stage, depth, opening
from bastion.gauntlet.tongue import TONGUES, Tongue

HOPELESS_DEADLINE_S = 12
FAR = Decimal("0.12")
COIN = "BTC"


def _held(stage: Stage, coin: str = COIN) -> Decimal:
    return next(holding.quantity for holding in stage.holdings if holding.coin == coin)


def _closing(tongue: Tongue, quantity: Decimal, number: int, **fields: object) -> Json:
    return {
        "symbol": tongue.named(COIN),
        "direction": "SELL" if quantity > 0 else "BUY",
        "quantity": tongue.contracts(COIN, abs(quantity)),
        "reduce_only": True,
        "client_order_id": tongue.client_id(number),
        **fields,
    }


def _stop(draw: Draw, quantity: Decimal) -> Json:
    is_long = quantity > 0
    trigger = MARKS[COIN] * (Decimal("0.98") if is_long else Decimal("1.02"))
    return _closing(
        TONGUES[draw.venue],
        quantity,
        2,
        trigger_price=f"{trigger.normalize():f}",
        trigger_when="FALLS_TO" if is_long else "RISES_TO",
    )


def waiting_stops(draw: Draw) -> Stage:
    """Let a stop of the whole position wait for its trigger."""
    stage = opening(draw)
    return stage.with_order(_stop(draw, _held(stage)))


def full_take_profit(draw: Draw) -> Stage:
    """Let a reduce-only order of the whole position rest."""
    stage = opening(draw)
    quantity = _held(stage)
    price = MARKS[COIN] * (Decimal("1.04") if quantity > 0 else Decimal("0.96"))
    order = _closing(TONGUES[draw.venue], quantity, 2, price=f"{price.normalize():f}")
    return stage.with_order(order)


def partial_fills(draw: Draw) -> Stage:
    """Fill three orders by two fifths."""
    return opening(draw).with_fault("partial_fill", path=TONGUES[draw.venue].orders, ratio="0.4", count=3)


def _on_first_order(stage: Stage, draw: Draw, event: Json, **fields: object) -> Stage:
    return stage.with_fault(
        "event", method="POST", path=TONGUES[draw.venue].orders, count=1, event=event, **fields
    )


def _empty_near_the_mark(stage: Stage, tongue: Tongue) -> Stage:
    far_ticks = int(MARKS[COIN] * FAR / Decimal(tongue.ticks[COIN]))
    return replace(stage, rules={COIN: {"depth": depth(tongue, COIN, far_ticks=far_ticks)}})


def price_band(draw: Draw) -> Stage:
    """Keep the best price out of reach of market orders, until some seconds after the first one."""
    tongue = TONGUES[draw.venue]
    back = {"depth": {"symbol": tongue.named(COIN), **depth(tongue, COIN)}}
    stage = _empty_near_the_mark(opening(draw), tongue)
    return _on_first_order(stage, draw, back, after_ms=3_000)


def no_book(draw: Draw) -> Stage:
    """Leave nobody in the book."""
    stage = replace(opening(draw), best=Best.OPEN, stuck=frozenset({COIN}), deadline_s=HOPELESS_DEADLINE_S)
    return replace(stage, rules={COIN: {"depth": {"bids": [], "asks": []}}})


def thin_book(draw: Draw) -> Stage:
    """Let the book hold a third of the position, refilled again and again."""
    stage = opening(draw)
    third = (abs(_held(stage)) / 3).quantize(STEPS[COIN])
    thin = {**depth(TONGUES[draw.venue], COIN, quantity=third), "replenish_ms": 300}
    return replace(stage, rules={COIN: {"depth": thin}})


def oversize(draw: Draw) -> Stage:
    """Hold two and a half times the largest market order."""
    stage = opening(draw)
    most = (abs(_held(stage)) * 2 / 5).quantize(STEPS[COIN])
    tongue = TONGUES[draw.venue]
    return replace(stage, rules={COIN: {"market_quantity_max": tongue.contracts(COIN, most)}})


def dust(draw: Draw) -> Stage:
    """Let the close of BTC leave two steps, where the least order is ten."""
    tongue = TONGUES[draw.venue]
    least = STEPS[COIN] * 10
    held = STEPS[COIN] * 102
    sign = 1 if draw.whole(COIN, 0, 1) else -1
    stage = replace(
        opening(draw),
        best=Best.DUST,
        holdings=(Holding(coin=COIN, quantity=held * sign),),
        rules={COIN: {"quantity_min": tongue.contracts(COIN, least)}},
    )
    ratio = (STEPS[COIN] * 100 / held).quantize(Decimal("0.000001"))
    return stage.with_fault("partial_fill", path=tongue.orders, ratio=f"{ratio}", count=1)


def hedge_mode(draw: Draw) -> Stage:
    """Hold both legs of one symbol in hedge mode."""
    legs = [
        Holding(coin=COIN, quantity=STEPS[COIN] * draw.whole(side, 100, 900) * sign, side=side)
        for side, sign in (("LONG", 1), ("SHORT", -1))
    ]
    stage = opening(draw)
    orders = tuple({**order, "side": "LONG"} for order in stage.orders)
    return replace(stage, hedge=True, holdings=tuple(legs), orders=orders)


def stop_fires(draw: Draw) -> Stage:
    """Let the price go through a stop of the whole position as the first order arrives."""
    stage = waiting_stops(draw)
    share = Decimal("0.975") if _held(stage) > 0 else Decimal("1.025")
    price = {"symbol": TONGUES[draw.venue].named(COIN), "price": f"{(MARKS[COIN] * share).normalize():f}"}
    return _on_first_order(stage, draw, {"price": price})


def bot_reopens(draw: Draw) -> Stage:
    """Let another bot open once more as the first order is carried out."""
    stage = opening(draw)
    quantity = _held(stage)
    tongue = TONGUES[draw.venue]
    order = {
        "symbol": tongue.named(COIN),
        "direction": "BUY" if quantity > 0 else "SELL",
        "quantity": tongue.contracts(COIN, STEPS[COIN] * 50),
        "client_order_id": tongue.client_id(3),
    }
    stage = replace(stage, own_ids=stage.own_ids | {tongue.client_id(3)})
    return _on_first_order(stage, draw, {"order": order}, executed=True)


def _forced(draw: Draw, kind: str, *, share: Decimal, **fields: object) -> Stage:
    stage = opening(draw)
    tongue = TONGUES[draw.venue]
    part = (abs(_held(stage)) * share).quantize(STEPS[COIN])
    event = {
        "forced": {
            "symbol": tongue.named(COIN),
            "side": "NET",
            "kind": kind,
            "quantity": tongue.contracts(COIN, part),
            **fields,
        }
    }
    return _on_first_order(stage, draw, event)


def deleveraged(draw: Draw) -> Stage:
    """Let the venue deleverage half of a position as the first order arrives."""
    return _forced(draw, "adl", share=Decimal("0.5"))


def liquidated(draw: Draw) -> Stage:
    """Let the venue liquidate a position as the first order arrives."""
    return _forced(draw, "liquidation", share=Decimal(1))
