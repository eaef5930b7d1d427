"""Main: the process `python -m bastion.paper`."""

import argparse
import asyncio
import importlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bastion.paper.document import DocumentError
from bastion.paper.scenario import find_scenario
from bastion.paper.server.control import Control
from bastion.paper.server.edge import Edge
from bastion.paper.server.station import Station

HOST = "127.0.0.1"
TOKEN_VARIABLE = "BASTION_PAPER_CONTROL_TOKEN"  # noqa: S105 - the name of a variable, not a token
_IDLE_S = 0.02
_SHUTDOWN_S = 0.5
_BODY_MOST = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asks for."""

    port: int
    control_port: int
    scenario: str
    seed: int | None
    token_file: Path | None
    exit_with_parent: bool
    strike_port: int | None
    strike_folder: Path | None
    strike_trading_limit: str
    strike_public_limit: str


class Unusable(Exception):  # noqa: N818 - tells the user what to change; not a defect
    """The process cannot start as asked; the text says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the paper exchange until a signal, or the parent's end, stops it. Returns the exit code."""
    options = _parse(arguments)
    try:
        token = _token(options.token_file)
        station = Station(find_scenario(options.scenario), seed=options.seed)
        asyncio.run(_serve(options, station, token))
    except (DocumentError, Unusable) as error:
        sys.stderr.write(f"bastion.paper: {error}\n")
        return 2
    return 0


async def _serve(options: Options, station: Station, token: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.exit_with_parent:
        _stop_with_parent(loop, stop)
    venues = web.Application(client_max_size=_BODY_MOST)
    venues.on_shutdown.append(_hang_up(station))
    venues.router.add_route("*", "/{venue}/{path:.*}", Edge(station).serve)
    port, venue_runner = await _listen(venues, options.port)
    control = Control(station, token).application()
    async with AsyncExitStack() as serving:
        serving.push_async_callback(venue_runner.cleanup)
        strike: dict[str, object] = {}
        if options.strike_port is not None:
            # The ledger and the identity layer cost start-up time, so only who asks for them loads them.
            margin_venue = importlib.import_module("bastion.paper.server.margin_venue")
            try:
                opening = margin_venue.open_beside(
                    station,
                    folder=options.strike_folder,
                    trading_limit=options.strike_trading_limit,
                    public_limit=options.strike_public_limit,
                )
            except ValueError as error:
                raise Unusable(str(error)) from None
            host = await serving.enter_async_context(opening)
            margin_venue.mount_operator(control, host)
            strike_port, strike_runner = await _listen(host.application, options.strike_port)
            serving.push_async_callback(strike_runner.cleanup)
            strike = {
                "strike": f"http://{HOST}:{strike_port}",
                "strike_service_key_file": str(host.service_key_path),
            }
        control_port, control_runner = await _listen(control, options.control_port)
        serving.push_async_callback(control_runner.cleanup)
        sys.stdout.write(json.dumps({**_ready(station, port, control_port), **strike}) + "\n")
        sys.stdout.flush()
        await _keep_time(station, stop)


def _hang_up(station: Station) -> Callable[[web.Application], Awaitable[None]]:
    async def hang_up(_: web.Application) -> None:
        station.sockets.hang_up()

    return hang_up


async def _keep_time(station: Station, stop: asyncio.Event) -> None:
    # Requests settle what is due themselves; this is for what falls due while nobody asks.
    while not stop.is_set():
        station.settle()
        try:
            async with asyncio.timeout(_IDLE_S):
                await stop.wait()
        except TimeoutError:
            continue


async def _listen(application: web.Application, port: int) -> tuple[int, web.AppRunner]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise Unusable(
            f"Port {port} cannot be used ({error.strerror}). Choose another, or 0 for any."
        ) from None
    addresses = runner.addresses
    return int(addresses[0][1]), runner


def _ready(station: Station, port: int, control_port: int) -> dict[str, object]:
    return {
        "ready": True,
        "port": port,
        "control_port": control_port,
        "scenario": station.world.scenario.name,
        "wires": {name: f"http://{HOST}:{port}/{name}" for name in station.wires},
    }


def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stop.set()

    try:
        loop.add_reader(descriptor, read)
    except PermissionError:
        # A plain file or /dev/null cannot be watched; it has no writer whose end could be awaited.
        raise Unusable("--exit-with-parent needs a pipe on standard input.") from None


def _token(path: Path | None) -> str:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token:
        return token
    if path is None:
        raise Unusable(f"Set {TOKEN_VARIABLE}, or give --token-file for a token to be written to.")
    token = secrets.token_urlsafe(32)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bastion.paper", description=__doc__)
    parser.add_argument("--port", type=int, default=8740, help="the venues' port; 0 chooses a free one")
    parser.add_argument("--control-port", type=int, default=8741, help="the control port; 0 chooses one")
    parser.add_argument("--scenario", default="seed", help="a shipped scenario, load-N, or a TOML file")
    parser.add_argument("--seed", type=int, default=None, help="overrides the scenario's seed")
    parser.add_argument(
        "--token-file", type=Path, default=None, help="where a fresh control token is written"
    )
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input ends")
    parser.add_argument(
        "--strike-port", type=int, default=None, help="also serve the margin venue; 0 chooses"
    )
    parser.add_argument(
        "--strike-folder", type=Path, default=None, help="where the margin venue keeps its records"
    )
    parser.add_argument("--strike-trading-limit", default="10", metavar="N|off")
    parser.add_argument("--strike-public-limit", default="120", metavar="N|off")
    given = parser.parse_args(arguments)
    return Options(
        port=given.port,
        control_port=given.control_port,
        scenario=given.scenario,
        seed=given.seed,
        token_file=given.token_file,
        exit_with_parent=given.exit_with_parent,
        strike_port=given.strike_port,
        strike_folder=given.strike_folder,
        strike_trading_limit=given.strike_trading_limit,
        strike_public_limit=given.strike_public_limit,
    )
