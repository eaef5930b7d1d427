"""Request: the moment from which an exit exists, whatever happens to the process."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.mandate import ExitKind, Target
from bastion.domain.principal import Principal
from bastion.domain.records import CoveredAccount, ExitRequested, LatchTripped, Record, RequestTagged
from bastion.domain.refund import RefundPolicy
from bastion.domain.selection import EVERYTHING, Selection
from bastion.ports import Clock
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be done on the accounts of a request; nothing said means: close everything.

    `first_bound` is how far from the mark the first orders may go, as a share of it; None means any price.
    """

    kind: ExitKind = ExitKind.EXIT
    selection: Selection = EVERYTHING
    targets: tuple[Target, ...] = ()
    stops_too: bool = False
    first_bound: Decimal | None = None


EXIT_ALL = Wish()


def request_records(
    clock: Clock,
    *,
    exit_id: str,
    accounts: Sequence[Account],
    principal: Principal,
    reason: str | None,
    deadline_s: Decimal,
    hold_s: Decimal,
    wish: Wish = EXIT_ALL,
    joined: Sequence[str] = (),
) -> tuple[Record, ...]:
    """Return the records of a request, for one commit: the latch tripped first where its kind does that.

    Once they are durable the exit is carried out by `Executor.run`, by this process or by a later one. The
    caller has checked the principal's scope.
    """
    covered = tuple(
        CoveredAccount(
            name=account.name,
            venue=account.venue,
            key_space=account.key_space,
            refund=account.refund if wish.kind is ExitKind.EXIT else RefundPolicy.NEVER,
        )
        for account in accounts
    )
    tag = RequestTagged(exit_id=exit_id, tag=principal.asked_as)
    trip = LatchTripped(exit_id=exit_id, principal=principal.id, surface=principal.surface, reason=reason)
    return (
        *((trip,) if wish.kind.latches else ()),
        ExitRequested(
            exit_id=exit_id,
            accounts=covered,
            principal=principal.id,
            surface=principal.surface,
            deadline_s=deadline_s,
            hold_s=hold_s,
            monotonic_ns=clock.monotonic_ns(),
            reason=reason,
            selection=wish.selection,
            kind=wish.kind,
            targets=wish.targets,
            stops_too=wish.stops_too,
            joined=tuple(joined),
            first_bound=wish.first_bound,
        ),
        *((tag,) if principal.asked_as else ()),
    )
