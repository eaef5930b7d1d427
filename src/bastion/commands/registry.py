"""Registry: every verb with the act that it is; `commands` exports the verbs of this table and no others.

Going through the table is what puts a call into the audit journal. A new verb is added here with its act; the
tests draw the scope matrix and the confused-deputy suite from `VERBS`, and fail while a verb that `commands`
exports is missing.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from bastion.commands.audit import audit_records as _audit_records
from bastion.commands.audit import verify_journals as _verify_journals
from bastion.commands.balance import balance as _balance
from bastion.commands.breakeven import move_to_breakeven as _move_to_breakeven
from bastion.commands.certificate import certificate as _certificate
from bastion.commands.doctor import doctor as _doctor
from bastion.commands.engine import engine_arm as _engine_arm
from bastion.commands.engine import engine_disarm as _engine_disarm
from bastion.commands.engine import engine_start as _engine_start
from bastion.commands.engine_status import engine_status as _engine_status
from bastion.commands.exchanges import exchanges as _exchanges
from bastion.commands.exit import emergency_exit as _emergency_exit
from bastion.commands.exit import exit_status as _exit_status
from bastion.commands.exit import resume_exit as _resume_exit
from bastion.commands.exits_list import list_exits as _list_exits
from bastion.commands.flatten import flatten_winners as _flatten_winners
from bastion.commands.halt import halt as _halt
from bastion.commands.halt import halt_status as _halt_status
from bastion.commands.kill_switch import kill_switch as _kill_switch
from bastion.commands.latch import reset as _reset
from bastion.commands.noting import Ask, audited
from bastion.commands.partial import partial_close as _partial_close
from bastion.commands.positions import positions as _positions
from bastion.commands.preview import preview as _preview
from bastion.commands.protective import set_stop_loss as _set_stop_loss
from bastion.commands.protective import set_take_profit as _set_take_profit
from bastion.commands.refund import preview_refund as _preview_refund
from bastion.commands.refund import refund as _refund
from bastion.commands.refund import review_refund as _review_refund
from bastion.commands.session import alerts as _alerts
from bastion.commands.session import engine_history as _engine_history
from bastion.commands.session import session_stats as _session_stats
from bastion.commands.status import status as _status
from bastion.commands.supported import supported_symbols as _supported_symbols
from bastion.domain.act import Act
from bastion.shape import dataclass

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb: its name in `commands`, the act that it is, and what the surfaces call."""

    name: str
    act: Act
    ask: Callable[..., Coroutine[Any, Any, Any]]


_table: list[Verb] = []


def _verb(act: Act, call: Ask[P, R]) -> Ask[P, R]:
    ask = audited(act, call)
    _table.append(Verb(name=call.__name__, act=act, ask=ask))
    return ask


alerts = _verb(Act.ALERTS, _alerts)
audit_records = _verb(Act.AUDIT, _audit_records)
balance = _verb(Act.BALANCE, _balance)
doctor = _verb(Act.DOCTOR, _doctor)
certificate = _verb(Act.CERTIFICATE, _certificate)
emergency_exit = _verb(Act.EXIT, _emergency_exit)
engine_arm = _verb(Act.ENGINE_ARM, _engine_arm)
engine_disarm = _verb(Act.ENGINE_DISARM, _engine_disarm)
engine_history = _verb(Act.ENGINE_HISTORY, _engine_history)
engine_start = _verb(Act.ENGINE_START, _engine_start)
engine_status = _verb(Act.ENGINE_STATUS, _engine_status)
exchanges = _verb(Act.EXCHANGES, _exchanges)
exit_status = _verb(Act.EXIT_STATUS, _exit_status)
kill_switch = _verb(Act.KILL_SWITCH, _kill_switch)
flatten_winners = _verb(Act.FLATTEN_WINNERS, _flatten_winners)
halt = _verb(Act.HALT, _halt)
halt_status = _verb(Act.EXIT_STATUS, _halt_status)
list_exits = _verb(Act.EXIT_STATUS, _list_exits)
move_to_breakeven = _verb(Act.BREAKEVEN, _move_to_breakeven)
partial_close = _verb(Act.PARTIAL_CLOSE, _partial_close)
positions = _verb(Act.POSITIONS, _positions)
preview = _verb(Act.PREVIEW, _preview)
preview_refund = _verb(Act.REFUND_PREVIEW, _preview_refund)
refund = _verb(Act.REFUND, _refund)
reset = _verb(Act.RESET, _reset)
resume_exit = _verb(Act.EXIT, _resume_exit)
review_refund = _verb(Act.REFUND_REVIEW, _review_refund)
session_stats = _verb(Act.SESSION_STATS, _session_stats)
set_stop_loss = _verb(Act.STOP_LOSS, _set_stop_loss)
set_take_profit = _verb(Act.TAKE_PROFIT, _set_take_profit)
status = _verb(Act.STATUS, _status)
supported_symbols = _verb(Act.SUPPORTED_SYMBOLS, _supported_symbols)
verify_journals = _verb(Act.AUDIT, _verify_journals)

VERBS: tuple[Verb, ...] = tuple(_table)
"""The whole table, by the names of the verbs."""
