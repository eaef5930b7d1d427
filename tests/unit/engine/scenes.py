"""Scenes for the guards' tests: one account, one position, an equity and its mark."""

from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.engine import Action, GuardReading, Lamp, Target
from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.position import Position, Side
from bastion.engine.guards import DRAWDOWN
from bastion.engine.scene import Drawdown, Held, Scene

ACCOUNT = Account(name="main", venue="binance", key_space="usdm", credential="main")
AT_NS = 1_750_000_000_000_000_000


def position(
    *,
    side: Side = Side.LONG,
    mark: str | None = "100",
    liquidation: str | None = "50",
    entry: str = "100",
    margin: str = "10",
    pnl: str | None = "0",
    hedged: bool = False,
) -> Position:
    return Position(
        instrument="BTCUSDT",
        category="linear",
        symbol="BTC/USDT:USDT",
        side=side,
        quantity=Quantity(Decimal(1)),
        hedged=hedged,
        entry_price=Price(Decimal(entry)),
        mark_price=None if mark is None else Price(Decimal(mark)),
        liquidation_price=None if liquidation is None else Price(Decimal(liquidation)),
        notional_usd=Usd(Decimal(100)),
        margin_usd=Usd(Decimal(margin)),
        unrealized_pnl_usd=None if pnl is None else Usd(Decimal(pnl)),
    )


def held(one: Position, *, stopped: bool = False) -> Held:
    return Held(account=ACCOUNT, position=one, symbol="BTCUSDT", stopped=stopped)


def scene(
    *positions: Position,
    equity: str | None = "100",
    mark: str | None = "100",
    average: str = "0",
    unread: tuple[tuple[str, str], ...] = (),
) -> Scene:
    memory = None
    if mark is not None:
        memory = Drawdown(high_water_usd=Usd(Decimal(mark)), average_pct=Decimal(average), at_ns=AT_NS)
    return Scene(
        at_ns=AT_NS,
        held=tuple(held(one) for one in positions),
        unread=unread,
        equity_usd=None if equity is None else Usd(Decimal(equity)),
        equity_why="" if equity is not None else "main: the venue did not answer",
        memory=memory,
    )


def reading(key: str = DRAWDOWN, *, target: Target | None = None, risk: str = "100") -> GuardReading:
    return GuardReading(
        guard=key.split(":", maxsplit=1)[0],
        key=key,
        lamp=Lamp.TRIP,
        target=target or Target(),
        value=Decimal(30),
        limit=Decimal(20),
        distance=Decimal(0),
        unit="pct",
        formula="f",
        sentence=f"The guard {key} is at its limit.",
        risk=Decimal(risk),
    )


ALL = Action.EXIT_ALL
