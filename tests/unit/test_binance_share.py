"""Fifty Binance accounts behind one address, in stepped time: what each asks, and when all are proven."""

import asyncio

from bastion.venues.ccxt.binance_share import PAGE, WHOLE, Kind, Share
from bastion.venues.raw import Row
from bastion.venues.throttle import Limit, Throttle
from tests.stepped_clock import NS, SteppedClock

ACCOUNTS, CONTRACTS = 50, ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
ANSWER_S, GAP_S, WAITS_S = 0.05, 0.25, 6.0
ADDRESS = (Limit(name="weight", capacity=2400, window_s=60.0),)
ROWS = [Row({"symbol": name, "bidNotional": "0", "askNotional": "0"}, "row") for name in CONTRACTS]


class Account:
    """One account in an exit, as the adapter and the hand treat it: closed, read, swept, looked at twice."""

    def __init__(self, clock: SteppedClock, address: Throttle, *, seen: bool = True) -> None:
        self._clock = clock
        self._throttle = Throttle(clock, (), shared=address)
        self.share = Share(clock, self._throttle, crowds=True)
        self._seen = seen
        if seen:
            self.share.saw(ROWS, held=True)
            self.share.listed()
        self.spent = 0
        self.closed_s = self.proven_s = 0.0
        self.whole_s: list[float] = []

    @property
    def now_s(self) -> float:
        return self._clock.monotonic_ns() / NS

    async def exit(self) -> None:
        begun_s = self.now_s
        if not self._seen:
            self.share.for_act()
            assert self.share.kind() is Kind.NEAR
            await self._ask(PAGE + len(CONTRACTS))
            self.share.saw(ROWS, held=True)
            self.share.listed()
        with self.share.acting(moves=True):
            await self._clock.sleep(ANSWER_S)
        self.share.glancing()
        await self._ask(2 * PAGE)
        self.share.saw([], held=False)
        self.closed_s = self.now_s - begun_s
        with self.share.acting(moves=False):
            await self._ask(len(CONTRACTS))
        while len(self.whole_s) < 2:
            await self._whole(begun_s)
            await self._clock.sleep(GAP_S)
        self.proven_s = self.whole_s[-1]

    async def _whole(self, begun_s: float) -> None:
        share = self.share
        share.for_act()
        share.pressed()
        assert share.kind() is Kind.WHOLE
        # What the adapter does with a real clock's deadline: it goes on waiting, in its own place.
        await self._throttle["weight"].reserve(WHOLE, share.claimant)
        share.granted()
        self._throttle["weight"].release(WHOLE)
        await self._ask(WHOLE)
        share.looked(empty=True)
        self.whole_s.append(self.now_s - begun_s)

    async def _ask(self, weight: int) -> None:
        async with self._throttle.passage({"weight": weight}):
            self.spent += weight
            await self._clock.sleep(ANSWER_S)


async def carried_out(clock: SteppedClock, accounts: list[Account], seconds: float) -> None:
    async with asyncio.TaskGroup() as group:
        for account in accounts:
            group.create_task(account.exit())
        await clock.advance(seconds)
        assert all(account.proven_s for account in accounts)


def crowd(clock: SteppedClock, count: int = ACCOUNTS, *, unseen: int = 0) -> list[Account]:
    address = Throttle(clock, ADDRESS)
    return [Account(clock, address, seen=number >= unseen) for number in range(count)]


async def test_fifty_accounts_are_closed_at_once_and_proven_within_four_minutes_of_weight() -> None:
    clock = SteppedClock()
    accounts = crowd(clock, unseen=20)
    await carried_out(clock, accounts, 200)
    assert max(account.closed_s for account in accounts) < 1
    assert sum(account.spent for account in accounts) <= 4 * 2400
    assert max(account.proven_s for account in accounts) < 185


async def test_accounts_are_proven_one_after_the_other_and_not_all_at_the_end() -> None:
    clock = SteppedClock()
    accounts = crowd(clock)
    await carried_out(clock, accounts, 200)
    proven = sorted(account.proven_s for account in accounts)
    # Of the first minute's 2400 the closing takes 700, and a proof is two looks of 85.
    assert proven[8] < 2
    assert proven[8 + 14] < 62
    assert proven[8 + 28] < 123
    # Of those that a minute begins to prove, hardly one waits for the next with half of it done.
    split = [account for account in accounts if account.whole_s[1] - account.whole_s[0] > 30]
    assert len(split) <= 3


async def test_few_accounts_spare_nothing_and_keep_nothing_from_each_other() -> None:
    clock = SteppedClock()
    few = [account.share for account in crowd(clock, 8)]
    with few[0].acting(moves=True):
        assert not few[0].is_crowd
        assert (few[1].spare(), few[0].patience_s) == (2400, 0.0)
    many = [account.share for account in crowd(clock, 9)]
    with many[0].acting(moves=True):
        assert many[0].is_crowd
        assert many[1].spare() == 2400 - 20 - 2 * WHOLE


async def test_an_account_that_waits_for_its_proof_says_for_how_long() -> None:
    clock = SteppedClock()
    shares = [account.share for account in crowd(clock)]
    for share in shares:
        with share.acting(moves=True):
            pass
    # 50 times 190 are announced, and 2400 are free.
    assert shares[0].patience_s == 180.0
    await clock.advance(31)
    assert shares[0].patience_s == 0.0


async def test_a_cheap_look_lists_the_orders_of_held_contracts_once_and_again_where_one_blocks() -> None:
    clock = SteppedClock()
    share = crowd(clock)[0].share
    share.saw([*ROWS, Row({"symbol": "ADAUSDT", "bidNotional": "12.5"}, "row")], held=True)
    share.for_act()
    assert share.kind() is Kind.NEAR
    assert share.near() == (("ADAUSDT",), ("ADAUSDT", *CONTRACTS))
    share.listed()
    share.for_act()
    assert share.kind() is Kind.BARE
    share.blocked()
    share.for_act()
    assert share.kind() is Kind.NEAR


async def test_while_a_position_is_open_lists_are_read_only_where_nobody_waits_for_their_weight() -> None:
    clock = SteppedClock()
    stuck, *others = (account.share for account in crowd(clock))

    async def whole(waiting: list[Share]) -> int:
        kinds = []
        for _ in range(35):
            for one in (*waiting, stuck):
                one.for_act()
            for one in waiting:
                one.pressed()
                one.kind()
            kinds.append(stuck.kind())
            await clock.advance(1)
        stuck.looked(empty=False)
        return kinds.count(Kind.WHOLE)

    assert await whole([]) > 0
    assert await whole(others[:14]) == 0


async def test_who_only_watches_gives_way_to_every_need() -> None:
    clock = SteppedClock()
    watching, *others = (account.share for account in crowd(clock))
    watching.saw([], held=False)
    assert watching.kind() is Kind.NEAR
    for other in others[:7]:
        with other.acting(moves=True):
            pass
    assert watching.kind() is Kind.NOTHING
    watching.for_act()
    assert watching.kind() is Kind.NEAR


async def test_a_look_that_is_not_whole_or_not_empty_begins_the_proof_anew() -> None:
    clock = SteppedClock()
    share = crowd(clock)[0].share
    levels = []
    for empty in (True, False, True, True, True):
        share.looked(empty=empty)
        levels.append(share.claimant.level)
    assert levels == [1, 2, 1, 3, 3]
    with share.acting(moves=False):
        pass
    assert share.claimant.level == 2


async def test_an_account_whose_looks_never_prove_it_is_looked_at_whole_each_half_minute_only() -> None:
    clock = SteppedClock()
    share = crowd(clock)[0].share
    kinds = []
    for _ in range(100):
        share.saw([], held=False)
        share.for_act()
        kinds.append(share.kind())
        if kinds[-1] is Kind.WHOLE:
            share.looked(empty=True)
        await clock.advance(1)
    assert kinds.count(Kind.WHOLE) == 3


async def test_the_first_look_behind_orders_waits_for_those_of_the_crowd_and_no_other_look_does() -> None:
    one, other, idle = [account.share for account in crowd(SteppedClock())][:3]
    with other.acting(moves=True):
        with one.acting(moves=True):
            pass
        first = asyncio.create_task(one.calm(within_s=30))
        # Who closed nothing waits for nobody, nor does who waited for as long as it may.
        async with asyncio.timeout(0.5):
            await idle.calm(within_s=30)
            with idle.acting(moves=True):
                pass
            await idle.calm(within_s=0.01)
        assert not first.done()
    async with asyncio.timeout(0.5):
        await first
        with other.acting(moves=True):
            await one.calm(within_s=30)


async def test_few_accounts_do_not_wait_for_each_others_orders() -> None:
    one, other = [account.share for account in crowd(SteppedClock(), 8)][:2]
    with other.acting(moves=True):
        with one.acting(moves=True):
            pass
        async with asyncio.timeout(0.5):
            await one.calm(within_s=30)
