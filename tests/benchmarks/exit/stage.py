"""Stage: paper venues in processes of their own, each with its round trip, and a desk's files beside them.

Every position carries a stop and a take-profit, and ten entries rest beside them, spread over the venues.
"""

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bastion.app import Place, open_vault
from bastion.auth.credential import read_credential
from bastion.embedded import paper_credential
from bastion.paper.load import load_scenario_document
from tests.paper_process import PaperProcess, paper_exchange

ENTRIES = 10
ROUND_TRIP_MS = 50
ORDER_PATHS = frozenset(
    {
        "/fapi/v1/order",
        "/v5/order/create",
        "/v5/order/create-batch",
        "/api/v5/trade/order",
        "/api/v5/trade/batch-orders",
        "/api/v5/trade/close-position",
        "/exchange/order",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who is on the stage: positions by venue, and the round trip of each."""

    positions: Mapping[str, int]
    round_trip_ms: int = ROUND_TRIP_MS

    @property
    def count(self) -> int:
        """All positions."""
        return sum(self.positions.values())


def shared_out(count: int, venues: Sequence[str], *, round_trip_ms: int = ROUND_TRIP_MS) -> Cast:
    """Return a cast of `count` positions, taking turns between the venues."""
    share, rest = divmod(count, len(venues))
    return Cast(
        positions={name: share + (number < rest) for number, name in enumerate(venues)},
        round_trip_ms=round_trip_ms,
    )


def document_of(venue: str, positions: int, entries: int, round_trip_ms: int) -> dict[str, Any]:
    """Return the scenario of one venue: positions with their stops and take-profits, and resting entries."""
    document = cast("dict[str, Any]", load_scenario_document(positions, (venue,)))
    (spec,) = document["venue"]
    spec["round_trip_ms"] = round_trip_ms
    (account,) = spec["account"]
    if venue == "hyperliquid":
        account["address"] = paper_credential(venue)["walletAddress"]
        account["api_key"] = _agent_of(venue)
    orders: list[dict[str, object]] = []
    for number, position in enumerate(account["position"]):
        orders += _protection(position, number, whole=venue == "okx")
    # An entry below the market waits; within the price protection, and far from being filled.
    for number in range(entries):
        listed = spec["instrument"][number]
        orders.append(
            {
                "symbol": listed["symbol"],
                "direction": "BUY",
                "quantity": "1",
                "price": f"{int(listed['mark']) * 0.97:.2f}",
                "client_order_id": _client_id("entry", number),
            }
        )
    account["order"] = orders
    return document


def _protection(position: Mapping[str, Any], number: int, *, whole: bool) -> list[dict[str, object]]:
    # OKX ties a stop to the whole position (closeFraction 1); with a size of its own it would hold that size.
    long = not str(position["quantity"]).startswith("-")
    entry = int(position["entry"])
    closing = {
        "symbol": position["symbol"],
        "direction": "SELL" if long else "BUY",
        "quantity": "0" if whole else str(position["quantity"]).removeprefix("-"),
        "reduce_only": True,
        "close_position": whole,
        "trigger_watches": "MARK",
    }
    below = {"trigger_price": f"{entry * 0.8:.2f}", "trigger_when": "FALLS_TO"}
    above = {"trigger_price": f"{entry * 1.2:.2f}", "trigger_when": "RISES_TO"}
    return [
        {**closing, **below, "client_order_id": _client_id("below", number)},
        {**closing, **above, "client_order_id": _client_id("above", number)},
    ]


def _client_id(word: str, number: int) -> str:
    # A form that every venue takes, Hyperliquid's 128 bits included.
    return "0x" + f"{word}{number:04d}".encode().hex().zfill(32)


def _agent_of(venue: str) -> str:
    from bastion.venues.ccxt.hyperliquid_signing import Signer  # noqa: PLC0415 - only where it is on stage

    return Signer(paper_credential(venue)["privateKey"]).address


class Stage:
    """The running papers of a cast, and what they saw."""

    def __init__(self, cast_of: Cast, papers: Mapping[str, PaperProcess]) -> None:
        self.cast = cast_of
        self.papers = papers
        share, rest = divmod(ENTRIES, len(papers))
        self.entries = {name: share + (number < rest) for number, name in enumerate(papers)}
        self._documents = {
            name: document_of(name, cast_of.positions[name], self.entries[name], cast_of.round_trip_ms)
            for name in papers
        }

    def reset(self) -> None:
        """Put every venue back to its beginning, its limits too, with an empty log."""
        for name, paper in self.papers.items():
            paper.control.call("POST", "/scenario", self._documents[name])
            paper.control.clear_requests()

    def log(self) -> list[dict[str, Any]]:
        """Return every request that arrived since, by the time of its arrival."""
        rows = [row for paper in self.papers.values() for row in paper.control.requests()]
        return sorted(rows, key=lambda row: int(row["received_ns"]))

    def url(self, venue: str) -> str:
        """Return scheme, host and prefix of a venue's wire."""
        return self.papers[venue].base_url(venue)

    def symbols(self, venue: str) -> list[str]:
        """Return what the venue lists, in its order."""
        (spec,) = self._documents[venue]["venue"]
        return [row["symbol"] for row in spec["instrument"]]

    def left(self) -> list[str]:
        """Return what is still open: positions and working orders of every venue."""
        found: list[str] = []
        for name, paper in self.papers.items():
            account = paper.control.account(name)
            found += [f"{name} {row['symbol']}" for row in account["positions"]]
            found += [f"{name} order {row['order_id']}" for row in open_orders(account)]
        return found

    def positions_left(self, venues: Sequence[str] = ()) -> list[str]:
        """Return which positions are still open, on these venues or on all."""
        return [
            f"{name} {row['symbol']}"
            for name, paper in self.papers.items()
            if not venues or name in venues
            for row in paper.control.account(name)["positions"]
        ]


def open_orders(account: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the orders of an account's true state that can still fill."""
    return [row for row in account["orders"] if row["state"] in {"NEW", "UNTRIGGERED", "PARTIALLY_FILLED"}]


@contextmanager
def staged(cast_of: Cast) -> Iterator[Stage]:
    """Run one paper process for each venue of the cast."""
    with ExitStack() as stack:
        papers = {name: stack.enter_context(paper_exchange("load-1")) for name in cast_of.positions}
        yield Stage(cast_of, papers)


def place_of(stage: Stage, folder: Path) -> Place:
    """Write the configuration and the vault of a desk on these venues, and return its place."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "bastion.toml"
    config.write_text(
        "".join(
            f'[[account]]\nname = "{venue}-main"\nvenue = "{venue}"\nbase_url = "{stage.url(venue)}"\n'
            f'credential = "{venue}-main"\n\n'
            for venue in stage.papers
        )
        + "[exit]\nhold_s = 0\n",
        encoding="utf-8",
    )
    place = Place(home=folder / "state", config=config, vault_key_file=folder / "vault.key")
    place.home.mkdir(exist_ok=True)
    vault = open_vault(place)
    for venue in stage.papers:
        vault.put(read_credential(f"{venue}-main", json.dumps(paper_credential(venue))))
    return place


def environment_of(place: Place) -> dict[str, str]:
    """Return the environment in which the installed program works on that place."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place.home.parent),
        "BASTION_HOME": str(place.home),
        "BASTION_CONFIG": str(place.config),
        "BASTION_VAULT_KEY_FILE": str(place.vault_key_file),
    }


def last_fill_ns(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return when the last closing order was carried out, by the machine's monotonic clock."""
    return max((int(row["handled_ns"]) for row in rows if is_order(row) and row["executed"]), default=0)


def is_order(row: Mapping[str, Any]) -> bool:
    """Whether a logged request placed an order."""
    return row["method"] == "POST" and row["path"] in ORDER_PATHS


PAUSES = random.Random(6)
