"""Wire mutants: rules of the gate, the parsers, the encoders and the pacing broken on purpose.

A gate that lets everything pass is not among them by itself: it is equivalent as long as nothing wrong is
encoded, and is broken here together with an encoder. What it refuses is held by the fuzz of the gate.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from bastion.domain.order import OpenOrder
from bastion.domain.position import Position, Side
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt import binance_rows, bybit_rows, hyperliquid_rows, okx_rows, venue, wire
from bastion.venues.encoders.binance import BinanceEncoder
from bastion.venues.encoders.bybit import BybitEncoder
from bastion.venues.gate.outgoing import Passed
from bastion.venues.gate.rules import passed
from bastion.venues.throttle import Bucket, Throttle
from tests.simulation.breaking import Break, broken_by

ROWS = (binance_rows, bybit_rows, okx_rows)


def _other_side(position: Position | None) -> Position | None:
    if position is None:
        return None
    return replace(position, side=Side.SHORT if position.side is Side.LONG else Side.LONG)


def _sides_are_read_the_wrong_way_round() -> list[AbstractContextManager[Any]]:
    def wrong(original: Callable[..., Position | None], *given: Any) -> Position | None:  # noqa: ANN401 - stands in for the original
        return _other_side(original(*given))

    return [patch.object(rows, "position", partial(wrong, rows.position)) for rows in ROWS]


def _one_position_of_a_page_is_overlooked() -> list[AbstractContextManager[Any]]:
    def fewer(original: Callable[..., Position | None], *given: Any) -> Position | None:  # noqa: ANN401 - stands in for the original
        found = original(*given)
        return None if found is not None and found.side is Side.SHORT else found

    return [patch.object(rows, "position", partial(fewer, rows.position)) for rows in ROWS]


def _stops_are_read_as_orders_that_open() -> list[AbstractContextManager[Any]]:
    def opening(original: Callable[..., OpenOrder | None], *given: Any) -> OpenOrder | None:  # noqa: ANN401 - stands in for the original
        found = original(*given)
        return None if found is None else replace(found, reduce_only=False)

    places = [
        (binance_rows, "open_conditional_order"),
        (bybit_rows, "open_order"),
        (okx_rows, "open_algo"),
        (hyperliquid_rows, "open_order"),
    ]
    return [patch.object(rows, name, partial(opening, getattr(rows, name))) for rows, name in places]


def _no_page_of_orders_shows_any() -> list[AbstractContextManager[Any]]:
    places = [(binance_rows, "open_order"), (bybit_rows, "open_order"), (okx_rows, "open_order")]
    return [patch.object(rows, name, lambda *_: None) for rows, name in places]


def _an_empty_list_needs_no_witness() -> list[AbstractContextManager[Any]]:
    return [patch.object(venue, "doubts", lambda *_: {})]


def _a_ban_is_not_heard() -> list[AbstractContextManager[Any]]:
    return [patch.object(Throttle, "silence", lambda *_: None)]


def _limits_are_not_kept() -> list[AbstractContextManager[Any]]:
    async def take(_: Bucket, __: int) -> None:
        return None

    return [patch.object(Bucket, "take", take)]


def _the_gate_stops_what_reduces() -> list[AbstractContextManager[Any]]:
    return [patch.object(wire, "passed", partial(_stop, passed, Passed.REDUCE))]


def _the_gate_stops_cancels() -> list[AbstractContextManager[Any]]:
    return [patch.object(wire, "passed", partial(_stop, passed, Passed.CANCEL))]


def _stop(original: Callable[..., Passed], what: Passed, *given: Any) -> Passed:  # noqa: ANN401 - stands in for the original
    does = original(*given)
    if does is what:
        raise VenueRejected("not sent", fault=Fault.TERMINAL, code="gate")
    return does


def _orders_are_not_bound_to_reduce() -> list[AbstractContextManager[Any]]:
    def unbound(original: Callable[..., Any], *given: Any, **named: Any) -> Any:  # noqa: ANN401 - stands in for the original
        one, method, params = given
        if isinstance(params, Mapping):
            params = {name: value for name, value in params.items() if name != "reduceOnly"}
        return original(one, method, params, **named)

    def as_method(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **named: unbound(original, *given, **named)

    return [
        patch.object(encoder, "encode", as_method(encoder.encode))
        for encoder in (BinanceEncoder, BybitEncoder)
    ]


def _orders_are_not_bound_and_no_gate_stands_there() -> list[AbstractContextManager[Any]]:
    return [*_orders_are_not_bound_to_reduce(), patch.object(wire, "passed", lambda *_: Passed.REDUCE)]


MUTANTS: Mapping[str, Break] = {
    name.strip("_"): value
    for name, value in list(globals().items())
    if name.startswith(("_sides", "_one", "_stops", "_no_", "_an_", "_a_", "_limits", "_the", "_orders"))
}


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
