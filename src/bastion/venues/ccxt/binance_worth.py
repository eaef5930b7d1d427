"""Binance worth: what the coins of an account add up to, the same for USD-M, COIN-M and Portfolio Margin."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from bastion.domain.balance import Balance, CoinHeld
from bastion.domain.money import ZERO, Usd
from bastion.shape import dataclass
from bastion.venues.raw import STABLECOINS, Row, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account has of one coin: with the open results, and what of it could be taken out."""

    coin: str
    total: Decimal
    available: Decimal


def holdings(assets: Iterable[Row]) -> tuple[Holding, ...]:
    """Return the rows of `assets` (Account Information of USD-M and of COIN-M) in which there is anything."""
    found = (
        Holding(
            coin=row.text("asset"),
            total=row.decimal("marginBalance"),
            available=row.decimal("availableBalance"),
        )
        for row in assets
    )
    return tuple(holding for holding in found if holding.total or holding.available)


def summed(held: Sequence[Holding], rates: Sequence[Decimal]) -> Balance:
    """Return the sum in US dollars, each coin at its rate, and by name what of it can lose value."""
    priced = list(zip(held, rates, strict=True))
    return Balance(
        total_usd=Usd(sum((one.total * rate for one, rate in priced), ZERO)),
        available_usd=Usd(sum((one.available * rate for one, rate in priced), ZERO)),
        notes=tuple(
            f"{one.coin} at the index price of {plain(rate)} USD"
            for one, rate in priced
            if one.coin not in STABLECOINS
        ),
        coins=tuple(_coin(one, rate) for one, rate in priced if can_lose(one)),
    )


def unpriced(held: Iterable[Holding]) -> tuple[CoinHeld, ...]:
    """Return by name what can lose value, where the venue tells the sum and no price was asked for."""
    return tuple(_coin(one, None) for one in held if can_lose(one))


def can_lose(holding: Holding) -> bool:
    """Return whether the coin is market risk: US stablecoins are taken as dollars."""
    return holding.coin not in STABLECOINS and holding.total != ZERO


def _coin(holding: Holding, rate: Decimal | None) -> CoinHeld:
    value = None if rate is None else Usd(holding.total * rate)
    return CoinHeld(coin=holding.coin, quantity=holding.total, value_usd=value)
