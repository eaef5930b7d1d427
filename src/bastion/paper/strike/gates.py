"""Gates: the conditions that an operator may attach to exits. None is on by default."""

from dataclasses import dataclass

from bastion.paper.strike.results import Reason, Refused
from bastion.paper.strike.settings import Circumstances, Gates


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitFacts:
    """What the gates look at, taken inside the transaction of the exit. Amounts in micro-USD."""

    halted: bool
    stale: bool
    withdrawals_suspended: bool
    close_failures: int
    queue_age_us: int
    age_us: int
    wallet_exits_today: int
    forgiven_today: int
    forgiven_now: int
    treasury: int


def check_exit(gates: Gates, facts: ExitFacts) -> Refused | None:
    """Pass an exit (None) or say which gate holds it and when it opens."""
    if gates.circumstances is not None and not _exceptional(gates.circumstances, facts):
        return Refused(
            reason=Reason.GATE_CIRCUMSTANCES,
            message="Emergency exit is open only while normal closing is impaired; use close instead",
        )
    if gates.age_us_min is not None and facts.age_us < gates.age_us_min:
        left_s = -(-(gates.age_us_min - facts.age_us) // 1_000_000)
        return Refused(
            reason=Reason.GATE_AGE, message=f"Emergency exit opens for this position in {left_s} s"
        )
    cap = gates.wallet_exits_a_day_max
    if cap is not None and facts.wallet_exits_today >= cap:
        return Refused(
            reason=Reason.GATE_WALLET_CAP,
            message=f"This wallet has used its {cap} emergency exits of the day (UTC)",
        )
    share = gates.forgiven_share_of_treasury_max
    if share is not None and facts.forgiven_now:
        after = facts.forgiven_today + facts.forgiven_now
        if after > share * facts.treasury:
            return Refused(
                reason=Reason.GATE_GLOBAL_CAP,
                message="The venue's emergency exits of the day (UTC) are used up; use close instead",
            )
    return None


def _exceptional(rule: Circumstances, facts: ExitFacts) -> bool:
    return (
        facts.halted
        or facts.stale
        or facts.withdrawals_suspended
        or facts.close_failures >= rule.close_failures
        or facts.queue_age_us > rule.queue_age_us
    )
