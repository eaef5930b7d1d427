"""Limits: how often an account, an instrument of it, and an address may call.

Source: OKX v5, the "Rate Limit" line of each endpoint, and "Rate limits" in the overview: windows of two
seconds; order endpoints count by user and instrument, batches count their orders, public endpoints count by
address; and at most 1000 new or amended orders in two seconds a sub-account (50061).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

WINDOW_MS = 2_000
ACCOUNT_ORDERS = 1_000


class Scope(StrEnum):
    """What a limit counts by."""

    USER = "user"
    INSTRUMENT = "instrument"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` units in a window, counted by `scope`."""

    count: int
    scope: Scope = Scope.USER
    window_ms: int = WINDOW_MS


_BY_INSTRUMENT, _BY_ADDRESS = Scope.INSTRUMENT, Scope.ADDRESS
_TRADE, _ACCOUNT, _PUBLIC, _MARKET = (f"/api/v5/{room}" for room in ("trade", "account", "public", "market"))

LIMITS: Mapping[str, Limit] = {
    f"{_PUBLIC}/time": Limit(10, _BY_ADDRESS),
    f"{_PUBLIC}/instruments": Limit(20, _BY_ADDRESS),
    f"{_PUBLIC}/price-limit": Limit(20, _BY_ADDRESS),
    f"{_PUBLIC}/mark-price": Limit(10, _BY_ADDRESS),
    f"{_PUBLIC}/funding-rate": Limit(10, _BY_ADDRESS),
    f"{_MARKET}/ticker": Limit(20, _BY_ADDRESS),
    f"{_MARKET}/tickers": Limit(20, _BY_ADDRESS),
    f"{_MARKET}/index-tickers": Limit(20, _BY_ADDRESS),
    f"{_MARKET}/books": Limit(40, _BY_ADDRESS),
    f"{_ACCOUNT}/config": Limit(5),
    f"{_ACCOUNT}/balance": Limit(10),
    f"{_ACCOUNT}/positions": Limit(10),
    f"{_ACCOUNT}/account-position-risk": Limit(10),
    f"{_ACCOUNT}/positions-history": Limit(10),
    f"{_ACCOUNT}/trade-fee": Limit(5),
    f"{_ACCOUNT}/bills": Limit(5, Scope.USER, 1_000),
    f"{_ACCOUNT}/bills-archive": Limit(5),
    f"{_ACCOUNT}/set-position-mode": Limit(5),
    f"{_ACCOUNT}/set-leverage": Limit(40),
    f"{_ACCOUNT}/leverage-info": Limit(20),
    f"{_TRADE}/order": Limit(60, _BY_INSTRUMENT),
    f"{_TRADE}/batch-orders": Limit(300, _BY_INSTRUMENT),
    f"{_TRADE}/cancel-order": Limit(60, _BY_INSTRUMENT),
    f"{_TRADE}/cancel-batch-orders": Limit(300, _BY_INSTRUMENT),
    f"{_TRADE}/amend-order": Limit(60, _BY_INSTRUMENT),
    f"{_TRADE}/close-position": Limit(20, _BY_INSTRUMENT),
    f"{_TRADE}/orders-pending": Limit(60),
    f"{_TRADE}/orders-history": Limit(40),
    f"{_TRADE}/fills": Limit(60),
    f"{_TRADE}/fills-history": Limit(10),
    f"{_TRADE}/order-algo": Limit(20, _BY_INSTRUMENT),
    f"{_TRADE}/cancel-algos": Limit(20, _BY_INSTRUMENT),
    f"{_TRADE}/orders-algo-pending": Limit(20),
    f"{_TRADE}/cancel-all-after": Limit(1, Scope.USER, 1_000),
    "/api/v5/asset/currencies": Limit(6, Scope.USER, 1_000),
}


class RateLimits:
    """Rolling windows by path and whatever its limit counts by; `scale` 0 switches all of them off."""

    def __init__(self, limits: Mapping[str, Limit] = LIMITS, *, orders: int = ACCOUNT_ORDERS) -> None:
        self._limits = limits
        self._orders = orders
        self._used: dict[tuple[str, ...], deque[int]] = {}

    def take(
        self, method: str, path: str, *, account: str, address: str, instruments: Sequence[str], now_ms: int
    ) -> bool:
        """Take one unit for each instrument named (one in all where none is), or none of them at all."""
        limit = self._limits.get(path)
        if limit is None:
            return True
        owner = address if limit.scope is Scope.ADDRESS else account
        names = instruments if limit.scope is Scope.INSTRUMENT and instruments else ("",)
        wanted: dict[tuple[str, ...], int] = {}
        for name in names:
            key = (method, path, owner, name)
            wanted[key] = wanted.get(key, 0) + 1
        return self._take(wanted, limit.count, limit.window_ms, now_ms)

    def take_orders(self, account: str, count: int, now_ms: int) -> bool:
        """Take `count` of the orders that an account may send or amend, or none."""
        return self._take({("orders", account): count}, self._orders, WINDOW_MS, now_ms)

    def _take(self, wanted: Mapping[tuple[str, ...], int], most: int, window_ms: int, now_ms: int) -> bool:
        for key, count in wanted.items():
            used = self._used.setdefault(key, deque())
            while used and used[0] <= now_ms - window_ms:
                used.popleft()
            if len(used) + count > most:
                return False
        for key, count in wanted.items():
            self._used[key].extend([now_ms] * count)
        return True
