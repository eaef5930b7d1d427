"""Proving: `bastion venues`, and `bastion venues prove`, the one command that can open a position."""

import sys
from collections.abc import Callable
from decimal import Decimal

from bastion.app import Place
from bastion.domain.proof import Proof
from bastion.domain.venue import GENERIC_SPACE, GENERIC_VENUES, KEY_SPACE_DEFAULT, KEY_SPACES
from bastion.errors import Conflict
from bastion.proving.desk import proofs_of
from bastion.proving.prove import Plan, prove
from bastion.shape import dataclass
from bastion.surfaces.cli.answers import VenueEntry, VenuesListed
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.press import OWNER
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.daemon.claim import claimed_by
from bastion.surfaces.schemas import dumps
from bastion.triage import refused_venues, venue_hosts

PAPER = "passes the conformance suite on the paper exchange's wire of it"
GENERIC = "ccxt's unified methods, past a gate of known shapes; one-way mode only"
DAY = 10
"""The letters of a date in UTC text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveOptions:
    """What `bastion venues prove` was told."""

    account: str
    symbol: str | None
    most_usd: Decimal
    yes: bool
    json: bool


def run_venues(place: Place, *, json: bool) -> int:
    """Say which venues are supported, how far each is proven, and why the others are refused."""
    rows = (
        *(_supported(place, name) for name in (*sorted(KEY_SPACES), *GENERIC_VENUES)),
        *(
            VenueEntry(
                venue=name,
                standing="refused",
                detail=reason,
                key_spaces=(),
                default_key_space=None,
                hosts=(),
                proven_on=None,
            )
            for name, reason in sorted(refused_venues().items())
        ),
    )
    if json:
        emit(dumps(VenuesListed(venues=rows)))
        return Code.OK
    width = max(len(row.venue) for row in rows)
    for row in rows:
        standing = f"{row.standing} {row.proven_on}" if row.proven_on else row.standing
        emit(f"{row.venue:<{width}}  {standing:<15} {row.detail}")
    complain("An exit that was not tested at a venue would only look like one: the refused stay refused.")
    return Code.OK


def _supported(place: Place, name: str) -> VenueEntry:
    generic = name in GENERIC_VENUES
    proven = _best([proof for proof in proofs_of(place).read() if proof.venue == name and proof.good])
    spaces = (GENERIC_SPACE,) if generic else KEY_SPACES[name]
    detail = GENERIC if generic else PAPER
    if proven is not None:
        detail = f"{proven.symbol} opened, seen and exited FLAT by {proven.account} ({proven.host}); {detail}"
    word = "live" if proven is not None and proven.host == "live" else "demo"
    return VenueEntry(
        venue=name,
        standing=word if proven is not None else "generic" if generic else "paper",
        detail=detail,
        key_spaces=tuple(spaces),
        default_key_space=KEY_SPACE_DEFAULT.get(name, GENERIC_SPACE),
        hosts=venue_hosts(name),
        proven_on=None if proven is None else proven.at[:DAY],
    )


def _best(proofs: list[Proof]) -> Proof | None:
    # An unnamed host of one's own under the word `live` proves nothing of the venue's live host.
    worth = [proof for proof in proofs if not (proof.elsewhere and proof.host == "live")]
    return max(worth, key=lambda proof: (proof.host == "live", proof.at), default=None)


async def run_prove(place: Place, options: ProveOptions) -> int:
    """Open one smallest position, exit it, and say what was seen; the code is 0 only where it was proven.

    Raises:
        BastionError: nothing was opened; the text says why.
    """
    daemon = claimed_by(place.home)
    if daemon is not None:
        raise Conflict(f"`bastion up` runs here ({daemon}); stop it first. Nothing was opened.")
    told = await prove(
        place,
        OWNER,
        options.account,
        symbol=options.symbol,
        most_usd=options.most_usd,
        confirm=_yes if options.yes else _asked(),
    )
    if options.json:
        emit(dumps(told))
    else:
        emit(told.summary)
        emit(told.next_step)
    return Code.OK if told.success else Code.NOT_FLAT


def _yes(plan: Plan) -> bool:
    _explain(plan)
    return True


def _asked() -> Callable[[Plan], bool]:
    def ask(plan: Plan) -> bool:
        _explain(plan)
        if not sys.stdin.isatty():
            complain("Run it in a terminal, or say --yes-open-a-minimum-position.")
            return False
        complain(f"Type `{plan.phrase}` to go on:")
        return sys.stdin.readline().strip() == plan.phrase

    return ask


def _explain(plan: Plan) -> None:
    account, order = plan.account, plan.order
    where = account.base_url or f"its {account.host} host"
    complain(
        f"This OPENS a position: a market buy of {order.quantity} {order.symbol}, about "
        f"{order.notional_usd:.2f} USD, in {account.name} at {account.venue} ({where})."
    )
    complain(
        "It is then exited by the real exit, and what the venue showed is recorded. It costs fees and spread."
    )
