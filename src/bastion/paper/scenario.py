"""Scenario: the world that a paper exchange starts from, read from TOML or JSON.

`docs/reference/paper-exchange.md` describes every field.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path

from bastion.paper.account import AccountSpec, ApiKey, MarginMode, Permission, PositionMode
from bastion.paper.book import DepthShape
from bastion.paper.document import Document, DocumentError
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.load import FOUR_VENUES, TWO_VENUES, load_scenario_document
from bastion.paper.order import (
    Direction,
    Forced,
    OrderKind,
    OrderRequest,
    PositionSide,
    TimeInForce,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.rules import Oversize, VenueRules

_FOLDER = Path(__file__).parent / "scenarios"
_POSITIVE_FIGURES = ("tick", "step", "quantity_min", "market_quantity_max", "contract_size", "leverage_max")
_INTERVAL_LEAST_MS = 100
_LOAD_NAME = re.compile(r"(load|four)-([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInstrument:
    """An instrument with its opening mark price, depth and funding rate."""

    instrument: Instrument
    mark: Decimal
    shape: DepthShape
    funding_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningPosition:
    """A position that an account holds from the start, bought or sold at `entry` without a fee."""

    symbol: str
    side: PositionSide
    quantity: Decimal
    entry: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningAccount:
    """An account with what it starts with."""

    spec: AccountSpec
    positions: tuple[OpeningPosition, ...]
    orders: tuple[OrderRequest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSpec:
    """One venue: `settings` go to its wire, `rule_changes` override its habits."""

    name: str
    round_trip_ms: int
    jitter_ms: int
    settings: Mapping[str, object]
    rule_changes: Mapping[str, object]
    instruments: tuple[ListedInstrument, ...]
    accounts: tuple[OpeningAccount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedClose:
    """A liquidation or auto-deleveraging, `after_ms` from the world's start; no quantity means all of it.

    For `freeze_ms` before it comes, the venue refuses the account's orders.
    """

    venue: str
    account: str
    symbol: str
    side: PositionSide
    how: Forced
    quantity: Decimal | None
    after_ms: int
    freeze_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TapePath:
    """How one symbol moves while a tape plays: (milliseconds, multiple of the mark at its start)."""

    venue: str
    symbol: str
    points: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything a world starts from; `faults` are rules for the server, in force from the start.

    `clock_start_ms` is set for a stepped clock, None for the machine's time, which `clock_offset_ms` shifts.
    """

    name: str
    description: str
    seed: int
    clock_start_ms: int | None
    venues: tuple[VenueSpec, ...]
    clock_offset_ms: int = 0
    tapes: Mapping[str, tuple[TapePath, ...]] = field(default_factory=dict)
    faults: tuple[Mapping[str, object], ...] = ()
    forced: tuple[ForcedClose, ...] = ()


def scenario_names() -> list[str]:
    """Return the names of the scenario files that are shipped."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find_scenario(name: str) -> Scenario:
    """Return a shipped scenario, a generated one (`load-20`, `four-20`), or that of the TOML file `name`.

    Raises:
        DocumentError: there is none of that name, or it cannot be read.
    """
    generated = _LOAD_NAME.fullmatch(name)
    if generated:
        venues = TWO_VENUES if generated.group(1) == "load" else FOUR_VENUES
        return parse_scenario(load_scenario_document(int(generated.group(2)), venues))
    path = _FOLDER / f"{name}.toml" if name in scenario_names() else Path(name)
    if path.suffix != ".toml" or not path.is_file():
        known = ", ".join([*scenario_names(), "load-N", "four-N"])
        raise DocumentError(
            f"There is no scenario {name}. Known are {known}, or give the path of a TOML file."
        )
    try:
        return parse_scenario(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"The scenario {path.name} is no valid TOML: {error}.") from None


def parse_scenario(values: object) -> Scenario:
    """Return the scenario that a parsed TOML or JSON document describes; raises `DocumentError`."""
    document = Document(values, "scenario")
    tapes = {
        tape.text("name"): tuple(_tape_path(path) for path in tape.tables("path"))
        for tape in document.tables("tape")
    }
    scenario = Scenario(
        name=document.text("name", "custom"),
        description=document.text("description", ""),
        seed=document.whole("seed", 1),
        clock_start_ms=document.whole_or_none("clock_start_ms"),
        clock_offset_ms=document.whole("clock_offset_ms", 0),
        venues=tuple(_venue(venue) for venue in document.tables("venue")),
        tapes=tapes,
        faults=tuple(row.values for row in document.tables("fault")),
        forced=tuple(parse_forced(row) for row in document.tables("forced")),
    )
    document.finish()
    if not scenario.venues:
        raise DocumentError("A scenario needs at least one [[venue]].")
    return scenario


def changed_rules(rules: VenueRules, changes: Mapping[str, object]) -> VenueRules:
    """Return `rules` with a scenario's changes; raises `DocumentError` for a rule that does not exist."""
    known = {item.name: item.type for item in fields(VenueRules)}
    values: dict[str, object] = {}
    for name, value in changes.items():
        if name not in known:
            raise DocumentError(f"There is no venue rule {name}; there are {', '.join(sorted(known))}.")
        values[name] = Oversize(str(value)) if isinstance(getattr(rules, name), Oversize) else value
    return replace(rules, **values)  # type: ignore[arg-type]  # names are checked, values come from a test's own file


def parse_account(document: Document) -> OpeningAccount:
    """Return the account that a scenario table or a control request describes."""
    name = document.text("name")
    keys = (_key(document),) if "api_key" in document else tuple(_key(k) for k in document.tables("key"))
    if not keys:
        raise DocumentError(f"{document.where} needs api_key and secret, or a list of keys.")
    account = OpeningAccount(
        spec=AccountSpec(
            name=name,
            keys=keys,
            uid=document.whole("uid", 100_000),
            address=document.text("address", "").lower(),
            position_mode=document.choice("position_mode", PositionMode, PositionMode.ONE_WAY),
            margin_mode=document.choice("margin_mode", MarginMode, MarginMode.CROSS),
            leverage=document.whole("leverage", 10),
            leverages=document.counts("leverages"),
            balances=document.amounts("balances"),
        ),
        positions=tuple(parse_position(row) for row in document.tables("position")),
        orders=tuple(parse_order(row) for row in document.tables("order")),
    )
    document.finish()
    return account


def parse_position(document: Document) -> OpeningPosition:
    """Return the position that a scenario table describes; its quantity is signed, long positive."""
    position = OpeningPosition(
        symbol=document.text("symbol"),
        side=document.choice("side", PositionSide, PositionSide.NET),
        quantity=document.decimal("quantity"),
        entry=document.decimal("entry"),
    )
    document.finish()
    return position


def parse_order(document: Document) -> OrderRequest:
    """Return the order that a scenario table or a control request describes, in the exchange's own words."""
    trigger_price = document.decimal_or_none("trigger_price")
    trigger = None
    if trigger_price is not None:
        trigger = Trigger(
            price=trigger_price,
            when=document.choice("trigger_when", TriggerWhen),
            watches=document.choice("trigger_watches", TriggerPrice, TriggerPrice.MARK),
        )
    price = document.decimal_or_none("price")
    request = OrderRequest(
        symbol=document.text("symbol"),
        direction=document.choice("direction", Direction),
        kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
        quantity=document.decimal("quantity", Decimal(0)),
        price=price,
        time_in_force=document.choice("time_in_force", TimeInForce, TimeInForce.GTC),
        position_side=document.choice("side", PositionSide, PositionSide.NET),
        reduce_only=document.flag("reduce_only", default=False),
        close_position=document.flag("close_position", default=False),
        client_order_id=document.text("client_order_id", ""),
        trigger=trigger,
    )
    document.finish()
    return request


def parse_forced(document: Document) -> ForcedClose:
    """Return the liquidation or auto-deleveraging that a table or a control request describes."""
    forced = ForcedClose(
        venue=document.text("venue"),
        account=document.text("account", "main"),
        symbol=document.text("symbol"),
        side=document.choice("side", PositionSide, PositionSide.NET),
        how=document.choice("kind", Forced),
        quantity=document.decimal_or_none("quantity"),
        after_ms=document.whole("after_ms", 0),
        freeze_ms=document.whole("freeze_ms", 0),
    )
    document.finish()
    return forced


def parse_shape(document: Document) -> DepthShape:
    """Return the depth that a table describes; the caller finishes the table."""
    shape = DepthShape(
        bids=document.pairs("bids"),
        asks=document.pairs("asks"),
        replenish_ms=document.whole("replenish_ms", 0),
    )
    for side in (shape.bids, shape.asks):
        ticks = [offset for offset, _ in side]
        if ticks != sorted(set(ticks)) or any(offset < 0 or size <= 0 for offset, size in side):
            raise DocumentError(f"{document.where} must list rising distances in ticks and sizes above zero.")
    return shape


def _venue(document: Document) -> VenueSpec:
    defaults = document.raw("instrument_defaults")
    venue = VenueSpec(
        name=document.text("name"),
        round_trip_ms=document.whole("round_trip_ms", 0),
        jitter_ms=document.whole("jitter_ms", 0),
        settings=document.raw("settings"),
        rule_changes=document.raw("rules"),
        instruments=tuple(_instrument(row, defaults) for row in document.tables("instrument")),
        accounts=tuple(parse_account(row) for row in document.tables("account")),
    )
    document.finish()
    return venue


def _instrument(document: Document, defaults: Mapping[str, object]) -> ListedInstrument:
    document = document.over(defaults)
    symbol = document.text("symbol")
    depth = document.table("depth")
    listed = ListedInstrument(
        instrument=Instrument(
            symbol=symbol,
            base=document.text("base"),
            quote=document.text("quote", "USDT"),
            settle=document.text("settle", "USDT"),
            kind=document.choice("kind", ContractKind, ContractKind.LINEAR),
            tick=document.decimal("tick"),
            step=document.decimal("step"),
            quantity_min=document.decimal("quantity_min"),
            quantity_max=document.decimal("quantity_max"),
            market_quantity_max=document.decimal("market_quantity_max"),
            notional_min=document.decimal("notional_min", Decimal(5)),
            band_up=document.decimal("band_up", Decimal("1.05")),
            band_down=document.decimal("band_down", Decimal("0.95")),
            market_bound=document.decimal("market_bound", Decimal("0.05")),
            maker_fee_ppm=document.whole("maker_fee_ppm", 200),
            taker_fee_ppm=document.whole("taker_fee_ppm", 500),
            contract_size=document.decimal("contract_size", Decimal(1)),
            leverage_max=document.whole("leverage_max", 100),
            maintenance_ppm=document.whole("maintenance_ppm", 5_000),
            orders_max=document.whole("orders_max", 200),
            conditional_orders_max=document.whole("conditional_orders_max", 10),
            funding_interval_ms=document.whole("funding_interval_ms", 0),
        ),
        mark=document.decimal("mark"),
        shape=parse_shape(depth),
        funding_rate=document.decimal("funding_rate", Decimal(0)),
    )
    depth.finish()
    document.finish()
    figures = (listed.mark, *(getattr(listed.instrument, name) for name in _POSITIVE_FIGURES))
    if min(figures) <= 0:
        raise DocumentError(f"{document.where}: mark and {', '.join(_POSITIVE_FIGURES)} must be above zero.")
    interval_ms = listed.instrument.funding_interval_ms
    if 0 != interval_ms < _INTERVAL_LEAST_MS or abs(listed.funding_rate) >= 1:
        raise DocumentError(
            f"{document.where}: funding_interval_ms must be {_INTERVAL_LEAST_MS} at least, and funding_rate "
            "a fraction between -1 and 1."
        )
    return listed


def _key(document: Document) -> ApiKey:
    return ApiKey(
        key=document.text("api_key"),
        secret=document.text("secret"),
        permissions=frozenset(
            _permission(word, document.where) for word in document.texts("permissions", ("read", "trade"))
        ),
        addresses=document.texts("addresses"),
        passphrase=document.text("passphrase", ""),
    )


def _permission(word: str, where: str) -> Permission:
    try:
        return Permission(word)
    except ValueError:
        raise DocumentError(f"{where}.permissions knows read, trade and withdraw, not {word}.") from None


def _tape_path(document: Document) -> TapePath:
    path = TapePath(
        venue=document.text("venue"), symbol=document.text("symbol"), points=document.pairs("points")
    )
    document.finish()
    return path
