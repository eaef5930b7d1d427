"""Calls: what an endpoint gets to work with."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from bastion.paper.account import ApiKey
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import OrderFilter
from bastion.paper.wire.bybit.envelope import wrong
from bastion.paper.wire.bybit.parameters import Parameters
from bastion.paper.wire.protocol import Conditions

CONTRACT_CATEGORIES = ("linear", "inverse")
CATEGORIES = (*CONTRACT_CATEGORIES, "spot", "option")


class Windows(Protocol):
    """How long each product's orders outlive the connections of an account, in seconds."""

    def windows(self, account: str) -> dict[str, int]:
        """Return them, to be read and set; empty for an account without the protection."""
        ...


class NoWindows:
    """No account has the protection."""

    def windows(self, account: str) -> dict[str, int]:  # noqa: ARG002 - the port's signature
        """Return nothing."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that has passed the door. `account` is empty and `key` None on public endpoints."""

    exchange: Exchange
    path: str
    parameters: Parameters
    now_ms: int
    conditions: Conditions
    account: str = ""
    key: ApiKey | None = None
    units: int = 1
    disconnects: Windows = field(default_factory=NoWindows)

    @property
    def at_ms(self) -> int | None:
        """As of when positions, orders and fills are read: None is now, else a fault's moment in the past."""
        lag_ms = self.conditions.read_lag_ms
        return self.now_ms - lag_ms if lag_ms else None

    def category(self, allowed: tuple[str, ...] = CATEGORIES) -> str:
        """Return the product type; raises `BybitError` when it is missing or not one of `allowed`."""
        category = self.parameters.text("category")
        if category not in allowed:
            raise wrong(f"params error: category only support {', '.join(allowed)}")
        return category

    def instrument(self, category: str) -> Instrument:
        """Return the instrument of the required parameter `symbol`."""
        return find_instrument(self.exchange, category, self.parameters.required("symbol"))


def find_instrument(exchange: Exchange, category: str, symbol: str) -> Instrument:
    """Return an instrument of `category`; raises `BybitError` when it is not listed there."""
    instrument = exchange.instruments.get(symbol)
    if instrument is None or instrument.kind.value != category:
        raise wrong(f"params error: symbol invalid {symbol}")
    return instrument


def listed(exchange: Exchange, category: str) -> list[Instrument]:
    """Return the instruments of `category`; the paper exchange lists no spot and no options."""
    return [row for row in exchange.instruments.values() if row.kind.value == category]


def scope(call: Call, category: str) -> OrderFilter:
    """Return which orders the parameters symbol, baseCoin and settleCoin mean; the first one sent wins."""
    parameters = call.parameters
    contract = ContractKind(category).value
    if parameters.has("symbol"):
        return OrderFilter(symbol=call.instrument(category).symbol)
    if parameters.has("baseCoin"):
        return OrderFilter(base=parameters.text("baseCoin"), contract=contract)
    return OrderFilter(settle=parameters.text("settleCoin") or None, contract=contract)


def needs_scope(call: Call) -> None:
    """Raise unless one of symbol, baseCoin and settleCoin was sent."""
    if not any(call.parameters.has(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise wrong("Missing some parameters that must be filled in, symbol or settleCoin or baseCoin")


def plain(value: Decimal) -> str:
    """Return `value` without exponent and trailing zeros."""
    text = format(value.normalize(), "f")
    return "0" if text in {"-0", ""} else text


def on_grid(value: Decimal, grid: Decimal) -> str:
    """Return `value` with as many decimals as the tick or step `grid` has."""
    return format(value.quantize(Decimal(1).scaleb(_exponent(grid))), "f")


def rounded(value: Decimal, decimals: int = 8) -> str:
    """Return `value` rounded to `decimals`, without trailing zeros."""
    return plain(round(value, decimals))


def _exponent(grid: Decimal) -> int:
    exponent = grid.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
