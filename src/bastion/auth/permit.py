"""Permit: what a principal may ask for, and on which accounts."""

from collections.abc import Iterable
from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.act import STOPPING, STOPPING_READS, Act
from bastion.domain.principal import Principal
from bastion.domain.selection import Selection
from bastion.errors import Refused, ScopeDenied


def permit(principal: Principal, act: Act) -> None:
    """Return when the principal may ask for the act; a higher scope contains the lower ones.

    Raises:
        ScopeDenied: the scope is too weak, or the key may only stop; the text says what is needed.
    """
    if principal.scope < act.scope:
        raise ScopeDenied(
            f"`{act.value}` needs a key with the {act.scope.word} scope; this key has the "
            f"{principal.scope.word} scope. Nothing was done. Create one with "
            f"`bastion keys create --scope {act.scope.word}`."
        )
    if principal.only_stops and act not in STOPPING | STOPPING_READS:
        raise ScopeDenied(f"This key may only stop; `{act.value}` needs another key. Nothing was done.")


def within_cap(principal: Principal, act: Act, notional_usd: Decimal | None) -> None:
    """Return when the principal may move that much by one act; what stops is never capped.

    `notional_usd` is the size of what the act would move, None where it is not known.

    Raises:
        ScopeDenied: it is above the key's cap, or not known while the key has one.
    """
    cap = principal.notional_cap_usd
    if cap is None or act.stops or act.reads:
        return
    if notional_usd is None:
        raise ScopeDenied(
            f"This key may move at most {cap:,.2f} USD by one `{act.value}`, and the size of this one is not "
            "known. Nothing was done. An emergency exit has no cap."
        )
    if notional_usd > cap:
        raise ScopeDenied(
            f"This key may move at most {cap:,.2f} USD by one `{act.value}`; this would move "
            f"{notional_usd:,.2f}. Nothing was done. An emergency exit has no cap."
        )


def covered(principal: Principal, accounts: Iterable[Account], selection: Selection) -> tuple[Account, ...]:
    """Return the accounts that the selection names and the principal may read or move, in their order.

    An account that the principal may not see is answered like one that does not exist.

    Raises:
        Refused: the selection covers no account, or names one or a venue that this principal does not see.
    """
    visible = [
        account for account in accounts if principal.accounts is None or account.name in principal.accounts
    ]
    names = {account.name for account in visible}
    venues = {account.venue for account in visible}
    for name in sorted((selection.accounts | selection.except_accounts) - names):
        raise Refused(f"There is no account {name[:64]!r} here. Nothing was done.")
    for venue in sorted(selection.venues - venues):
        raise Refused(f"No account here is at a venue {venue[:64]!r}. Nothing was done.")
    found = tuple(
        account for account in visible if selection.covers_account(venue=account.venue, account=account.name)
    )
    if not found:
        raise Refused("This covers no account. Nothing was done.")
    return found
