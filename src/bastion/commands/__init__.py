"""Commands: the verbs; every surface calls these and nothing deeper.

A verb is imported from `registry`, whose table puts each call into the audit journal; the report dataclasses
come from where they stand.
"""

from bastion.commands.asking import asked_before
from bastion.commands.audit import AuditReport, AuditRow, VerifyReport, audit_warnings, verdict_on
from bastion.commands.balance import BalanceReport
from bastion.commands.certificate import (
    CertificateCheck,
    CertificateReport,
    certificate_text,
    check_certificate,
    issue_certificate,
)
from bastion.commands.claim import ClaimReport, claim, claim_text
from bastion.commands.desk import Desk
from bastion.commands.doctor import Check, DoctorReport, Finding, HostFacts
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
from bastion.commands.exchanges import ExchangesReport
from bastion.commands.exit import recover
from bastion.commands.exits_list import ExitLine, ExitsReport
from bastion.commands.latch import LatchReport, ResetReport, latch
from bastion.commands.noting import note_refused_key
from bastion.commands.positions import PositionRow, PositionsReport, UnreadAccount, check_access, moment
from bastion.commands.preview_telling import PreviewReport
from bastion.commands.protective_telling import BreakevenReport, StopLossReport, TakeProfitReport
from bastion.commands.refund_telling import RefundPreview, RefundReport, RefundReview
from bastion.commands.registry import (
    VERBS,
    Verb,
    alerts,
    audit_records,
    balance,
    certificate,
    doctor,
    emergency_exit,
    engine_arm,
    engine_disarm,
    engine_history,
    engine_start,
    engine_status,
    exchanges,
    exit_status,
    flatten_winners,
    halt,
    halt_status,
    kill_switch,
    list_exits,
    move_to_breakeven,
    partial_close,
    positions,
    preview,
    preview_refund,
    refund,
    reset,
    resume_exit,
    review_refund,
    session_stats,
    set_stop_loss,
    set_take_profit,
    status,
    supported_symbols,
    verify_journals,
)
from bastion.commands.status import AccountStatus, StatusReport
from bastion.commands.supported import SymbolsReport
from bastion.commands.symbols import pair_form
from bastion.commands.visible import visible

__all__ = [
    "VERBS",
    "AccountStatus",
    "AlertsReport",
    "AuditReport",
    "AuditRow",
    "BalanceReport",
    "BreakevenReport",
    "CertificateCheck",
    "CertificateReport",
    "Check",
    "ClaimReport",
    "Desk",
    "DoctorReport",
    "EngineArmReport",
    "EngineDisarmReport",
    "EngineHistoryReport",
    "EngineStartReport",
    "EngineStatusReport",
    "ExchangesReport",
    "ExitLine",
    "ExitsReport",
    "Finding",
    "HostFacts",
    "KillSwitchReport",
    "LatchReport",
    "PositionRow",
    "PositionsReport",
    "PreviewReport",
    "RefundPreview",
    "RefundReport",
    "RefundReview",
    "ResetReport",
    "SessionStatsReport",
    "StatusReport",
    "StopLossReport",
    "SymbolsReport",
    "TakeProfitReport",
    "UnreadAccount",
    "Verb",
    "VerifyReport",
    "alerts",
    "asked_before",
    "audit_records",
    "audit_warnings",
    "balance",
    "certificate",
    "certificate_text",
    "check_access",
    "check_certificate",
    "claim",
    "claim_text",
    "doctor",
    "emergency_exit",
    "engine_arm",
    "engine_disarm",
    "engine_history",
    "engine_start",
    "engine_status",
    "exchanges",
    "exit_status",
    "flatten_winners",
    "halt",
    "halt_status",
    "issue_certificate",
    "kill_switch",
    "latch",
    "list_exits",
    "moment",
    "move_to_breakeven",
    "note_refused_key",
    "pair_form",
    "partial_close",
    "positions",
    "preview",
    "preview_refund",
    "recover",
    "refund",
    "reset",
    "resume_exit",
    "review_refund",
    "session_stats",
    "set_stop_loss",
    "set_take_profit",
    "status",
    "supported_symbols",
    "verdict_on",
    "verify_journals",
    "visible",
]
