"""Whereabouts: in which phase of the exit an account is, told from what is asked at its venue.

Phases and position modes have the names that the other depth uses, so that both count the same cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bastion.domain.look import Look
from tests.simulation.wires.calls import Kind

Cell = tuple[str, str, str, str]
"""Fault, phase, venue and position mode."""

_BY_KIND: Mapping[Kind, str] = {
    Kind.PLACE: "orders",
    Kind.CANCEL: "cancels",
    Kind.SWEEP: "cancels",
    Kind.FILLS: "evidence",
    Kind.LOOKUP: "evidence",
}


@dataclass(slots=True, kw_only=True)
class Whereabouts:
    """Where the exit of one account is; it notes each fault that strikes, with the phase."""

    venue: str
    mode: str
    hits: set[Cell] = field(default_factory=set)
    phase: str = "first look"
    looked: bool = False
    clean: bool = False
    judged: bool = False

    def begins_again(self) -> None:
        """Hear that a new process knows of no look yet."""
        self.looked = self.clean = self.judged = False
        self.phase = "first look"

    def saw(self, look: Look) -> None:
        """Hear what a look brought."""
        self.looked = self.looked or look.complete
        self.clean = look.complete and not look.positions and not look.orders

    def asks(self, kind: Kind) -> None:
        """Hear that a request leaves."""
        self.phase = _BY_KIND.get(kind) or self._looking()

    def struck(self, fault: str) -> None:
        """Note that a fault strikes now."""
        self.hits.add((fault, self.phase, self.venue, self.mode))

    def _looking(self) -> str:
        if self.judged:
            return "hold"
        if not self.looked:
            return "first look"
        return "proof" if self.clean else "rounds"
