"""Witness: what another page of a venue says is held, which an empty list of positions must not contradict.

One list that comes empty by the venue's own fault looks like an account with nothing in it, and comes empty
again a moment later. A page that the venue keeps apart is therefore asked in the same look, beside the
lists; it can make a look prove less, never more.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bastion.domain.money import ZERO
from bastion.shape import dataclass
from bastion.venues.raw import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What another page says is held: `words` tell it, `parts` name the lists that could show it."""

    words: str
    parts: frozenset[str]


def margin_claim(amount: Decimal | None, coin: str, parts: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claim that a position margin makes; none where it is zero or not told.

    No venue documents a residue of a margin without a position, so that any other figure counts.
    """
    if amount is None or amount == ZERO:
        return ()
    words = f"the account's position margin is {plain(amount)} {coin[:12]}"
    return (Claim(words=words, parts=frozenset(parts)),)


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
    return (Claim(words=words, parts=frozenset(parts)),)


def doubts(claims: Iterable[Claim], shown: Mapping[str, int | None]) -> Mapping[str, str]:
    """Return why lists are not believed, by their names.

    `shown` is how many positions each list showed, None for one that could not be read. A claim contradicts
    the lists only where all of them that can show it were read and came empty: what they do show may be what
    it speaks of, and so may what was not read.
    """
    found: dict[str, str] = {}
    for claim in claims:
        names = sorted(claim.parts & shown.keys())
        if all(shown[name] == 0 for name in names):
            for name in names:
                found.setdefault(name, f"the position list is empty, but {claim.words}")
    return found
