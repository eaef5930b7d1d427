"""Bybit witness: Get Wallet Balance beside the lists of positions.

Source: Bybit v5 "Get Wallet Balance": totalPositionIM of a coin is the sum of the initial margin of all its
positions and what is set aside for their liquidation fees; with portfolio margin it is an empty text, and
unrealisedPnl, which no coin without a position has, tells in its place.
"""

from collections.abc import Collection, Mapping

from bastion.venues.ccxt import bybit_rows as rows
from bastion.venues.ccxt.witness import Claim, margin_claim, profit_claim
from bastion.venues.raw import Answer, Row

METHOD = "privateGetV5AccountWalletBalance"
PARAMS: Mapping[str, object] = {"accountType": "UNIFIED"}
UNIT = "balance"


def positions_part(scope: str) -> str:
    """Return the name of the part that lists the positions of a scope, such as `linear/USDT` or `inverse`."""
    return f"positions {scope}"


def claims(answer: Answer, coins: Collection[str]) -> tuple[Claim, ...]:
    """Return what the wallet says is held; `coins` are those whose linear contracts have a list of their own.

    Raises:
        AnswerMalformed: a page of another shape.
    """
    found: list[Claim] = []
    for account in Row(answer.value, "wallet-balance").row("result").rows("list"):
        for row in account.rows("coin"):
            coin = row.text_or("coin")
            # Linear contracts and options are settled in their quote coin, inverse ones in their base coin.
            scopes = (f"{rows.LINEAR}/{coin}", rows.OPTION) if coin in coins else (rows.INVERSE,)
            parts, base = tuple(map(positions_part, scopes)), "" if coin in coins else coin
            margin = row.decimal_or_none("totalPositionIM")
            if margin is None:
                found.extend(profit_claim(row.decimal_or_none("unrealisedPnl"), coin, parts))
            else:
                found.extend(margin_claim(margin, coin, parts, base=base))
    return tuple(found)
