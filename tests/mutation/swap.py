"""Swap: put the code of a broken module into the functions of the one that is loaded.

Whoever imported these functions holds the very objects, so that all of them see the change. What is decided
while a module is imported (its tables, defaults, classes) cannot be changed so: such a mutant is tried in a
process that has not imported it yet.
"""

import gc
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType


class NotSwappable(Exception):  # noqa: N818 - a way out, not an error
    """The change shows only where the module is imported anew."""


def functions_of(name: str) -> dict[tuple[str, int], list[FunctionType]]:
    """Return the functions and methods of a loaded module by their qualified name and first line."""
    # What was frozen, as after the tests were collected, is not among the collector's objects.
    gc.unfreeze()
    found: dict[tuple[str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__module__ == name:
            code = thing.__code__
            found.setdefault((code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def swap(
    functions: Mapping[tuple[str, int], list[FunctionType]], path: str, source: str, broken: str
) -> None:
    """Give each function whose code the change touches its new code.

    Raises:
        NotSwappable: the change is in none of them, or in what closes over its surroundings otherwise.
        SyntaxError: the broken source is no Python.
    """
    was = dict(_codes(compile(source, path, "exec")))
    now = dict(_codes(compile(broken, path, "exec")))
    changed = [place for place, code in now.items() if was.get(place) != code]
    if not changed or set(was) != set(now):
        raise NotSwappable
    for place in changed:
        holders = functions.get(place, [])
        if not holders or any(holder.__code__.co_freevars != now[place].co_freevars for holder in holders):
            raise NotSwappable
        for holder in holders:
            holder.__code__ = now[place]


def _codes(module: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    # Functions and methods only: what is nested in them changes with them.
    for const in module.co_consts:
        if not isinstance(const, CodeType):
            continue
        if const.co_flags & 0x2:  # CO_NEWLOCALS: a function; a class body has no locals of its own
            yield (const.co_qualname, const.co_firstlineno), const
        else:
            yield from _codes(const)
