"""A read that failed or is late is asked for again; a look that closes does not wait for its slowest part."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bastion.clock import SystemClock
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.haste import Haste
from bastion.venues.deadline import Deadline
from bastion.venues.insist import AGAIN_S, DEAR_LATE_S, LATE_UNKNOWN_S, Insistence
from bastion.venues.raw import Answer
from bastion.venues.throttle import Limit, Throttle

CLOCK = SystemClock()
GOOD = Answer(status=200, headers={}, text="[]")
UNITS = {"weight": 1}


def insistence() -> tuple[Insistence, Throttle]:
    throttle = Throttle(CLOCK, (Limit(name="weight", capacity=2400, window_s=60.0),))
    return Insistence(CLOCK, throttle), throttle


def script(*outcomes: Answer | VenueError | float) -> tuple[Callable[[], Awaitable[Answer]], list[int]]:
    """Answer the asks in turn; a number is so many seconds of silence."""
    asked: list[int] = []

    async def ask() -> Answer:
        outcome = outcomes[len(asked)]
        asked.append(len(asked))
        if isinstance(outcome, VenueError):
            raise outcome
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
            return GOOD
        return outcome

    return ask, asked


async def test_a_read_that_got_no_answer_is_asked_for_again_a_moment_later() -> None:
    ask, asked = script(VenueUnreachable("reset"), GOOD)
    began_ns = CLOCK.monotonic_ns()
    one, _ = insistence()
    assert await one.read(ask, units=UNITS, deadline=Deadline(CLOCK, 5)) is GOOD
    assert len(asked) == 2
    assert CLOCK.monotonic_ns() - began_ns >= AGAIN_S * 1e9 * 0.9


async def test_a_read_that_is_late_is_asked_for_beside_it_and_the_first_answer_counts() -> None:
    ask, asked = script(60.0, GOOD)
    began_ns = CLOCK.monotonic_ns()
    one, _ = insistence()
    assert await one.read(ask, units=UNITS, deadline=Deadline(CLOCK, 30)) is GOOD
    assert len(asked) == 2
    assert CLOCK.monotonic_ns() - began_ns >= LATE_UNKNOWN_S * 1e9 * 0.9


@pytest.mark.parametrize(
    "error",
    [
        VenueRejected("no", fault=Fault.TERMINAL),
        VenueRejected("slow", fault=Fault.RATE_LIMIT),
        AnswerMalformed("odd"),
    ],
)
async def test_what_asking_again_would_not_mend_is_told_at_once(error: VenueError) -> None:
    ask, asked = script(error, GOOD)
    one, _ = insistence()
    with pytest.raises(type(error)):
        await one.read(ask, units=UNITS, deadline=Deadline(CLOCK, 5))
    assert len(asked) == 1


async def test_where_a_limit_is_short_a_read_is_asked_for_once() -> None:
    ask, asked = script(VenueUnreachable("reset"), GOOD)
    one, throttle = insistence()
    throttle["weight"].block(60)
    with pytest.raises(VenueUnreachable):
        await one.read(ask, units=UNITS, deadline=Deadline(CLOCK, 5))
    assert len(asked) == 1


@pytest.mark.parametrize("wanted", [True, False])
async def test_only_a_hasty_look_gives_up_what_is_slower_than_an_open_position(wanted: bool) -> None:  # noqa: FBT001 - a case of the table
    haste = Haste(CLOCK)

    async def read(seconds: float, shown: str) -> str:
        await asyncio.sleep(seconds)
        return shown

    async def look(slow_s: float) -> list[str | VenueError]:
        async with asyncio.TaskGroup() as group:
            reads = [read(0, "open"), read(slow_s, "orders")]
            return await haste.answers(group, reads, lambda shown: shown == "open", Deadline(CLOCK, 5))

    assert await look(0) == ["open", "orders"]
    haste.wanted = wanted
    _, orders = await look(0.6)
    assert isinstance(orders, VenueUnreachable) is wanted
    assert not haste.wanted
    haste.wanted, haste.whole = wanted, True
    assert await look(0.6) == ["open", "orders"], "all its parts are to come"
    assert not haste.whole


async def test_a_dear_read_is_not_late_before_a_second_and_is_not_asked_for_often() -> None:
    dear = {"weight": 40}
    one, _ = insistence()
    ask, asked = script(GOOD, 60.0, 60.0, 60.0)
    await one.read(ask, units=dear, deadline=Deadline(CLOCK, 1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(DEAR_LATE_S + 0.5):
            await one.read(ask, units=dear, deadline=Deadline(CLOCK, 30))
    # The first, and one beside it after a second; the next would follow two seconds later.
    assert len(asked) == 3
