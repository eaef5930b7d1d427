"""Branches: the commands around an exit: reset, and the groups `journal` and `certificate`."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from bastion import commands
from bastion.app import find_place
from bastion.proving.prove import MOST_USD_DEFAULT
from bastion.surfaces.cli import acting, fast, papers, proving, steering
from bastion.surfaces.cli.options import Config, Json
from bastion.surfaces.cli.press import OWNER

journal = App(
    name="journal", help="What was asked here, by whom, and what came of it; and whether it is whole."
)
venues = App(name="venues", help="The venues: which are supported, how far each is proven, and the proof.")
certificate = App(name="certificate", help="The signed account of an exit, and its check by the file alone.")


def reset(
    exit_id: str,
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Why, for the journal; asked for.")] = None,
    typed: Annotated[
        str | None, Parameter(help="The last four characters of the id, where there is no terminal.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> int:
    """Lift the latch that an exit or a halt tripped. Nothing is opened again by it.

    Parameters
    ----------
    exit_id
        The id that tripped the latch, as `bastion status` shows it.
    """
    word = acting.typed_of(exit_id) if typed is None else typed
    steer = steering.Steer(
        method="POST",
        path="/v1/latch/reset",
        alone=lambda desk: commands.reset(desk, OWNER, exit_id, typed=word, reason=reason),
        lines=acting.reset_lines,
        body={"exit_id": exit_id, "typed": word, "reason": reason or ""},
    )
    return steering.run(find_place(config=config), steer, json=json)


@venues.default
def list_venues(*, json: Json = False, config: Config = None) -> int:
    """List the venues: `live` or `demo` and the date of your proof, `paper`, `generic`, `refused` and why."""
    return proving.run_venues(find_place(config=config), json=json)


@venues.command(name="prove")
def prove_venue(
    account: str,
    /,
    *,
    symbol: Annotated[str | None, Parameter(help="The perpetual to open, such as BTCUSDT.")] = None,
    most_usd: Annotated[Decimal, Parameter(help="The most that it may be worth.")] = MOST_USD_DEFAULT,
    yes_open_a_minimum_position: Annotated[
        bool, Parameter(negative=(), help="Instead of the typed confirmation.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> int:
    """OPEN one smallest position, exit it by the real exit, and record what the venue showed.

    This is the only command that can open anything. The account's configuration must say `prove = true`.

    Parameters
    ----------
    account
        The account, as the configuration names it; best one at the venue's demo host.
    """
    options = proving.ProveOptions(
        account=account, symbol=symbol, most_usd=most_usd, yes=yes_open_a_minimum_position, json=json
    )
    return fast.drive(lambda: proving.run_prove(find_place(config=config), options))


@journal.command
def verify(*, json: Json = False) -> int:
    """Check every row of every hash chain here: exits, spool, engine, audit. Code 1 where one is broken."""
    return papers.run_verify_journals(find_place(config=None), json=json)


@journal.command
def export(
    *,
    act: Annotated[str | None, Parameter(help="Only this act, such as `exit`.")] = None,
    key: Annotated[str | None, Parameter(help="Only what this key's id asked for.")] = None,
    since: Annotated[str | None, Parameter(help="From this time on (2026-01-31T14:00:00Z).")] = None,
    until: Annotated[str | None, Parameter(help="Before this time.")] = None,
    exit_id: Annotated[str | None, Parameter(name="--exit", help="Only what concerns this exit.")] = None,
    limit: Annotated[int, Parameter(help="At most so many, the latest.")] = 1000,
    config: Config = None,
) -> int:
    """Write the audit journal as JSON lines, the oldest first: who asked what, and what came of it."""
    query = papers.Query(act=act, key=key, since=since, until=until, exit_id=exit_id, limit=limit)
    return fast.drive(lambda: papers.run_export(find_place(config=config), query))


@certificate.command
def show(
    exit_id: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Write it to this new file.")] = None,
    json: Json = False,
    config: Config = None,
) -> int:
    """Write the signed certificate of an exit.

    Parameters
    ----------
    exit_id
        The exit's id.
    """
    return papers.run_certificate(find_place(config=config), exit_id, out=out, json=json)


@certificate.command(name="export")
def export_claim(
    exit_id: str,
    /,
    *,
    out: Annotated[Path, Parameter(help="Write it to this new file.")],
    json: Json = False,
    config: Config = None,
) -> int:
    """Write the claim file of an exit: its certificate, and the raw answers that the venues gave.

    Parameters
    ----------
    exit_id
        The exit's id.
    """
    return papers.run_claim(find_place(config=config), exit_id, out=out, json=json)


@certificate.command(name="verify")
def verify_certificate(
    file: Path,
    /,
    *,
    fingerprint: Annotated[str | None, Parameter(help="The key that must have signed it.")] = None,
    earlier: Annotated[
        Path | None, Parameter(help="An earlier certificate of the exit, of which nothing may be missing.")
    ] = None,
    json: Json = False,
) -> int:
    """Check a certificate or a claim, by the file alone. Code 1 where it is not genuine.

    Parameters
    ----------
    file
        The certificate, or the claim file with the raw answers.
    """
    return papers.run_check_certificate(file, fingerprint=fingerprint, earlier=earlier, json=json)
