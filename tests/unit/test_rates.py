"""Rates: what each tier may ask, what is never refused, and that bad keys harm nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bastion.auth.rates import BAD_KEYS, BUCKETS_MAX, RATES, Rates
from bastion.domain.act import STOPPING, Act
from bastion.domain.principal import Principal, Scope, Tier
from bastion.errors import KeyRefused, RateLimited

SECOND = 1_000_000_000
LIMITED = [tier for tier, rate in RATES.items() if rate is not None]
NOT_STOPPING = sorted(set(Act) - STOPPING)


class HandClock:
    """Two times that a test sets by hand."""

    def __init__(self) -> None:
        self.utc = 1_800_000_000 * SECOND
        self.steady = 5 * SECOND

    def now_ns(self) -> int:
        return self.utc

    def monotonic_ns(self) -> int:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        self.pass_ns(int(seconds * SECOND))

    def pass_ns(self, by_ns: int) -> None:
        self.utc += by_ns
        self.steady += by_ns


def holder(tier: Tier, name: str = "k1") -> Principal:
    return Principal(id=name, surface="mcp", scope=Scope.ENGINE, tier=tier)


def admitted(rates: Rates, principal: Principal, act: Act) -> bool:
    try:
        rates.admit(principal, act)
    except RateLimited:
        return False
    return True


@pytest.mark.parametrize(
    ("tier", "limit", "burst"), [(Tier.FREE, 30, 10), (Tier.BASIC, 120, 30), (Tier.PRO, 600, 100)]
)
def test_a_tier_has_the_documented_figures_and_headers(tier: Tier, limit: int, burst: int) -> None:
    clock = HandClock()
    rates = Rates(clock=clock)
    first = rates.admit(holder(tier), Act.POSITIONS)
    wait_s = -(-60 // limit)
    assert first.headers() == {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(burst - 1),
        "X-RateLimit-Reset": str(1_800_000_000 + wait_s),
    }
    assert sum(admitted(rates, holder(tier), Act.POSITIONS) for _ in range(burst + 5)) == burst - 1
    with pytest.raises(RateLimited, match="rate limit") as refused:
        rates.admit(holder(tier), Act.POSITIONS)
    assert refused.value.retry_after_s == wait_s
    assert rates.standing(holder(tier), Act.POSITIONS).headers()["X-RateLimit-Remaining"] == "0"


def test_the_local_owner_is_never_counted() -> None:
    rates = Rates(clock=HandClock())
    for _ in range(2_000):
        assert rates.admit(holder(Tier.UNLIMITED), Act.POSITIONS).headers() == {}


@given(
    tier=st.sampled_from(LIMITED),
    steps=st.lists(st.tuples(st.integers(0, 3 * SECOND), st.sampled_from(NOT_STOPPING)), max_size=150),
)
def test_no_stretch_of_time_sees_more_than_the_burst_and_the_rate(
    tier: Tier, steps: list[tuple[int, Act]]
) -> None:
    rate = RATES[tier]
    assert rate is not None
    clock = HandClock()
    rates = Rates(clock=clock)
    let_in: list[int] = []
    for gap_ns, act in steps:
        clock.pass_ns(gap_ns)
        if admitted(rates, holder(tier), act):
            let_in.append(clock.steady)
    for first, begun in enumerate(let_in):
        for count, at in enumerate(let_in[first:], start=1):
            assert (count - rate.burst) * 60 * SECOND <= (at - begun) * rate.per_minute


@given(
    tier=st.sampled_from(LIMITED),
    steps=st.lists(st.tuples(st.integers(0, SECOND), st.sampled_from(sorted(Act))), max_size=200),
)
def test_a_stop_is_never_refused_and_leaves_the_other_bucket_as_it_was(
    tier: Tier, steps: list[tuple[int, Act]]
) -> None:
    clock = HandClock()
    rates = Rates(clock=clock)
    key = holder(tier)
    for gap_ns, act in steps:
        clock.pass_ns(gap_ns)
        before = rates.standing(key, Act.POSITIONS if act.stops else Act.EXIT).remaining
        let_in = admitted(rates, key, act)
        assert let_in or not act.stops
        assert rates.standing(key, Act.POSITIONS if act.stops else Act.EXIT).remaining == before


@given(tier=st.sampled_from(LIMITED), spent=st.integers(0, 130), passed_ns=st.integers(0, 30 * SECOND))
def test_whoever_waits_as_told_is_let_in_and_not_a_second_before_it_could_be(
    tier: Tier, spent: int, passed_ns: int
) -> None:
    clock = HandClock()
    rates = Rates(clock=clock)
    for _ in range(spent):
        admitted(rates, holder(tier), Act.STATUS)
    clock.pass_ns(passed_ns)
    while admitted(rates, holder(tier), Act.STATUS):
        pass
    with pytest.raises(RateLimited) as refused:
        rates.admit(holder(tier), Act.STATUS)
    wait_s = refused.value.retry_after_s
    assert wait_s == int(wait_s) >= 1
    clock.pass_ns(int(wait_s - 1) * SECOND)
    assert wait_s == 1 or not admitted(rates, holder(tier), Act.STATUS)
    clock.pass_ns(SECOND)
    assert admitted(rates, holder(tier), Act.STATUS)


def test_reads_beyond_every_limit_leave_the_whole_reserve_to_the_exit() -> None:
    rates = Rates(clock=HandClock())
    key = holder(Tier.BASIC)
    assert sum(admitted(rates, key, Act.POSITIONS) for _ in range(5_000)) == 30
    first = rates.admit(key, Act.EXIT)
    assert (first.remaining, first.overdrawn) == (29, False)
    for _ in range(29):
        rates.admit(key, Act.ENGINE_DISARM)
    assert rates.admit(key, Act.KILL_SWITCH).overdrawn


def test_one_key_does_not_draw_on_another() -> None:
    rates = Rates(clock=HandClock())
    while admitted(rates, holder(Tier.BASIC, "chatty"), Act.POSITIONS):
        pass
    assert rates.admit(holder(Tier.BASIC, "calm"), Act.POSITIONS).remaining == 29


def bad_key() -> Principal:
    raise KeyRefused("This bastion key is not known here.")


def test_a_flood_of_bad_keys_is_told_to_wait_while_a_good_one_from_there_passes() -> None:
    clock = HandClock()
    rates = Rates(clock=clock)
    answers = {"KeyRefused": 0, "RateLimited": 0}
    for _ in range(10_000):
        clock.pass_ns(6_000_000)
        with pytest.raises((KeyRefused, RateLimited)) as refused:
            rates.authenticate(bad_key, address="127.0.0.1")
        answers[type(refused.value).__name__] += 1
        assert rates.authenticate(lambda: holder(Tier.PRO), address="127.0.0.1").id == "k1"
    # The last second's part of a request has not come together when the minute ends.
    assert answers["KeyRefused"] == BAD_KEYS.burst + BAD_KEYS.per_minute - 1
    with pytest.raises(KeyRefused):
        rates.authenticate(bad_key, address="127.0.0.2")


def test_the_free_tier_counts_addresses_and_an_ipv6_network_as_one() -> None:
    rates = Rates(clock=HandClock())
    for number in range(10):
        rates.admit_public(f"2001:db8:1:2::{number}")
    with pytest.raises(RateLimited, match="rate limit"):
        rates.admit_public("2001:db8:1:2:ffff::1%eth0")
    assert rates.admit_public("2001:db8:1:3::1").remaining == 9
    assert rates.admit_public("::ffff:192.0.2.7").remaining == 9
    assert rates.admit_public("192.0.2.7").remaining == 8
    assert rates.admit_public(None).remaining == 9


def test_thirty_thousand_addresses_do_not_fill_the_memory_and_spare_the_keys_figures() -> None:
    rates = Rates(clock=HandClock())
    key = holder(Tier.BASIC)
    rates.admit(key, Act.POSITIONS)
    for number in range(3 * BUCKETS_MAX):
        rates.admit_public(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(rates._buckets) <= BUCKETS_MAX
    assert rates.standing(key, Act.POSITIONS).remaining == 29


def test_a_clock_that_jumps_changes_no_allowance() -> None:
    clock = HandClock()
    rates = Rates(clock=clock)
    while admitted(rates, holder(Tier.PRO), Act.POSITIONS):
        pass
    clock.utc += 86_400 * SECOND
    assert not admitted(rates, holder(Tier.PRO), Act.POSITIONS)
    clock.steady -= SECOND
    assert not admitted(rates, holder(Tier.PRO), Act.POSITIONS)
