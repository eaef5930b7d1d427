"""Visible: the part of an exit's entries that a key may see, which is the exit as far as the key knows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bastion.domain.principal import Principal
from bastion.domain.records import (
    CoveredAccount,
    Entry,
    ExitJudged,
    ExitRequested,
    LegJudged,
    RefundRequested,
)
from bastion.domain.verdict import Verdict
from bastion.exits.verdict import overall


def sees(principal: Principal, account: str) -> bool:
    """Return whether the principal may know of that account."""
    return principal.accounts is None or account in principal.accounts


def visible(entries: Sequence[Entry], principal: Principal) -> tuple[Entry, ...]:
    """Return the entries of one exit that the principal may see, for a fold.

    Of an exit of other accounts alone, nothing is left: it is answered like one that does not exist. Of an
    exit that covers others beside its own, the principal gets its own accounts' entries, with the verdict
    that these alone have. Entries that were cut no longer carry their hash's content; only whole ones prove.
    """
    if principal.accounts is None:
        return tuple(entries)
    request = next((entry.record for entry in entries if isinstance(entry.record, ExitRequested)), None)
    if request is not None:
        names = {account.name for account in request.accounts}
        if names <= principal.accounts:
            return tuple(entries)
        if not names & principal.accounts:
            return ()
    verdicts = _verdicts(entries, principal)
    kept: list[Entry] = []
    for entry in entries:
        record = entry.record
        if isinstance(record, ExitRequested):
            own = tuple(account for account in record.accounts if sees(principal, account.name))
            targets = tuple(target for target in record.targets if sees(principal, target.account))
            selection = record.selection
            selection = replace(
                selection,
                accounts=selection.accounts & principal.accounts,
                except_accounts=selection.except_accounts & principal.accounts,
            )
            kept.append(
                replace(entry, record=replace(record, accounts=own, targets=targets, selection=selection))
            )
        elif isinstance(record, ExitJudged):
            if verdicts:
                kept.append(replace(entry, record=replace(record, verdict=overall(verdicts))))
        elif _concerns(entry, principal):
            kept.append(entry)
    return tuple(kept)


def _verdicts(entries: Iterable[Entry], principal: Principal) -> tuple[Verdict, ...]:
    # A leg can improve without changing the verdict of the whole, so the latest of each leg counts.
    latest = {
        entry.record.account: entry.record.verdict
        for entry in entries
        if isinstance(entry.record, LegJudged) and sees(principal, entry.record.account)
    }
    return tuple(latest.values())


def _concerns(entry: Entry, principal: Principal) -> bool:
    if isinstance(entry.record, RefundRequested):
        return sees(principal, entry.record.account.name)
    account: CoveredAccount | str = getattr(entry.record, "account", "")
    name = account.name if isinstance(account, CoveredAccount) else account
    return name == "" or sees(principal, name)
