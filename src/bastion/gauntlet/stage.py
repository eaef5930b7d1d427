"""Stage: the world that one scenario starts from at one venue, as a document for the paper exchange."""

from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from enum import StrEnum

from bastion.gauntlet.draw import Draw
from bastion.gauntlet.tongue import TONGUES, Tongue
from bastion.shape import dataclass

Json = Mapping[str, object]

MARKS = {"BTC": Decimal(60_000), "ETH": Decimal(3_000), "SOL": Decimal(150)}
STEPS = {"BTC": Decimal("0.001"), "ETH": Decimal("0.01"), "SOL": Decimal("0.1")}
DEPTH = Decimal(20_000)
BALANCE = "1000000"
DEADLINE_S = 30


class Best(StrEnum):
    """What the best of programs comes to."""

    FLAT = "flat"
    DUST = "flat but for dust"
    OPEN = "something cannot be closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position from the start: `quantity` in the coin, signed, long positive; `side` as at the venue."""

    coin: str
    quantity: Decimal
    side: str = "NET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a program is put before.

    `holdings` are at every venue of `venues`. `dead` are venues that answer nothing. `rules` change an
    instrument, `orders` rest from the start, `faults` are rules of the paper exchange. `clock_offset_ms` is
    how far the venues' clock is ahead. `own_ids` are the client ids of orders that are not the program's.
    `stuck` are coins that cannot be closed; where `is_shut` is set, none can any more.
    """

    venues: tuple[str, ...]
    holdings: tuple[Holding, ...]
    best: Best = Best.FLAT
    deadline_s: int = DEADLINE_S
    dead: tuple[str, ...] = ()
    hedge: bool = False
    clock_offset_ms: int = 0
    rules: Mapping[str, Json] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    orders: tuple[Json, ...] = ()
    faults: tuple[Json, ...] = ()
    own_ids: frozenset[str] = frozenset()
    stuck: frozenset[str] = frozenset()
    is_shut: bool = False

    def with_fault(self, kind: str, **fields: object) -> "Stage":
        """Return the stage with one more fault rule, at its first venue unless the rule names another."""
        return replace(self, faults=(*self.faults, {"venue": self.venues[0], "kind": kind, **fields}))

    @property
    def lag_s(self) -> float:
        """How far its reads trail: a world that is younger would be shown as the empty one before it."""
        return max((float(str(fault.get("lag_ms", 0))) for fault in self.faults), default=0) / 1_000

    def with_order(self, order: Json) -> "Stage":
        """Return the stage with one more order at its first venue that rests there from the start."""
        return replace(
            self, orders=(*self.orders, order), own_ids=self.own_ids | {str(order["client_order_id"])}
        )


def opening(draw: Draw) -> Stage:
    """Return the world that every scenario changes: three positions of drawn size and side, and one order.

    The order would buy 3 % below the market: what a grid bot leaves lying about.
    """
    tongue = TONGUES[draw.venue]
    holdings = tuple(
        Holding(coin=coin, quantity=_quantity(draw, coin) * (1 if draw.whole(coin, 0, 1) else -1))
        for coin in MARKS
    )
    resting = {
        "symbol": tongue.named("ETH"),
        "direction": "BUY",
        "quantity": tongue.contracts("ETH", Decimal("0.5")),
        "price": "2910",
        "client_order_id": tongue.client_id(1),
    }
    return Stage(venues=(draw.venue,), holdings=holdings).with_order(resting)


def _quantity(draw: Draw, coin: str) -> Decimal:
    return STEPS[coin] * draw.whole(f"{coin} size", 100, 900)


def document_of(stage: Stage, *, name: str, seed: int) -> dict[str, object]:
    """Return the scenario that the paper exchange loads."""
    dead = [{"venue": venue, "kind": "never"} for venue in stage.dead]
    return {
        "name": f"gauntlet {name}",
        "seed": seed,
        "clock_offset_ms": stage.clock_offset_ms,
        "venue": [
            _venue(stage, TONGUES[venue], first=not number) for number, venue in enumerate(stage.venues)
        ],
        "fault": [*dead, *stage.faults],
    }


def _venue(stage: Stage, tongue: Tongue, *, first: bool) -> dict[str, object]:
    quote = "USD" if tongue.venue == "hyperliquid" else "USDT"
    return {
        "name": tongue.venue,
        "settings": stage.settings if first else {},
        "instrument_defaults": {"quote": quote, "settle": tongue.settle},
        "instrument": [_instrument(tongue, coin, stage.rules.get(coin, {})) for coin in MARKS],
        "account": [
            {
                "name": "main",
                **tongue.identity(),
                "leverage": 10,
                "position_mode": "HEDGE" if stage.hedge else "ONE_WAY",
                "balances": {tongue.settle: BALANCE},
                "position": [_position(tongue, holding) for holding in stage.holdings],
                "order": list(stage.orders) if first else [],
            }
        ],
    }


def _instrument(tongue: Tongue, coin: str, changes: Json) -> dict[str, object]:
    size = tongue.sizes.get(coin, Decimal(1))
    return {
        "symbol": tongue.named(coin),
        "base": coin,
        "contract_size": f"{size:f}",
        "tick": tongue.ticks[coin],
        "step": tongue.contracts(coin, STEPS[coin]),
        "quantity_min": tongue.contracts(coin, STEPS[coin]),
        "quantity_max": "10000000",
        "market_quantity_max": "1000000",
        "mark": f"{MARKS[coin]:f}",
        "depth": depth(tongue, coin),
        **changes,
    }


def depth(tongue: Tongue, coin: str, *, far_ticks: int = 0, quantity: Decimal = DEPTH) -> dict[str, object]:
    """Return a depth of one level a side, `far_ticks` from the mark and as deep as `quantity` of the coin."""
    amount = tongue.contracts(coin, quantity)
    return {"bids": [[far_ticks, amount]], "asks": [[far_ticks + 1, amount]]}


def _position(tongue: Tongue, holding: Holding) -> dict[str, object]:
    return {
        "symbol": tongue.named(holding.coin),
        "quantity": tongue.contracts(holding.coin, holding.quantity),
        "entry": f"{MARKS[holding.coin]:f}",
        "side": holding.side,
    }
