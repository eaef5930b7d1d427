"""Unread told: why a part of an account was not read, in words for whoever must decide what to do next."""

from collections.abc import Sequence

from bastion.domain.look import NO_ANSWER, Look, Unread
from bastion.domain.records import Looked, Record
from bastion.exits.pace import nanoseconds
from bastion.exits.settings import ExitSettings

NS = 1_000_000_000
LEAST_S = 1.0
"""What lasted shorter than that is told by its own reason."""


def at_length(
    unread: Sequence[tuple[str, str]],
    records: Sequence[tuple[int, Record]],
    settings: ExitSettings,
    *,
    run: int,
    deadline_ns: int,
) -> tuple[tuple[str, str], ...]:
    """Return parts and reasons, each with how long this run tried it in vain, how often, the last failure.

    A look that the deadline cut short did not wait long enough for its "no answer" to tell anything: the one
    before it does. What was not asked for, or needs a person to mend it, keeps its reason as it is.
    """
    looks = [row.look for _, row in records if isinstance(row, Looked) and row.run == run]
    full_ns = deadline_ns - nanoseconds(settings.read_deadline_s)
    return tuple((part, _told(part, reason, looks, full_ns)) for part, reason in unread)


def limits_alone(
    records: Sequence[tuple[int, Record]], settings: ExitSettings, *, run: int, deadline_ns: int
) -> bool:
    """Return whether this run's last look lacks parts, and all of them for a limit of requests.

    Where the deadline cut a look short, so that parts got no answer, the one before it tells.
    """
    full_ns = deadline_ns - nanoseconds(settings.read_deadline_s)
    looks = (row.look for _, row in reversed(records) if isinstance(row, Looked) and row.run == run)
    for look in looks:
        failed = [one for one in look.unread if not one.limited]
        if not failed:
            return bool(look.unread)
        if look.begun_ns <= full_ns or not all(one.reason.startswith(NO_ANSWER) for one in failed):
            return False
    return False


def _told(part: str, reason: str, looks: Sequence[Look], full_ns: int) -> str:
    vain: list[tuple[Look, Unread]] = []
    for look in reversed(looks):
        missed = next((one for one in look.unread if one.part in {part, "everything"}), None)
        if missed is None:
            if any(_is(part, name) for name in look.parts):
                break
            continue  # This look was not about it.
        if not missed.unsent:
            vain.append((look, missed))
    if not vain or vain[0][1].terminal or vain[0][1].reason != reason:
        return reason
    tried_s = (vain[0][0].ended_ns - vain[-1][0].begun_ns) / NS
    if tried_s < LEAST_S:
        return reason
    last = next(
        (
            missed.reason
            for look, missed in vain
            if look.begun_ns <= full_ns or not missed.reason.startswith(NO_ANSWER)
        ),
        reason,
    )
    times = f"for {tried_s:.0f} s" + (f", asked {len(vain)} times" if len(vain) > 1 else "")
    return f"{NO_ANSWER} {times}" if last.startswith(NO_ANSWER) else f"not read {times}; last: {last}"


def _is(part: str, name: str) -> bool:
    # A part of which nothing can be there says so behind its name.
    return name == part or name.startswith(f"{part} (")
