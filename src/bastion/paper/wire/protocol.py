"""Protocol: what passes between the server's edge and a wire, and what every wire offers.

A wire is synchronous and pure of input and output: it gets a request as bytes and gives an answer as bytes.
The edge owns sockets, delays, dropped connections and the request log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl

from bastion.paper.exchange.venue import Exchange
from bastion.paper.rules import VenueRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Faults that bend what the exchange shows or does for one request.

    `read_lag_ms`: reads of positions, orders and fills show the state of so many milliseconds ago.
    `pretend_empty`: a list is answered as empty, in the venue's shape.
    `hidden`: a list of positions leaves this symbol out, unless it is asked for by name.
    `fill_ratio_max`: at most this share of each new order fills at once.
    """

    read_lag_ms: int = 0
    pretend_empty: bool = False
    hidden: str = ""
    fill_ratio_max: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One HTTP request, its path without the wire's prefix (`/fapi/v1/order`).

    Header names are lower case. `query` is the raw, still encoded query string: signatures are made over it.
    `received_ms` is the exchange's time when the request had arrived whole.
    """

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]
    address: str
    received_ms: int
    conditions: Conditions = field(default_factory=Conditions)

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the decoded query parameters in the order in which they were sent, blanks kept."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer:
    """One HTTP answer.

    `executed` tells the request log in plain words what the request changed ("order 12 SELL 0.5 BTCUSDT
    FILLED");
    `account` is the account that the credential belongs to, empty when there was none.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    executed: tuple[str, ...] = ()


class Wire(Protocol):
    """One venue's protocol over one exchange."""

    @property
    def venue(self) -> str:
        """The venue's name, which is also the path prefix: `binance`, `bybit`."""
        ...

    def handle(self, request: WireRequest) -> WireAnswer:
        """Answer `request` by the venue's rules. Never raises for what a client sent."""
        ...

    def identify(self, request: WireRequest) -> str:
        """Return the name of the account whose key the request carries, without checking it.

        Empty when unknown.
        """
        ...

    def is_protected(self, request: WireRequest) -> bool:
        """Whether the venue's overload protection lets this request pass (a cancel or a reducing order)."""
        ...

    def failure(self, name: str, request: WireRequest) -> WireAnswer | None:
        """Return the venue's own answer for the failure `name`, or None where it has none of that name.

        Names every wire knows: `unavailable` (not executed), `unknown_status` (may have been executed),
        `overloaded`, `rate_limited`, `banned`, `internal_error`.
        """
        ...


@runtime_checkable
class NamesCalls(Protocol):
    """What a wire offers where the path alone does not tell what a request asks for."""

    def call_of(self, request: WireRequest) -> str:
        """Return the path by which fault rules and the request log know the request (`/info/userRole`)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePlugin:
    """How the server makes a wire.

    Its venue, the venue's rules, and the function that builds it on an exchange.

    `build` gets the exchange and the scenario's settings for the venue (limits, say), as parsed from TOML or
    JSON. A package that speaks a venue offers one of these under the name `PLUGIN`; `wire.registry` lists
    them.
    """

    venue: str
    rules: VenueRules
    build: Callable[[Exchange, Mapping[str, object]], Wire]
