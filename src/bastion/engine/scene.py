"""Scene: all that the guards and the rules of advice may know of one moment; pure values."""

from decimal import Decimal

from bastion.domain.account import Account
from bastion.domain.engine import Action, GuardReading, Severity, Target
from bastion.domain.money import ZERO, Usd
from bastion.domain.position import Position
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One open position and the account that holds it."""

    account: Account
    position: Position
    symbol: str
    stopped: bool = False
    """Whether an order that can only reduce waits for a trigger on it."""

    @property
    def target(self) -> Target:
        """What names this position in answers."""
        return Target(
            account=self.account.name,
            exchange=self.account.venue,
            symbol=self.symbol,
            side=self.position.side,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The equity's memory: its high-water mark, and the average of the drawdown (percent) at `at_ns`."""

    high_water_usd: Usd
    average_pct: Decimal
    at_ns: int
    step_usd: Usd = Usd(ZERO)
    """A step in the cash that was seen once, and is a transfer when the next reading shows it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One moment: `at_ns` UTC. `unread` names the accounts that were not read completely, each with why.

    `equity_usd` is the sum over all accounts that tell theirs, None where one of them did not; `left_out`
    names the accounts that never tell. `memory` already knows this moment's equity.
    """

    at_ns: int
    held: tuple[Held, ...]
    unread: tuple[tuple[str, str], ...] = ()
    equity_usd: Usd | None = None
    equity_why: str = ""
    left_out: tuple[str, ...] = ()
    memory: Drawdown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """The guard's limit is not reached. `settled` says that it is far enough away to end an episode."""

    reading: GuardReading
    settled: bool
    severity: Severity | None = None
    """How much a warning matters, where the figure is beyond the warning level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """The guard's limit is reached; `act` is what an armed engine does to the reading's target."""

    reading: GuardReading
    act: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """The guard had no data: it is not evaluated, which is neither clear nor tripped.

    `expected` says that the figure does not exist by the venue's rules, so that nobody needs to be alerted.
    """

    reading: GuardReading
    expected: bool = False


Finding = Clear | Trip | Blind
