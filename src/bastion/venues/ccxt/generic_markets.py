"""Generic markets: ccxt's list of contracts as ours, kept on disk so that an exit needs no download first."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Quantity
from bastion.domain.symbol import pair
from bastion.errors import AnswerMalformed
from bastion.ports import Clock

VERSION = 1
FRESH_MS = 24 * 3_600_000
NS_PER_MS = 1_000_000
DECIMAL_PLACES, SIGNIFICANT_DIGITS = 2, 3
"""ccxt's words for how a precision is written; else it is a step."""


def number(value: object) -> Decimal | None:
    """Return a finite figure as ccxt handed it over, None where it is absent or odd."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def inner(row: Mapping[str, Any], *names: str) -> object:
    """Return a value inside nested objects, None where one of them is missing."""
    value: object = row
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_contract(market: Mapping[str, Any]) -> bool:
    """Whether a market is a perpetual or a dated future, which a reducing order can close."""
    return bool(market.get("swap") or market.get("future")) and bool(market.get("settle"))


def category_of(market: Mapping[str, Any]) -> str:
    """Return the family of a contract: linear or inverse."""
    return "inverse" if market.get("inverse") else "linear"


def instrument(market: Mapping[str, Any], *, precision_mode: int) -> Instrument:
    """Return one contract.

    Raises:
        AnswerMalformed: ccxt does not say what one contract of it stands for.
    """
    size = number(market.get("contractSize"))
    if size is None or size <= ZERO:
        raise AnswerMalformed(f"{market.get('symbol')}: no contract size")
    most = number(inner(market, "limits", "market", "max")) or number(
        inner(market, "limits", "amount", "max")
    )
    return Instrument(
        id=str(market["symbol"]),
        category=category_of(market),
        symbol=pair(str(market["symbol"])),
        base=str(market.get("base") or ""),
        settle=str(market.get("settle") or ""),
        inverse=bool(market.get("inverse")),
        contract_size=size,
        quantity_step=_step(inner(market, "precision", "amount"), precision_mode),
        quantity_min=Quantity(max(ZERO, number(inner(market, "limits", "amount", "min")) or ZERO)),
        market_quantity_max=Quantity(max(ZERO, most or ZERO)),
        price_tick=_step(inner(market, "precision", "price"), precision_mode),
    )


def _step(value: object, mode: int) -> Decimal:
    found = number(value)
    if found is None or mode == SIGNIFICANT_DIGITS:
        return ZERO
    return Decimal(1).scaleb(-int(found)) if mode == DECIMAL_PLACES else max(ZERO, found)


class MarketFile:
    """One file with ccxt's own list of markets; losing it costs a download, never an exit."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def load(self) -> tuple[list[dict[str, Any]], bool] | None:
        """Return the kept markets and whether they are younger than a day; None where none can be used."""
        if self._path is None:
            return None
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            markets, saved_ms = kept["markets"], int(kept["saved_at_ms"])
            if kept["version"] != VERSION or not isinstance(markets, list) or not markets:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return markets, 0 <= self._clock.now_ns() // NS_PER_MS - saved_ms < FRESH_MS

    def save(self, markets: list[dict[str, Any]]) -> None:
        """Keep the markets, replacing the file as a whole; a full or read-only disk is no error here."""
        if self._path is None:
            return
        kept = {"version": VERSION, "saved_at_ms": self._clock.now_ns() // NS_PER_MS, "markets": markets}
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(kept, separators=(",", ":"), default=str), encoding="utf-8")
            fresh.replace(self._path)
        except OSError:
            return
