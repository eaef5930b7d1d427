"""Whereabouts: in which phase of the exit an account is, told from the calls at its venue."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bastion.domain.look import Look
from tests.simulation.exits.cells import Cell, Phase


@dataclass(slots=True, kw_only=True)
class Whereabouts:
    """What is under way on one account; it notes each fault that strikes, with the phase it struck in.

    `entered` is called whenever a call begins, with the phase that the call is part of.
    """

    venue: str
    mode: str
    entered: Callable[[Phase], None] = lambda _: None
    hits: set[Cell] = field(default_factory=set)
    under_way: dict[Phase, int] = field(default_factory=dict)
    judged: bool = False
    looked: bool = False
    clean: bool = False

    def begin_run(self) -> None:
        """Hear that a process starts: it knows of no look yet."""
        self.under_way.clear()
        self.judged = self.looked = self.clean = False

    def enter(self, phase: Phase) -> None:
        self.under_way[phase] = self.under_way.get(phase, 0) + 1
        self.entered(phase)

    def leave(self, phase: Phase) -> None:
        self.under_way[phase] = max(self.under_way.get(phase, 0) - 1, 0)

    def saw(self, look: Look) -> None:
        """Hear what a look brought."""
        if look.complete:
            self.looked, self.clean = True, look.empty

    @property
    def looking(self) -> Phase:
        """The phase of a look that begins now."""
        if self.judged:
            return Phase.HOLD
        if not self.looked:
            return Phase.FIRST_LOOK
        return Phase.PROOF if self.clean else Phase.ROUNDS

    def phases(self) -> tuple[Phase, ...]:
        """Return the phases that something which happens now happens in."""
        busy = [phase for phase, count in self.under_way.items() if count]
        return tuple(busy) or (self.looking,)

    def struck(self, fault: str, phase: Phase | None = None) -> None:
        """Note that a fault struck, in this phase or in whatever is under way."""
        for one in (phase,) if phase is not None else self.phases():
            self.hits.add((fault, one.value, self.venue, self.mode))
