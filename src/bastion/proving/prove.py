"""Prove: open a smallest position at an account's host, exit it by the real exit, record what was seen."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from bastion.app import Place
from bastion.commands import Desk, emergency_exit
from bastion.commands.positions import moment
from bastion.domain.account import Account
from bastion.domain.look import Look
from bastion.domain.naming import pair_form
from bastion.domain.principal import Principal
from bastion.domain.proof import Proof
from bastion.domain.selection import Selection
from bastion.domain.symbol import pair
from bastion.errors import (
    ConfirmationRequired,
    Conflict,
    OutcomeUnknown,
    Refused,
    VenueError,
    VenueRejected,
    VenueUnreachable,
)
from bastion.proving.desk import open_proving_desk, proofs_of
from bastion.proving.opener import Opener, Smallest
from bastion.shape import dataclass

MOST_USD_DEFAULT = Decimal(250)
MOST_USD_MAX = Decimal(1_000)
"""No word on the command line opens more than this."""
LOOK_S = 20.0
SEEN_TRIES = 20
SEEN_GAP_S = 0.5
EXIT_S = Decimal(60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be opened, for the person who confirms it."""

    account: Account
    order: Smallest

    @property
    def phrase(self) -> str:
        """What must be typed."""
        return f"open {self.account.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofReport:
    """What came of it. `success` means: the position was seen, and the exit of it ended FLAT."""

    summary: str
    success: bool
    account: str
    exchange: str
    key_space: str
    host: str
    symbol: str
    quantity: Decimal
    notional_usd: Decimal
    position_seen: bool
    verdict: str
    exit_id: str
    at: str
    next_step: str


async def prove(
    place: Place,
    principal: Principal,
    name: str,
    *,
    symbol: str | None,
    most_usd: Decimal,
    confirm: Callable[[Plan], bool],
) -> ProofReport:
    """Open ONE smallest position in that account, exit it, and record what was seen.

    It opens nothing unless: the account's configuration says `prove = true`; the account could be read as a
    whole, and has neither a position nor an order in that contract; the smallest size is worth at most
    `most_usd` (and `MOST_USD_MAX`); and `confirm` returned True. Whatever the opening order came to, the exit
    of that contract follows. The run has a journal and a latch of its own, below the state directory.

    Raises:
        Refused: one of these does not hold; nothing was opened.
        ConfirmationRequired: it was not confirmed; nothing was opened.
        VenueError: the venue did not answer before anything was opened.
    """
    if not 0 < most_usd <= MOST_USD_MAX:
        raise Refused(f"A proof may open at most {MOST_USD_MAX} USD. Nothing was opened.")
    wanted = None if symbol is None else pair_form(symbol)
    async with open_proving_desk(place, name) as (desk, fields):
        account = desk.accounts[0]
        opener = Opener(account, fields, clock=desk.clock)
        try:
            order = await opener.smallest(wanted)
            if order.notional_usd > most_usd:
                raise Refused(
                    f"The smallest position of {order.symbol} is worth {order.notional_usd:.2f} USD, more "
                    f"than {most_usd}. Name another contract, or a higher bound. Nothing was opened."
                )
            _untouched(await desk.venues[name].look(deadline_s=LOOK_S), order)
            if not confirm(Plan(account=account, order=order)):
                raise ConfirmationRequired("It was not confirmed. Nothing was opened.")
            # A person took their time: what was true before may not be true any more.
            _untouched(await desk.venues[name].look(deadline_s=LOOK_S), order)
            begun = Proof(
                at=moment(desk.clock.now_ns() // 1_000_000),
                account=name,
                venue=account.venue,
                key_space=account.key_space,
                host=account.host,
                symbol=order.symbol,
                quantity=order.quantity,
                notional_usd=order.notional_usd,
                elsewhere=account.base_url is not None,
            )
            proofs_of(place).add(begun)
            ended = await _run(desk, principal, opener, order, begun)
            proofs_of(place).add(ended)
        finally:
            await opener.close()
    return _report(ended)


def _untouched(look: Look, order: Smallest) -> None:
    if look.unread:
        raise Conflict(
            f"The account could not be read as a whole ({look.unread[0].part}: {look.unread[0].reason}). "
            "Nothing was opened."
        )
    held = any(pair(item.symbol) == order.symbol for item in look.positions)
    working = any(
        order.symbol in {pair(item.instrument), pair(item.instrument + item.settle)} for item in look.orders
    )
    if held or working:
        what = "a position" if held else "an order"
        raise Conflict(
            f"The account has {what} in {order.symbol}; a proof would touch it. Name a contract in which it "
            "has none. Nothing was opened."
        )


async def _run(desk: Desk, principal: Principal, opener: Opener, order: Smallest, begun: Proof) -> Proof:
    note = ""
    try:
        await opener.open(order)
    except (VenueRejected, VenueUnreachable) as error:
        # The venue said no, or nothing left; the exit looks all the same, as its word may be wrong.
        note = f"the opening order came to nothing: {error}"
    except VenueError as error:
        note = f"what the opening order came to is not known: {error}"
        if not isinstance(error, OutcomeUnknown):
            note = f"the opening order: {error}"
    seen = await _shown(desk, begun.account, order, tries=1 if note else SEEN_TRIES)
    report = await emergency_exit(
        desk,
        principal,
        selection=Selection(accounts=frozenset({begun.account}), symbols=frozenset({order.symbol})),
        reason="bastion venues prove",
        deadline_s=EXIT_S,
        hold_s=Decimal(0),
    )
    verdict = "" if report.verdict is None else str(report.verdict)
    return replace(begun, seen=seen, verdict=verdict, exit_id=report.exit_id, note=note)


async def _shown(desk: Desk, name: str, order: Smallest, *, tries: int) -> bool:
    for attempt in range(tries):
        look = await desk.venues[name].look(deadline_s=LOOK_S)
        if any(pair(item.symbol) == order.symbol for item in look.positions):
            return True
        if attempt + 1 < tries:
            await desk.clock.sleep(SEEN_GAP_S)
    return False


def _report(proof: Proof) -> ProofReport:
    where = f"{proof.venue} {proof.host}{' (another base_url)' if proof.elsewhere else ''}"
    what = f"{proof.quantity} {proof.symbol} at {where}"
    if proof.good:
        summary = f"Proven: {what} was opened, seen, exited, and the account read FLAT."
        next_step = "`bastion venues` shows it."
    elif proof.verdict == "FLAT":
        summary = f"Not proven: {what} was never seen; the exit reads FLAT. {proof.note}".strip()
        next_step = "Nothing is open. Look at the venue's own page for the reason."
    else:
        summary = (
            f"NOT PROVEN, AND PERHAPS OPEN: {what}; the exit ended {proof.verdict or 'without a verdict'}."
        )
        next_step = (
            f"Run `bastion exit --account {proof.account} --symbol {proof.symbol}`, or close it there."
        )
    return ProofReport(
        summary=summary,
        success=proof.good,
        account=proof.account,
        exchange=proof.venue,
        key_space=proof.key_space,
        host=proof.host,
        symbol=proof.symbol,
        quantity=proof.quantity,
        notional_usd=proof.notional_usd,
        position_seen=proof.seen,
        verdict=proof.verdict,
        exit_id=proof.exit_id,
        at=proof.at,
        next_step=next_step,
    )
