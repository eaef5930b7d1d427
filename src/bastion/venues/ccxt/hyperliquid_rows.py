"""Hyperliquid rows: what the venue's documented JSON objects mean in the desk's words.

Source: Hyperliquid docs, "Perpetuals" (clearinghouseState, meta, metaAndAssetCtxs), "Info endpoint"
(frontendOpenOrders, orderStatus and its statuses, userFills), "Tick and lot size", "Contract specifications".
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.money import ZERO, Price, Quantity, Usd
from bastion.domain.order import Cause, Direction, Fill, OpenOrder, OrderState, OrderStatus
from bastion.domain.position import MarginMode, Position, Side
from bastion.domain.protective import Protection, ProtectiveOrder
from bastion.domain.symbol import COIN_ALONE
from bastion.domain.symbol import coin_pair as pair
from bastion.errors import AnswerMalformed
from bastion.venues.ccxt.hyperliquid_cloid import client_id_of
from bastion.venues.raw import Row, believed, plain

CATEGORY = COIN_ALONE
USDC = "USDC"
FIGURES = 5
DECIMALS = 6
MARK_DIGITS = 12
_MILLION = 1_000_000
# The largest value of a market order by the contract's largest leverage.
_LARGEST = ((25, 30 * _MILLION), (20, 5 * _MILLION), (10, 2 * _MILLION), (0, _MILLION // 2))
_WORKING = frozenset({"open", "triggered"})
_ONE_PART_IN = 100


def positions(state: Row, settles: Mapping[str, str]) -> tuple[tuple[Position, ...], str]:
    """Return the positions of one dex, and why the list is not whole; that text is empty where it is.

    `settles` names the collateral of coins, USDC where it names none. A list is not whole that has an odd
    row, or lacks what the account's own margin counts.

    Raises:
        AnswerMalformed: there is no list, or no margin to hold it to.
    """
    each, doubt = believed(state.rows("assetPositions"), lambda row: _position(row.row("position"), settles))
    # A row that comes twice is one position.
    found = tuple({item.key: item for item in each}.values())
    counted = state.row("marginSummary").decimal("totalNtlPos")
    listed = sum((item.notional_usd or ZERO for item in found), ZERO)
    if not doubt and abs(counted - listed) > max(counted / _ONE_PART_IN, Decimal(1)):
        doubt = (
            f"{state.where}: the positions listed are worth {plain(listed)}, "
            f"but the margin counts {plain(counted)}"
        )
    return found, doubt


def _position(row: Row, settles: Mapping[str, str]) -> Position | None:
    coin, size = row.text("coin"), row.decimal("szi")
    if size == ZERO:
        return None
    value = abs(row.decimal("positionValue"))
    leverage = row.row("leverage") if "leverage" in row else None
    mark = _rounded(value / abs(size))
    return Position(
        instrument=coin,
        category=CATEGORY,
        symbol=pair(coin, settles.get(coin, USDC)),
        side=Side.LONG if size > ZERO else Side.SHORT,
        quantity=Quantity(abs(size)),
        hedged=False,
        margin_mode=_margin_mode(leverage),
        entry_price=_price(row, "entryPx"),
        mark_price=Price(mark) if mark > ZERO else None,
        liquidation_price=_price(row, "liquidationPx"),
        leverage=leverage.positive_or_none("value") if leverage is not None else None,
        notional_usd=Usd(value),
        margin_usd=_usd(row, "marginUsed"),
        unrealized_pnl_usd=_usd(row, "unrealizedPnl"),
        funding_usd=_funding(row),
    )


def left_in(sizes: Mapping[str, Decimal], settles: Mapping[str, str]) -> tuple[Position, ...]:
    """Return what is held in coins by their signed sizes alone."""
    return tuple(
        Position(
            instrument=coin,
            category=CATEGORY,
            symbol=pair(coin, settles.get(coin, USDC)),
            side=Side.LONG if size > ZERO else Side.SHORT,
            quantity=Quantity(abs(size)),
            hedged=False,
        )
        for coin, size in sizes.items()
    )


def open_order(row: Row) -> OpenOrder | None:
    """Return a working or waiting order; None for one of the spot market, which is not ours to touch."""
    coin = row.text("coin")
    if is_spot(coin):
        return None
    whole = row.flag("isPositionTpsl")
    return OpenOrder(
        instrument=coin,
        category=CATEGORY,
        order_id=row.text("oid"),
        client_order_id=client_id_of(row.text_or("cloid")),
        direction=direction(row),
        quantity=Quantity(row.decimal("sz")),
        reduce_only=row.flag("reduceOnly") or whole,
        conditional=row.flag("isTrigger"),
    )


def settled_in(look: Look, settles: Mapping[str, str]) -> Look:
    """Return a look whose orders name the collateral of their coins, as its positions do."""
    if not settles:
        return look
    orders = tuple(replace(one, settle=settles.get(one.instrument, "")) for one in look.orders)
    return replace(look, orders=orders)


def protective_order(row: Row, position: Position) -> ProtectiveOrder | None:
    """Return a stop or take profit of the position that closes at market; None for any other order."""
    order = open_order(row)
    kind = _PROTECTIONS.get(row.text_or("orderType"))
    closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
    if order is None or kind is None or not (order.conditional and order.reduce_only):
        return None
    if order.instrument != position.instrument or order.direction is not closing:
        return None
    return ProtectiveOrder(
        order=order,
        kind=kind,
        trigger_price=Price(row.decimal("triggerPx")),
        quantity=order.quantity,
        whole=row.flag("isPositionTpsl"),
    )


def order_state(told: Row, client_order_id: str) -> OrderState:
    """Return what `orderStatus` says of an order: its row, its status and what is left of its size."""
    row, word = told.row("order"), told.text("status")
    filled = row.decimal("origSz") - row.decimal("sz")
    return OrderState(
        client_order_id=client_order_id,
        order_id=row.text("oid"),
        status=_status(word, filled=filled, left=row.decimal("sz")),
        filled=Quantity(ZERO if _is_rejected(word) else max(ZERO, filled)),
        reason="" if word in _WORKING or word == "filled" else word,
    )


def fill(row: Row, settles: Mapping[str, str], *, fee_rate: Decimal, client_order_id: str) -> Fill:
    """Return one execution; `fee` contains the builder's part already, `closedPnl` is before fees.

    A fee in another coin than the collateral is worth `fee_rate` US dollars a unit.
    """
    coin, way = row.text("coin"), row.text_or("dir")
    return Fill(
        instrument=coin,
        category=CATEGORY,
        symbol=pair(coin, settles.get(coin, USDC)),
        fill_id=row.text("tid"),
        order_id=row.text("oid"),
        client_order_id=client_order_id,
        direction=direction(row),
        quantity=Quantity(row.decimal("sz")),
        price=Price(row.decimal("px")),
        fee_usd=Usd(row.decimal("fee") * fee_rate),
        at_ms=row.integer("time"),
        side=_SIDES.get(way),
        realized_pnl_usd=Usd(row.decimal("closedPnl")),
        cause=_cause(way),
    )


def instrument(row: Row, mark: Decimal | None, number: int, settle: str) -> Instrument:
    """Return one contract of a dex's universe; its tick is that of its present price."""
    coin, decimals = row.text("name"), row.integer("szDecimals")
    step = Decimal(1).scaleb(-decimals)
    most = next(Decimal(value) for least, value in _LARGEST if row.integer("maxLeverage") >= least)
    largest = ZERO if mark is None else (most / mark / step).to_integral_value(ROUND_FLOOR) * step
    return Instrument(
        id=coin,
        category=CATEGORY,
        symbol=pair(coin, settle),
        base=coin,
        settle=settle,
        quantity_step=step,
        quantity_min=Quantity(step),
        market_quantity_max=Quantity(largest),
        price_tick=tick_at(mark, decimals) if mark is not None else Decimal(1).scaleb(decimals - DECIMALS),
        number=number,
    )


def tick_at(price: Decimal, decimals: int) -> Decimal:
    """Return the smallest step of prices like this one: five figures, at most 6 - szDecimals decimals."""
    exponent = max(price.adjusted() - FIGURES + 1, decimals - DECIMALS)
    # A whole price always passes, however many figures it has.
    return Decimal(1).scaleb(min(exponent, 0))


def is_spot(coin: str) -> bool:
    """Return whether a coin names a spot market (`PURR/USDC`, `@107`)."""
    return "/" in coin or coin.startswith("@")


def dex_of(coin: str) -> str:
    """Return the dex of a coin, empty for the validators' own."""
    return coin.partition(":")[0] if ":" in coin else ""


def direction(row: Row) -> Direction:
    """Return the direction that a row names: `B` buys, `A` sells."""
    word = row.text("side")
    if word not in {"A", "B"}:
        raise AnswerMalformed(f"{row.where}: the side {word[:20]!r} is not documented")
    return Direction.BUY if word == "B" else Direction.SELL


_PROTECTIONS: Mapping[str, Protection] = {
    "Stop Market": Protection.STOP_LOSS,
    "Take Profit Market": Protection.TAKE_PROFIT,
}
_SIDES: Mapping[str, Side] = {
    "Open Long": Side.LONG,
    "Close Long": Side.LONG,
    "Open Short": Side.SHORT,
    "Close Short": Side.SHORT,
}


def _status(word: str, *, filled: Decimal, left: Decimal) -> OrderStatus:
    if word in _WORKING:
        return OrderStatus.PARTIAL if filled > ZERO else OrderStatus.ACCEPTED
    if word == "filled":
        return OrderStatus.FILLED if left == ZERO else OrderStatus.CANCELED
    if _is_rejected(word):
        return OrderStatus.REJECTED
    if word.lower().endswith("canceled") or word == "scheduledCancel":
        return OrderStatus.CANCELED
    raise AnswerMalformed(f"orderStatus: the status {word[:40]!r} is not documented")


def _is_rejected(word: str) -> bool:
    return word == "rejected" or word.endswith("Rejected")


def _margin_mode(leverage: Row | None) -> MarginMode | None:
    word = leverage.text_or("type") if leverage is not None else ""
    return {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}.get(word)


def _cause(way: str) -> Cause | None:
    # The other side of a liquidation names it as well, but not in its own direction.
    if way.startswith("Liquidated"):
        return Cause.LIQUIDATION
    return Cause.ADL if way == "Auto-Deleveraging" else None


def _funding(row: Row) -> Usd | None:
    # cumFunding counts what was paid as positive; userFunding has the opposite sign.
    paid = row.row("cumFunding").decimal_or_none("sinceOpen") if "cumFunding" in row else None
    return None if paid is None else Usd(-paid)


def _rounded(value: Decimal) -> Decimal:
    exponent = value.adjusted() - MARK_DIGITS + 1
    short = round(value, -exponent) if exponent < 0 else value
    return Decimal(plain(short))


def _price(row: Row, name: str) -> Price | None:
    value = row.positive_or_none(name)
    return None if value is None else Price(value)


def _usd(row: Row, name: str) -> Usd | None:
    value = row.decimal_or_none(name)
    return None if value is None else Usd(value)
