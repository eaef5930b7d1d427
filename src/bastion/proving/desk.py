"""Desk: the desk on which a proof runs: one account alone, with a journal and a latch of its own."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from bastion import app
from bastion.app import Place, open_vault
from bastion.commands import Desk
from bastion.config import Config, read_config
from bastion.errors import Refused
from bastion.log import Redactor, start_logging
from bastion.storage.proofs import ProofFile


@contextlib.asynccontextmanager
async def open_proving_desk(place: Place, name: str) -> AsyncIterator[tuple[Desk, Mapping[str, str]]]:
    """Open a desk on one configured account alone, with a journal and a latch of its own, and its credential.

    Raises:
        ConfigInvalid: the configuration or the credential cannot be used.
        Refused: no account has that name, or its configuration does not say `prove = true`.
    """
    redactor = Redactor()
    start_logging(redactor)
    config = Config(path=None) if place.config is None else read_config(place.config)
    account = next((one for one in config.accounts if one.name == name), None)
    if account is None:
        raise Refused(f"The configuration has no account {name[:64]!r}. Nothing was opened.")
    if not account.prove:
        raise Refused(
            f"The account {name!r} may not be used to prove its venue: write `prove = true` into its "
            f"[[account]] in {place.config}. Nothing was opened."
        )
    credential = open_vault(place).credential(account.credential)
    redactor.learn(credential.secrets)
    alone = replace(config, accounts=(account,))
    credentials = {account.credential: credential.fields}
    home = place.home / "proving"
    async with app._desk(place, home, alone, credentials, serving=False) as desk:  # noqa: SLF001 - the same desk, elsewhere
        yield desk, credential.fields


def proofs_of(place: Place) -> ProofFile:
    """Return the record of what was proven at which venue's host."""
    return ProofFile(place.home / "proofs.jsonl")
