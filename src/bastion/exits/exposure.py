"""Exposure: what an exit's accounts were exposed to before and after it, by base asset; pure.

It speaks of what the exit covers. What was not read is named as not known and never counted as zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from bastion.domain.balance import Balance, CollateralRead
from bastion.domain.money import ZERO, Quantity, Usd, round_usd, written
from bastion.domain.naming import QUOTES
from bastion.domain.position import Position, Side
from bastion.domain.symbol import pair
from bastion.errors import VenueError
from bastion.exits.progress import Leg
from bastion.exits.telling import AssetExposure, CollateralAtRisk, Exposure, OrphanedLeg, UnreadPart

ENDS = (*QUOTES, "PERP")
NAMED_MAX = 6
DECIMALS = 8
NOT_READ = "it was not read"
MAY_BE = "it may still be open, since that could not be read; "

Place = tuple[str, tuple[str, str, str]]
Held = Mapping[Place, Position]
"""Positions by account and key."""


def base_of(symbol: str) -> str:
    """Return the base asset of a contract by its symbol, in whichever of the venues' forms that is."""
    head = symbol.rpartition(":")[2] if "/" not in symbol else symbol
    for mark in ("/", "-"):
        if mark in head:
            return head.split(mark, 1)[0].upper()
    name = pair(head.split("_", 1)[0]).upper()
    quote = next((one for one in ENDS if name.endswith(one) and name != one), "")
    return name.removesuffix(quote)


def collateral_read(leg: Leg, *, begun_ns: int, told: Balance | Exception) -> CollateralRead:
    """Return the record of what a venue said of an account's coins, or of why it did not."""
    coins = told.coins if isinstance(told, Balance) else None
    trouble = ""
    if isinstance(told, TimeoutError):
        trouble = "no answer came in time"
    elif isinstance(told, Exception):
        # What is no word of an adapter's could quote what must not be shown.
        trouble = str(told) if isinstance(told, VenueError) else type(told).__name__
    elif coins is None:
        trouble = "the venue does not tell its coins apart"
    return CollateralRead(
        exit_id=leg.exit_id,
        account=leg.account.name,
        run=leg.run,
        begun_ns=begun_ns,
        coins=coins or (),
        trouble=trouble,
    )


def exposure(legs: Sequence[Leg], *, judged: bool) -> Exposure:
    """Return the net exposure before and after, the orphaned legs, and the collateral that can lose value.

    Before is the first look of each account, after what is known to be left, or while the exit runs what was
    last seen. An orphaned leg is a position that is left, or may be, while what stood against it, in the same
    base asset on any of the accounts, is gone.
    """
    before: Held = {
        (leg.account.name, position.key): position
        for leg in legs
        if leg.snapshot is not None
        for position in leg.snapshot.look.positions
    }
    after: Held = {(leg.account.name, position.key): position for leg in legs for position in _left(leg)}
    held_before, held_after = _by_base(before), _by_base(after)
    rows = tuple(
        AssetExposure(
            asset=asset,
            before_usd=_usd(_net(held_before.get(asset, ()))),
            after_usd=_usd(_net(held_after.get(asset, ()))),
            before_qty=_quantity(held_before.get(asset, ())),
            after_qty=_quantity(held_after.get(asset, ())),
        )
        for asset in sorted({*held_before, *held_after})
    )
    unknown = tuple(_name(leg) for leg in legs if judged and _unknown(leg))
    doubtful = {place: held for place, held in _doubtful(legs) if place not in after}
    orphaned = (
        (
            *_orphans(legs, before, after, gone_from={**after, **doubtful}, prefix=""),
            *_orphans(legs, before, doubtful, gone_from={**after, **doubtful}, prefix=MAY_BE),
        )
        if judged
        else ()
    )
    risk = tuple(row for leg in legs for row in _at_risk(leg))
    unread = tuple(_unread(leg, leg.collateral) for leg in legs if _is_unread(leg.collateral))
    return Exposure(
        summary=_sentence(rows, unknown, orphaned, risk, unread, judged=judged),
        assets=rows,
        unknown_before=tuple(_name(leg) for leg in legs if leg.snapshot is None),
        unknown_after=unknown,
        orphaned=orphaned,
        collateral=risk,
        collateral_unread=unread,
    )


def _name(leg: Leg) -> str:
    return f"{leg.account.venue} ({leg.account.name})"


def _left(leg: Leg) -> tuple[Position, ...]:
    if leg.judged is None:
        return tuple(leg.last_sighting.values())
    return (*leg.judged.residual, *leg.judged.dust)


def _unknown(leg: Leg) -> bool:
    return leg.judged is None or bool(leg.judged.unread)


def _by_base(held: Held) -> Mapping[str, Sequence[Position]]:
    found: dict[str, list[Position]] = {}
    for position in held.values():
        found.setdefault(base_of(position.symbol), []).append(position)
    return found


def _net(held: Sequence[Position]) -> Decimal | None:
    total = ZERO
    for position in held:
        if position.notional_usd is None:
            return None
        total += position.notional_usd if position.side is Side.LONG else -position.notional_usd
    return total


def _quantity(held: Sequence[Position]) -> Decimal | None:
    # Sizes are in each venue's own unit; value over price is the base asset everywhere.
    total = ZERO
    for position in held:
        if position.notional_usd is None or not position.mark_price:
            return None
        amount = position.notional_usd / position.mark_price
        total += amount if position.side is Side.LONG else -amount
    return round(total, DECIMALS)


def _usd(amount: Decimal | None) -> Usd | None:
    return None if amount is None else Usd(round_usd(amount))


def _doubtful(legs: Sequence[Leg]) -> Iterable[tuple[Place, Position]]:
    for leg in legs:
        if leg.judged is not None and leg.judged.unread:
            for key, position in leg.last_sighting.items():
                yield (leg.account.name, key), position


def _orphans(
    legs: Sequence[Leg], before: Held, left: Held, *, gone_from: Held, prefix: str
) -> Iterable[OrphanedLeg]:
    by_name = {leg.account.name: leg for leg in legs}
    for place, position in left.items():
        leg = by_name[place[0]]
        against = [
            (other, found)
            for other, found in before.items()
            if base_of(found.symbol) == base_of(position.symbol)
            and found.side is not position.side
            and other not in gone_from
        ]
        if not against:
            continue
        gone = ", ".join(
            f"{pair(found.symbol)} {found.side.value} on {_name(by_name[other[0]])} "
            f"({_how(by_name[other[0]], found)})"
            for other, found in against[:NAMED_MAX]
        )
        yield OrphanedLeg(
            asset=base_of(position.symbol),
            symbol=pair(position.symbol),
            exchange=leg.account.venue,
            account=leg.account.name,
            direction=position.side,
            quantity=Quantity(position.quantity),
            notional_usd=_usd(position.notional_usd),
            reason=f"{prefix}what stood against it is gone: {gone}",
        )


def _how(leg: Leg, position: Position) -> str:
    if leg.closed(position) > ZERO:
        return "closed by this exit"
    return "no order of ours closed it: a liquidation, an auto-deleveraging, a stop or somebody else did"


def _at_risk(leg: Leg) -> Iterable[CollateralAtRisk]:
    for coin in leg.collateral.coins if leg.collateral is not None else ():
        yield CollateralAtRisk(
            exchange=leg.account.venue,
            account=leg.account.name,
            coin=coin.coin,
            quantity=Quantity(coin.quantity),
            value_usd=_usd(coin.value_usd),
        )


def _is_unread(read: CollateralRead | None) -> bool:
    return read is None or bool(read.trouble)


def _unread(leg: Leg, read: CollateralRead | None) -> UnreadPart:
    return UnreadPart(
        exchange=leg.account.venue,
        account=leg.account.name,
        part="collateral",
        reason=read.trouble if read is not None else NOT_READ,
    )


def _sentence(
    rows: Sequence[AssetExposure],
    unknown: Sequence[str],
    orphaned: Sequence[OrphanedLeg],
    risk: Sequence[CollateralAtRisk],
    unread: Sequence[UnreadPart],
    *,
    judged: bool,
) -> str:
    after = _amounts([(row.asset, row.after_usd) for row in rows])
    if unknown:
        after += f" and what {', '.join(unknown)} may hold, which is not known"
    when = "after" if judged else "now"
    said = f"Net exposure: {_amounts([(row.asset, row.before_usd) for row in rows])} before, {after} {when}."
    if orphaned:
        names = ", ".join(
            f"{row.symbol} {row.direction.value} on {row.exchange} ({row.account})"
            for row in orphaned[:NAMED_MAX]
        )
        said += f" Orphaned: {names}."
    if risk:
        coins = ", ".join(
            f"{written(row.quantity)} {row.coin} on {row.exchange} ({row.account})"
            for row in risk[:NAMED_MAX]
        )
        said += f" Collateral that can lose value: {coins}."
    if unread:
        accounts = ", ".join(f"{row.exchange} ({row.account})" for row in unread[:NAMED_MAX])
        said += f" Collateral not known: {accounts}."
    return said


def _amounts(amounts: Sequence[tuple[str, Usd | None]]) -> str:
    told = [(asset, amount) for asset, amount in amounts if amount is None or amount != ZERO]
    if not told:
        return "none"
    shown = [
        f"{asset} not valued" if amount is None else f"{asset} {amount:+,.2f} USD"
        for asset, amount in told[:NAMED_MAX]
    ]
    more = len(told) - NAMED_MAX
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
