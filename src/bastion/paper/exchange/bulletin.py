"""Bulletin: what changes on a venue's accounts, told at once to whoever follows an account."""

from collections.abc import Callable

from bastion.paper.account import Income
from bastion.paper.order import Fill, Order
from bastion.paper.position import Position

Change = Order | Fill | Position | Income
Hear = Callable[[Change], None]


class Bulletin:
    """Tells changes in the order in which they are made.

    A follower is called in the middle of what the venue does: it notes the change and acts later, since the
    rest of the account may still be about to change.
    """

    def __init__(self) -> None:
        self._followers: dict[str, list[Hear]] = {}

    def follow(self, account: str, hear: Hear) -> None:
        """Tell `hear` every later change of `account`."""
        self._followers.setdefault(account, []).append(hear)

    def leave(self, account: str, hear: Hear) -> None:
        """Tell `hear` nothing more; nothing happens where it did not follow."""
        followers = self._followers.get(account, [])
        if hear in followers:
            followers.remove(hear)

    def tell(self, account: str, change: Change) -> None:
        """Tell a change to all who follow `account`."""
        for hear in tuple(self._followers.get(account, ())):
            hear(change)
