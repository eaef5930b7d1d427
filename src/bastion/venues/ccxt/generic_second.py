"""Generic second source: what an exchange without an adapter tells of positions beside their list.

ccxt has no page of its own for that. Of some exchanges the unified balance tells, as `used`, the margin that
positions and orders bind, and nothing else; which they are stands in `generic_quirks`.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bastion.domain.money import ZERO
from bastion.domain.position import Position, size_held
from bastion.errors import AnswerMalformed, VenueError
from bastion.venues.ccxt.generic_markets import number
from bastion.venues.ccxt.generic_profile import Profile
from bastion.venues.ccxt.generic_quirks import MARGIN_IN_USE
from bastion.venues.ccxt.generic_wire import Reply, UnifiedWire
from bastion.venues.ccxt.shelf import Instruments
from bastion.venues.ccxt.venue import CcxtVenue, Part, PartRead
from bastion.venues.ccxt.witness import MARGIN_SLACK, Claim
from bastion.venues.deadline import Deadline
from bastion.venues.raw import STABLECOINS, believed, plain

BALANCE_WAIT_S = 4.0
"""How long an empty look waits for nothing but the balance: ccxt paces it behind the lists of orders."""
UNWITNESSED = (
    "no other page of this exchange is known to tell whether a position is held, so that its empty list was "
    "believed as it came"
)


class GenericSecond(CcxtVenue):
    """The part of the generic path that does not rest on the list of positions."""

    WITNESS_LAST = True

    _wire: UnifiedWire
    _profile: Profile

    async def second_source(self, position: Position, *, deadline_s: float) -> Decimal:
        """Return the size by the list of that one contract, asked for alone.

        Where that shows none, by `fetchPosition`: another page of some exchanges, the same one of others, it
        can only say that something is held after all.
        """
        deadline = Deadline(self._clock, deadline_s)
        await self._markets(deadline)
        reply = await self._unified("fetch_positions", [position.instrument], {}, deadline=deadline)
        found, doubt = believed(reply.rows("positions"), self._position)
        held = size_held(position, found)
        if held <= ZERO and doubt:
            raise AnswerMalformed(doubt)
        return held or await self._alone(position, deadline)

    async def _alone(self, position: Position, deadline: Deadline) -> Decimal:
        if self._wire.client().has.get("fetchPosition") is not True:
            return ZERO
        try:
            reply = await self._unified("fetch_position", position.instrument, {}, deadline=deadline)
            row = reply.value
            found = self._position(row) if isinstance(row, dict) and row.get("symbol") else None
        except VenueError:
            return ZERO
        return ZERO if found is None else size_held(position, [found])

    async def _claims(self, deadline: Deadline) -> Sequence[Claim]:
        if self._profile.exchange not in MARGIN_IN_USE:
            return ()
        limit = Deadline(self._clock, min(BALANCE_WAIT_S, deadline.left_s))
        reply = await self._unified("fetch_balance", {}, deadline=limit)
        return used_claims(reply.value, [name for part in self._parts() if _lists(name := part.name)])

    def _weighed(
        self, parts: Sequence[Part], answers: list[PartRead | VenueError], claims: Sequence[Claim]
    ) -> list[PartRead | VenueError]:
        if any(isinstance(answer, PartRead) and answer.orders for answer in answers):
            claims = ()  # What is in use may be what they need.
        found = super()._weighed(parts, answers, claims)
        return found if self._profile.exchange in MARGIN_IN_USE else told(parts, found)

    # What the generic path knows.

    @abstractmethod
    async def _markets(self, deadline: Deadline) -> Instruments: ...

    @abstractmethod
    async def _unified(
        self, method: str, *args: object, deadline: Deadline, mutating: bool = False
    ) -> Reply: ...

    @abstractmethod
    def _position(self, row: Mapping[str, Any]) -> Position | None: ...


def used_claims(balance: object, parts: Iterable[str]) -> tuple[Claim, ...]:
    """Return what a unified balance says against empty lists of positions: each coin of which some is used.

    Raises:
        AnswerMalformed: it is no unified balance.
    """
    used = balance.get("used") if isinstance(balance, Mapping) else None
    if not isinstance(used, Mapping):
        raise AnswerMalformed("balance: ccxt gives no used amounts")
    names, found = frozenset(parts), []
    for coin, amount in sorted(used.items()):
        bound = number(amount) or ZERO
        if bound > (MARGIN_SLACK if coin in STABLECOINS else ZERO):
            words = f"the balance has {plain(bound)} {str(coin)[:12]} in use, which no listed order explains"
            found.append(Claim(words=words, parts=names, coin=str(coin), margin=bound))
    return tuple(found)


def told(parts: Sequence[Part], answers: Sequence[PartRead | VenueError]) -> list[PartRead | VenueError]:
    """Return the answers, where no list shows a position with the note that nothing else speaks for that."""
    found = list(answers)
    lists = [place for place, part in enumerate(parts) if _lists(part.name)]
    read = [answer for place in lists if isinstance(answer := found[place], PartRead)]
    if len(read) == len(lists) and not any(answer.positions or answer.doubt for answer in read):
        found[lists[0]] = replace(read[0], notes=(*read[0].notes, UNWITNESSED))
    return found


def _lists(part: str) -> bool:
    return part.startswith("positions")
