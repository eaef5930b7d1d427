"""Limits: how often an account and an address may call.

Source: Bybit v5 "Rate Limit Rules" at the default tier: a rolling window of one second for each UID and
endpoint (batch endpoints have buckets of their own and count orders), and 600 requests in 5 s for each
address, after which every request gets HTTP 403 for 10 minutes.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_MS = 1_000
ADDRESS_WINDOW_MS = 5_000
ADDRESS_REQUESTS = 600
ADDRESS_BAN_MS = 600_000

LIMITS: Mapping[str, int] = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/order/create-batch": 10,
    "/v5/order/amend-batch": 10,
    "/v5/order/cancel-batch": 10,
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50,
    "/v5/position/set-leverage": 10,
    "/v5/position/switch-mode": 10,
    "/v5/position/trading-stop": 10,
    "/v5/account/wallet-balance": 50,
    "/v5/account/fee-rate": 10,
    "/v5/account/info": 50,
    "/v5/account/transaction-log": 50,
    "/v5/account/set-margin-mode": 5,
    "/v5/asset/coin/query-info": 5,
    "/v5/user/query-api": 10,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How much of a bucket a request got: `granted` units; `resets_ms` is when the window frees one."""

    limit: int
    granted: int
    remaining: int
    resets_ms: int

    @property
    def is_refused(self) -> bool:
        """Whether not a single unit was left."""
        return self.granted == 0

    def headers(self) -> dict[str, str]:
        """Return the venue's three rate-limit headers."""
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.remaining),
            "X-Bapi-Limit-Reset-Timestamp": str(self.resets_ms),
        }


class RateLimits:
    """Rolling windows by (account, path)."""

    def __init__(self, limits: Mapping[str, int] = LIMITS) -> None:
        self._limits = limits
        self._used: dict[tuple[str, str], deque[int]] = {}

    def take(self, account: str, path: str, now_ms: int, units: int = 1) -> Grant | None:
        """Take up to `units` from the bucket of `path`; None where the venue names no limit."""
        limit = self._limits.get(path)
        if limit is None:
            return None
        used = self._used.setdefault((account, path), deque())
        while used and used[0] <= now_ms - WINDOW_MS:
            used.popleft()
        granted = min(units, limit - len(used))
        used.extend([now_ms] * granted)
        exceeded = granted < units
        return Grant(
            limit=limit,
            granted=granted,
            remaining=limit - len(used),
            resets_ms=used[0] + WINDOW_MS if exceeded else now_ms,
        )


class AddressLimit:
    """Counts requests by address, and shuts out an address that sends too many."""

    def __init__(
        self,
        *,
        requests: int = ADDRESS_REQUESTS,
        window_ms: int = ADDRESS_WINDOW_MS,
        ban_ms: int = ADDRESS_BAN_MS,
    ) -> None:
        self._requests = requests
        self._window_ms = window_ms
        self._ban_ms = ban_ms
        self._seen: dict[str, deque[int]] = {}
        self._banned_until: dict[str, int] = {}

    def allows(self, address: str, now_ms: int) -> bool:
        """Count one request and tell whether it may pass."""
        if now_ms < self._banned_until.get(address, 0):
            return False
        seen = self._seen.setdefault(address, deque())
        while seen and seen[0] <= now_ms - self._window_ms:
            seen.popleft()
        if len(seen) >= self._requests:
            self._banned_until[address] = now_ms + self._ban_ms
            seen.clear()
            return False
        seen.append(now_ms)
        return True
