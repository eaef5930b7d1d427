"""Balance: what an account is worth, and what of it could still back a position."""

from decimal import Decimal

from bastion.domain.money import Usd
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinHeld:
    """A coin other than a US stablecoin that an account holds; `value_usd` is None where nobody told it."""

    coin: str
    quantity: Decimal
    value_usd: Usd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An account's worth in US dollars by the venue's own figures.

    `total_usd` is the equity: wallet and open profit or loss together, where the venue counts so.
    `available_usd` is what could be bound as margin now; None where the venue does not say. `notes` tell how
    the figures came about where that is not plain: a coin valued at its index price, a part left out. `coins`
    are what of it can lose value; None where the venue's answer does not tell its coins apart.
    """

    total_usd: Usd
    available_usd: Usd | None
    notes: tuple[str, ...] = ()
    coins: tuple[CoinHeld, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralRead:
    """A record: which coins of an account can lose value; `trouble` says why that is not known."""

    exit_id: str
    account: str
    run: int
    begun_ns: int
    coins: tuple[CoinHeld, ...] = ()
    trouble: str = ""
