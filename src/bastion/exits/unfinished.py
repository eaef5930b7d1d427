"""Unfinished: which exits have no verdict yet, and which are over, by their entries (oldest first); pure."""

from collections.abc import Iterable

from bastion.domain.records import Entry, ExitEnded, ExitJudged, ExitRequested, LegReopened, RunStarted


def unjudged(entries: Iterable[Entry]) -> ExitRequested | None:
    """Return the request of an exit that has no verdict, or whose verdict was taken back by a reopening."""
    request: ExitRequested | None = None
    judged = False
    for entry in entries:
        match entry.record:
            case ExitRequested():
                request = entry.record
            case ExitJudged() | ExitEnded():
                judged = True
            case LegReopened():
                judged = False
            case _:
                pass
    return None if judged else request


def is_over(entries: Iterable[Entry]) -> bool:
    """Return whether an exit ended flat, its hold included: then no process takes it up again."""
    success = ended = False
    for entry in entries:
        match entry.record:
            case ExitJudged():
                success = entry.record.verdict.success
            case LegReopened():
                success = False
            case RunStarted():
                ended = False
            case ExitEnded():
                ended = True
            case _:
                pass
    return success and ended
