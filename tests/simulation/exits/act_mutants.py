"""Act mutants: rules of scope, widening, halt and partial close broken on purpose."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from bastion.domain.mandate import ExitKind
from bastion.exits import hand, plan, scope, union
from bastion.exits.executor import Executor
from tests.simulation.breaking import Break, breaks_of, broken_by


def _positions_out_of_scope_are_closed() -> list[AbstractContextManager[Any]]:
    def means(self: scope.Scope, _: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return self.kind is ExitKind.EXIT or any(self.targets)

    return [patch.object(scope.Scope, "means", means)]


def _orders_out_of_scope_are_cancelled() -> list[AbstractContextManager[Any]]:
    return [patch.object(scope.Scope, "covers", lambda self, _: self.kind is not ExitKind.PARTIAL)]


def _a_halt_takes_the_stops() -> list[AbstractContextManager[Any]]:
    original = scope.Scope.covers

    def covers(self: scope.Scope, order: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return self.kind is ExitKind.HALT or original(self, order)

    return [patch.object(scope.Scope, "covers", covers)]


def _a_halt_cancels_nothing_at_once() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "_cancels", lambda *_, **__: ())]


def _each_exit_has_a_hand_of_its_own() -> list[AbstractContextManager[Any]]:
    original = Executor._begin

    def begin(self: Executor, part: Any, seen: Any) -> None:  # noqa: ANN401 - stands in for the original
        self._hands.clear()
        original(self, part, seen)

    return [patch.object(Executor, "_begin", begin)]


def _a_wider_exit_widens_nothing() -> list[AbstractContextManager[Any]]:
    original = union.Union.__init__

    def begin(self: union.Union, legs: Any) -> None:  # noqa: ANN401 - stands in for the original
        original(self, legs[:1])

    return [patch.object(union.Union, "__init__", begin)]


def _the_end_of_one_exit_ends_the_other() -> list[AbstractContextManager[Any]]:
    original = hand.Hand._release

    def release(self: Any, courier: Any, now_ns: int) -> None:  # noqa: ANN401 - stands in for the original
        if any(part.is_over(now_ns) for part in self._parts):
            for part in self._parts:
                part.over.set()
            self._parts.clear()
        original(self, courier, now_ns)

    return [patch.object(hand.Hand, "_release", release)]


def _a_part_is_taken_again_and_again() -> list[AbstractContextManager[Any]]:
    def amount(self: scope.Scope, position: Any, _: Any) -> Any:  # noqa: ANN401 - stands in for the original
        if not self.means(position):
            return Decimal(0)
        if self.kind is not ExitKind.PARTIAL:
            return Decimal(position.quantity)
        return min(next(t.close for t in self.targets if t.key == position.key), position.quantity)

    return [patch.object(scope.Scope, "amount", amount)]


def _a_part_is_closed_as_a_whole() -> list[AbstractContextManager[Any]]:
    def amount(self: scope.Scope, position: Any, _: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return Decimal(position.quantity) if self.means(position) else Decimal(0)

    return [patch.object(scope.Scope, "amount", amount)]


def _a_lost_part_is_sent_again_at_once() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "_could_still_come", lambda *_, **__: False)]


MUTANTS: Mapping[str, Break] = breaks_of(globals())


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
