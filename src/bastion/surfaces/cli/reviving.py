"""Reviving: a report that the daemon told in JSON, as the dataclass that it was, for a person's lines."""

import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, Union, cast, get_args, get_origin, get_type_hints

from bastion.commands import PositionsReport, PreviewReport, StatusReport
from bastion.exits.act_telling import HaltReport
from bastion.surfaces.cli.acting import halt_lines
from bastion.surfaces.cli.words import positions_lines, status_lines

_SHAPES: Mapping[str, tuple[type, Callable[[Any], Iterable[str]]]] = {
    "status": (StatusReport, status_lines),
    "halt": (HaltReport, halt_lines),
    "positions": (PositionsReport, positions_lines),
}


def lines(name: str, text: str) -> Iterable[str]:
    """Return what a person reads of the report of that name.

    Raises:
        ValueError: the text is no such report.
    """
    shape, tell = _SHAPES[name]
    return tell(revived(shape, json.loads(text, parse_float=Decimal)))


def preview_of(text: str) -> PreviewReport:
    """Return the preview that the daemon told.

    Raises:
        ValueError: the text is no such report.
    """
    return cast("PreviewReport", revived(PreviewReport, json.loads(text, parse_float=Decimal)))


def revived(shape: Any, value: object) -> Any:  # noqa: ANN401 - types are values here
    """Return the value of that type whose JSON form `value` is; every type that reports are made of is known.

    Raises:
        ValueError: it has another form.
    """
    if isinstance(shape, NewType):
        return revived(shape.__supertype__, value)
    origin = get_origin(shape)
    if origin in {types.UnionType, Union}:
        return _one_of(get_args(shape), value)
    if origin is tuple and isinstance(value, list):
        return tuple(revived(get_args(shape)[0], item) for item in value)
    if origin is not None and isinstance(value, Mapping):
        return {name: revived(get_args(shape)[1], item) for name, item in value.items()}
    if is_dataclass(shape) and isinstance(value, Mapping):
        hints = get_type_hints(shape)
        build = cast("Callable[..., object]", shape)
        return build(**{field.name: revived(hints[field.name], value[field.name]) for field in fields(shape)})
    return _plain(shape, value)


def _one_of(shapes: tuple[Any, ...], value: object) -> object:
    if value is None:
        return None
    for shape in shapes:
        if shape is type(None):
            continue
        try:
            return revived(shape, value)
        except (ValueError, TypeError, KeyError):
            continue
    raise ValueError("the daemon told a report of another form")


def _plain(shape: Any, value: object) -> object:  # noqa: ANN401 - as in `revived`
    if shape is Decimal and isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return shape(value)
    if shape in {str, int, bool} and isinstance(value, shape):
        return value
    if shape in {object, Any}:
        return value
    raise ValueError("the daemon told a report of another form")
