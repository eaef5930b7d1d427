"""Live: keeps the desk's picture of its accounts young, so that an exit need not read before it closes.

Where an account has a private stream that is open, it is looked at when the stream rings, and otherwise
seldom; where it has none, or the stream is down, in a rhythm that the venue's limits allow.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from functools import partial

from bastion.commands.desk import Desk
from bastion.commands.positions import check_access
from bastion.commands.readings import Picture
from bastion.commands.sharing import NS, READ_DEADLINE_S
from bastion.domain.account import Account
from bastion.errors import VenueError
from bastion.ports import AccountStream, Clock, Metered, Picturing, Venue, Warming

WARM_S = 10.0
RHYTHM_S = 10.0
ACCOUNTS_A_RHYTHM = 2
"""A whole look of one account costs about 100 of the 2400 that Binance allows an address in a minute: with at
most two accounts behind an address, this rhythm leaves half of it to an exit. More accounts slow it down."""
LOOKS_AT_ONCE = 3
"""So many looks an address may take at once when streams ring; it gains one in each rhythm. On Binance that
leaves the 1600 of an address's 2400 alone that are kept for exits."""
A_PICTURE = 0.1
"""What a picture costs of a look where the adapter makes it cheaply. It weighs about 10 on Binance."""
SELDOM_S = 120.0
"""How often an account is looked at whose stream is open and silent, where few share its address."""
GATHER_S = 0.1
"""What rings within so short a time is looked at once."""
GAP_S = 0.5
SPARED_GAP_S = 2.0
"""After so long a venue lets the lists be read again that its limit held back (OKX: 20 in 2 s)."""
WAIT_MOST_S = 10.0
AGAIN_S = 1.0
WARMED_EACH_MAX, WARMED_MAX = 64, 256
"""So many connections are held open for an account's orders, and for those of all accounts together."""
WARMED_GAP_S, WARMED_LASTING_S = 10.0, 25.0
"""How often that is looked after, and how long they are to rest at least: a host ends one that was never used
after a minute or so, which leaves them renewed well before."""
PAUSE_FIRST_S, PAUSE_MOST_S = 1.0, 60.0
"""How long a stream that broke off rests before it is opened again; it doubles until one lives so long."""

_log = logging.getLogger(__name__)


def rhythm_s(most: int) -> float:
    """Return the seconds between two readings, where so many accounts share an address."""
    return RHYTHM_S * max(1.0, most / ACCOUNTS_A_RHYTHM)


async def keep_live(desk: Desk, streams: Mapping[str, AccountStream]) -> None:
    """Look at the accounts again and again until cancelled; whoever else reads spares a turn, an exit all.

    Where a venue's limit of reads has gone down to what is kept for exits, a turn is left out. With the
    setting `recent_look_s` at zero nobody would act on the picture, and nothing is read.
    """
    if desk.settings.recent_look_s <= 0:
        return
    async with asyncio.TaskGroup() as group:
        for name, venue in desk.venues.items():
            if isinstance(venue, Warming):
                group.create_task(_keep_warm(desk, name, venue))
        group.create_task(_keep_seen(desk, streams))


async def _keep_seen(desk: Desk, streams: Mapping[str, AccountStream]) -> None:
    if not streams:
        await _keep_rhythm(desk)
        return
    for name in streams:
        desk.ears.add(name)
    purses: dict[tuple[str, str | None], Purse] = {}
    most = _most_at_one_address(desk)
    async with asyncio.TaskGroup() as group:
        for account in desk.accounts:
            purse = purses.setdefault(_address(account), Purse(desk.clock))
            group.create_task(_keep_picture(desk, account.name, purse, most))
        for name, stream in streams.items():
            group.create_task(_keep_open(desk, name, stream))


class Purse:
    """The looks that an address may take: some at once, then one in a rhythm."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looks = float(LOOKS_AT_ONCE)
        self._counted_ns = clock.monotonic_ns()

    def take(self, looks: float = 1.0) -> bool:
        """Take one look, or that part of one; False where there is not so much left."""
        now_ns = self._clock.monotonic_ns()
        gained = (now_ns - self._counted_ns) / NS / RHYTHM_S
        self._looks, self._counted_ns = min(LOOKS_AT_ONCE, self._looks + gained), now_ns
        if self._looks < looks:
            return False
        self._looks -= looks
        return True


async def _keep_rhythm(desk: Desk) -> None:
    # Beyond the rhythm of which a picture would be too old to act on anyway, nothing is read.
    rhythm = rhythm_s(_most_at_one_address(desk))
    while rhythm <= desk.settings.recent_look_s:
        if desk.running() is None and not any(_is_short(venue) for venue in desk.venues.values()):
            try:
                await desk.readings.recent(within_s=rhythm / 2)
            except Exception:  # noqa: BLE001 - a bulkhead: without a picture an exit reads first, as ever
                _log.exception("The accounts could not be read.")
        await desk.clock.sleep(rhythm)


async def _keep_picture(desk: Desk, name: str, purse: Purse, most: int) -> None:
    # This runs for each account, often: nothing in it may take longer where there are more of them.
    venue = desk.venues[name]
    pictures = venue if isinstance(venue, Picturing) else None
    while True:
        left_s = _due_in_s(desk, name, most)
        if left_s > 0:
            await _rung_within(desk, name, min(left_s, WAIT_MOST_S))
            continue
        await desk.clock.sleep(GATHER_S)
        if desk.readings.under_way(name) or _due_in_s(desk, name, most) > 0:
            # Somebody else reads it: to look beside that would cost an exit's looks what the limits allow.
            continue
        cost = A_PICTURE if pictures is not None and pictures.pictures_cheaply else 1.0
        if desk.running() is not None or _is_short(venue) or not purse.take(cost):
            await desk.clock.sleep(AGAIN_S)
            continue
        try:
            await desk.readings.refresh(name, pictures, deadline_s=READ_DEADLINE_S)
        except Exception:  # noqa: BLE001 - a bulkhead: without a picture an exit reads first, as ever
            _log.exception("The account %s could not be read.", name)
            await desk.clock.sleep(AGAIN_S)


async def _rung_within(desk: Desk, name: str, seconds: float) -> None:
    ear = desk.ears.of(name)
    if ear is None:
        await desk.clock.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await ear.rung.wait()
    except TimeoutError:
        return
    ear.rung.clear()


def _due_in_s(desk: Desk, name: str, most: int) -> float:
    picture = desk.readings.picture(name)
    is_live = desk.ears.is_live(name)
    rhythm = rhythm_s(most)
    if not is_live and rhythm > desk.settings.recent_look_s:
        return WAIT_MOST_S
    if picture is None:
        # A look before the stream is open would have to be taken again behind its opening.
        return desk.ears.opens_within_s(name)
    age_s = (desk.clock.monotonic_ns() - picture.begun_ns) / NS
    if not is_live:
        return rhythm - age_s
    if not desk.ears.vouches(name, picture.begun_ns):
        return _gap_left_s(desk, picture)
    if picture.look.unread:
        return rhythm - age_s
    return max(SELDOM_S, RHYTHM_S * most) - age_s


async def _keep_warm(desk: Desk, name: str, venue: Warming) -> None:
    # An order that finds no open connection leaves two or three round trips later.
    most = max(1, min(WARMED_EACH_MAX, WARMED_MAX // len(desk.venues)))
    while True:
        picture = desk.readings.picture(name)
        if picture is not None and desk.running() is None:
            try:
                await venue.warm(picture.look, most=most, lasting_s=WARMED_LASTING_S, deadline_s=WARMED_GAP_S)
            except VenueError as error:
                _log.debug("No connection to %s could be kept open: %s", name, error)
            except Exception:  # noqa: BLE001 - a bulkhead: without them an order opens its own, as ever
                _log.exception("No connection to %s could be kept open.", name)
        await desk.clock.sleep(WARMED_GAP_S)


def _gap_left_s(desk: Desk, picture: Picture) -> float:
    now_ns, spared_ns = desk.clock.monotonic_ns(), picture.spared_ns
    since_ns, gap_s = (picture.begun_ns, GAP_S) if spared_ns is None else (spared_ns, SPARED_GAP_S)
    return gap_s - (now_ns - since_ns) / NS


async def _keep_open(desk: Desk, name: str, stream: AccountStream) -> None:
    pause_s = PAUSE_FIRST_S
    while True:
        reason = "it ended"
        try:
            await stream.listen(partial(desk.ears.hear, name))
        except VenueError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: without a stream the account is read in a rhythm
            _log.exception("The stream of %s failed.", name)
            reason = f"unexpected {type(error).__name__}"
        lived_s = desk.ears.lose(name, reason)
        _log.info("The stream of %s is down: %s", name, reason)
        pause_s = PAUSE_FIRST_S if lived_s >= PAUSE_MOST_S else min(2 * pause_s, PAUSE_MOST_S)
        await desk.clock.sleep(pause_s)


def _address(account: Account) -> tuple[str, str | None]:
    return account.venue, account.base_url


def _most_at_one_address(desk: Desk) -> int:
    return max(Counter(_address(account) for account in desk.accounts).values(), default=1)


def _is_short(venue: Venue) -> bool:
    # Accounts behind one address share its limit: each knows what is left for all of them.
    if not isinstance(venue, Metered):
        return False
    left = venue.reads_left()
    return left.free < left.kept


async def warm(desk: Desk) -> None:
    """Open every venue's connection, and warn of what a credential may not do; nothing waits for this.

    Then all that the process is going to hold is there, and is not looked through for garbage any more.
    """

    async def open_one(name: str, venue: Venue) -> None:
        try:
            await venue.open(deadline_s=WARM_S)
        except VenueError as error:
            _log.warning("The account %s could not be warmed up: %s", name, error)

    try:
        async with asyncio.TaskGroup() as group:
            for name, venue in desk.venues.items():
                group.create_task(open_one(name, venue))
        for warning in await check_access(desk):
            _log.warning("%s", warning)
    except Exception:  # noqa: BLE001 - a bulkhead: warming up is a courtesy and can harm nothing
        _log.exception("Warming up failed.")
    desk.right_of_way.settle()
