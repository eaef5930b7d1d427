"""Settings: every limit of the engine, with its default and unit."""

from dataclasses import field
from decimal import Decimal

from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """Where the guards warn and act, in percent; the defaults are those that traders use.

    The drawdown from the high-water mark acts at `drawdown_exit_pct` when both the drawdown and its average
    over `drawdown_average_s` have reached it, and at `drawdown_fast_pct` at once. The liquidation distance
    acts at `liquidation_exit_pct` or less. A warning comes earlier; an episode is over at the `clear` figure.
    """

    drawdown_warn_pct: Decimal = Decimal(10)
    drawdown_high_pct: Decimal = Decimal(15)
    drawdown_exit_pct: Decimal = Decimal(20)
    drawdown_fast_pct: Decimal = Decimal(25)
    drawdown_clear_pct: Decimal = Decimal(18)
    drawdown_average_s: int = 300
    liquidation_warn_pct: Decimal = Decimal(8)
    liquidation_exit_pct: Decimal = Decimal(3)
    liquidation_clear_pct: Decimal = Decimal(4)

    def wrong(self) -> str:
        """Return what does not fit together, in words; empty when everything does."""
        if not self.drawdown_warn_pct <= self.drawdown_high_pct <= self.drawdown_exit_pct:
            return "drawdown_warn_pct, drawdown_high_pct and drawdown_exit_pct must rise in this order"
        if self.drawdown_fast_pct < self.drawdown_exit_pct:
            return "drawdown_fast_pct must be at least drawdown_exit_pct"
        if self.drawdown_clear_pct > self.drawdown_exit_pct:
            return "drawdown_clear_pct must be at most drawdown_exit_pct"
        if self.liquidation_clear_pct < self.liquidation_exit_pct:
            return "liquidation_clear_pct must be at least liquidation_exit_pct"
        if self.liquidation_warn_pct < self.liquidation_exit_pct:
            return "liquidation_warn_pct must be at least liquidation_exit_pct"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The rhythm of the engine; the unit stands last in each name.

    The accounts are read every `poll_s`, every `near_poll_s` while a guard warns, and advice is given every
    `advice_s`. A guard acts when `confirm_reads` complete readings in a row tripped it, none of them within
    `warm_up_s` of the start or the arming, and at most `acts_a_day_max` times in a UTC day. Where
    `act_advice` is False, an armed engine carries out its guards' trips alone.
    """

    limits: GuardLimits = field(default_factory=GuardLimits)
    poll_s: float = 10.0
    near_poll_s: float = 5.0
    advice_s: int = 120
    warm_up_s: float = 60.0
    confirm_reads: int = 2
    acts_a_day_max: int = 3
    advice_acts_a_day_max: int = 20
    data_alert_s: int = 60
    record_deadline_s: float = 2.0
    host_retry_s: float = 1.0
    fills_deadline_s: float = 8.0
    act_advice: bool = True
