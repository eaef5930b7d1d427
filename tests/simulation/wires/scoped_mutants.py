"""Scoped mutants: rules of naming, sides and second sources broken on purpose; scoped worlds notice."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from bastion.domain.order import Direction, OpenOrder
from bastion.domain.position import Side
from bastion.domain.selection import Selection
from bastion.domain.symbol import pair
from bastion.exits import hand, pressing, resolve, scope
from bastion.exits.elsewhere import Elsewhere
from tests.simulation.breaking import Break, breaks_of, broken_by


def _a_selection_does_not_heed_the_side() -> list[AbstractContextManager[Any]]:
    def covers(self: Selection, *, symbol: str, side: Side) -> bool:
        del side
        return self.covers_symbol(symbol)

    return [patch.object(Selection, "covers_position", covers)]


def _what_is_left_out_is_not_heeded() -> list[AbstractContextManager[Any]]:
    def covers(self: Selection, symbol: str) -> bool:
        return not self.symbols or symbol in self.symbols

    return [patch.object(Selection, "covers_symbol", covers)]


def _an_order_is_named_by_its_coin_alone() -> list[AbstractContextManager[Any]]:
    return [patch.object(scope, "symbol_of", lambda order: pair(order.instrument))]


def _an_order_that_reduces_is_of_the_side_that_it_trades() -> list[AbstractContextManager[Any]]:
    def side_of(order: OpenOrder) -> Side:
        if order.side is not None:
            return order.side
        return Side.LONG if order.direction is Direction.BUY else Side.SHORT

    return [patch.object(scope, "side_of", side_of)]


def _orders_are_cancelled_whatever_is_meant() -> list[AbstractContextManager[Any]]:
    return [patch.object(scope.Scope, "covers", lambda *_: True)]


def _what_is_named_needs_no_second_source() -> list[AbstractContextManager[Any]]:
    return [patch.object(scope.Scope, "names", lambda *_: ())]


def _no_other_page_names_what_nobody_names() -> list[AbstractContextManager[Any]]:
    return [
        patch.object(Elsewhere, "owed", lambda *_: False),
        patch.object(Elsewhere, "meant", lambda *_: ()),
    ]


def _stops_wait_for_no_other_page() -> list[AbstractContextManager[Any]]:
    return [
        patch.object(hand, "with_doubts", lambda own, _: replace(own, unheard=False)),
        patch.object(resolve, "stops_alone", lambda _, standing: standing.clean),
    ]


def _what_one_of_two_exits_doubts_is_not_heeded() -> list[AbstractContextManager[Any]]:
    return [patch.object(hand, "with_doubts", lambda own, _: own)]


def _reads_are_kept_for_closing_what_is_to_stay() -> list[AbstractContextManager[Any]]:
    return [patch.object(pressing, "_leaves", lambda _: False)]


MUTANTS: Mapping[str, Break] = breaks_of(globals())


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
