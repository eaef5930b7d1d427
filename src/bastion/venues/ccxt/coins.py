"""Coins: what of a balance can lose value, as the venues that list their coins tell it."""

from bastion.domain.balance import CoinHeld
from bastion.domain.money import ZERO, Usd
from bastion.venues.raw import STABLECOINS, Row


def coins_of(row: Row, rows: str, *, name: str, quantity: str, value: str) -> tuple[CoinHeld, ...] | None:
    """Return the coins of a balance other than US stablecoins; None where the answer lists none at all.

    `rows` names the list, the others its fields.
    """
    if row.raw(rows) is None:
        return None
    found = []
    for coin in row.rows(rows):
        held = coin.decimal_or_none(quantity)
        if held is None or held == ZERO or coin.text_or(name) in STABLECOINS:
            continue
        worth = coin.decimal_or_none(value)
        found.append(
            CoinHeld(coin=coin.text_or(name), quantity=held, value_usd=None if worth is None else Usd(worth))
        )
    return tuple(found)
