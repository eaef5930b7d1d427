"""Kept silence: how long a venue's ban still lasts, for a process that begins while it does.

A ban of 418 or 403 tells its end, and whoever goes on asking makes it longer. The process that heard it is
silent; one that takes up its exit after a crash, or runs beside it, would ask at once. So its end is noted on
disk when it is heard, and read before anything is asked.
"""

import json
import socket
import threading
from pathlib import Path

from bastion.ports import Clock
from bastion.venues.ccxt.shelf import replace_file
from bastion.venues.throttle import Throttle

NS_PER_MS = 1_000_000
VERSION = 1
LEAST_S = 5.0
"""A shorter silence is over before another process has begun."""
REMEMBERED_S = 600.0
"""So long after it was heard another process keeps it; then it asks once, and hears how things stand."""


class KeptSilence:
    """The silence of one address at one venue, as the processes before this one heard it.

    A ban is for the address that the venue sees. A machine whose own address is another one by now, since it
    moved to another network or a tunnel was opened, remembers nothing.
    """

    def __init__(self, path: Path, throttle: Throttle, clock: Clock) -> None:
        self._path = path
        self._throttle = throttle
        self._clock = clock

    def load(self) -> None:
        """Be silent for what is left, and from now on note what is heard; an odd file counts as none."""
        left_s = self._left_s()
        if left_s > 0:
            self._throttle.silence(left_s)
        self._throttle.hushed_by(self._note)

    def _note(self, seconds: float) -> None:
        if seconds < LEAST_S:
            return
        now_ms = self._clock.now_ns() // NS_PER_MS
        kept = {
            "version": VERSION,
            "heard_ms": now_ms,
            "until_ms": now_ms + round(seconds * 1000),
            "from": own_address(),
        }
        # A disk that hangs must not hold up what goes on at other venues.
        threading.Thread(target=replace_file, args=(self._path, kept), name="silence", daemon=True).start()

    def _left_s(self) -> float:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0.0
        now_ms = self._clock.now_ns() // NS_PER_MS
        match kept:
            case {"version": int(version), "heard_ms": int(heard), "until_ms": int(until), "from": str(told)}:
                if version != VERSION or told != own_address() or not heard <= now_ms:
                    return 0.0
                return (min(until, heard + round(REMEMBERED_S * 1000)) - now_ms) / 1000
        return 0.0


def own_address() -> str:
    """Return the address that this machine sends from; empty where it has no way out. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect(("192.0.2.1", 9))
            return str(way.getsockname()[0])
    except OSError:
        return ""
