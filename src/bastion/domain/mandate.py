"""Mandate: what kind of act is carried out by the exit's machinery, and the exact sizes it may take away."""

from enum import StrEnum

from bastion.domain.money import Quantity
from bastion.domain.position import Side
from bastion.shape import dataclass


class ExitKind(StrEnum):
    """What the machinery of an exit is used for; each is journaled, resumed and proven in the same way."""

    EXIT = "exit"
    """Close everything that the selection covers, and cancel what could open or grow there."""
    WINNERS = "winners"
    """Close exactly the positions named as targets, and cancel what could grow them."""
    PARTIAL = "partial"
    """Reduce exactly the positions named as targets to the size that is to be kept; cancel nothing."""
    HALT = "halt"
    """Cancel orders; positions, and the stops that protect them, stay."""

    @property
    def latches(self) -> bool:
        """Whether it blocks our opening actions: an emergency does, taking a profit does not."""
        return self in {ExitKind.EXIT, ExitKind.HALT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One position that is to be reduced to `keep`, by at most `close`, whatever else happens to it.

    Both are sizes in the venue's order unit, fixed when it was asked for. Work that goes on after a crash
    goes on towards `keep`, so that a repetition takes nothing more.
    """

    account: str
    category: str
    instrument: str
    side: Side
    keep: Quantity
    close: Quantity

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the position within its account."""
        return (self.category, self.instrument, self.side.value)
