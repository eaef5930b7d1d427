"""Trading: open, close, and the emergency exit."""

import hashlib
import re

from bastion.paper.strike.commands import Close, EmergencyExit, Idempotency, Open
from bastion.paper.strike.position import Side
from bastion.paper.wire.strike.answers import Answer, answer
from bastion.paper.wire.strike.call import Call, Counter
from bastion.paper.wire.strike.fields import bad
from bastion.paper.wire.strike.shapes import closed, opened

IDEMPOTENCY_KEY_PATTERN = "^[!-~]{1,255}$"
_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN.strip("^$"))


async def open_long(counter: Counter, call: Call) -> Answer:
    """Open a long position."""
    return await _open(counter, call, Side.LONG)


async def open_short(counter: Counter, call: Call) -> Answer:
    """Open a short position."""
    return await _open(counter, call, Side.SHORT)


async def close(counter: Counter, call: Call) -> Answer:
    """Close a position in full at the mark."""
    command = Close(wallets=_wallets(call), position_id=call.body.integer("positionId"))
    return answer(closed(await counter.submit(command)))


async def emergency_exit(counter: Counter, call: Call) -> Answer:
    """Return the original margin of an open position, once; a repeated Idempotency-Key repeats the bytes."""
    position_id = call.body.integer("positionId")
    key = _idempotency_key(call.idempotency_keys)
    idempotency = None
    if key is not None:
        digest = hashlib.sha256(f"emergency-exit {position_id}".encode()).hexdigest()
        idempotency = Idempotency(key=key, request_hash=digest)
    result = await counter.submit(
        EmergencyExit(wallets=_wallets(call), position_id=position_id, idempotency=idempotency)
    )
    return Answer(body=result.answer)


async def _open(counter: Counter, call: Call, side: Side) -> Answer:
    command = Open(
        wallet=call.caller.wallet,
        symbol=call.body.text("symbol"),
        side=side,
        margin=call.body.integer("margin"),
        leverage=call.body.integer("leverage"),
    )
    return answer(opened(await counter.submit(command)))


def _wallets(call: Call) -> tuple[str, ...]:
    # The acting wallet first: the venue files the Idempotency-Key under it.
    own = call.caller
    return (own.wallet, *sorted(own.wallets - {own.wallet}))


def _idempotency_key(sent: tuple[str, ...]) -> str | None:
    if not sent:
        return None
    if len(sent) > 1 or _KEY.fullmatch(sent[0]) is None:
        bad("Idempotency-Key must be 1 to 255 visible ASCII characters, sent once")
    return sent[0]
