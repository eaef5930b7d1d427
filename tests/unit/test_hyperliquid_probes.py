"""How dear reads are asked of a Hyperliquid host that fails, and what is left when it is well again."""

import pytest

from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.hyperliquid_pace import (
    ADDRESS_LIMITS,
    PROBES,
    READS,
    URGENT_PROBES,
    VAIN,
    read_units,
)
from bastion.venues.ccxt.hyperliquid_probes import Probes, was_not_sent
from bastion.venues.throttle import Limit, Throttle
from tests.simulation.exits.virtual_time import VirtualClock

LISTS, CONTRACTS, POSITIONS = "frontendOpenOrders", "metaAndAssetCtxs", "clearinghouseState"
WINDOWS = {limit.name: limit.window_s for limit in ADDRESS_LIMITS if isinstance(limit, Limit)}
DOWN = VenueUnreachable("no answer in time")


class Host:
    """One address, asked by two accounts."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.throttle = Throttle(self.clock, ADDRESS_LIMITS)
        self.accounts = Probes(self.throttle), Probes(self.throttle)

    def ask(self, kind: str, error: VenueError | None = None, *, account: int = 0) -> bool:
        """Ask, and return whether it was sent."""
        try:
            with self.accounts[account].asking({"type": kind}, read_units(kind)):
                if error is not None:
                    raise error
        except VenueError as raised:
            return not was_not_sent(raised)
        return True

    def fail(self) -> int:
        """Ask in vain until nothing is sent any more; return how often that was."""
        return next(count for count in range(100) if not self.ask(LISTS, DOWN))


def test_what_fails_uses_a_part_of_the_minute_and_then_one_probe_now_and_then() -> None:
    host = Host()
    # The last of them was the first probe.
    assert host.fail() == host.throttle[VAIN].capacity // 20 + 1
    assert not host.ask(LISTS, DOWN, account=1), "it is the host that fails, whichever account asks"
    host.clock.seconds += WINDOWS[PROBES] + 0.1
    assert host.ask(LISTS, DOWN, account=1)
    assert not host.ask(LISTS, DOWN)


def test_what_an_order_needs_has_probes_of_its_own_and_what_is_cheap_needs_none() -> None:
    host = Host()
    host.fail()
    assert host.ask(CONTRACTS, DOWN)
    assert not host.ask(CONTRACTS, DOWN)
    assert all(host.ask(POSITIONS, DOWN) for _ in range(50))
    host.clock.seconds += WINDOWS[URGENT_PROBES] + 0.1
    assert host.ask(CONTRACTS, DOWN)


def test_the_first_good_answer_opens_the_way_however_much_failed_before() -> None:
    host = Host()
    host.fail()
    for _ in range(8):
        host.clock.seconds += WINDOWS[PROBES] + 0.1
        assert host.ask(LISTS, DOWN)
    host.clock.seconds += WINDOWS[PROBES] + 0.1
    assert host.ask(LISTS)
    assert all(host.ask(kind) for kind in (LISTS, CONTRACTS, LISTS) * 5)


def test_what_is_refused_for_a_limit_or_was_not_sent_says_nothing_of_the_host() -> None:
    host = Host()
    limited = VenueRejected("HTTP 429", fault=Fault.RATE_LIMIT, code="HTTP 429")
    assert all(host.ask(LISTS, limited) for _ in range(50))
    assert host.throttle[VAIN].free() == host.throttle[VAIN].capacity


async def test_what_only_proves_leaves_weight_to_what_finds_positions_and_waits_behind_it() -> None:
    host = Host()
    reads, proofs = host.throttle[READS], host.throttle.way("proofs")
    reads.charge(reads.capacity - 70)
    assert proofs.free() == 10
    with pytest.raises(TimeoutError):
        async with host.throttle.reserved(READS, 1000, within_s=0.0):
            raise AssertionError("there is no room")
    async with host.throttle.passage(read_units(POSITIONS)):
        assert reads.free() == 68
    assert proofs.free() == 8
