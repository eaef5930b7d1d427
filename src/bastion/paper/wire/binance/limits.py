"""Limits.

Request weight per IP address and order counts per account, with Binance's bans for those who go on.

Documentation, "General Info: LIMITS": 2,400 weight a minute for an address, 6,000 where it asks `papi`; 300
orders in 10 s and 1,200 in a minute for an account; 429 once a limit is broken, 418 with a ban of two minutes
to three days for who keeps sending after 429. Windows are aligned to the venue's clock. How many requests
after a 429 earn the ban is not published; here it is `ban_after`. One counter serves all families of a wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from bastion.paper.wire.binance.errors import TEAPOT_BANNED, TOO_MANY_REQUESTS, BinanceError

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
_FIRST_BAN_MS = 2 * MINUTE_MS
_LONGEST_BAN_MS = 3 * 24 * 60 * MINUTE_MS
WEIGHT, PORTFOLIO_WEIGHT = 2_400, 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """The limits in force; a scenario may lower or raise them.

    `portfolio_margin` is no limit: it makes the venue's accounts Portfolio Margin accounts (1), or not (0).
    """

    weight_per_minute: int = WEIGHT
    orders_per_10s: int = 300
    orders_per_minute: int = 1_200
    ban_after: int = 10
    portfolio_margin: int = 0
    listen_key_s: int = 3_600

    @staticmethod
    def parse(settings: Mapping[str, object]) -> "LimitSettings":
        """Read the limits from a scenario's venue settings; names that are absent keep Binance's figures."""
        defaults = LimitSettings()
        unknown = set(settings) - {item.name for item in fields(LimitSettings)}
        if unknown:
            known = ", ".join(item.name for item in fields(LimitSettings))
            raise ValueError(f"Binance's wire knows no setting {min(unknown)}; it has {known}.")
        weight = PORTFOLIO_WEIGHT if settings.get("portfolio_margin", 0) else defaults.weight_per_minute
        return LimitSettings(
            weight_per_minute=_whole(settings, "weight_per_minute", weight),
            orders_per_10s=_whole(settings, "orders_per_10s", defaults.orders_per_10s),
            orders_per_minute=_whole(settings, "orders_per_minute", defaults.orders_per_minute),
            ban_after=_whole(settings, "ban_after", defaults.ban_after),
            portfolio_margin=_whole(settings, "portfolio_margin", defaults.portfolio_margin),
            listen_key_s=_whole(settings, "listen_key_s", defaults.listen_key_s),
        )


def _whole(settings: Mapping[str, object], name: str, default: int) -> int:
    value = settings.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"The venue setting {name} must be a whole number of at least 0, not {value!r}.")
    return value


class Window:
    """A counter that starts anew at every multiple of its length."""

    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._number = -1
        self.used = 0

    def add(self, amount: int, now_ms: int) -> int:
        """Count `amount` in the window of `now_ms` and return what is used in it."""
        number = now_ms // self._length_ms
        if number != self._number:
            self._number, self.used = number, 0
        self.used += amount
        return self.used

    def ends_in_s(self, now_ms: int) -> int:
        """Return the whole seconds until the window of `now_ms` ends, at least one."""
        return max(1, -(-(self._length_ms - now_ms % self._length_ms) // 1_000))


class AddressLimit:
    """The weight that one address has used, its offences and its ban."""

    def __init__(self) -> None:
        self.weight = Window(MINUTE_MS)
        self.offences = Window(MINUTE_MS)
        self.bans = 0
        self.banned_until_ms = 0


class Limits:
    """All counters of one wire."""

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings
        self._addresses: dict[str, AddressLimit] = {}
        self._orders: dict[str, tuple[Window, Window]] = {}

    def charge(self, address: str, weight: int, now_ms: int) -> None:
        """Count `weight` for `address`; raises `BinanceError` 429, or 418 while a ban lasts."""
        state = self._addresses.setdefault(address, AddressLimit())
        if now_ms < state.banned_until_ms:
            raise self._ban(address, state, now_ms)
        if state.weight.add(weight, now_ms) <= self.settings.weight_per_minute:
            return
        if state.offences.add(1, now_ms) > self.settings.ban_after:
            state.banned_until_ms = now_ms + min(_FIRST_BAN_MS * 4**state.bans, _LONGEST_BAN_MS)
            state.bans += 1
            raise self._ban(address, state, now_ms)
        raise BinanceError(
            -1003,
            f"Too many requests; current limit of IP({address}) is {self.settings.weight_per_minute} "
            "requests per minute. Please use the websocket for live updates to avoid polling the API.",
            status=TOO_MANY_REQUESTS,
            retry_after_s=state.weight.ends_in_s(now_ms),
        )

    def used_weight(self, address: str, now_ms: int) -> int:
        """Return the weight that `address` has used in the current minute."""
        return self._addresses.setdefault(address, AddressLimit()).weight.add(0, now_ms)

    def charge_orders(self, account: str, ten_seconds: int, minute: int, now_ms: int) -> None:
        """Count orders for `account`; raises `BinanceError` -1015 when a limit is broken."""
        short, long = self._orders.setdefault(account, (Window(TEN_SECONDS_MS), Window(MINUTE_MS)))
        used = (short.add(ten_seconds, now_ms), long.add(minute, now_ms))
        limits = (self.settings.orders_per_10s, self.settings.orders_per_minute)
        for window, count, limit, words in zip(
            (short, long), used, limits, ("TEN_SECONDS", "MINUTE"), strict=True
        ):
            if count > limit:
                raise BinanceError(
                    -1015,
                    f"Too many new orders; current limit is {limit} orders per {words}.",
                    status=TOO_MANY_REQUESTS,
                    retry_after_s=window.ends_in_s(now_ms),
                )

    def order_counts(self, account: str, now_ms: int) -> tuple[int, int]:
        """Return the orders of `account` in the current 10 s and in the current minute."""
        short, long = self._orders.setdefault(account, (Window(TEN_SECONDS_MS), Window(MINUTE_MS)))
        return short.add(0, now_ms), long.add(0, now_ms)

    @staticmethod
    def _ban(address: str, state: AddressLimit, now_ms: int) -> BinanceError:
        return BinanceError(
            -1003,
            f"Way too many requests; IP({address}) banned until {state.banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            status=TEAPOT_BANNED,
            retry_after_s=-(-(state.banned_until_ms - now_ms) // 1_000),
        )
