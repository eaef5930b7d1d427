"""Limits: the weight of an IP address, and the requests of an account.

Source: Hyperliquid docs, "Rate limits and user limits": 1200 weight a minute for each IP address; an action
weighs 1 + floor(batch / 40), `userRole` 60, light reads 2, all other reads 20 and one more for every 20 rows
of some lists. An account has 10,000 requests and one more for each USDC that it has traded; n orders count n;
cancels have a limit of min(limit + 100,000, limit x 2); beyond, one request passes every 10 s.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from bastion.paper.exchange.venue import Exchange

MINUTE_MS = 60_000
WEIGHT = 1_200
REQUESTS = 10_000
THROTTLED_MS = 10_000
EXPIRED_COST = 5
OPEN_ORDERS = 1_000
ROWS_A_WEIGHT = 20
_ORDERS_A_WEIGHT = 40
_CANCEL_MOST = 100_000
_HEAVY = 20
_WEIGHTS: Mapping[str, int] = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
ROWS_WEIGH = frozenset({"historicalOrders", "userFills", "userFillsByTime", "userFunding"})


def weight_of_action(batch: int) -> int:
    """Return the weight of an action with so many items."""
    return 1 + batch // _ORDERS_A_WEIGHT


def weight_of_read(kind: str) -> int:
    """Return the weight of a read before its rows are counted."""
    return _WEIGHTS.get(kind, _HEAVY)


class Weights:
    """The weight that each IP address has spent within the last minute."""

    def __init__(self, weight: int = WEIGHT) -> None:
        self._most = weight
        self._spent: dict[str, deque[tuple[int, int]]] = {}

    def take(self, address: str, weight: int, now_ms: int) -> bool:
        """Spend weight, and tell whether it was there."""
        spent = self._spent.setdefault(address, deque())
        while spent and spent[0][0] <= now_ms - MINUTE_MS:
            spent.popleft()
        if sum(units for _, units in spent) + weight > self._most:
            return False
        spent.append((now_ms, weight))
        return True

    def add(self, address: str, weight: int, now_ms: int) -> None:
        """Spend weight that is known only afterwards."""
        if weight:
            self._spent.setdefault(address, deque()).append((now_ms, weight))


class Requests:
    """The requests of accounts: what they have used of what their trading earns them."""

    def __init__(self, exchange: Exchange, initial: int = REQUESTS) -> None:
        self._exchange = exchange
        self._initial = initial
        self._used: dict[str, int] = {}
        self._passed_ms: dict[str, int] = {}

    def used(self, account: str) -> int:
        """Return how many requests the account has used."""
        return self._used.get(account, 0)

    def cap(self, account: str) -> int:
        """Return how many requests the account has."""
        return self._initial + int(self.volume(account))

    def volume(self, account: str) -> Decimal:
        """Return what the account has traded, in US dollars, without the positions that it began with."""
        fills = self._exchange.fills(account)
        return sum(
            (fill.value for fill in fills if not fill.client_order_id.startswith("opening-")), Decimal(0)
        )

    def take(self, account: str, units: int, now_ms: int, *, is_cancel: bool) -> str:
        """Count requests; return the venue's refusal, or an empty text where they pass."""
        cap = self.cap(account)
        most = min(cap + _CANCEL_MOST, cap * 2) if is_cancel else cap
        used = self.used(account)
        if used + units > most:
            if now_ms < self._passed_ms.get(account, -THROTTLED_MS) + THROTTLED_MS:
                return (
                    f"Too many cumulative requests sent ({used + units} > {most}) for cumulative volume "
                    f"traded ${self.volume(account):.2f}. Place taker orders to free up 1 request per USDC "
                    "traded."
                )
            self._passed_ms[account] = now_ms
        self._used[account] = used + units
        return ""
