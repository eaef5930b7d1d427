"""Looks: fresh readings of the covered accounts, for who acts on what is open now."""

import asyncio
import logging
from collections.abc import Sequence

from bastion.commands.desk import Desk
from bastion.commands.positions import UnreadAccount
from bastion.commands.sharing import READ_DEADLINE_S
from bastion.domain.account import Account
from bastion.domain.look import Look, Unread
from bastion.domain.position import Position
from bastion.domain.selection import Selection
from bastion.domain.symbol import pair
from bastion.ports import Venue
from bastion.shape import dataclass

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One open position that is meant, and the venue that holds it."""

    venue: Venue
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is open and meant; `seen` is all that is open there; `unread` could hide more."""

    targets: tuple[Target, ...]
    seen: tuple[Position, ...]
    looks: tuple[tuple[Venue, Look], ...]
    unread: tuple[UnreadAccount, ...]


async def find_open(desk: Desk, accounts: Sequence[Account], selection: Selection) -> Found:
    """Read these accounts anew and return the open positions that the selection means.

    Only what hides positions counts as unread here: a list of orders that did not come hides none.
    """
    looks = await look_at(desk, accounts)
    unread = tuple(
        UnreadAccount(
            exchange=venue.account.venue, account=venue.account.name, part=part.part, reason=part.reason
        )
        for venue, look in looks
        for part in look.unread
        if "order" not in part.part
    )
    seen = [(venue, position) for venue, look in looks for position in look.positions]
    return Found(
        targets=tuple(
            Target(venue=venue, position=position)
            for venue, position in seen
            if selection.covers_position(symbol=pair(position.symbol), side=position.side)
        ),
        seen=tuple(position for _, position in seen),
        looks=looks,
        unread=unread,
    )


async def look_at(desk: Desk, accounts: Sequence[Account]) -> tuple[tuple[Venue, Look], ...]:
    """Return a fresh look at each account, in their order; one that fails in any way is wholly unread."""
    looks: dict[str, Look] = {}

    async def read(venue: Venue) -> None:
        try:
            looks[venue.account.name] = await venue.look(deadline_s=READ_DEADLINE_S)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one account's surprise fails no other's reading
            _log.exception("Reading %s failed.", venue.account.name)
            unread = Unread(part="account", reason=f"unexpected {type(error).__name__}")
            looks[venue.account.name] = Look(
                begun_ns=0, ended_ns=0, positions=(), orders=(), parts=(), unread=(unread,)
            )

    venues = [desk.venues[account.name] for account in accounts]
    async with asyncio.TaskGroup() as group:
        for venue in venues:
            group.create_task(read(venue))
    return tuple((venue, looks[venue.account.name]) for venue in venues)
