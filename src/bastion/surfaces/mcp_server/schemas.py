"""Schemas: the JSON schema (2020-12) of the positions' answer; `surfaces.schemas` has the exit's."""

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_NUMBER: Schema = {"type": "number"}
_NUMBER_OR_NULL: Schema = {"anyOf": [{"type": "number"}, {"type": "null"}]}


def portable(schema: Schema) -> Schema:
    """Return an equal schema in which no `type` is a list: some clients know single types only."""
    rebuilt = {name: _portable(value) for name, value in schema.items() if name != "$schema"}
    kinds = rebuilt.get("type")
    if not isinstance(kinds, list):
        return rebuilt
    common = {name: rebuilt[name] for name in ("title", "description") if name in rebuilt}
    limits = {name: value for name, value in rebuilt.items() if name not in {"type", *common}}
    return common | {"anyOf": [{"type": kind} | (limits if kind != "null" else {}) for kind in kinds]}


def _portable(value: object) -> object:
    if isinstance(value, dict):
        return portable(value)
    if isinstance(value, list):
        return [_portable(item) for item in value]
    return value


def _described(schema: Schema, description: str) -> Schema:
    return schema | {"description": description}


def _record(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


_POSITION = _record(
    {
        "symbol": _TEXT,
        "direction": {"enum": ["LONG", "SHORT"]},
        "entry_price": _NUMBER_OR_NULL,
        "current_price": _NUMBER_OR_NULL,
        "leverage": _NUMBER_OR_NULL,
        "unrealized_pnl_pct": _described(_NUMBER_OR_NULL, "Return on margin, in percent."),
        "unrealized_pnl_usd": _NUMBER_OR_NULL,
        "size_usd": _described(_NUMBER_OR_NULL, "The margin of the position, not its notional."),
        "exchange": _TEXT,
        "account": _TEXT,
        "quantity": _NUMBER,
        "notional_usd": _NUMBER_OR_NULL,
        "margin_usd": _NUMBER_OR_NULL,
        "price_move_pct": _described(
            _NUMBER_OR_NULL, "Price move since entry in the position's favour, in percent, without leverage."
        ),
        "liquidation_price": _NUMBER_OR_NULL,
        "position_id": _TEXT_OR_NULL,
    }
)

_UNREAD = _record({"exchange": _TEXT, "account": _TEXT, "part": _TEXT, "reason": _TEXT})

POSITIONS: Schema = _record(
    {
        "summary": _described(_TEXT, "One sentence; it says when an account could not be read."),
        "positions": _list(_POSITION, "One for each exchange, symbol and side; largest notional first."),
        "unread": _list(_UNREAD, "What could not be read; an empty list of positions then proves nothing."),
        "warnings": _list(_TEXT, "What would hinder an exit; mend it before the emergency."),
        "read_at": _TEXT,
    }
)
