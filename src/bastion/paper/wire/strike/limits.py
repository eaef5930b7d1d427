"""Rate limits: fixed windows, opened by the first request of a caller."""

from dataclasses import dataclass

from bastion.paper.clock import Clock
from bastion.paper.wire.strike.answers import RateLimited

CALLERS_MAX = 200_000
"""Windows kept for one limit; beyond it the oldest window is forgotten, so that memory stays bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """Requests a window of `window_s` seconds; None switches a limit off.

    `trading` is one bucket a wallet for /long, /short, /close and /emergency-exit; `separate_exit_bucket`
    gives the exit its own, so that failing closes cannot use it up. `public` counts public reads, and
    `failures` failed authentications, each by address. `keys` counts key generations by wallet.
    """

    trading: int | None = 10
    public: int | None = 120
    failures: int | None = 30
    keys: int | None = 10
    separate_exit_bucket: bool = False
    window_s: int = 60

    def __post_init__(self) -> None:
        numbers = (self.trading, self.public, self.failures, self.keys)
        if any(number is not None and number < 1 for number in numbers):
            raise ValueError("a limit must be at least 1; use None to switch it off")
        if not 1 <= self.window_s <= 60:  # noqa: PLR2004 - retry_after is documented as 1 to 60 seconds
            raise ValueError("window_s must be between 1 and 60")


def limit_from_text(text: str) -> int | None:
    """A limit as a command line writes it: a number of at least 1, or `off`. Raises ValueError."""
    if text == "off":
        return None
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ValueError(f"A limit is a number of at least 1, or off; it was {text!r}.")
    return int(text)


@dataclass(slots=True, kw_only=True)
class _Window:
    ends_at_ms: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left to a caller: None for an unlimited one; the window's end in milliseconds since 1970."""

    limit: int | None
    remaining: int | None
    reset_at_ms: int


class FixedWindow:
    """One limit: at most `limit` requests a caller and window; a refused request changes nothing."""

    def __init__(self, *, limit: int | None, window_s: int, clock: Clock) -> None:
        self._limit = limit
        self._window_ms = window_s * 1000
        self._clock = clock
        # Windows are all of one length, so the order of opening is the order of ending.
        self._windows: dict[str, _Window] = {}

    def take(self, caller: str) -> None:
        """Count one request of the caller. Raises RateLimited when the window is used up."""
        if self._limit is None:
            return
        now_ms = self._clock.now_ms()
        window = self._windows.get(caller)
        if window is None or window.ends_at_ms <= now_ms:
            self._windows.pop(caller, None)
            self._forget(now_ms)
            self._windows[caller] = _Window(ends_at_ms=now_ms + self._window_ms, used=1)
            return
        if window.used >= self._limit:
            raise RateLimited(max(1, -((now_ms - window.ends_at_ms) // 1000)))
        window.used += 1

    def allowance(self, caller: str) -> Allowance:
        """What the caller has left, without counting anything."""
        now_ms = self._clock.now_ms()
        window = self._windows.get(caller)
        if self._limit is None or window is None or window.ends_at_ms <= now_ms:
            return Allowance(limit=self._limit, remaining=self._limit, reset_at_ms=now_ms + self._window_ms)
        return Allowance(
            limit=self._limit, remaining=self._limit - window.used, reset_at_ms=window.ends_at_ms
        )

    def _forget(self, now_ms: int) -> None:
        # Two steps for each new window keep the table small without ever walking it whole.
        for _ in range(2):
            oldest = next(iter(self._windows), None)
            if oldest is None:
                return
            if self._windows[oldest].ends_at_ms > now_ms and len(self._windows) < CALLERS_MAX:
                return
            del self._windows[oldest]


class Limits:
    """All limits of the wire."""

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        def window(limit: int | None) -> FixedWindow:
            return FixedWindow(limit=limit, window_s=settings.window_s, clock=clock)

        self.trading = window(settings.trading)
        self.exits = window(settings.trading) if settings.separate_exit_bucket else self.trading
        self.public = window(settings.public)
        self.failures = window(settings.failures)
        self.keys = window(settings.keys)
