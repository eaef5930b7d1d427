"""TWAPs: orders that the venue sends by itself, a slice every 30 seconds.

Source: Hyperliquid docs, "Exchange endpoint" (Place a TWAP order, Cancel a TWAP order), "Order types" (TWAP:
suborders of equal size, 30 s apart, each at most 3 % from the mark), "Info endpoint" (a user's TWAP slice
fills), and `twapHistory` as the venue's own page asks for it: one record for each change of a TWAP's status,
times in seconds, newest first. A slice is carried out at the first request after its time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import Direction, OrderKind, OrderRequest, TimeInForce
from bastion.paper.refusal import Refused
from bastion.paper.wire.hyperliquid.answers import Done
from bastion.paper.wire.hyperliquid.assets import assets
from bastion.paper.wire.hyperliquid.call import Call, Read
from bastion.paper.wire.hyperliquid.memory import Memory, Twap
from bastion.paper.wire.hyperliquid.words import number, side_of

ZERO = Decimal(0)
SLICE_MS = 30_000
SLIPPAGE = Decimal("0.03")
MINUTES_LEAST, MINUTES_MOST = 5, 1_440
VALUE_A_MINUTE = 10
MOST = 2000
FIRST_ID = 77_738_308
NO_TWAP = "TWAP was never placed, already canceled, or filled."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    number: int
    direction: Direction
    size: Decimal
    reduce_only: bool
    minutes: int
    randomize: bool


def place(call: Call) -> Done:
    """Start a TWAP; its first slice leaves at once."""
    fields = call.fields.inner("action").inner("twap")
    wanted = _Wanted(
        number=fields.whole("a"),
        direction=Direction.BUY if fields.flag("b") else Direction.SELL,
        size=fields.number("s"),
        reduce_only=fields.flag("r"),
        minutes=fields.whole("m"),
        randomize=fields.flag("t"),
    )
    asset = assets(call.exchange).get(wanted.number)
    if asset is None:
        return _refused(f"Invalid asset. asset={wanted.number}")
    if not MINUTES_LEAST <= wanted.minutes <= MINUTES_MOST:
        return _refused(f"Invalid TWAP duration: {wanted.minutes} min(s)")
    least = VALUE_A_MINUTE * wanted.minutes
    if wanted.size * call.exchange.mark_price(asset.instrument.symbol) < least:
        return _refused(
            f"TWAP order value too small. Min is ${least}, which is ${VALUE_A_MINUTE} per minute."
        )
    twap = Twap(
        twap_id=FIRST_ID + len(call.memory.twaps),
        account=call.account,
        coin=asset.instrument.symbol,
        side=side_of(wanted.direction),
        size=wanted.size,
        reduce_only=wanted.reduce_only,
        randomize=wanted.randomize,
        minutes=wanted.minutes,
        began_ms=call.now_ms,
    )
    call.memory.twaps.append(twap)
    run(call.exchange, call.memory, call.now_ms)
    return Done(
        kind="twapOrder",
        status={"running": {"twapId": twap.twap_id}},
        executed=(f"TWAP {twap.twap_id} runs for {twap.minutes} minutes",),
    )


def cancel(call: Call) -> Done:
    """End a running TWAP of the account."""
    action = call.fields.inner("action")
    asset, twap_id = assets(call.exchange).get(action.whole("a")), action.whole("t")
    for twap in call.memory.twaps:
        mine = (twap.twap_id, twap.account) == (twap_id, call.account)
        if mine and twap.runs and asset is not None and asset.instrument.symbol == twap.coin:
            twap.status, twap.ended_ms = "terminated", call.now_ms
            return Done(kind="twapCancel", status="success", executed=(f"TWAP {twap_id} ended",))
    return Done(kind="twapCancel", status={"error": NO_TWAP})


def run(exchange: Exchange, memory: Memory, now_ms: int) -> None:
    """Send the slices that are due, and end what has run its time."""
    for twap in memory.twaps:
        count = twap.minutes * 60_000 // SLICE_MS
        while twap.runs and twap.began_ms + twap.slices * SLICE_MS <= now_ms:
            _slice(exchange, twap, count)
            if twap.slices >= count or twap.executed >= twap.size:
                twap.status, twap.ended_ms = "finished", now_ms


def history(call: Call) -> object:
    """Return a record for each change of a TWAP's status, newest first."""
    account = call.user()
    if account is None or call.conditions.pretend_empty:
        return []
    address = call.directory.address(account)
    changes: list[tuple[int, Twap, str]] = []
    for twap in call.memory.twaps:
        if twap.account == account:
            changes.append((twap.began_ms, twap, "activated"))
            if twap.ended_ms is not None:
                changes.append((twap.ended_ms, twap, twap.status))
    changes.sort(key=lambda one: one[0], reverse=True)
    return [_record(twap, status, at_ms, address) for at_ms, twap, status in changes[:MOST]]


def _slice(exchange: Exchange, twap: Twap, count: int) -> None:
    twap.slices += 1
    instrument = exchange.instrument(twap.coin)
    part = twap.size / count * twap.slices - twap.executed
    quantity = (min(part, twap.size - twap.executed) / instrument.step).to_integral_value(
        ROUND_FLOOR
    ) * instrument.step
    if quantity <= ZERO:
        return
    buys = twap.side == side_of(Direction.BUY)
    try:
        order = exchange.place(
            twap.account,
            OrderRequest(
                symbol=twap.coin,
                direction=Direction.BUY if buys else Direction.SELL,
                kind=OrderKind.MARKET,
                quantity=quantity,
                time_in_force=TimeInForce.IOC,
                reduce_only=twap.reduce_only,
                market_bound=SLIPPAGE,
            ),
        )
    except Refused:
        return  # The next slice catches up.
    twap.executed += order.executed_quantity
    twap.executed_value += order.executed_quantity * (order.average_price or ZERO)


def _record(twap: Twap, status: str, at_ms: int, address: str) -> Mapping[str, object]:
    return {
        "time": at_ms // 1000,
        "state": {
            "coin": twap.coin,
            "user": address,
            "side": twap.side,
            "sz": number(twap.size),
            "executedSz": number(twap.executed if status != "activated" or twap.runs else ZERO),
            "executedNtl": number(twap.executed_value if status != "activated" or twap.runs else ZERO),
            "minutes": twap.minutes,
            "reduceOnly": twap.reduce_only,
            "randomize": twap.randomize,
            "timestamp": twap.began_ms,
        },
        "status": {"status": status},
        "twapId": twap.twap_id,
    }


def _refused(text: str) -> Done:
    return Done(kind="twapOrder", status={"error": text})


READS: Mapping[str, Read] = {"twapHistory": history}
