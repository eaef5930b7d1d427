"""Request: the moment from which an exit exists, whatever happens to the process."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.principal import Principal
from bastion.domain.records import CoveredAccount, Entry, ExitRequested, LatchTripped
from bastion.ports import Clock, Journal


async def request_exit(
    journal: Journal,
    clock: Clock,
    *,
    exit_id: str,
    accounts: Sequence[Account],
    principal: Principal,
    reason: str | None,
    deadline_s: Decimal,
    hold_s: Decimal,
) -> tuple[Entry, ...]:
    """Trip the latch and make the exit durable, in one commit; return the two entries.

    From here on the exit is carried out by `Executor.run`, by this process or by a later one. The caller has
    checked the principal's scope.

    Raises:
        JournalUnusable: neither the journal nor its spool took the request.
    """
    covered = tuple(
        CoveredAccount(
            name=account.name, venue=account.venue, key_space=account.key_space, refund=account.refund
        )
        for account in accounts
    )
    return await journal.append(
        (
            LatchTripped(exit_id=exit_id, principal=principal.id, surface=principal.surface, reason=reason),
            ExitRequested(
                exit_id=exit_id,
                accounts=covered,
                principal=principal.id,
                surface=principal.surface,
                deadline_s=deadline_s,
                hold_s=hold_s,
                monotonic_ns=clock.monotonic_ns(),
                reason=reason,
            ),
        )
    )
