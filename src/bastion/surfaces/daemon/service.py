"""Service: what the service manager is told (READY, WATCHDOG, STOPPING), where there is one."""

import logging
import os
import socket
from collections.abc import Mapping

from bastion.ports import Clock

EXTEND_US = 30_000_000
BEAT_S_DEFAULT = 10.0
MICRO = 1_000_000

_log = logging.getLogger(__name__)


class Service:
    """Tells the service manager how this process stands; does nothing without NOTIFY_SOCKET."""

    def __init__(self, environment: Mapping[str, str], *, clock: Clock) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._clock = clock
        self._stopping = False
        asked = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = mine and asked.isascii() and asked.isdecimal() and int(asked) > 0
        # Twice in each period, as the manager's own documentation advises.
        self.beat_s = int(asked) / MICRO / 2 if watched else BEAT_S_DEFAULT

    def tell(self, *lines: str) -> None:
        """Send these lines; a manager that does not listen harms nothing."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.setblocking(False)
                wire.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            _log.warning("The service manager could not be told: %s", error)

    def ready(self, status: str) -> None:
        """Say that requests are taken."""
        self.tell("READY=1", f"STATUS={status}")

    def stopping(self, status: str) -> None:
        """Say that this process ends, and from now on ask for the time that a running exit needs."""
        self._stopping = True
        self.tell("STOPPING=1", f"STATUS={status}", f"EXTEND_TIMEOUT_USEC={EXTEND_US}")

    async def beat(self) -> None:
        """Say again and again, from the event loop itself, that it turns; until cancelled."""
        while self._address:
            lines = ["WATCHDOG=1"]
            if self._stopping:
                lines.append(f"EXTEND_TIMEOUT_USEC={EXTEND_US}")
            self.tell(*lines)
            await self._clock.sleep(self.beat_s)
