"""Hyperliquid dexes: the validators' own and every builder-deployed one, and their contracts.

Source: Hyperliquid docs, "Perpetuals" (perpDexs: null for the first, then the builders' in the order that
numbers their assets; metaAndAssetCtxs of one dex), "Asset IDs", "Spot" (spotMeta names the tokens that a dex
can settle in).
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt import hyperliquid_rows as rows
from bastion.venues.ccxt.hyperliquid_probes import was_not_sent
from bastion.venues.ccxt.shelf import Instruments, Shelf, by_key
from bastion.venues.ccxt.venue import PartRead
from bastion.venues.deadline import Deadline, together, within
from bastion.venues.raw import Answer, Row, read_rows
from bastion.venues.throttle import NS

FRESH_S, OLD_S = 60.0, 600.0
BUILDER_BASE, BUILDER_STEP = 100_000, 10_000
SETTLED_AGAIN_S = 10.0
_LIST = "perp dexes"
CONTRACTS = "contracts"
"""The turn in which contracts are asked for."""

Ask = Callable[[Mapping[str, object], Deadline], Awaitable[Answer]]


class Dexes:
    """The list of dexes, read anew every minute; `error` says why it is not known well enough.

    It is kept on the shelf, so that accounts and commands of the same minute do not each ask for it.
    """

    def __init__(self, ask: Ask, clock: Clock, shelf: Shelf) -> None:
        self._ask = ask
        self._clock = clock
        self._shelf = shelf
        self._read_ns: int | None = None
        self._patience = shelf.patience(_LIST)
        self._failure: VenueError | None = None
        self._tokens: Mapping[int, str] = {0: rows.USDC}
        self.names: tuple[str, ...] = ("",)
        self.error: VenueError | None = None

    async def refresh(self, deadline: Deadline) -> None:
        """Read the list where it is older than a minute; a list of ten minutes still counts if that fails."""
        if self._read_ns is None:
            self._remember()
        try:
            async with within(deadline), self._shelf.turn(_LIST):
                if not self._younger_than(FRESH_S):
                    self._remember()
                if not self._younger_than(FRESH_S) and self._patience.wait_s == 0:
                    await self._read(deadline)
        except VenueError as error:
            self._failure = error
        self.error = None if self._younger_than(OLD_S) else self._failure

    async def _read(self, deadline: Deadline) -> None:
        begun_ns = self._clock.monotonic_ns()
        # Counted as failed until it came: who gives up before the answer is there must not ask again at once.
        self._patience.failed()
        try:
            self.names = _names((await self._ask({"type": "perpDexs"}, deadline)).value)
        except VenueError as error:
            if was_not_sent(error):
                self._patience.unasked()
            raise
        self._read_ns, self._failure = begun_ns, None
        self._patience.answered()
        self._shelf.note(_LIST, json.dumps(self.names))

    def _remember(self) -> None:
        kept = self._shelf.noted(_LIST, within_ms=int(FRESH_S * 1000))
        if kept is None:
            return
        try:
            names = json.loads(kept[0])
        except ValueError:
            return
        if isinstance(names, list) and names[:1] == [""] and all(isinstance(name, str) for name in names):
            self.names = tuple(names)
            self._read_ns = self._clock.monotonic_ns() - kept[1] * 1_000_000

    @property
    def is_one(self) -> bool:
        """Whether the venue is known to have the first dex alone."""
        return self._younger_than(OLD_S) and self.names == ("",)

    def _younger_than(self, seconds: float) -> bool:
        return self._read_ns is not None and self._clock.monotonic_ns() - self._read_ns < seconds * NS

    async def unread(self, _deadline: Deadline) -> PartRead:
        """Stand in for the list that could not be read.

        Raises:
            VenueError: why it could not be read.
        """
        if self.error is not None:
            raise self.error
        return PartRead()

    async def contracts(self, dex: str, deadline: Deadline) -> Sequence[Instrument]:
        """Return the contracts of one dex; an odd one is left out, so that it cannot hide the others.

        Raises:
            VenueError: the venue did not give them, or the dex is not known.
        """
        if dex not in self.names:
            await self.refresh(deadline)
        if dex not in self.names:
            raise self.error or AnswerMalformed(f"the venue lists no dex {dex[:20]!r}")
        asked_ns = self._clock.monotonic_ns()
        answer = await self._ask({"type": "metaAndAssetCtxs", "dex": dex}, deadline)
        value = answer.value
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
            raise AnswerMalformed("metaAndAssetCtxs: a pair was expected")
        meta, contexts = Row(value[0], "meta"), read_rows(value[1], "contexts")
        with suppress(AnswerMalformed):
            _note_settled(self._shelf, dex, meta, asked_ns)
        settle = await self._settle(meta, deadline)
        place = self.names.index(dex)
        base = BUILDER_BASE + BUILDER_STEP * place if place else 0
        found: list[Instrument] = []
        for index, row in enumerate(meta.rows("universe")):
            mark = contexts[index].positive_or_none("markPx") if index < len(contexts) else None
            contract = _contract(row, mark, base + index, settle)
            if contract is not None:
                found.append(contract)
        self._shelf.learnt |= by_key(found)
        return found

    async def _settle(self, meta: Row, deadline: Deadline) -> str:
        number = meta.integer("collateralToken") if "collateralToken" in meta else 0
        if number not in self._tokens:
            tokens = Row((await self._ask({"type": "spotMeta"}, deadline)).value, "spotMeta").rows("tokens")
            self._tokens = {row.integer("index"): row.text("name") for row in tokens}
        return self._tokens.get(number, rows.USDC)


class Settled:
    """Which coins the venue has delisted: their positions were settled, without an execution of anybody's.

    Source: Hyperliquid docs, "Delisting" (all positions are settled and open orders are cancelled),
    "Perpetuals" (isDelisted in the universe of metaAndAssetCtxs). Only that word counts: a coin that a list
    lacks may be lacking by a fault. It is on the shelf, so that the accounts of a host ask once for all, and
    not at all where contracts have just been read.
    """

    def __init__(self, ask: Ask, clock: Clock, shelf: Shelf) -> None:
        self._ask = ask
        self._clock = clock
        self._shelf = shelf

    async def has(self, coin: str, deadline: Deadline) -> bool:
        """Return whether the venue says so, as it was at most 10 s ago; what cannot be read says nothing."""
        dex = rows.dex_of(coin)
        try:
            async with within(deadline), self._shelf.turn(f"settled {dex}"):
                asked_ns, gone = self._shelf.settled.get(dex, (None, frozenset()))
                now_ns = self._clock.monotonic_ns()
                if coin not in gone and (asked_ns is None or now_ns - asked_ns >= SETTLED_AGAIN_S * NS):
                    self._shelf.settled[dex] = (now_ns, gone)
                    value = (await self._ask({"type": "metaAndAssetCtxs", "dex": dex}, deadline)).value
                    meta = Row(value[0] if isinstance(value, list) and value else None, "meta")
                    _note_settled(self._shelf, dex, meta, now_ns)
        except VenueError:
            return False
        return coin in self._shelf.settled[dex][1]


class Contracts:
    """One contract at a time, for an order that cannot wait for the list of all."""

    def __init__(self, dexes: Dexes, clock: Clock, shelf: Shelf) -> None:
        self._dexes = dexes
        self._clock = clock
        self._shelf = shelf
        self._patience = shelf.patience(CONTRACTS)
        self._known: dict[str, Instrument] = {}
        self._any = False
        self.doubted = False

    def doubt(self) -> None:
        """The venue refused a price or size that our figures allow: read them anew, and believe no file."""
        self._known.clear()
        self.doubted = True

    @property
    def any_known(self) -> bool:
        """Whether contracts of some dex are known, here, to an account beside this one, or on disk."""
        if not self._any:
            self._any = bool(self._known or self._shelf.learnt) or self._shelf.load() is not None
        return self._any

    async def find(self, coin: str, deadline: Deadline) -> Instrument:
        """Return a contract with its number: from memory, from the disk, or from its dex.

        A number never changes, so an old file is as good as the venue's word, and cannot hang.

        Raises:
            VenueRejected: MODE: the venue lists no such coin.
            VenueError: the venue did not say.
        """
        # One asks for all contracts of a dex, however many orders wait for it.
        async with within(deadline), self._shelf.turn(CONTRACTS):
            if coin not in self._known and not self.doubted:
                kept = self._shelf.load()
                self._learn((kept[0] if kept is not None else self._shelf.learnt).values())
            if coin not in self._known:
                found = await self._read([rows.dex_of(coin)], deadline)
                self._learn(found)
                if self._dexes.is_one and not self.doubted:
                    # They are all that there are, and the accounts beside this one want them too.
                    self._shelf.save(by_key(found))
        if coin not in self._known:
            raise VenueRejected(f"the venue lists no {coin}", fault=Fault.MODE, code="Asset")
        return self._known[coin]

    async def all(self, deadline: Deadline) -> Instruments:
        """Return the contracts of all dexes, or what an account beside this one has just read of them.

        Raises:
            VenueError: the venue did not give them all.
        """
        async with within(deadline), self._shelf.turn(CONTRACTS):
            kept = self._shelf.load()
            if kept is not None and kept[1]:
                return kept[0]
            return by_key(await self._read(self._dexes.names, deadline))

    async def _read(self, dexes: Sequence[str], deadline: Deadline) -> Sequence[Instrument]:
        await self._clock.sleep(self._patience.wait_s)
        # Counted as failed until it came: who gives up before the answer is there must not ask again at once.
        self._patience.failed()
        try:
            lists = await together([self._dexes.contracts(dex, deadline) for dex in dexes])
        except VenueError as error:
            if was_not_sent(error):
                self._patience.unasked()
            raise
        self._patience.answered()
        return [item for found in lists for item in found]

    def _learn(self, contracts: Iterable[Instrument]) -> None:
        self._known |= {item.id: item for item in contracts if item.number is not None}


def _note_settled(shelf: Shelf, dex: str, meta: Row, asked_ns: int) -> None:
    # What is settled stays so.
    listed = [row for row in meta.rows("universe") if "isDelisted" in row and row.flag("isDelisted")]
    known = shelf.settled.get(dex, (0, frozenset()))[1]
    shelf.settled[dex] = (asked_ns, known | {row.text("name") for row in listed})


def _names(listed: object) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed or listed[0] is not None:
        raise AnswerMalformed("perpDexs: a list that begins with null was expected")
    return ("", *(Row(item, "perpDexs").text("name") for item in listed[1:]))


def _contract(row: Row, mark: Decimal | None, number: int, settle: str) -> Instrument | None:
    try:
        return rows.instrument(row, mark, number, settle)
    except AnswerMalformed:
        return None
