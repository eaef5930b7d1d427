"""Decide: which function answers which command."""

from collections.abc import Callable
from typing import Any, Final

from bastion.paper.strike import cash, operation, refunds, trading
from bastion.paper.strike.commands import (
    Close,
    Command,
    Deposit,
    EmergencyExit,
    Endow,
    Fund,
    Open,
    ResultT,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
    Withdraw,
)
from bastion.paper.strike.results import Refused
from bastion.paper.strike.work import Work

_DECISIONS: Final[dict[type[Any], Callable[[Work, Any], Any]]] = {
    Open: trading.open_position,
    Close: trading.close_position,
    EmergencyExit: refunds.emergency_exit,
    VoidMarket: refunds.void_market,
    Deposit: cash.deposit,
    Withdraw: cash.withdraw,
    Endow: cash.endow,
    Tick: operation.tick,
    Fund: operation.fund,
    SetHalted: operation.set_halted,
    SetWithdrawals: operation.set_withdrawals,
}


def decide(work: Work, command: Command[ResultT]) -> ResultT | Refused:
    """Decide one command against the writer's image; a refusal has changed nothing."""
    result: ResultT | Refused = _DECISIONS[type(command)](work, command)
    return result
