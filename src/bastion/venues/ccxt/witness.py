"""Witness: what another page of a venue says is held, which lists that show little must not contradict.

One list that comes empty by the venue's own fault looks like an account with nothing in it, and comes empty
again a moment later; one that trails, and shows nothing but dust, looks like an account with nothing else. A
page that the venue keeps apart is therefore asked in the same look, beside the lists; it can make a look
prove less, never more.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO
from bastion.domain.position import Position
from bastion.errors import VenueError
from bastion.shape import dataclass
from bastion.venues.raw import STABLECOINS, plain

SCANT_USD = Decimal(10)
"""Below this worth, the desk's rules may take a position for dust that no order can close."""
MARGIN_FACTOR = 2
"""A margin may be so many times what the listed positions bind: the two pages reckon at different moments."""
MARGIN_SLACK = Decimal("0.01")
"""In stablecoins; what rounding may add to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What another page says is held: `words` tell it, `parts` name the lists that could show it.

    `size` of `instrument`, or a `margin` in `coin`, say how much; where neither is told, anything that a list
    shows may be what is meant. `base` is the coin that the contracts meant are settled in, where that tells
    them from others of the same list. `limited`: the page was not asked, for want of what the venue's limits
    leave.
    """

    words: str
    parts: frozenset[str]
    instrument: str = ""
    size: Decimal = ZERO
    coin: str = ""
    margin: Decimal = ZERO
    base: str = ""
    limited: bool = False


class Spoken:
    """What a witness said last against lists that showed nothing to close."""

    def __init__(self) -> None:
        self._claims: Sequence[Claim] = ()

    def told(self, heard: Sequence[Claim] | VenueError | None, *, shown: bool) -> Sequence[Claim]:
        """Return what counts in a look in which `heard` came, or nothing in time.

        A witness that is late, fails or is odd makes no exit worse: the lists stand as they came. But what it
        said stands until it answers again, or until they show something to close (`shown`).
        """
        if shown:
            self._claims = ()
        elif heard is not None and not isinstance(heard, VenueError):
            self._claims = heard
        return self._claims


def margin_claim(
    amount: Decimal | None, coin: str, parts: Iterable[str], *, base: str = ""
) -> tuple[Claim, ...]:
    """Return the claim that a position margin makes; none where it is zero or not told.

    No venue documents a residue of a margin without a position, so that any other figure counts.
    """
    if amount is None or amount == ZERO:
        return ()
    words = f"the account's position margin is {plain(amount)} {coin[:12]}"
    return (Claim(words=words, parts=frozenset(parts), coin=coin, margin=amount, base=base),)


def profit_claim(amount: Decimal | None, coin: str, parts: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claim that an unrealised profit or loss makes; none where it is zero or not told."""
    if amount is None or amount == ZERO:
        return ()
    words = f"the account's unrealised PnL is {plain(amount)} {coin[:12]}"
    return (Claim(words=words, parts=frozenset(parts)),)


def size_claim(size: Decimal | None, instrument: str, parts: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claim that a position named elsewhere makes; none where its size is zero or not told."""
    if size is None or size == ZERO:
        return ()
    words = f"the account's own page names {plain(size)} {instrument[:40]}"
    return (Claim(words=words, parts=frozenset(parts), instrument=instrument, size=abs(size)),)


def scant(positions: Iterable[Position], known: Mapping[tuple[str, str], Instrument]) -> bool:
    """Return whether nothing of this must be closed: lists like that can prove flat, and need a witness.

    That is what is too small for its contract, is worth less than `SCANT_USD`, or is none of ours to close.
    """
    return all(
        not position.closable
        or (position.notional_usd is not None and position.notional_usd < SCANT_USD)
        or _is_small(position, known.get((position.category, position.instrument)))
        for position in positions
    )


def doubts(
    claims: Sequence[Claim],
    shown: Mapping[str, Sequence[Position] | None],
    known: Mapping[tuple[str, str], Instrument],
) -> Mapping[str, str]:
    """Return why lists are not believed, by their names.

    `shown` are the positions of each list, None for one that could not be read. A claim contradicts the lists
    only where all of them that can show it were read, show nothing that must be closed, and less than it:
    else what they do show may be what it speaks of, and so may what was not read.
    """
    sizes: dict[str, Decimal] = {}
    for claim in claims:
        sizes[claim.instrument] = sizes.get(claim.instrument, ZERO) + claim.size
    found: dict[str, str] = {}
    for claim in claims:
        names = sorted(claim.parts & shown.keys())
        lists = [shown[name] for name in names]
        listed = [position for rows in lists for position in rows or ()]
        if any(rows is None for rows in lists) or not scant(listed, known):
            continue
        if _may_be_shown(claim, sizes[claim.instrument], listed):
            continue
        told = "shows nothing but what is small" if listed else "is empty"
        for name in names:
            found.setdefault(name, f"the position list {told}, but {claim.words}")
    return found


def _is_small(position: Position, instrument: Instrument | None) -> bool:
    if instrument is None:
        return False
    return position.quantity < max(instrument.quantity_min, instrument.quantity_step)


def _may_be_shown(claim: Claim, size: Decimal, listed: Sequence[Position]) -> bool:
    if not listed:
        return False
    if claim.instrument:
        same = (position.quantity for position in listed if position.instrument == claim.instrument)
        return sum(same, ZERO) >= size
    if claim.base:
        return any(position.instrument.startswith(claim.base) for position in listed)
    margins = [position.margin_usd for position in listed]
    known = [margin for margin in margins if margin is not None]
    if claim.coin not in STABLECOINS or len(known) < len(margins):
        return True
    return abs(claim.margin) <= sum(known, ZERO) * MARGIN_FACTOR + MARGIN_SLACK
