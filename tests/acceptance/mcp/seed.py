"""Seed: the example of the documentation page, as figures and as a schema written from it alone."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[1] / "seed_schema.json").read_text(encoding="utf-8"))

POSITIONS = {
    ("BTCUSDT", "LONG", 91200, -1650, "binance"),
    ("ETHUSDT", "SHORT", 3380, 180, "bybit"),
    ("SOLUSDT", "LONG", 142.5, -120, "binance"),
    ("AVAXUSDT", "LONG", 38.2, 340, "bybit"),
}


def assert_is_the_example(answer: dict[str, object]) -> None:
    """Assert that the answer fits the page's schema and tells the page's figures."""
    Draft202012Validator(SCHEMA).validate(answer)
    assert next(iter(answer)) == "summary"
    assert answer["success"] is True
    assert answer["verdict"] == "FLAT"
    assert answer["positions_closed"] == 4
    assert answer["total_realized_pnl_usd"] == -1250
    assert answer["errors"] == []
    closed = answer["closed_positions"]
    assert isinstance(closed, list)
    names = ("symbol", "direction", "exit_price", "realized_pnl_usd", "exchange")
    assert {tuple(position[name] for name in names) for position in closed} == POSITIONS
    for name in ("exit_id", "time_to_flat_ms", "orders_cancelled", "residual", "held_until"):
        assert name in answer
    assert answer["residual"] == []
    assert answer["next_step"] is None
