"""Verdict: the four ways in which an exit can end, and the words of its states."""

from enum import StrEnum


class Verdict(StrEnum):
    """How an exit, or one leg of it, ended."""

    FLAT = "FLAT"
    FLAT_WITH_DUST = "FLAT_WITH_DUST"
    NOT_FLAT = "NOT_FLAT"
    UNKNOWN = "UNKNOWN"

    @property
    def success(self) -> bool:
        """Whether nothing that can be closed is left: true for FLAT and FLAT_WITH_DUST only."""
        return self in {Verdict.FLAT, Verdict.FLAT_WITH_DUST}


class PartVerdict(StrEnum):
    """How the closing of a part ended (a partial close, or the positions in profit).

    It says nothing of what else is open, and so never that anything is flat.
    """

    REDUCED = "REDUCED"
    """Every position of a partial close stands at the size that was to be kept."""
    NOT_REDUCED = "NOT_REDUCED"
    CLOSED = "CLOSED"
    """The positions that were to be closed are closed; others are open, or may be."""
    NOT_CLOSED = "NOT_CLOSED"
    UNKNOWN = "UNKNOWN"

    @property
    def success(self) -> bool:
        """Whether the part was done: true for REDUCED and CLOSED only."""
        return self in {PartVerdict.REDUCED, PartVerdict.CLOSED}


class HaltVerdict(StrEnum):
    """How a halt ended; it says nothing of positions, which a halt leaves open."""

    HALTED = "HALTED"
    NOT_HALTED = "NOT_HALTED"
    UNKNOWN = "UNKNOWN"


class LatchState(StrEnum):
    """Whether opening actions of ours are blocked."""

    CLEAR = "CLEAR"
    TRIPPED = "TRIPPED"


class ExitState(StrEnum):
    """Where an exit stands."""

    EXITING = "EXITING"
    HOLDING = "HOLDING"
    DONE = "done"


class DisplayWord(StrEnum):
    """The words a person reads, the same on every surface."""

    DISARMED = "DISARMED"
    ARMED = "ARMED"
    EXITING = "EXITING"
    FLAT = "FLAT"
    NOT_FLAT = "NOT FLAT"
    UNKNOWN = "UNKNOWN"


def display_word(*, exit_state: ExitState | None, verdict: Verdict | None, armed: bool) -> DisplayWord:
    """Return the one word that describes the desk to a person (experience, section 2.3)."""
    if exit_state is ExitState.EXITING:
        return DisplayWord.EXITING
    if verdict is not None:
        if verdict.success:
            return DisplayWord.FLAT
        return DisplayWord.NOT_FLAT if verdict is Verdict.NOT_FLAT else DisplayWord.UNKNOWN
    return DisplayWord.ARMED if armed else DisplayWord.DISARMED
