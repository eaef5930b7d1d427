"""Commands: the verbs; every surface calls these and nothing deeper."""

from bastion.commands.balance import BalanceReport, balance
from bastion.commands.breakeven import move_to_breakeven
from bastion.commands.desk import Desk
from bastion.commands.engine import engine_arm, engine_disarm, engine_start
from bastion.commands.engine_status import engine_status
from bastion.commands.engine_telling import (
    AlertsReport,
    EngineArmReport,
    EngineDisarmReport,
    EngineHistoryReport,
    EngineStartReport,
    EngineStatusReport,
    KillSwitchReport,
    SessionStatsReport,
)
from bastion.commands.exchanges import ExchangesReport, exchanges
from bastion.commands.exit import emergency_exit, exit_status, recover, resume_exit
from bastion.commands.exits_list import ExitLine, ExitsReport, list_exits
from bastion.commands.kill_switch import kill_switch
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
from bastion.commands.session import alerts, engine_history, session_stats
from bastion.commands.status import AccountStatus, StatusReport, status
from bastion.commands.visible import visible
from bastion.commands.symbols import pair_form

__all__ = [
    "AccountStatus",
    "AlertsReport",
    "BalanceReport",
    "BreakevenReport",
    "Desk",
    "EngineArmReport",
    "EngineDisarmReport",
    "EngineHistoryReport",
    "EngineStartReport",
    "EngineStatusReport",
    "ExchangesReport",
    "ExitLine",
    "ExitsReport",
    "KillSwitchReport",
    "PositionRow",
    "PositionsReport",
    "RefundPreview",
    "RefundReport",
    "RefundReview",
    "SessionStatsReport",
    "StatusReport",
    "StopLossReport",
    "TakeProfitReport",
    "UnreadAccount",
    "alerts",
    "balance",
    "check_access",
    "emergency_exit",
    "engine_arm",
    "engine_disarm",
    "engine_history",
    "engine_start",
    "engine_status",
    "exchanges",
    "exit_status",
    "kill_switch",
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
    "session_stats",
    "set_stop_loss",
    "set_take_profit",
    "status",
    "visible",
]
