"""Codec: records as canonical JSON and back, strictly; what is not exactly a record is refused."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bastion.domain.look import Look
from bastion.domain.records import Record

RECORD_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Record)}

RECENT_MAX = 256
_recent: dict[int, tuple[Record, str]] = {}
_kept: dict[int, tuple[Look, str]] = {}
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
_in_order = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False)

Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any]
T = TypeVar("T")


class RecordMalformed(ValueError):  # noqa: N818 - named for what is wrong, as every error here
    """A stored text is not the JSON of a record as this version knows it."""


def kind_of(record: Record) -> str:
    """Return the name under which a record is stored."""
    return type(record).__name__


def encode(record: Record) -> str:
    """Return the canonical JSON of a record: sorted keys, no spaces, decimals as text, ASCII only."""
    # The journal, its spool and its memory ask one after the other; records do not change.
    known = _recent.get(id(record))
    if known is not None and known[0] is record:
        return known[1]
    if len(_recent) >= RECENT_MAX:
        _recent.clear()
    text = encode_value(record)
    _recent[id(record)] = (record, text)
    return text


def forget(records: Iterable[Record]) -> None:
    """No longer keep what `encode` wrote of these: they stand where they belong."""
    for record in records:
        _recent.pop(id(record), None)


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII only, no floats."""
    return _canonical.encode(value)


def decode(kind: str, text: str) -> Record:
    """Return the record of that kind and JSON text.

    Raises:
        RecordMalformed: the kind is unknown, or a field is missing, unknown or of another type.
    """
    known = RECORD_TYPES.get(kind)
    if known is None:
        message = f"no record is called {kind[:40]!r}"
        raise RecordMalformed(message)
    return cast("Record", decode_value(known, text))


def prime() -> None:
    """Find out how each kind of record is written, so that the first one need not wait for that."""
    for kind in RECORD_TYPES.values():
        _coder(cast("Any", kind))
        _text_of(cast("Any", kind))


def encode_value(value: object) -> str:
    """Return the canonical JSON of an instance of any frozen dataclass that records could hold."""
    return _text_of(cast("Any", type(value)))(value)


def keep_text(look: Look) -> None:
    """Write a look down now, for the records that will hold this very object, until `drop_text`."""
    _kept[id(look)] = (look, _look_text(look))


def drop_text(look: Look) -> None:
    """No longer keep what `keep_text` wrote."""
    _kept.pop(id(look), None)


def _look_text(look: Look) -> str:
    known = _kept.get(id(look))
    if known is not None and known[0] is look:
        return known[1]
    return _in_order.encode(_coder(cast("Any", Look))[0](look))


@cache
def _text_of(kind: type[Any]) -> Callable[[Any], str]:
    hints = get_type_hints(kind)
    if Look not in hints.values():
        encode_one = _coder(cast("Any", kind))[0]
        return lambda value: _in_order.encode(encode_one(value))
    writers = [
        (f'"{name}":', name, _look_text if hints[name] is Look else _texts(_coder(hints[name])[0]))
        for name in sorted(one.name for one in fields(kind))
    ]
    return lambda value: (
        f"{{{','.join([head + write(getattr(value, name)) for head, name, write in writers])}}}"
    )


def _texts(encode_one: Encode) -> Callable[[Any], str]:
    return lambda value: _in_order.encode(encode_one(value))


def decode_value(kind: type[T], text: str) -> T:
    """Return the instance of `kind` that the JSON text stands for.

    Raises:
        RecordMalformed: the text is no JSON, or a field is missing, unknown or of another type.
    """
    try:
        value = json.loads(text, parse_float=_no_float)
    except ValueError as error:
        message = f"the text of a {kind.__name__} is no JSON: {error}"
        raise RecordMalformed(message) from None
    return cast("T", _coder(cast("Any", kind))[1](value))


def _no_float(text: str) -> float:
    message = f"a float stands where only decimals as text may: {text[:40]}"
    raise RecordMalformed(message)


@cache
def _coder(kind: Any) -> tuple[Encode, Decode]:  # noqa: ANN401, PLR0911 - one return for each form of annotation
    if isinstance(kind, NewType):
        return _coder(kind.__supertype__)
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        return _optional(kind)
    if origin is tuple:
        return _tuple(get_args(kind))
    if origin is frozenset:
        return _set(get_args(kind)[0])
    if kind is Decimal:
        return str, _decimal
    if kind in {str, int, bool}:
        return _same, _exactly(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        # What is a text already, JSON writes as one.
        return _same, _enum(kind)
    if is_dataclass(kind):
        return _dataclass(cast("type[Any]", kind))
    message = f"records cannot hold {kind!r}"
    raise TypeError(message)


def _same(value: Any) -> Any:  # noqa: ANN401 - what JSON holds as it is
    return value


def _exactly(kind: type[Any]) -> Decode:
    def decode_plain(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
        if type(value) is not kind:
            message = f"expected {kind.__name__}, found {type(value).__name__}"
            raise RecordMalformed(message)
        return value

    return decode_plain


def _decimal(value: Any) -> Decimal:  # noqa: ANN401 - what JSON holds
    if not isinstance(value, str):
        message = f"expected a decimal as text, found {type(value).__name__}"
        raise RecordMalformed(message)
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        message = f"not a finite decimal: {value[:40]!r}"
        raise RecordMalformed(message)
    return number


def _enum(kind: type[StrEnum]) -> Decode:
    def decode_enum(value: Any) -> StrEnum:  # noqa: ANN401 - what JSON holds
        try:
            return kind(value)
        except ValueError as error:
            raise RecordMalformed(str(error)) from None

    return decode_enum


def _optional(kind: Any) -> tuple[Encode, Decode]:  # noqa: ANN401 - an annotation
    inner = [argument for argument in get_args(kind) if argument is not NoneType]
    if len(inner) != 1:
        message = f"records cannot hold {kind!r}"
        raise TypeError(message)
    encode_inner, decode_inner = _coder(inner[0])
    return (
        lambda value: None if value is None else encode_inner(value),
        lambda value: None if value is None else decode_inner(value),
    )


def _tuple(arguments: tuple[Any, ...]) -> tuple[Encode, Decode]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...] has two arguments
        encode_item, decode_item = _coder(arguments[0])
        return (
            lambda value: [encode_item(item) for item in value],
            lambda value: tuple(decode_item(item) for item in _list(value, None)),
        )
    coders = [_coder(argument) for argument in arguments]
    return (
        lambda value: [coder[0](item) for coder, item in zip(coders, value, strict=True)],
        lambda value: tuple(
            coder[1](item) for coder, item in zip(coders, _list(value, len(coders)), strict=True)
        ),
    )


def _set(kind: Any) -> tuple[Encode, Decode]:  # noqa: ANN401 - an annotation
    encode_item, decode_item = _coder(kind)

    def decode_set(value: Any) -> frozenset[Any]:  # noqa: ANN401 - what JSON holds
        items = _list(value, None)
        if items != sorted(set(items)):
            message = "expected a sorted list without repetition"
            raise RecordMalformed(message)
        return frozenset(decode_item(item) for item in items)

    return lambda value: sorted(encode_item(item) for item in value), decode_set


def _list(value: Any, length: int | None) -> list[Any]:  # noqa: ANN401 - what JSON holds
    if not isinstance(value, list) or (length is not None and len(value) != length):
        message = "expected a list" if length is None else f"expected a list of {length}"
        raise RecordMalformed(message)
    return value


def _dataclass(kind: type[Any]) -> tuple[Encode, Decode]:
    hints = get_type_hints(kind)
    coders = [(one.name, *_coder(hints[one.name])) for one in fields(kind)]
    names = {one.name for one in fields(kind)}
    needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}

    encode_fields = _writer({name: encode_one for name, encode_one, _ in coders}, hints)

    def decode_fields(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
        if not isinstance(value, dict) or not needed <= value.keys() <= names:
            message = f"the fields of a {kind.__name__} are not the expected ones"
            raise RecordMalformed(message)
        return kind(**{name: decode_one(value[name]) for name, _, decode_one in coders if name in value})

    return encode_fields, decode_fields


def _writer(encoders: Mapping[str, Encode], hints: Mapping[str, Any]) -> Encode:
    """Return what puts the fields into a dictionary, in the order of their names, so that none is sorted."""
    parts = []
    for name in sorted(encoders):
        field = f"value.{name}"
        optional = NoneType in get_args(hints[name])
        plain = encoders[name] is _same or (optional and _plain_inside(hints[name]))
        parts.append(f"{name!r}: {field if plain else f'encoders[{name!r}]({field})'}")
    # Written out, since an exit writes hundreds of these before and between its orders.
    source = f"lambda value: {{{', '.join(parts)}}}"
    made: Encode = eval(source, {"encoders": dict(encoders)})  # noqa: S307 - names of fields of our own classes
    return made


def _plain_inside(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    return all(argument is NoneType or _coder(argument)[0] is _same for argument in get_args(kind))
