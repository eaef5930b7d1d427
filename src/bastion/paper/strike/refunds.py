"""Refunds: the emergency exit and the operator's market void. Both give original margins back in full."""

from typing import Final

from bastion.paper.strike.commands import EmergencyExit, Idempotency, VoidMarket
from bastion.paper.strike.draft import StoredAnswer
from bastion.paper.strike.gates import ExitFacts, check_exit
from bastion.paper.strike.ledger import INSURANCE, TREASURY, Code, Kind, account_id
from bastion.paper.strike.position import Position
from bastion.paper.strike.results import Exited, Reason, Refused, Voided, exit_body
from bastion.paper.strike.settings import DAY_US
from bastion.paper.strike.trading import find_open, is_stale
from bastion.paper.strike.treasury import forgiven_loss
from bastion.paper.strike.work import Work

ROUTE: Final = "/emergency-exit"

_EXIT: Final = Code.EXIT
_AVAILABLE: Final = Kind.AVAILABLE
_RESERVED_BESIDE: Final = Kind.RESERVED - Kind.AVAILABLE


def emergency_exit(work: Work, command: EmergencyExit) -> Exited | Refused:
    """Move the whole original margin from reserved to available, and nothing else."""
    idempotency = command.idempotency
    if idempotency is not None:
        earlier = _earlier_answer(work, command.wallets, idempotency)
        if earlier is not None:
            return earlier
    position = find_open(work, command.wallets, command.position_id)
    if isinstance(position, Refused):
        return position
    forgiven = forgiven_loss(position, work.image.markets[position.symbol].mark)
    if work.gated:
        gates = work.settings.gates
        refusal = check_exit(gates, _facts(work, position, forgiven))
        if refusal is not None:
            return refusal
    event_id = work.begin()
    _refund(work, position, forgiven)
    wallet, margin = position.wallet, position.margin
    if idempotency is not None:
        work.remember(
            StoredAnswer(
                wallet,
                ROUTE,
                idempotency.key,
                idempotency.request_hash,
                exit_body(margin),
                event_id,
                position.id,
                work.now_us,
            )
        )
    if work.gated and work.settings.gates.insurance:
        _cover(work, position, forgiven)
    return tuple.__new__(Exited, (event_id, position.id, wallet, margin, False, b""))


def _earlier_answer(work: Work, wallets: tuple[str, ...], asked: Idempotency) -> Exited | Refused | None:
    for wallet in wallets:
        stored = work.image.answers.get((wallet, ROUTE, asked.key))
        if stored is None:
            continue
        if stored.request_hash != asked.request_hash:
            return Refused(
                reason=Reason.IDEMPOTENCY_CONFLICT,
                message="This Idempotency-Key was used for another request; send a new key",
            )
        return Exited(
            event_id=stored.event_id,
            position_id=stored.position_id,
            wallet=stored.wallet,
            refunded=work.image.positions[stored.position_id].margin,
            replayed=True,
            stored=stored.response,
        )
    return None


def _facts(work: Work, position: Position, forgiven: int) -> ExitFacts:
    image, now_us = work.image, work.now_us
    market = image.markets[position.symbol]
    day = now_us // DAY_US
    return ExitFacts(
        halted=market.halted,
        stale=is_stale(market, work.settings, now_us),
        withdrawals_suspended=image.venue.withdrawals_suspended,
        close_failures=image.close_failures.get(position.symbol, 0),
        queue_age_us=image.queue_age_us(now_us),
        age_us=now_us - position.opened_at_us,
        wallet_exits_today=image.exits_of(position.wallet, day),
        forgiven_today=image.forgiven_by_day.get(day, 0),
        forgiven_now=forgiven,
        treasury=image.balance(TREASURY),
    )


def _refund(work: Work, position: Position, forgiven: int) -> None:
    available = account_id(work.image.wallets[position.wallet], _AVAILABLE)
    reserved = available + _RESERVED_BESIDE
    work.post(_EXIT, reserved, available, position.margin, position.id)
    work.exit(position, forgiven)


def _cover(work: Work, position: Position, forgiven: int) -> None:
    amount = min(forgiven, work.image.balance(INSURANCE))
    if amount:
        work.post(Code.COVER, INSURANCE, TREASURY, amount, position.id)
        work.drain()


def void_market(work: Work, command: VoidMarket) -> Voided | Refused:
    """Refund every open position of a market in one event and halt it."""
    market = work.image.markets.get(command.symbol)
    if market is None:
        return Refused(reason=Reason.UNKNOWN_SYMBOL, message=f"Unknown symbol {command.symbol}")
    event_id = work.begin()
    work.set_market(market._replace(halted=True))
    positions = sorted(work.image.open_in[command.symbol].values(), key=lambda position: position.id)
    for position in positions:
        _refund(work, position, 0)
    return Voided(event_id=event_id, refunded=tuple((position.id, position.margin) for position in positions))
