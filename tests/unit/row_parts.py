"""What the tests of the venues' rows share: rows, what is told of them, and positions of two venues."""

from decimal import Decimal
from typing import Any

from bastion.domain.position import Position, Side
from bastion.venues.ccxt import binance_rows, bybit_rows
from bastion.venues.raw import Row

D = Decimal
ONE = D(1)
FIGURES = (
    "side",
    "quantity",
    "hedged",
    "margin_mode",
    "entry_price",
    "mark_price",
    "liquidation_price",
    "leverage",
    "notional_usd",
    "margin_usd",
    "unrealized_pnl_usd",
    "updated_ms",
    "closable",
)
ORDER = (
    "instrument",
    "category",
    "order_id",
    "client_order_id",
    "direction",
    "quantity",
    "reduce_only",
    "conditional",
    "side",
)
LIMITS = ("quantity_step", "quantity_min", "market_quantity_max", "price_tick")

BINANCE_POSITION: dict[str, Any] = {
    "symbol": "ADAUSDT",
    "positionSide": "BOTH",
    "positionAmt": "-30",
    "entryPrice": "0.385",
    "markPrice": "0.41",
    "unRealizedProfit": "-0.76",
    "liquidationPrice": "0.9",
    "leverage": "20",
    "notional": "-12.3",
    "marginAsset": "USDT",
    "isolatedWallet": "0",
    "positionInitialMargin": "0.61",
    "updateTime": 1720736417660,
}


def row(value: dict[str, Any], **changes: object) -> Row:
    return Row({**value, **changes}, "row")


def told(thing: object, *names: str) -> list[object]:
    return [getattr(thing, name) for name in names]


def held(
    side: Side, *, hedged: bool = False, instrument: str = "BTCUSDT", category: str = "linear"
) -> Position:
    made = binance_rows.position(
        row(
            BINANCE_POSITION,
            symbol=instrument,
            positionSide=side.value if hedged else "BOTH",
            positionAmt="2" if side is Side.LONG else "-2",
        )
    )
    assert made is not None
    assert made.side is side
    return made if category == "usdm" else bybit_held(made, category)


def bybit_held(of: Position, category: str) -> Position:
    index = bybit_rows.position_index(of)
    made = bybit_rows.position(
        row(
            {"symbol": of.instrument, "size": "2", "positionIdx": index},
            side="Buy" if of.side is Side.LONG else "Sell",
        ),
        category,
    )
    assert made is not None
    return made
