"""The throttle: no window of a venue ever holds more than its published limit because of us."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bastion.venues.throttle import Leaving, Limit, Throttle
from tests.stepped_clock import SteppedClock

NS = 1_000_000_000
Job = Callable[[], Awaitable[None]]


class Sender:
    """Sends numbered requests through a throttle and notes when each left and was answered."""

    def __init__(self, throttle: Throttle, clock: SteppedClock, *, answer_s: float) -> None:
        self._throttle = throttle
        self._clock = clock
        self._answer_s = answer_s
        self.left: list[tuple[int, float]] = []

    async def send(self, number: int, units: dict[str, int]) -> None:
        async with self._throttle.passage(units):
            self.left.append((number, self._clock.now / NS - 1_000))
            await self._clock.sleep(self._answer_s)


def throttle(clock: SteppedClock, *limits: Limit | Leaving) -> Throttle:
    return Throttle(clock, limits)


async def test_requests_leave_in_the_order_in_which_they_came() -> None:
    clock = SteppedClock()
    sender = Sender(throttle(clock, Limit(name="a", capacity=3, window_s=1.0)), clock, answer_s=0.05)
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(sender.send(number, {"a": 1}))
        await clock.advance(10)
    assert [number for number, _ in sender.left] == list(range(10))


async def test_a_window_begins_again_only_one_window_after_the_answers() -> None:
    clock = SteppedClock()
    sender = Sender(throttle(clock, Limit(name="a", capacity=3, window_s=1.0)), clock, answer_s=0.05)
    async with asyncio.TaskGroup() as group:
        for number in range(7):
            group.create_task(sender.send(number, {"a": 1}))
        await clock.advance(10)
    assert [at for _, at in sender.left] == pytest.approx([0, 0, 0, 1.05, 1.05, 1.05, 2.1])


async def test_nothing_leaves_while_every_unit_is_in_flight_and_unanswered() -> None:
    clock = SteppedClock()
    sender = Sender(throttle(clock, Limit(name="a", capacity=1, window_s=1.0)), clock, answer_s=30.0)
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(sender.send(number, {"a": 1}))
        await clock.advance(29.9)
        assert len(sender.left) == 1
        await clock.advance(60)
    assert [at for _, at in sender.left] == pytest.approx([0, 31.0])


async def test_a_full_bucket_does_not_delay_another_one() -> None:
    clock = SteppedClock()
    paced = throttle(
        clock,
        Limit(name="orders", capacity=1, window_s=10.0),
        Limit(name="weight", capacity=100, window_s=60.0),
    )
    sender = Sender(paced, clock, answer_s=0.05)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"orders": 1}))
        group.create_task(sender.send(1, {"orders": 1}))
        group.create_task(sender.send(2, {"weight": 40}))
        await clock.advance(1)
        assert [number for number, _ in sender.left] == [0, 2]
        await clock.advance(60)


async def test_weights_count_by_their_size() -> None:
    clock = SteppedClock()
    sender = Sender(throttle(clock, Limit(name="weight", capacity=100, window_s=60.0)), clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(sender.send(number, {"weight": 40}))
        await clock.advance(300)
    assert [at for _, at in sender.left] == pytest.approx([0, 0, 60])


async def test_what_others_spent_counts_until_the_window_of_the_venue_resets() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="weight", capacity=100, window_s=60.0))
    paced["weight"].observe(90, sent_ns=clock.now, resets_in_s=12.0)
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"weight": 40}))
        await clock.advance(60)
    assert [at for _, at in sender.left] == pytest.approx([12.0])


async def test_our_own_spending_seen_in_a_header_is_not_counted_twice() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="weight", capacity=100, window_s=60.0))
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"weight": 50}))
        await clock.advance(1)
        paced["weight"].observe(50, sent_ns=clock.now, resets_in_s=59.0)
        group.create_task(sender.send(1, {"weight": 50}))
        await clock.advance(1)
        assert len(sender.left) == 2


async def test_when_the_window_of_the_venue_has_passed_our_old_units_are_free_again() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="weight", capacity=100, window_s=60.0))
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"weight": 40}))
        group.create_task(sender.send(1, {"weight": 40}))
        await clock.advance(1)
        assert paced["weight"].free() == 20
        paced["weight"].observe(50, sent_ns=clock.now, resets_in_s=59.0)
        assert paced["weight"].free() == 50


async def test_an_answer_that_was_overtaken_frees_nothing() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="orders", capacity=100, window_s=10.0))
    sender = Sender(paced, clock, answer_s=0.05)
    sent_ns = clock.now
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(sender.send(number, {"orders": 1}))
        await clock.advance(1)
        # The answer to the first of fifty parallel orders, read last, still says "1".
        paced["orders"].observe(1, sent_ns=sent_ns, resets_in_s=9.0)
        assert paced["orders"].free() == 50


async def test_after_a_ban_nothing_leaves_until_it_is_over_for_any_account_of_the_address() -> None:
    clock = SteppedClock()
    address = throttle(clock, Limit(name="weight", capacity=100, window_s=60.0))
    one = Throttle(clock, [Limit(name="orders", capacity=10, window_s=1.0)], shared=address)
    other = Throttle(clock, [Limit(name="orders", capacity=10, window_s=1.0)], shared=address)
    one.silence(120)
    assert other.silent_s == pytest.approx(120)
    sender = Sender(other, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"orders": 1, "weight": 1}))
        await clock.advance(119)
        assert sender.left == []
        await clock.advance(2)
    assert [at for _, at in sender.left] == pytest.approx([120.0])


async def test_a_blocked_bucket_waits_for_the_reset_that_the_venue_named() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="create", capacity=10, window_s=1.0))
    paced["create"].block(0.7)
    assert paced["create"].free() == 0
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"create": 1}))
        await clock.advance(5)
    assert [at for _, at in sender.left] == pytest.approx([0.7])


async def test_a_higher_limit_of_the_account_is_used_at_once() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="create", capacity=1, window_s=1.0))
    paced["create"].resize(5)
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(sender.send(number, {"create": 1}))
        await clock.advance(0.1)
        assert len(sender.left) == 5


async def test_a_waiter_that_gives_up_holds_nobody_back() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=1, window_s=1.0))
    sender = Sender(paced, clock, answer_s=0.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(0, {"a": 1}))
        quitter = group.create_task(sender.send(1, {"a": 1}))
        group.create_task(sender.send(2, {"a": 1}))
        await clock.advance(0.5)
        quitter.cancel()
        await clock.advance(5)
    assert [number for number, _ in sender.left] == [0, 2]
    assert [at for _, at in sender.left] == pytest.approx([0.0, 1.0])


async def test_a_request_that_can_never_fit_is_refused_instead_of_waiting_for_ever() -> None:
    clock = SteppedClock()
    with pytest.raises(ValueError, match="never fit"):
        async with throttle(clock, Limit(name="a", capacity=5, window_s=1.0)).passage({"a": 6}):
            pass


async def test_what_left_without_waiting_for_its_turn_is_counted_all_the_same() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=3, window_s=1.0))
    sender = Sender(paced, clock, answer_s=0.0)
    paced.charge({"a": 2})
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(sender.send(number, {"a": 1}))
        await clock.advance(2)
    assert [at for _, at in sender.left] == pytest.approx([0.0, 1.0])


async def test_what_never_left_is_free_again_at_once_also_for_who_waits() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=4, window_s=60.0))
    sender = Sender(paced, clock, answer_s=0.01)
    paced.charge({"a": 1})
    async with asyncio.TaskGroup() as group:
        held = asyncio.Event()

        async def refused() -> None:
            async with paced.passage({"a": 3}, left=lambda: False):
                await held.wait()

        group.create_task(refused())
        await clock.advance(0.5)
        group.create_task(sender.send(1, {"a": 2}))
        await clock.advance(0.5)
        assert sender.left == []
        held.set()
        await clock.advance(0.5)
    assert sender.left == [(1, 1.0)]


async def test_a_limit_that_others_used_up_comes_back_evenly_over_its_window() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=120, window_s=60.0))
    paced.charge({"a": 60})
    assert paced["a"].exhausted(5.0) == 5.0
    assert paced["a"].exhausted(5.0) == 5.0  # Answers of one moment are one refusal.
    sender = Sender(paced, clock, answer_s=0.01)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(1, {"a": 2}))
        group.create_task(sender.send(2, {"a": 20}))
        await clock.advance(30)
    # 60 units of others come back at one a second: 2 + 20 of them have after 22 seconds.
    assert [at for _, at in sender.left] == pytest.approx([5.0, 22.0], abs=0.1)


async def test_each_further_refusal_within_a_window_pauses_twice_as_long_up_to_the_window() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=120, window_s=60.0))
    pauses = []
    for _ in range(6):
        pauses.append(paced["a"].exhausted(5.0))
        await clock.advance(pauses[-1])
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    await clock.advance(61)
    assert paced["a"].exhausted(5.0) == 5.0


def test_a_request_that_weighed_less_than_was_taken_gives_the_rest_back() -> None:
    paced = throttle(SteppedClock(), Limit(name="a", capacity=100, window_s=60.0))
    paced.charge({"a": 10})
    paced.charge({"a": 40})
    paced["a"].refund(45)
    assert paced["a"].free() == 95


async def test_what_is_reserved_is_there_for_the_requests_within_and_the_rest_comes_back() -> None:
    clock = SteppedClock()
    limited = throttle(clock, Limit(name="a", capacity=10, window_s=60.0))
    async with limited.reserved("a", 6, within_s=1):
        assert limited["a"].free() == 4
        async with limited.passage({"a": 3}):
            assert limited["a"].free() == 4
        # More than is held is waited for as ever.
        async with limited.passage({"a": 5}):
            assert limited["a"].free() == 2
    assert limited["a"].free() == 2
    await clock.advance(60.1)
    assert limited["a"].free() == 10


async def test_what_could_not_be_reserved_in_time_is_held_by_nobody() -> None:
    clock = SteppedClock()
    limited = throttle(clock, Limit(name="a", capacity=10, window_s=60.0))
    limited["a"].charge(5)
    with pytest.raises(TimeoutError):
        async with limited.reserved("a", 6, within_s=0.01):
            pytest.fail("it was not free")
    assert limited["a"].free() == 5
    async with limited.passage({"a": 5}):
        assert limited["a"].free() == 0


async def test_who_reserves_much_holds_up_nobody_who_needs_little_and_is_served_in_turn() -> None:
    clock = SteppedClock()
    limited = throttle(clock, Limit(name="a", capacity=10, window_s=60.0))
    served: list[str] = []

    async def whole(name: str) -> None:
        async with limited.reserved("a", 9, within_s=30):
            served.append(name)
            async with limited.passage({"a": 9}):
                pass

    async def little() -> None:
        async with limited.passage({"a": 1}):
            served.append("little")

    limited["a"].charge(5)
    async with asyncio.TaskGroup() as group:
        for name in ("first", "second"):
            group.create_task(whole(name))
        await clock.advance(1)
        group.create_task(little())
        await clock.advance(1)
        assert served == ["little"]
        await clock.advance(59.5)
        assert served == ["little", "first"]
        await clock.advance(60.5)
    assert served == ["little", "first", "second"]


async def test_a_second_way_into_a_limit_leaves_what_is_kept_and_waits_behind_everybody() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=10, window_s=60.0), Leaving(name="b", of="a", kept=4))
    assert (paced.way("a").free(), paced.way("b").free()) == (10, 6)
    sender = Sender(paced, clock, answer_s=0.01)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.send(1, {"b": 5}))
        await clock.advance(1)
        group.create_task(sender.send(2, {"b": 2}))
        await clock.advance(1)
        # Who takes from the limit itself is not held up by who waits for the rest of it.
        group.create_task(sender.send(3, {"a": 3}))
        await clock.advance(1)
        assert [number for number, _ in sender.left] == [1, 3]
        await clock.advance(63)
    assert [number for number, _ in sender.left] == [1, 3, 2]


async def test_each_good_answer_after_a_refusal_shows_as_much_room_again() -> None:
    clock = SteppedClock()
    paced = throttle(clock, Limit(name="a", capacity=120, window_s=60.0))
    paced["a"].exhausted(5.0, most_s=8.0)
    await clock.advance(6)
    assert paced["a"].free() == 12
    paced["a"].answered(20)
    assert paced["a"].free() == 32
    paced["a"].answered(500)
    assert paced["a"].free() == 120
