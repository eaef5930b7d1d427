"""Shape: `dataclass` for values, cheap to define: its functions are made when the first of them is needed.

The standard library writes and compiles six functions for each frozen class with slots when it is defined,
which costs over a millisecond; the desk has some three hundred, and an emergency that begins with a new
process cannot wait for those that it does not need. Here what is alike in all classes is shared, and only
`__init__` is compiled, once a first value is made. All else is as `dataclasses` has it, `fields`, `replace`
and `asdict` included. Type checkers read the stub beside this file: the library's own `dataclass`.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")
_pending: list[type] = []


def dataclass(cls: type[T] | None = None, /, **options: bool) -> Any:  # noqa: ANN401 - as in the stub
    """Return the class as a dataclass; one that is frozen, has slots and nothing unusual is made cheaply."""

    def shaped(cls: type[T]) -> type[T]:
        if _is_usual(cls, options):
            return _shaped(cls, kw_only=options.get("kw_only", False))
        made: type[T] = dataclasses.dataclass(**options)(cls)
        return made

    return shaped if cls is None else shaped(cls)


def prime() -> None:
    """Make what is still to be made, in a process whose first values must not wait for it."""
    while _pending:
        cls = _pending.pop()
        if vars(cls).get("__init__") is _FIRST:
            _compile(cls)


def _is_usual(cls: type, options: dict[str, bool]) -> bool:
    if not (options.get("frozen") and options.get("slots")) or options.keys() - {
        "frozen",
        "slots",
        "kw_only",
    }:
        return False
    given = [one for one in vars(cls).values() if isinstance(one, dataclasses.Field)]
    hints = vars(cls).get("__annotations__", {}).values()
    return all(one.hash is None for one in given) and not any(_is_given_only(hint) for hint in hints)


def _is_given_only(hint: object) -> bool:
    return hint is dataclasses.InitVar or isinstance(hint, dataclasses.InitVar)


def _shaped(cls: type[T], *, kw_only: bool) -> type[T]:
    own = vars(cls)
    if own.get("__doc__") is None:
        # The library would write the signature there, which takes longer than all the rest.
        cls.__doc__ = cls.__name__
    kept = {name for name in _SHARED if name in own}
    if "__eq__" in own and own.get("__hash__") is None:
        # Python took the hash away from whoever says what is equal; a frozen dataclass has it nevertheless.
        kept.discard("__hash__")
    plain = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
    made: type[T] = plain(cls)
    for name, shared in _SHARED.items():
        if name not in kept:
            type.__setattr__(made, name, shared)
    fields = _fields(made)
    names = [one.name for one in fields if one.compare]
    type.__setattr__(made, "_compared", staticmethod(_getter(names)))
    type.__setattr__(made, "_shown", tuple(one.name for one in fields if one.repr))
    _pending.append(made)
    return made


def _fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _getter(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _compile(cls: type) -> None:
    fields = _fields(cls)
    scope: dict[str, Any] = {"_absent": dataclasses.MISSING}
    lines = [f" _set_{one.name}(self, {value})" for one, value in _values(fields)]
    for one in fields:
        scope[f"_set_{one.name}"] = _setter(cls, one.name)
        scope[f"_default_{one.name}"] = one.default
        scope[f"_factory_{one.name}"] = one.default_factory
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    given = [one for one in fields if one.init]
    heads = [_head(one) for one in given if not one.kw_only]
    if any(one.kw_only for one in given):
        heads += ["*", *(_head(one) for one in given if one.kw_only)]
    text = f"def __init__({', '.join(['self', *heads])}):\n" + ("\n".join(lines) or " pass")
    exec(text, scope)  # noqa: S102 - the names are those of a class's own fields, as in `dataclasses`
    init = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    init.__annotations__ = {one.name: one.type for one in given} | {"return": None}
    type.__setattr__(cls, "__init__", init)


def _values(fields: tuple[dataclasses.Field[Any], ...]) -> Iterator[tuple[dataclasses.Field[Any], str]]:
    for one in fields:
        made = f"_factory_{one.name}()"
        if one.default_factory is dataclasses.MISSING:
            if one.init:
                yield one, one.name
        elif one.init:
            yield one, f"{made} if {one.name} is _absent else {one.name}"
        else:
            yield one, made


def _head(one: dataclasses.Field[Any]) -> str:
    if one.default is not dataclasses.MISSING:
        return f"{one.name}=_default_{one.name}"
    return one.name if one.default_factory is dataclasses.MISSING else f"{one.name}=_absent"


def _setter(cls: type, name: str) -> Callable[[object, object], None]:
    # The slot's own, past the ban on setting.
    slot = next(vars(one)[name] for one in cls.__mro__ if name in vars(one))
    setter: Callable[[object, object], None] = slot.__set__
    return setter


def _first_init(self: object, /, *args: object, **kwargs: object) -> None:
    owner = next(one for one in type(self).__mro__ if vars(one).get("__init__") is _FIRST)
    _compile(owner)
    owner.__init__(self, *args, **kwargs)  # type: ignore[misc]


def _repr(self: Any) -> str:  # noqa: ANN401 - any of the classes
    told = [f"{name}={getattr(self, name)!r}" for name in self._shown]
    return f"{type(self).__qualname__}({', '.join(told)})"


def _eq(self: Any, other: Any) -> Any:  # noqa: ANN401 - as above
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:  # noqa: ANN401 - as above
    return hash(self._compared(self))


def _setattr(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[object]:  # noqa: ANN401 - as above
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _setstate(self: Any, state: list[object]) -> None:  # noqa: ANN401 - as above
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


class _Signature:
    """Tells who asks for a class's signature that of its `__init__`, made by then."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if vars(owner).get("__init__") is _FIRST:
            _compile(owner)
        told = inspect.signature(owner.__init__)  # type: ignore[misc]
        return told.replace(parameters=list(told.parameters.values())[1:])


_FIRST: Any = _first_init
_SHARED: dict[str, Any] = {
    "__init__": _first_init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
    "__signature__": _Signature(),
}
