"""Servers: the commands that stay: `mcp`, `up` and `paper serve`."""

import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from typing import Any

from bastion.app import PAPER_COMMAND, PAPER_TOKEN_VARIABLE, Place, open_desk, open_keys
from bastion.auth.rates import Rates
from bastion.commands import Desk, note_refused_key, recover
from bastion.domain.principal import Scope
from bastion.surfaces.cli import fast
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.view import complain, emit, version
from bastion.surfaces.schemas import dumps

PORT = 8737


def _mcp(module: str) -> Any:  # noqa: ANN401 - a module
    # The MCP SDK is loaded only by the commands that speak MCP.
    return importlib.import_module(f"bastion.surfaces.mcp_server.{module}")


def run_mcp(place: Place, *, print_config: bool, client: str, tools: str | None) -> int:
    """Serve one client on standard input and output, or print the block that makes a client do so.

    Raises:
        BastionError: the desk cannot be opened, or there is no such toolset.
    """
    toolsets = _mcp("tools").toolsets_of(tools)
    if print_config:
        clients = _mcp("clients")
        with open_keys(place) as keys:
            new = keys.create(scope=Scope.TRADE, label=f"mcp {client}")
        chosen = clients.Client(client)
        # Without the configuration in the block, the client's server would work on the paper exchange.
        named = {} if place.config is None else {"BASTION_CONFIG": str(place.config)}
        environment = {**os.environ, **named}
        block = clients.config_block(chosen, key=new.text, environment=environment, tools=tools)
        emit(dumps(block, indent=2))
        complain(clients.advice(chosen, key_id=new.record.id, tools=tools))
        return Code.OK
    return fast.drive(lambda: _serve_stdio(place, toolsets))


async def _serve_stdio(place: Place, toolsets: Collection[Any]) -> int:
    server, stdio = _mcp("server"), _mcp("over_stdio")
    async with open_desk(place, serving=True) as desk:
        recover(desk)
        rates = Rates(clock=desk.clock, refused=functools.partial(note_refused_key, desk))
        gate = _mcp("admission").Gate(keys=desk.keys, rates=rates)
        served = server.build_server(
            desk, version=version(), environment=os.environ, gate=gate, toolsets=toolsets
        )
        # The embedded paper exchange ends with this process: nobody could go on with its exit.
        successor = None if desk.paper else functools.partial(_successor, place)
        await stdio.serve_client(served, desk, successor=successor)
    return Code.OK


def _successor(place: Place, exit_id: str) -> list[str]:
    program = "from bastion.surfaces.cli import main; raise SystemExit(main())"
    config = [] if place.config is None else ["--config", str(place.config)]
    return [sys.executable, "-c", program, "exit", "--resume", exit_id, "--now", "--json", *config]


def run_up(place: Place, *, port: int, tools: str | None) -> int:
    """Serve MCP and REST on the loopback address and the own user's socket until SIGINT or SIGTERM.

    Raises:
        BastionError: `bastion up` runs already, the desk cannot be opened, the port cannot be used, or there
            is no such toolset.
    """
    toolsets = _mcp("tools").toolsets_of(tools)

    def mcp(desk: Desk, rates: Rates) -> Any:  # noqa: ANN401 - an ASGI application
        gate = _mcp("admission").Gate(keys=desk.keys, rates=rates)
        # Over HTTP the environment's key is the server's own, not the caller's: it opens nothing.
        server = _mcp("server").build_server(
            desk, version=version(), environment={}, gate=gate, toolsets=toolsets
        )
        return _mcp("over_http").http_application(server, gate=gate)

    up = importlib.import_module("bastion.surfaces.daemon.up")
    up.run(
        up.Daemon(place=place, port=port, version=version(), mcp=mcp, say=emit, environment=dict(os.environ))
    )
    return Code.OK


def run_paper(place: Place, arguments: Sequence[str]) -> int:
    """Run the paper exchange's own process, with these arguments, until it ends.

    Without another choice, the token of its control port is written to a file in the state directory.
    """
    given = [argument.partition("=")[0] for argument in arguments]
    if PAPER_TOKEN_VARIABLE not in os.environ and not {"--token-file", "--help", "-h"} & set(given):
        place.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = place.home / "paper-control.token"
        complain(f"The control port's token is written to {file}.")
        arguments = [*arguments, "--token-file", str(file)]
    with subprocess.Popen([sys.executable, *PAPER_COMMAND, *arguments]) as process:  # noqa: S603 - our own program
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal sent it to the exchange as well, which now ends in its own order.
                continue
