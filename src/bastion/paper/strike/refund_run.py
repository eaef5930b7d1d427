"""Refund run: many plain emergency exits in a row, decided in one pass.

In the hour that this venue is built for, a batch is nothing but exits. `exit_run` answers them exactly as
`refunds.emergency_exit` answers each (a test compares the two, draft by draft), but looks up what they share
once, and moves the accounts and the sums once for all of them.
"""

from collections.abc import Iterable
from typing import Any, Final

from bastion.paper.strike.commands import Command, EmergencyExit
from bastion.paper.strike.ledger import Code, Kind, TransferRow
from bastion.paper.strike.margin import pnl_of
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.results import Exited, Refused
from bastion.paper.strike.trading import find_open
from bastion.paper.strike.work import Work

_OPEN: Final = Status.OPEN
_EXITED: Final = Status.EXITED
_EXIT: Final = int(Code.EXIT)
_AVAILABLE: Final = int(Kind.AVAILABLE)
_RESERVED_BESIDE: Final = int(Kind.RESERVED) - int(Kind.AVAILABLE)
_KINDS: Final = 10


def is_plain(command: Command[Any]) -> bool:
    """Return whether the command is an exit whose answer need not be remembered."""
    return type(command) is EmergencyExit and command.idempotency is None


def exit_run(work: Work, commands: Iterable[Any]) -> list[Exited | Refused]:
    """Decide plain exits (`is_plain`) in their order, all at `work.now_us`, on a venue without gates."""
    image, now_us = work.image, work.now_us
    positions, numbers = image.positions, image.wallets
    marks = {symbol: market.mark for symbol, market in image.markets.items()}
    event_id, transfer = image.venue.event_last, image.transfer_last
    debits: dict[int, int] = {}
    credits_: dict[int, int] = {}
    ended: list[Position] = []
    transfers: list[TransferRow] = []
    answers: list[Exited | Refused] = []
    new = tuple.__new__
    for command in commands:
        position = positions.get(command.position_id)
        if position is None or position[9] is not _OPEN or position[1] not in command.wallets:
            refusal = find_open(work, command.wallets, command.position_id)
            if isinstance(refusal, Refused):
                answers.append(refusal)
            continue
        terms = position[:9]
        number, wallet, symbol, side, margin, leverage, entry, _, _ = terms
        mark, forgiven = marks[symbol], 0
        if mark is not None:
            loss = -pnl_of(side, margin, leverage, entry, mark) - position[10]
            forgiven = 0 if loss <= 0 else min(margin, loss)
        # A named tuple's own constructor is a Python function and costs twice as much.
        exited = new(Position, (*terms, _EXITED, 0, None, 0, 0, 0, forgiven, None, now_us))
        positions[number] = exited
        ended.append(exited)
        event_id += 1
        transfer += 1
        available = numbers[wallet] * _KINDS + _AVAILABLE
        reserved = available + _RESERVED_BESIDE
        transfers.append((transfer, event_id, 1, _EXIT, reserved, available, margin, number, now_us))
        debits[reserved] = debits.get(reserved, 0) + margin
        credits_[available] = credits_.get(available, 0) + margin
        answers.append(new(Exited, (event_id, number, wallet, margin, False, b"")))
    if ended:
        work.take_run(event_id, transfers, ended, debits, credits_)
    return answers
