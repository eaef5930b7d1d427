"""Act: everything that can be asked of the desk, with the scope that it needs."""

from enum import StrEnum

from bastion.domain.principal import Scope


class Act(StrEnum):
    """One thing that a principal can ask for; every verb of `commands` is exactly one of them."""

    POSITIONS = "positions"
    BALANCE = "balance"
    EXCHANGES = "exchanges"
    SUPPORTED_SYMBOLS = "supported_symbols"
    ALERTS = "alerts"
    SESSION_STATS = "session_stats"
    STATUS = "status"
    EXIT_STATUS = "exit_status"
    PREVIEW = "preview"
    CERTIFICATE = "certificate"
    ENGINE_STATUS = "engine_status"
    ENGINE_HISTORY = "engine_history"
    REFUND_PREVIEW = "refund_preview"
    REFUND_REVIEW = "refund_review"
    AUDIT = "audit"
    DOCTOR = "doctor"

    EXIT = "exit"
    KILL_SWITCH = "kill_switch"
    HALT = "halt"
    FLATTEN_WINNERS = "flatten_winners"
    PARTIAL_CLOSE = "partial_close"
    TAKE_PROFIT = "set_take_profit"
    STOP_LOSS = "set_stop_loss"
    BREAKEVEN = "move_to_breakeven"
    REFUND = "refund"

    ENGINE_START = "engine_start"
    ENGINE_ARM = "engine_arm"
    ENGINE_DISARM = "engine_disarm"
    RESET = "reset"

    @property
    def scope(self) -> Scope:
        """The least scope of a key that may ask for it."""
        return _SCOPES[self]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, at no venue and not here."""
        return self not in _TRADING | _STEERING

    @property
    def stops(self) -> bool:
        """Whether it only ever stops: such an act has its own bucket of requests and is never held up."""
        return self in STOPPING


_TRADING = frozenset(
    {
        Act.EXIT,
        Act.KILL_SWITCH,
        Act.HALT,
        Act.FLATTEN_WINNERS,
        Act.PARTIAL_CLOSE,
        Act.TAKE_PROFIT,
        Act.STOP_LOSS,
        Act.BREAKEVEN,
        Act.REFUND,
    }
)
_STEERING = frozenset({Act.ENGINE_START, Act.ENGINE_ARM, Act.ENGINE_DISARM, Act.RESET})
# Who reads what everybody asked for must be trusted with everything.
_GUARDED_READS = frozenset({Act.AUDIT})
_SCOPES = {
    act: Scope.ENGINE if act in _STEERING | _GUARDED_READS else Scope.TRADE if act in _TRADING else Scope.READ
    for act in Act
}

STOPPING = frozenset({Act.EXIT, Act.KILL_SWITCH, Act.HALT, Act.ENGINE_DISARM})
"""What a key that is restricted to stopping (`--only exit`) may do, beside reading how it stands."""

STOPPING_READS = frozenset({Act.STATUS, Act.EXIT_STATUS, Act.ENGINE_STATUS})
"""The reads that belong to stopping."""
