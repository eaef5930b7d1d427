"""Verb cases: for each verb of the registry, the calls by which a key could reach beyond its accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bastion.commands import HostFacts
from bastion.domain.selection import EVERYTHING, Selection

MINE, THEIRS = "paper-binance", "paper-bybit"
MY_SYMBOL, THEIR_SYMBOL = "SOLUSDT", "ETHUSDT"
HOST = HostFacts(state_dir="state", disk_free=None, vault=None, damaged=(), daemon=None)
Calls = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Ids:
    """What exists on the desk and belongs to the other account: an exit of it alone, and one of both."""

    theirs: str
    both: str


def selections() -> tuple[Selection, ...]:
    """Return nothing said, and every way to point at the other account or its symbol."""
    return (
        EVERYTHING,
        Selection(accounts=frozenset({THEIRS})),
        Selection(venues=frozenset({"bybit"})),
        Selection(except_accounts=frozenset({MINE})),
        Selection(symbols=frozenset({THEIR_SYMBOL})),
    )


def selecting(**more: object) -> Calls:
    """Return one call for each selection."""
    return tuple({"selection": selection, **more} for selection in selections())


def by_id(ids: Ids, name: str = "exit_id", **more: object) -> Calls:
    """Return one call for each id."""
    return tuple({name: one, **more} for one in (ids.theirs, ids.both))


def cases(ids: Ids) -> dict[str, Calls]:
    """Return the calls by the name of their verb, gentle ones first and exits last."""
    refunds: Calls = ({"position_id": "1"}, {"position_id": "1", "account": THEIRS})
    return {
        "alerts": ({},),
        "audit_records": ({}, {"exit_id": ids.theirs}),
        "balance": selecting(),
        "certificate": by_id(ids),
        "doctor": ({"host": HOST},),
        "engine_history": ({},),
        "engine_status": ({},),
        "exchanges": selecting(),
        "exit_status": by_id(ids),
        "halt_status": by_id(ids, "halt_id"),
        "list_exits": ({},),
        "positions": ({},),
        "preview": selecting(),
        "preview_refund": refunds,
        "review_refund": refunds,
        "session_stats": ({},),
        "status": ({},),
        "supported_symbols": ({},),
        "verify_journals": ({},),
        "engine_start": ({},),
        "engine_arm": ({"confirm": True},),
        "engine_disarm": ({},),
        "refund": refunds,
        "reset": by_id(ids, typed=ids.theirs[-4:], reason="a test"),
        "set_stop_loss": selecting(symbol=THEIR_SYMBOL, sl_price=Decimal(3000)),
        "set_take_profit": selecting(symbol=THEIR_SYMBOL, tp_price=Decimal(4000)),
        "move_to_breakeven": (*selecting(), *selecting(symbol=THEIR_SYMBOL)),
        "partial_close": selecting(symbol=THEIR_SYMBOL, exit_pct=50),
        "resume_exit": (*by_id(ids), {"exit_id": None}),
        "halt": selecting(wait_s=10.0),
        "flatten_winners": selecting(wait_s=10.0),
        "emergency_exit": selecting(hold_s=Decimal(0)),
        "kill_switch": ({},),
    }
