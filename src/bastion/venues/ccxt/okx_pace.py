"""OKX pace: the published limits, all in windows of two seconds.

Source: www.okx.com/docs-v5/en, the "Rate Limit" line of each endpoint: orders and cancels count by user and
instrument, lists by user, public endpoints by address; at most 1000 new orders a sub-account (50061). No
header tells what is left; a refusal (50011, HTTP 429) says only that it was too much.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bastion.ports import Clock
from bastion.venues.ccxt.faults import BANNED, Refusal
from bastion.venues.raw import Answer
from bastion.venues.throttle import Bucket, Limit, Throttle

WINDOW_S = 2.0
PAUSE_S = 1.0
BAN_WITHOUT_HEADER_S = 10.0
"""The venue documents no ban of an address; what stands in front of it may refuse one request so."""
BLOCK_MAX_S = 10.0

ORDER, BATCH, DETAILS, CLOSE, CANCEL, CANCEL_BATCH, CANCEL_ALGOS = (
    "order",
    "batch",
    "details",
    "close",
    "cancel",
    "cancel_batch",
    "cancel_algos",
)
BY_INSTRUMENT: Mapping[str, int] = {
    ORDER: 60,
    BATCH: 300,
    DETAILS: 60,
    CLOSE: 20,
    CANCEL: 60,
    CANCEL_BATCH: 300,
    CANCEL_ALGOS: 20,
}
ORDERS, POSITIONS, PENDING, ALGOS, FILLS = "orders", "positions", "pending", "algos", "fills"
ACCOUNT_LIMITS = tuple(
    Limit(name=name, capacity=capacity, window_s=WINDOW_S)
    for name, capacity in (
        (ORDERS, 1000),
        (POSITIONS, 10),
        (PENDING, 60),
        (ALGOS, 20),
        (FILLS, 60),
        ("fills_history", 10),
        ("history", 40),
        ("risk", 10),
        ("config", 5),
        ("balance", 10),
        ("trade_fee", 5),
    )
)
ADDRESS_LIMITS = tuple(
    Limit(name=name, capacity=capacity, window_s=WINDOW_S)
    for name, capacity in (
        ("time", 10),
        ("instruments", 20),
        ("price_limit", 20),
        ("index", 20),
        ("books", 40),
    )
)


class InstrumentThrottle(Throttle):
    """A throttle that has a bucket for each instrument as well, made when it is first asked for.

    Its name is the limit's and the instrument's, as `bucket` makes it.
    """

    def __init__(self, clock: Clock, *, shared: Throttle) -> None:
        super().__init__(clock, ACCOUNT_LIMITS, shared=shared)
        self._limits_of = clock
        self._lots: dict[str, Bucket] = {}

    def __getitem__(self, name: str) -> Bucket:
        """Return a bucket by name."""
        limit, _, instrument = name.partition(" ")
        if not instrument:
            return super().__getitem__(name)
        if name not in self._lots:
            wanted = Limit(name=name, capacity=BY_INSTRUMENT[limit], window_s=WINDOW_S)
            self._lots[name] = Bucket(wanted, self._limits_of)
        return self._lots[name]


def bucket(limit: str, instrument: str) -> str:
    """Return the name of an instrument's bucket."""
    return f"{limit} {instrument}"


def units_of(limit: str, instruments: Iterable[str]) -> dict[str, int]:
    """Return the units of a batch, one for each order of an instrument, in an order that never deadlocks."""
    units: dict[str, int] = {}
    for instrument in sorted(instruments):
        name = bucket(limit, instrument)
        units[name] = units.get(name, 0) + 1
    return units


def slow_down(throttle: Throttle, refusal: Refusal, answer: Answer, units: Mapping[str, int]) -> Refusal:
    """Hold back what the refusal asks us to hold back; return it with the wait that it means."""
    if answer.status in BANNED:
        pause = refusal.retry_after_s or BAN_WITHOUT_HEADER_S
        throttle.silence(pause)
        return replace(refusal, retry_after_s=pause)
    if refusal.retry_after_s:
        pause = min(BLOCK_MAX_S, refusal.retry_after_s)
        for name in units:
            throttle[name].block(pause)
        return replace(refusal, retry_after_s=pause)
    # Others of the user or the address spent what we did not: another process of this machine, for one.
    pauses = [throttle[name].exhausted(PAUSE_S) for name in units]
    return replace(refusal, retry_after_s=max(pauses, default=PAUSE_S))
