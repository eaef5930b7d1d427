"""Algo book: the TWAP orders of one Binance wire."""

from dataclasses import dataclass, field
from decimal import Decimal

from bastion.paper.order import Direction


@dataclass(slots=True, kw_only=True)
class Twap:
    """One TWAP order; `slices` of its suborders were sent, `executed` of its quantity was executed."""

    algo_id: int
    account: str
    symbol: str
    direction: Direction
    position_side: str
    quantity: Decimal
    reduce_only: bool
    client_id: str
    seconds: int
    began_ms: int
    slices: int = 0
    executed: Decimal = Decimal(0)
    runs: bool = True


@dataclass(slots=True)
class AlgoBook:
    """All of them, the oldest first."""

    twaps: list[Twap] = field(default_factory=list)
