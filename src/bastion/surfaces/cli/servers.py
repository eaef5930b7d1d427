"""Servers: the commands that stay: `mcp`, `up` and `paper serve`."""

import contextlib
import functools
import gc
import importlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from bastion.app import PAPER_COMMAND, PAPER_TOKEN_VARIABLE, Place, open_desk, open_keys
from bastion.auth.rates import Rates
from bastion.commands import Desk, note_refused_key, recover
from bastion.domain.principal import Scope
from bastion.surfaces.cli import fast
from bastion.surfaces.cli.bare import MCP, SERVER, hold_back
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.local import ANOTHER_WORLD, Daemon, answers, find_daemon, not_after
from bastion.surfaces.cli.view import complain, emit, version
from bastion.surfaces.daemon.sockets import SOCKET_NAME, named
from bastion.surfaces.schemas import dumps

PORT = 8737
ASKED_MAX = 3
BEGIN_S = 3.0
"""How long the daemon may take to begin with what a client on stdio asks for."""


def _mcp(module: str) -> Any:  # noqa: ANN401 - a module
    # The MCP SDK is loaded only by the commands that speak MCP, and no more of it than they use.
    hold_back(*MCP, *SERVER)
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
    stdio = _mcp("over_stdio")
    offers = _mcp("server").Offered(toolsets)
    daemon, why = _patiently(place)
    if daemon is not None:
        await _relay(place, offers, known=daemon.pid)
        return Code.OK
    if why:
        complain(f"bastion: the daemon is not asked: {why}. Going on with a desk of its own.")
    async with _own_desk(place, offers) as handlers:
        await stdio.serve_stdio(_mcp("server").bound(offers, handlers, version=version()))
    return Code.OK


def _patiently(place: Place, *, known: int = 0) -> tuple[Daemon | None, str]:
    """Return the daemon, its connection closed, or None and why; one that is busy is asked again."""
    daemon, why = find_daemon(place, known=known)
    for _ in range(ASKED_MAX - 1):
        if daemon is not None or not why:
            break
        daemon, why = find_daemon(place, known=known)
    if daemon is not None:
        daemon.close()
    return daemon, why


@contextlib.asynccontextmanager
async def _own_desk(place: Place, offers: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - of a module loaded late
    async with open_desk(place, serving=True) as desk:
        recover(desk)
        rates = Rates(clock=desk.clock, refused=functools.partial(note_refused_key, desk))
        gate = _mcp("admission").Gate(keys=desk.keys, rates=rates)
        # The embedded paper exchange ends with this process: nobody could go on with its exit.
        successor = None if desk.paper else functools.partial(_successor, place)
        async with _mcp("over_stdio").finishing(desk, successor=successor):
            yield _mcp("server").Handlers(desk, environment=os.environ, gate=gate, offered=offers)


async def _relay(place: Place, offers: Any, *, known: int) -> None:  # noqa: ANN401 - as above
    relay = _mcp("relay")

    def find() -> Any:  # noqa: ANN401 - as above
        # This server keeps to the files as they were when it began, as it does with a desk of its own.
        daemon, why = _patiently(place, known=known)
        if daemon is not None:
            return relay.Found(there=True, paper=daemon.paper)
        # Going on would open an embedded exchange of our own, and say flat of that.
        refusal = f"The daemon is not asked: {why}. {ANOTHER_WORLD}" if why and place.config is None else ""
        return relay.Found(there=False, refusal=refusal)

    directory = os.open(place.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        ways = relay.Ways(
            socket=named(place.home / SOCKET_NAME, directory),
            find=find,
            answers=functools.partial(answers, place),
            late=functools.partial(not_after, BEGIN_S),
            own=functools.partial(_own_desk, place, offers),
        )
        with open_keys(place) as keys:
            relayed = relay.Relay(ways, offered=offers, keys=keys, environment=os.environ)
            async with relayed.working():
                # What is loaded by now stays: to look through it for garbage would take longer than a press.
                gc.collect()
                gc.freeze()
                await _mcp("over_stdio").serve_stdio(_mcp("server").bound(offers, relayed, version=version()))
    finally:
        os.close(directory)


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
        gate = _mcp("admission").Gate(keys=desk.keys, rates=rates, right_of_way=desk.right_of_way)
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
