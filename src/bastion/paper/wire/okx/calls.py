"""Calls: what an endpoint gets to work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.account import ApiKey, MarginMode, PositionMode
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import PositionSide
from bastion.paper.wire.okx.beside import Beside
from bastion.paper.wire.okx.envelope import OkxError
from bastion.paper.wire.okx.parameters import Parameters
from bastion.paper.wire.protocol import Conditions

SWAP = "SWAP"
INSTRUMENT_TYPES = ("SPOT", "MARGIN", SWAP, "FUTURES", "OPTION")
_DOLLARS = frozenset({"USDT", "USDC", "USD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that has passed the door. `account` is empty and `key` None on public endpoints.

    `items` are the groups of a batch; `parameters` is the first of them.
    """

    exchange: Exchange
    beside: Beside
    path: str
    parameters: Parameters
    items: Sequence[Parameters]
    now_ms: int
    conditions: Conditions
    account: str = ""
    key: ApiKey | None = None

    @property
    def at_ms(self) -> int | None:
        """As of when positions, orders and fills are read: None is now, else a fault's moment in the past."""
        lag_ms = self.conditions.read_lag_ms
        return self.now_ms - lag_ms if lag_ms else None

    @property
    def is_hedged(self) -> bool:
        """Whether the account runs long/short mode."""
        return self.exchange.position_mode(self.account) is PositionMode.HEDGE

    def instrument(self) -> Instrument:
        """Return the instrument of the required parameter `instId`."""
        return find_instrument(self.exchange, self.parameters.required("instId"))


def find_instrument(exchange: Exchange, name: str) -> Instrument:
    """Return a listed instrument; raises `OkxError` 51001."""
    instrument = exchange.instruments.get(name)
    if instrument is None:
        raise OkxError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return instrument


def family_of(instrument: Instrument) -> str:
    """Return the instrument family, which is also the underlying: `BTC-USDT`."""
    return f"{instrument.base}-{instrument.quote}"


def trade_mode_of(exchange: Exchange, account: str, symbol: str) -> str:
    """Return `cross` or `isolated`, as the instrument is margined in the account."""
    return "isolated" if exchange.margin_mode(account, symbol) is MarginMode.ISOLATED else "cross"


def held(exchange: Exchange, account: str, symbol: str, side: PositionSide) -> Decimal:
    """Return the signed size of one position, zero where nothing is held."""
    for view in exchange.positions(account):
        if (view.position.symbol, view.position.side) == (symbol, side):
            return view.position.quantity
    return Decimal(0)


def dollar_price(exchange: Exchange, coin: str) -> Decimal:
    """Return what one `coin` is worth in US dollars by the marks of this exchange, zero where unknown."""
    if coin in _DOLLARS:
        return Decimal(1)
    for row in exchange.instruments.values():
        if row.base == coin and row.quote in _DOLLARS:
            return exchange.mark_price(row.symbol)
    return Decimal(0)


def is_inverse(instrument: Instrument) -> bool:
    """Whether the contract settles in its base coin."""
    return instrument.kind is ContractKind.INVERSE


def wants(parameters: Parameters, instrument: Instrument) -> bool:
    """Whether the filters instType, uly, instFamily and instId let a perpetual of ours through."""
    asked: Mapping[str, str] = {
        "instType": SWAP,
        "uly": family_of(instrument),
        "instFamily": family_of(instrument),
        "instId": instrument.symbol,
    }
    return all(not parameters.has(name) or parameters.text(name) == value for name, value in asked.items())


def plain(value: Decimal) -> str:
    """Return `value` without exponent and trailing zeros."""
    text = format(value.normalize(), "f")
    return "0" if text in {"-0", ""} else text


def rounded(value: Decimal, decimals: int = 12) -> str:
    """Return `value` rounded to `decimals`, without trailing zeros."""
    return plain(round(value, decimals))
