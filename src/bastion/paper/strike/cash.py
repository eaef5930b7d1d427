"""Cash: money that crosses the venue's border: deposits, withdrawals, endowments."""

from bastion.paper.strike.commands import Deposit, Endow, Purse, Withdraw
from bastion.paper.strike.draft import Movement
from bastion.paper.strike.ledger import CUSTODY, INSURANCE, ROW_MICRO_MAX, TREASURY, Code, Kind
from bastion.paper.strike.money import AMOUNT_MICRO_MAX
from bastion.paper.strike.results import Endowed, Moved, Reason, Refused
from bastion.paper.strike.work import Work

_BAD_AMOUNT = Refused(
    reason=Reason.BAD_AMOUNT, message="The amount must be above 0 and at most 1000000000 USD"
)
_CONFLICT = Refused(
    reason=Reason.TRANSACTION_CONFLICT,
    message="This transaction hash is recorded with other details",
)


def deposit(work: Work, command: Deposit) -> Moved | Refused:
    """Credit a verified deposit, once for each transaction hash."""
    earlier = _recorded(work, Code.DEPOSIT, command)
    if earlier is not None:
        return earlier
    refusal = _check_inflow(work, command.amount)
    if refusal is not None:
        return refusal
    event_id = work.begin()
    work.admit(command.wallet)
    available = work.account(command.wallet, Kind.AVAILABLE)
    work.post(Code.DEPOSIT, CUSTODY, available, command.amount)
    return _record(work, Code.DEPOSIT, command, event_id)


def withdraw(work: Work, command: Withdraw) -> Moved | Refused:
    """Debit a withdrawal from the withdrawable balance, once for each transaction hash."""
    earlier = _recorded(work, Code.WITHDRAWAL, command)
    if earlier is not None:
        return earlier
    if not 0 < command.amount <= AMOUNT_MICRO_MAX:
        return _BAD_AMOUNT
    if work.image.venue.withdrawals_suspended:
        return Refused(reason=Reason.WITHDRAWALS_SUSPENDED, message="Withdrawals are suspended")
    if work.image.held(command.wallet, Kind.AVAILABLE) < command.amount:
        return Refused(
            reason=Reason.INSUFFICIENT_BALANCE, message="Insufficient withdrawable balance for this amount"
        )
    event_id = work.begin()
    available = work.account(command.wallet, Kind.AVAILABLE)
    work.post(Code.WITHDRAWAL, available, CUSTODY, command.amount)
    return _record(work, Code.WITHDRAWAL, command, event_id)


def endow(work: Work, command: Endow) -> Endowed | Refused:
    """Add the operator's money to the treasury (then pay the queue) or to the insurance fund."""
    refusal = _check_inflow(work, command.amount)
    if refusal is not None:
        return refusal
    event_id = work.begin()
    to_treasury = command.purse is Purse.TREASURY
    work.post(Code.ENDOWMENT, CUSTODY, TREASURY if to_treasury else INSURANCE, command.amount)
    if to_treasury:
        work.drain()
    return Endowed(event_id=event_id, amount=command.amount)


def _check_inflow(work: Work, amount: int) -> Refused | None:
    if not 0 < amount <= AMOUNT_MICRO_MAX:
        return _BAD_AMOUNT
    if work.image.debits[CUSTODY] + amount > ROW_MICRO_MAX:
        return Refused(reason=Reason.LEDGER_FULL, message="The venue's ledger takes no more deposits")
    return None


def _recorded(work: Work, code: Code, command: Deposit | Withdraw) -> Moved | Refused | None:
    known = work.image.movements.get(command.tx_hash)
    if known is None:
        return None
    told = (int(code), command.wallet, command.amount, command.stated_at_us)
    if told != (known.kind, known.wallet, known.amount, known.stated_at_us):
        return _CONFLICT
    return Moved(
        event_id=known.event_id,
        wallet=known.wallet,
        amount=known.amount,
        tx_hash=known.tx_hash,
        replayed=True,
    )


def _record(work: Work, code: Code, command: Deposit | Withdraw, event_id: int) -> Moved:
    work.record(
        Movement(
            command.tx_hash,
            int(code),
            command.wallet,
            command.amount,
            command.stated_at_us,
            work.now_us,
            event_id,
        )
    )
    return Moved(event_id=event_id, wallet=command.wallet, amount=command.amount, tx_hash=command.tx_hash)
