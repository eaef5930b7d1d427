"""Call: one authenticated, counted request on its way to a handler, and what the handler gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind
from bastion.paper.wire.binance.algo_book import AlgoBook
from bastion.paper.wire.binance.limits import Limits
from bastion.paper.wire.binance.listen_keys import ListenKeys
from bastion.paper.wire.binance.parameters import Parameters
from bastion.paper.wire.protocol import WireRequest

Json = object
COIN_PREFIXES = ("/dapi/", "/papi/v1/cm/")


class Security(StrEnum):
    """What a call needs: nothing, a key without a signature, a key that may read, or one that may trade."""

    NONE = "NONE"
    USER_STREAM = "USER_STREAM"
    USER_DATA = "USER_DATA"
    TRADE = "TRADE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a handler gets. `account` is empty for public calls; `at_ms` is set while reads lag."""

    exchange: Exchange
    limits: Limits
    listen_keys: ListenKeys
    algos: AlgoBook
    account: str
    parameters: Parameters
    request: WireRequest
    now_ms: int

    @property
    def at_ms(self) -> int | None:
        """The moment that reads show; None is now."""
        lag_ms = self.request.conditions.read_lag_ms
        return self.now_ms - lag_ms if lag_ms else None

    @property
    def kind(self) -> ContractKind:
        """The contracts that the call is about: COIN-M's are inverse, USD-M's linear."""
        return ContractKind.INVERSE if self.request.path.startswith(COIN_PREFIXES) else ContractKind.LINEAR

    @property
    def pretends_empty(self) -> bool:
        """Whether lists are to be answered as empty."""
        return self.request.conditions.pretend_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers; `executed` goes to the request log."""

    data: Json
    executed: tuple[str, ...] = ()


Handler = Callable[[Call], Reply]
Weight = Callable[[Parameters], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint: who may call it, what it weighs, which parameters it reads.

    `weight` is a number or a function of the parameters. `orders_10s` and `orders_1m` are what it adds to the
    order counts. `unmodelled` are parameters of the real venue that are refused here by name.
    """

    handler: Handler
    security: Security = Security.NONE
    weight: int | Weight = 1
    orders_10s: int = 0
    orders_1m: int = 0
    reads: frozenset[str] = frozenset()
    unmodelled: Mapping[str, str] = field(default_factory=dict)

    def weigh(self, parameters: Parameters) -> int:
        """Return the weight of a call with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(parameters)
