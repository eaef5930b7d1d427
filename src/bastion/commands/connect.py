"""Connect: whether a credential is fit to be an account of the desk, by what the venue says of it."""

import asyncio
from collections.abc import Mapping

from bastion.domain.account import Access, Account
from bastion.domain.look import Look
from bastion.errors import Conflict, Refused, VenueError
from bastion.ports import Venue
from bastion.shape import dataclass

TRIAL_S = 15.0
# What a credential of the venue, or of a key space of its own kind, may see beside what bastion reads.
BESIDE: Mapping[str, tuple[str, ...]] = {
    "binance": ("Portfolio Margin", "options", "spot and margin"),
    "papi": ("options", "spot and margin, which are told and not touched"),
    "bybit": ("options positions of other accounts", "spot holdings"),
    "okx": ("other sub-accounts",),
    "hyperliquid": ("other sub-accounts and vaults",),
    "strike": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying a credential: its rights, and one reading of the account."""

    access: Access | None
    access_error: str
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectReport:
    """An account that was connected (or, with `dry_run`, would be).

    `accounts` are the accounts that were made of the credential, one for each key space that it can read.
    `left_out` names what it may see and bastion neither reads nor closes. None of the rights means that the
    venue did not say.
    """

    summary: str
    success: bool
    dry_run: bool
    account: str
    exchange: str
    key_space: str
    credential: str
    can_trade: bool | None
    can_withdraw: bool | None
    ip_restricted: bool | None
    positions: int
    orders: int
    left_out: tuple[str, ...]
    accounts: tuple[str, ...]
    warnings: tuple[str, ...]
    config: str
    next_step: str


async def try_out(venue: Venue) -> Trial:
    """Ask the venue what the credential may do, and read the account once; nothing is changed there.

    Raises:
        Refused: the account could not be read at all.
    """
    access: Access | None = None
    access_error = ""
    looks: list[Look] = []

    async def ask() -> None:
        nonlocal access, access_error
        try:
            access = await venue.access(deadline_s=TRIAL_S)
        except VenueError as error:
            access_error = str(error)

    async def look() -> None:
        looks.append(await venue.look(deadline_s=TRIAL_S))

    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        group.create_task(look())
    seen = looks[0]
    if seen.unread and not seen.parts:
        reasons = "; ".join(dict.fromkeys(f"{part.part}: {part.reason}" for part in seen.unread))
        raise Refused(
            f"The credential cannot read the account at {venue.account.venue}: {reasons}. Nothing was stored."
        )
    return Trial(access=access, access_error=access_error, look=seen)


def judge(account: Account, trial: Trial, *, withdrawals: str | None) -> tuple[str, ...]:
    """Return what a person should know of an account that may be connected.

    `withdrawals` is the owner's own reason to connect a key that can withdraw; None is none.

    Raises:
        Conflict: the key can withdraw, and no reason was given. Nothing was stored.
    """
    warnings: list[str] = []
    access = trial.access
    if access is None:
        warnings.append(f"What the credential may do is not known: {trial.access_error}")
    elif access.can_withdraw:
        if withdrawals is None:
            raise Conflict(
                f"This key can withdraw from {account.venue}. bastion never needs that, and whoever steals "
                "the key would use it: take the permission from the key, or say why not with "
                "--allow-withdrawals REASON, which is kept. Nothing was stored."
            )
        warnings.append(f"The key can withdraw; connected all the same: {withdrawals}")
    if access is not None and access.can_trade is False:
        warnings.append("The key cannot trade: an exit could see this account, but not close anything there.")
    if access is not None and access.ip_restricted is False:
        warnings.append("The key works from every address; restrict it at the venue to this machine's.")
    warnings.extend(f"Not read: {part.part}: {part.reason}" for part in trial.look.unread)
    if access is not None:
        warnings.extend(access.notes)
    return tuple(warnings)


def report(
    account: Account,
    trial: Trial,
    *,
    beside: tuple[str, ...],
    left_out: tuple[str, ...],
    warnings: tuple[str, ...],
    config: str,
    dry_run: bool,
) -> ConnectReport:
    """Return the report of an account that was, or would be, connected.

    `beside` are the accounts made of the same credential's other key spaces, `left_out` those that it could
    not read.
    """
    access = trial.access or Access()
    held = len(trial.look.positions)
    noun = "position" if held == 1 else "positions"
    verb = "would be connected" if dry_run else "is connected"
    unread = (
        *left_out,
        *BESIDE.get(account.key_space, BESIDE.get(account.venue, ())),
        *(part for part in trial.look.parts if "(left out: " in part),
    )
    return ConnectReport(
        summary=f"{account.name} at {account.venue} {verb}: {held} open {noun}, "
        f"{len(trial.look.orders)} orders.",
        success=True,
        dry_run=dry_run,
        account=account.name,
        exchange=account.venue,
        key_space=account.key_space,
        credential=account.credential,
        can_trade=access.can_trade,
        can_withdraw=access.can_withdraw,
        ip_restricted=access.ip_restricted,
        positions=held,
        orders=len(trial.look.orders),
        left_out=unread,
        accounts=(account.name, *beside),
        warnings=warnings,
        config=config,
        next_step="Nothing was stored; run it again without --dry-run."
        if dry_run
        else "`bastion doctor` says what would stop an exit; a running `bastion up` must be restarted.",
    )
