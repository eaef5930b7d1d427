"""Progress: tells the client how far an exit is, where the client listens; nothing ever waits for it long."""

import asyncio
import logging
from typing import Protocol

from mcp.server.session import ServerSession

_TELL_S = 0.5
_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Hears of progress while `wanted`."""

    wanted: bool

    async def tell(self, done: int, message: str) -> None:
        """Hear that `done` steps are behind us, and of the last one."""
        ...


class Progress:
    """Notifications for one call, best effort.

    A client that is gone, or reads too slowly, is told nothing more.
    """

    def __init__(self, session: ServerSession, *, wanted: bool) -> None:
        self._session = session
        self.wanted = wanted

    async def tell(self, done: int, message: str) -> None:
        """Notify that `done` steps are behind us; the protocol wants each number above the last."""
        try:
            async with asyncio.timeout(_TELL_S):
                await self._session.report_progress(float(done), None, message)
        except Exception as error:  # noqa: BLE001 - a bulkhead: whatever the client's stream does, the exit goes on
            _log.info("progress is not told any more: %s", type(error).__name__)
            self.wanted = False
