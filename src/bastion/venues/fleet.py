"""Fleet: the adapters of all configured accounts, and the private streams of those that have one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bastion.domain.account import Account
from bastion.errors import VaultUnusable
from bastion.ports import AccountStream, Clock, Venue
from bastion.shape import dataclass
from bastion.venues.barred import BarredVenue
from bastion.venues.catalog import Catalog
from bastion.venues.raw import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """An adapter for each account, by its name; not every account has a stream."""

    venues: Mapping[str, Venue]
    streams: Mapping[str, AccountStream]


def fleet_of(
    accounts: Sequence[Account],
    credentials: Mapping[str, Mapping[str, str] | str],
    *,
    clock: Clock,
    home: Path,
    keep: Callable[[Answer], None],
    listening: bool,
) -> Fleet:
    """Return the fleet; `credentials` says, by name, what each is, or why it cannot be had.

    Contracts are kept between runs below the state directory `home`.

    Streams are built where `listening`. Nothing is sent.

    Raises:
        ConfigInvalid: an account names what is not supported.
    """
    catalog = Catalog(clock=clock, shelf_dir=home / "shelf", keep=keep)
    venues: dict[str, Venue] = {}
    streams: dict[str, AccountStream] = {}
    for account in accounts:
        fields = credentials[account.credential]
        # One unusable credential must not keep the other accounts from being closed.
        if isinstance(fields, str):
            venues[account.name] = BarredVenue(account=account, why=fields, clock=clock)
            continue
        try:
            venues[account.name] = catalog.build(account, fields)
        except VaultUnusable as error:
            venues[account.name] = BarredVenue(account=account, why=str(error), clock=clock)
            continue
        stream = catalog.stream(account, fields) if listening else None
        if stream is not None:
            streams[account.name] = stream
    return Fleet(venues=venues, streams=streams)
