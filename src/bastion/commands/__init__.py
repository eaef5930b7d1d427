"""Commands: the verbs; every surface calls these and nothing deeper."""

from bastion.commands.balance import BalanceReport, balance
from bastion.commands.breakeven import move_to_breakeven
from bastion.commands.desk import Desk
from bastion.commands.exchanges import ExchangesReport, exchanges
from bastion.commands.exit import emergency_exit, exit_status, recover, resume_exit
from bastion.commands.exits_list import ExitLine, ExitsReport, list_exits
from bastion.commands.positions import (
    PositionRow,
    PositionsReport,
    UnreadAccount,
    check_access,
    moment,
    positions,
)
from bastion.commands.protective import set_stop_loss, set_take_profit
from bastion.commands.protective_telling import BreakevenReport, StopLossReport, TakeProfitReport
from bastion.commands.refund import preview_refund, refund, review_refund
from bastion.commands.refund_telling import RefundPreview, RefundReport, RefundReview
from bastion.commands.status import AccountStatus, StatusReport, status
from bastion.commands.symbols import pair_form

__all__ = [
    "AccountStatus",
    "BalanceReport",
    "BreakevenReport",
    "Desk",
    "ExchangesReport",
    "ExitLine",
    "ExitsReport",
    "PositionRow",
    "PositionsReport",
    "RefundPreview",
    "RefundReport",
    "RefundReview",
    "StatusReport",
    "StopLossReport",
    "TakeProfitReport",
    "UnreadAccount",
    "balance",
    "check_access",
    "emergency_exit",
    "exchanges",
    "exit_status",
    "list_exits",
    "moment",
    "move_to_breakeven",
    "pair_form",
    "positions",
    "preview_refund",
    "recover",
    "refund",
    "resume_exit",
    "review_refund",
    "set_stop_loss",
    "set_take_profit",
    "status",
]
