"""Breaking: how rules that are broken on purpose are listed, and broken for a while."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from types import FunctionType
from typing import Any

Break = Callable[[], list[AbstractContextManager[Any]]]
"""Return what breaks one rule while it is entered."""


def breaks_of(module: Mapping[str, object]) -> dict[str, Break]:
    """Return the functions of a module, given its globals, whose names begin with one underscore."""
    return {
        name.strip("_"): value
        for name, value in module.items()
        if name.startswith("_") and not name.startswith("__") and isinstance(value, FunctionType)
    }


def broken_by(change: Break) -> ExitStack:
    """Return a context in which that rule is broken."""
    stack = ExitStack()
    for one in change():
        stack.enter_context(one)
    return stack
