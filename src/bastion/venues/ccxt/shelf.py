"""Shelf: the contracts of a venue kept on disk, for the hour in which the venue does not answer.

Beside them, what a venue said of itself and is dear to ask again, each with its time.
"""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from bastion.domain.instrument import Instrument
from bastion.domain.money import Quantity
from bastion.errors import AnswerMalformed
from bastion.ports import Clock
from bastion.venues.ccxt.patience import Patience
from bastion.venues.raw import Row, read_rows

VERSION = 1
FRESH_MS = 24 * 3_600_000
NS_PER_MS = 1_000_000
PATIENCE_MOST_S = 4.0

Instruments = Mapping[tuple[str, str], Instrument]


def by_key(instruments: Iterable[Instrument]) -> Instruments:
    """Return contracts by (category, id)."""
    return {(instrument.category, instrument.id): instrument for instrument in instruments}


class Shelf:
    """One file of contracts; `path` None keeps them in memory. Losing them costs a request, never an exit.

    The accounts of one host share it. So one of them asks, within its `turn`, for what all want to know.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._kept: tuple[Instruments, int] | None = None
        self._noted: dict[str, object] = {}
        self.learnt: dict[tuple[str, str], Instrument] = {}
        """Contracts of a part of the venue that an account has read in this process, for those beside it."""
        self.settled: dict[str, tuple[int, frozenset[str]]] = {}
        """By part of the venue, when it last told which of its contracts are settled for good, and which."""
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._patience: dict[str, Patience] = {}
        self._beside: dict[str, Shelf] = {}

    def patience(self, name: str) -> Patience:
        """Return how long to wait with something of that name, whichever account asked for it in vain."""
        return self._patience.setdefault(name, Patience(self._clock, most_s=PATIENCE_MOST_S))

    def turn(self, name: str) -> asyncio.Lock:
        """Return the turn in which something of that name is asked for."""
        return self._turns[name]

    def beside(self, mark: str) -> "Shelf":
        """Return a shelf of its own for another part of the same account's contracts."""
        if mark not in self._beside:
            path = self._path
            apart = None if path is None else path.with_name(f"{path.stem}-{mark}{path.suffix}")
            self._beside[mark] = Shelf(apart, self._clock)
        return self._beside[mark]

    def load(self) -> tuple[Instruments, bool] | None:
        """Return the kept contracts and whether they are younger than a day; None where none can be used."""
        if self._path is None:
            if self._kept is None:
                return None
            instruments, saved_ms = self._kept
            return instruments, 0 <= self._clock.now_ns() // NS_PER_MS - saved_ms < FRESH_MS
        try:
            kept = Row(json.loads(self._path.read_text(encoding="utf-8")), "shelf")
            if kept.integer("version") != VERSION:
                return None
            age_ms = self._clock.now_ns() // NS_PER_MS - kept.integer("saved_at_ms")
            rows = read_rows(kept.raw("instruments"), "shelf")
            return by_key(_instrument(row) for row in rows), 0 <= age_ms < FRESH_MS
        except (OSError, ValueError, AnswerMalformed):
            return None

    def save(self, instruments: Instruments) -> None:
        """Keep the contracts, replacing the file as a whole; a full or read-only disk is no error here."""
        if self._path is None:
            self._kept = (instruments, self._clock.now_ns() // NS_PER_MS)
            return
        kept = {
            "version": VERSION,
            "saved_at_ms": self._clock.now_ns() // NS_PER_MS,
            "instruments": [_plain(instrument) for instrument in instruments.values()],
        }
        replace_file(self._path, kept)

    def noted(self, name: str, *, within_ms: int) -> tuple[str, int] | None:
        """Return what was noted under that name, and how many milliseconds ago; None where it is older."""
        kept = self._notes().get(name)
        if not isinstance(kept, list) or len(kept) != len(("text", "time")):
            return None
        text, at_ms = kept
        if not isinstance(text, str) or not isinstance(at_ms, int):
            return None
        age_ms = self._clock.now_ns() // NS_PER_MS - at_ms
        return (text, age_ms) if 0 <= age_ms < within_ms else None

    def note(self, name: str, text: str) -> None:
        """Keep what the venue just said; a full or read-only disk is no error here."""
        notes = self._notes() | {name: [text, self._clock.now_ns() // NS_PER_MS]}
        if self._path is None:
            self._noted = notes
        else:
            replace_file(_notes_path(self._path), {"version": VERSION, "notes": notes})

    def _notes(self) -> dict[str, object]:
        if self._path is None:
            return self._noted
        try:
            kept = json.loads(_notes_path(self._path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        notes = kept.get("notes") if isinstance(kept, dict) and kept.get("version") == VERSION else None
        return notes if isinstance(notes, dict) else {}


def _notes_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}-notes{path.suffix}")


def replace_file(path: Path, kept: Mapping[str, object]) -> None:
    """Write a file as a whole; a full or read-only disk is no error."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        return


def _plain(instrument: Instrument) -> dict[str, object]:
    return {
        "id": instrument.id,
        "category": instrument.category,
        "symbol": instrument.symbol,
        "base": instrument.base,
        "settle": instrument.settle,
        "inverse": "true" if instrument.inverse else "false",
        "contract_size": str(instrument.contract_size),
        "quantity_step": str(instrument.quantity_step),
        "quantity_min": str(instrument.quantity_min),
        "market_quantity_max": str(instrument.market_quantity_max),
        "price_tick": str(instrument.price_tick),
        "number": instrument.number,
    }


def _instrument(row: Row) -> Instrument:
    return Instrument(
        id=row.text("id"),
        category=row.text("category"),
        symbol=row.text("symbol"),
        base=row.text("base"),
        settle=row.text("settle"),
        inverse=row.flag("inverse"),
        contract_size=row.decimal("contract_size"),
        quantity_step=_zero_or_more(row, "quantity_step"),
        quantity_min=Quantity(_zero_or_more(row, "quantity_min")),
        market_quantity_max=Quantity(_zero_or_more(row, "market_quantity_max")),
        price_tick=_zero_or_more(row, "price_tick"),
        number=row.integer("number") if "number" in row else None,
    )


def _zero_or_more(row: Row, name: str) -> Decimal:
    return max(Decimal(0), row.decimal(name))
