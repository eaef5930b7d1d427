"""How dear reads are asked of a Hyperliquid host that fails, and what is left when it is well again."""

import asyncio

import pytest

from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.hyperliquid_pace import (
    ADDRESS_LIMITS,
    FAILED,
    FAILING,
    PROBES,
    READS,
    URGENT_PROBES,
    VAIN,
    Thrift,
    read_units,
)
from bastion.venues.ccxt.hyperliquid_probes import KEPT_AN_ACCOUNT, Probes, was_not_sent
from bastion.venues.ccxt.wire import Flight
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
        self.accounts = Probes(self.throttle, self.clock), Probes(self.throttle, self.clock)

    def ask(self, kind: str, error: VenueError | None = None, *, account: int = 0, due: bool = False) -> bool:
        """Ask, and return whether it was sent."""
        try:
            with self.accounts[account].asking({"type": kind}, read_units(kind), due=due):
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
    reads.charge(reads.capacity - 30)
    assert proofs.free() == 10
    with pytest.raises(TimeoutError):
        async with host.throttle.reserved(READS, 1000, within_s=0.0):
            raise AssertionError("there is no room")
    async with host.throttle.passage(read_units(POSITIONS)):
        assert reads.free() == 28
    assert proofs.free() == 8


async def test_what_only_proves_leaves_weight_to_each_account_that_was_seen_to_hold_something() -> None:
    host = Host()
    reads, proofs = host.throttle[READS], host.throttle.way("proofs")
    reads.charge(reads.capacity - 60)
    thrift = Thrift(host.clock, reads)
    thrift.saw(held=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await proofs.take(30)
    thrift.saw(held=False)
    await proofs.take(30)
    assert reads.free() == 30


def test_what_proves_an_account_is_kept_from_a_host_that_fails_until_it_has_been_well_for_a_while() -> None:
    host = Host()
    reads = host.throttle[READS]
    reads.charge(reads.capacity - KEPT_AN_ACCOUNT - 19)
    assert host.ask(LISTS)
    host.ask(POSITIONS, DOWN)
    host.ask(POSITIONS, account=1)
    assert not host.ask(LISTS, account=1)
    assert host.ask(LISTS, due=True), "an order that could open is to be seen now and then"
    assert host.ask(CONTRACTS), "what an order needs proves nothing, and is not held back"
    host.clock.seconds += WINDOWS[FAILED] - 0.1
    assert not host.ask(LISTS)
    host.clock.seconds += 0.2
    assert host.ask(LISTS)


def test_a_host_fails_from_what_came_to_nothing_until_something_cheap_is_answered() -> None:
    host = Host()

    def fail() -> list[bool]:
        return [account.fail for account in host.accounts]

    assert fail() == [False, False]
    host.ask(POSITIONS, DOWN)
    assert fail() == [True, True], "it is the host that fails, whichever account asks"
    host.ask(POSITIONS, account=1)
    assert fail() == [False, False]
    host.ask(POSITIONS, DOWN)
    host.clock.seconds += WINDOWS[FAILING] + 0.1
    assert fail() == [False, False], "what is long ago says nothing"


@pytest.mark.parametrize(("after_s", "fails"), [(0.9, False), (1.1, True)])
def test_a_read_that_is_given_up_came_to_nothing_once_it_was_long_on_its_way(
    after_s: float, *, fails: bool
) -> None:
    host = Host()

    def give_up() -> None:
        with host.accounts[0].asking({"type": LISTS}, read_units(LISTS)):
            leave(host)
            host.clock.seconds += after_s
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        give_up()
    assert host.accounts[0].fail is fails
    assert (host.throttle[VAIN].free() < host.throttle[VAIN].capacity) is fails


def test_a_dear_read_leaves_once_more_over_another_connection_only_where_the_host_does_not_fail() -> None:
    host = Host()

    def ask_twice(kind: str) -> None:
        with host.accounts[0].asking({"type": kind}, read_units(kind)):
            leave(host)
            leave(host)

    ask_twice(LISTS)
    host.ask(LISTS, DOWN)
    ask_twice(POSITIONS)
    with pytest.raises(VenueUnreachable, match="not asked once more"):
        ask_twice(LISTS)


def test_an_end_of_an_idle_connection_keeps_no_host_failing_that_failed_a_while_ago() -> None:
    host = Host()
    probes = host.accounts[0]

    def ask_twice(kind: str) -> None:
        with probes.asking({"type": kind}, read_units(kind)):
            leave(host)
            leave(host)

    host.fail()
    assert host.ask(POSITIONS)
    assert probes.kept
    host.clock.seconds += WINDOWS[FAILED] - 0.1
    # Contracts have turns of their own, which come sooner than the host counts as well.
    with pytest.raises(VenueUnreachable, match="not asked once more"):
        ask_twice(CONTRACTS)
    assert probes.fail, "until anything is answered"
    assert host.ask(POSITIONS)
    host.clock.seconds += WINDOWS[URGENT_PROBES] + 0.1
    assert probes.kept == 0
    ask_twice(CONTRACTS)
    assert not probes.fail


def test_what_the_minute_cannot_give_back_in_time_is_refused_at_once() -> None:
    host = Host()
    reads = host.throttle[READS]
    reads.charge(reads.capacity - 100)
    host.clock.seconds += 50
    reads.charge(90)
    assert reads.wait_least_s(10) == 0
    assert reads.wait_least_s(11) == pytest.approx(10)
    host.throttle.refuse_in_vain(read_units(LISTS), 10.1)
    with pytest.raises(VenueRejected, match="limits are used up") as refused:
        host.throttle.refuse_in_vain(read_units(LISTS), 9.9)
    assert refused.value.fault is Fault.RATE_LIMIT


def leave(host: Host) -> None:
    """Let the request of this block leave, as the wire does."""
    leaving = Flight(host.throttle).leaving
    assert leaving is not None
    leaving()
