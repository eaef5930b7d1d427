"""Commands: the verbs; every surface calls these and nothing deeper."""

from bastion.commands.desk import Desk
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
from bastion.commands.refund import preview_refund, refund, review_refund
from bastion.commands.refund_telling import RefundPreview, RefundReport, RefundReview
from bastion.commands.status import AccountStatus, StatusReport, status

__all__ = [
    "AccountStatus",
    "Desk",
    "ExitLine",
    "ExitsReport",
    "PositionRow",
    "PositionsReport",
    "RefundPreview",
    "RefundReport",
    "RefundReview",
    "StatusReport",
    "UnreadAccount",
    "check_access",
    "emergency_exit",
    "exit_status",
    "list_exits",
    "moment",
    "positions",
    "preview_refund",
    "recover",
    "refund",
    "resume_exit",
    "review_refund",
    "status",
]
