"""Rates: how often a key, or an address without one, may ask; token buckets that never hold up a stop.

A surface keeps one `Rates` for the life of its process and uses it in this order for each request:

    rates = Rates(clock=desk.clock)
    principal = rates.authenticate(lambda: identify(desk.keys, presented), address=peer)
    try:
        allowance = rates.admit(principal, Act.POSITIONS)
    except RateLimited as refusal:     # HTTP 429, Retry-After, code RATE_LIMITED
        headers = rates.standing(principal, Act.POSITIONS).headers()
        ...
    headers = allowance.headers()      # X-RateLimit-Limit, -Remaining, -Reset; empty without a limit

What needs no key (listing the tools, a health check) is counted with `rates.admit_public(peer)` instead.
"""

import ipaddress
from collections.abc import Callable, Mapping

from bastion.domain.act import Act
from bastion.domain.principal import Principal, Tier
from bastion.errors import KeyRefused, RateLimited
from bastion.ports import Clock
from bastion.shape import dataclass

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
BUCKETS_MAX = 10_000
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests a minute in the long run, and at most `burst` of them at once."""

    per_minute: int
    burst: int


RATES: Mapping[Tier, Rate | None] = {
    Tier.FREE: Rate(per_minute=30, burst=10),
    Tier.BASIC: Rate(per_minute=120, burst=30),
    Tier.PRO: Rate(per_minute=600, burst=100),
    Tier.UNLIMITED: None,
}
"""The figures of the interface's tiers; None means no limit."""

BAD_KEYS = Rate(per_minute=30, burst=10)
"""How many keys that are no good an address may try before it is told to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left to whoever asked: the figures of the three documented headers.

    `limit` is requests a minute, None without a limit; `remaining` how many could be made at once now;
    `reset_s` the Unix second from which the whole burst is there again. `overdrawn` says that a stop was let
    through although its bucket was empty.
    """

    limit: int | None
    remaining: int
    reset_s: int
    overdrawn: bool = False

    def headers(self) -> dict[str, str]:
        """Return the X-RateLimit headers; none without a limit."""
        if self.limit is None:
            return {}
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


class _Bucket:
    """One token bucket; levels are whole numbers of sixty-billionths of a request, so that nothing rounds."""

    __slots__ = ("_at_ns", "_level", "rate")

    def __init__(self, rate: Rate, *, at_ns: int) -> None:
        self.rate = rate
        self._level = rate.burst * MINUTE_NS
        self._at_ns = at_ns

    def refill(self, at_ns: int) -> None:
        passed_ns = max(0, at_ns - self._at_ns)
        self._at_ns = max(at_ns, self._at_ns)
        self._level = min(self.rate.burst * MINUTE_NS, self._level + passed_ns * self.rate.per_minute)

    def take(self, at_ns: int) -> bool:
        self.refill(at_ns)
        if self._level < MINUTE_NS:
            return False
        self._level -= MINUTE_NS
        return True

    @property
    def full(self) -> bool:
        return self._level >= self.rate.burst * MINUTE_NS

    @property
    def remaining(self) -> int:
        return self._level // MINUTE_NS

    def wait_ns(self, *, level: int) -> int:
        """How long until the bucket holds that level."""
        return -(-max(0, level - self._level) // self.rate.per_minute)


class Rates:
    """The buckets of one process: two a key (one for stopping alone), one an address without a key.

    A key draws on its own buckets only, never on its address's, since on the loopback address everyone is a
    neighbour. An act that stops (`Act.stops`) draws on a bucket that nothing else draws on; when even that is
    empty the act is let through and the answer says so: an exit is never refused for having been asked for
    too often. A principal of an unlimited tier, such as the local owner, is never counted. `refused` is told
    of each key that was refused, within the limit of its address: the surface, and the key's id if known.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rates: Mapping[Tier, Rate | None] = RATES,
        refused: Callable[[str, str | None], None] | None = None,
    ) -> None:
        self._clock = clock
        self._refused = refused
        self._rates = rates
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def authenticate(
        self, check: Callable[[], Principal], *, address: str | None, surface: str = ""
    ) -> Principal:
        """Return what `check` returns; keys that are refused are counted against the address.

        A good key passes at once, however many bad ones came from its address: keys have 200 random bits,
        so the limit is there to quieten a flood, and must not lock the owner out.

        Raises:
            KeyRefused: the key is no good.
            RateLimited: the key is no good, and too many such came from this address.
        """
        try:
            return check()
        except KeyRefused as refusal:
            bucket = self._bucket("bad keys", _network(address), BAD_KEYS)
            if bucket.take(self._clock.monotonic_ns()):
                if self._refused is not None:
                    # Within the limit only, so that a flood of bad keys does not flood the record of them.
                    self._refused(surface, refusal.key_id)
                raise
            raise _limited(
                bucket, "Too many keys that are no good came from this address", limit=BAD_KEYS.per_minute
            ) from refusal

    def admit(self, principal: Principal, act: Act) -> Allowance:
        """Count one request of a principal and return what is left to it.

        Raises:
            RateLimited: it asked more often than its tier allows; nothing was counted. Never for an act that
                stops.
        """
        bucket = self._of(principal, act)
        if bucket is None:
            return self._allowance(None)
        taken = bucket.take(self._clock.monotonic_ns())
        if not taken and not act.stops:
            raise _limited(bucket, f"This key's tier is {principal.tier.value}", limit=bucket.rate.per_minute)
        return self._allowance(bucket, overdrawn=not taken)

    def standing(self, principal: Principal, act: Act) -> Allowance:
        """Return what is left to the principal for such an act, without counting anything."""
        return self._allowance(self._of(principal, act))

    def admit_public(self, address: str | None) -> Allowance:
        """Count one request that came without a key, and return what is left to its address.

        Raises:
            RateLimited: more came than the free tier allows; nothing was counted.
        """
        rate = self._rates[Tier.FREE]
        if rate is None:
            return self._allowance(None)
        bucket = self._bucket("public", _network(address), rate)
        if not bucket.take(self._clock.monotonic_ns()):
            raise _limited(bucket, "Requests without a key are few", limit=rate.per_minute)
        return self._allowance(bucket)

    def _of(self, principal: Principal, act: Act) -> _Bucket | None:
        rate = self._rates[principal.tier]
        if rate is None:
            return None
        return self._bucket("stops" if act.stops else "key", principal.id, rate)

    def _bucket(self, kind: str, name: str, rate: Rate) -> _Bucket:
        now_ns = self._clock.monotonic_ns()
        bucket = self._buckets.get((kind, name))
        if bucket is None or bucket.rate != rate:
            if len(self._buckets) >= BUCKETS_MAX:
                self._forget(now_ns)
            bucket = self._buckets[kind, name] = _Bucket(rate, at_ns=now_ns)
        bucket.refill(now_ns)
        return bucket

    def _forget(self, now_ns: int) -> None:
        # A full bucket is as good as none. Where that frees too little, the addresses seen first go.
        for place, bucket in tuple(self._buckets.items()):
            bucket.refill(now_ns)
            if bucket.full:
                del self._buckets[place]
        over = len(self._buckets) - BUCKETS_MAX // 2
        addresses = [place for place in self._buckets if place[0] in {"public", "bad keys"}]
        for place in addresses[: max(0, over)]:
            del self._buckets[place]

    def _allowance(self, bucket: _Bucket | None, *, overdrawn: bool = False) -> Allowance:
        now_ns = self._clock.now_ns()
        if bucket is None:
            return Allowance(limit=None, remaining=0, reset_s=now_ns // SECOND_NS)
        full_ns = now_ns + bucket.wait_ns(level=bucket.rate.burst * MINUTE_NS)
        return Allowance(
            limit=bucket.rate.per_minute,
            remaining=bucket.remaining,
            reset_s=-(-full_ns // SECOND_NS),
            overdrawn=overdrawn,
        )


def _limited(bucket: _Bucket, why: str, *, limit: int) -> RateLimited:
    wait_s = max(1, -(-bucket.wait_ns(level=MINUTE_NS) // SECOND_NS))
    return RateLimited(
        f"{why}: the rate limit is {limit} requests a minute, {bucket.rate.burst} at once. Nothing was done. "
        f"Wait {wait_s} s.",
        retry_after_s=wait_s,
    )


def _network(address: str | None) -> str:
    # Whoever has one IPv6 address has the whole network of it.
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
