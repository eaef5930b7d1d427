"""A small paper exchange without sockets, and short verbs for it."""

from dataclasses import replace
from decimal import Decimal

from bastion.paper.account import AccountSpec, ApiKey, PositionMode
from bastion.paper.book import DepthShape
from bastion.paper.clock import SteppedClock
from bastion.paper.exchange.venue import Exchange
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import (
    Direction,
    Order,
    OrderKind,
    OrderRequest,
    PositionSide,
    TimeInForce,
    Trigger,
    TriggerPrice,
    TriggerWhen,
)
from bastion.paper.rules import VenueRules

BTC = Instrument(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    quantity_max=Decimal(1000),
    market_quantity_max=Decimal(120),
    notional_min=Decimal(100),
)
INVERSE = replace(
    BTC,
    symbol="BTCUSD",
    quote="USD",
    settle="BTC",
    kind=ContractKind.INVERSE,
    step=Decimal(1),
    quantity_min=Decimal(1),
    quantity_max=Decimal(1_000_000),
    market_quantity_max=Decimal(1_000_000),
    notional_min=Decimal(1),
)
DEEP = DepthShape(bids=((0, Decimal(500)), (10, Decimal(500))), asks=((1, Decimal(500)), (11, Decimal(500))))
LONG, SHORT, NET = PositionSide.LONG, PositionSide.SHORT, PositionSide.NET
BUY, SELL = Direction.BUY, Direction.SELL


class Rig:
    """One exchange, its clock, and orders of the accounts `main` and `other` in few words."""

    def __init__(self, exchange: Exchange, clock: SteppedClock) -> None:
        self.exchange = exchange
        self.clock = clock

    def market(
        self,
        direction: Direction,
        quantity: str,
        *,
        reduce_only: bool = False,
        side: PositionSide = NET,
        account: str = "main",
        ratio: str | None = None,
        symbol: str = "BTCUSDT",
    ) -> Order:
        """Place a market order."""
        return self.exchange.place(
            account,
            OrderRequest(
                symbol=symbol,
                direction=direction,
                kind=OrderKind.MARKET,
                quantity=Decimal(quantity),
                reduce_only=reduce_only,
                position_side=side,
                fill_ratio_max=Decimal(ratio) if ratio else None,
            ),
        )

    def limit(
        self,
        direction: Direction,
        quantity: str,
        price: str,
        *,
        reduce_only: bool = False,
        side: PositionSide = NET,
        account: str = "main",
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> Order:
        """Place a limit order."""
        return self.exchange.place(
            account,
            OrderRequest(
                symbol="BTCUSDT",
                direction=direction,
                kind=OrderKind.LIMIT,
                quantity=Decimal(quantity),
                price=Decimal(price),
                reduce_only=reduce_only,
                position_side=side,
                time_in_force=time_in_force,
            ),
        )

    def stop(
        self,
        direction: Direction,
        quantity: str,
        trigger: str,
        when: TriggerWhen,
        *,
        close: bool = False,
        watches: TriggerPrice = TriggerPrice.MARK,
    ) -> Order:
        """Place a conditional market order that reduces."""
        return self.exchange.place(
            "main",
            OrderRequest(
                symbol="BTCUSDT",
                direction=direction,
                kind=OrderKind.MARKET,
                quantity=Decimal(quantity),
                reduce_only=not close,
                close_position=close,
                trigger=Trigger(price=Decimal(trigger), when=when, watches=watches),
            ),
        )

    def held(self, account: str = "main", *, symbol: str = "BTCUSDT") -> dict[PositionSide, Decimal]:
        """Return the signed quantity held on each side."""
        return {
            view.position.side: view.position.quantity
            for view in self.exchange.positions(account)
            if view.instrument.symbol == symbol
        }

    def now(self, order: Order) -> Order:
        """Return the order as it stands."""
        found = self.exchange.find_order(order.account, order_id=order.order_id)
        assert found is not None
        return found


def rig(rules: VenueRules | None = None, *, mode: PositionMode = PositionMode.ONE_WAY) -> Rig:
    """Return a fresh rig."""
    clock = SteppedClock(1_800_000_000_000)
    exchange = Exchange(name="paper", rules=rules or VenueRules(), clock=clock)
    exchange.list_instrument(BTC, mark=Decimal(50_000), shape=DEEP)
    exchange.list_instrument(
        INVERSE,
        mark=Decimal(50_000),
        shape=DepthShape(bids=((0, Decimal(10**6)),), asks=((0, Decimal(10**6)),)),
    )
    for name in ("main", "other"):
        exchange.add_account(
            AccountSpec(
                name=name,
                keys=(ApiKey(key=f"{name}-key", secret="s"),),
                position_mode=mode,
                leverage=20,
                balances={"USDT": Decimal(1_000_000), "BTC": Decimal(10)},
            )
        )
    return Rig(exchange, clock)
