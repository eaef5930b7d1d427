"""Capped: what keeps a close that is no emergency within a key's bound, and out of a running exit's way."""

from collections.abc import Sequence
from decimal import Decimal

from bastion.auth.permit import within_cap
from bastion.commands.desk import Desk
from bastion.commands.looks import Target
from bastion.domain.act import Act
from bastion.domain.mandate import ExitKind
from bastion.domain.money import ZERO
from bastion.domain.principal import Principal
from bastion.domain.symbol import pair
from bastion.errors import Conflict
from bastion.exits.scope import scope_of


def check_cap(principal: Principal, act: Act, parts: Sequence[tuple[Target, Decimal]]) -> None:
    """Return when what is to be closed is worth no more than the key's cap allows in one act.

    Raises:
        ScopeDenied: it is worth more, or its worth is not known.
    """
    worth: Decimal | None = ZERO
    for target, quantity in parts:
        position = target.position
        if worth is None or position.notional_usd is None:
            worth = None
        else:
            worth += position.notional_usd * quantity / position.quantity
    within_cap(principal, act, worth)


def conflict_with(desk: Desk, targets: Sequence[Target], *, partial: bool = False) -> None:
    """Return when no running exit closes one of these positions already.

    With `partial`, a partial close of one of them that still runs stands in the way, too: of what would be
    the percentage?

    Raises:
        Conflict: one does; the text names it.
    """
    for request in desk.unfinished():
        if not desk.is_recent(request):
            continue
        names = {account.name for account in request.accounts}
        for target in targets:
            account, position = target.venue.account.name, target.position
            if account not in names or (request.kind is not ExitKind.EXIT and not partial):
                continue
            scope = scope_of(request, account)
            if any(aim.key == position.key for aim in scope.targets) or scope.gives_up(position):
                raise Conflict(
                    f"{request.exit_id} is closing {pair(position.symbol)} on {account} already; ask for its "
                    "status. Nothing was done."
                )
