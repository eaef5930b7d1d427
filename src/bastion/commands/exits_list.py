"""Exits list: the latest exits of the journal, in a line each."""

from bastion.auth.permit import permit
from bastion.commands.desk import Desk
from bastion.commands.exit import exit_status
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.principal import Principal
from bastion.domain.verdict import ExitState, PartVerdict, Verdict
from bastion.errors import ExitUnknown, Refused
from bastion.shape import dataclass

LIMIT_MAX = 100
SEARCHED_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitLine:
    """One exit: when it was asked for and how it stands; `verdict` is None until it is judged.

    `kind` says what it was: only that of an `exit` speaks of an account being flat.
    """

    exit_id: str
    requested_at: str
    state: ExitState
    verdict: Verdict | PartVerdict | None
    success: bool
    positions_closed: int
    reason: str | None
    summary: str
    kind: ExitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitsReport:
    """The latest exits that the principal may see, the newest first."""

    exits: tuple[ExitLine, ...]


async def list_exits(desk: Desk, principal: Principal, *, limit: int = 20) -> ExitsReport:
    """Return the latest `limit` exits that the principal may see, among the last `SEARCHED_MAX`.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: the limit is not between 1 and `LIMIT_MAX`.
    """
    permit(principal, Act.EXIT_STATUS)
    if not 1 <= limit <= LIMIT_MAX:
        raise Refused(f"limit is a whole number from 1 to {LIMIT_MAX}.")
    lines: list[ExitLine] = []
    for exit_id in reversed(desk.journal.exit_ids()[-SEARCHED_MAX:]):
        if len(lines) == limit:
            break
        try:
            report = await exit_status(desk, principal, exit_id)
        except ExitUnknown:
            # A halt or a refund, or an exit of accounts that this principal does not see.
            continue
        lines.append(
            ExitLine(
                exit_id=exit_id,
                requested_at=report.requested_at,
                state=report.state,
                verdict=report.verdict,
                success=report.success,
                positions_closed=report.positions_closed,
                reason=report.reason,
                summary=report.summary,
                kind=report.kind,
            )
        )
    return ExitsReport(exits=tuple(lines))
