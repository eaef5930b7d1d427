"""What stands in for a rule takes what the rule takes: else its failure when called is what is noticed."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import FunctionType
from typing import Any
from unittest.mock import _patch

import pytest

from tests.simulation.exits import act_mutants, later_mutants, mutants, pair_mutants
from tests.simulation.wires import calm_mutants, wire_mutants

Change = Callable[[], Sequence[AbstractContextManager[Any]]]
POSITIONAL = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}


def changes() -> Iterator[tuple[str, Change]]:
    for module in (mutants, later_mutants, act_mutants, wire_mutants, calm_mutants):
        for name, change in module.MUTANTS.items():
            yield f"{module.__name__.rpartition('.')[2]}-{name}", change
    for name, pair in pair_mutants.PAIRS.items():
        yield f"pair_mutants-{name}", pair.change


CHANGES = dict(changes())


def fits(rule: inspect.Signature, stand_in: inspect.Signature) -> bool:
    """Whether a call that gives a rule all that it takes, by place or by name, can be made of both."""
    takes = rule.parameters.values()
    places = [one.name for one in takes if one.kind in POSITIONAL]
    names = {one.name: None for one in takes if one.kind is inspect.Parameter.KEYWORD_ONLY}
    try:
        stand_in.bind(*places, **names)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("name", CHANGES)
def test_what_stands_in_for_a_rule_can_be_called_like_it(name: str) -> None:
    for change in CHANGES[name]():
        if not isinstance(change, _patch):
            continue
        rule, stand_in = getattr(change.getter(), change.attribute), change.new
        if isinstance(rule, FunctionType) and isinstance(stand_in, FunctionType):
            assert fits(inspect.signature(rule), inspect.signature(stand_in)), change.attribute


def test_a_stand_in_that_lacks_an_argument_does_not_fit() -> None:
    def rule(one: int, *, two: int) -> int:
        return one + two

    def lacks(one: int) -> int:
        return one

    def asks(one: int, *, two: int, three: int) -> int:
        return one + two + three

    def takes(*args: int, **more: int) -> int:
        return sum(args) + sum(more.values())

    signature = inspect.signature
    assert [fits(signature(rule), signature(other)) for other in (lacks, asks, takes)] == [False, False, True]
