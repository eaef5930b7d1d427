"""OKX reads: the lists and figures of a trading account, believed only in their documented shape.

Source: www.okx.com/docs-v5/en, Get positions, Order List, Algo order list, Order details, Order history (last
7 days), Get instruments, Get limit price, Get index tickers, Pagination (the newest rows first, `after` an id
for older ones).
"""

from collections.abc import Awaitable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from bastion.domain.instrument import Instrument
from bastion.domain.order import OrderRequest, OrderState
from bastion.domain.position import Position
from bastion.errors import AnswerMalformed, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.ccxt import okx_rows as rows
from bastion.venues.ccxt.novelty import Novelty
from bastion.venues.ccxt.okx_pace import ALGOS, DETAILS, PENDING, POSITIONS, bucket
from bastion.venues.ccxt.roll import List
from bastion.venues.ccxt.venue import Part, PartRead
from bastion.venues.deadline import Deadline, together
from bastion.venues.encoders.signed import Parameters
from bastion.venues.raw import Answer, Row, believed
from bastion.venues.throttle import NS

PAGE = 100
PAGES_MAX = 100
LIMIT_PRICE_S = 0.5
ALGO_LISTS = (
    ("conditional", "oco"),
    ("trigger",),
    ("move_order_stop",),
    ("iceberg",),
    ("twap",),
    ("chase",),
)
SMART_ICEBERG = "smart_iceberg"
QUIET_S = 30.0
"""Without such an order, its list is read this often only: the others share the limit with it."""

NO_SUCH_ORDER = "51603"
WRONG_PARAMETER = "51000"


class Ask(Protocol):
    """One request that ends in an answer of success, or in a `VenueError`."""

    def __call__(
        self, method: str, params: Parameters, *, units: Mapping[str, int], deadline: Deadline
    ) -> Awaitable[Answer]:
        """Ask the venue."""
        ...


class OkxReads:
    """Reads by `ask`; what did not come whole raises `VenueError` and is not believed."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._call = ask
        self._clock = clock
        self._quiet_ns: int | None = None
        self._smart = Novelty()

    async def positions(self, deadline: Deadline) -> PartRead:
        """Return the positions of every instType, which come in one answer."""
        answer = await self._call("privateGetAccountPositions", {}, units={POSITIONS: 1}, deadline=deadline)
        listed = data_of(answer, "positions")
        found, doubt = believed(listed, rows.position)
        return PartRead(
            positions=found,
            doubt=doubt,
            digests=(answer.digest,),
            changed_ms=max((rows.changed_ms(row) for row in listed), default=None),
        )

    async def orders(self, deadline: Deadline) -> PartRead:
        """Return the working orders of everything but spot."""
        answers, found = await self._pages("privateGetTradeOrdersPending", {}, PENDING, "ordId", deadline)
        orders, doubt = believed(found, rows.open_order)
        return PartRead(orders=orders, digests=_digests(answers), doubt=doubt)

    async def algos(self, kinds: tuple[str, ...], deadline: Deadline) -> PartRead:
        """Return the pending algo orders of these ordTypes; one that the host does not know is left out."""
        method, params = "privateGetTradeOrdersAlgoPending", {"ordType": ",".join(kinds)}
        try:
            answers, found = await self._pages(method, params, ALGOS, "algoId", deadline)
        except VenueRejected as error:
            if error.code != WRONG_PARAMETER:
                raise
            if len(kinds) == 1:
                return PartRead(left_out=f"this host knows no {kinds[0]} orders ({error})")
            # A host that takes one kind at a time.
            parts = await together([self.algos((kind,), deadline) for kind in kinds])
            return PartRead(
                orders=tuple(order for part in parts for order in part.orders),
                digests=tuple(digest for part in parts for digest in part.digests),
                doubt=next((part.doubt for part in parts if part.doubt), ""),
                left_out="; ".join(part.left_out for part in parts if part.left_out),
            )
        orders, doubt = believed(found, rows.open_algo)
        return PartRead(orders=orders, digests=_digests(answers), doubt=doubt)

    def smart_part(self) -> Part:
        """Return the part of a look that lists smart iceberg orders, or says that none stood a moment ago."""
        name, since_ns = f"algo orders {SMART_ICEBERG}", self._quiet_ns
        if since_ns is not None and self._clock.monotonic_ns() - since_ns < QUIET_S * NS:
            return Part(name=f"{name} (none a moment ago)", read=_nothing)
        return Part(name=name, read=self.smart_icebergs)

    async def smart_icebergs(self, deadline: Deadline) -> PartRead:
        """Return the pending smart iceberg orders, a kind that hosts may not have yet."""
        begun_ns = self._clock.monotonic_ns()
        try:
            read = await self.algos((SMART_ICEBERG,), deadline)
        except VenueError as error:
            if not self._smart.refused(error):
                raise
            read = PartRead(left_out=f"this host knows no {SMART_ICEBERG} orders ({error})")
        else:
            self._smart.answered()
        self._quiet_ns = None if read.orders or read.doubt else begun_ns
        return read

    async def details(self, params: Mapping[str, str], deadline: Deadline) -> Row | None:
        """Return an order by its instId and ordId or clOrdId, None where the venue knows none (51603)."""
        units = {bucket(DETAILS, params["instId"]): 1}
        try:
            answer = await self._call("privateGetTradeOrder", params, units=units, deadline=deadline)
        except VenueRejected as error:
            if error.code == NO_SUCH_ORDER:
                return None
            raise
        found = data_of(answer, "order")
        return found[0] if found else None

    def list_of(self, request: OrderRequest) -> List:
        """Return the instType of the list that shows an order of ours once it has ended."""
        return (rows.kind_of(request.position.category),)

    async def ended(self, named: List, deadline: Deadline, *, count: int) -> dict[str, OrderState]:
        """Return the newest of the orders that have ended, by our client ids (Order history, 7 days).

        `count` is how many are looked for: so many pages are read as they fill, while pages come full.
        """
        method, params = "privateGetTradeOrdersHistory", {"instType": named[0], "limit": str(PAGE)}
        found: dict[str, OrderState] = {}
        for _ in range(-(-max(count, 1) // PAGE)):
            answer = await self._call(method, params, units={"history": 1}, deadline=deadline)
            listed = data_of(answer, "orders-history")
            found |= {state.client_order_id: state for state in believed(listed, rows.order_state)[0]}
            if len(listed) < PAGE or not (last := listed[-1].text_or("ordId")):
                break
            params = {**params, "after": last}
        return found

    async def mode_of_order(self, instrument: str, order_id: str, deadline: Deadline) -> str:
        """Return the margin mode that an order was sent in."""
        row = await self.details({"instId": instrument, "ordId": order_id}, deadline)
        if row is None:
            raise AnswerMalformed(f"{instrument}: an order that has executions is not known")
        return row.text("tdMode")

    async def was_triggered(self, instrument: str, order_id: str, deadline: Deadline) -> bool:
        """Return whether an order is what a waiting one became when its trigger was reached."""
        row = await self.details({"instId": instrument, "ordId": order_id}, deadline)
        return row is not None and bool(row.text_or("algoId"))

    async def price_limits(self, position: Position, deadline: Deadline) -> Mapping[str, Decimal | None]:
        """Return `buyLmt` and `sellLmt` of the instrument; empty where they do not come soon."""
        # A bound within the venue's own limits is worth a short wait; without them the order goes as it is.
        patience = Deadline(self._clock, min(LIMIT_PRICE_S, deadline.left_s))
        try:
            answer = await self._call(
                "publicGetPublicPriceLimit",
                {"instId": position.instrument},
                units={"price_limit": 1},
                deadline=patience,
            )
            found = data_of(answer, "price-limit")
        except VenueError:
            return {}
        return {name: row.positive_or_none(name) for row in found for name in ("buyLmt", "sellLmt")}

    async def index_price(self, coin: str, deadline: Deadline) -> Decimal:
        """Return the price of a coin in US dollars."""
        answer = await self._call(
            "publicGetMarketIndexTickers", {"instId": f"{coin}-USD"}, units={"index": 1}, deadline=deadline
        )
        found = data_of(answer, "index-tickers")
        if not found:
            raise AnswerMalformed(f"index-tickers: no index price of {coin[:12]}")
        return found[0].decimal("idxPx")

    async def contracts(self, kind: str, deadline: Deadline) -> list[Instrument]:
        """Return the contracts of one instType, once for each margin mode."""
        answer = await self._call(
            "publicGetPublicInstruments", {"instType": kind}, units={"instruments": 1}, deadline=deadline
        )
        found: list[Instrument] = []
        for row in data_of(answer, "instruments"):
            try:
                found.extend(rows.instrument(row, mode) for mode in (rows.CROSS, rows.ISOLATED))
            except AnswerMalformed:
                continue  # One odd contract must not hide the limits of all others.
        return found

    async def by_bill(
        self, method: str, params: Mapping[str, object], unit: str, deadline: Deadline
    ) -> list[Row]:
        """Return all rows of a list that is paged by billId."""
        return (await self._pages(method, params, unit, "billId", deadline))[1]

    async def _pages(
        self, method: str, params: Mapping[str, object], unit: str, key: str, deadline: Deadline
    ) -> tuple[list[Answer], list[Row]]:
        """Read a list by its `after` cursor until a page is not full.

        Raises:
            VenueError: a page did not come, or the cursor does not end: then no page is believed.
        """
        answers: list[Answer] = []
        found: list[Row] = []
        after, seen = "", {""}
        for _ in range(PAGES_MAX):
            asked = {**params, "limit": str(PAGE), **({"after": after} if after else {})}
            answer = await self._call(method, asked, units={unit: 1}, deadline=deadline)
            page = data_of(answer, method)
            answers.append(answer)
            found.extend(page)
            if len(page) < PAGE:
                return answers, found
            after = page[-1].text(key)
            if after in seen:
                raise AnswerMalformed(f"{method}: the cursor {after[:40]!r} came twice")
            seen.add(after)
        raise AnswerMalformed(f"{method}: more than {PAGES_MAX} pages")


def data_of(answer: Answer, where: str) -> tuple[Row, ...]:
    """Return the rows of an answer; raises `AnswerMalformed` where there is no list of them."""
    return Row(answer.value, where).rows("data")


def _digests(answers: Sequence[Answer]) -> tuple[str, ...]:
    return tuple(answer.digest for answer in answers)


async def _nothing(_deadline: Deadline) -> PartRead:
    return PartRead()
