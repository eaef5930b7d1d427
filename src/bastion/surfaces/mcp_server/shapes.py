"""Shapes: the JSON schema (2020-12) of a report, read off its dataclass, so that the two cannot differ.

Every field is required and nothing else is allowed: an answer that fits is complete, and one that does not
fit is a defect that a client sees. No `type` is a list, since some clients know single types only.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
_PLAIN: Mapping[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    NoneType: {"type": "null"},
    object: {},
    Any: {},
}


def schema_of(report: type, *, notes: Mapping[str, str] | None = None, more: Schema | None = None) -> Schema:
    """Return the closed schema of a report's class.

    `notes` describe fields, `more` holds the properties that the surface adds to the report's own. A note
    for a field that does not exist is refused, so that none outlives its field.

    Raises:
        TypeError: a field has no form in JSON.
        ValueError: a note names no field.
    """
    schema = _record(report)
    properties: Schema = schema["properties"]
    for name, note in (notes or {}).items():
        if name not in properties:
            raise ValueError(f"{report.__name__} has no field {name}")
        properties[name] = properties[name] | {"description": note}
    for name, extra in (more or {}).items():
        properties.setdefault(name, extra)
    return schema | {"required": list(properties)}


def described(schema: Schema, published: Schema) -> Schema:
    """Return the schema with the descriptions that the published one has for the same fields."""
    told = dict(schema)
    if "description" in published and "description" not in told:
        told["description"] = published["description"]
    for part in ("properties", "items"):
        if part not in told or part not in published:
            continue
        inner, outer = told[part], published[part]
        told[part] = (
            described(inner, outer)
            if part == "items"
            else {name: described(one, outer.get(name, {})) for name, one in inner.items()}
        )
    return told


def _record(report: type) -> Schema:
    hints = get_type_hints(report)
    return {
        "type": "object",
        "properties": {field.name: _shape(hints[field.name]) for field in fields(report)},
        "required": [field.name for field in fields(report)],
        "additionalProperties": False,
    }


def _shape(kind: Any) -> Schema:  # noqa: ANN401 - an annotation has no narrower type
    base = getattr(kind, "__supertype__", kind)
    if base in _PLAIN:
        return dict(_PLAIN[base])
    origin, inside = get_origin(base), get_args(base)
    if origin in {Union, UnionType}:
        return {"anyOf": [_shape(part) for part in inside]}
    if origin in {tuple, frozenset, list}:
        return {"type": "array", "items": _shape(inside[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _shape(inside[1])}
    if isinstance(base, type) and issubclass(base, Enum):
        return {"type": "string", "enum": [member.value for member in base]}
    if isinstance(base, type) and is_dataclass(base):
        return _record(base)
    raise TypeError(f"{kind!r} has no form in JSON")
