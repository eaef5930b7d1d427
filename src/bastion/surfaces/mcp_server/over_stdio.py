"""Over stdio: the protocol on standard input and output; everything else goes to standard error.

A client that goes away closes the pipe, and many then end the process: with SIGTERM after about two
seconds, with SIGKILL after two more. A running exit must outlive that, so SIGTERM waits for it, and a
successor in a session of its own follows it and takes it up if this process dies.
"""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from bastion import commands

STDOUT = 1

_log = logging.getLogger(__name__)

Successor = Callable[[str], Sequence[str]]
"""Returns the command that follows the exit of this id to its verdict, or carries it there."""


async def serve_stdio(server: Server) -> None:
    """Serve one client until its end of the pipe closes or breaks."""
    try:
        async with stdio_server() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())
    except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        # Something was still to be written, and nobody is there to read it.
        _log.info("the client's pipe broke")
    finally:
        let_go_of_stdout()


def let_go_of_stdout() -> None:
    """Point standard output to nowhere, once nobody reads it.

    What was not written is flushed when the process ends; into a broken pipe that would fail, and the process
    would end with code 120 after an exit that went well.
    """
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDOUT)
        os.close(nowhere)


@contextlib.asynccontextmanager
async def finishing(desk: commands.Desk, *, successor: Successor | None) -> AsyncIterator[None]:
    """See to it that a running exit has its verdict after the block, or before SIGTERM ends the process.

    `successor` is None where the exit could not go on without this process, as on the embedded paper
    exchange.
    """
    loop = asyncio.get_running_loop()
    ending = _Ending(desk)
    async with asyncio.TaskGroup() as group:
        loop.add_signal_handler(signal.SIGTERM, lambda: group.create_task(ending.end_process()))
        try:
            yield
            running = desk.running()
            if running is not None and successor is not None:
                start_successor(successor(running.exit_id))
            await desk.finish()
        finally:
            ending.served = True
            loop.remove_signal_handler(signal.SIGTERM)


class _Ending:
    """Ends the process on SIGTERM, but not before a running exit has its verdict."""

    def __init__(self, desk: commands.Desk) -> None:
        self._desk = desk
        self.served = False

    async def end_process(self) -> None:
        await self._desk.finish()
        if not self.served:
            # A thread blocks on the open pipe and cannot be stopped: only the signal's own effect ends it.
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)


def start_successor(command: Sequence[str]) -> None:
    """Start the command in a session of its own, where no signal to this process's group reaches it."""
    subprocess.Popen(  # noqa: S603 - our own program, with an id of our own
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
