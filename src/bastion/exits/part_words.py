"""Part words: what the verdict of a part that was closed is called, so that nobody reads it of the whole."""

from bastion.domain.mandate import ExitKind
from bastion.domain.verdict import PartVerdict, Verdict

_REDUCED = {
    Verdict.FLAT: PartVerdict.REDUCED,
    Verdict.FLAT_WITH_DUST: PartVerdict.REDUCED,
    Verdict.NOT_FLAT: PartVerdict.NOT_REDUCED,
    Verdict.UNKNOWN: PartVerdict.UNKNOWN,
}
_CLOSED = {
    Verdict.FLAT: PartVerdict.CLOSED,
    Verdict.FLAT_WITH_DUST: PartVerdict.CLOSED,
    Verdict.NOT_FLAT: PartVerdict.NOT_CLOSED,
    Verdict.UNKNOWN: PartVerdict.UNKNOWN,
}
_WORDS = {ExitKind.PARTIAL: _REDUCED, ExitKind.WINNERS: _CLOSED}


def told_verdict(kind: ExitKind, verdict: Verdict) -> Verdict | PartVerdict:
    """Return the verdict as it is told: an exit's own, or, of a part that was closed, the part's word.

    The machinery proves both alike; with a part, "flat" would be read of what stays open by design.
    """
    words = _WORDS.get(kind)
    return verdict if words is None else words[verdict]
