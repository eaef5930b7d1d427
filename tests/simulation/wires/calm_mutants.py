"""Calm mutants: rules that spare round trips, requests and orders, broken on purpose; calm exits notice.

They keep nothing from being proven, so that no law is broken without them: what shows them is an exit on
venues where nothing goes wrong that takes longer, or asks for more, than it must. That the first order has a
turn of the event loop of its own costs or spares time of the machine alone, which these exits do not count.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from bastion.exits import hand, resolve, sweeping, turns
from bastion.exits.ahead import Ahead
from tests.simulation.breaking import Break, breaks_of, broken_by
from tests.simulation.wires.calm import calm_exit

BOUNDS: tuple[tuple[Mapping[str, int], float, int, int], ...] = (
    ({"binance": 4, "bybit": 5, "okx": 5}, 0.49, 14, 97),
    ({"bybit": 60}, 2.65, 60, 76),
)
"""Exits, and at most what they come to: seconds until the last verdict, closing orders, requests."""


def _nothing_is_read_ahead() -> list[AbstractContextManager[Any]]:
    return [patch.object(Ahead, "in_vain", lambda _: True)]


def _executions_read_ahead_never_count() -> list[AbstractContextManager[Any]]:
    return [patch.object(Ahead, "executions", lambda _: None)]


def _what_waits_here_is_overtaken() -> list[AbstractContextManager[Any]]:
    return [patch.object(Ahead, "handed_over", lambda *_: None)]


def _a_wave_is_never_over() -> list[AbstractContextManager[Any]]:
    return [patch.object(place, "wave_is_over", lambda *_: False) for place in (sweeping, turns)]


def _a_look_of_before_the_answer_makes_a_suspect() -> list[AbstractContextManager[Any]]:
    original = resolve.questions

    def questions(leg: Any, standing: Any, pace: Any, **named: Any) -> Any:  # noqa: ANN401 - stands in for the original
        unmoved: Any = _Unmoved(pace)
        return original(leg, standing, unmoved, **named)

    return [patch.object(hand, "questions", questions)]


class _Unmoved:
    """A pace by which no order was answered yet."""

    key_act_ns: Mapping[object, int] = MappingProxyType({})

    def __init__(self, pace: object) -> None:
        self._pace = pace

    def __getattr__(self, name: str) -> object:
        return getattr(self._pace, name)


MUTANTS: Mapping[str, Break] = breaks_of(globals())


def exceeded(number: int) -> str:
    """Return what of the bounds of that exit is exceeded; empty where nothing is, or there is none."""
    if number >= len(BOUNDS):
        return ""
    positions, seconds, orders, requests = BOUNDS[number]
    calm = calm_exit(positions)
    if set(calm.verdicts.values()) != {"FLAT"}:
        return f"the verdicts are {calm.verdicts}"
    found = (max(calm.judged_s.values()), calm.orders, sum(calm.asked.values()))
    told = zip(("seconds", "orders", "requests"), found, (seconds, orders, requests), strict=True)
    return "; ".join(f"{value:g} {name}, at most {most:g}" for name, value, most in told if value > most)


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
