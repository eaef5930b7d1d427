"""Tree: every command of `bastion`, with its help; each is loaded here and does its work elsewhere."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from bastion.app import find_place
from bastion.errors import Refused
from bastion.surfaces.cli import branches, connecting, fast, opening, papers, secrets, servers
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.engine_branch import engine
from bastion.surfaces.cli.giving_up import run_refund
from bastion.surfaces.cli.options import Config, Json
from bastion.surfaces.cli.parsers import fast_usages
from bastion.surfaces.cli.view import version
from bastion.surfaces.cli.watch import run_positions, run_watch

VenueName = Literal[
    "binance",
    "bingx",
    "bitget",
    "blofin",
    "bybit",
    "delta",
    "gate",
    "hitbtc",
    "hyperliquid",
    "krakenfutures",
    "kucoinfutures",
    "mudrex",
    "okx",
    "strike",
    "woo",
]
HostName = Literal["live", "demo", "testnet"]
ScopeWord = Literal["read", "trade", "engine"]
TierName = Literal["free", "basic", "pro", "unlimited"]
ClientName = Literal["claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "gemini-cli", "zed"]
Tools = Annotated[
    str | None,
    Parameter(
        name="--tools", help="The toolsets to offer, of exit, portfolio, trading, engine; all without it."
    ),
]
Tokens = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]

ShellName = Literal["bash", "zsh", "fish"]

app = App(
    name="bastion",
    version=version,
    help_epilogue=fast_usages(),
    help="The emergency exit of leveraged trading: one action closes every open position on every connected "
    "exchange and proves that nothing is left. Without a configuration it works on embedded paper exchanges.",
)
keys = App(name="keys", help="Create, list, rotate and revoke the bst_ keys of assistants and bots.")
vault = App(name="vault", help="Keep the venues' credentials in an age file.")
paper = App(name="paper", help="The paper exchange.")
for _group in (engine, keys, vault, paper, branches.journal, branches.certificate, branches.venues):
    app.command(_group)
app.command(branches.reset)


@app.command(name="exit", help_flags=())
def exit_(*tokens: Tokens) -> int:
    """Close everything on every account, at market and reduce-only, and prove it. There is no undo."""
    return fast.run(["exit", *tokens])


@app.command(help_flags=())
def halt(*tokens: Tokens) -> int:
    """Cancel every working order at once, keep positions and their stops, and block all opening of ours."""
    return fast.run(["halt", *tokens])


@app.command(help_flags=())
def status(*tokens: Tokens) -> int:
    """Show how the desk stands: its word, its accounts, their credentials, the last exit."""
    return fast.run(["status", *tokens])


@app.command
def positions(*, json: Json = False, config: Config = None) -> int:
    """Show what is open on every account, what could not be read, and what would hinder an exit."""
    return fast.drive(lambda: run_positions(find_place(config=config), json=json))


@app.command
def connect(
    name: str,
    /,
    *,
    venue: Annotated[VenueName, Parameter(help="The venue.")],
    host: Annotated[HostName, Parameter(help="Which of the venue's own hosts.")] = "live",
    base_url: Annotated[
        str | None, Parameter(help="Scheme, host and prefix, where not the public host.")
    ] = None,
    key_space: Annotated[
        str | None, Parameter(help="The product family; `bastion venues` lists them.")
    ] = None,
    from_stdin: Annotated[
        bool, Parameter(name="--from-stdin", negative=(), help="Read the credential from standard input.")
    ] = False,
    from_file: Annotated[Path | None, Parameter(help="Read it from a file that only you can read.")] = None,
    allow_withdrawals: Annotated[
        str | None, Parameter(help="Connect a key that can withdraw all the same, for this reason.")
    ] = None,
    dry_run: Annotated[
        bool, Parameter(name="--dry-run", negative=(), help="Try the credential; store nothing.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> int:
    """Connect an account: try its credential, keep it in the vault, name the account in the configuration.

    The secret comes from a prompt, a file or standard input, never from an argument. A key that can withdraw
    is refused.

    Parameters
    ----------
    name
        Your name for the account, and for its credential.
    """
    options = connecting.ConnectOptions(
        name=name,
        venue=venue,
        host=None if host == "live" else host,
        base_url=base_url,
        key_space=key_space,
        from_stdin=from_stdin,
        from_file=from_file,
        allow_withdrawals=allow_withdrawals,
        dry_run=dry_run,
        json=json,
    )
    return fast.drive(lambda: connecting.run_connect(find_place(config=config), options))


@app.command
def doctor(*, json: Json = False, config: Config = None) -> int:
    """Say in one screen what would stop an exit today. Changes nothing; code 5 where something would."""
    return fast.drive(lambda: connecting.run_doctor(find_place(config=config), json=json))


@app.command
def watch(exit_id: str, /, *, json: Json = False, config: Config = None) -> int:
    """Follow an exit to its verdict, whichever process carries it out.

    Parameters
    ----------
    exit_id
        The exit's id, as the exit said it.
    """
    return fast.drive(lambda: run_watch(find_place(config=config), exit_id, json=json))


@app.command
def refund(
    position_id: str,
    /,
    *,
    preview: Annotated[
        bool,
        Parameter(name="--preview", negative=(), help="Show what speaks for and against it; do nothing."),
    ] = False,
    review: Annotated[
        bool, Parameter(name="--review", negative=(), help="Show what holding would have given; do nothing.")
    ] = False,
    reason: Annotated[str | None, Parameter(help="Why, for the journal and the review.")] = None,
    account: Annotated[str | None, Parameter(help="The account, where several are at such a venue.")] = None,
    json: Json = False,
    config: Config = None,
) -> int:
    """Give one position up for its original margin, at a venue that offers that. There is no undo.

    A last resort, for when closing does not work: profit is forfeited. `--preview` weighs it first.

    Parameters
    ----------
    position_id
        The position's id, as `bastion positions` shows it.
    """
    if preview and review:
        raise Refused("--preview and --review exclude each other. Nothing was done.")
    return fast.drive(
        lambda: run_refund(
            find_place(config=config),
            position_id,
            preview=preview,
            review=review,
            account=account,
            reason=reason,
            json=json,
        )
    )


@app.command(name="demo", help_flags=())
def demo_(*tokens: Tokens) -> int:
    """See it work on two embedded exchanges: no keys, no network, about 20 seconds."""
    return opening.run(["demo", *tokens])


@app.command(help_flags=())
def gauntlet(*tokens: Tokens) -> int:
    """Run any exit program through the fault menu on the paper exchange, and score it by the ledger there."""
    return int(importlib.import_module("bastion.surfaces.cli.gauntlet").run(["gauntlet", *tokens]))


@app.command
def mcp(
    *,
    print_config: Annotated[
        bool, Parameter(name="--print-config", negative=(), help="Print a client's block with a fresh key.")
    ] = False,
    client: Annotated[ClientName, Parameter(help="The client that the block is for.")] = "claude-desktop",
    tools: Tools = None,
    config: Config = None,
) -> int:
    """Serve one MCP client on standard input and output."""
    return servers.run_mcp(find_place(config=config), print_config=print_config, client=client, tools=tools)


@app.command
def up(
    *,
    port: Annotated[int, Parameter(help="The port on 127.0.0.1; 0 takes a free one.")] = servers.PORT,
    tools: Tools = None,
    config: Config = None,
) -> int:
    """Serve MCP and REST on the loopback address, and this user's own commands on a socket."""
    return servers.run_up(find_place(config=config), port=port, tools=tools)


@paper.command(help_flags=())
def serve(*tokens: Tokens) -> int:
    """Serve the paper exchange, until Ctrl-C."""
    return servers.run_paper(find_place(config=None), tokens)


@keys.command
def create(
    *,
    scope: Annotated[ScopeWord | None, Parameter(help="What the key may do; engine > trade > read.")] = None,
    label: Annotated[str, Parameter(help="Your name for it.")] = "",
    days: Annotated[
        int | None, Parameter(help="Days until it expires, 30, 90 or 365 for example; never, if left out.")
    ] = None,
    only: Annotated[
        Literal["exit"] | None,
        Parameter(help="Restrict it to stopping: exit, kill switch, halt, disarm, and how these stand."),
    ] = None,
    accounts: Annotated[
        str | None, Parameter(help="The only accounts that it reads or moves, with commas; all, if left out.")
    ] = None,
    cap_usd: Annotated[
        str | None, Parameter(help="The most that one action of it may move, in USD; exits have no cap.")
    ] = None,
    tier: Annotated[TierName, Parameter(help="How often it may ask.")] = "pro",
    json: Json = False,
    config: Config = None,
) -> int:
    """Create a key and show it, this once; only its hash is kept."""
    wanted = secrets.Wanted(
        scope=scope, label=label, days=days, only=only, accounts=accounts, cap_usd=cap_usd, tier=tier
    )
    return secrets.create_key(find_place(config=config), wanted, json=json)


@keys.command
def rotate(
    key_id: str,
    /,
    *,
    grace_hours: Annotated[
        int, Parameter(help="How long the old key still works; it is refused at once, if left out.")
    ] = 0,
    json: Json = False,
) -> int:
    """Replace a key by a new one with the same rights, shown this once.

    Parameters
    ----------
    key_id
        The old key's id, as `bastion keys list` shows it.
    """
    return secrets.rotate_key(find_place(config=None), key_id, grace_hours=grace_hours, json=json)


@keys.command(name="list")
def list_keys(*, json: Json = False) -> int:
    """List the keys: id, scope, bounds, uses, and whether they still work."""
    return secrets.list_keys(find_place(config=None), json=json)


@keys.command
def revoke(key_id: str, /, *, json: Json = False) -> int:
    """Revoke a key; its next use, anywhere, is refused.

    Parameters
    ----------
    key_id
        The key's id, as `bastion keys list` shows it.
    """
    return secrets.revoke_key(find_place(config=None), key_id, json=json)


@vault.command
def put(
    name: str,
    /,
    *,
    from_stdin: Annotated[
        bool, Parameter(name="--from-stdin", negative=(), help="Read the credential from standard input.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> int:
    """Store a venue's credential: JSON, `name=value` lines, or the key and the secret on two lines.

    Parameters
    ----------
    name
        The name by which the configuration's `credential` refers to it.
    """
    return secrets.put_credential(find_place(config=config), name, from_stdin=from_stdin, json=json)


@vault.command(name="list")
def list_credentials(*, json: Json = False, config: Config = None) -> int:
    """List the names of the stored credentials."""
    return secrets.list_credentials(find_place(config=config), json=json)


@vault.command
def remove(name: str, /, *, json: Json = False, config: Config = None) -> int:
    """Remove a credential.

    Parameters
    ----------
    name
        The credential's name.
    """
    return secrets.remove_credential(find_place(config=config), name, json=json)


@app.command
def completion(shell: ShellName, /) -> int:
    """Print the completion script of a shell.

    Parameters
    ----------
    shell
        The shell.
    """
    return papers.run_completion(shell)


@app.command
def schema(name: str | None = None, /, *, json: Json = False) -> int:
    """Print the published JSON schema of an answer, or list their names.

    Parameters
    ----------
    name
        The answer's name; without it the names are listed.
    """
    return papers.run_schema(name, json=json)


def run(arguments: Sequence[str]) -> int:
    """Run any command and return its exit code."""
    json = "--json" in arguments

    def command() -> int:
        try:
            answer = app(
                list(arguments), exit_on_error=False, print_error=False, result_action="return_value"
            )
        except CycloptsError as error:
            raise Refused(_sentence(error)) from None
        return Code.OK if answer is None else int(answer)

    return fast.guarded(command, json=json)


def _sentence(error: CycloptsError) -> str:
    first = " ".join(str(error).split()).partition(" Available commands:")[0]
    return f"{first.rstrip('.')}. `bastion --help` shows what is understood."
