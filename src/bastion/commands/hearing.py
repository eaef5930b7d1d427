"""Hearing: what the private streams of the accounts have told, and since when they can be trusted to tell.

A stream proves nothing. It says that something changed, so that somebody looks; and as long as it is alive
and has told of no change, a look is as good as it was when it was taken.
"""

import asyncio
from dataclasses import dataclass, field

from bastion.domain.stream import Heard
from bastion.ports import Clock

SILENT_S = 15.0
"""A stream that was heard longer ago than this is not believed; it is pinged every few seconds."""
OPENING_S = 3.0
"""How long a stream that was never open is given before the account is looked at without it."""
NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class Ear:
    """One account's stream; all times are monotonic nanoseconds, and `since_ns` None says that it is down.

    `missed` counts changes that a look found and the stream had not told.
    """

    reason: str = "not open yet"
    added_ns: int = 0
    since_ns: int | None = None
    heard_ns: int = 0
    changed_ns: int = 0
    missed: int = 0
    rung: asyncio.Event = field(default_factory=asyncio.Event)


class Ears:
    """The streams of a desk; an account that is not among them has none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ears: dict[str, Ear] = {}

    def add(self, name: str) -> Ear:
        """Take an account as one that has a stream, not open yet."""
        return self._ears.setdefault(name, Ear(added_ns=self._clock.monotonic_ns()))

    def of(self, name: str) -> Ear | None:
        """Return the stream of an account, None where it has none."""
        return self._ears.get(name)

    def hear(self, name: str, heard: Heard) -> None:
        """Note what a stream told, and ring where it is a reason to look."""
        ear, now_ns = self.add(name), self._clock.monotonic_ns()
        ear.heard_ns = now_ns
        if heard is Heard.OPENED:
            ear.since_ns, ear.reason = now_ns, ""
            ear.rung.set()
        elif heard is Heard.CHANGED:
            ear.changed_ns = now_ns
            ear.rung.set()

    def lose(self, name: str, reason: str) -> float:
        """Take a stream as down, and return for how many seconds it was up."""
        ear = self.add(name)
        up_ns = 0 if ear.since_ns is None else self._clock.monotonic_ns() - ear.since_ns
        ear.since_ns, ear.reason, ear.added_ns = None, reason, 0
        ear.rung.set()
        return up_ns / NS

    def opens_within_s(self, name: str) -> float:
        """Return the seconds that a stream may still take for its first opening; zero for any other."""
        ear = self._ears.get(name)
        if ear is None or ear.since_ns is not None or not ear.added_ns:
            return 0.0
        return max(0.0, OPENING_S - (self._clock.monotonic_ns() - ear.added_ns) / NS)

    def is_live(self, name: str) -> bool:
        """Whether the stream is open and was heard a moment ago."""
        ear = self._ears.get(name)
        if ear is None or ear.since_ns is None:
            return False
        return self._clock.monotonic_ns() - ear.heard_ns <= SILENT_S * NS

    def vouches(self, name: str, begun_ns: int) -> bool:
        """Whether a live stream, open since before that moment, has told of no change since."""
        ear = self._ears.get(name)
        if ear is None or ear.since_ns is None or not self.is_live(name):
            return False
        return ear.since_ns <= begun_ns and ear.changed_ns < begun_ns

    def note_change(self, name: str, *, since_ns: int) -> None:
        """Count a change that a look found, where the stream vouched for the look before it."""
        ear = self._ears.get(name)
        if ear is not None and self.vouches(name, since_ns):
            ear.missed += 1
