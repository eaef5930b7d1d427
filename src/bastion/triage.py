"""Triage: what an exit needs of this machine, and an account's adapter before the account is configured.

Beside `app` the only module that builds adapters: one at a time, to try a credential.
"""

import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping

from bastion.app import Place, open_vault, verify_journals
from bastion.clock import SystemClock
from bastion.commands import HostFacts
from bastion.domain.account import Account
from bastion.log import Redactor, start_logging
from bastion.ports import Venue
from bastion.venues.catalog import Catalog, hosts_of
from bastion.venues.catalog import refused_venues as refused


def host_facts(place: Place, *, daemon: str | None) -> HostFacts:
    """Return what an exit needs of this machine, for the doctor; `daemon` says who serves this place.

    Raises:
        ConfigInvalid: the configuration cannot be used, or the vault cannot be opened.
    """
    try:
        free: int | None = shutil.disk_usage(place.home if place.home.exists() else place.home.parent).free
    except OSError:
        free = None
    vault: str | None = None
    if place.config is not None:
        opened = open_vault(place)
        vault = f"{opened.path} opens; credentials: {', '.join(opened.names()) or 'none'}"
    return HostFacts(
        state_dir=str(place.home),
        disk_free=free,
        vault=vault,
        damaged=tuple(
            f"{chain.path}: {chain.trouble or f'row {chain.broken_at}'}"
            for chain in verify_journals(place).chains
            if not chain.sound
        ),
        daemon=daemon,
    )


@contextlib.asynccontextmanager
async def open_venue(account: Account, fields: Mapping[str, str]) -> AsyncIterator[Venue]:
    """Open the adapter of an account that is not configured yet, to try its credential.

    Raises:
        ConfigInvalid: the venue or its key space is not supported, or the credential lacks a field.
    """
    redactor = Redactor()
    redactor.learn(tuple(fields.values()))
    start_logging(redactor)
    venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, fields)
    try:
        yield venue
    finally:
        await venue.close()


def refused_venues() -> Mapping[str, str]:
    """Return why each of ccxt's other exchanges with swaps cannot be an account, by ccxt's id of it."""
    return refused()


def venue_hosts(venue: str) -> tuple[str, ...]:
    """Return the hosts that an account at a supported venue can name."""
    return hosts_of(venue)
