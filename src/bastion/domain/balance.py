"""Balance: what an account is worth, and what of it could still back a position."""

from dataclasses import dataclass

from bastion.domain.money import Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An account's worth in US dollars by the venue's own figures.

    `total_usd` is the equity: wallet and open profit or loss together, where the venue counts so.
    `available_usd` is what could be bound as margin now; None where the venue does not say. `notes` tell how
    the figures came about where that is not plain: a coin valued at its index price, a part left out.
    """

    total_usd: Usd
    available_usd: Usd | None
    notes: tuple[str, ...] = ()
