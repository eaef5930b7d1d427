"""Up: opens the desk, joins the surfaces on their sockets, and stays until it is asked to end."""

import asyncio
import contextlib
import functools
import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from bastion.app import Place, open_desk, open_vault
from bastion.auth.rates import Rates
from bastion.commands import Desk, note_refused_key, recover
from bastion.shape import dataclass
from bastion.surfaces.daemon.claim import Claim, claimed
from bastion.surfaces.daemon.root import Root
from bastion.surfaces.daemon.service import Service
from bastion.surfaces.daemon.serving import new_loop, serve
from bastion.surfaces.daemon.sockets import bind_loopback, bind_unix, handed_over
from bastion.surfaces.rest.application import rest_application
from bastion.surfaces.rest.asgi import Application

McpBuilder = Callable[[Desk, Rates], Application]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What `bastion up` was asked for; `mcp` builds the MCP application, `say` tells a person a line."""

    place: Place
    port: int
    version: str
    mcp: McpBuilder
    say: Callable[[str], None]
    environment: Mapping[str, str]


def run(daemon: Daemon) -> None:
    """Serve until SIGINT or SIGTERM; a running exit then has its verdict before this returns.

    Raises:
        BastionError: another `bastion up` runs on the state directory, the desk cannot be opened, or the
            port cannot be used.
    """
    with claimed(daemon.place.home) as claim, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_stay(daemon, claim))


async def _stay(daemon: Daemon, claim: Claim) -> None:
    handed = handed_over(daemon.environment)
    listening = [wire for wire in handed if wire.family != socket.AF_UNIX] or [bind_loopback(daemon.port)]
    own = [wire for wire in handed if wire.family == socket.AF_UNIX]
    files = _digests(daemon.place)
    async with open_desk(daemon.place, serving=True) as desk:
        recover(desk)
        with contextlib.ExitStack() as stack:
            if not own:
                made = stack.enter_context(bind_unix(daemon.place.home))
                own = [] if made is None else [made]
            await _serve(daemon, claim, desk, listening=[*listening, *own], files=files)


async def _serve(
    daemon: Daemon, claim: Claim, desk: Desk, *, listening: list[socket.socket], files: dict[str, str]
) -> None:
    host, port = listening[0].getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    mode = "PAPER, the embedded exchange" if desk.paper else f"{len(desk.accounts)} accounts"
    service = Service(daemon.environment, clock=desk.clock)
    rates = Rates(clock=desk.clock, refused=functools.partial(note_refused_key, desk))
    about: dict[str, object] = {
        "pid": os.getpid(),
        "version": daemon.version,
        "address": address,
        "paper": desk.paper,
        "config": None if daemon.place.config is None else str(daemon.place.config),
        "files": files,
    }
    root = Root(
        mcp=daemon.mcp(desk, rates),
        rest=rest_application(desk, version=daemon.version, rates=rates),
        clock=desk.clock,
        right_of_way=desk.right_of_way,
        about=about,
    )

    def ready() -> None:
        claim.say(address)
        daemon.say(
            f"bastion {daemon.version} serves MCP at {address}/mcp/stream and REST at {address}/v1 ({mode})"
        )
        service.ready(f"serving at {address}, {mode}")

    async with asyncio.TaskGroup() as group:
        beating = group.create_task(service.beat())
        await serve(root, listening, ready=ready, ending=lambda: service.stopping("finishing what runs"))
        await desk.finish()
        beating.cancel()


def _digests(place: Place) -> dict[str, str]:
    """Return the SHA-256 of each file that decides which accounts an exit covers, as it is read now."""
    if place.config is None:
        return {}
    return {str(path): digest_of(path) for path in (place.config, open_vault(place).path)}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; the empty text for one that cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
