"""Binance's thrift: who decides in one moment with others does not count on what these are about to take."""

from bastion.clock import SystemClock
from bastion.venues.ccxt.binance_thrift import BARE, KEPT, LEAST, WHOLE, Thrift
from bastion.venues.throttle import Bucket, Limit

CAPACITY = 2_400
ACCOUNTS = 50


def bucket() -> Bucket:
    return Bucket(Limit(name="weight", capacity=CAPACITY, window_s=60.0), SystemClock())


def test_fifty_accounts_that_look_at_once_leave_room_for_everybodys_positions() -> None:
    weight = bucket()
    looks = [Thrift(SystemClock(), weight) for _ in range(ACCOUNTS)]
    lists = [one.allows() for one in looks]
    assert 1 < sum(lists) <= (CAPACITY - KEPT) // WHOLE + 2
    # They can all be read once more at once, to close what they hold.
    assert sum(WHOLE if read else BARE for read in lists) + ACCOUNTS * BARE <= CAPACITY - LEAST


def test_what_is_owed_counts_what_others_are_about_to_take() -> None:
    weight = bucket()
    first, second = Thrift(SystemClock(), weight), Thrift(SystemClock(), weight)
    weight.charge(CAPACITY - WHOLE)
    for one in (first, second):
        one.pressed(halting=True)
    assert first.owes() == 0
    assert first.allows()
    assert second.owes() == WHOLE
