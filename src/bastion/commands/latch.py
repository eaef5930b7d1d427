"""Latch: whether our opening actions are blocked, since which act, and the guarded way back."""

from bastion.auth.permit import permit
from bastion.commands.asking import checked_reason
from bastion.commands.desk import Desk
from bastion.commands.positions import moment
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.domain.records import LatchReset, LatchTripped
from bastion.domain.verdict import LatchState
from bastion.errors import ConfirmationRequired, Conflict, Refused
from bastion.shape import dataclass

TYPED_LENGTH = 4
ALLOWED_AGAIN = ("arming the engine", "what an armed engine does beyond reducing")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchReport:
    """How the latch stands; `exit_id` names the exit or halt that tripped it last."""

    latch: LatchState
    exit_id: str | None
    since: str | None
    principal: str | None
    surface: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetReport:
    """What a reset did. `positions_open` counts what is open now; None where not all could be read."""

    summary: str
    success: bool
    exit_id: str
    latch: LatchState
    allowed_again: tuple[str, ...]
    positions_open: int | None
    warnings: tuple[str, ...]
    reason: str


def latch(desk: Desk) -> LatchReport:
    """Return how the latch stands, by the journal."""
    entries = desk.journal.latch_entries()
    last = entries[-1] if entries else None
    if last is None or not isinstance(last.record, LatchTripped | LatchReset):
        return LatchReport(
            latch=LatchState.CLEAR, exit_id=None, since=None, principal=None, surface=None, reason=None
        )
    tripped = isinstance(last.record, LatchTripped)
    return LatchReport(
        latch=LatchState.TRIPPED if tripped else LatchState.CLEAR,
        exit_id=last.record.exit_id,
        since=moment(last.at_ns),
        principal=last.record.principal,
        surface=last.record.surface,
        reason=last.record.reason,
    )


async def reset(
    desk: Desk, principal: Principal, exit_id: str, *, typed: str, reason: str | None
) -> ResetReport:
    """Lift the latch that `exit_id` tripped, on the word of a person; nothing is opened again.

    `typed` is the last four characters of the id, as a person typed them, and a reason is asked for: both
    stay in the journal.

    Raises:
        ScopeDenied: the principal lacks the engine scope; the latch holds.
        Conflict: the latch is not tripped, another act tripped it, or an exit still runs; nothing changed.
        ConfirmationRequired: the typed text is not the expected one; the latch holds.
        Refused: no reason, or one that cannot be written down; the latch holds.
        JournalUnusable: it could not be written down; the latch holds.
    """
    permit(principal, Act.RESET)
    if principal.accounts is not None:
        raise Refused("The latch is the whole desk's; this key is bound to some accounts. The latch holds.")
    said = checked_reason(reason)
    if said is None:
        raise Refused("A reset needs a reason, for the journal. The latch holds.")
    async with desk.beginning:
        state = latch(desk)
        _check(desk, state, exit_id)
        if typed != exit_id[-TYPED_LENGTH:]:
            raise ConfirmationRequired(
                f"Type the last {TYPED_LENGTH} characters of the id, {exit_id[-TYPED_LENGTH:]!r}, to lift "
                "the latch. It holds."
            )
        # Taken last: what is refused above must leave it to whoever carries out the next exit.
        if not desk.lock.acquire():
            raise Conflict("Another process carries out an exit. The latch holds.")
        try:
            record = LatchReset(
                exit_id=exit_id, principal=principal.id, surface=principal.surface, reason=said
            )
            desk.tell(await desk.journal.append((record,)))
        finally:
            desk.let_go()
    _, readings = await desk.readings.recent()
    unread = [
        reading.venue.account.name
        for reading in readings
        if any("order" not in part.part for part in reading.look.unread)
    ]
    held = sum(len(reading.look.positions) for reading in readings)
    shown = "not all accounts could be read" if unread else f"{held} position{'' if held == 1 else 's'} open"
    return ResetReport(
        summary=f"The latch of {exit_id} is lifted; {shown}; nothing was opened again.",
        success=True,
        exit_id=exit_id,
        latch=LatchState.CLEAR,
        allowed_again=ALLOWED_AGAIN,
        positions_open=None if unread else held,
        warnings=tuple(f"{name} could not be read; what is open there is not known." for name in unread),
        reason=said,
    )


def _check(desk: Desk, state: LatchReport, exit_id: str) -> None:
    if state.latch is LatchState.CLEAR:
        raise Conflict("The latch is not tripped; there is nothing to reset.")
    if state.exit_id != exit_id:
        raise Conflict(
            f"The latch was tripped by {state.exit_id}, not by {exit_id[:64]!r}: "
            f"`bastion reset {state.exit_id}`. It holds."
        )
    waiting = [request.exit_id for request in desk.unfinished() if desk.is_recent(request)]
    if waiting:
        raise Conflict(
            f"{waiting[0]} has no verdict yet; wait for it, or take it up with "
            f"`bastion exit --resume {waiting[0]}`. The latch holds."
        )
    still = desk.busy()
    if still:
        raise Conflict(f"{still[0]} is still watched or worked on here; reset once that ends. It holds.")
